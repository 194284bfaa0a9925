// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual sound card: modules of streams
 *
 * DOC: The idea
 *
 * An endpoint's modules are templates. A program that opens a PCM substream gets modules of its
 * own, one for each template whose processing mode is the stream's or that is for all modes
 * (KS-4). They begin with the values that the templates have at that moment, are independent
 * afterwards, and end with the stream (8.5). They have no elements.
 *
 * On Windows a stream's mode is chosen when its pin is created. Here an element of the endpoint
 * chooses it for the streams that are opened from now on.
 *
 * The upper 8 bits of an InstanceId are the template's, the lower 24 tell its instances apart
 * (MOD-7): 0 is the template itself, the others are given to streams and taken back from them.
 */

#include <linux/slab.h>

#include "virtual.h"

#define INSTANCE_MAX	0xffffff

/* ------------------------------------------------------------------ the endpoint's mode */

static const char * const mode_names[VIRTUAL_MODES] = {
	[VIRTUAL_MODE_DEFAULT]		= "Default",
	[VIRTUAL_MODE_RAW]		= "Raw",
	[VIRTUAL_MODE_COMMUNICATIONS]	= "Communications",
	[VIRTUAL_MODE_SPEECH]		= "Speech",
	[VIRTUAL_MODE_NOTIFICATION]	= "Notification",
	[VIRTUAL_MODE_MEDIA]		= "Media",
	[VIRTUAL_MODE_MOVIE]		= "Movie",
};

static int mode_info(struct snd_kcontrol *control, struct snd_ctl_elem_info *info)
{
	return snd_ctl_enum_info(info, 1, VIRTUAL_MODES, mode_names);
}

static int mode_get(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	const struct virtual_endpoint *endpoint = control->private_data;

	value->value.enumerated.item[0] = READ_ONCE(endpoint->mode);
	return 0;
}

static int mode_put(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	struct virtual_endpoint *endpoint = control->private_data;
	unsigned int mode = value->value.enumerated.item[0];

	if (mode >= VIRTUAL_MODES)
		return -EINVAL;
	if (mode == endpoint->mode)
		return 0;
	WRITE_ONCE(endpoint->mode, mode);
	return 1;
}

static const struct snd_kcontrol_new mode_template = {
	.iface = SNDRV_CTL_ELEM_IFACE_MIXER,
	.access = SNDRV_CTL_ELEM_ACCESS_READWRITE,
	.info = mode_info,
	.get = mode_get,
	.put = mode_put,
};

/**
 * virtual_mode_new - give an endpoint the element that chooses its streams' mode
 * @endpoint: the endpoint
 *
 * Return: 0 or what virtual_control_new() says.
 */
int virtual_mode_new(struct virtual_endpoint *endpoint)
{
	struct snd_kcontrol_new template = mode_template;
	char name[SNDRV_CTL_ELEM_ID_NAME_MAXLEN];

	snprintf(name, sizeof(name), "%s Processing Mode", endpoint->name);
	template.name = name;
	return virtual_control_new(endpoint, &template, endpoint, NULL);
}

/* ------------------------------------------------------------------ instances */

static void instance_free(struct virtual_module *instance)
{
	const u32 number = instance->descriptor.instance_id & INSTANCE_MAX;

	/* No command runs and no notification names it when its number becomes another's. */
	snd_audio_module_unregister(instance->module);
	ida_free(&instance->template->instances, number);
	mutex_destroy(&instance->lock);
	kfree(instance);
}

/* What the template is now. */
static void instance_copy(struct virtual_module *instance, struct virtual_module *template)
{
	instance->endpoint = template->endpoint;
	instance->descriptor = template->descriptor;
	instance->parameters = template->parameters;
	instance->template = template;
	mutex_init(&instance->lock);

	mutex_lock(&template->lock);
	memcpy(instance->values, template->values, sizeof(instance->values));
	mutex_unlock(&template->lock);
}

static int instance_register(struct virtual_module *instance,
			     const struct snd_pcm_substream *substream)
{
	return snd_audio_module_register_stream(instance->endpoint->port, substream,
						&instance->descriptor, &virtual_module_ops,
						instance, &instance->module);
}

static struct virtual_module *instance_new(struct virtual_module *template,
					   const struct snd_pcm_substream *substream)
{
	struct virtual_module *instance = kzalloc_obj(*instance, GFP_KERNEL);
	int number, err;

	if (!instance)
		return ERR_PTR(-ENOMEM);
	number = ida_alloc_range(&template->instances, 1, INSTANCE_MAX, GFP_KERNEL);
	if (number < 0) {
		kfree(instance);
		return ERR_PTR(number);
	}

	instance_copy(instance, template);
	instance->descriptor.instance_id |= number;
	err = instance_register(instance, substream);
	if (err) {
		instance_free(instance);
		return ERR_PTR(err);
	}
	return instance;
}

/**
 * virtual_stream_modules_new - give a stream that is being opened its modules
 * @endpoint: whose stream
 * @substream: the stream
 * @modules: receives VIRTUAL_MODULES modules, NULL where the mode is another one
 *
 * Return: 0, or what failed: then there is none.
 */
int virtual_stream_modules_new(struct virtual_endpoint *endpoint,
			       const struct snd_pcm_substream *substream,
			       struct virtual_module **modules)
{
	const unsigned int mode = READ_ONCE(endpoint->mode);
	unsigned int i;
	int err;

	for (i = 0; i < VIRTUAL_MODULES; i++) {
		struct virtual_module *template = &endpoint->modules[i];

		if (template->mode != mode && template->mode != VIRTUAL_MODE_ALL)
			continue;
		modules[i] = instance_new(template, substream);
		if (IS_ERR(modules[i])) {
			err = PTR_ERR(modules[i]);
			modules[i] = NULL;
			virtual_stream_modules_free(modules);
			return err;
		}
	}
	return 0;
}

/**
 * virtual_stream_modules_free - take a stream's modules back
 * @modules: what virtual_stream_modules_new() made
 */
void virtual_stream_modules_free(struct virtual_module **modules)
{
	unsigned int i;

	for (i = 0; i < VIRTUAL_MODULES; i++) {
		if (modules[i])
			instance_free(modules[i]);
		modules[i] = NULL;
	}
}
