// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: writing a record
 *
 * DOC: The idea
 *
 * All that is told comes this way: a reservation under a raw spinlock, which gives position,
 * sequence and time together, so that all three have one order; then the copy without the lock,
 * with preemption off; then the store of the record's type, which commits it. What all records of
 * one origin have in common was made once and is copied as a whole.
 *
 * To read the clock takes as long as all that is done with the lock, so it is done before. Of two
 * writers the one that read it first may get the lock second: it takes the other one's time then.
 *
 * Two CPUs that write at once and take turns have each line of memory that a record touches go from
 * one's cache to the other's for each record, which costs several times what the record does. So
 * who finds the lock taken leaves it to the other CPU for a moment, in which that one writes many.
 *
 * An element shows its newest record from where it lies in the ring. A record that is about to be
 * overwritten is copied to the element whose newest it still is: so a writer does not copy for
 * elements but for those that had nothing new for as long as a whole ring.
 *
 * Who has no room makes more of it than needed: then many records have some, and the tail, which
 * readers look at, is moved seldom. A reservation looks at the headers of the records whose place
 * is taken with interrupts off. Those are 2800 at most, for the longest record and a PAD among the
 * shortest, and one is copied for each element at most; that is the bound of its time.
 *
 * The tail does not move over a record that is being written. A writer that would have to is
 * told so; the sequence it took stays unused and readers find it missing.
 *
 * The barriers are listed in journal.c.
 */

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/preempt.h>

#include "audio_module_local.h"
#include "trace.h"

/* Of a stamp without its identity. */
#define STAMP_SIZE	offsetof(struct snd_audio_module_stamp, identity)

/* How much more room is made than needed. */
#define ROOM_AHEAD	4096

/* For how long a writer leaves the lock to another one at a time, and how often: 16 us in all. */
#define BACK_OFF_US	4
#define BACK_OFF_TIMES	4

/* A stamp is what a record has behind its timestamp. */
#define STAMP_OFFSET	offsetofend(struct snd_audio_module_record, timestamp)
static_assert(offsetof(struct snd_audio_module_record, notification_id) == STAMP_OFFSET);
static_assert(offsetof(struct snd_audio_module_record, data_size) ==
	      STAMP_OFFSET + offsetof(struct snd_audio_module_stamp, data_size));
static_assert(offsetof(struct snd_audio_module_record, endpoint) ==
	      STAMP_OFFSET + offsetof(struct snd_audio_module_stamp, endpoint));
static_assert(offsetof(struct snd_audio_module_record, module) ==
	      STAMP_OFFSET + offsetof(struct snd_audio_module_stamp, module));
static_assert(sizeof(struct snd_audio_module_record) == STAMP_OFFSET + STAMP_SIZE);

/* ------------------------------------------------------------------ elements */

static u64 shown_position(const struct snd_audio_module_element *element)
{
	return atomic64_read(&element->newest) - 1;
}

/* Let the elements keep what they show of the records before a new tail. */
static void write_keep(struct snd_audio_module_journal *journal, u64 tail)
{
	struct snd_audio_module_element *element, *next;

	lockdep_assert_held(&journal->lock);

	list_for_each_entry_safe(element, next, &journal->shown, shown) {
		if (shown_position(element) >= tail)
			break;
		list_del_init(&element->shown);
		snd_audio_module_element_keep(element,
					      journal_at(journal, shown_position(element)));
	}
}

/* The record at a position, which is before the head, is the newest of an element. */
static void write_show(struct snd_audio_module_journal *journal,
		       struct snd_audio_module_element *element, u64 position)
{
	lockdep_assert_held(&journal->lock);

	if (!element)
		return;
	/* The same element again is the most frequent case by far. */
	if (unlikely(!list_is_last(&element->shown, &journal->shown)))
		list_move_tail(&element->shown, &journal->shown);
	/* (show) pairs with element_newest() */
	atomic64_set_release(&element->newest, position + 1);
}

/* ------------------------------------------------------------------ room */

/* Put the tail behind the oldest records. */
static void write_set_tail(struct snd_audio_module_journal *journal, u64 tail)
{
	lockdep_assert_held(&journal->lock);

	write_keep(journal, tail);
	/* (keep) pairs with snd_audio_module_journal_copy() */
	atomic64_set_release(journal_tail(journal), tail);
	/* (tail) pairs with snd_audio_module_journal_copy(); the lock does it for later writers. */
	smp_wmb();
}

