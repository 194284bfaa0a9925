/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what only the kernel can tell of a card: the state of its journal, and what became of the
 * calls of its drivers. info and stats show the same.
 */
#ifndef AUDIOMODULECTL_CARD_H
#define AUDIOMODULECTL_CARD_H

#include "ctl.h"

/*
 * Asks the kernel. 0; -ENODEV: the endpoint's card is gone, and another one may have its number;
 * failures of audiomodule_open().
 */
int card_ask(const struct options *options, const struct audiomodule_endpoint *endpoint,
	     struct audiomodule_info *info);

/* Lines for people: the journal, and each counter with what it counts. */
void print_card_journal(const struct audiomodule_info *info);
void print_card_counters(const struct audiomodule_info *info);

/* The members journal_size, oldest_sequence, newest_sequence and counters. */
void json_card_counts(bool *first, const struct audiomodule_info *info);

#endif /* AUDIOMODULECTL_CARD_H */
