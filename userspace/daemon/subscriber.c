// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: from a notification fd to signals, without ever queueing here. A record is taken from the
 * kernel only when its signal may be sent now:
 *
 *  - the client's pace allows it (pace.h);
 *  - the client reads: only so much is under way that it has not read (unread.c);
 *  - the bus reads what we write.
 *
 * Otherwise the record stays in the card's journal, where it waits or is overwritten; the kernel
 * then counts it and NotificationsLost tells the exact range. So a slow client costs nobody else
 * anything, and received plus lost is always all. Each subscriber gets a turn of BUDGET records.
 */
#include <string.h>
#include <sys/epoll.h>

#include "log.h"
#include "pace.h"
#include "subscriber.h"

#define BUDGET			16
#define MAX_QUEUED_MESSAGES	2048	/* of all clients, not yet written to the bus */
#define BUS_WAIT		5000	/* microseconds until the bus is tried again, */
#define ASK_WAIT		100000	/* and a client that could not be asked */
#define SIGNAL_BYTES		512	/* of a signal besides its data, at most or nearly so */
#define PACE_WAIT_LEAST		10000	/* several signals for each wake-up of a capped client */

struct subscriber {
	struct subscriber *next;
	struct endpoint *endpoint;
	struct client *client;
	struct audiomodule_subscription *subscription;
	sd_event_source *input;
	sd_event_source *timer;
	struct pace pace;
	uint64_t told;			/* last sequence sent, or told as lost */
};

static sd_bus *subscriber_bus(const struct subscriber *subscriber)
{
	return subscriber->endpoint->card->manager->bus;
}

