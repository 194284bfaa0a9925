/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of snd-audio-module.ko share. Who owns what:
 *
 *	sound card -> card -> journal <- notification fd
 *	               ^ ^--- element (as many as the card has notification elements)
 *	              port <- module
 *	               ^----- buffer (PortCls)
 *
 * An arrow is a reference. Nothing here refers to the sound card's own memory once it is gone:
 * &struct snd_audio_module_card.card is used only until the disconnect, and by its callers'
 * promise before that.
 *
 * Locks, outer before inner: snd_audio_module_card.registration_lock, which is taken only before
 * the sound card is registered -> controls_rwsem -> snd_audio_module_card.lock -> raw locks. A
 * module's command_lock is taken with none of these held, and may be held when they are taken. A
 * notification fd's locks are taken without these, outside of raw locks.
 */
#ifndef __AUDIO_MODULE_LOCAL_H
#define __AUDIO_MODULE_LOCAL_H

#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <sound/audio_module.h>
#include <sound/core.h>
#include <sound/control.h>
#include "compat.h"

struct dentry;
struct notification_buffer;
struct snd_hwdep;
struct vm_area_struct;

/* Size of the data behind a record's header, and of the whole record. */
#define SND_AUDIO_MODULE_RECORD_SIZE(data_size) \
	ALIGN(sizeof(struct snd_audio_module_record) + (data_size), 8)
#define SND_AUDIO_MODULE_MAX_RECORD_SIZE \
	SND_AUDIO_MODULE_RECORD_SIZE(SND_AUDIO_MODULE_MAX_DATA_SIZE)

/*
 * User space loads the journal's positions as they are in memory. Where the kernel makes 64-bit
 * atomics of a lock, half of one may be there.
 */
#define SND_AUDIO_MODULE_CAN_MAP	(!IS_ENABLED(CONFIG_GENERIC_ATOMIC64))

/* A bit of &struct snd_audio_module_element.changed. */
#define SND_AUDIO_MODULE_ELEMENT_CHANGED	0

/* Longest value of a notification element: what an ALSA BYTES element holds. */
#define SND_AUDIO_MODULE_MAX_VALUE_SIZE		512

/* ------------------------------------------------------------------ irq_work */

/**
 * snd_audio_module_irq_work_end - be sure that an irq_work does not run, and will not
 * @work: nobody queues it any more, nor does a run of it that begins now
 *
 * irq_work_sync() may miss a run. One that is queued while another is at work can run beside it, on
 * another CPU, and the first to end leaves the work as if the other had ended, too. Both are hard
 * interrupts, which a grace period waits for; on PREEMPT_RT they are threads, so the function of
 * @work is to hold rcu_read_lock(). What such a thread does behind the function, to @work, is in
 * guard(rcu) of run_irq_workd(), as in 6.1.192; in a kernel without it a thread that is held up
 * there for a whole grace period finds memory that was freed.
 *
 * Context: Process context, may sleep.
 */
static inline void snd_audio_module_irq_work_end(struct irq_work *work)
{
	irq_work_sync(work);
	synchronize_rcu();
}

/* ------------------------------------------------------------------ journal.c */

/**
 * struct snd_audio_module_journal - the newest records of one card
 * @lock: orders reservations; protects @room_end, @timestamp, @shown, @oldest, @removed and writes
 *	of @map
 * @size: bytes of @data, a power of two
 * @map: what user space can map: a page; @data. The page has, besides copies of other members,
 *	the head: the position behind the youngest record, in bytes since the beginning; the
 *	tail: the position of the oldest record; and the sequence of the newest notification.
 *	They are written under @lock and read without
 * @data: the ring
 * @room_end: a record that ends before this fits behind the youngest one: no writer needs to make
 *	room for it, nor does it go across the ring's end. 0 once @removed
 * @timestamp: of the youngest record
 * @shown: the elements whose newest record the ring holds, the oldest record first
 * @sleepers: the notification fds that had caught up and wait
 * @waking: those of them whom @wake has still to wake
 * @sleepers_lock: protects @sleepers, @waking and their entries
 * @asked: somebody wrote for one of @sleepers since they were the last time taken to @waking; set
 *	without @sleepers_lock, before @wake is queued
 * @removed: the card is gone: nothing is written any more
 * @oldest: no notification before this one is left
 * @wake: wakes @sleepers
 * @kref: the card and each notification fd hold one
 * @id: random, tells journals apart
 *
 * What each writer needs comes first.
 */
