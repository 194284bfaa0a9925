// SPDX-License-Identifier: GPL-2.0
/*
 * SUBSCRIBE, the notification fd, INFO and LIST: what programs may ask for, what they get, and
 * that a failed call changes nothing.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"

#define HEADER			sizeof(struct snd_audio_module_record)
#define RECORD(size)		(HEADER + ((size) + 7) / 8 * 8)
#define STUCK_MS		20000	/* nothing comes for so long: a test gives up */
#define PATTERN			0xaa
#define NOBODY			65534
#define MANY			150	/* readers */
#define EQ_DEFAULT		0x01000000	/* InstanceId of the Speaker's module 2 */

/* Two NotificationIds of a driver's own, as the hooks take them and as records carry them. */
#define FOREIGN_TEXT		"01234567-89ab-cdef-0123-456789abcdef"
#define OTHER_TEXT		"00000000-0000-0000-0000-0000000000ff"
static const uint8_t foreign_id[16] = {
	0x67, 0x45, 0x23, 0x01, 0xab, 0x89, 0xef, 0xcd,
	0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef
};
static const uint8_t other_id[16] = { [15] = 0xff };
static const uint8_t unused_id[16] = { 1, 2, 3, 4, 5 };

FIXTURE(nfd) {
	struct machine machine;
	int card;
	int hwdep;
	uint8_t bytes[256 * 1024];
};

FIXTURE_SETUP(nfd)
{
	ASSERT_EQ(0, machine_begin(&self->machine, "journal_size=131072"));
	self->card = card_find();
	self->hwdep = hwdep_open(self->card);
	ASSERT_LE(0, self->hwdep);
}

FIXTURE_TEARDOWN(nfd)
{
	close(self->hwdep);
	EXPECT_EQ(0, machine_end(&self->machine));
}

/* ------------------------------------------------------------------ helpers */

#define send_many(...) ASSERT_EQ(0, inject(self->card, "send", __VA_ARGS__))

/* Nothing broke a rule, and every byte is as it was sent. */
#define EXPECT_INTACT(tally) do { \
	EXPECT_EQ(0, (tally).bad) \
		TH_LOG("%" PRIu64 " bad records, the first: %s", (tally).bad, (tally).first_bad); \
	EXPECT_EQ(0, (tally).corrupt); \
} while (0)

static int subscribe_from(int hwdep, enum snd_audio_module_start start, uint64_t *sequence)
{
	struct snd_audio_module_subscribe words = { .start = start };
	int fd = subscribe_on_hwdep(hwdep, &words);

	*sequence = words.start_sequence;
	return fd;
}

static int subscribe_after(int hwdep, uint64_t journal_id, uint64_t sequence)
{
	struct snd_audio_module_subscribe words = {
		.start = SND_AUDIO_MODULE_START_AFTER,
		.journal_id = journal_id,
		.sequence = sequence,
	};

	return subscribe_on_hwdep(hwdep, &words);
}

static uint64_t journal_id(int card)
{
	struct snd_audio_module_info info;

	info_get(card, &info);
	return info.journal_id;
}

static void set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static int poll_in(int fd, int ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	int ready = poll(&pollfd, 1, ms);

	return ready == 1 ? pollfd.revents : ready;
}

/* Wait until a thread of ours, which has nothing else to do, sleeps in the kernel. */
static bool wait_asleep(pid_t process, pid_t thread)
{
	uint64_t end = milliseconds() + STUCK_MS;

	while (milliseconds() < end) {
		char state = thread_state(process, thread);

		if (!state || state == 'S')
			return state;
		usleep(1000);
	}
	return false;
}

/* ------------------------------------------------------------------ where it starts */

/* PNP-7 */
TEST_F(nfd, start_newest_delivers_nothing_old)
{
	struct tally tally;
	uint64_t start;
	int fd;

	send_many("count=100 size=104");
	fd = subscribe_from(self->hwdep, SND_AUDIO_MODULE_START_NEWEST, &start);
	ASSERT_LE(0, fd);
	EXPECT_EQ(100, start);
	EXPECT_EQ(0, poll_in(fd, 0));
	send_many("count=10 size=104");
	tally = tally_new(start);
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(10, tally.matched);
	EXPECT_EQ(110, tally.last);
	EXPECT_INTACT(tally);
	close(fd);
}

TEST_F(nfd, start_oldest_delivers_all_that_is_left)
{
	static const unsigned int counts[] = { 0, 1, 100, 2000 };
	struct snd_audio_module_info info;
	struct tally tally;
	uint64_t start;
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		send_many("count=%u size=104", counts[i]);
		ASSERT_EQ(0, info_get(self->card, &info));
		fd = subscribe_from(self->hwdep, SND_AUDIO_MODULE_START_OLDEST, &start);
		ASSERT_LE(0, fd);
		EXPECT_EQ(info.oldest_sequence - 1, start);
		tally = tally_new(start);
		EXPECT_EQ(0, tally_drain(&tally, fd, 0));
		EXPECT_EQ(info.newest_sequence - start, tally.matched);
		EXPECT_EQ(0, tally.lost);
		EXPECT_INTACT(tally);
		close(fd);
	}
}

/* PNP-7 */
TEST_F(nfd, start_after_resumes_exactly)
{
	static const uint64_t sequences[] = { 0, 1, 2, 50, 99, 100 };
	struct tally tally;
	unsigned int i;
	int fd;

	send_many("count=60 size=104");
	send_many("count=40 size=1001 endpoint=1");
	for (i = 0; i < ARRAY_SIZE(sequences); i++) {
		fd = subscribe_after(self->hwdep, journal_id(self->card), sequences[i]);
		ASSERT_LE(0, fd);
		tally = tally_new(sequences[i]);
		EXPECT_EQ(0, tally_drain(&tally, fd, 0));
		EXPECT_EQ(100 - sequences[i], tally.matched);
		EXPECT_EQ(0, tally.lost);
		EXPECT_EQ(sequences[i], fdinfo_get(fd, "start"));
		EXPECT_INTACT(tally);
		close(fd);
	}
}

/* What was overwritten since then is told first, and nothing else is. */
TEST_F(nfd, start_after_overwritten_tells_the_loss_first)
{
	static const uint64_t sequences[] = { 0, 1, 100 };
	const struct snd_audio_module_record *record = (const void *)self->bytes;
	const struct snd_audio_module_lost *lost = (const void *)(record + 1);
	struct snd_audio_module_info info;
	struct tally tally;
	unsigned int i;
	int fd;

	send_many("count=3000 size=104");
	ASSERT_EQ(0, info_get(self->card, &info));
	for (i = 0; i < ARRAY_SIZE(sequences); i++) {
		fd = subscribe_after(self->hwdep, info.journal_id, sequences[i]);
		ASSERT_LE(0, fd);
		ASSERT_EQ(RECORD(16), read(fd, self->bytes, RECORD(16)));
		EXPECT_EQ(SND_AUDIO_MODULE_RECORD_LOST, record->type);
		EXPECT_EQ(sequences[i] + 1, lost->first);
		EXPECT_EQ(info.oldest_sequence - 1, lost->last);
		tally = tally_new(lost->last);
		EXPECT_EQ(0, tally_drain(&tally, fd, 0));
		EXPECT_EQ(3000 - lost->last, tally.matched);
		EXPECT_EQ(0, tally.lost);
		EXPECT_INTACT(tally);
		close(fd);
	}
	/* The last one that is lost and the first one that is not. */
	fd = subscribe_after(self->hwdep, info.journal_id, info.oldest_sequence - 1);
	tally = tally_new(info.oldest_sequence - 1);
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(0, tally.lost_records);
	close(fd);
}

