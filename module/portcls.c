// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: PortCls' pool types and notification buffers
 *
 * DOC: The idea
 *
 * The three calls of IPortClsNotifications for drivers that are ported from Windows, with their
 * rules kept: a pool type decides which memory a buffer is made of, the buffer remembers its
 * length, Send copies it and never takes it away, Free ends it.
 *
 * Pool types are mapped by their value alone: PagedPool is GFP_KERNEL, NonPagedPool and
 * NonPagedPoolNx are GFP_ATOMIC. The context of the caller never changes the memory, it only
 * refuses what Windows forbids: paged memory at DISPATCH_LEVEL, and any allocation above it.
 *
 * Windows' IRQLs are found in Linux' contexts like this: process context that may sleep is
 * PASSIVE_LEVEL; softirq, bottom halves off, a spinlock held, preemption or interrupts off, or
 * an RCU read-side section is DISPATCH_LEVEL; a hard interrupt or NMI is above. Where the kernel
 * has no preemption count a held spinlock cannot be seen; might_sleep() tells of it in debug
 * kernels. On PREEMPT_RT a held spinlock_t and softirq code are inside an RCU read-side section
 * and must not sleep of their own accord: they are DISPATCH_LEVEL there, too; preemption or
 * interrupts really off are above it, since no memory can be had there at all.
 *
 * Every live buffer is in a table of its port. A pointer that a driver passes is looked up there
 * by its value before anything is read through it, so a foreign pointer or one that was freed
 * before is refused, counted, and harmless.
 */

#include <linux/export.h>
#include <linux/hardirq.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <sound/portcls.h>

#include "audio_module_local.h"
#include "trace.h"

/**
 * struct notification_buffer - what a driver's buffer is a part of
 * @node: in &struct snd_audio_module_port.buffers
 * @size: bytes that were asked for
 * @paged: from PagedPool
 * @buffer: the driver's part
 */
struct notification_buffer {
	struct hlist_node node;
	u16 size;
	bool paged;
	struct snd_portcls_notification_buffer buffer;
};

static_assert(IS_ALIGNED(offsetof(struct notification_buffer, buffer), 8));

/* ------------------------------------------------------------------ context */

/* DISPATCH_LEVEL or above: sleeping is forbidden. */
static bool at_dispatch_level(void)
{
	return preempt_count() || irqs_disabled() || in_softirq() || rcu_preempt_depth();
}

/* Above DISPATCH_LEVEL: not even atomic memory may be asked for. */
static bool above_dispatch_level(void)
{
	if (in_hardirq() || in_nmi())
		return true;
	return IS_ENABLED(CONFIG_PREEMPT_RT) && (preempt_count() || irqs_disabled());
}

/* ------------------------------------------------------------------ pool types */

/* The memory of a pool type, or 0 when it is refused. */
static gfp_t pool_type_gfp(unsigned int pool_type)
{
	const unsigned int ignored =
		SND_PORTCLS_POOL_COLD_ALLOCATION | SND_PORTCLS_POOL_ZERO_ALLOCATION;

	switch (pool_type & ~ignored) {
	case SND_PORTCLS_PAGED_POOL:
		return GFP_KERNEL;
	case SND_PORTCLS_NON_PAGED_POOL:
	case SND_PORTCLS_NON_PAGED_POOL_NX:
		return GFP_ATOMIC | __GFP_NOWARN;
	default:
		return 0;
	}
}

/* 0 or the counter of what Alloc refuses. */
static enum snd_audio_module_counter alloc_refused(gfp_t gfp, u16 number_of_bytes)
{
	if (!gfp)
		return SND_AUDIO_MODULE_COUNTER_ALLOC_POOL_TYPE;
	if (!number_of_bytes || number_of_bytes > SND_AUDIO_MODULE_MAX_DATA_SIZE)
		return SND_AUDIO_MODULE_COUNTER_ALLOC_SIZE;
	if (above_dispatch_level() || (gfp == GFP_KERNEL && at_dispatch_level()))
		return SND_AUDIO_MODULE_COUNTER_ALLOC_CONTEXT;
	return SND_AUDIO_MODULE_COUNTER_ACCEPTED;
}

/* ------------------------------------------------------------------ live buffers */

static void buffer_add(struct snd_audio_module_port *port, struct notification_buffer *live)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&port->buffers_lock, flags);
	hash_add(port->buffers, &live->node, (unsigned long)&live->buffer);
	WRITE_ONCE(port->buffers_live, port->buffers_live + 1);
	WRITE_ONCE(port->buffer_recent, live);
	raw_spin_unlock_irqrestore(&port->buffers_lock, flags);
	snd_audio_module_object_born(SND_AUDIO_MODULE_OBJECT_BUFFER);
}

/* The live buffer that @buffer points to, or NULL. Only the pointer's value is looked at. */
static struct notification_buffer *
buffer_find(struct snd_audio_module_port *port,
	    const struct snd_portcls_notification_buffer *buffer)
{
	struct notification_buffer *live;

	lockdep_assert_held(&port->buffers_lock);

	hash_for_each_possible(port->buffers, live, node, (unsigned long)buffer)
		if (&live->buffer == buffer)
			return live;
	return NULL;
}

