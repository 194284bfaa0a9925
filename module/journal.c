// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: the journal
 *
 * DOC: The idea
 *
 * The journal of a card is a ring of bytes that holds its newest records, one behind the other.
 * Positions count bytes since the beginning and never wrap; a record lies at its position modulo
 * the ring's size and never goes across the ring's end: a PAD record fills the rest there.
 *
 * How records are written is told in write.c, and how they are read here. Readers stop at a record
 * that is not committed yet, so they see all records in order whatever the order of the commits.
 *
 * A writer never waits for a reader: it moves the tail over the oldest records and writes on.
 * A reader that copied something looks at the tail afterwards: when the tail went past what it
 * copied, it throws the copy away. That is the only agreement between them, and why readers take
 * no lock and cost a writer nothing. What a reader missed, it finds by the sequences: they have
 * no holes but those.
 *
 * Barriers. Each comment at one names its partner:
 *
 *	(commit)  store of the type	/ load of the type: the data are there
 *	(head)    store of the head	/ load of the head: the headers are there
 *	(tail)    tail before new bytes	/ copied bytes before tail: an overwritten copy is seen
 *	(sleep)   commit before sleepers	/ sleeper before the look: no wake-up is lost
 *	(newest)  head before newest	/ newest before head: a mapping's end is the end
 *	(keep)    copy before tail	/ tail before copy: what is overwritten was kept
 *	(show)    head before element	/ element before head: its record is there
 *
 * A program may map the ring, and read it as the kernel does: struct snd_audio_module_map has the
 * steps, whose barriers are the partners of the first three, and of the last.
 */

#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "audio_module_local.h"

#define JOURNAL_SIZE_MIN	(128 * 1024)
#define JOURNAL_SIZE_MAX	(64 * 1024 * 1024)

/* A PAD and the longest record together must fit: then a reserve needs no more than the ring. */
static_assert(2 * SND_AUDIO_MODULE_MAX_RECORD_SIZE <= JOURNAL_SIZE_MIN);

/* The layout that user space relies on, the same for 32 and 64 bit. */
static_assert(sizeof(struct snd_audio_module_record) == 48);
static_assert(offsetof(struct snd_audio_module_record, sequence) == 8);
static_assert(offsetof(struct snd_audio_module_record, notification_id) == 24);
static_assert(offsetof(struct snd_audio_module_record, data_size) == 40);
static_assert(sizeof(struct snd_audio_module_notification) == 40);
static_assert(sizeof(struct snd_audio_module_lost) == 16);
static_assert(sizeof(struct snd_audio_module_changed) == 8);
static_assert(sizeof(struct snd_audio_module_map) == 128);
static_assert(offsetof(struct snd_audio_module_map, head) == 64);
static_assert(offsetof(struct snd_audio_module_map, removed) == 88);
static_assert(sizeof(atomic64_t) == sizeof(u64));

/* How many sleepers one run of the irq_work wakes. */
#define WAKE_AT_ONCE		64

static void journal_wake(struct irq_work *work);

/**
 * snd_audio_module_journal_size_valid - can a journal have this size?
 * @size: in bytes
 *
 * Return: true for a power of two from 128 KiB to 64 MiB.
 */
bool snd_audio_module_journal_size_valid(unsigned int size)
{
	return is_power_of_2(size) && size >= JOURNAL_SIZE_MIN && size <= JOURNAL_SIZE_MAX;
}

static void journal_lay_out(struct snd_audio_module_journal *journal)
{
	struct snd_audio_module_map *map = journal->map;

	map->data_offset = PAGE_SIZE;
	map->data_size = journal->size;
	map->journal_id = journal->id;
	journal->data = (u8 *)map + PAGE_SIZE;
}

/**
 * snd_audio_module_journal_new - make an empty journal
 * @size: in bytes, a valid one
 *
 * Context: Process context, may sleep.
 *
 * Return: the journal with one reference, or NULL without memory.
 */
struct snd_audio_module_journal *snd_audio_module_journal_new(u32 size)
{
	struct snd_audio_module_journal *journal = kzalloc_obj(*journal, GFP_KERNEL);

	if (!journal)
		return NULL;

	journal->map = vmalloc_user(PAGE_SIZE + size);
	if (!journal->map) {
		kfree(journal);
		return NULL;
	}

	kref_init(&journal->kref);
	get_random_bytes(&journal->id, sizeof(journal->id));
	journal->size = size;
	journal->oldest = 1;
	journal_lay_out(journal);
	raw_spin_lock_init(&journal->lock);
	raw_spin_lock_init(&journal->sleepers_lock);
	INIT_LIST_HEAD(&journal->shown);
	INIT_LIST_HEAD(&journal->sleepers);
	INIT_LIST_HEAD(&journal->waking);
	init_irq_work(&journal->wake, journal_wake);
	snd_audio_module_object_born(SND_AUDIO_MODULE_OBJECT_JOURNAL);
	return journal;
}

