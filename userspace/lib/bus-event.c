// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: signals become events. A notification that came as a signal is presented as the record that
 * it was in the kernel, so that a program handles both ways with the same code.
 */
#include <string.h>

#include "bus.h"
#include "clock.h"

/* Microseconds: one that is restarted, or replaced, is back by then without being called. */
#define CALL_DELAY	1000000

/*
 * A call waits for its answer and reads past the signals in front of that. Those of an earlier life
 * of the endpoint, of an earlier subscription or of an earlier audiomoduled are still to come then.
 * Serials wrap, but not between two that are read together.
 */
static bool is_older(struct bus_subscription *subscription, sd_bus_message *signal)
{
	uint64_t cookie = 0;

	if (!subscription->is_new)
		return false;
	sd_bus_message_get_cookie(signal, &cookie);
	if (strcmp(sd_bus_message_get_sender(signal), subscription->owner) != 0 ||
	    (int32_t)((uint32_t)cookie - subscription->begin) < 0)
		return true;
	subscription->is_new = false;
	return false;
}

/* Nothing is left to be read. */
static void all_were_read(struct audiomodule_bus *bus)
{
	for (struct bus_subscription *s = bus->subscriptions; s; s = s->next)
		s->is_new = false;
}

static void advance(struct bus_subscription *subscription, uint64_t sequence)
{
	if (sequence > subscription->position.sequence)
		subscription->position.sequence = sequence;
}

/* A record event of an endpoint that is subscribed to. */
static void set_record(struct audiomodule_bus_event *event, const char *object_path,
		       enum audiomodule_record_type type)
{
	*event = (struct audiomodule_bus_event) {
		.type = AUDIOMODULE_BUS_RECORD,
		.object_path = object_path,
		.record = {
			.type = type,
			.endpoint = AUDIOMODULE_NONE,
			.module = AUDIOMODULE_NONE,
		},
	};
}

static int read_notification(sd_bus_message *message, struct audiomodule_record *record)
{
	const char *module, *class_id, *notification_id;
	const void *data;
	int r = sd_bus_message_read(message, "osustt", &module, &class_id, &record->instance_id,
				    &notification_id, &record->sequence, &record->timestamp);

	if (r >= 0)
		r = sd_bus_message_read_array(message, 'y', &data, &record->data_size);
	if (r < 0)
		return -EBADMSG;
	if (audiomodule_guid_parse(notification_id, &record->notification_id) < 0)
		return -EBADMSG;
	if (class_id[0] && audiomodule_guid_parse(class_id, &record->class_id) < 0)
		return -EBADMSG;
	record->has_identity = class_id[0] != 0;
	record->data = record->tail = data;
	record->tail_size = record->data_size;
	return 0;
}

static int on_notification(struct bus_subscription *subscription, sd_bus_message *message,
			   struct audiomodule_bus_event *event)
{
	int r;

	set_record(event, subscription->object_path, AUDIOMODULE_RECORD_NOTIFICATION);
	r = read_notification(message, &event->record);
	if (r < 0)
		return r;
	advance(subscription, event->record.sequence);
	return 1;
}

static int on_lost(struct bus_subscription *subscription, sd_bus_message *message,
		   struct audiomodule_bus_event *event)
{
	struct audiomodule_record *record = &event->record;

	set_record(event, subscription->object_path, AUDIOMODULE_RECORD_LOST);
	if (sd_bus_message_read(message, "tt", &record->lost_first, &record->lost_last) < 0 ||
	    record->lost_first > record->lost_last)
		return -EBADMSG;
	record->sequence = record->lost_last;
	advance(subscription, record->sequence);
	return 1;
}

/* Hands over the end of a subscription; its path stays valid until the next call. */
static int tell_end(struct audiomodule_bus *bus, struct bus_subscription *subscription,
		    struct audiomodule_bus_event *event)
{
	bus_unlink(bus, subscription);
	bus->told = subscription;
	set_record(event, subscription->object_path, AUDIOMODULE_RECORD_REMOVED);
	return 1;
}

