// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: names are UTF-16 on Windows and UTF-8 here. A character above U+FFFF is a pair of
 * surrogates there; a surrogate without its partner is no character and becomes '?', as broken
 * UTF-8 does.
 */
#include "ks.h"
#include "text.h"

#define LAST_UNIT	(AUDIOMODULE_KS_NAME_UNITS - 1)	/* always zero */
#define PAIRS_BEGIN	0x10000U
#define HIGH_BEGIN	0xd800U
#define LOW_BEGIN	0xdc00U

/* Writes one character: units used; 0: it does not fit. */
static size_t put_code(uint8_t *to, size_t room, uint32_t code)
{
	if (code < PAIRS_BEGIN && room >= 1) {
		ks_put16(to, (uint16_t)code);
		return 1;
	}
	if (code < PAIRS_BEGIN || room < 2)
		return 0;
	code -= PAIRS_BEGIN;
	ks_put16(to, (uint16_t)(HIGH_BEGIN + (code >> 10)));
	ks_put16(to + 2, (uint16_t)(LOW_BEGIN + (code & 0x3ff)));
	return 2;
}

void ks_name_put(uint8_t *to, const char *name)
{
	size_t left = strlen(name), used = 0;

	while (left > 0) {
		uint32_t code = '?';
		size_t length = text_character(name, left, &code);
		size_t units = put_code(to + 2 * used, LAST_UNIT - used, code);

		if (units == 0)
			break;
		used += units;
		length = length > 0 ? length : 1;
		name += length;
		left -= length;
	}
	memset(to + 2 * used, 0, 2 * (AUDIOMODULE_KS_NAME_UNITS - used));
}

static bool is_surrogate(uint32_t unit, uint32_t begin)
{
	return unit >= begin && unit < begin + 0x400;
}

/* The character at the n-th unit, which is not the last: units used. */
static size_t get_code(const uint8_t *from, size_t n, uint32_t *code)
{
	uint32_t first = ks_get16(from + 2 * n), second = ks_get16(from + 2 * (n + 1));

	if (is_surrogate(first, HIGH_BEGIN) && is_surrogate(second, LOW_BEGIN)) {
		*code = PAIRS_BEGIN + ((first - HIGH_BEGIN) << 10) + (second - LOW_BEGIN);
		return 2;
	}
	*code = is_surrogate(first, HIGH_BEGIN) || is_surrogate(first, LOW_BEGIN) ? '?' : first;
	return 1;
}

/* Writes at most four bytes: how many. */
static size_t put_utf8(char *to, uint32_t code)
{
	static const uint8_t mark[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < PAIRS_BEGIN ? 3 : 4;

	for (size_t i = length - 1; i > 0; i--) {
		to[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	to[0] = (char)(mark[length] | code);
	return length;
}

int ks_name_get(const uint8_t *from,
		char name[sizeof(((struct audiomodule_ks_descriptor *)NULL)->name)])
{
	/* No unit becomes more than three bytes. */
	char text[3 * LAST_UNIT + 1];
	size_t end = 0, used = 0;

	while (end <= LAST_UNIT && ks_get16(from + 2 * end) != 0)
		end++;
	if (end > LAST_UNIT)
		return -EBADMSG;
	for (size_t n = 0; n < end; ) {
		uint32_t code;

		n += get_code(from, n, &code);
		used += put_utf8(text + used, code);
	}
	text_clean(name, sizeof(((struct audiomodule_ks_descriptor *)NULL)->name), text, used);
	return 0;
}
