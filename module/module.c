// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: modules
 *
 * DOC: The idea
 *
 * A module is known by its ClassId and InstanceId, unique in its endpoint. The driver describes
 * it once; the kernel lists it, finds it for notifications that name it, and begins each of its
 * notifications with its identity.
 *
 * Modules that are registered before their sound card get a control element of their own. Those
 * that come later share their endpoint's, because a card's elements never change.
 *
 * A stream module lives as long as a program has a PCM substream open (MOD-3): on Windows, it
 * belongs to a pin. It has an entry in LIST, but no index: streams come and go all day, and a
 * record's data name the module anyway. It takes commands from the process that opened the
 * substream and from nobody else, as a pin handle would (MOD-4).
 */

#include <linux/export.h>
#include <linux/hardirq.h>
#include <linux/nls.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <sound/pcm.h>

#include "audio_module_local.h"

static_assert(sizeof(struct snd_audio_module_endpoint_info) == 96);
static_assert(sizeof(struct snd_audio_module_module_info) == 480);

/* KSAUDIOMODULE_DESCRIPTOR.Name holds 128 UTF-16 units with its zero. */
#define NAME_UTF16_UNITS	127

/* KSNOTIFICATIONID_AudioModule, 9C2220F0-D9A6-4D5C-A036-573857FD50D2. */
const guid_t snd_audio_module_notification_id =
	GUID_INIT(0x9c2220f0, 0xd9a6, 0x4d5c, 0xa0, 0x36, 0x57, 0x38, 0x57, 0xfd, 0x50, 0xd2);
EXPORT_SYMBOL_GPL(snd_audio_module_notification_id);

/* UTF-8 that Windows' descriptor could hold. */
static bool long_name_valid(const char *name)
{
	size_t rest = name ? strlen(name) : 0;
	size_t units = 0;

	if (!rest)
		return false;
	while (rest) {
		unicode_t character;
		int length = utf8_to_utf32(name, rest, &character);

		if (length <= 0 || character < ' ' || character == 0x7f)
			return false;
		units += character > 0xffff ? 2 : 1;
		name += length;
		rest -= length;
	}
	return units <= NAME_UTF16_UNITS;
}

static bool descriptor_valid(const struct snd_audio_module_descriptor *descriptor)
{
	return !guid_is_null(&descriptor->class_id) &&
	       snd_audio_module_name_valid(descriptor->label,
					   sizeof_field(struct snd_audio_module, label)) &&
	       long_name_valid(descriptor->name) &&
	       descriptor->notification_size <= SND_AUDIO_MODULE_MAX_VENDOR_SIZE;
}

static bool same_module(const struct snd_audio_module_notification *a,
			const struct snd_audio_module_notification *b)
{
	return !memcmp(a->class_id, b->class_id, sizeof(a->class_id)) &&
	       a->instance_id == b->instance_id;
}

/**
 * snd_audio_module_find - find the module that a notification names
 * @port: where
 * @identity: ClassId and InstanceId
 *
 * Context: Any; the caller is in an RCU read-side section, or holds the card's lock.
 *
 * Return: the module or NULL.
 */
struct snd_audio_module *
snd_audio_module_find(const struct snd_audio_module_port *port,
		      const struct snd_audio_module_notification *identity)
{
	struct snd_audio_module *module;

	list_for_each_entry_rcu(module, &port->modules, list,
				lockdep_is_held(&port->card->lock))
		if (same_module(&module->origin.stamp.identity, identity))
			return module;
	return NULL;
}

/* -EEXIST: a module of the endpoint has this identity or label. */
static int module_unique(const struct snd_audio_module *module)
{
	const struct snd_audio_module *other;

	lockdep_assert_held(&module->port->card->lock);

	list_for_each_entry(other, &module->port->modules, list)
		if (same_module(&other->origin.stamp.identity, &module->origin.stamp.identity) ||
		    !strcmp(other->label, module->label))
			return -EEXIST;
	return 0;
}

