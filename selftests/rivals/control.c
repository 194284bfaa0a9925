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
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <sound/control.h>
#include <sound/core.h>

#include "rivals.h"

static struct device *parent;	/* ALSA looks at the name of a card's parent */
static struct snd_card *card;
static struct snd_kcontrol *element;
static DEFINE_SPINLOCK(value_lock);	/* readers of the element see whole values */
static u64 value[RIVAL_SIZE / sizeof(u64)];

static int value_info(struct snd_kcontrol *control, struct snd_ctl_elem_info *info)
{
	info->type = SNDRV_CTL_ELEM_TYPE_BYTES;
	info->count = RIVAL_SIZE;
	return 0;
}

static int value_get(struct snd_kcontrol *control, struct snd_ctl_elem_value *to)
{
	unsigned long flags;

	spin_lock_irqsave(&value_lock, flags);
	memcpy(to->value.bytes.data, value, sizeof(value));
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

static void control_send(u64 number, u32 count)
{
	u64 payload[RIVAL_SIZE / sizeof(u64)] = {};
	unsigned long flags;

	for (; count; count--, number++) {
		payload[0] = number;
		spin_lock_irqsave(&value_lock, flags);
		memcpy(value, payload, sizeof(value));
		spin_unlock_irqrestore(&value_lock, flags);
		snd_ctl_notify(card, SNDRV_CTL_EVENT_MASK_VALUE, &element->id);
	}
}

static int make_card(void)
{
	int err = snd_card_new(parent, -1, RIVAL_CARD, THIS_MODULE, 0, &card);

	if (err)
		return err;
	strscpy(card->driver, "Rivals", sizeof(card->driver));
	strscpy(card->shortname, "Rivals", sizeof(card->shortname));
	strscpy(card->longname, "Rivals of ALSA audio modules", sizeof(card->longname));
	element = snd_ctl_new1(&value_element, NULL);
	err = snd_ctl_add(card, element);
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
	.send = control_send,
};
