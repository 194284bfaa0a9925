// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: the answer of DESCRIPTORS: how many bytes and how many descriptors (KSMULTIPLE_ITEM), then
 * the descriptors, each of a fixed size.
 */
#include <stdlib.h>

#include "cleanup.h"
#include "ks.h"

#define COUNT_OFFSET	4
#define INSTANCE_OFFSET	16
#define MAJOR_OFFSET	20
#define MINOR_OFFSET	24
#define NAME_OFFSET	28

_Static_assert(NAME_OFFSET + 2 * AUDIOMODULE_KS_NAME_UNITS == AUDIOMODULE_KS_DESCRIPTOR_SIZE,
	       "a name ends where its descriptor ends");

/* The next endpoint module of the endpoint, from the n-th of the list on; NULL: none. */
static const struct audiomodule_module *next_module(const struct audiomodule_list *list,
						    const struct audiomodule_endpoint *endpoint,
						    size_t *n)
{
	const struct audiomodule_module *module;

	while ((module = audiomodule_list_module(list, (*n)++)))
		if (module->endpoint == endpoint && module->pcm_device == -1)
			return module;
	return NULL;
}

static void put_descriptor(uint8_t *to, const struct audiomodule_module *module)
{
	ks_put_guid(to, &module->class_id);
	ks_put32(to + INSTANCE_OFFSET, module->instance_id);
	ks_put32(to + MAJOR_OFFSET, module->version_major);
	ks_put32(to + MINOR_OFFSET, module->version_minor);
	ks_name_put(to + NAME_OFFSET, module->name);
}

int audiomodule_ks_descriptors_encode(const struct audiomodule_list *list,
				      const struct audiomodule_endpoint *endpoint, void *to,
				      size_t *size)
{
	const struct audiomodule_module *module;
	uint8_t *bytes = to;
	uint32_t count = 0;
	size_t n = 0;
	int r;

	while (next_module(list, endpoint, &n))
		count++;
	r = ks_make_room(AUDIOMODULE_KS_LIST_SIZE + (size_t)count * AUDIOMODULE_KS_DESCRIPTOR_SIZE,
			 size);
	if (r < 0)
		return r;
	ks_put32(bytes, (uint32_t)*size);
	ks_put32(bytes + COUNT_OFFSET, count);
	bytes += AUDIOMODULE_KS_LIST_SIZE;
	for (n = 0; (module = next_module(list, endpoint, &n)); ) {
		put_descriptor(bytes, module);
		bytes += AUDIOMODULE_KS_DESCRIPTOR_SIZE;
	}
	return 0;
}

static int get_descriptor(const uint8_t *from, struct audiomodule_ks_descriptor *descriptor)
{
	descriptor->class_id = ks_get_guid(from);
	descriptor->instance_id = ks_get32(from + INSTANCE_OFFSET);
	descriptor->version_major = ks_get32(from + MAJOR_OFFSET);
	descriptor->version_minor = ks_get32(from + MINOR_OFFSET);
	return ks_name_get(from + NAME_OFFSET, descriptor->name);
}

/* How many descriptors there really are. */
static int check_list(const uint8_t *from, size_t size, uint32_t *count)
{
	uint64_t needed;

	if (size < AUDIOMODULE_KS_LIST_SIZE)
		return -EBADMSG;
	*count = ks_get32(from + COUNT_OFFSET);
	needed = AUDIOMODULE_KS_LIST_SIZE + (uint64_t)*count * AUDIOMODULE_KS_DESCRIPTOR_SIZE;
	return ks_get32(from) == needed && needed <= size ? 0 : -EBADMSG;
}

int audiomodule_ks_descriptors_decode(const void *from, size_t size,
				      struct audiomodule_ks_descriptor **descriptors,
				      size_t *count)
{
	_cleanup_(cleanup_memory) struct audiomodule_ks_descriptor *array = NULL;
	const uint8_t *bytes = from;
	uint32_t found;
	int r = check_list(bytes, size, &found);

	*descriptors = NULL;
	*count = 0;
	if (r < 0 || found == 0)
		return r;
	array = calloc(found, sizeof(*array));
	if (!array)
		return -ENOMEM;
	bytes += AUDIOMODULE_KS_LIST_SIZE;
	for (uint32_t i = 0; r == 0 && i < found; i++)
		r = get_descriptor(bytes + (size_t)i * AUDIOMODULE_KS_DESCRIPTOR_SIZE, &array[i]);
	if (r < 0)
		return r;
	*descriptors = steal_pointer(array);
	*count = found;
	return 0;
}