static void journal_release(struct kref *kref)
{
	struct snd_audio_module_journal *journal =
		container_of(kref, struct snd_audio_module_journal, kref);

	/* No sleeper is left: a run that begins now asks for no other one. */
	snd_audio_module_irq_work_end(&journal->wake);
	vfree(journal->map);
	kfree(journal);
	snd_audio_module_object_died(SND_AUDIO_MODULE_OBJECT_JOURNAL);
}

/**
 * snd_audio_module_journal_get - take a reference
 * @journal: the journal
 */
void snd_audio_module_journal_get(struct snd_audio_module_journal *journal)
{
	kref_get(&journal->kref);
}

/**
 * snd_audio_module_journal_put - give a reference back
 * @journal: the journal; freed with its last reference
 *
 * Context: Process context, may sleep.
 */
void snd_audio_module_journal_put(struct snd_audio_module_journal *journal)
{
	kref_put(&journal->kref, journal_release);
}

/**
 * snd_audio_module_journal_remove - the card is gone
 * @journal: its journal: from now on nothing is written; what is there can still be read
 *
 * Context: Any but NMI.
 */
void snd_audio_module_journal_remove(struct snd_audio_module_journal *journal)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&journal->lock, flags);
	journal->removed = true;
	/* Every writer finds no room, and then this. */
	journal->room_end = 0;
	/* (newest) pairs with a mapping's reader: it finds all that was written before */
	smp_store_release(&journal->map->removed, 1);
	raw_spin_unlock_irqrestore(&journal->lock, flags);
	snd_audio_module_journal_wake_up(journal);
}

/**
 * snd_audio_module_journal_look - take one consistent look
 * @journal: the journal
 * @state: receives what is seen
 */
void snd_audio_module_journal_look(struct snd_audio_module_journal *journal,
				   struct snd_audio_module_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&journal->lock, flags);
	state->head = atomic64_read(journal_head(journal));
	state->tail = atomic64_read(journal_tail(journal));
	state->newest = atomic64_read(journal_newest(journal));
	state->oldest = journal->oldest;
	state->removed = journal->removed;
	raw_spin_unlock_irqrestore(&journal->lock, flags);
}

/**
 * snd_audio_module_journal_copy - copy a part of the record at a position
 * @journal: the journal
 * @position: where the record begins
 * @offset: where the part begins, from there
 * @to: receives it
 * @size: bytes of the part
 *
 * Return: 0; -ESTALE: the record was overwritten, what is at @to is no part of it; the element
 * whose newest it was until then has kept it.
 */
int snd_audio_module_journal_copy(struct snd_audio_module_journal *journal, u64 position,
				  u32 offset, void *to, u32 size)
{
	/* Races with writers on purpose: the look at the tail tells whether one was there. */
	data_race(memcpy(to, (u8 *)journal_at(journal, position) + offset, size));
	smp_rmb();	/* (tail) pairs with write_set_tail() */
	/* (keep) pairs with write_set_tail() */
	return position < (u64)atomic64_read_acquire(journal_tail(journal)) ? -ESTALE : 0;
}

/*
 * Where a record is, it is; a position that user space gave need not be one. Then any bytes may
 * stand there, but what is taken for a record ends where the journal does, and its data in it.
 */
static bool header_plausible(const struct snd_audio_module_record *header, u16 type, u64 rest)
{
	if (header->size > rest)
		return false;

	switch (type) {
	case SND_AUDIO_MODULE_RECORD_PAD:
		return header->size >= 8 && IS_ALIGNED(header->size, 8);
	case SND_AUDIO_MODULE_RECORD_NOTIFICATION:
	case SND_AUDIO_MODULE_RECORD_CHANGED:
		return rest >= sizeof(*header) &&
		       header->data_size <= SND_AUDIO_MODULE_MAX_DATA_SIZE &&
		       header->size == SND_AUDIO_MODULE_RECORD_SIZE(header->data_size);
	default:
		return false;
	}
}

/**
 * snd_audio_module_journal_peek - copy the header of the record at a position
 * @journal: the journal
 * @position: where the record begins
 * @header: receives its header; of a PAD record only the first 8 bytes
 *
 * Whatever the position: what is found is PAD, NOTIFICATION or CHANGED, begins before the head and
 * ends at it or before, and not behind the ring.
 *
 * Return: 0; -ENODATA: there is no record yet; -EAGAIN: the record is being written; -ESTALE: it
 * was overwritten, or never there.
 */
int snd_audio_module_journal_peek(struct snd_audio_module_journal *journal, u64 position,
				  struct snd_audio_module_record *header)
{
	u32 rest = journal_rest(journal, position);
	u64 head;
	u16 type;
	int err;

	/*
	 * (head) pairs with write_reserve(). A position that was taken from a newer tail may be
	 * behind the head that is seen here.
	 */
	head = atomic64_read_acquire(journal_head(journal));
	if (position >= head)
		return -ENODATA;

