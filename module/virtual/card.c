// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual sound card: a card with audio modules that needs no hardware
 *
 * DOC: The idea
 *
 * What Microsoft's SYSVAD sample is for Windows: a complete driver to try things with, to test
 * against, and to begin one's own from. It has two endpoints, Speaker and Headphones, each with
 * a PCM device that plays into nothing, three modules with parameters, and a peak meter that
 * measures what is played.
 *
 * The order in which things are made and given back is the one that every driver has: ports,
 * modules and elements before snd_card_register(); at the removal snd_card_disconnect() and
 * snd_card_free_when_closed(), which do not wait for programs that have the card open; modules
 * and ports are given back in private_free, when the last of them has closed it.
 */

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <sound/initval.h>
#include <sound/portcls.h>

#include "virtual.h"

#define DRIVER_NAME	"snd-audio-module-virtual"

static int index = SNDRV_DEFAULT_IDX1;
static char *id = "AudioModules";

module_param(index, int, 0444);
MODULE_PARM_DESC(index, "Index of the card (default: the first free one)");
module_param(id, charp, 0444);
MODULE_PARM_DESC(id, "Id of the card (default AudioModules)");

static bool no_port;
module_param(no_port, bool, 0444);
MODULE_PARM_DESC(no_port, "Work without notifications, as where there is no PortCls port (default n)");

static const char * const endpoint_names[VIRTUAL_ENDPOINTS] = { "Speaker", "Headphones" };
static const u8 device_ids[VIRTUAL_ENDPOINTS][16] = {
	SND_AUDIO_MODULE_VIRTUAL_SPEAKER,
	SND_AUDIO_MODULE_VIRTUAL_HEADPHONES,
};

static struct platform_device *platform_device;

/*
 * ALSA completes it for each card that was removed, when it has freed it. They are counted under
 * the lock of the only device.
 */
static DECLARE_COMPLETION(card_freed);
static unsigned int cards_removed;

/* Without a port everything else goes on as it does with one (IF-2). */
static int endpoint_port_new(struct virtual_endpoint *endpoint)
{
	guid_t device_id;

	if (no_port)
		return 0;
	import_guid(&device_id, device_ids[endpoint->index]);
	return snd_audio_module_port_new(endpoint->card->card, endpoint->name, &device_id,
					 &endpoint->port);
}

static int endpoint_new(struct virtual_card *virtual, unsigned int number)
{
	struct virtual_endpoint *endpoint = &virtual->endpoints[number];
	int err;

	endpoint->card = virtual;
	endpoint->index = number;
	endpoint->name = endpoint_names[number];

	err = endpoint_port_new(endpoint);
	if (err)
		return err;
	err = virtual_pcm_new(endpoint);
	if (err)
		return err;
	err = virtual_modules_new(endpoint);
	if (err)
		return err;
	err = virtual_meter_new(endpoint);
	if (err)
		return err;
	return virtual_mode_new(endpoint);
}

static void virtual_card_free(struct snd_card *card)
{
	struct virtual_card *virtual = card->private_data;
	unsigned int i;

	for (i = 0; i < VIRTUAL_ENDPOINTS; i++) {
		virtual_meter_free(&virtual->endpoints[i].meter);
		virtual_modules_free(&virtual->endpoints[i]);
		snd_audio_module_port_put(virtual->endpoints[i].port);
	}
	mutex_destroy(&virtual->late_lock);
}

/*
 * The last close of a file gives this module back before it frees the card. private_free cannot
 * tell when it has returned, so ALSA does, as for snd_card_free().
 */
static void virtual_cards_wait(void)
{
	for (; cards_removed; cards_removed--)
		wait_for_completion(&card_freed);
}

static void virtual_card_remove(void *data)
{
	struct snd_card *card = data;
	struct virtual_card *virtual = card->private_data;
	unsigned int i;

	virtual_inject_free(virtual);
	snd_card_disconnect(card);
	virtual_late_free(virtual);
	for (i = 0; i < VIRTUAL_ENDPOINTS; i++)
		virtual_meter_disconnect(&virtual->endpoints[i].meter);
	card->release_completion = &card_freed;
	cards_removed++;
	snd_card_free_when_closed(card);
}

static int virtual_card_fill(struct virtual_card *virtual)
{
	struct snd_card *card = virtual->card;
	unsigned int i;
	int err;

	strscpy(card->driver, "AudioModules", sizeof(card->driver));
	strscpy(card->shortname, "Virtual audio modules", sizeof(card->shortname));
	strscpy(card->longname, "Virtual sound card with audio modules", sizeof(card->longname));

	for (i = 0; i < VIRTUAL_ENDPOINTS; i++) {
		err = endpoint_new(virtual, i);
		if (err)
			return err;
	}
	return snd_card_register(card);
}

static int virtual_probe(struct platform_device *device)
{
	struct virtual_card *virtual;
	struct snd_card *card;
	int err;

	err = snd_card_new(&device->dev, index, id, THIS_MODULE, sizeof(*virtual), &card);
	if (err)
		return err;

	virtual = card->private_data;
	virtual->card = card;
	virtual->pool_type = SND_PORTCLS_PAGED_POOL;
	mutex_init(&virtual->late_lock);
	card->private_free = virtual_card_free;
	err = virtual_card_fill(virtual);
	if (err) {
		snd_card_free(card);
		return err;
	}
	platform_set_drvdata(device, card);
	virtual_inject_new(virtual);
	return devm_add_action_or_reset(&device->dev, virtual_card_remove, card);
}

static struct platform_driver virtual_driver = {
	.probe	= virtual_probe,
	.driver	= {
		.name = DRIVER_NAME,
	},
};

static int __init virtual_init(void)
{
	int err;

	virtual_inject_init();
	err = platform_driver_register(&virtual_driver);
	if (err)
		goto exit_inject;
	platform_device = platform_device_register_simple(DRIVER_NAME, PLATFORM_DEVID_NONE,
							  NULL, 0);
	err = PTR_ERR_OR_ZERO(platform_device);
	if (err)
		goto unregister_driver;
	/* Why there is no card only the kernel's log knows. */
	if (!platform_get_drvdata(platform_device)) {
		err = -ENODEV;
		goto unregister_device;
	}
	return 0;

unregister_device:
	platform_device_unregister(platform_device);
unregister_driver:
	platform_driver_unregister(&virtual_driver);
exit_inject:
	virtual_inject_exit();
	virtual_cards_wait();
	return err;
}

static void __exit virtual_exit(void)
{
	platform_device_unregister(platform_device);
	platform_driver_unregister(&virtual_driver);
	virtual_inject_exit();
	virtual_cards_wait();
}

module_init(virtual_init);
module_exit(virtual_exit);

MODULE_DESCRIPTION("Virtual sound card with audio modules");
MODULE_AUTHOR("The ALSA audio modules maintainers");
MODULE_LICENSE("GPL");
