// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual sound card: playback into nothing
 *
 * DOC: The idea
 *
 * Each endpoint has a PCM device whose substreams play at the pace of the clock. A timer looks
 * how many frames have passed, hands the samples among them to the endpoint's meter, and tells
 * ALSA of each period. What a program has not written yet is not measured, except where ALSA
 * lets a stream run on without being written (as its dmix plugin does).
 */

#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>

#include "virtual.h"

#define TICK		max(1, HZ / 100)

/* Microseconds: some ticks, or ALSA could not tell how often a buffer was played. */
#define BUFFER_TIME_MIN	40000

/**
 * struct virtual_stream - a substream that is open
 * @substream: the substream
 * @meter: of its endpoint
 * @modules: its own, NULL where its mode has none
 * @timer: moves it on
 * @lock: protects what follows
 * @running: it plays
 * @start: when it began to
 * @played: frames since then
 * @queued: frames that were written for it
 * @appl_ptr: of the program, when @queued was counted
 * @reported: periods that ALSA was told of
 */
struct virtual_stream {
	struct snd_pcm_substream *substream;
	struct virtual_meter *meter;
	struct virtual_module *modules[VIRTUAL_MODULES];
	struct timer_list timer;
	spinlock_t lock;	/* see @lock above */
	bool running;
	ktime_t start;
	u64 played;
	u64 queued;
	snd_pcm_uframes_t appl_ptr;
	u64 reported;
};

static const struct snd_pcm_hardware pcm_hardware = {
	.info = SNDRV_PCM_INFO_MMAP | SNDRV_PCM_INFO_MMAP_VALID | SNDRV_PCM_INFO_INTERLEAVED |
		SNDRV_PCM_INFO_BLOCK_TRANSFER,
	.formats = SNDRV_PCM_FMTBIT_S16_LE,
	.rates = SNDRV_PCM_RATE_8000_48000,
	.rate_min = 8000,
	.rate_max = 48000,
	.channels_min = 1,
	.channels_max = VIRTUAL_CHANNELS,
	.buffer_bytes_max = 256 * 1024,
	.period_bytes_min = 256,
	.period_bytes_max = 64 * 1024,
	.periods_min = 2,
	.periods_max = 256,
};

/* Count what the program wrote, or took back, since the last time. */
static void count_queued(struct virtual_stream *stream)
{
	struct snd_pcm_runtime *runtime = stream->substream->runtime;
	snd_pcm_uframes_t appl_ptr = READ_ONCE(runtime->control->appl_ptr);
	snd_pcm_uframes_t forward = appl_ptr >= stream->appl_ptr ?
		appl_ptr - stream->appl_ptr : appl_ptr + runtime->boundary - stream->appl_ptr;
	snd_pcm_uframes_t back = runtime->boundary - forward;

	if (forward <= runtime->boundary / 2)
		stream->queued += forward;
	else if (back <= runtime->buffer_size)	/* farther: it was reset, and plays on */
		stream->queued -= min_t(u64, stream->queued, back);
	stream->appl_ptr = appl_ptr;
}

/* Measure the frames from @from up to @to, which are in the buffer. */
static void measure(struct virtual_stream *stream, u64 from, u64 to)
{
	struct snd_pcm_runtime *runtime = stream->substream->runtime;

	while (from < to) {
		u32 offset;
		u32 frames;

		div_u64_rem(from, runtime->buffer_size, &offset);
		frames = min_t(u64, to - from, runtime->buffer_size - offset);
		virtual_meter_measure(stream->meter,
				      (__le16 *)(runtime->dma_area +
						 frames_to_bytes(runtime, offset)),
				      frames, runtime->channels);
		from += frames;
	}
}

/* Move the stream to where it is by the clock. */
static void advance(struct virtual_stream *stream)
{
	struct snd_pcm_runtime *runtime = stream->substream->runtime;
	u64 now = mul_u64_u32_div(ktime_to_ns(ktime_sub(ktime_get(), stream->start)),
				  runtime->rate, NSEC_PER_SEC);
	u64 from = stream->played;
	u64 to;

	lockdep_assert_held(&stream->lock);

	count_queued(stream);
	to = runtime->stop_threshold > runtime->buffer_size ? now : min(now, stream->queued);
	if (to > from + runtime->buffer_size)
		from = to - runtime->buffer_size;
	measure(stream, from, to);
	stream->played = now;
}

/* True when a period ended that ALSA was not told of. */
static bool period_elapsed(struct virtual_stream *stream)
{
	u64 periods = div_u64(stream->played, stream->substream->runtime->period_size);

	lockdep_assert_held(&stream->lock);

	if (periods == stream->reported)
		return false;
	stream->reported = periods;
	return true;
}

