// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: the readers of a torture, each in another way that programs have. Each writes down what it
 * was told of each sequence; what is wrong about a record by itself it sees here.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "map.h"
#include "torture.h"

#define BUFFER		(128 * 1024)
#define SMALL		256

/**
 * struct reading - a reader's process
 * @torture: the round
 * @reader: what it writes down
 * @kind: how it reads
 * @fd: its notification fd
 * @tally: what is wrong by itself
 * @buffer: for records
 * @seed: for its chances
 */
struct reading {
	struct torture *torture;
	struct reader *reader;
	const struct reader_kind *kind;
	int fd;
	struct tally tally;
	uint8_t *buffer;
	uint64_t seed;
};

/* ------------------------------------------------------------------ what is written down */

__attribute__((format(printf, 2, 3)))
static void trouble(struct reader *reader, const char *format, ...)
{
	va_list arguments;

	if (*reader->trouble)
		return;
	va_start(arguments, format);
	vsnprintf(reader->trouble, sizeof(reader->trouble), format, arguments);
	va_end(arguments);
}

static void add(uint64_t *count, uint64_t what)
{
	__atomic_fetch_add(count, what, __ATOMIC_RELAXED);
}

/* Two processes may read: the other one may be further. */
static void told_until(struct reader *reader, uint64_t sequence)
{
	uint64_t last = reader->last;

	while (last < sequence &&
	       !__atomic_compare_exchange_n(&reader->last, &last, sequence, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void tell(const struct reading *reading, uint64_t sequence, uint8_t what)
{
	struct reader *reader = reading->reader;
	uint8_t before;

	if (sequence <= reader->start || sequence > reading->torture->most) {
		trouble(reader, "it was told of %" PRIu64 ", where it started behind %" PRIu64,
			sequence, reader->start);
		return;
	}
	/* Two processes may be told of it at once. */
	before = __atomic_exchange_n(&reader->what[sequence], what, __ATOMIC_RELAXED);
	if (before != UNTOLD)
		trouble(reader, "%" PRIu64 " came twice, as %u and %u", sequence, before, what);
}

/* Is a record of a producer what its number says? */
static bool as_numbered(const struct snd_audio_module_record *record, uint64_t number)
{
	const struct snd_audio_module_notification *identity = (const void *)(record + 1);

	unsigned int endpoint = number_endpoint(number), module = number_module(number);

	return record->endpoint == endpoint &&
	       record->data_size == torture_sizes[number_size(number)] &&
	       identity->instance_id == instance_of(endpoint, module) &&
	       !memcmp(identity->class_id, module_class[class_of(endpoint, module)], 16);
}

/* What nobody numbered: two readers must see the same bytes of it at least. */
static uint64_t mark_of(const struct snd_audio_module_record *record)
{
	const uint8_t *bytes = (const uint8_t *)record + sizeof(record->size) * 2;
	const uint8_t *end = (const uint8_t *)record + record->size;
	uint64_t mark = 0xcbf29ce484222325;

	for (; bytes < end; bytes++)
		mark = (mark ^ *bytes) * 0x100000001b3;
	return mark | NUMBER_FOREIGN;
}

static void notice(const struct reading *reading, const struct snd_audio_module_record *record)
{
	const uint8_t *vendor = (const uint8_t *)(record + 1) +
				sizeof(struct snd_audio_module_notification);
	uint64_t number = record->data_size >= torture_sizes[0] ?
			  vendor_number(vendor, sizeof(number)) : 0;
	uint64_t before = 0;

	if (!number_producer(number))
		number = mark_of(record);
	else if (!as_numbered(record, number))
		trouble(reading->reader, "%" PRIu64 " is not what its number %" PRIx64 " says",
			(uint64_t)record->sequence, number);
	tell(reading, record->sequence, RECEIVED);
	if (record->sequence <= reading->torture->most &&
	    !__atomic_compare_exchange_n(&reading->torture->sent[record->sequence], &before,
					 number, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) &&
	    before != number)
		trouble(reading->reader, "%" PRIu64 " is %" PRIx64 ", and to another one %" PRIx64,
			(uint64_t)record->sequence, number, before);
	add(&reading->reader->received, 1);
}

static void write_down(void *context, const struct snd_audio_module_record *record,
		       const uint8_t *data)
{
	struct reading *reading = context;
	struct reader *reader = reading->reader;
	const struct snd_audio_module_lost *lost = (const void *)data;
	uint64_t i;

	switch (record->type) {
	case SND_AUDIO_MODULE_RECORD_NOTIFICATION:
		notice(reading, record);
		break;
	case SND_AUDIO_MODULE_RECORD_LOST:
		for (i = lost->first; i <= lost->last && i <= reading->torture->most; i++)
			tell(reading, i, LOST);
		add(&reader->lost, lost->last - lost->first + 1);
		add(&reader->ranges, 1);
		break;
	case SND_AUDIO_MODULE_RECORD_CHANGED:
		add(&reader->changed, 1);
		return;
	case SND_AUDIO_MODULE_RECORD_REMOVED:
		add(&reader->removed, 1);
		return;
	}
	told_until(reader, record->sequence);
}

static void look_at_tally(struct reading *reading)
{
	if (reading->tally.bad)
		trouble(reading->reader, "%s", reading->tally.first_bad);
	if (reading->tally.corrupt)
		trouble(reading->reader, "%" PRIu64 " notifications have other bytes",
			reading->tally.corrupt);
}

/* ------------------------------------------------------------------ fds */

static void tally_from(struct reading *reading, uint64_t sequence)
{
	reading->tally = tally_new(sequence);
	reading->tally.each = write_down;
	reading->tally.context = reading;
	reading->tally.filtered = reading->kind->endpoint >= 0 || reading->kind->class >= 0;
}

static struct snd_audio_module_filter filter_of(const struct reader_kind *kind)
{
	struct snd_audio_module_filter filter = { 0 };

	if (kind->endpoint >= 0) {
		filter.match |= SND_AUDIO_MODULE_MATCH_DEVICE_ID;
		memcpy(filter.device_id, kind->endpoint ? headphones_id : speaker_id, 16);
	}
	if (kind->class >= 0) {
		filter.match |= SND_AUDIO_MODULE_MATCH_CLASS_ID;
		memcpy(filter.class_id, module_class[kind->class], 16);
	}
	return filter;
}

/* From the newest on; with @words->start set: as they say. 0 or -errno. */
static int open_fd(struct reading *reading, struct snd_audio_module_subscribe *words)
{
	words->filter = filter_of(reading->kind);
	reading->fd = subscribe(reading->torture->card, words);
	if (reading->fd < 0)
		return reading->fd;
	fcntl(reading->fd, F_SETFL, O_NONBLOCK);
	tally_from(reading, words->start_sequence);
	return 0;
}

/* The first one of a reader */
static struct snd_audio_module_subscribe begin(struct reading *reading, uint32_t flags)
{
	struct snd_audio_module_subscribe words = { .flags = flags };
	int err = open_fd(reading, &words);

	if (err) {
		trouble(reading->reader, "it cannot subscribe: %s", strerror(-err));
		exit(1);
	}
	reading->reader->start = reading->reader->last = words.start_sequence;
	reading->reader->ready = true;
	return words;
}

/* What is there: 1: something; 0: nothing; -1: the end, or trouble. */
static int take(struct reading *reading, size_t size)
{
	ssize_t got = read(reading->fd, reading->buffer, size);

	if (got < 0 && errno == EMSGSIZE)
		got = read(reading->fd, reading->buffer, BUFFER);
	if (got > 0) {
		tally_records(&reading->tally, reading->buffer, got);
		/* Who is killed cannot say it later. */
		look_at_tally(reading);
		return 1;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got < 0)
		trouble(reading->reader, "read: %s", strerror(errno));
	reading->reader->ended = !got;
	return -1;
}

static void sleep_in_poll(const struct reading *reading)
{
	struct pollfd pollfd = { .fd = reading->fd, .events = POLLIN };

	poll(&pollfd, 1, -1);
}

/* All that is there; false at the end. */
static bool take_all(struct reading *reading, size_t size)
{
	int r;

	do
		r = take(reading, size);
	while (r > 0);
	return !r;
}

static void nap(struct reading *reading, unsigned int most_ms)
{
	if (!reading->torture->quiet)
		usleep(1000 * chance_below(&reading->seed, most_ms));
}

/* ------------------------------------------------------------------ kinds */

static void read_when_polled(struct reading *reading)
{
	begin(reading, 0);
	while (take_all(reading, BUFFER))
		sleep_in_poll(reading);
}

static void read_blocking(struct reading *reading)
{
	begin(reading, 0);
	fcntl(reading->fd, F_SETFL, 0);
	while (take(reading, BUFFER) >= 0)
		;
}

/* A few at a time, by one fd and then by a copy of it, which is closed. */
static void read_by_copies(struct reading *reading)
{
	begin(reading, 0);
	for (;;) {
		int copy = dup(reading->fd);
		int r = take(reading, SMALL);

		close(reading->fd);
		reading->fd = copy;
		reading->reader->turns++;
		if (r < 0)
			break;
		if (!r)
			sleep_in_poll(reading);
	}
}

static void read_in_epoll(struct reading *reading, uint32_t mode)
{
	struct epoll_event event = { .events = EPOLLIN | mode };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	begin(reading, 0);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, reading->fd, &event))
		trouble(reading->reader, "epoll: %s", strerror(errno));
	else
		while (mode ? take_all(reading, BUFFER) : take(reading, BUFFER) >= 0)
			epoll_wait(epoll, &event, 1, -1);
	close(epoll);
}

static void read_at_level(struct reading *reading)
{
	read_in_epoll(reading, 0);
}

static void read_at_edge(struct reading *reading)
{
	read_in_epoll(reading, EPOLLET);
}

static void read_slowly(struct reading *reading)
{
	begin(reading, 0);
	while (take(reading, BUFFER) >= 0) {
		nap(reading, 40);
		sleep_in_poll(reading);
		reading->reader->turns++;
	}
}

/* The same mapping again, from where it was. */
static int map_again(struct reading *reading, struct map *map)
{
	struct map old = *map;
	int err;

	map_close(map);
	err = map_open(map, reading->fd, old.position, old.next - 1);
	map->lost = old.lost;
	map->removed = old.removed;
	reading->reader->turns++;
	return err;
}

static void read_mapped(struct reading *reading, bool again)
{
	struct snd_audio_module_subscribe words = begin(reading, SND_AUDIO_MODULE_SUBSCRIBE_MAP);
	struct map map;
	ssize_t got = map_open(&map, reading->fd, words.start_position, words.start_sequence);

	while (got >= 0) {
		got = map_read(&map, reading->fd, reading->buffer, BUFFER);
		if (got > 0)
			tally_records(&reading->tally, reading->buffer, got);
		else if (!got)
			sleep_in_poll(reading);
		if (got >= 0 && again && !chance_below(&reading->seed, 8))
			got = map_again(reading, &map);
	}
	if (got != -ENODEV)
		trouble(reading->reader, "the mapping: %s", strerror(-got));
	reading->reader->ended = got == -ENODEV;
	map_close(&map);
}

static void read_one_mapping(struct reading *reading)
{
	read_mapped(reading, false);
}

static void read_mappings(struct reading *reading)
{
	read_mapped(reading, true);
}

/* Two processes of one fd: each takes what the other has not. */
static void read_by_two(struct reading *reading)
{
	int status = 0;
	pid_t other;

	begin(reading, 0);
	reading->tally.filtered = true;
	other = fork();
	while (take_all(reading, SMALL))
		sleep_in_poll(reading);
	look_at_tally(reading);
	if (!other)
		_exit(0);
	if (other < 0 || waitpid(other, &status, 0) != other || status)
		trouble(reading->reader, "the other process ended with 0x%x", status);
}

/* Closed, and opened again behind what came last. */
static void read_and_resume(struct reading *reading)
{
	struct torture *torture = reading->torture;
	struct reader *reader = reading->reader;
	int r, err;

	begin(reading, 0);
	while ((r = take(reading, BUFFER)) >= 0) {
		struct snd_audio_module_subscribe words = {
			.start = SND_AUDIO_MODULE_START_AFTER,
			.journal_id = torture->journal_id,
			.sequence = reader->last,
		};
		int old = reading->fd;

		if (!r)
			sleep_in_poll(reading);
		if (torture->quiet || chance_below(&reading->seed, 4))
			continue;
		look_at_tally(reading);
		err = open_fd(reading, &words);
		/* The card may be going: then the old one goes on. */
		if (err) {
			reading->fd = old;
			if (!torture->going)
				trouble(reader, "it cannot resume: %s", strerror(-err));
			continue;
		}
		close(old);
		nap(reading, 20);
		reader->turns++;
	}
}

/* ------------------------------------------------------------------ passed on */

/* A message with one fd: 0 or -errno. */
static int pass(int socket, int *fd, bool receive)
{
	char control[CMSG_SPACE(sizeof(*fd))] = { 0 };
	char byte = 0;
	struct iovec iovec = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iovec,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	if (receive) {
		if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
			return -EPROTO;
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(*fd));
		return 0;
	}
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(*fd));
	memcpy(CMSG_DATA(head), fd, sizeof(*fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -errno;
}

/* Reads what it is given, until the end or until it is killed. */
static void heir(struct reading *reading, int socket)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(reading->fd);
	if (pass(socket, &reading->fd, true)) {
		trouble(reading->reader, "no fd was passed on");
		_exit(1);
	}
	while (take_all(reading, BUFFER))
		sleep_in_poll(reading);
	look_at_tally(reading);
	_exit(0);
}

