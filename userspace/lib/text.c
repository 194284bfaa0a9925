// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: a decoder of UTF-8 that accepts exactly what RFC 3629 allows (no overlong forms, no
 * surrogates, nothing above U+10FFFF) and no control characters.
 */
#include <stdbool.h>
#include <string.h>

#include "text.h"

/* Bytes of the sequence that a first byte announces; 0: it starts none. */
static size_t sequence_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

static uint32_t decode(const uint8_t *bytes, size_t length)
{
	static const uint8_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t code = bytes[0] & mask[length];

	for (size_t i = 1; i < length; i++)
		code = code << 6 | (bytes[i] & 0x3f);
	return code;
}

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

/* The sequence at the beginning of a text, whatever character it is: its bytes, 0: it is none. */
static size_t read_sequence(const char *from, size_t left, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *bytes = (const uint8_t *)from;
	size_t length = left > 0 ? sequence_length(bytes[0]) : 0;

	if (length == 0 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	*code = decode(bytes, length);
	if (*code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return length;
}

size_t text_character(const char *from, size_t left, uint32_t *code)
{
	uint32_t read;
	size_t length = read_sequence(from, left, &read);

	if (length == 0 || is_control(read))
		return 0;
	*code = read;
	return length;
}

void text_clean(char *to, size_t to_size, const char *from, size_t from_size)
{
	size_t left = strnlen(from, from_size), used = 0;

	while (left > 0) {
		uint32_t code;
		size_t length = read_sequence(from, left, &code);
		bool kept = length > 0 && !is_control(code);
		size_t put = kept ? length : 1, step = length ? length : 1;

		if (used + put >= to_size)
			break;
		memcpy(to + used, kept ? from : "?", put);
		used += put;
		from += step;
		left -= step;
	}
	memset(to + used, 0, to_size - used);
}
