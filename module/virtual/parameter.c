// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual sound card: modules 0, 1 and 2 and their parameters
 *
 * DOC: The idea
 *
 * SYSVAD's three modules with their classes, versions and parameters. Each parameter is a control
 * element, so that amixer sets it and alsactl stores and restores it. A change of a value, and
 * nothing else, makes a notification, by PortCls' three calls as in a ported driver. When there
 * is no memory for it the value is changed all the same (8.4).
 *
 * Parameters start at their first valid value, so that every value that an element shows can be
 * restored. Those with a short list of valid values are ENUMERATED; the 32-bit one, which may
 * have any value but 0xffffffff, is four BYTES in the machine's order, since alsactl cannot
 * restore large INTEGERs; those that nobody can set are INTEGER64.
 */

#include <linux/slab.h>

#include "virtual.h"

#define VALUES(identifier, ...) \
	static const u64 identifier[] = { __VA_ARGS__ }

VALUES(values_1_2_5, 1, 2, 5);
VALUES(values_0_1_2, 0, 1, 2);
VALUES(values_1_max, 1, 0xfffffffe);

static const char * const texts_1_2_5[] = { "1", "2", "5" };
static const char * const texts_0_1_2[] = { "0", "1", "2" };
static const char * const texts_1_max[] = { "1", "4294967294" };

static const struct virtual_parameter_type module0_parameters[] = {
	{ .name = "Parameter1", .type = VIRTUAL_TYPE_U32, .size = 4,
	  .values = values_1_2_5, .texts = texts_1_2_5, .count = 3 },
	{ .name = "Parameter2", .type = VIRTUAL_TYPE_U8, .size = 1, .maximum = U8_MAX },
	{ }
};

static const struct virtual_parameter_type module1_parameters[] = {
	{ .name = "Parameter1", .type = VIRTUAL_TYPE_U8, .size = 1,
	  .values = values_0_1_2, .texts = texts_0_1_2, .count = 3 },
	{ .name = "Parameter2", .type = VIRTUAL_TYPE_U64, .size = 8, .maximum = S64_MAX },
	{ .name = "Parameter3", .type = VIRTUAL_TYPE_U32, .size = 4 },
	{ }
};

static const struct virtual_parameter_type module2_parameters[] = {
	{ .name = "Parameter1", .type = VIRTUAL_TYPE_U32, .size = 4,
	  .values = values_1_max, .texts = texts_1_max, .count = 2 },
	{ .name = "Parameter2", .type = VIRTUAL_TYPE_U16, .size = 2, .maximum = U16_MAX },
	{ }
};

#define MODULE0_CLASS GUID_INIT(0xe24c8b6f, 0xede7, 0x4255, \
				0x8b, 0x39, 0x77, 0x97, 0x60, 0x15, 0xd5, 0x93)
#define MODULE1_CLASS GUID_INIT(0x5ce55c8e, 0x84df, 0x4317, \
				0x98, 0xc7, 0x79, 0x2d, 0xe8, 0x33, 0x66, 0xcc)
#define MODULE2_CLASS GUID_INIT(0xcc2a9527, 0x19d9, 0x4784, \
				0x8d, 0xd4, 0x6c, 0x1f, 0xe0, 0x1e, 0x37, 0x26)

#define DESCRIPTOR(class, instance, major, minor, short_name, long_name) .descriptor = { \
	.class_id = class, \
	.instance_id = instance, \
	.version_major = major, \
	.version_minor = minor, \
	.label = short_name, \
	.name = long_name, \
	.notification_size = sizeof(struct snd_audio_module_virtual_parameter), \
}

/* In SYSVAD's order (8.1). */
static const struct {
	struct snd_audio_module_descriptor descriptor;
	const struct virtual_parameter_type *parameters;
	enum virtual_mode mode;
} module_types[VIRTUAL_ENDPOINTS][VIRTUAL_MODULES] = {
	{
		{ DESCRIPTOR(MODULE0_CLASS, 0, 1, 0, "System", "Generic system module"),
		  .parameters = module0_parameters, .mode = VIRTUAL_MODE_ALL },
		{ DESCRIPTOR(MODULE1_CLASS, 0, 2, 1, "EQ Movie",
			     "Speaker endpoint, EQ effect module, Movie mode"),
		  .parameters = module1_parameters, .mode = VIRTUAL_MODE_MOVIE },
		{ DESCRIPTOR(MODULE1_CLASS, 0x01000000, 2, 1, "EQ Default",
			     "Speaker endpoint, EQ effect module, Default mode"),
		  .parameters = module1_parameters, .mode = VIRTUAL_MODE_DEFAULT },
	}, {
		{ DESCRIPTOR(MODULE0_CLASS, 0, 1, 0, "System", "Generic system module"),
		  .parameters = module0_parameters, .mode = VIRTUAL_MODE_ALL },
		{ DESCRIPTOR(MODULE1_CLASS, 0, 2, 1, "EQ Movie",
			     "Speaker HP endpoint, EQ effect module, Movie mode"),
		  .parameters = module1_parameters, .mode = VIRTUAL_MODE_MOVIE },
		{ DESCRIPTOR(MODULE2_CLASS, 0, 2, 0, "Echo Default",
			     "Speaker HP endpoint, Echo Cancellation effect module, Default mode"),
		  .parameters = module2_parameters, .mode = VIRTUAL_MODE_DEFAULT },
	},
};

