// SPDX-License-Identifier: GPL-2.0
/*
 * audiomoduled and libaudiomodule-bus on a real bus: each test has a dbus-daemon of its own, with
 * the system's configuration and the policy that is installed, and an audiomoduled on it. What the
 * daemon says is compared with what the kernel says; what is counted must add up.
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
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <alsa/asoundlib.h>
#include <audiomodule-bus.h>
#include <systemd/sd-bus.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"
#include "told.h"
#include "world.h"

#define NAME		"org.audiomodule1"
#define ROOT		"/org/audiomodule1"
#define ENDPOINT	"org.audiomodule1.Endpoint"
#define MODULE		"org.audiomodule1.Module"
#define ERROR		"org.audiomodule1.Error."
#define INVALID_ARGS	"org.freedesktop.DBus.Error.InvalidArgs"

#define POLKIT		"org.freedesktop.PolicyKit1"

#define HUNDREDS_MS	(90000 * slowness())	/* hundreds of what must come have come */
#define LARGE_JOURNAL	"journal_size=33554432"
#define FOREIGN_TEXT	"01234567-89ab-cdef-0123-456789abcdef"
#define NOBODY		65534

/* ------------------------------------------------------------------ connections */

static int count_modules(const struct world *world)
{
	int count = 0;

	while (world->list && audiomodule_list_module(world->list, count))
		count++;
	return count;
}

/* A connection without the library. */
static sd_bus *connect_to(const struct world *world)
{
	sd_bus *bus = NULL;

	if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, world->address) < 0 ||
	    sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0)
		return sd_bus_unref(bus);
	return bus;
}

#define call(bus, path, method, error, reply, ...) \
	sd_bus_call_method(bus, NAME, path, ENDPOINT, method, error, reply, __VA_ARGS__)

/* The same, without an answer. */
#define call_later(bus, path, method, ...) \
	sd_bus_call_method_async(bus, NULL, NAME, path, ENDPOINT, method, NULL, NULL, __VA_ARGS__)

/* When the daemon has answered, all that it sent before has arrived, too. */
static int barrier(sd_bus *bus)
{
	return sd_bus_call_method(bus, NAME, "/", "org.freedesktop.DBus.Peer", "Ping", NULL, NULL,
				  NULL);
}

/* What the bus itself answers comes behind all that it has for this connection. */
static int bus_barrier(sd_bus *bus)
{
	return sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
				  "org.freedesktop.DBus", "GetId", NULL, NULL, NULL);
}

/*
 * A client's calls that need to be allowed are so in their order: behind this one, those before it
 * have reached their method.
 */
static int authorized(sd_bus *bus, struct world *world)
{
	return sd_bus_call_method(bus, NAME, world->speaker, ENDPOINT, "AcquireNotifications", NULL,
				  NULL, "a{sv}", 0);
}

static bool is_message(sd_bus_message *message, uint8_t type, const char *interface,
		       const char *member)
{
	if (type == SD_BUS_MESSAGE_SIGNAL)
		return sd_bus_message_is_signal(message, interface, member) > 0;
	return sd_bus_message_is_method_call(message, interface, member) > 0;
}

static sd_bus_message *next_message(sd_bus *bus, uint8_t type, const char *interface,
				    const char *member, int timeout_ms)
{
	uint64_t end = milliseconds() + timeout_ms;
	sd_bus_message *message = NULL;
	int r;

	for (;;) {
		r = sd_bus_process(bus, &message);
		if (r < 0)
			return NULL;
		if (message && is_message(message, type, interface, member))
			return message;
		message = sd_bus_message_unref(message);
		if (!r && milliseconds() >= end)
			return NULL;
		if (!r)
			sd_bus_wait(bus, 20000);
	}
}

/* The next message of this name from an endpoint; NULL: none came in time. */
static sd_bus_message *next_signal(sd_bus *bus, const char *member, int timeout_ms)
{
	return next_message(bus, SD_BUS_MESSAGE_SIGNAL, ENDPOINT, member, timeout_ms);
}

/* The next event of the library: 1, 0 when none came in time, or -errno. */
static int next_event(struct audiomodule_bus *bus, struct audiomodule_bus_event *event,
		      int timeout_ms)
{
	uint64_t end = milliseconds() + timeout_ms;

	for (;;) {
		struct pollfd pollfd = {
			audiomodule_bus_fd(bus), audiomodule_bus_poll_events(bus), 0
		};
		int r = audiomodule_bus_next(bus, event);

		if (r || milliseconds() >= end)
			return r;
		poll(&pollfd, 1, 20);
	}
}

/* Wait for an event of this type, past others. */
static bool event_comes(struct audiomodule_bus *bus, enum audiomodule_bus_event_type type)
{
	struct audiomodule_bus_event event;

	while (next_event(bus, &event, PATIENCE_MS) == 1)
		if (event.type == type)
			return true;
	return false;
}

/* Wait for a record of this type, past others. */
static bool record_comes(struct audiomodule_bus *bus, const char *path,
			 enum audiomodule_record_type type)
{
	struct audiomodule_bus_event event;

	while (next_event(bus, &event, PATIENCE_MS) == 1)
		if (event.type == AUDIOMODULE_BUS_RECORD && event.record.type == type &&
		    !strcmp(event.object_path, path))
			return true;
	return false;
}

/* ------------------------------------------------------------------ a world */

FIXTURE(bus) {
	struct world world;
};

FIXTURE_SETUP(bus)
{
	ASSERT_EQ(0, world_begin(&self->world, ""));
}

FIXTURE_TEARDOWN(bus)
{
	EXPECT_EQ(0, world_end(&self->world));
}

FIXTURE(large) {
	struct world world;
};

FIXTURE_SETUP(large)
{
	ASSERT_EQ(0, world_begin(&self->world, LARGE_JOURNAL));
}

FIXTURE_TEARDOWN(large)
{
	EXPECT_EQ(0, world_end(&self->world));
}

/* A bus that allows each connection less: what its limits do is seen with few clients. */
FIXTURE(tight) {
	struct world world;
};

FIXTURE_SETUP(tight)
{
	self->world.configuration = "<limit name=\"max_match_rules_per_connection\">8</limit>"
		"<limit name=\"max_replies_per_connection\">8</limit>"
		"<policy user=\"root\"><allow own=\"" POLKIT "\"/>"
		"<allow send_destination=\"" POLKIT "\"/></policy>";
	ASSERT_EQ(0, world_begin(&self->world, ""));
}

FIXTURE_TEARDOWN(tight)
{
	EXPECT_EQ(0, world_end(&self->world));
}

/* ------------------------------------------------------------------ what a client was told */

/* Take signals of an endpoint until one at or behind @last was told of: did it come? */
static bool told_until(struct told *told, struct audiomodule_bus *bus, const char *path,
		       uint64_t last)
{
	struct audiomodule_bus_event event;

	while (told->last < last) {
		if (next_event(bus, &event, PATIENCE_MS) != 1)
			return false;
		if (event.type == AUDIOMODULE_BUS_RECORD && !strcmp(event.object_path, path))
			told_record(told, &event.record);
	}
	return true;
}

/* Is something in the queue that the daemon should not have sent? */
static bool told_nothing_more(struct audiomodule_bus *bus)
{
	struct audiomodule_bus_event event;
	struct audiomodule_list *list;
	int r;

	/* A call as a barrier: what was sent before its answer has arrived. */
	if (audiomodule_bus_list(bus, &list))
		return false;
	audiomodule_list_free(list);
	do {
		r = audiomodule_bus_next(bus, &event);
	} while (r == 1 && event.type != AUDIOMODULE_BUS_RECORD);
	return r == 0;
}

/* Read a notification fd until nothing is left: 0, or what ended it. */
static int told_drain(struct told *told, struct audiomodule_subscription *subscription)
{
	struct audiomodule_record record;
	int r;

	while ((r = audiomodule_subscription_next(subscription, &record)) > 0)
		told_record(told, &record);
	return r;
}

/* What was measured, for people: a comment of TAP. */
#define figures(format, ...) do { \
	printf("# " format "\n", __VA_ARGS__); \
	fflush(stdout); \
} while (0)

/* ------------------------------------------------------------------ sending */

#define send_hook(...) inject(self->world.card, "send", __VA_ARGS__)

static uint64_t newest(const struct world *world)
{
	struct snd_audio_module_info info;

	return info_get(world->card, &info) ? 0 : info.newest_sequence;
}

/* A subscription of the kernel's own, to compare with. */
static struct audiomodule_subscription *subscribe_local(const struct world *world,
							const struct audiomodule_filter *filter)
{
	struct audiomodule_subscription *subscription = NULL;
	struct audiomodule *card;

	if (!audiomodule_open(NULL, world->card, &card))
		audiomodule_subscribe(card, filter, NULL, &subscription);
	audiomodule_close(card);
	return subscription;
}

static const struct audiomodule_module *find_module(const struct audiomodule_list *list,
						    const char *path, const char *label)
{
	const struct audiomodule_module *module;
	size_t i;

	for (i = 0; (module = audiomodule_list_module(list, i)); i++)
		if (!strcmp(module->endpoint->object_path, path) && !strcmp(module->label, label))
			return module;
	return NULL;
}

/* Nothing that the daemon holds for clients is left: it has one notification fd for each card. */
static bool only_the_cards_fd(const struct world *world)
{
	return objects_get("notification_fds") == world->machine.notification_fds + 1;
}

/* ------------------------------------------------------------------ objects */

static bool same_endpoint(const struct audiomodule_endpoint *a,
			  const struct audiomodule_endpoint *b)
{
	return audiomodule_guid_equal(&a->device_id, &b->device_id) && !strcmp(a->name, b->name) &&
	       a->card == b->card && !strcmp(a->card_id, b->card_id) &&
	       a->journal_id == b->journal_id && a->index == b->index &&
	       a->playback_devices == b->playback_devices &&
	       a->capture_devices == b->capture_devices;
}

static bool same_module(const struct audiomodule_module *a, const struct audiomodule_module *b)
{
	return same_endpoint(a->endpoint, b->endpoint) &&
	       audiomodule_guid_equal(&a->class_id, &b->class_id) &&
	       a->instance_id == b->instance_id && a->version_major == b->version_major &&
	       a->version_minor == b->version_minor && !strcmp(a->label, b->label) &&
	       !strcmp(a->name, b->name) && a->index == b->index;
}

/* section 7 */
TEST_F(bus, objects_say_what_the_kernel_says)
{
	const struct audiomodule_endpoint *endpoint;
	const struct audiomodule_module *module;
	struct snd_audio_module_info info;
	struct audiomodule_list *local;
	size_t i;

	ASSERT_EQ(0, audiomodule_list_all(NULL, &local));
	ASSERT_EQ(0, info_get(self->world.card, &info));
	for (i = 0; (endpoint = audiomodule_list_endpoint(local, i)); i++) {
		ASSERT_NE(NULL, audiomodule_list_endpoint(self->world.list, i));
		EXPECT_TRUE(same_endpoint(endpoint,
					  audiomodule_list_endpoint(self->world.list, i))) {
			TH_LOG("endpoint %zu is another one", i);
		}
		EXPECT_EQ(info.journal_id, endpoint->journal_id);
		EXPECT_EQ(1 << i, endpoint->playback_devices);
	}
	EXPECT_EQ(2, i);
	EXPECT_EQ(NULL, audiomodule_list_endpoint(self->world.list, i));
	for (i = 0; (module = audiomodule_list_module(local, i)); i++) {
		ASSERT_NE(NULL, audiomodule_list_module(self->world.list, i));
		EXPECT_TRUE(same_module(module, audiomodule_list_module(self->world.list, i))) {
			TH_LOG("module %zu is another one", i);
		}
	}
	EXPECT_EQ(8, i);
	EXPECT_EQ(NULL, audiomodule_list_module(self->world.list, i));

	endpoint = audiomodule_list_endpoint(self->world.list, 0);
	EXPECT_STREQ(self->world.speaker, endpoint->object_path);
	EXPECT_EQ(0, memcmp(speaker_id, endpoint->device_id.bytes, 16));
	module = find_module(self->world.list, self->world.speaker, "EQ Movie");
	ASSERT_NE(NULL, module);
	EXPECT_STREQ("Speaker endpoint, EQ effect module, Movie mode", module->name);
	EXPECT_EQ(0, memcmp(module_class[1], module->class_id.bytes, 16));
	EXPECT_EQ(2, module->version_major);
	EXPECT_EQ(1, module->version_minor);
	audiomodule_list_free(local);
}

/* Modules of one answer: how many, and all of them below the path? -1 when not. */
static int count_paths(sd_bus_message *reply, const char *below)
{
	const char *path;
	int count = 0;

	if (sd_bus_message_enter_container(reply, 'a', "o") < 0)
		return -1;
	while (sd_bus_message_read_basic(reply, 'o', &path) > 0) {
		if (strncmp(path, below, strlen(below)) || path[strlen(below)] != '/')
			return -1;
		count++;
	}
	return count;
}

/* Its byte 64 is the first of two: an error that quoted so many would be no text. */
#define CUT_IN_A_CHARACTER "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u00e9"

/* UWP-4 */
TEST_F(bus, modules_are_found_by_class_in_any_spelling)
{
	static const struct {
		const char *text;
		int count;	/* -1: refused */
	} table[] = {
		{ "5CE55C8E-84DF-4317-98C7-792DE83366CC", 2 },
		{ "{5ce55c8e-84df-4317-98c7-792de83366cc}", 2 },
		{ "e24c8b6f-ede7-4255-8b39-77976015d593", 1 },
		{ "CC2A9527-19D9-4784-8DD4-6C1FE01E3726", 0 },	/* of the headphones */
		{ "00000000-0000-0000-0000-000000000000", 0 },
		{ "", -1 },
		{ "5CE55C8E", -1 },
		{ "{5CE55C8E-84DF-4317-98C7-792DE83366CC", -1 },
		{ "%s%n", -1 },
		{ CUT_IN_A_CHARACTER, -1 },
	};
	sd_bus *bus = connect_to(&self->world);
	sd_bus_message *reply = NULL;
	size_t i;

	ASSERT_NE(NULL, bus);
	ASSERT_LE(0, call(bus, self->world.speaker, "FindAll", NULL, &reply, NULL));
	EXPECT_EQ(4, count_paths(reply, self->world.speaker));
	sd_bus_message_unref(reply);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		sd_bus_error error = SD_BUS_ERROR_NULL;
		int r = call(bus, self->world.speaker, "FindAllById", &error, &reply, "s",
			     table[i].text);

		EXPECT_STREQ(table[i].count < 0 ? ERROR "InvalidArgument" : "success",
			     error.name ?: "success");
		if (r >= 0) {
			EXPECT_EQ(table[i].count, count_paths(reply, self->world.speaker)) {
				TH_LOG("class_id \"%s\"", table[i].text);
			}
			sd_bus_message_unref(reply);
		}
		sd_bus_error_free(&error);
	}
	sd_bus_flush_close_unref(bus);
}