TEST_F(nfd, start_after_needs_this_journal_and_what_was_sent)
{
	uint64_t id = journal_id(self->card);

	EXPECT_EQ(-EINVAL, subscribe_after(self->hwdep, id, 1));
	send_many("count=10 size=104");
	EXPECT_EQ(-EINVAL, subscribe_after(self->hwdep, id, 11));
	EXPECT_EQ(-EINVAL, subscribe_after(self->hwdep, id, UINT64_MAX));
	EXPECT_EQ(-ESTALE, subscribe_after(self->hwdep, id + 1, 5));
	EXPECT_EQ(-ESTALE, subscribe_after(self->hwdep, id ^ (1ULL << 63), 5));
	EXPECT_EQ(-ESTALE, subscribe_after(self->hwdep, 0, 5));
	EXPECT_EQ(-ESTALE, subscribe_after(self->hwdep, id + 1, 11));
	EXPECT_EQ(self->machine.notification_fds, objects_get("notification_fds"));
}

/* ------------------------------------------------------------------ what SUBSCRIBE refuses */

#define OFFSET(member) offsetof(struct snd_audio_module_subscribe, member)

/* One wrong byte somewhere, or a word with an unknown value. */
TEST_F(nfd, subscribe_refuses_what_has_no_meaning)
{
	static const struct {
		const char *what;
		size_t offset;
		uint32_t value;
		int err;
	} table[] = {
		{ "start 3", OFFSET(start), 3, EINVAL },
		{ "start -1", OFFSET(start), 0xffffffff, EINVAL },
		{ "flag 4", OFFSET(flags), 1 << 2, EINVAL },
		{ "flag 31", OFFSET(flags), 1U << 31, EINVAL },
		{ "MAP and INITIAL", OFFSET(flags), SND_AUDIO_MODULE_SUBSCRIBE_MAP |
		  SND_AUDIO_MODULE_SUBSCRIBE_INITIAL, EINVAL },
		{ "match 16", OFFSET(filter.match), 1 << 4, EINVAL },
		{ "match bit 31", OFFSET(filter.match), 1U << 31, EINVAL },
		{ "journal_id without AFTER", OFFSET(journal_id), 1, EINVAL },
		{ "high journal_id without AFTER", OFFSET(journal_id) + 4, 1, EINVAL },
		{ "sequence without AFTER", OFFSET(sequence), 1, EINVAL },
		{ "high sequence without AFTER", OFFSET(sequence) + 4, 1, EINVAL },
		{ "reserved", OFFSET(reserved), 1, EINVAL },
		{ "start_position", OFFSET(start_position), 8, EINVAL },
		{ "high start_position", OFFSET(start_position) + 4, 1, EINVAL },
		{ "reserved2[0]", OFFSET(reserved2[0]), 1, EINVAL },
		{ "reserved2[1]", OFFSET(reserved2[1]), 1U << 31, EINVAL },
		{ "unmatched instance_id", OFFSET(filter.instance_id), 1, EINVAL },
		{ "unmatched device_id", OFFSET(filter.device_id), 1, EINVAL },
		{ "unmatched device_id, end", OFFSET(filter.device_id[12]), 1U << 31, EINVAL },
		{ "unmatched class_id", OFFSET(filter.class_id), 1, EINVAL },
		{ "unmatched class_id, end", OFFSET(filter.class_id[12]), 1U << 31, EINVAL },
		{ "unmatched notification_id", OFFSET(filter.notification_id), 1, EINVAL },
		{ "unmatched notification_id, end", OFFSET(filter.notification_id[12]), 1U << 31,
		  EINVAL },
		{ "unknown DeviceId", OFFSET(filter.match), SND_AUDIO_MODULE_MATCH_DEVICE_ID,
		  ENXIO },
	};
	static const enum snd_audio_module_start starts[] = {
		SND_AUDIO_MODULE_START_NEWEST, SND_AUDIO_MODULE_START_OLDEST
	};
	unsigned int i, start;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		for (start = 0; start < ARRAY_SIZE(starts); start++) {
			struct snd_audio_module_subscribe words = {
				.start = starts[start], .fd = -5
			};

			memcpy((uint8_t *)&words + table[i].offset, &table[i].value, 4);
			EXPECT_EQ(-table[i].err, subscribe_on_hwdep(self->hwdep, &words))
				TH_LOG("%s", table[i].what);
			EXPECT_EQ(-5, words.fd);
		}
	EXPECT_EQ(self->machine.notification_fds, objects_get("notification_fds"));
}

/* The number that the next file of this program gets */
static int next_number(int fd)
{
	int number = dup(fd);

	close(number);
	return number;
}

TEST_F(nfd, subscribe_refuses_bad_pointers)
{
	struct snd_audio_module_subscribe *page =
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int number = next_number(self->hwdep);

	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_SUBSCRIBE, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_SUBSCRIBE, (void *)-4096L));
	EXPECT_EQ(EFAULT, errno);
	/* Zeroes ask for everything, but the answer has no place: nothing stays behind. */
	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_SUBSCRIBE, page));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(self->machine.notification_fds, objects_get("notification_fds"));
	EXPECT_EQ(number, next_number(self->hwdep));
	munmap(page, 4096);
}

/* The argument of an ioctl on the edge of memory that is not there, or cannot be written. */
static int ioctl_on_the_edge(int hwdep, uint8_t *edge, unsigned long request, size_t inside)
{
	memset(edge - inside, 0, inside);
	return ioctl(hwdep, request, edge - inside) ? errno : 0;
}

TEST_F(nfd, user_copies_that_fault_halfway_fail)
{
	static const struct {
		unsigned long request;
		size_t size;
	} table[] = {
		{ SND_AUDIO_MODULE_IOCTL_INFO, sizeof(struct snd_audio_module_info) },
		{ SND_AUDIO_MODULE_IOCTL_LIST, sizeof(struct snd_audio_module_list) },
		{ SND_AUDIO_MODULE_IOCTL_SUBSCRIBE, sizeof(struct snd_audio_module_subscribe) },
	};
	static const int protections[] = { PROT_NONE, PROT_READ };
	uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	size_t i, j, inside;

	ASSERT_NE(MAP_FAILED, pages);
	for (i = 0; i < ARRAY_SIZE(protections); i++) {
		ASSERT_EQ(0, mprotect(pages + 4096, 4096, protections[i]));
		for (j = 0; j < ARRAY_SIZE(table); j++)
			for (inside = 1; inside < table[j].size; inside++)
				EXPECT_EQ(EFAULT, ioctl_on_the_edge(self->hwdep, pages + 4096,
								    table[j].request,
								    inside))
					TH_LOG("request %zu, %zu bytes inside", j, inside);
	}
	EXPECT_EQ(self->machine.notification_fds, objects_get("notification_fds"));
	munmap(pages, 8192);
}

TEST_F(nfd, list_into_a_buffer_that_ends_too_early_fails)
{
	struct snd_audio_module_list list = { 0 };
	uint8_t *pages = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
	size_t size, inside;

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
	size = list.size;
	ASSERT_GT(32768, size);
	ASSERT_EQ(0, mprotect(pages + 32768, 32768, PROT_NONE));
	for (inside = 0; inside < size; inside += 95) {
		list = (struct snd_audio_module_list) {
			.buffer = (uintptr_t)pages + 32768 - inside,
			.size = size,
		};
		EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
		EXPECT_EQ(EFAULT, errno) TH_LOG("%zu bytes inside", inside);
	}
	munmap(pages, 65536);
}

TEST_F(nfd, subscribe_without_a_free_descriptor)
{
	struct rlimit limit, none;
	int result;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = next_number(self->hwdep);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	result = subscribe_on_hwdep(self->hwdep, NULL);
	setrlimit(RLIMIT_NOFILE, &limit);
	EXPECT_EQ(-EMFILE, result);
	EXPECT_EQ(self->machine.notification_fds, objects_get("notification_fds"));
}

