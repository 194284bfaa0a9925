// SPDX-License-Identifier: GPL-2.0
/*
 * A journal that is mapped: what may be mapped and how, and that libaudiomodule's reader of it,
 * which is built into this test, delivers what read() does, to the byte and to the loss.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"
#include "map.h"

#define JOURNAL		131072
#define BUFFER		65536
#define STUCK_MS	20000	/* nothing comes for so long: a test gives up */
#define DRIVER		"/sys/bus/platform/drivers/snd-audio-module-virtual"
#define DEVICE		"snd-audio-module-virtual"

/**
 * struct reader - a notification fd and the mapping of its journal
 * @fd: the fd, or -errno
 * @map: the library's
 * @tally: what was delivered
 * @buffer: last delivery
 */
struct reader {
	int fd;
	struct map map;
	struct tally tally;
	uint8_t buffer[BUFFER + 64] __attribute__((aligned(8)));
};

FIXTURE(map) {
	struct machine machine;
	int card;
	int hwdep;
	long page;
	struct reader reader;
};

static int reader_open(struct reader *reader, int hwdep, enum snd_audio_module_start start)
{
	struct snd_audio_module_subscribe words = {
		.start = start,
		.flags = SND_AUDIO_MODULE_SUBSCRIBE_MAP,
	};

	reader->fd = subscribe_on_hwdep(hwdep, &words);
	if (reader->fd < 0)
		return reader->fd;
	reader->tally = tally_new(words.start_sequence);
	return map_open(&reader->map, reader->fd, words.start_position, words.start_sequence);
}

static void reader_close(struct reader *reader)
{
	map_close(&reader->map);
	close(reader->fd);
}

/* Deliver what is there: 0, or what ended it. */
static int reader_drain(struct reader *reader)
{
	ssize_t size;

	while ((size = map_read(&reader->map, reader->fd, reader->buffer, BUFFER)) > 0)
		tally_records(&reader->tally, reader->buffer, size);
	return size;
}

FIXTURE_SETUP(map)
{
	ASSERT_EQ(0, machine_begin(&self->machine, "journal_size=131072"));
	self->card = card_find();
	self->hwdep = hwdep_open(self->card);
	ASSERT_LE(0, self->hwdep);
	self->page = sysconf(_SC_PAGESIZE);
	ASSERT_EQ(0, reader_open(&self->reader, self->hwdep, SND_AUDIO_MODULE_START_NEWEST));
}

FIXTURE_TEARDOWN(map)
{
	reader_close(&self->reader);
	close(self->hwdep);
	EXPECT_EQ(0, machine_end(&self->machine));
}

#define send_many(...) ASSERT_EQ(0, inject(self->card, "send", __VA_ARGS__))

#define EXPECT_INTACT(tally) do { \
	EXPECT_EQ(0, (tally).bad) \
		TH_LOG("%" PRIu64 " bad records, the first: %s", (tally).bad, (tally).first_bad); \
	EXPECT_EQ(0, (tally).corrupt); \
} while (0)

static int poll_now(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1 ? pollfd.revents : 0;
}

/* ------------------------------------------------------------------ what may be mapped */

TEST_F(map, is_for_fds_without_a_filter_that_asked_for_it)
{
	struct snd_audio_module_subscribe words = { .flags = SND_AUDIO_MODULE_SUBSCRIBE_MAP };
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_LE(0, fd);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->page, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, errno);
	close(fd);
	words.filter.match = SND_AUDIO_MODULE_MATCH_DEVICE_ID;
	memcpy(words.filter.device_id, speaker_id, 16);
	EXPECT_EQ(-EACCES, subscribe_on_hwdep(self->hwdep, &words));
	memset(&words.filter, 0, sizeof(words.filter));
	words.flags |= SND_AUDIO_MODULE_SUBSCRIBE_INITIAL;
	EXPECT_EQ(-EINVAL, subscribe_on_hwdep(self->hwdep, &words));
}

