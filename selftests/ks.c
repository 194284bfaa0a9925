// SPDX-License-Identifier: GPL-2.0
/*
 * Windows' structures as bytes: <audiomodule-ks.h>. SYSVAD's vectors (windows-model 8.7) byte for
 * byte, every size and every cut, and the table of NTSTATUS. No card is needed.
 *
 * Bytes that are read or written end where a page without access begins, so that one too many
 * ends the test.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <audiomodule-ks.h>
#include <sound/audio_module_virtual.h>

#include "kselftest_harness.h"

#define MOST		AUDIOMODULE_KS_MAX_DATA_SIZE
#define UNTOUCHED	0x5a
#define PAGE		4096UL

/* ------------------------------------------------------------------ bytes with an end */

/**
 * struct edge - bytes with a page without access behind them
 * @pages: all of it
 * @length: of the pages
 * @bytes: the bytes
 */
struct edge {
	uint8_t *pages;
	size_t length;
	uint8_t *bytes;
};

/* So many bytes, copied from @from, or UNTOUCHED when that is NULL. */
static struct edge edge_new(const void *from, size_t size)
{
	size_t usable = (size + PAGE - 1) / PAGE * PAGE;
	struct edge edge = { .length = usable + PAGE };

	edge.pages = mmap(NULL, edge.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	if (edge.pages == MAP_FAILED || mprotect(edge.pages + usable, PAGE, PROT_NONE))
		abort();
	edge.bytes = edge.pages + usable - size;
	if (from)
		memcpy(edge.bytes, from, size);
	else
		memset(edge.bytes, UNTOUCHED, size);
	return edge;
}

static void edge_free(struct edge *edge)
{
	munmap(edge->pages, edge->length);
}

static bool untouched(const uint8_t *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != UNTOUCHED)
			return false;
	return true;
}

/* ------------------------------------------------------------------ sizes */

/* Something that is written as bytes. */
typedef int (*encoder)(const void *what, void *to, size_t *size);

/*
 * KS-2, CMD-4, NID-2: which room breaks the rule of sizes? -1: none. @expected are the bytes that
 * must come.
 */
static long first_wrong_room(encoder encode, const void *what, const uint8_t *expected,
			     size_t needed)
{
	size_t room;

	for (room = 0; room <= needed + 9; room++) {
		struct edge edge = edge_new(NULL, room);
		size_t size = room, written = room < needed ? 0 : needed;
		int r = encode(what, edge.bytes, &size);
		bool good = r == (!room ? -EOVERFLOW : room < needed ? -ENOBUFS : 0) &&
			    size == (room ? written : needed) &&
			    !memcmp(edge.bytes, expected, written) &&
			    untouched(edge.bytes + written, room - written);

		edge_free(&edge);
		if (!good)
			return room;
	}
	return -1;
}

/* ------------------------------------------------------------------ TV1 to TV4 */

static const uint8_t tv1_input[60] = {
	0xb0, 0xfd, 0x34, 0xc0, 0x75, 0xff, 0xc8, 0x47, 0xaa, 0x3c, 0xee, 0x46, 0x71, 0x6b, 0x50,
	0xc6, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x6f, 0x8b, 0x4c, 0xe2, 0xe7, 0xed,
	0x55, 0x42, 0x8b, 0x39, 0x77, 0x97, 0x60, 0x15, 0xd5, 0x93, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00
};

static const uint8_t tv1_notification[48] = {
	0x7a, 0x98, 0x1c, 0xc0, 0xa9, 0x30, 0xb7, 0x4d, 0x8d, 0x69, 0x69, 0x6c, 0xff, 0x41, 0xe4,
	0xb9, 0x6f, 0x8b, 0x4c, 0xe2, 0xe7, 0xed, 0x55, 0x42, 0x8b, 0x39, 0x77, 0x97, 0x60, 0x15,
	0xd5, 0x93
};

static const uint8_t tv4_answer[59] = {
	0x03, 0x02, 0x00, 0x00, 0x3b, 0x00, 0x00, 0x00, 0xa0, 0x9b, 0xe9, 0x97, 0xea, 0xbd, 0xcf,
	0x11, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01,
	0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02
};

static const struct audiomodule_guid module0 = { SND_AUDIO_MODULE_VIRTUAL_MODULE0 };
static const struct audiomodule_guid module1 = { SND_AUDIO_MODULE_VIRTUAL_MODULE1 };

/* SYSVAD's own Speaker. */
static struct audiomodule_guid speaker_id(void)
{
	struct audiomodule_guid id = { };

	audiomodule_guid_parse("C01C987A-30A9-4DB7-8D69-696CFF41E4B9", &id);
	return id;
}

static int encode_command(const void *what, void *to, size_t *size)
{
	return audiomodule_ks_command_encode(what, to, size);
}

static int encode_notification(const void *what, void *to, size_t *size)
{
	return audiomodule_ks_notification_encode(what, to, size);
}

