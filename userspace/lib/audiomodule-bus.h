/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libaudiomodule-bus: audio modules through audiomoduled
 *
 * DOC: the same lists, filters and records as <audiomodule.h>, for programs that may not open the
 * sound devices or do not want to. A library of its own, because it needs libsystemd and the local
 * way must not. Most programs need the first function only: all else is done with its client, by
 * the calls of <audiomodule.h>.
 *
 * The others are what it is made of. Every function that can fail returns a negative errno;
 * audiomodule_bus_error() has the daemon's words. There are two ways to receive:
 * audiomodule_bus_acquire() hands out the kernel's own notification fd (fast, nothing between the
 * kernel and you); audiomodule_bus_subscribe() asks for D-Bus signals, which the daemon slows down
 * to a rate (see org.audiomodule1(5)) and which survive a restart of the daemon: the library subscribes
 * again behind the last sequence received.
 */
#ifndef AUDIOMODULE_BUS_H
#define AUDIOMODULE_BUS_H

#include <audiomodule.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * audiomodule_client_new_bus() - a client of audiomoduled: see "Clients" in <audiomodule.h>
 * @address: "system", "session" or a D-Bus address; NULL: system
 * @client: receives the client; NULL on failure
 *
 * audiomoduled need not be there yet; the first call that asks it starts it where the bus can.
 *
 * Return: 0; failures as audiomodule_bus_open().
 */
int audiomodule_client_new_bus(const char *address, struct audiomodule_client **client);

/* ---- Below the client ---- */

/* A connection to the bus. */
struct audiomodule_bus;

enum audiomodule_bus_event_type {
	AUDIOMODULE_BUS_RECORD		= 1,	/* of the endpoint object_path: see record */
	AUDIOMODULE_BUS_APPEARED	= 2,	/* the endpoint object_path is there now */
	AUDIOMODULE_BUS_LEFT		= 3,	/* audiomoduled left the bus, and is called in 1 s */
	AUDIOMODULE_BUS_RETURNED	= 4,	/* it is back; subscriptions go on */
};

/**
 * struct audiomodule_bus_event - what audiomodule_bus_next() has
 * @type: what it says
 * @object_path: RECORD, APPEARED: the endpoint's object, else NULL
 * @record: RECORD: NOTIFICATION, LOST, CHANGED (modules of the endpoint came or went; generation
 *	is not known and 0) or REMOVED (the subscription ended)
 *
 * Pointers are valid until the next call with this connection.
 */
struct audiomodule_bus_event {
	enum audiomodule_bus_event_type type;
	const char *object_path;
	struct audiomodule_record record;
};

/**
 * audiomodule_bus_open() - connect
 * @address: "system", "session" or a D-Bus address; NULL: system
 * @bus: receives the connection; NULL on failure
 *
 * Does not ask yet whether audiomoduled is there.
 *
 * Return: 0; -ENOENT, -ECONNREFUSED and others of connecting; -ENOMEM.
 */
int audiomodule_bus_open(const char *address, struct audiomodule_bus **bus);
struct audiomodule_bus *audiomodule_bus_close(struct audiomodule_bus *bus);

/** audiomodule_bus_error() - text of the last failure; "" when there is none */
const char *audiomodule_bus_error(const struct audiomodule_bus *bus);

/**
 * audiomodule_bus_list() - what does audiomoduled know?
 * @bus: the connection
 * @list: receives the list; entries have an object_path, but no element
 *
 * Return: 0; -EHOSTUNREACH: audiomoduled does not run and cannot be started; -EACCES: the bus does
 * not let us; -ETIMEDOUT; -EBADMSG; -ENOMEM.
 */
int audiomodule_bus_list(struct audiomodule_bus *bus, struct audiomodule_list **list);