struct snd_audio_module_journal {
	raw_spinlock_t lock;
	u32 size;
	struct snd_audio_module_map *map;
	u8 *data;
	u64 room_end;
	u64 timestamp;
	struct list_head shown;
	struct list_head sleepers;
	struct list_head waking;
	raw_spinlock_t sleepers_lock;
	bool asked;
	bool removed;
	u64 oldest;
	struct irq_work wake;
	struct kref kref;
	u64 id;
};

/**
 * struct snd_audio_module_state - one consistent look at a journal
 * @head: see &struct snd_audio_module_journal
 * @tail: see &struct snd_audio_module_journal
 * @newest: see &struct snd_audio_module_journal
 * @oldest: see &struct snd_audio_module_journal
 * @removed: see &struct snd_audio_module_journal
 */
struct snd_audio_module_state {
	u64 head;
	u64 tail;
	u64 newest;
	u64 oldest;
	bool removed;
};

/**
 * struct snd_audio_module_sleeper - a notification fd that waits for the journal
 * @list: in &struct snd_audio_module_journal.sleepers or waking, or empty
 * @wakers: runs of &struct snd_audio_module_journal.wake that use @wait now
 * @wait: who waits
 */
struct snd_audio_module_sleeper {
	struct list_head list;
	unsigned int wakers;
	wait_queue_head_t wait;
};

static inline atomic64_t *journal_head(const struct snd_audio_module_journal *journal)
{
	return (atomic64_t *)&journal->map->head;
}

static inline atomic64_t *journal_tail(const struct snd_audio_module_journal *journal)
{
	return (atomic64_t *)&journal->map->tail;
}

static inline atomic64_t *journal_newest(const struct snd_audio_module_journal *journal)
{
	return (atomic64_t *)&journal->map->newest;
}

static inline struct snd_audio_module_record *
journal_at(const struct snd_audio_module_journal *journal, u64 position)
{
	return (void *)(journal->data + (position & (journal->size - 1)));
}

/* Bytes from @position to the end of the ring. */
static inline u32 journal_rest(const struct snd_audio_module_journal *journal, u64 position)
{
	return journal->size - (position & (journal->size - 1));
}

bool snd_audio_module_journal_size_valid(unsigned int size);
struct snd_audio_module_journal *snd_audio_module_journal_new(u32 size);
void snd_audio_module_journal_get(struct snd_audio_module_journal *journal);
void snd_audio_module_journal_put(struct snd_audio_module_journal *journal);
void snd_audio_module_journal_remove(struct snd_audio_module_journal *journal);
void snd_audio_module_journal_look(struct snd_audio_module_journal *journal,
				   struct snd_audio_module_state *state);
int snd_audio_module_journal_peek(struct snd_audio_module_journal *journal, u64 position,
				  struct snd_audio_module_record *header);
int snd_audio_module_journal_copy(struct snd_audio_module_journal *journal, u64 position,
				  u32 offset, void *to, u32 size);
int snd_audio_module_journal_mmap(struct snd_audio_module_journal *journal,
				  struct vm_area_struct *vma);
void snd_audio_module_journal_sleep(struct snd_audio_module_journal *journal,
				    struct snd_audio_module_sleeper *sleeper);
void snd_audio_module_journal_quit(struct snd_audio_module_journal *journal,
				   struct snd_audio_module_sleeper *sleeper);

