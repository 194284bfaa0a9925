/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: hexadecimal digits as GUIDs and bytes are typed with. Not strtoul() or isxdigit(): they
 * accept signs, blanks and what the locale says.
 */
#ifndef AUDIOMODULE_HEX_H
#define AUDIOMODULE_HEX_H

/* The digit's value; -1: it is none. */
static inline int hex_digit(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

/* The value of two digits; -1: the text does not begin with two. */
static inline int hex_byte(const char *text)
{
	int high = hex_digit(text[0]);
	int low = high < 0 ? -1 : hex_digit(text[1]);

	return low < 0 ? -1 : high << 4 | low;
}

#endif /* AUDIOMODULE_HEX_H */
