// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: a card's life: opened for a moment to subscribe and to list, followed through the record
 * CHANGED, dropped with the record REMOVED. Objects that did not change stay as they are, because
 * subscribers hang from them.
 */
#include <string.h>
#include <sys/epoll.h>

#include "access.h"
#include "card.h"
#include "idle.h"
#include "log.h"
#include "subscriber.h"

DEFINE_CLEANUP(cleanup_handle, struct audiomodule *, audiomodule_close)
DEFINE_CLEANUP(cleanup_list, struct audiomodule_list *, audiomodule_list_free)
DEFINE_CLEANUP(cleanup_card, struct card *, card_free)

/* ---- Objects leave ---- */

static void module_free(struct module *module)
{
	const struct manager *manager = module->endpoint->card->manager;

	if (module->slot && !manager->ending) {
		sd_bus_emit_object_removed(manager->bus, module->path);
		access_forget(manager->access, module->path);
	}
	sd_bus_slot_unref(module->slot);
	free(module->path);
	free(module);
}

/* The endpoint first: who hears of it needs not hear of its modules. */
static void endpoint_free(struct endpoint *endpoint)
{
	const struct manager *manager = endpoint->card->manager;

	while (endpoint->subscribers)
		subscriber_finish(endpoint->subscribers);
	if (endpoint->slot && !manager->ending) {
		sd_bus_emit_object_removed(manager->bus, endpoint->path);
		access_forget(manager->access, endpoint->path);
		log_info("%s on card %u is gone", endpoint->info.name, endpoint->info.card);
	}
	while (endpoint->modules) {
		struct module *module = endpoint->modules;

		endpoint->modules = module->next;
		module_free(module);
	}
	sd_bus_slot_unref(endpoint->slot);
	free(endpoint->path);
	free(endpoint);
}

static void remove_unseen_modules(struct endpoint *endpoint)
{
	struct module **link = &endpoint->modules;

	while (*link) {
		struct module *module = *link;

		if (module->seen) {
			link = &module->next;
			continue;
		}
		*link = module->next;
		module_free(module);
	}
}

static void remove_unseen(struct card *card)
{
	struct endpoint **link = &card->endpoints;

	while (*link) {
		struct endpoint *endpoint = *link;

		if (endpoint->seen) {
			remove_unseen_modules(endpoint);
			link = &endpoint->next;
			continue;
		}
		*link = endpoint->next;
		endpoint_free(endpoint);
	}
}

/* ---- Objects stay ---- */

static bool same_endpoint(const struct audiomodule_endpoint *a,
			  const struct audiomodule_endpoint *b)
{
	return audiomodule_guid_equal(&a->device_id, &b->device_id) &&
	       strcmp(a->name, b->name) == 0 && a->index == b->index &&
	       a->journal_id == b->journal_id &&
	       a->playback_devices == b->playback_devices &&
	       a->capture_devices == b->capture_devices;
}

static bool same_module(const struct audiomodule_module *a, const struct audiomodule_module *b)
{
	return audiomodule_guid_equal(&a->class_id, &b->class_id) &&
	       a->instance_id == b->instance_id && a->index == b->index &&
	       a->version_major == b->version_major &&
	       a->version_minor == b->version_minor && strcmp(a->label, b->label) == 0 &&
	       strcmp(a->name, b->name) == 0;
}

static struct endpoint *find_endpoint(struct card *card, const struct audiomodule_endpoint *info)
{
	struct endpoint *endpoint = card->endpoints;

	while (endpoint && !same_endpoint(&endpoint->info, info))
		endpoint = endpoint->next;
	return endpoint;
}

static struct module *find_module(struct endpoint *endpoint, const struct audiomodule_module *info)
{
	struct module *module = endpoint->modules;

	while (module && !same_module(&module->info, info))
		module = module->next;
	return module;
}

static void mark_seen(struct card *card, const struct audiomodule_list *list)
{
	const struct audiomodule_endpoint *endpoint_info;
	const struct audiomodule_module *module_info;

	for (struct endpoint *endpoint = card->endpoints; endpoint; endpoint = endpoint->next) {
		endpoint->seen = false;
		for (struct module *module = endpoint->modules; module; module = module->next)
			module->seen = false;
	}
	for (size_t i = 0; (endpoint_info = audiomodule_list_endpoint(list, i)); i++) {
		struct endpoint *endpoint = find_endpoint(card, endpoint_info);

		if (endpoint)
			endpoint->seen = true;
	}
	for (size_t i = 0; (module_info = audiomodule_list_module(list, i)); i++) {
		struct endpoint *endpoint = find_endpoint(card, module_info->endpoint);
		struct module *module = endpoint ? find_module(endpoint, module_info) : NULL;

		if (module)
			module->seen = true;
	}
}

/* ---- Objects come ---- */

static int add_module(struct endpoint *endpoint, const struct audiomodule_module *info)
{
	struct module *module = calloc(1, sizeof(*module));
	struct module **link = &endpoint->modules;
	int r;

	if (!module)
		return -ENOMEM;
	module->endpoint = endpoint;
	module->info = *info;
	module->info.endpoint = NULL;	/* the list goes away */
	module->seen = true;
	r = sd_bus_path_encode(endpoint->path, info->label, &module->path);
	if (r >= 0)
		r = module_register(module);
	if (r < 0) {
		log_warning("Module %s/%s on card %u gets no object: %s", endpoint->info.name,
			    info->label, endpoint->card->number, strerror(-r));
		module_free(module);
		return r == -EEXIST ? 0 : r;
	}
	while (*link)
		link = &(*link)->next;
	*link = module;
	return 0;
}