/* An index that was not used for long, so that old records do not seem to be a new module's. */
static int module_take_index(struct snd_audio_module *module)
{
	struct snd_audio_module_card *card = module->port->card;
	const int last = SND_AUDIO_MODULE_NONE - 1;
	int index;

	lockdep_assert_held(&card->lock);

	index = ida_alloc_range(&card->module_indices, card->next_module, last, GFP_KERNEL);
	if (index == -ENOSPC)
		index = ida_alloc_max(&card->module_indices, last, GFP_KERNEL);
	if (index < 0)
		return index;

	module->index = index;
	module->origin.stamp.module = index;
	card->next_module = index == last ? 0 : index + 1;
	WRITE_ONCE(card->module_limit, max_t(u32, card->module_limit, index + 1));
	return 0;
}

static void describe_module(const struct snd_audio_module *module,
			    struct snd_audio_module_tlv_descriptor *descriptor)
{
	*descriptor = module->port->element->descriptor;
	memcpy(descriptor->class_id, module->origin.stamp.identity.class_id,
	       sizeof(descriptor->class_id));
	descriptor->instance_id = module->origin.stamp.identity.instance_id;
	descriptor->version_major = module->version_major;
	descriptor->version_minor = module->version_minor;
	descriptor->module = module->index;
	memcpy(descriptor->label, module->label, sizeof(descriptor->label));
}

static int module_take_element(struct snd_audio_module *module, size_t notification_size)
{
	struct snd_audio_module_port *port = module->port;
	struct snd_audio_module_tlv_descriptor descriptor;

	lockdep_assert_held(&port->card->registration_lock);

	describe_module(module, &descriptor);
	module->origin.element =
		snd_audio_module_element_new(port->card, &descriptor, port->name, module->label,
					     module->name,
					     sizeof(struct snd_audio_module_notification) +
					     notification_size);
	return PTR_ERR_OR_ZERO(module->origin.element);
}

/* Check @module and give it all but an element. */
static int module_admit(struct snd_audio_module *module)
{
	int err = module_unique(module);

	if (err || module->owner)
		return err;
	return module_take_index(module);
}

/* Nothing fails any more: the driver gets it, before the handler of a command may use it. */
static void module_add(struct snd_audio_module *module, struct snd_audio_module **handle)
{
	struct snd_audio_module_port *port = module->port;

	lockdep_assert_held(&port->card->lock);

	/* Pairs with the address dependency of a snd_audio_module_post() in another context. */
	smp_store_release(handle, module);
	list_add_tail_rcu(&module->list, &port->modules);
	snd_audio_module_card_changed(port->card, port->index);
}

static int module_add_late(struct snd_audio_module *module, struct snd_audio_module **handle)
{
	struct snd_audio_module_card *card = module->port->card;
	int err;

	module->origin.element = module->port->element;
	mutex_lock(&card->lock);
	err = module_admit(module);
	if (!err)
		module_add(module, handle);
	mutex_unlock(&card->lock);
	return err;
}

/* An element cannot be taken back without a hole in the numids: it is made last. */
static int module_add_early(struct snd_audio_module *module, size_t notification_size,
			    struct snd_audio_module **handle)
{
	struct snd_audio_module_card *card = module->port->card;
	int err;

	lockdep_assert_held(&card->registration_lock);

	mutex_lock(&card->lock);
	err = module_admit(module);
	mutex_unlock(&card->lock);
	if (err)
		return err;
	err = module_take_element(module, notification_size);
	if (err) {
		ida_free(&card->module_indices, module->index);
		return err == -EBUSY ? -EEXIST : err;
	}
	mutex_lock(&card->lock);
	module_add(module, handle);
	mutex_unlock(&card->lock);
	return 0;
}

static int module_add_early_or_late(struct snd_audio_module *module, size_t notification_size,
				    struct snd_audio_module **handle)
{
	struct snd_audio_module_card *card = module->port->card;
	int err;

	/* Once true it stays so. A handler that registers a module must not take the lock. */
	if (READ_ONCE(card->registered))
		return module_add_late(module, handle);

