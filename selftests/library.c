// SPDX-License-Identifier: GPL-2.0
/*
 * libaudiomodule without a card and without a bus: texts of GUIDs, addresses, lists, and bytes that
 * are no records. What it does with a real card is in bus.c, beside what the daemon makes of it.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <audiomodule.h>
#include <sound/audio_module.h>

#include "kselftest_harness.h"

#define HEADER		sizeof(struct snd_audio_module_record)
#define IDENTITY	sizeof(struct snd_audio_module_notification)

/* ------------------------------------------------------------------ GUIDs */

static const struct audiomodule_guid some_guid = { {
	0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
	0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff
} };

static const char *const good_texts[] = {
	"00112233-4455-6677-8899-AABBCCDDEEFF",
	"00112233-4455-6677-8899-aabbccddeeff",
	"{00112233-4455-6677-8899-aAbBcCdDeEfF}",
};

static const char *const bad_texts[] = {
	"",
	"{",
	"{}",
	"00112233",
	"00112233-4455-6677-8899-AABBCCDDEEF",
	"00112233-4455-6677-8899-AABBCCDDEEFF0",
	"00112233-4455-6677-8899-AABBCCDDEEFF ",
	" 00112233-4455-6677-8899-AABBCCDDEEFF",
	"{00112233-4455-6677-8899-AABBCCDDEEFF",
	"00112233-4455-6677-8899-AABBCCDDEEFF}",
	"{{00112233-4455-6677-8899-AABBCCDDEEFF}}",
	"(00112233-4455-6677-8899-AABBCCDDEEFF)",
	"00112233445566778899AABBCCDDEEFF",
	"0011-22334455-6677-8899-AABBCCDDEEFF",
	"00112233_4455_6677_8899_AABBCCDDEEFF",
	"00112233-4455-6677-8899AABBCCDDEEFF-",
	"G0112233-4455-6677-8899-AABBCCDDEEFF",
	"+0112233-4455-6677-8899-AABBCCDDEEFF",
	"0x112233-4455-6677-8899-AABBCCDDEEFF",
	"00112233-4455-6677-8899-AABBCCDDEE F",
	"\xef\xbc\x90" "0112233-4455-6677-8899-AABBCCDDEE",
};

/* UWP-4 */
TEST(guid_text_is_read_in_either_case_with_or_without_braces)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good_texts); i++) {
		struct audiomodule_guid guid = { };

		EXPECT_EQ(0, audiomodule_guid_parse(good_texts[i], &guid));
		EXPECT_TRUE(audiomodule_guid_equal(&some_guid, &guid)) {
			TH_LOG("\"%s\" became another GUID", good_texts[i]);
		}
	}
}

/* UWP-4 */
TEST(guid_text_that_is_none_is_refused_and_changes_nothing)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_texts); i++) {
		struct audiomodule_guid guid = some_guid;

		EXPECT_EQ(-EINVAL, audiomodule_guid_parse(bad_texts[i], &guid)) {
			TH_LOG("\"%s\" was taken for a GUID", bad_texts[i]);
		}
		EXPECT_TRUE(audiomodule_guid_equal(&some_guid, &guid));
	}
}

/* UWP-4 */
TEST(guid_is_written_in_upper_case_without_braces)
{
	char text[AUDIOMODULE_GUID_TEXT_SIZE + 1];
	struct audiomodule_guid other = some_guid;

	memset(text, 'x', sizeof(text));
	audiomodule_guid_format(&some_guid, text);
	EXPECT_STREQ(good_texts[0], text);
	EXPECT_EQ('x', text[AUDIOMODULE_GUID_TEXT_SIZE]);
	audiomodule_guid_format(&audiomodule_notification_id, text);
	EXPECT_STREQ("9C2220F0-D9A6-4D5C-A036-573857FD50D2", text);
	other.bytes[15] ^= 1;
	EXPECT_FALSE(audiomodule_guid_equal(&some_guid, &other));
}

