// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: what a program subscribed to, and the feeds that follow from it: one for each endpoint that
 * the address means, now or later. Only with the kernel, which sends a card's notifications through
 * one journal, and only when all of them are wanted, it is one for the card: that one can be
 * mapped.
 *
 * One module is left to the kernel's filter. An address with a module that is not there has a feed,
 * too, with a filter that lets nothing pass but the news that modules came; when the module is
 * among them, the feed goes on from there with another filter, so that none of its notifications is
 * missed.
 */
#include <string.h>

#include "address.h"
#include "client.h"

#define ALL_MATCHES	(AUDIOMODULE_MATCH_DEVICE_ID | AUDIOMODULE_MATCH_CLASS_ID | \
			 AUDIOMODULE_MATCH_INSTANCE_ID | AUDIOMODULE_MATCH_NOTIFICATION_ID)
#define MODULE_MATCHES	(AUDIOMODULE_MATCH_CLASS_ID | AUDIOMODULE_MATCH_INSTANCE_ID)

struct client_subscription *client_subscription_free(struct client_subscription *subscription)
{
	if (!subscription)
		return NULL;
	free(subscription->address);
	free(subscription);
	return NULL;
}

DEFINE_CLEANUP(cleanup_subscription, struct client_subscription *, client_subscription_free)

/* ---- What it is for ---- */

static bool is_excluded(const struct client_subscription *subscription,
			const struct audiomodule_endpoint *info)
{
	const struct audiomodule_filter *filter = &subscription->filter;

	return filter->match & AUDIOMODULE_MATCH_DEVICE_ID &&
	       !audiomodule_guid_equal(&filter->device_id, &info->device_id);
}

/* Is it for the endpoint as a whole? */
static bool wants_all(const struct client_subscription *subscription,
		      const struct client_endpoint *endpoint)
{
	return !subscription->address ||
	       audiomodule_address_matches(subscription->address, endpoint->info, NULL);
}

/* The first module that is meant, and how many are. */
static size_t find_modules(const struct client_subscription *subscription,
			   const struct client_endpoint *endpoint,
			   const struct audiomodule_module **first)
{
	const struct audiomodule_module *module;
	size_t count = 0;

	for (size_t i = 0; (module = audiomodule_list_module(endpoint->list, i)); i++)
		if (audiomodule_address_matches(subscription->address, endpoint->info, module) &&
		    count++ == 0)
			*first = module;
	return count;
}

/* Does it mean anything that is there now? */
static bool is_meant(const struct client_subscription *subscription,
		     const struct client_endpoint *endpoint)
{
	const struct audiomodule_module *module;

	if (is_excluded(subscription, endpoint->info))
		return false;
	return wants_all(subscription, endpoint) ||
	       find_modules(subscription, endpoint, &module) > 0;
}

static bool needs_feed(const struct client_subscription *subscription,
		       const struct client_endpoint *endpoint)
{
	return is_meant(subscription, endpoint) ||
	       (!is_excluded(subscription, endpoint->info) &&
		address_may_match(subscription->address, endpoint->info));
}

/* Several modules that one address means are of one class. */
bool client_subscription_filter(const struct client_subscription *subscription,
				const struct client_endpoint *endpoint,
				struct audiomodule_filter *filter)
{
	const struct audiomodule_module *module;
	size_t count;

	*filter = subscription->filter;
	filter->match |= AUDIOMODULE_MATCH_DEVICE_ID;
	filter->device_id = endpoint->info->device_id;
	if (wants_all(subscription, endpoint))
		return true;
	count = find_modules(subscription, endpoint, &module);
	if (count == 0) {
		/* Nothing is ever sent with GUID_NULL. */
		filter->match |= AUDIOMODULE_MATCH_NOTIFICATION_ID;
		memset(&filter->notification_id, 0, sizeof(filter->notification_id));
		return false;
	}
	filter->match |= AUDIOMODULE_MATCH_CLASS_ID;
	filter->class_id = module->class_id;
	if (count == 1) {
		filter->match |= AUDIOMODULE_MATCH_INSTANCE_ID;
		filter->instance_id = module->instance_id;
	}
	return true;
}

/* ---- Its feeds ---- */

static bool wants_card(const struct audiomodule_client *client,
		       const struct client_subscription *subscription)
{
	return client->operations->whole_cards && !subscription->address &&
	       !(subscription->filter.match & AUDIOMODULE_MATCH_DEVICE_ID);
}

static bool has_feed(const struct audiomodule_client *client,
		     const struct client_subscription *subscription,
		     const struct client_endpoint *endpoint)
{
	for (const struct client_feed *feed = client->feeds; feed; feed = feed->next)
		if (feed->subscription == subscription &&
		    feed->journal_id == endpoint->info->journal_id &&
		    (!feed->endpoint || feed->endpoint == endpoint))
			return true;
	return false;
}

/* A feed that is not there yet and should be; NULL: none, or no memory. */
static struct client_feed *add_feed(struct audiomodule_client *client,
				    const struct client_subscription *subscription,
				    struct client_endpoint *endpoint)
{
	return client_feed_new(client, subscription, endpoint, wants_card(client, subscription));
}

/* The card was not there, or could not be opened, when the program subscribed: all of it is new. */
int client_endpoint_came(struct audiomodule_client *client, struct client_endpoint *endpoint)
{
	const struct audiomodule_position before_all = {
		.journal_id = endpoint->info->journal_id,
	};

	for (const struct client_subscription *s = client->subscriptions; s; s = s->next) {
		struct client_feed *feed;

		if (!needs_feed(s, endpoint) || has_feed(client, s, endpoint))
			continue;
		feed = add_feed(client, s, endpoint);
		if (!feed)
			return -ENOMEM;
		client_feed_request(feed, &before_all);
	}
	return 0;
}