	/*
	 * (commit) pairs with snd_audio_module_write(). Where the record was overwritten these
	 * bytes may be any other's, and change meanwhile: the copy will tell.
	 */
	type = data_race(smp_load_acquire(&journal_at(journal, position)->type));
	err = snd_audio_module_journal_copy(journal, position, 0, header,
					    min_t(u32, sizeof(*header), rest));
	if (err)
		return err;
	if (type == SND_AUDIO_MODULE_RECORD_BUSY)
		return -EAGAIN;
	if (!header_plausible(header, type, min_t(u64, rest, head - position)))
		return -ESTALE;

	/* Not what the copy says: that may have been committed a moment later. */
	header->type = type;
	return 0;
}

/**
 * snd_audio_module_journal_mmap - let user space read the ring itself
 * @journal: the journal, which must stay as long as the mapping
 * @vma: where; read-only
 *
 * Context: Process context, may sleep.
 *
 * Return: 0; -EINVAL: it is larger than the journal.
 */
int snd_audio_module_journal_mmap(struct snd_audio_module_journal *journal,
				  struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, journal->map, vma->vm_pgoff);
}

/**
 * snd_audio_module_journal_sleep - ask to be woken by the next record
 * @journal: the journal
 * @sleeper: whom to wake, once
 *
 * The caller looks at the journal after this and before it sleeps.
 */
void snd_audio_module_journal_sleep(struct snd_audio_module_journal *journal,
				    struct snd_audio_module_sleeper *sleeper)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&journal->sleepers_lock, flags);
	if (list_empty(&sleeper->list))
		list_add_tail(&sleeper->list, &journal->sleepers);
	raw_spin_unlock_irqrestore(&journal->sleepers_lock, flags);
	smp_mb();	/* (sleep) pairs with snd_audio_module_journal_wake_up() */
}

/**
 * snd_audio_module_journal_quit - be sure that nobody wakes a sleeper any more
 * @journal: the journal
 * @sleeper: which goes away after this
 *
 * Context: Process context, may sleep.
 */
void snd_audio_module_journal_quit(struct snd_audio_module_journal *journal,
				   struct snd_audio_module_sleeper *sleeper)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&journal->sleepers_lock, flags);
	list_del_init(&sleeper->list);
	/* Seldom, and not for long; a grace period would be dear for each program that ends. */
	while (sleeper->wakers) {
		raw_spin_unlock_irqrestore(&journal->sleepers_lock, flags);
		schedule_timeout_uninterruptible(1);
		raw_spin_lock_irqsave(&journal->sleepers_lock, flags);
	}
	raw_spin_unlock_irqrestore(&journal->sleepers_lock, flags);
}

/* Wake one sleeper; called and left with the lock held, which is let go in between. */
static void journal_wake_one(struct snd_audio_module_journal *journal,
			     struct snd_audio_module_sleeper *sleeper, unsigned long *flags)
{
	lockdep_assert_held(&journal->sleepers_lock);

	list_del_init(&sleeper->list);
	sleeper->wakers++;
	raw_spin_unlock_irqrestore(&journal->sleepers_lock, *flags);
	/* A wait queue's lock sleeps on PREEMPT_RT: not under a raw one. */
	wake_up_interruptible_poll(&sleeper->wait, EPOLLIN | EPOLLRDNORM);
	raw_spin_lock_irqsave(&journal->sleepers_lock, *flags);
	sleeper->wakers--;
}

/* Take those that sleep now, unless some are left of the last time. */
static void journal_take_sleepers(struct snd_audio_module_journal *journal)
{
	lockdep_assert_held(&journal->sleepers_lock);

	if (!list_empty(&journal->waking))
		return;
	/* Who asks for one that sleeps from now on finds it in the list, and asks after this. */
	WRITE_ONCE(journal->asked, false);
	list_splice_init(&journal->sleepers, &journal->waking);
}

/* Is there anybody whom this run was to wake, or one that began meanwhile, and has not? */
static bool journal_left_asleep(const struct snd_audio_module_journal *journal)
{
	lockdep_assert_held(&journal->sleepers_lock);

	return !list_empty(&journal->waking) ||
	       (READ_ONCE(journal->asked) && !list_empty(&journal->sleepers));
}

/*
 * Wake those that sleep now, some at a time: this may be a hard interrupt. Who is awake and sleeps
 * again meanwhile goes to the other list, and is woken only for what was written since, so it ends.
 * Two runs may be at work at once: snd_audio_module_irq_work_end() has how.
 */
static void journal_wake(struct irq_work *work)
{
	struct snd_audio_module_journal *journal =
		container_of(work, struct snd_audio_module_journal, wake);
	unsigned int left = WAKE_AT_ONCE;
	unsigned long flags;

	rcu_read_lock();
	raw_spin_lock_irqsave(&journal->sleepers_lock, flags);
	journal_take_sleepers(journal);
	while (left-- && !list_empty(&journal->waking))
		journal_wake_one(journal,
				 list_first_entry(&journal->waking,
						  struct snd_audio_module_sleeper, list),
				 &flags);
	if (journal_left_asleep(journal))
		irq_work_queue(work);
	raw_spin_unlock_irqrestore(&journal->sleepers_lock, flags);
	rcu_read_unlock();
}