/* TV1 to TV3 are commands: SET 2 and SET 3 of one parameter, and GET of another one. */
static const struct {
	const struct audiomodule_guid *class_id;
	uint32_t instance_id;
	uint8_t arguments[12];
	size_t size;
} vectors[] = {
	{ &module0, 0, { 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0 }, 12 },
	{ &module0, 0, { 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0 }, 12 },
	{ &module1, 0x01000000, { 1, 0, 0, 0, 2, 0, 0, 0 }, 8 },
	{ &module1, 0, { 0, 2, 0, 0, 0, 0, 0, 0 }, 8 },	/* TV4's question */
};

/* The input of a vector, written down by hand: how many bytes. */
static size_t vector_input(size_t n, uint8_t *input)
{
	memcpy(input, tv1_input, 48);
	memcpy(input + 24, vectors[n].class_id->bytes, 16);
	input[43] = vectors[n].instance_id >> 24;
	memcpy(input + 48, vectors[n].arguments, vectors[n].size);
	return 48 + vectors[n].size;
}

TEST(tv1_to_tv4_commands_byte_for_byte_both_ways)
{
	uint8_t input[60];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		size_t size = vector_input(i, input);
		struct edge edge = edge_new(input, size);
		struct audiomodule_ks_command command = { };

		ASSERT_EQ(0, audiomodule_ks_command_decode(edge.bytes, size, &command));
		EXPECT_EQ(AUDIOMODULE_KS_GET, command.flags);
		EXPECT_TRUE(audiomodule_guid_equal(vectors[i].class_id, &command.class_id));
		EXPECT_EQ(vectors[i].instance_id, command.instance_id);
		EXPECT_EQ(vectors[i].size, command.arguments_size);
		EXPECT_EQ(edge.bytes + 48, command.arguments);
		EXPECT_EQ(-1, first_wrong_room(encode_command, &command, input, size)) {
			TH_LOG("vector %zu", i);
		}
		edge_free(&edge);
	}
	EXPECT_EQ(sizeof(tv1_input), vector_input(0, input));
	EXPECT_EQ(0, memcmp(tv1_input, input, sizeof(tv1_input)));
}

TEST(tv1_notification_byte_for_byte_both_ways)
{
	struct edge edge = edge_new(tv1_notification, sizeof(tv1_notification));
	struct audiomodule_guid speaker = speaker_id();
	struct audiomodule_notification notification;

	ASSERT_EQ(0, audiomodule_ks_notification_decode(edge.bytes, 48, &notification));
	EXPECT_TRUE(audiomodule_guid_equal(&speaker, &notification.device_id));
	EXPECT_TRUE(audiomodule_guid_equal(&module0, &notification.class_id));
	EXPECT_EQ(0, notification.instance_id);
	EXPECT_EQ(8, notification.tail_size);
	EXPECT_EQ(edge.bytes + 40, notification.tail);
	EXPECT_EQ(-1, first_wrong_room(encode_notification, &notification, tv1_notification, 48));
	edge_free(&edge);
}

TEST(tv4_answer_is_read)
{
	struct edge edge = edge_new(tv4_answer, sizeof(tv4_answer));
	struct audiomodule_ks_support support;
	uint64_t value = 77;
	size_t i;

	ASSERT_EQ(0, audiomodule_ks_support_decode(edge.bytes, sizeof(tv4_answer), &support));
	EXPECT_EQ(AUDIOMODULE_KS_GET | AUDIOMODULE_KS_SET | AUDIOMODULE_KS_BASIC_SUPPORT,
		  support.access);
	EXPECT_TRUE(support.has_description);
	EXPECT_EQ(59, support.size);
	EXPECT_EQ(0, memcmp(tv4_answer + 8, support.type_set.bytes, 16));
	EXPECT_EQ(17, support.type);
	EXPECT_EQ(1, support.lists);
	EXPECT_TRUE(support.has_members);
	EXPECT_EQ(3, support.members);
	EXPECT_EQ(1, support.members_flags);
	EXPECT_EQ(1, support.value_size);
	EXPECT_EQ(3, support.value_count);
	ASSERT_EQ(edge.bytes + 56, support.values);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, audiomodule_ks_support_value(&support, i, &value));
		EXPECT_EQ(i, value);
	}
	EXPECT_EQ(-ERANGE, audiomodule_ks_support_value(&support, 3, &value));
	EXPECT_EQ(2, value);
	edge_free(&edge);
}

/* ------------------------------------------------------------------ questions */

static int encode_property(const void *what, void *to, size_t *size)
{
	return audiomodule_ks_property_encode(what, to, size);
}