/*
 * Move the tail, so that the ring has room up to @head, and some more. False when it has not,
 * because a record that is still being written is in the way.
 */
static bool write_make_room(struct snd_audio_module_journal *journal, u64 head)
{
	const u8 *data = journal->data;
	const u32 mask = journal->size - 1;
	const struct snd_audio_module_record *record, *last = NULL;
	u64 tail = atomic64_read(journal_tail(journal));
	u64 end = min_t(u64, atomic64_read(journal_head(journal)),
			head + ROOM_AHEAD - journal->size);

	lockdep_assert_held(&journal->lock);

	for (; tail < end; tail += record->size) {
		u16 type;

		record = (const void *)(data + (tail & mask));
		/* (commit) pairs with snd_audio_module_write() */
		type = smp_load_acquire(&record->type);
		if (type == SND_AUDIO_MODULE_RECORD_BUSY)
			break;
		last = type == SND_AUDIO_MODULE_RECORD_NOTIFICATION ? record : last;
	}

	if (head - tail > journal->size)
		return false;
	if (last)
		journal->oldest = last->sequence + 1;
	write_set_tail(journal, tail);
	return true;
}

/* Fill the rest of the ring. */
static void write_pad(struct snd_audio_module_journal *journal, u64 position, u32 rest)
{
	struct snd_audio_module_record *pad = journal_at(journal, position);

	lockdep_assert_held(&journal->lock);

	pad->size = rest;
	pad->flags = 0;
	WRITE_ONCE(pad->type, SND_AUDIO_MODULE_RECORD_PAD);
}

/* ------------------------------------------------------------------ reservation */

/* Others get their turns, too; who holds up interrupts waits for no more than that. */
static noinline unsigned long take_lock_contended(struct snd_audio_module_journal *journal)
	__acquires(&journal->lock)
{
	unsigned int times = irqs_disabled() ? 0 : BACK_OFF_TIMES;
	unsigned long flags;

	for (; times; times--) {
		udelay(BACK_OFF_US);
		if (raw_spin_trylock_irqsave(&journal->lock, flags))
			return flags;
	}
	raw_spin_lock_irqsave(&journal->lock, flags);
	return flags;
}

static unsigned long take_lock(struct snd_audio_module_journal *journal)
	__acquires(&journal->lock)
{
	unsigned long flags;

	if (likely(raw_spin_trylock_irqsave(&journal->lock, flags)))
		return flags;
	return take_lock_contended(journal);
}

/* Begin a record at a position. */
static struct snd_audio_module_record *write_place(struct snd_audio_module_journal *journal,
						   u64 position, u32 size, u64 sequence)
{
	struct snd_audio_module_record *record = journal_at(journal, position);

	lockdep_assert_held(&journal->lock);

	record->size = size;
	record->type = SND_AUDIO_MODULE_RECORD_BUSY;
	record->flags = 0;
	record->sequence = sequence;
	return record;
}

/*
 * Where a record goes that does not just fit behind @position, with room made; or -ENODEV or
 * -EBUSY, where its sequence is used up and readers miss it.
 */
static noinline s64 write_prepare(struct snd_audio_module_journal *journal, u64 position, u32 size,
				  u64 sequence)
{
	u32 rest = journal_rest(journal, position);
	u64 start = rest < size ? position + rest : position;

	lockdep_assert_held(&journal->lock);

	if (journal->removed)
		return -ENODEV;
	if (start + size - atomic64_read(journal_tail(journal)) > journal->size &&
	    !write_make_room(journal, start + size)) {
		atomic64_set_release(journal_newest(journal), sequence);
		return -EBUSY;
	}
	if (start > position)
		write_pad(journal, position, rest);
	journal->room_end = min_t(u64, atomic64_read(journal_tail(journal)) + journal->size,
				  start + journal_rest(journal, start));
	return start;
}

/*
 * Reserve a record: position, sequence and time, @now or that of the record before. On success the
 * caller has to commit, without sleeping before.
 */
