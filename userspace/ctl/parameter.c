// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: elements are found by their names in the card's list, and the newest notification by the
 * number that the kernel's list of modules has for it.
 */
#include <stdio.h>
#include <string.h>

#include <sound/audio_module.h>

#include "parameter.h"
#include "text.h"

DEFINE_CLEANUP(cleanup_ids, snd_ctl_elem_list_t *, snd_ctl_elem_list_free)

/* ---- Whose is an element ---- */

/* How much of an element's name says that it is this one's; 0: it is not. */
static size_t prefix_length(const struct audiomodule_endpoint *endpoint,
			    const struct audiomodule_module *module, const char *name)
{
	char prefix[sizeof(endpoint->name) + sizeof(module->label) + 4];
	int length = snprintf(prefix, sizeof(prefix), "%s%s%s ", endpoint->name,
			      module ? " " : "", module ? module->label : "");

	return strncmp(name, prefix, (size_t)length) == 0 ? (size_t)length : 0;
}

/* The longest that any endpoint or module of the card has. */
static size_t longest_prefix(const struct audiomodule_list *list, uint32_t card, const char *name)
{
	const struct audiomodule_endpoint *endpoint;
	const struct audiomodule_module *module;
	size_t longest = 0, length;

	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++) {
		length = endpoint->card == card ? prefix_length(endpoint, NULL, name) : 0;
		longest = length > longest ? length : longest;
	}
	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++) {
		endpoint = module->endpoint;
		length = endpoint->card == card ? prefix_length(endpoint, module, name) : 0;
		longest = length > longest ? length : longest;
	}
	return longest;
}

/* The part of an element's name that is the parameter's; NULL: it is not one of the target's. */
static const char *parameter_name(const struct audiomodule_list *list, const struct target *target,
				  const char *name)
{
	size_t length = prefix_length(target->endpoint, target->module, name);

	if (length == 0 || length != longest_prefix(list, target->endpoint->card, name))
		return NULL;
	return name + length;
}

/* Of a module that is gone, too: then its name is taken for one of the endpoint's. */
static bool is_notification(snd_ctl_elem_iface_t interface, const char *name)
{
	static const char end[] = "Notification";
	size_t length = strlen(name), end_length = sizeof(end) - 1;

	return interface == SND_CTL_ELEM_IFACE_CARD && length >= end_length &&
	       strcmp(name + length - end_length, end) == 0;
}

/* ---- Reading ---- */

static int open_card(uint32_t card, bool for_writing, snd_ctl_t **ctl)
{
	char name[16];

	snprintf(name, sizeof(name), "hw:%u", card);
	return snd_ctl_open(ctl, name, for_writing ? 0 : SND_CTL_READONLY);
}

static int get_ids(snd_ctl_t *ctl, snd_ctl_elem_list_t **ids)
{
	int r = snd_ctl_elem_list_malloc(ids);

	if (r >= 0)
		r = snd_ctl_elem_list(ctl, *ids);	/* how many are there? */
	if (r >= 0)
		r = snd_ctl_elem_list_alloc_space(*ids, snd_ctl_elem_list_get_count(*ids));
	return r < 0 ? r : snd_ctl_elem_list(ctl, *ids);
}

static void free_ids(snd_ctl_elem_list_t **ids)
{
	if (*ids)
		snd_ctl_elem_list_free_space(*ids);
	cleanup_ids(ids);
}

static int read_value(snd_ctl_t *ctl, struct parameter *parameter)
{
	if (!snd_ctl_elem_info_is_readable(parameter->info))
		return -EACCES;
	return snd_ctl_elem_read(ctl, parameter->value);
}

static int read_parameter(snd_ctl_t *ctl, snd_ctl_elem_id_t *id, const char *name,
			  struct parameter *parameter)
{
	unsigned int index = snd_ctl_elem_id_get_index(id);
	int r = snd_ctl_elem_info_malloc(&parameter->info);

	if (r >= 0)
		r = snd_ctl_elem_value_malloc(&parameter->value);
	if (r < 0)
		return r;
	text_clean(parameter->name, sizeof(parameter->name), name, strlen(name));
	if (index > 0)
		snprintf(parameter->name + strlen(parameter->name), 12, ",%u", index);
	snd_ctl_elem_info_set_id(parameter->info, id);
	snd_ctl_elem_value_set_id(parameter->value, id);
	r = snd_ctl_elem_info(ctl, parameter->info);
	if (r < 0)
		return r;
	parameter->error = read_value(ctl, parameter);
	return 0;
}