/* CMD-2: a property's input is 24 bytes, a command's 48 and its arguments. */
TEST(property_input_both_ways)
{
	static const uint32_t flags[] = { AUDIOMODULE_KS_GET, AUDIOMODULE_KS_BASIC_SUPPORT };
	struct audiomodule_ks_property property, back;
	size_t i;

	for (i = 0; i < 6; i++) {
		uint8_t expected[24];

		memcpy(expected, tv1_input, 24);
		expected[16] = property.id = 1 + i / 2;
		property.flags = flags[i % 2];
		expected[20] = property.flags;
		expected[21] = property.flags >> 8;
		EXPECT_EQ(-1, first_wrong_room(encode_property, &property, expected, 24));
		ASSERT_EQ(0, audiomodule_ks_property_decode(expected, 24, &back));
		EXPECT_EQ(property.id, back.id);
		EXPECT_EQ(property.flags, back.flags);
	}
}

TEST(property_that_is_none_is_not_written)
{
	static const struct {
		struct audiomodule_ks_property property;
		int expected;
	} table[] = {
		{ { 0, AUDIOMODULE_KS_GET }, -ENOENT },
		{ { 4, AUDIOMODULE_KS_SET }, -ENOENT },
		{ { 1, AUDIOMODULE_KS_SET }, -EOPNOTSUPP },
		{ { 1, 0 }, -EOPNOTSUPP },
		{ { 1, AUDIOMODULE_KS_GET | AUDIOMODULE_KS_BASIC_SUPPORT }, -EOPNOTSUPP },
	};
	uint8_t bytes[24];
	size_t i;

	memset(bytes, UNTOUCHED, sizeof(bytes));
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		size_t size = sizeof(bytes);

		EXPECT_EQ(table[i].expected,
			  audiomodule_ks_property_encode(&table[i].property, bytes, &size));
		EXPECT_EQ(0, size);
		EXPECT_TRUE(untouched(bytes, sizeof(bytes)));
	}
}

/* One byte of TV1's input is another one. The first fault of several is told. */
static const struct {
	const char *what;
	size_t size;
	struct {
		size_t place;
		uint8_t value;
	} change[3];
	int expected;
} inputs[] = {
	{ "nothing", 60, { }, 0 },
	{ "no arguments", 48, { }, 0 },
	{ "BASICSUPPORT", 60, { { 20, 0 }, { 21, 2 } }, 0 },
	{ "no bytes", 0, { }, -EINVAL },
	{ "shorter than KSPROPERTY", 23, { { 1, 0 } }, -EINVAL },
	{ "the set", 60, { { 15, 0 } }, -ENOTTY },
	{ "the set, the id, the flags", 60, { { 1, 0 }, { 16, 9 }, { 20, 9 } }, -ENOTTY },
	{ "the set, the length", 47, { { 1, 0 } }, -ENOTTY },
	{ "the id", 60, { { 16, 0 } }, -ENOENT },
	{ "the id's last byte", 60, { { 19, 1 } }, -ENOENT },
	{ "another property", 60, { { 16, 1 } }, -ENOENT },
	{ "another property, the flags", 60, { { 16, 3 }, { 20, 2 } }, -ENOENT },
	{ "another property, the length", 24, { { 16, 3 } }, -ENOENT },
	{ "without the module", 24, { }, -EINVAL },
	{ "without the padding", 44, { }, -EINVAL },
	{ "without the end of the padding", 47, { }, -EINVAL },
	{ "the length, the flags", 47, { { 20, 2 } }, -EINVAL },
	{ "SET", 60, { { 20, 2 } }, -EOPNOTSUPP },
	{ "GET and SET", 60, { { 20, 3 } }, -EOPNOTSUPP },
	{ "no flags", 60, { { 20, 0 } }, -EOPNOTSUPP },
	{ "GET and BASICSUPPORT", 60, { { 21, 2 } }, -EOPNOTSUPP },
	{ "GET and a high bit", 60, { { 23, 0x10 } }, -EOPNOTSUPP },
};

/* CMD-2, CMD-3: too short comes first. */
TEST(command_input_is_checked_in_order)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(inputs); i++) {
		struct audiomodule_ks_command command = { .instance_id = 77 };
		struct edge edge;
		uint8_t bytes[60];
		bool found;

		memcpy(bytes, tv1_input, sizeof(bytes));
		for (j = 0; j < ARRAY_SIZE(inputs[i].change); j++)
			if (inputs[i].change[j].place)
				bytes[inputs[i].change[j].place] = inputs[i].change[j].value;
		edge = edge_new(bytes, inputs[i].size);
		EXPECT_EQ(inputs[i].expected,
			  audiomodule_ks_command_decode(edge.bytes, inputs[i].size, &command)) {
			TH_LOG("%s", inputs[i].what);
		}
		/* Who looks for the module first (CMD-3) has what is needed for that. */
		found = !inputs[i].expected || inputs[i].expected == -EOPNOTSUPP;
		EXPECT_EQ(found, audiomodule_guid_equal(&module0, &command.class_id));
		EXPECT_EQ(found ? 0 : 77, command.instance_id);
		edge_free(&edge);
	}
}

