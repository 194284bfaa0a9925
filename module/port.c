// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: ports
 *
 * DOC: The idea
 *
 * A port is a driver's handle for one endpoint of its card; what IPort and IPortClsNotifications
 * are on Windows. Everything that the driver sends goes through it, and it counts what became of
 * it. The driver and each of its modules hold a reference (IF-3). A driver without a port passes
 * NULL everywhere and goes on working without notifications (IF-2).
 */

#include <linux/export.h>
#include <linux/slab.h>
#include <sound/pcm.h>

#include "audio_module_local.h"
#include "trace.h"

/* Data that a notification for an endpoint usually has: the identity and a little more. */
#define PORT_DATA_SIZE	(sizeof(struct snd_audio_module_notification) + 40)

/**
 * snd_audio_module_name_valid - can this be the name of an endpoint or the label of a module?
 * @name: the name, may be NULL
 * @size: of the array that it must fit into, with its zero
 *
 * Return: true for printable ASCII without '/' and ':', which addresses are made of.
 */
bool snd_audio_module_name_valid(const char *name, size_t size)
{
	size_t i;

	if (!name || !*name)
		return false;
	for (i = 0; name[i]; i++) {
		if (i + 1 >= size || name[i] < ' ' || name[i] > '~' ||
		    name[i] == '/' || name[i] == ':')
			return false;
	}
	return true;
}

/**
 * snd_audio_module_port_count - count what became of a driver's call
 * @port: the port
 * @counter: what became of it
 *
 * What a driver does wrong is told once for each port and cause, a moment later.
 *
 * Context: Any.
 */
void snd_audio_module_port_count(struct snd_audio_module_port *port,
				 enum snd_audio_module_counter counter)
{
	atomic64_inc(&port->counters[counter]);
	if (counter == SND_AUDIO_MODULE_COUNTER_ACCEPTED)
		return;

	trace_snd_audio_module_refused(port->card->number, port->index, counter);
	/* These two are no mistake of the driver's. */
	if (counter == SND_AUDIO_MODULE_COUNTER_REMOVED ||
	    counter == SND_AUDIO_MODULE_COUNTER_BUSY)
		return;
	if (!test_and_set_bit(counter, &port->warned)) {
		set_bit(counter, &port->to_warn);
		irq_work_queue(&port->warn);
	}
}

/* Consoles have locks that the caller's context, or a lock that it holds, may not allow. */
static void port_warn(struct irq_work *work)
{
	struct snd_audio_module_port *port =
		container_of(work, struct snd_audio_module_port, warn);
	unsigned long to_warn;
	int counter;

	rcu_read_lock();
	to_warn = xchg(&port->to_warn, 0);
	for_each_set_bit(counter, &to_warn, SND_AUDIO_MODULE_COUNTERS)
		pr_warn("%s: %s: %s (said once, then counted)\n", port->card->name, port->name,
			snd_audio_module_counter_name(counter));
	rcu_read_unlock();
}

/**
 * snd_audio_module_port_find - find the endpoint that has a DeviceId
 * @card: where
 * @device_id: in the order of the user ABI
 *
 * Context: The caller holds @card->lock, as long as it uses the port.
 *
 * Return: the port or NULL.
 */
struct snd_audio_module_port *snd_audio_module_port_find(struct snd_audio_module_card *card,
							 const u8 *device_id)
{
	struct snd_audio_module_port *port;

	lockdep_assert_held(&card->lock);

	list_for_each_entry(port, &card->ports, list)
		if (!memcmp(&port->device_id, device_id, sizeof(port->device_id)))
			return port;
	return NULL;
}

/* -EEXIST: an endpoint of the card has this name or DeviceId. */
static int port_unique(const struct snd_audio_module_port *port)
{
	const struct snd_audio_module_port *other;
	int err = 0;

	lockdep_assert_held(&port->card->registration_lock);

	mutex_lock(&port->card->lock);
	list_for_each_entry(other, &port->card->ports, list)
		if (!strcmp(other->name, port->name) ||
		    guid_equal(&other->device_id, &port->device_id))
			err = -EEXIST;
	mutex_unlock(&port->card->lock);
	return err;
}

static void describe_port(const struct snd_audio_module_port *port,
			  struct snd_audio_module_tlv_descriptor *descriptor)
{
	memset(descriptor, 0, sizeof(*descriptor));
	export_guid(descriptor->device_id, &port->device_id);
	descriptor->endpoint = port->index;
	descriptor->module = SND_AUDIO_MODULE_NONE;
	strscpy(descriptor->label, port->name, sizeof(descriptor->label));
}

/* Make @port an endpoint of its card. */
static int port_add(struct snd_audio_module_port *port)
{
	struct snd_audio_module_card *card = port->card;
	struct snd_audio_module_tlv_descriptor descriptor;
	struct snd_audio_module_element *element;
	int err;

	lockdep_assert_held(&card->registration_lock);

	err = port_unique(port);
	if (err)
		return err;

	port->index = card->next_port;
	describe_port(port, &descriptor);
	element = snd_audio_module_element_new(card, &descriptor, port->name, NULL, port->name,
					       PORT_DATA_SIZE);
	if (IS_ERR(element))
		return PTR_ERR(element) == -EBUSY ? -EEXIST : PTR_ERR(element);

	port->element = element;
	card->next_port++;
	mutex_lock(&card->lock);
	list_add_tail(&port->list, &card->ports);
	snd_audio_module_card_changed(card, port->index);
	mutex_unlock(&card->lock);
	return 0;
}

