/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: how fast signals go to one subscriber. Each signal costs a time slice; the pace remembers
 * only until when the slices of all signals so far reach, and lets that run ahead of the clock by
 * a burst.
 */
#ifndef AUDIOMODULED_PACE_H
#define AUDIOMODULED_PACE_H

#include <stdint.h>

#define PACE_RATE	2000	/* signals a second, */
#define PACE_BURST	4000	/* after as many as this at once */

struct pace {
	uint64_t reached;	/* microseconds of CLOCK_MONOTONIC */
};

/* Microseconds to wait before the next signal; 0: none. */
static inline uint64_t pace_wait(const struct pace *pace, uint64_t now)
{
	const uint64_t ahead = UINT64_C(1000000) / PACE_RATE * PACE_BURST;

	return pace->reached > now + ahead ? pace->reached - now - ahead : 0;
}

static inline void pace_take(struct pace *pace, uint64_t now)
{
	if (pace->reached < now)
		pace->reached = now;
	pace->reached += UINT64_C(1000000) / PACE_RATE;
}

#endif /* AUDIOMODULED_PACE_H */
