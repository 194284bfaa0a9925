// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: which endpoints there are, as the client's program was or will be told. A transport says
 * what there is now; what is different from before becomes events. An endpoint is one device_id of
 * one journal, and a journal is one life of a card: what comes back after its card went is another
 * endpoint, and what an audiomoduled that was restarted says of a card that stayed is the same one.
 */
#include <string.h>

#include "client.h"

DEFINE_CLEANUP(cleanup_list, struct audiomodule_list *, audiomodule_list_free)

struct client_endpoint *client_endpoint_free(struct client_endpoint *endpoint)
{
	if (!endpoint)
		return NULL;
	audiomodule_list_free(endpoint->list);
	free(endpoint);
	return NULL;
}

struct client_endpoint *client_endpoint_next(const struct audiomodule_client *client,
					     uint64_t journal_id,
					     const struct client_endpoint *after)
{
	struct client_endpoint *endpoint = after ? after->next : client->endpoints;

	while (endpoint && endpoint->info->journal_id != journal_id)
		endpoint = endpoint->next;
	return endpoint;
}

const struct audiomodule_module *client_endpoint_module(const struct client_endpoint *endpoint,
							const struct audiomodule_record *record)
{
	const struct audiomodule_module *module;

	if (!record->has_identity)
		return NULL;
	for (size_t i = 0; (module = audiomodule_list_module(endpoint->list, i)); i++)
		if (module->instance_id == record->instance_id &&
		    audiomodule_guid_equal(&module->class_id, &record->class_id))
			return module;
	return NULL;
}

/* ---- What is different ---- */

static struct client_endpoint *find(const struct audiomodule_client *client,
				    const struct audiomodule_endpoint *info)
{
	struct client_endpoint *endpoint = client_endpoint_next(client, info->journal_id, NULL);

	while (endpoint && !audiomodule_guid_equal(&endpoint->info->device_id, &info->device_id))
		endpoint = client_endpoint_next(client, info->journal_id, endpoint);
	return endpoint;
}

/* The endpoint and its modules alone. */
static struct audiomodule_list *copy_of(const struct audiomodule_list *list,
					const struct audiomodule_endpoint *info)
{
	_cleanup_(cleanup_list) struct audiomodule_list *copy = audiomodule_list_new();
	const struct audiomodule_module *module;
	const struct audiomodule_endpoint *own = NULL;

	if (copy)
		own = audiomodule_list_add_endpoint(copy, info);
	if (!own)
		return NULL;
	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++) {
		struct audiomodule_module of_own = *module;

		if (module->endpoint != info)
			continue;
		of_own.endpoint = own;
		if (!audiomodule_list_add_module(copy, &of_own))
			return NULL;
	}
	return steal_pointer(copy);
}

static bool is_same_module(const struct audiomodule_module *a, const struct audiomodule_module *b)
{
	return a && b && audiomodule_guid_equal(&a->class_id, &b->class_id) &&
	       a->instance_id == b->instance_id && a->version_major == b->version_major &&
	       a->version_minor == b->version_minor && a->index == b->index &&
	       strcmp(a->label, b->label) == 0 && strcmp(a->name, b->name) == 0;
}

/* Lists are sorted, so the same modules stand at the same places. */
static bool has_same_modules(const struct audiomodule_list *a, const struct audiomodule_list *b)
{
	size_t i = 0;

	while (is_same_module(audiomodule_list_module(a, i), audiomodule_list_module(b, i)))
		i++;
	return !audiomodule_list_module(a, i) && !audiomodule_list_module(b, i);
}

static int add(struct audiomodule_client *client, struct audiomodule_list *list)
{
	struct client_endpoint **link = &client->endpoints;
	struct client_endpoint *new = calloc(1, sizeof(*new));

	if (!new) {
		audiomodule_list_free(list);
		return -ENOMEM;
	}
	new->list = list;
	new->info = audiomodule_list_endpoint(list, 0);
	new->is_seen = true;
	while (*link)
		link = &(*link)->next;
	*link = new;
	client->has_news = true;
	return client_endpoint_came(client, new);
}

static void replace(struct audiomodule_client *client, struct client_endpoint *endpoint,
		    struct audiomodule_list *list)
{
	audiomodule_list_free(endpoint->list);
	endpoint->list = list;
	endpoint->info = audiomodule_list_endpoint(list, 0);
	endpoint->is_changed = true;
	client->has_news = true;
	client_endpoint_changed(client, endpoint);
}

static int see(struct audiomodule_client *client, const struct audiomodule_list *list,
	       const struct audiomodule_endpoint *info)
{
	_cleanup_(cleanup_list) struct audiomodule_list *copy = copy_of(list, info);
	struct client_endpoint *endpoint = find(client, info);

	if (!copy)
		return -ENOMEM;
	if (!endpoint)
		return add(client, steal_pointer(copy));
	endpoint->is_seen = true;
	endpoint->is_leaving = false;
	if (!has_same_modules(endpoint->list, copy))
		replace(client, endpoint, steal_pointer(copy));
	return 0;
}

int audiomodule_transport_update(struct audiomodule_client *client,
				 const struct audiomodule_list *list, uint64_t journal_id)
{
	const struct audiomodule_endpoint *info;
	struct client_endpoint *endpoint;

	for (endpoint = client->endpoints; endpoint; endpoint = endpoint->next)
		endpoint->is_seen = journal_id != CLIENT_ALL_JOURNALS &&
				    journal_id != endpoint->info->journal_id;
	for (size_t i = 0; list && (info = audiomodule_list_endpoint(list, i)); i++) {
		int r = see(client, list, info);

		if (r < 0)
			return r;
	}
	for (endpoint = client->endpoints; endpoint; endpoint = endpoint->next) {
		endpoint->is_leaving |= !endpoint->is_seen;
		client->has_news |= endpoint->is_leaving;
	}
	client_feeds_request(client);
	return 0;
}

/* ---- What is told ---- */

static int tell_gone(struct audiomodule_client *client, struct client_endpoint *endpoint)
{
	struct client_endpoint **link = &client->endpoints;

	while (*link != endpoint)
		link = &(*link)->next;
	*link = endpoint->next;
	client->told_endpoint = endpoint;
	return AUDIOMODULE_EVENT_GONE;
}

/* The type of the event; 0: none. */
static int tell(struct audiomodule_client *client, struct client_endpoint *endpoint)
{
	bool was_changed = endpoint->is_changed;

	endpoint->is_changed = false;
	if (!endpoint->is_told) {
		endpoint->is_told = true;
		return AUDIOMODULE_EVENT_APPEARED;
	}
	if (was_changed)
		return AUDIOMODULE_EVENT_CHANGED;
	if (endpoint->is_leaving && !client_feeds_have(client, endpoint))
		return tell_gone(client, endpoint);
	return 0;
}

int client_endpoints_tell(struct audiomodule_client *client, struct audiomodule_event *event)
{
	for (struct client_endpoint *endpoint = client->endpoints; endpoint;
	     endpoint = endpoint->next) {
		int type = tell(client, endpoint);

		if (type == 0)
			continue;
		event->type = (enum audiomodule_event_type)type;
		event->endpoint = endpoint->info;
		return 1;
	}
	return 0;
}
