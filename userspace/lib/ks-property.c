// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: the input of properties. KSPROPERTY is a set (GUID), an id and flags; the input of COMMAND
 * goes on with the module and, behind four bytes of padding that a C compiler puts there, with
 * the vendor's bytes: they start at 48, not at 44.
 */
#include "ks.h"

#define ID_OFFSET	16
#define FLAGS_OFFSET	20
#define CLASS_OFFSET	24
#define INSTANCE_OFFSET	40
#define PADDING_OFFSET	44

const struct audiomodule_guid audiomodule_ks_property_set = { {
	0xb0, 0xfd, 0x34, 0xc0, 0x75, 0xff, 0xc8, 0x47,
	0xaa, 0x3c, 0xee, 0x46, 0x71, 0x6b, 0x50, 0xc6
} };

static int check_id(uint32_t id)
{
	return id >= AUDIOMODULE_KS_DESCRIPTORS && id <= AUDIOMODULE_KS_NOTIFICATION_DEVICE_ID ?
	       0 : -ENOENT;
}

static int check_flags(uint32_t flags)
{
	return flags == AUDIOMODULE_KS_GET || flags == AUDIOMODULE_KS_BASIC_SUPPORT ?
	       0 : -EOPNOTSUPP;
}

static int check_property(const struct audiomodule_ks_property *property)
{
	int r = check_id(property->id);

	return r < 0 ? r : check_flags(property->flags);
}

static void put_property(uint8_t *to, uint32_t id, uint32_t flags)
{
	ks_put_guid(to, &audiomodule_ks_property_set);
	ks_put32(to + ID_OFFSET, id);
	ks_put32(to + FLAGS_OFFSET, flags);
}

int audiomodule_ks_property_encode(const struct audiomodule_ks_property *property, void *to,
				   size_t *size)
{
	int r = check_property(property);

	if (r < 0)
		return ks_refuse(size, r);
	r = ks_make_room(AUDIOMODULE_KS_PROPERTY_SIZE, size);
	if (r < 0)
		return r;
	put_property(to, property->id, property->flags);
	return 0;
}

int audiomodule_ks_property_decode(const void *from, size_t size,
				   struct audiomodule_ks_property *property)
{
	struct audiomodule_guid set;
	const uint8_t *bytes = from;
	uint32_t id;
	int r;

	if (size < AUDIOMODULE_KS_PROPERTY_SIZE)
		return -EINVAL;
	set = ks_get_guid(bytes);
	if (!audiomodule_guid_equal(&set, &audiomodule_ks_property_set))
		return -ENOTTY;
	id = ks_get32(bytes + ID_OFFSET);
	r = check_id(id);
	if (r < 0)
		return r;
	property->id = id;
	property->flags = ks_get32(bytes + FLAGS_OFFSET);
	return check_flags(property->flags);
}

int audiomodule_ks_command_encode(const struct audiomodule_ks_command *command, void *to,
				  size_t *size)
{
	uint8_t *bytes = to;
	int r = check_flags(command->flags);

	if (command->arguments_size > AUDIOMODULE_KS_MAX_DATA_SIZE)
		r = -EINVAL;
	if (r < 0)
		return ks_refuse(size, r);
	r = ks_make_room(AUDIOMODULE_KS_COMMAND_SIZE + command->arguments_size, size);
	if (r < 0)
		return r;
	put_property(bytes, AUDIOMODULE_KS_COMMAND, command->flags);
	ks_put_guid(bytes + CLASS_OFFSET, &command->class_id);
	ks_put32(bytes + INSTANCE_OFFSET, command->instance_id);
	ks_put32(bytes + PADDING_OFFSET, 0);
	ks_put_bytes(bytes + AUDIOMODULE_KS_COMMAND_SIZE, command->arguments,
		     command->arguments_size);
	return 0;
}

int audiomodule_ks_command_decode(const void *from, size_t size,
				  struct audiomodule_ks_command *command)
{
	struct audiomodule_ks_property property;
	const uint8_t *bytes = from;
	int r = audiomodule_ks_property_decode(from, size, &property);

	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	if (property.id != AUDIOMODULE_KS_COMMAND)
		return -ENOENT;
	if (size < AUDIOMODULE_KS_COMMAND_SIZE ||
	    size - AUDIOMODULE_KS_COMMAND_SIZE > AUDIOMODULE_KS_MAX_DATA_SIZE)
		return -EINVAL;
	size -= AUDIOMODULE_KS_COMMAND_SIZE;
	*command = (struct audiomodule_ks_command) {
		.flags = property.flags,
		.class_id = ks_get_guid(bytes + CLASS_OFFSET),
		.instance_id = ks_get32(bytes + INSTANCE_OFFSET),
		.arguments = size > 0 ? bytes + AUDIOMODULE_KS_COMMAND_SIZE : NULL,
		.arguments_size = size,
	};
	return r;
}
