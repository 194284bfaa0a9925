/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: one line of text or one JSON object for each thing that happens to a feed.
 */
#ifndef AUDIOMODULECTL_MONITOR_PRINT_H
#define AUDIOMODULECTL_MONITOR_PRINT_H

#include "feed.h"

/* The address of the module that a notification is of, as the list has it, or by its ids. */
#define RECORD_ADDRESS_SIZE	(AUDIOMODULE_ADDRESS_SIZE + 64)
void record_address(const struct feeds *feeds, const struct feed *feed,
		    const struct audiomodule_record *record, char address[RECORD_ADDRESS_SIZE]);

/* Everything but a notification that nobody asked for: the caller checks feed_wants(). */
void print_record(const struct feeds *feeds, const struct feed *feed,
		  const struct audiomodule_record *record);
void print_appeared(const struct feeds *feeds, const struct feed *feed);

#endif /* AUDIOMODULECTL_MONITOR_PRINT_H */
