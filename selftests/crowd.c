// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: 50 clients of one daemon, 40 by signals and 10 with the kernel's fd; 5 of them are killed,
 * and the daemon, three times. This is who sends, kills, and knows what each survivor must have
 * been told: all that was sent since it subscribed, each notification once, received or lost.
 *
 *	crowd ADDRESS NOTIFICATIONS
 *
 * ADDRESS is that of a bus without a daemon; no module of ours may be loaded. What is wrong is
 * printed as "RULE: TEXT", what was measured as "figures: TEXT". The parts, in hundredths of all:
 *
 *	 1	sent no faster than all follow; then five clients are killed, without a warning
 *	 1	the same
 *	 2	at once; the daemon is killed after half of it, while it sends signals
 *	 1	no faster than all follow, once another daemon is there
 *	30	without a daemon. It starts, and is killed while the clients subscribe again
 *	64	beside the fourth daemon, without waiting for those who are told by signals
 *	 1	no faster than all follow, beside clients that misbehave (crowd_rude.c)
 *
 * The journal holds more than 2 and less than 30 of these parts. So what may be lost, and what
 * must not be, does not depend on how fast the machine is:
 *
 *  - Nobody waits for a client that follows by its fd longer than half a journal, so it loses
 *    nothing.
 *  - The cap lets a client by signals have PACE_BURST + PACE_RATE * T notifications in T seconds.
 *    Where the sender waits for it, it is sent no more than it can get: it must receive all, or,
 *    should the sender be faster, what the cap allows for the time that this took. Where the
 *    sender does not wait, a slow machine may deliver less than the cap allows, but nothing that
 *    the journal still has at the end may be missing.
 *  - It never gets more than the cap allows, with one burst for each daemon that it had.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <audiomodule-bus.h>

#include "../userspace/daemon/pace.h"
#include "crowd.h"

#define CLIENTS		50
#define PARTS		100
#define KEPT		2		/* of those, by the journal */
#define KILLED		5
#define DAEMONS		4		/* one after the other */
#define PATIENCE_MS	(20000 * slowness())	/* without any progress */
#define LEAST_JOURNAL	131072

static struct crowd crowd;
static struct client *clients;
static pid_t daemon_pid;
static uint64_t journal;	/* records that it keeps */
static uint64_t begin;		/* sequence before the first */
static uint64_t sent;

/* How much was sent when, and until when. */
struct stretch {
	uint64_t first;
	uint64_t last;
	uint64_t ms;
};

/* ------------------------------------------------------------------ what is wrong */

static bool problem(const char *rule, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Always false: the story cannot go on. */
static bool problem(const char *rule, const char *format, ...)
{
	va_list arguments;

	printf("%s: ", rule);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	return false;
}

static const char *name_of(int i)
{
	static char name[32];

	snprintf(name, sizeof(name), "client %d by %s", i,
		 clients[i].way == BY_FD ? "fd" : "signals");
	return name;
}

/* The first client from this one on that was not killed. */
static int survivor(int i)
{
	while (i < CLIENTS && !clients[i].pid)
		i++;
	return i;
}

/* ------------------------------------------------------------------ the daemon */

static void start_daemon(void)
{
	char bus[96];

	snprintf(bus, sizeof(bus), "--bus=%s", crowd.address);
	daemon_pid = fork();
	if (daemon_pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execlp("audiomoduled", "audiomoduled", bus, NULL);
	_exit(127);
}

/* The bus may hear of its end later than we do, and gives its name to nobody before. */
static void await_free_name(void)
{
	uint64_t end = milliseconds() + PATIENCE_MS;
	sd_bus *bus = crowd_connect(crowd.address);

	while (sd_bus_get_name_creds(bus, "org.audiomodule1", 0, NULL) >= 0 && milliseconds() < end)
		usleep(1000);
	sd_bus_flush_close_unref(bus);
}

static int end_daemon(int signal)
{
	int status = -1;

	kill(daemon_pid, signal);
	waitpid(daemon_pid, &status, 0);
	await_free_name();
	return status;
}

/* Until it answers. */
static bool await_daemon(void)
{
	uint64_t end = milliseconds() + PATIENCE_MS;
	struct audiomodule_list *list = NULL;
	struct audiomodule_bus *bus;
	int r = audiomodule_bus_open(crowd.address, &bus);

	if (r < 0)
		return problem("story", "the bus: %s", strerror(-r));
	while ((r = audiomodule_bus_list(bus, &list)) < 0 && milliseconds() < end)
		usleep(1000);
	audiomodule_list_free(list);
	audiomodule_bus_close(bus);
	return r < 0 ? problem("story", "the daemon: %s", strerror(-r)) : true;
}

/* ------------------------------------------------------------------ the clients */

static bool make_clients(void)
{
	size_t bytes = CLIENTS * (sizeof(*clients) + crowd.most + 1);
	uint8_t *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			       -1, 0);
	int i;

	if (shared == MAP_FAILED || pipe2(crowd.end, O_CLOEXEC))
		return problem("story", "no memory, or no pipe");
	clients = (struct client *)shared;
	shared += CLIENTS * sizeof(*clients);
	for (i = 0; i < CLIENTS; i++) {
		clients[i].way = i % 5 == 4 ? BY_FD : BY_SIGNALS;
		clients[i].what = shared + i * (crowd.most + 1);
	}
	return true;
}

static void start_client(struct client *client)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid) {
		client->pid = pid;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(crowd.end[1]);
	exit(client_run(&crowd, client));
}

