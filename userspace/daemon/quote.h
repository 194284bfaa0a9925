/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what a client sent, in the text of an error. A text that is cut inside of a character is no
 * UTF-8, which no message may carry: sd-bus sends none then, and the client waits for its answer.
 */
#ifndef AUDIOMODULED_QUOTE_H
#define AUDIOMODULED_QUOTE_H

#include <stdint.h>

#include "text.h"

struct quote {
	char text[65];
};

/* The beginning of a text, at most 64 bytes, in whole characters. */
static inline struct quote quote(const char *text)
{
	struct quote quote;

	text_clean(quote.text, sizeof(quote.text), text, SIZE_MAX);
	return quote;
}

#endif /* AUDIOMODULED_QUOTE_H */
