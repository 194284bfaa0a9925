/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: what the files of KS bytes share: little-endian numbers, and the one rule of sizes that all
 * of Windows' properties follow.
 */
#ifndef AUDIOMODULE_KS_PRIVATE_H
#define AUDIOMODULE_KS_PRIVATE_H

#include <errno.h>
#include <string.h>

#include "audiomodule-ks.h"

static inline void ks_put16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
}

static inline uint16_t ks_get16(const uint8_t *from)
{
	return (uint16_t)(from[0] | from[1] << 8);
}

static inline void ks_put32(uint8_t *to, uint32_t value)
{
	ks_put16(to, (uint16_t)value);
	ks_put16(to + 2, (uint16_t)(value >> 16));
}

static inline uint32_t ks_get32(const uint8_t *from)
{
	return ks_get16(from) | (uint32_t)ks_get16(from + 2) << 16;
}

static inline void ks_put_guid(uint8_t *to, const struct audiomodule_guid *guid)
{
	memcpy(to, guid->bytes, sizeof(guid->bytes));
}

static inline struct audiomodule_guid ks_get_guid(const uint8_t *from)
{
	struct audiomodule_guid guid;

	memcpy(guid.bytes, from, sizeof(guid.bytes));
	return guid;
}

/* memcpy() may not be given NULL, not even for no bytes. */
static inline void ks_put_bytes(uint8_t *to, const uint8_t *bytes, size_t size)
{
	if (size > 0)
		memcpy(to, bytes, size);
}

/* Nothing is written, for this reason. */
static inline int ks_refuse(size_t *size, int error)
{
	*size = 0;
	return error;
}

/* 0: there is room for what is needed, which is now the size. */
static inline int ks_make_room(size_t needed, size_t *size)
{
	size_t room = *size;

	*size = room == 0 || room >= needed ? needed : 0;
	if (room == 0)
		return -EOVERFLOW;
	return room < needed ? -ENOBUFS : 0;
}

/*
 * ks_name_put() - write a name of AUDIOMODULE_KS_NAME_UNITS, zeroes behind it
 * @to: receives that many units of two bytes
 * @name: UTF-8
 */
void ks_name_put(uint8_t *to, const char *name);

/*
 * ks_name_get() - read a name of AUDIOMODULE_KS_NAME_UNITS
 * @from: that many units of two bytes
 * @name: receives clean UTF-8; large enough for every name that has an end
 *
 * Return: 0; -EBADMSG: no unit is zero.
 */
int ks_name_get(const uint8_t *from,
		char name[sizeof(((struct audiomodule_ks_descriptor *)NULL)->name)]);

#endif /* AUDIOMODULE_KS_PRIVATE_H */