/**
 * snd_audio_module_journal_wake_up - wake those that had caught up, a moment later
 * @journal: has something new
 *
 * A full memory barrier.
 *
 * Context: Any but NMI.
 */
static inline void snd_audio_module_journal_wake_up(struct snd_audio_module_journal *journal)
{
	smp_mb();	/* (sleep) pairs with snd_audio_module_journal_sleep() */
	if (list_empty(&journal->sleepers))
		return;
	WRITE_ONCE(journal->asked, true);
	/* A full memory barrier where the work is queued already, too: its run sees @asked. */
	irq_work_queue(&journal->wake);
}

/* ------------------------------------------------------------------ write.c */

struct snd_audio_module_card;
struct snd_audio_module_element;
struct snd_audio_module_port;

/**
 * struct snd_audio_module_stamp - what all records of one origin have in common
 * @notification_id: zero where they are no notifications
 * @data_size: of no meaning here: each record has its own
 * @endpoint: index or SND_AUDIO_MODULE_NONE
 * @module: index or SND_AUDIO_MODULE_NONE
 * @identity: first part of the data, where there is one
 *
 * Laid out as a record is behind its timestamp: writing a record copies it as a whole.
 */
struct snd_audio_module_stamp {
	u8 notification_id[16];
	u32 data_size;
	u16 endpoint;
	u16 module;
	struct snd_audio_module_notification identity;
} __aligned(8);

/**
 * struct snd_audio_module_origin - where records come from
 * @port: who sends, and counts it; NULL where that is nobody
 * @element: shows the newest one; NULL without @port
 * @type: enum snd_audio_module_record_type
 * @identity_size: bytes of the identity of @stamp that the data of each begin with: all or none
 * @stamp: what they have in common
 */
struct snd_audio_module_origin {
	struct snd_audio_module_port *port;
	struct snd_audio_module_element *element;
	u16 type;
	u16 identity_size;
	struct snd_audio_module_stamp stamp;
};

int snd_audio_module_write(struct snd_audio_module_card *card,
			   const struct snd_audio_module_origin *origin,
			   const void *data, u32 size);

/* ------------------------------------------------------------------ doorbell.c */

/**
 * struct snd_audio_module_doorbell - tells ALSA programs that elements changed
 * @card: whose
 * @work: rings for the first change
 * @timer: rings for those that came meanwhile
 * @busy: bit 0: @work or @timer will look at the elements again
 * @stopped: nothing rings any more
 */
struct snd_audio_module_doorbell {
	struct snd_card *card;
	struct irq_work work;
	struct timer_list timer;
	unsigned long busy;
	bool stopped;
};

void snd_audio_module_doorbell_init(struct snd_audio_module_card *card);
void snd_audio_module_doorbell_press(struct snd_audio_module_card *card,
				     struct snd_audio_module_element *element);
void snd_audio_module_doorbell_stop(struct snd_audio_module_card *card);

/* ------------------------------------------------------------------ card.c */

/**
 * struct snd_audio_module_card - what this module knows of one sound card
 * @kref: the sound card and each port hold one
 * @list: in the list of all, until the sound card is freed
 * @card: the sound card
 * @number: its number
 * @name: its device's name, for messages
 * @registration_lock: one port or module at a time until the sound card is registered; protects
 *	writes of @elements and @next_port
 * @lock: protects @registered, @ports, the ports' modules, @generation and @counters
 * @registered: programs can see the sound card: its elements are complete
 * @journal: its journal
 * @elements: its notification elements; grows only before the card is registered
 * @doorbell: its doorbell
 * @ports: its ports in the order of their making
 * @next_port: index for the next port
 * @module_indices: the indices that its modules have
 * @next_module: where to look for the next free one: a used index comes again late
 * @module_limit: more than any index that a module ever had
 * @generation: changes with the list of modules
 * @counters: of the ports that are gone
 * @hwdep: its hwdep device, which is the sound card's; NULL before that is registered, and where no
 *	number was free
 * @handlers: read by who calls a driver's command handler, written by who waits for them
 * @debugfs: its directory
 */