TEST_F(nfd, unknown_ioctls_are_not_there)
{
	uint64_t value = 0;

	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_ADVANCE, &value));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->hwdep, _IO('H', 0x7f), &value));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->hwdep, _IOWR('H', 0x73, uint32_t), &value));
	EXPECT_EQ(ENOTTY, errno);
}

/* ------------------------------------------------------------------ filters */

/**
 * struct source - one kind of traffic
 * @words: for the hook
 * @endpoint: which
 * @class_id: NULL: not an audio module's
 * @instance_id: of the module
 * @notification_id: its
 */
static const struct source {
	const char *words;
	unsigned int endpoint;
	const uint8_t *class_id;
	uint32_t instance_id;
	const uint8_t *notification_id;
} sources[] = {
	{ "endpoint=0 module=0", 0, module_class[0], 0, audio_module_id },
	{ "endpoint=0 module=1", 0, module_class[1], 0, audio_module_id },
	{ "endpoint=0 module=2", 0, module_class[1], EQ_DEFAULT, audio_module_id },
	{ "endpoint=1 module=0", 1, module_class[0], 0, audio_module_id },
	{ "endpoint=1 module=1", 1, module_class[1], 0, audio_module_id },
	{ "endpoint=1 module=2", 1, module_class[2], 0, audio_module_id },
	/* Their data begin like an audio module's, too: class and instance must not match. */
	{ "endpoint=0 method=portcls id=" FOREIGN_TEXT, 0, NULL, 0, foreign_id },
	{ "endpoint=1 module=2 method=portcls id=" FOREIGN_TEXT, 1, NULL, 0, foreign_id },
	{ "endpoint=0 module=2 method=portcls id=" OTHER_TEXT, 0, NULL, 0, other_id },
};

/* What the filter's rules say, told in another way than the kernel's. */
static bool source_passes(const struct source *source, const uint8_t *device_id,
			  const uint8_t *class_id, const uint32_t *instance_id,
			  const uint8_t *notification_id)
{
	if (device_id && device_id != (source->endpoint ? headphones_id : speaker_id))
		return false;
	if (notification_id && notification_id != source->notification_id)
		return false;
	if (class_id && class_id != source->class_id)
		return false;
	return !instance_id || (source->class_id && *instance_id == source->instance_id);
}

static void make_filter(struct snd_audio_module_filter *filter, const uint8_t *device_id,
			const uint8_t *class_id, const uint32_t *instance_id,
			const uint8_t *notification_id)
{
	memset(filter, 0, sizeof(*filter));
	if (device_id) {
		filter->match |= SND_AUDIO_MODULE_MATCH_DEVICE_ID;
		memcpy(filter->device_id, device_id, 16);
	}
	if (class_id) {
		filter->match |= SND_AUDIO_MODULE_MATCH_CLASS_ID;
		memcpy(filter->class_id, class_id, 16);
	}
	if (instance_id) {
		filter->match |= SND_AUDIO_MODULE_MATCH_INSTANCE_ID;
		filter->instance_id = *instance_id;
	}
	if (notification_id) {
		filter->match |= SND_AUDIO_MODULE_MATCH_NOTIFICATION_ID;
		memcpy(filter->notification_id, notification_id, 16);
	}
}

/* Send each source @rounds times, mixed. */
static int send_sources(int card, unsigned int rounds)
{
	unsigned int round, i;
	int err = 0;

	for (round = 0; round < rounds; round++)
		for (i = 0; i < ARRAY_SIZE(sources); i++)
			err |= inject(card, "send", "size=%u %s", 48 + round * 8 + i,
				      sources[i].words);
	return err;
}

/* PNP-4, UWP-3: every combination of members, each against every kind of traffic. */
TEST_F_TIMEOUT(nfd, filters_alone_and_combined, 240)
{
	static const uint8_t *const devices[] = { NULL, speaker_id, headphones_id };
	static const uint8_t *const classes[] = {
		NULL, module_class[0], module_class[1], module_class[2], unused_id
	};
	static const uint32_t instances[] = { 0, EQ_DEFAULT, 77 };
	static const uint8_t *const ids[] = {
		NULL, audio_module_id, foreign_id, other_id, unused_id
	};
	const unsigned int rounds = 4;
	const uint64_t sent = rounds * ARRAY_SIZE(sources);
	unsigned int device, class, instance, id, i, filters = 0;

	ASSERT_EQ(0, send_sources(self->card, rounds));
	for (device = 0; device < 3; device++)
	for (class = 0; class < 5; class++)
	for (instance = 0; instance < 4; instance++)
	for (id = 0; id < 5; id++) {
		const uint32_t *value = instance ? &instances[instance - 1] : NULL;
		struct snd_audio_module_subscribe words = {
			.start = SND_AUDIO_MODULE_START_OLDEST
		};
		struct tally tally = tally_new(0);
		uint64_t expected = 0;
		int fd;

		for (i = 0; i < ARRAY_SIZE(sources); i++)
			if (source_passes(&sources[i], devices[device], classes[class], value,
					  ids[id]))
				expected += rounds;
		make_filter(&words.filter, devices[device], classes[class], value, ids[id]);
		fd = subscribe_on_hwdep(self->hwdep, &words);
		ASSERT_LE(0, fd);
		tally.filtered = true;
		EXPECT_EQ(expected ? POLLIN : 0, poll_in(fd, 0));
		EXPECT_EQ(0, tally_drain(&tally, fd, 0));
		EXPECT_EQ(expected, tally.matched)
			TH_LOG("device %u class %u instance %u id %u", device, class, instance, id);
		EXPECT_EQ(expected, fdinfo_get(fd, "matched"));
		EXPECT_EQ(sent - expected, fdinfo_get(fd, "filtered"));
		EXPECT_EQ(0, fdinfo_get(fd, "lost"));
		EXPECT_EQ(sent, fdinfo_get(fd, "position"));
		EXPECT_INTACT(tally);
		close(fd);
		filters++;
	}
	EXPECT_EQ(3 * 5 * 4 * 5, filters);
}

static void match_each(void *context, const struct snd_audio_module_record *record,
		       const uint8_t *data)
{
	const struct snd_audio_module_notification *identity = (const void *)data;
	uint64_t *wrong = context;

	*wrong += record->endpoint != 0 || memcmp(record->notification_id, audio_module_id, 16) ||
		  memcmp(identity->class_id, module_class[1], 16) ||
		  identity->instance_id != EQ_DEFAULT;
}

/* All four members: the right records, and no byte of others behind what read() returns. */
TEST_F(nfd, filter_keeps_every_other_byte_away)
{
	struct snd_audio_module_subscribe words = { .start = SND_AUDIO_MODULE_START_OLDEST };
	const uint32_t instance = EQ_DEFAULT;
	struct tally tally = tally_new(0);
	uint64_t wrong = 0;
	ssize_t got, i;
	int fd;

	ASSERT_EQ(0, send_sources(self->card, 6));
	make_filter(&words.filter, speaker_id, module_class[1], &instance, audio_module_id);
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	memset(self->bytes, PATTERN, sizeof(self->bytes));
	got = read(fd, self->bytes, sizeof(self->bytes));
	ASSERT_LT(0, got);
	for (i = got; i < sizeof(self->bytes); i++)
		ASSERT_EQ(PATTERN, self->bytes[i]) TH_LOG("byte %zd behind %zd", i, got);
	tally.filtered = true;
	tally.each = match_each;
	tally.context = &wrong;
	tally_records(&tally, self->bytes, got);
	EXPECT_EQ(6, tally.matched);
	EXPECT_EQ(0, wrong);
	EXPECT_INTACT(tally);
	close(fd);
}