/* ------------------------------------------------------------------ records */

/* A record as the kernel makes it; size is the whole record's, rounded up to 8. */
static size_t make_record(uint8_t *bytes, uint16_t type, const void *data, size_t data_size)
{
	struct snd_audio_module_record header = {
		.size = (HEADER + data_size + 7) & ~7UL,
		.type = type,
		.sequence = 77,
		.timestamp = 1234567,
		.notification_id = SND_AUDIO_MODULE_NOTIFICATION_ID,
		.data_size = data_size,
		.endpoint = 1,
		.module = 2,
	};

	memset(bytes, 0, header.size);
	memcpy(bytes, &header, sizeof(header));
	if (data_size)
		memcpy(bytes + sizeof(header), data, data_size);
	return header.size;
}

/* A notification of an audio module with this many vendor bytes. */
static size_t make_notification(uint8_t *bytes, size_t vendor)
{
	uint8_t data[IDENTITY + 256];
	struct snd_audio_module_notification identity = { .instance_id = 0x01020304 };
	size_t i;

	memcpy(identity.device_id, some_guid.bytes, 16);
	memcpy(identity.class_id, audiomodule_notification_id.bytes, 16);
	memcpy(data, &identity, sizeof(identity));
	for (i = 0; i < vendor; i++)
		data[IDENTITY + i] = i;
	return make_record(bytes, SND_AUDIO_MODULE_RECORD_NOTIFICATION, data, IDENTITY + vendor);
}

/* UWP-2 */
TEST(record_of_an_audio_module_is_decoded)
{
	uint8_t bytes[512];
	size_t size = make_notification(bytes, 13);
	struct audiomodule_record record;

	ASSERT_EQ(size, audiomodule_record_decode(bytes, sizeof(bytes), &record));
	EXPECT_EQ(AUDIOMODULE_RECORD_NOTIFICATION, record.type);
	EXPECT_EQ(1, record.endpoint);
	EXPECT_EQ(2, record.module);
	EXPECT_EQ(77, record.sequence);
	EXPECT_EQ(1234567, record.timestamp);
	EXPECT_TRUE(record.has_identity);
	EXPECT_TRUE(audiomodule_guid_equal(&some_guid, &record.device_id));
	EXPECT_TRUE(audiomodule_guid_equal(&audiomodule_notification_id, &record.class_id));
	EXPECT_EQ(0x01020304, record.instance_id);
	EXPECT_EQ(IDENTITY + 13, record.data_size);
	EXPECT_EQ(13, record.tail_size);
	EXPECT_EQ(bytes + HEADER + IDENTITY, record.tail);
	EXPECT_EQ(12, record.tail[12]);
}

TEST(record_of_another_id_has_no_identity)
{
	uint8_t bytes[512];
	size_t size = make_record(bytes, SND_AUDIO_MODULE_RECORD_NOTIFICATION, "abc", 3);
	struct audiomodule_record record;

	memcpy(bytes + offsetof(struct snd_audio_module_record, notification_id),
	       some_guid.bytes, 16);
	ASSERT_EQ(size, audiomodule_record_decode(bytes, size, &record));
	EXPECT_FALSE(record.has_identity);
	EXPECT_EQ(3, record.tail_size);
	EXPECT_EQ(0, memcmp("abc", record.tail, 3));
}

TEST(record_cut_anywhere_is_refused)
{
	uint8_t bytes[512];
	size_t size = make_notification(bytes, 20);
	struct audiomodule_record record;
	size_t cut;

	for (cut = 0; cut < size; cut++) {
		/* In memory of its own, so that a sanitizer sees a byte too many. */
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, bytes, cut);
		EXPECT_EQ(-EBADMSG, audiomodule_record_decode(copy, cut, &record)) {
			TH_LOG("%zu of %zu bytes were taken for a record", cut, size);
		}
		free(copy);
	}
}