/* ------------------------------------------------------------------ subscribing */

/* One NotificationReceived. */
struct signal {
	const char *module;
	const char *class_id;
	uint32_t instance_id;
	const char *notification_id;
	uint64_t sequence;
	uint64_t timestamp;
	const void *data;
	size_t size;
};

static int signal_read(sd_bus_message *message, struct signal *signal)
{
	int r = sd_bus_message_has_signature(message, "osusttay") > 0 ? 0 : -EBADMSG;

	if (!r)
		r = sd_bus_message_read(message, "osustt", &signal->module, &signal->class_id,
					&signal->instance_id, &signal->notification_id,
					&signal->sequence, &signal->timestamp);
	return r < 0 ? r : sd_bus_message_read_array(message, 'y', &signal->data, &signal->size);
}

static const struct {
	const char *line;
	const char *label;	/* of the module whose it is; NULL: no module's */
	size_t size;		/* of the vendor's data */
} sends[] = {
	{ "endpoint=0 module=0 size=40", "System", 0 },
	{ "endpoint=0 module=1 size=41", "EQ Movie", 1 },
	{ "endpoint=0 module=2 size=104", "EQ Default", 64 },
	{ "endpoint=0 module=0 size=64040", "System", 64000 },
	{ "endpoint=0 module=1 size=47 method=portcls", "EQ Movie", 7 },
	{ "endpoint=0 module=1 size=8 method=portcls id=" FOREIGN_TEXT, NULL, 8 },
	{ "endpoint=0 module=1 size=300 method=portcls id=" FOREIGN_TEXT, NULL, 300 },
};

/* UWP-2 */
TEST_F(bus, signal_says_what_the_record_says)
{
	struct audiomodule_subscription *local = subscribe_local(&self->world, NULL);
	sd_bus *bus = connect_to(&self->world);
	struct audiomodule_record record;
	size_t i;

	ASSERT_NE(NULL, local);
	ASSERT_NE(NULL, bus);
	ASSERT_LE(0, call(bus, self->world.speaker, "Subscribe", NULL, NULL, "a{sv}", 0));
	for (i = 0; i < ARRAY_SIZE(sends); i++) {
		char class_id[AUDIOMODULE_GUID_TEXT_SIZE] = "", id[AUDIOMODULE_GUID_TEXT_SIZE];
		const char *path = "/";
		sd_bus_message *message;
		struct signal signal;

		ASSERT_EQ(0, send_hook("%s", sends[i].line));
		ASSERT_EQ(1, audiomodule_subscription_next(local, &record));
		if (sends[i].label) {
			path = find_module(self->world.list, self->world.speaker,
					   sends[i].label)->object_path;
			audiomodule_guid_format(&record.class_id, class_id);
		}
		audiomodule_guid_format(&record.notification_id, id);
		message = next_signal(bus, "NotificationReceived", PATIENCE_MS);
		ASSERT_NE(NULL, message);
		ASSERT_LE(0, signal_read(message, &signal));
		EXPECT_STREQ(self->world.speaker, sd_bus_message_get_path(message));
		EXPECT_STREQ(path, signal.module);
		EXPECT_STREQ(class_id, signal.class_id);
		EXPECT_EQ(record.instance_id, signal.instance_id);
		EXPECT_STREQ(id, signal.notification_id);
		EXPECT_EQ(record.sequence, signal.sequence);
		EXPECT_EQ(record.timestamp, signal.timestamp);
		ASSERT_EQ(sends[i].size, signal.size);
		ASSERT_EQ(record.tail_size, signal.size);
		EXPECT_EQ(0, memcmp(record.tail, signal.data, signal.size)) {
			TH_LOG("other bytes for \"%s\"", sends[i].line);
		}
		sd_bus_message_unref(message);
	}
	audiomodule_subscription_free(local);
	sd_bus_flush_close_unref(bus);
}

/*
 * UWP-2, UWP-8: of a module that nobody can find, as a stream's on Windows, an application hears
 * all the same: whose it was, and the vendor's bytes.
 */
TEST_F(bus, notification_of_an_unknown_module_is_delivered)
{
	sd_bus *bus = connect_to(&self->world);
	int hook = portcls_open(self->world.card);
	char class_id[AUDIOMODULE_GUID_TEXT_SIZE];
	struct audiomodule_guid eq;
	sd_bus_message *message;
	struct signal signal;

	ASSERT_NE(NULL, bus);
	ASSERT_LE(0, hook);
	memcpy(eq.bytes, module_class[1], 16);
	audiomodule_guid_format(&eq, class_id);
	ASSERT_LE(0, call(bus, self->world.speaker, "Subscribe", NULL, NULL, "a{sv}", 0));
	ASSERT_EQ(0, portcls_do(hook, NULL, 0, "op=alloc size=52"));
	ASSERT_EQ(0, portcls_do(hook, NULL, 0, "op=fill module=1 instance=9 unknown=1"));
	ASSERT_EQ(0, portcls_do(hook, NULL, 0, "op=send"));
	ASSERT_EQ(0, portcls_do(hook, NULL, 0, "op=free"));
	message = next_signal(bus, "NotificationReceived", PATIENCE_MS);
	ASSERT_NE(NULL, message);
	ASSERT_LE(0, signal_read(message, &signal));
	EXPECT_STREQ("/", signal.module);
	EXPECT_STREQ(class_id, signal.class_id);
	EXPECT_EQ(0xa5a5a5a5, signal.instance_id);
	EXPECT_EQ(12, signal.size);
	EXPECT_TRUE(vendor_intact(signal.data, signal.size));
	sd_bus_message_unref(message);
	sd_bus_flush_close_unref(bus);
	close(hook);
}

TEST_F(bus, signals_go_to_subscribers_only)
{
	sd_bus *subscriber = connect_to(&self->world);
	sd_bus *other_endpoint = connect_to(&self->world);
	sd_bus *listener = connect_to(&self->world);
	sd_bus_message *message;
	int i;

	ASSERT_TRUE(subscriber && other_endpoint && listener);
	ASSERT_LE(0, sd_bus_add_match(listener, NULL, "type='signal'", NULL, NULL));
	ASSERT_LE(0, call(subscriber, self->world.speaker, "Subscribe", NULL, NULL, "a{sv}", 0));
	ASSERT_LE(0, call(other_endpoint, self->world.headphones, "Subscribe", NULL, NULL,
			  "a{sv}", 0));
	ASSERT_EQ(0, send_hook("count=3 endpoint=0"));
	for (i = 0; i < 3; i++) {
		message = next_signal(subscriber, "NotificationReceived", PATIENCE_MS);
		EXPECT_NE(NULL, message);
		sd_bus_message_unref(message);
	}
	ASSERT_LE(0, barrier(listener));
	ASSERT_LE(0, barrier(other_endpoint));
	EXPECT_EQ(NULL, next_signal(listener, "NotificationReceived", 0));
	EXPECT_EQ(NULL, next_signal(other_endpoint, "NotificationReceived", 0));
	/* The headphones' subscriber is one. */
	ASSERT_EQ(0, send_hook("count=1 endpoint=1"));
	message = next_signal(other_endpoint, "NotificationReceived", PATIENCE_MS);
	EXPECT_NE(NULL, message);
	sd_bus_message_unref(message);
	sd_bus_flush_close_unref(subscriber);
	sd_bus_flush_close_unref(other_endpoint);
	sd_bus_flush_close_unref(listener);
}

static int set_parameter(int card, const char *name, unsigned int item)
{
	snd_ctl_elem_value_t *value;
	char device[16];
	snd_ctl_t *ctl;
	int err;

	snprintf(device, sizeof(device), "hw:%d", card);
	err = snd_ctl_open(&ctl, device, 0);
	if (err < 0)
		return err;
	snd_ctl_elem_value_alloca(&value);
	snd_ctl_elem_value_set_interface(value, SND_CTL_ELEM_IFACE_MIXER);
	snd_ctl_elem_value_set_name(value, name);
	snd_ctl_elem_value_set_enumerated(value, 0, item);
	err = snd_ctl_elem_write(ctl, value);
	snd_ctl_close(ctl);
	snd_config_update_free_global();
	return err;
}

/* UWP-5 */
TEST_F(bus, who_changes_a_parameter_hears_of_it_too)
{
	struct snd_audio_module_virtual_parameter parameter;
	struct audiomodule_bus_event event;

	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       NULL));
	ASSERT_LE(0, set_parameter(self->world.card, "Speaker EQ Movie Parameter1", 2));
	ASSERT_EQ(1, next_event(self->world.bus, &event, PATIENCE_MS));
	ASSERT_EQ(AUDIOMODULE_BUS_RECORD, event.type);
	ASSERT_EQ(sizeof(parameter), event.record.tail_size);
	memcpy(&parameter, event.record.tail, sizeof(parameter));
	EXPECT_EQ(0, parameter.type);
	EXPECT_EQ(0, parameter.parameter);
	EXPECT_EQ(0, memcmp(module_class[1], event.record.class_id.bytes, 16));
}

/* UWP-3 */
TEST_F(bus, filters_let_pass_what_the_kernel_lets_pass)
{
	struct audiomodule_filter filters[5] = {
		{ .match = AUDIOMODULE_MATCH_CLASS_ID },
		{ .match = AUDIOMODULE_MATCH_CLASS_ID | AUDIOMODULE_MATCH_INSTANCE_ID,
		  .instance_id = 0x01000000 },
		{ .match = AUDIOMODULE_MATCH_INSTANCE_ID, .instance_id = 0 },
		{ .match = AUDIOMODULE_MATCH_NOTIFICATION_ID },
		{ .match = AUDIOMODULE_MATCH_CLASS_ID },
	};
	static const int expected[] = { 2, 1, 4, 2, 0 };
	size_t i;

	for (i = 0; i < 2; i++)
		memcpy(filters[i].class_id.bytes, module_class[1], 16);
	ASSERT_EQ(0, audiomodule_guid_parse(FOREIGN_TEXT, &filters[3].notification_id));
	memcpy(filters[4].class_id.bytes, module_class[2], 16);
	for (i = 0; i < ARRAY_SIZE(filters); i++) {
		struct audiomodule_filter filter = filters[i];
		struct audiomodule_subscription *local;
		struct audiomodule_bus_event event;
		struct audiomodule_record record;
		int count = 0;

		filter.match |= AUDIOMODULE_MATCH_DEVICE_ID;
		memcpy(filter.device_id.bytes, speaker_id, 16);
		local = subscribe_local(&self->world, &filter);
		ASSERT_NE(NULL, local);
		ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker,
						       &filters[i], NULL, NULL));
		/* System twice, EQ Movie and EQ Default once, a foreign id twice; the meter: 0. */
		ASSERT_EQ(0, send_hook("endpoint=0 module=0 count=2"));
		ASSERT_EQ(0, send_hook("endpoint=0 module=1"));
		ASSERT_EQ(0, send_hook("endpoint=0 module=2"));
		ASSERT_EQ(0, send_hook("endpoint=0 module=1 method=portcls count=2 id="
				       FOREIGN_TEXT));
		ASSERT_EQ(0, send_hook("endpoint=1 module=1 count=5"));
		ASSERT_EQ(0, send_hook("endpoint=0 module=0 size=48"));
		for (; audiomodule_subscription_next(local, &record) == 1; count++) {
			ASSERT_EQ(1, next_event(self->world.bus, &event, PATIENCE_MS)) {
				TH_LOG("filter %zu: sequence %llu does not come", i,
				       (unsigned long long)record.sequence);
			}
			EXPECT_EQ(record.sequence, event.record.sequence);
		}
		EXPECT_EQ(expected[i], count) {
			TH_LOG("filter %zu", i);
		}
		audiomodule_subscription_free(local);
		EXPECT_TRUE(told_nothing_more(self->world.bus));
		ASSERT_EQ(0, audiomodule_bus_unsubscribe(self->world.bus, self->world.speaker));
	}
}

TEST_F(bus, subscription_resumes_behind_a_position)
{
	struct audiomodule_position after, start;
	static struct told told;

	ASSERT_EQ(0, send_hook("endpoint=0 count=20"));
	after.journal_id = audiomodule_list_endpoint(self->world.list, 0)->journal_id;
	after.sequence = newest(&self->world) - 12;
	told_begin(&told, after.sequence, FLOOD);
	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, &after,
					       &start));
	EXPECT_EQ(after.journal_id, start.journal_id);
	EXPECT_EQ(after.sequence, start.sequence);
	EXPECT_TRUE(told_until(&told, self->world.bus, self->world.speaker, after.sequence + 12));
	EXPECT_EQ(12, told.matched);
	EXPECT_EQ(0, told.lost + told.bad + told.corrupt);
	ASSERT_EQ(0, audiomodule_bus_unsubscribe(self->world.bus, self->world.speaker));

	/* What was overwritten since is told, to the last one. */
	ASSERT_EQ(0, send_hook("endpoint=0 count=400 size=4096"));
	told_begin(&told, after.sequence, FLOOD);
	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, &after,
					       &start));
	EXPECT_TRUE(told_until(&told, self->world.bus, self->world.speaker,
			       newest(&self->world)));
	EXPECT_EQ(412, told.matched + told.lost);
	EXPECT_LT(100, told.lost);
	EXPECT_EQ(1, told.ranges);
	EXPECT_EQ(0, told.bad + told.corrupt);
}

/* PNP-8 */
TEST_F(bus, unsubscribe_is_final)
{
	static struct told told;
	sd_bus *bus = connect_to(&self->world);
	sd_bus_error error = SD_BUS_ERROR_NULL;
	struct audiomodule_position start;
	sd_bus_message *signal;

	ASSERT_NE(NULL, bus);
	ASSERT_LE(0, call(bus, self->world.speaker, "Subscribe", NULL, NULL, "a{sv}", 0));
	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       &start));
	told_begin(&told, start.sequence, FLOOD);
	ASSERT_EQ(0, send_hook("endpoint=0 count=200"));
	ASSERT_LE(0, call(bus, self->world.speaker, "Unsubscribe", NULL, NULL, NULL));
	/* What came before the answer */
	while ((signal = next_signal(bus, "NotificationReceived", 0)))
		sd_bus_message_unref(signal);
	ASSERT_EQ(0, send_hook("endpoint=0 count=200"));
	EXPECT_TRUE(told_until(&told, self->world.bus, self->world.speaker, start.sequence + 400));
	ASSERT_LE(0, barrier(bus));
	EXPECT_EQ(NULL, next_signal(bus, NULL, 0));
	EXPECT_GT(0, call(bus, self->world.speaker, "Unsubscribe", &error, NULL, NULL));
	EXPECT_STREQ(ERROR "NotSubscribed", error.name ?: "success");
	sd_bus_error_free(&error);
	EXPECT_EQ(-ENOENT, audiomodule_bus_unsubscribe(self->world.bus, self->world.headphones));
	sd_bus_flush_close_unref(bus);
}

