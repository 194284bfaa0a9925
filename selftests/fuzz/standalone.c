// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: what stands for libFuzzer where there is none: all targets in one program, as kselftests.
 * Each input of a target's corpus goes into it, then so many changed ones: bits and bytes,
 * interesting numbers, pieces that are gone, doubled or of another input. The same seed gives the
 * same bytes on every machine. Each target has a process of its own, so that the others go on
 * without one that ended badly; the bytes with which it did are printed.
 *
 *	fuzz [MUTATIONS [SEED]]		the corpus is in fuzz_corpus.tar beside the program
 *	fuzz TARGET FILE		one input
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define CORPUS		"fuzz_corpus.tar"
#define MUTATIONS	500
#define SEED		1
#define SECONDS		120	/* after so many a target hangs */
#define MOST_FILES	4096
#define MOST_BYTES	((size_t)65536)
#define MOST_CHANGES	6

#define TARGET(name)	int fuzz_##name(const uint8_t *data, size_t size);
#include "targets.h"
#undef TARGET

static const struct target {
	const char *name;
	int (*test)(const uint8_t *data, size_t size);
} targets[] = {
#define TARGET(name)	{ #name, fuzz_##name },
#include "targets.h"
#undef TARGET
};

#define TARGETS	(sizeof(targets) / sizeof(targets[0]))

struct bytes {
	const uint8_t *data;
	size_t size;
};

/* The inputs of one target. */
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

static void give_up(const char *path)
{
	fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
	exit(1);
}

static struct bytes map_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;
	void *data;

	if (fd < 0 || fstat(fd, &info) < 0)
		give_up(path);
	if (info.st_size == 0)
		return (struct bytes) { NULL, 0 };
	data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (data == MAP_FAILED)
		give_up(path);
	close(fd);
	return (struct bytes) { data, (size_t)info.st_size };
}

/* A file has a header of 512 bytes, in which its name is first, and then whole blocks. */
#define BLOCK		((size_t)512)
#define NAME_SIZE	100
#define SIZE_AT		124
#define TYPE_AT		156

static void find_files(struct bytes tar, const char *target, struct corpus *corpus)
{
	char folder[64];

	snprintf(folder, sizeof(folder), "./%s/", target);
	corpus->count = 0;
	for (size_t at = 0; at + BLOCK <= tar.size && tar.data[at]; ) {
		const char *header = (const char *)tar.data + at;
		const size_t size = strtoul(header + SIZE_AT, NULL, 8);

		at += BLOCK;
		if (header[TYPE_AT] == '0' && strncmp(header, folder, strlen(folder)) == 0 &&
		    corpus->count < MOST_FILES)
			corpus->files[corpus->count++] = (struct bytes) { tar.data + at, size };
		at += (size + BLOCK - 1) / BLOCK * BLOCK;
	}
}

/* ---- Changes ---- */

/* An input while it is changed, with room for MOST_BYTES. */
struct draft {
	uint8_t *data;
	size_t size;
};

static void change_byte(struct draft *draft)
{
	uint8_t *byte = &draft->data[any(draft->size)];

	*byte = any(2) ? *byte ^ (uint8_t)(1U << any(8)) : (uint8_t)any(256);
}

static void change_number(struct draft *draft)
{
	static const uint64_t numbers[] = {
		0, 1, 7, 8, 40, 47, 48, 255, 256, 4096, 64000, 65535, 65536, INT32_MAX, UINT32_MAX,
		INT64_MAX, UINT64_MAX,
	};
	const size_t size = (size_t)1 << any(4), at = any(draft->size);
	const uint64_t number = numbers[any(sizeof(numbers) / sizeof(numbers[0]))] +
				(any(4) ? 0 : any(3)) - 1;

	for (size_t i = 0; i < size && at + i < draft->size; i++)
		draft->data[at + i] = (uint8_t)(number >> (8 * i));
}

static void cut(struct draft *draft)
{
	const size_t at = any(draft->size), size = 1 + any(draft->size - at);

	memmove(draft->data + at, draft->data + at + size, draft->size - at - size);
	draft->size -= size;
}

static void insert(struct draft *draft, const uint8_t *from, size_t from_size)
{
	const size_t at = any(draft->size + 1), from_at = any(from_size);
	size_t size = 1 + any(from_size - from_at);
	uint8_t piece[256];

	if (size > sizeof(piece))
		size = sizeof(piece);
	if (from_size == 0 || draft->size + size > MOST_BYTES)
		return;
	memcpy(piece, from + from_at, size);	/* it may be the same input */
	memmove(draft->data + at + size, draft->data + at, draft->size - at);
	memcpy(draft->data + at, piece, size);
	draft->size += size;
}

