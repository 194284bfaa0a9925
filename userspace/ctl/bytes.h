/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: the vendor's bytes as people type them and read them.
 */
#ifndef AUDIOMODULECTL_BYTES_H
#define AUDIOMODULECTL_BYTES_H

#include "ctl.h"

struct bytes {
	uint8_t *data;
	size_t size;
};

static inline void cleanup_bytes(struct bytes *bytes)
{
	free(bytes->data);
}

/*
 * Hexadecimal digits, @FILE, or - for standard input. Returns STATUS_OK, or says what is wrong and
 * returns which status that is.
 */
enum exit_status bytes_read(const char *text, struct bytes *bytes);

/* Lines of 16: the offset, the bytes in hexadecimal, and those that are ASCII as text. */
void bytes_print(const struct bytes *bytes);

#endif /* AUDIOMODULECTL_BYTES_H */