TEST_F(map, is_read_only_and_no_larger_than_the_journal)
{
	const size_t whole = self->page + JOURNAL;
	const struct {
		const char *what;
		size_t size;
		off_t offset;
		int protection, flags;
		int expected;
	} table[] = {
		{ "whole", whole, 0, PROT_READ, MAP_SHARED, 0 },
		{ "header", self->page, 0, PROT_READ, MAP_SHARED, 0 },
		{ "the last page", self->page, JOURNAL, PROT_READ, MAP_SHARED, 0 },
		{ "a page behind it", self->page, whole, PROT_READ, MAP_SHARED, EINVAL },
		{ "one page more", whole + self->page, 0, PROT_READ, MAP_SHARED, EINVAL },
		{ "one page too far", whole, self->page, PROT_READ, MAP_SHARED, EINVAL },
		{ "writable", whole, 0, PROT_READ | PROT_WRITE, MAP_SHARED, EACCES },
		{ "write-only", whole, 0, PROT_WRITE, MAP_SHARED, EACCES },
		{ "private, writable", whole, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE, EACCES },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		void *at;

		errno = 0;
		at = mmap(NULL, table[i].size, table[i].protection, table[i].flags,
			  self->reader.fd, table[i].offset);
		EXPECT_EQ(table[i].expected, at == MAP_FAILED ? errno : 0)
			TH_LOG("%s", table[i].what);
		if (at == MAP_FAILED)
			continue;
		EXPECT_EQ(-1, mprotect(at, table[i].size, PROT_READ | PROT_WRITE));
		EXPECT_EQ(EACCES, errno);
		munmap(at, table[i].size);
	}
}

TEST_F(map, header_says_what_info_says_and_nothing_else)
{
	const uint8_t *bytes = (const void *)self->reader.map.header;
	struct snd_audio_module_map header;
	struct snd_audio_module_info info;
	long i;

	send_many("count=7 size=104");
	ASSERT_EQ(0, info_get(self->card, &info));
	memcpy(&header, bytes, sizeof(header));
	EXPECT_EQ(self->page, header.data_offset);
	EXPECT_EQ(JOURNAL, header.data_size);
	EXPECT_EQ(info.journal_id, header.journal_id);
	EXPECT_EQ(7, header.newest);
	EXPECT_EQ(0, header.tail);
	EXPECT_EQ(7 * (48 + 104), header.head);
	EXPECT_EQ(0, header.removed);
	for (i = offsetof(struct snd_audio_module_map, reserved2); i < self->page; i++)
		ASSERT_EQ(0, bytes[i]) TH_LOG("byte %ld", i);
	for (i = 0; i < JOURNAL - 7 * (48 + 104); i++)
		ASSERT_EQ(0, bytes[self->page + 7 * (48 + 104) + i]) TH_LOG("byte %ld", i);
}

/* ------------------------------------------------------------------ what is delivered */

/* Both fds see the same journal: what is delivered is the same, to the byte. */
TEST_F(map, delivers_what_read_delivers)
{
	static const char *const lines[] = {
		"count=200 size=40", "count=30 size=41 endpoint=1", "count=1 size=64040",
		"count=15 size=4000 context=softirq", "count=50 size=104 context=hardirq",
		"count=10 size=300 method=portcls id=01234567-89ab-cdef-0123-456789abcdef",
		"count=1 size=1000", "count=1 size=33000", "count=1 size=33000",
	};
	int fd = subscribe_on_hwdep(self->hwdep, NULL);
	static uint8_t bytes[BUFFER];
	size_t i;

	ASSERT_LE(0, fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		ssize_t expected, got;

		send_many("%s", lines[i]);
		expected = read(fd, bytes, sizeof(bytes));
		got = map_read(&self->reader.map, self->reader.fd, self->reader.buffer, BUFFER);
		ASSERT_LT(0, expected) TH_LOG("%s", lines[i]);
		ASSERT_EQ(expected, got) TH_LOG("%s", lines[i]);
		EXPECT_EQ(0, memcmp(bytes, self->reader.buffer, got)) TH_LOG("%s", lines[i]);
		EXPECT_EQ(0, map_read(&self->reader.map, self->reader.fd, self->reader.buffer,
				      BUFFER));
	}
	close(fd);
}

TEST_F(map, record_that_does_not_fit_stays)
{
	send_many("count=1 size=1000");
	EXPECT_EQ(-EMSGSIZE, map_read(&self->reader.map, self->reader.fd, self->reader.buffer,
				      1000 + 40));
	EXPECT_EQ(1048, map_read(&self->reader.map, self->reader.fd, self->reader.buffer, 1048));
	tally_records(&self->reader.tally, self->reader.buffer, 1048);
	EXPECT_INTACT(self->reader.tally);
}

