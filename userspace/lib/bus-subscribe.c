// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: asking audiomoduled for notifications, as signals or as the kernel's fd. Both take the same
 * options; what was asked for by signal is remembered, because a restarted daemon remembers
 * nothing.
 */
#include <fcntl.h>
#include <string.h>

#include "bus.h"
#include "bus-open.h"

DEFINE_CLEANUP(cleanup_connection, sd_bus *, sd_bus_close_unref)

static int append_guid(sd_bus_message *message, const char *key,
		       const struct audiomodule_guid *guid)
{
	char text[AUDIOMODULE_GUID_TEXT_SIZE];

	audiomodule_guid_format(guid, text);
	return sd_bus_message_append(message, "{sv}", key, "s", text);
}

static int append_filter(sd_bus_message *message, const struct audiomodule_filter *filter)
{
	int r = 0;

	if (filter->match & AUDIOMODULE_MATCH_CLASS_ID)
		r = append_guid(message, "class_id", &filter->class_id);
	if (r >= 0 && filter->match & AUDIOMODULE_MATCH_INSTANCE_ID)
		r = sd_bus_message_append(message, "{sv}", "instance_id", "u",
					  filter->instance_id);
	if (r >= 0 && filter->match & AUDIOMODULE_MATCH_NOTIFICATION_ID)
		r = append_guid(message, "notification_id", &filter->notification_id);
	return r;
}

static int append_options(sd_bus_message *message, const struct audiomodule_filter *filter,
			  const struct audiomodule_position *after)
{
	int r = sd_bus_message_open_container(message, 'a', "{sv}");

	if (r >= 0 && filter)
		r = append_filter(message, filter);
	if (r >= 0 && after)
		r = sd_bus_message_append(message, "{sv}{sv}", "journal_id", "t",
					  after->journal_id, "sequence", "t", after->sequence);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int new_call(sd_bus *connection, const char *object_path, const char *method,
		    const struct audiomodule_filter *filter,
		    const struct audiomodule_position *after, sd_bus_message **call)
{
	int r = bus_new_call(connection, object_path, method, call);

	return r < 0 ? r : append_options(*call, filter, after);
}

static int call_with_options(struct audiomodule_bus *bus, sd_bus *connection,
			     const char *object_path, const char *method,
			     const struct audiomodule_filter *filter,
			     const struct audiomodule_position *after, sd_bus_message **reply)
{
	_cleanup_(cleanup_message) sd_bus_message *call = NULL;
	int r = new_call(connection, object_path, method, filter, after, &call);

	return r < 0 ? r : bus_call(bus, call, reply);
}

struct bus_subscription *bus_find(struct audiomodule_bus *bus, const char *object_path)
{
	struct bus_subscription *subscription = bus->subscriptions;

	while (subscription && strcmp(subscription->object_path, object_path) != 0)
		subscription = subscription->next;
	return subscription;
}

struct bus_subscription *bus_subscription_free(struct bus_subscription *subscription)
{
	if (!subscription)
		return NULL;
	free(subscription->object_path);
	free(subscription->owner);
	free(subscription);
	return NULL;
}

void bus_unlink(struct audiomodule_bus *bus, struct bus_subscription *subscription)
{
	struct bus_subscription **link = &bus->subscriptions;

	while (*link != subscription)
		link = &(*link)->next;
	*link = subscription->next;
}

/* Who answered, and when: what came before, and still waits to be read, is not for it. */
static int set_begin(struct bus_subscription *subscription, sd_bus_message *reply)
{
	const char *sender = sd_bus_message_get_sender(reply);
	uint64_t cookie = 0;

	sd_bus_message_get_cookie(reply, &cookie);
	subscription->begin = (uint32_t)cookie;
	subscription->is_new = true;
	free(subscription->owner);
	subscription->owner = sender ? strdup(sender) : NULL;
	return subscription->owner ? 0 : -ENOMEM;
}

int bus_request(struct audiomodule_bus *bus, struct bus_subscription *subscription,
		bool resume, struct audiomodule_position *start)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	int r = call_with_options(bus, bus->bus, subscription->object_path, "Subscribe",
				  &subscription->filter,
				  resume ? &subscription->position : NULL, &reply);

	if (r < 0)
		return r;
	r = bus_read_result(sd_bus_message_read(reply, "tt", &start->journal_id,
						&start->sequence));
	return r < 0 ? r : set_begin(subscription, reply);
}

