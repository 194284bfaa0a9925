// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: which endpoints to watch, and how: a single module is left to the kernel's filter; several
 * of one endpoint, or one that is still to come back, share a subscription to all of it and are
 * picked here.
 */
#include <stdio.h>
#include <string.h>

#include "feed.h"
#include "since.h"

static struct feed *feed_free(struct feed *feed)
{
	if (!feed)
		return NULL;
	audiomodule_subscription_free(feed->subscription);
	free((char *)feed->endpoint.object_path);
	free(feed);
	return NULL;
}

DEFINE_CLEANUP(cleanup_feed, struct feed *, feed_free)

void feeds_free(struct feeds *feeds)
{
	while (feeds->first) {
		struct feed *feed = feeds->first;

		feeds->first = feed->next;
		feed_free(feed);
	}
	feeds->list = audiomodule_list_free(feeds->list);
}

static bool is_same(const struct audiomodule_endpoint *a, const struct audiomodule_endpoint *b)
{
	return a->card == b->card && audiomodule_guid_equal(&a->device_id, &b->device_id);
}

/* The only module that is addressed, NULL when the endpoint or several are. */
static const struct audiomodule_module *only_module(const struct feeds *feeds,
						    const struct audiomodule_endpoint *endpoint)
{
	const struct audiomodule_module *module, *only = NULL;

	if (is_addressed(feeds->options, endpoint, NULL))
		return NULL;
	for (size_t i = 0; (module = audiomodule_list_module(feeds->list, i)); i++) {
		if (module->endpoint != endpoint ||
		    !is_addressed(feeds->options, endpoint, module))
			continue;
		if (only)
			return NULL;
		only = module;
	}
	return only;
}

static void make_filter(const struct feeds *feeds, const struct audiomodule_endpoint *endpoint,
			struct audiomodule_filter *filter)
{
	const struct audiomodule_module *module = only_module(feeds, endpoint);

	*filter = feeds->options->filter;
	filter->match |= AUDIOMODULE_MATCH_DEVICE_ID;
	filter->device_id = endpoint->device_id;
	if (!module || filter->match & (AUDIOMODULE_MATCH_CLASS_ID | AUDIOMODULE_MATCH_INSTANCE_ID))
		return;
	filter->match |= AUDIOMODULE_MATCH_CLASS_ID | AUDIOMODULE_MATCH_INSTANCE_ID;
	filter->class_id = module->class_id;
	filter->instance_id = module->instance_id;
}

static int subscribe_local(const struct feeds *feeds, struct feed *feed,
			   const struct audiomodule_filter *filter,
			   const struct audiomodule_position *after)
{
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;
	struct audiomodule_begin begin = { 0 };
	int r = audiomodule_open(feeds->options->directory, feed->endpoint.card, &handle);

	if (r < 0)
		return r;
	if (feeds->options->oldest)
		begin.start = AUDIOMODULE_START_OLDEST;
	if (after) {
		begin.start = AUDIOMODULE_START_AFTER;
		begin.position = *after;
	}
	return audiomodule_subscribe(handle, filter, &begin, &feed->subscription);
}

static int subscribe(const struct feeds *feeds, struct feed *feed,
		     const struct audiomodule_filter *filter,
		     const struct audiomodule_position *after)
{
	struct audiomodule_bus *bus = feeds->source->bus;
	const char *path = feed->endpoint.object_path;

	if (!bus)
		return subscribe_local(feeds, feed, filter, after);
	if (feeds->options->fd)
		return audiomodule_bus_acquire(bus, path, filter, after, &feed->subscription);
	return audiomodule_bus_subscribe(bus, path, filter, after, NULL);
}

static enum exit_status fail(const struct feeds *feeds, const struct feed *feed, int error)
{
	char what[160];

	if (feeds->options->resume && (error == -ESTALE || error == -EINVAL)) {
		fprintf(stderr, "audiomodulectl: cannot resume %s on card %u: %s. Leave out "
			"--after.\n", feed->endpoint.name, feed->endpoint.card,
			error == -ESTALE ? "the card has another journal now" :
			"the journal has not reached that sequence yet");
		return STATUS_FAILURE;
	}
	snprintf(what, sizeof(what), "Cannot subscribe to %s on card %u", feed->endpoint.name,
		 feed->endpoint.card);
	return source_fail(feeds->source, what, error);
}

static struct feed *feed_new(const struct feeds *feeds,
			     const struct audiomodule_endpoint *endpoint)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	feed->endpoint = *endpoint;
	feed->endpoint.object_path = NULL;
	audiomodule_address_format(feeds->list, endpoint, NULL, feed->address);
	if (!endpoint->object_path)
		return feed;
	feed->endpoint.object_path = strdup(endpoint->object_path);
	return feed->endpoint.object_path ? feed : feed_free(feed);
}

/* Only now, with the new subscription made, the old one of this endpoint may go. */
static bool drop_gone(struct feeds *feeds, const struct audiomodule_endpoint *endpoint)
{
	struct feed **link = &feeds->first;

	while (*link && !((*link)->gone && is_same(&(*link)->endpoint, endpoint)))
		link = &(*link)->next;
	if (!*link)
		return false;
	struct feed *old = *link;

	*link = old->next;
	feed_free(old);
	return true;
}