TEST_F(bus, clients_that_leave_are_forgotten)
{
	int fds = daemon_fds(&self->world);
	sd_bus *buses[4];
	size_t i;

	ASSERT_TRUE(only_the_cards_fd(&self->world));
	for (i = 0; i < ARRAY_SIZE(buses); i++) {
		buses[i] = connect_to(&self->world);
		ASSERT_NE(NULL, buses[i]);
		ASSERT_LE(0, call(buses[i], self->world.speaker, "Subscribe", NULL, NULL,
				  "a{sv}", 0));
		ASSERT_LE(0, call(buses[i], self->world.headphones, "Subscribe", NULL, NULL,
				  "a{sv}", 0));
	}
	EXPECT_EQ(fds + 8, daemon_fds(&self->world));
	EXPECT_EQ(self->world.machine.notification_fds + 9, objects_get("notification_fds"));
	ASSERT_LE(0, call(buses[0], self->world.speaker, "Unsubscribe", NULL, NULL, NULL));
	EXPECT_EQ(fds + 7, daemon_fds(&self->world));
	for (i = 0; i < ARRAY_SIZE(buses); i++)
		sd_bus_flush_close_unref(buses[i]);
	EXPECT_TRUE(eventually(only_the_cards_fd(&self->world))) {
		TH_LOG("%d notification fds instead of 1", objects_get("notification_fds"));
	}
	EXPECT_EQ(fds, daemon_fds(&self->world));
}

TEST_F(tight, more_clients_are_followed_than_there_may_be_match_rules)
{
	sd_bus *buses[20];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(buses); i++) {
		buses[i] = connect_to(&self->world);
		ASSERT_NE(NULL, buses[i]);
		ASSERT_LE(0, call(buses[i], self->world.speaker, "Subscribe", NULL, NULL,
				  "a{sv}", 0)) {
			TH_LOG("client %zu is not taken", i);
		}
	}
	EXPECT_EQ(self->world.machine.notification_fds + 1 + (int)ARRAY_SIZE(buses),
		  objects_get("notification_fds"));
	for (i = 0; i < ARRAY_SIZE(buses); i++)
		sd_bus_flush_close_unref(buses[i]);
	EXPECT_TRUE(eventually(only_the_cards_fd(&self->world))) {
		TH_LOG("%d notification fds instead of 1", objects_get("notification_fds"));
	}
}

/* The call is authorized, and comes to its method, before or behind the news that he left. */
TEST_F(bus, client_that_leaves_while_it_subscribes_is_forgotten)
{
	sd_bus *bus;
	int i;

	for (i = 0; i < 50; i++) {
		bus = connect_to(&self->world);
		ASSERT_NE(NULL, bus);
		ASSERT_LE(0, call_later(bus, self->world.speaker, "Subscribe", "a{sv}", 0));
		ASSERT_LE(0, sd_bus_flush(bus));
		usleep(i * 100);
		sd_bus_close_unref(bus);
	}
	ASSERT_EQ(0, list_again(&self->world));
	EXPECT_TRUE(eventually(only_the_cards_fd(&self->world))) {
		TH_LOG("%d notification fds instead of 1", objects_get("notification_fds"));
	}
}

/* A call whose options must be refused with this error, which has to name @word. */
#define refused(wanted, word, ...) do { \
	sd_bus_error error = SD_BUS_ERROR_NULL; \
	EXPECT_GT(0, call(bus, self->world.speaker, method, &error, NULL, __VA_ARGS__)); \
	EXPECT_STREQ(wanted, error.name ?: "success"); \
	EXPECT_NE(NULL, strstr(error.message ?: "", word)) { \
		TH_LOG("\"%s\" does not name \"%s\"", error.message ?: "", word); \
	} \
	sd_bus_error_free(&error); \
} while (0)

TEST_F(bus, wrong_options_are_refused_and_named)
{
	static const char *const methods[] = { "Subscribe", "AcquireNotifications" };
	static const char class_id[] = "5CE55C8E-84DF-4317-98C7-792DE83366CC";
	uint64_t journal_id = audiomodule_list_endpoint(self->world.list, 0)->journal_id;
	sd_bus *bus = connect_to(&self->world);
	int fds = daemon_fds(&self->world);
	size_t i;

	ASSERT_NE(NULL, bus);
	ASSERT_EQ(0, send_hook("count=5"));
	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		const char *method = methods[i];

		refused(ERROR "UnknownOption", "colour", "a{sv}", 1, "colour", "s", "red");
		refused(ERROR "UnknownOption", "Class_id", "a{sv}", 2, "class_id", "s", class_id,
			"Class_id", "s", class_id);
		refused(ERROR "UnknownOption", "aaa\"", "a{sv}", 1, CUT_IN_A_CHARACTER, "s", "");
		refused(ERROR "InvalidArgument", "class_id", "a{sv}", 1, "class_id", "s",
			CUT_IN_A_CHARACTER);
		refused(ERROR "InvalidArgument", "class_id", "a{sv}", 1, "class_id", "u", 5);
		refused(ERROR "InvalidArgument", "class_id", "a{sv}", 1, "class_id", "s", "5CE5");
		refused(ERROR "InvalidArgument", "class_id", "a{sv}", 2, "class_id", "s",
			class_id, "class_id", "s", class_id);
		refused(ERROR "InvalidArgument", "notification_id", "a{sv}", 1, "notification_id",
			"ay", 2, 1, 2);
		refused(ERROR "InvalidArgument", "instance_id", "a{sv}", 1, "instance_id", "s",
			"0");
		refused(ERROR "InvalidArgument", "instance_id", "a{sv}", 1, "instance_id", "t",
			(uint64_t)0);
		refused(ERROR "InvalidArgument", "journal_id", "a{sv}", 1, "sequence", "t",
			(uint64_t)1);
		refused(ERROR "InvalidArgument", "sequence", "a{sv}", 1, "journal_id", "t",
			journal_id);
		refused(ERROR "StaleJournal", "journal", "a{sv}", 2, "journal_id", "t",
			journal_id + 1, "sequence", "t", (uint64_t)1);
		refused(ERROR "FutureSequence", "sequence", "a{sv}", 2, "journal_id", "t",
			journal_id, "sequence", "t", newest(&self->world) + 1);
		refused(INVALID_ARGS, "a{sv}", "s", "x");
		refused(INVALID_ARGS, "a{sv}", NULL);
	}
	EXPECT_TRUE(only_the_cards_fd(&self->world));
	EXPECT_EQ(fds, daemon_fds(&self->world));
	sd_bus_flush_close_unref(bus);
}

struct subscribing {
	int subscribed;
	int already;
	int refused;
};

static int on_subscribed(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	struct subscribing *calls = context;

	(void)error;
	if (!sd_bus_message_is_method_error(reply, NULL))
		calls->subscribed++;
	else if (sd_bus_message_is_method_error(reply, ERROR "AlreadySubscribed"))
		calls->already++;
	else
		calls->refused++;
	return 0;
}

#define AT_ONCE	10

/* All calls are in front of the daemon before it knows whether the first is allowed. */
static struct subscribing subscribe_at_once(const struct world *world, sd_bus *bus)
{
	uint64_t end = milliseconds() + PATIENCE_MS;
	struct subscribing calls = { 0 };
	int i, r = 0;

	kill(world->daemon, SIGSTOP);
	for (i = 0; i < AT_ONCE && r >= 0; i++)
		r = sd_bus_call_method_async(bus, NULL, NAME, world->speaker, ENDPOINT, "Subscribe",
					     on_subscribed, &calls, "a{sv}", 0);
	if (r >= 0)
		r = bus_barrier(bus);
	kill(world->daemon, SIGCONT);
	while (r >= 0 && calls.subscribed + calls.already + calls.refused < AT_ONCE &&
	       milliseconds() < end) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			sd_bus_wait(bus, 20000);
	}
	return calls;
}

/* A client may have 64 calls that wait for authorisation. */
TEST_F(bus, refused_calls_do_not_wait_for_authorisation_any_more)
{
	sd_bus *bus = connect_to(&self->world);
	int i;

	ASSERT_NE(NULL, bus);
	for (i = 0; i < 10; i++) {
		struct subscribing calls = subscribe_at_once(&self->world, bus);

		ASSERT_EQ(1, calls.subscribed) {
			TH_LOG("round %d", i);
		}
		ASSERT_EQ(AT_ONCE - 1, calls.already) {
			TH_LOG("round %d: %d refused for another reason", i, calls.refused);
		}
		ASSERT_LE(0, call(bus, self->world.speaker, "Unsubscribe", NULL, NULL, NULL));
	}
	sd_bus_flush_close_unref(bus);
}

/* The bus keeps them away: those of calls that wait would be the daemon's. */
TEST_F(bus, calls_with_fds_do_not_arrive)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *bus = connect_to(&self->world);

	ASSERT_NE(NULL, bus);
	EXPECT_GT(0, call(bus, self->world.speaker, "Subscribe", &error, NULL, "h", STDIN_FILENO));
	EXPECT_STREQ(SD_BUS_ERROR_ACCESS_DENIED, error.name ?: "success");
	sd_bus_error_free(&error);
	sd_bus_flush_close_unref(bus);
}

TEST_F(bus, client_has_one_subscription_of_an_endpoint)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *bus = connect_to(&self->world);

	ASSERT_NE(NULL, bus);
	ASSERT_LE(0, call(bus, self->world.speaker, "Subscribe", NULL, NULL, "a{sv}", 0));
	EXPECT_GT(0, call(bus, self->world.speaker, "Subscribe", &error, NULL, "a{sv}", 0));
	EXPECT_STREQ(ERROR "AlreadySubscribed", error.name ?: "success");
	sd_bus_error_free(&error);
	EXPECT_LE(0, call(bus, self->world.speaker, "Unsubscribe", NULL, NULL, NULL));
	EXPECT_LE(0, call(bus, self->world.speaker, "Subscribe", NULL, NULL, "a{sv}", 0));
	sd_bus_flush_close_unref(bus);

	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       NULL));
	EXPECT_EQ(-EALREADY, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL,
						       NULL, NULL));
}

TEST_F_TIMEOUT(bus, all_subscriptions_together_are_limited, 240)
{
	struct rlimit limit = { 2048, 2048 };
	sd_bus_error error = SD_BUS_ERROR_NULL;
	static sd_bus *buses[257];
	size_t i;

	ASSERT_EQ(0, prlimit(self->world.daemon, RLIMIT_NOFILE, &limit, NULL));
	for (i = 0; i < 256; i++) {
		buses[i] = connect_to(&self->world);
		ASSERT_NE(NULL, buses[i]);
	}
	/* Without waiting for an answer: the kernel knows when all are there. */
	for (i = 0; i < 256; i++) {
		ASSERT_LE(0, call_later(buses[i], self->world.speaker, "Subscribe", "a{sv}", 0));
		ASSERT_LE(0, call_later(buses[i], self->world.headphones, "Subscribe", "a{sv}", 0));
		ASSERT_LE(0, sd_bus_flush(buses[i]));
	}
	ASSERT_TRUE(eventually_within(HUNDREDS_MS,
				      objects_get("notification_fds") ==
				      self->world.machine.notification_fds + 513));
	/* Now: the bus ends a connection that does not say who it is for long. */
	buses[256] = connect_to(&self->world);
	ASSERT_NE(NULL, buses[256]);
	EXPECT_GT(0, call(buses[256], self->world.speaker, "Subscribe", &error, NULL, "a{sv}", 0));
	EXPECT_STREQ(ERROR "TooManySubscriptions", error.name ?: "success");
	EXPECT_NE(NULL, strstr(error.message ?: "", "AcquireNotifications"));
	sd_bus_error_free(&error);
	sd_bus_flush_close_unref(buses[0]);
	EXPECT_TRUE(eventually(objects_get("notification_fds") <
			       self->world.machine.notification_fds + 513));
	EXPECT_LE(0, call(buses[256], self->world.speaker, "Subscribe", &error, NULL, "a{sv}",
			  0)) {
		TH_LOG("%s", error.message ?: "");
	}
	for (i = 1; i < 257; i++)
		sd_bus_close_unref(buses[i]);
	EXPECT_TRUE(eventually_within(HUNDREDS_MS, only_the_cards_fd(&self->world)));
}

TEST_F(bus, daemon_without_fds_says_so_and_goes_on)
{
	struct audiomodule_subscription *subscription;
	struct rlimit old;

	/* One node can be opened. */
	ASSERT_EQ(0, limit_daemon_fds(&self->world, 1, &old));
	EXPECT_EQ(-EMFILE, audiomodule_bus_acquire(self->world.bus, self->world.speaker, NULL,
						   NULL, &subscription));
	EXPECT_EQ(NULL, subscription);
	EXPECT_EQ(-EMFILE, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL,
						     NULL, NULL));
	EXPECT_NE(0, strlen(audiomodule_bus_error(self->world.bus)));
	ASSERT_EQ(0, prlimit(self->world.daemon, RLIMIT_NOFILE, &old, NULL));
	EXPECT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       NULL));
	EXPECT_STREQ("", audiomodule_bus_error(self->world.bus));
}

TEST_F(bus, garbage_is_answered_with_errors)
{
	static const char *const interfaces[] = {
		ENDPOINT, "org.audiomodule1.Module", "org.freedesktop.DBus.Properties", "no.such"
	};
	const char *const paths[] = { "/", ROOT, ROOT "/card99/Speaker", self->world.speaker };
	static const char *const members[] = {
		"Subscribe", "FindAllById", "Get", "Set", "GetAll", "Nonsense"
	};
	static const char *const errors[] = {
		"org.freedesktop.DBus.Error.", "org.audiomodule1.Error."
	};
	sd_bus *bus = connect_to(&self->world);
	size_t i, j, k, n;

	ASSERT_NE(NULL, bus);
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		for (j = 0; j < ARRAY_SIZE(interfaces); j++)
			for (k = 0; k < ARRAY_SIZE(members); k++) {
				const char *path = paths[i];
				sd_bus_error error = SD_BUS_ERROR_NULL;
				int r = sd_bus_call_method(bus, NAME, path, interfaces[j],
							   members[k], &error, NULL, "a(ybsv)", 2,
							   1, true, "x", "u", 5, 2, false, "",
							   "as", 0);

				EXPECT_GT(0, r) {
					TH_LOG("%s %s.%s was taken", path, interfaces[j],
					       members[k]);
				}
				for (n = 0; n < ARRAY_SIZE(errors); n++)
					if (!strncmp(error.name, errors[n], strlen(errors[n])))
						break;
				EXPECT_GT(ARRAY_SIZE(errors), n);
				sd_bus_error_free(&error);
			}
	/* Properties cannot be set. */
	EXPECT_GT(0, sd_bus_set_property(bus, NAME, self->world.speaker, ENDPOINT, "Name", NULL,
					 "s", "Mine"));
	ASSERT_EQ(0, list_again(&self->world));
	EXPECT_EQ(8, count_modules(&self->world));
	EXPECT_STREQ("Speaker", audiomodule_list_endpoint(self->world.list, 0)->name);
	sd_bus_flush_close_unref(bus);
}