/* ------------------------------------------------------------------ the descriptor */

TEST_F(nfd, descriptor_is_closed_on_exec_and_blocking)
{
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	EXPECT_EQ(self->machine.notification_fds + 1, objects_get("notification_fds"));
	close(fd);
	EXPECT_EQ(self->machine.notification_fds, objects_get("notification_fds"));
}

TEST_F(nfd, survives_the_hwdep_device)
{
	int hwdep = hwdep_open(self->card);
	int fd = subscribe_on_hwdep(hwdep, NULL);
	struct tally tally = tally_new(0);

	ASSERT_LE(0, fd);
	close(hwdep);
	send_many("count=10 size=104");
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(10, tally.matched);
	EXPECT_INTACT(tally);
	close(fd);
}

TEST_F(nfd, answer_tells_where_it_starts)
{
	struct snd_audio_module_subscribe words = { .start = SND_AUDIO_MODULE_START_NEWEST };
	int fd;

	send_many("count=17 size=104");
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	EXPECT_EQ(journal_id(self->card), words.start_journal_id);
	EXPECT_EQ(17, words.start_sequence);
	close(fd);
}

/* PNP-3 */
TEST_F(nfd, writing_and_seeking_change_nothing)
{
	struct tally tally = tally_new(0);
	char byte[RECORD(104)] = { 0 };
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_LE(0, fd);
	send_many("count=10 size=104");
	EXPECT_EQ(-1, write(fd, byte, 1));
	EXPECT_TRUE(errno == EBADF || errno == EINVAL);
	EXPECT_EQ(-1, pwrite(fd, byte, 1, 0));
	EXPECT_EQ(-1, pread(fd, byte, sizeof(byte), 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(fd, byte, sizeof(byte), 4096));
	EXPECT_EQ(-1, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(-1, lseek(fd, 152, SEEK_SET));
	EXPECT_EQ(-1, ftruncate(fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(0, fdinfo_get(fd, "position"));
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(10, tally.matched);
	EXPECT_INTACT(tally);
	close(fd);
}

TEST_F(nfd, fdinfo_shows_its_state)
{
	struct snd_audio_module_subscribe words = { .start = SND_AUDIO_MODULE_START_NEWEST };
	const uint32_t instance = EQ_DEFAULT;
	char path[64], text[2048], expected[512];
	struct tally tally = tally_new(9);
	int fd;

	send_many("count=9 size=104");
	make_filter(&words.filter, speaker_id, module_class[1], &instance, audio_module_id);
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	send_many("count=5 size=104 module=2");
	send_many("count=4 size=104 module=1");
	tally.filtered = true;
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	send_many("count=3 size=104 module=2");

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	ASSERT_EQ(0, file_read(path, text, sizeof(text)));
	snprintf(expected, sizeof(expected),
		 "journal_id:\t%016" PRIx64 "\nstart:\t9\nposition:\t18\nnewest:\t21\n"
		 "matched:\t5\nfiltered:\t4\nlost:\t0\nremoved:\t0\n"
		 "filter:\tdevice_id=7B1C1F60-3C0E-4B52-9A53-5D0C8E4A6F01 "
		 "class_id=5CE55C8E-84DF-4317-98C7-792DE83366CC instance_id=0x01000000 "
		 "notification_id=9C2220F0-D9A6-4D5C-A036-573857FD50D2 \n",
		 journal_id(self->card));
	EXPECT_NE(NULL, strstr(text, expected))
		TH_LOG("expected in fdinfo:\n%sgot:\n%s", expected, text);
	close(fd);
}

/* ------------------------------------------------------------------ read() */

TEST_F(nfd, read_too_small_changes_nothing)
{
	static const size_t sizes[] = { 1, 8, 47, 48, 100, RECORD(104) - 8, RECORD(104) - 1 };
	struct tally tally = tally_new(0);
	unsigned int i;
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_LE(0, fd);
	send_many("count=2 size=104");
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->bytes, PATTERN, 1024);
		EXPECT_EQ(-1, read(fd, self->bytes, sizes[i])) TH_LOG("%zu bytes", sizes[i]);
		EXPECT_EQ(EMSGSIZE, errno);
		EXPECT_EQ(PATTERN, self->bytes[0]);
		EXPECT_EQ(0, fdinfo_get(fd, "position"));
	}
	EXPECT_EQ(0, read(fd, self->bytes, 0));
	EXPECT_EQ(RECORD(104), read(fd, self->bytes, RECORD(104)));
	tally_records(&tally, self->bytes, RECORD(104));
	EXPECT_EQ(-1, read(fd, self->bytes, RECORD(104) - 1));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(RECORD(104), read(fd, self->bytes, RECORD(104)));
	tally_records(&tally, self->bytes, RECORD(104));
	EXPECT_EQ(2, tally.matched);
	EXPECT_INTACT(tally);
	close(fd);
}

TEST_F(nfd, read_gives_whole_records_as_many_as_fit)
{
	static const struct {
		size_t size;
		size_t records;
	} table[] = {
		{ RECORD(104), 1 }, { RECORD(104) + 1, 1 }, { 2 * RECORD(104) - 1, 1 },
		{ 2 * RECORD(104), 2 }, { 4095, 4095 / RECORD(104) }, { 4096, 4096 / RECORD(104) },
		{ 10000, 10000 / RECORD(104) }, { 60000, 60000 / RECORD(104) },
	};
	struct tally tally = tally_new(0);
	uint64_t total = 0;
	unsigned int i;
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_LE(0, fd);
	send_many("count=800 size=104");
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		ASSERT_EQ(table[i].records * RECORD(104), read(fd, self->bytes, table[i].size))
			TH_LOG("a read of %zu bytes", table[i].size);
		tally_records(&tally, self->bytes, table[i].records * RECORD(104));
		total += table[i].records;
	}
	EXPECT_EQ(total, tally.matched);
	/* The rest at once: more than what the kernel copies in one piece. */
	EXPECT_EQ((800 - total) * RECORD(104), read(fd, self->bytes, sizeof(self->bytes)));
	tally_records(&tally, self->bytes, (800 - total) * RECORD(104));
	EXPECT_EQ(800, tally.matched);
	EXPECT_INTACT(tally);
	close(fd);
}

TEST_F(nfd, read_nonblocking)
{
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_LE(0, fd);
	set_nonblocking(fd);
	EXPECT_EQ(-1, read(fd, self->bytes, sizeof(self->bytes)));
	EXPECT_EQ(EAGAIN, errno);
	send_many("count=1 size=104");
	EXPECT_EQ(RECORD(104), read(fd, self->bytes, sizeof(self->bytes)));
	EXPECT_EQ(-1, read(fd, self->bytes, sizeof(self->bytes)));
	EXPECT_EQ(EAGAIN, errno);
	close(fd);
}

TEST_F(nfd, read_faults_change_nothing)
{
	uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	uint8_t *volatile nowhere = NULL;	/* the compiler would warn */
	struct tally tally = tally_new(0);
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, mprotect(pages + 4096, 4096, PROT_NONE));
	ASSERT_LE(0, fd);
	send_many("count=100 size=104");
	EXPECT_EQ(-1, read(fd, nowhere, 8192));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, read(fd, (void *)-4096L, 8192));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, read(fd, pages, 8192));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, read(fd, pages + 4096 - 100, 8192));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, fdinfo_get(fd, "position"));
	EXPECT_EQ(0, fdinfo_get(fd, "matched"));
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(100, tally.matched);
	EXPECT_INTACT(tally);
	close(fd);
	munmap(pages, 8192);
}

