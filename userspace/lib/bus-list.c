// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: audiomoduled's objects as a list. GetManagedObjects names modules and endpoints in no
 * order, while a module needs its endpoint: so the reply is read twice, endpoints first.
 */
#include <string.h>

#include "bus.h"

DEFINE_CLEANUP(cleanup_list, struct audiomodule_list *, audiomodule_list_free)

/* One object while its properties are read. */
struct object {
	struct audiomodule_list *list;
	const char *path;
	struct audiomodule_endpoint endpoint;
	struct audiomodule_module module;
};

static int read_guid(sd_bus_message *message, struct audiomodule_guid *guid)
{
	const char *text;
	int r = sd_bus_message_read(message, "v", "s", &text);

	if (r < 0)
		return r;
	return audiomodule_guid_parse(text, guid) < 0 ? -EBADMSG : 0;
}

static int read_text(sd_bus_message *message, char *to, size_t size)
{
	const char *text;
	size_t length;
	int r = sd_bus_message_read(message, "v", "s", &text);

	if (r < 0)
		return r;
	length = strlen(text);
	if (length >= size)
		return -EBADMSG;
	memcpy(to, text, length + 1);
	return 0;
}

/* Numbers of PCM devices as bits. */
static int read_devices(sd_bus_message *message, uint32_t *devices)
{
	uint32_t device;
	int r = sd_bus_message_enter_container(message, 'v', "au");

	if (r >= 0)
		r = sd_bus_message_enter_container(message, 'a', "u");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read_basic(message, 'u', &device)) > 0)
		if (device < 32)
			*devices |= UINT32_C(1) << device;
	if (r >= 0)
		r = sd_bus_message_exit_container(message);
	if (r >= 0)
		r = sd_bus_message_exit_container(message);
	return r;
}

static int read_endpoint_property(sd_bus_message *message, const char *name, struct object *object)
{
	struct audiomodule_endpoint *endpoint = &object->endpoint;

	if (strcmp(name, "DeviceId") == 0)
		return read_guid(message, &endpoint->device_id);
	if (strcmp(name, "Name") == 0)
		return read_text(message, endpoint->name, sizeof(endpoint->name));
	if (strcmp(name, "Card") == 0)
		return sd_bus_message_read(message, "v", "u", &endpoint->card);
	if (strcmp(name, "CardId") == 0)
		return read_text(message, endpoint->card_id, sizeof(endpoint->card_id));
	if (strcmp(name, "Index") == 0)
		return sd_bus_message_read(message, "v", "u", &endpoint->index);
	if (strcmp(name, "JournalId") == 0)
		return sd_bus_message_read(message, "v", "t", &endpoint->journal_id);
	if (strcmp(name, "PlaybackDevices") == 0)
		return read_devices(message, &endpoint->playback_devices);
	if (strcmp(name, "CaptureDevices") == 0)
		return read_devices(message, &endpoint->capture_devices);
	return sd_bus_message_skip(message, "v");
}

static int read_module_property(sd_bus_message *message, const char *name, struct object *object)
{
	struct audiomodule_module *module = &object->module;

	if (strcmp(name, "ClassId") == 0)
		return read_guid(message, &module->class_id);
	if (strcmp(name, "InstanceId") == 0)
		return sd_bus_message_read(message, "v", "u", &module->instance_id);
	if (strcmp(name, "Label") == 0)
		return read_text(message, module->label, sizeof(module->label));
	if (strcmp(name, "DisplayName") == 0)
		return read_text(message, module->name, sizeof(module->name));
	if (strcmp(name, "Index") == 0)
		return sd_bus_message_read(message, "v", "u", &module->index);
	if (strcmp(name, "MajorVersion") == 0)
		return sd_bus_message_read(message, "v", "u", &module->version_major);
	if (strcmp(name, "MinorVersion") == 0)
		return sd_bus_message_read(message, "v", "u", &module->version_minor);
	if (strcmp(name, "PcmDevice") == 0)
		return sd_bus_message_read(message, "v", "i", &module->pcm_device);
	if (strcmp(name, "PcmSubdevice") == 0)
		return sd_bus_message_read(message, "v", "i", &module->pcm_subdevice);
	return sd_bus_message_skip(message, "v");
}

