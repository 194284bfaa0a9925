// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: the hwdep device
 *
 * DOC: The idea
 *
 * Each card with ports has one hwdep device, through which programs ask what there is and get
 * notification fds. It has no read() of its own: hwdep's does not know the open file, so it could
 * have neither a filter nor O_NONBLOCK. One handler serves native and 32-bit programs alike.
 */

#include <linux/compat.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <sound/hwdep.h>
#include <sound/minors.h>

#include "audio_module_local.h"

static_assert(sizeof(struct snd_audio_module_info) == 312);
static_assert(offsetof(struct snd_audio_module_info, counters) == 56);
static_assert(sizeof_field(struct snd_audio_module_info, counters) / 8 >=
	      SND_AUDIO_MODULE_COUNTERS);
static_assert(sizeof(struct snd_audio_module_list) == 32);
static_assert(sizeof(struct snd_audio_module_command) == 80);

/**
 * snd_audio_module_card_counters - sum up what became of the calls of a card's drivers
 * @card: the card
 * @counters: receives SND_AUDIO_MODULE_COUNTERS sums
 *
 * Context: Process context; the caller holds @card->lock.
 */
void snd_audio_module_card_counters(struct snd_audio_module_card *card, u64 *counters)
{
	struct snd_audio_module_port *port;
	int i;

	lockdep_assert_held(&card->lock);

	memcpy(counters, card->counters, sizeof(card->counters));
	list_for_each_entry(port, &card->ports, list)
		for (i = 0; i < SND_AUDIO_MODULE_COUNTERS; i++)
			counters[i] += atomic64_read(&port->counters[i]);
}

static int ioctl_info(struct snd_audio_module_card *card, void __user *argument)
{
	struct snd_audio_module_info info;
	struct snd_audio_module_state state;

	memset(&info, 0, sizeof(info));
	snd_audio_module_journal_look(card->journal, &state);
	info.abi_version = SND_AUDIO_MODULE_ABI_VERSION;
	info.card = card->number;
	info.features = SND_AUDIO_MODULE_FEATURE_INITIAL | SND_AUDIO_MODULE_FEATURE_COMMAND;
	if (SND_AUDIO_MODULE_CAN_MAP)
		info.features |= SND_AUDIO_MODULE_FEATURE_MAP;
	info.journal_id = card->journal->id;
	info.journal_size = card->journal->size;
	info.oldest_sequence = state.oldest;
	info.newest_sequence = state.newest;
	mutex_lock(&card->lock);
	info.generation = card->generation;
	snd_audio_module_card_counters(card, info.counters);
	mutex_unlock(&card->lock);
	return copy_to_user(argument, &info, sizeof(info)) ? -EFAULT : 0;
}

static void list_endpoint(const struct snd_audio_module_port *port,
			  struct snd_audio_module_endpoint_info *info)
{
	const struct snd_audio_module *module;

	export_guid(info->device_id, &port->device_id);
	strscpy(info->name, port->name, sizeof(info->name));
	info->index = port->index;
	info->playback_devices = port->playback_devices;
	info->capture_devices = port->capture_devices;
	info->element_numid = port->element->id.numid;
	list_for_each_entry(module, &port->modules, list)
		info->modules++;
}

static void list_module(const struct snd_audio_module *module,
			struct snd_audio_module_module_info *info)
{
	memcpy(info->class_id, module->origin.stamp.identity.class_id, sizeof(info->class_id));
	info->instance_id = module->origin.stamp.identity.instance_id;
	info->version_major = module->version_major;
	info->version_minor = module->version_minor;
	info->endpoint = module->port->index;
	info->index = module->index;
	if (module->origin.element != module->port->element)
		info->element_numid = module->origin.element->id.numid;
	info->pcm_device = module->pcm_device;
	info->pcm_subdevice = module->pcm_subdevice;
	memcpy(info->label, module->label, sizeof(info->label));
	memcpy(info->name, module->name, sizeof(info->name));
}

static void list_count(struct snd_audio_module_card *card, struct snd_audio_module_list *list)
{
	const struct snd_audio_module_port *port;
	const struct snd_audio_module *module;

	list->endpoints = 0;
	list->modules = 0;
	list_for_each_entry(port, &card->ports, list) {
		list->endpoints++;
		list_for_each_entry(module, &port->modules, list)
			list->modules++;
	}
	list->generation = card->generation;
}

/* The whole list at once, or NULL. @list has the numbers. */
static void *list_build(struct snd_audio_module_card *card,
			const struct snd_audio_module_list *list, size_t size)
{
	struct snd_audio_module_endpoint_info *endpoint;
	struct snd_audio_module_module_info *info;
	const struct snd_audio_module_port *port;
	const struct snd_audio_module *module;
	void *whole = kvzalloc(size, GFP_KERNEL_ACCOUNT);

	if (!whole)
		return NULL;

	endpoint = whole;
	info = (void *)(endpoint + list->endpoints);
	list_for_each_entry(port, &card->ports, list) {
		list_endpoint(port, endpoint++);
		list_for_each_entry(module, &port->modules, list)
			list_module(module, info++);
	}
	return whole;
}

