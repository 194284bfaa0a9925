// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: a decoder of UTF-8 that accepts exactly what RFC 3629 allows (no overlong forms, no
 * surrogates, nothing above U+10FFFF) and no control characters.
 */
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

static int is_printable(uint32_t code, size_t length)
{
	static const uint32_t least[] = { 0, 0x20, 0x80, 0x800, 0x10000 };

	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return code < 0x7f || code > 0x9f;
}

size_t text_character(const char *from, size_t left, uint32_t *code)
{
	const uint8_t *bytes = (const uint8_t *)from;
	size_t length = left > 0 ? sequence_length(bytes[0]) : 0;
	uint32_t decoded;

	if (length == 0 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	decoded = decode(bytes, length);
	if (!is_printable(decoded, length))
		return 0;
	*code = decoded;
	return length;
}

void text_clean(char *to, size_t to_size, const char *from, size_t from_size)
{
	size_t left = strnlen(from, from_size), used = 0;

	while (left > 0) {
		uint32_t code;
		size_t length = text_character(from, left, &code);
		size_t step = length ? length : 1;

		if (used + step >= to_size)
			break;
		memcpy(to + used, length ? from : "?", step);
		used += step;
		from += step;
		left -= step;
	}
	memset(to + used, 0, to_size - used);
}