TEST_F(bus, library_believes_the_daemon_only)
{
	struct audiomodule_position start;
	struct audiomodule_bus_event event;
	sd_bus_message *signal = NULL;
	sd_bus *impostor = connect_to(&self->world);
	const char *client = ":1.1";
	char name[32];
	int i;

	ASSERT_NE(NULL, impostor);
	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       &start));
	/* To all of the first connections: one of them is the library's. */
	for (i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), ":1.%d", i);
		client = name;
		ASSERT_LE(0, sd_bus_message_new_signal(impostor, &signal, self->world.speaker,
						       ENDPOINT, "NotificationsLost"));
		ASSERT_LE(0, sd_bus_message_append(signal, "tt", start.sequence + 1,
						   start.sequence + 1000));
		sd_bus_send_to(impostor, signal, client, NULL);
		signal = sd_bus_message_unref(signal);
	}
	ASSERT_LE(0, barrier(impostor));
	ASSERT_EQ(0, send_hook("endpoint=0 count=1"));
	ASSERT_EQ(1, next_event(self->world.bus, &event, PATIENCE_MS));
	EXPECT_EQ(AUDIOMODULE_RECORD_NOTIFICATION, event.record.type);
	EXPECT_EQ(start.sequence + 1, event.record.sequence);
	EXPECT_TRUE(told_nothing_more(self->world.bus));
	sd_bus_flush_close_unref(impostor);
}

/* ------------------------------------------------------------------ the kernel's fd */

TEST_F(bus, acquired_fd_is_the_kernels)
{
	sd_bus *bus = connect_to(&self->world);
	struct snd_audio_module_info info;
	uint64_t journal_id, oldest, last;
	sd_bus_message *reply = NULL;
	char path[64], link[64] = "";
	struct stat status;
	int fd;

	ASSERT_NE(NULL, bus);
	ASSERT_EQ(0, send_hook("count=400 size=4096"));
	ASSERT_EQ(0, info_get(self->world.card, &info));
	ASSERT_LE(0, call(bus, self->world.speaker, "AcquireNotifications", NULL, &reply, "a{sv}",
			  0));
	ASSERT_LE(0, sd_bus_message_read(reply, "httt", &fd, &journal_id, &oldest, &last));
	EXPECT_EQ(info.journal_id, journal_id);
	EXPECT_EQ(info.oldest_sequence, oldest);
	EXPECT_LT(100, oldest);
	EXPECT_EQ(info.newest_sequence, last);
	EXPECT_EQ(0, fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_EQ(0, strncmp(link, "anon_inode:", 11)) {
		TH_LOG("expected the kernel's anonymous inode, got %s", link);
	}
	ASSERT_EQ(0, fstat(fd, &status));
	EXPECT_FALSE(S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode));
	EXPECT_EQ(last, fdinfo_get(fd, "position"));
	sd_bus_message_unref(reply);
	sd_bus_flush_close_unref(bus);
	EXPECT_TRUE(eventually(only_the_cards_fd(&self->world)));
}

/* In a process without rights: 0 when it reads what was sent, and cannot open the card. */
static int read_as_nobody(struct audiomodule_subscription *subscription, uint64_t start)
{
	static struct told told;
	struct audiomodule *card;

	told_begin(&told, start, FLOOD);
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return 1;
	if (audiomodule_open(NULL, 0, &card) != -EACCES)
		return 2;
	if (told_drain(&told, subscription))
		return 3;
	return told.matched == 30 && !told.lost && !told.bad && !told.corrupt ? 0 : 4;
}

TEST_F(bus, acquired_fd_works_for_who_may_nothing)
{
	struct audiomodule_subscription *subscription;
	struct audiomodule_position start;
	int status = -1;
	pid_t pid;

	ASSERT_EQ(0, audiomodule_bus_acquire(self->world.bus, self->world.speaker, NULL, NULL,
					     &subscription));
	audiomodule_subscription_start(subscription, &start);
	ASSERT_EQ(0, send_hook("endpoint=0 count=30"));
	pid = fork();
	if (!pid)
		_exit(read_as_nobody(subscription, start.sequence));
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status) {
		TH_LOG("step %d failed", WEXITSTATUS(status));
	}
	audiomodule_subscription_free(subscription);
}

#define FDS_OF_A_CLIENT	16	/* on the bus, unread */
#define FDS_OF_ALL	48
#define FILLING_ANSWERS	100	/* of some KiB each: more than a socket takes */

/* Sends a call so often whose answers nobody reads. */
static int call_often(sd_bus *bus, const char *path, const char *interface, const char *member,
		      bool options, int count)
{
	int r = 0;

	while (r >= 0 && count--) {
		sd_bus_message *message = NULL;
		uint64_t cookie;

		r = sd_bus_message_new_method_call(bus, &message, NAME, path, interface, member);
		if (r >= 0 && options)
			r = sd_bus_message_append(message, "a{sv}", 0);
		if (r >= 0)
			r = sd_bus_send(bus, message, &cookie);
		sd_bus_message_unref(message);
	}
	return r < 0 ? r : sd_bus_flush(bus);
}

/*
 * A connection that asks for fds and reads no answer. What its socket takes the bus need not keep,
 * so that is full before.
 */
static sd_bus *ask_for_fds(const struct world *world, int count)
{
	sd_bus *bus = connect_to(world);
	int r = bus ? 0 : -ENOMEM;

	if (r >= 0)
		r = call_often(bus, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
			       false, FILLING_ANSWERS);
	if (r >= 0)
		r = call_often(bus, world->speaker, ENDPOINT, "AcquireNotifications", true, count);
	return r < 0 ? sd_bus_flush_close_unref(bus) : bus;
}

/* A bus that has too many for others reads nothing more of the daemon. */
TEST_F(bus, fds_that_nobody_reads_keep_nobody_else_waiting)
{
	struct audiomodule_subscription *subscription;
	sd_bus *buses[5];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(buses); i++) {
		buses[i] = ask_for_fds(&self->world, 2 * FDS_OF_A_CLIENT);
		ASSERT_NE(NULL, buses[i]);
	}
	EXPECT_TRUE(eventually(objects_get("notification_fds") ==
			       self->world.machine.notification_fds + 1 + FDS_OF_ALL)) {
		TH_LOG("expected %d fds on the bus, got %d", FDS_OF_ALL,
		       objects_get("notification_fds") - self->world.machine.notification_fds - 1);
	}
	EXPECT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       NULL)) {
		TH_LOG("%s", audiomodule_bus_error(self->world.bus));
	}
	EXPECT_EQ(-EBUSY, audiomodule_bus_acquire(self->world.bus, self->world.speaker, NULL, NULL,
						  &subscription));
	for (i = 0; i < ARRAY_SIZE(buses); i++)
		sd_bus_close_unref(buses[i]);
	EXPECT_TRUE(eventually(!audiomodule_bus_acquire(self->world.bus, self->world.speaker, NULL,
							NULL, &subscription)));
	audiomodule_subscription_free(subscription);
}

TEST_F(bus, client_that_reads_its_fds_gets_any_number)
{
	struct audiomodule_subscription *subscription;
	sd_bus *bus = connect_to(&self->world);
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int i;

	ASSERT_NE(NULL, bus);
	for (i = 0; i < FDS_OF_A_CLIENT; i++)
		EXPECT_LE(0, call(bus, self->world.speaker, "AcquireNotifications", NULL, NULL,
				  "a{sv}", 0));
	/* It has read the answers, and no Ping. */
	EXPECT_GT(0, call(bus, self->world.speaker, "AcquireNotifications", &error, NULL, "a{sv}",
			  0));
	EXPECT_STREQ(ERROR "TooManyCalls", error.name ?: "success");
	sd_bus_error_free(&error);
	for (i = 0; i < 2 * FDS_OF_A_CLIENT; i++)
		EXPECT_TRUE(eventually(!next_signal(bus, "NoSuchSignal", 0) &&
				       call(bus, self->world.speaker, "AcquireNotifications", NULL,
					    NULL, "a{sv}", 0) >= 0));
	sd_bus_flush_close_unref(bus);

	/* The library needs no turn for it. */
	for (i = 0; i < 2 * FDS_OF_ALL; i++) {
		EXPECT_EQ(0, audiomodule_bus_acquire(self->world.bus, self->world.speaker, NULL,
						     NULL, &subscription)) {
			TH_LOG("the fd %d: %s", i, audiomodule_bus_error(self->world.bus));
		}
		audiomodule_subscription_free(subscription);
	}
	EXPECT_TRUE(eventually(only_the_cards_fd(&self->world)));
}

/* Send FLOOD notifications of 104 bytes, from both endpoints in turn when @both. */
static int send_flood(int card, bool both)
{
	int err = 0;
	int i;

	for (i = 0; !err && i < 20; i++)
		err = inject(card, "send", "endpoint=%d module=%d size=104 count=%d",
			     both ? i & 1 : 0, i % 3, FLOOD / 20);
	return err;
}

/* Read while a child sends, then what is left: the child's exit status. */
static int told_of_flood(struct told *told, struct audiomodule_subscription *subscription,
			 int card, bool both, bool eager)
{
	struct pollfd pollfd = { audiomodule_subscription_fd(subscription), POLLIN, 0 };
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(send_flood(card, both) ? 1 : 0);
	/* Who is not eager sleeps through the first notifications. */
	if (!eager)
		eventually(fdinfo_get(pollfd.fd, "newest") - (int64_t)told->start > FLOOD / 2);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		poll(&pollfd, 1, 20);
		told_drain(told, subscription);
	}
	told_drain(told, subscription);
	return status;
}

TEST_F_TIMEOUT(bus, flood_through_the_acquired_fd_adds_up, 240)
{
	struct audiomodule_subscription *subscription;
	struct audiomodule_statistics statistics;
	struct audiomodule_position start;
	uint64_t untold = 0, foreign = 0;
	static struct told told;
	int i;

	ASSERT_EQ(0, audiomodule_bus_acquire(self->world.bus, self->world.speaker, NULL, NULL,
					     &subscription));
	audiomodule_subscription_start(subscription, &start);
	told_begin(&told, start.sequence, FLOOD);
	ASSERT_EQ(0, told_of_flood(&told, subscription, self->world.card, true, false));
	ASSERT_EQ(0, audiomodule_subscription_statistics(subscription, &statistics));
	EXPECT_EQ(start.sequence + FLOOD, statistics.newest);
	EXPECT_EQ(statistics.newest, statistics.position);
	EXPECT_EQ(start.sequence, statistics.start);
	EXPECT_EQ(statistics.position - statistics.start,
		  statistics.matched + statistics.filtered + statistics.lost);
	EXPECT_EQ(statistics.matched, told.matched);
	EXPECT_EQ(statistics.lost, told.lost);
	EXPECT_LT(0, told.lost);
	EXPECT_LT(0, told.matched);
	EXPECT_LT(0, statistics.filtered);
	EXPECT_EQ(0, told.corrupt);
	EXPECT_EQ(0, told.bad);
	/* The speaker sent the blocks of even number: each of those is received or lost. */
	for (i = 0; i < 20; i += 2)
		untold += told_nothing_of(&told, start.sequence + i * FLOOD / 20 + 1,
					  start.sequence + (i + 1) * FLOOD / 20);
	for (i = 0; i < FLOOD; i++)
		foreign += i / (FLOOD / 20) % 2 && told.what[i + 1] == RECEIVED;
	EXPECT_EQ(0, untold);
	EXPECT_EQ(0, foreign);
	figures("flood of %d, 1 MiB: %" PRIu64 " matched, %" PRIu64 " filtered, %" PRIu64
	       " lost in %" PRIu64 " ranges", FLOOD, statistics.matched, statistics.filtered,
	       statistics.lost, told.ranges);
	audiomodule_subscription_free(subscription);
}

TEST_F_TIMEOUT(large, flood_through_the_acquired_fd_loses_nothing, 240)
{
	struct audiomodule_subscription *subscription;
	struct audiomodule_statistics statistics;
	struct audiomodule_position start;
	uint64_t begin = milliseconds();
	static struct told told;

	ASSERT_EQ(0, audiomodule_bus_acquire(self->world.bus, self->world.speaker, NULL, NULL,
					     &subscription));
	audiomodule_subscription_start(subscription, &start);
	told_begin(&told, start.sequence, FLOOD);
	ASSERT_EQ(0, told_of_flood(&told, subscription, self->world.card, false, true));
	ASSERT_EQ(0, audiomodule_subscription_statistics(subscription, &statistics));
	EXPECT_EQ(FLOOD, told.matched);
	EXPECT_EQ(0, told.lost);
	EXPECT_EQ(0, told.bad);
	EXPECT_EQ(0, told.corrupt);
	EXPECT_EQ(0, told_nothing_of(&told, start.sequence + 1, start.sequence + FLOOD));
	EXPECT_EQ(FLOOD, statistics.matched);
	EXPECT_EQ(0, statistics.filtered + statistics.lost);
	figures("flood of %d, 32 MiB: %" PRIu64 " matched, %" PRIu64 " lost, %" PRIu64 " ms",
	       FLOOD, told.matched, told.lost, milliseconds() - begin);
	audiomodule_subscription_free(subscription);
}

/* ------------------------------------------------------------------ signals under load */

/* Send @count notifications at this rate, in steps of 10 ms. */
static int send_slowly(int card, int count, int rate)
{
	uint64_t begin = milliseconds();
	int sent = 0, err = 0;

	while (!err && sent < count) {
		int due = (milliseconds() - begin) * rate / 1000 - sent;

		if (due > count - sent)
			due = count - sent;
		if (due > 0)
			err = inject(card, "send", "endpoint=0 size=104 count=%d", due);
		sent += due > 0 ? due : 0;
		usleep(10000);
	}
	return err;
}

