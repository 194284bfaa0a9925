/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: what is different between a client of the kernel and one of audiomoduled, as a table of
 * operations: where lists and notification fds come from, and how commands get to a module. All
 * else is in client*.c, once. The table is what libaudiomodule knows of libaudiomodule-bus, which
 * needs libsystemd; it is no interface for others (version LIBAUDIOMODULE_PRIVATE of the symbols).
 *
 * A transport has one fd, which the client polls. What it finds out when the client lets it work,
 * it tells by the functions at the end.
 */
#ifndef AUDIOMODULE_CLIENT_TRANSPORT_H
#define AUDIOMODULE_CLIENT_TRANSPORT_H

#include "audiomodule.h"

/* Notifications that the client wants, and a command that it sent. */
struct client_feed;
struct client_command;

/* No deadline, and: all journals. */
#define CLIENT_NO_DEADLINE	UINT64_MAX
#define CLIENT_ALL_JOURNALS	0

/**
 * struct client_transport - the operations; @transport is what audiomodule_transport_client_new()
 * got
 * @whole_cards: subscribe and request take any endpoint of a card with a filter that names none
 * @free: frees it; neither feeds nor commands are told any more
 * @error: words for the failure of the last operation that was to wait; "": the module said it
 * @fd: what to poll
 * @events: for what: POLLIN, POLLOUT
 * @deadline: until when process() has to be called at the latest, in microseconds of
 *	CLOCK_MONOTONIC
 * @process: does what there is to do, without waiting
 * @list: what there is now
 * @refresh: the client knows all that is there when it returns
 * @subscribe: notifications of an endpoint
 * @request: the same behind @after, without waiting; the feed is told by
 *	audiomodule_transport_subscribed(), maybe before this returns; @request receives what
 *	cancel() takes, or NULL
 * @cancel: the feed does not want it any more
 * @command: as audiomodule_client_command()
 * @command_start: the command is told by audiomodule_transport_answered(), but when this fails;
 *	@bytes are copied
 */
struct client_transport {
	bool whole_cards;
	void (*free)(void *transport);
	const char *(*error)(const void *transport, int error);
	int (*fd)(const void *transport);
	int (*events)(const void *transport);
	uint64_t (*deadline)(const void *transport);
	int (*process)(void *transport);
	int (*list)(void *transport, struct audiomodule_list **list);
	int (*refresh)(void *transport);
	int (*subscribe)(void *transport, const struct audiomodule_endpoint *endpoint,
			 const struct audiomodule_filter *filter,
			 const struct audiomodule_begin *begin,
			 struct audiomodule_subscription **subscription);
	int (*request)(void *transport, const struct audiomodule_endpoint *endpoint,
		       const struct audiomodule_filter *filter,
		       const struct audiomodule_position *after, struct client_feed *feed,
		       void **request);
	void (*cancel)(void *transport, void *request);
	int (*command)(void *transport, const struct audiomodule_module *module, const void *bytes,
		       size_t size, void **answer, size_t *answer_size);
	int (*command_start)(void *transport, const struct audiomodule_module *module,
			     const void *bytes, size_t size, struct client_command *command);
};

/* The client owns @transport from here on, also when this fails. */
int audiomodule_transport_client_new(const struct client_transport *operations, void *transport,
				     struct audiomodule_client **client);

/* What there is of a journal, or of all; NULL: nothing. -ENOMEM: part of it is not known yet. */
int audiomodule_transport_update(struct audiomodule_client *client,
				 const struct audiomodule_list *list, uint64_t journal_id);

/* Is audiomoduled there? */
void audiomodule_transport_daemon(struct audiomodule_client *client, bool is_there);

/*
 * The feed owns @subscription, which is NULL when @error says why there is none. -EAGAIN: nobody
 * refused; it is asked for once more with the next update.
 */
void audiomodule_transport_subscribed(struct client_feed *feed, int error,
				      struct audiomodule_subscription *subscription);

/* The command owns @answer, from malloc(). */
void audiomodule_transport_answered(struct client_command *command, int error, void *answer,
				    size_t answer_size);

#endif /* AUDIOMODULE_CLIENT_TRANSPORT_H */
