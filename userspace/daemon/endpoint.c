// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: org.audiomodule1.Endpoint: find the modules of an endpoint and receive what they tell.
 * Argument names are in the table, so that `busctl introspect` reads as a manual.
 */
#include <stddef.h>
#include <string.h>

#include "access.h"
#include "card.h"
#include "options.h"
#include "quote.h"
#include "subscriber.h"

DEFINE_CLEANUP(cleanup_message, sd_bus_message *, sd_bus_message_unref)
DEFINE_CLEANUP(cleanup_handle, struct audiomodule *, audiomodule_close)
DEFINE_CLEANUP(cleanup_subscription, struct audiomodule_subscription *,
	       audiomodule_subscription_free)

/* ---- Properties ---- */

static int get_device_id(sd_bus *bus, const char *path, const char *interface,
			 const char *property, sd_bus_message *reply, void *context,
			 sd_bus_error *error)
{
	const struct endpoint *endpoint = context;
	char text[AUDIOMODULE_GUID_TEXT_SIZE];

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	audiomodule_guid_format(&endpoint->info.device_id, text);
	return sd_bus_message_append(reply, "s", text);
}

/* Context is the array of characters: see the offsets in the table. */
static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
		    sd_bus_message *reply, void *context, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "s", (const char *)context);
}

/* Context is the mask of PCM devices. */
static int get_devices(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *context, sd_bus_error *error)
{
	const uint32_t devices = *(const uint32_t *)context;
	int r = sd_bus_message_open_container(reply, 'a', "u");

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	for (uint32_t device = 0; r >= 0 && device < 32; device++)
		if (devices & UINT32_C(1) << device)
			r = sd_bus_message_append(reply, "u", device);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ---- Finding modules ---- */

/* Applications find what belongs to the endpoint; a stream's modules are its program's (MOD-4). */
static bool is_found(const struct module *module, const struct audiomodule_guid *class_id)
{
	return module->info.pcm_device < 0 &&
	       (!class_id || audiomodule_guid_equal(class_id, &module->info.class_id));
}

static int reply_modules(sd_bus_message *call, const struct endpoint *endpoint,
			 const struct audiomodule_guid *class_id)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	int r = sd_bus_message_new_method_return(call, &reply);

	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "o");
	for (const struct module *module = endpoint->modules; r >= 0 && module;
	     module = module->next)
		if (is_found(module, class_id))
			r = sd_bus_message_append(reply, "o", module->path);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_message_send(reply);
}

static int find_all(sd_bus_message *call, void *context, sd_bus_error *error)
{
	(void)error;
	return reply_modules(call, context, NULL);
}

static int find_all_by_id(sd_bus_message *call, void *context, sd_bus_error *error)
{
	struct audiomodule_guid class_id;
	const char *text;
	int r = sd_bus_message_read(call, "s", &text);

	if (r < 0)
		return r;
	if (audiomodule_guid_parse(text, &class_id) < 0)
		return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT,
					 "class_id is no GUID: \"%s\"", quote(text).text);
	return reply_modules(call, context, &class_id);
}

/* ---- Receiving notifications ---- */

static int set_error(sd_bus_error *error, const struct endpoint *endpoint, int number)
{
	const char *name = endpoint->info.name;
	unsigned int card = endpoint->info.card;

	switch (number) {
	case -ESTALE:
		return sd_bus_error_setf(error, BUS_ERROR_STALE_JOURNAL,
					 "Card %u has another journal now; start without "
					 "journal_id and sequence", card);
	case -EINVAL:
		return sd_bus_error_setf(error, BUS_ERROR_FUTURE_SEQUENCE,
					 "The journal of card %u has not reached that sequence yet",
					 card);
	case -ENODEV:
	case -ENOENT:
	case -ENXIO:
		return sd_bus_error_setf(error, BUS_ERROR_GONE, "%s on card %u is gone", name,
					 card);
	case -EMFILE:
	case -ENFILE:
		return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY,
					 "No file descriptor is left for a subscription of %s on "
					 "card %u", name, card);
	default:
		return sd_bus_error_setf(error, BUS_ERROR_FAILED,
					 "Cannot subscribe to %s on card %u: %s", name, card,
					 strerror(-number));
	}
}

/* Opens the card for this one request; it may be another card of that number by now. */
static int open_card(const struct endpoint *endpoint, struct audiomodule **handle,
		     struct audiomodule_info *info)
{
	int r = audiomodule_open(endpoint->card->manager->directory, endpoint->card->number,
				 handle);

	if (r < 0)
		return r;
	r = audiomodule_info(*handle, info);
	if (r < 0)
		return r;
	return info->journal_id == endpoint->info.journal_id ? 0 : -ENODEV;
}

static int read_request(sd_bus_message *call, const struct endpoint *endpoint,
			struct options *options, sd_bus_error *error)
{
	int r = options_read(call, options, error);

	options->filter.match |= AUDIOMODULE_MATCH_DEVICE_ID;
	options->filter.device_id = endpoint->info.device_id;
	return r;
}