static int add_endpoint(struct object *object)
{
	object->endpoint.object_path = object->path;
	return audiomodule_list_add_endpoint(object->list, &object->endpoint) ? 0 : -ENOMEM;
}

/* The endpoint whose path is the module's without the last element. */
static const struct audiomodule_endpoint *parent(const struct object *object)
{
	const struct audiomodule_endpoint *endpoint;
	size_t length = (size_t)(strrchr(object->path, '/') - object->path);

	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(object->list, i)); i++)
		if (strlen(endpoint->object_path) == length &&
		    strncmp(endpoint->object_path, object->path, length) == 0)
			return endpoint;
	return NULL;
}

static int add_module(struct object *object)
{
	object->module.object_path = object->path;
	object->module.endpoint = parent(object);
	if (!object->module.endpoint)
		return -EBADMSG;
	return audiomodule_list_add_module(object->list, &object->module) ? 0 : -ENOMEM;
}

/* What one reading of the reply looks for. */
struct reading {
	const char *interface;
	int (*property)(sd_bus_message *message, const char *name, struct object *object);
	int (*add)(struct object *object);
};

static int read_properties(sd_bus_message *message, const struct reading *reading,
			   struct object *object)
{
	const char *name;
	int r = sd_bus_message_enter_container(message, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		r = sd_bus_message_read(message, "s", &name);
		if (r >= 0)
			r = reading->property(message, name, object);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_interface(sd_bus_message *message, const struct reading *reading,
			  struct object *object)
{
	const char *interface;
	int r = sd_bus_message_read(message, "s", &interface);

	if (r < 0)
		return r;
	if (strcmp(interface, reading->interface) != 0)
		return sd_bus_message_skip(message, "a{sv}");
	r = read_properties(message, reading, object);
	return r < 0 ? r : reading->add(object);
}

static int read_object(sd_bus_message *message, const struct reading *reading,
		       struct audiomodule_list *list)
{
	struct object object = {
		.list = list,
		.endpoint = { .index = AUDIOMODULE_NONE },
		.module = { .index = AUDIOMODULE_NONE, .pcm_device = -1, .pcm_subdevice = -1 },
	};
	int r = sd_bus_message_read(message, "o", &object.path);

	if (r >= 0)
		r = sd_bus_message_enter_container(message, 'a', "{sa{sv}}");
	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sa{sv}")) > 0) {
		r = read_interface(message, reading, &object);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_objects(sd_bus_message *message, const struct reading *reading,
			struct audiomodule_list *list)
{
	int r = sd_bus_message_rewind(message, 1);

	if (r >= 0)
		r = sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}");
	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}")) > 0) {
		r = read_object(message, reading, list);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	return bus_read_result(r);
}

int bus_list_call(struct audiomodule_bus *bus, sd_bus_message **call)
{
	return sd_bus_message_new_method_call(bus->bus, call, BUS_NAME, BUS_ROOT,
					      "org.freedesktop.DBus.ObjectManager",
					      "GetManagedObjects");
}

int bus_list_read(sd_bus_message *reply, struct audiomodule_list **list)
{
	static const struct reading endpoints = {
		BUS_ENDPOINT, read_endpoint_property, add_endpoint
	};
	static const struct reading modules = { BUS_MODULE, read_module_property, add_module };
	_cleanup_(cleanup_list) struct audiomodule_list *new = audiomodule_list_new();
	int r;

	*list = NULL;
	if (!new)
		return -ENOMEM;
	r = read_objects(reply, &endpoints, new);
	if (r >= 0)
		r = read_objects(reply, &modules, new);
	if (r < 0)
		return r;
	*list = steal_pointer(new);
	return 0;
}

int audiomodule_bus_list(struct audiomodule_bus *bus, struct audiomodule_list **list)
{
	_cleanup_(cleanup_message) sd_bus_message *call = NULL, *reply = NULL;
	int r;

	*list = NULL;
	r = bus_list_call(bus, &call);
	if (r >= 0)
		r = bus_call(bus, call, &reply);
	return r < 0 ? r : bus_list_read(reply, list);
}
