/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * ALSA audio modules: the interface between the kernel and programs
 *
 * A sound driver contains audio modules (an equalizer, an echo canceller, a level meter). When
 * a module changes, the driver sends a notification. Every notification of a card is written as
 * one record into the card's journal: a bounded ring that keeps the newest records in the order
 * of their sequence numbers. A program reads the journal in three steps:
 *
 *   1. Open the card's hwdep device whose id is SND_AUDIO_MODULE_HWDEP_ID (/dev/snd/hwC#D#).
 *      Ask it with SND_AUDIO_MODULE_IOCTL_INFO and SND_AUDIO_MODULE_IOCTL_LIST what is there.
 *   2. SND_AUDIO_MODULE_IOCTL_SUBSCRIBE returns a notification fd with a filter and a position
 *      of its own. The hwdep device can be closed then; an open one holds the sound driver in
 *      memory, a notification fd does not.
 *   3. read() the notification fd: whole records, as many as fit; poll() it to wait. With edge-
 *      triggered epoll read until EAGAIN: a read() that returns less than was asked for may have
 *      left a record that did not fit, and does not arm the next edge.
 *
 * A notification fd can read the journal through its filter and nothing else. It can be handed
 * to another process with less rights.
 *
 * What was lost is told exactly. For the records that a notification fd has consumed,
 *
 *   matched + filtered out + lost = last consumed sequence - start sequence
 *
 * where "lost" is the sum of its LOST records' ranges. When read() has nothing left, the last
 * consumed sequence is the newest one of the journal. /proc/self/fdinfo/FD shows each term.
 *
 * All integers are in host byte order. Every structure has the same layout for 32-bit and
 * 64-bit programs. Reserved members must be zero, unknown flags are refused with EINVAL; both
 * may get a meaning later, announced in struct snd_audio_module_info.features.
 */
#ifndef _UAPI_SOUND_AUDIO_MODULE_H
#define _UAPI_SOUND_AUDIO_MODULE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * The id of the hwdep device, as in SNDRV_HWDEP_IOCTL_INFO. Its iface there means nothing: ALSA has
 * no number for such a device.
 */
#define SND_AUDIO_MODULE_HWDEP_ID	"Audio Modules"

/* Major version in the upper 16 bits: programs refuse one that they do not know. */
#define SND_AUDIO_MODULE_ABI_VERSION	0x00010000

/* Most bytes that a notification carries: the 40 bytes of identity and 64000 of the vendor. */
#define SND_AUDIO_MODULE_MAX_VENDOR_SIZE	64000
#define SND_AUDIO_MODULE_MAX_DATA_SIZE		(40 + SND_AUDIO_MODULE_MAX_VENDOR_SIZE)

/* struct snd_audio_module_record.endpoint, .module: belongs to none that LIST shows. */
#define SND_AUDIO_MODULE_NONE		0xffff

/*
 * NotificationId of audio modules: KSNOTIFICATIONID_AudioModule,
 * 9C2220F0-D9A6-4D5C-A036-573857FD50D2, as an initializer of __u8[16]. GUIDs are kept in
 * Windows' byte order: the first three fields are little-endian on every machine.
 */
#define SND_AUDIO_MODULE_NOTIFICATION_ID \
	{ 0xf0, 0x20, 0x22, 0x9c, 0xa6, 0xd9, 0x5c, 0x4d, \
	  0xa0, 0x36, 0x57, 0x38, 0x57, 0xfd, 0x50, 0xd2 }

/**
 * enum snd_audio_module_record_type - what a record says
 * @SND_AUDIO_MODULE_RECORD_BUSY: being written; never returned by read()
 * @SND_AUDIO_MODULE_RECORD_NOTIFICATION: a notification; its data follow the header
 * @SND_AUDIO_MODULE_RECORD_PAD: fills the end of a mapped journal; never returned by read()
 * @SND_AUDIO_MODULE_RECORD_LOST: records were overwritten, or dropped by a full journal, before
 *	this fd consumed them. Data: struct snd_audio_module_lost. Made for this fd alone, has no
 *	sequence of its own (the header's is the last lost one), passes every filter, and counts
 *	records whether or not the filter wanted them.
 * @SND_AUDIO_MODULE_RECORD_CHANGED: the list of modules changed. Data: struct
 *	snd_audio_module_changed. Has no sequence of its own (the header's is the newest one at
 *	that time) and passes every filter that does not name another endpoint. One that was
 *	overwritten is not counted anywhere: ask for LIST anew after LOST, too.
 * @SND_AUDIO_MODULE_RECORD_REMOVED: the card is gone. No data. The last record of every fd;
 *	read() returns 0 after it, poll() reports POLLHUP.
 *
 * Programs skip types that they do not know by &struct snd_audio_module_record.size.
 */