static struct snd_audio_module_record *
write_reserve(struct snd_audio_module_journal *journal,
	      const struct snd_audio_module_origin *origin, u32 size, u64 now)
{
	atomic64_t *newest = journal_newest(journal);
	atomic64_t *head = journal_head(journal);
	u64 sequence = atomic64_read(newest) +
		       (origin->type == SND_AUDIO_MODULE_RECORD_NOTIFICATION);
	s64 position = atomic64_read(head);
	struct snd_audio_module_record *record;

	lockdep_assert_held(&journal->lock);

	if (unlikely(position + size > journal->room_end)) {
		position = write_prepare(journal, position, size, sequence);
		if (position < 0)
			return ERR_PTR(position);
	}

	record = write_place(journal, position, size, sequence);
	journal->timestamp = max(journal->timestamp, now);
	record->timestamp = journal->timestamp;
	/* (head) pairs with snd_audio_module_journal_peek() */
	atomic64_set_release(head, position + size);
	write_show(journal, origin->element, position);
	/* (newest) pairs with a mapping's reader */
	atomic64_set_release(newest, sequence);
	return record;
}

/* ------------------------------------------------------------------ commit */

/* All that write_reserve() did not write. */
static void write_fill(struct snd_audio_module_record *record,
		       const struct snd_audio_module_origin *origin, const void *data, u32 size)
{
	void *stamp = (void *)record + STAMP_OFFSET;
	u64 *end = (void *)record + record->size;

	/* What is behind the data; all before it gets its value below. */
	end[-1] = 0;
	if (likely(origin->identity_size)) {
		memcpy(stamp, &origin->stamp, sizeof(origin->stamp));
		memcpy(stamp + sizeof(origin->stamp), data, size);
	} else {
		memcpy(stamp, &origin->stamp, STAMP_SIZE);
		memcpy(stamp + STAMP_SIZE, data, size);
	}
	record->data_size = origin->identity_size + size;
}

/* Count what was not written, where it is somebody's. */
static void count_not_written(const struct snd_audio_module_origin *origin, int err)
{
	if (!origin->port)
		return;
	if (err == -ENODEV) {
		snd_audio_module_port_count(origin->port, SND_AUDIO_MODULE_COUNTER_REMOVED);
		return;
	}
	/* It has a sequence: readers are told. */
	snd_audio_module_port_count(origin->port, SND_AUDIO_MODULE_COUNTER_ACCEPTED);
	snd_audio_module_port_count(origin->port, SND_AUDIO_MODULE_COUNTER_BUSY);
}

/**
 * snd_audio_module_write - write a record, show it in its element, and tell of it
 * @card: where
 * @origin: where it comes from
 * @data: its data, behind the identity of @origin where that has one
 * @size: bytes at @data; the data have at most SND_AUDIO_MODULE_MAX_DATA_SIZE bytes in all
 *
 * What cannot be written is dropped and counted (IF-12). Allocates nothing and waits for nobody,
 * but 16 us and its turn when other CPUs write; with interrupts off for its turn alone.
 *
 * Context: Any but NMI. The caller keeps @origin from going, by a reference or by RCU.
 *
 * Return: 0; -ENODEV: the card is gone; -EBUSY: the ring is full of records that are being
 * written: of a notification a sequence was taken, and readers will be told that it is lost.
 */
int snd_audio_module_write(struct snd_audio_module_card *card,
			   const struct snd_audio_module_origin *origin,
			   const void *data, u32 size)
{
	u32 whole = SND_AUDIO_MODULE_RECORD_SIZE(origin->identity_size + size);
	struct snd_audio_module_journal *journal = card->journal;
	struct snd_audio_module_record *record;
	unsigned long flags;
	u64 sequence, now;

	/* A writer that is preempted before its commit would hold up all readers. */
	preempt_disable();
	now = ktime_get_ns();
	flags = take_lock(journal);
	record = write_reserve(journal, origin, whole, now);
	raw_spin_unlock_irqrestore(&journal->lock, flags);
	if (IS_ERR(record)) {
		preempt_enable();
		/* What was in the way may be committed, and its readers asleep again. */
		snd_audio_module_journal_wake_up(journal);
		count_not_written(origin, PTR_ERR(record));
		return PTR_ERR(record);
	}
	sequence = record->sequence;
	write_fill(record, origin, data, size);
	/* (commit) pairs with snd_audio_module_journal_peek() and write_make_room() */
	smp_store_release(&record->type, origin->type);
	preempt_enable();
	snd_audio_module_journal_wake_up(journal);
	if (!origin->port)
		return 0;
	atomic64_inc(&origin->port->counters[SND_AUDIO_MODULE_COUNTER_ACCEPTED]);
	if (trace_snd_audio_module_send_enabled())
		trace_snd_audio_module_send(card->number, origin->stamp.endpoint,
					    origin->stamp.module, sequence,
					    origin->identity_size + size);
	snd_audio_module_doorbell_changed(card, origin->element);
	return 0;
}
