/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ALSA audio modules: the interface for sound drivers
 *
 * A driver makes one port for each endpoint of its card, registers the endpoint's modules at it,
 * both before snd_card_register(), and posts a notification whenever a module changed:
 *
 *	snd_audio_module_port_new(card, "Speaker", NULL, &port);
 *	snd_audio_module_register(port, &equalizer, &module);
 *	snd_card_register(card);
 *	...
 *	snd_audio_module_post(module, &change, sizeof(change));
 *
 * It gives them back in the reverse order in card->private_free, or earlier. A driver that is
 * ported from Windows finds PortCls' calls in <sound/portcls.h>.
 */
#ifndef __SOUND_AUDIO_MODULE_H
#define __SOUND_AUDIO_MODULE_H

#include <linux/types.h>
#include <linux/uuid.h>
#include <uapi/sound/audio_module.h>

struct snd_audio_module;
struct snd_audio_module_port;
struct snd_card;
struct snd_pcm;

/* Most bytes that snd_audio_module_post() takes in a hard interrupt. */
#define SND_AUDIO_MODULE_MAX_HARDIRQ_SIZE	4096

/**
 * struct snd_audio_module_descriptor - what a driver says of a module (KSAUDIOMODULE_DESCRIPTOR)
 * @class_id: type of module; not GUID_NULL
 * @instance_id: tells the modules of one class and endpoint apart (MOD-2)
 * @version_major: the vendor's
 * @version_minor: the vendor's
 * @label: short name for element names and addresses, unique in its endpoint; 1 to 31 bytes of
 *	printable ASCII without '/' and ':'
 * @name: the vendor's name, UTF-8, at most 127 UTF-16 units (KS-3)
 * @notification_size: bytes of vendor data that a notification of this module usually has: its
 *	control element is made large enough for them, up to 512 bytes in all
 *
 * snd_audio_module_register() copies everything.
 */
struct snd_audio_module_descriptor {
	guid_t class_id;
	u32 instance_id;
	u32 version_major;
	u32 version_minor;
	const char *label;
	const char *name;
	u16 notification_size;
};

/* NotificationId of audio modules (KSNOTIFICATIONID_AudioModule). */
extern const guid_t snd_audio_module_notification_id;

int snd_audio_module_port_new(struct snd_card *card, const char *name, const guid_t *device_id,
			      struct snd_audio_module_port **port);
int snd_audio_module_port_add_pcm(struct snd_audio_module_port *port, const struct snd_pcm *pcm);
struct snd_audio_module_port *snd_audio_module_port_get(struct snd_audio_module_port *port);
void snd_audio_module_port_put(struct snd_audio_module_port *port);
const guid_t *snd_audio_module_port_device_id(const struct snd_audio_module_port *port);

int snd_audio_module_register(struct snd_audio_module_port *port,
			      const struct snd_audio_module_descriptor *descriptor,
			      struct snd_audio_module **module);
void snd_audio_module_unregister(struct snd_audio_module *module);

void snd_audio_module_post(struct snd_audio_module *module, const void *data, size_t size);

#endif /* __SOUND_AUDIO_MODULE_H */
