// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: the steps are those of struct snd_audio_module_map, and so are their numbers here. The ring is
 * written to while it is read: what is looked at means nothing, and what is copied, by loads that
 * the compiler may not repeat, is used only when the tail says that the copy is good. What the
 * kernel makes for an fd, LOST and REMOVED, is made here.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <sound/audio_module.h>

#include "card.h"
#include "map.h"

_Static_assert(sizeof(struct snd_audio_module_map) == 128, "the header of a mapping");
_Static_assert(sizeof(struct snd_audio_module_record) % 8 == 0, "copied 8 bytes at a time");

/*
 * Records are read so many bytes at once: first few, since a reader that was overwritten is behind
 * and will be again, then as many as make the look at the tail cheap.
 */
#define AHEAD_FIRST	((size_t)1024)
#define AHEAD_MOST	((size_t)8192)

/* Go on at once; nothing was delivered. */
#define AGAIN	(-EAGAIN)

/* Is what the first page says what was mapped, and a ring in which positions mean something? */
static int check_header(struct map *map, size_t page)
{
	map->size = map->header->data_size;
	if (map->header->data_offset != page || map->size != map->length - page)
		return -EBADMSG;
	if (map->size < 8 || map->size & (map->size - 1) || map->position % 8)
		return -EBADMSG;
	map->data = (const uint8_t *)map->header + page;
	return 0;
}

int map_open(struct map *map, int fd, uint64_t position, uint64_t sequence)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct snd_audio_module_map *header =
		mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	int r;

	if (header == MAP_FAILED)
		return -errno;
	*map = (struct map) {
		.length = page + header->data_size,
		.position = position,
		.next = sequence + 1,
	};
	munmap((void *)header, page);
	header = mmap(NULL, map->length, PROT_READ, MAP_SHARED, fd, 0);
	if (header == MAP_FAILED)
		return -errno;
	map->header = header;
	r = check_header(map, page);
	if (r < 0)
		map_close(map);
	return r;
}

void map_close(struct map *map)
{
	if (map->header)
		munmap((void *)map->header, map->length);
	map->header = NULL;
}

/* ---- Loads ---- */

static uint64_t load_head(struct map *map)
{
	map->head = __atomic_load_n(&map->header->head, __ATOMIC_ACQUIRE);
	return map->head;
}

static const uint64_t *record_at(const struct map *map, uint64_t position)
{
	return (const void *)(map->data + (position & (map->size - 1)));
}

/* Bytes from @position to the end of the ring. */
static uint64_t rest_at(const struct map *map, uint64_t position)
{
	return map->size - (position & (map->size - 1));
}

/* What the first 8 bytes of a record say. */
struct begin {
	uint32_t size;
	uint16_t type;
	uint16_t flags;
};

_Static_assert(sizeof(struct begin) == 8, "as struct snd_audio_module_record begins");

static struct begin begin_of(uint64_t word)
{
	struct begin begin;

	memcpy(&begin, &word, sizeof(begin));
	return begin;
}

/* Step 2. Once a record is committed its first 8 bytes stay what they are. */
static uint64_t load_begin(const uint64_t *record)
{
	return __atomic_load_n(record, __ATOMIC_ACQUIRE);
}

static uint64_t load_sequence(const uint64_t *record)
{
	const size_t at = offsetof(struct snd_audio_module_record, sequence) / sizeof(*record);

	return __atomic_load_n(record + at, __ATOMIC_RELAXED);
}

/*
 * Two words. They need not be loaded at once, since step 4 tells whether all that was loaded is
 * good; but what is delivered must be what was loaded: volatile, so that no load is repeated.
 */
typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));

static inline void copy_pair(uint8_t *to, const uint64_t *from)
{
	*(pair *)(void *)to = *(const volatile pair *)from;
}

/* Step 3 for records that are one behind the other; @size is a multiple of 8. */
static inline void copy_records(uint8_t *to, const uint64_t *from, size_t size)
{
	const uint64_t *end = from + size / 8;

	for (; end - from >= 16; from += 16, to += 128) {
		copy_pair(to, from);
		copy_pair(to + 16, from + 2);
		copy_pair(to + 32, from + 4);
		copy_pair(to + 48, from + 6);
		copy_pair(to + 64, from + 8);
		copy_pair(to + 80, from + 10);
		copy_pair(to + 96, from + 12);
		copy_pair(to + 112, from + 14);
	}
	for (; end - from >= 2; from += 2, to += 16)
		copy_pair(to, from);
	if (from < end)
		*(uint64_t *)(void *)to = __atomic_load_n(from, __ATOMIC_RELAXED);
}