static struct snd_audio_module_port *port_alloc(struct snd_audio_module_card *card,
						const char *name, const guid_t *device_id)
{
	struct snd_audio_module_port *port = kzalloc_obj(*port, GFP_KERNEL);

	if (!port)
		return NULL;

	kref_init(&port->kref);
	INIT_LIST_HEAD(&port->modules);
	init_irq_work(&port->warn, port_warn);
	raw_spin_lock_init(&port->buffers_lock);
	hash_init(port->buffers);
	strscpy(port->name, name, sizeof(port->name));
	if (device_id)
		port->device_id = *device_id;
	else
		guid_gen(&port->device_id);
	port->card = card;
	return port;
}

/**
 * snd_audio_module_port_new - make a port: a handle for one endpoint of a card
 * @card: the sound card; snd_card_register() was not called yet
 * @name: of the endpoint: unique in its card, 1 to 30 bytes of printable ASCII without '/' and
 *	':'; "<name> Notification" must be a free element name, which ALSA has of 43 bytes at most
 * @device_id: DeviceId, unique in its card and not GUID_NULL; or NULL: a random one is made, and
 *	programs do not know the endpoint again when the driver comes back (NID-4)
 * @port: receives the port; NULL on every failure
 *
 * The caller gives it back with snd_audio_module_port_put(), before or after the sound card is
 * freed.
 *
 * Context: Process context, may sleep.
 *
 * Return: 0; -EINVAL: @name or @device_id; -EEXIST: one of them, or the element, is there;
 * -EBUSY: @card is registered; -ENOMEM; or what ALSA says.
 */
int snd_audio_module_port_new(struct snd_card *card, const char *name, const guid_t *device_id,
			      struct snd_audio_module_port **port)
{
	struct snd_audio_module_card *owner;
	struct snd_audio_module_port *new;
	int err;

	*port = NULL;
	if (!card || !snd_audio_module_name_valid(name, sizeof(new->name)) ||
	    (device_id && guid_is_null(device_id)))
		return -EINVAL;

	owner = snd_audio_module_card_find_or_new(card);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	new = port_alloc(owner, name, device_id);
	if (!new)
		return -ENOMEM;

	mutex_lock(&owner->registration_lock);
	err = port_add(new);
	mutex_unlock(&owner->registration_lock);
	if (err) {
		kfree(new);
		return err;
	}
	snd_audio_module_card_get(owner);
	snd_audio_module_object_born(SND_AUDIO_MODULE_OBJECT_PORT);
	*port = new;
	return 0;
}
EXPORT_SYMBOL_GPL(snd_audio_module_port_new);

/**
 * snd_audio_module_port_add_pcm - say which PCM device carries an endpoint's sound
 * @port: the port, or NULL
 * @pcm: a PCM device of its card
 *
 * Context: Process context, may sleep.
 *
 * Return: 0, also without a port; -EINVAL: @pcm is of another card, or its device number is
 * above 31; -EBUSY: the card is registered, and programs know the list.
 */
int snd_audio_module_port_add_pcm(struct snd_audio_module_port *port, const struct snd_pcm *pcm)
{
	if (!port)
		return 0;
	if (pcm->card != port->card->card || pcm->device > 31)
		return -EINVAL;
	if (READ_ONCE(port->card->registered))
		return -EBUSY;

	mutex_lock(&port->card->lock);
	if (pcm->streams[SNDRV_PCM_STREAM_PLAYBACK].substream_count)
		port->playback_devices |= BIT(pcm->device);
	if (pcm->streams[SNDRV_PCM_STREAM_CAPTURE].substream_count)
		port->capture_devices |= BIT(pcm->device);
	snd_audio_module_elements_add_pcm(port);
	mutex_unlock(&port->card->lock);
	return 0;
}
EXPORT_SYMBOL_GPL(snd_audio_module_port_add_pcm);

/**
 * snd_audio_module_port_get - take a reference (IF-3, AddRef)
 * @port: the port, or NULL
 *
 * Context: Any.
 *
 * Return: @port.
 */
struct snd_audio_module_port *snd_audio_module_port_get(struct snd_audio_module_port *port)
{
	if (port)
		kref_get(&port->kref);
	return port;
}
EXPORT_SYMBOL_GPL(snd_audio_module_port_get);

static void port_release(struct kref *kref)
{
	struct snd_audio_module_port *port =
		container_of(kref, struct snd_audio_module_port, kref);
	struct snd_audio_module_card *card = port->card;
	int i;

	snd_portcls_free_left_behind(port);
	snd_audio_module_irq_work_end(&port->warn);

	mutex_lock(&card->lock);
	list_del(&port->list);
	for (i = 0; i < SND_AUDIO_MODULE_COUNTERS; i++)
		card->counters[i] += atomic64_read(&port->counters[i]);
	snd_audio_module_card_changed(card, port->index);
	mutex_unlock(&card->lock);

	kfree(port);
	snd_audio_module_card_put(card);
	snd_audio_module_object_died(SND_AUDIO_MODULE_OBJECT_PORT);
}

/**
 * snd_audio_module_port_put - give a reference back (IF-3, Release)
 * @port: the port, or NULL
 *
 * With the last reference, PortCls buffers that are still live are counted and freed and the
 * endpoint leaves the card's list.
 *
 * Context: Process context, may sleep.
 */
void snd_audio_module_port_put(struct snd_audio_module_port *port)
{
	if (port)
		kref_put(&port->kref, port_release);
}
EXPORT_SYMBOL_GPL(snd_audio_module_port_put);

/**
 * snd_audio_module_port_device_id - the DeviceId of an endpoint (NID-1)
 * @port: the port, or NULL
 *
 * Context: Any.
 *
 * Return: the GUID, which lives as long as @port; GUID_NULL without a port.
 */
const guid_t *snd_audio_module_port_device_id(const struct snd_audio_module_port *port)
{
	return port ? &port->device_id : &guid_null;
}
EXPORT_SYMBOL_GPL(snd_audio_module_port_device_id);
