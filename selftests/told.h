/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a client was told of each notification, to see that all is accounted for, once and in order.
 */
#ifndef TOLD_H
#define TOLD_H

#include <audiomodule.h>

#include "audio_module_test.h"

#define FLOOD	100000

/*
 * Of each notification behind @start: what became of it, for up to @limit of them. All of them are
 * the hooks', so their bytes can be checked.
 */
struct told {
	uint64_t start;
	uint64_t last;
	uint64_t matched;
	uint64_t lost;
	uint64_t ranges;
	uint64_t holes;		/* ranges that follow each other at once are one */
	uint64_t corrupt;
	uint64_t bad;		/* out of order, twice, or beyond @limit */
	size_t limit;
	uint8_t what[FLOOD + 1];
};

enum { UNTOLD, RECEIVED, LOST };

void told_begin(struct told *told, uint64_t start, size_t limit);
void told_record(struct told *told, const struct audiomodule_record *record);

/* How many of these were neither received nor told as lost? */
uint64_t told_nothing_of(const struct told *told, uint64_t first, uint64_t last);

#endif /* TOLD_H */
