// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: a notification fd of the client's, whoever made it: the kernel, or audiomoduled. It belongs
 * to a journal and to nobody else, so it goes on while the daemon is away, says when the card is
 * gone, and needs no resuming but when its filter has to change. One that was asked for and got no
 * answer, as the daemon ended or had too much to do, waits for the next list.
 */
#include <string.h>
#include <sys/epoll.h>

#include "client.h"

/* ---- Life ---- */

struct client_feed *client_feed_new(struct audiomodule_client *client,
				    const struct client_subscription *subscription,
				    struct client_endpoint *endpoint, bool whole_card)
{
	struct client_feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	feed->client = client;
	feed->subscription = subscription;
	feed->journal_id = endpoint->info->journal_id;
	if (whole_card) {
		feed->filter = subscription->filter;
	} else {
		feed->endpoint = endpoint;
		client_subscription_filter(subscription, endpoint, &feed->filter);
	}
	feed->next = client->feeds;
	client->feeds = feed;
	return feed;
}

static void leave_queue(struct client_feed *feed)
{
	struct client_feed **link = &feed->client->ready;

	while (*link && *link != feed)
		link = &(*link)->next_ready;
	if (link == &feed->client->ready)
		feed->client->turn = CLIENT_TURN;	/* the next one's */
	if (*link)
		*link = feed->next_ready;
	feed->is_ready = false;
}

void client_feed_set_ready(struct client_feed *feed)
{
	struct client_feed **link = &feed->client->ready;

	if (feed->is_ready || !feed->reader)
		return;
	while (*link)
		link = &(*link)->next_ready;
	*link = feed;
	feed->next_ready = NULL;
	feed->is_ready = true;
}

static void close_reader(struct client_feed *feed)
{
	leave_queue(feed);
	feed->told_last = NULL;
	feed->is_telling = false;
	if (!feed->reader)
		return;
	epoll_ctl(feed->client->epoll, EPOLL_CTL_DEL, audiomodule_subscription_fd(feed->reader),
		  NULL);
	feed->reader = audiomodule_subscription_free(feed->reader);
}

struct client_feed *client_feed_free(struct client_feed *feed)
{
	struct audiomodule_client *client = feed->client;
	struct client_feed **link = &client->feeds;

	if (feed->request)
		client->operations->cancel(client->transport, feed->request);
	close_reader(feed);
	while (*link != feed)
		link = &(*link)->next;
	*link = feed->next;
	free(feed);
	client->has_news = true;	/* its endpoint may have waited for that to be gone */
	return NULL;
}

/* ---- From the transport ---- */

static const struct client_endpoint *any_endpoint(const struct client_feed *feed)
{
	return feed->endpoint ? feed->endpoint :
	       client_endpoint_next(feed->client, feed->journal_id, NULL);
}

/* What is there already wakes nobody when it is mapped: so it is read once unasked. */
static int set_reader(struct client_feed *feed, struct audiomodule_subscription *reader)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = feed };

	feed->reader = reader;
	client_feed_set_ready(feed);
	return epoll_ctl(feed->client->epoll, EPOLL_CTL_ADD, audiomodule_subscription_fd(reader),
			 &event) < 0 ? -errno : 0;
}

int client_feed_open(struct client_feed *feed, const struct audiomodule_begin *begin)
{
	struct audiomodule_client *client = feed->client;
	struct audiomodule_subscription *reader;
	int r = client->operations->subscribe(client->transport, any_endpoint(feed)->info,
					      &feed->filter, begin, &reader);

	return r < 0 ? r : set_reader(feed, reader);
}

/* What is gone has its own event. */
static void end(struct client_feed *feed, int error)
{
	if (client_is_going(error)) {
		client_feed_free(feed);
		return;
	}
	close_reader(feed);
	feed->error = error;
	feed->client->has_news = true;
}

static void request(struct client_feed *feed)
{
	struct audiomodule_client *client = feed->client;
	int r;

	feed->is_waiting = false;
	r = client->operations->request(client->transport, any_endpoint(feed)->info, &feed->filter,
					&feed->after, feed, &feed->request);
	if (r < 0)
		end(feed, r);
}

void client_feed_request(struct client_feed *feed, const struct audiomodule_position *after)
{
	feed->after = *after;
	request(feed);
}

void client_feeds_request(struct audiomodule_client *client)
{
	struct client_feed *feed = client->feeds;

	while (feed) {
		struct client_feed *next = feed->next;

		if (feed->is_waiting && any_endpoint(feed)->is_leaving)
			client_feed_free(feed);
		else if (feed->is_waiting)
			request(feed);
		feed = next;
	}
}