/* Loss is told as the kernel tells it, and both counts agree. */
TEST_F(map, overwritten_records_are_told)
{
	struct tally *tally = &self->reader.tally;

	send_many("count=5000 size=104");
	EXPECT_EQ(0, reader_drain(&self->reader));
	EXPECT_INTACT(*tally);
	EXPECT_EQ(5000, tally->last);
	EXPECT_EQ(5000, tally->matched + tally->lost);
	EXPECT_LT(4000, tally->lost);
	EXPECT_EQ(1, tally->lost_records);
	EXPECT_EQ(tally->matched, fdinfo_get(self->reader.fd, "matched"));
	EXPECT_EQ(tally->lost, fdinfo_get(self->reader.fd, "lost"));
	EXPECT_EQ(5000, fdinfo_get(self->reader.fd, "position"));
}

static void *flood(void *data)
{
	int card = *(int *)data;

	inject(card, "send", "count=15000 size=104");
	inject(card, "send", "count=100 size=8000");
	return NULL;
}

/* Overwritten while they are copied, again and again: what is delivered is whole. */
TEST_F_TIMEOUT(map, floods_of_two_writers_are_never_torn, 240)
{
	struct reader *reader = &self->reader;
	pthread_t threads[2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, flood, &self->card));
	while (reader->tally.last < 2 * 15100) {
		struct pollfd pollfd = { .fd = reader->fd, .events = POLLIN };

		ASSERT_EQ(0, reader_drain(reader));
		if (reader->tally.last < 2 * 15100)
			ASSERT_EQ(1, poll(&pollfd, 1, 20000));
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	TH_LOG("%" PRIu64 " matched, %" PRIu64 " lost in %" PRIu64 " ranges",
	       reader->tally.matched, reader->tally.lost, reader->tally.lost_records);
	EXPECT_INTACT(reader->tally);
	EXPECT_EQ(2 * 15100, reader->tally.matched + reader->tally.lost);
	EXPECT_EQ(reader->tally.lost, fdinfo_get(reader->fd, "lost"));
	EXPECT_EQ(reader->tally.matched, fdinfo_get(reader->fd, "matched"));
}

TEST_F(map, starts_where_it_was_asked_to)
{
	static struct reader oldest;
	struct snd_audio_module_subscribe words = {
		.start = SND_AUDIO_MODULE_START_AFTER,
		.flags = SND_AUDIO_MODULE_SUBSCRIBE_MAP,
		.journal_id = self->reader.map.header->journal_id,
		.sequence = 4990,
	};

	send_many("count=5000 size=104");
	ASSERT_EQ(0, reader_open(&oldest, self->hwdep, SND_AUDIO_MODULE_START_OLDEST));
	EXPECT_EQ(0, reader_drain(&oldest));
	EXPECT_INTACT(oldest.tally);
	EXPECT_EQ(0, oldest.tally.lost);
	EXPECT_EQ(5000, oldest.tally.last);
	EXPECT_LT(500, oldest.tally.matched);
	reader_close(&oldest);

	oldest.fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, oldest.fd);
	ASSERT_EQ(0, map_open(&oldest.map, oldest.fd, words.start_position,
			      words.start_sequence));
	oldest.tally = tally_new(4990);
	EXPECT_EQ(0, reader_drain(&oldest));
	EXPECT_INTACT(oldest.tally);
	EXPECT_EQ(10, oldest.tally.matched);
	reader_close(&oldest);
}

TEST_F(map, changes_of_the_list_are_delivered)
{
	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7"));
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	EXPECT_EQ(0, reader_drain(&self->reader));
	EXPECT_EQ(2, self->reader.tally.changed);
	EXPECT_INTACT(self->reader.tally);
}

/* ------------------------------------------------------------------ without system calls */

/* In a child: stop, so that the parent can begin to count; then deliver and end: 0: got them all. */
static void drain_in_child(struct reader *reader, uint64_t last)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	syscall(SYS_kill, getpid(), SIGSTOP);
	while (reader->tally.last < last) {
		/* One at a time: when nothing is left there would be a call. */
		ssize_t size = map_read(&reader->map, reader->fd, reader->buffer, 48 + 104);

		if (size <= 0)
			_exit(2);
		tally_records(&reader->tally, reader->buffer, size);
	}
	_exit(reader->tally.matched == last && !reader->tally.bad ? 0 : 3);
}

