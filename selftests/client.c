// SPDX-License-Identifier: GPL-2.0
/*
 * struct audiomodule_client: each test runs with a client of the kernel and with one of
 * audiomoduled, and expects the same of both, but for what it says.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <audiomodule-bus.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"
#include "told.h"
#include "world.h"

#define FOREIGN_TEXT	"01234567-89ab-cdef-0123-456789abcdef"
#define SPEAKER_TEXT	"7B1C1F60-3C0E-4B52-9A53-5D0C8E4A6F01"
#define EQ_TEXT		"{5ce55c8e-84df-4317-98c7-792de83366cc}"
#define NOBODY		65534
#define DRIVER		"/sys/bus/platform/drivers/snd-audio-module-virtual"
#define SLOW_MS		1000

/* Verb and parameter of SYSVAD's protocol, and a value for SET. */
static const uint8_t get_0[] = { 1, 0, 0, 0, 0, 0, 0, 0 };
static const uint8_t set_0_to_2[] = { 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0 };
static const uint8_t set_0_to_99[] = { 2, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0 };

FIXTURE(client) {
	struct world world;
	struct audiomodule_client *client;
};

FIXTURE_VARIANT(client) {
	bool bus;
};

FIXTURE_VARIANT_ADD(client, local) {
	.bus = false,
};

FIXTURE_VARIANT_ADD(client, bus) {
	.bus = true,
};

static int client_new(const struct world *world, bool bus, struct audiomodule_client **client)
{
	return bus ? audiomodule_client_new_bus(world->address, client) :
	       audiomodule_client_new(NULL, client);
}

FIXTURE_SETUP(client)
{
	ASSERT_EQ(0, world_begin(&self->world, ""));
	ASSERT_EQ(0, client_new(&self->world, variant->bus, &self->client));
}

FIXTURE_TEARDOWN(client)
{
	audiomodule_client_free(self->client);
	EXPECT_EQ(0, world_end(&self->world));
}

/* ------------------------------------------------------------------ events */

#define send_hook(...) inject(self->world.card, "send", __VA_ARGS__)

/* The next event of one of two types, past others, within @timeout_ms each. */
static bool either_comes(struct audiomodule_client *client, enum audiomodule_event_type one,
			 enum audiomodule_event_type other, int timeout_ms,
			 struct audiomodule_event *event)
{
	int r;

	do {
		r = audiomodule_client_wait(client, timeout_ms, event);
	} while (r == 1 && event->type != one && event->type != other);
	return r == 1;
}

static bool event_comes(struct audiomodule_client *client, enum audiomodule_event_type type,
			struct audiomodule_event *event)
{
	return either_comes(client, type, type, PATIENCE_MS, event);
}

/* The event of this endpoint, past others of that type. */
static bool endpoint_event_comes(struct audiomodule_client *client,
				 enum audiomodule_event_type type, const char *name)
{
	struct audiomodule_event event;

	while (event_comes(client, type, &event))
		if (!strcmp(event.endpoint->name, name))
			return true;
	return false;
}

/* No event of this type for a while. */
static bool stays_away(struct audiomodule_client *client, enum audiomodule_event_type type)
{
	struct audiomodule_event event;

	return !either_comes(client, type, type, 500, &event);
}

/* What an event tells of this subscription and endpoint */
static void told_event(struct told *told, const struct audiomodule_event *event, uint64_t tag,
		       const char *name)
{
	if (event->type != AUDIOMODULE_EVENT_NOTIFICATION && event->type != AUDIOMODULE_EVENT_LOST)
		return;
	if (event->tag == tag && !strcmp(event->endpoint->name, name))
		told_record(told, event->record);
}

/* All that is told, until something at or behind @last. */
static bool told_until(struct told *told, struct audiomodule_client *client, uint64_t tag,
		       const char *name, uint64_t last)
{
	struct audiomodule_event event;

	while (told->last < last) {
		if (!either_comes(client, AUDIOMODULE_EVENT_NOTIFICATION, AUDIOMODULE_EVENT_LOST,
				  PATIENCE_MS, &event))
			return false;
		told_event(told, &event, tag, name);
	}
	return true;
}

static uint64_t newest(const struct world *world)
{
	struct snd_audio_module_info info;

	return info_get(world->card, &info) ? 0 : info.newest_sequence;
}

/* ------------------------------------------------------------------ endpoints */

static bool same_endpoint(const struct audiomodule_endpoint *a,
			  const struct audiomodule_endpoint *b)
{
	return audiomodule_guid_equal(&a->device_id, &b->device_id) && !strcmp(a->name, b->name) &&
	       a->card == b->card && !strcmp(a->card_id, b->card_id) &&
	       a->journal_id == b->journal_id && a->index == b->index &&
	       a->playback_devices == b->playback_devices;
}

static bool same_module(const struct audiomodule_module *a, const struct audiomodule_module *b)
{
	return same_endpoint(a->endpoint, b->endpoint) &&
	       audiomodule_guid_equal(&a->class_id, &b->class_id) &&
	       a->instance_id == b->instance_id && !strcmp(a->label, b->label) &&
	       !strcmp(a->name, b->name) && a->index == b->index;
}

TEST_F(client, list_is_the_kernels)
{
	const struct audiomodule_endpoint *endpoint, *other;
	const struct audiomodule_module *module, *another;
	struct audiomodule_list *list, *kernels;
	size_t i;

	ASSERT_EQ(0, audiomodule_client_list(self->client, &list));
	ASSERT_EQ(0, audiomodule_list_all(NULL, &kernels));
	for (i = 0; (endpoint = audiomodule_list_endpoint(kernels, i)); i++) {
		other = audiomodule_list_endpoint(list, i);
		EXPECT_TRUE(other && same_endpoint(endpoint, other)) {
			TH_LOG("%s is another one", endpoint->name);
		}
	}
	EXPECT_EQ(2, i);
	EXPECT_EQ(NULL, audiomodule_list_endpoint(list, i));
	for (i = 0; (module = audiomodule_list_module(kernels, i)); i++) {
		another = audiomodule_list_module(list, i);
		EXPECT_TRUE(another && same_module(module, another)) {
			TH_LOG("%s is another one", module->label);
		}
		EXPECT_EQ(variant->bus, another->object_path != NULL);
	}
	EXPECT_EQ(8, i);
	EXPECT_EQ(NULL, audiomodule_list_module(list, i));
	audiomodule_list_free(list);
	audiomodule_list_free(kernels);
}

