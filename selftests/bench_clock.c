// SPDX-License-Identifier: GPL-2.0
/*
 * What the clock says, where counted instructions say nothing: senders on several CPUs, and how
 * long a record takes to a reader that sleeps. Such times depend on the machine and on what else it
 * does, so only their ratios are judged, of medians of runs that take turns.
 *
 *	bench_clock	a line for each figure: NAME MEDIAN LEAST MOST
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "audio_module_test.h"
#include "bench.h"

#define RUNS		11
#define SENDERS_MAX	4
#define SENT		100000	/* by each sender in a run */
#define PACED		2000	/* one each millisecond */

static char hook_path[128];
static int card;

/* ------------------------------------------------------------------ statistics */

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void print_median(const char *name, double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	printf("%-32s %10.2f %10.2f %10.2f\n", name, values[count / 2], values[0],
	       values[count - 1]);
}

/* ------------------------------------------------------------------ senders */

/**
 * struct sender - a thread that sends
 * @thread: it
 * @cpu: where it runs
 * @start: they all start together
 */
struct sender {
	pthread_t thread;
	int cpu;
	pthread_barrier_t *start;
};

static void *send_on_cpu(void *data)
{
	struct sender *sender = data;
	char line[64];
	int size = snprintf(line, sizeof(line), "same=1 size=104 count=%d", SENT);
	int hook = open(hook_path, O_WRONLY | O_CLOEXEC);
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sender->cpu, &cpus);
	if (hook < 0 || pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus))
		fail(hook_path);
	pthread_barrier_wait(sender->start);
	if (write(hook, line, size) != size)
		fail(line);
	close(hook);
	return NULL;
}

/* Records a second of so many senders together. */
static double rate(int count)
{
	struct sender senders[SENDERS_MAX];
	pthread_barrier_t start;
	uint64_t begin;
	int i, cpus = sysconf(_SC_NPROCESSORS_ONLN);

	pthread_barrier_init(&start, NULL, count + 1);
	for (i = 0; i < count; i++) {
		senders[i].cpu = i % cpus;
		senders[i].start = &start;
		if (pthread_create(&senders[i].thread, NULL, send_on_cpu, &senders[i]))
			fail("thread");
	}
	pthread_barrier_wait(&start);
	begin = instructions();
	for (i = 0; i < count; i++)
		pthread_join(senders[i].thread, NULL);
	pthread_barrier_destroy(&start);
	return count * (double)SENT * 1e9 / (instructions() - begin);
}

/* Every record has a sequence: written, or dropped and told. */
static void check_all_sent(uint64_t before, uint64_t sent)
{
	struct snd_audio_module_info info;

	if (info_get(card, &info) || info.newest_sequence != before + sent) {
		fprintf(stderr, "bench: expected sequence %" PRIu64 ", got %" PRIu64 "\n",
			before + sent, (uint64_t)info.newest_sequence);
		exit(1);
	}
}

/* One, two and four senders take turns; two and four are told as a part of the one before. */
static void measure_senders(void)
{
	double one[RUNS], two[RUNS], four[RUNS];
	struct snd_audio_module_info info;
	int i;

	if (info_get(card, &info))
		fail("INFO");
	rate(2);
	for (i = 0; i < RUNS; i++) {
		one[i] = rate(1);
		two[i] = rate(2) / one[i];
		four[i] = rate(4) / one[i];
	}
	check_all_sent(info.newest_sequence, (2 + 7 * RUNS) * (uint64_t)SENT);
	print_median("one_sender_per_second", one, RUNS);
	print_median("two_senders_of_one", two, RUNS);
	print_median("four_senders_of_one", four, RUNS);
}

/* ------------------------------------------------------------------ latency */

static void *send_paced(void *data)
{
	int hook = open(hook_path, O_WRONLY | O_CLOEXEC);
	static const char line[] = "same=1 size=104 count=1";
	int i;

	for (i = 0; i < PACED; i++) {
		usleep(1000);
		if (write(hook, line, sizeof(line) - 1) < 0)
			fail(line);
	}
	close(hook);
	return NULL;
}

/* Microseconds from each record's own time until its reader, which slept, has it. */
static void measure_latency(void)
{
	static uint8_t buffer[65536] __attribute__((aligned(8)));
	static double latency[PACED];
	const struct snd_audio_module_record *record;
	struct snd_audio_module_subscribe words = { 0 };
	int fd = subscribe(card, &words), count = 0;
	pthread_t sender;
	ssize_t size, at;

	if (fd < 0 || pthread_create(&sender, NULL, send_paced, NULL))
		fail("SUBSCRIBE");
	while (count < PACED) {
		size = read(fd, buffer, sizeof(buffer));
		for (at = 0; at < size && count < PACED; at += record->size) {
			record = (const void *)(buffer + at);
			if (record->type == SND_AUDIO_MODULE_RECORD_NOTIFICATION)
				latency[count++] = (instructions() - record->timestamp) / 1e3;
		}
	}
	pthread_join(sender, NULL);
	close(fd);
	qsort(latency, PACED, sizeof(latency[0]), compare);
	printf("%-32s %10.1f\n", "latency_p50_us", latency[PACED / 2]);
	printf("%-32s %10.1f\n", "latency_p99_us", latency[PACED / 100 * 99]);
	printf("%-32s %10.1f\n", "latency_p99.9_us", latency[PACED / 1000 * 999]);
}

int main(void)
{
	setlinebuf(stdout);
	card = card_find();
	snprintf(hook_path, sizeof(hook_path),
		 "/sys/kernel/debug/snd-audio-module-virtual/card%d/send", card);
	measure_senders();
	measure_latency();
	return 0;
}
