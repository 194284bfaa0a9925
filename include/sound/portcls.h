/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PortCls' audio-module notifications for ported drivers
 *
 * IPortClsNotifications under its own names: a driver allocates a buffer from a pool, fills it
 * with a KSAUDIOMODULE_NOTIFICATION and vendor bytes, sends it, and frees it.
 *
 *	PortCls					here
 *	IPortClsNotifications *			struct snd_audio_module_port *
 *	QueryInterface, AddRef, Release		snd_audio_module_port_new(), _get(), _put()
 *	AllocNotificationBuffer			snd_portcls_alloc_notification_buffer()
 *	SendNotification			snd_portcls_send_notification()
 *	FreeNotificationBuffer			snd_portcls_free_notification_buffer()
 *	KSAUDIOMODULE_NOTIFICATION		struct snd_audio_module_notification
 *	STATUS_INVALID_PARAMETER		-EINVAL
 *	STATUS_INSUFFICIENT_RESOURCES		-ENOMEM
 *
 * Paged buffers are for process context; the others may also be allocated, sent and freed in a
 * softirq or with spinlocks held. In a hard interrupt nothing of this may be: what is refused there
 * is counted, and snd_audio_module_post() is the way.
 */
#ifndef __SOUND_PORTCLS_H
#define __SOUND_PORTCLS_H

#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <sound/audio_module.h>

/**
 * enum snd_portcls_pool_type - POOL_TYPE (wdm.h), mapped to memory of the kernel
 * @SND_PORTCLS_NON_PAGED_POOL: NonPagedPool, the same as @SND_PORTCLS_NON_PAGED_POOL_NX (PT-3);
 *	there is no executable memory here
 * @SND_PORTCLS_PAGED_POOL: PagedPool: GFP_KERNEL, only where the caller may sleep (PT-6)
 * @SND_PORTCLS_NON_PAGED_POOL_NX: NonPagedPoolNx: GFP_ATOMIC, up to a spinlock held (PT-6)
 * @SND_PORTCLS_POOL_COLD_ALLOCATION: POOL_COLD_ALLOCATION, may be or'ed in, ignored (PT-2)
 * @SND_PORTCLS_POOL_ZERO_ALLOCATION: POOL_ZERO_ALLOCATION, may be or'ed in, ignored: buffers are
 *	always zeroed (PT-2)
 *
 * Every other value of POOL_TYPE, and POOL_FLAGS' values (PT-5), are refused with -EINVAL.
 */
enum snd_portcls_pool_type {
	SND_PORTCLS_NON_PAGED_POOL		= 0,
	SND_PORTCLS_PAGED_POOL			= 1,
	SND_PORTCLS_NON_PAGED_POOL_NX		= 512,
	SND_PORTCLS_POOL_COLD_ALLOCATION	= 256,
	SND_PORTCLS_POOL_ZERO_ALLOCATION	= 1024,
};

/**
 * struct snd_portcls_notification_buffer - PCNOTIFICATION_BUFFER
 * @notification_buffer: the bytes to send, zeroed, aligned to 8. Their number is the one that
 *	was asked for; the buffer remembers it (IF-7).
 */
struct snd_portcls_notification_buffer {
	DECLARE_FLEX_ARRAY(u8, notification_buffer);
} __aligned(8);

int snd_portcls_alloc_notification_buffer(struct snd_audio_module_port *port,
					  unsigned int pool_type, u16 number_of_bytes,
					  struct snd_portcls_notification_buffer **buffer);
void snd_portcls_free_notification_buffer(struct snd_audio_module_port *port,
					  struct snd_portcls_notification_buffer *buffer);
void snd_portcls_send_notification(struct snd_audio_module_port *port,
				   const guid_t *notification_id,
				   struct snd_portcls_notification_buffer *buffer);

#endif /* __SOUND_PORTCLS_H */