/* The subscription of the endpoint that a module's path belongs to. */
static struct bus_subscription *find_parent(struct audiomodule_bus *bus, const char *path)
{
	for (struct bus_subscription *s = bus->subscriptions; s; s = s->next) {
		size_t length = strlen(s->object_path);

		if (strncmp(path, s->object_path, length) == 0 && path[length] == '/')
			return s;
	}
	return NULL;
}

static int on_module(struct audiomodule_bus *bus, const char *path,
		     struct audiomodule_bus_event *event)
{
	struct bus_subscription *subscription = find_parent(bus, path);

	if (!subscription)
		return 0;
	set_record(event, subscription->object_path, AUDIOMODULE_RECORD_CHANGED);
	return 1;
}

static int on_removed(struct audiomodule_bus *bus, sd_bus_message *message,
		      struct audiomodule_bus_event *event)
{
	struct bus_subscription *subscription;
	const char *path, *interface;

	if (sd_bus_message_read(message, "o", &path) < 0 ||
	    sd_bus_message_enter_container(message, 'a', "s") < 0)
		return -EBADMSG;
	while (sd_bus_message_read_basic(message, 's', &interface) > 0) {
		if (strcmp(interface, BUS_MODULE) == 0)
			return on_module(bus, path, event);
		subscription = bus_find(bus, path);
		if (strcmp(interface, BUS_ENDPOINT) == 0 && subscription &&
		    !is_older(subscription, message))
			return tell_end(bus, subscription, event);
	}
	return 0;
}

static int on_added(struct audiomodule_bus *bus, sd_bus_message *message,
		    struct audiomodule_bus_event *event)
{
	const char *path, *interface;

	if (sd_bus_message_read(message, "o", &path) < 0 ||
	    sd_bus_message_enter_container(message, 'a', "{sa{sv}}") < 0)
		return -EBADMSG;
	while (sd_bus_message_enter_container(message, 'e', "sa{sv}") > 0) {
		if (sd_bus_message_read(message, "s", &interface) < 0 ||
		    sd_bus_message_skip(message, "a{sv}") < 0 ||
		    sd_bus_message_exit_container(message) < 0)
			return -EBADMSG;
		if (strcmp(interface, BUS_MODULE) == 0)
			return on_module(bus, path, event);
		if (strcmp(interface, BUS_ENDPOINT) != 0)
			continue;
		*event = (struct audiomodule_bus_event) {
			.type = AUDIOMODULE_BUS_APPEARED, .object_path = path
		};
		return 1;
	}
	return 0;
}

/*
 * A new audiomoduled knows nothing of us, but for what it was asked between its start and the
 * signal that told of it. What it refuses has ended.
 */
static void resume_all(struct audiomodule_bus *bus)
{
	for (struct bus_subscription *s = bus->subscriptions; s; s = s->next) {
		struct audiomodule_position start;
		int r = 0;

		if (!s->owner || strcmp(s->owner, bus->owner) != 0)
			r = bus_request(bus, s, true, &start);
		if (r == -EBUSY)
			bus->call_time = clock_now() + CALL_DELAY;
		s->ended = r < 0 && r != -EBUSY && !bus_is_away(r);
	}
}

int bus_owner_changed(struct audiomodule_bus *bus, sd_bus_message *message)
{
	const char *name, *old, *new;

	if (sd_bus_message_is_signal(message, "org.freedesktop.DBus", "NameOwnerChanged") <= 0 ||
	    strcmp(sd_bus_message_get_sender(message), "org.freedesktop.DBus") != 0)
		return 0;
	if (sd_bus_message_read(message, "sss", &name, &old, &new) < 0)
		return -EBADMSG;
	if (strcmp(name, BUS_NAME) != 0 || (bus->owner && strcmp(bus->owner, new) == 0))
		return 0;
	free(bus->owner);
	bus->owner = new[0] ? strdup(new) : NULL;
	bus->call_time = new[0] ? BUS_NEVER : clock_now() + CALL_DELAY;
	if (new[0] && !bus->owner)
		return -ENOMEM;
	return 1;
}