TEST_F_TIMEOUT(bus, thousand_a_second_lose_nothing_either_way, 240)
{
	struct audiomodule_subscription *subscription;
	struct audiomodule_position start;
	static struct told by_fd, by_signal;
	int status = -1;
	pid_t pid;

	ASSERT_EQ(0, audiomodule_bus_acquire(self->world.bus, self->world.speaker, NULL, NULL,
					     &subscription));
	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       &start));
	told_begin(&by_fd, start.sequence, FLOOD);
	told_begin(&by_signal, start.sequence, FLOOD);
	pid = fork();
	if (!pid)
		_exit(send_slowly(self->world.card, 2000, 1000) ? 1 : 0);
	EXPECT_TRUE(told_until(&by_signal, self->world.bus, self->world.speaker,
			       start.sequence + 2000));
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, told_drain(&by_fd, subscription));
	EXPECT_EQ(2000, by_signal.matched);
	EXPECT_EQ(0, by_signal.lost + by_signal.bad + by_signal.corrupt);
	EXPECT_EQ(2000, by_fd.matched);
	EXPECT_EQ(0, by_fd.lost + by_fd.bad + by_fd.corrupt);
	audiomodule_subscription_free(subscription);
}

TEST_F_TIMEOUT(bus, flood_of_signals_adds_up, 240)
{
	struct audiomodule_position start;
	uint64_t begin = milliseconds();
	static struct told told;

	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       &start));
	told_begin(&told, start.sequence, FLOOD);
	ASSERT_EQ(0, send_hook("endpoint=0 module=1 size=104 count=20000"));
	EXPECT_TRUE(told_until(&told, self->world.bus, self->world.speaker,
			       start.sequence + 20000));
	EXPECT_EQ(20000, told.matched + told.lost);
	EXPECT_LT(0, told.lost);
	EXPECT_LT(0, told.matched);
	EXPECT_EQ(0, told_nothing_of(&told, start.sequence + 1, start.sequence + 20000));
	EXPECT_EQ(0, told.bad);
	EXPECT_EQ(0, told.corrupt);
	EXPECT_TRUE(told_nothing_more(self->world.bus));
	figures("20000 as signals: %" PRIu64 " received, %" PRIu64 " lost in %" PRIu64
	       " ranges, %" PRIu64 " ms", told.matched, told.lost, told.ranges,
	       milliseconds() - begin);
}

/* What a client in another process was told, and how far it is. */
struct other_client {
	volatile uint64_t start;	/* 0: not subscribed yet */
	volatile uint64_t until;	/* 0: no end */
	volatile bool complete;
	struct told told;
};

static void other_client_run(const struct world *world, struct other_client *client)
{
	struct audiomodule_position start;
	struct audiomodule_bus_event event;
	struct audiomodule_bus *bus;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (audiomodule_bus_open(world->address, &bus) ||
	    audiomodule_bus_subscribe(bus, world->speaker, NULL, NULL, &start))
		_exit(1);
	told_begin(&client->told, start.sequence, FLOOD);
	client->start = start.sequence;
	while (!client->until || client->told.last < client->until)
		if (next_event(bus, &event, 20) == 1 && event.type == AUDIOMODULE_BUS_RECORD)
			told_record(&client->told, &event.record);
	client->complete = true;
	_exit(0);
}

/* UWP-7 */
TEST_F_TIMEOUT(bus, client_that_stands_still_hurts_only_itself, 240)
{
	struct other_client *other = mmap(NULL, sizeof(*other), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct audiomodule_position start;
	static struct told told;
	const uint64_t count = 400;	/* of 16 KiB: more than the daemon lets be under way */
	uint64_t sent;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, other);
	ASSERT_EQ(0, send_hook("count=1"));
	pid = fork();
	if (!pid)
		other_client_run(&self->world, other);
	ASSERT_TRUE(eventually(other->start));
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       &start));
	told_begin(&told, start.sequence, FLOOD);
	for (sent = 20; sent <= count; sent += 20) {
		ASSERT_EQ(0, send_hook("endpoint=0 size=16384 count=20"));
		ASSERT_TRUE(told_until(&told, self->world.bus, self->world.speaker,
				       start.sequence + sent));
	}
	EXPECT_EQ(count, told.matched);
	EXPECT_EQ(0, told.lost + told.bad + told.corrupt);

	other->until = start.sequence + count;
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_TRUE(eventually(other->complete));
	EXPECT_EQ(count, other->told.matched + other->told.lost);
	EXPECT_LT(0, other->told.lost);
	EXPECT_EQ(0, other->told.bad + other->told.corrupt);
	EXPECT_EQ(0, told_nothing_of(&other->told, other->start + 1, other->until));
	figures("the client that stood still: %" PRIu64 " received, %" PRIu64 " lost in %" PRIu64
	       " ranges", other->told.matched, other->told.lost, other->told.ranges);
	stop(&pid, SIGKILL);
	munmap(other, sizeof(*other));
}

/* ------------------------------------------------------------------ the limits of the bus */

#define STALLED		10	/* more clients than the daemon may wait for replies of, when tight */
#define LARGEST		64000	/* bytes of a notification's data */
#define WINDOW_BYTES	(128 << 10)

/* Has the bus sent it so many bytes that it has not read? */
static bool holds_unread(sd_bus *bus, int least)
{
	int bytes = 0;

	return !ioctl(sd_bus_get_fd(bus), FIONREAD, &bytes) && bytes >= least;
}

/* Connections that subscribe and are not read from any more: then more is sent than they may get. */
static bool stall(const struct world *world, sd_bus *buses[STALLED])
{
	int i;

	for (i = 0; i < STALLED; i++) {
		buses[i] = connect_to(world);
		if (!buses[i] ||
		    call(buses[i], world->speaker, "Subscribe", NULL, NULL, "a{sv}", 0) < 0)
			return false;
	}
	for (i = 0; i < 15; i++) {
		if (inject(world->card, "send", "endpoint=0 size=%d", 40 + LARGEST))
			return false;
		usleep(20000);
	}
	for (i = 0; i < STALLED; i++)
		if (!eventually(holds_unread(buses[i], 2 * LARGEST)))
			return false;
	usleep(500000);
	return true;
}

/* Bytes of notifications that were sent to a connection by now, and not read. */
static size_t bytes_unread(sd_bus *bus)
{
	sd_bus_message *message;
	struct signal signal;
	size_t bytes = 0;

	bus_barrier(bus);
	while ((message = next_signal(bus, "NotificationReceived", 0))) {
		bytes += signal_read(message, &signal) < 0 ? 0 : signal.size;
		sd_bus_message_unref(message);
	}
	return bytes;
}

TEST_F(tight, client_that_cannot_be_asked_whether_it_reads_is_sent_no_more)
{
	sd_bus *buses[STALLED];
	sd_bus_message *message;
	size_t bytes;
	int i;

	ASSERT_TRUE(stall(&self->world, buses));
	/* Who reads gets more at once: not while it is looked at. */
	kill(self->world.daemon, SIGSTOP);
	for (i = 0; i < STALLED; i++) {
		bytes = bytes_unread(buses[i]);
		EXPECT_LT(0, bytes);
		EXPECT_GT(WINDOW_BYTES + LARGEST, bytes) {
			TH_LOG("client %d of %d did not read %zu bytes", i, STALLED, bytes);
		}
	}
	kill(self->world.daemon, SIGCONT);
	/* When the bus waits for fewer replies, the last one is asked, and gets more. */
	for (i = 0; i < STALLED - 1; i++)
		sd_bus_flush_close_unref(buses[i]);
	message = next_signal(buses[STALLED - 1], NULL, PATIENCE_MS);
	EXPECT_NE(NULL, message);
	sd_bus_message_unref(message);
	sd_bus_flush_close_unref(buses[STALLED - 1]);
}

/* Subscribes: the serial of the answer, which tells where the daemon's are; 0: it was refused. */
static uint32_t subscribe_for_serial(sd_bus *bus, const struct world *world)
{
	sd_bus_message *answer = NULL;
	uint64_t serial = 0;

	if (call(bus, world->speaker, "Subscribe", NULL, &answer, "a{sv}", 0) >= 0)
		sd_bus_message_get_cookie(answer, &serial);
	sd_bus_message_unref(answer);
	return serial;
}

/* Answers a call of the daemon's that was not read: its serial is all that an answer takes. */
static int answer_unread(sd_bus *bus, const char *daemon, uint32_t serial)
{
	sd_bus_message *unread = NULL, *answer = NULL;
	int r = sd_bus_message_new_method_call(bus, &unread, NAME, "/",
					       "org.freedesktop.DBus.Peer", "Ping");

	if (r >= 0)
		r = sd_bus_message_set_sender(unread, daemon);
	if (r >= 0)
		r = sd_bus_message_seal(unread, serial, 0);
	if (r >= 0)
		r = sd_bus_message_new_method_return(unread, &answer);
	if (r >= 0)
		r = sd_bus_send(bus, answer, NULL);
	sd_bus_message_unref(answer);
	sd_bus_message_unref(unread);
	return r;
}

TEST_F(bus, client_that_answers_what_it_has_not_read_is_sent_no_more)
{
	sd_bus *bus = connect_to(&self->world);
	sd_bus_creds *daemon = NULL;
	const char *name = NULL;
	uint32_t serial;
	size_t bytes;
	int i, j;

	ASSERT_NE(NULL, bus);
	ASSERT_LE(0, sd_bus_get_name_creds(bus, NAME, SD_BUS_CREDS_UNIQUE_NAME, &daemon));
	ASSERT_LE(0, sd_bus_creds_get_unique_name(daemon, &name));
	serial = subscribe_for_serial(bus, &self->world);
	ASSERT_NE(0, serial);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, inject(self->world.card, "send", "endpoint=0 size=%d", 40 + LARGEST));
		usleep(20000 * slowness());
		/* It has sent us a handful of messages by now. */
		for (j = 1; j <= 50; j++)
			ASSERT_LE(0, answer_unread(bus, name, serial + j));
		ASSERT_LE(0, sd_bus_flush(bus));
	}
	EXPECT_TRUE(eventually(holds_unread(bus, LARGEST)));
	usleep(500000 * slowness());
	/* Reading, it would get more at once. */
	kill(self->world.daemon, SIGSTOP);
	bytes = bytes_unread(bus);
	kill(self->world.daemon, SIGCONT);
	EXPECT_LT(0, bytes);
	EXPECT_GT(WINDOW_BYTES + LARGEST, bytes) {
		TH_LOG("it was sent %zu bytes without reading", bytes);
	}
	sd_bus_creds_unref(daemon);
	sd_bus_flush_close_unref(bus);
}

/* Acquires as many fds as it may have unread, and reads all but what comes later. */
static sd_bus *hold_fds(const struct world *world)
{
	sd_bus *bus = connect_to(world);
	int i, r = 0;

	for (i = 0; bus && r >= 0 && i < FDS_OF_A_CLIENT; i++)
		r = call(bus, world->speaker, "AcquireNotifications", NULL, NULL, "a{sv}", 0);
	return r < 0 ? sd_bus_flush_close_unref(bus) : bus;
}

/* Answers what came, and asks for a fd: does it get one? */
static bool acquires(sd_bus *bus, const struct world *world, sd_bus *others[], size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		sd_bus_message_unref(next_signal(others[i], "NoSuchSignal", 0));
	return call(bus, world->speaker, "AcquireNotifications", NULL, NULL, "a{sv}", 0) >= 0;
}

/* The bus waits for the answers of others; when it does not any more, nobody of those calls again. */
TEST_F(tight, fds_of_clients_that_could_not_be_asked_do_not_count_for_ever)
{
	sd_bus *stalled[STALLED], *holders[FDS_OF_ALL / FDS_OF_A_CLIENT], *bus;
	size_t i;

	ASSERT_TRUE(stall(&self->world, stalled));
	for (i = 0; i < ARRAY_SIZE(holders); i++) {
		holders[i] = hold_fds(&self->world);
		ASSERT_NE(NULL, holders[i]);
	}
	bus = connect_to(&self->world);
	ASSERT_NE(NULL, bus);
	EXPECT_FALSE(acquires(bus, &self->world, holders, ARRAY_SIZE(holders)));
	for (i = 0; i < STALLED; i++)
		sd_bus_flush_close_unref(stalled[i]);
	EXPECT_TRUE(eventually(acquires(bus, &self->world, holders, ARRAY_SIZE(holders))));
	for (i = 0; i < ARRAY_SIZE(holders); i++)
		sd_bus_flush_close_unref(holders[i]);
	sd_bus_flush_close_unref(bus);
}

/* A connection that is polkit, as far as the bus knows. */
static sd_bus *be_polkit(const struct world *world)
{
	sd_bus *bus = connect_to(world);

	return bus && sd_bus_request_name(bus, POLKIT, 0) >= 0 ? bus : sd_bus_unref(bus);
}

/* The next call of this method; NULL: none came in time. */
static sd_bus_message *next_call(sd_bus *bus, const char *member, int timeout_ms)
{
	return next_message(bus, SD_BUS_MESSAGE_METHOD_CALL, NULL, member, timeout_ms);
}

TEST_F(tight, call_that_polkit_cannot_be_asked_about_is_refused_for_now)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus *buses[STALLED], *polkit, *bus;
	int i;

	ASSERT_TRUE(stall(&self->world, buses));
	polkit = be_polkit(&self->world);
	bus = connect_to(&self->world);
	ASSERT_TRUE(polkit && bus);
	EXPECT_GT(0, call(bus, self->world.speaker, "Subscribe", &error, NULL, "a{sv}", 0));
	EXPECT_STREQ(ERROR "TooManyCalls", error.name ?: "success");
	EXPECT_NE(NULL, strstr(error.message ?: "", "later"));
	sd_bus_error_free(&error);
	EXPECT_EQ(NULL, next_call(polkit, "CheckAuthorization", 0));
	for (i = 0; i < STALLED; i++)
		sd_bus_flush_close_unref(buses[i]);
	sd_bus_flush_close_unref(polkit);
	sd_bus_flush_close_unref(bus);
}

/* Subscribe, where a person may be asked. */
static int subscribe_interactively(sd_bus *bus, const char *path)
{
	sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_call(bus, &message, NAME, path, ENDPOINT, "Subscribe");

	if (r >= 0)
		r = sd_bus_message_append(message, "a{sv}", 0);
	if (r >= 0)
		r = sd_bus_message_set_allow_interactive_authorization(message, 1);
	if (r >= 0)
		r = sd_bus_send(bus, message, NULL);
	sd_bus_message_unref(message);
	return r < 0 ? r : sd_bus_flush(bus);
}

