// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: audiomoduled as a client's transport. Notifications come from the kernel's fds, which it
 * hands over; so what it has to be asked for is which endpoints there are, for those fds, and for
 * commands. Whatever it tells of its objects leads to the same: ask for all of them. What is asked
 * for while the program wants its next event is answered later, in a callback, and for as long as
 * it takes: when audiomoduled ends, the bus says so.
 */
#include <poll.h>
#include <string.h>

#include "bus.h"
#include "client-transport.h"
#include "clock.h"

/* Messages before notifications have their turn. */
#define BUDGET	64

/* Microseconds until a list that failed is asked for again, each time twice as many. */
#define FIRST_DELAY	UINT64_C(1000000)
#define LAST_DELAY	(64 * FIRST_DELAY)

DEFINE_CLEANUP(cleanup_list, struct audiomodule_list *, audiomodule_list_free)

struct bus_client;

/* A call that is not answered yet. */
struct bus_request {
	struct bus_request *next;
	struct bus_client *client;
	sd_bus_slot *slot;
	void *whose;				/* a feed, a command, or NULL: the list */
	struct audiomodule_position after;	/* of a feed */
};

struct bus_client {
	struct audiomodule_client *client;
	struct audiomodule_bus *bus;
	struct bus_request *requests;
	struct bus_request *list;	/* of those; NULL: not asked for */
	bool is_stale;			/* the list that the client has */
	uint64_t list_time;		/* when it may be asked for again */
	uint64_t delay;			/* before that, if the next one fails, too; 0: none did */
	bool is_answered;		/* by the module: what failed last */
};

/* ---- Calls that are answered later ---- */

static struct bus_request *request_free(struct bus_request *request)
{
	struct bus_client *client = request->client;
	struct bus_request **link = &client->requests;

	while (*link != request)
		link = &(*link)->next;
	*link = request->next;
	if (client->list == request)
		client->list = NULL;
	sd_bus_slot_unref(request->slot);
	free(request);
	return NULL;
}

static int request_new(struct bus_client *client, sd_bus_message *call,
		       sd_bus_message_handler_t callback, void *whose,
		       struct bus_request **request)
{
	struct bus_request *new = calloc(1, sizeof(*new));
	int r;

	if (!new)
		return -ENOMEM;
	new->client = client;
	new->whose = whose;
	new->next = client->requests;
	client->requests = new;
	r = sd_bus_call_async(client->bus->bus, &new->slot, call, callback, new, UINT64_MAX);
	if (r < 0) {
		request_free(new);
		return r;
	}
	*request = new;
	return 0;
}

/* What the daemon, or the bus in its place, answered. */
static int answer_of(sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);

	return error ? bus_error_number(error, -sd_bus_message_get_errno(reply)) : 0;
}

/* All that fail until then are one failure. */
static void ask_for_list_later(struct bus_client *client)
{
	uint64_t now = clock_now();

	if (client->is_stale && client->list_time > now)
		return;
	client->delay = client->delay ? client->delay * 2 : FIRST_DELAY;
	if (client->delay > LAST_DELAY)
		client->delay = LAST_DELAY;
	client->list_time = now + client->delay;
	client->is_stale = true;
}

static int take_list(struct bus_client *client, const struct audiomodule_list *list)
{
	client->delay = 0;
	return audiomodule_transport_update(client->client, list, CLIENT_ALL_JOURNALS);
}

static int on_list(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	struct bus_request *request = context;
	struct bus_client *client = request->client;
	int r = answer_of(reply);

	(void)error;
	request_free(request);
	if (r >= 0)
		r = bus_list_read(reply, &list);
	if (r >= 0)
		r = take_list(client, list);
	/* A daemon that is not there will be told of: then it is asked again. */
	if (r < 0 && !bus_is_away(r))
		ask_for_list_later(client);
	return 0;
}

static int ask_for_list(struct bus_client *client)
{
	_cleanup_(cleanup_message) sd_bus_message *call = NULL;
	int r = bus_list_call(client->bus, &call);

	if (r >= 0)
		r = request_new(client, call, on_list, NULL, &client->list);
	if (r >= 0)
		client->is_stale = false;
	return r;
}

static int on_acquired(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	struct audiomodule_subscription *subscription = NULL;
	struct bus_request *request = context;
	struct client_feed *feed = request->whose;
	uint64_t oldest;
	int r = answer_of(reply);

	(void)error;
	if (r >= 0)
		r = bus_acquire_read(reply, &request->after, &oldest, &subscription);
	if (r == -EBUSY)
		ask_for_list_later(request->client);
	request_free(request);
	audiomodule_transport_subscribed(feed, bus_is_away(r) || r == -EBUSY ? -EAGAIN : r,
					 subscription);
	return 0;
}