struct snd_audio_module_card {
	struct kref kref;
	struct list_head list;
	struct snd_card *card;
	int number;
	char name[32];
	struct mutex registration_lock;	/* see @registration_lock above */
	struct mutex lock;	/* see @lock above */
	bool registered;
	struct snd_audio_module_journal *journal;
	struct list_head elements;
	struct snd_audio_module_doorbell doorbell;
	struct list_head ports;
	u16 next_port;
	struct ida module_indices;
	u16 next_module;
	u32 module_limit;
	u64 generation;
	u64 counters[SND_AUDIO_MODULE_COUNTERS];
	struct snd_hwdep *hwdep;
	struct rw_semaphore handlers;	/* see @handlers above */
	struct dentry *debugfs;
};

struct snd_audio_module_card *snd_audio_module_card_find_or_new(struct snd_card *card);
void snd_audio_module_card_get(struct snd_audio_module_card *card);
void snd_audio_module_card_put(struct snd_audio_module_card *card);
void snd_audio_module_card_changed(struct snd_audio_module_card *card, u16 endpoint);

/* ------------------------------------------------------------------ element.c */

/**
 * struct snd_audio_module_element - a control element that shows the newest record
 * @list: in &struct snd_audio_module_card.elements
 * @card: whose
 * @id: copy of the control's id; the control itself is ALSA's
 * @descriptor: for the TLV; complete when the sound card is registered
 * @name: for the TLV
 * @count: bytes of the value
 * @changed: SND_AUDIO_MODULE_ELEMENT_CHANGED: the doorbell has not rung for the newest record
 * @newest: position of the newest record in the journal, plus 1; 0 before the first; written under
 *	&struct snd_audio_module_journal.lock
 * @shown: in &struct snd_audio_module_journal.shown, or empty
 * @lock: protects what follows; inside of the journal's
 * @filled: bytes of @value that may not be zero
 * @value: the newest record that was overwritten in the journal, cut to @count
 */
struct snd_audio_module_element {
	struct list_head list;
	struct snd_audio_module_card *card;
	struct snd_ctl_elem_id id;
	struct snd_audio_module_tlv_descriptor descriptor;
	char name[sizeof_field(struct snd_audio_module_module_info, name)];
	u16 count;
	unsigned long changed;
	atomic64_t newest;
	struct list_head shown;
	raw_spinlock_t lock;
	u16 filled;
	u8 value[SND_AUDIO_MODULE_MAX_VALUE_SIZE] __aligned(8);
};

/**
 * snd_audio_module_doorbell_changed - an element has a new record
 * @card: the card
 * @element: its element
 *
 * Costs a look at @element while an earlier change of it waits to be rung for: it will be read
 * after that, and the caller had a full memory barrier since the record.
 *
 * Context: Any but NMI.
 */
static inline void snd_audio_module_doorbell_changed(struct snd_audio_module_card *card,
						     struct snd_audio_module_element *element)
{
	if (!test_bit(SND_AUDIO_MODULE_ELEMENT_CHANGED, &element->changed))
		snd_audio_module_doorbell_press(card, element);
}

struct snd_audio_module_element *
snd_audio_module_element_new(struct snd_audio_module_card *card,
			     const struct snd_audio_module_tlv_descriptor *descriptor,
			     const char *endpoint, const char *label, const char *name,
			     size_t data_size);
void snd_audio_module_element_keep(struct snd_audio_module_element *element,
				   const struct snd_audio_module_record *record);
void snd_audio_module_elements_add_pcm(const struct snd_audio_module_port *port);
void snd_audio_module_elements_free(struct snd_audio_module_card *card);

/* ------------------------------------------------------------------ port.c */

