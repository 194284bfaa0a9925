// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: what `audiomodulectl monitor` prints (userspace/ctl/decode.c, monitor-print.c, output.c).
 * Foreign: the vendor's bytes, of which it reads those of the virtual card, a record's other
 * members, and the endpoint's name. The first byte says whether it is JSON, the second how the
 * record comes: as the kernel's bytes, or with the class and the size that are decoded.
 *
 * Holds: JSON is one value, as RFC 8259 has it, in one line; text is one line without control
 * characters.
 */
#include <sound/audio_module_virtual.h>

#include "decode.h"
#include "fuzz.h"
#include "monitor-print.h"

/* The reader of JSON that other selftests use, which is a program. */
#undef _GNU_SOURCE
#define main	json_lines_main
#include "../json_lines.c"
#undef main

static void check_text(const char *text, size_t length)
{
	require(length > 0 && text[length - 1] == '\n');
	for (size_t i = 0; i + 1 < length; i++)
		require((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static void check_json(char *text, size_t length)
{
	const char *rest = text;

	check_text(text, length);
	text[length - 1] = 0;
	require(value(&rest, 0) && rest == text + length - 1);
}

static void print(const struct feeds *feeds, const struct feed *feed,
		  const struct audiomodule_record *record)
{
	FILE *usual = stdout;
	char *text = NULL;
	size_t length = 0;

	stdout = open_memstream(&text, &length);
	require(stdout);
	print_record(feeds, feed, record);
	require(fclose(stdout) == 0);
	stdout = usual;
	if (feeds->options->json)
		check_json(text, length);
	else
		check_text(text, length);
	free(text);
}

/* A notification of the class that is the n-th of those that are decoded. */
static void make_record(struct input *input, size_t n, struct audiomodule_record *record)
{
	static const struct audiomodule_guid classes[] = {
		{ SND_AUDIO_MODULE_VIRTUAL_METER }, { SND_AUDIO_MODULE_VIRTUAL_MODULE0 },
		{ SND_AUDIO_MODULE_VIRTUAL_MODULE1 }, { SND_AUDIO_MODULE_VIRTUAL_MODULE2 },
	};

	*record = (struct audiomodule_record) {
		.type = AUDIOMODULE_RECORD_NOTIFICATION,
		.notification_id = audiomodule_notification_id,
		.has_identity = true,
		.class_id = classes[n % (sizeof(classes) / sizeof(classes[0]))],
		.sequence = input_number(input, 8),
		.timestamp = input_number(input, 8),
		.tail = input->bytes,
		.tail_size = input->left,
	};
}

static bool is_printed(const struct audiomodule_record *record)
{
	return record->type == AUDIOMODULE_RECORD_NOTIFICATION ||
	       record->type == AUDIOMODULE_RECORD_LOST ||
	       record->type == AUDIOMODULE_RECORD_CHANGED ||
	       record->type == AUDIOMODULE_RECORD_REMOVED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	const struct options options = { .json = input_number(&input, 1) & 1 };
	const size_t kind = input_number(&input, 1);
	struct audiomodule_list *list = audiomodule_list_new();
	struct audiomodule_endpoint endpoint = { .card = 0 };
	struct feeds feeds = { .options = &options, .list = list };
	struct feed feed = { .address = "" };
	struct audiomodule_record record;

	input_array(&input, endpoint.name, sizeof(endpoint.name));
	feed.endpoint = *audiomodule_list_add_endpoint(list, &endpoint);
	audiomodule_address_format(list, audiomodule_list_endpoint(list, 0), NULL, feed.address);
	if (kind > 0)
		make_record(&input, kind, &record);
	else if (audiomodule_record_decode(input.bytes, input.left, &record) < 0)
		record.type = 0;
	if (is_printed(&record))
		print(&feeds, &feed, &record);
	audiomodule_list_free(list);
	return 0;
}
