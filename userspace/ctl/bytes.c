// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: bytes are few enough to be read whole: one more than there may be tells that there are too
 * many.
 */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "hex.h"

#define BYTES_MAX	AUDIOMODULE_MAX_COMMAND_SIZE
#define LINE_BYTES	16

/* ---- Reading ---- */

static enum exit_status fail_size(const char *where)
{
	fprintf(stderr, "audiomodulectl: at most %d bytes can be sent; there are more in %s\n",
		BYTES_MAX, where);
	return STATUS_USAGE;
}

static enum exit_status fail_read(const char *where)
{
	fprintf(stderr, "audiomodulectl: cannot read %s: %s\n", where, strerror(errno));
	return STATUS_FAILURE;
}

static enum exit_status fail_digits(const char *text, const struct bytes *bytes)
{
	fprintf(stderr, "audiomodulectl: byte %zu is not two hexadecimal digits: \"%.16s\". "
		"Between bytes may be blanks or a colon. Or write @FILE, or - for standard "
		"input.\n", bytes->size + 1, text);
	return STATUS_USAGE;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t\n");
}

static enum exit_status parse_digits(const char *text, struct bytes *bytes)
{
	text = skip_blanks(text);
	while (*text) {
		int byte = hex_byte(text);

		if (byte < 0)
			return fail_digits(text, bytes);
		if (bytes->size == BYTES_MAX)
			return fail_size("the argument");
		bytes->data[bytes->size++] = (uint8_t)byte;
		text += 2;
		/* At the end a colon stays, and is no byte. */
		text = text[0] == ':' && text[1] ? text + 1 : skip_blanks(text);
	}
	return STATUS_OK;
}

static enum exit_status read_stream(FILE *stream, const char *where, struct bytes *bytes)
{
	bytes->size = fread(bytes->data, 1, BYTES_MAX + 1, stream);
	if (ferror(stream))
		return fail_read(where);
	return bytes->size > BYTES_MAX ? fail_size(where) : STATUS_OK;
}

static enum exit_status read_file(const char *path, struct bytes *bytes)
{
	_cleanup_(cleanup_file) FILE *file = fopen(path, "re");

	return file ? read_stream(file, path, bytes) : fail_read(path);
}

static enum exit_status read_input(struct bytes *bytes)
{
	if (isatty(STDIN_FILENO))
		fputs("audiomodulectl: the bytes are read from this terminal, as they are, until "
		      "its end (Ctrl-D)\n", stderr);
	return read_stream(stdin, "standard input", bytes);
}

enum exit_status bytes_read(const char *text, struct bytes *bytes)
{
	bytes->size = 0;
	bytes->data = malloc(BYTES_MAX + 1);
	if (!bytes->data)
		return fail_read("the bytes");
	if (strcmp(text, "-") == 0)
		return read_input(bytes);
	if (text[0] == '@')
		return read_file(text + 1, bytes);
	return parse_digits(text, bytes);
}

/* ---- Printing ---- */

static void print_line(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < LINE_BYTES; i++) {
		fputs(i == LINE_BYTES / 2 ? "  " : " ", stdout);
		if (i < size)
			printf("%02x", data[i]);
		else
			fputs("  ", stdout);
	}
	fputs("  |", stdout);
	for (size_t i = 0; i < size; i++)
		putchar(data[i] >= ' ' && data[i] <= '~' ? data[i] : '.');
	puts("|");
}

void bytes_print(const struct bytes *bytes)
{
	for (size_t at = 0; at < bytes->size; at += LINE_BYTES) {
		size_t left = bytes->size - at;

		printf("%04zx ", at);
		print_line(bytes->data + at, left < LINE_BYTES ? left : LINE_BYTES);
	}
}