TEST(command_has_at_most_64000_bytes_of_arguments)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, MOST - 1, MOST, MOST + 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct edge arguments = edge_new(NULL, sizes[i]);
		struct edge edge = edge_new(NULL, 48 + MOST + 1);
		struct audiomodule_ks_command back, command = {
			.flags = AUDIOMODULE_KS_GET, .class_id = module1,
			.instance_id = 0x89abcdef, .arguments = sizes[i] ? arguments.bytes : NULL,
			.arguments_size = sizes[i]
		};
		size_t size = 48 + MOST + 1;
		int expected = sizes[i] > MOST ? -EINVAL : 0;

		EXPECT_EQ(expected, audiomodule_ks_command_encode(&command, edge.bytes, &size));
		EXPECT_EQ(expected ? 0 : 48 + sizes[i], size);
		memcpy(edge.bytes, tv1_input, 24);
		EXPECT_EQ(expected,
			  audiomodule_ks_command_decode(edge.bytes, 48 + sizes[i], &back));
		if (!expected) {
			EXPECT_EQ(0x89abcdef, back.instance_id);
			EXPECT_EQ(sizes[i], back.arguments_size);
			EXPECT_EQ(sizes[i] ? edge.bytes + 48 : NULL, back.arguments);
			EXPECT_TRUE(untouched(edge.bytes + 48, sizes[i]));
		}
		edge_free(&arguments);
		edge_free(&edge);
	}
}

TEST(command_with_flags_that_are_none_is_not_written)
{
	struct audiomodule_ks_command command = { .flags = AUDIOMODULE_KS_SET };
	size_t size = 0;

	EXPECT_EQ(-EOPNOTSUPP, audiomodule_ks_command_encode(&command, NULL, &size));
	EXPECT_EQ(0, size);
}

/* ------------------------------------------------------------------ names */

/* U+1F50A, a loudspeaker: a pair of surrogates, four bytes of UTF-8. */
#define SPEAKER_SIGN	"\xf0\x9f\x94\x8a"
#define EURO		"\xe2\x82\xac"

static const struct {
	const char *what;
	const char *name;	/* as it is given */
	size_t repeat;		/* so many times */
	size_t units;		/* of UTF-16 without the zero */
	uint16_t first[4];	/* the first of them */
	const char *back;	/* as it is read again; NULL: the same */
} names[] = {
	{ "nothing", "", 1, 0, { 0 }, NULL },
	{ "ASCII", "EQ", 1, 2, { 'E', 'Q' }, NULL },
	{ "two bytes", "\xc3\xa4", 1, 1, { 0xe4 }, NULL },
	{ "three bytes", EURO, 1, 1, { 0x20ac }, NULL },
	{ "last of the BMP", "\xef\xbf\xbd", 1, 1, { 0xfffd }, NULL },
	{ "a pair", SPEAKER_SIGN "x", 1, 3, { 0xd83d, 0xdd0a, 'x' }, NULL },
	{ "first pair", "\xf0\x90\x80\x80", 1, 2, { 0xd800, 0xdc00 }, NULL },
	{ "last pair", "\xf4\x8f\xbf\xbf", 1, 2, { 0xdbff, 0xdfff }, NULL },
	{ "127 units", "x", 127, 127, { 'x', 'x' }, NULL },
	{ "128 units are cut", "x", 128, 127, { 'x', 'x' }, NULL },
	{ "127 euros, the longest name", EURO, 127, 127, { 0x20ac }, NULL },
	{ "63 pairs", SPEAKER_SIGN, 63, 126, { 0xd83d, 0xdd0a }, NULL },
	{ "64 pairs are not cut inside of one", SPEAKER_SIGN, 64, 126, { 0xd83d, 0xdd0a }, NULL },
	{ "a control character", "a\nb", 1, 3, { 'a', '?', 'b' }, "a?b" },
	{ "broken UTF-8", "\xc3(\xff", 1, 3, { '?', '(', '?' }, "?(?" },
	{ "a surrogate in UTF-8", "\xed\xa0\x80", 1, 3, { '?', '?', '?' }, "???" },
};

/* A list of one endpoint with one module of this name. */
static struct audiomodule_list *list_of_name(const char *name, size_t repeat)
{
	struct audiomodule_list *list = audiomodule_list_new();
	struct audiomodule_endpoint endpoint = { .device_id = speaker_id() };
	struct audiomodule_module module = { .pcm_device = -1, .pcm_subdevice = -1 };
	size_t length = strlen(name);

	if (list)
		module.endpoint = audiomodule_list_add_endpoint(list, &endpoint);
	for (; repeat; repeat--)
		memcpy(module.name + strlen(module.name), name, length);
	if (!module.endpoint || !audiomodule_list_add_module(list, &module))
		return audiomodule_list_free(list);
	return list;
}