static int on_command(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	struct bus_request *request = context;
	struct client_command *command = request->whose;
	void *answer = NULL;
	size_t size = 0;
	int r = answer_of(reply);

	(void)error;
	if (r >= 0)
		r = bus_command_read(reply, &answer, &size);
	request_free(request);
	audiomodule_transport_answered(command, r, answer, size);
	return 0;
}

/* ---- The transport ---- */

static int on_message(struct bus_client *client, sd_bus_message *message)
{
	struct audiomodule_bus *bus = client->bus;
	const char *sender = sd_bus_message_get_sender(message);
	int r;

	if (!sender)
		return 0;
	r = bus_owner_changed(bus, message);
	if (r > 0) {
		audiomodule_transport_daemon(client->client, bus->owner);
		client->is_stale |= bus->owner != NULL;
		client->list_time = 0;
	}
	if (r == 0 && bus->owner && strcmp(sender, bus->owner) == 0 &&
	    sd_bus_message_is_signal(message, "org.freedesktop.DBus.ObjectManager", NULL) > 0)
		client->is_stale = true;
	return r < 0 ? r : 0;
}

/* 1: there may be more; 0: nothing now. */
static int process_message(struct bus_client *client)
{
	_cleanup_(cleanup_message) sd_bus_message *message = NULL;
	int r = sd_bus_process(client->bus->bus, &message);
	int error = r > 0 && message ? on_message(client, message) : 0;

	return error < 0 ? error : r;
}

static uint64_t list_deadline(const struct bus_client *client)
{
	return client->is_stale && !client->list ? client->list_time : CLIENT_NO_DEADLINE;
}

/* Changes while the list is asked for may be in it or not: so it is asked for once more. */
static int bus_process(void *transport)
{
	struct bus_client *client = transport;
	int r = 1;

	for (int i = 0; i < BUDGET && r > 0; i++)
		r = process_message(client);
	if (r >= 0)
		r = bus_call_again(client->bus);
	if (r >= 0 && list_deadline(client) <= clock_now())
		r = ask_for_list(client);
	return r < 0 ? r : 0;
}

static int bus_refresh(void *transport)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	struct bus_client *client = transport;
	int r;

	client->is_answered = false;
	if (client->list)
		request_free(client->list);	/* its answer would be older */
	client->is_stale = false;
	r = audiomodule_bus_list(client->bus, &list);
	if (r >= 0)
		r = take_list(client, list);
	if (r < 0)
		ask_for_list_later(client);
	return r;
}

static int bus_list(void *transport, struct audiomodule_list **list)
{
	struct bus_client *client = transport;

	client->is_answered = false;
	return audiomodule_bus_list(client->bus, list);
}

/* The daemon has no option for the oldest, but it says which one that is. */
static int find_oldest(struct bus_client *client, const struct audiomodule_endpoint *endpoint,
		       struct audiomodule_position *before)
{
	struct audiomodule_subscription *subscription;
	uint64_t oldest;
	int r = bus_acquire(client->bus, endpoint->object_path, NULL, NULL, &oldest,
			    &subscription);

	if (r < 0)
		return r;
	audiomodule_subscription_start(subscription, before);
	audiomodule_subscription_free(subscription);
	before->sequence = oldest > 0 ? oldest - 1 : 0;
	return 0;
}

static int acquire(struct bus_client *client, const struct audiomodule_endpoint *endpoint,
		   const struct audiomodule_filter *filter,
		   const struct audiomodule_position *after,
		   struct audiomodule_subscription **subscription)
{
	struct audiomodule_position start;
	int r = audiomodule_bus_acquire(client->bus, endpoint->object_path, filter, after,
					subscription);

	if (r < 0)
		return r;
	audiomodule_subscription_start(*subscription, &start);
	if (start.journal_id == endpoint->journal_id)
		return 0;
	/* The object is another card's by now. */
	*subscription = audiomodule_subscription_free(*subscription);
	return -ENODEV;
}

static int bus_subscribe(void *transport, const struct audiomodule_endpoint *endpoint,
			 const struct audiomodule_filter *filter,
			 const struct audiomodule_begin *begin,
			 struct audiomodule_subscription **subscription)
{
	struct bus_client *client = transport;
	struct audiomodule_position oldest;
	int r = 0;

