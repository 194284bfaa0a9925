// SPDX-License-Identifier: GPL-2.0
/*
 * Rivals of ALSA audio modules: an event of a control element
 *
 * DOC: The idea
 *
 * The driver puts the value where the element's readers find it, and tells that it changed. The
 * event does not carry the value: who is told asks for it, by ELEM_READ. ALSA merges an event into
 * one of the same element that was not read yet, and the element keeps the newest value only.
 */

#include <linux/device.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <sound/control.h>
#include <sound/core.h>

#include "rivals.h"

static struct device *parent;	/* ALSA looks at the name of a card's parent */
static struct snd_card *card;
static struct snd_kcontrol *elements[RIVAL_ELEMENTS];
static DEFINE_SPINLOCK(value_lock);	/* readers of the elements see whole values */
static u64 values[RIVAL_ELEMENTS][RIVAL_SIZE_CONTROL / sizeof(u64)];

/* An element for each size that is a power of two. */
static u32 element_size(unsigned int index)
{
	return RIVAL_SIZE_LEAST << index;
}

static int value_info(struct snd_kcontrol *control, struct snd_ctl_elem_info *info)
{
	info->type = SNDRV_CTL_ELEM_TYPE_BYTES;
	info->count = element_size(control->private_value);
	return 0;
}

static int value_get(struct snd_kcontrol *control, struct snd_ctl_elem_value *to)
{
	unsigned int index = control->private_value;
	unsigned long flags;

	spin_lock_irqsave(&value_lock, flags);
	memcpy(to->value.bytes.data, values[index], element_size(index));
	spin_unlock_irqrestore(&value_lock, flags);
	return 0;
}

static const struct snd_kcontrol_new value_element = {
	.iface = SNDRV_CTL_ELEM_IFACE_CARD,
	.name = RIVAL_ELEMENT,
	.access = SNDRV_CTL_ELEM_ACCESS_READ | SNDRV_CTL_ELEM_ACCESS_VOLATILE,
	.info = value_info,
	.get = value_get,
};

static void control_send(u64 *payload, u32 size, u64 number, u32 count)
{
	unsigned int index = ilog2(size / RIVAL_SIZE_LEAST);
	unsigned long flags;

	for (; count; count--, number++) {
		payload[0] = number;
		spin_lock_irqsave(&value_lock, flags);
		memcpy(values[index], payload, size);
		spin_unlock_irqrestore(&value_lock, flags);
		snd_ctl_notify(card, SNDRV_CTL_EVENT_MASK_VALUE, &elements[index]->id);
	}
}

static int make_elements(void)
{
	unsigned int index;
	int err;

	for (index = 0; index < RIVAL_ELEMENTS; index++) {
		struct snd_kcontrol_new new = value_element;

		new.index = index;
		new.private_value = index;
		elements[index] = snd_ctl_new1(&new, NULL);
		err = snd_ctl_add(card, elements[index]);
		if (err)
			return err;
	}
	return 0;
}

static int make_card(void)
{
	int err = snd_card_new(parent, -1, RIVAL_CARD, THIS_MODULE, 0, &card);

	if (err)
		return err;
	strscpy(card->driver, "Rivals", sizeof(card->driver));
	strscpy(card->shortname, "Rivals", sizeof(card->shortname));
	strscpy(card->longname, "Rivals of ALSA audio modules", sizeof(card->longname));
	err = make_elements();
	if (!err)
		err = snd_card_register(card);
	if (err)
		snd_card_free(card);
	return err;
}

static int control_init(void)
{
	int err;

	parent = root_device_register(RIVALS_FOLDER);
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	err = make_card();
	if (err)
		root_device_unregister(parent);
	return err;
}

static void control_exit(void)
{
	snd_card_free(card);
	root_device_unregister(parent);
}

const struct rival rival_control = {
	.name = "control",
	.init = control_init,
	.exit = control_exit,
	.most = RIVAL_SIZE_CONTROL,
	.send = control_send,
};