TEST_F(client, what_is_there_appears_first_and_then_the_fd_is_quiet)
{
	struct pollfd pollfd = { .fd = audiomodule_client_fd(self->client), .events = POLLIN };
	struct audiomodule_event event;
	int daemons = 0, endpoints = 0, r;

	EXPECT_EQ(1, poll(&pollfd, 1, 0));
	/* The daemon's list takes as long as it takes; behind both endpoints nothing comes. */
	while ((r = audiomodule_client_wait(self->client, endpoints < 2 ? PATIENCE_MS : 1000,
					    &event)) == 1) {
		daemons += event.type == AUDIOMODULE_EVENT_DAEMON_APPEARED;
		if (event.type != AUDIOMODULE_EVENT_APPEARED)
			continue;
		EXPECT_STREQ(endpoints++ ? "Headphones" : "Speaker", event.endpoint->name);
		EXPECT_EQ(NULL, event.module);
		EXPECT_EQ(NULL, event.record);
		EXPECT_EQ(0, event.tag);
		/* Whoever takes one event is woken for the next. */
		EXPECT_EQ(1, poll(&pollfd, 1, 0));
	}
	EXPECT_EQ(0, r);
	EXPECT_EQ(2, endpoints);
	EXPECT_EQ(variant->bus, daemons);
	EXPECT_EQ(0, poll(&pollfd, 1, 100));
	EXPECT_EQ(0, audiomodule_client_next(self->client, &event));
	EXPECT_STREQ("", audiomodule_client_error(self->client));
}

/* ------------------------------------------------------------------ subscriptions */

/* One of each is sent, in this order; a row of the table says which of them it receives. */
static const char *const sends[] = {
	"endpoint=0 module=0", "endpoint=0 module=1", "endpoint=0 module=2", "endpoint=1 module=0",
	"endpoint=1 module=1", "endpoint=0 size=9 method=portcls id=" FOREIGN_TEXT,
};

static const struct {
	const char *address;
	uint32_t match;		/* class: EQ's, instance: 0, device: Speaker's, id: FOREIGN_TEXT */
	const char *received;
	int endpoints;		/* that it means; negative: an errno */
} choices[] = {
	{ NULL, 0, "yyyyyy", 2 },
	{ NULL, AUDIOMODULE_MATCH_CLASS_ID, "nyynyn", 2 },
	{ NULL, AUDIOMODULE_MATCH_DEVICE_ID, "yyynny", 1 },
	{ NULL, AUDIOMODULE_MATCH_NOTIFICATION_ID, "nnnnny", 2 },
	{ "Speaker", 0, "yyynny", 1 },
	{ "Headphones", AUDIOMODULE_MATCH_CLASS_ID, "nnnnyn", 1 },
	{ "Headphones", AUDIOMODULE_MATCH_DEVICE_ID, "nnnnnn", 0 },
	{ SPEAKER_TEXT, 0, "yyynny", 1 },
	{ "AudioModules:Headphones", 0, "nnnyyn", 1 },
	{ "Speaker/System", 0, "ynnnnn", 1 },
	{ "Speaker/EQ Movie", 0, "nynnnn", 1 },
	{ "Speaker/" EQ_TEXT, 0, "nyynnn", 1 },
	{ "Speaker/" EQ_TEXT ":0x01000000", 0, "nnynnn", 1 },
	{ "Speaker/System", AUDIOMODULE_MATCH_NOTIFICATION_ID, "nnnnnn", 1 },
	{ "Speaker/Nothing", 0, "nnnnnn", 0 },
	{ "Nobody", 0, "nnnnnn", 0 },
	{ "", 0, "nnnnnn", 0 },
	{ "Speaker/System", AUDIOMODULE_MATCH_CLASS_ID, "nnnnnn", -EINVAL },
	{ "Speaker", 1 << 9, "nnnnnn", -EINVAL },
};

static size_t count_of(const char *text, char what)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == what;
	return count;
}

static struct audiomodule_filter filter_of(uint32_t match)
{
	struct audiomodule_filter filter = { .match = match };

	audiomodule_guid_parse(SPEAKER_TEXT, &filter.device_id);
	audiomodule_guid_parse(EQ_TEXT, &filter.class_id);
	audiomodule_guid_parse(FOREIGN_TEXT, &filter.notification_id);
	return filter;
}

TEST_F(client, address_and_filter_choose_what_is_received)
{
	char received[ARRAY_SIZE(choices)][ARRAY_SIZE(sends) + 1];
	struct audiomodule_event event;
	uint64_t start = newest(&self->world);
	size_t i, expected = 0;

	for (i = 0; i < ARRAY_SIZE(choices); i++) {
		struct audiomodule_filter filter = filter_of(choices[i].match);

		EXPECT_EQ(choices[i].endpoints,
			  audiomodule_client_subscribe(self->client, choices[i].address, &filter,
						       NULL, i)) {
			TH_LOG("choice %zu: %s", i, audiomodule_client_error(self->client));
		}
		EXPECT_EQ(choices[i].endpoints < 0,
			  audiomodule_client_error(self->client)[0] != 0);
		memset(received[i], 'n', ARRAY_SIZE(sends));
		received[i][ARRAY_SIZE(sends)] = 0;
	}
	for (i = 0; i < ARRAY_SIZE(sends); i++)
		ASSERT_EQ(0, send_hook("%s", sends[i]));
	for (i = 0; i < ARRAY_SIZE(choices); i++)
		expected += count_of(choices[i].received, 'y');
	while (expected-- > 0) {
		ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, &event));
		ASSERT_GT(ARRAY_SIZE(choices), event.tag);
		ASSERT_LT(start, event.record->sequence);
		ASSERT_GE(start + ARRAY_SIZE(sends), event.record->sequence);
		received[event.tag][event.record->sequence - start - 1] = 'y';
	}
	EXPECT_TRUE(stays_away(self->client, AUDIOMODULE_EVENT_NOTIFICATION));
	for (i = 0; i < ARRAY_SIZE(choices); i++)
		EXPECT_STREQ(choices[i].received, received[i]) {
			TH_LOG("choice %zu", i);
		}
}

