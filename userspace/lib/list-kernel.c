// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: the kernel's LIST, asked in two calls because only the kernel knows how long it is. It may
 * grow in between; then it is asked again. Nothing that the kernel says about counts, sizes and
 * indices is believed before it fits the bytes that came.
 */
#include <string.h>

#include "card.h"
#include "cleanup.h"

/* More is no list but a mistake: 65535 endpoints and modules, the most that records can name. */
#define MAX_LIST_SIZE	((size_t)SND_AUDIO_MODULE_NONE * \
			 (sizeof(struct snd_audio_module_endpoint_info) + \
			  sizeof(struct snd_audio_module_module_info)))
#define MAX_ATTEMPTS	16

DEFINE_CLEANUP(cleanup_list, struct audiomodule_list *, audiomodule_list_free)

static int ask_size(int fd, size_t *size)
{
	struct snd_audio_module_list request = { 0 };
	int r = card_ioctl(fd, SND_AUDIO_MODULE_IOCTL_LIST, &request);

	*size = request.size;
	if (r != -EOVERFLOW)
		return r;
	return *size == 0 || *size > MAX_LIST_SIZE ? -EPROTO : 0;
}

/* On success *buffer (NULL when the list is empty) has as many bytes as reply->size says. */
static int ask_list(int fd, void **buffer, struct snd_audio_module_list *reply)
{
	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
		_cleanup_(cleanup_memory) void *bytes = NULL;
		size_t size;
		int r = ask_size(fd, &size);

		if (r < 0)
			return r;
		*reply = (struct snd_audio_module_list) { .size = (uint32_t)size };
		if (size == 0)
			return 0;
		bytes = calloc(1, size);
		if (!bytes)
			return -ENOMEM;
		reply->buffer = (uintptr_t)bytes;
		r = card_ioctl(fd, SND_AUDIO_MODULE_IOCTL_LIST, reply);
		if (r == -ENOBUFS || r == -EOVERFLOW)
			continue;
		if (r < 0)
			return r;
		if (reply->size > size)
			return -EPROTO;
		*buffer = steal_pointer(bytes);
		return 0;
	}
	return -EAGAIN;
}

static int check_size(const struct snd_audio_module_list *reply)
{
	const uint64_t endpoint_size = sizeof(struct snd_audio_module_endpoint_info);
	const uint64_t module_size = sizeof(struct snd_audio_module_module_info);

	return reply->endpoints * endpoint_size + reply->modules * module_size == reply->size ?
	       0 : -EPROTO;
}

static int add_endpoint(struct audiomodule_list *list, const struct audiomodule *handle,
			uint64_t journal_id, const struct snd_audio_module_endpoint_info *raw)
{
	struct audiomodule_endpoint endpoint = {
		.card = handle->card,
		.journal_id = journal_id,
		.playback_devices = raw->playback_devices,
		.capture_devices = raw->capture_devices,
		.index = raw->index,
		.element_numid = raw->element_numid,
	};

	memcpy(endpoint.device_id.bytes, raw->device_id, sizeof(raw->device_id));
	memcpy(endpoint.name, raw->name, sizeof(raw->name));
	memcpy(endpoint.card_id, handle->id, sizeof(endpoint.card_id));
	return audiomodule_list_add_endpoint(list, &endpoint) ? 0 : -ENOMEM;
}

static const struct audiomodule_endpoint *find_index(const struct audiomodule_list *list,
						     unsigned int index)
{
	const struct audiomodule_endpoint *endpoint;

	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++)
		if (endpoint->index == index)
			return endpoint;
	return NULL;
}

static int add_module(struct audiomodule_list *list, const struct snd_audio_module_module_info *raw)
{
	struct audiomodule_module module = {
		.endpoint = find_index(list, raw->endpoint),
		.instance_id = raw->instance_id,
		.version_major = raw->version_major,
		.version_minor = raw->version_minor,
		.index = raw->index,
		.element_numid = raw->element_numid,
		.pcm_device = raw->pcm_device,
		.pcm_subdevice = raw->pcm_subdevice,
	};

	if (!module.endpoint)
		return -EPROTO;
	memcpy(module.class_id.bytes, raw->class_id, sizeof(raw->class_id));
	memcpy(module.label, raw->label, sizeof(raw->label));
	memcpy(module.name, raw->name, sizeof(raw->name));
	return audiomodule_list_add_module(list, &module) ? 0 : -ENOMEM;
}

static int add_all(struct audiomodule_list *list, const struct audiomodule *handle,
		   uint64_t journal_id, const void *buffer,
		   const struct snd_audio_module_list *reply)
{
	const struct snd_audio_module_endpoint_info *endpoints = buffer;
	const struct snd_audio_module_module_info *modules =
		(const void *)(endpoints + reply->endpoints);
	int r = 0;

	for (uint32_t i = 0; i < reply->endpoints && r == 0; i++)
		r = add_endpoint(list, handle, journal_id, &endpoints[i]);
	for (uint32_t i = 0; i < reply->modules && r == 0; i++)
		r = add_module(list, &modules[i]);
	return r;
}

static int append_card(struct audiomodule *handle, struct audiomodule_list *list)
{
	_cleanup_(cleanup_memory) void *buffer = NULL;
	struct snd_audio_module_list reply;
	struct audiomodule_info info;
	int r;

	r = audiomodule_info(handle, &info);
	if (r < 0)
		return r;
	r = ask_list(handle->fd, &buffer, &reply);
	if (r < 0)
		return r;
	r = check_size(&reply);
	if (r < 0 || !buffer)
		return r;
	return add_all(list, handle, info.journal_id, buffer, &reply);
}

int audiomodule_list(struct audiomodule *handle, struct audiomodule_list **list)
{
	_cleanup_(cleanup_list) struct audiomodule_list *new = audiomodule_list_new();
	int r;

	*list = NULL;
	if (!new)
		return -ENOMEM;
	r = append_card(handle, new);
	if (r < 0)
		return r;
	*list = steal_pointer(new);
	return 0;
}

DEFINE_CLEANUP(cleanup_card, struct audiomodule *, audiomodule_close)

/* No card, a card without audio modules, or one that goes away just now. */
static bool is_absent(int error)
{
	return error == -ENODEV || error == -ENOENT || error == -ENXIO;
}

static int append_number(const char *directory, unsigned int card, struct audiomodule_list *list)
{
	_cleanup_(cleanup_card) struct audiomodule *handle = NULL;
	int r = audiomodule_open(directory, card, &handle);

	if (r == 0)
		r = append_card(handle, list);
	return is_absent(r) ? 0 : r;
}

int audiomodule_list_all(const char *directory, struct audiomodule_list **list)
{
	_cleanup_(cleanup_list) struct audiomodule_list *new = audiomodule_list_new();
	_cleanup_(cleanup_memory) unsigned int *cards = NULL;
	size_t count;
	int error = 0, r;

	*list = NULL;
	if (!new)
		return -ENOMEM;
	r = audiomodule_cards(directory, &cards, &count);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		r = append_number(directory, cards[i], new);
		if (r < 0 && error == 0)
			error = r;
	}
	if (error && !audiomodule_list_endpoint(new, 0))
		return error;
	*list = steal_pointer(new);
	return 0;
}