/* KS-3: 128 units with the zero, and zeroes behind it. */
TEST(names_are_utf16_and_come_back)
{
	size_t i, unit;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct audiomodule_list *list = list_of_name(names[i].name, names[i].repeat);
		struct edge edge = edge_new(NULL, 8 + 284);
		struct audiomodule_ks_descriptor *descriptors;
		size_t size = 8 + 284, count, length;
		const char *name;
		uint16_t got;

		ASSERT_NE(NULL, list);
		ASSERT_EQ(0, audiomodule_ks_descriptors_encode(list,
			audiomodule_list_endpoint(list, 0), edge.bytes, &size));
		for (unit = 0; unit < 128; unit++) {
			got = edge.bytes[36 + 2 * unit] | edge.bytes[37 + 2 * unit] << 8;
			EXPECT_EQ(unit >= names[i].units, !got) {
				TH_LOG("%s: unit %zu is %x", names[i].what, unit, got);
			}
			if (unit < 4 && names[i].first[unit])
				EXPECT_EQ(names[i].first[unit], got);
		}
		ASSERT_EQ(0, audiomodule_ks_descriptors_decode(edge.bytes, size, &descriptors,
							       &count));
		ASSERT_EQ(1, count);
		name = names[i].back ?: audiomodule_list_module(list, 0)->name;
		length = strlen(descriptors->name);
		EXPECT_EQ(0, strncmp(name, descriptors->name, length));
		/* Only what is longer than 127 units may be cut. */
		EXPECT_TRUE(length == strlen(name) || names[i].units >= 126);
		free(descriptors);
		edge_free(&edge);
		audiomodule_list_free(list);
	}
}

TEST(names_of_windows_are_not_trusted)
{
	static const struct {
		const char *what;
		uint16_t units[6];
		const char *expected;
	} table[] = {
		{ "what follows the zero", { 'a', 0, 'b', 0xd800 }, "a" },
		{ "first of a pair alone", { 0xd83d, 'x' }, "?x" },
		{ "first of a pair at the end", { 'x', 0xdbff }, "x?" },
		{ "second of a pair alone", { 0xdd0a, 'x' }, "?x" },
		{ "a pair the wrong way round", { 0xdd0a, 0xd83d }, "??" },
		{ "two firsts", { 0xd83d, 0xd83d, 0xdd0a }, "?" SPEAKER_SIGN },
		{ "control characters", { 0x1b, '[', 0x9b }, "?[?" },
	};
	struct audiomodule_ks_descriptor *descriptors;
	uint8_t bytes[292] = { 0x24, 1, 0, 0, 1 };
	size_t i, unit, count;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (unit = 0; unit < ARRAY_SIZE(table[i].units); unit++) {
			bytes[36 + 2 * unit] = table[i].units[unit];
			bytes[37 + 2 * unit] = table[i].units[unit] >> 8;
		}
		ASSERT_EQ(0, audiomodule_ks_descriptors_decode(bytes, sizeof(bytes), &descriptors,
							       &count));
		EXPECT_STREQ(table[i].expected, descriptors->name) {
			TH_LOG("%s", table[i].what);
		}
		free(descriptors);
	}
	/* No zero at all, and one in the very last place. */
	memset(bytes + 36, 'x', 256);
	EXPECT_EQ(-EBADMSG, audiomodule_ks_descriptors_decode(bytes, sizeof(bytes), &descriptors,
							      &count));
	EXPECT_EQ(NULL, descriptors);
	EXPECT_EQ(0, count);
	bytes[290] = bytes[291] = 0;
	ASSERT_EQ(0, audiomodule_ks_descriptors_decode(bytes, sizeof(bytes), &descriptors, &count));
	EXPECT_EQ(127 * 3, strlen(descriptors->name));	/* U+7878 */
	free(descriptors);
}

/* ------------------------------------------------------------------ lists */

/* SYSVAD's Speaker, as the virtual card has it, but for the meter. */
static const struct {
	const struct audiomodule_guid *class_id;
	uint32_t instance_id;
	uint32_t version_major;
	uint32_t version_minor;
	const char *name;
} modules[] = {
	{ &module0, 0, 1, 0, "Generic system module" },
	{ &module1, 0, 2, 1, "Speaker endpoint, EQ effect module, Movie mode" },
	{ &module1, 0x01000000, 2, 1, "Speaker endpoint, EQ effect module, Default mode" },
};

static void add_module(struct audiomodule_list *list, const struct audiomodule_endpoint *endpoint,
		       size_t n, int pcm_device)
{
	struct audiomodule_module module = {
		.endpoint = endpoint,
		.class_id = *modules[n].class_id,
		.instance_id = modules[n].instance_id,
		.version_major = modules[n].version_major,
		.version_minor = modules[n].version_minor,
		.index = n,
		.pcm_device = pcm_device,
		.pcm_subdevice = pcm_device,
	};

	snprintf(module.name, sizeof(module.name), "%s", modules[n].name);
	audiomodule_list_add_module(list, &module);
}

/* Endpoint 0: the Speaker's three, and one of a stream. Endpoint 1: one. Endpoint 2: none. */
static struct audiomodule_list *speaker_list(void)
{
	struct audiomodule_list *list = audiomodule_list_new();
	struct audiomodule_endpoint endpoint = { .device_id = speaker_id() };
	const struct audiomodule_endpoint *added[3];
	size_t i;

