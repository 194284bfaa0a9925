// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: texts (userspace/lib/guid.c, address.c, list.c with text.c, statistics.c). Foreign: a GUID
 * and an address that somebody typed or sent, names of cards, endpoints and modules that drivers
 * chose, and what /proc says of a file descriptor that somebody handed over. The first byte says
 * which.
 *
 * Holds: a GUID that was read and is written again is the same text but for case and braces, and a
 * refusal leaves it untouched; names become valid UTF-8 without control characters, and cleaning
 * again changes nothing; the address that is printed for an endpoint or module means it; and counts
 * that were read, written as the kernel does and read again, are the same.
 */
#include <ctype.h>
#include <inttypes.h>

#include "subscription.h"
#include "fuzz.h"
#include "text.h"

#define UNTOUCHED	0x5a

/* ---- GUIDs ---- */

static void try_guid(struct input *input)
{
	char *text = input_text(input), again[AUDIOMODULE_GUID_TEXT_SIZE];
	const bool braces = text[0] == '{';
	struct audiomodule_guid guid;
	int r;

	memset(&guid, UNTOUCHED, sizeof(guid));
	r = audiomodule_guid_parse(text, &guid);
	if (r == 0) {
		audiomodule_guid_format(&guid, again);
		require(strlen(again) == AUDIOMODULE_GUID_TEXT_SIZE - 1);
		require(strlen(text) == strlen(again) + 2 * braces);
		require(strncasecmp(text + braces, again, strlen(again)) == 0);
		require(!braces || text[strlen(text) - 1] == '}');
	} else {
		require(r == -EINVAL);
		for (size_t i = 0; i < sizeof(guid.bytes); i++)
			require(guid.bytes[i] == UNTOUCHED);
	}
	free(text);
}

/* ---- Names and addresses ---- */

static void check_clean(const char *text, size_t size)
{
	const size_t length = strnlen(text, size);
	char again[sizeof(((struct audiomodule_module *)NULL)->name)];
	uint32_t code = 0;

	require(length < size);
	for (size_t at = 0; at < length; ) {
		const size_t step = text_character(text + at, length - at, &code);

		require(step > 0 && code >= 0x20 && code <= 0x10ffff && code != 0x7f);
		require(code < 0x80 || code > 0x9f);
		at += step;
	}
	text_clean(again, size, text, size);
	require(memcmp(again, text, size) == 0);
}

static const struct audiomodule_endpoint *add_endpoint(struct audiomodule_list *list,
							struct input *input)
{
	struct audiomodule_endpoint endpoint = {
		.card = (uint32_t)input_number(input, 1) % 2,
		.index = (uint32_t)input_number(input, 1),
	};
	const struct audiomodule_endpoint *added;

	input_array(input, endpoint.name, sizeof(endpoint.name));
	input_array(input, endpoint.card_id, sizeof(endpoint.card_id));
	added = audiomodule_list_add_endpoint(list, &endpoint);
	require(added);
	check_clean(added->name, sizeof(added->name));
	check_clean(added->card_id, sizeof(added->card_id));
	return added;
}

static const struct audiomodule_module *add_module(struct audiomodule_list *list,
						   const struct audiomodule_endpoint *endpoint,
						   struct input *input)
{
	struct audiomodule_module module = {
		.endpoint = endpoint,
		.instance_id = (uint32_t)input_number(input, 4),
		.pcm_device = -1,
		.pcm_subdevice = -1,
	};
	const struct audiomodule_module *added;

	input_array(input, module.label, sizeof(module.label));
	input_array(input, module.name, sizeof(module.name));
	added = audiomodule_list_add_module(list, &module);
	require(added);
	check_clean(added->label, sizeof(added->label));
	check_clean(added->name, sizeof(added->name));
	return added;
}

static void check_address(const struct audiomodule_list *list,
			  const struct audiomodule_endpoint *endpoint,
			  const struct audiomodule_module *module)
{
	char address[AUDIOMODULE_ADDRESS_SIZE];

	audiomodule_address_format(list, endpoint, module, address);
	require(strlen(address) < sizeof(address));
	require(audiomodule_address_matches(address, endpoint, module));
}

static void try_address(struct input *input)
{
	struct audiomodule_list *list = audiomodule_list_new();
	const struct audiomodule_endpoint *first = add_endpoint(list, input);
	const struct audiomodule_endpoint *second = add_endpoint(list, input);
	const struct audiomodule_module *module = add_module(list, first, input);
	char *typed = input_text(input);

	check_address(list, first, NULL);
	check_address(list, second, NULL);
	check_address(list, first, module);
	require(!audiomodule_address_matches(typed, second, module));
	audiomodule_address_matches(typed, first, module);
	audiomodule_address_matches(typed, first, NULL);
	free(typed);
	audiomodule_list_free(list);
}

/* ---- /proc/self/fdinfo ---- */

static const char *fdinfo;

/* Where the library opens /proc, it gets the input. */
static FILE *open_fdinfo(const char *path, const char *mode)
{
	FILE *stream = fmemopen((void *)fdinfo, strlen(fdinfo), "r");

	require(strncmp(path, "/proc/self/fdinfo/", 18) == 0);
	if (!stream)
		errno = ENOENT;	/* of no bytes there is no stream */
	return stream;
}

#define fopen	open_fdinfo
#include "../../userspace/lib/statistics.c"
#undef fopen

static int read_statistics(const char *text, struct audiomodule_statistics *statistics)
{
	const struct audiomodule_subscription subscription = { .fd = 0 };

	fdinfo = text;
	return audiomodule_subscription_statistics(&subscription, statistics);
}

static void try_statistics(struct input *input)
{
	char *text = input_text(input), written[512];
	struct audiomodule_statistics first, second;
	int r = read_statistics(text, &first);

	if (r == 0) {
		snprintf(written, sizeof(written),
			 "journal_id:\t%016" PRIx64 "\nstart:\t%" PRIu64 "\nposition:\t%" PRIu64
			 "\nnewest:\t%" PRIu64 "\nmatched:\t%" PRIu64 "\nfiltered:\t%" PRIu64
			 "\nlost:\t%" PRIu64 "\n", first.journal_id, first.start, first.position,
			 first.newest, first.matched, first.filtered, first.lost);
		require(read_statistics(written, &second) == 0);
		require(memcmp(&first, &second, sizeof(first)) == 0);
	} else {
		require(r == -ENOTTY || (r == -ENOENT && !*text));
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct input *input) = {
		try_guid, try_address, try_statistics,
	};
	struct input input = { data, size };

	tries[input_number(&input, 1) % (sizeof(tries) / sizeof(tries[0]))](&input);
	return 0;
}