/**
 * struct sleeper - a thread that reads one record
 * @thread: it
 * @id: its kernel id, set when it is about to read
 * @fd: what it reads
 * @ready: written to when it is about to read
 * @result: what read() returned
 * @error: errno
 * @bytes: what it read
 */
struct sleeper {
	pthread_t thread;
	pid_t id;
	int fd;
	int ready[2];
	ssize_t result;
	int error;
	uint8_t bytes[RECORD(104)];
};

static void *sleeper_run(void *data)
{
	struct sleeper *sleeper = data;

	sleeper->id = syscall(SYS_gettid);
	if (write(sleeper->ready[1], "", 1) != 1)
		return NULL;
	sleeper->result = read(sleeper->fd, sleeper->bytes, sizeof(sleeper->bytes));
	sleeper->error = errno;
	/* To be found by poll(): this one is awake. */
	return write(sleeper->ready[1], "", 1) == 1 ? NULL : sleeper;
}

/* Start a thread and wait until it sleeps in read(). */
static bool sleeper_start(struct sleeper *sleeper, int fd)
{
	char byte;

	sleeper->fd = fd;
	sleeper->result = -2;
	return !pipe(sleeper->ready) &&
	       !pthread_create(&sleeper->thread, NULL, sleeper_run, sleeper) &&
	       read(sleeper->ready[0], &byte, 1) == 1 && wait_asleep(getpid(), sleeper->id);
}

static bool sleeper_awake(struct sleeper *sleeper, int ms)
{
	return poll_in(sleeper->ready[0], ms) == POLLIN;
}

static void sleeper_end(struct sleeper *sleeper)
{
	pthread_join(sleeper->thread, NULL);
	close(sleeper->ready[0]);
	close(sleeper->ready[1]);
}

TEST_F(nfd, read_sleeps_until_a_record_comes)
{
	static const char *const contexts[] = { "process", "spinlock", "softirq", "hardirq" };
	struct sleeper sleeper;
	unsigned int i;
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(contexts); i++) {
		ASSERT_TRUE(sleeper_start(&sleeper, fd));
		EXPECT_FALSE(sleeper_awake(&sleeper, 20));
		send_many("count=1 size=104 context=%s", contexts[i]);
		ASSERT_TRUE(sleeper_awake(&sleeper, STUCK_MS)) TH_LOG("context %s", contexts[i]);
		EXPECT_EQ(RECORD(104), sleeper.result);
		sleeper_end(&sleeper);
	}
	close(fd);
}

/* A filtered reader sleeps on while what comes is not for it. */
TEST_F(nfd, read_sleeps_until_a_matching_record_comes)
{
	struct snd_audio_module_subscribe words = { 0 };
	const struct snd_audio_module_record *record;
	struct sleeper sleeper;
	int fd;

	make_filter(&words.filter, headphones_id, NULL, NULL, NULL);
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(sleeper_start(&sleeper, fd));
	send_many("count=50 size=104 endpoint=0");
	EXPECT_FALSE(sleeper_awake(&sleeper, 100));
	send_many("count=1 size=104 endpoint=1");
	ASSERT_TRUE(sleeper_awake(&sleeper, STUCK_MS));
	record = (const void *)sleeper.bytes;
	EXPECT_EQ(RECORD(104), sleeper.result);
	EXPECT_EQ(51, record->sequence);
	EXPECT_EQ(1, record->endpoint);
	sleeper_end(&sleeper);
	close(fd);
}

static void on_signal(int number)
{
}

TEST_F(nfd, read_is_ended_by_a_signal)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct tally tally = tally_new(0);
	struct sleeper sleeper;
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_TRUE(sleeper_start(&sleeper, fd));
	pthread_kill(sleeper.thread, SIGUSR1);
	ASSERT_TRUE(sleeper_awake(&sleeper, STUCK_MS));
	EXPECT_EQ(-1, sleeper.result);
	EXPECT_EQ(EINTR, sleeper.error);
	sleeper_end(&sleeper);
	send_many("count=3 size=104");
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(3, tally.matched);
	close(fd);
}

TEST_F(nfd, read_is_restarted_with_sa_restart)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sleeper sleeper;
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_TRUE(sleeper_start(&sleeper, fd));
	pthread_kill(sleeper.thread, SIGUSR1);
	EXPECT_FALSE(sleeper_awake(&sleeper, 100));
	send_many("count=1 size=104");
	ASSERT_TRUE(sleeper_awake(&sleeper, STUCK_MS));
	EXPECT_EQ(RECORD(104), sleeper.result);
	sleeper_end(&sleeper);
	close(fd);
}

/* Each record wakes one of the two that sleep on the same fd; none sleeps for ever. */
TEST_F(nfd, two_threads_sleep_on_one_fd)
{
	struct sleeper first, second;
	const struct snd_audio_module_record *records[] = {
		(const void *)first.bytes, (const void *)second.bytes
	};
	unsigned int round;
	int fd = subscribe_on_hwdep(self->hwdep, NULL);

	ASSERT_LE(0, fd);
	for (round = 0; round < 10; round++) {
		ASSERT_TRUE(sleeper_start(&first, fd));
		ASSERT_TRUE(sleeper_start(&second, fd));
		send_many("count=1 size=104");
		send_many("count=1 size=104");
		ASSERT_TRUE(sleeper_awake(&first, STUCK_MS)) TH_LOG("round %u", round);
		ASSERT_TRUE(sleeper_awake(&second, STUCK_MS)) TH_LOG("round %u", round);
		EXPECT_EQ(RECORD(104), first.result);
		EXPECT_EQ(RECORD(104), second.result);
		EXPECT_EQ(4 * round + 3, records[0]->sequence + records[1]->sequence);
		sleeper_end(&first);
		sleeper_end(&second);
	}
	close(fd);
}

/* ------------------------------------------------------------------ poll() and epoll */

TEST_F(nfd, poll_tells_only_of_matching_records)
{
	struct snd_audio_module_subscribe words = { 0 };
	int fd;

	make_filter(&words.filter, NULL, NULL, NULL, foreign_id);
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	set_nonblocking(fd);
	EXPECT_EQ(0, poll_in(fd, 0));
	send_many("count=50 size=104");
	EXPECT_EQ(0, poll_in(fd, 50));
	EXPECT_EQ(-1, read(fd, self->bytes, sizeof(self->bytes)));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(50, fdinfo_get(fd, "filtered"));
	send_many("count=1 size=104 method=portcls id=" FOREIGN_TEXT);
	EXPECT_EQ(POLLIN, poll_in(fd, STUCK_MS));
	EXPECT_EQ(POLLIN, poll_in(fd, 0));
	EXPECT_EQ(RECORD(104), read(fd, self->bytes, sizeof(self->bytes)));
	EXPECT_EQ(0, poll_in(fd, 0));
	close(fd);
}

/* A child that polls while traffic comes that is not for it, and then one record that is. */
TEST_F(nfd, poll_sleeps_until_a_matching_record_comes)
{
	struct snd_audio_module_subscribe words = { 0 };
	int status = -1;
	pid_t pid;
	int fd;

	make_filter(&words.filter, NULL, module_class[2], NULL, NULL);
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	pid = fork();
	if (!pid)
		_exit(poll_in(fd, STUCK_MS) == POLLIN ? 0 : 1);
	ASSERT_TRUE(wait_asleep(pid, pid));
	send_many("count=50 size=104 module=0");
	ASSERT_TRUE(wait_asleep(pid, pid));
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	send_many("count=1 size=104 endpoint=1 module=2");
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(fd);
}