enum snd_audio_module_record_type {
	SND_AUDIO_MODULE_RECORD_BUSY		= 0,
	SND_AUDIO_MODULE_RECORD_NOTIFICATION	= 1,
	SND_AUDIO_MODULE_RECORD_PAD		= 2,
	SND_AUDIO_MODULE_RECORD_LOST		= 3,
	SND_AUDIO_MODULE_RECORD_CHANGED		= 4,
	SND_AUDIO_MODULE_RECORD_REMOVED		= 5
};

/**
 * struct snd_audio_module_record - header of each record
 * @size: bytes of the whole record: this header, the data, and zeroes up to a multiple of 8
 * @type: enum snd_audio_module_record_type
 * @flags: none yet; ignore those that you do not know
 * @sequence: number of the notification in its journal: the first is 1, each one sent is one
 *	more than the one before
 * @timestamp: when it was sent, in nanoseconds of CLOCK_MONOTONIC; never before that of the one
 *	sent before it, and often the same where several CPUs send. LOST and REMOVED: when they were
 *	read
 * @notification_id: GUID: SND_AUDIO_MODULE_NOTIFICATION_ID or a driver's own
 * @data_size: bytes of data behind this header
 * @endpoint: index of the endpoint in LIST, or SND_AUDIO_MODULE_NONE
 * @module: index of the module in LIST, or SND_AUDIO_MODULE_NONE, as for every stream module:
 *	read the identity from the data
 */
struct snd_audio_module_record {
	__u32 size;
	__u16 type;
	__u16 flags;
	__aligned_u64 sequence;
	__aligned_u64 timestamp;
	__u8 notification_id[16];
	__u32 data_size;
	__u16 endpoint;
	__u16 module;
};

/**
 * struct snd_audio_module_notification - first data of each SND_AUDIO_MODULE_NOTIFICATION_ID
 * @device_id: GUID of the endpoint; the kernel writes it, a driver cannot forge it
 * @class_id: GUID of the type of module
 * @instance_id: which module of that type
 * @reserved: zero
 *
 * Windows' KSAUDIOMODULE_NOTIFICATION. The vendor's bytes follow, untouched.
 */
struct snd_audio_module_notification {
	__u8 device_id[16];
	__u8 class_id[16];
	__u32 instance_id;
	__u32 reserved;
};

/**
 * struct snd_audio_module_lost - data of a LOST record
 * @first: sequence of the first notification that is lost to this fd
 * @last: sequence of the last one; all between are lost too
 */
struct snd_audio_module_lost {
	__aligned_u64 first;
	__aligned_u64 last;
};

/**
 * struct snd_audio_module_changed - data of a CHANGED record
 * @generation: the list's generation after the change, as in LIST
 */
struct snd_audio_module_changed {
	__aligned_u64 generation;
};

/* struct snd_audio_module_info.features */
#define SND_AUDIO_MODULE_FEATURE_INITIAL	(1ULL << 0)	/* SUBSCRIBE_INITIAL */
#define SND_AUDIO_MODULE_FEATURE_MAP		(1ULL << 1)	/* SUBSCRIBE_MAP and mmap() */
#define SND_AUDIO_MODULE_FEATURE_COMMAND	(1ULL << 2)	/* IOCTL_COMMAND */

