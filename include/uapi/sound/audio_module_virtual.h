/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * ALSA audio modules: what the virtual device's modules say
 *
 * The vendor bytes of the virtual device's notifications, behind struct
 * snd_audio_module_notification. All integers are in host byte order.
 */
#ifndef _UAPI_SOUND_AUDIO_MODULE_VIRTUAL_H
#define _UAPI_SOUND_AUDIO_MODULE_VIRTUAL_H

#include <linux/types.h>

/* DeviceId of the endpoints: 7B1C1F60-3C0E-4B52-9A53-5D0C8E4A6F01 and ...02. */
#define SND_AUDIO_MODULE_VIRTUAL_SPEAKER \
	{ 0x60, 0x1f, 0x1c, 0x7b, 0x0e, 0x3c, 0x52, 0x4b, \
	  0x9a, 0x53, 0x5d, 0x0c, 0x8e, 0x4a, 0x6f, 0x01 }
#define SND_AUDIO_MODULE_VIRTUAL_HEADPHONES \
	{ 0x60, 0x1f, 0x1c, 0x7b, 0x0e, 0x3c, 0x52, 0x4b, \
	  0x9a, 0x53, 0x5d, 0x0c, 0x8e, 0x4a, 0x6f, 0x02 }

/* ClassId of modules 0, 1 and 2, those of Microsoft's SYSVAD sample: */
/* E24C8B6F-EDE7-4255-8B39-77976015D593 */
#define SND_AUDIO_MODULE_VIRTUAL_MODULE0 \
	{ 0x6f, 0x8b, 0x4c, 0xe2, 0xe7, 0xed, 0x55, 0x42, \
	  0x8b, 0x39, 0x77, 0x97, 0x60, 0x15, 0xd5, 0x93 }
/* 5CE55C8E-84DF-4317-98C7-792DE83366CC */
#define SND_AUDIO_MODULE_VIRTUAL_MODULE1 \
	{ 0x8e, 0x5c, 0xe5, 0x5c, 0xdf, 0x84, 0x17, 0x43, \
	  0x98, 0xc7, 0x79, 0x2d, 0xe8, 0x33, 0x66, 0xcc }
/* CC2A9527-19D9-4784-8DD4-6C1FE01E3726 */
#define SND_AUDIO_MODULE_VIRTUAL_MODULE2 \
	{ 0x27, 0x95, 0x2a, 0xcc, 0xd9, 0x19, 0x84, 0x47, \
	  0x8d, 0xd4, 0x6c, 0x1f, 0xe0, 0x1e, 0x37, 0x26 }
/* ClassId of the peak meter: A9F3D7C4-52E8-4E0B-8F6D-1B7C2E905A33 */
#define SND_AUDIO_MODULE_VIRTUAL_METER \
	{ 0xc4, 0xd7, 0xf3, 0xa9, 0xe8, 0x52, 0x0b, 0x4e, \
	  0x8f, 0x6d, 0x1b, 0x7c, 0x2e, 0x90, 0x5a, 0x33 }

/**
 * struct snd_audio_module_virtual_parameter - modules 0, 1 and 2 tell: a parameter changed
 * @type: 0: ParameterChanged
 * @parameter: ParameterId; its new value is not told, ask for it
 */
struct snd_audio_module_virtual_parameter {
	__u32 type;
	__u32 parameter;
};

/**
 * enum snd_audio_module_virtual_meter_type - what the peak meter tells
 * @SND_AUDIO_MODULE_VIRTUAL_METER_LEVEL: the peaks since the last notification
 * @SND_AUDIO_MODULE_VIRTUAL_METER_SILENCE: silence begins: all samples are zero, or the
 *	playback stopped
 * @SND_AUDIO_MODULE_VIRTUAL_METER_SOUND: silence ends
 * @SND_AUDIO_MODULE_VIRTUAL_METER_CLIP: samples reached full scale since the last notification
 */
enum snd_audio_module_virtual_meter_type {
	SND_AUDIO_MODULE_VIRTUAL_METER_LEVEL	= 1,
	SND_AUDIO_MODULE_VIRTUAL_METER_SILENCE	= 2,
	SND_AUDIO_MODULE_VIRTUAL_METER_SOUND	= 3,
	SND_AUDIO_MODULE_VIRTUAL_METER_CLIP	= 4
};

/**
 * struct snd_audio_module_virtual_meter - vendor bytes of the peak meter
 * @type: enum snd_audio_module_virtual_meter_type
 * @channels: how many of the arrays' members are used: 1 or 2
 * @peak: per channel, the largest absolute sample since the last LEVEL: 0 to 32768
 * @clipped: per channel, how many samples were at full scale since the last LEVEL
 * @frames: frames that this endpoint has played since the card appeared
 */
struct snd_audio_module_virtual_meter {
	__u32 type;
	__u32 channels;
	__u32 peak[2];
	__u32 clipped[2];
	__aligned_u64 frames;
};

#endif /* _UAPI_SOUND_AUDIO_MODULE_VIRTUAL_H */
