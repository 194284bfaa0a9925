// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: the connection. It knows which unique name owns org.audiomodule1, because anybody on the
 * bus can send us a signal that looks like audiomoduled's; only the owner's are believed.
 */
#include <string.h>

#include "bus.h"
#include "bus-open.h"
#include "clock.h"

DEFINE_CLEANUP(cleanup_bus, struct audiomodule_bus *, audiomodule_bus_close)

/* Makes the bus deliver; audiomodule_bus_next() looks at the messages itself. */
static int pass_on(sd_bus_message *message, void *context, sd_bus_error *error)
{
	(void)message;
	(void)context;
	(void)error;
	return 0;
}

static int add_matches(struct audiomodule_bus *bus)
{
	static const char *const matches[] = {
		"type='signal',sender='org.freedesktop.DBus',"
		"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" BUS_NAME "'",
		"type='signal',path='" BUS_ROOT "',"
		"interface='org.freedesktop.DBus.ObjectManager'",
	};

	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		int r = sd_bus_add_match(bus->bus, NULL, matches[i], pass_on, NULL);

		if (r < 0)
			return r;
	}
	return 0;
}

static int ask_owner(struct audiomodule_bus *bus)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	const char *owner;
	int r;

	r = sd_bus_call_method(bus->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus", "GetNameOwner", NULL, &reply, "s", BUS_NAME);
	if (r < 0)
		return r == -ENXIO ? 0 : r;	/* nobody owns it */
	r = sd_bus_message_read(reply, "s", &owner);
	if (r < 0)
		return r;
	bus->owner = strdup(owner);
	return bus->owner ? 0 : -ENOMEM;
}

int audiomodule_bus_open(const char *address, struct audiomodule_bus **bus)
{
	_cleanup_(cleanup_bus) struct audiomodule_bus *new = calloc(1, sizeof(*new));
	int r;

	*bus = NULL;
	if (!new)
		return -ENOMEM;
	new->call_time = BUS_NEVER;
	if (address) {
		new->address = strdup(address);
		if (!new->address)
			return -ENOMEM;
	}
	r = bus_open(address, &new->bus);
	if (r < 0)
		return r;
	r = add_matches(new);
	if (r < 0)
		return r;
	r = ask_owner(new);
	if (r < 0)
		return r;
	*bus = steal_pointer(new);
	return 0;
}

struct audiomodule_bus *audiomodule_bus_close(struct audiomodule_bus *bus)
{
	if (!bus)
		return NULL;
	while (bus->subscriptions) {
		struct bus_subscription *subscription = bus->subscriptions;

		bus->subscriptions = subscription->next;
		bus_subscription_free(subscription);
	}
	bus_subscription_free(bus->told);
	sd_bus_message_unref(bus->current);
	sd_bus_flush_close_unref(bus->bus);
	free(bus->address);
	free(bus->owner);
	free(bus->error);
	free(bus);
	return NULL;
}

const char *audiomodule_bus_error(const struct audiomodule_bus *bus)
{
	return bus->error ? bus->error : "";
}

static void set_error(struct audiomodule_bus *bus, const sd_bus_error *error)
{
	free(bus->error);
	bus->error = error->message ? strdup(error->message) : NULL;
}

int bus_error_number(const sd_bus_error *error, int otherwise)
{
	static const struct {
		const char *name;
		int number;
	} errors[] = {
		{ BUS_ERROR_UNKNOWN_OPTION, -EINVAL },
		{ BUS_ERROR_INVALID_ARGUMENT, -EINVAL },
		{ BUS_ERROR_FUTURE_SEQUENCE, -EINVAL },
		{ BUS_ERROR_STALE_JOURNAL, -ESTALE },
		{ BUS_ERROR_GONE, -ENODEV },
		{ BUS_ERROR_ALREADY_SUBSCRIBED, -EALREADY },
		{ BUS_ERROR_NOT_SUBSCRIBED, -ENOENT },
		{ BUS_ERROR_TOO_MANY, -EMFILE },
		{ BUS_ERROR_TOO_MANY_COMMANDS, -EBUSY },
		{ BUS_ERROR_TOO_MANY_CALLS, -EBUSY },
		{ BUS_ERROR_NOT_AUTHORIZED, -EACCES },
		{ BUS_ERROR_FAILED, -EIO },
		{ SD_BUS_ERROR_UNKNOWN_OBJECT, -ENODEV },
		{ SD_BUS_ERROR_UNKNOWN_METHOD, -ENODEV },
		{ SD_BUS_ERROR_UNKNOWN_INTERFACE, -ENODEV },
		{ SD_BUS_ERROR_SERVICE_UNKNOWN, -EHOSTUNREACH },
		{ SD_BUS_ERROR_NAME_HAS_NO_OWNER, -EHOSTUNREACH },
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (sd_bus_error_has_name(error, errors[i].name))
			return errors[i].number;
	if (error->name && strncmp(error->name, "org.freedesktop.DBus.Error.Spawn", 32) == 0)
		return -EHOSTUNREACH;
	return otherwise;
}

int bus_call(struct audiomodule_bus *bus, sd_bus_message *message, sd_bus_message **reply)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_call(sd_bus_message_get_bus(message), message, 0, &error, reply);

	if (r < 0)
		r = bus_error_number(&error, r);
	set_error(bus, &error);
	sd_bus_error_free(&error);
	return r < 0 ? r : 0;
}

int bus_new_call(sd_bus *connection, const char *object_path, const char *method,
		 sd_bus_message **message)
{
	return sd_bus_message_new_method_call(connection, message, BUS_NAME, object_path,
					      BUS_ENDPOINT, method);
}

int audiomodule_bus_fd(struct audiomodule_bus *bus)
{
	return sd_bus_get_fd(bus->bus);
}

int audiomodule_bus_poll_events(struct audiomodule_bus *bus)
{
	return sd_bus_get_events(bus->bus);
}

int bus_deadline(const struct audiomodule_bus *bus, uint64_t *deadline)
{
	int r = sd_bus_get_timeout(bus->bus, deadline);

	if (r >= 0 && *deadline > bus->call_time)
		*deadline = bus->call_time;
	return r < 0 ? r : 0;
}

int audiomodule_bus_timeout(struct audiomodule_bus *bus)
{
	uint64_t until, now;

	if (bus_deadline(bus, &until) < 0 || until == BUS_NEVER)
		return -1;
	now = clock_now();
	if (until <= now)
		return 0;
	until = (until - now + 999) / 1000;
	return until > INT32_MAX ? INT32_MAX : (int)until;
}