/**
 * enum snd_audio_module_counter - what happened to the calls of a card's drivers
 * @SND_AUDIO_MODULE_COUNTER_ACCEPTED: Sends that got a sequence
 * @SND_AUDIO_MODULE_COUNTER_BUSY: of those, dropped: the journal was full of unfinished records
 * @SND_AUDIO_MODULE_COUNTER_REMOVED: dropped: the card was gone
 * @SND_AUDIO_MODULE_COUNTER_SHORT: dropped: an audio module's data had less than 40 bytes
 * @SND_AUDIO_MODULE_COUNTER_LONG: dropped: more data than a notification carries
 * @SND_AUDIO_MODULE_COUNTER_ID: dropped: the notification id was NULL or GUID_NULL
 * @SND_AUDIO_MODULE_COUNTER_CONTEXT: dropped: called from a context that is not allowed
 * @SND_AUDIO_MODULE_COUNTER_BUFFER: dropped: not a live buffer of this port
 * @SND_AUDIO_MODULE_COUNTER_ALLOC_POOL_TYPE: Alloc refused: the pool type
 * @SND_AUDIO_MODULE_COUNTER_ALLOC_SIZE: Alloc refused: the number of bytes
 * @SND_AUDIO_MODULE_COUNTER_ALLOC_CONTEXT: Alloc refused: the pool type in this context
 * @SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY: Alloc failed: no memory
 * @SND_AUDIO_MODULE_COUNTER_FREE_BUFFER: Free refused: not a live buffer of this port
 * @SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT: Free refused in a hard interrupt, or reported because
 *	of the parameter strict_irql
 * @SND_AUDIO_MODULE_COUNTER_LEFT_BEHIND: buffers that were live when their port was released
 * @SND_AUDIO_MODULE_COUNTERS: how many there are; more may be added, up to 32
 */
enum snd_audio_module_counter {
	SND_AUDIO_MODULE_COUNTER_ACCEPTED		= 0,
	SND_AUDIO_MODULE_COUNTER_BUSY			= 1,
	SND_AUDIO_MODULE_COUNTER_REMOVED		= 2,
	SND_AUDIO_MODULE_COUNTER_SHORT			= 3,
	SND_AUDIO_MODULE_COUNTER_LONG			= 4,
	SND_AUDIO_MODULE_COUNTER_ID			= 5,
	SND_AUDIO_MODULE_COUNTER_CONTEXT		= 6,
	SND_AUDIO_MODULE_COUNTER_BUFFER			= 7,
	SND_AUDIO_MODULE_COUNTER_ALLOC_POOL_TYPE	= 8,
	SND_AUDIO_MODULE_COUNTER_ALLOC_SIZE		= 9,
	SND_AUDIO_MODULE_COUNTER_ALLOC_CONTEXT		= 10,
	SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY		= 11,
	SND_AUDIO_MODULE_COUNTER_FREE_BUFFER		= 12,
	SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT		= 13,
	SND_AUDIO_MODULE_COUNTER_LEFT_BEHIND		= 14,
	SND_AUDIO_MODULE_COUNTERS			= 15
};

/**
 * struct snd_audio_module_info - SND_AUDIO_MODULE_IOCTL_INFO
 * @abi_version: SND_AUDIO_MODULE_ABI_VERSION of the kernel
 * @card: number of the sound card
 * @features: SND_AUDIO_MODULE_FEATURE_* that this kernel has
 * @journal_id: random, another one each time that the card appears
 * @generation: changes whenever the list of modules changes
 * @journal_size: bytes of the journal; of a full one all but 4 KiB and two records hold what is
 *	newest, since room is made for many records at once
 * @oldest_sequence: no notification before this one is left; newest_sequence + 1: none at all
 * @newest_sequence: the newest notification; 0 before the first
 * @counters: enum snd_audio_module_counter, the sum of all ports
 */
struct snd_audio_module_info {
	__u32 abi_version;
	__u32 card;
	__aligned_u64 features;
	__aligned_u64 journal_id;
	__aligned_u64 generation;
	__aligned_u64 journal_size;
	__aligned_u64 oldest_sequence;
	__aligned_u64 newest_sequence;
	__aligned_u64 counters[32];
};

/**
 * struct snd_audio_module_endpoint_info - one endpoint of LIST
 * @device_id: GUID
 * @name: UTF-8, ends in zeroes
 * @index: what records carry in their member endpoint
 * @modules: how many modules of LIST belong to it
 * @playback_devices: bit N is set: PCM device N plays to this endpoint
 * @capture_devices: bit N is set: PCM device N records from this endpoint
 * @element_numid: control element for what belongs to none of its modules
 * @reserved: zero
 */
