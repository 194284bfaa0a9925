// SPDX-License-Identifier: GPL-2.0
/*
 * What a notification costs a program that gets it through audiomoduled, by a notification fd that
 * the daemon handed out or by signals, beside one that asked the kernel itself; and what it costs
 * the same programs beside two other clients, which read or have stopped. Needs the session bus, a
 * daemon on it, and the machine of bench.c, where the time that a process used is its instructions.
 *
 *	bench_daemon PID	a line for each figure: NAME MEDIAN LEAST MOST, in instructions of
 *				one notification; or NAME_kib KIB; PID is the daemon
 *
 * The ways take turns, and each time it is a program of its own that sleeps, is woken and takes
 * what came, once or twice for all: who runs first is the scheduler's choice. It is a program's
 * own processor time that is counted, and for the sender its system call.
 */

#define _GNU_SOURCE
#include <audiomodule-bus.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audio_module_test.h"
#include "bench.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define RUNS			11
#define SENT			256	/* in a run, and few enough for a client by signals */
#define CLIENTS			10
#define PATIENCE_US		20000000

enum way { KERNEL, HANDED_OUT, SIGNALS, WAYS };

static const char *const way_names[WAYS] = { "kernel_fd", "handed_out_fd", "signals" };

static char object_path[64];
static int card, hook;
static pid_t daemon_pid;

/* Seen by all processes: how many notifications a client has taken; -1: it is not ready. */
static volatile int *taken;

/* ------------------------------------------------------------------ clients */

static void check(int r, const char *what)
{
	if (r >= 0)
		return;
	errno = -r;
	fail(what);
}

/* Sleep until something comes, and take it, for ever. */
static void take_records(struct audiomodule_subscription *subscription, volatile int *count)
{
	struct pollfd pollfd = { audiomodule_subscription_fd(subscription), POLLIN, 0 };
	struct audiomodule_record record;
	int r;

	*count = 0;
	while (poll(&pollfd, 1, -1) == 1) {
		while ((r = audiomodule_subscription_next(subscription, &record)) == 1)
			*count += record.type == AUDIOMODULE_RECORD_NOTIFICATION;
		check(r, "record");
	}
}

static void take_events(struct audiomodule_bus *bus, volatile int *count)
{
	struct audiomodule_bus_event event;
	struct pollfd pollfd;
	int r;

	*count = 0;
	do {
		while ((r = audiomodule_bus_next(bus, &event)) == 1)
			*count += event.type == AUDIOMODULE_BUS_RECORD &&
				  event.record.type == AUDIOMODULE_RECORD_NOTIFICATION;
		check(r, "event");
		pollfd.fd = audiomodule_bus_fd(bus);
		pollfd.events = audiomodule_bus_poll_events(bus);
	} while (poll(&pollfd, 1, audiomodule_bus_timeout(bus)) >= 0);
}

/* All have the same filter, so that the kernel does the same. */
static void run_client(enum way way, volatile int *count)
{
	struct audiomodule_filter filter = { .match = AUDIOMODULE_MATCH_DEVICE_ID };
	struct audiomodule_subscription *subscription;
	struct audiomodule_bus *bus;
	struct audiomodule *handle;

	if (way == KERNEL) {
		memcpy(filter.device_id.bytes, speaker_id, sizeof(speaker_id));
		check(audiomodule_open(NULL, card, &handle), "card");
		check(audiomodule_subscribe(handle, &filter, NULL, &subscription), "subscribe");
		take_records(subscription, count);
	}
	check(audiomodule_bus_open("session", &bus), "session bus");
	if (way == HANDED_OUT) {
		check(audiomodule_bus_acquire(bus, object_path, NULL, NULL, &subscription),
		      audiomodule_bus_error(bus));
		take_records(subscription, count);
	}
	check(audiomodule_bus_subscribe(bus, object_path, NULL, NULL, NULL),
	      audiomodule_bus_error(bus));
	take_events(bus, count);
}

static void wait_until(const volatile int *count, int least)
{
	uint64_t end = instructions() / 1000 + PATIENCE_US;

	while (*count < least) {
		if (instructions() / 1000 > end) {
			fprintf(stderr, "bench: expected %d notifications, got %d\n", least,
				*count);
			exit(1);
		}
		usleep(1000);
	}
}

static pid_t start_client(enum way way, volatile int *count)
{
	pid_t pid;

	*count = -1;
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		run_client(way, count);
		_exit(1);
	}
	wait_until(count, 0);
	return pid;
}