TEST_F(client, notification_says_what_was_sent_and_of_which_module)
{
	const struct audiomodule_record *record;
	struct audiomodule_event event;

	ASSERT_EQ(1, audiomodule_client_subscribe(self->client, "Headphones", NULL, NULL, 7));
	ASSERT_EQ(0, send_hook("endpoint=1 module=1 size=100"));
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, &event));
	record = event.record;
	EXPECT_EQ(7, event.tag);
	EXPECT_STREQ("Headphones", event.endpoint->name);
	EXPECT_EQ(self->world.card, event.endpoint->card);
	EXPECT_EQ(newest(&self->world), record->sequence);
	ASSERT_NE(NULL, event.module);
	EXPECT_STREQ("EQ Movie", event.module->label);
	EXPECT_EQ(event.endpoint, event.module->endpoint);
	EXPECT_EQ(AUDIOMODULE_RECORD_NOTIFICATION, record->type);
	EXPECT_TRUE(record->has_identity);
	EXPECT_TRUE(audiomodule_guid_equal(&event.module->class_id, &record->class_id));
	EXPECT_EQ(100 - sizeof(struct snd_audio_module_notification), record->tail_size);
	EXPECT_TRUE(vendor_intact(record->tail, record->tail_size));
	EXPECT_EQ(0, event.error);
	ASSERT_EQ(0, send_hook("endpoint=1 size=9 method=portcls id=" FOREIGN_TEXT));
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, &event));
	EXPECT_EQ(NULL, event.module);
	EXPECT_FALSE(event.record->has_identity);
}

static bool journal_is_mapped(void)
{
	char line[512];
	bool mapped = false;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		mapped |= strstr(line, "[audio-module-notification]") != NULL;
	if (maps)
		fclose(maps);
	return mapped;
}

/* Only where nothing is filtered, and the kernel is asked itself. */
TEST_F(client, journal_is_mapped_where_all_of_it_is_wanted)
{
	const struct audiomodule_filter filter = filter_of(AUDIOMODULE_MATCH_CLASS_ID);

	EXPECT_FALSE(journal_is_mapped());
	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, &filter, NULL, 1));
	ASSERT_EQ(1, audiomodule_client_subscribe(self->client, "Speaker", NULL, NULL, 2));
	EXPECT_FALSE(journal_is_mapped());
	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 3));
	EXPECT_EQ(!variant->bus, journal_is_mapped());
	EXPECT_EQ(0, audiomodule_client_unsubscribe(self->client, 3));
	EXPECT_FALSE(journal_is_mapped());
}

/* Each notification is received once, or told as lost once, for each subscription and endpoint. */
TEST_F(client, losses_are_told_and_all_adds_up)
{
	static struct told speaker, headphones, alone;
	uint64_t start = newest(&self->world), last;
	struct audiomodule_event event;

	told_begin(&speaker, start, FLOOD);
	told_begin(&headphones, start, FLOOD);
	told_begin(&alone, start, FLOOD);
	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 1));
	ASSERT_EQ(1, audiomodule_client_subscribe(self->client, "Speaker", NULL, NULL, 2));
	ASSERT_EQ(0, send_hook("endpoint=0 count=100"));
	ASSERT_EQ(0, send_hook("endpoint=0 count=600 size=4096"));
	last = newest(&self->world);
	while (speaker.last < last || alone.last < last) {
		struct told *told = &speaker;

		ASSERT_TRUE(either_comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION,
					 AUDIOMODULE_EVENT_LOST, PATIENCE_MS, &event));
		if (event.tag == 2)
			told = &alone;
		else if (strcmp(event.endpoint->name, "Speaker"))
			told = &headphones;
		told_record(told, event.record);
	}
	EXPECT_EQ(start + 700, last);
	EXPECT_EQ(700, speaker.matched + speaker.lost);
	EXPECT_EQ(700, alone.matched + alone.lost);
	EXPECT_LT(300, speaker.lost);
	EXPECT_LT(300, headphones.lost);
	EXPECT_EQ(0, headphones.matched);
	EXPECT_EQ(0, told_nothing_of(&speaker, start + 1, last));
	EXPECT_EQ(0, told_nothing_of(&alone, start + 1, last));
	EXPECT_EQ(0, speaker.bad + speaker.corrupt + alone.bad + alone.corrupt + headphones.bad);
}

/* Where a subscription begins, when 20 were sent before. */
static const struct {
	struct audiomodule_begin begin;	/* sequence: so many before the newest */
	bool stale;
	int received[2];	/* by the local client, and through the daemon; negative: an errno */
} begins[] = {
	{ { .start = AUDIOMODULE_START_NEWEST }, false, { 0, 0 } },
	{ { .start = AUDIOMODULE_START_OLDEST }, false, { 20, 20 } },
	{ { .start = AUDIOMODULE_START_AFTER, .position.sequence = 12 }, false, { 12, 12 } },
	{ { .start = AUDIOMODULE_START_AFTER, .position.sequence = 0 }, false, { 0, 0 } },
	{ { .start = AUDIOMODULE_START_AFTER, .position.sequence = 20 }, false, { 20, 20 } },
	{ { .start = AUDIOMODULE_START_AFTER, .position.sequence = -1 }, false,
	  { -EINVAL, -EINVAL } },
	{ { .start = AUDIOMODULE_START_AFTER, .position.sequence = 12 }, true,
	  { -ESTALE, -ESTALE } },
	{ { .start = 3 }, false, { -EINVAL, -EINVAL } },
	{ { .flags = 1 << 7 }, false, { -EINVAL, -EINVAL } },
	{ { .flags = AUDIOMODULE_SUBSCRIBE_INITIAL }, false, { 1, -EOPNOTSUPP } },
};

/* How many come before the one that was sent behind them; negative: none did, or out of order. */
static int count_before(struct audiomodule_client *client, uint64_t end)
{
	struct audiomodule_event event;
	uint64_t before = 0;
	int count = 0;

	while (event_comes(client, AUDIOMODULE_EVENT_NOTIFICATION, &event)) {
		if (event.record->sequence == end)
			return count;
		if (event.record->sequence <= before)
			return -EILSEQ;
		before = event.record->sequence;
		count++;
	}
	return -ETIME;
}

static struct audiomodule_begin begin_at(size_t row, const struct snd_audio_module_info *info)
{
	struct audiomodule_begin begin = begins[row].begin;

	if (begin.start == AUDIOMODULE_START_AFTER) {
		begin.position.journal_id = info->journal_id + begins[row].stale;
		begin.position.sequence = info->newest_sequence - begin.position.sequence;
	}
	return begin;
}

