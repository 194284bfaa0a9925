// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: any bytes as a program of calls to the kernel modules. A byte chooses the call, the ones
 * behind it its files, numbers and pointers; so a changed byte is another argument, and what libFuzzer
 * puts together of two inputs is calls behind each other. Numbers come from where they mean something
 * (a journal's id, a position in a mapping, a GUID of the card) or from the bytes; pointers lead to
 * memory that is there, that ends within the object, that cannot be written, or nowhere.
 *
 * Holds: only documented errors, and EFAULT only for a pointer that is bad; what is read is whole
 * records, in order; nothing is written behind the bytes that were given, and nothing that was not
 * defined; a mapping cannot become writable; all that was opened can be closed, and gives its
 * numbers back. The kernel's checkers say the rest, on its console.
 *
 *	calls [OPTION OF libFuzzer...] CORPUS...	root, and the modules loaded
 *
 * With AUDIO_MODULE_FUZZ_TELL in its environment it prints what each call came to.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

#include <sound/asound.h>

#include "../audio_module_test.h"
#include "../fuzz/fuzz.h"
#include "coverage.h"

#define MOST_CALLS	40
#define SLOTS		8
#define MAPPINGS	4
#define ARENA		((size_t)128 * 1024)
#define UNTOUCHED	0xa5
/* What overwrites the journal twice: more is not another state, and takes half a second. */
#define MOST_SENT	(2U * 1024 * 1024)
#define DRIVER		"/sys/bus/platform/drivers/snd-audio-module-virtual"
#define DEVICE		"snd-audio-module-virtual"

enum kind { NOTHING, HWDEP, NOTIFICATIONS, CONTROL, PCM };

struct slot {
	int fd;
	enum kind kind;
	bool can_map;
};

struct mapping {
	uint8_t *at;
	size_t size;
};

/* What calls have left for those behind them. */
struct scene {
	struct input input;
	struct slot slots[SLOTS];
	struct mapping mappings[MAPPINGS];
	bool gone;
	bool advanced;		/* an fd may be where no record begins */
	unsigned int call;	/* which one it is now */
	const char *name;	/* of that */
};

static int card;
static uint64_t journal_id;
static bool tells_results;
/* Memory, behind which there is none; and some that cannot be written. */
static uint8_t *arena, *read_only;

static uint64_t number(struct scene *scene, size_t size)
{
	return input_number(&scene->input, size);
}

/* ---- Results ---- */

#define ERRORS(...)	((const int[]) { __VA_ARGS__, 0 })

static bool is_among(int error, const int *errors)
{
	while (*errors && *errors != error)
		errors++;
	return *errors == error;
}

/*
 * What a call came to is told to libFuzzer, too: so it finds each call and error also where it is
 * not told what the kernel executes.
 */
static int came_to(const struct scene *scene, long result)
{
	const int error = result < 0 ? errno : 0;

	coverage_result(scene->call, (unsigned int)error);
	if (tells_results)
		dprintf(2, "%s: %s\n", scene->name, error ? strerror(error) : "done");
	return error;
}

static void expect(const struct scene *scene, long result, bool good, const int *errors)
{
	const int error = came_to(scene, result);

	if (!error || (error == EFAULT && !good) || (error == ENODEV && scene->gone) ||
	    is_among(error, errors))
		return;
	dprintf(2, "%s, %s: %s\n", scene->name, good ? "good pointers" : "bad pointers",
		strerror(error));
	require(!"a documented error");
}

/* Of a file that is not meant for the call, or a call whose errors are the kernel's own. */
static void expect_any(const struct scene *scene, long result)
{
	came_to(scene, result);
}

/* ---- Pointers ---- */

struct memory {
	uint8_t *at;
	size_t size;
	bool good;	/* all of it can be read and written */
};

static struct memory memory_of(struct scene *scene, size_t size)
{
	static const uintptr_t kernels = (uintptr_t)UINT64_C(0xffff888000100000);
	struct memory memory = { arena, size, true };

	if (size > ARENA)
		memory.good = false;
	switch (number(scene, 1) % 16) {
	case 0:
		memory.at = NULL;
		break;
	case 1:
		memory.at = (uint8_t *)kernels;
		break;
	case 2:
		memory.at = read_only;
		break;
	case 3:		/* the object's second half is not there */
		memory.at = arena + ARENA - size / 2;
		break;
	case 4 ... 7:	/* nothing is behind it */
		memory.at = arena + (memory.good ? ARENA - size : 0);
		return memory;
	default:
		return memory;
	}
	/* The kernel refuses its own addresses also where nothing is there to be read. */
	memory.good = size == 0 && memory.at != (uint8_t *)kernels;
	return memory;
}

/* The same with this in it, as far as it can be written. */
static struct memory memory_with(struct scene *scene, const void *object, size_t size)
{
	struct memory memory = memory_of(scene, size);

	if (memory.good)
		memcpy(memory.at, object, size);
	else if (memory.at >= arena && memory.at < arena + ARENA)
		memcpy(memory.at, object, (size_t)(arena + ARENA - memory.at));
	return memory;
}

/* Is there a byte behind it, to see whether it is written? */
static bool has_behind(const struct memory *memory)
{
	return memory->good && memory->at >= arena && memory->at + memory->size < arena + ARENA;
}

static void watch_behind(const struct memory *memory)
{
	if (has_behind(memory))
		memory->at[memory->size] = UNTOUCHED;
}

static void check_behind(const struct memory *memory)
{
	if (has_behind(memory))
		require(memory->at[memory->size] == UNTOUCHED);
}

static bool are_zeroes(const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;

	while (size > 0 && byte[size - 1] == 0)
		size--;
	return size == 0;
}

/* ---- Files ---- */

static struct slot *any_slot(struct scene *scene)
{
	return &scene->slots[number(scene, 1) % SLOTS];
}

/* One of that kind, mostly, when there is one. */
static struct slot *slot_of(struct scene *scene, enum kind kind)
{
	const uint64_t first = number(scene, 1);

	for (size_t i = 0; i < SLOTS && first < 0xf0; i++) {
		struct slot *slot = &scene->slots[(first + i) % SLOTS];

		if (slot->kind == kind)
			return slot;
	}
	return &scene->slots[first % SLOTS];
}

static void slot_close(struct slot *slot)
{
	if (slot->kind != NOTHING)
		require(close(slot->fd) == 0);
	*slot = (struct slot) { -1, NOTHING, false };
}

static void slot_put(struct scene *scene, int fd, enum kind kind, bool can_map)
{
	struct slot *slot = &scene->slots[0];

	for (size_t i = 0; i < SLOTS && slot->kind != NOTHING; i++)
		slot = &scene->slots[i];
	slot_close(slot);
	*slot = (struct slot) { fd, kind, can_map };
}

static void open_node(struct scene *scene, const char *format, unsigned int device, enum kind kind)
{
	static const int modes[] = { O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	char path[64];
	int fd;

	snprintf(path, sizeof(path), format, card, device);
	fd = open(path, modes[number(scene, 1) % 4] | O_NONBLOCK | O_CLOEXEC);
	expect(scene, fd, true, scene->gone ? ERRORS(ENOENT, ENXIO) :
	       kind == PCM ? ERRORS(EBUSY, EAGAIN, EINVAL, EACCES) : ERRORS(0));
	if (fd >= 0)
		slot_put(scene, fd, kind, false);
}

static void call_open_hwdep(struct scene *scene)
{
	open_node(scene, "/dev/snd/hwC%dD%u", 3, HWDEP);
}

static void call_open_control(struct scene *scene)
{
	open_node(scene, "/dev/snd/controlC%d", 0, CONTROL);
}

/* Stream modules are there while it is open. */
static void call_open_pcm(struct scene *scene)
{
	open_node(scene, "/dev/snd/pcmC%dD%up", number(scene, 1) % 2, PCM);
}

static void call_close(struct scene *scene)
{
	slot_close(any_slot(scene));
}

static void call_dup(struct scene *scene)
{
	const struct slot *slot = any_slot(scene);
	const enum kind kind = slot->kind;
	const bool can_map = slot->can_map;
	int fd = fcntl(slot->fd, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		slot_put(scene, fd, kind, can_map);
}

/* ---- What is known of the card ---- */

static void put_device_id(struct scene *scene, uint8_t *id)
{
	switch (number(scene, 1) % 4) {
	case 0:
		memcpy(id, headphones_id, 16);
		break;
	case 1:
		for (size_t i = 0; i < 16; i++)
			id[i] = (uint8_t)number(scene, 1);
		break;
	default:
		memcpy(id, speaker_id, 16);
	}
}

static void put_class_id(struct scene *scene, uint8_t *id)
{
	const uint64_t which = number(scene, 1) % 8;

	if (which < 3)
		memcpy(id, module_class[which], 16);
	else if (which < 7)
		memcpy(id, meter_class, 16);
	else
		memcpy(id, audio_module_id, 16);
}

/* Zero mostly; members that must be. */
static uint32_t reserved(struct scene *scene)
{
	const uint64_t value = number(scene, 1);

	return value < 0xf0 ? 0 : (uint32_t)value;
}

/* ---- ioctls of the hwdep device ---- */

static void call_info(struct scene *scene)
{
	struct memory memory = memory_of(scene, sizeof(struct snd_audio_module_info));
	const struct slot *slot = slot_of(scene, HWDEP);
	const struct snd_audio_module_info *info = (const void *)memory.at;
	int r;

	watch_behind(&memory);
	r = ioctl(slot->fd, SND_AUDIO_MODULE_IOCTL_INFO, memory.at);
	if (slot->kind != HWDEP) {
		expect_any(scene, r);
		return;
	}
	expect(scene, r, memory.good, ERRORS(0));
	check_behind(&memory);
	if (r < 0)
		return;
	require(info->card == (uint32_t)card && info->abi_version == SND_AUDIO_MODULE_ABI_VERSION);
	require(info->oldest_sequence <= info->newest_sequence + 1);
	require(are_zeroes(&info->counters[SND_AUDIO_MODULE_COUNTERS],
			   sizeof(info->counters) -
			   SND_AUDIO_MODULE_COUNTERS * sizeof(info->counters[0])));
}

static void call_list(struct scene *scene)
{
	const struct slot *slot = slot_of(scene, HWDEP);
	const size_t size = (size_t)number(scene, number(scene, 1) % 8 ? 2 : 4);
	struct memory buffer = memory_of(scene, size);
	struct snd_audio_module_list list = {
		.buffer = (uintptr_t)buffer.at,
		.size = (uint32_t)size,
		.reserved = reserved(scene),
	};
	struct memory memory;
	int r;

	/* One place for both would be the caller's mistake. */
	memory = memory_with(scene, &list, sizeof(list));
	if (memory.at == buffer.at)
		buffer.good = false;
	watch_behind(&buffer);
	r = ioctl(slot->fd, SND_AUDIO_MODULE_IOCTL_LIST, memory.at);
	if (slot->kind != HWDEP)
		expect_any(scene, r);
	else
		expect(scene, r, memory.good && buffer.good,
		       ERRORS(EOVERFLOW, ENOBUFS, EINVAL, ENOMEM));
	if (memory.at != buffer.at)
		check_behind(&buffer);
}

static void fill_filter(struct scene *scene, struct snd_audio_module_filter *filter)
{
	filter->match = (uint32_t)number(scene, 1) % 24;
	if (filter->match >= 16) {	/* most have none */
		filter->match = reserved(scene);
		return;
	}
	if (filter->match & SND_AUDIO_MODULE_MATCH_DEVICE_ID)
		put_device_id(scene, filter->device_id);
	if (filter->match & SND_AUDIO_MODULE_MATCH_CLASS_ID)
		put_class_id(scene, filter->class_id);
	if (filter->match & SND_AUDIO_MODULE_MATCH_INSTANCE_ID)
		filter->instance_id = (uint32_t)number(scene, 1);
	if (filter->match & SND_AUDIO_MODULE_MATCH_NOTIFICATION_ID)
		memcpy(filter->notification_id, audio_module_id, 16);
	filter->instance_id |= reserved(scene);
}

static void keep_subscription(struct scene *scene,
			      const struct snd_audio_module_subscribe *subscribe)
{
	require(subscribe->fd >= 0 && subscribe->start_journal_id == journal_id);
	require(fcntl(subscribe->fd, F_GETFD) == FD_CLOEXEC);
	require(fcntl(subscribe->fd, F_SETFL, O_NONBLOCK) == 0);
	slot_put(scene, subscribe->fd, NOTIFICATIONS,
		 subscribe->flags & SND_AUDIO_MODULE_SUBSCRIBE_MAP);
}

static void call_subscribe(struct scene *scene)
{
	const struct slot *slot = slot_of(scene, HWDEP);
	struct snd_audio_module_subscribe subscribe = { .start = (uint32_t)number(scene, 1) % 4 };
	struct memory memory;
	int r;

	subscribe.flags = (uint32_t)number(scene, 1) % 8 ? number(scene, 1) % 4 : number(scene, 4);
	fill_filter(scene, &subscribe.filter);
	if (subscribe.start == SND_AUDIO_MODULE_START_AFTER) {
		subscribe.journal_id = number(scene, 1) % 16 ? journal_id : number(scene, 8);
		subscribe.sequence = number(scene, number(scene, 1) % 8 ? 2 : 8);
	}
	subscribe.reserved = reserved(scene);
	subscribe.start_position = reserved(scene);
	subscribe.reserved2[1] = reserved(scene);
	memory = memory_with(scene, &subscribe, sizeof(subscribe));
	r = ioctl(slot->fd, SND_AUDIO_MODULE_IOCTL_SUBSCRIBE, memory.at);
	if (slot->kind != HWDEP) {
		expect_any(scene, r);
		return;
	}
	expect(scene, r, memory.good,
	       ERRORS(EINVAL, ENXIO, ESTALE, EMFILE, ENFILE, ENOMEM, EOPNOTSUPP, EACCES));
	if (r == 0)
		keep_subscription(scene, (const void *)memory.at);
}

static void call_command(struct scene *scene)
{
	static const uint32_t verbs[] = { SND_AUDIO_MODULE_VERB_GET, SND_AUDIO_MODULE_VERB_GET,
					  SND_AUDIO_MODULE_VERB_SET,
					  SND_AUDIO_MODULE_VERB_BASIC_SUPPORT };
	const struct slot *slot = slot_of(scene, HWDEP);
	struct snd_audio_module_command command = { .pcm_device = -1, .pcm_subdevice = -1 };
	uint8_t bytes[32] = { 0 };
	struct memory in, out, memory;
	int r;

	put_device_id(scene, command.device_id);
	put_class_id(scene, command.class_id);
	command.instance_id = (uint32_t)number(scene, 1) % 4;
	command.verb = number(scene, 1) % 16 ? verbs[number(scene, 1) % 4] : number(scene, 4);
	if (number(scene, 1) % 4 == 0) {
		command.pcm_device = (int8_t)number(scene, 1);
		command.pcm_subdevice = (int8_t)number(scene, 1);
	}
	command.in_size = (uint32_t)number(scene, number(scene, 1) % 8 ? 1 : 4);
	command.out_size = (uint32_t)number(scene, number(scene, 1) % 8 ? 1 : 4);
	for (size_t i = 0; i < command.in_size && i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)number(scene, 1);
	/* The command is where the answer is not. */
	in = memory_of(scene, command.in_size);
	if (in.good)
		memcpy(in.at, bytes, command.in_size < sizeof(bytes) ? command.in_size :
		       sizeof(bytes));
	out = memory_of(scene, command.out_size);
	command.in = (uintptr_t)in.at;
	command.out = (uintptr_t)out.at;
	command.reserved[1] = reserved(scene);
	memory = memory_with(scene, &command, sizeof(command));
	r = ioctl(slot->fd, SND_AUDIO_MODULE_IOCTL_COMMAND, memory.at);
	if (slot->kind != HWDEP)
		expect_any(scene, r);
	else
		expect(scene, r, memory.good && in.good && out.good,
		       ERRORS(EINVAL, EACCES, ENXIO, EOPNOTSUPP, EOVERFLOW, ENOBUFS, ENOMEM));
}

/* A number that is no ioctl's, or one's with another size or direction. */
static void call_ioctl(struct scene *scene)
{
	const struct slot *slot = slot_of(scene, number(scene, 1) % 2 ? HWDEP : NOTIFICATIONS);
	const unsigned int size = (unsigned int)number(scene, 2) % (1U << _IOC_SIZEBITS);
	struct memory memory = memory_of(scene, size);

	if (slot->kind != HWDEP && slot->kind != NOTIFICATIONS)
		return;
	expect_any(scene, ioctl(slot->fd, _IOC(number(scene, 1) % 4, 'H', number(scene, 1), size),
				memory.at));
}

/* ---- The notification fd ---- */

static const struct snd_audio_module_map *a_mapping(struct scene *scene)
{
	const struct mapping *mapping = &scene->mappings[number(scene, 1) % MAPPINGS];

	return (const void *)mapping->at;
}

static uint64_t a_position(struct scene *scene)
{
	const struct snd_audio_module_map *map = a_mapping(scene);
	const uint64_t how = number(scene, 1) % 8;

	/* Inside of one of the newest records. */
	if (map && how == 6)
		return map->head - 8 * number(scene, 1);
	if (map && how < 6)
		return (how < 3 ? map->head : map->tail) + (how % 3 ? reserved(scene) : 0);
	return number(scene, how == 7 ? 8 : 3);
}

static void call_advance(struct scene *scene)
{
	const struct slot *slot = slot_of(scene, NOTIFICATIONS);
	const struct snd_audio_module_map *map = a_mapping(scene);
	struct snd_audio_module_advance advance = {
		.position = a_position(scene),
		.sequence = map && number(scene, 1) % 4 ? map->newest : number(scene, 3),
		.lost = number(scene, 1) % 4 ? 0 : number(scene, 8),
		.flags = number(scene, 1) % 4 ? 0 : number(scene, 1) % 4,
		.reserved = reserved(scene),
	};
	struct memory memory = memory_with(scene, &advance, sizeof(advance));
	int r = ioctl(slot->fd, SND_AUDIO_MODULE_IOCTL_ADVANCE, memory.at);

	if (slot->kind != NOTIFICATIONS) {
		expect_any(scene, r);
		return;
	}
	expect(scene, r, memory.good, slot->can_map ? ERRORS(EINVAL) : ERRORS(ENOTTY));
	require(r <= 1);
	scene->advanced |= r >= 0;
}

/* Whole ones always; what is in them may be anything where a program has invented a position. */
static void check_records(const struct scene *scene, const uint8_t *bytes, size_t size)
{
	uint64_t last = 0;

	while (size > 0) {
		const struct snd_audio_module_record *record = (const void *)bytes;
		const size_t end = sizeof(*record) + record->data_size;

		require(size >= sizeof(*record) && record->size <= size && record->size % 8 == 0);
		require(end <= record->size && record->size - end < 8);
		require(record->type == SND_AUDIO_MODULE_RECORD_NOTIFICATION ||
			(record->type >= SND_AUDIO_MODULE_RECORD_LOST &&
			 record->type <= SND_AUDIO_MODULE_RECORD_REMOVED));
		if (!scene->advanced) {
			require(are_zeroes(bytes + end, record->size - end));
			require(record->flags == 0 && record->sequence >= last);
		}
		last = record->sequence;
		bytes += record->size;
		size -= record->size;
	}
}

static void call_read(struct scene *scene)
{
	const struct slot *slot = slot_of(scene, NOTIFICATIONS);
	const size_t size = (size_t)number(scene, number(scene, 1) % 4 ? 2 : 3);
	struct memory memory = memory_of(scene, size);
	ssize_t r;

	watch_behind(&memory);
	r = read(slot->fd, memory.at, size);
	if (slot->kind != NOTIFICATIONS) {
		expect_any(scene, r);
		return;
	}
	expect(scene, r, memory.good, ERRORS(EAGAIN, EMSGSIZE, EINVAL, ENOMEM));
	check_behind(&memory);
	require(r <= (ssize_t)size);
	if (r > 0 && memory.good)
		check_records(scene, memory.at, (size_t)r);
}

/* Ways to read that nobody has thought of, and to write. */
static void call_read_otherwise(struct scene *scene)
{
	const struct slot *slot = slot_of(scene, NOTIFICATIONS);
	const size_t size = (size_t)number(scene, 2);
	struct memory memory = memory_of(scene, size);
	int nowhere;

	if (slot->kind != HWDEP && slot->kind != NOTIFICATIONS)
		return;
	switch (number(scene, 1) % 4) {
	case 0:
		expect_any(scene, pread(slot->fd, memory.at, size, (off_t)number(scene, 2)));
		break;
	case 1:
		expect_any(scene, write(slot->fd, memory.at, size));
		break;
	case 2:
		expect_any(scene, lseek(slot->fd, (off_t)number(scene, 2),
					(int)number(scene, 1) % 5));
		break;
	default:
		nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
		require(nowhere >= 0);
		expect_any(scene, sendfile(nowhere, slot->fd, NULL, size));
		close(nowhere);
	}
}

static void call_poll(struct scene *scene)
{
	struct pollfd files[SLOTS];

	for (size_t i = 0; i < SLOTS; i++)
		files[i] = (struct pollfd) { scene->slots[i].fd, (short)number(scene, 1), 0 };
	require(poll(files, SLOTS, 0) >= 0);
	/* ALSA's answer for a card that is gone. */
	for (size_t i = 0; i < SLOTS; i++)
		require(scene->gone || !(files[i].revents & POLLNVAL));
}

static void call_fdinfo(struct scene *scene)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", any_slot(scene)->fd);
	(void)!file_read(path, text, sizeof(text));
}

/* ---- Mappings ---- */

static void unmap(struct mapping *mapping)
{
	if (mapping->at)
		require(munmap(mapping->at, mapping->size) == 0);
	*mapping = (struct mapping) { NULL, 0 };
}

static void call_map(struct scene *scene)
{
	const struct slot *slot = slot_of(scene, NOTIFICATIONS);
	struct mapping *mapping = &scene->mappings[number(scene, 1) % MAPPINGS];
	const size_t size = ((size_t)number(scene, 2) % 0x400 + 1) * 4096;
	const int protection = (int)number(scene, 1) % 8, how = (int)number(scene, 1);
	const off_t offset = how & 0xf0 ? 0 : (off_t)(number(scene, 1) % 4) * 4096;
	void *at = mmap(NULL, size, protection, how & 1 ? MAP_PRIVATE : MAP_SHARED, slot->fd, offset);

	if (slot->kind != NOTIFICATIONS) {
		expect_any(scene, at == MAP_FAILED ? -1 : 0);
		if (at != MAP_FAILED)
			munmap(at, size);
		return;
	}
	expect(scene, at == MAP_FAILED ? -1 : 0, true, ERRORS(EACCES, EINVAL, ENODEV, EPERM, ENOMEM));
	if (at == MAP_FAILED)
		return;
	require(slot->can_map && !(protection & PROT_WRITE && !(how & 1)));
	unmap(mapping);
	/* Kept is what can be looked at, from its beginning. */
	if (offset == 0 && protection & PROT_READ)
		*mapping = (struct mapping) { at, size };
	else
		munmap(at, size);
}

static void call_unmap(struct scene *scene)
{
	unmap(&scene->mappings[number(scene, 1) % MAPPINGS]);
}

static void call_look_at_mapping(struct scene *scene)
{
	const struct mapping *mapping = &scene->mappings[number(scene, 1) % MAPPINGS];
	const volatile uint8_t *byte = mapping->at;
	const struct snd_audio_module_map *map = (const void *)mapping->at;

	if (!mapping->at)
		return;
	for (size_t at = 0; at < mapping->size; at += 4096)
		(void)byte[at];
	require(map->tail <= map->head && map->head - map->tail <= map->data_size);
	require(are_zeroes(map->reserved, sizeof(map->reserved)));
	require(are_zeroes(map->reserved2, sizeof(map->reserved2)));
	require(mprotect(mapping->at, mapping->size, PROT_READ | PROT_WRITE) < 0 ||
		mprotect(mapping->at, mapping->size, PROT_READ) == 0);
}

/* Whatever others do with it, in place. */
static void call_change_mapping(struct scene *scene)
{
	const struct mapping *mapping = &scene->mappings[number(scene, 1) % MAPPINGS];
	const size_t pages = mapping->size / 4096;
	void *moved;

	if (!mapping->at)
		return;
	if (number(scene, 1) % 2) {
		expect_any(scene, madvise(mapping->at, mapping->size, (int)number(scene, 1) % 26));
		return;
	}
	moved = mremap(mapping->at, mapping->size, (pages + 1 + number(scene, 1)) * 4096,
		       MREMAP_MAYMOVE);
	expect_any(scene, moved == MAP_FAILED ? -1 : 0);
	require(moved == MAP_FAILED);
}

/* ---- Elements ---- */

static unsigned int an_element(struct scene *scene)
{
	return (unsigned int)number(scene, 1) % 24;
}

static void call_element_read(struct scene *scene)
{
	struct snd_ctl_elem_value value = { .id.numid = an_element(scene) };
	struct memory memory = memory_with(scene, &value, sizeof(value));

	expect_any(scene, ioctl(slot_of(scene, CONTROL)->fd, SNDRV_CTL_IOCTL_ELEM_READ, memory.at));
}

static void call_element_write(struct scene *scene)
{
	struct snd_ctl_elem_value value = { .id.numid = an_element(scene) };
	struct memory memory;

	for (size_t i = 0; i < 4; i++)
		value.value.integer.value[i] = (long)number(scene, number(scene, 1) % 8 ? 1 : 8);
	memory = memory_with(scene, &value, sizeof(value));
	expect_any(scene, ioctl(slot_of(scene, CONTROL)->fd, SNDRV_CTL_IOCTL_ELEM_WRITE, memory.at));
}

static void call_element_info(struct scene *scene)
{
	struct snd_ctl_elem_info info = {
		.id.numid = an_element(scene),
		.value.enumerated.item = (unsigned int)number(scene, number(scene, 1) % 8 ? 1 : 4),
	};
	struct memory memory = memory_with(scene, &info, sizeof(info));

	expect_any(scene, ioctl(slot_of(scene, CONTROL)->fd, SNDRV_CTL_IOCTL_ELEM_INFO, memory.at));
}

static void call_element_tlv(struct scene *scene)
{
	static const unsigned long calls[] = { SNDRV_CTL_IOCTL_TLV_READ, SNDRV_CTL_IOCTL_TLV_READ,
					       SNDRV_CTL_IOCTL_TLV_WRITE,
					       SNDRV_CTL_IOCTL_TLV_COMMAND };
	const unsigned int head[] = { an_element(scene), (unsigned int)number(scene, 2) };
	const unsigned long call = calls[number(scene, 1) % 4];
	struct memory memory = memory_of(scene, sizeof(head) + head[1]);

	if (memory.good)
		memcpy(memory.at, head, sizeof(head));
	watch_behind(&memory);
	expect_any(scene, ioctl(slot_of(scene, CONTROL)->fd, call, memory.at));
	check_behind(&memory);
}

static void call_element_lock(struct scene *scene)
{
	struct snd_ctl_elem_id id = { .numid = an_element(scene) };

	expect_any(scene, ioctl(slot_of(scene, CONTROL)->fd, number(scene, 1) % 2 ?
				SNDRV_CTL_IOCTL_ELEM_LOCK : SNDRV_CTL_IOCTL_ELEM_UNLOCK, &id));
}

static void call_element_events(struct scene *scene)
{
	const struct slot *slot = slot_of(scene, CONTROL);
	int on = (int)number(scene, 1) % 2;

	if (slot->kind != CONTROL)
		return;
	expect_any(scene, ioctl(slot->fd, SNDRV_CTL_IOCTL_SUBSCRIBE_EVENTS, &on));
	expect_any(scene, read(slot->fd, arena, number(scene, 1)));
}

/* ---- What the card does ---- */

/* Where a reader that is inside of the record may find a header: the NotificationId, or none. */
static void put_notification_id(struct scene *scene, char *word, size_t size)
{
	const unsigned int how = number(scene, 1);

	if (how % 4)
		snprintf(word, size, "%s", how % 8 == 7 ? " id=null" : "");
	else
		snprintf(word, size, " id=%08x-%04x-%04x-0000-0000000000%02x",
			 (unsigned int)number(scene, 4), (unsigned int)number(scene, 1) % 8,
			 (unsigned int)number(scene, 1), (unsigned int)number(scene, 1));
}

static void call_send(struct scene *scene)
{
	static const char *const methods[] = { "post", "portcls", "reuse" };
	static const char *const contexts[] = { "process", "bh", "spinlock", "softirq", "hardirq" };
	const unsigned int endpoint = number(scene, 1) % 2, module = number(scene, 1) % 3;
	const unsigned int count = number(scene, 1), size = number(scene, 2);
	const unsigned int most = size ? MOST_SENT / size : count;
	const char *method = methods[number(scene, 1) % 3], *context = contexts[number(scene, 1) % 5];
	char id[64];

	put_notification_id(scene, id, sizeof(id));
	inject(card, "send", "endpoint=%u module=%u count=%u size=%u method=%s context=%s%s",
	       endpoint, module, count < most ? count : most, size, method, context, id);
}

static void call_late(struct scene *scene)
{
	if (number(scene, 1) % 2)
		inject(card, "late", "op=unregister");
	else
		inject(card, "late", "op=register endpoint=%u instance=%u",
		       (unsigned int)number(scene, 1) % 2, (unsigned int)number(scene, 1));
}

static void call_proc(struct scene *scene)
{
	char path[64], text[16384];

	snprintf(path, sizeof(path), "/proc/asound/card%d/audio_modules", card);
	(void)!file_read(path, text, sizeof(text));
}

static void call_unbind(struct scene *scene)
{
	if (scene->gone)
		return;
	require(file_write(DRIVER "/unbind", DEVICE) == 0);
	scene->gone = true;
}

/* ---- What the kernel says ---- */

static int kernel_log = -1;

/* In a file that outlives this program, should the kernel end it. */
static void keep(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = open(getenv("AUDIO_MODULE_FUZZ_CURRENT") ?: "/dev/null",
			  O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	(void)!ftruncate(fd, 0);
	(void)!pwrite(fd, data, size, 0);
}

/* A report is about this input, or one before it; the kernel goes on, so libFuzzer can keep it. */
static void check_kernel_log(void)
{
	static const char *const reports[] = { "BUG: ", "WARNING: ", "UBSAN: ", "ODEBUG: ",
					       "Oops", "INFO: task" };
	char line[2048];
	ssize_t size;

	while ((size = read(kernel_log, line, sizeof(line) - 1)) > 0) {
		line[size] = 0;
		for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
			if (strstr(line, reports[i])) {
				dprintf(2, "the kernel says: %s", line);
				require(!"a quiet kernel");
			}
	}
}

/* ---- All of it ---- */

/* A name that is there twice is chosen twice as often. */
#define CALL(name)	{ call_##name, #name }
static const struct {
	void (*call)(struct scene *scene);
	const char *name;
} calls[] = {
	CALL(open_hwdep), CALL(open_control), CALL(open_pcm), CALL(close), CALL(dup), CALL(info),
	CALL(list), CALL(subscribe), CALL(subscribe), CALL(command), CALL(ioctl), CALL(advance),
	CALL(read), CALL(read), CALL(read_otherwise), CALL(poll), CALL(fdinfo), CALL(map),
	CALL(unmap), CALL(look_at_mapping), CALL(change_mapping), CALL(element_read),
	CALL(element_write), CALL(element_info), CALL(element_tlv), CALL(element_lock),
	CALL(element_events), CALL(send), CALL(send), CALL(late), CALL(proc), CALL(unbind),
};

#define CALLS	(sizeof(calls) / sizeof(calls[0]))

static uint8_t *pages(size_t size, int protection)
{
	uint8_t *at = mmap(NULL, size + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(at != MAP_FAILED && mprotect(at, size, protection) == 0);
	return at;
}

static void look_at_card(void)
{
	struct snd_audio_module_info info;

	card = card_find();
	require(card >= 0 && info_get(card, &info) == 0);
	journal_id = info.journal_id;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	arena = pages(ARENA, PROT_READ | PROT_WRITE);
	read_only = pages(4096, PROT_READ);
	look_at_card();
	tells_results = getenv("AUDIO_MODULE_FUZZ_TELL") != NULL;
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	require(kernel_log >= 0 && lseek(kernel_log, 0, SEEK_END) == 0);
	coverage_begin();
	return 0;
}

static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void tidy_up(struct scene *scene)
{
	for (size_t i = 0; i < MAPPINGS; i++)
		unmap(&scene->mappings[i]);
	for (size_t i = 0; i < SLOTS; i++)
		slot_close(&scene->slots[i]);
	if (scene->gone) {
		require(file_write(DRIVER "/bind", DEVICE) == 0);
		look_at_card();
	} else {
		inject(card, "late", "op=unregister");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scene scene = { .input = { data, size } };
	int before;

	for (size_t i = 0; i < SLOTS; i++)
		scene.slots[i].fd = -1;
	keep(data, size);
	before = next_fd();
	coverage_start();
	/* Every program begins with what the others need. */
	scene.name = "open_hwdep";
	open_node(&scene, "/dev/snd/hwC%dD%u", 3, HWDEP);
	for (int i = 0; i < MOST_CALLS && scene.input.left > 0; i++) {
		scene.call = (unsigned int)number(&scene, 1) % CALLS;
		scene.name = calls[scene.call].name;
		calls[scene.call].call(&scene);
	}
	coverage_stop();
	tidy_up(&scene);
	require(next_fd() == before);
	check_kernel_log();
	return 0;
}