	for (i = 0; i < 3; i++) {
		endpoint.index = i;
		added[i] = audiomodule_list_add_endpoint(list, &endpoint);
	}
	add_module(list, added[0], 0, 0);
	for (i = 3; i-- > 0; )
		add_module(list, added[0], i, -1);
	add_module(list, added[1], 1, -1);
	return list;
}

/* What the Speaker must answer, written down field by field. */
static void expected_descriptors(uint8_t bytes[860])
{
	size_t i, j;

	memset(bytes, 0, 860);
	bytes[0] = 860 & 0xff;
	bytes[1] = 860 >> 8;
	bytes[4] = 3;
	for (i = 0; i < 3; i++) {
		uint8_t *descriptor = bytes + 8 + 284 * i;

		memcpy(descriptor, modules[i].class_id->bytes, 16);
		descriptor[19] = modules[i].instance_id >> 24;
		descriptor[20] = modules[i].version_major;
		descriptor[24] = modules[i].version_minor;
		for (j = 0; modules[i].name[j]; j++)
			descriptor[28 + 2 * j] = modules[i].name[j];
	}
}

/**
 * struct target - what a list is asked for
 * @list: which
 * @endpoint: of it
 */
struct target {
	const struct audiomodule_list *list;
	size_t endpoint;
};

static int encode_descriptors(const void *what, void *to, size_t *size)
{
	const struct target *target = what;

	return audiomodule_ks_descriptors_encode(target->list,
		audiomodule_list_endpoint(target->list, target->endpoint), to, size);
}

/* KS-1, KS-2: 8 + 3 * 284 bytes, in order; asked for with an empty buffer. */
TEST(descriptors_of_the_speaker_are_860_bytes)
{
	struct audiomodule_list *list = speaker_list();
	struct audiomodule_ks_descriptor *descriptors;
	uint8_t expected[860];
	size_t i, count;

	expected_descriptors(expected);
	EXPECT_EQ(-1, first_wrong_room(encode_descriptors, &(struct target) { list, 0 }, expected,
				       860));
	ASSERT_EQ(0, audiomodule_ks_descriptors_decode(expected, 860, &descriptors, &count));
	ASSERT_EQ(3, count);
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(audiomodule_guid_equal(modules[i].class_id, &descriptors[i].class_id));
		EXPECT_EQ(modules[i].instance_id, descriptors[i].instance_id);
		EXPECT_EQ(modules[i].version_major, descriptors[i].version_major);
		EXPECT_EQ(modules[i].version_minor, descriptors[i].version_minor);
		EXPECT_STREQ(modules[i].name, descriptors[i].name);
	}
	free(descriptors);
	audiomodule_list_free(list);
}

TEST(ks1_no_modules_are_8_bytes)
{
	static const uint8_t expected[8] = { 8 };
	struct audiomodule_list *list = speaker_list();
	struct audiomodule_ks_descriptor *descriptors;
	size_t count;

	EXPECT_EQ(-1, first_wrong_room(encode_descriptors, &(struct target) { list, 2 }, expected,
				       8));
	EXPECT_EQ(0, audiomodule_ks_descriptors_decode(expected, 8, &descriptors, &count));
	EXPECT_EQ(NULL, descriptors);
	EXPECT_EQ(0, count);
	audiomodule_list_free(list);
}

TEST(descriptors_cut_anywhere_are_refused)
{
	struct audiomodule_ks_descriptor *descriptors;
	uint8_t bytes[860];
	size_t cut, count;

	expected_descriptors(bytes);
	for (cut = 0; cut < sizeof(bytes); cut++) {
		struct edge edge = edge_new(bytes, cut);

		EXPECT_EQ(-EBADMSG, audiomodule_ks_descriptors_decode(edge.bytes, cut,
								      &descriptors, &count)) {
			TH_LOG("%zu bytes", cut);
		}
		EXPECT_EQ(NULL, descriptors);
		edge_free(&edge);
	}
}

TEST(descriptors_whose_sizes_contradict_are_refused)
{
	static const struct {
		uint32_t size;
		uint32_t count;
	} table[] = {
		{ 0, 0 }, { 8, 1 }, { 860, 2 }, { 860, 4 }, { 859, 3 }, { 861, 3 }, { 0, 3 },
		{ 8, 0xffffffff }, { 0xffffffff, 3 },
		{ 8, 0x40000000 },	/* 284 times that is 0 in 32 bits */
		{ 1144, 4 },		/* right, but longer than the bytes */
	};
	struct audiomodule_ks_descriptor *descriptors;
	uint8_t bytes[860];
	size_t i, count;

	expected_descriptors(bytes);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		memcpy(bytes, &table[i], 8);
		EXPECT_EQ(-EBADMSG, audiomodule_ks_descriptors_decode(bytes, sizeof(bytes),
								      &descriptors, &count)) {
			TH_LOG("size %u, count %u", table[i].size, table[i].count);
		}
	}
}

/* ------------------------------------------------------------------ DeviceId and notifications */