struct snd_audio_module_endpoint_info {
	__u8 device_id[16];
	char name[32];
	__u16 index;
	__u16 modules;
	__u32 playback_devices;
	__u32 capture_devices;
	__u32 element_numid;
	__u32 reserved[8];
};

/**
 * struct snd_audio_module_module_info - one module of LIST
 * @class_id: GUID of the type of module
 * @instance_id: tells modules of one class and endpoint apart; else without meaning
 * @version_major: the vendor's
 * @version_minor: the vendor's
 * @endpoint: index of its endpoint
 * @index: what records carry in their member module; SND_AUDIO_MODULE_NONE for a stream module
 * @element_numid: its control element, 0 when it has none
 * @pcm_device: PCM device of a stream module; -1 for an endpoint module
 * @pcm_subdevice: PCM subdevice of a stream module; -1 for an endpoint module
 * @reserved: zero
 * @label: short name, unique in its endpoint: addresses and element names are made of it
 * @name: the vendor's name: at most 127 UTF-16 units as on Windows, here UTF-8, ends in zeroes
 *
 * A stream module is there as long as a program has that PCM substream open. Its notifications
 * carry its own @instance_id and the endpoint's DeviceId.
 */
struct snd_audio_module_module_info {
	__u8 class_id[16];
	__u32 instance_id;
	__u32 version_major;
	__u32 version_minor;
	__u16 endpoint;
	__u16 index;
	__u32 element_numid;
	__s32 pcm_device;
	__s32 pcm_subdevice;
	__u32 reserved[5];
	char label[32];
	char name[384];
};

/**
 * struct snd_audio_module_list - SND_AUDIO_MODULE_IOCTL_LIST
 * @buffer: user pointer, receives @endpoints times struct snd_audio_module_endpoint_info and
 *	behind them @modules times struct snd_audio_module_module_info
 * @size: in: bytes at @buffer. Out: bytes written, or needed
 * @reserved: must be zero
 * @endpoints: out: number of endpoints
 * @modules: out: number of modules
 * @generation: out: of this list
 *
 * A call with @size 0 fails with EOVERFLOW and sets @size to what is needed. When @size is not 0
 * and too small, it fails with ENOBUFS, sets @size to 0 and writes nothing to @buffer. The list
 * may change between two calls.
 */
struct snd_audio_module_list {
	__aligned_u64 buffer;
	__u32 size;
	__u32 reserved;
	__u32 endpoints;
	__u32 modules;
	__aligned_u64 generation;
};

/* struct snd_audio_module_filter.match */
#define SND_AUDIO_MODULE_MATCH_DEVICE_ID	(1U << 0)
#define SND_AUDIO_MODULE_MATCH_CLASS_ID		(1U << 1)
#define SND_AUDIO_MODULE_MATCH_INSTANCE_ID	(1U << 2)
#define SND_AUDIO_MODULE_MATCH_NOTIFICATION_ID	(1U << 3)

/**
 * struct snd_audio_module_filter - which notifications a notification fd delivers
 * @match: SND_AUDIO_MODULE_MATCH_*: the members to compare; 0: everything passes
 * @instance_id: InstanceId; only notifications of audio modules can match
 * @device_id: DeviceId of the endpoint that sent it; ENXIO: the card has none with it
 * @class_id: ClassId; only notifications of audio modules can match
 * @notification_id: NotificationId; zero matches none, because none is sent with it
 *
 * Members that @match does not name must be zero.
 */
struct snd_audio_module_filter {
	__u32 match;
	__u32 instance_id;
	__u8 device_id[16];
	__u8 class_id[16];
	__u8 notification_id[16];
};

/**
 * enum snd_audio_module_start - where a notification fd starts
 * @SND_AUDIO_MODULE_START_NEWEST: behind the newest notification: only what comes from now on
 * @SND_AUDIO_MODULE_START_OLDEST: with the oldest notification that the journal still has
 * @SND_AUDIO_MODULE_START_AFTER: behind the notification that journal_id and sequence name:
 *	resume. What was overwritten since then is told in a LOST record.
 */
enum snd_audio_module_start {
	SND_AUDIO_MODULE_START_NEWEST	= 0,
	SND_AUDIO_MODULE_START_OLDEST	= 1,
	SND_AUDIO_MODULE_START_AFTER	= 2
};