/* ------------------------------------------------------------------ values */

/**
 * virtual_parameter_count - how many parameters a module has
 * @module: the module
 *
 * Return: their number.
 */
u32 virtual_parameter_count(const struct virtual_module *module)
{
	u32 count = 0;

	while (module->parameters[count].name)
		count++;
	return count;
}

/**
 * virtual_parameter_access - the verbs that a parameter knows
 * @type: its type
 *
 * Return: SND_AUDIO_MODULE_VERB_*, or'ed.
 */
u32 virtual_parameter_access(const struct virtual_parameter_type *type)
{
	u32 access = SND_AUDIO_MODULE_VERB_GET | SND_AUDIO_MODULE_VERB_BASIC_SUPPORT;

	return type->maximum ? access : access | SND_AUDIO_MODULE_VERB_SET;
}

/* In the list of valid values; without a list any 32-bit value but all ones (8.3, 6). */
static bool value_valid(const struct virtual_parameter_type *type, u64 value)
{
	unsigned int i;

	for (i = 0; i < type->count; i++)
		if (type->values[i] == value)
			return true;
	return !type->count && value < U32_MAX;
}

/**
 * virtual_parameter_set - set a parameter that can be set
 * @module: whose
 * @parameter: its number
 * @value: its value from now on
 *
 * Return: 1: it is another one than before, and was told; 0: it is the same; -EINVAL: not valid.
 */
int virtual_parameter_set(struct virtual_module *module, u32 parameter, u64 value)
{
	const struct snd_audio_module_virtual_parameter change = { .parameter = parameter };
	int changed;

	if (!value_valid(&module->parameters[parameter], value))
		return -EINVAL;

	mutex_lock(&module->lock);
	changed = module->values[parameter] != value;
	if (changed) {
		module->values[parameter] = value;
		/* 48 bytes in all, without the new value (8.4). */
		virtual_notify(module->endpoint, &module->descriptor,
			       READ_ONCE(module->endpoint->card->pool_type), &change,
			       sizeof(change));
	}
	mutex_unlock(&module->lock);
	return changed;
}

/**
 * virtual_parameter_get - the value of a parameter
 * @module: whose
 * @parameter: its number
 *
 * Return: its value.
 */
u64 virtual_parameter_get(struct virtual_module *module, u32 parameter)
{
	u64 value;

	mutex_lock(&module->lock);
	value = module->values[parameter];
	mutex_unlock(&module->lock);
	return value;
}

/* ------------------------------------------------------------------ elements */

static const struct virtual_parameter_type *control_type(const struct snd_kcontrol *control)
{
	const struct virtual_module *module = control->private_data;

	return &module->parameters[control->private_value];
}

static int list_info(struct snd_kcontrol *control, struct snd_ctl_elem_info *info)
{
	const struct virtual_parameter_type *type = control_type(control);

	return snd_ctl_enum_info(info, 1, type->count, type->texts);
}

static int list_get(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	const struct virtual_parameter_type *type = control_type(control);
	u64 current_value = virtual_parameter_get(control->private_data, control->private_value);
	unsigned int i = 0;

	while (i + 1 < type->count && type->values[i] != current_value)
		i++;
	value->value.enumerated.item[0] = i;
	return 0;
}

static int list_put(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	const struct virtual_parameter_type *type = control_type(control);
	unsigned int item = value->value.enumerated.item[0];

	if (item >= type->count)
		return -EINVAL;
	return virtual_parameter_set(control->private_data, control->private_value,
				     type->values[item]);
}

static int bytes_info(struct snd_kcontrol *control, struct snd_ctl_elem_info *info)
{
	info->type = SNDRV_CTL_ELEM_TYPE_BYTES;
	info->count = sizeof(u32);
	return 0;
}

static int bytes_get(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	u32 number = virtual_parameter_get(control->private_data, control->private_value);

	memcpy(value->value.bytes.data, &number, sizeof(number));
	return 0;
}

