// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: the notification fd
 *
 * DOC: The idea
 *
 * A notification fd is an anonymous inode that reads a journal through a filter from a position
 * of its own. It refers to the journal, not to the sound card: the card and its driver can go
 * while it is open, and it cannot do anything but read what its filter lets pass. That makes it
 * safe to hand to a program that may not open the card itself.
 *
 * Its whole state is a cursor: a position, the next sequence that is expected there, and the
 * terms of the loss equation. read() works on a copy of the cursor and stores it only after the
 * records have reached the reader, so a failed read() changes nothing.
 *
 * A reader that maps the journal has its own cursor, and tells it before it sleeps: then poll()
 * goes on from there. Such a cursor need not point to a record; whoever invents one reads nonsense,
 * of the journal that it may read anyway, and nothing else: snd_audio_module_journal_peek() says
 * what may be found at any position.
 *
 * Records are copied into a buffer of the fd first and checked there; only what the filter let
 * pass, and what was not overwritten while it was copied, goes on to user space.
 */

#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "audio_module_local.h"

static_assert(sizeof(struct snd_audio_module_filter) == 56);
static_assert(sizeof(struct snd_audio_module_subscribe) == 120);
static_assert(offsetof(struct snd_audio_module_subscribe, journal_id) == 64);
static_assert(offsetof(struct snd_audio_module_subscribe, fd) == 80);
static_assert(offsetof(struct snd_audio_module_subscribe, start_position) == 88);
static_assert(sizeof(struct snd_audio_module_advance) == 32);
static_assert(offsetof(struct snd_audio_module_subscribe, start_sequence) == 112);

#define MATCH_ALL \
	(SND_AUDIO_MODULE_MATCH_DEVICE_ID | SND_AUDIO_MODULE_MATCH_CLASS_ID | \
	 SND_AUDIO_MODULE_MATCH_INSTANCE_ID | SND_AUDIO_MODULE_MATCH_NOTIFICATION_ID)
#define MATCH_IDENTITY \
	(SND_AUDIO_MODULE_MATCH_CLASS_ID | SND_AUDIO_MODULE_MATCH_INSTANCE_ID)

/**
 * struct cursor - how far a notification fd has read
 * @position: of the next record
 * @next: sequence of the next notification, when none is lost
 * @initial: how many records of &struct notification_fd.initial were delivered or passed over
 * @matched: notifications delivered, since the start
 * @filtered: notifications that the filter held back, since the start
 * @lost: notifications told in LOST records, since the start
 * @removed: REMOVED was delivered
 */
struct cursor {
	u64 position;
	u64 next;
	u32 initial;
	u64 matched;
	u64 filtered;
	u64 lost;
	bool removed;
};

/**
 * struct notification_fd - what is behind the file
 * @journal: a reference
 * @filter: what is delivered
 * @endpoint: index of the endpoint whose DeviceId @filter names
 * @start: the sequence it started behind
 * @mappable: mmap() and ADVANCE are allowed
 * @sleeper: in @journal while it waits
 * @initial: positions of the records to deliver first
 * @initial_count: how many
 * @lock: protects @cursor; never held while user space is waited for
 * @cursor: how far it has read
 * @read_lock: one read() at a time; protects what follows; outside of @lock
 * @buffer: where records are checked
 * @buffer_size: bytes at @buffer
 */
struct notification_fd {
	struct snd_audio_module_journal *journal;
	struct snd_audio_module_filter filter;
	u16 endpoint;
	u64 start;
	bool mappable;
	struct snd_audio_module_sleeper sleeper;
	u64 *initial;
	u32 initial_count;
	struct mutex lock;	/* see @lock above */
	struct cursor cursor;
	struct mutex read_lock;	/* see @read_lock above */
	u8 *buffer;
	size_t buffer_size;
};

/* ------------------------------------------------------------------ filter */

static bool identity_matches(const struct snd_audio_module_filter *filter,
			     const struct snd_audio_module_notification *identity)
{
	if ((filter->match & SND_AUDIO_MODULE_MATCH_CLASS_ID) &&
	    memcmp(filter->class_id, identity->class_id, sizeof(filter->class_id)))
		return false;
	return !(filter->match & SND_AUDIO_MODULE_MATCH_INSTANCE_ID) ||
	       filter->instance_id == identity->instance_id;
}