/*
 * One that died would stay away until somebody calls. It is called once each time that it leaves,
 * and nobody waits for the answer: when it is there, the bus says so. Whoever called is its client,
 * so it does not leave again for having none.
 */
static int wake(struct audiomodule_bus *bus)
{
	_cleanup_(cleanup_message) sd_bus_message *call = NULL;
	int r = bus_list_call(bus, &call);

	if (r >= 0)
		r = sd_bus_message_set_expect_reply(call, 0);
	return r < 0 ? r : sd_bus_send(bus->bus, call, NULL);
}

int bus_call_again(struct audiomodule_bus *bus)
{
	int r;

	if (bus->call_time == BUS_NEVER || bus->call_time > clock_now())
		return 0;
	bus->call_time = BUS_NEVER;
	if (bus->owner) {
		resume_all(bus);
		return 0;
	}
	r = wake(bus);
	if (r < 0)
		bus->call_time = 0;
	return r < 0 ? r : 0;
}

static int on_owner(struct audiomodule_bus *bus, sd_bus_message *message,
		    struct audiomodule_bus_event *event)
{
	int r = bus_owner_changed(bus, message);

	if (r <= 0)
		return r;
	if (bus->owner)
		resume_all(bus);
	*event = (struct audiomodule_bus_event) {
		.type = bus->owner ? AUDIOMODULE_BUS_RETURNED : AUDIOMODULE_BUS_LEFT
	};
	return 1;
}

static int on_endpoint_signal(struct audiomodule_bus *bus, sd_bus_message *message,
			      struct audiomodule_bus_event *event)
{
	struct bus_subscription *subscription = bus_find(bus, sd_bus_message_get_path(message));

	if (!subscription || is_older(subscription, message))
		return 0;
	if (sd_bus_message_is_signal(message, BUS_ENDPOINT, "NotificationReceived"))
		return on_notification(subscription, message, event);
	if (sd_bus_message_is_signal(message, BUS_ENDPOINT, "NotificationsLost"))
		return on_lost(subscription, message, event);
	return 0;
}

static int on_message(struct audiomodule_bus *bus, sd_bus_message *message,
		      struct audiomodule_bus_event *event)
{
	const char *sender = sd_bus_message_get_sender(message);

	if (!sender || sd_bus_message_is_signal(message, NULL, NULL) <= 0)
		return 0;
	if (strcmp(sender, "org.freedesktop.DBus") == 0)
		return on_owner(bus, message, event);
	if (!bus->owner || strcmp(sender, bus->owner) != 0)
		return 0;
	if (sd_bus_message_is_signal(message, NULL, "InterfacesAdded"))
		return on_added(bus, message, event);
	if (sd_bus_message_is_signal(message, NULL, "InterfacesRemoved"))
		return on_removed(bus, message, event);
	return on_endpoint_signal(bus, message, event);
}

static int next_ended(struct audiomodule_bus *bus, struct audiomodule_bus_event *event)
{
	for (struct bus_subscription *s = bus->subscriptions; s; s = s->next)
		if (s->ended)
			return tell_end(bus, s, event);
	return 0;
}

int audiomodule_bus_next(struct audiomodule_bus *bus, struct audiomodule_bus_event *event)
{
	int r;

	bus->told = bus_subscription_free(bus->told);
	r = bus_call_again(bus);
	if (r == 0)
		r = next_ended(bus, event);
	while (r == 0) {
		bus->current = sd_bus_message_unref(bus->current);
		r = sd_bus_process(bus->bus, &bus->current);
		if (r == 0)
			all_were_read(bus);
		if (r <= 0)
			return r;
		r = bus->current ? on_message(bus, bus->current, event) : 0;
	}
	return r;
}