static int encode_device_id(const void *what, void *to, size_t *size)
{
	return audiomodule_ks_device_id_encode(what, to, size);
}

TEST(nid2_device_id_both_ways)
{
	struct audiomodule_endpoint endpoint = { .device_id = speaker_id() };
	struct audiomodule_guid id;
	struct edge edge;
	size_t size;

	EXPECT_EQ(-1, first_wrong_room(encode_device_id, &endpoint, tv1_notification, 16));
	for (size = 0; size <= 17; size++) {
		edge = edge_new(tv1_notification, size);
		EXPECT_EQ(size < 16 ? -EBADMSG : 0,
			  audiomodule_ks_device_id_decode(edge.bytes, size, &id));
		edge_free(&edge);
	}
	EXPECT_TRUE(audiomodule_guid_equal(&endpoint.device_id, &id));
	/* One without an id says so before it says anything of sizes. */
	memset(&endpoint, 0, sizeof(endpoint));
	for (size = 0; size <= 17; size++) {
		size_t room = size;

		EXPECT_EQ(-EOPNOTSUPP, audiomodule_ks_device_id_encode(&endpoint, NULL, &room));
		EXPECT_EQ(0, room);
	}
}

TEST(notification_has_40_bytes_and_at_most_64000_more)
{
	static const size_t sizes[] = { 0, 1, 39, 40, 41, 47, 40 + MOST, 40 + MOST + 1 };
	struct audiomodule_notification notification;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct edge edge = edge_new(NULL, sizes[i]);
		int expected = sizes[i] < 40 || sizes[i] > 40 + MOST ? -EBADMSG : 0;

		EXPECT_EQ(expected, audiomodule_ks_notification_decode(edge.bytes, sizes[i],
								       &notification));
		if (!expected)
			EXPECT_EQ(sizes[i] - 40, notification.tail_size);
		edge_free(&edge);
	}
	EXPECT_EQ(0x5a5a5a5a, notification.instance_id);
	notification.tail_size = MOST + 1;
	i = 0;
	EXPECT_EQ(-EINVAL, audiomodule_ks_notification_encode(&notification, NULL, &i));
	EXPECT_EQ(0, i);
}

TEST(instance_id_and_reserved_are_where_they_belong)
{
	struct audiomodule_notification notification = { .instance_id = 0x01020304 };
	struct edge edge = edge_new(NULL, 40);
	size_t size = 40;

	ASSERT_EQ(0, audiomodule_ks_notification_encode(&notification, edge.bytes, &size));
	EXPECT_EQ(0, memcmp("\4\3\2\1\0\0\0\0", edge.bytes + 32, 8));
	edge.bytes[36] = 1;	/* as SYSVAD leaves it */
	notification.instance_id = 0;
	ASSERT_EQ(0, audiomodule_ks_notification_decode(edge.bytes, 40, &notification));
	EXPECT_EQ(0x01020304, notification.instance_id);
	edge_free(&edge);
}

/* ------------------------------------------------------------------ basic support */

/* 6.5, 8.3: SYSVAD answers with 4, 40 or all bytes; a caller may have had any room. */
TEST(support_cut_anywhere_says_what_is_there)
{
	size_t cut;

	for (cut = 0; cut <= sizeof(tv4_answer); cut++) {
		struct edge edge = edge_new(tv4_answer, cut);
		struct audiomodule_ks_support support = { };

		EXPECT_EQ(cut < 4 ? -EBADMSG : 0,
			  audiomodule_ks_support_decode(edge.bytes, cut, &support));
		EXPECT_EQ(cut < 4 ? 0 : 0x203, support.access);
		EXPECT_EQ(cut >= 40, support.has_description);
		EXPECT_EQ(cut >= 40 ? 59 : 0, support.size);
		EXPECT_EQ(cut == 59, support.has_members);
		EXPECT_EQ(cut == 59, !!support.values);
		edge_free(&edge);
	}
}

/* One number of TV4's answer is another one. */
static const struct {
	const char *what;
	size_t place;
	uint32_t value;
	int expected;
} damages[] = {
	{ "a shorter description", 4, 39, -EBADMSG },
	{ "no size", 4, 0, -EBADMSG },
	{ "half of a list", 4, 55, -EBADMSG },
	{ "the list beyond the size", 4, 58, -EBADMSG },
	{ "a list without values", 4, 56, -EBADMSG },
	{ "a size of 4 GiB", 4, 0xffffffff, 0 },
	{ "no lists", 32, 0, 0 },
	{ "one value too many", 48, 4, -EBADMSG },
	{ "larger values", 44, 2, -EBADMSG },
	{ "4 GiB of values", 48, 0xffffffff, -EBADMSG },
	{ "3 values whose sum is 2 in 32 bits", 44, 0x55555556, -EBADMSG },
	{ "fewer values", 48, 2, 0 },
	{ "no values", 48, 0, 0 },
	{ "values of no size", 44, 0, 0 },
};