/* What who was killed had taken and not written down: it is behind what he had. */
static void settle_estate(struct reading *reading)
{
	struct reader *reader = reading->reader;
	int64_t position = fdinfo_get(reading->fd, "position");
	uint64_t i;

	for (i = reader->last + 1; i <= position && i <= reading->torture->most; i++)
		if (reader->what[i] == UNTOLD)
			reader->what[i] = UNKNOWN;
	reader->last = position;
	tally_from(reading, position);
}

/* One more process that reads; true when it was told the end. */
static bool bequeath(struct reading *reading)
{
	unsigned int left = 5 + chance_below(&reading->seed, 100);
	int sockets[2], status = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return true;
	pid = fork();
	if (!pid)
		heir(reading, sockets[1]);
	if (pid < 0) {
		trouble(reading->reader, "it has no heir: %s", strerror(errno));
		return true;
	}
	pass(sockets[0], &reading->fd, false);
	close(sockets[0]);
	close(sockets[1]);
	while (left-- && !waitpid(pid, &status, WNOHANG))
		usleep(1000);
	kill(pid, SIGKILL);
	/* It may have ended by itself, now or before. */
	if (status == -1)
		waitpid(pid, &status, 0);
	reading->reader->turns++;
	settle_estate(reading);
	return WIFEXITED(status);
}