/* 1: the record passes; 0: it does not; -ESTALE: it was overwritten. */
static int filter_passes(struct notification_fd *nfd, u64 position,
			 const struct snd_audio_module_record *header)
{
	struct snd_audio_module_notification identity;
	u32 match = nfd->filter.match;
	int err;

	if ((match & SND_AUDIO_MODULE_MATCH_DEVICE_ID) && header->endpoint != nfd->endpoint)
		return 0;
	if (header->type != SND_AUDIO_MODULE_RECORD_NOTIFICATION)
		return 1;
	if ((match & SND_AUDIO_MODULE_MATCH_NOTIFICATION_ID) &&
	    memcmp(nfd->filter.notification_id, header->notification_id,
		   sizeof(header->notification_id)))
		return 0;
	if (!(match & MATCH_IDENTITY))
		return 1;
	if (memcmp(header->notification_id, &snd_audio_module_notification_id,
		   sizeof(header->notification_id)))
		return 0;

	err = snd_audio_module_journal_copy(nfd->journal, position, sizeof(*header), &identity,
					    sizeof(identity));
	return err ?: identity_matches(&nfd->filter, &identity);
}

/* ------------------------------------------------------------------ cursor */

/**
 * struct item - the next thing that a cursor delivers
 * @header: of a record of the journal, or made here
 * @lost: data of a LOST record
 * @position: of a record of the journal
 */
struct item {
	struct snd_audio_module_record header;
	struct snd_audio_module_lost lost;
	u64 position;
};

static void item_make(struct item *item, u16 type, u64 sequence, u32 data_size)
{
	memset(item, 0, sizeof(*item));
	item->header.size = SND_AUDIO_MODULE_RECORD_SIZE(data_size);
	item->header.type = type;
	item->header.sequence = sequence;
	item->header.timestamp = ktime_get_ns();
	item->header.data_size = data_size;
	item->header.endpoint = SND_AUDIO_MODULE_NONE;
	item->header.module = SND_AUDIO_MODULE_NONE;
}

static void item_make_lost(struct item *item, u64 first, u64 last)
{
	item_make(item, SND_AUDIO_MODULE_RECORD_LOST, last, sizeof(item->lost));
	item->lost.first = first;
	item->lost.last = last;
}

/* At the end of the journal: 1: @item is set; 0: nothing there; -EAGAIN: look again. */
static int cursor_at_end(struct notification_fd *nfd, struct cursor *cursor, struct item *item)
{
	struct snd_audio_module_state state;

	snd_audio_module_journal_look(nfd->journal, &state);
	if (state.head != cursor->position)
		return -EAGAIN;

	/* Sequences that were taken and never written: the journal was full of busy records. */
	if (cursor->next <= state.newest) {
		item_make_lost(item, cursor->next, state.newest);
		return 1;
	}
	if (!state.removed || cursor->removed)
		return 0;

	item_make(item, SND_AUDIO_MODULE_RECORD_REMOVED, state.newest, 0);
	return 1;
}

/* First sequence that is not lost when the record is the next one that is there. */
static u64 present_from(const struct snd_audio_module_record *header)
{
	/* Records that are no notification carry the newest sequence before them. */
	return header->sequence + (header->type != SND_AUDIO_MODULE_RECORD_NOTIFICATION);
}

/* Go over one record, which counts in @term when it is a notification. */
static void cursor_pass(struct cursor *cursor, const struct snd_audio_module_record *header,
			u64 *term)
{
	cursor->position += header->size;
	if (header->type != SND_AUDIO_MODULE_RECORD_NOTIFICATION)
		return;
	cursor->next = header->sequence + 1;
	(*term)++;
}

/*
 * One step over the record at the cursor: 1: @item is set and the cursor is before it;
 * -ESTALE or -EAGAIN: go on; 0: nothing to deliver now.
 */
