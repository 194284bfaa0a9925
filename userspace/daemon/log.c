// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: a line is put together first and written at once, so that lines of several processes on one
 * stderr do not mix. The level belongs to the process, as stderr does: it is the one variable of
 * the daemon that does not hang from the manager.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

static int most = LOG_INFO;

int log_level(void)
{
	return most;
}

void log_set_level(int level)
{
	most = level;
}

void log_message(int level, const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (level > most)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", level, text);
	else
		fprintf(stderr, "audiomoduled: %s\n", text);
}
