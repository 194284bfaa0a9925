/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ALSA audio modules: the interface for sound drivers
 *
 * A driver makes one port for each endpoint of its card, registers the endpoint's modules at it,
 * both before snd_card_register(), and posts a notification whenever a module changed:
 *
 *	snd_audio_module_port_new(card, "Speaker", NULL, &port);
 *	snd_audio_module_register(port, &equalizer, NULL, NULL, &module);
 *	snd_card_register(card);
 *	...
 *	snd_audio_module_post(module, &change, sizeof(change));
 *
 * It gives them back in the reverse order in card->private_free, or earlier. A driver that is
 * ported from Windows finds PortCls' calls in <sound/portcls.h>.
 *
 * snd_audio_module_post() may be called from any context but NMI, and waits for nothing but other
 * CPUs that write to the same card's journal, some microseconds. Making a port or a module and
 * giving it back is for process context and may sleep. Every call takes a port that is NULL: a
 * driver that could not get one goes on, and notifies nobody.
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
struct snd_pcm_substream;

/* Most bytes that snd_audio_module_post() takes in a hard interrupt. */
#define SND_AUDIO_MODULE_MAX_HARDIRQ_SIZE	4096

/**
 * struct snd_audio_module_descriptor - what a driver says of a module (KSAUDIOMODULE_DESCRIPTOR)
 * @class_id: type of module; not GUID_NULL
 * @instance_id: tells the modules of one class and endpoint apart (MOD-2)
 * @version_major: the vendor's
 * @version_minor: the vendor's
 * @label: short name for element names and addresses, unique in its endpoint; 1 to 31 bytes of
 *	printable ASCII without '/' and ':'. Of a module that has an element of its own the label
 *	and the endpoint's name have 29 bytes together: "<name> <label> Notification" has 43 at most
 * @name: the vendor's name, UTF-8, at most 127 UTF-16 units (KS-3)
 * @notification_size: bytes of vendor data that a notification of this module usually has: its
 *	control element is made large enough for them, up to 512 bytes with the 88 of the record's
 *	header and the module's identity
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

/**
 * struct snd_audio_module_ops - what a module can do
 * @command: handle a command (CMD-1): vendor bytes in, vendor bytes out. May be NULL.
 *
 *	@in has @in_size bytes and is NULL when that is 0; @out has room for *@out_size bytes, all
 *	zero, and is NULL when that is 0. Both are at most SND_AUDIO_MODULE_MAX_COMMAND_SIZE.
 *	Returns 0 and sets *@out_size to what was written. When *@out_size is 0 and there is an
 *	answer: returns -EOVERFLOW, sets *@out_size to what is needed, and does nothing else: the
 *	command comes again (CMD-5). When it is not 0 and too small: -ENOBUFS (CMD-4). Any other
 *	error is passed on; -EINVAL and -EOPNOTSUPP are STATUS_INVALID_PARAMETER and
 *	STATUS_INVALID_DEVICE_REQUEST. -ERESTARTSYS when a signal came before anything was done:
 *	the program's call is made again, or is -EINTR. The kernel's own errors (-ENOTSUPP), and
 *	more bytes than there is room for, are -EIO. After an error other than -EOVERFLOW nobody
 *	looks at *@out_size.
 *
 *	One command of a module runs at a time (CMD-7). Process context, may sleep and take the
 *	driver's locks, but waits neither for user space nor long for hardware, since nothing ends
 *	it and the disconnect waits for it (MOD-6); adds no control element and opens no PCM. May
 *	send notifications.
 */
struct snd_audio_module_ops {
	int (*command)(struct snd_audio_module *module, const void *in, size_t in_size,
		       void *out, size_t *out_size);
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
			      const struct snd_audio_module_ops *ops, void *private_data,
			      struct snd_audio_module **module);
int snd_audio_module_register_stream(struct snd_audio_module_port *port,
				     const struct snd_pcm_substream *substream,
				     const struct snd_audio_module_descriptor *descriptor,
				     const struct snd_audio_module_ops *ops, void *private_data,
				     struct snd_audio_module **module);
void snd_audio_module_unregister(struct snd_audio_module *module);
void *snd_audio_module_private(const struct snd_audio_module *module);

void snd_audio_module_post(struct snd_audio_module *module, const void *data, size_t size);

#endif /* __SOUND_AUDIO_MODULE_H */