static noinline struct notification_buffer *
buffer_search(struct snd_audio_module_port *port,
	      const struct snd_portcls_notification_buffer *buffer)
{
	struct notification_buffer *live;
	unsigned long flags;

	raw_spin_lock_irqsave(&port->buffers_lock, flags);
	live = buffer_find(port, buffer);
	if (live)
		WRITE_ONCE(port->buffer_recent, live);
	raw_spin_unlock_irqrestore(&port->buffers_lock, flags);
	return live;
}

/*
 * As buffer_find(). The buffer that was used last is live until it is freed, and who sends it
 * does not free it meanwhile: its pointer needs no lock to be known.
 */
static struct notification_buffer *
buffer_lookup(struct snd_audio_module_port *port,
	      const struct snd_portcls_notification_buffer *buffer)
{
	struct notification_buffer *recent = READ_ONCE(port->buffer_recent);

	if (recent == container_of(buffer, struct notification_buffer, buffer))
		return recent;
	return buffer_search(port, buffer);
}

static struct notification_buffer *
buffer_remove(struct snd_audio_module_port *port,
	      const struct snd_portcls_notification_buffer *buffer)
{
	struct notification_buffer *live;
	unsigned long flags;

	raw_spin_lock_irqsave(&port->buffers_lock, flags);
	live = buffer_find(port, buffer);
	if (live) {
		hash_del(&live->node);
		WRITE_ONCE(port->buffers_live, port->buffers_live - 1);
		if (port->buffer_recent == live)
			WRITE_ONCE(port->buffer_recent, NULL);
	}
	raw_spin_unlock_irqrestore(&port->buffers_lock, flags);
	return live;
}

static void buffer_free(struct notification_buffer *live)
{
	kfree(live);
	snd_audio_module_object_died(SND_AUDIO_MODULE_OBJECT_BUFFER);
}

/**
 * snd_portcls_free_left_behind - free what a driver did not
 * @port: a port that nobody uses any more
 *
 * Context: Process context.
 */
void snd_portcls_free_left_behind(struct snd_audio_module_port *port)
{
	struct notification_buffer *live;
	struct hlist_node *next;
	int bucket;

	hash_for_each_safe(port->buffers, bucket, next, live, node) {
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_LEFT_BEHIND);
		hash_del(&live->node);
		WRITE_ONCE(port->buffers_live, port->buffers_live - 1);
		buffer_free(live);
	}
}

/* ------------------------------------------------------------------ the three calls */

/**
 * snd_portcls_alloc_notification_buffer - AllocNotificationBuffer (IF-4)
 * @port: the port
 * @pool_type: enum snd_portcls_pool_type
 * @number_of_bytes: 1 to 64040: of a struct snd_audio_module_notification and the vendor's bytes
 * @buffer: receives the buffer, zeroed and aligned to 8 (IF-8, L-1); NULL on every failure
 *
 * The buffer is the caller's until snd_portcls_free_notification_buffer().
 *
 * Context: By pool type. SND_PORTCLS_PAGED_POOL: process context, may sleep (IF-5).
 * SND_PORTCLS_NON_PAGED_POOL_NX and SND_PORTCLS_NON_PAGED_POOL: also softirq, and with spinlocks
 * held. None in a hard interrupt or NMI; on PREEMPT_RT none with preemption or interrupts off.
 *
 * Return: 0; -EINVAL: @port is NULL, the pool type, the size, or the pool type in this context
 * (STATUS_INVALID_PARAMETER); -ENOMEM: no memory (STATUS_INSUFFICIENT_RESOURCES).
 */
int snd_portcls_alloc_notification_buffer(struct snd_audio_module_port *port,
					  unsigned int pool_type, u16 number_of_bytes,
					  struct snd_portcls_notification_buffer **buffer)
{
	gfp_t gfp = pool_type_gfp(pool_type);
	enum snd_audio_module_counter refused;
	struct notification_buffer *live;

	*buffer = NULL;
	if (!port)
		return -EINVAL;
	refused = alloc_refused(gfp, number_of_bytes);
	if (refused) {
		snd_audio_module_port_count(port, refused);
		return -EINVAL;
	}
	if (gfp == GFP_KERNEL)
		might_sleep();

	live = kzalloc(struct_size(live, buffer.notification_buffer, number_of_bytes), gfp);
	if (!live) {
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY);
		return -ENOMEM;
	}
	live->size = number_of_bytes;
	live->paged = gfp == GFP_KERNEL;
	buffer_add(port, live);
	*buffer = &live->buffer;
	return 0;
}
EXPORT_SYMBOL_GPL(snd_portcls_alloc_notification_buffer);