struct damage {
	const char *what;
	uint32_t size;
	uint32_t data_size;
};

static const struct damage damages[] = {
	{ "size 0", 0, 0 },
	{ "size below the header", 40, 0 },
	{ "size not a multiple of 8", 100, 44 },
	{ "size beyond the bytes", 1 << 20, 44 },
	{ "size beyond 2 GiB", 0xfffffff8, 44 },
	{ "data_size beyond the record", 96, 49 },
	{ "data_size of 4 GiB", 96, 0xffffffff },
	{ "an audio module's data below 40 bytes", 96, 39 },
};

TEST(record_whose_sizes_contradict_is_refused)
{
	struct audiomodule_record record;
	uint8_t bytes[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(damages); i++) {
		struct snd_audio_module_record header;

		make_notification(bytes, 8);
		memcpy(&header, bytes, sizeof(header));
		header.size = damages[i].size;
		header.data_size = damages[i].data_size;
		memcpy(bytes, &header, sizeof(header));
		EXPECT_EQ(-EBADMSG, audiomodule_record_decode(bytes, sizeof(bytes), &record)) {
			TH_LOG("%s was taken for a record", damages[i].what);
		}
	}
}

TEST(lost_and_changed_records_are_checked)
{
	struct snd_audio_module_lost lost = { .first = 5, .last = 9 };
	struct snd_audio_module_changed changed = { .generation = 0x123456789 };
	struct audiomodule_record record;
	uint8_t bytes[256];
	size_t size;

	size = make_record(bytes, SND_AUDIO_MODULE_RECORD_LOST, &lost, sizeof(lost));
	ASSERT_EQ(size, audiomodule_record_decode(bytes, size, &record));
	EXPECT_EQ(5, record.lost_first);
	EXPECT_EQ(9, record.lost_last);

	size = make_record(bytes, SND_AUDIO_MODULE_RECORD_CHANGED, &changed, sizeof(changed));
	ASSERT_EQ(size, audiomodule_record_decode(bytes, size, &record));
	EXPECT_EQ(0x123456789, record.generation);

	size = make_record(bytes, SND_AUDIO_MODULE_RECORD_LOST, &lost, 8);
	EXPECT_EQ(-EBADMSG, audiomodule_record_decode(bytes, size, &record));
	size = make_record(bytes, SND_AUDIO_MODULE_RECORD_CHANGED, &changed, 7);
	EXPECT_EQ(-EBADMSG, audiomodule_record_decode(bytes, size, &record));
	lost.last = 4;
	size = make_record(bytes, SND_AUDIO_MODULE_RECORD_LOST, &lost, sizeof(lost));
	EXPECT_EQ(-EBADMSG, audiomodule_record_decode(bytes, size, &record));
}

TEST(short_notification_is_no_identity)
{
	struct audiomodule_notification notification;
	uint8_t bytes[IDENTITY + 1] = { };

	EXPECT_EQ(-EBADMSG,
		  audiomodule_notification_decode(bytes, IDENTITY - 1, &notification));
	ASSERT_EQ(0, audiomodule_notification_decode(bytes, IDENTITY, &notification));
	EXPECT_EQ(0, notification.tail_size);
	ASSERT_EQ(0, audiomodule_notification_decode(bytes, IDENTITY + 1, &notification));
	EXPECT_EQ(1, notification.tail_size);
}

/* ------------------------------------------------------------------ a subscription on any fd */

/* A subscription that reads these bytes from a pipe, which ends behind them when @end. */
static struct audiomodule_subscription *on_pipe(const void *bytes, size_t size, bool end)
{
	const struct audiomodule_position start = { .journal_id = 1, .sequence = 70 };
	struct audiomodule_subscription *subscription = NULL;
	int fds[2];

	if (pipe(fds) || write(fds[1], bytes, size) != size ||
	    audiomodule_subscription_from_fd(fds[0], &start, &subscription))
		return NULL;
	if (end)
		close(fds[1]);
	return subscription;
}