	mutex_lock(&card->registration_lock);
	if (card->registered)
		err = module_add_late(module, handle);
	else
		err = module_add_early(module, notification_size, handle);
	mutex_unlock(&card->registration_lock);
	return err;
}

/*
 * A handler may unregister another module, whose lock is taken inside of its own. If all had one
 * class, lockdep had to be told to look away there, and would not see a driver that unregisters
 * under a lock that its handler takes. Without a handler nothing is done inside of it.
 */
static void module_set_ops(struct snd_audio_module *module, const struct snd_audio_module_ops *ops)
{
	module->ops = ops;
	module->has_handler = ops && ops->command;
	if (!module->has_handler)
		return;
	lockdep_register_key(&module->command_lock_class);
	lockdep_set_class(&module->command_lock, &module->command_lock_class);
}

static void module_release(struct kref *kref)
{
	struct snd_audio_module *module = container_of(kref, struct snd_audio_module, kref);
	struct snd_audio_module_port *port = module->port;

	put_pid(module->owner);
	mutex_destroy(&module->command_lock);
	if (module->has_handler)
		lockdep_unregister_key(&module->command_lock_class);
	/* A Send that found it still uses it; what it refers to lives as long as the port. */
	kfree_rcu(module, rcu);
	snd_audio_module_port_put(port);
	snd_audio_module_object_died(SND_AUDIO_MODULE_OBJECT_MODULE);
}

/**
 * snd_audio_module_get - take a reference
 * @module: the module
 */
void snd_audio_module_get(struct snd_audio_module *module)
{
	kref_get(&module->kref);
}

/**
 * snd_audio_module_put - give a reference back
 * @module: the module; freed with its last reference
 *
 * Context: Process context, may sleep.
 */
void snd_audio_module_put(struct snd_audio_module *module)
{
	kref_put(&module->kref, module_release);
}

/* Its element and index come later. */
static void describe_origin(struct snd_audio_module *module,
			    const struct snd_audio_module_descriptor *descriptor)
{
	struct snd_audio_module_origin *origin = &module->origin;
	struct snd_audio_module_notification *identity = &origin->stamp.identity;

	origin->port = module->port;
	origin->type = SND_AUDIO_MODULE_RECORD_NOTIFICATION;
	origin->identity_size = sizeof(origin->stamp.identity);
	export_guid(origin->stamp.notification_id, &snd_audio_module_notification_id);
	origin->stamp.endpoint = module->port->index;
	origin->stamp.module = module->index;
	export_guid(identity->device_id, &module->port->device_id);
	export_guid(identity->class_id, &descriptor->class_id);
	identity->instance_id = descriptor->instance_id;
}

static struct snd_audio_module *
module_alloc(struct snd_audio_module_port *port,
	     const struct snd_audio_module_descriptor *descriptor)
{
	struct snd_audio_module *module = kzalloc_obj(*module, GFP_KERNEL);

	if (!module)
		return NULL;

	kref_init(&module->kref);
	mutex_init(&module->command_lock);
	module->port = port;
	module->index = SND_AUDIO_MODULE_NONE;
	module->pcm_device = -1;
	module->pcm_subdevice = -1;
	describe_origin(module, descriptor);
	module->version_major = descriptor->version_major;
	module->version_minor = descriptor->version_minor;
	strscpy(module->label, descriptor->label, sizeof(module->label));
	strscpy(module->name, descriptor->name, sizeof(module->name));
	return module;
}

/* Make @module, which was allocated, a module of its endpoint, and *@handle that; or free it. */
static int module_enter(struct snd_audio_module *module, const struct snd_audio_module_ops *ops,
			void *private_data, size_t notification_size,
			struct snd_audio_module **handle)
{
	int err;

	module_set_ops(module, ops);
	module->private_data = private_data;
	/* A command may come as soon as it is in the list, and its reference be the last one. */
	snd_audio_module_port_get(module->port);
	snd_audio_module_object_born(SND_AUDIO_MODULE_OBJECT_MODULE);
	if (module->owner)
		err = module_add_late(module, handle);
	else
		err = module_add_early_or_late(module, notification_size, handle);
	if (err)
		snd_audio_module_put(module);
	return err;
}