static int bytes_put(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	u32 number;

	memcpy(&number, value->value.bytes.data, sizeof(number));
	return virtual_parameter_set(control->private_data, control->private_value, number);
}

static int constant_info(struct snd_kcontrol *control, struct snd_ctl_elem_info *info)
{
	info->type = SNDRV_CTL_ELEM_TYPE_INTEGER64;
	info->count = 1;
	info->value.integer64.min = 0;
	info->value.integer64.step = 0;
	info->value.integer64.max = control_type(control)->maximum;
	return 0;
}

static int constant_get(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	value->value.integer64.value[0] =
		virtual_parameter_get(control->private_data, control->private_value);
	return 0;
}

static const struct snd_kcontrol_new list_template = {
	.iface = SNDRV_CTL_ELEM_IFACE_MIXER,
	.access = SNDRV_CTL_ELEM_ACCESS_READWRITE,
	.info = list_info,
	.get = list_get,
	.put = list_put,
};

static const struct snd_kcontrol_new bytes_template = {
	.iface = SNDRV_CTL_ELEM_IFACE_MIXER,
	.access = SNDRV_CTL_ELEM_ACCESS_READWRITE,
	.info = bytes_info,
	.get = bytes_get,
	.put = bytes_put,
};

static const struct snd_kcontrol_new constant_template = {
	.iface = SNDRV_CTL_ELEM_IFACE_MIXER,
	.access = SNDRV_CTL_ELEM_ACCESS_READ,
	.info = constant_info,
	.get = constant_get,
};

/**
 * virtual_control_new - add a control element to the card
 * @endpoint: whose card
 * @template: the element
 * @chip: what its callbacks get
 * @id: receives its id, may be NULL
 *
 * Return: 0; -ENOMEM; what snd_ctl_add() says, which calls a missing control an invalid one.
 */
int virtual_control_new(const struct virtual_endpoint *endpoint,
			const struct snd_kcontrol_new *template, void *chip,
			struct snd_ctl_elem_id *id)
{
	struct snd_kcontrol *control = snd_ctl_new1(template, chip);
	int err;

	if (!control)
		return -ENOMEM;
	err = snd_ctl_add(endpoint->card->card, control);
	if (!err && id)
		*id = control->id;
	return err;
}

static int element_new(struct virtual_module *module, u32 parameter)
{
	const struct virtual_parameter_type *type = &module->parameters[parameter];
	char name[SNDRV_CTL_ELEM_ID_NAME_MAXLEN];
	struct snd_kcontrol_new template;

	if (type->count)
		template = list_template;
	else
		template = type->maximum ? constant_template : bytes_template;
	if (type->count)
		module->values[parameter] = type->values[0];

	snprintf(name, sizeof(name), "%s %s %s", module->endpoint->name,
		 module->descriptor.label, type->name);
	template.name = name;
	template.private_value = parameter;
	return virtual_control_new(module->endpoint, &template, module,
				   &module->element_ids[parameter]);
}

/* ------------------------------------------------------------------ modules */

static int module_new(struct virtual_endpoint *endpoint, unsigned int number)
{
	struct virtual_module *module = &endpoint->modules[number];
	u32 parameter;
	int err;

	module->endpoint = endpoint;
	module->descriptor = module_types[endpoint->index][number].descriptor;
	module->parameters = module_types[endpoint->index][number].parameters;
	module->mode = module_types[endpoint->index][number].mode;
	mutex_init(&module->lock);
	ida_init(&module->instances);

	err = snd_audio_module_register(endpoint->port, &module->descriptor, &virtual_module_ops,
					module, &module->module);
	for (parameter = 0; !err && module->parameters[parameter].name; parameter++)
		err = element_new(module, parameter);
	return err;
}

/**
 * virtual_modules_new - give an endpoint its modules and their elements
 * @endpoint: the endpoint
 *
 * Return: 0 or what failed; virtual_modules_free() takes back what was made.
 */
int virtual_modules_new(struct virtual_endpoint *endpoint)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < VIRTUAL_MODULES; i++)
		err = module_new(endpoint, i);
	return err;
}

/**
 * virtual_modules_free - take an endpoint's modules back
 * @endpoint: the endpoint, whose sound card's elements are freed
 */
void virtual_modules_free(struct virtual_endpoint *endpoint)
{
	unsigned int i;

	for (i = 0; i < VIRTUAL_MODULES; i++) {
		struct virtual_module *module = &endpoint->modules[i];

		if (!module->endpoint)
			continue;
		snd_audio_module_unregister(module->module);
		ida_destroy(&module->instances);
		mutex_destroy(&module->lock);
	}
}