TEST_F(client, subscription_begins_where_it_is_told_to)
{
	static const char *const addresses[] = { NULL, "Speaker", "Speaker/System" };
	struct snd_audio_module_info info;
	size_t row, i;

	ASSERT_EQ(0, send_hook("endpoint=0 count=20"));
	for (row = 0; row < ARRAY_SIZE(begins); row++)
		for (i = 0; i < ARRAY_SIZE(addresses); i++) {
			int expected = begins[row].received[variant->bus], r;
			struct audiomodule_begin begin;

			ASSERT_EQ(0, info_get(self->world.card, &info));
			/* All were sent by this test. */
			if (begins[row].begin.start == AUDIOMODULE_START_OLDEST)
				expected = info.newest_sequence;
			begin = begin_at(row, &info);
			r = audiomodule_client_subscribe(self->client, addresses[i], NULL, &begin,
							 row);
			EXPECT_EQ(expected < 0 ? expected : i ? 1 : 2, r) {
				TH_LOG("begin %zu: %s", row,
				       audiomodule_client_error(self->client));
			}
			EXPECT_EQ(r < 0, audiomodule_client_error(self->client)[0] != 0);
			ASSERT_EQ(0, send_hook("endpoint=0"));
			if (r >= 0)
				EXPECT_EQ(expected, count_before(self->client,
								 info.newest_sequence + 1));
			EXPECT_EQ(r < 0 ? -ENOENT : 0,
				  audiomodule_client_unsubscribe(self->client, row));
		}
}

/* What was overwritten is no loss of who begins with the oldest, and one of who resumes. */
TEST_F(client, oldest_is_what_the_journal_has)
{
	struct audiomodule_begin begin = { .start = AUDIOMODULE_START_OLDEST };
	struct snd_audio_module_info info;
	static struct told told;

	ASSERT_EQ(0, send_hook("endpoint=0 count=400 size=4096"));
	ASSERT_EQ(0, info_get(self->world.card, &info));
	ASSERT_EQ(1, audiomodule_client_subscribe(self->client, "Speaker", NULL, &begin, 1));
	told_begin(&told, info.oldest_sequence - 1, FLOOD);
	EXPECT_TRUE(told_until(&told, self->client, 1, "Speaker", info.newest_sequence));
	EXPECT_EQ(info.newest_sequence - info.oldest_sequence + 1, told.matched);
	EXPECT_EQ(0, told.lost + told.bad + told.corrupt);

	begin.start = AUDIOMODULE_START_AFTER;
	begin.position.journal_id = info.journal_id;
	ASSERT_EQ(1, audiomodule_client_subscribe(self->client, "Speaker", NULL, &begin, 2));
	told_begin(&told, 0, FLOOD);
	EXPECT_TRUE(told_until(&told, self->client, 2, "Speaker", info.newest_sequence));
	EXPECT_EQ(info.newest_sequence - info.oldest_sequence + 1, told.matched);
	EXPECT_EQ(info.oldest_sequence - 1, told.lost);
	EXPECT_EQ(0, told.bad + told.corrupt);
}

TEST_F(client, subscription_ends_when_it_is_told_to_and_no_other_does)
{
	struct audiomodule_event event;
	int left = 5;

	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 1));
	EXPECT_EQ(-EEXIST, audiomodule_client_subscribe(self->client, "Speaker", NULL, NULL, 1));
	EXPECT_STRNE("", audiomodule_client_error(self->client));
	ASSERT_EQ(1, audiomodule_client_subscribe(self->client, "Speaker", NULL, NULL, 2));
	EXPECT_STREQ("", audiomodule_client_error(self->client));
	ASSERT_EQ(0, send_hook("endpoint=0 count=3"));
	/* One was taken, the others are not told any more. */
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, &event));
	left -= event.tag == 2;
	EXPECT_EQ(0, audiomodule_client_unsubscribe(self->client, 1));
	EXPECT_EQ(-ENOENT, audiomodule_client_unsubscribe(self->client, 1));
	ASSERT_EQ(0, send_hook("endpoint=0 count=2"));
	while (left-- > 0) {
		ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, &event));
		EXPECT_EQ(2, event.tag);
	}
	EXPECT_TRUE(stays_away(self->client, AUDIOMODULE_EVENT_NOTIFICATION));
	EXPECT_EQ(0, audiomodule_client_unsubscribe(self->client, 2));
	ASSERT_EQ(0, send_hook("endpoint=0"));
	EXPECT_TRUE(stays_away(self->client, AUDIOMODULE_EVENT_NOTIFICATION));
	/* All fds of its are closed, but for what a client has of a card. */
	EXPECT_TRUE(eventually(objects_get("notification_fds") ==
			       self->world.machine.notification_fds + 1 + !variant->bus));
}

/* A program that takes one event each time that its loop finds the fd readable gets all. */
TEST_F(client, fd_stays_readable_while_there_is_something)
{
	struct pollfd pollfd = { .fd = audiomodule_client_fd(self->client), .events = POLLIN };
	const struct audiomodule_begin oldest = { .start = AUDIOMODULE_START_OLDEST };
	struct audiomodule_event event;
	int notifications = 0;

	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 0));
	ASSERT_EQ(0, send_hook("endpoint=0 count=150"));
	ASSERT_EQ(0, send_hook("endpoint=1 count=150"));
	while (poll(&pollfd, 1, 1000) == 1)
		if (audiomodule_client_next(self->client, &event) == 1)
			notifications += event.type == AUDIOMODULE_EVENT_NOTIFICATION;
	EXPECT_EQ(300, notifications);
	/* What there is already when something is asked for wakes it, too. */
	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, &oldest, 1));
	EXPECT_EQ(1, poll(&pollfd, 1, 0));
	while (notifications < 600 && audiomodule_client_next(self->client, &event) == 1)
		notifications += event.type == AUDIOMODULE_EVENT_NOTIFICATION && event.tag == 1;
	EXPECT_EQ(600, notifications);
	while (audiomodule_client_next(self->client, &event))
		;
	EXPECT_EQ(0, poll(&pollfd, 1, 0));
	ASSERT_EQ(0, send_hook("endpoint=1"));
	EXPECT_EQ(1, poll(&pollfd, 1, PATIENCE_MS));
}

/* ------------------------------------------------------------------ commands */

static const struct audiomodule_module *find(const struct audiomodule_list *list,
					     const char *address)
{
	return list ? audiomodule_list_find_module(list, address) : NULL;
}

static const struct {
	const char *address;
	const void *command;
	size_t size;
	int error;
	size_t answer;
} commands[] = {
	{ "Speaker/System", get_0, sizeof(get_0), 0, 4 },
	{ "Headphones/EQ Movie", get_0, sizeof(get_0), 0, 1 },
	{ "Speaker/System", set_0_to_2, sizeof(set_0_to_2), 0, 0 },
	{ "Speaker/System", get_0, sizeof(get_0), 0, 4 },
	{ "Speaker/System", set_0_to_99, sizeof(set_0_to_99), -EINVAL, 0 },
	{ "Speaker/System", NULL, 0, -EINVAL, 0 },
	{ "Speaker/Meter", get_0, sizeof(get_0), -EOPNOTSUPP, 0 },
};