/*
 * struct snd_audio_module_subscribe.flags
 *
 * MAP: the fd can be mapped, see struct snd_audio_module_map. Only without a filter (EACCES),
 * because a mapping shows everything, and without INITIAL (EINVAL). Needs FEATURE_MAP.
 * INITIAL: deliver first the newest notification of each endpoint module, as far as the filter lets
 * it pass and the journal still has it; of modules that are gone, too. Those are not newer than
 * start_sequence and do not count in the equation above. Needs FEATURE_INITIAL.
 */
#define SND_AUDIO_MODULE_SUBSCRIBE_MAP		(1U << 0)
#define SND_AUDIO_MODULE_SUBSCRIBE_INITIAL	(1U << 1)

/**
 * struct snd_audio_module_subscribe - SND_AUDIO_MODULE_IOCTL_SUBSCRIBE
 * @filter: which notifications
 * @start: enum snd_audio_module_start
 * @flags: SND_AUDIO_MODULE_SUBSCRIBE_*
 * @journal_id: START_AFTER: from INFO or an earlier call; else zero. ESTALE: the card has
 *	another journal now
 * @sequence: START_AFTER: the last notification consumed; else zero. EINVAL: not sent yet
 * @fd: out: the notification fd, close-on-exec, blocking; change that with fcntl()
 * @reserved: must be zero
 * @start_position: out: where @fd starts in a mapping, zero without MAP; in: must be zero
 * @reserved2: must be zero
 * @start_journal_id: out: the journal that @fd reads
 * @start_sequence: out: @fd delivers what comes after this sequence
 */
struct snd_audio_module_subscribe {
	struct snd_audio_module_filter filter;
	__u32 start;
	__u32 flags;
	__aligned_u64 journal_id;
	__aligned_u64 sequence;
	__s32 fd;
	__u32 reserved;
	__aligned_u64 start_position;
	__u32 reserved2[2];
	__aligned_u64 start_journal_id;
	__aligned_u64 start_sequence;
};

/**
 * struct snd_audio_module_map - what mmap() of a notification fd with SUBSCRIBE_MAP shows first
 * @data_offset: bytes from here to the ring; a page
 * @data_size: bytes of the ring, a power of two; the mapping has both together
 * @journal_id: as in INFO
 * @reserved: zero
 * @head: position behind the youngest record
 * @tail: position of the oldest record
 * @newest: sequence of the newest notification
 * @removed: not 0: the card is gone, nothing is written any more
 * @reserved2: zero
 *
 * Read-only. Map it shared, from offset 0. A position counts bytes since the journal's beginning
 * and never wraps; the record at a position is at that position modulo @data_size, whole: where one
 * would go across the end there is a PAD record, of which only size and type are there. The mapping
 * stays when the fd is closed and when the card or its driver goes.
 *
 * The reader has a position, and the sequence that it expects next; it starts with start_position
 * and start_sequence + 1. It does this, in this order:
 *
 *   1. Load @head, acquire. It is not behind the reader's position: there is nothing: step 5.
 *   2. Load the record's type, acquire. BUSY: step 5.
 *   3. Copy what it needs of the record with relaxed loads. What it copied means nothing yet.
 *   4. An acquire fence; load @tail, relaxed. @tail is behind its position: the record was
 *      overwritten: go on at @tail, step 1. Else the copy is good. PAD: go on behind it. A
 *      notification with a sequence below the expected one was there before it started: go on
 *      behind it. A sequence above (of a record that is no notification: not below) the expected
 *      one: those between are lost.
 *   5. Load @removed, acquire, then @newest, acquire, then @head: is it still there? Then what is
 *      missing up to @newest is lost, and when @removed was set this is the end. Else
 *      SND_AUDIO_MODULE_IOCTL_ADVANCE, and poll() when that returns 0.
 *
 * Each 8-byte member is loaded at once, by one atomic load, also by 32-bit programs. The partners
 * of these barriers are named in the kernel's journal.
 */
struct snd_audio_module_map {
	__u32 data_offset;
	__u32 data_size;
	__aligned_u64 journal_id;
	__u32 reserved[12];
	__aligned_u64 head;
	__aligned_u64 tail;
	__aligned_u64 newest;
	__u32 removed;
	__u32 reserved2[9];
};