static int cursor_step(struct notification_fd *nfd, struct cursor *cursor, struct item *item)
{
	struct snd_audio_module_record *header = &item->header;
	int ret;

	ret = snd_audio_module_journal_peek(nfd->journal, cursor->position, header);
	if (ret == -ENODATA)
		return cursor_at_end(nfd, cursor, item);
	if (ret)
		return ret == -EAGAIN ? 0 : ret;

	if (header->type == SND_AUDIO_MODULE_RECORD_PAD) {
		cursor->position += header->size;
		return -EAGAIN;
	}
	/* Started behind a notification that was being written then. */
	if (header->type == SND_AUDIO_MODULE_RECORD_NOTIFICATION &&
	    header->sequence < cursor->next) {
		cursor->position += header->size;
		return -EAGAIN;
	}
	if (present_from(header) > cursor->next) {
		item_make_lost(item, cursor->next, present_from(header) - 1);
		return 1;
	}

	ret = filter_passes(nfd, cursor->position, header);
	if (ret)
		item->position = cursor->position;
	else
		cursor_pass(cursor, header, &cursor->filtered);
	return ret ?: -EAGAIN;
}

/* The next of the records that INITIAL asked for: as cursor_step(). */
static int cursor_step_initial(struct notification_fd *nfd, struct cursor *cursor,
			       struct item *item)
{
	item->position = nfd->initial[cursor->initial];
	if (!snd_audio_module_journal_peek(nfd->journal, item->position, &item->header))
		return 1;

	cursor->initial++;	/* overwritten meanwhile: the journal has it no more */
	return -EAGAIN;
}

/* Find the next thing to deliver: 1: @item is set and the cursor is before it; 0: nothing now. */
static int cursor_find(struct notification_fd *nfd, struct cursor *cursor, struct item *item)
{
	int ret;

	do {
		if (cursor->initial < nfd->initial_count)
			ret = cursor_step_initial(nfd, cursor, item);
		else
			ret = cursor_step(nfd, cursor, item);
		/* Overwritten: go on with the oldest; the sequences there tell what is lost. */
		if (ret == -ESTALE)
			cursor->position = atomic64_read(journal_tail(nfd->journal));
		cond_resched();
	} while (ret < 0 && !fatal_signal_pending(current));
	return max(ret, 0);
}

/* Go over what cursor_find() found. */
static void cursor_consume(struct notification_fd *nfd, struct cursor *cursor,
			   const struct item *item)
{
	if (cursor->initial < nfd->initial_count) {
		cursor->initial++;
		return;
	}

	switch (item->header.type) {
	case SND_AUDIO_MODULE_RECORD_LOST:
		cursor->next = item->lost.last + 1;
		cursor->lost += item->lost.last - item->lost.first + 1;
		break;
	case SND_AUDIO_MODULE_RECORD_REMOVED:
		cursor->removed = true;
		break;
	default:
		cursor_pass(cursor, &item->header, &cursor->matched);
	}
}

/* ------------------------------------------------------------------ file operations */

/* Copy @item to @to: 0, or -ESTALE. */
static int item_copy(struct notification_fd *nfd, const struct item *item, u8 *to)
{
	u8 *data = to + sizeof(item->header);

	memcpy(to, &item->header, sizeof(item->header));
	switch (item->header.type) {
	case SND_AUDIO_MODULE_RECORD_LOST:
		memcpy(data, &item->lost, sizeof(item->lost));
		return 0;
	case SND_AUDIO_MODULE_RECORD_REMOVED:
		return 0;
	default:
		return snd_audio_module_journal_copy(nfd->journal, item->position,
						     sizeof(item->header), data,
						     item->header.size - sizeof(item->header));
	}
}

/* Fill the buffer, up to @size: bytes; 0: nothing there; -EMSGSIZE: the first does not fit. */
static ssize_t nfd_fill(struct notification_fd *nfd, struct cursor *cursor, size_t size)
{
	struct item item;
	size_t filled = 0;

	while (cursor_find(nfd, cursor, &item)) {
		if (item.header.size > size - filled)
			return filled ?: -EMSGSIZE;
		/* Overwritten now: the next look finds that. */
		if (item_copy(nfd, &item, nfd->buffer + filled))
			continue;
		filled += item.header.size;
		cursor_consume(nfd, cursor, &item);
		if (signal_pending(current))
			break;
	}
	return filled;
}