TEST_F(client, command_is_answered_the_same_now_and_later)
{
	struct audiomodule_list *list;
	struct audiomodule_event event;
	size_t i, size;
	void *answer;

	ASSERT_EQ(0, audiomodule_client_list(self->client, &list));
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct audiomodule_module *module = find(list, commands[i].address);

		ASSERT_NE(NULL, module);
		EXPECT_EQ(commands[i].error,
			  audiomodule_client_command(self->client, module, commands[i].command,
						     commands[i].size, &answer, &size)) {
			TH_LOG("command %zu: %s", i, audiomodule_client_error(self->client));
		}
		EXPECT_STREQ("", audiomodule_client_error(self->client));
		EXPECT_EQ(commands[i].answer, size);
		EXPECT_EQ(!size, !answer);
		EXPECT_EQ(0, audiomodule_client_command_start(self->client, module,
							      commands[i].command,
							      commands[i].size, 100 + i));
		ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_ANSWER, &event));
		EXPECT_EQ(100 + i, event.tag);
		EXPECT_EQ(commands[i].error, event.error);
		EXPECT_EQ(commands[i].answer, event.answer_size);
		EXPECT_TRUE(size == event.answer_size &&
			    (!size || !memcmp(answer, event.answer, size)));
		free(answer);
	}
	audiomodule_list_free(list);
}

/* Register the module whose commands sleep, and get the list that has it. */
static bool register_late(struct world *world, struct audiomodule_client *client,
			  struct audiomodule_list **list)
{
	*list = NULL;
	return !inject(world->card, "late", "op=register endpoint=0 instance=7") &&
	       eventually(!audiomodule_list_free(*list) &&
			  !audiomodule_client_list(client, list) && find(*list, "Speaker/Late"));
}

static int sleep_later(struct audiomodule_client *client, const struct audiomodule_list *list,
		       uint32_t ms, uint64_t tag)
{
	return audiomodule_client_command_start(client, find(list, "Speaker/Late"), &ms,
						sizeof(ms), tag);
}

/* CMD-7 */
TEST_F(client, commands_to_one_module_keep_their_order_and_delay_no_other)
{
	/* Others have less than that to be done; the module sleeps 20 s at most. */
	const unsigned int slow_ms = running_ms() < 10000 ? 10000 : 20000;
	struct audiomodule_list *list;
	struct audiomodule_event event;
	uint64_t begin;
	int i;

	ASSERT_TRUE(register_late(&self->world, self->client, &list));
	begin = milliseconds();
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, sleep_later(self->client, list, i ? 1 : slow_ms, i));
	ASSERT_EQ(0, audiomodule_client_command_start(self->client, find(list, "Speaker/System"),
						      get_0, sizeof(get_0), 10));
	/* Neither the quick one nor a list, nor who looks for events, waits. */
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_ANSWER, &event));
	EXPECT_EQ(10, event.tag);
	EXPECT_EQ(0, event.error);
	EXPECT_EQ(4, event.answer_size);
	audiomodule_list_free(list);
	EXPECT_EQ(0, audiomodule_client_list(self->client, &list));
	EXPECT_GT(begin + slow_ms, milliseconds());
	for (i = 0; i < 10; i++) {
		ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_ANSWER, &event));
		EXPECT_EQ(i, event.tag);
		EXPECT_EQ(0, event.error);
		EXPECT_EQ(4, event.answer_size);
	}
	EXPECT_LE(begin + slow_ms, milliseconds());
	audiomodule_list_free(list);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
}

TEST_F(client, commands_under_way_are_limited_and_their_bytes_too)
{
	static uint8_t bytes[AUDIOMODULE_MAX_COMMAND_SIZE + 1];
	struct audiomodule_list *list;
	struct audiomodule_event event;
	struct audiomodule_module foreign;
	void *answer = &foreign;
	size_t size = 1;
	int i;

	ASSERT_TRUE(register_late(&self->world, self->client, &list));
	for (i = 0; i < AUDIOMODULE_MAX_CLIENT_COMMANDS; i++)
		ASSERT_EQ(0, sleep_later(self->client, list, i ? 0 : SLOW_MS, i));
	EXPECT_EQ(-EBUSY, sleep_later(self->client, list, 0, i));
	EXPECT_STRNE("", audiomodule_client_error(self->client));
	for (i = 0; i < AUDIOMODULE_MAX_CLIENT_COMMANDS; i++) {
		ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_ANSWER, &event));
		EXPECT_EQ(i, event.tag);
	}
	EXPECT_EQ(0, sleep_later(self->client, list, 0, i));
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_ANSWER, &event));
	EXPECT_EQ(0, audiomodule_client_command_start(self->client, find(list, "Speaker/Late"),
						      bytes, sizeof(bytes) - 1, 1));
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_ANSWER, &event));
	EXPECT_EQ(sizeof(bytes) - 1, event.answer_size);
	EXPECT_EQ(-EINVAL, audiomodule_client_command_start(self->client,
							    find(list, "Speaker/Late"), bytes,
							    sizeof(bytes), 1));
	EXPECT_EQ(-EINVAL, audiomodule_client_command(self->client, find(list, "Speaker/Late"),
						      bytes, sizeof(bytes), &answer, &size));
	EXPECT_EQ(NULL, answer);
	EXPECT_EQ(0, size);
	/* What the other kind of client knows. */
	foreign = *find(list, "Speaker/System");
	foreign.object_path = variant->bus ? NULL : "/org/audiomodule1/card0/Speaker/System";
	EXPECT_EQ(-EINVAL, audiomodule_client_command_start(self->client, &foreign, get_0,
							    sizeof(get_0), 1));
	EXPECT_EQ(-EINVAL, audiomodule_client_command(self->client, &foreign, get_0,
						      sizeof(get_0), &answer, &size));
	EXPECT_STRNE("", audiomodule_client_error(self->client));
	audiomodule_list_free(list);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
}

/* Of a stream that is open; the stream is closed then: it had no other module. */
TEST_F(client, command_to_the_module_of_a_closed_stream_says_that_it_is_gone)
{
	struct audiomodule_list *list = NULL;
	char path[64];
	void *answer;
	size_t size;
	int stream;

	snprintf(path, sizeof(path), "/dev/snd/pcmC%dD0p", self->world.card);
	stream = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, stream);
	EXPECT_TRUE(eventually(!audiomodule_list_free(list) &&
			       !audiomodule_client_list(self->client, &list) &&
			       find(list, "Speaker/System@0p0")));
	close(stream);
	ASSERT_TRUE(eventually(!list_again(&self->world) &&
			       !find(self->world.list, "Speaker/System@0p0")));
	EXPECT_EQ(-ENODEV, audiomodule_client_command(self->client,
						      find(list, "Speaker/System@0p0"), get_0,
						      sizeof(get_0), &answer, &size));
	audiomodule_list_free(list);
}