static bool all_ready(void)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		if (!clients[i].ready)
			return false;
	return true;
}

static bool start_clients(void)
{
	uint64_t end = milliseconds() + CLIENTS * PATIENCE_MS / 10;
	int i;

	for (i = 0; i < CLIENTS; i++)
		start_client(&clients[i]);
	while (!all_ready() && milliseconds() < end)
		usleep(10000);
	for (i = 0; i < CLIENTS; i++)
		if (!clients[i].ready)
			return problem("subscribe", "%s: %s", name_of(i), clients[i].trouble);
	return true;
}

/* One of them has an fd. */
static void kill_clients(void)
{
	int i;

	for (i = 4; i < CLIENTS; i += CLIENTS / KILLED + 1) {
		kill(clients[i].pid, SIGKILL);
		waitpid(clients[i].pid, NULL, 0);
		clients[i].pid = 0;
	}
}

/* They have heard enough. */
static void end_clients(void)
{
	int i, status;

	close(crowd.end[1]);
	for (i = survivor(0); i < CLIENTS; i = survivor(i + 1)) {
		status = -1;
		waitpid(clients[i].pid, &status, 0);
		if (status)
			problem("subscribe", "%s ended with %x: %s", name_of(i), status,
				clients[i].trouble);
	}
}

/* ------------------------------------------------------------------ waiting for them */

/* How many survivors of this kind are further behind? And where are all, added up? */
static int count_behind(enum way way, uint64_t distance, uint64_t *sum)
{
	int i, behind = 0;

	*sum = 0;
	for (i = survivor(0); i < CLIENTS; i = survivor(i + 1)) {
		if (clients[i].way != way)
			continue;
		behind += clients[i].last + distance < begin + sent;
		*sum += clients[i].last;
	}
	return behind;
}

/* What one of them says why it could not go on */
static const char *trouble_of(enum way way)
{
	int i = survivor(0);

	while (i < CLIENTS && (clients[i].way != way || !*clients[i].trouble))
		i = survivor(i + 1);
	return i < CLIENTS ? clients[i].trouble : "nothing is wrong";
}

/* Wait until none of this kind is further behind. It may take long, but not without progress. */
static bool await(enum way way, uint64_t distance)
{
	uint64_t end = milliseconds() + PATIENCE_MS, progress = 0, sum;
	int behind;

	while ((behind = count_behind(way, distance, &sum))) {
		if (sum != progress) {
			progress = sum;
			end = milliseconds() + PATIENCE_MS;
		}
		if (milliseconds() > end)
			return problem("story", "%d clients by %s stand still after %" PRIu64
				       " notifications; one of them: %s", behind,
				       way == BY_FD ? "fd" : "signals", sent, trouble_of(way));
		usleep(1000);
	}
	return true;
}

static bool await_all(uint64_t distance)
{
	return await(BY_FD, distance) && await(BY_SIGNALS, distance);
}

static bool send_now(uint64_t count)
{
	int err = inject(crowd.card, "send", "endpoint=0 size=%d count=%" PRIu64, SENT_SIZE, count);

	sent += count;
	return err ? problem("story", "the hook says %s", strerror(-err)) : true;
}

/* Never more than the journal keeps ahead of those with an fd, and of @all. */
static bool send_following(uint64_t count, bool all)
{
	const uint64_t chunk = journal / 4;

	for (; count; count -= count < chunk ? count : chunk)
		if (!(all ? await_all(journal / 2) : await(BY_FD, journal / 2)) ||
		    !send_now(count < chunk ? count : chunk))
			return false;
	return true;
}

/* ------------------------------------------------------------------ the story */