/* The system call that @child has stopped at the begin of, or -1. */
static int64_t call_begun(pid_t child)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	return info.entry.nr;
}

/* How many system calls @child makes, but its end; @status is how it ended. */
static int count_calls(pid_t child, int *status)
{
	int calls = 0;

	if (waitpid(child, status, 0) != child || !WIFSTOPPED(*status))
		return -1;
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	do {
		if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) ||
		    waitpid(child, status, 0) != child)
			return -1;
		if (WIFSTOPPED(*status)) {
			int64_t call = call_begun(child);

			calls += call >= 0 && call != SYS_exit_group;
		}
	} while (WIFSTOPPED(*status));
	return calls;
}

TEST_F(map, no_system_call_as_long_as_there_is_something)
{
	int status, calls;
	pid_t child;

	send_many("count=500 size=104");
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		drain_in_child(&self->reader, 500);
	calls = count_calls(child, &status);
	/* A checker of programs makes some of its own. */
	if (!getenv("AUDIO_MODULE_REPORTS"))
		EXPECT_EQ(0, calls);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status)) TH_LOG("status 0x%x", status);
}

/* ------------------------------------------------------------------ poll, ADVANCE */

TEST_F(map, poll_goes_on_from_where_the_reader_is)
{
	EXPECT_EQ(0, reader_drain(&self->reader));
	EXPECT_EQ(0, poll_now(self->reader.fd));
	send_many("count=3 size=104");
	EXPECT_EQ(POLLIN, poll_now(self->reader.fd));
	EXPECT_EQ(0, reader_drain(&self->reader));
	EXPECT_EQ(3, self->reader.tally.matched);
	EXPECT_EQ(0, poll_now(self->reader.fd));
	EXPECT_EQ(3, fdinfo_get(self->reader.fd, "position"));
}

TEST_F(map, edge_triggered_epoll_rings_for_what_comes_after_the_last_look)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int i;

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->reader.fd, &event));
	EXPECT_EQ(0, reader_drain(&self->reader));
	epoll_wait(epoll, &event, 1, 0);
	for (i = 0; i < 20; i++) {
		send_many("count=1 size=104");
		EXPECT_EQ(1, epoll_wait(epoll, &event, 1, STUCK_MS)) TH_LOG("round %d", i);
		EXPECT_EQ(0, reader_drain(&self->reader));
	}
	EXPECT_EQ(20, self->reader.tally.matched);
	close(epoll);
}

/* Who maps can also read(), from where the mapping's reader said that it is. */
TEST_F(map, read_goes_on_from_there)
{
	ssize_t size;

	send_many("count=3 size=104");
	EXPECT_EQ(0, reader_drain(&self->reader));
	send_many("count=2 size=104");
	size = read(self->reader.fd, self->reader.buffer, BUFFER);
	ASSERT_EQ(2 * (48 + 104), size);
	tally_records(&self->reader.tally, self->reader.buffer, size);
	EXPECT_EQ(5, self->reader.tally.last);
	EXPECT_INTACT(self->reader.tally);
}

TEST_F(map, advance_refuses_where_nobody_can_be)
{
	const uint64_t record = 48 + 104;
	static const struct snd_audio_module_advance good = { 10 * (48 + 104), 10, 0, 0, 0 };
	const struct {
		const char *what;
		struct snd_audio_module_advance advance;
		int expected;
	} table[] = {
		{ "behind the head", { 11 * record, 10, 0, 0, 0 }, EINVAL },
		{ "no multiple of 8", { record + 4, 1, 0, 0, 0 }, EINVAL },
		{ "sequence of the future", { 10 * record, 11, 0, 0, 0 }, EINVAL },
		{ "the greatest", { -8ULL, UINT64_MAX, 0, 0, 0 }, EINVAL },
		{ "more lost than there were", { 10 * record, 10, 11, 0, 0 }, EINVAL },
		{ "flag 1", { 10 * record, 10, 0, 2, 0 }, EINVAL },
		{ "flag 31", { 10 * record, 10, 0, 1U << 31, 0 }, EINVAL },
		{ "reserved", { 10 * record, 10, 0, 0, 1 }, EINVAL },
		{ "REMOVED", { 10 * record, 10, 0, SND_AUDIO_MODULE_ADVANCE_REMOVED, 0 }, EINVAL },
	};
	size_t i;

	send_many("count=10 size=104");
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		EXPECT_EQ(-1, ioctl(self->reader.fd, SND_AUDIO_MODULE_IOCTL_ADVANCE,
				    &table[i].advance)) TH_LOG("%s", table[i].what);
		EXPECT_EQ(table[i].expected, errno) TH_LOG("%s", table[i].what);
	}
	EXPECT_EQ(-1, ioctl(self->reader.fd, SND_AUDIO_MODULE_IOCTL_ADVANCE, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, fdinfo_get(self->reader.fd, "position"));
	EXPECT_EQ(0, ioctl(self->reader.fd, SND_AUDIO_MODULE_IOCTL_ADVANCE, &good));
	EXPECT_EQ(10, fdinfo_get(self->reader.fd, "position"));
	/* Nobody goes back. */
	EXPECT_EQ(-1, ioctl(self->reader.fd, SND_AUDIO_MODULE_IOCTL_ADVANCE, &table[1].advance));
	EXPECT_EQ(10, fdinfo_get(self->reader.fd, "position"));
}