static void stream_timer(struct timer_list *timer)
{
	struct virtual_stream *stream = container_of(timer, struct virtual_stream, timer);
	bool elapsed = false;
	unsigned long flags;

	spin_lock_irqsave(&stream->lock, flags);
	if (stream->running) {
		advance(stream);
		elapsed = period_elapsed(stream);
		mod_timer(&stream->timer, jiffies + TICK);
	}
	spin_unlock_irqrestore(&stream->lock, flags);

	/* May stop the stream: without the lock. */
	if (elapsed)
		snd_pcm_period_elapsed(stream->substream);
}

static int pcm_open(struct snd_pcm_substream *substream)
{
	struct virtual_endpoint *endpoint = snd_pcm_substream_chip(substream);
	struct virtual_stream *stream;
	int err;

	err = snd_pcm_hw_constraint_minmax(substream->runtime, SNDRV_PCM_HW_PARAM_BUFFER_TIME,
					   BUFFER_TIME_MIN, UINT_MAX);
	if (err < 0)
		return err;
	stream = kzalloc_obj(*stream, GFP_KERNEL);
	if (!stream)
		return -ENOMEM;

	err = virtual_stream_modules_new(endpoint, substream, stream->modules);
	if (err) {
		kfree(stream);
		return err;
	}
	stream->substream = substream;
	stream->meter = &endpoint->meter;
	spin_lock_init(&stream->lock);
	timer_setup(&stream->timer, stream_timer, 0);
	substream->runtime->private_data = stream;
	substream->runtime->hw = pcm_hardware;
	return 0;
}

static int pcm_close(struct snd_pcm_substream *substream)
{
	struct virtual_stream *stream = substream->runtime->private_data;

	timer_delete_sync(&stream->timer);
	virtual_stream_modules_free(stream->modules);
	kfree(stream);
	return 0;
}

static int pcm_prepare(struct snd_pcm_substream *substream)
{
	struct virtual_stream *stream = substream->runtime->private_data;

	stream->played = 0;
	stream->queued = 0;
	stream->reported = 0;
	return 0;
}

static void stream_start(struct virtual_stream *stream)
{
	unsigned long flags;

	spin_lock_irqsave(&stream->lock, flags);
	stream->appl_ptr = stream->substream->runtime->status->hw_ptr;
	stream->start = ktime_get();
	stream->running = true;
	mod_timer(&stream->timer, jiffies + TICK);
	spin_unlock_irqrestore(&stream->lock, flags);
	virtual_meter_start(stream->meter);
}

static void stream_stop(struct virtual_stream *stream)
{
	unsigned long flags;

	spin_lock_irqsave(&stream->lock, flags);
	stream->running = false;
	spin_unlock_irqrestore(&stream->lock, flags);
	virtual_meter_stop(stream->meter);
}

static int pcm_trigger(struct snd_pcm_substream *substream, int command)
{
	struct virtual_stream *stream = substream->runtime->private_data;

	switch (command) {
	case SNDRV_PCM_TRIGGER_START:
		stream_start(stream);
		return 0;
	case SNDRV_PCM_TRIGGER_STOP:
	case SNDRV_PCM_TRIGGER_SUSPEND:
		stream_stop(stream);
		return 0;
	default:
		return -EINVAL;
	}
}

static int pcm_sync_stop(struct snd_pcm_substream *substream)
{
	struct virtual_stream *stream = substream->runtime->private_data;

	timer_delete_sync(&stream->timer);
	return 0;
}

static snd_pcm_uframes_t pcm_pointer(struct snd_pcm_substream *substream)
{
	struct virtual_stream *stream = substream->runtime->private_data;
	unsigned long flags;
	u32 offset;

	spin_lock_irqsave(&stream->lock, flags);
	if (stream->running)
		advance(stream);
	div_u64_rem(stream->played, substream->runtime->buffer_size, &offset);
	spin_unlock_irqrestore(&stream->lock, flags);
	return offset;
}

static const struct snd_pcm_ops pcm_ops = {
	.open		= pcm_open,
	.close		= pcm_close,
	.prepare	= pcm_prepare,
	.trigger	= pcm_trigger,
	.sync_stop	= pcm_sync_stop,
	.pointer	= pcm_pointer,
};

/**
 * virtual_pcm_new - give an endpoint its PCM device
 * @endpoint: the endpoint
 *
 * Return: 0 or what ALSA says; the sound card frees the device.
 */
int virtual_pcm_new(struct virtual_endpoint *endpoint)
{
	struct snd_pcm *pcm;
	int err;

	err = snd_pcm_new(endpoint->card->card, endpoint->name, endpoint->index,
			  VIRTUAL_SUBSTREAMS, 0, &pcm);
	if (err)
		return err;

	endpoint->pcm = pcm;
	pcm->private_data = endpoint;
	strscpy(pcm->name, endpoint->name, sizeof(pcm->name));
	snd_pcm_set_ops(pcm, SNDRV_PCM_STREAM_PLAYBACK, &pcm_ops);
	snd_pcm_set_managed_buffer_all(pcm, SNDRV_DMA_TYPE_VMALLOC, NULL, 0, 0);
	return snd_audio_module_port_add_pcm(endpoint->port, pcm);
}
