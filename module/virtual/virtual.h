/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual sound card: what its files share
 *
 *	card ---- endpoint (Speaker, Headphones) ---- module (parameters)
 *	  |          |-- meter                 ---- module (peak meter)
 *	  |          '-- stream (one for each PCM substream) ---- module (of that stream)
 *	  '-- inject, registration (debugfs)
 *
 * All of it lives in the sound card's private data, and ends in its private_free.
 */
#ifndef __AUDIO_MODULE_VIRTUAL_H
#define __AUDIO_MODULE_VIRTUAL_H

#include <linux/idr.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <sound/audio_module.h>
#include <sound/control.h>
#include <sound/core.h>
#include <sound/pcm.h>
#include <uapi/sound/audio_module_virtual.h>
#include "../compat.h"

#define VIRTUAL_ENDPOINTS	2
#define VIRTUAL_MODULES		3	/* of an endpoint, without the meter */
#define VIRTUAL_PARAMETERS	3	/* of a module, at most */
#define VIRTUAL_VALUES		3	/* that a parameter may have, at most */
#define VIRTUAL_SUBSTREAMS	4
#define VIRTUAL_CHANNELS	2

struct dentry;
struct virtual_endpoint;

/**
 * enum virtual_type - Windows' VARTYPE of a parameter
 * @VIRTUAL_TYPE_U8: VT_UI1
 * @VIRTUAL_TYPE_U16: VT_UI2
 * @VIRTUAL_TYPE_U32: VT_UI4
 * @VIRTUAL_TYPE_U64: VT_UI8
 */
enum virtual_type {
	VIRTUAL_TYPE_U8		= 17,
	VIRTUAL_TYPE_U16	= 18,
	VIRTUAL_TYPE_U32	= 19,
	VIRTUAL_TYPE_U64	= 21
};

/**
 * struct virtual_parameter_type - one parameter of a class of modules
 * @name: last word of the element's name; NULL ends a list
 * @type: what commands call its type
 * @size: bytes of its value in commands
 * @values: what it may be set to; NULL: see @count
 * @texts: the same, as texts
 * @count: how many, at most VIRTUAL_VALUES; 0 with @maximum: it is read-only; 0 without: four
 *	BYTES
 * @maximum: of a read-only parameter
 */
struct virtual_parameter_type {
	const char *name;
	enum virtual_type type;
	u8 size;
	const u64 *values;
	const char * const *texts;
	unsigned int count;
	u64 maximum;
};

/**
 * enum virtual_mode - what a stream is for (Windows' signal processing modes)
 * @VIRTUAL_MODE_DEFAULT: AUDIO_SIGNALPROCESSINGMODE_DEFAULT
 * @VIRTUAL_MODE_RAW: ..._RAW
 * @VIRTUAL_MODE_COMMUNICATIONS: ..._COMMUNICATIONS
 * @VIRTUAL_MODE_SPEECH: ..._SPEECH
 * @VIRTUAL_MODE_NOTIFICATION: ..._NOTIFICATION
 * @VIRTUAL_MODE_MEDIA: ..._MEDIA
 * @VIRTUAL_MODE_MOVIE: ..._MOVIE
 * @VIRTUAL_MODES: how many
 * @VIRTUAL_MODE_ALL: of a module: GUID_NULL, it is in streams of every mode (KS-4)
 */
enum virtual_mode {
	VIRTUAL_MODE_DEFAULT,
	VIRTUAL_MODE_RAW,
	VIRTUAL_MODE_COMMUNICATIONS,
	VIRTUAL_MODE_SPEECH,
	VIRTUAL_MODE_NOTIFICATION,
	VIRTUAL_MODE_MEDIA,
	VIRTUAL_MODE_MOVIE,
	VIRTUAL_MODES,
	VIRTUAL_MODE_ALL = VIRTUAL_MODES
};

/**
 * struct virtual_module - one of SYSVAD's modules 0, 1 and 2, of an endpoint or of a stream
 * @endpoint: whose; NULL before it is made
 * @descriptor: what it is
 * @parameters: its parameters, up to one without a name
 * @mode: of the streams that get an instance of it
 * @instances: of an endpoint's module: the numbers that those have in their InstanceIds
 * @template: of a stream's module: the endpoint's that it was made from
 * @module: its handle
 * @lock: makes a change and its notification one step (CMD-7)
 * @values: of its parameters
 * @element_ids: of its parameters' elements, which an endpoint's module has
 */
struct virtual_module {
	struct virtual_endpoint *endpoint;
	struct snd_audio_module_descriptor descriptor;
	const struct virtual_parameter_type *parameters;
	enum virtual_mode mode;
	struct ida instances;
	struct virtual_module *template;
	struct snd_audio_module *module;
	struct mutex lock;	/* see @lock above */
	u64 values[VIRTUAL_PARAMETERS];
	struct snd_ctl_elem_id element_ids[VIRTUAL_PARAMETERS];
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
 * @pcm: its PCM device
 * @mode: enum virtual_mode of the streams that are opened from now on
 * @modules: its modules
 * @meter: its peak meter
 */
struct virtual_endpoint {
	struct virtual_card *card;
	unsigned int index;
	const char *name;
	struct snd_audio_module_port *port;
	struct snd_pcm *pcm;
	unsigned int mode;
	struct virtual_module modules[VIRTUAL_MODULES];
	struct virtual_meter meter;
};

/**
 * struct virtual_card - the whole
 * @card: the sound card
 * @endpoints: its endpoints
 * @pool_type: where the modules' notifications of changes come from: PagedPool
 * @debugfs: directory of the hooks
 * @late: a module that a hook registered after the card
 * @late_handler: what its handler does, set before there is one: enum handler of inject.c
 * @late_lock: protects @late
 * @counter: number of the next injected notification
 */
struct virtual_card {
	struct snd_card *card;
	struct virtual_endpoint endpoints[VIRTUAL_ENDPOINTS];
	u32 pool_type;
	struct dentry *debugfs;
	struct snd_audio_module *late;
	u32 late_handler;
	struct mutex late_lock;	/* see @late_lock above */
	atomic64_t counter;
};

void virtual_notify(const struct virtual_endpoint *endpoint,
		    const struct snd_audio_module_descriptor *descriptor,
		    unsigned int pool_type, const void *data, size_t size);

u32 virtual_parameter_count(const struct virtual_module *module);
u32 virtual_parameter_access(const struct virtual_parameter_type *type);
u64 virtual_parameter_get(struct virtual_module *module, u32 parameter);
int virtual_parameter_set(struct virtual_module *module, u32 parameter, u64 value);
extern const struct snd_audio_module_ops virtual_module_ops;

int virtual_control_new(const struct virtual_endpoint *endpoint,
			const struct snd_kcontrol_new *template, void *chip,
			struct snd_ctl_elem_id *id);
int virtual_modules_new(struct virtual_endpoint *endpoint);
void virtual_modules_free(struct virtual_endpoint *endpoint);

int virtual_mode_new(struct virtual_endpoint *endpoint);
int virtual_stream_modules_new(struct virtual_endpoint *endpoint,
			       const struct snd_pcm_substream *substream,
			       struct virtual_module **modules);
void virtual_stream_modules_free(struct virtual_module **modules);
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
void virtual_late_free(struct virtual_card *card);

void virtual_registration_new(struct virtual_card *card);

#endif /* __AUDIO_MODULE_VIRTUAL_H */
