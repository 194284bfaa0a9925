// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: org.audiomodule1.Module: what a module is, and commands to it. Its properties never change:
 * a module of which one changed is another object.
 */
#include <stddef.h>

#include "card.h"
#include "command.h"

static int get_class_id(sd_bus *bus, const char *path, const char *interface,
			const char *property, sd_bus_message *reply, void *context,
			sd_bus_error *error)
{
	const struct module *module = context;
	char text[AUDIOMODULE_GUID_TEXT_SIZE];

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	audiomodule_guid_format(&module->info.class_id, text);
	return sd_bus_message_append(reply, "s", text);
}

/* For members that are arrays of characters: context is the array (see the offsets below). */
static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
		    sd_bus_message *reply, void *context, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "s", (const char *)context);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("ClassId", "s", get_class_id, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("InstanceId", "u", NULL, offsetof(struct module, info.instance_id),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Index", "u", NULL, offsetof(struct module, info.index),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Label", "s", get_text, offsetof(struct module, info.label),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("DisplayName", "s", get_text, offsetof(struct module, info.name),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("MajorVersion", "u", NULL, offsetof(struct module, info.version_major),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("MinorVersion", "u", NULL, offsetof(struct module, info.version_minor),
			SD_BUS_VTABLE_PROPERTY_CONST),
	/* -1, or the open PCM substream that has this module */
	SD_BUS_PROPERTY("PcmDevice", "i", NULL, offsetof(struct module, info.pcm_device),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("PcmSubdevice", "i", NULL, offsetof(struct module, info.pcm_subdevice),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_METHOD_WITH_ARGS("SendCommand", SD_BUS_ARGS("ay", command, "a{sv}", options),
				SD_BUS_RESULT("u", status, "s", error, "ay", result), command_send,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

int module_register(struct module *module)
{
	sd_bus *bus = module->endpoint->card->manager->bus;
	int r = sd_bus_add_object_vtable(bus, &module->slot, module->path, BUS_MODULE, vtable,
					 module);

	return r < 0 ? r : sd_bus_emit_object_added(bus, module->path);
}