/**
 * struct snd_audio_module_port - a driver's handle for one endpoint (IPortClsNotifications)
 * @kref: the driver and each module hold one
 * @card: whose
 * @list: in &struct snd_audio_module_card.ports
 * @index: in LIST
 * @device_id: DeviceId
 * @name: of the endpoint
 * @playback_devices: PCM devices that play to it, a bit each
 * @capture_devices: PCM devices that record from it, a bit each
 * @element: shows what belongs to no module with an element of its own
 * @modules: its modules; changed under &struct snd_audio_module_card.lock, read under RCU
 * @counters: what happened to its callers' calls
 * @warned: bit N: counter N has, or gets, its message
 * @to_warn: bit N: counter N gets its message now
 * @warn: says @to_warn
 * @buffers_lock: protects @buffers, @buffers_live, and writes of @buffer_recent
 * @buffers: live PortCls buffers by the value of their pointer
 * @buffers_live: how many
 * @buffer_recent: the live buffer that was used last, or NULL; read without @buffers_lock
 */
struct snd_audio_module_port {
	struct kref kref;
	struct snd_audio_module_card *card;
	struct list_head list;
	u16 index;
	guid_t device_id;
	char name[sizeof_field(struct snd_audio_module_endpoint_info, name)];
	u32 playback_devices;
	u32 capture_devices;
	struct snd_audio_module_element *element;
	struct list_head modules;
	atomic64_t counters[SND_AUDIO_MODULE_COUNTERS];
	unsigned long warned;
	unsigned long to_warn;
	struct irq_work warn;
	raw_spinlock_t buffers_lock;
	DECLARE_HASHTABLE(buffers, 6);
	unsigned int buffers_live;
	struct notification_buffer *buffer_recent;
};

struct snd_audio_module_port *snd_audio_module_port_find(struct snd_audio_module_card *card,
							 const u8 *device_id);
void snd_audio_module_port_count(struct snd_audio_module_port *port,
				 enum snd_audio_module_counter counter);
bool snd_audio_module_name_valid(const char *name, size_t size);

/* ------------------------------------------------------------------ module.c */

/**
 * struct snd_audio_module - one audio module
 * @kref: the driver and each running command hold one
 * @list: in &struct snd_audio_module_port.modules
 * @rcu: for its end
 * @port: whose; a reference
 * @index: in LIST; SND_AUDIO_MODULE_NONE for a stream module
 * @pcm_device: PCM device of a stream module, or -1
 * @pcm_subdevice: PCM subdevice of a stream module, or -1
 * @owner: the process that opened the stream, or NULL; a reference
 * @origin: of its notifications; the element is its own, or its port's
 * @version_major: the vendor's
 * @version_minor: the vendor's
 * @label: short name
 * @name: the vendor's name
 * @ops: the driver's, or NULL
 * @private_data: the driver's
 * @command_lock: one command at a time; protects @unregistered
 * @command_lock_class: of @command_lock where there is a handler
 * @has_handler: @ops has one; stays true when @ops may be gone
 * @unregistered: no handler is called any more
 */
struct snd_audio_module {
	struct kref kref;
	struct list_head list;
	struct rcu_head rcu;
	struct snd_audio_module_port *port;
	u16 index;
	int pcm_device;
	int pcm_subdevice;
	struct pid *owner;
	struct snd_audio_module_origin origin;
	u32 version_major;
	u32 version_minor;
	char label[sizeof_field(struct snd_audio_module_module_info, label)];
	char name[sizeof_field(struct snd_audio_module_module_info, name)];
	const struct snd_audio_module_ops *ops;
	void *private_data;
	struct mutex command_lock;	/* see @command_lock above */
	struct lock_class_key command_lock_class;
	bool has_handler;
	bool unregistered;
};

struct snd_audio_module *
snd_audio_module_find(const struct snd_audio_module_port *port,
		      const struct snd_audio_module_notification *identity);
void snd_audio_module_get(struct snd_audio_module *module);
void snd_audio_module_put(struct snd_audio_module *module);

