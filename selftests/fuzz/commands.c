// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: a command's bytes as audiomodulectl takes them (userspace/ctl/bytes.c). Foreign: what was
 * typed, what is in the file, what comes on standard input.
 *
 * Holds: at most as many bytes as a command may have; digits that were read are the bytes' own,
 * and, written in the usual way and read again, the same bytes; a file's bytes are taken as they
 * are, and refused only when they are too many. Then the bytes can be printed.
 */
#include <ctype.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bytes.h"
#include "fuzz.h"

#define BYTES_MAX	((size_t)AUDIOMODULE_MAX_COMMAND_SIZE)
#define PRINTED		100	/* more is slow, and nothing else */

static void check_again(const struct bytes *bytes)
{
	char *text = malloc(3 * bytes->size + 1);
	struct bytes again;

	require(text);
	text[0] = 0;
	for (size_t i = 0; i < bytes->size; i++)
		sprintf(text + 3 * i, "%02X%s", bytes->data[i],
			i + 1 == bytes->size ? "" : i % 2 ? ":" : " ");
	require(bytes_read(text, &again) == STATUS_OK);
	require(again.size == bytes->size);
	require(memcmp(again.data, bytes->data, bytes->size) == 0);
	cleanup_bytes(&again);
	free(text);
}

/* The digits of the text are those of the bytes, and there is nothing else that means anything. */
static void check_digits(const char *text, const struct bytes *bytes)
{
	size_t digits = 0;

	for (; *text; text++) {
		char expected[3];

		if (strchr(" \t\n:", *text))
			continue;
		require(digits / 2 < bytes->size);
		snprintf(expected, sizeof(expected), "%02x", bytes->data[digits / 2]);
		require(expected[digits % 2] == tolower((unsigned char)*text));
		digits++;
	}
	require(digits == 2 * bytes->size);
}

static void read_typed(struct input *input)
{
	char *text = input_text(input);
	struct bytes bytes;
	enum exit_status status;

	/* Those two are not what was typed. */
	if (text[0] == '@' || strcmp(text, "-") == 0)
		text[0] = ' ';
	status = bytes_read(text, &bytes);
	require(status == STATUS_OK || status == STATUS_USAGE);
	require(bytes.size <= BYTES_MAX);
	if (status == STATUS_OK) {
		check_digits(text, &bytes);
		check_again(&bytes);
		bytes_print(&bytes);
	}
	cleanup_bytes(&bytes);
	free(text);
}

/* The input over and over, up to so many bytes: a few of them can be too many, too. */
static uint8_t *repeat(const struct input *input, size_t size)
{
	uint8_t *bytes = malloc(size + 1);

	require(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = input->bytes[i % input->left];
	return bytes;
}

static enum exit_status read_fd(int fd, bool is_file, struct bytes *bytes)
{
	enum exit_status status;
	char name[32];

	snprintf(name, sizeof(name), "@/proc/self/fd/%d", fd);
	lseek(fd, 0, SEEK_SET);
	if (!is_file)
		stdin = fdopen(fd, "r");
	status = bytes_read(is_file ? name : "-", bytes);
	if (is_file)
		close(fd);
	else
		fclose(stdin);
	return status;
}

static void read_from(struct input *input, bool is_file)
{
	const size_t wanted = input_number(input, 2), size = input->left ? wanted : 0;
	uint8_t *expected = repeat(input, size);
	int fd = memfd_create("command", MFD_CLOEXEC);
	struct bytes bytes;
	enum exit_status status;

	require(fd >= 0 && write(fd, expected, size) == (ssize_t)size);
	status = read_fd(fd, is_file, &bytes);
	require(status == (size <= BYTES_MAX ? STATUS_OK : STATUS_USAGE));
	if (status == STATUS_OK) {
		require(bytes.size == size && memcmp(bytes.data, expected, size) == 0);
		if (size < PRINTED)
			bytes_print(&bytes);
	}
	cleanup_bytes(&bytes);
	free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	fuzz_quiet();
	switch (input_number(&input, 1)) {
	case '@':
		read_from(&input, true);
		break;
	case '-':
		read_from(&input, false);
		break;
	default:
		read_typed(&input);
		break;
	}
	return 0;
}