/* A buffer that is as large as the reader's, as far as that helps. */
static int nfd_resize(struct notification_fd *nfd, size_t size)
{
	u8 *buffer;

	size = clamp_t(size_t, size, PAGE_SIZE, PAGE_ALIGN(SND_AUDIO_MODULE_MAX_RECORD_SIZE));
	if (size <= nfd->buffer_size)
		return 0;

	buffer = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!buffer)
		return -ENOMEM;
	kvfree(nfd->buffer);
	nfd->buffer = buffer;
	nfd->buffer_size = size;
	return 0;
}

/* @delivered: something that @cursor went over went to the reader, or was taken by it. */
static void nfd_store(struct notification_fd *nfd, const struct cursor *cursor, bool delivered)
{
	bool end;

	mutex_lock(&nfd->lock);
	end = cursor->removed && !nfd->cursor.removed;
	/* Else poll() went over the same meanwhile, and may have gone farther. */
	if (delivered || cursor->position > nfd->cursor.position)
		nfd->cursor = *cursor;
	mutex_unlock(&nfd->lock);

	/* Those that wait for the end alone were not woken by the record before it. */
	if (end)
		wake_up_interruptible_poll(&nfd->sleeper.wait, EPOLLIN | EPOLLHUP);
}

/*
 * Read as many records as one buffer holds. poll() may move the cursor meanwhile, over what the
 * filter holds back up to what is delivered here, and counts in the same way.
 */
static ssize_t nfd_read_some(struct notification_fd *nfd, char __user *to, size_t size)
{
	struct cursor cursor;
	ssize_t filled;
	int err;

	err = nfd_resize(nfd, size);
	if (err)
		return err;

	mutex_lock(&nfd->lock);
	cursor = nfd->cursor;
	mutex_unlock(&nfd->lock);
	filled = nfd_fill(nfd, &cursor, min(size, nfd->buffer_size));
	if (filled < 0)
		return filled;
	if (copy_to_user(to, nfd->buffer, filled))
		return -EFAULT;
	nfd_store(nfd, &cursor, filled > 0);
	return filled;
}

static ssize_t nfd_read_all(struct notification_fd *nfd, char __user *to, size_t size)
{
	size_t done = 0;
	ssize_t ret;

	lockdep_assert_held(&nfd->read_lock);

	do {
		ret = nfd_read_some(nfd, to + done, size - done);
		if (ret > 0)
			done += ret;
	} while (ret > 0 && done < size && !signal_pending(current));
	return done ?: ret;
}

enum readable { READABLE_NOTHING, READABLE_RECORD, READABLE_END };

/* What a read() would find. Goes over what the filter holds back. */
static enum readable nfd_readable(struct notification_fd *nfd)
{
	enum readable readable = READABLE_RECORD;
	struct item item;

	mutex_lock(&nfd->lock);
	if (nfd->cursor.removed)
		readable = READABLE_END;
	else if (!cursor_find(nfd, &nfd->cursor, &item))
		readable = READABLE_NOTHING;
	mutex_unlock(&nfd->lock);
	return readable;
}

/* As nfd_readable(), and when there is nothing, the next record wakes. */
static enum readable nfd_readable_or_sleep(struct notification_fd *nfd)
{
	enum readable readable = nfd_readable(nfd);

	if (readable != READABLE_NOTHING)
		return readable;

	/* Not undone when the second look finds something: another thread may be asleep. */
	snd_audio_module_journal_sleep(nfd->journal, &nfd->sleeper);
	return nfd_readable(nfd);
}

static int nfd_wait(struct notification_fd *nfd)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	int err = 0;

	add_wait_queue(&nfd->sleeper.wait, &wait);
	while (nfd_readable_or_sleep(nfd) == READABLE_NOTHING) {
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		wait_woken(&wait, TASK_INTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
	}
	remove_wait_queue(&nfd->sleeper.wait, &wait);
	return err;
}

/* One reader at a time; it may be held up for long by a page fault in the memory it reads to. */
static int nfd_lock_reader(struct notification_fd *nfd, bool block)
{
	if (block)
		return mutex_lock_interruptible(&nfd->read_lock) ? -ERESTARTSYS : 0;
	if (mutex_trylock(&nfd->read_lock))
		return 0;
	snd_audio_module_journal_sleep(nfd->journal, &nfd->sleeper);
	return -EAGAIN;
}

