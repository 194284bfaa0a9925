// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: the kernel as a client's transport. It has no device open, but a notification fd of each
 * card that lets nothing pass but what concerns the card itself: that its modules changed, and that
 * it is gone. What else happens to cards is seen in their directory. A card that is there but
 * cannot be opened yet is tried again for a while; one that may not be opened, when its node
 * changes.
 */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "card.h"
#include "cleanup.h"
#include "client-local-command.h"
#include "clock.h"

#define RETRY_DELAY	200000	/* microseconds */
#define ATTEMPTS	10

struct local_card {
	struct local_card *next;
	struct audiomodule_endpoint any;	/* card and journal_id only */
	struct audiomodule_subscription *subscription;
	bool is_stale;		/* its list has to be asked for */
};

struct local {
	struct audiomodule_client *client;
	char *directory;
	int epoll;
	struct audiomodule_watch *watch;
	struct local_commands *commands;
	struct local_card *cards;
	unsigned int attempts;
	uint64_t deadline;	/* of the next look at the directory */
	bool is_answered;	/* by the module: what failed last */
};

DEFINE_CLEANUP(cleanup_card, struct audiomodule *, audiomodule_close)
DEFINE_CLEANUP(cleanup_list, struct audiomodule_list *, audiomodule_list_free)

static int watch_fd(const struct local *local, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(local->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* ---- A card ---- */

static struct local_card *card_free(struct local_card *card)
{
	if (!card)
		return NULL;
	audiomodule_subscription_free(card->subscription);
	free(card);
	return NULL;
}

DEFINE_CLEANUP(cleanup_local_card, struct local_card *, card_free)

static int update(const struct local *local, const struct local_card *card,
		  struct audiomodule *handle)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	int r = audiomodule_list(handle, &list);

	return r < 0 ? r : audiomodule_transport_update(local->client, list,
							card->any.journal_id);
}

/* Before the list is asked for: no change in between is missed. Nothing is sent with GUID_NULL. */
static int follow(const struct local *local, struct local_card *card, struct audiomodule *handle)
{
	static const struct audiomodule_filter nothing = {
		.match = AUDIOMODULE_MATCH_NOTIFICATION_ID
	};
	struct audiomodule_position start;
	int r = audiomodule_subscribe(handle, &nothing, NULL, &card->subscription);

	if (r < 0)
		return r;
	audiomodule_subscription_start(card->subscription, &start);
	card->any.journal_id = start.journal_id;
	return watch_fd(local, audiomodule_subscription_fd(card->subscription));
}

static int add_card(struct local *local, unsigned int number)
{
	_cleanup_(cleanup_local_card) struct local_card *card = NULL;
	_cleanup_(cleanup_card) struct audiomodule *handle = NULL;
	int r = audiomodule_open(local->directory, number, &handle);

	if (r < 0)
		return r;
	card = calloc(1, sizeof(*card));
	if (!card)
		return -ENOMEM;
	card->any.card = number;
	r = follow(local, card, handle);
	if (r >= 0)
		r = update(local, card, handle);
	if (r < 0)
		return r;
	card->next = local->cards;
	local->cards = steal_pointer(card);
	return 0;
}

static void remove_card(struct local *local, struct local_card *card)
{
	struct local_card **link = &local->cards;

	audiomodule_transport_update(local->client, NULL, card->any.journal_id);
	while (*link != card)
		link = &(*link)->next;
	*link = card->next;
	card_free(card);
}

/* Reads what concerns the card; what is lost may have been a change. 1: it may have changed. */
static int read_card(struct local_card *card)
{
	struct audiomodule_record record;
	bool is_changed = false;
	int r;

	while ((r = audiomodule_subscription_next(card->subscription, &record)) > 0)
		is_changed |= record.type == AUDIOMODULE_RECORD_CHANGED ||
			      record.type == AUDIOMODULE_RECORD_LOST;
	card->is_stale |= is_changed;
	return r < 0 ? r : is_changed;
}

/* A card that goes away just now will say so. */
static int update_if_stale(const struct local *local, struct local_card *card)
{
	_cleanup_(cleanup_card) struct audiomodule *handle = NULL;
	int r;

	if (!card->is_stale)
		return 0;
	r = card_open_again(local->directory, &card->any, false, &handle);
	if (r >= 0)
		r = update(local, card, handle);
	card->is_stale = r < 0 && r != -ENODEV;
	return card->is_stale ? r : 0;
}

/* ---- All cards ---- */

static bool is_known(const struct local *local, unsigned int number)
{
	for (const struct local_card *card = local->cards; card; card = card->next)
		if (card->any.card == number)
			return true;
	return false;
}

/* Should a card be tried again that could not be used? The watch tells of permissions that come. */
static bool is_worth_a_retry(int error)
{
	return error < 0 && error != -ENXIO && error != -EPROTONOSUPPORT && error != -EACCES;
}

/* 1: all cards that are not known yet; otherwise what kept one of them from being known. */
static int add_cards(struct local *local, bool *again)
{
	_cleanup_(cleanup_memory) unsigned int *numbers = NULL;
	size_t count;
	int error = 0;
	int r = audiomodule_cards(local->directory, &numbers, &count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (is_known(local, numbers[i]))
			continue;
		r = add_card(local, numbers[i]);
		*again |= is_worth_a_retry(r);
		if (r < 0 && r != -ENXIO && r != -ENOENT && r != -ENODEV && error == 0)
			error = r;
	}
	return error;
}

/* Did any of them change, or go? */
static bool read_cards(struct local *local)
{
	struct local_card *card = local->cards;
	bool has_news = false;

	while (card) {
		struct local_card *next = card->next;
		int r = read_card(card);

		if (r < 0)
			remove_card(local, card);
		has_news |= r != 0;
		card = next;
	}
	return has_news;
}

static void update_cards(struct local *local, bool *again)
{
	for (struct local_card *card = local->cards; card; card = card->next)
		*again |= is_worth_a_retry(update_if_stale(local, card));
}

/* Not longer than a card takes to come or to go, unless something else happens. */
static int look(struct local *local)
{
	bool again = read_cards(local);	/* the number of one that went may be another one's */
	int r;

	update_cards(local, &again);
	r = add_cards(local, &again);
	local->deadline = CLIENT_NO_DEADLINE;
	if (again && local->attempts > 0) {
		local->attempts--;
		local->deadline = clock_now() + RETRY_DELAY;
	}
	return r;
}

/* ---- The transport ---- */

static int local_process(void *transport)
{
	struct local *local = transport;
	int r = audiomodule_watch_process(local->watch);

	if (r < 0)
		return r;
	local_commands_process(local->commands);
	if (read_cards(local) || r > 0) {
		local->attempts = ATTEMPTS;
		local->deadline = 0;
	}
	if (local->deadline <= clock_now())
		look(local);
	return 0;
}

/* Cards that cannot be opened do not matter when others can. */
static int local_refresh(void *transport)
{
	struct local *local = transport;
	int r = audiomodule_watch_process(local->watch);

	local->is_answered = false;
	if (r < 0)
		return r;
	local->attempts = ATTEMPTS;
	r = look(local);
	return local->cards ? 0 : r;
}

static int local_list(void *transport, struct audiomodule_list **list)
{
	struct local *local = transport;

	local->is_answered = false;
	return audiomodule_list_all(local->directory, list);
}

static int local_subscribe(void *transport, const struct audiomodule_endpoint *endpoint,
			   const struct audiomodule_filter *filter,
			   const struct audiomodule_begin *begin,
			   struct audiomodule_subscription **subscription)
{
	_cleanup_(cleanup_card) struct audiomodule *handle = NULL;
	const struct local *local = transport;
	int r = card_open_again(local->directory, endpoint, false, &handle);

	return r < 0 ? r : audiomodule_subscribe(handle, filter, begin, subscription);
}

static int local_request(void *transport, const struct audiomodule_endpoint *endpoint,
			 const struct audiomodule_filter *filter,
			 const struct audiomodule_position *after, struct client_feed *feed,
			 void **request)
{
	const struct audiomodule_begin begin = {
		.start = AUDIOMODULE_START_AFTER, .position = *after
	};
	struct audiomodule_subscription *subscription = NULL;
	int r = local_subscribe(transport, endpoint, filter, &begin, &subscription);

	*request = NULL;
	audiomodule_transport_subscribed(feed, r, subscription);
	return 0;
}

static void local_cancel(void *transport, void *request)
{
	(void)transport;
	(void)request;
}

static int local_send(void *transport, const struct audiomodule_module *module, const void *bytes,
		      size_t size, void **answer, size_t *answer_size)
{
	struct local *local = transport;

	return local_command(local->directory, module, bytes, size, answer, answer_size,
			     &local->is_answered);
}

static int local_start(void *transport, const struct audiomodule_module *module,
		       const void *bytes, size_t size, struct client_command *command)
{
	struct local *local = transport;

	local->is_answered = false;
	return local_commands_start(local->commands, module, bytes, size, command);
}

static const char *local_error(const void *transport, int error)
{
	const struct local *local = transport;

	if (local->is_answered)
		return "";
	if (error == -EACCES || error == -EPERM)
		return "no permission for the sound devices; be root or in the group audio";
	if (error == -EPROTONOSUPPORT)
		return "the kernel module is of another version; update it, or this library";
	return strerror(-error);
}

static int local_fd(const void *transport)
{
	const struct local *local = transport;

	return local->epoll;
}

static int local_events(const void *transport)
{
	(void)transport;
	return POLLIN;
}

static uint64_t local_deadline(const void *transport)
{
	const struct local *local = transport;

	return local->deadline;
}

static void local_free(void *transport)
{
	struct local *local = transport;

	local_commands_free(local->commands);
	while (local->cards) {
		struct local_card *card = local->cards;

		local->cards = card->next;
		card_free(card);
	}
	audiomodule_watch_free(local->watch);
	cleanup_fd(&local->epoll);
	free(local->directory);
	free(local);
}

static const struct client_transport operations = {
	.whole_cards = true,
	.free = local_free,
	.error = local_error,
	.fd = local_fd,
	.events = local_events,
	.deadline = local_deadline,
	.process = local_process,
	.list = local_list,
	.refresh = local_refresh,
	.subscribe = local_subscribe,
	.request = local_request,
	.cancel = local_cancel,
	.command = local_send,
	.command_start = local_start,
};

DEFINE_CLEANUP(cleanup_local, struct local *, local_free)

static int local_open(struct local *local, const char *directory)
{
	int r;

	local->attempts = ATTEMPTS;
	local->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (local->epoll < 0)
		return -errno;
	local->directory = strdup(directory ? directory : AUDIOMODULE_DIRECTORY);
	if (!local->directory)
		return -ENOMEM;
	r = audiomodule_watch_new(local->directory, &local->watch);
	if (r >= 0)
		r = watch_fd(local, audiomodule_watch_fd(local->watch));
	if (r >= 0)
		r = local_commands_new(local->directory, &local->commands);
	if (r >= 0)
		r = watch_fd(local, local_commands_fd(local->commands));
	return r;
}

int audiomodule_client_new(const char *directory, struct audiomodule_client **client)
{
	_cleanup_(cleanup_local) struct local *local = calloc(1, sizeof(*local));
	struct local *transport;
	int r;

	*client = NULL;
	if (!local)
		return -ENOMEM;
	r = local_open(local, directory);
	if (r < 0)
		return r;
	transport = steal_pointer(local);
	r = audiomodule_transport_client_new(&operations, transport, client);
	if (r >= 0)
		transport->client = *client;
	return r;
}
