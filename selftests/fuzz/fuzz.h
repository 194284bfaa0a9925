/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what the targets share: the bytes taken one piece after the other, and the one way to say
 * that something does not hold. A target is a program whose LLVMFuzzerTestOneInput() is called with
 * any bytes, by libFuzzer (run.sh) or by standalone.c (make test); sanitizers look on. What is
 * printed by the code that is tested goes to nobody.
 */
#ifndef AUDIO_MODULE_FUZZ_H
#define AUDIO_MODULE_FUZZ_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the bytes are; file descriptor 2 is what sanitizers report to, too. */
#define require(condition)					\
	((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))

static inline void fuzz_broken(const char *condition, const char *file, int line)
{
	dprintf(2, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

/* Once; messages of the code that is tested would be most of what a fuzzer does. */
static inline void fuzz_quiet(void)
{
	static FILE *nowhere;

	if (nowhere)
		return;
	nowhere = fopen("/dev/null", "we");
	require(nowhere);
	stdout = stderr = nowhere;
}

/* Bytes that are left to be taken. */
struct input {
	const uint8_t *bytes;
	size_t left;
};

/* Fewer when there are not so many left. */
static inline const uint8_t *input_take(struct input *input, size_t *size)
{
	const uint8_t *taken = input->bytes;

	if (*size > input->left)
		*size = input->left;
	input->bytes += *size;
	input->left -= *size;
	return taken;
}

/* Of so many bytes, little-endian; those that are missing are zero. */
static inline uint64_t input_number(struct input *input, size_t size)
{
	const uint8_t *bytes = input_take(input, &size);
	uint64_t number = 0;

	while (size > 0)
		number = number << 8 | bytes[--size];
	return number;
}

/* Up to a zero, or all; a copy of its own, so that a byte too many is seen. free() it. */
static inline char *input_text(struct input *input)
{
	size_t length = input->left ? strnlen((const char *)input->bytes, input->left) : 0;
	char *text = malloc(length + 1);
	size_t all = length + 1;

	require(text);
	if (length > 0)
		memcpy(text, input->bytes, length);
	text[length] = 0;
	input_take(input, &all);
	return text;
}

/* Text into a fixed array, as strings come in the kernel's structures: it may have no end. */
static inline void input_array(struct input *input, char *array, size_t size)
{
	char *text = input_text(input);
	const size_t length = strlen(text);

	memset(array, 0, size);
	memcpy(array, text, length < size ? length : size);
	free(text);
}

/* Is a part of something within it? */
static inline bool is_within(const void *part, size_t part_size, const void *whole,
			     size_t whole_size)
{
	const uintptr_t begin = (uintptr_t)whole, at = (uintptr_t)part;

	return at >= begin && at - begin <= whole_size && part_size <= whole_size - (at - begin);
}

#endif /* AUDIO_MODULE_FUZZ_H */