TEST(bytes_that_are_no_records_end_a_subscription)
{
	struct audiomodule_subscription *subscription;
	struct audiomodule_record record;
	uint8_t garbage[4096];
	unsigned int seed, i;

	for (seed = 1; seed <= 200; seed++) {
		int left = 1000;
		int r;

		srandom(seed);
		for (i = 0; i < sizeof(garbage); i++)
			garbage[i] = random() >> 8;
		subscription = on_pipe(garbage, sizeof(garbage), true);
		ASSERT_NE(NULL, subscription);
		do {
			r = audiomodule_subscription_next(subscription, &record);
		} while (r == 1 && left--);
		EXPECT_EQ(-EBADMSG, r) {
			TH_LOG("seed %u", seed);
		}
		audiomodule_subscription_free(subscription);
	}
}

TEST(damaged_records_never_lead_outside_the_bytes_read)
{
	struct audiomodule_subscription *subscription;
	unsigned int place, value, sum = 0;
	struct audiomodule_record record;
	uint8_t bytes[1024], damaged[1024];
	size_t size = make_notification(bytes, 40);
	size_t i;

	size += make_notification(bytes + size, 16);
	for (place = 0; place < HEADER; place++) {
		for (value = 0; value < 256; value += 5) {
			int r;

			memcpy(damaged, bytes, size);
			damaged[place] = value;
			subscription = on_pipe(damaged, size, true);
			ASSERT_NE(NULL, subscription);
			while ((r = audiomodule_subscription_next(subscription, &record)) == 1) {
				ASSERT_LE(record.data_size, size - HEADER);
				for (i = 0; i < record.data_size; i++)
					sum += record.data[i];
			}
			EXPECT_TRUE(r == -EBADMSG || r == -ENODEV) {
				TH_LOG("byte %u = %u: %d", place, value, r);
			}
			audiomodule_subscription_free(subscription);
		}
	}
	EXPECT_NE(0, sum);
}

TEST(records_of_unknown_types_are_skipped)
{
	struct audiomodule_subscription *subscription;
	struct audiomodule_position position;
	struct audiomodule_record record;
	uint8_t bytes[1024];
	size_t size;

	size = make_record(bytes, 900, "a later kernel's", 16);
	size += make_record(bytes + size, SND_AUDIO_MODULE_RECORD_PAD, NULL, 0);
	size += make_notification(bytes + size, 1);
	size += make_record(bytes + size, 65535, NULL, 0);
	subscription = on_pipe(bytes, size, false);
	ASSERT_NE(NULL, subscription);
	ASSERT_EQ(1, audiomodule_subscription_next(subscription, &record));
	EXPECT_EQ(AUDIOMODULE_RECORD_NOTIFICATION, record.type);
	EXPECT_EQ(0, audiomodule_subscription_next(subscription, &record));
	audiomodule_subscription_position(subscription, &position);
	EXPECT_EQ(77, position.sequence);
	audiomodule_subscription_start(subscription, &position);
	EXPECT_EQ(70, position.sequence);
	audiomodule_subscription_free(subscription);
}

TEST(end_of_the_fd_is_the_end_of_the_card)
{
	struct audiomodule_subscription *subscription;
	struct audiomodule_record record;
	uint8_t bytes[256];
	size_t size = make_record(bytes, SND_AUDIO_MODULE_RECORD_REMOVED, NULL, 0);

	subscription = on_pipe(bytes, size, true);
	ASSERT_NE(NULL, subscription);
	ASSERT_EQ(1, audiomodule_subscription_next(subscription, &record));
	EXPECT_EQ(AUDIOMODULE_RECORD_REMOVED, record.type);
	EXPECT_EQ(-ENODEV, audiomodule_subscription_next(subscription, &record));
	audiomodule_subscription_free(subscription);
}

