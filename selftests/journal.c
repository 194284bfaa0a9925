// SPDX-License-Identifier: GPL-2.0
/*
 * The journal: its size, its records, and the promise that every loss is counted:
 *
 *	matched + filtered out + lost = last consumed sequence - start sequence
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"

#define SMALLEST		131072
#define LARGEST			(64 * 1024 * 1024)
#define DEFAULT_SIZE		(1024 * 1024)
#define HEADER			sizeof(struct snd_audio_module_record)
#define READ_SIZE		(256 * 1024)
#define STUCK_MS		20000	/* nothing comes for so long: a test gives up */

#define FLOOD			100000
#define FLOOD_SIZE		104
#define PRODUCED		20000

#define UNUSED_ID		{ 0xaa, 0xbb, 0xcc }
#define BIND			"/sys/bus/platform/drivers/snd-audio-module-virtual/bind"
#define UNBIND			"/sys/bus/platform/drivers/snd-audio-module-virtual/unbind"
#define DEVICE			"snd-audio-module-virtual"

/* ------------------------------------------------------------------ helpers */

#define send_many(...) ASSERT_EQ(0, inject(self->card, "send", __VA_ARGS__))

/* Nothing broke a rule, and every byte is as it was sent. */
#define EXPECT_INTACT(tally) do { \
	EXPECT_EQ(0, (tally).bad) \
		TH_LOG("%" PRIu64 " bad records, the first: %s", (tally).bad, (tally).first_bad); \
	EXPECT_EQ(0, (tally).corrupt); \
} while (0)

/* The loss equation, from the records and from fdinfo. */
#define EXPECT_EQUATION(tally, fd) do { \
	EXPECT_EQ((tally).last - (tally).start, (tally).matched + (tally).lost); \
	EXPECT_EQ((tally).matched, fdinfo_get(fd, "matched")); \
	EXPECT_EQ((tally).lost, fdinfo_get(fd, "lost")); \
	EXPECT_EQ(0, fdinfo_get(fd, "filtered")); \
	EXPECT_EQ((tally).last, fdinfo_get(fd, "position")); \
} while (0)

static int subscribe_oldest(int card, uint64_t *start)
{
	struct snd_audio_module_subscribe words = { .start = SND_AUDIO_MODULE_START_OLDEST };
	int fd = subscribe(card, &words);

	*start = words.start_sequence;
	return fd;
}

static int subscribe_filter(int card, const struct snd_audio_module_filter *filter)
{
	struct snd_audio_module_subscribe words = { .filter = *filter };

	return subscribe(card, &words);
}

/* Run the hook "send" in a process of its own. */
static pid_t send_in_child(int card, const char *line)
{
	pid_t pid = fork();

	if (!pid)
		_exit(inject(card, "send", "%s", line) ? 1 : 0);
	return pid;
}

static int wait_child(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Read until @last is consumed: 0; -ETIMEDOUT: nothing came for long; or another -errno. */
static int drain_to(struct tally *tally, int fd, uint64_t last)
{
	uint64_t progress = milliseconds();
	int64_t position = -1;

	while (position < (int64_t)last) {
		int err = tally_drain(tally, fd, 50);
		int64_t now = fdinfo_get(fd, "position");

		if (err)
			return err;
		if (now != position)
			progress = milliseconds();
		else if (milliseconds() - progress > STUCK_MS)
			return -ETIMEDOUT;
		position = now;
	}
	return 0;
}

/**
 * struct reader - a thread that reads until a sequence is consumed
 * @thread: it
 * @fd: what it reads
 * @target: the sequence
 * @sleep_at: sleep once when so many records are consumed; 0: do not
 * @sleep_ms: for how long
 * @tally: what it was given
 * @result: 0 or -errno
 */
struct reader {
	pthread_t thread;
	int fd;
	uint64_t target;
	uint64_t sleep_at;
	unsigned int sleep_ms;
	struct tally tally;
	int result;
};

static void *reader_run(void *data)
{
	struct reader *reader = data;
	struct pollfd pollfd = { .fd = reader->fd, .events = POLLIN };
	uint8_t *buffer = malloc(READ_SIZE);
	ssize_t got;

	reader->result = buffer ? 0 : -ENOMEM;
	while (!reader->result && reader->tally.last < reader->target) {
		if (poll(&pollfd, 1, STUCK_MS) != 1) {
			reader->result = -ETIMEDOUT;
			break;
		}
		got = read(reader->fd, buffer, READ_SIZE);
		if (got <= 0)
			reader->result = got ? -errno : -EPIPE;
		else
			tally_records(&reader->tally, buffer, got);
		if (reader->sleep_at &&
		    reader->tally.last - reader->tally.start >= reader->sleep_at) {
			usleep(reader->sleep_ms * 1000);
			reader->sleep_at = 0;
		}
	}
	free(buffer);
	return NULL;
}

/* Begin to read @fd, from where it is, up to @count records more. */
static int reader_start(struct reader *reader, int fd, uint64_t count)
{
	uint64_t start = fdinfo_get(fd, "start");

	reader->fd = fd;
	reader->tally = tally_new(start);
	reader->target = start + count;
	return pthread_create(&reader->thread, NULL, reader_run, reader);
}

static void print_figures(struct __test_metadata *_metadata, const char *name,
			  const struct reader *reader, uint64_t ms)
{
	const struct tally *tally = &reader->tally;
	uint64_t total = tally->matched + tally->lost;

	ksft_print_msg("%s: %s: %" PRIu64 " delivered, %" PRIu64 " lost (%.2f %%) in %" PRIu64
		       " LOST records; %" PRIu64 " ms, %" PRIu64 " a second\n", _metadata->name,
		       name, tally->matched, tally->lost, total ? 100.0 * tally->lost / total : 0,
		       tally->lost_records, ms, ms ? total * 1000 / ms : 0);
	fflush(stdout);
}

/* ------------------------------------------------------------------ the parameter journal_size */

FIXTURE(parameter) {
	struct machine machine;
};

FIXTURE_SETUP(parameter)
{
	ASSERT_EQ(0, machine_begin(&self->machine, ""));
	ASSERT_EQ(0, modules_unload());
}

FIXTURE_TEARDOWN(parameter)
{
	EXPECT_EQ(0, machine_end(&self->machine));
}

/* Does the kernel's log say @text, from where @kmsg is? */
static bool kernel_said(int kmsg, const char *text)
{
	char line[1024];
	bool said = false;
	ssize_t got;

	while ((got = read(kmsg, line, sizeof(line) - 1)) > 0 || errno == EPIPE) {
		line[got > 0 ? got : 0] = 0;
		said |= !!strstr(line, text);
	}
	return said;
}

TEST_F_TIMEOUT(parameter, bad_journal_sizes_are_refused, 240)
{
	static const char *const values[] = {
		"0", "1", "65536", "131071", "131073", "196608", "134217728", "67108865",
		"4294967296", "18446744073709682688", "-131072", "large", "128K", "131072x", ""
	};
	char words[64], message[128];
	unsigned int i;
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	ASSERT_LE(0, kmsg);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		lseek(kmsg, 0, SEEK_END);
		snprintf(words, sizeof(words), "journal_size=%s", values[i]);
		snprintf(message, sizeof(message),
			 "journal_size=%s: must be a power of two from 131072 (128 KiB) to 67108864 (64 MiB)",
			 values[i]);
		EXPECT_GT(0, modules_load(words)) TH_LOG("%s", words);
		EXPECT_FALSE(modules_loaded()) TH_LOG("%s", words);
		EXPECT_TRUE(kernel_said(kmsg, message)) TH_LOG("not said: %s", message);
		EXPECT_EQ(0, modules_unload());
	}
	close(kmsg);
}