static ssize_t nfd_read(struct file *file, char __user *to, size_t size, loff_t *offset)
{
	struct notification_fd *nfd = file->private_data;
	bool block = !(file->f_flags & O_NONBLOCK);
	enum readable readable;
	ssize_t ret;

	if (!size)
		return 0;

	do {
		ret = nfd_lock_reader(nfd, block);
		if (ret)
			return ret;
		ret = nfd_read_all(nfd, to, size);
		mutex_unlock(&nfd->read_lock);
		if (ret)
			return ret;
		/* Who got EAGAIN is woken by what comes now: edge-triggered epoll counts on it. */
		readable = nfd_readable_or_sleep(nfd);
		if (readable == READABLE_NOTHING)
			ret = block ? nfd_wait(nfd) : -EAGAIN;
	} while (!ret && readable != READABLE_END);
	return ret;
}

static __poll_t nfd_poll(struct file *file, struct poll_table_struct *table)
{
	struct notification_fd *nfd = file->private_data;

	poll_wait(file, &nfd->sleeper.wait, table);
	switch (nfd_readable_or_sleep(nfd)) {
	case READABLE_RECORD:
		return EPOLLIN | EPOLLRDNORM;
	case READABLE_END:
		return EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	default:
		return 0;
	}
}

/* ------------------------------------------------------------------ mapping */

static int nfd_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct notification_fd *nfd = file->private_data;

	/* The file is read-only, so that a shared mapping cannot become writable later. */
	if (!nfd->mappable || (vma->vm_flags & VM_WRITE))
		return -EACCES;
	return snd_audio_module_journal_mmap(nfd->journal, vma);
}

/* Can a reader that was at @cursor be where @advance says? */
static bool advance_valid(const struct cursor *cursor,
			  const struct snd_audio_module_advance *advance,
			  const struct snd_audio_module_state *state)
{
	if (advance->position > state->head || !IS_ALIGNED(advance->position, 8) ||
	    advance->sequence < cursor->next - 1 || advance->sequence > state->newest ||
	    advance->lost < cursor->lost ||
	    advance->lost - cursor->lost > advance->sequence - (cursor->next - 1))
		return false;
	return !(advance->flags & SND_AUDIO_MODULE_ADVANCE_REMOVED) ||
	       (state->removed && advance->position == state->head &&
		advance->sequence == state->newest);
}

static int nfd_advance(struct notification_fd *nfd, const struct snd_audio_module_advance *advance)
{
	struct snd_audio_module_state state;
	struct cursor cursor;
	int err = -EINVAL;

	mutex_lock(&nfd->lock);
	cursor = nfd->cursor;
	snd_audio_module_journal_look(nfd->journal, &state);
	if (advance_valid(&cursor, advance, &state)) {
		/* poll() may be farther: it goes over what was overwritten, and over PADs. */
		cursor.position = max(cursor.position, advance->position);
		cursor.next = advance->sequence + 1;
		cursor.lost = advance->lost;
		cursor.matched = advance->sequence - nfd->start - advance->lost;
		cursor.removed |= advance->flags & SND_AUDIO_MODULE_ADVANCE_REMOVED;
		err = 0;
	}
	mutex_unlock(&nfd->lock);
	if (!err)
		nfd_store(nfd, &cursor, true);
	return err;
}

static int ioctl_advance(struct notification_fd *nfd, const void __user *argument)
{
	struct snd_audio_module_advance advance;
	int err;

	if (copy_from_user(&advance, argument, sizeof(advance)))
		return -EFAULT;
	if (advance.reserved || advance.flags & ~SND_AUDIO_MODULE_ADVANCE_REMOVED)
		return -EINVAL;

	/* A read() would store a cursor that it took before. */
	err = nfd_lock_reader(nfd, true);
	if (err)
		return err;
	err = nfd_advance(nfd, &advance);
	mutex_unlock(&nfd->read_lock);
	return err ?: nfd_readable_or_sleep(nfd) != READABLE_NOTHING;
}

static long nfd_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct notification_fd *nfd = file->private_data;

	if (!nfd->mappable || command != SND_AUDIO_MODULE_IOCTL_ADVANCE)
		return -ENOTTY;
	return ioctl_advance(nfd, (const void __user *)argument);
}

