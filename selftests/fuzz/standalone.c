// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: what stands for libFuzzer where there is none: each file of a folder goes into the target,
 * then so many changed ones: bits and bytes, interesting numbers, pieces that are gone, doubled or
 * of another file. The same seed gives the same bytes on every machine.
 *
 *	fuzz_TARGET FOLDER|FILE [MUTATIONS [SEED]]
 *
 * Says how many there were. The bytes at which it ends badly are left in the file named by
 * FUZZ_FINDING, when that is set.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sanitizer/common_interface_defs.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#define MOST_FILES	2048
#define MOST_BYTES	((size_t)65536)
#define MOST_CHANGES	6

struct bytes {
	uint8_t *data;
	size_t size;
};

struct corpus {
	struct bytes files[MOST_FILES];
	size_t count;
};

/* What is tried now; the sanitizers' last call finds it here. */
static struct bytes current;

/* ---- Numbers that look like chance ---- */

static uint64_t state;

/* xorshift64*, Marsaglia and Vigna */
static uint64_t any(uint64_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return below ? (state * UINT64_C(2685821657736338717) >> 16) % below : 0;
}

/* ---- The corpus ---- */

static void add_file(struct corpus *corpus, const char *path)
{
	struct bytes *file = &corpus->files[corpus->count];
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &info) < 0 || corpus->count == MOST_FILES) {
		fprintf(stderr, "cannot use %s: %s\n", path, strerror(errno));
		exit(1);
	}
	file->size = (size_t)info.st_size;
	file->data = malloc(file->size + 1);
	require(file->data && read(fd, file->data, file->size) == info.st_size);
	close(fd);
	corpus->count++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the order of their names, so that a seed means the same everywhere. */
static void add_path(struct corpus *corpus, const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_visible, alphasort);

	if (count < 0 && errno == ENOTDIR)
		add_file(corpus, path);
	for (int i = 0; i < count; i++) {
		char name[PATH_MAX];

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		add_file(corpus, name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* ---- Changes ---- */

static void change_byte(struct bytes *bytes)
{
	uint8_t *byte = &bytes->data[any(bytes->size)];

	*byte = any(2) ? *byte ^ (uint8_t)(1U << any(8)) : (uint8_t)any(256);
}

static void change_number(struct bytes *bytes)
{
	static const uint64_t numbers[] = {
		0, 1, 7, 8, 40, 47, 48, 255, 256, 4096, 64000, 65535, 65536, INT32_MAX, UINT32_MAX,
		INT64_MAX, UINT64_MAX,
	};
	const size_t size = (size_t)1 << any(4), at = any(bytes->size);
	const uint64_t number = numbers[any(sizeof(numbers) / sizeof(numbers[0]))] +
				(any(4) ? 0 : any(3)) - 1;

	for (size_t i = 0; i < size && at + i < bytes->size; i++)
		bytes->data[at + i] = (uint8_t)(number >> (8 * i));
}

static void cut(struct bytes *bytes)
{
	const size_t at = any(bytes->size), size = 1 + any(bytes->size - at);

	memmove(bytes->data + at, bytes->data + at + size, bytes->size - at - size);
	bytes->size -= size;
}

static void insert(struct bytes *bytes, const struct bytes *from)
{
	const size_t at = any(bytes->size + 1), from_at = any(from->size);
	size_t size = 1 + any(from->size - from_at);
	uint8_t piece[256];

	if (size > sizeof(piece))
		size = sizeof(piece);
	if (from->size == 0 || bytes->size + size > MOST_BYTES)
		return;
	memcpy(piece, from->data + from_at, size);	/* it may be the same file */
	memmove(bytes->data + at + size, bytes->data + at, bytes->size - at);
	memcpy(bytes->data + at, piece, size);
	bytes->size += size;
}

static void change(struct bytes *bytes, const struct corpus *corpus)
{
	const uint64_t kind = any(8);

	if (kind == 0)
		insert(bytes, bytes);
	else if (kind == 1)
		insert(bytes, &corpus->files[any(corpus->count)]);
	else if (bytes->size == 0)
		bytes->data[bytes->size++] = (uint8_t)any(256);
	else if (kind == 2)
		cut(bytes);
	else if (kind < 5)
		change_number(bytes);
	else
		change_byte(bytes);
}

/* ---- Trying ---- */

static void keep_finding(void)
{
	const char *path = getenv("FUZZ_FINDING");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;

	if (fd < 0)
		return;
	if (write(fd, current.data, current.size) == (ssize_t)current.size)
		dprintf(2, "its bytes are in %s\n", path);
	close(fd);
}

/*
 * What require() ends with, too, is told to the sanitizers' last call. Freed memory is used again
 * sooner than usual, since an emulated machine takes long for each new page.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "handle_abort=1:abort_on_error=0:quarantine_size_mb=1:malloc_context_size=8";
}

/* Memory of exactly that size, as libFuzzer gives. */
static void try_bytes(const struct bytes *bytes)
{
	current.size = bytes->size;
	current.data = malloc(bytes->size);
	require(current.data || bytes->size == 0);
	if (bytes->size > 0)
		memcpy(current.data, bytes->data, bytes->size);
	LLVMFuzzerTestOneInput(current.data, current.size);
	free(current.data);
	current.data = NULL;
}

static void try_changed(const struct corpus *corpus)
{
	static uint8_t memory[MOST_BYTES + 1];
	const struct bytes *file = &corpus->files[any(corpus->count)];
	struct bytes bytes = { memory, file->size < MOST_BYTES ? file->size : MOST_BYTES };

	memcpy(memory, file->data, bytes.size);
	for (uint64_t left = 1 + any(MOST_CHANGES); left > 0; left--)
		change(&bytes, corpus);
	try_bytes(&bytes);
}

int main(int argc, char **argv)
{
	const uint64_t mutations = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	const uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	static struct corpus corpus;
	int output = dup(1);

	__sanitizer_set_death_callback(keep_finding);
	if (argc > 1)
		add_path(&corpus, argv[1]);
	if (corpus.count == 0) {
		fprintf(stderr, "usage: %s FOLDER|FILE [MUTATIONS [SEED]]\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < corpus.count; i++)
		try_bytes(&corpus.files[i]);
	state = seed ? seed : 1;
	for (uint64_t i = 0; i < mutations; i++)
		try_changed(&corpus);
	dprintf(output, "%zu files and %" PRIu64 " changed ones, seed %" PRIu64 "\n",
		corpus.count, mutations, seed);
	for (size_t i = 0; i < corpus.count; i++)
		free(corpus.files[i].data);
	return 0;
}