static int add_endpoint(struct card *card, const struct audiomodule_endpoint *info)
{
	_cleanup_(cleanup_memory) char *prefix = NULL;
	struct endpoint *endpoint = calloc(1, sizeof(*endpoint));
	struct endpoint **link = &card->endpoints;
	int r;

	if (!endpoint)
		return -ENOMEM;
	endpoint->card = card;
	endpoint->info = *info;
	endpoint->seen = true;
	r = asprintf(&prefix, "%s/card%u", BUS_ROOT, card->number) < 0 ? -ENOMEM : 0;
	if (r >= 0)
		r = sd_bus_path_encode(prefix, info->name, &endpoint->path);
	if (r >= 0)
		r = endpoint_register(endpoint);
	if (r < 0) {
		log_warning("%s on card %u gets no object: %s", info->name, card->number,
			    strerror(-r));
		endpoint_free(endpoint);
		return r == -EEXIST ? 0 : r;
	}
	while (*link)
		link = &(*link)->next;
	*link = endpoint;
	log_info("%s on card %u is here", info->name, card->number);
	return 0;
}

static int add_missing(struct card *card, const struct audiomodule_list *list)
{
	const struct audiomodule_endpoint *endpoint_info;
	const struct audiomodule_module *module_info;
	int r = 0;

	for (size_t i = 0; r >= 0 && (endpoint_info = audiomodule_list_endpoint(list, i)); i++)
		if (!find_endpoint(card, endpoint_info))
			r = add_endpoint(card, endpoint_info);
	for (size_t i = 0; r >= 0 && (module_info = audiomodule_list_module(list, i)); i++) {
		struct endpoint *endpoint = find_endpoint(card, module_info->endpoint);

		if (endpoint && !find_module(endpoint, module_info))
			r = add_module(endpoint, module_info);
	}
	return r;
}

static int synchronize(struct card *card, struct audiomodule *handle)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	int r = audiomodule_list(handle, &list);

	if (r < 0)
		return r;
	mark_seen(card, list);
	remove_unseen(card);
	return add_missing(card, list);
}

/* ---- The card's own records ---- */

/* A card that is gone by now will say so in its next record. */
static void follow_change(struct card *card)
{
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;
	int r = audiomodule_open(card->manager->directory, card->number, &handle);

	if (r >= 0)
		r = synchronize(card, handle);
	if (r < 0 && r != -ENODEV && r != -ENOENT && r != -ENXIO)
		log_warning("Cannot ask card %u for its changed list, keeping the old one: %s",
			    card->number, strerror(-r));
}

/* Returns 1 when the list changed, 0 when not; negative: the card is gone. */
static int read_records(struct card *card)
{
	struct audiomodule_record record;
	int changed = 0, r;

	while ((r = audiomodule_subscription_next(card->subscription, &record)) > 0) {
		if (record.type == AUDIOMODULE_RECORD_REMOVED)
			return -ENODEV;
		/* What is lost may have been a change. */
		if (record.type == AUDIOMODULE_RECORD_CHANGED ||
		    record.type == AUDIOMODULE_RECORD_LOST)
			changed = 1;
	}
	return r < 0 ? r : changed;
}

static void unlink_card(struct card *card)
{
	struct card **link = &card->manager->cards;

	while (*link && *link != card)
		link = &(*link)->next;
	if (*link)
		*link = card->next;
}

static int on_records(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct card *card = context;
	struct manager *manager = card->manager;
	int r = read_records(card);

	(void)source;
	(void)fd;
	(void)events;
	if (r > 0)
		follow_change(card);
	if (r >= 0)
		return 0;
	if (r != -ENODEV)
		log_error("Cannot read the journal of card %u any more: %s", card->number,
			  strerror(-r));
	card_free(card);
	manager_schedule_scan(manager);	/* its number may be another card's already */
	return 0;
}

/*
 * Nothing is ever sent with GUID_NULL, so the filter leaves the records that pass every filter:
 * CHANGED, LOST and REMOVED.
 */
static int subscribe(struct card *card, struct audiomodule *handle)
{
	static const struct audiomodule_filter nothing = {
		.match = AUDIOMODULE_MATCH_NOTIFICATION_ID
	};
	int r = audiomodule_subscribe(handle, &nothing, NULL, &card->subscription);

	if (r < 0)
		return r;
	return sd_event_add_io(card->manager->event, &card->source,
			       audiomodule_subscription_fd(card->subscription), EPOLLIN,
			       on_records, card);
}

static bool is_known(const struct manager *manager, unsigned int number)
{
	for (const struct card *card = manager->cards; card; card = card->next)
		if (card->number == number)
			return true;
	return false;
}

int card_add(struct manager *manager, unsigned int number)
{
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;
	_cleanup_(cleanup_card) struct card *card = NULL;
	int r;

	if (is_known(manager, number))
		return -EALREADY;
	r = audiomodule_open(manager->directory, number, &handle);
	if (r < 0)
		return r;
	card = calloc(1, sizeof(*card));
	if (!card)
		return -ENOMEM;
	card->manager = manager;
	card->number = number;
	r = subscribe(card, handle);	/* before the list: no change in between is missed */
	if (r < 0)
		return r;
	r = synchronize(card, handle);
	if (r < 0)
		return r;
	card->next = manager->cards;
	manager->cards = steal_pointer(card);
	idle_check(manager->idle);
	return 0;
}

struct card *card_free(struct card *card)
{
	if (!card)
		return NULL;
	unlink_card(card);
	idle_check(card->manager->idle);
	sd_event_source_disable_unref(card->source);
	audiomodule_subscription_free(card->subscription);
	while (card->endpoints) {
		struct endpoint *endpoint = card->endpoints;

		card->endpoints = endpoint->next;
		endpoint_free(endpoint);
	}
	free(card);
	return NULL;
}