static void change(struct draft *draft, const struct corpus *corpus)
{
	const struct bytes *other = &corpus->files[any(corpus->count)];
	const uint64_t kind = any(8);

	if (kind == 0)
		insert(draft, draft->data, draft->size);
	else if (kind == 1)
		insert(draft, other->data, other->size);
	else if (draft->size == 0)
		draft->data[draft->size++] = (uint8_t)any(256);
	else if (kind == 2)
		cut(draft);
	else if (kind < 5)
		change_number(draft);
	else
		change_byte(draft);
}

/* ---- Trying ---- */

static void print_finding(void)
{
	dprintf(2, "with these %zu bytes:", current.size);
	for (size_t i = 0; i < current.size; i++)
		dprintf(2, "%s%02x", i % 32 ? " " : "\n", current.data[i]);
	dprintf(2, "\n");
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
static void try_bytes(const struct target *target, const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size);

	require(copy || size == 0);
	if (size > 0)
		memcpy(copy, bytes, size);
	current = (struct bytes) { copy, size };
	target->test(copy, size);
	current.size = 0;
	free(copy);
}

static void try_changed(const struct target *target, const struct corpus *corpus)
{
	static uint8_t memory[MOST_BYTES + 1];
	const struct bytes *file = &corpus->files[any(corpus->count)];
	struct draft draft = { memory, file->size < MOST_BYTES ? file->size : MOST_BYTES };

	memcpy(memory, file->data, draft.size);
	for (uint64_t left = 1 + any(MOST_CHANGES); left > 0; left--)
		change(&draft, corpus);
	try_bytes(target, draft.data, draft.size);
}

/* ---- Cases ---- */

static void on_alarm(int number)
{
	dprintf(2, "it hangs\n");
	print_finding();
	_exit(1);
}

static void try_all(const struct target *target, const struct corpus *corpus, uint64_t mutations)
{
	signal(SIGALRM, on_alarm);
	alarm(SECONDS);
	for (size_t i = 0; i < corpus->count; i++)
		try_bytes(target, corpus->files[i].data, corpus->files[i].size);
	for (uint64_t i = 0; i < mutations; i++)
		try_changed(target, corpus);
}

/* In another process, which also says what it leaked: 0: nothing was found. */
static int run_case(const struct target *target, const struct corpus *corpus, uint64_t mutations)
{
	int status = 1;
	pid_t child = fork();

	if (child == 0) {
		try_all(target, corpus, mutations);
		exit(0);
	}
	require(child > 0 && waitpid(child, &status, 0) == child);
	return status;
}

static int run_cases(struct bytes tar, uint64_t mutations, uint64_t seed)
{
	static struct corpus corpus;
	int failed = 0;

	printf("TAP version 13\n1..%zu\n", TARGETS);
	for (size_t i = 0; i < TARGETS; i++) {
		int status = 1;

		find_files(tar, targets[i].name, &corpus);
		state = seed;
		fflush(stdout);
		if (corpus.count > 0)
			status = run_case(&targets[i], &corpus, mutations);
		failed |= status;
		printf("%sok %zu - %s: nothing is found in %zu inputs and %" PRIu64
		       " changed ones (seed %" PRIu64 ")\n", status ? "not " : "", i + 1,
		       targets[i].name, corpus.count, mutations, seed);
	}
	return failed ? 1 : 0;
}

static int replay(const char *name, const char *path)
{
	const struct bytes file = map_file(path);

	for (size_t i = 0; i < TARGETS; i++)
		if (strcmp(targets[i].name, name) == 0) {
			try_bytes(&targets[i], file.data, file.size);
			return 0;
		}
	fprintf(stderr, "there is no target \"%s\"\n", name);
	return 2;
}

static struct bytes map_corpus(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof(CORPUS));

	if (length < 0)
		give_up("/proc/self/exe");
	path[length] = 0;
	strcpy(strrchr(path, '/') + 1, CORPUS);
	return map_file(path);
}

int main(int argc, char **argv)
{
	const uint64_t mutations = argc > 1 ? strtoull(argv[1], NULL, 10) : MUTATIONS;
	const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : SEED;

	__sanitizer_set_death_callback(print_finding);
	if (argc > 2 && (argv[1][0] < '0' || argv[1][0] > '9'))
		return replay(argv[1], argv[2]);
	return run_cases(map_corpus(), mutations, seed ? seed : SEED);
}
