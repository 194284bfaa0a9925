// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: an answer to basic support comes in three lengths: the access alone, with the description
 * (which knows how long the full answer is), or in full, with lists of members behind it. A
 * shorter one is not a mistake, but what the caller had room for.
 */
#include "ks.h"

#define SIZE_OFFSET		4
#define TYPE_SET_OFFSET		8
#define TYPE_OFFSET		24
#define LISTS_OFFSET		32

#define VALUE_SIZE_OFFSET	4
#define VALUE_COUNT_OFFSET	8
#define FLAGS_OFFSET		12

/* The first list of members, in so many bytes. */
static int get_members(const uint8_t *from, size_t size, struct audiomodule_ks_support *support)
{
	uint64_t needed;

	if (size < AUDIOMODULE_KS_MEMBERS_SIZE)
		return -EBADMSG;
	support->has_members = true;
	support->members = ks_get32(from);
	support->value_size = ks_get32(from + VALUE_SIZE_OFFSET);
	support->value_count = ks_get32(from + VALUE_COUNT_OFFSET);
	support->members_flags = ks_get32(from + FLAGS_OFFSET);
	needed = (uint64_t)support->value_size * support->value_count;
	if (needed > size - AUDIOMODULE_KS_MEMBERS_SIZE)
		return -EBADMSG;
	support->values = needed > 0 ? from + AUDIOMODULE_KS_MEMBERS_SIZE : NULL;
	return 0;
}

static int get_description(const uint8_t *from, size_t size, struct audiomodule_ks_support *support)
{
	support->has_description = true;
	support->size = ks_get32(from + SIZE_OFFSET);
	support->type_set = ks_get_guid(from + TYPE_SET_OFFSET);
	support->type = ks_get32(from + TYPE_OFFSET);
	support->lists = ks_get32(from + LISTS_OFFSET);
	if (support->size < AUDIOMODULE_KS_DESCRIPTION_SIZE)
		return -EBADMSG;
	if (support->lists == 0 || size < support->size)
		return 0;
	return get_members(from + AUDIOMODULE_KS_DESCRIPTION_SIZE,
			   support->size - AUDIOMODULE_KS_DESCRIPTION_SIZE, support);
}

int audiomodule_ks_support_decode(const void *from, size_t size,
				  struct audiomodule_ks_support *support)
{
	struct audiomodule_ks_support result = { 0 };
	const uint8_t *bytes = from;
	int r = 0;

	if (size < sizeof(result.access))
		return -EBADMSG;
	result.access = ks_get32(bytes);
	if (size >= AUDIOMODULE_KS_DESCRIPTION_SIZE)
		r = get_description(bytes, size, &result);
	if (r == 0)
		*support = result;
	return r;
}

int audiomodule_ks_support_value(const struct audiomodule_ks_support *support, size_t n,
				 uint64_t *value)
{
	const size_t size = support->value_size;
	uint64_t result = 0;

	if (!support->values || n >= support->value_count)
		return -ERANGE;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return -EINVAL;
	for (size_t i = size; i > 0; i--)
		result = result << 8 | support->values[n * size + i - 1];
	*value = result;
	return 0;
}