TEST_F(parameter, good_journal_sizes_are_used)
{
	static const struct {
		const char *words;
		uint64_t size;
	} table[] = {
		{ "", DEFAULT_SIZE }, { "journal_size=131072", SMALLEST },
		{ "journal_size=0x40000", 0x40000 }, { "journal_size=67108864", LARGEST },
	};
	struct snd_audio_module_info info;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		ASSERT_EQ(0, modules_load(table[i].words));
		ASSERT_EQ(0, info_get(card_find(), &info));
		EXPECT_EQ(table[i].size, info.journal_size) TH_LOG("\"%s\"", table[i].words);
		ASSERT_EQ(0, modules_unload());
	}
}

/* The largest journal really holds what it says: all of it can be read back. */
TEST_F(parameter, largest_journal_holds_what_it_says)
{
	const uint64_t record = HEADER + 64040;
	const uint64_t count = LARGEST / record;
	struct tally tally;
	uint64_t start;
	int fd;

	ASSERT_EQ(0, modules_load("journal_size=67108864"));
	ASSERT_EQ(0, inject(card_find(), "send", "count=%" PRIu64 " size=64040", count));
	fd = subscribe_oldest(card_find(), &start);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, start);
	tally = tally_new(start);
	EXPECT_EQ(0, tally_drain(&tally, fd, 0));
	EXPECT_EQ(count, tally.matched);
	EXPECT_INTACT(tally);
	close(fd);
}

/* ------------------------------------------------------------------ three sizes */

/* A card whose core was loaded with @core_parameters, and an fd that reads all it sends. */
#define JOURNAL_FIXTURE(name, core_parameters) \
FIXTURE(name) { \
	struct machine machine; \
	int card; \
	int fd; \
}; \
FIXTURE_SETUP(name) \
{ \
	ASSERT_EQ(0, machine_begin(&self->machine, core_parameters)); \
	self->card = card_find(); \
	self->fd = subscribe_newest(self->card); \
	ASSERT_LE(0, self->fd); \
} \
FIXTURE_TEARDOWN(name) \
{ \
	close(self->fd); \
	EXPECT_EQ(0, machine_end(&self->machine)); \
}

JOURNAL_FIXTURE(journal, "")
JOURNAL_FIXTURE(smallest, "journal_size=131072")
JOURNAL_FIXTURE(large, "journal_size=33554432")

/* ------------------------------------------------------------------ sequence and time */

