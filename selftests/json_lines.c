// SPDX-License-Identifier: GPL-2.0
/*
 * Reads standard input: is each line one JSON value, as RFC 8259 has it, and nothing else? Prints
 * how many lines there are. Exit status 1: the first line that is none is on standard error.
 */

#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX	32

static bool value(const char **text, int depth);

static void blanks(const char **text)
{
	*text += strspn(*text, " \t\r");
}

static bool word(const char **text, const char *expected)
{
	size_t length = strlen(expected);

	if (strncmp(*text, expected, length))
		return false;
	*text += length;
	return true;
}

static bool digits(const char **text)
{
	size_t count = strspn(*text, "0123456789");

	*text += count;
	return count > 0;
}

static bool number(const char **text)
{
	word(text, "-");
	if (**text == '0')
		++*text;
	else if (!digits(text))
		return false;
	if (word(text, ".") && !digits(text))
		return false;
	if (**text != 'e' && **text != 'E')
		return true;
	++*text;
	*text += **text == '+' || **text == '-';
	return digits(text);
}

/* Bytes of a character of UTF-8 that is more than a byte long; 0: it is none. */
static size_t character(const unsigned char *text)
{
	size_t size = text[0] >= 0xc2 && text[0] <= 0xdf ? 2 :
		      text[0] >= 0xe0 && text[0] <= 0xef ? 3 :
		      text[0] >= 0xf0 && text[0] <= 0xf4 ? 4 : 0;
	size_t i;

	for (i = 1; i < size; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

static bool string(const char **text)
{
	if (!word(text, "\""))
		return false;
	while (**text && **text != '"') {
		unsigned char c = **text;
		size_t size = 1;

		if (c < 0x20)
			return false;
		if (c == '\\' && (*text)[1] == 'u')
			size = strspn(*text + 2, "0123456789abcdefABCDEF") >= 4 ? 6 : 0;
		else if (c == '\\')
			size = (*text)[1] && strchr("\"\\/bfnrt", (*text)[1]) ? 2 : 0;
		else if (c >= 0x80)
			size = character((const unsigned char *)*text);
		if (!size)
			return false;
		*text += size;
	}
	return word(text, "\"");
}

static bool member(const char **text, int depth)
{
	blanks(text);
	if (!string(text))
		return false;
	blanks(text);
	return word(text, ":") && value(text, depth);
}

/* Elements of an array or members of an object, behind the bracket. */
static bool list(const char **text, const char *end,
		 bool (*element)(const char **text, int depth), int depth)
{
	blanks(text);
	if (word(text, end))
		return true;
	do {
		if (!element(text, depth))
			return false;
		blanks(text);
	} while (word(text, ","));
	return word(text, end);
}

static bool value(const char **text, int depth)
{
	bool good;

	if (depth > DEPTH_MAX)
		return false;
	blanks(text);
	if (word(text, "{"))
		good = list(text, "}", member, depth + 1);
	else if (word(text, "["))
		good = list(text, "]", value, depth + 1);
	else if (**text == '"')
		good = string(text);
	else
		good = word(text, "true") || word(text, "false") || word(text, "null") ||
		       number(text);
	blanks(text);
	return good;
}

int main(void)
{
	unsigned long lines = 0;
	size_t size = 0;
	ssize_t length;
	char *line = NULL;

	while ((length = getline(&line, &size, stdin)) > 0) {
		const char *text = line;

		lines++;
		if (line[length - 1] == '\n')
			line[--length] = 0;
		if (value(&text, 0) && text == line + length)
			continue;
		fprintf(stderr, "line %lu is no JSON from character %td on: %s\n", lines,
			text - line + 1, line);
		return 1;
	}
	free(line);
	printf("%lu\n", lines);
	return 0;
}