/*
 * A NotificationId is what a driver says: 24 bytes behind a record's begin there can be anything
 * that looks like a header. read() must not follow it.
 */
TEST_F(map, headers_that_are_none_are_not_believed)
{
	static const char *const ids[] = {
		"00000000-0002-0000-0000-000000000000",	/* a PAD of 0 bytes: would never end */
		"00000000-0001-0000-0000-000000000000",	/* a notification without a header */
		"00000010-0001-0000-0000-000000000000",	/* shorter than its header */
		"00000034-0001-0000-0000-000000000000",	/* no multiple of 8 */
		"00020000-0001-0000-0000-000000000000",	/* longer than the journal */
		"fffffff8-0001-0000-0000-000000000000",
		"fffffff8-0002-0000-0000-000000000000",
		"00008000-0001-0000-0000-000000000000",	/* longer than what was written */
		"00008000-0002-0000-0000-000000000000",
		"00000100-0003-0000-0000-000000000000",	/* LOST and REMOVED: never in the ring */
		"00000100-0005-0000-0000-000000000000",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		struct snd_audio_module_advance advance = { 0 };
		static struct reader reader;

		ASSERT_EQ(0, reader_open(&reader, self->hwdep, SND_AUDIO_MODULE_START_NEWEST));
		fcntl(reader.fd, F_SETFL, O_NONBLOCK);
		send_many("count=3 size=104 method=portcls id=%s", ids[i]);
		advance.position = reader.map.position + 24;
		advance.sequence = reader.map.next - 1;
		EXPECT_LE(0, ioctl(reader.fd, SND_AUDIO_MODULE_IOCTL_ADVANCE, &advance));
		/* Not there: it goes on with the oldest that is, and finds the expected ones. */
		EXPECT_EQ(3 * (48 + 104), read(reader.fd, reader.buffer, BUFFER))
			TH_LOG("%s", ids[i]);
		tally_records(&reader.tally, reader.buffer, 3 * (48 + 104));
		EXPECT_INTACT(reader.tally);
		reader_close(&reader);
	}
}

/* Whoever invents a position gets nonsense from read(), but it ends, and nobody else is hurt. */
TEST_F_TIMEOUT(map, invented_positions_hurt_nobody_else, 240)
{
	int other = subscribe_on_hwdep(self->hwdep, NULL);
	struct tally tally = tally_new(0);
	uint64_t position;

	ASSERT_LE(0, other);
	send_many("count=3000 size=104");
	for (position = 3000 * (48 + 104) - JOURNAL; position < 3000 * (48 + 104);
	     position += 8 * 37) {
		static struct reader reader;
		struct snd_audio_module_advance advance = { .position = position };
		int i;

		ASSERT_EQ(0, reader_open(&reader, self->hwdep, SND_AUDIO_MODULE_START_OLDEST));
		advance.sequence = reader.map.next - 1;
		fcntl(reader.fd, F_SETFL, O_NONBLOCK);
		ioctl(reader.fd, SND_AUDIO_MODULE_IOCTL_ADVANCE, &advance);
		for (i = 0; i < 10; i++)
			if (read(reader.fd, reader.buffer, BUFFER) <= 0)
				break;
		poll_now(reader.fd);
		reader_close(&reader);
	}
	EXPECT_EQ(0, tally_drain(&tally, other, 0));
	EXPECT_EQ(3000, tally.matched + tally.lost);
	EXPECT_INTACT(tally);
	close(other);
}