static uint64_t time_now(const struct subscriber *subscriber)
{
	uint64_t now = 0;

	sd_event_now(subscriber->endpoint->card->manager->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void subscriber_free(struct subscriber *subscriber)
{
	struct subscriber **link = &subscriber->endpoint->subscribers;

	while (*link && *link != subscriber)
		link = &(*link)->next;
	if (*link)
		*link = subscriber->next;
	sd_event_source_disable_unref(subscriber->input);
	sd_event_source_disable_unref(subscriber->timer);
	audiomodule_subscription_free(subscriber->subscription);
	free(subscriber);
}

DEFINE_CLEANUP(cleanup_subscriber, struct subscriber *, subscriber_free)
DEFINE_CLEANUP(cleanup_message, sd_bus_message *, sd_bus_message_unref)

/* ---- When to send ---- */

static void wait_for_input(struct subscriber *subscriber)
{
	sd_event_source_set_enabled(subscriber->input, SD_EVENT_ON);
	sd_event_source_set_enabled(subscriber->timer, SD_EVENT_OFF);
}

static void wait_for_time(struct subscriber *subscriber, uint64_t microseconds)
{
	sd_event_source_set_enabled(subscriber->input, SD_EVENT_OFF);
	sd_event_source_set_time(subscriber->timer, time_now(subscriber) + microseconds);
	sd_event_source_set_enabled(subscriber->timer, SD_EVENT_ONESHOT);
}

/* Until subscribers_go_on(). */
static void wait_for_client(struct subscriber *subscriber)
{
	if (!unread_ask(subscriber->client)) {
		wait_for_time(subscriber, ASK_WAIT);
		return;
	}
	sd_event_source_set_enabled(subscriber->input, SD_EVENT_OFF);
	sd_event_source_set_enabled(subscriber->timer, SD_EVENT_OFF);
}

static bool bus_is_full(const struct subscriber *subscriber)
{
	uint64_t queued = 0;

	return sd_bus_get_n_queued_write(subscriber_bus(subscriber), &queued) >= 0 &&
	       queued >= MAX_QUEUED_MESSAGES;
}

static uint64_t pace_wait_now(const struct subscriber *subscriber)
{
	uint64_t wait = pace_wait(&subscriber->pace, time_now(subscriber));

	return wait > 0 && wait < PACE_WAIT_LEAST ? PACE_WAIT_LEAST : wait;
}

/* Returns true when a signal may be sent now; otherwise it will be tried again. */
static bool may_send(struct subscriber *subscriber)
{
	uint64_t wait;

	if (unread_is_full(subscriber->client)) {
		wait_for_client(subscriber);
		return false;
	}
	if (bus_is_full(subscriber)) {
		wait_for_time(subscriber, BUS_WAIT);
		return false;
	}
	wait = pace_wait_now(subscriber);
	if (wait > 0)
		wait_for_time(subscriber, wait);
	return wait == 0;
}

/* ---- Signals ---- */

static const char *module_path(const struct endpoint *endpoint,
			       const struct audiomodule_record *record)
{
	if (!record->has_identity)
		return "/";
	for (const struct module *module = endpoint->modules; module; module = module->next)
		if (module->info.instance_id == record->instance_id &&
		    audiomodule_guid_equal(&module->info.class_id, &record->class_id))
			return module->path;
	return "/";
}

static int append_notification(sd_bus_message *signal, const struct endpoint *endpoint,
			       const struct audiomodule_record *record)
{
	char class_id[AUDIOMODULE_GUID_TEXT_SIZE] = "", id[AUDIOMODULE_GUID_TEXT_SIZE];
	int r;

	if (record->has_identity)
		audiomodule_guid_format(&record->class_id, class_id);
	audiomodule_guid_format(&record->notification_id, id);
	r = sd_bus_message_append(signal, "osustt", module_path(endpoint, record), class_id,
				  record->instance_id, id, record->sequence, record->timestamp);
	return r < 0 ? r : sd_bus_message_append_array(signal, 'y', record->tail,
						       record->tail_size);
}

static int send_signal(struct subscriber *subscriber, sd_bus_message *signal, size_t data_size)
{
	int r = sd_bus_send_to(subscriber_bus(subscriber), signal, subscriber->client->name, NULL);

	if (r < 0)
		return r;
	pace_take(&subscriber->pace, time_now(subscriber));
	unread_add_signal(subscriber->client, SIGNAL_BYTES + data_size);
	return 0;
}

static int send_notification(struct subscriber *subscriber,
			     const struct audiomodule_record *record)
{
	_cleanup_(cleanup_message) sd_bus_message *signal = NULL;
	int r = sd_bus_message_new_signal(subscriber_bus(subscriber), &signal,
					  subscriber->endpoint->path, BUS_ENDPOINT,
					  "NotificationReceived");

	if (r >= 0)
		r = append_notification(signal, subscriber->endpoint, record);
	return r < 0 ? r : send_signal(subscriber, signal, record->tail_size);
}

static int send_lost(struct subscriber *subscriber, uint64_t first, uint64_t last)
{
	_cleanup_(cleanup_message) sd_bus_message *signal = NULL;
	int r = sd_bus_message_new_signal(subscriber_bus(subscriber), &signal,
					  subscriber->endpoint->path, BUS_ENDPOINT,
					  "NotificationsLost");

	if (r >= 0)
		r = sd_bus_message_append(signal, "tt", first, last);
	return r < 0 ? r : send_signal(subscriber, signal, 0);
}

static int send_record(struct subscriber *subscriber, const struct audiomodule_record *record)
{
	int r = 0;

	if (record->type == AUDIOMODULE_RECORD_NOTIFICATION)
		r = send_notification(subscriber, record);
	else if (record->type == AUDIOMODULE_RECORD_LOST)
		r = send_lost(subscriber, record->lost_first, record->lost_last);
	else if (record->type == AUDIOMODULE_RECORD_REMOVED)
		return -ENODEV;
	if (r >= 0 && record->sequence > subscriber->told)
		subscriber->told = record->sequence;
	return r;
}

/* ---- The loop ---- */

static int pump_some(struct subscriber *subscriber)
{
	struct audiomodule_record record;

	for (int i = 0; i < BUDGET; i++) {
		int r;

		if (!may_send(subscriber))
			return 0;
		r = audiomodule_subscription_next(subscriber->subscription, &record);
		if (r == 0) {
			wait_for_input(subscriber);
			return 0;
		}
		if (r > 0)
			r = send_record(subscriber, &record);
		if (r < 0)
			return r;
	}
	wait_for_time(subscriber, 0);	/* others first; the rest may be read ahead already */
	return 0;
}

static int pump(struct subscriber *subscriber)
{
	int r = pump_some(subscriber);

	if (r >= 0)
		return 0;
	if (r != -ENODEV)
		log_error("Subscription of %s to %s on card %u ended: %s", subscriber->client->name,
			  subscriber->endpoint->info.name, subscriber->endpoint->info.card,
			  strerror(-r));
	subscriber_free(subscriber);
	return 0;
}

static void endpoint_takes_turn(struct endpoint *endpoint)
{
	struct subscriber *subscriber = endpoint->subscribers;

	while (subscriber) {
		struct subscriber *next = subscriber->next;

		pump(subscriber);	/* may free it */
		subscriber = next;
	}
}

void subscribers_take_turn(struct manager *manager)
{
	for (struct card *card = manager->cards; card; card = card->next)
		for (struct endpoint *endpoint = card->endpoints; endpoint;
		     endpoint = endpoint->next)
			endpoint_takes_turn(endpoint);
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)source;
	(void)fd;
	(void)events;
	return pump(context);
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	return pump(context);
}

/*
 * Everything that is still in the fd is taken out: it holds the kernel's core module. What may not
 * be sent now is lost; once one is, all that follow are, so the loss is one range. When only the
 * daemon ends, nothing is taken: the client resumes with the next daemon.
 */
void subscriber_finish(struct subscriber *subscriber)
{
	struct audiomodule_record record;
	bool capped = false;
	uint64_t last = 0;

	if (subscriber->endpoint->card->manager->ending) {
		subscriber_free(subscriber);
		return;
	}
	while (audiomodule_subscription_next(subscriber->subscription, &record) > 0 &&
	       record.type != AUDIOMODULE_RECORD_REMOVED) {
		capped = capped || !may_send(subscriber);
		if (record.sequence > last)
			last = record.sequence;
		if (!capped && send_record(subscriber, &record) < 0)
			capped = true;
	}
	if (capped && last > subscriber->told)
		send_lost(subscriber, subscriber->told + 1, last);
	subscriber_free(subscriber);
}

/* ---- Clients ---- */

static size_t count_card(const struct card *card, const struct client *client, size_t *all)
{
	size_t count = 0;

	for (const struct endpoint *endpoint = card->endpoints; endpoint;
	     endpoint = endpoint->next)
		for (const struct subscriber *s = endpoint->subscribers; s; s = s->next) {
			count += s->client == client;
			++*all;
		}
	return count;
}

static struct subscriber *find_client(const struct endpoint *endpoint,
				      const struct client *client)
{
	struct subscriber *subscriber = endpoint->subscribers;

	while (subscriber && subscriber->client != client)
		subscriber = subscriber->next;
	return subscriber;
}

int subscriber_check(const struct endpoint *endpoint, const struct client *client,
		     sd_bus_error *error)
{
	const struct manager *manager = endpoint->card->manager;
	size_t own = 0, all = 0;

	if (find_client(endpoint, client))
		return sd_bus_error_setf(error, BUS_ERROR_ALREADY_SUBSCRIBED,
					 "You are subscribed to %s on card %u; call Unsubscribe "
					 "first", endpoint->info.name, endpoint->info.card);
	for (const struct card *card = manager->cards; card; card = card->next)
		own += count_card(card, client, &all);
	if (own >= MAX_SUBSCRIPTIONS_PER_CLIENT)
		return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY,
					 "You have %zu subscriptions, the most that a client can "
					 "have", own);
	if (all >= MAX_SUBSCRIPTIONS)
		return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY,
					 "All clients together have %zu subscriptions, the most "
					 "there can be; use AcquireNotifications", all);
	return 0;
}

