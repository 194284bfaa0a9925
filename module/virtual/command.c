// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual sound card: commands of modules 0, 1 and 2
 *
 * DOC: The idea
 *
 * SYSVAD's protocol, the same for its three modules (8.2, 8.3): a verb of Windows' properties, the
 * number of a parameter, and for SET its new value. The answers, their sizes and the order of the
 * checks are SYSVAD's; where it leaves a size in an error, there is none here (8.6). Numbers are
 * little-endian on every machine.
 */

#include <linux/string.h>

#include "virtual.h"

/* In front of each command. */
#define COMMAND_SIZE	(2 * sizeof(u32))

/* KSPROPTYPESETID_General, 97E99BA0-BDEA-11CF-A5D6-28DB04C10000 */
static const guid_t general_types =
	GUID_INIT(0x97e99ba0, 0xbdea, 0x11cf, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00);

#define MEMBERS_VALUES	3	/* KSPROPERTY_MEMBER_VALUES */
#define MEMBERS_DEFAULT	1	/* KSPROPERTY_MEMBER_FLAG_DEFAULT */

/**
 * struct parameter_support - begin of the answer to BASICSUPPORT
 * @access: verbs of the parameter
 * @size: of the whole answer
 * @type_set: general_types
 * @type: VARTYPE
 * @type_flags: zero
 * @lists: one list of members
 * @reserved: zero
 *
 * Windows' KSPROPERTY_DESCRIPTION.
 */
struct parameter_support {
	__le32 access;
	__le32 size;
	u8 type_set[16];
	__le32 type;
	__le32 type_flags;
	__le32 lists;
	__le32 reserved;
};

/**
 * struct parameter_members - behind it; the valid values follow
 * @kind: MEMBERS_VALUES
 * @size: of a value
 * @count: of values
 * @flags: MEMBERS_DEFAULT
 *
 * Windows' KSPROPERTY_MEMBERSHEADER.
 */
struct parameter_members {
	__le32 kind;
	__le32 size;
	__le32 count;
	__le32 flags;
};

static_assert(sizeof(struct parameter_support) == 40);
static_assert(sizeof(struct parameter_members) == 16);

static void put_value(u8 *to, u64 value, size_t size)
{
	__le64 bytes = cpu_to_le64(value);

	memcpy(to, &bytes, size);
}

static u64 take_value(const u8 *from, size_t size)
{
	__le64 bytes = 0;

	memcpy(&bytes, from, size);
	return le64_to_cpu(bytes);
}

/* Everything that there is to say of a parameter, at @out, which has room for it. */
static void describe_parameter(const struct virtual_parameter_type *type, size_t size, u8 *out)
{
	struct parameter_support support = {
		.access = cpu_to_le32(virtual_parameter_access(type)),
		.size = cpu_to_le32(size),
		.type = cpu_to_le32(type->type),
		.lists = cpu_to_le32(1),
	};
	struct parameter_members members = {
		.kind = cpu_to_le32(MEMBERS_VALUES),
		.size = cpu_to_le32(type->size),
		.count = cpu_to_le32(type->count),
		.flags = cpu_to_le32(MEMBERS_DEFAULT),
	};
	unsigned int i;

	export_guid(support.type_set, &general_types);
	memcpy(out, &support, sizeof(support));
	out += sizeof(support);
	memcpy(out, &members, sizeof(members));
	out += sizeof(members);
	for (i = 0; i < type->count; i++)
		put_value(out + i * type->size, type->values[i], type->size);
}

/* As much of the description as has room: all, the first structure, the access alone (8.3, 4). */
static int command_support(const struct virtual_parameter_type *type, u8 *out, size_t *out_size)
{
	u8 whole[sizeof(struct parameter_support) + sizeof(struct parameter_members) +
		 VIRTUAL_VALUES * sizeof(u64)];
	size_t size = sizeof(struct parameter_support) + sizeof(struct parameter_members) +
		type->count * type->size;

	if (!*out_size) {
		*out_size = size;
		return -EOVERFLOW;
	}
	if (*out_size < sizeof(__le32))
		return -ENOBUFS;
	if (*out_size >= size)
		*out_size = size;
	else if (*out_size >= sizeof(struct parameter_support))
		*out_size = sizeof(struct parameter_support);
	else
		*out_size = sizeof(__le32);

	describe_parameter(type, size, whole);
	memcpy(out, whole, *out_size);
	return 0;
}

static int command_get(struct virtual_module *module, u32 parameter, u8 *out, size_t *out_size)
{
	size_t size = module->parameters[parameter].size;

	if (!*out_size) {
		*out_size = size;
		return -EOVERFLOW;
	}
	if (*out_size < size)
		return -ENOBUFS;
	put_value(out, virtual_parameter_get(module, parameter), size);
	*out_size = size;
	return 0;
}

static int command_set(struct virtual_module *module, u32 parameter, const u8 *value,
		       size_t value_size, size_t *out_size)
{
	const struct virtual_parameter_type *type = &module->parameters[parameter];
	int ret;

	*out_size = 0;
	if (!(virtual_parameter_access(type) & SND_AUDIO_MODULE_VERB_SET))
		return -EOPNOTSUPP;
	if (value_size < type->size)
		return -EINVAL;
	ret = virtual_parameter_set(module, parameter, take_value(value, type->size));
	/* ALSA tells of what it sets itself; modules of streams have no elements. */
	if (ret > 0 && !module->template)
		snd_ctl_notify(module->endpoint->card->card, SNDRV_CTL_EVENT_MASK_VALUE,
			       &module->element_ids[parameter]);
	return min(ret, 0);
}

static int module_command(struct snd_audio_module *module, const void *in, size_t in_size,
			  void *out, size_t *out_size)
{
	struct virtual_module *virtual = snd_audio_module_private(module);
	u32 verb, parameter;

	if (in_size < COMMAND_SIZE)
		return -EINVAL;
	verb = take_value(in, sizeof(u32));
	parameter = take_value(in + sizeof(u32), sizeof(u32));
	if (parameter >= virtual_parameter_count(virtual))
		return -EINVAL;

	/* BASICSUPPORT wins over GET, and GET over SET. */
	if (verb & SND_AUDIO_MODULE_VERB_BASIC_SUPPORT)
		return command_support(&virtual->parameters[parameter], out, out_size);
	if (verb & SND_AUDIO_MODULE_VERB_GET)
		return command_get(virtual, parameter, out, out_size);
	if (verb & SND_AUDIO_MODULE_VERB_SET)
		return command_set(virtual, parameter, in + COMMAND_SIZE, in_size - COMMAND_SIZE,
				   out_size);
	return -EOPNOTSUPP;
}

const struct snd_audio_module_ops virtual_module_ops = {
	.command = module_command,
};