/**
 * snd_audio_module_register - add a module to an endpoint
 * @port: of the endpoint; NULL: @module becomes NULL and all goes well (IF-2)
 * @descriptor: what it is; copied
 * @ops: what it can do, or NULL; must stay until it is unregistered
 * @private_data: for snd_audio_module_private()
 * @module: receives the module, before a command can come; NULL on every failure
 *
 * A module that is registered before snd_card_register() gets an element of its own, which stays
 * when the module goes; a later one uses its endpoint's. A reference to @port is held until
 * snd_audio_module_unregister().
 *
 * Context: Process context, may sleep.
 *
 * Return: 0; -EINVAL: something in @descriptor, or "<endpoint> <label> Notification" is longer
 * than 43 bytes; -EEXIST: the endpoint has a module of this ClassId and InstanceId, or of this
 * label, or the card has such an element; -ENOSPC: 65535 modules on the card; -ENOMEM.
 */
int snd_audio_module_register(struct snd_audio_module_port *port,
			      const struct snd_audio_module_descriptor *descriptor,
			      const struct snd_audio_module_ops *ops, void *private_data,
			      struct snd_audio_module **module)
{
	struct snd_audio_module *new;

	*module = NULL;
	if (!port)
		return 0;
	if (!descriptor_valid(descriptor))
		return -EINVAL;
	new = module_alloc(port, descriptor);
	if (!new)
		return -ENOMEM;

	return module_enter(new, ops, private_data, descriptor->notification_size, module);
}
EXPORT_SYMBOL_GPL(snd_audio_module_register);

/* Is @substream one of the endpoint's? */
static bool substream_valid(const struct snd_audio_module_port *port,
			    const struct snd_pcm_substream *substream)
{
	u32 devices = substream->stream == SNDRV_PCM_STREAM_PLAYBACK ?
		port->playback_devices : port->capture_devices;

	return substream->pcm->card == port->card->card && substream->pcm->device < 32 &&
	       devices & BIT(substream->pcm->device);
}

/* Bind @module to @substream and to who is opening it. -EINVAL: the label gets too long. */
static int module_take_stream(struct snd_audio_module *module,
			      const struct snd_pcm_substream *substream, const char *label)
{
	int length = snprintf(module->label, sizeof(module->label), "%s@%d%c%d", label,
			      substream->pcm->device,
			      substream->stream == SNDRV_PCM_STREAM_PLAYBACK ? 'p' : 'c',
			      substream->number);

	if (length >= sizeof(module->label))
		return -EINVAL;
	module->pcm_device = substream->pcm->device;
	module->pcm_subdevice = substream->number;
	module->owner = get_pid(task_tgid(current));
	return 0;
}

/**
 * snd_audio_module_register_stream - add a module to a PCM substream that is being opened
 * @port: of the substream's endpoint; NULL: @module becomes NULL and all goes well (IF-2)
 * @substream: of a PCM device that snd_audio_module_port_add_pcm() gave to @port
 * @descriptor: what it is; copied. The label is that of its template: the module's own becomes
 *	"<label>@<device>p<subdevice>", with 'c' for capture. The InstanceId is not the template's,
 *	nor that of another stream's module (MOD-7)
 * @ops: what it can do, or NULL; must stay until it is unregistered
 * @private_data: for snd_audio_module_private()
 * @module: receives the module, before a command can come; NULL on every failure
 *
 * A stream module belongs to its substream (MOD-3): the driver registers it in snd_pcm_ops.open,
 * with the template's present values, and unregisters it in snd_pcm_ops.close. Commands reach it
 * from the process that opens the substream only. Its notifications carry its own InstanceId and
 * the endpoint's DeviceId, and show in the endpoint's element.
 *
 * Context: Process context of the program that opens, may sleep.
 *
 * Return: 0; -EINVAL: something in @descriptor, the module's label is longer than 31 bytes, or
 * @substream is not of the endpoint; -EEXIST: the endpoint has a module of this ClassId and
 * InstanceId, or of this label; -ENOMEM.
 */