static int add_sources(struct subscriber *subscriber)
{
	sd_event *event = subscriber->endpoint->card->manager->event;
	int r = sd_event_add_io(event, &subscriber->input,
				audiomodule_subscription_fd(subscriber->subscription), EPOLLIN,
				on_input, subscriber);

	if (r >= 0)
		r = sd_event_add_time(event, &subscriber->timer, CLOCK_MONOTONIC, 0, 1000, on_time,
				      subscriber);
	if (r < 0)
		return r;
	/*
	 * Clients' requests and cards that leave come before a flood of notifications, but see
	 * subscribers_take_turn().
	 */
	sd_event_source_set_priority(subscriber->input, SD_EVENT_PRIORITY_NORMAL + 10);
	sd_event_source_set_priority(subscriber->timer, SD_EVENT_PRIORITY_NORMAL + 10);
	wait_for_input(subscriber);
	return 0;
}

int subscriber_add(struct endpoint *endpoint, struct client *client,
		   struct audiomodule_subscription **subscription)
{
	_cleanup_(cleanup_subscriber) struct subscriber *new = calloc(1, sizeof(*new));
	struct audiomodule_position start;
	int r;

	if (!new)
		return -ENOMEM;
	new->endpoint = endpoint;
	new->subscription = steal_pointer(*subscription);
	audiomodule_subscription_start(new->subscription, &start);
	new->told = start.sequence;
	new->client = client;
	r = add_sources(new);
	if (r < 0)
		return r;
	new->next = endpoint->subscribers;
	endpoint->subscribers = steal_pointer(new);
	return 0;
}

bool subscriber_remove(struct endpoint *endpoint, const struct client *client)
{
	struct subscriber *subscriber = find_client(endpoint, client);

	if (subscriber)
		subscriber_free(subscriber);
	return subscriber != NULL;
}

void subscribers_forget(const struct client *client)
{
	for (struct card *card = client->manager->cards; card; card = card->next)
		for (struct endpoint *endpoint = card->endpoints; endpoint;
		     endpoint = endpoint->next)
			subscriber_remove(endpoint, client);
}

/* One that could not be asked, and may not be sent more, is asked again a little later. */
void subscribers_go_on(const struct client *client)
{
	const uint64_t wait = unread_is_full(client) ? ASK_WAIT : 0;

	for (struct card *card = client->manager->cards; card; card = card->next)
		for (struct endpoint *endpoint = card->endpoints; endpoint;
		     endpoint = endpoint->next) {
			struct subscriber *subscriber = find_client(endpoint, client);

			if (subscriber)
				wait_for_time(subscriber, wait);
		}
}