/* struct snd_audio_module_advance.flags: REMOVED was told; from now on poll() reports POLLHUP. */
#define SND_AUDIO_MODULE_ADVANCE_REMOVED	(1U << 0)

/**
 * struct snd_audio_module_advance - SND_AUDIO_MODULE_IOCTL_ADVANCE
 * @position: of the record that the reader of a mapping looks at next, a multiple of 8. The fd does
 *	not go back: poll() may have gone over what was overwritten
 * @sequence: the last notification that it consumed; not below an earlier one
 * @lost: how many of those since start_sequence were lost; not below an earlier one
 * @flags: SND_AUDIO_MODULE_ADVANCE_*
 * @reserved: must be zero
 *
 * read(), poll() and fdinfo go on from there. A reader calls it when it has found nothing, and
 * before it asks poll(), never while there is something to read.
 */
struct snd_audio_module_advance {
	__aligned_u64 position;
	__aligned_u64 sequence;
	__aligned_u64 lost;
	__u32 flags;
	__u32 reserved;
};

/* Most bytes of a command, and of its answer. */
#define SND_AUDIO_MODULE_MAX_COMMAND_SIZE	64000

/* Windows' property verbs: struct snd_audio_module_command.verb, and access in answers. */
#define SND_AUDIO_MODULE_VERB_GET		0x1U
#define SND_AUDIO_MODULE_VERB_SET		0x2U
#define SND_AUDIO_MODULE_VERB_BASIC_SUPPORT	0x200U

/**
 * struct snd_audio_module_command - SND_AUDIO_MODULE_IOCTL_COMMAND
 * @device_id: GUID of the endpoint
 * @class_id: GUID of the module's class
 * @instance_id: which module of that class
 * @verb: SND_AUDIO_MODULE_VERB_GET: the module handles the command, whose bytes say what is to be
 *	read or set. VERB_BASIC_SUPPORT: the kernel answers for it which verbs there are: 40 bytes
 *	(KSPROPERTY_DESCRIPTION), or the first 4 of them when @out_size is less
 * @pcm_device: PCM device of a stream module, or -1
 * @pcm_subdevice: PCM subdevice of a stream module, or -1
 * @in: user pointer: the vendor's command
 * @out: user pointer: receives the vendor's answer
 * @in_size: bytes at @in, at most SND_AUDIO_MODULE_MAX_COMMAND_SIZE; may be 0
 * @out_size: in: bytes at @out, of which SND_AUDIO_MODULE_MAX_COMMAND_SIZE are used at most; may
 *	be 0. Out: bytes of the answer; with EOVERFLOW bytes that it needs; else 0
 * @reserved: must be zero
 *
 * Checked in this order, as Windows does: EFAULT, EINVAL for @reserved; EACCES: the device is not
 * open for writing; ENXIO: no endpoint has this @device_id; EOPNOTSUPP: the endpoint, or the
 * stream, has no module; EINVAL: @in_size is too large; EINVAL: no module there has this @class_id
 * and @instance_id; EACCES: another process opened the stream; EOPNOTSUPP: @verb, or the module
 * takes no commands. Then what the module says:
 *
 *	errno		Windows				meaning
 *	0		STATUS_SUCCESS			@out_size bytes are the answer
 *	EOVERFLOW	STATUS_BUFFER_OVERFLOW		@out_size was 0, and is what is needed now;
 *							nothing was done, send it again
 *	ENOBUFS		STATUS_BUFFER_TOO_SMALL		@out_size was too small, and not 0; for
 *							VERB_BASIC_SUPPORT also 0
 *	EINVAL		STATUS_INVALID_PARAMETER	something in the command
 *	EOPNOTSUPP	STATUS_INVALID_DEVICE_REQUEST	not with this verb or parameter
 *	ENOMEM		STATUS_INSUFFICIENT_RESOURCES	no memory
 *	EIO		STATUS_INTERNAL_ERROR		the driver is wrong
 *	ENODEV		STATUS_DEVICE_REMOVED		the card is gone
 *	EINTR		STATUS_CANCELLED		a signal came. When the module had done
 *							nothing, @out_size is as it was, and with
 *							SA_RESTART the kernel calls again itself
 *
 * One command of a module runs at a time; those of other modules do not wait for it. Kernels
 * without FEATURE_COMMAND answer ENOTTY.
 */
