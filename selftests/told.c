// SPDX-License-Identifier: GPL-2.0
/*
 * Accounting for notifications; see told.h.
 */

#include <string.h>

#include "told.h"

void told_begin(struct told *told, uint64_t start, size_t limit)
{
	memset(told, 0, sizeof(*told));
	told->start = told->last = start;
	told->limit = limit;
}

static void told_mark(struct told *told, uint64_t first, uint64_t last, uint8_t what)
{
	uint64_t sequence;

	if (first <= told->last || last < first || last - told->start > told->limit) {
		told->bad++;
		return;
	}
	for (sequence = first; sequence <= last; sequence++)
		told->what[sequence - told->start] = what;
	told->last = last;
}

/* Is the one before @sequence lost, too? A reader may be told in parts, while the tail moves on. */
static bool hole_goes_on(const struct told *told, uint64_t sequence)
{
	return sequence > told->start && sequence == told->last + 1 &&
	       told->what[told->last - told->start] == LOST;
}

void told_record(struct told *told, const struct audiomodule_record *record)
{
	if (record->type == AUDIOMODULE_RECORD_LOST) {
		told->ranges++;
		told->holes += !hole_goes_on(told, record->lost_first);
		told->lost += record->lost_last - record->lost_first + 1;
		told_mark(told, record->lost_first, record->lost_last, LOST);
	} else if (record->type == AUDIOMODULE_RECORD_NOTIFICATION) {
		told->matched++;
		told->corrupt += !vendor_intact(record->tail, record->tail_size);
		told_mark(told, record->sequence, record->sequence, RECEIVED);
	} else {
		told->bad++;
	}
}

uint64_t told_nothing_of(const struct told *told, uint64_t first, uint64_t last)
{
	uint64_t sequence, count = 0;

	for (sequence = first; sequence <= last; sequence++)
		count += told->what[sequence - told->start] == UNTOLD;
	return count;
}
