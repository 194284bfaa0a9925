// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: GUIDs are text for people and 16 bytes for the kernel. In memory the first three fields of
 * the text are little-endian and the last two are in the order of the text, as on Windows; a table
 * of byte places says this once for both directions.
 */
#include <errno.h>
#include <string.h>

#include <sound/audio_module.h>

#include "audiomodule.h"
#include "hex.h"

const struct audiomodule_guid audiomodule_notification_id = {
	SND_AUDIO_MODULE_NOTIFICATION_ID
};

/* The n-th pair of digits in the text is this byte in memory. */
static const uint8_t place[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

static bool dash_before(size_t pair)
{
	return pair == 4 || pair == 6 || pair == 8 || pair == 10;
}

int audiomodule_guid_parse(const char *text, struct audiomodule_guid *guid)
{
	bool braces = text[0] == '{';
	struct audiomodule_guid result;
	const char *c = text + braces;

	for (size_t pair = 0; pair < 16; pair++) {
		int byte;

		if (dash_before(pair) && *c++ != '-')
			return -EINVAL;
		byte = hex_byte(c);
		if (byte < 0)
			return -EINVAL;
		result.bytes[place[pair]] = (uint8_t)byte;
		c += 2;
	}
	if (strcmp(c, braces ? "}" : "") != 0)
		return -EINVAL;
	*guid = result;
	return 0;
}

void audiomodule_guid_format(const struct audiomodule_guid *guid,
			     char text[AUDIOMODULE_GUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t pair = 0; pair < 16; pair++) {
		uint8_t byte = guid->bytes[place[pair]];

		if (dash_before(pair))
			*text++ = '-';
		*text++ = digits[byte >> 4];
		*text++ = digits[byte & 15];
	}
	*text = 0;
}

bool audiomodule_guid_equal(const struct audiomodule_guid *a, const struct audiomodule_guid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