TEST_F(nfd, epoll_level_triggered)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int fd = subscribe_on_hwdep(self->hwdep, NULL);
	unsigned int round;

	ASSERT_LE(0, fd);
	set_nonblocking(fd);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	for (round = 0; round < 3; round++) {
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		send_many("count=2 size=104");
		EXPECT_EQ(1, epoll_wait(epoll, &event, 1, STUCK_MS));
		EXPECT_EQ(RECORD(104), read(fd, self->bytes, RECORD(104)));
		EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
		EXPECT_EQ(RECORD(104), read(fd, self->bytes, RECORD(104)));
	}
	close(fd);
	close(epoll);
}

/* Edge triggered, as programs use it: read until EAGAIN, then wait for the next edge. */
TEST_F(nfd, epoll_edge_triggered)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int fd = subscribe_on_hwdep(self->hwdep, NULL);
	unsigned int round;

	ASSERT_LE(0, fd);
	set_nonblocking(fd);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	for (round = 0; round < 5; round++) {
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		send_many("count=2 size=104");
		EXPECT_EQ(1, epoll_wait(epoll, &event, 1, STUCK_MS)) TH_LOG("round %u", round);
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		EXPECT_EQ(2 * RECORD(104), read(fd, self->bytes, sizeof(self->bytes)));
		EXPECT_EQ(-1, read(fd, self->bytes, sizeof(self->bytes)));
		EXPECT_EQ(EAGAIN, errno);
	}
	close(fd);
	close(epoll);
}

/* How many are ready: @count, or fewer that do not become more. epoll is told one by one. */
static int epoll_await(int epoll, struct epoll_event *events, int count)
{
	uint64_t end = milliseconds() + STUCK_MS;
	int ready;

	do {
		ready = epoll_wait(epoll, events, count, 0);
	} while (ready >= 0 && ready < count && milliseconds() < end);
	return ready;
}

/* PNP-4; more of them than the kernel wakes in one piece. */
TEST_F(nfd, many_readers_are_woken)
{
	struct epoll_event events[MANY];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int fds[MANY];
	unsigned int i, round;

	for (i = 0; i < MANY; i++) {
		events[0].events = EPOLLIN;
		fds[i] = subscribe_on_hwdep(self->hwdep, NULL);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &events[0]));
	}
	for (round = 0; round < 3; round++) {
		EXPECT_EQ(0, epoll_wait(epoll, events, MANY, 0));
		send_many("count=1 size=104 context=hardirq");
		for (i = 0; i < MANY; i++)
			EXPECT_EQ(POLLIN, poll_in(fds[i], STUCK_MS)) TH_LOG("reader %u", i);
		EXPECT_EQ(MANY, epoll_await(epoll, events, MANY));
		for (i = 0; i < MANY; i++)
			EXPECT_EQ(RECORD(104), read(fds[i], self->bytes, sizeof(self->bytes)));
	}
	for (i = 0; i < MANY; i++)
		close(fds[i]);
	close(epoll);
}

/**
 * struct reader - a thread that reads until a signal comes
 * @thread: it
 * @id: its kernel id
 * @fd: what it reads
 * @records: how many it got
 */
struct reader {
	pthread_t thread;
	_Atomic pid_t id;
	int fd;
	_Atomic unsigned int records;
};

static void *reader_run(void *data)
{
	struct reader *reader = data;
	uint8_t bytes[RECORD(104)];

	reader->id = syscall(SYS_gettid);
	while (read(reader->fd, bytes, sizeof(bytes)) > 0)
		reader->records++;
	return NULL;
}

/* Has each got so many, and sleeps again? */
static bool readers_await(struct reader *readers, unsigned int records)
{
	uint64_t end = milliseconds() + STUCK_MS;
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		while ((!readers[i].id || readers[i].records < records) && milliseconds() < end)
			usleep(1000);
		if (readers[i].records != records || !wait_asleep(getpid(), readers[i].id))
			return false;
	}
	return true;
}

/* How often they fell asleep. */
static long readers_slept(const struct reader *readers)
{
	char path[64], line[128];
	long times, sum = 0;
	unsigned int i;
	FILE *status;

	for (i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/status", readers[i].id);
		status = fopen(path, "re");
		if (!status)
			return -1;
		while (fgets(line, sizeof(line), status))
			if (sscanf(line, "voluntary_ctxt_switches: %ld", &times) == 1)
				sum += times;
		fclose(status);
	}
	return sum;
}

/* Whom a record woke, and who sleeps again while others of as many are woken, sleeps on. */
TEST_F(nfd, a_record_wakes_each_reader_once)
{
	static struct reader readers[MANY];
	struct sigaction action = { .sa_handler = on_signal };
	unsigned int i, round;
	long before;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	for (i = 0; i < MANY; i++) {
		readers[i].fd = subscribe_on_hwdep(self->hwdep, NULL);
		ASSERT_LE(0, readers[i].fd);
		ASSERT_EQ(0, pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]));
	}
	ASSERT_TRUE(readers_await(readers, 0));
	before = readers_slept(readers);
	for (round = 1; round <= 20; round++) {
		send_many("count=1 size=104 context=hardirq");
		ASSERT_TRUE(readers_await(readers, round)) TH_LOG("round %u", round);
	}
	EXPECT_EQ(20 * MANY, readers_slept(readers) - before);
	for (i = 0; i < MANY; i++) {
		pthread_kill(readers[i].thread, SIGUSR1);
		pthread_join(readers[i].thread, NULL);
		close(readers[i].fd);
	}
}

/* ------------------------------------------------------------------ other processes */

static int fd_send(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec vector = { .iov_base = "", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -errno;
}

static int fd_receive(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec vector = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* What a program without rights can do with the fd: 0, or the number of what went wrong. */
static int nobody_reads(int socket, int card)
{
	static const unsigned long requests[] = {
		SND_AUDIO_MODULE_IOCTL_INFO, SND_AUDIO_MODULE_IOCTL_LIST,
		SND_AUDIO_MODULE_IOCTL_COMMAND, SND_AUDIO_MODULE_IOCTL_SUBSCRIBE,
		SND_AUDIO_MODULE_IOCTL_ADVANCE, _IO('H', 0), _IO('T', 0)
	};
	static uint8_t bytes[8192];
	struct tally tally = tally_new(0);
	unsigned int i;
	ssize_t got;
	int fd;

	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
		return 1;
	if (hwdep_open(card) >= 0)
		return 2;
	fd = fd_receive(socket);
	if (fd < 0)
		return 3;
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		if (ioctl(fd, requests[i], bytes) != -1 || errno != ENOTTY)
			return 10 + i;
	got = read(fd, bytes, sizeof(bytes));
	if (got <= 0)
		return 4;
	tally.filtered = true;
	tally_records(&tally, bytes, got);
	return tally.matched == 5 && !tally.bad && !tally.corrupt ? 0 : 5;
}

/* Handed to a program without rights: it reads what the filter lets pass and nothing else. */
TEST_F(nfd, handed_to_a_program_without_rights)
{
	struct snd_audio_module_subscribe words = { 0 };
	int sockets[2];
	int status = -1;
	pid_t pid;
	int fd;

	make_filter(&words.filter, headphones_id, NULL, NULL, NULL);
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	send_many("count=5 size=104 endpoint=0");
	send_many("count=5 size=104 endpoint=1");
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	pid = fork();
	if (!pid) {
		close(self->hwdep);
		close(fd);
		_exit(nobody_reads(sockets[1], self->card));
	}
	ASSERT_EQ(0, fd_send(sockets[0], fd));
	close(fd);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status)) TH_LOG("status 0x%x", status);
	EXPECT_EQ(self->machine.notification_fds, objects_get("notification_fds"));
	close(sockets[0]);
	close(sockets[1]);
}

