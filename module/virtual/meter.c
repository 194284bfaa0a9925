// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual sound card: the peak meter
 *
 * DOC: The idea
 *
 * The module with real input: it measures the samples that programs play to the endpoint and
 * tells the peak of each channel, clipping, and the begin and end of silence. It does so from its
 * timer, in softirq context, where a driver's interrupt work usually runs: with a buffer from
 * NonPagedPoolNx. An element sets how often. While there is silence it says nothing.
 */

#include <linux/slab.h>
#include <sound/portcls.h>

#include "virtual.h"

#define RATE_DEFAULT	10
#define RATE_MAX	100
#define FULL_SCALE	32767

static const struct snd_audio_module_descriptor meter_descriptor = {
	.class_id = GUID_INIT(0xa9f3d7c4, 0x52e8, 0x4e0b,
			      0x8f, 0x6d, 0x1b, 0x7c, 0x2e, 0x90, 0x5a, 0x33),
	.version_major = 1,
	.label = "Meter",
	.name = "Peak meter",
	.notification_size = sizeof(struct snd_audio_module_virtual_meter),
};

/* Tell @type with what was measured, in any context up to a spinlock held. */
static void meter_notify(const struct virtual_meter *meter,
			 const struct snd_audio_module_virtual_meter *measured, u32 type)
{
	struct snd_audio_module_virtual_meter notification = *measured;

	notification.type = type;
	virtual_notify(meter->endpoint, &meter_descriptor, SND_PORTCLS_NON_PAGED_POOL_NX,
		       &notification, sizeof(notification));
}

/* Take what was measured since the last time. */
static void meter_take(struct virtual_meter *meter, struct snd_audio_module_virtual_meter *taken)
{
	lockdep_assert_held(&meter->lock);

	memset(taken, 0, sizeof(*taken));
	taken->channels = meter->channels;
	memcpy(taken->peak, meter->peak, sizeof(taken->peak));
	memcpy(taken->clipped, meter->clipped, sizeof(taken->clipped));
	taken->frames = meter->frames;
	memset(meter->peak, 0, sizeof(meter->peak));
	memset(meter->clipped, 0, sizeof(meter->clipped));
}

/* Say what there is to say of @measured. */
static void meter_tell(struct virtual_meter *meter,
		       const struct snd_audio_module_virtual_meter *measured)
{
	bool sound = measured->peak[0] || measured->peak[1];

	if (sound && !meter->sound)
		meter_notify(meter, measured, SND_AUDIO_MODULE_VIRTUAL_METER_SOUND);
	if (measured->clipped[0] || measured->clipped[1])
		meter_notify(meter, measured, SND_AUDIO_MODULE_VIRTUAL_METER_CLIP);
	if (sound)
		meter_notify(meter, measured, SND_AUDIO_MODULE_VIRTUAL_METER_LEVEL);
	if (!sound && meter->sound)
		meter_notify(meter, measured, SND_AUDIO_MODULE_VIRTUAL_METER_SILENCE);
	meter->sound = sound;
}

static unsigned long meter_interval(const struct virtual_meter *meter)
{
	return max(1UL, (unsigned long)HZ / (READ_ONCE(meter->rate) ?: RATE_DEFAULT));
}

/* Only the timer touches meter->sound, and nothing sends under meter->lock. */
static void meter_timer(struct timer_list *timer)
{
	struct virtual_meter *meter = container_of(timer, struct virtual_meter, timer);
	struct snd_audio_module_virtual_meter measured;
	unsigned long flags;
	bool early;

	spin_lock_irqsave(&meter->lock, flags);
	/* Something plays and nothing new was measured: that is not silence, we are too early. */
	early = meter->streams && meter->frames == meter->told;
	meter->told = meter->frames;
	meter_take(meter, &measured);
	spin_unlock_irqrestore(&meter->lock, flags);

	if (!READ_ONCE(meter->rate))
		meter->sound = false;
	else if (!early)
		meter_tell(meter, &measured);

	spin_lock_irqsave(&meter->lock, flags);
	/* After the last stream once more, for the silence. */
	if (!meter->stopped && (meter->streams || meter->sound))
		mod_timer(&meter->timer, jiffies + meter_interval(meter));
	spin_unlock_irqrestore(&meter->lock, flags);
}

/**
 * virtual_meter_measure - measure samples
 * @meter: the meter
 * @samples: interleaved
 * @frames: how many times @channels samples
 * @channels: 1 or 2
 *
 * Context: Any up to a spinlock held.
 */