TEST_F(tight, polkit_is_asked_once_at_a_time_for_a_client_and_not_after_it_left)
{
	const char *asked = "", *cancelled = "";
	sd_bus *polkit = be_polkit(&self->world), *bus = connect_to(&self->world);
	sd_bus_message *question, *cancel;

	ASSERT_TRUE(polkit && bus);
	ASSERT_LE(0, subscribe_interactively(bus, self->world.speaker));
	ASSERT_LE(0, subscribe_interactively(bus, self->world.headphones));
	question = next_call(polkit, "CheckAuthorization", PATIENCE_MS);
	ASSERT_NE(NULL, question);
	ASSERT_LE(0, barrier(bus));	/* the daemon has seen both calls */
	EXPECT_EQ(NULL, next_call(polkit, "CheckAuthorization", 100));
	ASSERT_LE(0, sd_bus_reply_method_return(question, "(bba{ss})", 1, 0, 0));
	sd_bus_message_unref(question);

	question = next_call(polkit, "CheckAuthorization", PATIENCE_MS);
	ASSERT_NE(NULL, question);
	ASSERT_LE(0, sd_bus_message_skip(question, "(sa{sv})sa{ss}u"));
	ASSERT_LE(0, sd_bus_message_read(question, "s", &asked));
	EXPECT_STRNE("", asked);
	EXPECT_TRUE(eventually(objects_get("notification_fds") ==
			       self->world.machine.notification_fds + 2));
	sd_bus_flush_close_unref(bus);
	cancel = next_call(polkit, "CancelCheckAuthorization", PATIENCE_MS);
	ASSERT_NE(NULL, cancel);
	ASSERT_LE(0, sd_bus_message_read(cancel, "s", &cancelled));
	EXPECT_STREQ(asked, cancelled);
	EXPECT_TRUE(eventually(only_the_cards_fd(&self->world)));
	sd_bus_message_unref(question);
	sd_bus_message_unref(cancel);
	sd_bus_flush_close_unref(polkit);
}

/* ------------------------------------------------------------------ a daemon with nothing to do */

/* A number from a file of /proc, behind "KEY:"; all lines that begin so together; -1: none. */
static int64_t proc_get(const char *path, const char *key)
{
	size_t length = strlen(key);
	int64_t sum = -1;
	char line[256];
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, length) && line[length] == ':')
			sum = (sum < 0 ? 0 : sum) + strtoll(line + length + 1, NULL, 10);
	if (file)
		fclose(file);
	return sum;
}

/* How often the threads of a process have run until now: each went to sleep, or was preempted. */
static int64_t times_awake(pid_t pid)
{
	char path[320];
	struct dirent *entry;
	int64_t sum = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	directory = opendir(path);
	if (!directory)
		return -1;
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, entry->d_name);
		sum += proc_get(path, "voluntary_ctxt_switches");
		sum += proc_get(path, "nonvoluntary_ctxt_switches");
	}
	closedir(directory);
	return sum;
}

/* Memory that is the process' alone, in KiB. */
static int64_t private_memory(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	return proc_get(path, "Private_Clean") + proc_get(path, "Private_Dirty");
}

/* Did no thread of this process run for a second? */
static bool sleeps(pid_t pid)
{
	int64_t before = times_awake(pid);

	usleep(1000000);
	return times_awake(pid) == before;
}

TEST_F_TIMEOUT(bus, idle_daemon_sleeps_and_is_small, 240)
{
	const int idle_ms = 10000, limit_kib = 4096;
	sd_bus *clients[10] = { NULL };
	int64_t before, after, memory;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clients); i++) {
		clients[i] = connect_to(&self->world);
		ASSERT_NE(NULL, clients[i]);
		/* Half of them by signals, half with the kernel's fd. */
		ASSERT_LE(0, call(clients[i], self->world.speaker,
				  i % 2 ? "AcquireNotifications" : "Subscribe", NULL, NULL,
				  "a{sv}", 0));
	}
	/* It has delivered something, so what it needs for that is in its memory. */
	ASSERT_EQ(0, send_hook("count=100 endpoint=0"));
	for (i = 0; i < ARRAY_SIZE(clients); i++)
		ASSERT_LE(0, barrier(clients[i]));
	/* It has delivered all. */
	EXPECT_TRUE(eventually(sleeps(self->world.daemon)));

	before = times_awake(self->world.daemon);
	ASSERT_LT(0, before);
	usleep(idle_ms * 1000);
	after = times_awake(self->world.daemon);
	EXPECT_EQ(before, after);
	/* And it is the daemon that was looked at: it wakes up for a call, and sleeps again. */
	ASSERT_LE(0, barrier(clients[0]));
	EXPECT_TRUE(eventually(times_awake(self->world.daemon) > after));

	memory = private_memory(self->world.daemon);
	EXPECT_LT(0, memory);
	/* What a checker needs, in its process, is not the daemon's. */
	if (!getenv("AUDIO_MODULE_REPORTS"))
		EXPECT_GT(limit_kib, memory);
	figures("the idle daemon with 10 clients: awake %" PRId64 " times in %d ms, %" PRId64
		" KiB of memory", after - before, idle_ms, memory);
	for (i = 0; i < ARRAY_SIZE(clients); i++)
		sd_bus_flush_close_unref(clients[i]);
}

TEST_F(bus, client_that_is_killed_is_forgotten)
{
	struct other_client *other = mmap(NULL, sizeof(*other), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct audiomodule_position start;
	static struct told told;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, other);
	ASSERT_EQ(0, send_hook("count=1"));
	pid = fork();
	if (!pid)
		other_client_run(&self->world, other);
	ASSERT_TRUE(eventually(other->start));
	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       &start));
	told_begin(&told, start.sequence, FLOOD);
	ASSERT_EQ(0, send_hook("endpoint=0 count=1000"));
	stop(&pid, SIGKILL);
	ASSERT_EQ(0, send_hook("endpoint=0 count=1000"));
	EXPECT_TRUE(told_until(&told, self->world.bus, self->world.speaker,
			       start.sequence + 2000));
	EXPECT_EQ(2000, told.matched);
	EXPECT_EQ(0, told.lost + told.bad + told.corrupt);
	EXPECT_TRUE(eventually(objects_get("notification_fds") ==
			       self->world.machine.notification_fds + 2));
	munmap(other, sizeof(*other));
}

TEST_F_TIMEOUT(bus, subscription_survives_a_killed_daemon, 240)
{
	struct audiomodule_position start;
	static struct told told;
	uint64_t first = 0, last;
	int round;

	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       &start));
	told_begin(&told, start.sequence, FLOOD);
	ASSERT_EQ(0, send_hook("endpoint=0 count=100"));
	EXPECT_TRUE(told_until(&told, self->world.bus, self->world.speaker, start.sequence + 100));
	/* In the second round more is sent than the journal keeps. */
	for (round = 0; round < 2; round++) {
		stop(&self->world.daemon, SIGKILL);
		EXPECT_TRUE(event_comes(self->world.bus, AUDIOMODULE_BUS_LEFT));
		ASSERT_EQ(0, send_hook("endpoint=0 size=%d count=%d", round ? 4096 : 64,
				       round ? 600 : 50));
		self->world.daemon = start_daemon(&self->world);
		EXPECT_TRUE(event_comes(self->world.bus, AUDIOMODULE_BUS_RETURNED));
		ASSERT_EQ(0, send_hook("endpoint=0 count=10"));
		last = newest(&self->world);
		EXPECT_TRUE(told_until(&told, self->world.bus, self->world.speaker, last));
		EXPECT_EQ(round ? told.lost : 0, told.lost);
		if (!round)
			first = told.last + 1;
	}
	EXPECT_EQ(770, told.matched + told.lost);
	EXPECT_LT(300, told.lost);
	EXPECT_EQ(1, told.holes);
	EXPECT_EQ(LOST, told.what[first - start.sequence]);
	EXPECT_EQ(0, told_nothing_of(&told, start.sequence + 1, last));
	EXPECT_EQ(0, told.bad);
	EXPECT_EQ(0, told.corrupt);
}

/* ------------------------------------------------------------------ cards that come and go */

/* PNP-9 */
TEST_F(bus, driver_can_be_unloaded_under_the_daemon)
{
	uint64_t journal_id = audiomodule_list_endpoint(self->world.list, 0)->journal_id;
	struct audiomodule_position start;
	static struct told told;
	sd_bus *bus = connect_to(&self->world);
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int took;

	ASSERT_NE(NULL, bus);
	ASSERT_LE(0, call(bus, self->world.headphones, "Subscribe", NULL, NULL, "a{sv}", 0));
	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       &start));
	told_begin(&told, start.sequence, FLOOD);
	ASSERT_EQ(0, send_hook("endpoint=0 count=500"));
	took = unload_driver();
	ASSERT_LE(0, took);
	EXPECT_GT(PROMPT_MS, took);
	figures("the driver was unloaded in %d ms", took);
	/* What was sent before is told before the end. */
	EXPECT_TRUE(told_until(&told, self->world.bus, self->world.speaker, start.sequence + 500));
	EXPECT_EQ(500, told.matched + told.lost);
	EXPECT_TRUE(record_comes(self->world.bus, self->world.speaker,
				 AUDIOMODULE_RECORD_REMOVED));
	EXPECT_TRUE(eventually(objects_get("notification_fds") ==
			       self->world.machine.notification_fds));
	EXPECT_GT(0, call(bus, self->world.headphones, "Unsubscribe", &error, NULL, NULL));
	EXPECT_STREQ("org.freedesktop.DBus.Error.UnknownObject", error.name ?: "success");
	sd_bus_error_free(&error);
	ASSERT_EQ(0, list_again(&self->world));
	EXPECT_EQ(NULL, audiomodule_list_endpoint(self->world.list, 0));
	EXPECT_TRUE(alive(self->world.daemon));

	/* Nothing of the daemon's holds the core either. */
	ASSERT_EQ(0, modules_unload());
	ASSERT_EQ(0, modules_load(""));
	EXPECT_TRUE(event_comes(self->world.bus, AUDIOMODULE_BUS_APPEARED));
	EXPECT_TRUE(eventually(!list_again(&self->world) && count_modules(&self->world) == 8));
	EXPECT_NE(journal_id, audiomodule_list_endpoint(self->world.list, 0)->journal_id);
	EXPECT_EQ(-ESTALE, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL,
						     &start, NULL));
	EXPECT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       NULL));
	sd_bus_flush_close_unref(bus);
}

TEST_F(bus, acquired_fd_ends_with_the_card)
{
	struct audiomodule_subscription *subscription;
	struct audiomodule_position start;
	struct audiomodule_record record;
	static struct told told;
	int i, r;

	ASSERT_EQ(0, audiomodule_bus_acquire(self->world.bus, self->world.speaker, NULL, NULL,
					     &subscription));
	audiomodule_subscription_start(subscription, &start);
	told_begin(&told, start.sequence, FLOOD);
	ASSERT_EQ(0, send_hook("endpoint=0 count=20"));
	ASSERT_LE(0, unload_driver());
	for (i = 0; (r = audiomodule_subscription_next(subscription, &record)) == 1; i++)
		if (i < 20)
			told_record(&told, &record);
		else
			EXPECT_EQ(AUDIOMODULE_RECORD_REMOVED, record.type);
	EXPECT_EQ(-ENODEV, r);
	EXPECT_EQ(21, i);
	EXPECT_EQ(20, told.matched);
	/* The reader's fd holds the core until it is closed. */
	EXPECT_NE(0, syscall(SYS_delete_module, "snd_audio_module", O_NONBLOCK));
	audiomodule_subscription_free(subscription);
	EXPECT_TRUE(eventually(!modules_unload()));
	ASSERT_EQ(0, modules_load(""));
}

TEST_F(bus, subscription_older_than_the_news_of_its_daemon_is_kept)
{
	struct audiomodule_position start;
	struct audiomodule_bus *early = NULL;
	static struct told told;

	stop(&self->world.daemon, SIGTERM);
	ASSERT_EQ(0, audiomodule_bus_open(self->world.address, &early));
	self->world.daemon = start_daemon(&self->world);
	ASSERT_TRUE(eventually(!list_again(&self->world)));
	/* It subscribes before it looks at its messages, where the daemon's start is the first. */
	ASSERT_EQ(0, audiomodule_bus_subscribe(early, self->world.speaker, NULL, NULL, &start));
	told_begin(&told, start.sequence, FLOOD);
	ASSERT_EQ(0, send_hook("endpoint=0 count=50"));
	ASSERT_LE(0, unload_driver());
	ASSERT_TRUE(eventually(!list_again(&self->world) &&
			       !audiomodule_list_endpoint(self->world.list, 0)));
	EXPECT_TRUE(told_until(&told, early, self->world.speaker, start.sequence + 50));
	EXPECT_EQ(50, told.matched);
	EXPECT_EQ(0, told.lost + told.bad + told.corrupt);
	EXPECT_TRUE(record_comes(early, self->world.speaker, AUDIOMODULE_RECORD_REMOVED));
	audiomodule_bus_close(early);
}

TEST_F(bus, modules_that_come_later_become_objects)
{
	const struct audiomodule_module *module;

	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.headphones, NULL,
					       NULL, NULL));
	ASSERT_EQ(0, inject(self->world.card, "late", "op=register endpoint=1 instance=7 count=0"));
	EXPECT_TRUE(record_comes(self->world.bus, self->world.headphones,
				 AUDIOMODULE_RECORD_CHANGED));
	ASSERT_EQ(0, list_again(&self->world));
	EXPECT_EQ(9, count_modules(&self->world));
	module = find_module(self->world.list, self->world.headphones, "Late");
	ASSERT_NE(NULL, module);
	EXPECT_EQ(7, module->instance_id);
	EXPECT_STREQ("Registered after the card", module->name);
	/* Others' objects, and the subscription, stayed as they were. */
	ASSERT_EQ(0, inject(self->world.card, "late", "op=unregister"));
	EXPECT_TRUE(record_comes(self->world.bus, self->world.headphones,
				 AUDIOMODULE_RECORD_CHANGED));
	ASSERT_EQ(0, list_again(&self->world));
	EXPECT_EQ(8, count_modules(&self->world));
	ASSERT_EQ(0, send_hook("endpoint=1 count=1"));
	EXPECT_TRUE(record_comes(self->world.bus, self->world.headphones,
				 AUDIOMODULE_RECORD_NOTIFICATION));
}