int snd_audio_module_register_stream(struct snd_audio_module_port *port,
				     const struct snd_pcm_substream *substream,
				     const struct snd_audio_module_descriptor *descriptor,
				     const struct snd_audio_module_ops *ops, void *private_data,
				     struct snd_audio_module **module)
{
	struct snd_audio_module *new;
	int err;

	*module = NULL;
	if (!port)
		return 0;
	if (!descriptor_valid(descriptor) || !substream_valid(port, substream))
		return -EINVAL;
	new = module_alloc(port, descriptor);
	if (!new)
		return -ENOMEM;

	err = module_take_stream(new, substream, descriptor->label);
	if (err) {
		mutex_destroy(&new->command_lock);
		kfree(new);
		return err;
	}
	return module_enter(new, ops, private_data, 0, module);
}
EXPORT_SYMBOL_GPL(snd_audio_module_register_stream);

/**
 * snd_audio_module_unregister - remove a module from its endpoint
 * @module: the module, or NULL; gone when this returns
 *
 * Waits for the handler of a command that is running; none runs when this returns. The caller sees
 * to it that no snd_audio_module_post() for @module is running. PortCls Sends that name it may be:
 * their notifications belong to the endpoint from now on.
 *
 * Context: Process context, may sleep. Not from a handler of @module. From one of another module,
 * when no handler of @module unregisters that one: each would wait for the other.
 */
void snd_audio_module_unregister(struct snd_audio_module *module)
{
	struct snd_audio_module_card *card;

	if (!module)
		return;

	card = module->port->card;
	mutex_lock(&card->lock);
	list_del_rcu(&module->list);
	if (module->index != SND_AUDIO_MODULE_NONE)
		ida_free(&card->module_indices, module->index);
	snd_audio_module_card_changed(card, module->port->index);
	mutex_unlock(&card->lock);

	/* Commands that found it before. The caller may be another module's handler. */
	mutex_lock(&module->command_lock);
	module->unregistered = true;
	mutex_unlock(&module->command_lock);
	snd_audio_module_put(module);
}
EXPORT_SYMBOL_GPL(snd_audio_module_unregister);

/* 0 or the counter of what is dropped. */
static enum snd_audio_module_counter post_refused(size_t size)
{
	if (unlikely(in_nmi()))
		return SND_AUDIO_MODULE_COUNTER_CONTEXT;
	if (size > SND_AUDIO_MODULE_MAX_HARDIRQ_SIZE &&
	    (size > SND_AUDIO_MODULE_MAX_VENDOR_SIZE || in_hardirq()))
		return SND_AUDIO_MODULE_COUNTER_LONG;
	return SND_AUDIO_MODULE_COUNTER_ACCEPTED;
}

/**
 * snd_audio_module_post - send a notification of a module
 * @module: the module, or NULL: nothing is sent
 * @data: the vendor's bytes, may be NULL when @size is 0
 * @size: at most SND_AUDIO_MODULE_MAX_VENDOR_SIZE; in a hard interrupt at most
 *	SND_AUDIO_MODULE_MAX_HARDIRQ_SIZE
 *
 * Writes the module's identity and @data straight into the journal: what Alloc, Send and Free do
 * together on Windows, without a buffer. Allocates nothing, waits for nothing but other CPUs that
 * write to the same card's journal, some microseconds, and may be called with any lock held. What
 * cannot be sent is dropped and counted (IF-12). What a journal full of unfinished records has no
 * room for has a sequence, and readers are told of it; what is too long, or comes from an NMI or
 * after the card has gone, is not, and INFO's counters have it.
 *
 * Context: Any but NMI, where it is dropped.
 */
void snd_audio_module_post(struct snd_audio_module *module, const void *data, size_t size)
{
	enum snd_audio_module_counter refused;

	if (!module)
		return;

	refused = post_refused(size);
	if (unlikely(refused))
		snd_audio_module_port_count(module->port, refused);
	else
		snd_audio_module_write(module->port->card, &module->origin, data, size);
}
EXPORT_SYMBOL_GPL(snd_audio_module_post);