/* PNP-9 */
TEST_F(client, commands_to_what_is_gone_say_so)
{
	struct audiomodule_list *list;
	struct audiomodule_event event;
	void *answer;
	size_t size;

	ASSERT_TRUE(register_late(&self->world, self->client, &list));
	/* A module. */
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
	ASSERT_TRUE(eventually(!list_again(&self->world) &&
			       !find(self->world.list, "Speaker/Late")));
	EXPECT_EQ(-ENODEV, audiomodule_client_command(self->client, find(list, "Speaker/Late"),
						      get_0, sizeof(get_0), &answer, &size));
	EXPECT_STRNE("", audiomodule_client_error(self->client));
	EXPECT_EQ(0, sleep_later(self->client, list, 0, 1));
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_ANSWER, &event));
	EXPECT_EQ(-ENODEV, event.error);
	/* A card. */
	ASSERT_EQ(0, file_write(DRIVER "/unbind", "snd-audio-module-virtual"));
	EXPECT_TRUE(eventually(!list_again(&self->world) &&
			       !find(self->world.list, "Speaker/System")));
	EXPECT_EQ(-ENODEV, audiomodule_client_command(self->client, find(list, "Speaker/System"),
						      get_0, sizeof(get_0), &answer, &size));
	ASSERT_EQ(0, file_write(DRIVER "/bind", "snd-audio-module-virtual"));
	audiomodule_list_free(list);
}

/* The C library keeps 32 and 33, the kernel KILL and STOP, and valgrind 64. */
#define BLOCKABLE	0x7ffffffe7ffbfeffULL

static int threads_with_open_signals(void)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	while (directory && (entry = readdir(directory))) {
		char path[300], text[4096];
		const char *blocked;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
		if (entry->d_name[0] == '.' || file_read(path, text, sizeof(text)))
			continue;
		blocked = strstr(text, "SigBlk:");
		count += blocked && (~strtoull(blocked + strlen("SigBlk:"), NULL, 16) & BLOCKABLE);
	}
	if (directory)
		closedir(directory);
	return count;
}

static int threads(void)
{
	DIR *directory = opendir("/proc/self/task");
	int count = -2;

	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

/* Locally it waits for the command that the module handles, and sends none of those behind. */
TEST_F(client, client_is_freed_while_commands_are_under_way)
{
	struct audiomodule_list *list;
	uint64_t begin;
	int i;

	ASSERT_TRUE(register_late(&self->world, self->client, &list));
	begin = milliseconds();
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, sleep_later(self->client, list, running_ms(), i));
	EXPECT_EQ(variant->bus ? 1 : 2, threads());
	EXPECT_TRUE(eventually(threads_with_open_signals() == 1));
	/* One that is not handled yet would not be sent any more. */
	ASSERT_TRUE(variant->bus || handler_runs(getpid()));
	usleep(SLOW_MS * 500);
	self->client = audiomodule_client_free(self->client);
	EXPECT_EQ(NULL, self->client);
	EXPECT_EQ(!variant->bus, begin + running_ms() <= milliseconds());
	EXPECT_GT(begin + 2 * running_ms(), milliseconds());
	/* The kernel lets go who waits for a thread a moment before it forgets that. */
	EXPECT_TRUE(eventually(threads() == 1));
	audiomodule_list_free(list);
	EXPECT_TRUE(eventually(!inject(self->world.card, "late", "op=unregister")));
}

/* ------------------------------------------------------------------ what comes and goes */

/* PNP-9 */
TEST_F(client, subscription_goes_on_with_a_card_that_comes_back)
{
	static struct told told;
	uint64_t journal_id = 0, start = newest(&self->world);
	struct audiomodule_event event;
	int round, gone;

	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 1));
	ASSERT_EQ(1, audiomodule_client_subscribe(self->client, "Speaker/System", NULL, NULL, 2));
	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, send_hook("endpoint=0 count=20"));
		told_begin(&told, start, FLOOD);
		/* What was sent before it went is told before it is gone, by both. */
		ASSERT_LE(0, unload_driver());
		for (gone = 0; gone < 2; ) {
			ASSERT_EQ(1, audiomodule_client_wait(self->client, PATIENCE_MS, &event)) {
				TH_LOG("%d endpoints are gone, and nothing more comes", gone);
			}
			told_event(&told, &event, 1, "Speaker");
			if (event.type != AUDIOMODULE_EVENT_GONE)
				continue;
			EXPECT_EQ(gone, event.endpoint->journal_id == journal_id);
			journal_id = event.endpoint->journal_id;
			gone++;
			if (!strcmp(event.endpoint->name, "Speaker"))
				EXPECT_EQ(start + 20, told.last);
		}
		EXPECT_EQ(20, told.matched);
		EXPECT_EQ(0, told.lost + told.bad + told.corrupt);
		/* Nothing that the client has keeps the core loaded. */
		ASSERT_TRUE(eventually(!modules_unload()));
		ASSERT_EQ(0, modules_load(""));
		self->world.card = card_find();
		/* The first that the new card sends, before anybody saw it. */
		ASSERT_EQ(0, send_hook("endpoint=0 count=5"));
		ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_APPEARED, &event));
		EXPECT_NE(journal_id, event.endpoint->journal_id);
		told_begin(&told, 0, FLOOD);
		EXPECT_TRUE(told_until(&told, self->client, 2, "Speaker", 5));
		EXPECT_EQ(5, told.matched);
		EXPECT_EQ(0, told.lost + told.bad + told.corrupt);
		EXPECT_EQ(0, audiomodule_client_unsubscribe(self->client, 1));
		ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 1));
		start = 5;
	}
}

TEST_F(client, module_that_comes_later_is_heard_from_its_first_notification_on)
{
	struct audiomodule_event event;

	ASSERT_EQ(0, audiomodule_client_subscribe(self->client, "Speaker/Late", NULL, NULL, 3));
	ASSERT_EQ(0, send_hook("endpoint=0 count=10"));
	while (audiomodule_client_wait(self->client, 500, &event) == 1)
		EXPECT_NE(AUDIOMODULE_EVENT_NOTIFICATION, event.type);
	ASSERT_EQ(0, inject(self->world.card, "late",
			    "op=register endpoint=0 instance=7 count=1"));
	EXPECT_TRUE(endpoint_event_comes(self->client, AUDIOMODULE_EVENT_CHANGED, "Speaker"));
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, &event));
	EXPECT_EQ(3, event.tag);
	ASSERT_NE(NULL, event.module);
	EXPECT_STREQ("Late", event.module->label);
	EXPECT_EQ(newest(&self->world), event.record->sequence);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
	EXPECT_TRUE(endpoint_event_comes(self->client, AUDIOMODULE_EVENT_CHANGED, "Speaker"));
	/* Another instance of the same name: the filter is another one. */
	ASSERT_EQ(0, inject(self->world.card, "late",
			    "op=register endpoint=0 instance=8 count=1"));
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, &event));
	EXPECT_EQ(8, event.record->instance_id);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
}

