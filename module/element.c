// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: notification elements
 *
 * DOC: The idea
 *
 * Each module and each endpoint has one read-only control element that shows its newest record,
 * so that amixer, alsactl and every other ALSA program see that something happened, and what.
 * It is read where it lies in the journal, and kept when it is about to be overwritten there: a
 * flood from another module cannot push it out, and a sender copies nothing for it. Reading it any
 * number of times takes nothing away.
 *
 * The value is the record cut to the element's size. Its TLV is a container with a descriptor of
 * the module and, while the journal still has it, the whole record.
 *
 * All elements are made before the sound card is registered and stay until it is freed: programs
 * like alsactl fail on cards whose elements come and go. Their values and TLV can always be read.
 */

#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <sound/tlv.h>

#include "audio_module_local.h"

static_assert(sizeof(struct snd_audio_module_tlv_descriptor) == 88);
static_assert(IS_ALIGNED(offsetof(struct snd_audio_module_element, value), 8));

/* Words of a TLV: type and length, before the data. */
#define TLV_HEADER_SIZE		(2 * sizeof(u32))

static int element_info(struct snd_kcontrol *control, struct snd_ctl_elem_info *info)
{
	const struct snd_audio_module_element *element = snd_kcontrol_chip(control);

	info->type = SNDRV_CTL_ELEM_TYPE_BYTES;
	info->count = element->count;
	return 0;
}

/*
 * Where the newest record is, and its header: 0; -ENODATA: there was none; -ESTALE: it was
 * overwritten, and kept if it still was the newest then.
 */
static int element_newest(struct snd_audio_module_element *element, u64 *position,
			  struct snd_audio_module_record *header)
{
	u64 newest;
	int err;

	do {
		/* (show) pairs with write_show() */
		newest = atomic64_read_acquire(&element->newest);
		if (!newest)
			return -ENODATA;
		*position = newest - 1;
		err = snd_audio_module_journal_peek(element->card->journal, *position, header);
		/* Its writer cannot be preempted, and is quick. */
		if (err == -EAGAIN)
			cpu_relax();
	} while (err == -EAGAIN);
	return err;
}

/* Copy the newest record, cut to the element's size: 0, or what element_newest() says. */
static int element_copy_newest(struct snd_audio_module_element *element, u8 *value, u64 *position)
{
	struct snd_audio_module_record header;
	u32 size;
	int err;

	err = element_newest(element, position, &header);
	if (err)
		return err;

	size = min_t(u32, element->count, header.size);
	memcpy(value, &header, sizeof(header));
	memset(value + size, 0, element->count - size);
	return snd_audio_module_journal_copy(element->card->journal, *position, sizeof(header),
					     value + sizeof(header), size - sizeof(header));
}

/*
 * A record that is overwritten is kept when it is the newest then. One that is not the newest any
 * more was not kept: look again.
 */
static int element_get_newest(struct snd_audio_module_element *element, u8 *value)
{
	u64 position;
	int err;

	do {
		err = element_copy_newest(element, value, &position);
	} while (err == -ESTALE && atomic64_read(&element->newest) != position + 1);
	return err;
}

static int element_get(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	struct snd_audio_module_element *element = snd_kcontrol_chip(control);
	unsigned long flags;

	if (!element_get_newest(element, value->value.bytes.data))
		return 0;

	raw_spin_lock_irqsave(&element->lock, flags);
	memcpy(value->value.bytes.data, element->value, element->count);
	raw_spin_unlock_irqrestore(&element->lock, flags);
	return 0;
}

/* Write a TLV's header to @tlv; where its data begin. */
static u8 *tlv_begin(u8 *tlv, u32 type, u32 length)
{
	u32 header[2] = { type, length };

	memcpy(tlv, header, sizeof(header));
	return tlv + sizeof(header);
}

static size_t tlv_name_size(const struct snd_audio_module_element *element)
{
	return ALIGN(strlen(element->name) + 1, sizeof(u32));
}

