/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: vendor bytes are the vendor's; those of our own virtual device are known, and people want
 * to read levels, not bytes.
 */
#ifndef AUDIOMODULECTL_DECODE_H
#define AUDIOMODULECTL_DECODE_H

#include "ctl.h"

/* What vendor bytes say, when they are known. */
struct decoded {
	enum {
		DECODED_NOTHING,
		DECODED_LEVEL,
		DECODED_SILENCE,
		DECODED_SOUND,
		DECODED_CLIP,
		DECODED_PARAMETER,
	} kind;
	unsigned int channels;		/* 1 or 2 */
	double dbfs[2];			/* -INFINITY for silence */
	uint32_t clipped[2];
	uint64_t frames;
	uint32_t parameter;
};

void decode(const struct audiomodule_record *record, struct decoded *decoded);

/* The text for people; bytes that are not known as hexadecimal, cut after HEX_BYTES. */
#define HEX_BYTES	32
void print_decoded(const struct audiomodule_record *record);

/* The members of a notification; "decoded" when there is something to say. */
void json_record(bool *first, const struct audiomodule_record *record);

#endif /* AUDIOMODULECTL_DECODE_H */
