// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: a signal that ends a command is an fd among those that it waits for, so that nothing is cut
 * off in the middle of a line.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "signals.h"

static sigset_t mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(how, &set, NULL);
	return set;
}

void release_signals(void)
{
	mask(SIG_UNBLOCK);
}

void hold_signals(void)
{
	mask(SIG_BLOCK);
}

enum exit_status catch_signals(int *fd)
{
	sigset_t set = mask(SIG_BLOCK);

	*fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*fd >= 0)
		return STATUS_OK;
	fprintf(stderr, "audiomodulectl: cannot catch signals: %s\n", strerror(errno));
	return STATUS_FAILURE;
}

int64_t time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int time_until(int64_t then)
{
	int64_t left = then - time_now();

	return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}
