// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: a mapped journal (userspace/lib/map.c). Foreign: the header and the ring, as a kernel that
 * is wrong, or a device node that is none of its, would show them.
 *
 * Holds: nothing outside of the ring is read (pages without access are around it); what is
 * delivered are whole records, whose notifications and LOST ranges have each sequence once and in
 * order, from the first expected one on; the reader comes to an end, with EBADMSG, ENODEV,
 * EMSGSIZE, or ENOTTY, which the file that is mapped here says to ADVANCE; and a header that
 * contradicts itself is refused with EBADMSG.
 */
#include <sys/mman.h>
#include <unistd.h>

#include <sound/audio_module.h>

#include "fuzz.h"
#include "map.h"

#define PAGE		4096UL
#define MOST_SIZE	65536U		/* of a ring */
#define ROOM		4096U		/* for what is delivered at once */
#define MOST_READS	1000		/* a ring of so many records would be larger */

/* What the reader has delivered so far. */
struct account {
	uint64_t next;
	unsigned int records;
};

static void account_for(struct account *account, const struct snd_audio_module_record *record)
{
	struct snd_audio_module_lost lost;

	account->records++;
	if (record->type == SND_AUDIO_MODULE_RECORD_LOST &&
	    record->endpoint == SND_AUDIO_MODULE_NONE &&
	    record->size == sizeof(*record) + sizeof(lost)) {
		memcpy(&lost, record + 1, sizeof(lost));
		/* One that lies in the ring says what it likes. */
		if (lost.first == account->next && lost.last == record->sequence)
			account->next = lost.last + 1;
	} else if (record->type == SND_AUDIO_MODULE_RECORD_NOTIFICATION) {
		require(record->sequence == account->next);
		account->next++;
	}
}

static void check_delivery(struct account *account, const uint8_t *bytes, size_t size)
{
	struct snd_audio_module_record record;

	for (size_t at = 0; at < size; at += record.size) {
		require(size - at >= sizeof(record));
		memcpy(&record, bytes + at, sizeof(record));
		require(record.size >= sizeof(record) && record.size % 8 == 0);
		require(record.size <= size - at);
		account_for(account, (const void *)(bytes + at));
	}
}

static bool is_documented(ssize_t error)
{
	return error == -EBADMSG || error == -ENODEV || error == -EMSGSIZE || error == -ENOTTY;
}

static void read_all(struct map *map, int fd)
{
	uint64_t *to = malloc(ROOM);
	struct account account = { .next = map->next };
	unsigned int reads = 0;
	ssize_t r;

	require(to);
	while ((r = map_read(map, fd, (uint8_t *)to, ROOM)) > 0) {
		require(r <= (ssize_t)ROOM);
		check_delivery(&account, (uint8_t *)to, (size_t)r);
		require(++reads < MOST_READS);
	}
	require(is_documented(r));
	free(to);
}

/* The mapping moves to where pages without access are before and behind it. */
static void fence(struct map *map)
{
	const size_t length = (map->length + PAGE - 1) / PAGE * PAGE;
	uint8_t *pages = mmap(NULL, length + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	void *moved;

	require(pages != MAP_FAILED);
	moved = mremap((void *)map->header, map->length, map->length,
		       MREMAP_MAYMOVE | MREMAP_FIXED, pages + PAGE);
	require(moved == pages + PAGE);
	map->header = moved;
	map->data = (const uint8_t *)moved + PAGE;
}

static void unfence(struct map *map)
{
	const size_t length = (map->length + PAGE - 1) / PAGE * PAGE;

	munmap((uint8_t *)map->header - PAGE, length + 2 * PAGE);
}

/* The file that is mapped: the header, and the bytes that are left over and over again. */
static bool fill(int fd, struct snd_audio_module_map *header, struct input *input)
{
	static uint8_t ring[MOST_SIZE];

	if (header->data_size > MOST_SIZE)
		return false;
	require(ftruncate(fd, (off_t)(PAGE + header->data_size)) == 0);
	require(pwrite(fd, header, sizeof(*header), 0) == sizeof(*header));
	for (size_t at = 0; at < header->data_size && input->left > 0; at += input->left) {
		size_t size = header->data_size - at;

		memcpy(ring + at, input->bytes, size < input->left ? size : input->left);
	}
	if (input->left == 0)
		memset(ring, 0, header->data_size);
	return pwrite(fd, ring, header->data_size, PAGE) == (ssize_t)header->data_size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct input input = { data, size };
	const uint64_t position = input_number(&input, 8), sequence = input_number(&input, 8);
	struct snd_audio_module_map header = {
		.data_offset = (uint32_t)input_number(&input, 4),
		.data_size = (uint32_t)input_number(&input, 4),
		.head = input_number(&input, 8),
		.tail = input_number(&input, 8),
		.newest = input_number(&input, 8),
		.removed = (uint32_t)input_number(&input, 4),
	};
	struct map map;
	int r;

	if (fd < 0)
		fd = memfd_create("journal", MFD_CLOEXEC);
	if (!fill(fd, &header, &input))
		return 0;
	r = map_open(&map, fd, position, sequence);
	if (r < 0) {
		require(r == -EBADMSG);
		return 0;
	}
	require(header.data_offset == PAGE && header.data_size >= 8);
	require((header.data_size & (header.data_size - 1)) == 0 && position % 8 == 0);
	fence(&map);
	read_all(&map, fd);
	unfence(&map);
	return 0;
}