/* Can this process reach one of the hooks? 0, or the number of what it could do. */
static int nobody_injects(int card)
{
	static const char *const hooks[] = { "send", "portcls", "late" };
	unsigned int i;

	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
		return 1;
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (inject(card, hooks[i], "count=1") != -EACCES)
			return 2 + i;
	return 0;
}

/* PNP-3: only the kernel sends. The hooks are root's alone, whatever debugfs' own mode is. */
TEST_F(nfd, pnp3_user_space_cannot_send)
{
	static const char *const hooks[] = { "send", "portcls", "late", "pool", "asleep" };
	struct snd_audio_module_info info;
	struct stat stats;
	char path[128];
	int status = -1;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		snprintf(path, sizeof(path),
			 "/sys/kernel/debug/snd-audio-module-virtual/card%d/%s", self->card,
			 hooks[i]);
		ASSERT_EQ(0, stat(path, &stats));
		EXPECT_EQ(0, stats.st_uid);
		EXPECT_EQ(0600, stats.st_mode & 07777) TH_LOG("%s", path);
	}
	pid = fork();
	if (!pid)
		_exit(nobody_injects(self->card));
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status) TH_LOG("status 0x%x", status);

	/* Nor has root a way through the card's own devices. */
	EXPECT_EQ(-1, write(self->hwdep, self->bytes, RECORD(48)));
	ASSERT_EQ(0, info_get(self->card, &info));
	EXPECT_EQ(0, info.newest_sequence);
}

/* dup() and fork() share one position. */
TEST_F(nfd, copies_share_the_position)
{
	struct tally tally = tally_new(0);
	int status = -1;
	pid_t pid;
	int fd = subscribe_on_hwdep(self->hwdep, NULL);
	int copy = dup(fd);

	ASSERT_LE(0, copy);
	send_many("count=6 size=104");
	EXPECT_EQ(RECORD(104), read(fd, self->bytes, RECORD(104)));
	tally_records(&tally, self->bytes, RECORD(104));
	EXPECT_EQ(RECORD(104), read(copy, self->bytes, RECORD(104)));
	tally_records(&tally, self->bytes, RECORD(104));
	pid = fork();
	if (!pid)
		_exit(read(fd, self->bytes, 2 * RECORD(104)) == 2 * RECORD(104) ? 0 : 1);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(2, tally.last);
	tally.last += 2;	/* the child's */
	close(fd);
	EXPECT_EQ(0, tally_drain(&tally, copy, 0));
	EXPECT_EQ(4, tally.matched);
	EXPECT_EQ(6, tally.last);
	EXPECT_INTACT(tally);
	EXPECT_EQ(self->machine.notification_fds + 1, objects_get("notification_fds"));
	close(copy);
}

/* PNP-8: readers come and go in every state while notifications are sent in every context. */
TEST_F_TIMEOUT(nfd, unsubscribe_while_others_send, 240)
{
	static const char *const lines[] = {
		"count=40000 size=104 context=hardirq", "count=40000 size=104 endpoint=1",
	};
	pid_t pids[ARRAY_SIZE(lines)];
	unsigned int i, round;
	int status;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(inject(self->card, "send", "%s", lines[i]) ? 1 : 0);
	}
	for (round = 0; round < 600; round++) {
		uint64_t start;
		struct tally tally;
		int fd = subscribe_from(self->hwdep, round % 2 ? SND_AUDIO_MODULE_START_OLDEST :
					SND_AUDIO_MODULE_START_NEWEST, &start);

		ASSERT_LE(0, fd);
		tally = tally_new(start);
		if (round % 3)
			poll_in(fd, 0);
		if (round % 5) {
			ssize_t got;

			set_nonblocking(fd);
			got = read(fd, self->bytes, sizeof(self->bytes));
			if (got > 0)
				tally_records(&tally, self->bytes, got);
			EXPECT_INTACT(tally);
		}
		close(fd);
	}
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		EXPECT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(self->machine.notification_fds, objects_get("notification_fds"));
}

/* ------------------------------------------------------------------ INITIAL */

/* The newest of each module first, in their order; not counted; then what comes. */
TEST_F(nfd, initial_delivers_the_newest_of_each_module)
{
	struct snd_audio_module_subscribe words = { .flags = SND_AUDIO_MODULE_SUBSCRIBE_INITIAL };
	const struct snd_audio_module_record *record = (const void *)self->bytes;
	struct tally tally;
	unsigned int module;
	ssize_t got;
	int fd;

	for (module = 0; module < 6; module++)
		send_many("count=3 size=104 endpoint=%u module=%u", module / 3, module % 3);
	send_many("count=2 size=104 method=portcls id=" FOREIGN_TEXT);
	send_many("count=1 size=200 endpoint=0 module=1");	/* sequence 21 */
	/* The module with the highest index has one, too. */
	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 count=1"));
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	EXPECT_EQ(22, words.start_sequence);
	EXPECT_EQ(POLLIN, poll_in(fd, 0));
	got = read(fd, self->bytes, sizeof(self->bytes));
	ASSERT_EQ(5 * RECORD(104) + RECORD(200) + RECORD(40), got);
	for (module = 0; module < 7; module++) {
		static const uint64_t sequences[] = { 3, 9, 12, 15, 18, 21, 22 };

		EXPECT_EQ(sequences[module], record->sequence);
		record = (const void *)((const uint8_t *)record + record->size);
	}
	tally = tally_new(22);
	tally.expect_initial = true;
	tally_records(&tally, self->bytes, got);
	EXPECT_EQ(7, tally.initial);
	EXPECT_EQ(0, fdinfo_get(fd, "matched"));
	EXPECT_EQ(0, fdinfo_get(fd, "filtered"));
	EXPECT_EQ(0, poll_in(fd, 0));

	send_many("count=4 size=104");
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(4, tally.matched);
	EXPECT_EQ(7, tally.initial);
	EXPECT_EQ(4, fdinfo_get(fd, "matched"));
	EXPECT_EQ(26, fdinfo_get(fd, "position"));
	EXPECT_INTACT(tally);
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	close(fd);
}

TEST_F(nfd, initial_through_a_filter)
{
	struct snd_audio_module_subscribe words = { .flags = SND_AUDIO_MODULE_SUBSCRIBE_INITIAL };
	struct tally tally;
	int fd;

	ASSERT_EQ(0, send_sources(self->card, 3));
	make_filter(&words.filter, NULL, module_class[1], NULL, NULL);
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	tally = tally_new(words.start_sequence);
	tally.filtered = true;
	tally.expect_initial = true;
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(3, tally.initial);
	EXPECT_EQ(0, tally.matched);
	ASSERT_EQ(0, send_sources(self->card, 1));
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(3, tally.initial);
	EXPECT_EQ(3, tally.matched);
	EXPECT_EQ(6, fdinfo_get(fd, "filtered"));
	EXPECT_INTACT(tally);
	close(fd);
}

/* Only what comes before the start is INITIAL's; nothing comes twice. */
TEST_F(nfd, initial_with_every_start)
{
	struct snd_audio_module_subscribe words = {
		.flags = SND_AUDIO_MODULE_SUBSCRIBE_INITIAL,
		.start = SND_AUDIO_MODULE_START_OLDEST,
	};
	struct tally tally;
	int fd;

	send_many("count=10 size=104 module=0");
	send_many("count=10 size=104 module=1");
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	tally = tally_new(words.start_sequence);
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(20, tally.matched);
	EXPECT_INTACT(tally);
	close(fd);

	words.start = SND_AUDIO_MODULE_START_AFTER;
	words.journal_id = journal_id(self->card);
	words.sequence = 15;
	words.start_journal_id = words.start_sequence = 0;
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	tally = tally_new(15);
	tally.expect_initial = true;
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(2, tally.initial);	/* 10 and 15 */
	EXPECT_EQ(5, tally.matched);
	EXPECT_INTACT(tally);
	close(fd);
}

