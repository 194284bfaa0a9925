// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: notification elements
 *
 * DOC: The idea
 *
 * Each module and each endpoint has one read-only control element that shows its newest record,
 * so that amixer, alsactl and every other ALSA program see that something happened, and what.
 * The element keeps a copy of its own: a flood from another module cannot push it out, and
 * reading it any number of times takes nothing away.
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

/* Words of a TLV: type and length, before the data. */
#define TLV_HEADER_SIZE		(2 * sizeof(u32))

static int element_info(struct snd_kcontrol *control, struct snd_ctl_elem_info *info)
{
	const struct snd_audio_module_element *element = snd_kcontrol_chip(control);

	info->type = SNDRV_CTL_ELEM_TYPE_BYTES;
	info->count = element->count;
	return 0;
}

static int element_get(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	struct snd_audio_module_element *element = snd_kcontrol_chip(control);
	unsigned long flags;

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

/* Where the newest record is, and its size; 0: the journal has it no more, or there is none. */
static u32 newest_record(struct snd_audio_module_element *element, u64 *position, u64 *sequence)
{
	struct snd_audio_module_record header;
	unsigned long flags;

	raw_spin_lock_irqsave(&element->lock, flags);
	*position = element->position;
	*sequence = element->sequence;
	raw_spin_unlock_irqrestore(&element->lock, flags);

	if (!*sequence ||
	    snd_audio_module_journal_peek(element->card->journal, *position, &header) ||
	    header.sequence != *sequence)
		return 0;
	return header.size;
}

/* Put the newest record behind what is at @tlv, when there is room; its size as a TLV. */
static size_t tlv_add_record(struct snd_audio_module_element *element, u8 *tlv, size_t room)
{
	u64 position, sequence;
	u32 size = newest_record(element, &position, &sequence);

	if (!size || size > SND_AUDIO_MODULE_MAX_RECORD_SIZE || TLV_HEADER_SIZE + size > room)
		return 0;
	if (snd_audio_module_journal_copy(element->card->journal, position, 0,
					  tlv_begin(tlv, SND_AUDIO_MODULE_TLV_RECORD, size), size))
		return 0;
	return TLV_HEADER_SIZE + size;
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

	element = kzalloc(sizeof(*element), GFP_KERNEL);
	if (!element)
		return ERR_PTR(-ENOMEM);

	element->card = card;
	element->descriptor = *descriptor;
	strscpy(element->name, name, sizeof(element->name));
	element->count = min_t(size_t, SND_AUDIO_MODULE_MAX_VALUE_SIZE,
			       sizeof(struct snd_audio_module_record) + data_size);
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

/* Copy @size bytes to @to as far as there is @room; how many. */
static size_t copy_cut(u8 *to, size_t room, const void *from, size_t size)
{
	size = min(size, room);
	memcpy(to, from, size);
	return size;
}

/**
 * snd_audio_module_element_show - show a record that was written
 * @element: where
 * @header: of the record
 * @position: of the record in the journal
 * @entry: what was written
 *
 * Context: Any but NMI.
 */
void snd_audio_module_element_show(struct snd_audio_module_element *element,
				   const struct snd_audio_module_record *header, u64 position,
				   const struct snd_audio_module_entry *entry)
{
	size_t count = element->count;
	unsigned long flags;
	size_t done;

	raw_spin_lock_irqsave(&element->lock, flags);
	/* Another sender may have been faster with a newer one. */
	if (header->sequence > element->sequence) {
		element->sequence = header->sequence;
		element->position = position;
		done = copy_cut(element->value, count, header, sizeof(*header));
		if (entry->identity)
			done += copy_cut(element->value + done, count - done, entry->identity,
					 sizeof(*entry->identity));
		done += copy_cut(element->value + done, count - done, entry->data, entry->size);
		memset(element->value + done, 0, count - done);
	}
	raw_spin_unlock_irqrestore(&element->lock, flags);

	snd_audio_module_doorbell_changed(element->card, element);
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
		kfree(element);
		snd_audio_module_object_died(SND_AUDIO_MODULE_OBJECT_ELEMENT);
	}
}