/* KS-2: 0 bytes asks for the size; too few bytes get nothing. */
static int list_answer(struct snd_audio_module_card *card, struct snd_audio_module_list *list,
		       void **whole)
{
	size_t size;

	lockdep_assert_held(&card->lock);

	list_count(card, list);
	size = list->endpoints * sizeof(struct snd_audio_module_endpoint_info) +
	       list->modules * sizeof(struct snd_audio_module_module_info);
	if (list->size && list->size < size) {
		list->size = 0;
		return -ENOBUFS;
	}
	if (!list->size && size) {
		list->size = size;
		return -EOVERFLOW;
	}

	list->size = size;
	*whole = list_build(card, list, size);
	return *whole ? 0 : -ENOMEM;
}

static int ioctl_list(struct snd_audio_module_card *card, void __user *argument)
{
	struct snd_audio_module_list list;
	void *whole = NULL;
	int err;

	if (copy_from_user(&list, argument, sizeof(list)))
		return -EFAULT;
	if (list.reserved)
		return -EINVAL;

	mutex_lock(&card->lock);
	err = list_answer(card, &list, &whole);
	mutex_unlock(&card->lock);

	if (whole && copy_to_user(u64_to_user_ptr(list.buffer), whole, list.size))
		err = -EFAULT;
	kvfree(whole);
	if (err != -ENOMEM && copy_to_user(argument, &list, sizeof(list)))
		return -EFAULT;
	return err;
}

static int hwdep_ioctl(struct snd_hwdep *hwdep, struct file *file, unsigned int command,
		       unsigned long argument)
{
	struct snd_audio_module_card *card = hwdep->private_data;
	void __user *user = (void __user *)argument;

	/* An ioctl that began before the disconnect. */
	if (hwdep->card->shutdown)
		return -ENODEV;

	switch (command) {
	case SND_AUDIO_MODULE_IOCTL_INFO:
		return ioctl_info(card, user);
	case SND_AUDIO_MODULE_IOCTL_LIST:
		return ioctl_list(card, user);
	case SND_AUDIO_MODULE_IOCTL_COMMAND:
		return snd_audio_module_command(card, file->f_mode & FMODE_WRITE, user);
	case SND_AUDIO_MODULE_IOCTL_SUBSCRIBE:
		return snd_audio_module_subscribe(card, user);
	default:
		return -ENOTTY;
	}
}

#ifdef CONFIG_COMPAT
static int hwdep_ioctl_compat(struct snd_hwdep *hwdep, struct file *file, unsigned int command,
			      unsigned long argument)
{
	return hwdep_ioctl(hwdep, file, command, (unsigned long)compat_ptr(argument));
}
#endif

static bool number_taken(struct snd_card *card, int number)
{
	struct snd_device *device;

	list_for_each_entry(device, &card->devices, list)
		if (device->type == SNDRV_DEV_HWDEP &&
		    ((struct snd_hwdep *)device->device_data)->device == number)
			return true;
	return false;
}

/*
 * Sound drivers number their hwdep devices from 0, or by the address of a codec, and two of one
 * number cannot be registered: the last one that is free; -1: none is.
 */
static int free_number(struct snd_card *card)
{
	int number = SNDRV_MINOR_HWDEPS - 1;

	while (number >= 0 && number_taken(card, number))
		number--;
	return number;
}

/**
 * snd_audio_module_hwdep_new - give a card its hwdep device, when it has none
 * @card: the card, which is being registered: the driver's devices are there; the sound card owns
 *	the new one
 *
 * A card has none when no port could be made for it. Where the driver took all numbers there is
 * none either, and a warning: sound without notifications is better than no sound.
 *
 * Context: Process context, may sleep.
 *
 * Return: 0; -ENOMEM; what ALSA says.
 */
int snd_audio_module_hwdep_new(struct snd_audio_module_card *card)
{
	int number = free_number(card->card);
	struct snd_hwdep *hwdep;
	int err;

	/* Every port has an element, which stays when the port goes. */
	if (card->hwdep || list_empty(&card->elements))
		return 0;
	if (number < 0) {
		pr_warn("%s: each number of a hwdep device is taken: programs get no notifications\n",
			card->name);
		return 0;
	}
	err = snd_hwdep_new(card->card, SND_AUDIO_MODULE_HWDEP_ID, number, &hwdep);
	if (err)
		return err;
	strscpy(hwdep->name, "Audio module notifications", sizeof(hwdep->name));
	hwdep->private_data = card;
	hwdep->ops.ioctl = hwdep_ioctl;
#ifdef CONFIG_COMPAT
	hwdep->ops.ioctl_compat = hwdep_ioctl_compat;
#endif
	card->hwdep = hwdep;
	return 0;
}