TEST_F(nfd, initial_leaves_out_what_is_overwritten)
{
	struct snd_audio_module_subscribe words = { .flags = SND_AUDIO_MODULE_SUBSCRIBE_INITIAL };
	struct tally tally;
	int fd;

	send_many("count=5 size=104 module=0");
	send_many("count=2000 size=104 module=1");
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	/* It was there at SUBSCRIBE, and is not at read(): a LOST record and the rest follow. */
	send_many("count=2000 size=104 module=2");
	tally = tally_new(2005);
	tally.expect_initial = true;
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(0, tally.initial);
	EXPECT_EQ(4005, tally.last);
	EXPECT_EQ(2000, tally.matched + tally.lost);
	EXPECT_INTACT(tally);
	close(fd);

	tally = tally_new(4005);
	tally.expect_initial = true;
	words = (struct snd_audio_module_subscribe) { .flags = SND_AUDIO_MODULE_SUBSCRIBE_INITIAL };
	fd = subscribe_on_hwdep(self->hwdep, &words);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(1, tally.initial);	/* module 2's */
	EXPECT_INTACT(tally);
	close(fd);
}

/* ------------------------------------------------------------------ INFO and LIST */

/* IF-12 */
TEST_F(nfd, info_fills_every_byte)
{
	struct snd_audio_module_info info;
	unsigned int i;

	send_many("count=3 size=104");
	memset(&info, PATTERN, sizeof(info));
	ASSERT_EQ(0, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_INFO, &info));
	EXPECT_EQ(SND_AUDIO_MODULE_ABI_VERSION, info.abi_version);
	EXPECT_EQ(self->card, info.card);
	EXPECT_EQ(SND_AUDIO_MODULE_FEATURE_INITIAL | SND_AUDIO_MODULE_FEATURE_COMMAND |
		  SND_AUDIO_MODULE_FEATURE_MAP, info.features);
	EXPECT_NE(0, info.journal_id);
	EXPECT_LT(0, info.generation);
	EXPECT_EQ(131072, info.journal_size);
	EXPECT_EQ(1, info.oldest_sequence);
	EXPECT_EQ(3, info.newest_sequence);
	EXPECT_EQ(3, info.counters[SND_AUDIO_MODULE_COUNTER_ACCEPTED]);
	for (i = 1; i < 32; i++)
		EXPECT_EQ(0, info.counters[i]) TH_LOG("counter %u", i);

	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_INFO, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_INFO, (void *)-4096L));
	EXPECT_EQ(EFAULT, errno);
}

/* KS-2, CMD-4: 0 asks for the size, too little gets nothing, enough gets all. */
TEST_F(nfd, ks2_list_in_two_calls)
{
	struct snd_audio_module_list list = { 0 };
	uint32_t needed, size;

	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
	EXPECT_EQ(EOVERFLOW, errno);
	EXPECT_EQ(2, list.endpoints);
	EXPECT_EQ(8, list.modules);
	needed = list.size;
	EXPECT_EQ(2 * sizeof(struct snd_audio_module_endpoint_info) +
		  8 * sizeof(struct snd_audio_module_module_info), needed);

	memset(self->bytes, PATTERN, sizeof(self->bytes));
	list.buffer = (uintptr_t)self->bytes;
	for (size = 1; size < needed; size += needed / 3) {
		list.size = size;
		EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
		EXPECT_EQ(ENOBUFS, errno) TH_LOG("%u bytes", size);
		EXPECT_EQ(0, list.size);
		EXPECT_EQ(PATTERN, self->bytes[0]);
	}
	list.size = needed - 1;
	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
	EXPECT_EQ(ENOBUFS, errno);
	EXPECT_EQ(0, list.size);

	for (size = needed; size <= needed + 1000; size += 500) {
		memset(self->bytes, PATTERN, sizeof(self->bytes));
		list.size = size;
		EXPECT_EQ(0, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
		EXPECT_EQ(needed, list.size);
		EXPECT_NE(PATTERN, self->bytes[needed - 1]);
		EXPECT_EQ(PATTERN, self->bytes[needed]);
	}
}

TEST_F(nfd, list_refuses_what_has_no_meaning)
{
	struct snd_audio_module_list list = { .reserved = 1 };

	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
	EXPECT_EQ(EINVAL, errno);
	list.reserved = 1U << 31;
	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, NULL));
	EXPECT_EQ(EFAULT, errno);
	list = (struct snd_audio_module_list) { .buffer = 0, .size = 65536 };
	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
	EXPECT_EQ(EFAULT, errno);
	list = (struct snd_audio_module_list) { .buffer = -4096ULL, .size = 0xffffffff };
	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
	EXPECT_EQ(EFAULT, errno);
}

/* As a pipe: two that read at once have no offset to write. */
TEST_F(nfd, has_no_offset)
{
	int fd = subscribe(self->card, NULL);
	uint8_t bytes[64];

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(fd, bytes, sizeof(bytes), 0));
	EXPECT_EQ(ESPIPE, errno);
	close(fd);
}

/* KS-3, 8.6: names end in zeroes and reserved members are zero, whatever was in the buffer. */
TEST_F(nfd, list_has_no_uninitialised_byte)
{
	struct snd_audio_module_list list = { .buffer = (uintptr_t)self->bytes, .size = 65536 };
	const struct snd_audio_module_endpoint_info *endpoint = (const void *)self->bytes;
	const struct snd_audio_module_module_info *module;
	unsigned int i, j, of_endpoint[2] = { 0 };

	memset(self->bytes, PATTERN, 65536);
	ASSERT_EQ(0, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
	ASSERT_EQ(2, list.endpoints);
	ASSERT_EQ(8, list.modules);
	module = (const void *)(endpoint + list.endpoints);
	for (i = 0; i < list.modules; i++) {
		ASSERT_GT(2, module[i].endpoint);
		of_endpoint[module[i].endpoint]++;
		EXPECT_EQ(-1, module[i].pcm_device);
		EXPECT_EQ(-1, module[i].pcm_subdevice);
		EXPECT_NE(0, module[i].element_numid);
		EXPECT_LT(0, strnlen(module[i].name, 384));
		for (j = 0; j < ARRAY_SIZE(module[i].reserved); j++)
			EXPECT_EQ(0, module[i].reserved[j]);
		for (j = strnlen(module[i].label, 31); j < 32; j++)
			EXPECT_EQ(0, module[i].label[j]) TH_LOG("module %u label[%u]", i, j);
		for (j = strnlen(module[i].name, 383); j < 384; j++)
			EXPECT_EQ(0, module[i].name[j]) TH_LOG("module %u name[%u]", i, j);
	}
	for (i = 0; i < list.endpoints; i++) {
		EXPECT_EQ(i, endpoint[i].index);
		EXPECT_EQ(0, memcmp(i ? headphones_id : speaker_id, endpoint[i].device_id, 16));
		EXPECT_STREQ(i ? "Headphones" : "Speaker", endpoint[i].name);
		EXPECT_EQ(of_endpoint[i], endpoint[i].modules);
		EXPECT_EQ(1U << i, endpoint[i].playback_devices);
		EXPECT_EQ(0, endpoint[i].capture_devices);
		for (j = 0; j < ARRAY_SIZE(endpoint[i].reserved); j++)
			EXPECT_EQ(0, endpoint[i].reserved[j]);
		for (j = strnlen(endpoint[i].name, 31); j < 32; j++)
			EXPECT_EQ(0, endpoint[i].name[j]) TH_LOG("endpoint %u name[%u]", i, j);
	}
}

TEST_HARNESS_MAIN