/* A module of a stream that this program opened, through the kernel: its first parameter is 2. */
static int stream_set(int hwdep, const struct audiomodule_module *module)
{
	static const uint32_t set_parameter_0[] = { SND_AUDIO_MODULE_VERB_SET, 0, 2 };
	struct snd_audio_module_command words = {
		.instance_id = module->instance_id,
		.verb = SND_AUDIO_MODULE_VERB_GET,
		.pcm_device = module->pcm_device,
		.pcm_subdevice = module->pcm_subdevice,
		.in = (uintptr_t)set_parameter_0,
		.in_size = sizeof(set_parameter_0),
	};

	memcpy(words.device_id, speaker_id, 16);
	memcpy(words.class_id, module->class_id.bytes, 16);
	return ioctl(hwdep, SND_AUDIO_MODULE_IOCTL_COMMAND, &words) ? -errno : 0;
}

/* Objects come and go with a stream, and say whose they are; MOD-4: FindAll does not find them. */
TEST_F(bus, streams_modules_are_objects_that_find_all_leaves_out)
{
	int hwdep = hwdep_open(self->world.card);
	const struct audiomodule_module *module;
	sd_bus *bus = connect_to(&self->world);
	sd_bus_message *message;
	struct signal signal;
	char path[64];
	int stream;

	ASSERT_NE(NULL, bus);
	ASSERT_LE(0, hwdep);
	snprintf(path, sizeof(path), "/dev/snd/pcmC%dD0p", self->world.card);
	stream = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, stream);
	ASSERT_TRUE(eventually(!list_again(&self->world) && count_modules(&self->world) == 10));
	module = find_module(self->world.list, self->world.speaker, "System@0p0");
	ASSERT_NE(NULL, module);
	EXPECT_EQ(0, module->pcm_device);
	EXPECT_EQ(0, module->pcm_subdevice);
	EXPECT_EQ(1, module->instance_id);
	ASSERT_LE(0, call(bus, self->world.speaker, "FindAll", NULL, &message, NULL));
	EXPECT_EQ(4, count_paths(message, self->world.speaker));
	sd_bus_message_unref(message);
	ASSERT_LE(0, call(bus, self->world.speaker, "FindAllById", NULL, &message, "s",
			  "E24C8B6F-EDE7-4255-8B39-77976015D593"));
	EXPECT_EQ(1, count_paths(message, self->world.speaker));
	sd_bus_message_unref(message);

	ASSERT_LE(0, call(bus, self->world.speaker, "Subscribe", NULL, NULL, "a{sv}", 0));
	ASSERT_EQ(0, stream_set(hwdep, module));
	message = next_signal(bus, "NotificationReceived", PATIENCE_MS);
	ASSERT_NE(NULL, message);
	ASSERT_LE(0, signal_read(message, &signal));
	EXPECT_STREQ(module->object_path, signal.module);
	EXPECT_EQ(1, signal.instance_id);
	sd_bus_message_unref(message);

	close(stream);
	EXPECT_TRUE(eventually(!list_again(&self->world) && count_modules(&self->world) == 8));
	EXPECT_EQ(NULL, find_module(self->world.list, self->world.speaker, "System@0p0"));
	close(hwdep);
	sd_bus_flush_close_unref(bus);
}

/* ------------------------------------------------------------------ commands */

#define MOST		AUDIOMODULE_MAX_COMMAND_SIZE
#define SLOW_MS		1000
#define SLOWEST_MS	10000	/* much is, also on a kernel full of checks */
#define DRIVER		"/sys/bus/platform/drivers/snd-audio-module-virtual"

/* Verb and parameter of SYSVAD's protocol, and a value for SET. */
static const uint8_t get_0[] = { 1, 0, 0, 0, 0, 0, 0, 0 };
static const uint8_t get_2[] = { 1, 0, 0, 0, 2, 0, 0, 0 };
static const uint8_t set_0_to_2[] = { 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0 };
static const uint8_t set_0_to_3[] = { 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0 };
static const uint8_t set_1_to_0[] = { 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0 };
static const uint8_t support_0[] = { 0, 2, 0, 0, 0, 0, 0, 0 };

static const char *module_path(const struct world *world, const char *label)
{
	const struct audiomodule_module *module = find_module(world->list, world->speaker, label);

	return module ? module->object_path : "/";
}

/* The object of the module that sleeps, once the daemon has made it. */
static bool register_late(struct world *world)
{
	return !inject(world->card, "late", "op=register endpoint=0 instance=7") &&
	       eventually(!list_again(world) && find_module(world->list, world->speaker, "Late"));
}

/* What a client was answered: the fields of a reply, or the name of an error. */
struct answer {
	sd_bus_message *reply;
	uint32_t status;
	const char *error;
	const void *result;
	size_t size;
	uint64_t when;
};

static int on_answer(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	struct answer *answer = context;

	answer->when = milliseconds();
	answer->reply = sd_bus_message_ref(reply);
	if (sd_bus_message_is_method_error(reply, NULL))
		answer->error = sd_bus_message_get_error(reply)->name;
	else if (sd_bus_message_read(reply, "us", &answer->status, &answer->error) < 0 ||
		 sd_bus_message_read_array(reply, 'y', &answer->result, &answer->size) < 0)
		answer->error = "not the reply's type";
	return 0;
}

/* Send a command and do not wait. */
static int command_later(sd_bus *bus, const char *path, const void *bytes, size_t size,
			 struct answer *answer)
{
	sd_bus_message *message = NULL;
	int r = sd_bus_message_new_method_call(bus, &message, NAME, path, MODULE, "SendCommand");

	memset(answer, 0, sizeof(*answer));
	if (r >= 0)
		r = sd_bus_message_append_array(message, 'y', bytes, size);
	if (r >= 0)
		r = sd_bus_message_append(message, "a{sv}", 0);
	if (r >= 0)
		r = sd_bus_call_async(bus, NULL, message, on_answer, answer, 0);
	sd_bus_message_unref(message);
	if (r >= 0)
		r = sd_bus_flush(bus);
	return r;
}

static bool answered(sd_bus *bus, struct answer *answer)
{
	uint64_t end = milliseconds() + PATIENCE_MS;

	while (!answer->reply && milliseconds() < end)
		if (sd_bus_process(bus, NULL) == 0)
			sd_bus_wait(bus, 20000);
	return answer->reply;
}

static void answer_free(struct answer *answer)
{
	answer->reply = sd_bus_message_unref(answer->reply);
}

/* A command whose handler sleeps so long. */
static int slow_later(sd_bus *bus, const struct world *world, uint32_t ms, struct answer *answer)
{
	return command_later(bus, module_path(world, "Late"), &ms, sizeof(ms), answer);
}

static int daemon_threads(const struct world *world)
{
	char path[64];
	int count = -2;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/task", world->daemon);
	directory = opendir(path);
	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

/* UWP-1, UWP-5 */
TEST_F(bus, command_changes_a_parameter_and_its_sender_hears_of_it)
{
	struct audiomodule_bus_event event;
	sd_bus *bus = connect_to(&self->world);
	struct answer answer;
	uint8_t *result;
	size_t size;

	ASSERT_NE(NULL, bus);
	ASSERT_EQ(0, audiomodule_bus_subscribe(self->world.bus, self->world.speaker, NULL, NULL,
					       NULL));
	ASSERT_EQ(0, audiomodule_bus_command(self->world.bus, module_path(&self->world, "System"),
					     set_0_to_2, sizeof(set_0_to_2), (void **)&result,
					     &size));
	EXPECT_EQ(NULL, result);
	EXPECT_EQ(0, size);
	EXPECT_STREQ("", audiomodule_bus_error(self->world.bus));
	ASSERT_EQ(1, next_event(self->world.bus, &event, PATIENCE_MS));
	ASSERT_EQ(AUDIOMODULE_BUS_RECORD, event.type);
	EXPECT_EQ(0, memcmp(module_class[0], event.record.class_id.bytes, 16));
	ASSERT_EQ(8, event.record.tail_size);
	EXPECT_EQ(0, memcmp("\0\0\0\0\0\0\0\0", event.record.tail, 8));

	/* The same again, as the bus sees it: executed, no change. */
	ASSERT_LE(0, command_later(bus, module_path(&self->world, "System"), set_0_to_2,
				   sizeof(set_0_to_2), &answer));
	ASSERT_TRUE(answered(bus, &answer));
	EXPECT_EQ(0, answer.status);
	EXPECT_STREQ("", answer.error);
	EXPECT_EQ(0, answer.size);
	answer_free(&answer);
	EXPECT_TRUE(told_nothing_more(self->world.bus));
	ASSERT_EQ(0, audiomodule_bus_command(self->world.bus, module_path(&self->world, "System"),
					     get_0, sizeof(get_0), (void **)&result, &size));
	ASSERT_EQ(4, size);
	EXPECT_EQ(0, memcmp("\2\0\0\0", result, 4));
	free(result);
	sd_bus_flush_close_unref(bus);
}

static const struct {
	const char *label;
	const uint8_t *command;
	size_t size;
	const char *error;	/* "" or a name */
	int number;
	size_t result;		/* bytes */
} command_table[] = {
	{ "System", get_0, 8, "", 0, 4 },
	{ "EQ Movie", get_0, 8, "", 0, 1 },
	{ "EQ Default", get_2, 8, "", 0, 4 },
	{ "EQ Movie", support_0, 8, "", 0, 59 },
	{ "System", support_0, 8, "", 0, 68 },
	{ "System", set_0_to_2, 12, "", 0, 0 },
	{ "System", set_0_to_3, 12, "EINVAL", -EINVAL, 0 },
	{ "System", set_1_to_0, 12, "EOPNOTSUPP", -EOPNOTSUPP, 0 },
	{ "System", get_0, 7, "EINVAL", -EINVAL, 0 },
	{ "System", NULL, 0, "EINVAL", -EINVAL, 0 },
	{ "System", get_2, 8, "EINVAL", -EINVAL, 0 },
	{ "Meter", get_0, 8, "EOPNOTSUPP", -EOPNOTSUPP, 0 },
};

/* UWP-1 */
TEST_F(bus, answers_and_refusals_are_the_same_by_each_way)
{
	sd_bus *bus = connect_to(&self->world);
	struct audiomodule_list *list;
	struct audiomodule *card;
	size_t i;

	ASSERT_NE(NULL, bus);
	ASSERT_EQ(0, audiomodule_open_for_commands(NULL, self->world.card, &card));
	ASSERT_EQ(0, audiomodule_list(card, &list));
	for (i = 0; i < ARRAY_SIZE(command_table); i++) {
		const char *path = module_path(&self->world, command_table[i].label);
		const struct audiomodule_module *module;
		void *remote, *local;
		struct answer answer;
		size_t sizes[2], n;

		ASSERT_LE(0, command_later(bus, path, command_table[i].command,
					   command_table[i].size, &answer));
		ASSERT_TRUE(answered(bus, &answer));
		EXPECT_EQ(0, answer.status);
		EXPECT_STREQ(command_table[i].error, answer.error) {
			TH_LOG("command %zu", i);
		}
		EXPECT_EQ(command_table[i].result, answer.size);
		EXPECT_EQ(command_table[i].number,
			  audiomodule_bus_command(self->world.bus, path, command_table[i].command,
						  command_table[i].size, &remote, &sizes[0]));
		EXPECT_STREQ("", audiomodule_bus_error(self->world.bus));
		for (n = 0; (module = audiomodule_list_module(list, n)); n++)
			if (!strcmp(module->label, command_table[i].label))
				break;
		ASSERT_NE(NULL, module);
		EXPECT_EQ(command_table[i].number,
			  audiomodule_command(card, module, command_table[i].command,
					      command_table[i].size, &local, &sizes[1]));
		EXPECT_EQ(answer.size, sizes[0]);
		EXPECT_EQ(answer.size, sizes[1]);
		EXPECT_EQ(!answer.size, !remote);
		EXPECT_EQ(!answer.size, !local);
		if (answer.size && sizes[0] == answer.size && sizes[1] == answer.size) {
			EXPECT_EQ(0, memcmp(answer.result, remote, answer.size));
			EXPECT_EQ(0, memcmp(answer.result, local, answer.size));
		}
		free(remote);
		free(local);
		answer_free(&answer);
	}
	audiomodule_list_free(list);
	audiomodule_close(card);
	sd_bus_flush_close_unref(bus);
}

TEST_F(bus, library_sends_commands_only_with_a_card_that_is_open_for_them)
{
	struct audiomodule_module module;
	struct audiomodule *card;
	void *result = &card;
	size_t size = 7;

	module = *find_module(self->world.list, self->world.speaker, "System");
	ASSERT_EQ(0, audiomodule_open(NULL, self->world.card, &card));
	EXPECT_EQ(-EACCES, audiomodule_command(card, &module, get_0, 8, &result, &size));
	EXPECT_EQ(NULL, result);
	EXPECT_EQ(0, size);
	audiomodule_close(card);
	ASSERT_EQ(0, audiomodule_open_for_commands(NULL, self->world.card, &card));
	EXPECT_EQ(0, audiomodule_command(card, &module, get_0, 8, &result, &size));
	EXPECT_EQ(4, size);
	free(result);
	module.instance_id = 99;
	EXPECT_EQ(-EINVAL, audiomodule_command(card, &module, get_0, 8, &result, &size));
	module.pcm_device = 0;
	module.pcm_subdevice = 0;
	EXPECT_EQ(-EOPNOTSUPP, audiomodule_command(card, &module, get_0, 8, &result, &size));
	module = *find_module(self->world.list, self->world.speaker, "System");
	EXPECT_EQ(-EINVAL, audiomodule_command(card, &module, get_0, SIZE_MAX, &result, &size));
	EXPECT_EQ(NULL, result);
	audiomodule_close(card);
}

/* CMD-6 */
TEST_F(bus, commands_and_answers_have_up_to_64000_bytes)
{
	static const size_t sizes[] = { 0, 1, 4, 5, 4096, 40000, MOST - 1, MOST };
	uint8_t *bytes = malloc(MOST + 1);
	sd_bus *bus = connect_to(&self->world);
	struct answer answer;
	size_t i, j, size;
	void *result;

	ASSERT_NE(NULL, bus);
	ASSERT_TRUE(register_late(&self->world));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j <= MOST; j++)
			bytes[j] = j < 4 ? 0 : j * 7 + i;
		ASSERT_EQ(0, audiomodule_bus_command(self->world.bus,
						     module_path(&self->world, "Late"), bytes,
						     sizes[i], &result, &size));
		ASSERT_EQ(sizes[i], size);
		EXPECT_TRUE(!size || !memcmp(bytes, result, size)) {
			TH_LOG("%zu bytes", size);
		}
		free(result);
	}
	ASSERT_LE(0, command_later(bus, module_path(&self->world, "Late"), bytes, MOST + 1,
				   &answer));
	ASSERT_TRUE(answered(bus, &answer));
	EXPECT_EQ(0, answer.status);
	EXPECT_STREQ("EINVAL", answer.error);
	EXPECT_EQ(0, answer.size);
	answer_free(&answer);
	EXPECT_EQ(-EINVAL, audiomodule_bus_command(self->world.bus,
						   module_path(&self->world, "Late"), bytes,
						   MOST + 1, &result, &size));
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
	sd_bus_flush_close_unref(bus);
	free(bytes);
}