static void read_by_heirs(struct reading *reading)
{
	begin(reading, 0);
	while (!bequeath(reading))
		;
}

/* ------------------------------------------------------------------ all of them */

const struct reader_kind reader_kinds[READERS] = {
	{ "poll", -1, -1, read_when_polled },
	{ "blocking read", -1, -1, read_blocking },
	{ "copies of its fd", -1, -1, read_by_copies },
	{ "epoll, level", -1, -1, read_at_level },
	{ "epoll, edge", -1, -1, read_at_edge },
	{ "slow", -1, -1, read_slowly },
	{ "mapping", -1, -1, read_one_mapping },
	{ "mapped again and again", -1, -1, read_mappings },
	{ "one endpoint", 1, -1, read_when_polled },
	{ "one class of an endpoint", 0, 1, read_when_polled },
	{ "two processes of one fd", -1, -1, read_by_two },
	{ "resumed", -1, -1, read_and_resume },
	{ "killed, fd passed on", -1, -1, read_by_heirs },
};

void reader_run(struct torture *torture, unsigned int number)
{
	struct reading reading = {
		.torture = torture,
		.reader = &torture->readers[number],
		.kind = &reader_kinds[number],
		.fd = -1,
		.buffer = malloc(BUFFER),
		.seed = torture->seed + number,
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	reading.kind->run(&reading);
	look_at_tally(&reading);
	exit(0);
}