	if (begin && begin->flags)
		return -EOPNOTSUPP;
	if (!begin || begin->start == AUDIOMODULE_START_NEWEST)
		return acquire(client, endpoint, filter, NULL, subscription);
	if (begin->start == AUDIOMODULE_START_AFTER)
		return acquire(client, endpoint, filter, &begin->position, subscription);
	r = find_oldest(client, endpoint, &oldest);
	return r < 0 ? r : acquire(client, endpoint, filter, &oldest, subscription);
}

static int bus_request_feed(void *transport, const struct audiomodule_endpoint *endpoint,
			    const struct audiomodule_filter *filter,
			    const struct audiomodule_position *after, struct client_feed *feed,
			    void **request)
{
	_cleanup_(cleanup_message) sd_bus_message *call = NULL;
	struct bus_client *client = transport;
	struct bus_request *new = NULL;
	int r = bus_acquire_call(client->bus, endpoint->object_path, filter, after, &call);

	if (r >= 0)
		r = request_new(client, call, on_acquired, feed, &new);
	if (r < 0)
		return r;
	new->after = *after;
	*request = new;
	return 0;
}

static void bus_cancel(void *transport, void *request)
{
	(void)transport;
	request_free(request);
}

static int bus_command(void *transport, const struct audiomodule_module *module,
		       const void *bytes, size_t size, void **answer, size_t *answer_size)
{
	struct bus_client *client = transport;
	int r;

	*answer = NULL;
	*answer_size = 0;
	client->is_answered = false;
	if (!module->object_path)
		return -EINVAL;
	r = audiomodule_bus_command(client->bus, module->object_path, bytes, size, answer,
				    answer_size);
	client->is_answered = !audiomodule_bus_error(client->bus)[0];
	return r;
}

static int bus_command_start(void *transport, const struct audiomodule_module *module,
			     const void *bytes, size_t size, struct client_command *command)
{
	_cleanup_(cleanup_message) sd_bus_message *call = NULL;
	struct bus_client *client = transport;
	struct bus_request *request;
	int r;

	client->is_answered = false;
	if (!module->object_path)
		return -EINVAL;
	r = bus_command_call(client->bus, module->object_path, bytes, size, &call);
	return r < 0 ? r : request_new(client, call, on_command, command, &request);
}

/* The daemon's own words, or the bus', where there are some. */
static const char *bus_error(const void *transport, int error)
{
	const struct bus_client *client = transport;
	const char *text = audiomodule_bus_error(client->bus);

	if (client->is_answered)
		return "";
	return text[0] ? text : strerror(-error);
}

static int bus_fd(const void *transport)
{
	const struct bus_client *client = transport;

	return sd_bus_get_fd(client->bus->bus);
}

static int bus_events(const void *transport)
{
	const struct bus_client *client = transport;
	int events = sd_bus_get_events(client->bus->bus);

	return events < 0 ? POLLIN : events;
}

/* A bus that is gone has no deadline any more: then there is something to be told, too. */
static uint64_t bus_client_deadline(const void *transport)
{
	const struct bus_client *client = transport;
	uint64_t list = list_deadline(client), until;

	if (bus_deadline(client->bus, &until) < 0)
		return 0;
	return until > list ? list : until;
}

static void bus_free(void *transport)
{
	struct bus_client *client = transport;

	while (client->requests)
		request_free(client->requests);
	audiomodule_bus_close(client->bus);
	free(client);
}

static const struct client_transport operations = {
	.free = bus_free,
	.error = bus_error,
	.fd = bus_fd,
	.events = bus_events,
	.deadline = bus_client_deadline,
	.process = bus_process,
	.list = bus_list,
	.refresh = bus_refresh,
	.subscribe = bus_subscribe,
	.request = bus_request_feed,
	.cancel = bus_cancel,
	.command = bus_command,
	.command_start = bus_command_start,
};

int audiomodule_client_new_bus(const char *address, struct audiomodule_client **client)
{
	struct bus_client *new = calloc(1, sizeof(*new));
	int r;

	*client = NULL;
	if (!new)
		return -ENOMEM;
	new->is_stale = true;
	r = audiomodule_bus_open(address, &new->bus);
	if (r < 0) {
		free(new);
		return r;
	}
	r = audiomodule_transport_client_new(&operations, new, client);
	if (r < 0)
		return r;
	new->client = *client;
	audiomodule_transport_daemon(*client, new->bus->owner);
	return 0;
}