static int read_all(const struct audiomodule_list *list, const struct target *target,
		    struct parameters *parameters)
{
	_cleanup_(free_ids) snd_ctl_elem_list_t *ids = NULL;
	snd_ctl_elem_id_t *id;
	int r = get_ids(parameters->ctl, &ids);

	if (r < 0)
		return r;
	snd_ctl_elem_id_alloca(&id);
	parameters->first = calloc(snd_ctl_elem_list_get_used(ids) + 1, sizeof(struct parameter));
	if (!parameters->first)
		return -ENOMEM;
	for (unsigned int i = 0; i < snd_ctl_elem_list_get_used(ids); i++) {
		const char *name;

		snd_ctl_elem_list_get_id(ids, i, id);
		name = parameter_name(list, target, snd_ctl_elem_id_get_name(id));
		if (!name || is_notification(snd_ctl_elem_id_get_interface(id), name))
			continue;
		r = read_parameter(parameters->ctl, id, name,
				   &parameters->first[parameters->count++]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- The newest notification ---- */

/* The element's bytes are a record that is cut to its size: make it whole again, but shorter. */
static void decode_newest(struct newest *newest, size_t count)
{
	struct snd_audio_module_record header;

	memcpy(&header, newest->bytes, sizeof(header));
	newest->size = header.data_size;
	if (header.data_size > count - sizeof(header))
		header.data_size = (__u32)(count - sizeof(header));
	header.size = (__u32)((sizeof(header) + header.data_size + 7) & ~7ULL);
	memcpy(newest->bytes, &header, sizeof(header));
	newest->exists = audiomodule_record_decode(newest->bytes, sizeof(newest->bytes),
						   &newest->record) >= 0 &&
			 newest->record.type == AUDIOMODULE_RECORD_NOTIFICATION;
	newest->size -= (uint32_t)(newest->record.data_size - newest->record.tail_size);
}

/* A module that came late, or is of a stream, has no element. */
static int read_newest(snd_ctl_t *ctl, const struct target *target, struct newest *newest)
{
	uint32_t numid = target->module ? target->module->element_numid :
			 target->endpoint->element_numid;
	snd_ctl_elem_value_t *value;
	snd_ctl_elem_info_t *info;
	size_t count;
	int r;

	if (numid == 0)
		return 0;
	snd_ctl_elem_info_alloca(&info);
	snd_ctl_elem_value_alloca(&value);
	snd_ctl_elem_info_set_numid(info, numid);
	snd_ctl_elem_value_set_numid(value, numid);
	r = snd_ctl_elem_info(ctl, info);
	if (r >= 0)
		r = snd_ctl_elem_read(ctl, value);
	if (r < 0)
		return r;
	count = snd_ctl_elem_info_get_count(info);
	if (snd_ctl_elem_info_get_type(info) != SND_CTL_ELEM_TYPE_BYTES || count > 512 ||
	    count < sizeof(struct snd_audio_module_record))
		return -EPROTO;
	memcpy(newest->bytes, snd_ctl_elem_value_get_bytes(value), count);
	decode_newest(newest, count);
	return 0;
}

/* ---- All of it ---- */

int parameters_read(const struct audiomodule_list *list, const struct target *target,
		    bool for_writing, struct parameters *parameters)
{
	int r;

	*parameters = (struct parameters) { 0 };
	r = open_card(target->endpoint->card, for_writing, &parameters->ctl);
	if (r < 0) {
		parameters->ctl = NULL;
		return r;
	}
	r = read_all(list, target, parameters);
	return r < 0 ? r : read_newest(parameters->ctl, target, &parameters->newest);
}

void parameters_free(struct parameters *parameters)
{
	for (size_t i = 0; i < parameters->count; i++) {
		if (parameters->first[i].info)
			snd_ctl_elem_info_free(parameters->first[i].info);
		if (parameters->first[i].value)
			snd_ctl_elem_value_free(parameters->first[i].value);
	}
	free(parameters->first);
	if (parameters->ctl)
		snd_ctl_close(parameters->ctl);
	*parameters = (struct parameters) { 0 };
}

struct parameter *parameters_find(const struct parameters *parameters, const char *name)
{
	for (size_t i = 0; i < parameters->count; i++)
		if (strcmp(parameters->first[i].name, name) == 0)
			return &parameters->first[i];
	return NULL;
}
