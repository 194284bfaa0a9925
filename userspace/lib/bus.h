/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: what the files of libaudiomodule-bus know about a connection.
 */
#ifndef AUDIOMODULE_BUS_PRIVATE_H
#define AUDIOMODULE_BUS_PRIVATE_H

#include <systemd/sd-bus.h>

#include "audiomodule-bus.h"
#include "bus-names.h"
#include "cleanup.h"

/* Signals of one endpoint, and what is needed to ask for them again. */
struct bus_subscription {
	struct bus_subscription *next;
	char *object_path;
	char *owner;		/* unique name of the audiomoduled that has it */
	uint32_t begin;		/* serial of its answer: a signal with a smaller one is older */
	bool is_new;		/* such signals may still come */
	struct audiomodule_filter filter;
	struct audiomodule_position position;
	bool ended;		/* REMOVED is still to be told */
};

/* In microseconds of CLOCK_MONOTONIC, as sd-bus has it. */
#define BUS_NEVER	UINT64_MAX

struct audiomodule_bus {
	sd_bus *bus;
	char *address;		/* as it was opened with; NULL: the system bus */
	char *owner;		/* audiomoduled's unique name, NULL while it is away */
	uint64_t call_time;	/* when one that left, or was busy, is called; or BUS_NEVER */
	char *error;
	sd_bus_message *current;	/* events point into it */
	struct bus_subscription *subscriptions;
	struct bus_subscription *told;	/* ended and reported: freed with the next call */
};

DEFINE_CLEANUP(cleanup_message, sd_bus_message *, sd_bus_message_unref)

/* The errno of an error that a call was answered with. */
int bus_error_number(const sd_bus_error *error, int otherwise);

/* Who ended before he answered, or is not there, has refused nothing: the next one is asked. */
static inline bool bus_is_away(int error)
{
	return error == -EHOSTUNREACH || error == -ETIMEDOUT;
}

/* Calls on the message's connection, waits, and turns the daemon's error into errno and text. */
int bus_call(struct audiomodule_bus *bus, sd_bus_message *message, sd_bus_message **reply);
int bus_new_call(sd_bus *connection, const char *object_path, const char *method,
		 sd_bus_message **message);
int bus_request(struct audiomodule_bus *bus, struct bus_subscription *subscription,
		bool resume, struct audiomodule_position *start);

/* Is the message that audiomoduled came or went? bus->owner knows then. */
int bus_owner_changed(struct audiomodule_bus *bus, sd_bus_message *message);

/*
 * When it is time: calls an audiomoduled that left, so that the bus starts it again, or asks one
 * that was busy once more.
 */
int bus_call_again(struct audiomodule_bus *bus);

/* When that is, or there is something to do for sd-bus; fails when the bus is gone. */
int bus_deadline(const struct audiomodule_bus *bus, uint64_t *deadline);

/* Calls, and what their answers say, for those who wait in a way of their own. */
int bus_list_call(struct audiomodule_bus *bus, sd_bus_message **call);
int bus_list_read(sd_bus_message *reply, struct audiomodule_list **list);
int bus_command_call(struct audiomodule_bus *bus, const char *object_path, const void *command,
		     size_t size, sd_bus_message **message);
int bus_command_read(sd_bus_message *reply, void **answer, size_t *answer_size);
int bus_acquire_call(struct audiomodule_bus *bus, const char *object_path,
		     const struct audiomodule_filter *filter,
		     const struct audiomodule_position *after, sd_bus_message **call);
int bus_acquire_read(sd_bus_message *reply, const struct audiomodule_position *after,
		     uint64_t *oldest, struct audiomodule_subscription **subscription);

/* audiomodule_bus_acquire(), and the oldest sequence that the journal has. Its connection ends. */
int bus_acquire(struct audiomodule_bus *bus, const char *object_path,
		const struct audiomodule_filter *filter, const struct audiomodule_position *after,
		uint64_t *oldest, struct audiomodule_subscription **subscription);

/*
 * What reading a message came to. sd-bus says ENXIO when it has other types than were asked for,
 * EBUSY when a length in it is another one than that of what is there, EINVAL for some types in a
 * variant.
 */
static inline int bus_read_result(int r)
{
	return r < 0 && r != -ENOMEM ? -EBADMSG : r;
}

struct bus_subscription *bus_find(struct audiomodule_bus *bus, const char *object_path);
struct bus_subscription *bus_subscription_free(struct bus_subscription *subscription);
void bus_unlink(struct audiomodule_bus *bus, struct bus_subscription *subscription);

#endif /* AUDIOMODULE_BUS_PRIVATE_H */
