// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: command lines (userspace/ctl/main.c, userspace/daemon/main.c). Foreign: the arguments, each
 * ended by a zero; the first byte says whose they are. What a program does with them then is left
 * out.
 *
 * Holds: wrong usage is status 2; a command of audiomodulectl is run only with options that do not
 * exclude each other, times within what a timer takes, and addresses that are arguments;
 * audiomoduled starts only with what was given.
 */
#include <getopt.h>
#include <signal.h>
#include <time.h>

#include "commands_run.h"
#include "fuzz.h"
#include "manager.h"

#define MOST_ARGUMENTS	16
#define LONGEST_MS	1000000000000	/* 1e9 seconds */
#define LONGEST_IDLE	86400		/* seconds */

int ctl_main(int argc, char **argv);
int daemon_main(int argc, char **argv);

/* The arguments that are parsed, and what was run with them. */
static char *arguments[MOST_ARGUMENTS + 2];
static int count;
static unsigned int runs;

static bool is_argument(const char *text)
{
	for (int i = 1; i < count; i++)
		if (is_within(text, 0, arguments[i], strlen(arguments[i])))
			return true;
	return false;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void options_check(const struct options *options)
{
	runs++;
	require(!options->oldest || options->local);
	require(options->oldest + options->resume + options->has_since <= 1);
	require(options->since <= now());
	require(!options->fd || !options->local);
	require(!options->raw || !options->json);
	require(options->timeout >= -1 && options->timeout <= LONGEST_MS);
	require(options->watch >= 0 && options->watch <= LONGEST_MS);
	require(!(options->filter.match & ~(AUDIOMODULE_MATCH_CLASS_ID |
					    AUDIOMODULE_MATCH_INSTANCE_ID |
					    AUDIOMODULE_MATCH_NOTIFICATION_ID)));
	for (size_t i = 0; i < options->address_count; i++)
		require(is_argument(options->addresses[i]));
	for (size_t i = 0; i < options->value_count; i++)
		require(is_argument(options->values[i]));
	require(!options->parameter || is_argument(options->parameter));
	require(strcmp(options->bus, "system") == 0 || is_argument(options->bus));
	require(strcmp(options->directory, AUDIOMODULE_DIRECTORY) == 0 ||
		is_argument(options->directory));
}

/* ---- Instead of the daemon ---- */

int manager_new(const struct arguments *given, struct manager **manager)
{
	runs++;
	require(strcmp(given->bus, "system") == 0 || is_argument(given->bus));
	require(strcmp(given->directory, AUDIOMODULE_DIRECTORY) == 0 ||
		is_argument(given->directory));
	require(given->exit_idle <= LONGEST_IDLE);
	return -ENOMEM;
}

struct manager *manager_free(struct manager *manager)
{
	return NULL;
}

/* ---- Command lines ---- */

static void run_ctl(void)
{
	const int status = ctl_main(count, arguments);

	require(status == 0 || status == 2);
	require(runs == 0 || status == 0);
}

/* It blocks the signals that end it, which are the fuzzer's here. */
static void run_daemon(void)
{
	sigset_t mask;
	int status;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	status = daemon_main(count, arguments);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	require(status == (runs ? 1 : 0) || (runs == 0 && status == 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	const bool is_daemon = input_number(&input, 1) & 1;
	static char name[] = "program";
	/* getopt() changes their order. */
	char *made[MOST_ARGUMENTS];

	fuzz_quiet();
	arguments[0] = name;
	for (count = 1; count <= MOST_ARGUMENTS && input.left > 0; count++)
		arguments[count] = made[count - 1] = input_text(&input);
	arguments[count] = NULL;
	optind = 0;
	runs = 0;
	if (is_daemon)
		run_daemon();
	else
		run_ctl();
	require(runs <= 1);
	for (int i = 1; i < count; i++)
		free(made[i - 1]);
	return 0;
}