/* Locally nothing of it is seen. */
TEST_F(client, notifications_go_on_while_the_daemon_is_killed_and_restarted)
{
	static struct told told;
	uint64_t start = newest(&self->world);
	struct audiomodule_event event;
	int round;

	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 1));
	told_begin(&told, start, FLOOD);
	ASSERT_EQ(0, send_hook("endpoint=0 count=10"));
	EXPECT_TRUE(told_until(&told, self->client, 1, "Speaker", start + 10));
	for (round = 1; round <= 2; round++) {
		stop(&self->world.daemon, SIGKILL);
		ASSERT_EQ(0, send_hook("endpoint=0 count=50"));
		EXPECT_TRUE(told_until(&told, self->client, 1, "Speaker",
				       start + round * 90 - 30));
		ASSERT_EQ(0, send_hook("endpoint=0 count=30"));
		self->world.daemon = start_daemon(&self->world);
		ASSERT_TRUE(eventually(!list_again(&self->world)));
		ASSERT_EQ(0, send_hook("endpoint=0 count=10"));
		EXPECT_TRUE(told_until(&told, self->client, 1, "Speaker",
				       start + round * 90 + 10));
	}
	EXPECT_EQ(190, told.matched);
	EXPECT_EQ(0, told.lost + told.bad + told.corrupt);
	while (audiomodule_client_wait(self->client, 500, &event) == 1) {
		EXPECT_NE(AUDIOMODULE_EVENT_NOTIFICATION, event.type);
		EXPECT_NE(AUDIOMODULE_EVENT_APPEARED, event.type);
		EXPECT_NE(AUDIOMODULE_EVENT_GONE, event.type);
	}
}

/* How often the fd is readable in that time, and whether modules changed. */
static int count_wakeups(struct audiomodule_client *client, int timeout_ms, bool *is_changed)
{
	struct pollfd pollfd = { .fd = audiomodule_client_fd(client), .events = POLLIN };
	uint64_t now = milliseconds(), end = now + timeout_ms;
	struct audiomodule_event event;
	int count = 0;

	*is_changed = false;
	for (; now < end && poll(&pollfd, 1, end - now) == 1; now = milliseconds()) {
		while (audiomodule_client_next(client, &event) == 1)
			*is_changed |= event.type == AUDIOMODULE_EVENT_CHANGED;
		count++;
	}
	return count;
}

/* Through the daemon nothing of it is seen. */
TEST_F(client, card_that_may_not_be_opened_any_more_is_tried_again_when_its_node_changes)
{
	struct audiomodule_event event;
	bool is_changed;
	int wakeups;

	/* Before the module is there: with it, they would appear, and not change. */
	ASSERT_TRUE(endpoint_event_comes(self->client, AUDIOMODULE_EVENT_APPEARED, "Headphones"));
	while (audiomodule_client_wait(self->client, 500, &event) == 1)
		;
	ASSERT_EQ(0, setgroups(0, NULL));
	ASSERT_EQ(0, inject(self->world.card, "late", "op=register endpoint=0 instance=7"));
	ASSERT_EQ(0, setegid(NOBODY));
	ASSERT_EQ(0, seteuid(NOBODY));
	wakeups = count_wakeups(self->client, 2000, &is_changed);
	/* The daemon may take longer. */
	if (variant->bus && !is_changed)
		is_changed = endpoint_event_comes(self->client, AUDIOMODULE_EVENT_CHANGED,
						  "Speaker");
	ASSERT_EQ(0, seteuid(0));
	ASSERT_EQ(0, setegid(0));
	EXPECT_EQ(variant->bus, is_changed);
	EXPECT_TRUE(variant->bus || wakeups <= 3) {
		TH_LOG("expected at most 3 wakeups in 2 s, got %d", wakeups);
	}
	/* The mode stays what it is, and inotify tells of it. */
	ASSERT_EQ(0, system("chmod u+r /dev/snd/hwC*"));
	EXPECT_TRUE(variant->bus || endpoint_event_comes(self->client, AUDIOMODULE_EVENT_CHANGED,
							 "Speaker"));
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
}

/* Whoever may not open the devices, or not talk to the daemon, is told so, in words. */
static int subscribe_as_nobody(const struct world *world, bool bus)
{
	struct audiomodule_client *client;
	int status = 0;

	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return 1;
	if (client_new(world, bus, &client))
		return 2;
	if (audiomodule_client_subscribe(client, NULL, NULL, NULL, 0) != -EACCES)
		status = 3;
	else if (!audiomodule_client_error(client)[0])
		status = 4;
	audiomodule_client_free(client);
	return status;
}

TEST_F(client, who_may_not_is_refused_in_words)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(subscribe_as_nobody(&self->world, variant->bus));
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status) {
		TH_LOG("step %d failed", WEXITSTATUS(status));
	}
}

TEST(client_of_nothing_says_what_is_missing)
{
	struct audiomodule_client *client = (void *)1;

	EXPECT_EQ(-ENOENT, audiomodule_client_new("/nowhere/at/all", &client));
	EXPECT_EQ(NULL, client);
	client = (void *)1;
	EXPECT_EQ(-ENOENT, audiomodule_client_new_bus("unix:path=/nowhere/at/all", &client));
	EXPECT_EQ(NULL, client);
	EXPECT_EQ(NULL, audiomodule_client_free(NULL));
}

/* ------------------------------------------------------------------ of the daemon alone */

FIXTURE(daemon) {
	struct world world;
	struct audiomodule_client *client;
};

FIXTURE_SETUP(daemon)
{
	ASSERT_EQ(0, world_begin(&self->world, ""));
	ASSERT_EQ(0, audiomodule_client_new_bus(self->world.address, &self->client));
}

FIXTURE_TEARDOWN(daemon)
{
	audiomodule_client_free(self->client);
	EXPECT_EQ(0, world_end(&self->world));
}