/* ------------------------------------------------------------------ a journal made by the test */

#define RING		32768	/* smaller than a kernel's, so that it is overwritten all the time */
#define LONGEST		1000

/**
 * struct ring - a journal in a memfd, written to by a thread without pause
 * @thread: it
 * @fd: of the memfd
 * @header: its first page
 * @data: behind it
 * @stop: told from outside
 * @written: how many
 */
struct ring {
	pthread_t thread;
	int fd;
	struct snd_audio_module_map *header;
	uint8_t *data;
	volatile bool stop;
	uint64_t written;
};

static struct snd_audio_module_record *ring_at(struct ring *ring, uint64_t position)
{
	return (void *)(ring->data + position % RING);
}

/* As the kernel does it: the tail goes first. */
static void ring_make_room(struct ring *ring, uint64_t head)
{
	uint64_t tail = ring->header->tail;

	while (head - tail > RING)
		tail += ring_at(ring, tail)->size;
	__atomic_store_n(&ring->header->tail, tail, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void ring_write(struct ring *ring, uint32_t size)
{
	uint64_t head = ring->header->head;
	uint32_t rest = RING - head % RING;
	struct snd_audio_module_record *record;
	uint64_t *data;
	uint32_t i;

	ring_make_room(ring, head + size + (rest < size ? rest : 0));
	if (rest < size) {
		record = ring_at(ring, head);
		record->size = rest;
		__atomic_store_n(&record->type, SND_AUDIO_MODULE_RECORD_PAD, __ATOMIC_RELAXED);
		head += rest;
	}
	record = ring_at(ring, head);
	__atomic_store_n(&record->type, SND_AUDIO_MODULE_RECORD_BUSY, __ATOMIC_RELAXED);
	record->size = size;
	record->sequence = ++ring->written;
	record->data_size = size - sizeof(*record);
	__atomic_store_n(&ring->header->head, head + size, __ATOMIC_RELEASE);
	data = (void *)(record + 1);
	for (i = 0; i < record->data_size / 8; i++)
		__atomic_store_n(&data[i], ring->written, __ATOMIC_RELAXED);
	__atomic_store_n(&record->type, SND_AUDIO_MODULE_RECORD_NOTIFICATION, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->header->newest, ring->written, __ATOMIC_RELEASE);
}

static void *ring_run(void *data)
{
	struct ring *ring = data;
	unsigned int seed = 1;

	while (!ring->stop)
		ring_write(ring, sizeof(struct snd_audio_module_record) +
				 rand_r(&seed) % (LONGEST / 8) * 8);
	return NULL;
}

static bool ring_open(struct ring *ring, long page)
{
	ring->fd = memfd_create("ring", MFD_CLOEXEC);
	if (ring->fd < 0 || ftruncate(ring->fd, page + RING))
		return false;
	ring->header = mmap(NULL, page + RING, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->header == MAP_FAILED)
		return false;
	ring->header->data_offset = page;
	ring->header->data_size = RING;
	ring->data = (uint8_t *)ring->header + page;
	return !pthread_create(&ring->thread, NULL, ring_run, ring);
}

/* Every 8 bytes of a record's data are its sequence. */
static bool record_whole(const uint8_t *bytes)
{
	const struct snd_audio_module_record *record = (const void *)bytes;
	const uint64_t *data = (const void *)(record + 1);
	uint32_t i;

	for (i = 0; i < record->data_size / 8; i++)
		if (data[i] != record->sequence)
			return false;
	return record->size == sizeof(*record) + record->data_size;
}

/**
 * struct taken - what a reader of a ring took
 * @good: whole records
 * @torn: others, and those that came twice or too late
 * @lost: LOST records
 * @last: the last sequence
 */
struct taken {
	uint64_t good;
	uint64_t torn;
	uint64_t lost;
	uint64_t last;
};

static void take_all(struct taken *taken, const uint8_t *bytes, ssize_t size)
{
	const struct snd_audio_module_record *record;
	ssize_t at;

	for (at = 0; at < size; at += record->size) {
		record = (const void *)(bytes + at);
		if (record->type == SND_AUDIO_MODULE_RECORD_LOST) {
			taken->lost++;
			taken->last = record->sequence;
			continue;
		}
		taken->torn += !record_whole(bytes + at) || record->sequence != taken->last + 1;
		taken->good++;
		taken->last = record->sequence;
	}
}

/* The reader alone, against a writer that it can never keep up with. */
TEST_F(map, reader_takes_nothing_that_was_overwritten_meanwhile)
{
	uint64_t end = milliseconds() + 3000, give_up = end + STUCK_MS * slowness();
	struct taken taken = { 0 };
	struct map map = { 0 };
	struct ring ring = { 0 };
	ssize_t size;

	ASSERT_TRUE(ring_open(&ring, self->page));
	ASSERT_EQ(0, map_open(&map, ring.fd, 0, 0));
	while (milliseconds() < end ||
	       ((taken.good <= 100 || taken.lost <= 100) && milliseconds() < give_up)) {
		size = map_read(&map, -1, self->reader.buffer, BUFFER);
		if (size == -EBADF)
			continue;	/* it is at the head: the kernel would be told */
		ASSERT_LT(0, size);
		take_all(&taken, self->reader.buffer, size);
	}
	ring.stop = true;
	pthread_join(ring.thread, NULL);
	TH_LOG("%" PRIu64 " whole, %" PRIu64 " torn, %" PRIu64 " times lost, %" PRIu64 " written",
	       taken.good, taken.torn, taken.lost, ring.written);
	EXPECT_EQ(0, taken.torn);
	EXPECT_LT(100, taken.good);
	EXPECT_LT(100, taken.lost);
	map_close(&map);
	munmap(ring.header, self->page + RING);
	close(ring.fd);
}

/* Where it stands there was a PAD of 8 bytes, and now there are zeroes of a record that goes on. */
TEST_F(map, reads_nothing_behind_the_ring)
{
	const size_t length = self->page + RING;
	uint8_t *area = mmap(NULL, length + self->page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);
	struct snd_audio_module_map *header = (void *)area;
	struct map map = {
		.header = header, .data = area + self->page, .length = length, .size = RING,
		.position = RING - 8, .head = RING + 4096, .next = 1,
	};

	ASSERT_NE(MAP_FAILED, area);
	ASSERT_EQ(0, mprotect(area, length, PROT_READ | PROT_WRITE));
	header->head = RING + 4096;
	header->tail = RING - 8;
	header->newest = 100;
	/* BUSY: it asks whether the kernel has more, which this fd does not know. */
	EXPECT_EQ(-EBADF, map_read(&map, -1, self->reader.buffer, BUFFER));
	EXPECT_EQ(RING - 8, map.position);
	munmap(area, length + self->page);
}

/* ------------------------------------------------------------------ lifetimes */

TEST_F(map, outlives_its_fd)
{
	send_many("count=3 size=104");
	close(self->reader.fd);
	self->reader.fd = -1;
	EXPECT_EQ(3, self->reader.map.header->newest);
	EXPECT_EQ(3 * (48 + 104), map_read(&self->reader.map, -1, self->reader.buffer, BUFFER));
	EXPECT_EQ(-EBADF, map_read(&self->reader.map, -1, self->reader.buffer, BUFFER));
	EXPECT_EQ(self->machine.notification_fds + 1, objects_get("notification_fds"));
	map_close(&self->reader.map);
	EXPECT_EQ(self->machine.notification_fds, objects_get("notification_fds"));
}

/* The card, and its driver, go: what is left is delivered, then the end; the pages stay. */
TEST_F(map, ends_with_the_card)
{
	send_many("count=3 size=104");
	close(self->hwdep);
	self->hwdep = -1;
	ASSERT_EQ(0, file_write(DRIVER "/unbind", DEVICE));
	EXPECT_EQ(-ENODEV, reader_drain(&self->reader));
	EXPECT_EQ(3, self->reader.tally.matched);
	EXPECT_EQ(1, self->reader.tally.removed);
	EXPECT_INTACT(self->reader.tally);
	EXPECT_EQ(-ENODEV, reader_drain(&self->reader));
	EXPECT_EQ(POLLIN | POLLHUP, poll_now(self->reader.fd));
	EXPECT_EQ(0, read(self->reader.fd, self->reader.buffer, BUFFER));
	EXPECT_EQ(3, self->reader.map.header->newest);
	EXPECT_EQ(1, self->reader.map.header->removed);
	EXPECT_EQ(0, file_write(DRIVER "/bind", DEVICE));
}

TEST_HARNESS_MAIN
