/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: the time that deadlines are compared with.
 */
#ifndef AUDIOMODULE_CLOCK_H
#define AUDIOMODULE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds of CLOCK_MONOTONIC */
static inline uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

#endif /* AUDIOMODULE_CLOCK_H */