TEST_F(daemon, that_goes_and_comes_is_told_of)
{
	struct audiomodule_event event;
	struct audiomodule_list *list;

	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_DAEMON_APPEARED, &event));
	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 1));
	stop(&self->world.daemon, SIGKILL);
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_DAEMON_GONE, &event));
	EXPECT_EQ(-EHOSTUNREACH, audiomodule_client_list(self->client, &list));
	EXPECT_STRNE("", audiomodule_client_error(self->client));
	EXPECT_EQ(-EHOSTUNREACH, audiomodule_client_subscribe(self->client, "Speaker", NULL, NULL,
							      2));
	/* The card goes and comes back meanwhile: another one, of which nothing is missed. */
	ASSERT_EQ(0, file_write(DRIVER "/unbind", "snd-audio-module-virtual"));
	ASSERT_EQ(0, file_write(DRIVER "/bind", "snd-audio-module-virtual"));
	self->world.card = card_find();
	ASSERT_EQ(0, send_hook("endpoint=1 count=3"));
	self->world.daemon = start_daemon(&self->world);
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_DAEMON_APPEARED, &event));
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, &event));
	EXPECT_STREQ("Headphones", event.endpoint->name);
	EXPECT_EQ(1, event.record->sequence);
	EXPECT_EQ(1, audiomodule_client_subscribe(self->client, "Speaker", NULL, NULL, 2));
}

TEST_F(daemon, that_is_killed_leaves_no_command_without_an_answer)
{
	struct audiomodule_event event;
	struct audiomodule_list *list;

	ASSERT_TRUE(register_late(&self->world, self->client, &list));
	/* It is still to run when the daemon is killed, however late that is. */
	ASSERT_EQ(0, sleep_later(self->client, list, running_ms(), 1));
	ASSERT_EQ(0, sleep_later(self->client, list, SLOW_MS, 2));
	stop(&self->world.daemon, SIGKILL);
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_ANSWER, &event));
	EXPECT_EQ(-ETIMEDOUT, event.error);
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_ANSWER, &event));
	EXPECT_EQ(-ETIMEDOUT, event.error);
	EXPECT_EQ(NULL, event.answer);
	/* One that is not there cannot be asked, either. */
	ASSERT_EQ(0, sleep_later(self->client, list, 0, 3));
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_ANSWER, &event));
	EXPECT_EQ(-EHOSTUNREACH, event.error);
	audiomodule_list_free(list);
	self->world.daemon = start_daemon(&self->world);
	EXPECT_TRUE(eventually(!list_again(&self->world)));
	EXPECT_TRUE(eventually(!inject(self->world.card, "late", "op=unregister")));
}

/* Behind what was read before the module came, whose notification follows at once. */
TEST_F(daemon, that_is_killed_while_it_is_asked_for_notifications_loses_none)
{
	struct audiomodule_event event;

	ASSERT_EQ(0, audiomodule_client_subscribe(self->client, "Speaker/Late", NULL, NULL, 3));
	ASSERT_EQ(0, send_hook("endpoint=0 count=10"));
	while (audiomodule_client_wait(self->client, 500, &event) == 1)
		;
	ASSERT_EQ(0, inject(self->world.card, "late",
			    "op=register endpoint=0 instance=7 count=1"));
	ASSERT_TRUE(endpoint_event_comes(self->client, AUDIOMODULE_EVENT_CHANGED, "Speaker"));
	kill(self->world.daemon, SIGSTOP);
	EXPECT_EQ(0, audiomodule_client_wait(self->client, 500, &event));
	stop(&self->world.daemon, SIGKILL);
	ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_DAEMON_GONE, &event));
	self->world.daemon = start_daemon(&self->world);
	ASSERT_TRUE(either_comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION,
				 AUDIOMODULE_EVENT_FAILED, PATIENCE_MS, &event));
	ASSERT_EQ(AUDIOMODULE_EVENT_NOTIFICATION, event.type) {
		TH_LOG("error %d", event.error);
	}
	EXPECT_EQ(3, event.tag);
	EXPECT_EQ(newest(&self->world), event.record->sequence);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
}

TEST_F(daemon, that_comes_after_its_client_is_told_of)
{
	struct audiomodule_client *client;
	struct audiomodule_event event;

	stop(&self->world.daemon, SIGTERM);
	ASSERT_EQ(0, audiomodule_client_new_bus(self->world.address, &client));
	EXPECT_EQ(0, audiomodule_client_wait(client, 500, &event));
	self->world.daemon = start_daemon(&self->world);
	EXPECT_TRUE(event_comes(client, AUDIOMODULE_EVENT_DAEMON_APPEARED, &event));
	EXPECT_TRUE(endpoint_event_comes(client, AUDIOMODULE_EVENT_APPEARED, "Headphones"));
	audiomodule_client_free(client);
}

/* A subscription that does not get what comes later is told why. */
TEST_F(daemon, that_cannot_give_notifications_of_a_new_card_says_so)
{
	struct audiomodule_event event;
	struct rlimit old;
	int i;

	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 5));
	ASSERT_EQ(0, file_write(DRIVER "/unbind", "snd-audio-module-virtual"));
	for (i = 0; i < 2; i++)
		ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_GONE, &event));
	ASSERT_TRUE(eventually(objects_get("notification_fds") ==
			       self->world.machine.notification_fds));
	/* Enough to look at a card, not to subscribe besides. */
	ASSERT_EQ(0, limit_daemon_fds(&self->world, 2, &old));
	ASSERT_EQ(0, file_write(DRIVER "/bind", "snd-audio-module-virtual"));
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(event_comes(self->client, AUDIOMODULE_EVENT_FAILED, &event));
		EXPECT_EQ(5, event.tag);
		EXPECT_EQ(-EMFILE, event.error);
		EXPECT_NE(NULL, event.endpoint);
	}
	ASSERT_EQ(0, prlimit(self->world.daemon, RLIMIT_NOFILE, &old, NULL));
	EXPECT_EQ(0, audiomodule_client_unsubscribe(self->client, 5));
	EXPECT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 5));
}

TEST_F(daemon, bus_that_goes_ends_its_client)
{
	struct pollfd pollfd = { .fd = audiomodule_client_fd(self->client), .events = POLLIN };
	struct audiomodule_event event;
	int r, i;

	ASSERT_EQ(2, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 1));
	stop(&self->world.bus_daemon, SIGKILL);
	do {
		r = audiomodule_client_wait(self->client, PATIENCE_MS, &event);
	} while (r == 1);
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(r == -ECONNRESET || r == -ENOTCONN) {
			TH_LOG("it says %d", r);
		}
		EXPECT_EQ(1, poll(&pollfd, 1, 0));
		r = audiomodule_client_next(self->client, &event);
	}
	EXPECT_STRNE("", audiomodule_client_error(self->client));
	/* The daemon ends with its bus, too; a new pair for the teardown. */
	stop(&self->world.daemon, SIGKILL);
	EXPECT_EQ(0, world_connect(&self->world));
}

TEST_HARNESS_MAIN
