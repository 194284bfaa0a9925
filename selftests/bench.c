// SPDX-License-Identifier: GPL-2.0
/*
 * What a notification costs, in instructions of the kernel and of its reader. It needs a machine
 * whose clock counts instructions, a nanosecond each, and one CPU: "make bench" boots one. There
 * the figures are the same each time, whatever else the host does.
 *
 *	bench		a line for each case: NAME INSTRUCTIONS, of one notification
 *
 * Each figure is a difference: the time for many less the time for few, divided by how many more
 * those were. What happens once is not in it. Both are the least of some rounds: the kernel's tick
 * costs thousands of instructions, and may fall into what takes fewer than there are between two.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audio_module_test.h"
#include "bench.h"
#include "map.h"

#define FDS		64
#define ROUNDS		5
#define RECORD		(sizeof(struct snd_audio_module_record) + 104)
#define DELIVERY	65536	/* bytes that a reader asks for at once */

/**
 * struct bench - what the cases work on
 * @card: number of the card
 * @hwdep: its hwdep device
 * @hook: its hook "send"
 * @fds: notification fds of a case
 * @count: how many
 * @map: of the first one's journal
 * @child: a reader, or 0
 */
struct bench {
	int card;
	int hwdep;
	int hook;
	int fds[FDS];
	int count;
	struct map map;
	pid_t child;
};

static uint8_t buffer[DELIVERY] __attribute__((aligned(8)));

/* Send @count notifications in one call of the hook. */
static void send_many(struct bench *bench, const char *words, int count)
{
	char line[128];
	int size = snprintf(line, sizeof(line), "same=1 count=%d %s", count, words);

	if (write(bench->hook, line, size) != size)
		fail(line);
}

/* ------------------------------------------------------------------ cases */

/**
 * struct bench_case - one figure
 * @name: of it
 * @words: for the hook
 * @many: how many notifications are few; three times as many are many
 * @begin: prepares it, may be NULL
 * @run: what is measured, with so many notifications
 */
struct bench_case {
	const char *name;
	const char *words;
	int many;
	void (*begin)(struct bench *bench);
	uint64_t (*run)(struct bench *bench, const struct bench_case *this, int count);
};

static uint64_t run_send(struct bench *bench, const struct bench_case *this, int count)
{
	uint64_t begin = instructions();

	send_many(bench, this->words, count);
	return instructions() - begin;
}

static void subscribe_one(struct bench *bench, unsigned int flags)
{
	struct snd_audio_module_subscribe words = { .flags = flags };
	int fd = subscribe_on_hwdep(bench->hwdep, &words);

	if (fd < 0)
		fail("SUBSCRIBE");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	bench->fds[bench->count++] = fd;
	if (flags && map_open(&bench->map, fd, words.start_position, words.start_sequence))
		fail("mmap");
}

static void begin_read(struct bench *bench)
{
	subscribe_one(bench, 0);
}

static void begin_mapped(struct bench *bench)
{
	subscribe_one(bench, SND_AUDIO_MODULE_SUBSCRIBE_MAP);
}

/* They start now and never read: each of them lags. */
static void begin_lagging(struct bench *bench)
{
	while (bench->count < FDS)
		subscribe_one(bench, 0);
}

static ssize_t deliver(struct bench *bench)
{
	if (bench->map.header)
		return map_read(&bench->map, bench->fds[0], buffer, sizeof(buffer));
	return read(bench->fds[0], buffer, sizeof(buffer));
}

/* All that was sent before, delivered: no more than the journal keeps. */
static uint64_t run_drain(struct bench *bench, const struct bench_case *this, int count)
{
	uint64_t begin, end;
	ssize_t size, all = 0;

	send_many(bench, this->words, count);
	begin = instructions();
	while ((size = deliver(bench)) > 0)
		all += size;
	end = instructions();
	if (all != count * (ssize_t)RECORD) {
		fprintf(stderr, "bench: %s: expected %zd bytes, got %zd\n", this->name,
			count * (ssize_t)RECORD, all);
		exit(1);
	}
	return end - begin;
}

/* A process that sleeps until there is a record, takes it, and sleeps again. */
static void begin_sleeper(struct bench *bench)
{
	subscribe_one(bench, 0);
	fcntl(bench->fds[0], F_SETFL, 0);
	bench->child = fork();
	if (bench->child)
		return;
	while (read(bench->fds[0], buffer, sizeof(buffer)) > 0)
		;
	_exit(0);
}

/* One at a time, each read before the next one is sent: a system call and two switches besides. */
static uint64_t run_wake(struct bench *bench, const struct bench_case *this, int count)
{
	uint64_t begin = instructions();

	while (count--) {
		send_many(bench, this->words, 1);
		sched_yield();
	}
	return instructions() - begin;
}

static const struct bench_case cases[] = {
	{ "post_8", "size=48", 10000, NULL, run_send },
	{ "post_64", "size=104", 10000, NULL, run_send },
	{ "post_512", "size=552", 10000, NULL, run_send },
	{ "post_64000", "size=64040", 200, NULL, run_send },
	{ "send_64", "size=104 method=reuse", 10000, NULL, run_send },
	{ "alloc_send_free_64", "size=104 method=portcls pool=512", 10000, NULL, run_send },
	{ "post_64_beside_64_fds_that_lag", "size=104", 10000, begin_lagging, run_send },
	{ "post_64_wakes_a_reader", "size=104", 500, begin_sleeper, run_wake },
	{ "read_64", "size=104", 1000, begin_read, run_drain },
	{ "mapped_64", "size=104", 1000, begin_mapped, run_drain },
};

static void end_case(struct bench *bench)
{
	if (bench->child) {
		kill(bench->child, SIGKILL);
		waitpid(bench->child, NULL, 0);
		bench->child = 0;
	}
	map_close(&bench->map);
	while (bench->count)
		close(bench->fds[--bench->count]);
}

static uint64_t run_least(struct bench *bench, const struct bench_case *this, int count)
{
	uint64_t now, least = UINT64_MAX;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		now = this->run(bench, this, count);
		if (now < least)
			least = now;
	}
	return least;
}

static double measure(struct bench *bench, const struct bench_case *this)
{
	uint64_t few, many;

	if (this->begin)
		this->begin(bench);
	this->run(bench, this, this->many);	/* what is done for the first time */
	few = run_least(bench, this, this->many);
	many = run_least(bench, this, 3 * this->many);
	end_case(bench);
	return (double)(many - few) / (2 * this->many);
}

int main(void)
{
	struct bench bench = { .card = card_find() };
	char path[128];
	size_t i;

	snprintf(path, sizeof(path), "/sys/kernel/debug/snd-audio-module-virtual/card%d/send",
		 bench.card);
	bench.hook = open(path, O_WRONLY | O_CLOEXEC);
	bench.hwdep = hwdep_open(bench.card);
	if (bench.hook < 0 || bench.hwdep < 0)
		fail(path);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		printf("%-32s %8.1f\n", cases[i].name, measure(&bench, &cases[i]));
	return 0;
}