void audiomodule_transport_subscribed(struct client_feed *feed, int error,
				      struct audiomodule_subscription *subscription)
{
	feed->request = NULL;
	feed->is_waiting = error == -EAGAIN;
	if (error >= 0)
		error = set_reader(feed, subscription);
	if (error < 0 && !feed->is_waiting)
		end(feed, error);
}

/* ---- To the program ---- */

static void set_event(const struct client_feed *feed, const struct client_endpoint *endpoint,
		      enum audiomodule_event_type type, struct audiomodule_event *event)
{
	event->type = type;
	event->tag = feed->subscription->tag;
	event->endpoint = endpoint->info;
}

static struct client_endpoint *find_index(const struct client_feed *feed, uint32_t index)
{
	struct client_endpoint *endpoint = client_endpoint_next(feed->client, feed->journal_id,
								NULL);

	while (endpoint && endpoint->info->index != index)
		endpoint = client_endpoint_next(feed->client, feed->journal_id, endpoint);
	return endpoint;
}

static int tell_notification(struct client_feed *feed, struct audiomodule_event *event)
{
	const struct client_endpoint *endpoint = feed->endpoint ? feed->endpoint :
						 find_index(feed, feed->record.endpoint);

	if (!endpoint)
		return 0;
	set_event(feed, endpoint, AUDIOMODULE_EVENT_NOTIFICATION, event);
	event->module = client_endpoint_module(endpoint, &feed->record);
	event->record = &feed->record;
	return 1;
}

/* The next of all those who must be told the same; NULL: all were. */
static const struct client_endpoint *next_told(struct client_feed *feed)
{
	struct client_endpoint *endpoint = feed->endpoint;

	if (!endpoint)
		endpoint = client_endpoint_next(feed->client, feed->journal_id, feed->told_last);
	else if (feed->is_telling)
		endpoint = NULL;
	feed->told_last = endpoint;
	feed->is_telling = endpoint;
	return endpoint;
}

static int tell_lost(struct client_feed *feed, struct audiomodule_event *event)
{
	const struct client_endpoint *endpoint = next_told(feed);

	if (!endpoint)
		return 0;
	set_event(feed, endpoint, AUDIOMODULE_EVENT_LOST, event);
	event->record = &feed->record;
	return 1;
}

/* What else there is in a journal, the transport finds out, too. */
static int tell_record(struct client_feed *feed, struct audiomodule_event *event)
{
	switch (feed->record.type) {
	case AUDIOMODULE_RECORD_NOTIFICATION:
		return tell_notification(feed, event);
	case AUDIOMODULE_RECORD_LOST:
		return tell_lost(feed, event);
	default:
		return 0;
	}
}

/* All that came before the modules changed was read with the old filter: go on with another one. */
static void fit_filter(struct client_feed *feed)
{
	struct audiomodule_position position;
	struct audiomodule_filter filter;

	feed->is_stale = false;
	leave_queue(feed);
	if (!client_subscription_filter(feed->subscription, feed->endpoint, &filter) ||
	    memcmp(&filter, &feed->filter, sizeof(filter)) == 0)
		return;
	audiomodule_subscription_position(feed->reader, &position);
	close_reader(feed);
	feed->filter = filter;
	client_feed_request(feed, &position);
}

int client_feed_tell(struct client_feed *feed, struct audiomodule_event *event)
{
	int r = 1, told = feed->is_telling ? tell_lost(feed, event) : 0;

	while (told == 0 && r > 0) {
		r = audiomodule_subscription_next(feed->reader, &feed->record);
		if (r > 0)
			told = tell_record(feed, event);
	}
	if (r < 0)
		end(feed, r);
	else if (r == 0 && feed->is_stale)
		fit_filter(feed);
	else if (r == 0)
		leave_queue(feed);
	return told;
}

static int tell_failure(struct client_feed *feed, struct audiomodule_event *event)
{
	const struct client_endpoint *endpoint = next_told(feed);

	if (!endpoint) {
		client_feed_free(feed);
		return 0;
	}
	set_event(feed, endpoint, AUDIOMODULE_EVENT_FAILED, event);
	event->error = feed->error;
	return 1;
}

int client_feeds_tell(struct audiomodule_client *client, struct audiomodule_event *event)
{
	struct client_feed *feed = client->feeds;
	int r = 0;

	while (feed && r == 0) {
		struct client_feed *next = feed->next;

		if (feed->error)
			r = tell_failure(feed, event);
		feed = next;
	}
	return r;
}

bool client_feeds_have(const struct audiomodule_client *client,
		       const struct client_endpoint *endpoint)
{
	for (const struct client_feed *feed = client->feeds; feed; feed = feed->next)
		if (feed->journal_id == endpoint->info->journal_id &&
		    (!feed->endpoint || feed->endpoint == endpoint))
			return true;
	return false;
}