/**
 * snd_portcls_free_notification_buffer - FreeNotificationBuffer (IF-13)
 * @port: the port that allocated it, or NULL: nothing happens
 * @buffer: the buffer, or NULL: nothing happens
 *
 * A pointer that is no live buffer of @port is refused and counted. With the module parameter
 * strict_irql a call outside of process context is counted, and frees (IF-14).
 *
 * Context: Any up to a spinlock held. In a hard interrupt or NMI, and on PREEMPT_RT with preemption
 * or interrupts off, it is refused and counted, and the buffer lives on until its port is released.
 */
void snd_portcls_free_notification_buffer(struct snd_audio_module_port *port,
					  struct snd_portcls_notification_buffer *buffer)
{
	struct notification_buffer *live;

	if (!port || !buffer)
		return;
	if (above_dispatch_level()) {
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT);
		return;
	}

	live = buffer_remove(port, buffer);
	if (!live) {
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER);
		return;
	}
	if (READ_ONCE(snd_audio_module_strict_irql) && at_dispatch_level())
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT);
	buffer_free(live);
}
EXPORT_SYMBOL_GPL(snd_portcls_free_notification_buffer);

/* Is this a context in which @live may be sent? (IF-14) */
static bool send_context_valid(const struct notification_buffer *live)
{
	if (in_hardirq())
		return false;
	if (live->paged || READ_ONCE(snd_audio_module_strict_irql))
		return !at_dispatch_level();
	return true;
}

/* Send what is no module's that is registered: it belongs to the endpoint. */
static noinline void send_endpoint(struct snd_audio_module_port *port,
				   const guid_t *notification_id,
				   const struct snd_audio_module_notification *identity,
				   const void *data, u32 size)
{
	struct snd_audio_module_origin origin = {
		.port = port,
		.element = port->element,
		.type = SND_AUDIO_MODULE_RECORD_NOTIFICATION,
		.identity_size = identity ? sizeof(*identity) : 0,
		.stamp.endpoint = port->index,
		.stamp.module = SND_AUDIO_MODULE_NONE,
	};

	export_guid(origin.stamp.notification_id, notification_id);
	if (identity) {
		origin.stamp.identity = *identity;
		export_guid(origin.stamp.identity.device_id, &port->device_id);
		origin.stamp.identity.reserved = 0;
	}
	snd_audio_module_write(port->card, &origin, data, size);
}

/*
 * Send what begins with an identity. Its DeviceId becomes the port's (NID-3) and Reserved zero,
 * and so they are in the module's own identity.
 */
static void send_audio_module(struct snd_audio_module_port *port,
			      const struct notification_buffer *live)
{
	const struct snd_audio_module_notification *identity =
		(const void *)live->buffer.notification_buffer;
	const void *data = identity + 1;
	u32 size = live->size - sizeof(*identity);
	const struct snd_audio_module *module;

	if (unlikely(live->size < sizeof(*identity))) {
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_SHORT);
		return;
	}

	/* Preemption is off for most of this anyway, and that is such a section, too. */
	rcu_read_lock_sched();
	module = snd_audio_module_find(port, identity);
	if (module)
		snd_audio_module_write(port->card, &module->origin, data, size);
	else
		send_endpoint(port, &snd_audio_module_notification_id, identity, data, size);
	rcu_read_unlock_sched();
}

/**
 * snd_portcls_send_notification - SendNotification (IF-9, IF-11)
 * @port: the port that allocated @buffer, or NULL: nothing happens
 * @notification_id: NotificationId. With KSNOTIFICATIONID_AudioModule the buffer begins with a
 *	struct snd_audio_module_notification. Any other but GUID_NULL is passed on with the buffer
 *	as it is (IF-10)
 * @buffer: what to send; copied, unchanged, and still the caller's afterwards
 *
 * Allocates nothing and waits for nobody. What cannot be sent is dropped and counted (IF-12).
 *
 * Context: A buffer of SND_PORTCLS_PAGED_POOL: process context; the others: also softirq, and
 * with any lock held. With the module parameter strict_irql only process context. Elsewhere it
 * is dropped.
 */
void snd_portcls_send_notification(struct snd_audio_module_port *port,
				   const guid_t *notification_id,
				   struct snd_portcls_notification_buffer *buffer)
{
	const struct notification_buffer *live;

	if (!port)
		return;
	/* It may have interrupted who holds the lock of the buffers. */
	if (in_nmi()) {
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_CONTEXT);
		return;
	}
	live = buffer_lookup(port, buffer);
	if (!live)
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_BUFFER);
	else if (!send_context_valid(live))
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_CONTEXT);
	else if (!notification_id)
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_ID);
	else if (guid_equal(notification_id, &snd_audio_module_notification_id))
		send_audio_module(port, live);
	else if (guid_is_null(notification_id))
		snd_audio_module_port_count(port, SND_AUDIO_MODULE_COUNTER_ID);
	else
		send_endpoint(port, notification_id, NULL, live->buffer.notification_buffer,
			      live->size);
}
EXPORT_SYMBOL_GPL(snd_portcls_send_notification);