/* ------------------------------------------------------------------ life of a file */

static void nfd_free(struct notification_fd *nfd)
{
	snd_audio_module_journal_put(nfd->journal);
	mutex_destroy(&nfd->read_lock);
	mutex_destroy(&nfd->lock);
	kvfree(nfd->initial);
	kvfree(nfd->buffer);
	kfree(nfd);
	snd_audio_module_object_died(SND_AUDIO_MODULE_OBJECT_NOTIFICATION_FD);
}

static int nfd_release(struct inode *inode, struct file *file)
{
	struct notification_fd *nfd = file->private_data;

	snd_audio_module_journal_quit(nfd->journal, &nfd->sleeper);
	nfd_free(nfd);
	return 0;
}

static void show_filter(struct seq_file *m, const struct snd_audio_module_filter *filter)
{
	seq_puts(m, "filter:\t");
	if (!filter->match)
		seq_puts(m, "none");
	if (filter->match & SND_AUDIO_MODULE_MATCH_DEVICE_ID)
		seq_printf(m, "device_id=%pUL ", filter->device_id);
	if (filter->match & SND_AUDIO_MODULE_MATCH_CLASS_ID)
		seq_printf(m, "class_id=%pUL ", filter->class_id);
	if (filter->match & SND_AUDIO_MODULE_MATCH_INSTANCE_ID)
		seq_printf(m, "instance_id=0x%08x ", filter->instance_id);
	if (filter->match & SND_AUDIO_MODULE_MATCH_NOTIFICATION_ID)
		seq_printf(m, "notification_id=%pUL ", filter->notification_id);
	seq_putc(m, '\n');
}

static void nfd_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct notification_fd *nfd = file->private_data;
	struct snd_audio_module_state state;
	struct cursor cursor;

	mutex_lock(&nfd->lock);
	cursor = nfd->cursor;
	mutex_unlock(&nfd->lock);
	snd_audio_module_journal_look(nfd->journal, &state);

	seq_printf(m, "journal_id:\t%016llx\n", nfd->journal->id);
	seq_printf(m, "start:\t%llu\n", nfd->start);
	seq_printf(m, "position:\t%llu\n", cursor.next - 1);
	seq_printf(m, "newest:\t%llu\n", state.newest);
	seq_printf(m, "matched:\t%llu\n", cursor.matched);
	seq_printf(m, "filtered:\t%llu\n", cursor.filtered);
	seq_printf(m, "lost:\t%llu\n", cursor.lost);
	seq_printf(m, "removed:\t%d\n", state.removed);
	show_filter(m, &nfd->filter);
}

static const struct file_operations nfd_operations = {
	.owner		= THIS_MODULE,
	.read		= nfd_read,
	.poll		= nfd_poll,
	.unlocked_ioctl	= nfd_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= nfd_mmap,
	.release	= nfd_release,
	.show_fdinfo	= nfd_show_fdinfo,
};

/* ------------------------------------------------------------------ SUBSCRIBE */