void client_endpoint_changed(struct audiomodule_client *client,
			     const struct client_endpoint *endpoint)
{
	for (struct client_feed *feed = client->feeds; feed; feed = feed->next) {
		if (feed->endpoint != endpoint)
			continue;
		feed->is_stale = true;
		client_feed_set_ready(feed);
	}
}

/* ---- Subscribing ---- */

static int check(const struct audiomodule_client *client, const char *address,
		 const struct audiomodule_filter *filter, const struct audiomodule_begin *begin,
		 uint64_t tag)
{
	for (const struct client_subscription *s = client->subscriptions; s; s = s->next)
		if (s->tag == tag)
			return -EEXIST;
	if (filter && (filter->match & ~ALL_MATCHES ||
		       (filter->match & MODULE_MATCHES && address && strchr(address, '/'))))
		return -EINVAL;
	return begin && (begin->start > AUDIOMODULE_START_AFTER ||
			 begin->flags & ~AUDIOMODULE_SUBSCRIBE_INITIAL) ? -EINVAL : 0;
}

static struct client_subscription *subscription_new(const char *address,
						    const struct audiomodule_filter *filter,
						    uint64_t tag)
{
	_cleanup_(cleanup_subscription) struct client_subscription *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	new->tag = tag;
	if (filter)
		new->filter = *filter;
	if (address) {
		new->address = strdup(address);
		if (!new->address)
			return NULL;
	}
	return steal_pointer(new);
}

/* A position is for its own journal, which must be of something that is meant. */
static bool fits(const struct audiomodule_begin *begin, const struct client_endpoint *endpoint)
{
	return !begin || begin->start != AUDIOMODULE_START_AFTER ||
	       begin->position.journal_id == endpoint->info->journal_id;
}

static int check_position(const struct audiomodule_client *client,
			  const struct client_subscription *subscription,
			  const struct audiomodule_begin *begin)
{
	for (const struct client_endpoint *endpoint = client->endpoints; endpoint;
	     endpoint = endpoint->next)
		if (fits(begin, endpoint) && needs_feed(subscription, endpoint))
			return 0;
	return begin && begin->start == AUDIOMODULE_START_AFTER ? -ESTALE : 0;
}

static int open_feed(struct audiomodule_client *client,
		     const struct client_subscription *subscription,
		     struct client_endpoint *endpoint, const struct audiomodule_begin *begin)
{
	struct client_feed *feed;
	int r;

	if (!needs_feed(subscription, endpoint) || has_feed(client, subscription, endpoint))
		return 0;
	feed = add_feed(client, subscription, endpoint);
	if (!feed)
		return -ENOMEM;
	r = client_feed_open(feed, fits(begin, endpoint) ? begin : NULL);
	if (r < 0)
		client_feed_free(feed);
	/* What goes away just now means nothing any more. */
	return client_is_going(r) ? 0 : r;
}

/* How many endpoints are meant. */
static int open_feeds(struct audiomodule_client *client,
		      const struct client_subscription *subscription,
		      const struct audiomodule_begin *begin)
{
	int count = 0;
	int r = check_position(client, subscription, begin);

	for (struct client_endpoint *endpoint = client->endpoints; r >= 0 && endpoint;
	     endpoint = endpoint->next) {
		r = open_feed(client, subscription, endpoint, begin);
		count += r >= 0 && is_meant(subscription, endpoint) &&
			 has_feed(client, subscription, endpoint);
	}
	return r < 0 ? r : count;
}

static void close_feeds(struct audiomodule_client *client,
			const struct client_subscription *subscription)
{
	struct client_feed *feed = client->feeds;

	while (feed) {
		struct client_feed *next = feed->next;

		if (feed->subscription == subscription)
			client_feed_free(feed);
		feed = next;
	}
	client->has_news = true;	/* an endpoint may have waited for it to be gone */
}

static int subscribe(struct audiomodule_client *client, const char *address,
		     const struct audiomodule_filter *filter,
		     const struct audiomodule_begin *begin, uint64_t tag)
{
	_cleanup_(cleanup_subscription) struct client_subscription *new = NULL;
	int r = check(client, address, filter, begin, tag);

	if (r < 0)
		return r;
	new = subscription_new(address, filter, tag);
	if (!new)
		return -ENOMEM;
	r = client->operations->refresh(client->transport);
	if (r < 0)
		return r;
	r = open_feeds(client, new, begin);
	if (r < 0) {
		close_feeds(client, new);
		return r;
	}
	new->next = client->subscriptions;
	client->subscriptions = steal_pointer(new);
	return r;
}

int audiomodule_client_subscribe(struct audiomodule_client *client, const char *address,
				 const struct audiomodule_filter *filter,
				 const struct audiomodule_begin *begin, uint64_t tag)
{
	int r;

	client_succeed(client);
	r = subscribe(client, address, filter, begin, tag);
	client_wake(client);
	return r < 0 ? client_fail(client, r, "Cannot subscribe to %s",
				   address ? address : "all endpoints") : r;
}

int audiomodule_client_unsubscribe(struct audiomodule_client *client, uint64_t tag)
{
	struct client_subscription **link = &client->subscriptions;
	struct client_subscription *old;

	client_succeed(client);
	while (*link && (*link)->tag != tag)
		link = &(*link)->next;
	old = *link;
	if (!old)
		return client_fail(client, -ENOENT, "Cannot unsubscribe from %llu",
				   (unsigned long long)tag);
	*link = old->next;
	close_feeds(client, old);
	client_subscription_free(old);
	client_wake(client);
	return 0;
}
