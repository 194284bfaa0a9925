/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: what the files of a client share. Events are not queued: what there is to tell follows from
 * the state of the daemon, a command, an endpoint or a feed. So no memory can run out between
 * something that happens and its event, and who looks late is told the outcome only.
 */
#ifndef AUDIOMODULE_CLIENT_H
#define AUDIOMODULE_CLIENT_H

#include "cleanup.h"
#include "client-transport.h"

/* Events of a feed before the others have theirs. */
#define CLIENT_TURN	64

/* An endpoint, from APPEARED to GONE. */
struct client_endpoint {
	struct client_endpoint *next;
	struct audiomodule_list *list;			/* the endpoint and its modules */
	const struct audiomodule_endpoint *info;	/* in the list */
	bool is_seen;		/* while a list is compared with what is known */
	bool is_told;		/* that it appeared */
	bool is_changed;	/* which is still to be told */
	bool is_leaving;	/* gone, once its last notifications are read */
};

/* What a program subscribed to. */
struct client_subscription {
	struct client_subscription *next;
	uint64_t tag;
	char *address;
	struct audiomodule_filter filter;
};

/* Notifications of one endpoint, or of a whole card, for one subscription. */
struct client_feed {
	struct client_feed *next;
	struct client_feed *next_ready;
	struct audiomodule_client *client;
	const struct client_subscription *subscription;
	uint64_t journal_id;
	struct client_endpoint *endpoint;		/* NULL: a whole card */
	struct audiomodule_filter filter;
	struct audiomodule_subscription *reader;	/* NULL: asked for, waiting, or failed */
	void *request;					/* the transport's, while asked for */
	struct audiomodule_position after;		/* where what is asked for begins */
	struct audiomodule_record record;		/* the last one */
	struct client_endpoint *told_last;	/* of the endpoints that must all be told of it */
	bool is_telling;
	bool is_waiting;	/* for the next list, to be asked for again */
	bool is_ready;		/* there may be something to read */
	bool is_stale;		/* when all is read, see whether the filter still fits */
	int error;		/* still to be told */
};

/* A command, until its answer was told. */
struct client_command {
	struct client_command *next;
	struct audiomodule_client *client;
	uint64_t tag;
	bool is_answered;
	int error;
	void *answer;
	size_t answer_size;
};

struct audiomodule_client {
	const struct client_transport *operations;
	void *transport;
	int transport_events;		/* what epoll looks for */
	int failure;			/* of the transport, for ever */
	int epoll;
	int alarm;			/* a timerfd: the transport's deadline */
	uint64_t alarm_time;		/* what it is set to */
	int bell;			/* an eventfd: next() has to be called again */
	bool is_ringing;
	struct client_endpoint *endpoints;
	struct client_subscription *subscriptions;
	struct client_feed *feeds;
	struct client_feed *ready;	/* a queue; the first has its turn */
	unsigned int turn;		/* events that are left of it */
	struct client_command *commands;	/* in the order of their answers, then the others */
	bool daemon_is_there;
	bool daemon_is_told;		/* that it is there */
	bool has_news;			/* there may be something to tell besides records */
	struct client_endpoint *told_endpoint;	/* GONE and ANSWER: freed with the next call */
	struct client_command *told_command;
	char *error;
};

/* ---- client.c ---- */

/* Words for a failure: what could not be done, and the transport's or the system's reason. */
int client_fail(struct audiomodule_client *client, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void client_succeed(struct audiomodule_client *client);

/* What was done may have left something that only next() sees: sd-bus' queue, or what is mapped. */
void client_wake(struct audiomodule_client *client);

/* The card, its node or its object went away, or is another one by now: news of it will come. */
bool client_is_going(int error);

/* ---- client-endpoint.c ---- */

/* The endpoint of a journal that follows another one, NULL: the first. */
struct client_endpoint *client_endpoint_next(const struct audiomodule_client *client,
					     uint64_t journal_id,
					     const struct client_endpoint *after);
const struct audiomodule_module *client_endpoint_module(const struct client_endpoint *endpoint,
							const struct audiomodule_record *record);
struct client_endpoint *client_endpoint_free(struct client_endpoint *endpoint);

/* 1: an event; 0: nothing to tell. */
int client_endpoints_tell(struct audiomodule_client *client, struct audiomodule_event *event);

/* ---- client-subscription.c ---- */

/*
 * An endpoint is new, or its modules changed: ask for what the subscriptions want of it. -ENOMEM:
 * something was not asked for.
 */
int client_endpoint_came(struct audiomodule_client *client, struct client_endpoint *endpoint);
void client_endpoint_changed(struct audiomodule_client *client,
			     const struct client_endpoint *endpoint);

/* false: the address means no module of the endpoint now, and @filter lets nothing pass. */
bool client_subscription_filter(const struct client_subscription *subscription,
				const struct client_endpoint *endpoint,
				struct audiomodule_filter *filter);
struct client_subscription *client_subscription_free(struct client_subscription *subscription);

/* ---- client-feed.c ---- */

/* endpoint: which, or any of a card that is wanted as a whole. NULL: no memory. */
struct client_feed *client_feed_new(struct audiomodule_client *client,
				    const struct client_subscription *subscription,
				    struct client_endpoint *endpoint, bool whole_card);
struct client_feed *client_feed_free(struct client_feed *feed);

/* Waits; 0 or negative errno. */
int client_feed_open(struct client_feed *feed, const struct audiomodule_begin *begin);

/* Does not; what comes of it is told. */
void client_feed_request(struct client_feed *feed, const struct audiomodule_position *after);
void client_feed_set_ready(struct client_feed *feed);

/* There is a new list: those that wait are asked for again, or end with their endpoint. */
void client_feeds_request(struct audiomodule_client *client);

/* 1: an event; 0: the feed has none, and may have been freed. */
int client_feed_tell(struct client_feed *feed, struct audiomodule_event *event);

/* The same of those that failed. */
int client_feeds_tell(struct audiomodule_client *client, struct audiomodule_event *event);

/* Is there a feed of this endpoint? */
bool client_feeds_have(const struct audiomodule_client *client,
		       const struct client_endpoint *endpoint);

#endif /* AUDIOMODULE_CLIENT_H */