/* Every member that is not matched must be zero, so that it may get a meaning later. */
static bool filter_valid(const struct snd_audio_module_filter *filter)
{
	static const struct {
		u32 match;
		size_t offset;
		size_t size;
	} members[] = {
		{ SND_AUDIO_MODULE_MATCH_DEVICE_ID,
		  offsetof(struct snd_audio_module_filter, device_id), 16 },
		{ SND_AUDIO_MODULE_MATCH_CLASS_ID,
		  offsetof(struct snd_audio_module_filter, class_id), 16 },
		{ SND_AUDIO_MODULE_MATCH_INSTANCE_ID,
		  offsetof(struct snd_audio_module_filter, instance_id), 4 },
		{ SND_AUDIO_MODULE_MATCH_NOTIFICATION_ID,
		  offsetof(struct snd_audio_module_filter, notification_id), 16 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(members); i++) {
		if (!(filter->match & members[i].match) &&
		    memchr_inv((const u8 *)filter + members[i].offset, 0, members[i].size))
			return false;
	}
	return !(filter->match & ~MATCH_ALL);
}

static int subscribe_check_flags(const struct snd_audio_module_subscribe *subscribe)
{
	switch (subscribe->flags) {
	case 0:
	case SND_AUDIO_MODULE_SUBSCRIBE_INITIAL:
		return 0;
	case SND_AUDIO_MODULE_SUBSCRIBE_MAP:
		if (!SND_AUDIO_MODULE_CAN_MAP)
			return -EOPNOTSUPP;
		return subscribe->filter.match ? -EACCES : 0;
	default:
		return -EINVAL;
	}
}

static int subscribe_check(const struct snd_audio_module_subscribe *subscribe)
{
	bool after = subscribe->start == SND_AUDIO_MODULE_START_AFTER;

	if (!filter_valid(&subscribe->filter) ||
	    subscribe->start > SND_AUDIO_MODULE_START_AFTER ||
	    (!after && (subscribe->journal_id || subscribe->sequence)) ||
	    subscribe->reserved || subscribe->start_position ||
	    memchr_inv(subscribe->reserved2, 0, sizeof(subscribe->reserved2)))
		return -EINVAL;
	return subscribe_check_flags(subscribe);
}

static int find_endpoint(struct snd_audio_module_card *card, const u8 *device_id, u16 *endpoint)
{
	const struct snd_audio_module_port *port;

	mutex_lock(&card->lock);
	port = snd_audio_module_port_find(card, device_id);
	if (port)
		*endpoint = port->index;
	mutex_unlock(&card->lock);
	return port ? 0 : -ENXIO;
}

/* Was this record there when notification @sequence came? Better one CHANGED twice than never. */
static bool is_at_most(const struct snd_audio_module_record *header, u64 sequence)
{
	if (header->type == SND_AUDIO_MODULE_RECORD_PAD)
		return true;
	if (header->type == SND_AUDIO_MODULE_RECORD_NOTIFICATION)
		return header->sequence <= sequence;
	return header->sequence < sequence;
}

/* Position of the first record behind a notification, which is not newer than the newest one. */
static u64 position_after(struct snd_audio_module_journal *journal, u64 sequence)
{
	struct snd_audio_module_record header;
	u64 position = atomic64_read(journal_tail(journal));
	int err;

	do {
		err = snd_audio_module_journal_peek(journal, position, &header);
		if (err == -ESTALE)
			position = atomic64_read(journal_tail(journal));
		else if (!err && is_at_most(&header, sequence))
			position += header.size;
		else if (!err)
			break;
		cond_resched();
	} while (!err || err == -ESTALE);
	return position;
}

static int cursor_start(struct notification_fd *nfd,
			const struct snd_audio_module_subscribe *subscribe)
{
	struct cursor *cursor = &nfd->cursor;
	struct snd_audio_module_state state;

	snd_audio_module_journal_look(nfd->journal, &state);
	switch (subscribe->start) {
	case SND_AUDIO_MODULE_START_NEWEST:
		cursor->position = state.head;
		cursor->next = state.newest + 1;
		break;
	case SND_AUDIO_MODULE_START_OLDEST:
		cursor->position = state.tail;
		cursor->next = state.oldest;
		break;
	case SND_AUDIO_MODULE_START_AFTER:
		if (subscribe->journal_id != nfd->journal->id)
			return -ESTALE;
		if (subscribe->sequence > state.newest)
			return -EINVAL;
		cursor->position = position_after(nfd->journal, subscribe->sequence);
		cursor->next = subscribe->sequence + 1;
		break;
	}
	nfd->start = cursor->next - 1;
	return 0;
}

/* Remember where the newest notification of each module is that passes the filter. */
static void find_initial(struct notification_fd *nfd, u32 modules)
{
	struct snd_audio_module_record header;
	u64 position = atomic64_read(journal_tail(nfd->journal));
	u64 end = nfd->cursor.position;

	while (position < end) {
		int err = snd_audio_module_journal_peek(nfd->journal, position, &header);

		cond_resched();
		if (err == -ESTALE)
			position = atomic64_read(journal_tail(nfd->journal));
		/* Being written: it may be the newest of its module, and its writer is quick. */
		if (err == -ESTALE || err == -EAGAIN)
			continue;
		if (err)
			return;
		if (header.type == SND_AUDIO_MODULE_RECORD_NOTIFICATION &&
		    header.module < modules && filter_passes(nfd, position, &header) > 0)
			nfd->initial[header.module] = position + 1;
		position += header.size;
	}
}

static int compare_positions(const void *a, const void *b)
{
	const u64 *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Fill nfd->initial with the positions, in their order. */
static int cursor_start_initial(struct notification_fd *nfd, u32 modules)
{
	u32 i, count = 0;

	/* At first the position + 1 of each module's, 0 for none. */
	nfd->initial = kvcalloc(modules + 1, sizeof(*nfd->initial), GFP_KERNEL_ACCOUNT);
	if (!nfd->initial)
		return -ENOMEM;

	find_initial(nfd, modules);
	for (i = 0; i < modules; i++)
		if (nfd->initial[i])
			nfd->initial[count++] = nfd->initial[i] - 1;
	sort(nfd->initial, count, sizeof(*nfd->initial), compare_positions, NULL);
	nfd->initial_count = count;
	return 0;
}

static struct notification_fd *nfd_new(struct snd_audio_module_card *card,
				       const struct snd_audio_module_subscribe *subscribe)
{
	struct notification_fd *nfd = kzalloc_obj(*nfd, GFP_KERNEL_ACCOUNT);
	int err = 0;

	if (!nfd)
		return ERR_PTR(-ENOMEM);

	snd_audio_module_object_born(SND_AUDIO_MODULE_OBJECT_NOTIFICATION_FD);
	nfd->journal = card->journal;
	snd_audio_module_journal_get(nfd->journal);
	nfd->filter = subscribe->filter;
	nfd->mappable = subscribe->flags & SND_AUDIO_MODULE_SUBSCRIBE_MAP;
	mutex_init(&nfd->lock);
	mutex_init(&nfd->read_lock);
	INIT_LIST_HEAD(&nfd->sleeper.list);
	init_waitqueue_head(&nfd->sleeper.wait);

	if (nfd->filter.match & SND_AUDIO_MODULE_MATCH_DEVICE_ID)
		err = find_endpoint(card, nfd->filter.device_id, &nfd->endpoint);
	err = err ?: cursor_start(nfd, subscribe);
	if (!err && (subscribe->flags & SND_AUDIO_MODULE_SUBSCRIBE_INITIAL))
		err = cursor_start_initial(nfd, READ_ONCE(card->module_limit));
	if (err) {
		nfd_free(nfd);
		return ERR_PTR(err);
	}
	return nfd;
}

/* Give @nfd a file and tell user space; the file owns @nfd as soon as there is one. */
static int nfd_install(struct notification_fd *nfd, struct snd_audio_module_subscribe *subscribe,
		       struct snd_audio_module_subscribe __user *argument)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		nfd_free(nfd);
		return fd;
	}
	file = anon_inode_getfile("[audio-module-notification]", &nfd_operations, nfd, O_RDONLY);
	if (IS_ERR(file)) {
		nfd_free(nfd);
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	/* It has no offset, which two readers would write at once. */
	stream_open(file_inode(file), file);

	subscribe->fd = fd;
	subscribe->start_journal_id = nfd->journal->id;
	subscribe->start_sequence = nfd->start;
	if (nfd->mappable)
		subscribe->start_position = nfd->cursor.position;
	if (copy_to_user(argument, subscribe, sizeof(*subscribe))) {
		fput(file);
		put_unused_fd(fd);
		return -EFAULT;
	}
	fd_install(fd, file);
	return 0;
}

/**
 * snd_audio_module_subscribe - SND_AUDIO_MODULE_IOCTL_SUBSCRIBE
 * @card: whose journal
 * @argument: in and out
 *
 * Context: Process context, may sleep.
 *
 * Return: 0 or what <uapi/sound/audio_module.h> says.
 */
int snd_audio_module_subscribe(struct snd_audio_module_card *card,
			       struct snd_audio_module_subscribe __user *argument)
{
	struct snd_audio_module_subscribe subscribe;
	struct notification_fd *nfd;
	int err;

	if (copy_from_user(&subscribe, argument, sizeof(subscribe)))
		return -EFAULT;
	err = subscribe_check(&subscribe);
	if (err)
		return err;
	nfd = nfd_new(card, &subscribe);
	if (IS_ERR(nfd))
		return PTR_ERR(nfd);
	return nfd_install(nfd, &subscribe, argument);
}