TEST_F(bus, arguments_of_a_command_are_checked)
{
	sd_bus *bus = connect_to(&self->world);
	sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *path = module_path(&self->world, "System");
	void *result;
	size_t size;

	ASSERT_NE(NULL, bus);
	EXPECT_GT(0, sd_bus_call_method(bus, NAME, path, MODULE, "SendCommand", &error, NULL,
					"aya{sv}", 1, 1, 1, "verb", "u", 1));
	EXPECT_STREQ(ERROR "UnknownOption", error.name ?: "success");
	sd_bus_error_free(&error);
	EXPECT_GT(0, sd_bus_call_method(bus, NAME, path, MODULE, "SendCommand", &error, NULL,
					"s", "get"));
	EXPECT_STREQ(INVALID_ARGS, error.name ?: "success");
	sd_bus_error_free(&error);
	/* An endpoint takes none. */
	EXPECT_EQ(-ENODEV, audiomodule_bus_command(self->world.bus, self->world.speaker, get_0, 8,
						   &result, &size));
	EXPECT_STRNE("", audiomodule_bus_error(self->world.bus));
	sd_bus_flush_close_unref(bus);
}

/* CMD-7, UWP-1 */
TEST_F(bus, slow_command_delays_nobody_else)
{
	sd_bus *one = connect_to(&self->world), *other = connect_to(&self->world);
	struct answer slow[8], same, quick;
	uint64_t sent, begin;
	size_t i;

	ASSERT_TRUE(one && other);
	ASSERT_TRUE(register_late(&self->world));
	sent = milliseconds();
	/* They are more than threads would be there for if each took one. */
	for (i = 0; i < ARRAY_SIZE(slow); i++)
		ASSERT_LE(0, slow_later(one, &self->world, i ? 1 : SLOWEST_MS, &slow[i]));
	begin = milliseconds();
	/* Another module, by the same client and by another one; a property; a list. */
	ASSERT_LE(0, command_later(one, module_path(&self->world, "System"), get_0, 8, &same));
	ASSERT_LE(0, command_later(other, module_path(&self->world, "EQ Movie"), get_0, 8,
				   &quick));
	ASSERT_TRUE(answered(other, &quick));
	ASSERT_TRUE(answered(one, &same));
	EXPECT_EQ(4, same.size);
	EXPECT_EQ(1, quick.size);
	EXPECT_EQ(NULL, slow[0].reply);
	EXPECT_EQ(0, list_again(&self->world));
	EXPECT_EQ(9, count_modules(&self->world));
	EXPECT_TRUE(eventually(daemon_threads(&self->world) == 2));
	figures("two quick commands and a list beside a slow command took %d ms",
		(int)(milliseconds() - begin));
	EXPECT_GT(begin + SLOWEST_MS, milliseconds());
	/* One module's are executed in their order, and each comes back. */
	for (i = 0; i < ARRAY_SIZE(slow); i++) {
		ASSERT_TRUE(answered(one, &slow[i]));
		EXPECT_STREQ("", slow[i].error);
		EXPECT_EQ(4, slow[i].size);
		EXPECT_LE(i ? slow[i - 1].when : sent + SLOWEST_MS, slow[i].when);
		answer_free(&slow[i]);
	}
	EXPECT_TRUE(eventually(daemon_threads(&self->world) == 1));
	answer_free(&same);
	answer_free(&quick);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
	sd_bus_flush_close_unref(one);
	sd_bus_flush_close_unref(other);
}

TEST_F(bus, one_client_has_at_most_32_commands_under_way)
{
	sd_bus *one = connect_to(&self->world), *other = connect_to(&self->world);
	struct answer answers[40], others;
	int done = 0, refused = 0;
	size_t i;

	ASSERT_TRUE(one && other);
	ASSERT_TRUE(register_late(&self->world));
	for (i = 0; i < ARRAY_SIZE(answers); i++)
		ASSERT_LE(0, slow_later(one, &self->world, i ? 0 : SLOWEST_MS, &answers[i]));
	ASSERT_LE(0, slow_later(other, &self->world, 0, &others));
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		ASSERT_TRUE(answered(one, &answers[i]));
		done += !answers[i].error[0];
		refused += !strcmp(answers[i].error, ERROR "TooManyCommands");
		answer_free(&answers[i]);
	}
	EXPECT_EQ(32, done);
	EXPECT_EQ(8, refused);
	ASSERT_TRUE(answered(other, &others));
	EXPECT_STREQ("", others.error);
	answer_free(&others);
	ASSERT_LE(0, slow_later(one, &self->world, 0, &others));
	ASSERT_TRUE(answered(one, &others));
	EXPECT_STREQ("", others.error);
	answer_free(&others);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
	sd_bus_flush_close_unref(one);
	sd_bus_flush_close_unref(other);
}

TEST_F(bus, client_that_leaves_costs_at_most_the_command_that_runs)
{
	sd_bus *leaves = connect_to(&self->world), *stays = connect_to(&self->world);
	const unsigned int slow_ms = running_ms() / 5;
	struct answer answers[16], mine;
	uint64_t begin;
	size_t i;
	int fds;

	ASSERT_TRUE(leaves && stays);
	ASSERT_TRUE(register_late(&self->world));
	ASSERT_LE(0, barrier(stays));
	fds = daemon_fds(&self->world);
	begin = milliseconds();
	for (i = 0; i < ARRAY_SIZE(answers); i++)
		ASSERT_LE(0, slow_later(leaves, &self->world, slow_ms, &answers[i]));
	ASSERT_LE(0, authorized(leaves, &self->world));
	sd_bus_flush_close_unref(leaves);
	ASSERT_LE(0, slow_later(stays, &self->world, 0, &mine));
	ASSERT_TRUE(answered(stays, &mine));
	EXPECT_STREQ("", mine.error);
	/* Not for all of them. */
	EXPECT_GT(begin + ARRAY_SIZE(answers) / 2 * slow_ms, mine.when) {
		TH_LOG("waited for %d ms", (int)(mine.when - begin));
	}
	EXPECT_TRUE(eventually(daemon_threads(&self->world) == 1));
	EXPECT_TRUE(eventually(daemon_fds(&self->world) == fds)) {
		TH_LOG("%d fds, and %d before", daemon_fds(&self->world), fds);
	}
	EXPECT_TRUE(alive(self->world.daemon));
	answer_free(&mine);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
	sd_bus_flush_close_unref(stays);
}

/* Who asks for no reply need not stay once the command is allowed. */
TEST_F(bus, command_without_a_reply_is_executed)
{
	sd_bus *leaves = connect_to(&self->world), *stays = connect_to(&self->world);
	sd_bus_message *message = NULL;
	struct answer slow;
	uint64_t begin;
	uint32_t ms = SLOW_MS;

	ASSERT_TRUE(leaves && stays);
	ASSERT_TRUE(register_late(&self->world));
	begin = milliseconds();
	ASSERT_LE(0, slow_later(stays, &self->world, SLOW_MS, &slow));
	ASSERT_LE(0, authorized(stays, &self->world));
	ASSERT_LE(0, sd_bus_message_new_method_call(leaves, &message, NAME,
						    module_path(&self->world, "Late"), MODULE,
						    "SendCommand"));
	ASSERT_LE(0, sd_bus_message_append_array(message, 'y', &ms, sizeof(ms)));
	ASSERT_LE(0, sd_bus_message_append(message, "a{sv}", 0));
	ASSERT_LE(0, sd_bus_message_set_expect_reply(message, 0));
	ASSERT_LE(0, sd_bus_send(leaves, message, NULL));
	sd_bus_message_unref(message);
	/* It waits behind the slow one. */
	ASSERT_LE(0, authorized(leaves, &self->world));
	sd_bus_flush_close_unref(leaves);
	ASSERT_TRUE(answered(stays, &slow));
	answer_free(&slow);
	/* Behind the one without a reply. */
	ASSERT_LE(0, slow_later(stays, &self->world, 0, &slow));
	ASSERT_TRUE(answered(stays, &slow));
	EXPECT_STREQ("", slow.error);
	EXPECT_LE(begin + 2 * SLOW_MS, slow.when);
	answer_free(&slow);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
	sd_bus_flush_close_unref(stays);
}

/* PNP-9 */
TEST_F(bus, commands_to_a_card_that_goes_say_so)
{
	sd_bus *bus = connect_to(&self->world);
	struct answer running, waiting;
	char path[64];
	void *result;
	size_t size;

	ASSERT_NE(NULL, bus);
	ASSERT_TRUE(register_late(&self->world));
	snprintf(path, sizeof(path), "%s", module_path(&self->world, "System"));
	ASSERT_LE(0, slow_later(bus, &self->world, running_ms(), &running));
	ASSERT_LE(0, slow_later(bus, &self->world, 0, &waiting));
	ASSERT_LE(0, authorized(bus, &self->world));
	ASSERT_TRUE(handler_runs(self->world.daemon));
	/*
	 * The driver unregisters its module before the card goes: meanwhile the daemon would still
	 * find the card, and be told that the module is not there.
	 */
	kill(self->world.daemon, SIGSTOP);
	ASSERT_EQ(0, file_write(DRIVER "/unbind", "snd-audio-module-virtual"));
	kill(self->world.daemon, SIGCONT);
	/* The one that runs is waited for; the one behind it finds no card. */
	ASSERT_TRUE(answered(bus, &running));
	EXPECT_EQ(0, running.status);
	EXPECT_STREQ("", running.error);
	EXPECT_EQ(4, running.size);
	ASSERT_TRUE(answered(bus, &waiting));
	EXPECT_EQ(1, waiting.status);
	EXPECT_STREQ("", waiting.error);
	EXPECT_EQ(0, waiting.size);
	answer_free(&running);
	answer_free(&waiting);
	EXPECT_EQ(-ENODEV, audiomodule_bus_command(self->world.bus, path, get_0, 8, &result,
						   &size));
	ASSERT_EQ(0, file_write(DRIVER "/bind", "snd-audio-module-virtual"));
	EXPECT_TRUE(eventually(!list_again(&self->world) && count_modules(&self->world) == 8));
	EXPECT_EQ(0, audiomodule_bus_command(self->world.bus, path, get_0, 8, &result, &size));
	free(result);
	sd_bus_flush_close_unref(bus);
}

/* While a command waits, its card goes and another one with the same modules comes. */
TEST_F(bus, command_never_reaches_another_card_of_that_number)
{
	sd_bus *bus = connect_to(&self->world);
	struct answer running, waiting;

	ASSERT_NE(NULL, bus);
	ASSERT_TRUE(register_late(&self->world));
	ASSERT_LE(0, slow_later(bus, &self->world, running_ms(), &running));
	ASSERT_LE(0, slow_later(bus, &self->world, 0, &waiting));
	ASSERT_LE(0, authorized(bus, &self->world));
	ASSERT_TRUE(handler_runs(self->world.daemon));
	kill(self->world.daemon, SIGSTOP);
	ASSERT_EQ(0, file_write(DRIVER "/unbind", "snd-audio-module-virtual"));
	ASSERT_EQ(0, file_write(DRIVER "/bind", "snd-audio-module-virtual"));
	ASSERT_EQ(self->world.card, card_find());
	ASSERT_EQ(0, inject(self->world.card, "late", "op=register endpoint=0 instance=7"));
	kill(self->world.daemon, SIGCONT);
	ASSERT_TRUE(answered(bus, &running));
	EXPECT_EQ(0, running.status);
	EXPECT_EQ(4, running.size);
	ASSERT_TRUE(answered(bus, &waiting));
	EXPECT_EQ(1, waiting.status);
	EXPECT_EQ(0, waiting.size);
	answer_free(&running);
	answer_free(&waiting);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
	EXPECT_TRUE(eventually(!list_again(&self->world) && count_modules(&self->world) == 8));
	sd_bus_flush_close_unref(bus);
}

TEST_F(bus, daemon_that_ends_answers_the_command_that_runs)
{
	sd_bus *bus = connect_to(&self->world);
	struct answer running, waiting;
	int status;

	ASSERT_NE(NULL, bus);
	ASSERT_TRUE(register_late(&self->world));
	ASSERT_LE(0, slow_later(bus, &self->world, running_ms(), &running));
	ASSERT_LE(0, slow_later(bus, &self->world, SLOWEST_MS, &waiting));
	ASSERT_LE(0, authorized(bus, &self->world));
	status = stop(&self->world.daemon, SIGTERM);
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status)) {
		TH_LOG("the daemon ended with %x", status);
	}
	ASSERT_TRUE(answered(bus, &running));
	EXPECT_STREQ("", running.error);
	EXPECT_EQ(4, running.size);
	ASSERT_TRUE(answered(bus, &waiting));
	EXPECT_STREQ("org.freedesktop.DBus.Error.NoReply", waiting.error);
	/* It was not executed, which takes longer. */
	EXPECT_GT(running.when + SLOWEST_MS, waiting.when);
	answer_free(&running);
	answer_free(&waiting);
	EXPECT_EQ(0, inject(self->world.card, "late", "op=unregister"));
	self->world.daemon = start_daemon(&self->world);
	EXPECT_TRUE(eventually(!list_again(&self->world)));
	sd_bus_flush_close_unref(bus);
}

/* MOD-4: the daemon did not open the stream, so whoever asks it gets no farther than itself. */
TEST_F(bus, commands_reach_no_stream_of_another_process)
{
	sd_bus *bus = connect_to(&self->world);
	struct answer answer;
	char path[64];
	int stream;

	ASSERT_NE(NULL, bus);
	snprintf(path, sizeof(path), "/dev/snd/pcmC%dD0p", self->world.card);
	stream = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, stream);
	ASSERT_TRUE(eventually(!list_again(&self->world) && count_modules(&self->world) == 10));
	ASSERT_LE(0, command_later(bus, module_path(&self->world, "System@0p0"), get_0,
				   sizeof(get_0), &answer));
	ASSERT_TRUE(answered(bus, &answer));
	EXPECT_EQ(0, answer.status);
	EXPECT_STREQ("EACCES", answer.error);
	EXPECT_EQ(0, answer.size);
	answer_free(&answer);
	close(stream);
	sd_bus_flush_close_unref(bus);
}

TEST_HARNESS_MAIN