static void end_client(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The daemon was started a moment ago. */
static void await_daemon(void)
{
	uint64_t end = instructions() / 1000 + PATIENCE_US;
	struct audiomodule_list *list;
	struct audiomodule_bus *bus;
	int r;

	check(audiomodule_bus_open("session", &bus), "session bus");
	while ((r = audiomodule_bus_list(bus, &list)) < 0 && instructions() / 1000 < end)
		usleep(10000);
	check(r, audiomodule_bus_error(bus));
	audiomodule_list_free(list);
	audiomodule_bus_close(bus);
}

/* ------------------------------------------------------------------ costs */

static uint64_t time_used(clockid_t clock)
{
	struct timespec used;

	if (clock_gettime(clock, &used))
		fail("processor time");
	return used.tv_sec * UINT64_C(1000000000) + used.tv_nsec;
}

static void send_all(void)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "same=1 size=104 count=%d", SENT);

	if (write(hook, line, size) != size)
		fail(line);
}

/**
 * struct cost - of one notification, of each run
 * @client: what the client used
 * @sender: what the sender used
 */
struct cost {
	double client[RUNS];
	double sender[RUNS];
};

static void measure(enum way way, struct cost *cost, int run)
{
	uint64_t client_begin, sender_begin;
	pid_t pid = start_client(way, &taken[0]);
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock))
		fail("processor time");
	send_all();
	wait_until(&taken[0], SENT);
	/* A client by signals has its full rate again. */
	sleep(1);
	client_begin = time_used(clock);
	sender_begin = time_used(CLOCK_PROCESS_CPUTIME_ID);
	send_all();
	cost->sender[run] = (double)(time_used(CLOCK_PROCESS_CPUTIME_ID) - sender_begin) / SENT;
	wait_until(&taken[0], 2 * SENT);
	sleep(1);
	cost->client[run] = (double)(time_used(clock) - client_begin) / SENT;
	end_client(pid);
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void print_median(const char *what, const char *way, const char *beside, double *values)
{
	qsort(values, RUNS, sizeof(*values), compare);
	printf("%s_%s%s %.1f %.1f %.1f\n", way, what, beside, values[RUNS / 2], values[0],
	       values[RUNS - 1]);
}

static void measure_ways(const char *beside)
{
	static struct cost costs[WAYS];
	int run, way;

	for (run = 0; run < RUNS; run++)
		for (way = 0; way < WAYS; way++)
			measure(way, &costs[way], run);
	for (way = 0; way < WAYS; way++) {
		print_median("client", way_names[way], beside, costs[way].client);
		print_median("sender", way_names[way], beside, costs[way].sender);
	}
}

/* Two others that take what comes; then the same two, stopped, and what is sent to them stays. */
static void measure_beside_others(void)
{
	pid_t others[] = {
		start_client(HANDED_OUT, &taken[1]), start_client(SIGNALS, &taken[2])
	};
	int before;
	size_t i;

	measure_ways("_beside_others");
	for (i = 0; i < ARRAY_SIZE(others); i++)
		kill(others[i], SIGSTOP);
	measure_ways("_beside_stalled");
	/* They were clients all the time: now they go on. */
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		before = taken[i + 1];
		kill(others[i], SIGCONT);
		wait_until(&taken[i + 1], before + 1);
		end_client(others[i]);
	}
}

/* ------------------------------------------------------------------ memory */

/* KiB that belong to the daemon alone. */
static int daemon_private(void)
{
	char path[64], text[4096];
	const char *clean, *dirty;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", daemon_pid);
	if (file_read(path, text, sizeof(text)))
		fail(path);
	clean = strstr(text, "Private_Clean:");
	dirty = strstr(text, "Private_Dirty:");
	if (!clean || !dirty)
		fail(path);
	return atoi(clean + strlen("Private_Clean:")) + atoi(dirty + strlen("Private_Dirty:"));
}

/* KiB of one client by signals, when there are some. */
static void measure_memory(void)
{
	pid_t client[CLIENTS];
	int before, after, i;

	before = daemon_private();
	for (i = 0; i < CLIENTS; i++)
		client[i] = start_client(SIGNALS, &taken[i]);
	after = daemon_private();
	for (i = 0; i < CLIENTS; i++)
		end_client(client[i]);
	printf("daemon_kib %d\n", before);
	printf("daemon_client_kib %.1f\n", (after - before) / (double)CLIENTS);
}

int main(int argc, char **argv)
{
	char path[128];

	if (argc != 2 || (daemon_pid = atoi(argv[1])) <= 0) {
		fputs("Usage: bench_daemon PID, of audiomoduled on the session bus\n", stderr);
		return 2;
	}
	setlinebuf(stdout);
	card = card_find();
	snprintf(object_path, sizeof(object_path), "/org/audiomodule1/card%d/Speaker", card);
	snprintf(path, sizeof(path), "/sys/kernel/debug/snd-audio-module-virtual/card%d/send",
		 card);
	hook = open(path, O_WRONLY | O_CLOEXEC);
	if (hook < 0)
		fail(path);
	taken = mmap(NULL, CLIENTS * sizeof(*taken), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (taken == MAP_FAILED)
		fail("mmap");
	await_daemon();
	measure_memory();
	measure_ways("");
	measure_beside_others();
	return 0;
}