TEST(support_whose_sizes_contradict_is_refused)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(damages); i++) {
		struct edge edge = edge_new(tv4_answer, sizeof(tv4_answer));
		struct audiomodule_ks_support support = { .access = 77 };
		uint64_t value;

		memcpy(edge.bytes + damages[i].place, &damages[i].value, 4);
		EXPECT_EQ(damages[i].expected,
			  audiomodule_ks_support_decode(edge.bytes, 59, &support)) {
			TH_LOG("%s", damages[i].what);
		}
		if (damages[i].expected)
			EXPECT_EQ(77, support.access);
		for (j = 0; j < 4 && !damages[i].expected; j++)
			EXPECT_EQ(support.values && j < support.value_count ? 0 : -ERANGE,
				  audiomodule_ks_support_value(&support, j, &value));
		edge_free(&edge);
	}
}

TEST(support_values_of_each_size)
{
	static const uint8_t bytes[16] = {
		0xf0, 0xe1, 0xd2, 0xc3, 0xb4, 0xa5, 0x96, 0x87, 1, 2, 3, 4, 5, 6, 7, 8
	};
	static const struct {
		uint32_t size;
		int expected;
		uint64_t first;
		uint64_t second;
	} table[] = {
		{ 1, 0, 0xf0, 0xe1 },
		{ 2, 0, 0xe1f0, 0xc3d2 },
		{ 4, 0, 0xc3d2e1f0, 0x8796a5b4 },
		{ 8, 0, 0x8796a5b4c3d2e1f0, 0x0807060504030201 },
		{ 3, -EINVAL, 77, 77 },
		{ 0, -EINVAL, 77, 77 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct audiomodule_ks_support support = {
			.value_size = table[i].size, .value_count = 2, .values = bytes
		};
		uint64_t value = 77;

		EXPECT_EQ(table[i].expected, audiomodule_ks_support_value(&support, 0, &value));
		EXPECT_EQ(table[i].first, value);
		EXPECT_EQ(table[i].expected, audiomodule_ks_support_value(&support, 1, &value));
		EXPECT_EQ(table[i].second, value);
	}
}

/* ------------------------------------------------------------------ NTSTATUS */

static const struct {
	uint32_t status;
	int error;	/* what it means here */
	bool back;	/* and what the errno means there */
} statuses[] = {
	/* struct snd_audio_module_command */
	{ 0x00000000, 0, true },
	{ 0x80000005, -EOVERFLOW, true },
	{ 0xc0000023, -ENOBUFS, true },
	{ 0xc000000d, -EINVAL, true },
	{ 0xc0000010, -EOPNOTSUPP, true },
	{ 0xc000009a, -ENOMEM, true },
	{ 0xc00000e5, -EIO, true },
	{ 0xc00002b6, -ENODEV, true },
	/* windows-model 10 */
	{ 0x00000103, 0, false },
	{ 0xc0000017, -ENOMEM, false },
	{ 0xc0000001, -EIO, false },
	{ 0xc0000184, -EBADFD, true },
	{ 0xc0000225, -ENOENT, true },
	{ 0xc0000230, -ENOTTY, true },
	{ 0xc00000bb, -EOPNOTSUPP, false },
	{ 0xc0000002, -EOPNOTSUPP, false },
	{ 0xc00002b9, -EOPNOTSUPP, false },
	{ 0xc0000095, -ERANGE, true },
	{ 0xc000000e, -ENODEV, false },
	{ 0xc0000056, -ENODEV, false },
	{ 0xc0000022, -EACCES, true },
	{ 0x80000011, -EBUSY, true },
	/* a signal */
	{ 0xc0000120, -EINTR, true },
	/* unknown */
	{ 0xc0000005, -EIO, false },
	{ 0x00000102, -EIO, false },
	{ 0xffffffff, -EIO, false },
};

/* Section 10, every row, there and back. */
TEST(status_and_errno_agree)
{
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		EXPECT_EQ(statuses[i].error, audiomodule_ks_error(statuses[i].status)) {
			TH_LOG("status 0x%x", statuses[i].status);
		}
		EXPECT_EQ(statuses[i].back,
			  statuses[i].status == audiomodule_ks_status(statuses[i].error)) {
			TH_LOG("status 0x%x", statuses[i].status);
		}
	}
	/* Each errno that has a status comes back, or, ENXIO, as that of a card that is gone. */
	for (error = 0; error > -4096; error--) {
		uint32_t status = audiomodule_ks_status(error);
		int back = audiomodule_ks_error(status);

		if (status != 0xc0000001)
			EXPECT_EQ(error == -ENXIO ? -ENODEV : error, back);
	}
	EXPECT_EQ(0xc0000001, audiomodule_ks_status(-EXDEV));
	EXPECT_EQ(0xc0000001, audiomodule_ks_status(EINVAL));
	EXPECT_EQ(0xc0000001, audiomodule_ks_status(INT32_MIN));
	EXPECT_EQ(0xc000000e, audiomodule_ks_status(-ENXIO));
}

TEST_HARNESS_MAIN