/* Size of the container's part that is always there. */
static size_t tlv_fixed_size(const struct snd_audio_module_element *element)
{
	return 2 * TLV_HEADER_SIZE + sizeof(element->descriptor) + tlv_name_size(element);
}

/* Put the newest record behind what is at @tlv, when there is room; its size as a TLV. */
static size_t tlv_add_record(struct snd_audio_module_element *element, u8 *tlv, size_t room)
{
	struct snd_audio_module_record header;
	u64 position;

	/* The journal has it no more, or there is none. */
	if (element_newest(element, &position, &header))
		return 0;
	if (header.size > SND_AUDIO_MODULE_MAX_RECORD_SIZE || TLV_HEADER_SIZE + header.size > room)
		return 0;
	tlv = tlv_begin(tlv, SND_AUDIO_MODULE_TLV_RECORD, header.size);
	if (snd_audio_module_journal_copy(element->card->journal, position, 0, tlv, header.size))
		return 0;
	return TLV_HEADER_SIZE + header.size;
}

/* Build the container at @tlv, of at most @size bytes; its size. */
static size_t tlv_build(struct snd_audio_module_element *element, u8 *tlv, size_t size)
{
	size_t fixed = tlv_fixed_size(element);
	size_t name_size = tlv_name_size(element);
	size_t whole = fixed + tlv_add_record(element, tlv + fixed, size - fixed);
	u8 *to;

	to = tlv_begin(tlv, SNDRV_CTL_TLVT_CONTAINER, whole - TLV_HEADER_SIZE);
	to = tlv_begin(to, SND_AUDIO_MODULE_TLV_DESCRIPTOR,
		       sizeof(element->descriptor) + name_size);
	memcpy(to, &element->descriptor, sizeof(element->descriptor));
	memcpy(to + sizeof(element->descriptor), element->name, name_size);
	return whole;
}

/*
 * The buffer of generic programs holds leftovers: nothing is read from it. The caller may offer
 * any size; what is too small even for the descriptor is refused.
 */