/**
 * audiomodule_bus_command() - send a command to a module and wait for its answer
 * @bus: the connection
 * @object_path: the module's object, of the list
 * @command: the vendor's bytes; may be NULL when @command_size is 0
 * @command_size: how many, at most AUDIOMODULE_MAX_COMMAND_SIZE
 * @answer: receives the vendor's answer; free() it. NULL when it has no bytes, or on failure
 * @answer_size: receives its bytes
 *
 * Waits as long as a call on the bus may take, 25 seconds unless the environment says otherwise;
 * the module may execute the command even later. Commands of one client to one module are executed
 * in their order.
 *
 * Return: 0: executed (UWP-1); whether with success, the answer may say. -ENODEV: the module or its
 * card is gone. -EBUSY: too many commands are under way; -EIO: audiomoduled cannot open the card;
 * failures as audiomodule_bus_list(): for those audiomodule_bus_error() has a text. Otherwise, with
 * the text "", what the module said: -EINVAL, -EOPNOTSUPP and others of audiomodule_command().
 */
int audiomodule_bus_command(struct audiomodule_bus *bus, const char *object_path,
			    const void *command, size_t command_size, void **answer,
			    size_t *answer_size);

/**
 * audiomodule_bus_subscribe() - receive notifications of one endpoint as events
 * @bus: the connection
 * @object_path: the endpoint's object, of the list
 * @filter: which; NULL: all. MATCH_DEVICE_ID is ignored: the object is the endpoint
 * @after: resume behind this position; NULL: only what comes from now on
 * @start: receives where it starts; may be NULL
 *
 * Return: 0; -ESTALE: another journal; -EINVAL: a sequence of the future, or a refused option;
 * -EALREADY: subscribed already; -EMFILE: too many subscriptions; -ENODEV: the endpoint is gone;
 * -EBUSY: too many calls wait for polkit: call again; failures as audiomodule_bus_list().
 */
int audiomodule_bus_subscribe(struct audiomodule_bus *bus, const char *object_path,
			      const struct audiomodule_filter *filter,
			      const struct audiomodule_position *after,
			      struct audiomodule_position *start);

/** audiomodule_bus_unsubscribe() - end it. Return: 0; -ENOENT: not subscribed. */
int audiomodule_bus_unsubscribe(struct audiomodule_bus *bus, const char *object_path);

/**
 * audiomodule_bus_acquire() - receive notifications of one endpoint from the kernel itself
 * @bus: the connection; not needed any more afterwards
 * @object_path: the endpoint's object, of the list
 * @filter: as for audiomodule_bus_subscribe()
 * @after: as for audiomodule_bus_subscribe()
 * @subscription: receives the subscription; NULL on failure
 *
 * The fd is asked for on a connection of its own that ends before this returns, so @bus need not be
 * given a turn afterwards; only where none can be made it is asked for on that of @bus. See LIMITS in
 * org.audiomodule1(5).
 *
 * Return: 0; -EBUSY: all clients together have too many fds on the bus that they have not read, too:
 * call again; failures as audiomodule_bus_subscribe().
 */
int audiomodule_bus_acquire(struct audiomodule_bus *bus, const char *object_path,
			    const struct audiomodule_filter *filter,
			    const struct audiomodule_position *after,
			    struct audiomodule_subscription **subscription);

/* poll() the fd for these events, at most until the timeout, then call audiomodule_bus_next(). */
int audiomodule_bus_fd(struct audiomodule_bus *bus);
int audiomodule_bus_poll_events(struct audiomodule_bus *bus);

/** audiomodule_bus_timeout() - milliseconds for poll(); -1: none */
int audiomodule_bus_timeout(struct audiomodule_bus *bus);

/**
 * audiomodule_bus_next() - the next event
 * @bus: the connection
 * @event: receives it
 *
 * Return: 1: an event; 0: none now; -ECONNRESET, -ENOTCONN: the bus is gone; -EBADMSG: a signal of
 * audiomoduled that is none; -ENOMEM.
 */
int audiomodule_bus_next(struct audiomodule_bus *bus, struct audiomodule_bus_event *event);

#ifdef __cplusplus
}
#endif

#endif /* AUDIOMODULE_BUS_H */