/* What is sent where the cap lets all through, and where the sender waits for nobody. */
static struct stretch followed[2], unfollowed;

static void stretch_begin(struct stretch *stretch)
{
	stretch->first = begin + sent + 1;
	stretch->ms = milliseconds();
}

static bool stretch_end(struct stretch *stretch)
{
	stretch->last = begin + sent;
	stretch->ms = milliseconds() - stretch->ms;
	return true;
}

static bool lose_clients_and_a_daemon(uint64_t part)
{
	stretch_begin(&followed[0]);
	if (!send_following(part, true))
		return false;
	kill_clients();
	if (!send_following(part, true) || !await_all(0) || !send_now(part))
		return false;
	end_daemon(SIGKILL);
	if (!send_now(part))
		return false;
	start_daemon();
	return send_following(part, true) && await_all(0) && stretch_end(&followed[0]);
}

static bool be_without_a_daemon(uint64_t part)
{
	end_daemon(SIGKILL);
	if (!send_following(30 * part, false))
		return false;
	start_daemon();
	if (!await_daemon())
		return false;
	end_daemon(SIGKILL);
	start_daemon();
	return await_daemon();
}

static bool wait_for_nobody(uint64_t part)
{
	stretch_begin(&unfollowed);
	return send_following(64 * part, false) && await(BY_FD, 0) && stretch_end(&unfollowed);
}

/* Of what was sent meanwhile, the journal has so much. */
static uint64_t still_there(const struct stretch *stretch)
{
	struct snd_audio_module_info info;

	if (info_get(crowd.card, &info) || info.oldest_sequence > stretch->last)
		return 0;
	return info.oldest_sequence < stretch->first ? stretch->last - stretch->first + 1 :
						       stretch->last - info.oldest_sequence + 1;
}

static bool be_beside_rude_ones(uint64_t part)
{
	pid_t pids[RUDE];
	bool done;
	int i;

	for (i = 0; i < RUDE; i++) {
		fflush(stdout);
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			rude[i].run(&crowd);
			exit(1);
		}
	}
	stretch_begin(&followed[1]);
	done = send_following(part, true) && await_all(0) && stretch_end(&followed[1]);
	for (i = 0; i < RUDE; i++) {
		if (waitpid(pids[i], NULL, WNOHANG))
			problem("rude", "\"%s\" could not go on", rude[i].name);
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	return done;
}

/* ------------------------------------------------------------------ what must be */

static uint64_t told(const struct client *client, const struct stretch *stretch, uint8_t what)
{
	uint64_t sequence, count = 0;

	for (sequence = stretch->first; sequence <= stretch->last; sequence++)
		count += client->what[sequence - client->start] == what;
	return count;
}