static int element_tlv(struct snd_kcontrol *control, int operation, unsigned int size,
		       unsigned int __user *tlv)
{
	struct snd_audio_module_element *element = snd_kcontrol_chip(control);
	size_t fixed = tlv_fixed_size(element);
	size_t built;
	u8 *buffer;
	int err = 0;

	if (operation != SNDRV_CTL_TLV_OP_READ)
		return -ENXIO;
	if (size < fixed)
		return -ENOSPC;

	size = min_t(size_t, size, fixed + TLV_HEADER_SIZE + SND_AUDIO_MODULE_MAX_RECORD_SIZE);
	buffer = kvzalloc(size, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	built = tlv_build(element, buffer, size);
	if (copy_to_user(tlv, buffer, built))
		err = -EFAULT;
	kvfree(buffer);
	return err;
}

/* "<endpoint> <label> Notification"; -EINVAL when ALSA would cut it. */
static int element_name(char *name, size_t size, const char *endpoint, const char *label)
{
	int length = snprintf(name, size, "%s%s%s Notification", endpoint,
			      label ? " " : "", label ?: "");

	return length < size ? 0 : -EINVAL;
}

static int element_add_control(struct snd_audio_module_element *element, const char *name)
{
	const struct snd_kcontrol_new template = {
		.iface = SNDRV_CTL_ELEM_IFACE_CARD,
		.name = name,
		.access = SNDRV_CTL_ELEM_ACCESS_READ | SNDRV_CTL_ELEM_ACCESS_VOLATILE |
			  SNDRV_CTL_ELEM_ACCESS_TLV_READ | SNDRV_CTL_ELEM_ACCESS_TLV_CALLBACK,
		.info = element_info,
		.get = element_get,
		.tlv.c = element_tlv,
	};
	struct snd_kcontrol *control = snd_ctl_new1(&template, element);
	int err;

	if (!control)
		return -ENOMEM;
	/* Frees it when it fails: a control of that name is there. */
	err = snd_ctl_add(element->card->card, control);
	if (!err)
		element->id = control->id;
	return err;
}

/**
 * snd_audio_module_element_new - add a notification element to a card
 * @card: the card, not registered yet
 * @descriptor: for the TLV; copied
 * @endpoint: name of the endpoint
 * @label: label of the module, or NULL for the endpoint's own element
 * @name: long name, for the TLV; copied
 * @data_size: bytes of data that its records usually have
 *
 * Context: Process context, may sleep.
 *
 * Return: the element, which lives as long as @card; or an ERR_PTR: -EINVAL: the name gets longer
 * than the 43 characters that ALSA has; -EBUSY: it is taken; -ENOMEM.
 */
struct snd_audio_module_element *
snd_audio_module_element_new(struct snd_audio_module_card *card,
			     const struct snd_audio_module_tlv_descriptor *descriptor,
			     const char *endpoint, const char *label, const char *name,
			     size_t data_size)
{
	char control_name[SNDRV_CTL_ELEM_ID_NAME_MAXLEN];
	struct snd_audio_module_element *element;
	int err;

	lockdep_assert_held(&card->registration_lock);

	err = element_name(control_name, sizeof(control_name), endpoint, label);
	if (err)
		return ERR_PTR(err);

	element = kzalloc_obj(*element, GFP_KERNEL);
	if (!element)
		return ERR_PTR(-ENOMEM);

	element->card = card;
	element->descriptor = *descriptor;
	strscpy(element->name, name, sizeof(element->name));
	element->count = min_t(size_t, SND_AUDIO_MODULE_MAX_VALUE_SIZE,
			       sizeof(struct snd_audio_module_record) + data_size);
	INIT_LIST_HEAD(&element->shown);
	raw_spin_lock_init(&element->lock);

	err = element_add_control(element, control_name);
	if (err) {
		kfree(element);
		return ERR_PTR(err);
	}
	list_add_tail_rcu(&element->list, &card->elements);
	snd_audio_module_object_born(SND_AUDIO_MODULE_OBJECT_ELEMENT);
	return element;
}

/**
 * snd_audio_module_element_keep - copy a record that is about to be overwritten
 * @element: whose newest it is
 * @record: the record in the journal, which is committed
 *
 * Context: Any but NMI; the caller holds the journal's lock, and so decides what is the newest.
 */
void snd_audio_module_element_keep(struct snd_audio_module_element *element,
				   const struct snd_audio_module_record *record)
{
	u16 size = min_t(u32, element->count, record->size);
	unsigned long flags;

	lockdep_assert_held(&element->card->journal->lock);

	raw_spin_lock_irqsave(&element->lock, flags);
	memcpy(element->value, record, size);
	if (size < element->filled)
		memset(element->value + size, 0, element->filled - size);
	element->filled = size;
	raw_spin_unlock_irqrestore(&element->lock, flags);
}

/**
 * snd_audio_module_elements_add_pcm - show the PCM devices of an endpoint in its elements' TLV
 * @port: of the endpoint
 *
 * Context: Process context.
 */
void snd_audio_module_elements_add_pcm(const struct snd_audio_module_port *port)
{
	struct snd_audio_module_element *element;

	rcu_read_lock();
	list_for_each_entry_rcu(element, &port->card->elements, list) {
		if (element->descriptor.endpoint != port->index)
			continue;
		element->descriptor.playback_devices = port->playback_devices;
		element->descriptor.capture_devices = port->capture_devices;
	}
	rcu_read_unlock();
}

/**
 * snd_audio_module_elements_free - free what the elements of a card are made of
 * @card: a card with no reference left: nobody shows anything any more
 */
void snd_audio_module_elements_free(struct snd_audio_module_card *card)
{
	struct snd_audio_module_element *element, *next;

	list_for_each_entry_safe(element, next, &card->elements, list) {
		list_del(&element->list);
		/* Others may still read the journal; nobody writes it. */
		list_del(&element->shown);
		kfree(element);
		snd_audio_module_object_died(SND_AUDIO_MODULE_OBJECT_ELEMENT);
	}
}