/* Step 4: what was loaded before is good when it was not before this. */
static uint64_t load_tail(const struct map *map)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&map->header->tail, __ATOMIC_RELAXED);
}

/*
 * Is what was loaded of the record good? 0; AGAIN: it was overwritten, and the reader goes on at
 * the tail; -EBADMSG: a tail that is no place, or a head that is further than the ring is long
 * although the tail, which moves first, is not: who followed those would leave the ring, or never
 * come back.
 */
static int check_loaded(struct map *map)
{
	const uint64_t tail = load_tail(map);

	if (tail <= map->position)
		return map->head - map->position > map->size ? -EBADMSG : 0;
	if (tail % 8)
		return -EBADMSG;
	map->position = tail;
	return AGAIN;
}

/* ---- Records that are made here ---- */

static size_t make_record(uint8_t *to, uint16_t type, uint64_t sequence, const void *data,
			  uint32_t data_size)
{
	struct snd_audio_module_record header = {
		.size = (uint32_t)sizeof(header) + data_size,
		.type = type,
		.sequence = sequence,
		.data_size = data_size,
		.endpoint = SND_AUDIO_MODULE_NONE,
		.module = SND_AUDIO_MODULE_NONE,
	};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	header.timestamp = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	memcpy(to, &header, sizeof(header));
	if (data_size)
		memcpy(to + sizeof(header), data, data_size);
	return header.size;
}

/* Those from the expected one up to @last are lost. */
static ssize_t deliver_lost(struct map *map, uint64_t last, uint8_t *to, size_t size)
{
	const struct snd_audio_module_lost lost = { .first = map->next, .last = last };

	/* None has this sequence: behind it they would begin anew. */
	if (last == UINT64_MAX)
		return -EBADMSG;
	if (size < sizeof(struct snd_audio_module_record) + sizeof(lost))
		return -EMSGSIZE;
	map->lost += last - map->next + 1;
	map->next = last + 1;
	return (ssize_t)make_record(to, SND_AUDIO_MODULE_RECORD_LOST, last, &lost, sizeof(lost));
}

static ssize_t deliver_removed(struct map *map, uint8_t *to, size_t size)
{
	if (map->removed)
		return -ENODEV;
	if (size < sizeof(struct snd_audio_module_record))
		return -EMSGSIZE;
	map->removed = 1;
	return (ssize_t)make_record(to, SND_AUDIO_MODULE_RECORD_REMOVED, map->next - 1, NULL, 0);
}

/* ---- Reading ---- */

/* Step 5: bytes; 0: nothing now; AGAIN: there is something; -ENODEV, -EMSGSIZE, -EBADMSG. */
static ssize_t at_end(struct map *map, uint8_t *to, size_t size)
{
	uint32_t removed = __atomic_load_n(&map->header->removed, __ATOMIC_ACQUIRE);
	uint64_t newest = __atomic_load_n(&map->header->newest, __ATOMIC_ACQUIRE);

	if (load_head(map) > map->position)
		return AGAIN;
	/* Older than the tail that the position was taken from: ADVANCE knows what there is. */
	if (map->head < map->position)
		return 0;
	if (map->next <= newest)
		return deliver_lost(map, newest, to, size);
	return removed ? deliver_removed(map, to, size) : 0;
}

/* A record that was copied to @to and is whole: is it delivered? As at_end(). */
static ssize_t accept(struct map *map, uint32_t record_size, uint8_t *to, size_t size)
{
	struct snd_audio_module_record *header = (void *)to;
	int is_notification = header->type == SND_AUDIO_MODULE_RECORD_NOTIFICATION;
	/* The first sequence that is not lost: others carry the newest one before them. */
	uint64_t present = header->sequence + !is_notification;

	if (present > map->next)
		return deliver_lost(map, present - 1, to, size);
	map->position += record_size;
	if (is_notification) {
		/* It was there before the reader started. */
		if (present < map->next)
			return AGAIN;
		map->next = present + 1;
	}
	return (ssize_t)record_size;
}

/* What is no record to deliver: BUSY, PAD, does not fit. As at_end(). */
static ssize_t pass(struct map *map, struct begin begin, uint64_t rest)
{
	const int r = check_loaded(map);

	if (r < 0)
		return r;
	if (begin.type == SND_AUDIO_MODULE_RECORD_BUSY)
		return 0;
	if (begin.size < sizeof(begin) || begin.size % 8 || begin.size > rest)
		return -EBADMSG;
	if (begin.type == SND_AUDIO_MODULE_RECORD_PAD) {
		map->position += begin.size;
		return AGAIN;
	}
	return begin.size < sizeof(struct snd_audio_module_record) ? -EBADMSG : -EMSGSIZE;
}