DEFINE_CLEANUP(cleanup_subscription, struct bus_subscription *, bus_subscription_free)

int audiomodule_bus_subscribe(struct audiomodule_bus *bus, const char *object_path,
			      const struct audiomodule_filter *filter,
			      const struct audiomodule_position *after,
			      struct audiomodule_position *start)
{
	_cleanup_(cleanup_subscription) struct bus_subscription *new = NULL;
	int r;

	if (bus_find(bus, object_path))
		return -EALREADY;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->object_path = strdup(object_path);
	if (!new->object_path)
		return -ENOMEM;
	if (filter)
		new->filter = *filter;
	if (after)
		new->position = *after;
	r = bus_request(bus, new, after != NULL, &new->position);
	if (r < 0)
		return r;
	if (start)
		*start = new->position;
	new->next = bus->subscriptions;
	bus->subscriptions = steal_pointer(new);
	return 0;
}

int audiomodule_bus_unsubscribe(struct audiomodule_bus *bus, const char *object_path)
{
	_cleanup_(cleanup_subscription) struct bus_subscription *old = bus_find(bus, object_path);
	_cleanup_(cleanup_message) sd_bus_message *call = NULL;
	int r;

	if (!old)
		return -ENOENT;
	bus_unlink(bus, old);
	r = bus_new_call(bus->bus, object_path, "Unsubscribe", &call);
	return r < 0 ? r : bus_call(bus, call, NULL);
}

int bus_acquire_call(struct audiomodule_bus *bus, const char *object_path,
		     const struct audiomodule_filter *filter,
		     const struct audiomodule_position *after, sd_bus_message **call)
{
	return new_call(bus->bus, object_path, "AcquireNotifications", filter, after, call);
}

int bus_acquire_read(sd_bus_message *reply, const struct audiomodule_position *after,
		     uint64_t *oldest, struct audiomodule_subscription **subscription)
{
	struct audiomodule_position start;
	_cleanup_(cleanup_fd) int copy = -1;
	int fd, r;

	*subscription = NULL;
	r = bus_read_result(sd_bus_message_read(reply, "httt", &fd, &start.journal_id, oldest,
						&start.sequence));
	if (r < 0)
		return r;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);	/* the message closes its own */
	if (copy < 0)
		return -errno;
	if (after)
		start = *after;
	r = audiomodule_subscription_from_fd(copy, &start, subscription);
	if (r == 0)
		steal_fd(&copy);
	return r;
}

/*
 * The daemon asks behind each fd whether it was read, and a program that waits for the fd alone from
 * now on would not answer for long. The end of a connection of its own answers, too. A program that
 * does not see the bus's socket any more can have none: for it the one that is there has to do.
 */
int bus_acquire(struct audiomodule_bus *bus, const char *object_path,
		const struct audiomodule_filter *filter, const struct audiomodule_position *after,
		uint64_t *oldest, struct audiomodule_subscription **subscription)
{
	_cleanup_(cleanup_connection) sd_bus *connection = NULL;
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	sd_bus *used = bus_open(bus->address, &connection) < 0 ? bus->bus : connection;
	int r = call_with_options(bus, used, object_path, "AcquireNotifications", filter, after,
				  &reply);

	*subscription = NULL;
	return r < 0 ? r : bus_acquire_read(reply, after, oldest, subscription);
}

int audiomodule_bus_acquire(struct audiomodule_bus *bus, const char *object_path,
			    const struct audiomodule_filter *filter,
			    const struct audiomodule_position *after,
			    struct audiomodule_subscription **subscription)
{
	uint64_t oldest;

	return bus_acquire(bus, object_path, filter, after, &oldest, subscription);
}
