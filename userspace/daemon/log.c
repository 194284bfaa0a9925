// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: a line is put together first and written at once, so that lines of several processes on one
 * stderr do not mix.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

void log_message(enum log_level level, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", (int)level, text);
	else
		fprintf(stderr, "audiomoduled: %s\n", text);
}