/* PNP-10 */
TEST_F(journal, sequence_begins_with_1)
{
	struct snd_audio_module_info info;
	struct tally tally = tally_new(0);

	ASSERT_EQ(0, info_get(self->card, &info));
	EXPECT_EQ(0, info.newest_sequence);
	EXPECT_EQ(1, info.oldest_sequence);
	EXPECT_EQ(0, info.counters[SND_AUDIO_MODULE_COUNTER_ACCEPTED]);

	send_many("count=1 size=48");
	ASSERT_EQ(0, info_get(self->card, &info));
	EXPECT_EQ(1, info.newest_sequence);
	EXPECT_EQ(1, info.oldest_sequence);

	send_many("count=299 size=48");
	EXPECT_EQ(0, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(300, tally.matched);	/* and by the tally: 1, 2, 3 ... */
	EXPECT_EQ(300, tally.last);
	EXPECT_EQ(0, tally.lost);
	EXPECT_INTACT(tally);
	ASSERT_EQ(0, info_get(self->card, &info));
	EXPECT_EQ(300, info.newest_sequence);
	EXPECT_EQ(300, info.counters[SND_AUDIO_MODULE_COUNTER_ACCEPTED]);
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

TEST_F(journal, timestamps_are_clock_monotonic)
{
	static const char *const contexts[] = { "process", "spinlock", "softirq", "hardirq" };
	uint8_t bytes[1024];
	const struct snd_audio_module_record *record = (const void *)bytes;
	uint64_t before, after;
	unsigned int i;

	for (i = 0; i < 40; i++) {
		before = monotonic_ns();
		send_many("count=1 size=48 context=%s", contexts[i % 4]);
		after = monotonic_ns();
		ASSERT_LT(0, read(self->fd, bytes, sizeof(bytes)));
		EXPECT_LE(before, record->timestamp);
		EXPECT_GE(after, record->timestamp);
	}
}

/* ------------------------------------------------------------------ records and their bytes */

/* IF-8: in memory that held other bytes before, what is not data is zero. */
TEST_F(smallest, padding_is_zero)
{
	uint8_t bytes[256];
	const struct snd_audio_module_record *record = (const void *)bytes;
	struct tally tally = tally_new(0);
	unsigned int size, i;

	send_many("count=2000 size=104 method=portcls id=a5a5a5a5-a5a5-a5a5-a5a5-a5a5a5a5a5a5");
	EXPECT_EQ(0, tally_drain(&tally, self->fd, 0));
	EXPECT_INTACT(tally);
	for (size = 1; size <= 72; size++) {
		send_many("count=1 size=%u method=portcls id=01234567-89ab-cdef-0123-456789abcdef",
			  size);
		ASSERT_EQ(HEADER + (size + 7) / 8 * 8, read(self->fd, bytes, sizeof(bytes)))
			TH_LOG("%u bytes", size);
		EXPECT_EQ(size, record->data_size);
		EXPECT_EQ(HEADER + (size + 7) / 8 * 8, record->size);
		EXPECT_EQ(0, record->flags);
		for (i = HEADER + size; i < record->size; i++)
			EXPECT_EQ(0, bytes[i]) TH_LOG("%u bytes: byte %u", size, i);
	}
}

TEST_F(smallest, oldest_and_newest)
{
	enum { AHEAD = 4096 };
	const uint64_t record = HEADER + 104;
	struct snd_audio_module_info info;
	struct tally tally;
	uint64_t start, sent = 0;
	unsigned int lap;
	int fd;

	for (lap = 0; lap < 8; lap++) {
		send_many("count=500 size=104");
		sent += 500;
		ASSERT_EQ(0, info_get(self->card, &info));
		EXPECT_EQ(sent, info.newest_sequence);
		EXPECT_LE(1, info.oldest_sequence);
		/* What it keeps fills the ring up to 4 KiB, one PAD and one record. */
		EXPECT_LE(sent * record < SMALLEST - AHEAD ? sent : (SMALLEST - AHEAD) / record - 2,
			  sent - info.oldest_sequence + 1);
		EXPECT_GE(SMALLEST / record, sent - info.oldest_sequence + 1);

		fd = subscribe_oldest(self->card, &start);
		ASSERT_LE(0, fd);
		EXPECT_EQ(info.oldest_sequence - 1, start);
		tally = tally_new(start);
		EXPECT_EQ(0, tally_drain(&tally, fd, 0));
		EXPECT_EQ(sent - info.oldest_sequence + 1, tally.matched);
		EXPECT_EQ(0, tally.lost);
		EXPECT_EQ(sent, tally.last);
		EXPECT_INTACT(tally);
		close(fd);
	}
}

JOURNAL_FIXTURE(wrap, "journal_size=131072")

FIXTURE_VARIANT(wrap) {
	unsigned int size;
	unsigned int laps;
	const char *context;
};

/* Records that divide the ring, and such that need a PAD at almost every end of it. */
FIXTURE_VARIANT_ADD(wrap, bytes40) { .size = 40, .laps = 12, .context = "process" };
FIXTURE_VARIANT_ADD(wrap, bytes41) { .size = 41, .laps = 12, .context = "softirq" };
FIXTURE_VARIANT_ADD(wrap, bytes80) { .size = 80, .laps = 12, .context = "irqoff" };
FIXTURE_VARIANT_ADD(wrap, bytes500) { .size = 500, .laps = 40, .context = "spinlock" };
FIXTURE_VARIANT_ADD(wrap, bytes4000) { .size = 4000, .laps = 60, .context = "hardirq" };
FIXTURE_VARIANT_ADD(wrap, bytes64040) { .size = 64040, .laps = 60, .context = "process" };

/* Half a ring at a time: a reader that keeps up loses nothing over many laps. */
TEST_F_TIMEOUT(wrap, many_laps_without_loss, 240)
{
	const uint64_t record = HEADER + (variant->size + 7) / 8 * 8;
	const uint64_t batch = SMALLEST / 2 / record;
	const uint64_t rounds = 2 * variant->laps;
	struct tally tally = tally_new(0);
	uint64_t i;

	for (i = 0; i < rounds; i++) {
		send_many("count=%" PRIu64 " size=%u context=%s", batch, variant->size,
			  variant->context);
		ASSERT_EQ(0, tally_drain(&tally, self->fd, 0));
		ASSERT_EQ(batch * (i + 1), tally.last);
	}
	EXPECT_EQ(batch * rounds, tally.matched);
	EXPECT_EQ(0, tally.lost);
	EXPECT_INTACT(tally);
	EXPECT_EQUATION(tally, self->fd);
}

/* A reader that slept for many laps: one LOST record, then all that the ring still has. */
TEST_F_TIMEOUT(wrap, many_laps_asleep, 240)
{
	const uint64_t record = HEADER + (variant->size + 7) / 8 * 8;
	const uint64_t count = SMALLEST / record * variant->laps / 2;
	struct snd_audio_module_info info;
	struct tally tally = tally_new(0);

	send_many("count=%" PRIu64 " size=%u context=%s", count, variant->size, variant->context);
	ASSERT_EQ(0, info_get(self->card, &info));
	EXPECT_EQ(0, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(1, tally.lost_records);
	EXPECT_EQ(info.oldest_sequence - 1, tally.lost);
	EXPECT_EQ(count, tally.last);
	EXPECT_EQ(count, tally.matched + tally.lost);
	EXPECT_INTACT(tally);
	EXPECT_EQUATION(tally, self->fd);
}

/* Sizes that change from record to record put PADs of every length at the end of the ring. */
TEST_F_TIMEOUT(smallest, wraps_with_changing_sizes, 240)
{
	struct tally tally = tally_new(0);
	uint64_t sent = 0;
	unsigned int i;

	for (i = 0; i < 1200; i++) {
		send_many("count=3 size=%u endpoint=%u", 40 + i * 7919 % 9000, i % 2);
		sent += 3;
		if (i % 4 == 3)
			ASSERT_EQ(0, tally_drain(&tally, self->fd, 0));
	}
	EXPECT_EQ(0, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(sent, tally.matched);
	EXPECT_EQ(0, tally.lost);
	EXPECT_INTACT(tally);
}

/* ------------------------------------------------------------------ floods */

/* PNP-10: 100 000 notifications fit: neither reader loses one, though one sleeps in the middle. */
TEST_F_TIMEOUT(large, flood_loses_nothing_when_it_fits, 240)
{
	struct reader fast = { 0 };
	struct reader slow = { .sleep_at = FLOOD / 2, .sleep_ms = 2000 };
	uint64_t began, sent;
	int slow_fd = subscribe_newest(self->card);

	ASSERT_LE(0, slow_fd);
	ASSERT_EQ(0, reader_start(&fast, self->fd, FLOOD));
	ASSERT_EQ(0, reader_start(&slow, slow_fd, FLOOD));
	began = milliseconds();
	EXPECT_EQ(0, inject(self->card, "send", "count=%u size=%u", FLOOD, FLOOD_SIZE));
	sent = milliseconds() - began;
	pthread_join(fast.thread, NULL);
	pthread_join(slow.thread, NULL);
	print_figures(_metadata, "fast reader", &fast, sent);
	print_figures(_metadata, "slow reader", &slow, sent);

	EXPECT_EQ(0, fast.result);
	EXPECT_EQ(0, slow.result);
	EXPECT_EQ(FLOOD, fast.tally.matched);
	EXPECT_EQ(FLOOD, slow.tally.matched);
	EXPECT_EQ(0, fast.tally.lost);
	EXPECT_EQ(0, slow.tally.lost);
	EXPECT_INTACT(fast.tally);
	EXPECT_INTACT(slow.tally);
	EXPECT_EQUATION(fast.tally, self->fd);
	EXPECT_EQUATION(slow.tally, slow_fd);
	EXPECT_EQ(0, counter_get(self->card, SND_AUDIO_MODULE_COUNTER_BUSY));
	close(slow_fd);
}

/*
 * PNP-10: they do not fit: what each reader lost is told exactly. The tally refuses a sequence that
 * is missing and not told, and one that is told twice.
 */
TEST_F_TIMEOUT(journal, flood_tells_every_loss, 240)
{
	struct reader fast = { 0 };
	struct reader slow = { .sleep_at = FLOOD / 2, .sleep_ms = 2000 };
	uint64_t began, sent;
	int slow_fd = subscribe_newest(self->card);

	ASSERT_LE(0, slow_fd);
	ASSERT_EQ(0, reader_start(&fast, self->fd, FLOOD));
	ASSERT_EQ(0, reader_start(&slow, slow_fd, FLOOD));
	began = milliseconds();
	EXPECT_EQ(0, inject(self->card, "send", "count=%u size=%u", FLOOD, FLOOD_SIZE));
	sent = milliseconds() - began;
	pthread_join(fast.thread, NULL);
	pthread_join(slow.thread, NULL);
	print_figures(_metadata, "fast reader", &fast, sent);
	print_figures(_metadata, "slow reader", &slow, sent);

	EXPECT_EQ(0, fast.result);
	EXPECT_EQ(0, slow.result);
	EXPECT_EQ(FLOOD, fast.tally.last);
	EXPECT_EQ(FLOOD, slow.tally.last);
	EXPECT_LT(0, slow.tally.lost);
	EXPECT_INTACT(fast.tally);
	EXPECT_INTACT(slow.tally);
	EXPECT_EQUATION(fast.tally, self->fd);
	EXPECT_EQUATION(slow.tally, slow_fd);
	close(slow_fd);
}

/* The equation with a filter: matched + filtered + lost, of traffic that is overwritten. */
TEST_F_TIMEOUT(smallest, flood_equation_with_a_filter, 240)
{
	struct snd_audio_module_filter filter = { .match = SND_AUDIO_MODULE_MATCH_DEVICE_ID };
	struct tally tally = tally_new(0);
	int64_t filtered, lost;
	pid_t pids[2];
	int fd;

	memcpy(filter.device_id, headphones_id, 16);
	fd = subscribe_filter(self->card, &filter);
	ASSERT_LE(0, fd);
	tally.filtered = true;
	pids[0] = send_in_child(self->card, "count=15000 size=104 endpoint=0");
	pids[1] = send_in_child(self->card, "count=15000 size=104 endpoint=1");
	EXPECT_EQ(0, drain_to(&tally, fd, 30000));
	EXPECT_EQ(0, wait_child(pids[0]));
	EXPECT_EQ(0, wait_child(pids[1]));

	filtered = fdinfo_get(fd, "filtered");
	lost = fdinfo_get(fd, "lost");
	ksft_print_msg("%s: matched %" PRIu64 " filtered %" PRId64 " lost %" PRId64 "\n",
		       _metadata->name, tally.matched, filtered, lost);
	fflush(stdout);
	EXPECT_EQ(30000, fdinfo_get(fd, "position"));
	EXPECT_EQ(30000, tally.matched + filtered + lost);
	EXPECT_EQ(tally.lost, lost);
	EXPECT_EQ(tally.matched, fdinfo_get(fd, "matched"));
	EXPECT_GE(15000, tally.matched);
	EXPECT_GE(15000, filtered);
	EXPECT_INTACT(tally);
	close(fd);
}

/* 10 every 10 ms for 3 seconds: a reader that reads loses nothing. */
TEST_F_TIMEOUT(journal, a_thousand_a_second_lose_nothing, 240)
{
	struct reader reader = { 0 };
	struct timespec next;
	unsigned int i;
	uint64_t began = milliseconds();

	ASSERT_EQ(0, reader_start(&reader, self->fd, 3000));
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (i = 0; i < 300; i++) {
		send_many("count=10 size=%u context=softirq", FLOOD_SIZE);
		next.tv_nsec += 10000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	pthread_join(reader.thread, NULL);
	print_figures(_metadata, "reader", &reader, milliseconds() - began);
	EXPECT_EQ(0, reader.result);
	EXPECT_EQ(3000, reader.tally.matched);
	EXPECT_EQ(0, reader.tally.lost);
	EXPECT_INTACT(reader.tally);
	EXPECT_EQUATION(reader.tally, self->fd);
}

/* PNP-6: a reader that lags costs the one beside it nothing, and is told its own losses alone. */
TEST_F_TIMEOUT(smallest, a_lagging_reader_does_not_disturb, 240)
{
	struct tally fast = tally_new(0);
	struct tally lagging = tally_new(0);
	struct tally never = tally_new(0);
	int lagging_fd = subscribe_newest(self->card);
	int never_fd = subscribe_newest(self->card);
	unsigned int i;

	ASSERT_LE(0, lagging_fd);
	ASSERT_LE(0, never_fd);
	for (i = 0; i < 40; i++) {
		send_many("count=400 size=104");
		ASSERT_EQ(0, tally_drain(&fast, self->fd, 0));
		if (i % 10 == 9)
			ASSERT_EQ(0, tally_drain(&lagging, lagging_fd, 0));
	}
	EXPECT_EQ(0, tally_drain(&never, never_fd, 0));
	EXPECT_EQ(16000, fast.matched);
	EXPECT_EQ(0, fast.lost);
	EXPECT_EQ(16000, lagging.last);
	EXPECT_EQ(4, lagging.lost_records);
	EXPECT_LT(0, lagging.lost);
	EXPECT_EQ(16000, never.last);
	EXPECT_EQ(1, never.lost_records);
	EXPECT_LT(lagging.lost, never.lost);
	EXPECT_INTACT(fast);
	EXPECT_INTACT(lagging);
	EXPECT_INTACT(never);
	EXPECT_EQUATION(fast, self->fd);
	EXPECT_EQUATION(lagging, lagging_fd);
	EXPECT_EQUATION(never, never_fd);
	close(lagging_fd);
	close(never_fd);
}

/* ------------------------------------------------------------------ producers at once */

/**
 * struct order - each producer's numbers
 * @last: number of its last notification, by module
 * @count: how many, by module
 * @disordered: how many came before a smaller one
 */
struct order {
	uint64_t last[16];
	uint64_t count[16];
	uint64_t disordered;
};

static void order_each(void *context, const struct snd_audio_module_record *record,
		       const uint8_t *data)
{
	struct order *order = context;
	uint64_t number = vendor_number(data + 40, 8);

	if (record->type != SND_AUDIO_MODULE_RECORD_NOTIFICATION || record->module >= 16)
		return;
	if (number <= order->last[record->module])
		order->disordered++;
	order->last[record->module] = number;
	order->count[record->module]++;
}

static unsigned int order_producers(const struct order *order, uint64_t each)
{
	unsigned int producers = 0;
	unsigned int i;

	for (i = 0; i < 16; i++)
		producers += order->count[i] == each;
	return producers;
}

/* PNP-10: two processes, each at an endpoint of its own. */
TEST_F_TIMEOUT(large, two_producers_at_once, 240)
{
	struct order order = { 0 };
	struct tally tally = tally_new(0);
	pid_t pids[2];

	tally.each = order_each;
	tally.context = &order;
	pids[0] = send_in_child(self->card, "count=20000 size=104 endpoint=0 method=portcls");
	pids[1] = send_in_child(self->card, "count=20000 size=200 endpoint=1 method=post");
	EXPECT_EQ(0, drain_to(&tally, self->fd, 2 * PRODUCED));
	EXPECT_EQ(0, wait_child(pids[0]));
	EXPECT_EQ(0, wait_child(pids[1]));
	EXPECT_EQ(0, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(2 * PRODUCED, tally.matched);
	EXPECT_EQ(0, tally.lost);
	EXPECT_EQ(0, order.disordered);
	EXPECT_EQ(2, order_producers(&order, PRODUCED));
	EXPECT_INTACT(tally);
}

/* PNP-10: interrupts and soft interrupts come in the middle of what a process writes. */
TEST_F_TIMEOUT(large, producers_in_three_contexts, 240)
{
	struct order order = { 0 };
	struct tally tally = tally_new(0);
	pid_t pids[3];
	unsigned int i;

	tally.each = order_each;
	tally.context = &order;
	pids[0] = send_in_child(self->card, "count=20000 size=1000 module=0 context=process");
	pids[1] = send_in_child(self->card, "count=20000 size=104 module=1 context=softirq");
	pids[2] = send_in_child(self->card, "count=20000 size=104 module=2 context=hardirq");
	EXPECT_EQ(0, drain_to(&tally, self->fd, 3 * PRODUCED));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, wait_child(pids[i]));
	EXPECT_EQ(3 * PRODUCED, tally.matched + tally.lost);
	EXPECT_EQ(counter_get(self->card, SND_AUDIO_MODULE_COUNTER_BUSY), tally.lost);
	EXPECT_EQ(0, order.disordered);
	EXPECT_EQ(3, order_producers(&order, PRODUCED));
	EXPECT_INTACT(tally);
	EXPECT_EQUATION(tally, self->fd);
}

/* The same into the smallest journal with long records: the ring is full of unfinished ones. */
TEST_F_TIMEOUT(smallest, producers_in_three_contexts, 240)
{
	struct order order = { 0 };
	struct tally tally = tally_new(0);
	uint64_t busy;
	pid_t pids[3];
	unsigned int i;

	tally.each = order_each;
	tally.context = &order;
	pids[0] = send_in_child(self->card, "count=3000 size=64040 module=0 context=process");
	pids[1] = send_in_child(self->card, "count=3000 size=40000 module=1 context=softirq");
	pids[2] = send_in_child(self->card, "count=3000 size=4000 module=2 context=hardirq");
	EXPECT_EQ(0, drain_to(&tally, self->fd, 9000));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, wait_child(pids[i]));
	EXPECT_EQ(0, tally_drain(&tally, self->fd, 0));
	busy = counter_get(self->card, SND_AUDIO_MODULE_COUNTER_BUSY);
	ksft_print_msg("%s: matched %" PRIu64 " lost %" PRIu64 ", %" PRIu64 " of them busy\n",
		       _metadata->name, tally.matched, tally.lost, busy);
	fflush(stdout);
	EXPECT_EQ(9000, tally.matched + tally.lost);
	EXPECT_EQ(9000, counter_get(self->card, SND_AUDIO_MODULE_COUNTER_ACCEPTED));
	EXPECT_LE(busy, tally.lost);
	EXPECT_EQ(0, order.disordered);
	EXPECT_INTACT(tally);
	EXPECT_EQUATION(tally, self->fd);
}

/* On a new card the first producer's numbers are the sequences: header and data belong together. */
static void number_each(void *context, const struct snd_audio_module_record *record,
			const uint8_t *data)
{
	uint64_t *wrong = context;

	if (record->type == SND_AUDIO_MODULE_RECORD_NOTIFICATION)
		*wrong += vendor_number(data + 40, 8) != record->sequence;
}

/*
 * A reader at the tail of a small ring copies what is just being overwritten: long records, so
 * that it takes a while. It never gets one that is torn, or one with the data of another.
 */
TEST_F_TIMEOUT(smallest, overwritten_while_copied, 240)
{
	static const char *const lines[] = {
		"count=3000 size=64040", "count=6000 size=20000", "count=12000 size=6000",
	};
	static const uint64_t last[] = { 3000, 9000, 21000 };
	struct tally tally = tally_new(0);
	uint64_t wrong = 0;
	unsigned int i;

	tally.each = number_each;
	tally.context = &wrong;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		pid_t pid = send_in_child(self->card, lines[i]);

		EXPECT_EQ(0, drain_to(&tally, self->fd, last[i]));
		EXPECT_EQ(0, wait_child(pid));
	}
	ksft_print_msg("%s: matched %" PRIu64 " lost %" PRIu64 "\n", _metadata->name,
		       tally.matched, tally.lost);
	fflush(stdout);
	EXPECT_EQ(0, wrong);
	EXPECT_LT(0, tally.matched);
	EXPECT_EQ(last[2], tally.last);
	EXPECT_INTACT(tally);
	EXPECT_EQUATION(tally, self->fd);
}

/*
 * The same with a timer that comes in the middle of a copy and writes over all of the ring: reader
 * and producer are on one CPU, and each tick sends a chunk of 256.
 */
TEST_F_TIMEOUT(smallest, overwritten_while_copied_by_a_timer, 240)
{
	const uint64_t count = 256 * 150;
	struct tally tally = tally_new(0);
	cpu_set_t cpus;
	uint64_t wrong = 0;
	pid_t pid;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	tally.each = number_each;
	tally.context = &wrong;
	pid = send_in_child(self->card, "count=38400 size=20000 context=softirq");
	EXPECT_EQ(0, drain_to(&tally, self->fd, count));
	EXPECT_EQ(0, wait_child(pid));
	ksft_print_msg("%s: matched %" PRIu64 " lost %" PRIu64 "\n", _metadata->name,
		       tally.matched, tally.lost);
	fflush(stdout);
	EXPECT_EQ(0, wrong);
	EXPECT_LT(0, tally.matched);
	EXPECT_EQ(count, tally.last);
	EXPECT_INTACT(tally);
	EXPECT_EQUATION(tally, self->fd);
}

/* ------------------------------------------------------------------ LOST */

/* Whether the fd wants the records or not, its losses are told, and the last is the newest. */
TEST_F(smallest, lost_passes_every_filter)
{
	struct snd_audio_module_filter filter = {
		.match = SND_AUDIO_MODULE_MATCH_NOTIFICATION_ID,
		.notification_id = UNUSED_ID,
	};
	static const uint8_t zero[16];
	uint8_t bytes[1024];
	const struct snd_audio_module_record *record = (const void *)bytes;
	const struct snd_audio_module_lost *lost = (const void *)(record + 1);
	struct snd_audio_module_info info;
	int fd = subscribe_filter(self->card, &filter);

	ASSERT_LE(0, fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	send_many("count=3000 size=104");
	ASSERT_EQ(0, info_get(self->card, &info));
	ASSERT_EQ(HEADER + sizeof(*lost), read(fd, bytes, sizeof(bytes)));
	EXPECT_EQ(SND_AUDIO_MODULE_RECORD_LOST, record->type);
	EXPECT_EQ(HEADER + sizeof(*lost), record->size);
	EXPECT_EQ(sizeof(*lost), record->data_size);
	EXPECT_EQ(1, lost->first);
	EXPECT_EQ(info.oldest_sequence - 1, lost->last);
	EXPECT_EQ(lost->last, record->sequence);
	EXPECT_EQ(0, record->flags);
	EXPECT_EQ(0, memcmp(zero, record->notification_id, 16));
	EXPECT_EQ(SND_AUDIO_MODULE_NONE, record->endpoint);
	EXPECT_EQ(SND_AUDIO_MODULE_NONE, record->module);

	EXPECT_EQ(-1, read(fd, bytes, sizeof(bytes)));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(info.newest_sequence, fdinfo_get(fd, "position"));
	EXPECT_EQ(lost->last, fdinfo_get(fd, "lost"));
	EXPECT_EQ(info.newest_sequence - lost->last, fdinfo_get(fd, "filtered"));
	EXPECT_EQ(0, fdinfo_get(fd, "matched"));
	close(fd);
}

/* PNP-10: losses in the middle: what was read before and what comes after is not told as lost. */
TEST_F(smallest, lost_ranges_are_exact)
{
	struct snd_audio_module_info info;
	struct tally tally = tally_new(0);
	uint64_t lost = 0;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		uint64_t read_up_to = tally.last;

		send_many("count=%u size=%u", 1000 + i * 37, 104 + i * 11);
		ASSERT_EQ(0, info_get(self->card, &info));
		EXPECT_EQ(0, tally_drain(&tally, self->fd, 0));
		lost += info.oldest_sequence - 1 - read_up_to;
		EXPECT_EQ(lost, tally.lost);
		EXPECT_EQ(i + 1, tally.lost_records);
		EXPECT_EQ(info.newest_sequence, tally.last);
		EXPECT_EQ(info.newest_sequence, fdinfo_get(self->fd, "newest"));
	}
	EXPECT_INTACT(tally);
	EXPECT_EQUATION(tally, self->fd);
}

static void type_each(void *context, const struct snd_audio_module_record *record,
		      const uint8_t *data)
{
	uint16_t *type = context;

	*type = record->type;
}

/* On one CPU: send one long record after the other, until @stop. */
static void send_until(int hook, const volatile bool *stop)
{
	while (!*stop && !portcls_do(hook, NULL, 0, "op=send slot=0"))
		;
}

/*
 * A tick comes while a long record is copied, and what it sends goes around the ring up to that
 * one: the last is dropped. Who reads then is told, though nothing comes behind it.
 */
TEST_F_TIMEOUT(smallest, last_one_is_told_when_it_was_dropped, 240)
{
	volatile bool *stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct tally tally = tally_new(0);
	struct snd_audio_module_info info;
	int hook = portcls_open(self->card);
	unsigned int round, dropped = 0;
	uint16_t last = 0;
	cpu_set_t cpus;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, stop);
	ASSERT_LE(0, hook);
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	ASSERT_EQ(0, portcls_do(hook, NULL, 0, "op=alloc slot=0 size=64040"));
	ASSERT_EQ(0, portcls_do(hook, NULL, 0, "op=fill slot=0"));
	tally.each = type_each;
	tally.context = &last;
	for (round = 0; round < 200 && dropped < 5; round++) {
		*stop = false;
		pid = fork();
		if (!pid) {
			int err = inject(self->card, "send", "count=3 size=30000 context=softirq");

			*stop = true;
			_exit(-err);
		}
		send_until(hook, stop);
		EXPECT_EQ(0, wait_child(pid));
		ASSERT_EQ(0, tally_drain(&tally, self->fd, 0));
		ASSERT_EQ(0, info_get(self->card, &info));
		ASSERT_EQ(info.newest_sequence, tally.last) TH_LOG("round %u", round);
		dropped += last == SND_AUDIO_MODULE_RECORD_LOST;
	}
	ksft_print_msg("%s: %u in %u rounds\n", _metadata->name, dropped, round);
	fflush(stdout);
	/* With PREEMPT_RT a tick sends nothing while preemption is off. */
	EXPECT_LT(preempt_rt() ? -1 : 0, (int)dropped);
	EXPECT_EQ(0, portcls_do(hook, NULL, 0, "op=free slot=0"));
	close(hook);
	munmap((void *)stop, 4096);
}

/* ------------------------------------------------------------------ CHANGED */

static uint64_t list_generation(int card)
{
	struct snd_audio_module_list list = { 0 };
	int hwdep = hwdep_open(card);

	ioctl(hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list);
	close(hwdep);
	return list.generation;
}

static void changed_each(void *context, const struct snd_audio_module_record *record,
			 const uint8_t *data)
{
	struct snd_audio_module_changed *changed = context;

	if (record->type == SND_AUDIO_MODULE_RECORD_CHANGED)
		memcpy(changed, data, sizeof(*changed));
}

TEST_F(journal, changed_tells_the_generation)
{
	struct snd_audio_module_changed changed = { 0 };
	struct tally tally = tally_new(0);
	struct snd_audio_module_info info;
	uint64_t before = list_generation(self->card);
	struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };

	tally.each = changed_each;
	tally.context = &changed;
	send_many("count=5 size=48");
	ASSERT_EQ(0, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(0, poll(&pollfd, 1, 0));

	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 endpoint=0 count=0"));
	EXPECT_EQ(1, poll(&pollfd, 1, STUCK_MS));
	ASSERT_EQ(0, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(1, tally.changed);
	EXPECT_LT(before, changed.generation);
	EXPECT_EQ(list_generation(self->card), changed.generation);
	ASSERT_EQ(0, info_get(self->card, &info));
	EXPECT_EQ(info.generation, changed.generation);

	before = changed.generation;
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	ASSERT_EQ(0, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(2, tally.changed);
	EXPECT_LT(before, changed.generation);
	EXPECT_EQ(list_generation(self->card), changed.generation);

	/* It takes no sequence. */
	send_many("count=5 size=48");
	ASSERT_EQ(0, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(10, tally.matched);
	EXPECT_EQ(10, tally.last);
	EXPECT_INTACT(tally);
	EXPECT_EQUATION(tally, self->fd);
}

/* It passes every filter that does not name another endpoint. */
TEST_F(journal, changed_and_filters)
{
	struct snd_audio_module_filter filters[] = {
		{ .match = SND_AUDIO_MODULE_MATCH_DEVICE_ID },
		{ .match = SND_AUDIO_MODULE_MATCH_DEVICE_ID },
		{ .match = SND_AUDIO_MODULE_MATCH_CLASS_ID, .class_id = UNUSED_ID },
		{ .match = SND_AUDIO_MODULE_MATCH_NOTIFICATION_ID, .notification_id = UNUSED_ID },
		{ .match = SND_AUDIO_MODULE_MATCH_INSTANCE_ID, .instance_id = 12345 },
	};
	static const unsigned int expected[] = { 0, 2, 2, 2, 2 };
	struct tally tallies[ARRAY_SIZE(filters)];
	int fds[ARRAY_SIZE(filters)];
	unsigned int i;

	memcpy(filters[0].device_id, speaker_id, 16);
	memcpy(filters[1].device_id, headphones_id, 16);
	for (i = 0; i < ARRAY_SIZE(filters); i++) {
		fds[i] = subscribe_filter(self->card, &filters[i]);
		ASSERT_LE(0, fds[i]);
		tallies[i] = tally_new(0);
		tallies[i].filtered = true;
	}
	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 endpoint=1 count=0"));
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	for (i = 0; i < ARRAY_SIZE(filters); i++) {
		EXPECT_EQ(0, tally_drain(&tallies[i], fds[i], 0));
		EXPECT_EQ(expected[i], tallies[i].changed) TH_LOG("filter %u", i);
		EXPECT_EQ(0, tallies[i].matched);
		EXPECT_INTACT(tallies[i]);
		close(fds[i]);
	}
}

/* All that is lost before a CHANGED is told before it. */
TEST_F(smallest, loss_comes_before_the_changed_behind_it)
{
	struct { struct snd_audio_module_record record; struct snd_audio_module_lost lost; } first;
	struct { struct snd_audio_module_record record; uint8_t data[16]; } second;

	send_many("count=1 size=40000");
	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 count=0"));
	/* Around the ring, and over the long one alone. */
	send_many("count=100 size=1000");
	ASSERT_EQ(sizeof(first), read(self->fd, &first, sizeof(first)));
	EXPECT_EQ(SND_AUDIO_MODULE_RECORD_LOST, first.record.type);
	EXPECT_EQ(1, first.lost.first);
	EXPECT_EQ(1, first.lost.last);
	ASSERT_LT(0, read(self->fd, &second, sizeof(second)));
	EXPECT_EQ(SND_AUDIO_MODULE_RECORD_CHANGED, second.record.type);
	EXPECT_EQ(1, second.record.sequence);
	EXPECT_EQ(0, inject(self->card, "late", "op=unregister"));
}

/* PNP-7: a late module's notification comes behind the CHANGED that tells of the module. */
TEST_F(journal, changed_comes_before_the_new_modules_notification)
{
	uint8_t bytes[1024];
	const struct snd_audio_module_record *record = (const void *)bytes;
	ssize_t got;

	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=9 endpoint=0 count=1"));
	got = read(self->fd, bytes, sizeof(bytes));
	ASSERT_EQ(HEADER + 8 + HEADER + 40, got);
	EXPECT_EQ(SND_AUDIO_MODULE_RECORD_CHANGED, record->type);
	EXPECT_EQ(0, record->endpoint);
	EXPECT_EQ(SND_AUDIO_MODULE_NONE, record->module);
	record = (const void *)(bytes + record->size);
	EXPECT_EQ(SND_AUDIO_MODULE_RECORD_NOTIFICATION, record->type);
	EXPECT_EQ(40, record->data_size);
	EXPECT_NE(SND_AUDIO_MODULE_NONE, record->module);
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
}

/* In a child: modules come and go, each with a notification, until a byte is in the pipe. */
static void come_and_go(int card, int stop)
{
	struct pollfd pollfd = { .fd = stop, .events = POLLIN };
	int err = 0;

	while (!err && !poll(&pollfd, 1, 0)) {
		err = inject(card, "late", "op=register instance=3 count=1");
		err = err ? err : inject(card, "late", "op=unregister");
	}
	_exit(err ? 1 : 0);
}

/*
 * PNP-7: who subscribes first and lists then misses nothing that happens in between or after: the
 * list and the last CHANGED together are the list of the end, and no sequence is missing.
 */
TEST_F_TIMEOUT(large, pnp7_subscribe_then_list_misses_nothing, 240)
{
	enum { READERS = 40 };
	struct snd_audio_module_changed changed[READERS] = { 0 };
	struct tally tallies[READERS];
	uint64_t listed[READERS], newest_generation, end;
	int fds[READERS], stop[2];
	unsigned int i, later = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe(stop));
	pid = fork();
	if (!pid)
		come_and_go(self->card, stop[0]);
	for (i = 0; i < READERS; i++) {
		struct snd_audio_module_subscribe words = { 0 };

		fds[i] = subscribe(self->card, &words);
		ASSERT_LE(0, fds[i]);
		listed[i] = list_generation(self->card);
		tallies[i] = tally_new(words.start_sequence);
		tallies[i].each = changed_each;
		tallies[i].context = &changed[i];
		usleep(5000);
	}
	/* Something is to happen after the last list, too. */
	end = milliseconds() + STUCK_MS;
	while (list_generation(self->card) == listed[READERS - 1] && milliseconds() < end)
		usleep(1000);
	ASSERT_EQ(1, write(stop[1], "", 1));
	EXPECT_EQ(0, wait_child(pid));
	newest_generation = list_generation(self->card);
	for (i = 0; i < READERS; i++) {
		EXPECT_EQ(0, tally_drain(&tallies[i], fds[i], 0));
		EXPECT_EQ(newest_generation, changed[i].generation > listed[i] ?
			  changed[i].generation : listed[i]) TH_LOG("reader %u", i);
		later += changed[i].generation > listed[i];
		EXPECT_EQ(0, tallies[i].lost);
		EXPECT_INTACT(tallies[i]);
		EXPECT_EQUATION(tallies[i], fds[i]);
		close(fds[i]);
	}
	EXPECT_LT(READERS / 2, later);
	close(stop[0]);
	close(stop[1]);
}

/* ------------------------------------------------------------------ REMOVED */

/* PNP-9: the card goes: what is left, REMOVED, end of file. */
TEST_F(journal, removed_is_the_last_record)
{
	struct snd_audio_module_filter filter = {
		.match = SND_AUDIO_MODULE_MATCH_NOTIFICATION_ID,
		.notification_id = UNUSED_ID,
	};
	struct tally tally = tally_new(0);
	struct tally nothing = tally_new(0);
	struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };
	int filtered_fd = subscribe_filter(self->card, &filter);
	char byte[HEADER];

	ASSERT_LE(0, filtered_fd);
	send_many("count=500 size=104");
	ASSERT_EQ(0, file_write(UNBIND, DEVICE));
	EXPECT_EQ(1, poll(&pollfd, 1, 0));
	EXPECT_EQ(POLLIN, pollfd.revents);
	EXPECT_EQ(1, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(500, tally.matched);
	EXPECT_EQ(0, tally.lost);
	EXPECT_EQ(1, tally.removed);
	EXPECT_EQ(500, tally.last);
	EXPECT_INTACT(tally);

	EXPECT_EQ(1, poll(&pollfd, 1, 0));
	EXPECT_EQ(POLLIN | POLLHUP, pollfd.revents);
	EXPECT_EQ(0, read(self->fd, byte, sizeof(byte)));
	EXPECT_EQ(0, read(self->fd, byte, sizeof(byte)));
	EXPECT_EQ(1, fdinfo_get(self->fd, "removed"));

	nothing.filtered = true;
	EXPECT_EQ(1, tally_drain(&nothing, filtered_fd, 0));
	EXPECT_EQ(0, nothing.matched);
	EXPECT_EQ(1, nothing.removed);
	EXPECT_INTACT(nothing);
	close(filtered_fd);
	ASSERT_EQ(0, file_write(BIND, DEVICE));
}

/* PNP-9: who slept when the card went wakes up and is told, though others hold it open. */
TEST_F(journal, removed_wakes_who_sleeps)
{
	int hwdep = hwdep_open(self->card);
	struct snd_audio_module_record record = { 0 };
	struct pollfd pollfd;
	int pipes[2];
	char byte;
	pid_t pid;

	ASSERT_LE(0, hwdep);
	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	if (!pid) {
		ssize_t got;

		/* Blocks until the card goes; the parent sees the end of the pipe. */
		close(pipes[0]);
		if (write(pipes[1], "", 1) != 1)
			_exit(10);
		got = read(self->fd, &record, sizeof(record));
		_exit(got == sizeof(record) && record.type == SND_AUDIO_MODULE_RECORD_REMOVED &&
		      !read(self->fd, &record, sizeof(record)) ? 0 : 1);
	}
	close(pipes[1]);
	ASSERT_EQ(1, read(pipes[0], &byte, 1));
	ASSERT_EQ(0, file_write(UNBIND, DEVICE));
	pollfd = (struct pollfd) { .fd = pipes[0] };
	EXPECT_EQ(1, poll(&pollfd, 1, STUCK_MS)) TH_LOG("the reader still sleeps");
	if (!pollfd.revents)
		kill(pid, SIGKILL);
	EXPECT_EQ(0, wait_child(pid));
	close(pipes[0]);
	close(hwdep);
}

/* Who waits for the end alone hears of it when another reader of the fd has taken REMOVED. */
TEST_F(journal, end_wakes_who_waits_for_it)
{
	struct pollfd pollfd = { .fd = self->fd };
	struct tally tally = tally_new(0);
	uint64_t start = milliseconds();
	pid_t pid = fork();

	/* When its time is over, poll() looks once more. */
	if (!pid)
		_exit(poll(&pollfd, 1, STUCK_MS) == 1 && pollfd.revents == POLLHUP &&
		      milliseconds() - start < STUCK_MS ? 0 : 1);
	usleep(100 * 1000);
	ASSERT_EQ(0, file_write(UNBIND, DEVICE));
	/* That wakes it, and it finds no end yet. */
	usleep(100 * 1000);
	EXPECT_EQ(1, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(1, tally.removed);
	EXPECT_EQ(0, wait_child(pid)) TH_LOG("it still waits");
	ASSERT_EQ(0, file_write(BIND, DEVICE));
}

/* DeviceIds of Speaker and Headphones are these, and their modules' are. */
static bool device_ids_are_the_drivers(int card)
{
	struct snd_audio_module_module_info speakers, headphones;

	return !module_find(card, speaker_id, module_class[1], 0, &speakers) &&
	       !module_find(card, headphones_id, module_class[1], 0, &headphones) &&
	       speakers.endpoint == 0 && headphones.endpoint == 1;
}

/* NID-1, NID-4: a DeviceId lives as long as the device; one that the driver gave comes back. */
TEST_F(journal, nid1_device_ids_live_as_long_as_the_card)
{
	int round;

	for (round = 0; round < 3; round++) {
		EXPECT_TRUE(device_ids_are_the_drivers(self->card));
		ASSERT_EQ(0, inject(self->card, "late", "op=register instance=4 count=1"));
		EXPECT_TRUE(device_ids_are_the_drivers(self->card));
		ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
		EXPECT_TRUE(device_ids_are_the_drivers(self->card));
		ASSERT_EQ(0, file_write(UNBIND, DEVICE));
		EXPECT_FALSE(device_ids_are_the_drivers(self->card));
		ASSERT_EQ(0, file_write(BIND, DEVICE));
		self->card = card_find();
	}
}

/* The card that comes back has another journal; the old one can be read to its end. */
TEST_F(journal, a_new_card_has_a_new_journal)
{
	struct snd_audio_module_info before, after;
	struct snd_audio_module_subscribe words = { .start = SND_AUDIO_MODULE_START_AFTER };
	struct tally tally = tally_new(0);

	send_many("count=50 size=104");
	ASSERT_EQ(0, info_get(self->card, &before));
	ASSERT_EQ(0, file_write(UNBIND, DEVICE));
	EXPECT_EQ(-ENODEV, card_find());
	ASSERT_EQ(0, file_write(BIND, DEVICE));
	self->card = card_find();
	ASSERT_EQ(0, info_get(self->card, &after));
	EXPECT_NE(before.journal_id, after.journal_id);
	EXPECT_EQ(0, after.newest_sequence);
	send_many("count=7 size=104");

	words.journal_id = before.journal_id;
	words.sequence = 5;
	EXPECT_EQ(-ESTALE, subscribe(self->card, &words));
	EXPECT_EQ(1, tally_drain(&tally, self->fd, 0));
	EXPECT_EQ(50, tally.matched);
	EXPECT_EQ(1, tally.removed);
	EXPECT_INTACT(tally);
}

TEST_HARNESS_MAIN