/* Counted anew from what became of each. */
static void check_sum(int i)
{
	const struct client *client = &clients[i];
	struct stretch all = { client->start + 1, begin + sent, 0 };

	if (client->received + client->lost != begin + sent - client->start)
		problem("sum", "%s: %" PRIu64 " received and %" PRIu64 " lost of %" PRIu64,
			name_of(i), client->received, client->lost, begin + sent - client->start);
	if (told(client, &all, RECEIVED) != client->received ||
	    told(client, &all, LOST) != client->lost)
		problem("sum", "%s: its sums are not those of what became of each", name_of(i));
	if (client->twice || client->misplaced || client->corrupt)
		problem("order", "%s: %" PRIu64 " twice, %" PRIu64 " misplaced, %" PRIu64
			" corrupt", name_of(i), client->twice, client->misplaced,
			client->corrupt);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t cap(uint64_t ms)
{
	return PACE_BURST + PACE_RATE * ms / 1000;
}

static void check_stretch(int i, const struct stretch *stretch, uint64_t most)
{
	uint64_t count = stretch->last - stretch->first + 1;
	uint64_t received = told(&clients[i], stretch, RECEIVED);
	uint64_t due = least(least(count, cap(stretch->ms)), most);

	if (received < due)
		problem("cap", "%s: %" PRIu64 " received of %" PRIu64 " within %" PRIu64
			" ms; the cap and the journal let it have %" PRIu64, name_of(i), received,
			count, stretch->ms, due);
}

static void check_cap(int i, uint64_t kept, uint64_t ms)
{
	check_stretch(i, &followed[0], UINT64_MAX);
	check_stretch(i, &followed[1], UINT64_MAX);
	check_stretch(i, &unfollowed, kept);
	if (clients[i].received > cap(ms) + (DAEMONS - 1) * PACE_BURST)
		problem("cap", "%s: %" PRIu64 " received within %" PRIu64
			" ms, more than the cap allows", name_of(i), clients[i].received, ms);
	if (clients[i].returned != DAEMONS - 1)
		problem("daemon", "%s saw it come back %u times", name_of(i),
			clients[i].returned);
}

static void check(uint64_t kept, uint64_t ms)
{
	struct snd_audio_module_info info;
	int i;

	if (info_get(crowd.card, &info) || info.newest_sequence != begin + sent)
		problem("sum", "the kernel counts another newest notification than %" PRIu64,
			begin + sent);
	for (i = survivor(0); i < CLIENTS; i = survivor(i + 1)) {
		check_sum(i);
		if (clients[i].way == BY_SIGNALS)
			check_cap(i, kept, ms);
		else if (clients[i].lost)
			problem("fd", "%s lost %" PRIu64, name_of(i), clients[i].lost);
	}
}

/* The daemon has an fd for the card and one for each client by signals; the others have theirs. */
static void check_forgotten(int expected)
{
	uint64_t end = milliseconds() + PATIENCE_MS;

	while (objects_get("notification_fds") != expected && milliseconds() < end)
		usleep(10000);
	if (objects_get("notification_fds") != expected)
		problem("forgotten", "%d notification fds are left, not %d",
			objects_get("notification_fds"), expected);
}

static void print_figures(uint64_t ms)
{
	uint64_t fewest = UINT64_MAX, most = 0, ranges = 0;
	int i;

	for (i = survivor(0); i < CLIENTS; i = survivor(i + 1)) {
		if (clients[i].way != BY_SIGNALS)
			continue;
		fewest = least(fewest, clients[i].received);
		most = most > clients[i].received ? most : clients[i].received;
		ranges = ranges > clients[i].ranges ? ranges : clients[i].ranges;
	}
	printf("figures: %" PRIu64 " notifications in %" PRIu64 " ms, journal of %" PRIu64
	       " records; by signals %" PRIu64 " to %" PRIu64 " received, at most %" PRIu64
	       " ranges lost\n", sent, ms, journal, fewest, most, ranges);
	printf("figures: followed by all: %" PRIu64 " in %" PRIu64 " ms; by fds only: %" PRIu64
	       " in %" PRIu64 " ms; beside rude ones: %" PRIu64 " in %" PRIu64 " ms\n",
	       followed[0].last - followed[0].first + 1, followed[0].ms,
	       unfollowed.last - unfollowed.first + 1, unfollowed.ms,
	       followed[1].last - followed[1].first + 1, followed[1].ms);
}

/* ------------------------------------------------------------------ begin and end */

static bool load(uint64_t part)
{
	char parameters[48];
	uint64_t size = LEAST_JOURNAL;
	struct snd_audio_module_info info;
	int err;

	while (size < KEPT * part * RECORD_SIZE + size / 16)
		size *= 2;
	snprintf(parameters, sizeof(parameters), "journal_size=%" PRIu64, size);
	err = modules_load(parameters);
	if (err)
		return problem("story", "the modules: %s", strerror(-err));
	crowd.card = card_find();
	snprintf(crowd.endpoint, sizeof(crowd.endpoint), "/org/audiomodule1/card%d/Speaker",
		 crowd.card);
	if (info_get(crowd.card, &info))
		return problem("story", "the card does not say how it is");
	begin = info.newest_sequence;
	journal = size / RECORD_SIZE;
	return true;
}

static void run(uint64_t part)
{
	uint64_t from, kept;
	int status;

	start_daemon();
	if (!await_daemon() || !make_clients() || !start_clients())
		return;
	from = milliseconds();
	if (!lose_clients_and_a_daemon(part) || !be_without_a_daemon(part) ||
	    !wait_for_nobody(part))
		return;
	kept = still_there(&unfollowed);
	if (!await_all(0) || !be_beside_rude_ones(part))
		return;
	check(kept, milliseconds() - from);
	print_figures(milliseconds() - from);
	check_forgotten(1 + CLIENTS - KILLED);
	end_clients();
	check_forgotten(1);
	status = end_daemon(SIGTERM);
	if (status)
		problem("daemon", "it ended with %x", status);
	puts("figures: the end");
}

int main(int argc, char **argv)
{
	if (argc != 3 || atoll(argv[2]) < PARTS) {
		fprintf(stderr, "Usage: crowd ADDRESS NOTIFICATIONS, at least %d\n", PARTS);
		return 2;
	}
	setlinebuf(stdout);
	crowd.address = argv[1];
	crowd.most = atoll(argv[2]);
	if (load(crowd.most / PARTS))
		run(crowd.most / PARTS);
	return 0;
}
