// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: An example: a card with one audio module that notifies as it did on Windows, of its control
 * in process context and from a timer in atomic context. ../porting-from-portcls.md explains it.
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <sound/control.h>
#include <sound/core.h>
#include <sound/portcls.h>

enum example_event { BOOST_CHANGED, BLOCKS_BOOSTED };
struct example_notification {
	struct snd_audio_module_notification header;
	u32 event, value;
};

struct example {
	struct snd_audio_module_port *port;
	struct snd_audio_module *module;
	struct timer_list timer;
	u32 boost, blocks;
};

static bool notifications = true;
module_param(notifications, bool, 0444);
MODULE_PARM_DESC(notifications, "Ask for a port (default y)");

static DECLARE_COMPLETION(card_freed);	/* for each card, by ALSA */
static unsigned int cards_removed;
static const guid_t device_id =
	GUID_INIT(0xd1a5c3e0, 0x6f27, 0x4b8e, 0x93, 0x14, 0x2c, 0x5e, 0x80, 0xb7, 0x4f, 0x01);
static const struct snd_audio_module_descriptor descriptor = {
	.class_id = GUID_INIT(0x5b1f0c2e, 0x8d4a, 0x4c57,
			      0x9e, 0x36, 0x7a, 0x2d, 0x10, 0xb8, 0xf4, 0xc1),
	.instance_id = 1, .version_major = 1, .label = "Boost", .name = "Bass boost",
	.notification_size = 2 * sizeof(u32),
};

static void notify(struct example *example, unsigned int pool, u32 event, u32 value)
{
	struct snd_portcls_notification_buffer *buffer;
	struct example_notification *payload;

	if (snd_portcls_alloc_notification_buffer(example->port, pool, sizeof(*payload), &buffer))
		return;
	payload = (void *)buffer->notification_buffer;
	*payload = (struct example_notification){ .event = event, .value = value };
	export_guid(payload->header.class_id, &descriptor.class_id);
	payload->header.instance_id = descriptor.instance_id;
	snd_portcls_send_notification(example->port, &snd_audio_module_notification_id, buffer);
	snd_portcls_free_notification_buffer(example->port, buffer);
}

static void boost_timer(struct timer_list *timer)
{
	struct example *example = container_of(timer, struct example, timer);

	if (!READ_ONCE(example->boost))
		return;
	notify(example, SND_PORTCLS_NON_PAGED_POOL_NX, BLOCKS_BOOSTED, ++example->blocks);
	mod_timer(timer, jiffies + HZ / 20);
}

static int boost_get(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	value->value.integer.value[0] = ((struct example *)snd_kcontrol_chip(control))->boost;
	return 0;
}

static int boost_put(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	struct example *example = snd_kcontrol_chip(control);
	bool boost = value->value.integer.value[0];

	if (boost == example->boost)
		return 0;
	WRITE_ONCE(example->boost, boost);
	notify(example, SND_PORTCLS_PAGED_POOL, BOOST_CHANGED, boost);
	mod_timer(&example->timer, jiffies + HZ / 20);
	return 1;
}

static const struct snd_kcontrol_new boost_control = {
	.iface = SNDRV_CTL_ELEM_IFACE_MIXER, .name = "Boost Switch",
	.info = snd_ctl_boolean_mono_info, .get = boost_get, .put = boost_put,
};

/* The last program has closed the card: nothing of it can be called any more, but the timer. */
static void example_free(struct snd_card *card)
{
	struct example *example = card->private_data;

	timer_delete_sync(&example->timer);
	snd_audio_module_unregister(example->module);
	snd_audio_module_port_put(example->port);
}

static void example_remove(void *card)
{
	snd_card_disconnect(card);
	((struct snd_card *)card)->release_completion = &card_freed;
	cards_removed++;
	snd_card_free_when_closed(card);
}

static int example_probe(struct platform_device *device)
{
	struct snd_card *card;
	struct example *example;
	int err;

	err = snd_card_new(&device->dev, -1, "PortCls", THIS_MODULE, sizeof(*example), &card);
	if (err)
		return err;
	strscpy(card->shortname, "PortCls example", sizeof(card->shortname));
	strscpy(card->longname, "Example of a driver from Windows", sizeof(card->longname));
	example = card->private_data;
	timer_setup(&example->timer, boost_timer, 0);
	card->private_free = example_free;
	err = devm_add_action_or_reset(&device->dev, example_remove, card);
	if (!err && notifications)	/* One that cannot be had is NULL: silence. */
		snd_audio_module_port_new(card, "Speaker", &device_id, &example->port);
	err = err ?: snd_audio_module_register(example->port, &descriptor, NULL, NULL,
					       &example->module);
	err = err ?: snd_ctl_add(card, snd_ctl_new1(&boost_control, example));
	return err ?: snd_card_register(card);
}

static struct platform_driver example_driver = { .driver.name = "snd-portcls-example" };
static struct platform_device *platform_device;

static int __init example_init(void)
{
	platform_device = platform_create_bundle(&example_driver, example_probe, NULL, 0, NULL, 0);
	return PTR_ERR_OR_ZERO(platform_device);
}
module_init(example_init);

static void __exit example_exit(void)
{
	platform_device_unregister(platform_device);
	platform_driver_unregister(&example_driver);
	while (cards_removed--)
		wait_for_completion(&card_freed);
}
module_exit(example_exit);
MODULE_DESCRIPTION("Example of a sound driver with PortCls' notifications");
MODULE_LICENSE("GPL");
