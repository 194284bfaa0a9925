// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: a list is a snapshot: endpoints and modules as they were at one generation, copied out of
 * the kernel's (or the bus's) form, so that whoever holds it needs no card and no connection.
 * Entries never move: pointers to them live as long as the list.
 */
#include <string.h>

#include "audiomodule.h"
#include "cleanup.h"
#include "text.h"

struct endpoint_entry {
	struct audiomodule_endpoint endpoint;	/* first: entries are compared as this */
	char *object_path;
};

struct module_entry {
	struct audiomodule_module module;	/* first, too */
	char *object_path;
};

struct audiomodule_list {
	struct endpoint_entry **endpoints;
	size_t endpoint_count;
	struct module_entry **modules;
	size_t module_count;
};

struct audiomodule_list *audiomodule_list_new(void)
{
	return calloc(1, sizeof(struct audiomodule_list));
}

struct audiomodule_list *audiomodule_list_free(struct audiomodule_list *list)
{
	if (!list)
		return NULL;
	for (size_t i = 0; i < list->endpoint_count; i++) {
		free(list->endpoints[i]->object_path);
		free(list->endpoints[i]);
	}
	for (size_t i = 0; i < list->module_count; i++) {
		free(list->modules[i]->object_path);
		free(list->modules[i]);
	}
	free(list->endpoints);
	free(list->modules);
	free(list);
	return NULL;
}

const struct audiomodule_endpoint *audiomodule_list_endpoint(const struct audiomodule_list *list,
							     size_t n)
{
	return n < list->endpoint_count ? &list->endpoints[n]->endpoint : NULL;
}

const struct audiomodule_module *audiomodule_list_module(const struct audiomodule_list *list,
							 size_t n)
{
	return n < list->module_count ? &list->modules[n]->module : NULL;
}

/* A zeroed entry at the end of an array of pointers to entries. */
static void *add_entry(void *array, size_t *count, size_t size)
{
	void **grown = reallocarray(*(void **)array, *count + 1, sizeof(void *));
	void *entry;

	if (!grown)
		return NULL;
	*(void **)array = grown;
	entry = calloc(1, size);
	if (entry)
		grown[(*count)++] = entry;
	return entry;
}

/* Moves the last entry to where it belongs; later ones of the same rank stay behind. */
static void sort_in(void *array, size_t count, int (*compare)(const void *, const void *))
{
	void **entries = array;

	for (size_t i = count - 1; i > 0 && compare(entries[i - 1], entries[i]) > 0; i--) {
		void *entry = entries[i];

		entries[i] = entries[i - 1];
		entries[i - 1] = entry;
	}
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_endpoints(const void *a, const void *b)
{
	const struct audiomodule_endpoint *left = a, *right = b;
	int order = compare_numbers(left->card, right->card);

	return order ? order : compare_numbers(left->index, right->index);
}

static int compare_modules(const void *a, const void *b)
{
	const struct audiomodule_module *left = a, *right = b;
	int order = compare_endpoints(left->endpoint, right->endpoint);

	if (!order)
		order = compare_numbers(left->index, right->index);
	/* Stream modules have no index. */
	if (!order)
		order = compare_numbers((uint32_t)left->pcm_device, (uint32_t)right->pcm_device);
	if (!order)
		order = compare_numbers((uint32_t)left->pcm_subdevice,
					(uint32_t)right->pcm_subdevice);
	return order ? order : strcmp(left->label, right->label);
}

/* Returns -ENOMEM when there is a path that cannot be copied. */
static int copy_path(char **copy, const char *path)
{
	*copy = path ? strdup(path) : NULL;
	return path && !*copy ? -ENOMEM : 0;
}

const struct audiomodule_endpoint *
audiomodule_list_add_endpoint(struct audiomodule_list *list,
			      const struct audiomodule_endpoint *endpoint)
{
	_cleanup_(cleanup_memory) char *path = NULL;
	struct endpoint_entry *entry;
	struct audiomodule_endpoint *copy;

	if (copy_path(&path, endpoint->object_path) < 0)
		return NULL;
	entry = add_entry(&list->endpoints, &list->endpoint_count, sizeof(*entry));
	if (!entry)
		return NULL;
	copy = &entry->endpoint;
	*copy = *endpoint;
	text_clean(copy->name, sizeof(copy->name), endpoint->name, sizeof(endpoint->name));
	text_clean(copy->card_id, sizeof(copy->card_id), endpoint->card_id,
		   sizeof(endpoint->card_id));
	copy->object_path = entry->object_path = steal_pointer(path);
	sort_in(list->endpoints, list->endpoint_count, compare_endpoints);
	return copy;
}

const struct audiomodule_module *
audiomodule_list_add_module(struct audiomodule_list *list, const struct audiomodule_module *module)
{
	_cleanup_(cleanup_memory) char *path = NULL;
	struct module_entry *entry;
	struct audiomodule_module *copy;

	if (copy_path(&path, module->object_path) < 0)
		return NULL;
	entry = add_entry(&list->modules, &list->module_count, sizeof(*entry));
	if (!entry)
		return NULL;
	copy = &entry->module;
	*copy = *module;
	text_clean(copy->label, sizeof(copy->label), module->label, sizeof(module->label));
	text_clean(copy->name, sizeof(copy->name), module->name, sizeof(module->name));
	copy->object_path = entry->object_path = steal_pointer(path);
	sort_in(list->modules, list->module_count, compare_modules);
	return copy;
}
