/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: the levels of peak meters as bars in the last line of a terminal, redrawn in place, while
 * all else scrolls above them. Where the output is no terminal, or one that cannot do that, there
 * are no bars.
 */
#ifndef AUDIOMODULECTL_BARS_H
#define AUDIOMODULECTL_BARS_H

#include "decode.h"
#include "monitor-print.h"

struct bar {
	struct bar *next;
	char address[RECORD_ADDRESS_SIZE];
	struct decoded level;
};

struct bars {
	bool enabled;
	bool shown;		/* the cursor is behind them, not at the beginning of a line */
	struct bar *first;
};

void bars_init(struct bars *bars, const struct options *options);

/* Is this shown as a bar? Then it needs no line. Silence ends a bar. */
bool bars_take(struct bars *bars, const char *address, const struct audiomodule_record *record);

/* An endpoint is gone, and so are the bars of its modules. */
void bars_forget(struct bars *bars, const char *endpoint);

/* Before a line is written, here or on stderr. */
void bars_hide(struct bars *bars);

/* When no more lines are written for now. */
void bars_show(struct bars *bars);

/* Leaves the last levels on the screen. */
void bars_end(struct bars *bars);

#endif /* AUDIOMODULECTL_BARS_H */