/* ------------------------------------------------------------------ command.c */

int snd_audio_module_command(struct snd_audio_module_card *card, bool writable,
			     struct snd_audio_module_command __user *argument);
void snd_audio_module_command_disconnect(struct snd_audio_module_card *card);

/* ------------------------------------------------------------------ notification_fd.c */

int snd_audio_module_subscribe(struct snd_audio_module_card *card,
			       struct snd_audio_module_subscribe __user *argument);

/* ------------------------------------------------------------------ hwdep.c */

int snd_audio_module_hwdep_new(struct snd_audio_module_card *card);
void snd_audio_module_card_counters(struct snd_audio_module_card *card, u64 *counters);

/* ------------------------------------------------------------------ portcls.c */

#if IS_ENABLED(CONFIG_SND_AUDIO_MODULE_PORTCLS)
void snd_portcls_free_left_behind(struct snd_audio_module_port *port);
#else
static inline void snd_portcls_free_left_behind(struct snd_audio_module_port *port)
{
}
#endif

/* ------------------------------------------------------------------ debugfs.c */

/**
 * enum snd_audio_module_object - what is counted as long as it lives
 * @SND_AUDIO_MODULE_OBJECT_CARD: &struct snd_audio_module_card
 * @SND_AUDIO_MODULE_OBJECT_JOURNAL: &struct snd_audio_module_journal
 * @SND_AUDIO_MODULE_OBJECT_ELEMENT: &struct snd_audio_module_element
 * @SND_AUDIO_MODULE_OBJECT_PORT: &struct snd_audio_module_port
 * @SND_AUDIO_MODULE_OBJECT_MODULE: &struct snd_audio_module
 * @SND_AUDIO_MODULE_OBJECT_BUFFER: a PortCls buffer
 * @SND_AUDIO_MODULE_OBJECT_NOTIFICATION_FD: a notification fd
 * @SND_AUDIO_MODULE_OBJECTS: how many kinds
 */
enum snd_audio_module_object {
	SND_AUDIO_MODULE_OBJECT_CARD,
	SND_AUDIO_MODULE_OBJECT_JOURNAL,
	SND_AUDIO_MODULE_OBJECT_ELEMENT,
	SND_AUDIO_MODULE_OBJECT_PORT,
	SND_AUDIO_MODULE_OBJECT_MODULE,
	SND_AUDIO_MODULE_OBJECT_BUFFER,
	SND_AUDIO_MODULE_OBJECT_NOTIFICATION_FD,
	SND_AUDIO_MODULE_OBJECTS
};

void snd_audio_module_object_born(enum snd_audio_module_object object);
void snd_audio_module_object_died(enum snd_audio_module_object object);
const char *snd_audio_module_counter_name(enum snd_audio_module_counter counter);
void snd_audio_module_debugfs_init(void);
void snd_audio_module_debugfs_exit(void);
void snd_audio_module_debugfs_card(struct snd_audio_module_card *card);

/* ------------------------------------------------------------------ parameters, card.c */

/**
 * enum snd_audio_module_doorbell_kind - parameter doorbell
 * @SND_AUDIO_MODULE_DOORBELL_VALUE: a VALUE event
 * @SND_AUDIO_MODULE_DOORBELL_TLV: a TLV event
 * @SND_AUDIO_MODULE_DOORBELL_OFF: none
 */
enum snd_audio_module_doorbell_kind {
	SND_AUDIO_MODULE_DOORBELL_VALUE,
	SND_AUDIO_MODULE_DOORBELL_TLV,
	SND_AUDIO_MODULE_DOORBELL_OFF
};

extern unsigned int snd_audio_module_journal_size;
extern unsigned int snd_audio_module_doorbell_ms;
extern enum snd_audio_module_doorbell_kind snd_audio_module_doorbell_kind;
extern bool snd_audio_module_strict_irql;

#endif /* __AUDIO_MODULE_LOCAL_H */