TEST(fd_that_is_no_notification_fd_has_no_statistics)
{
	struct audiomodule_subscription *subscription = on_pipe("", 0, false);
	const struct audiomodule_position start = { };
	struct audiomodule_statistics statistics;

	ASSERT_NE(NULL, subscription);
	EXPECT_EQ(-ENOTTY, audiomodule_subscription_statistics(subscription, &statistics));
	audiomodule_subscription_free(subscription);
	EXPECT_EQ(-EBADF, audiomodule_subscription_from_fd(-1, &start, &subscription));
	EXPECT_EQ(NULL, subscription);
}

/* ------------------------------------------------------------------ lists and addresses */

static const struct audiomodule_endpoint *add_endpoint(struct audiomodule_list *list,
						       unsigned int card, unsigned int index,
						       const char *name)
{
	struct audiomodule_endpoint endpoint = {
		.card = card, .index = index, .device_id = some_guid
	};

	endpoint.device_id.bytes[15] = card * 16 + index;
	snprintf(endpoint.name, sizeof(endpoint.name), "%s", name);
	snprintf(endpoint.card_id, sizeof(endpoint.card_id), "Card%u", card);
	return audiomodule_list_add_endpoint(list, &endpoint);
}

static const struct audiomodule_module *add_module(struct audiomodule_list *list,
						   const struct audiomodule_endpoint *endpoint,
						   unsigned int index, const char *label)
{
	struct audiomodule_module module = {
		.endpoint = endpoint, .index = index, .class_id = some_guid,
		.instance_id = 100 + index,
	};

	snprintf(module.label, sizeof(module.label), "%s", label);
	return audiomodule_list_add_module(list, &module);
}

TEST(lists_are_in_the_order_of_card_endpoint_and_module)
{
	static const unsigned int orders[][4] = {
		{ 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 2, 0, 3, 1 }
	};
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		struct audiomodule_list *list = audiomodule_list_new();
		const struct audiomodule_endpoint *endpoint;

		ASSERT_NE(NULL, list);
		for (n = 0; n < 4; n++) {
			unsigned int number = orders[i][n];

			endpoint = add_endpoint(list, number / 2, number % 2, "E");
			ASSERT_NE(NULL, endpoint);
			ASSERT_NE(NULL, add_module(list, endpoint, 1, "b"));
			ASSERT_NE(NULL, add_module(list, endpoint, 0, "a"));
		}
		for (n = 0; n < 4; n++) {
			endpoint = audiomodule_list_endpoint(list, n);
			ASSERT_NE(NULL, endpoint);
			EXPECT_EQ(n, endpoint->card * 2 + endpoint->index);
			EXPECT_EQ(endpoint, audiomodule_list_module(list, 2 * n)->endpoint);
			EXPECT_STREQ("a", audiomodule_list_module(list, 2 * n)->label);
			EXPECT_STREQ("b", audiomodule_list_module(list, 2 * n + 1)->label);
		}
		EXPECT_EQ(NULL, audiomodule_list_endpoint(list, 4));
		EXPECT_EQ(NULL, audiomodule_list_module(list, 8));
		EXPECT_EQ(NULL, audiomodule_list_free(list));
	}
}

TEST(names_that_are_not_utf8_are_cleaned)
{
	struct audiomodule_list *list = audiomodule_list_new();
	const struct audiomodule_endpoint *endpoint;

	ASSERT_NE(NULL, list);
	endpoint = add_endpoint(list, 0, 0, "a\x1b[31m\xff\xc3\xa4\xed\xa0\x80");
	ASSERT_NE(NULL, endpoint);
	EXPECT_STREQ("a?[31m?\xc3\xa4???", endpoint->name);
	audiomodule_list_free(list);
}