static bool is_watched(const struct feeds *feeds, const struct audiomodule_endpoint *endpoint)
{
	for (const struct feed *feed = feeds->first; feed; feed = feed->next)
		if (!feed->gone && is_same(&feed->endpoint, endpoint) &&
		    feed->endpoint.journal_id == endpoint->journal_id)
			return true;
	return false;
}

/* Its module may come later than its card came back: then only this endpoint tells of it. */
static bool was_watched(const struct feeds *feeds, const struct audiomodule_endpoint *endpoint)
{
	for (const struct feed *feed = feeds->first; feed; feed = feed->next)
		if (feed->gone && is_same(&feed->endpoint, endpoint))
			return true;
	return false;
}

static bool is_going(int error)
{
	return error == -ENODEV || error == -ENOENT || error == -ENXIO;
}

/* Not again when it is back with the journal that it had. */
static bool wants_since(const struct feeds *feeds, const struct audiomodule_endpoint *endpoint)
{
	for (const struct feed *feed = feeds->first; feed; feed = feed->next)
		if (is_same(&feed->endpoint, endpoint) &&
		    feed->endpoint.journal_id == endpoint->journal_id)
			return false;
	return feeds->options->has_since;
}

static int subscribe_wanted(const struct feeds *feeds, struct feed *feed,
			    const struct audiomodule_endpoint *endpoint,
			    const struct audiomodule_position *after)
{
	struct audiomodule_position since;
	struct audiomodule_filter filter;
	int r = 0;

	if (wants_since(feeds, endpoint)) {
		r = since_find(feeds->source, endpoint, &since);
		after = &since;
	}
	make_filter(feeds, endpoint, &filter);
	return r < 0 ? r : subscribe(feeds, feed, &filter, after);
}

static enum exit_status add_feed(struct feeds *feeds, const struct audiomodule_endpoint *endpoint,
				 const struct audiomodule_position *after,
				 void (*appeared)(const struct feeds *, const struct feed *))
{
	_cleanup_(cleanup_feed) struct feed *feed = feed_new(feeds, endpoint);
	bool is_back;
	int r;

	if (!feed)
		return source_fail(feeds->source, "Cannot subscribe", -ENOMEM);
	r = subscribe_wanted(feeds, feed, endpoint, after);
	if (is_going(r))
		return STATUS_OK;
	if (r < 0)
		return fail(feeds, feed, r);
	is_back = drop_gone(feeds, endpoint);
	feed->next = feeds->first;
	feeds->first = feed;
	if (is_back)
		appeared(feeds, feed);
	steal_pointer(feed);
	return STATUS_OK;
}

/* A position belongs to one card; with it, the endpoints of others start with what is new. */
static const struct audiomodule_position *position_for(const struct feeds *feeds,
						       const struct audiomodule_endpoint *endpoint)
{
	const struct audiomodule_position *after = &feeds->options->after;
	const struct audiomodule_endpoint *other;

	if (endpoint->journal_id == after->journal_id)
		return after;
	for (size_t i = 0; (other = audiomodule_list_endpoint(feeds->list, i)); i++)
		if (other->journal_id == after->journal_id)
			return NULL;
	return after;	/* nobody's: let it be refused */
}

enum exit_status feeds_refresh(struct feeds *feeds, bool resume,
			       void (*appeared)(const struct feeds *, const struct feed *))
{
	const struct audiomodule_endpoint *endpoint;
	struct audiomodule_list *list;
	enum exit_status status = source_list(feeds->source, &list);

	if (status != STATUS_OK)
		return status;
	audiomodule_list_free(feeds->list);
	feeds->list = list;
	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++) {
		const struct audiomodule_position *after;

		if (is_watched(feeds, endpoint) ||
		    (!is_touched(feeds->options, list, endpoint) && !was_watched(feeds, endpoint)))
			continue;
		after = resume ? position_for(feeds, endpoint) : NULL;
		status = add_feed(feeds, endpoint, after, appeared);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

struct feed *feeds_find_path(const struct feeds *feeds, const char *object_path)
{
	for (struct feed *feed = feeds->first; feed; feed = feed->next)
		if (!feed->gone && feed->endpoint.object_path &&
		    strcmp(feed->endpoint.object_path, object_path) == 0)
			return feed;
	return NULL;
}

bool feeds_all_gone(const struct feeds *feeds)
{
	for (const struct feed *feed = feeds->first; feed; feed = feed->next)
		if (!feed->gone)
			return false;
	return true;
}

const struct audiomodule_module *feed_module(const struct feeds *feeds, const struct feed *feed,
					     const struct audiomodule_record *record)
{
	const struct audiomodule_module *module;

	if (!record->has_identity)
		return NULL;
	for (size_t i = 0; (module = audiomodule_list_module(feeds->list, i)); i++)
		if (is_same(module->endpoint, &feed->endpoint) &&
		    module->instance_id == record->instance_id &&
		    audiomodule_guid_equal(&module->class_id, &record->class_id))
			return module;
	return NULL;
}

bool feed_wants(const struct feeds *feeds, const struct feed *feed,
		const struct audiomodule_record *record)
{
	const struct audiomodule_module *module = feed_module(feeds, feed, record);

	if (is_addressed(feeds->options, &feed->endpoint, NULL))
		return true;
	return module && is_addressed(feeds->options, module->endpoint, module);
}
