/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual sound card: what its files share
 *
 *	card ---- endpoint (Speaker, Headphones) ---- module (parameters)
 *	  |          |-- meter                 ---- module (peak meter)
 *	  |          '-- stream (one for each PCM substream)
 *	  '-- inject (debugfs)
 *
 * All of it lives in the sound card's private data, and ends in its private_free.
 */
#ifndef __AUDIO_MODULE_VIRTUAL_H
#define __AUDIO_MODULE_VIRTUAL_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <sound/audio_module.h>
#include <sound/control.h>
#include <sound/core.h>
#include <sound/pcm.h>
#include <uapi/sound/audio_module_virtual.h>

#define VIRTUAL_ENDPOINTS	2
#define VIRTUAL_MODULES		3	/* of an endpoint, without the meter */
#define VIRTUAL_PARAMETERS	3	/* of a module, at most */
#define VIRTUAL_SUBSTREAMS	4
#define VIRTUAL_CHANNELS	2

struct dentry;
struct virtual_endpoint;
struct virtual_parameter_type;

/**
 * struct virtual_module - one of SYSVAD's modules 0, 1 and 2
 * @endpoint: whose
 * @descriptor: what it is
 * @parameters: its parameters, up to one without a name
 * @module: its handle
 * @lock: makes a change and its notification one step (CMD-7)
 * @values: of its parameters
 */
struct virtual_module {
	struct virtual_endpoint *endpoint;
	const struct snd_audio_module_descriptor *descriptor;
	const struct virtual_parameter_type *parameters;
	struct snd_audio_module *module;
	struct mutex lock;	/* see @lock above */
	u64 values[VIRTUAL_PARAMETERS];
};

/**
 * struct virtual_meter - measures what is played to an endpoint
 * @endpoint: whose
 * @module: its handle
 * @rate: LEVEL notifications a second; 0: it says nothing
 * @timer: measures
 * @lock: protects what follows
 * @streams: how many are playing
 * @stopped: the card goes away
 * @sound: SOUND was said, and no SILENCE since
 * @channels: of what was played since the last LEVEL
 * @peak: since the last LEVEL
 * @clipped: since the last LEVEL
 * @frames: since the card appeared
 * @told: of those, when the timer looked last
 */
struct virtual_meter {
	struct virtual_endpoint *endpoint;
	struct snd_audio_module *module;
	unsigned int rate;
	struct timer_list timer;
	spinlock_t lock;	/* see @lock above */
	unsigned int streams;
	bool stopped;
	bool sound;
	u32 channels;
	u32 peak[VIRTUAL_CHANNELS];
	u32 clipped[VIRTUAL_CHANNELS];
	u64 frames;
	u64 told;
};

/**
 * struct virtual_endpoint - an endpoint
 * @card: whose
 * @index: which
 * @name: its name
 * @port: its handle
 * @modules: its modules
 * @meter: its peak meter
 */
struct virtual_endpoint {
	struct virtual_card *card;
	unsigned int index;
	const char *name;
	struct snd_audio_module_port *port;
	struct virtual_module modules[VIRTUAL_MODULES];
	struct virtual_meter meter;
};

/**
 * struct virtual_card - the whole
 * @card: the sound card
 * @endpoints: its endpoints
 * @debugfs: directory of the hooks
 * @late: a module that a hook registered after the card
 * @late_lock: protects @late
 * @counter: number of the next injected notification
 */
struct virtual_card {
	struct snd_card *card;
	struct virtual_endpoint endpoints[VIRTUAL_ENDPOINTS];
	struct dentry *debugfs;
	struct snd_audio_module *late;
	struct mutex late_lock;	/* see @late_lock above */
	atomic64_t counter;
};

void virtual_notify(const struct virtual_endpoint *endpoint,
		    const struct snd_audio_module_descriptor *descriptor,
		    unsigned int pool_type, const void *data, size_t size);

int virtual_modules_new(struct virtual_endpoint *endpoint);
void virtual_modules_free(struct virtual_endpoint *endpoint);

int virtual_pcm_new(struct virtual_endpoint *endpoint);

int virtual_meter_new(struct virtual_endpoint *endpoint);
void virtual_meter_free(struct virtual_meter *meter);
void virtual_meter_start(struct virtual_meter *meter);
void virtual_meter_stop(struct virtual_meter *meter);
void virtual_meter_measure(struct virtual_meter *meter, const __le16 *samples,
			   unsigned int frames, unsigned int channels);
void virtual_meter_disconnect(struct virtual_meter *meter);

void virtual_inject_init(void);
void virtual_inject_exit(void);
void virtual_inject_new(struct virtual_card *card);
void virtual_inject_free(struct virtual_card *card);

#endif /* __AUDIO_MODULE_VIRTUAL_H */