/* The next record: bytes; 0: none now; AGAIN; -ENODEV, -EMSGSIZE, -EBADMSG. */
static ssize_t step(struct map *map, uint8_t *to, size_t size)
{
	const uint64_t *record = record_at(map, map->position);
	const uint64_t rest = rest_at(map, map->position);
	struct begin begin;
	int r;

	/* The head may be older than the tail that the position was taken from. */
	if (map->position >= map->head && load_head(map) <= map->position)	/* 1 */
		return at_end(map, to, size);
	begin = begin_of(load_begin(record));					/* 2 */
	if (begin.type == SND_AUDIO_MODULE_RECORD_BUSY ||
	    begin.type == SND_AUDIO_MODULE_RECORD_PAD || begin.size > size || begin.size > rest ||
	    begin.size % 8 || begin.size < sizeof(struct snd_audio_module_record))
		return pass(map, begin, rest);
	copy_records(to, record, begin.size);					/* 3 */
	r = check_loaded(map);							/* 4 */
	if (r < 0)
		return r;
	return accept(map, begin.size, to, size);
}

/* Is it a notification of a size that one can have? */
static bool is_notification(struct begin begin)
{
	return begin.type == SND_AUDIO_MODULE_RECORD_NOTIFICATION && begin.size % 8 == 0 &&
	       begin.size >= sizeof(struct snd_audio_module_record);
}

/*
 * Step 2 for the notifications that are there behind @map's position, come as expected, and fit
 * into @size bytes: how many bytes they have. @next becomes the sequence behind them. None of this
 * means anything yet, but all of these bytes are in the ring, one behind the other.
 */
static inline size_t look_ahead(const struct map *map, size_t size, uint64_t *next)
{
	const uint64_t present = map->head - map->position;
	const uint64_t rest = rest_at(map, map->position);
	const uint8_t *record = (const void *)record_at(map, map->position);
	/* A first word of zeroes, which no record begins with, is as one that does not fit. */
	struct begin begin = { .size = UINT32_MAX };
	uint64_t last = 0;
	size_t left = size;

	if (left > present)
		left = (size_t)present;
	if (left > rest)
		left = (size_t)rest;
	size = left;
	while (left > 0) {
		const uint64_t *words = (const void *)record;
		const uint64_t word = load_begin(words);

		/* One that begins as the one before need not be looked at again. */
		if (word != last) {
			begin = begin_of(word);
			if (!is_notification(begin))
				break;
			last = word;
		}
		if (begin.size > left || load_sequence(words) != *next)
			break;
		record += begin.size;
		left -= begin.size;
		++*next;
	}
	return size - left;
}

/*
 * Steps 2 to 4 for many notifications at once, when they are there and come as expected, which
 * nearly all do: bytes. What is anything else is left to step().
 */
static size_t read_expected(struct map *map, uint8_t *to, size_t size)
{
	size_t most = AHEAD_FIRST, filled = 0;

	while (map->position < map->head) {
		const size_t room = size - filled < most ? size - filled : most;
		uint64_t next = map->next;
		const size_t ahead = look_ahead(map, room, &next);		/* 2 */

		if (ahead == 0 && most == AHEAD_MOST)
			break;
		most = AHEAD_MOST;
		if (ahead == 0)
			continue;
		copy_records(to + filled, record_at(map, map->position), ahead);	/* 3 */
		if (load_tail(map) > map->position)				/* 4 */
			break;
		map->position += ahead;
		map->next = next;
		filled += ahead;
	}
	return filled;
}

static ssize_t read_some(struct map *map, uint8_t *to, size_t size)
{
	size_t filled = 0;

	for (;;) {
		ssize_t r;

		filled += read_expected(map, to + filled, size - filled);
		r = step(map, to + filled, size - filled);

		if (r > 0)
			filled += (size_t)r;
		else if (r != AGAIN)
			return filled ? (ssize_t)filled : r;
	}
}

int map_advance(const struct map *map, int fd)
{
	struct snd_audio_module_advance advance = {
		.position = map->position,
		.sequence = map->next - 1,
		.lost = map->lost,
		.flags = map->removed ? SND_AUDIO_MODULE_ADVANCE_REMOVED : 0,
	};
	int r;

	do {
		r = ioctl(fd, SND_AUDIO_MODULE_IOCTL_ADVANCE, &advance);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

ssize_t map_read(struct map *map, int fd, uint8_t *to, size_t size)
{
	for (;;) {
		ssize_t r = read_some(map, to, size);
		int more;

		if (r != 0 && r != -ENODEV)
			return r;
		more = map_advance(map, fd);
		if (r < 0 || more <= 0)
			return r < 0 ? r : more;
	}
}