TEST(addresses_mean_what_they_say)
{
	struct audiomodule_list *list = audiomodule_list_new();
	const struct audiomodule_endpoint *speaker = add_endpoint(list, 0, 0, "Speaker");
	const struct audiomodule_endpoint *odd = add_endpoint(list, 1, 0, "a/b:c");
	const struct audiomodule_module *meter = add_module(list, speaker, 0, "Meter");
	const struct audiomodule_module *slash = add_module(list, odd, 0, "d/e");
	const struct {
		const char *address;
		const struct audiomodule_endpoint *endpoint;
		const struct audiomodule_module *module;
		bool means;
	} table[] = {
		{ "Speaker", speaker, NULL, true },
		{ "0:Speaker", speaker, NULL, true },
		{ "Card0:Speaker", speaker, NULL, true },
		{ "00112233-4455-6677-8899-AABBCCDDEE00", speaker, NULL, true },
		{ "{00112233-4455-6677-8899-aabbccddee00}", speaker, NULL, true },
		{ "Speaker/Meter", speaker, meter, true },
		{ "0:Speaker/00112233-4455-6677-8899-AABBCCDDEEFF", speaker, meter, true },
		{ "Speaker/00112233-4455-6677-8899-AABBCCDDEEFF:100", speaker, meter, true },
		{ "Speaker/00112233-4455-6677-8899-AABBCCDDEEFF:0x64", speaker, meter, true },
		{ "a/b:c", odd, NULL, true },
		{ "a/b:c/d/e", odd, slash, true },
		{ "1:a/b:c/d/e", odd, slash, true },
		{ "", speaker, NULL, false },
		{ "speaker", speaker, NULL, false },
		{ "Speaker/", speaker, NULL, false },
		{ "1:Speaker", speaker, NULL, false },
		{ "Speaker", odd, NULL, false },
		{ "Speaker", speaker, meter, false },
		{ "Speaker/Meter", speaker, NULL, false },
		{ "Speaker/Meter ", speaker, meter, false },
		{ "Speaker/00112233-4455-6677-8899-AABBCCDDEEFF:101", speaker, meter, false },
		{ "Speaker/00112233-4455-6677-8899-AABBCCDDEEFF:-1", speaker, meter, false },
		{ "Speaker/00112233-4455-6677-8899-AABBCCDDEEFF:", speaker, meter, false },
		{ "Speaker/00112233-4455-6677-8899-AABBCCDDEEFF:4294967396", speaker, meter,
		  false },
		{ "a/b:c/d/e", speaker, meter, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		EXPECT_EQ(table[i].means, audiomodule_address_matches(table[i].address,
				table[i].endpoint, table[i].module)) {
			TH_LOG("address \"%s\"", table[i].address);
		}
	}
	audiomodule_list_free(list);
}

TEST(address_is_the_shortest_that_is_unique)
{
	struct audiomodule_list *list = audiomodule_list_new();
	const struct audiomodule_endpoint *first = add_endpoint(list, 0, 0, "Speaker");
	const struct audiomodule_module *meter = add_module(list, first, 0, "Meter");
	const struct audiomodule_endpoint *second;
	char address[AUDIOMODULE_ADDRESS_SIZE];

	audiomodule_address_format(list, first, NULL, address);
	EXPECT_STREQ("Speaker", address);
	audiomodule_address_format(list, first, meter, address);
	EXPECT_STREQ("Speaker/Meter", address);
	second = add_endpoint(list, 3, 0, "Speaker");
	audiomodule_address_format(list, first, meter, address);
	EXPECT_STREQ("0:Speaker/Meter", address);
	audiomodule_address_format(list, second, NULL, address);
	EXPECT_STREQ("3:Speaker", address);
	EXPECT_TRUE(audiomodule_address_matches(address, second, NULL));
	EXPECT_FALSE(audiomodule_address_matches(address, first, NULL));
	audiomodule_list_free(list);
}

/* ------------------------------------------------------------------ cards and the rest */

/* IF-12 */
TEST(every_counter_has_a_name_of_its_own)
{
	unsigned int i, j;

	for (i = 0; i < SND_AUDIO_MODULE_COUNTERS; i++) {
		ASSERT_NE(NULL, audiomodule_counter_name(i));
		for (j = 0; j < i; j++)
			EXPECT_STRNE(audiomodule_counter_name(i), audiomodule_counter_name(j));
	}
	EXPECT_STREQ("accepted", audiomodule_counter_name(SND_AUDIO_MODULE_COUNTER_ACCEPTED));
	EXPECT_EQ(NULL, audiomodule_counter_name(SND_AUDIO_MODULE_COUNTERS));
	EXPECT_EQ(NULL, audiomodule_counter_name(UINT32_MAX));
}

static void touch(const char *directory, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static void erase(const char *directory, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
}

TEST(cards_are_found_in_order_and_other_nodes_are_not)
{
	static const char *const names[] = {
		"controlC12", "controlC3", "controlC0", "controlC", "controlCx", "controlC4x",
		"pcmC7D0p", "timer"
	};
	char directory[] = "/tmp/audiomodule.XXXXXX";
	struct audiomodule_list *list;
	struct audiomodule *card;
	unsigned int *cards;
	size_t count, i;

	ASSERT_NE(NULL, mkdtemp(directory));
	for (i = 0; i < ARRAY_SIZE(names); i++)
		touch(directory, names[i]);
	EXPECT_EQ(0, audiomodule_cards(directory, &cards, &count));
	EXPECT_EQ(3, count);
	if (count == 3) {
		EXPECT_EQ(0, cards[0]);
		EXPECT_EQ(3, cards[1]);
		EXPECT_EQ(12, cards[2]);
	}
	free(cards);
	EXPECT_EQ(-ENOENT, audiomodule_open(directory, 5, &card));
	EXPECT_EQ(-ENOTTY, audiomodule_open(directory, 0, &card));
	EXPECT_EQ(NULL, card);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		erase(directory, names[i]);
	rmdir(directory);

	EXPECT_EQ(0, audiomodule_cards(directory, &cards, &count));
	EXPECT_EQ(0, count);
	ASSERT_EQ(0, audiomodule_list_all(directory, &list));
	EXPECT_EQ(NULL, audiomodule_list_endpoint(list, 0));
	audiomodule_list_free(list);
}

TEST(watch_tells_of_nodes_that_come_and_of_their_permissions)
{
	char parent[] = "/tmp/audiomodule.XXXXXX";
	struct audiomodule_watch *watch;
	char directory[64], node[80];

	ASSERT_NE(NULL, mkdtemp(parent));
	snprintf(directory, sizeof(directory), "%s/snd", parent);
	snprintf(node, sizeof(node), "%s/hwC0D0", directory);
	ASSERT_EQ(0, audiomodule_watch_new(directory, &watch));
	EXPECT_EQ(0, audiomodule_watch_process(watch));
	mkdir(directory, 0700);
	EXPECT_EQ(1, audiomodule_watch_process(watch));
	touch(directory, "pcmC0D0p");
	EXPECT_EQ(0, audiomodule_watch_process(watch));
	touch(directory, "hwC0D0");
	EXPECT_EQ(1, audiomodule_watch_process(watch));
	chmod(node, 0660);
	EXPECT_EQ(1, audiomodule_watch_process(watch));
	EXPECT_EQ(0, audiomodule_watch_process(watch));
	unlink(node);
	EXPECT_EQ(1, audiomodule_watch_process(watch));
	erase(directory, "pcmC0D0p");
	rmdir(directory);
	EXPECT_EQ(1, audiomodule_watch_process(watch));
	mkdir(directory, 0700);
	EXPECT_EQ(1, audiomodule_watch_process(watch));
	EXPECT_EQ(NULL, audiomodule_watch_free(watch));
	rmdir(directory);
	rmdir(parent);
	snprintf(directory, sizeof(directory), "%s/no/snd", parent);
	EXPECT_EQ(-ENOENT, audiomodule_watch_new(directory, &watch));
}

TEST_HARNESS_MAIN