struct snd_audio_module_command {
	__u8 device_id[16];
	__u8 class_id[16];
	__u32 instance_id;
	__u32 verb;
	__s32 pcm_device;
	__s32 pcm_subdevice;
	__aligned_u64 in;
	__aligned_u64 out;
	__u32 in_size;
	__u32 out_size;
	__u32 reserved[2];
};

/*
 * On the hwdep device:
 *
 * INFO: fills the structure; fails with ENODEV when the card is gone.
 * LIST: see struct snd_audio_module_list.
 * COMMAND: see struct snd_audio_module_command.
 * SUBSCRIBE: EINVAL, ENXIO and ESTALE for what the structures above call so, ENODEV when the card
 * is gone, EMFILE, ENFILE, ENOMEM, EOPNOTSUPP for flags whose feature this kernel does not have.
 * All: EFAULT for a pointer that leads nowhere.
 *
 * On the notification fd:
 *
 * ADVANCE: where the reader of a mapping is. Returns 1 when there is something behind it, and 0
 * when not: then what comes makes the fd readable. EINVAL: nobody can be there, or flags, reserved;
 * ENOTTY: the fd was not made with SUBSCRIBE_MAP.
 *
 * mmap(): EACCES without SUBSCRIBE_MAP, and for writing; EINVAL: more than there is.
 *
 * read(): EMSGSIZE when the next record does not fit, EAGAIN with O_NONBLOCK when there is none,
 * EINTR, EFAULT, ENOMEM; the position does not move when it fails. 0 after REMOVED.
 */
#define SND_AUDIO_MODULE_IOCTL_INFO		_IOR('H', 0x70, struct snd_audio_module_info)
#define SND_AUDIO_MODULE_IOCTL_LIST		_IOWR('H', 0x71, struct snd_audio_module_list)
#define SND_AUDIO_MODULE_IOCTL_COMMAND		_IOWR('H', 0x72, struct snd_audio_module_command)
#define SND_AUDIO_MODULE_IOCTL_SUBSCRIBE	_IOWR('H', 0x73, struct snd_audio_module_subscribe)
#define SND_AUDIO_MODULE_IOCTL_ADVANCE		_IOW('H', 0x74, struct snd_audio_module_advance)

/*
 * The value of a notification element, BYTES: the newest record, header and data, cut at 512 bytes;
 * zeroes before the first one.
 *
 * TLV of the notification elements: one container (type 0, ALSA's) that holds these, each a
 * type and a length in bytes (a multiple of 4) as two __u32, then the data. The RECORD is there
 * while the journal still has the newest record and the caller's buffer is large enough.
 *
 * DESCRIPTOR: struct snd_audio_module_tlv_descriptor, whose name has as many bytes as are left.
 * RECORD: the whole newest record, header and data.
 */
#define SND_AUDIO_MODULE_TLV_DESCRIPTOR		0x4d410001
#define SND_AUDIO_MODULE_TLV_RECORD		0x4d410002

/**
 * struct snd_audio_module_tlv_descriptor - what a notification element belongs to
 * @device_id: GUID of the endpoint
 * @class_id: GUID of the module's class; zero for the element of an endpoint
 * @instance_id: which module of that class
 * @version_major: the vendor's
 * @version_minor: the vendor's
 * @endpoint: index of the endpoint in LIST
 * @module: index of the module in LIST, or SND_AUDIO_MODULE_NONE
 * @playback_devices: PCM devices of the endpoint, as in LIST
 * @capture_devices: PCM devices of the endpoint, as in LIST
 * @label: of the module; of the endpoint for the element of an endpoint
 *
 * The name follows, UTF-8 with zeroes up to a multiple of 4 bytes.
 */
struct snd_audio_module_tlv_descriptor {
	__u8 device_id[16];
	__u8 class_id[16];
	__u32 instance_id;
	__u32 version_major;
	__u32 version_minor;
	__u16 endpoint;
	__u16 module;
	__u32 playback_devices;
	__u32 capture_devices;
	char label[32];
};

#endif /* _UAPI_SOUND_AUDIO_MODULE_H */