static int subscribe(sd_bus_message *call, void *context, sd_bus_error *error)
{
	_cleanup_(cleanup_subscription) struct audiomodule_subscription *subscription = NULL;
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;
	struct endpoint *endpoint = context;
	struct audiomodule_position start;
	struct audiomodule_info info;
	struct client *client;
	struct options options;
	int r = read_request(call, endpoint, &options, error);

	if (r < 0)
		return r;
	r = access_check(endpoint->card->manager->access, call, ACCESS_MONITOR, error);
	if (r <= 0)
		return r < 0 ? r : 1;
	client = client_of(endpoint->card->manager->clients, call);
	r = subscriber_check(endpoint, client, error);
	if (r < 0)
		return r;
	r = open_card(endpoint, &handle, &info);
	if (r >= 0)
		r = audiomodule_subscribe(handle, &options.filter, &options.begin, &subscription);
	if (r < 0)
		return set_error(error, endpoint, r);
	/* Before the reply: whoever has it may unload the driver. */
	handle = audiomodule_close(handle);
	audiomodule_subscription_start(subscription, &start);
	r = subscriber_add(endpoint, client, &subscription);
	if (r < 0)
		return set_error(error, endpoint, r);
	/* Signals are sent from the event loop, so this reply comes before the first. */
	return sd_bus_reply_method_return(call, "tt", start.journal_id, start.sequence);
}

static int unsubscribe(sd_bus_message *call, void *context, sd_bus_error *error)
{
	struct endpoint *endpoint = context;
	const struct client *client = client_of(endpoint->card->manager->clients, call);

	if (!subscriber_remove(endpoint, client))
		return sd_bus_error_setf(error, BUS_ERROR_NOT_SUBSCRIBED,
					 "You are not subscribed to %s on card %u",
					 endpoint->info.name, endpoint->info.card);
	return sd_bus_reply_method_return(call, NULL);
}

/* The Ping that it is followed by tells when the client has it. */
static int reply_with_fd(sd_bus_message *call, struct client *client, int fd,
			 const struct audiomodule_info *info)
{
	int r = sd_bus_reply_method_return(call, "httt", fd, info->journal_id,
					   info->oldest_sequence, info->newest_sequence);

	if (r >= 0)
		unread_add_fd(client);
	return r;
}

static int acquire_notifications(sd_bus_message *call, void *context, sd_bus_error *error)
{
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;
	struct endpoint *endpoint = context;
	struct audiomodule_position start;
	struct audiomodule_info info;
	_cleanup_(cleanup_fd) int fd = -1;
	struct client *client;
	struct options options;
	int r = read_request(call, endpoint, &options, error);

	if (r < 0)
		return r;
	r = access_check(endpoint->card->manager->access, call, ACCESS_MONITOR, error);
	if (r <= 0)
		return r < 0 ? r : 1;
	client = client_of(endpoint->card->manager->clients, call);
	r = unread_check_fd(client, error);
	if (r < 0)
		return r;
	r = open_card(endpoint, &handle, &info);
	if (r < 0)
		return set_error(error, endpoint, r);
	fd = audiomodule_subscribe_fd(handle, &options.filter, &options.begin, &start);
	if (fd < 0)
		return set_error(error, endpoint, fd);
	/* Before the reply: whoever has it may unload the driver. */
	handle = audiomodule_close(handle);
	/* The newest at the moment of subscribing is where the fd starts, unless it resumes. */
	if (options.begin.start == AUDIOMODULE_START_NEWEST)
		info.newest_sequence = start.sequence;
	return reply_with_fd(call, client, fd, &info);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("DeviceId", "s", get_device_id, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Name", "s", get_text, offsetof(struct endpoint, info.name),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Card", "u", NULL, offsetof(struct endpoint, info.card),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("CardId", "s", get_text, offsetof(struct endpoint, info.card_id),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Index", "u", NULL, offsetof(struct endpoint, info.index),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("PlaybackDevices", "au", get_devices,
			offsetof(struct endpoint, info.playback_devices),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("CaptureDevices", "au", get_devices,
			offsetof(struct endpoint, info.capture_devices),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("JournalId", "t", NULL, offsetof(struct endpoint, info.journal_id),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_METHOD_WITH_ARGS("FindAll", SD_BUS_NO_ARGS, SD_BUS_RESULT("ao", modules), find_all,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("FindAllById", SD_BUS_ARGS("s", class_id),
				SD_BUS_RESULT("ao", modules), find_all_by_id,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_ARGS("a{sv}", options),
				SD_BUS_RESULT("t", journal_id, "t", sequence), subscribe,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, unsubscribe,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("AcquireNotifications", SD_BUS_ARGS("a{sv}", options),
				SD_BUS_RESULT("h", fd, "t", journal_id, "t", oldest_sequence,
					      "t", newest_sequence),
				acquire_notifications, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("NotificationReceived",
				SD_BUS_ARGS("o", module, "s", class_id, "u", instance_id,
					    "s", notification_id, "t", sequence, "t", timestamp,
					    "ay", data), 0),
	SD_BUS_SIGNAL_WITH_ARGS("NotificationsLost",
				SD_BUS_ARGS("t", first_sequence, "t", last_sequence), 0),
	SD_BUS_VTABLE_END
};

int endpoint_register(struct endpoint *endpoint)
{
	sd_bus *bus = endpoint->card->manager->bus;
	int r = sd_bus_add_object_vtable(bus, &endpoint->slot, endpoint->path, BUS_ENDPOINT,
					 vtable, endpoint);

	return r < 0 ? r : sd_bus_emit_object_added(bus, endpoint->path);
}