void virtual_meter_measure(struct virtual_meter *meter, const __le16 *samples,
			   unsigned int frames, unsigned int channels)
{
	u32 peak[VIRTUAL_CHANNELS] = {};
	u32 clipped[VIRTUAL_CHANNELS] = {};
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < frames * channels; i++) {
		u32 level = abs((int)(s16)le16_to_cpu(samples[i]));

		peak[i % channels] = max(peak[i % channels], level);
		clipped[i % channels] += level >= FULL_SCALE;
	}

	spin_lock_irqsave(&meter->lock, flags);
	meter->channels = channels;
	meter->frames += frames;
	for (i = 0; i < channels; i++) {
		meter->peak[i] = max(meter->peak[i], peak[i]);
		meter->clipped[i] += clipped[i];
	}
	spin_unlock_irqrestore(&meter->lock, flags);
}

/**
 * virtual_meter_start - a stream begins to play
 * @meter: of its endpoint
 */
void virtual_meter_start(struct virtual_meter *meter)
{
	unsigned long flags;

	spin_lock_irqsave(&meter->lock, flags);
	meter->streams++;
	if (!meter->stopped && !timer_pending(&meter->timer))
		mod_timer(&meter->timer, jiffies + meter_interval(meter));
	spin_unlock_irqrestore(&meter->lock, flags);
}

/**
 * virtual_meter_stop - a stream stops
 * @meter: of its endpoint
 */
void virtual_meter_stop(struct virtual_meter *meter)
{
	unsigned long flags;

	spin_lock_irqsave(&meter->lock, flags);
	meter->streams--;
	spin_unlock_irqrestore(&meter->lock, flags);
}

/**
 * virtual_meter_disconnect - the card goes away: say nothing any more
 * @meter: the meter
 */
void virtual_meter_disconnect(struct virtual_meter *meter)
{
	unsigned long flags;

	spin_lock_irqsave(&meter->lock, flags);
	meter->stopped = true;
	spin_unlock_irqrestore(&meter->lock, flags);
	timer_delete_sync(&meter->timer);
}

static int rate_info(struct snd_kcontrol *control, struct snd_ctl_elem_info *info)
{
	info->type = SNDRV_CTL_ELEM_TYPE_INTEGER;
	info->count = 1;
	info->value.integer.min = 0;
	info->value.integer.max = RATE_MAX;
	info->value.integer.step = 1;
	return 0;
}

static int rate_get(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	const struct virtual_meter *meter = snd_kcontrol_chip(control);

	value->value.integer.value[0] = READ_ONCE(meter->rate);
	return 0;
}

static int rate_put(struct snd_kcontrol *control, struct snd_ctl_elem_value *value)
{
	struct virtual_meter *meter = snd_kcontrol_chip(control);
	long rate = value->value.integer.value[0];

	if (rate < 0 || rate > RATE_MAX)
		return -EINVAL;
	if (rate == meter->rate)
		return 0;
	WRITE_ONCE(meter->rate, rate);
	return 1;
}

/**
 * virtual_meter_new - give an endpoint its meter
 * @endpoint: the endpoint
 *
 * Return: 0 or what failed; virtual_meter_free() takes back what was made.
 */
int virtual_meter_new(struct virtual_endpoint *endpoint)
{
	struct virtual_meter *meter = &endpoint->meter;
	char name[SNDRV_CTL_ELEM_ID_NAME_MAXLEN];
	const struct snd_kcontrol_new template = {
		.iface = SNDRV_CTL_ELEM_IFACE_MIXER,
		.name = name,
		.access = SNDRV_CTL_ELEM_ACCESS_READWRITE,
		.info = rate_info,
		.get = rate_get,
		.put = rate_put,
	};
	int err;

	meter->endpoint = endpoint;
	meter->rate = RATE_DEFAULT;
	spin_lock_init(&meter->lock);
	timer_setup(&meter->timer, meter_timer, 0);

	err = snd_audio_module_register(endpoint->port, &meter_descriptor, NULL, NULL,
					&meter->module);
	if (err)
		return err;
	snprintf(name, sizeof(name), "%s Meter Rate", endpoint->name);
	return virtual_control_new(endpoint, &template, meter, NULL);
}

/**
 * virtual_meter_free - take an endpoint's meter back
 * @meter: the meter, or one that was never made
 */
void virtual_meter_free(struct virtual_meter *meter)
{
	if (!meter->endpoint)
		return;
	/* A card that could not be registered was not disconnected either. */
	virtual_meter_disconnect(meter);
	snd_audio_module_unregister(meter->module);
}
