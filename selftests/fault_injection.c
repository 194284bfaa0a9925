// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation and every copy from or to user space that a call makes is failed once, the
 * first, the second, and so on until the call gets through untouched (/proc/PID/fail-nth). Each
 * time the call either fails with an error that is documented, or succeeds whole; nothing is left
 * behind by the own counts of objects, and the same call without a failure works. What leaks all
 * the same is found by kmemleak after the run.
 *
 * Needs a kernel with failslab, fail_page_alloc and fail_usercopy.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <sound/asound.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DRIVER		"/sys/bus/platform/drivers/snd-audio-module-virtual"
#define DEVICE		"snd-audio-module-virtual"
#define OBJECTS		"/sys/kernel/debug/snd-audio-module/objects"
#define PARAMETER	"Speaker EQ Movie Parameter1"
#define READ_SIZE	(128 * 1024)
#define MOST		20000	/* a call that allocates more often goes round in circles */
#define MOST_ROUNDS	20	/* what was not seen in so many does not happen */
#define GARBAGE		0x5a

/* 32-bit programs load modules in the same way: once is enough. */
#define LOADS_MODULES	(__SIZEOF_POINTER__ == 8)

/**
 * struct scene - what the calls work on
 * @machine: as it was before
 * @card: number of the card
 * @hwdep: its hwdep device, or -1
 * @control: its control device, or -1
 * @hook: a file of the hooks, or -1
 * @fd: what a call opened, or -1
 * @core: the core's module file
 * @driver: the driver's module file
 * @nth: fail-nth, or make-it-fail
 * @objects: what lived before the first call
 * @info: before the call
 * @list: for LIST and INFO
 * @subscribe: for SUBSCRIBE
 * @element: for the control elements
 * @value: for commands
 * @seen: how often Alloc itself failed
 * @map: what a call mapped
 * @bytes: what a call read
 * @size: of it, or what LIST needs
 */
struct scene {
	struct machine machine;
	int card;
	int hwdep;
	int control;
	int hook;
	int fd;
	int core;
	int driver;
	int nth;
	char objects[512];
	struct snd_audio_module_info info;
	struct snd_audio_module_list list;
	struct snd_audio_module_subscribe subscribe;
	struct snd_ctl_elem_value element;
	uint32_t value;
	unsigned int seen;
	struct snd_audio_module_map *map;
	uint8_t *bytes;
	ssize_t size;
};

/**
 * struct entry_point - a call that allocates, or copies from or to user space
 * @name: for messages
 * @prepare: makes everything ready for a call, may be NULL: 0 or -errno
 * @call: the call: 0 or -errno
 * @settle: after a call that returned this: takes its effect back; what is wrong, or NULL
 * @finish: what was not seen in all the calls so far, or NULL; may be NULL
 * @errors: with which it may fail, up to the first 0
 * @require: function of the kernel: only what is called by it fails; may be NULL
 * @reject: function of the kernel: what is called by it does not fail; NULL: kmemleak's own
 * @step: every how many-th failure is tried, in one round; 0: each one, in three rounds
 * @again: after every how many-th failure the call is tried once more without; 0: after each one
 */
struct entry_point {
	const char *name;
	int (*prepare)(struct scene *scene);
	int (*call)(struct scene *scene);
	const char *(*settle)(struct scene *scene, int err);
	const char *(*finish)(struct scene *scene);
	int errors[4];
	const char *require;
	const char *reject;
	unsigned int step;
	unsigned int again;
};

/* ------------------------------------------------------------------ fail-nth */

static void nth_write(int fd, unsigned int n)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%u", n);

	/* A failure that is still armed may hit this write: then it is not armed any more. */
	while (pwrite(fd, text, size, 0) != size)
		;
}

/* Disarm: was the failure used up by the call before? */
static bool nth_end(int fd)
{
	char text[16] = "";
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);

	nth_write(fd, 0);
	/* It hit this read, so it was left over. */
	return got > 0 && !strtoul(text, NULL, 10);
}

/* The attributes of every kind of failure. */
static int failures_set(const char *attribute, const char *value)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[128];
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kinds[i], attribute);
		err = file_write(path, value);
	}
	return err;
}

/* The range of addresses of a function: from /proc/kallsyms, up to the next symbol. */
static int function_find(const char *name, uint64_t *begin, uint64_t *end)
{
	char line[256], symbol[128];
	uint64_t address;
	int pass;

	*begin = 0;
	*end = UINT64_MAX;
	for (pass = 0; pass < 2; pass++) {
		FILE *symbols = fopen("/proc/kallsyms", "r");

		if (!symbols)
			return -errno;
		while (fgets(line, sizeof(line), symbols)) {
			if (sscanf(line, "%" SCNx64 " %*c %127s", &address, symbol) != 2)
				continue;
			if (!pass && !strcmp(symbol, name))
				*begin = address;
			if (pass && address > *begin && address < *end)
				*end = address;
		}
		fclose(symbols);
	}
	return *begin ? 0 : -ENOENT;
}

static int failures_range(const char *which, uint64_t begin, uint64_t end)
{
	char attribute[32], value[32];
	int err;

	snprintf(attribute, sizeof(attribute), "%s-start", which);
	snprintf(value, sizeof(value), "0x%" PRIx64, begin);
	err = failures_set(attribute, value);
	snprintf(attribute, sizeof(attribute), "%s-end", which);
	snprintf(value, sizeof(value), "0x%" PRIx64, end);
	return err ? err : failures_set(attribute, value);
}

/* Fail only what is called by the function @require, and not by @reject; NULL: anything. */
static int failures_below(const char *require, const char *reject)
{
	uint64_t begin = 0, end = UINT64_MAX;
	int err = require ? function_find(require, &begin, &end) : 0;

	err = err ? err : failures_range("require", begin, end);
	begin = end = 0;
	err = err ? err : reject ? function_find(reject, &begin, &end) : 0;
	return err ? err : failures_range("reject", begin, end);
}

static int call_with_failure(struct scene *scene, const struct entry_point *entry,
			     unsigned int n, bool *failed)
{
	int err;

	nth_write(scene->nth, n);
	err = entry->call(scene);
	*failed = nth_end(scene->nth);
	return err;
}

/* ------------------------------------------------------------------ modules and cards */

static int module_open(const char *name)
{
	const char *directory = getenv("AUDIO_MODULE_DIR");
	struct utsname uts;
	char path[512];

	uname(&uts);
	if (directory && *directory)
		snprintf(path, sizeof(path), "%s/%s.ko", directory, name);
	else
		snprintf(path, sizeof(path), "/lib/modules/%s/updates/%s.ko", uts.release, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

#if LOADS_MODULES

static int load(int fd)
{
	return syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
}

static const char *unload(const char *module)
{
	static char text[96];

	if (!syscall(SYS_delete_module, module, O_NONBLOCK))
		return NULL;
	snprintf(text, sizeof(text), "%s cannot be unloaded: %s", module, strerror(errno));
	return text;
}

static bool is_loaded(const char *module)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return !access(path, F_OK);
}

static int core_prepare(struct scene *scene)
{
	return is_loaded("snd_audio_module") ? modules_unload() : 0;
}

static int core_call(struct scene *scene)
{
	return load(scene->core);
}

static const char *core_settle(struct scene *scene, int err)
{
	if (!err)
		return unload("snd_audio_module");
	return is_loaded("snd_audio_module") ? "it failed and is loaded" : NULL;
}

static int driver_prepare(struct scene *scene)
{
	if (is_loaded("snd_audio_module_virtual") && unload("snd_audio_module_virtual"))
		return -EBUSY;
	return 0;
}

static int driver_call(struct scene *scene)
{
	return load(scene->driver);
}

/* The kernel does not say when it has no memory for the node of a device that it registered. */
static bool node_missing(const char *name)
{
	char node[64], device[64];

	snprintf(node, sizeof(node), "/dev/snd/%s", name);
	snprintf(device, sizeof(device), "/sys/class/sound/%s", name);
	return access(node, F_OK) && !access(device, F_OK);
}

static const char *hwdep_whole(int card)
{
	struct snd_audio_module_list list = { 0 };
	char name[32];
	int hwdep;

	snprintf(name, sizeof(name), "hwC%dD3", card);
	if (node_missing(name))
		return NULL;
	hwdep = hwdep_open(card);
	if (hwdep < 0)
		return "the card has no hwdep device";
	ioctl(hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list);
	close(hwdep);
	return list.endpoints == 2 && list.modules == 8 ? NULL :
	       "the card lacks endpoints or modules";
}

static const char *control_whole(int card)
{
	struct snd_ctl_elem_list elements = { 0 };
	char name[32], path[64];
	int control;

	snprintf(name, sizeof(name), "controlC%d", card);
	if (node_missing(name))
		return NULL;
	snprintf(path, sizeof(path), "/dev/snd/%s", name);
	control = open(path, O_RDWR | O_CLOEXEC);
	if (control < 0)
		return "the card has no control device";
	ioctl(control, SNDRV_CTL_IOCTL_ELEM_LIST, &elements);
	close(control);
	/* 10 for notifications, 2 meter rates, and the parameters. */
	return elements.count < 20 ? "the card lacks elements" : NULL;
}

/* Is the card complete, with all that LIST and ALSA show of it? */
static const char *card_whole(void)
{
	int card = card_find();
	const char *wrong;

	if (card < 0)
		return "it succeeded without a card";
	wrong = hwdep_whole(card);
	return wrong ? wrong : control_whole(card);
}

static const char *driver_settle(struct scene *scene, int err)
{
	const char *wrong;

	if (err)
		return is_loaded("snd_audio_module_virtual") ? "it failed and is loaded" : NULL;
	wrong = card_whole();
	return wrong ? wrong : unload("snd_audio_module_virtual");
}

static int bind_prepare(struct scene *scene)
{
	int err = 0;

	if (!access(DRIVER "/" DEVICE, F_OK))
		err = file_write(DRIVER "/unbind", DEVICE);
	if (scene->hook < 0)
		scene->hook = open(DRIVER "/bind", O_WRONLY | O_CLOEXEC);
	return scene->hook < 0 ? -errno : err;
}

static int bind_call(struct scene *scene)
{
	return pwrite(scene->hook, DEVICE, strlen(DEVICE), 0) < 0 ? -errno : 0;
}

static const char *bind_settle(struct scene *scene, int err)
{
	const char *wrong;

	if (err)
		return card_find() >= 0 ? "it failed and there is a card" : NULL;
	wrong = card_whole();
	if (file_write(DRIVER "/unbind", DEVICE))
		return "it cannot be unbound";
	return wrong;
}

#endif /* LOADS_MODULES */

/* ------------------------------------------------------------------ hwdep */

static int card_prepare(struct scene *scene)
{
	char path[64];

	if (scene->hwdep >= 0)
		return 0;
	scene->card = card_find();
	scene->hwdep = hwdep_open(scene->card);
	snprintf(path, sizeof(path), "/dev/snd/controlC%d", scene->card);
	scene->control = open(path, O_RDWR | O_CLOEXEC);
	return scene->hwdep < 0 || scene->control < 0 ? -ENODEV : 0;
}

static int open_path(struct scene *scene, const char *format, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), format, scene->card);
	scene->fd = open(path, flags | O_CLOEXEC);
	return scene->fd < 0 ? -errno : 0;
}

static int hwdep_call(struct scene *scene)
{
	return open_path(scene, "/dev/snd/hwC%dD3", O_RDWR);
}

static int pcm_call(struct scene *scene)
{
	return open_path(scene, "/dev/snd/pcmC%dD0p", O_RDWR | O_NONBLOCK);
}

static const char *close_settle(struct scene *scene, int err)
{
	if (!err && close(scene->fd))
		return "it cannot be closed";
	scene->fd = -1;
	return NULL;
}

static const char *hwdep_settle(struct scene *scene, int err)
{
	const char *wrong = NULL;

	if (!err && ioctl(scene->fd, SND_AUDIO_MODULE_IOCTL_INFO, &scene->info))
		wrong = "it was opened and knows no INFO";
	return wrong ? wrong : close_settle(scene, err);
}

/* 8.5: a stream gets all its modules, or cannot be opened and leaves none behind. */
static const char *pcm_settle(struct scene *scene, int err)
{
	struct snd_audio_module_list list = { 0 };

	ioctl(scene->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list);
	if (err && list.modules != 8)
		return "it failed and left modules";
	if (!err && list.modules != 10)
		return "it was opened without its modules";
	return close_settle(scene, err);
}

static int info_call(struct scene *scene)
{
	memset(&scene->info, GARBAGE, sizeof(scene->info));
	return ioctl(scene->hwdep, SND_AUDIO_MODULE_IOCTL_INFO, &scene->info) ? -errno : 0;
}

static const char *info_settle(struct scene *scene, int err)
{
	if (!err && (scene->info.abi_version != SND_AUDIO_MODULE_ABI_VERSION ||
		     scene->info.counters[31]))
		return "it succeeded and did not fill INFO";
	return NULL;
}

static int list_prepare(struct scene *scene)
{
	int err = card_prepare(scene);

	if (err)
		return err;
	memset(&scene->list, 0, sizeof(scene->list));
	if (!ioctl(scene->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &scene->list) ||
	    errno != EOVERFLOW)
		return -EPROTO;
	scene->size = scene->list.size;
	memset(scene->bytes, GARBAGE, scene->size);
	scene->list.buffer = (uintptr_t)scene->bytes;
	return 0;
}

static int list_call(struct scene *scene)
{
	return ioctl(scene->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &scene->list) ? -errno : 0;
}

static const char *list_settle(struct scene *scene, int err)
{
	const struct snd_audio_module_endpoint_info *endpoint = (const void *)scene->bytes;

	if (!err && (scene->list.size != scene->size || scene->list.modules != 8 ||
		     memcmp(endpoint[0].device_id, speaker_id, 16) ||
		     memcmp(endpoint[1].device_id, headphones_id, 16)))
		return "it succeeded and did not fill LIST";
	return NULL;
}

static int list_size_prepare(struct scene *scene)
{
	memset(&scene->list, 0, sizeof(scene->list));
	return card_prepare(scene);
}

static const char *list_size_settle(struct scene *scene, int err)
{
	if (err == -EOVERFLOW && !scene->list.size)
		return "EOVERFLOW without the size that is needed";
	return err ? NULL : "it succeeded without a buffer";
}

/* ------------------------------------------------------------------ notification fds */

static int subscribe_prepare(struct scene *scene)
{
	memset(&scene->subscribe, 0, sizeof(scene->subscribe));
	return card_prepare(scene);
}

static int subscribe_filter_prepare(struct scene *scene)
{
	struct snd_audio_module_filter *filter = &scene->subscribe.filter;
	int err = subscribe_prepare(scene);

	filter->match = SND_AUDIO_MODULE_MATCH_DEVICE_ID | SND_AUDIO_MODULE_MATCH_CLASS_ID;
	memcpy(filter->device_id, speaker_id, 16);
	memcpy(filter->class_id, module_class[0], 16);
	return err;
}

static int subscribe_initial_prepare(struct scene *scene)
{
	int err = subscribe_prepare(scene);

	err = err ? err : inject(scene->card, "send", "count=10 module=0");
	err = err ? err : inject(scene->card, "send", "count=10 module=1");
	scene->subscribe.flags = SND_AUDIO_MODULE_SUBSCRIBE_INITIAL;
	return err;
}

static int subscribe_after_prepare(struct scene *scene)
{
	struct snd_audio_module_info info;
	int err = subscribe_initial_prepare(scene);

	err = err ? err : info_get(scene->card, &info);
	scene->subscribe.flags = 0;
	scene->subscribe.start = SND_AUDIO_MODULE_START_AFTER;
	scene->subscribe.journal_id = info.journal_id;
	scene->subscribe.sequence = info.newest_sequence - 5;
	return err;
}

static int subscribe_call(struct scene *scene)
{
	scene->fd = subscribe_on_hwdep(scene->hwdep, &scene->subscribe);
	return scene->fd < 0 ? scene->fd : 0;
}

/* How many records the fd has at once. */
static const char *subscribe_settle(struct scene *scene, int err)
{
	bool initial = scene->subscribe.flags & SND_AUDIO_MODULE_SUBSCRIBE_INITIAL;
	bool after = scene->subscribe.start == SND_AUDIO_MODULE_START_AFTER;
	struct tally tally;

	if (err)
		return NULL;
	tally = tally_new(scene->subscribe.start_sequence);
	tally.expect_initial = initial;
	if (tally_drain(&tally, scene->fd, 0))
		return "the fd cannot be read";
	if (tally.initial != (initial ? 2 : 0) || tally.matched != (after ? 5 : 0) || tally.bad)
		return "the fd delivers what it should not";
	return close_settle(scene, err);
}

/* Three records, of which the second needs a buffer larger than what a slab has. */
static int read_prepare(struct scene *scene)
{
	int err = subscribe_prepare(scene);

	close(scene->fd);
	err = err ? err : subscribe_call(scene);
	err = err ? err : inject(scene->card, "send", "count=1 size=104");
	err = err ? err : inject(scene->card, "send", "count=1 size=64040");
	err = err ? err : inject(scene->card, "send", "count=1 size=48");
	return err;
}

static int read_call(struct scene *scene)
{
	scene->size = read(scene->fd, scene->bytes, READ_SIZE);
	return scene->size < 0 ? -errno : 0;
}

/* A read that fails moves nothing; one that gives less than all leaves the rest. */
static const char *read_settle(struct scene *scene, int err)
{
	struct tally tally = tally_new(scene->subscribe.start_sequence);

	if (err && fdinfo_get(scene->fd, "position") != (int64_t)tally.start)
		return "it failed and moved the position";
	if (!err)
		tally_records(&tally, scene->bytes, scene->size);
	if (tally_drain(&tally, scene->fd, 0) || tally.matched != 3 || tally.lost ||
	    tally.bad || tally.corrupt)
		return "the records are not all there";
	return NULL;
}

/* Of so few bytes that a failure is not made up for by memory that is not in one piece. */
static int read_little_prepare(struct scene *scene)
{
	int err = subscribe_prepare(scene);

	close(scene->fd);
	err = err ? err : subscribe_call(scene);
	return err ? err : inject(scene->card, "send", "count=3 size=48");
}

static int read_little_call(struct scene *scene)
{
	scene->size = read(scene->fd, scene->bytes, 1024);
	return scene->size < 0 ? -errno : 0;
}

static int subscribe_map_prepare(struct scene *scene)
{
	int err = subscribe_prepare(scene);

	scene->subscribe.flags = SND_AUDIO_MODULE_SUBSCRIBE_MAP;
	return err;
}

/* A notification fd with something behind it that can be mapped. */
static int map_prepare(struct scene *scene)
{
	int err = subscribe_map_prepare(scene);

	close(scene->fd);
	err = err ? err : subscribe_call(scene);
	err = err ? err : inject(scene->card, "send", "count=1 size=104");
	return err ? err : info_get(scene->card, &scene->info);
}

static int map_call(struct scene *scene)
{
	scene->size = sysconf(_SC_PAGESIZE) + scene->info.journal_size;
	scene->map = mmap(NULL, scene->size, PROT_READ, MAP_SHARED, scene->fd, 0);
	return scene->map == MAP_FAILED ? -errno : 0;
}

static const char *map_settle(struct scene *scene, int err)
{
	if (err)
		return NULL;
	if (scene->map->newest != scene->info.newest_sequence ||
	    scene->map->data_size != scene->info.journal_size)
		return "it is mapped and does not show the journal";
	return munmap(scene->map, scene->size) ? "it cannot be unmapped" : NULL;
}

static int advance_call(struct scene *scene)
{
	const struct snd_audio_module_advance advance = {
		.position = scene->subscribe.start_position + 48 + 104,
		.sequence = scene->subscribe.start_sequence + 1,
	};

	return ioctl(scene->fd, SND_AUDIO_MODULE_IOCTL_ADVANCE, &advance) < 0 ? -errno : 0;
}

static const char *advance_settle(struct scene *scene, int err)
{
	if (fdinfo_get(scene->fd, "position") !=
	    (int64_t)(scene->subscribe.start_sequence + !err))
		return "the position is not where it should be";
	return NULL;
}

/* ------------------------------------------------------------------ hooks */

/* A file of the hooks that stays open, so that only its write is in the call. */
static int hook_prepare(struct scene *scene, const char *name)
{
	char path[128];
	int err = card_prepare(scene);

	snprintf(path, sizeof(path), "/sys/kernel/debug/snd-audio-module-virtual/card%d/%s",
		 scene->card, name);
	if (scene->hook < 0)
		scene->hook = open(path, O_RDWR | O_CLOEXEC);
	err = err ? err : info_get(scene->card, &scene->info);
	return scene->hook < 0 ? -errno : err;
}

static int hook_write(struct scene *scene, const char *line)
{
	return write(scene->hook, line, strlen(line)) < 0 ? -errno : 0;
}

/* How much a counter has grown since the call was prepared. */
static uint64_t grown(struct scene *scene, enum snd_audio_module_counter counter)
{
	return counter_get(scene->card, counter) - scene->info.counters[counter];
}

static int portcls_prepare(struct scene *scene)
{
	return hook_prepare(scene, "portcls");
}

static int alloc_paged_call(struct scene *scene)
{
	return hook_write(scene, "op=alloc pool=1 size=104");
}

static int alloc_call(struct scene *scene)
{
	return hook_write(scene, "op=alloc pool=512 size=104");
}

static int alloc_large_call(struct scene *scene)
{
	return hook_write(scene, "op=alloc pool=512 size=64040");
}

/* The hook may fail before it calls Alloc. Alloc itself says ENOMEM, and *buffer is NULL. */
static const char *alloc_settle(struct scene *scene, int err)
{
	uint64_t counted = grown(scene, SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY);
	char answer[128] = "";

	if (err)
		return counted ? "the hook failed after Alloc" : NULL;
	if (pread(scene->hook, answer, sizeof(answer) - 1, 0) < 0)
		return "the hook has no answer";
	if (!strcmp(answer, "status=0 null=0 zeroed=1 aligned=1\n"))
		return hook_write(scene, "op=free") ? "the buffer cannot be freed" : NULL;
	if (strcmp(answer, "status=-12 null=1\n") || counted != 1)
		return "Alloc failed in another way than with ENOMEM, NULL and one count";
	scene->seen++;
	return NULL;
}

static const char *seen_finish(struct scene *scene)
{
	return scene->seen ? NULL : "no failure reached Alloc";
}

static int send_prepare(struct scene *scene)
{
	return hook_prepare(scene, "send");
}

static int send_call(struct scene *scene)
{
	return hook_write(scene, "count=1 method=portcls");
}

/* A buffer for each: what has none is not sent. */
static const char *send_settle(struct scene *scene, int err)
{
	uint64_t sent = grown(scene, SND_AUDIO_MODULE_COUNTER_ACCEPTED);
	uint64_t without = grown(scene, SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY);

	scene->seen += without;
	return sent + without == !err ? NULL : "neither sent nor counted, or both";
}

static int late_prepare(struct scene *scene)
{
	return hook_prepare(scene, "late");
}

static int late_call(struct scene *scene)
{
	return hook_write(scene, "op=register instance=7");
}

static const char *late_settle(struct scene *scene, int err)
{
	struct snd_audio_module_list list = { 0 };

	ioctl(scene->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list);
	if (list.modules != (err ? 8 : 9))
		return "the list does not have what it should have";
	if ((list.generation == scene->info.generation) != !!err)
		return "generation and list do not agree";
	if (err)
		return NULL;
	return hook_write(scene, "op=unregister") ? "the module cannot be unregistered" : NULL;
}

/* ------------------------------------------------------------------ elements */

/* The numid of an element; 0: there is none. */
static unsigned int numid_of(int control, int iface, const char *name)
{
	struct snd_ctl_elem_info info = { .id.iface = iface };

	snprintf((char *)info.id.name, sizeof(info.id.name), "%s", name);
	return ioctl(control, SNDRV_CTL_IOCTL_ELEM_INFO, &info) ? 0 : info.id.numid;
}

static int element_prepare(struct scene *scene)
{
	int err = card_prepare(scene);

	memset(&scene->element, 0, sizeof(scene->element));
	scene->element.id.numid = numid_of(scene->control, SNDRV_CTL_ELEM_IFACE_CARD,
					   "Speaker Notification");
	return err ? err : scene->element.id.numid ? 0 : -ENOENT;
}

static int element_call(struct scene *scene)
{
	return ioctl(scene->control, SNDRV_CTL_IOCTL_ELEM_READ, &scene->element) ? -errno : 0;
}

static const char *nothing_settle(struct scene *scene, int err)
{
	return NULL;
}

static int tlv_call(struct scene *scene)
{
	struct snd_ctl_tlv *tlv = (void *)scene->bytes;

	memset(tlv, GARBAGE, 4096);
	tlv->numid = scene->element.id.numid;
	tlv->length = 4096;
	return ioctl(scene->control, SNDRV_CTL_IOCTL_TLV_READ, tlv) ? -errno : 0;
}

static const char *tlv_settle(struct scene *scene, int err)
{
	const struct snd_ctl_tlv *tlv = (const void *)scene->bytes;

	if (!err && (tlv->tlv[0] != 0 || tlv->tlv[1] % 4 ||
		     tlv->tlv[2] != SND_AUDIO_MODULE_TLV_DESCRIPTOR))
		return "it succeeded and there is no descriptor";
	return NULL;
}

static unsigned int parameter_item(struct scene *scene)
{
	struct snd_ctl_elem_value value = { .id.numid = scene->element.id.numid };

	ioctl(scene->control, SNDRV_CTL_IOCTL_ELEM_READ, &value);
	return value.value.enumerated.item[0];
}

/* Write the one of two items that the parameter does not have. */
static int parameter_prepare(struct scene *scene)
{
	int err = card_prepare(scene);

	memset(&scene->element, 0, sizeof(scene->element));
	scene->element.id.numid = numid_of(scene->control, SNDRV_CTL_ELEM_IFACE_MIXER, PARAMETER);
	scene->element.value.enumerated.item[0] = !parameter_item(scene);
	err = err ? err : info_get(scene->card, &scene->info);
	return err ? err : scene->element.id.numid ? 0 : -ENOENT;
}

static int parameter_call(struct scene *scene)
{
	return ioctl(scene->control, SNDRV_CTL_IOCTL_ELEM_WRITE, &scene->element) < 0 ? -errno : 0;
}

/* Changed and told, or without memory for the notification counted; or neither (8.4). */
static const char *changed_as_told(struct scene *scene, int err, bool changed)
{
	uint64_t told = grown(scene, SND_AUDIO_MODULE_COUNTER_ACCEPTED);
	uint64_t untold = grown(scene, SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY);

	scene->seen += untold;
	if (!err && !changed)
		return "it succeeded and the parameter is as before";
	/* EFAULT comes, too, when what was done cannot be told. */
	if (err && err != -EFAULT && changed)
		return "it failed and the parameter has changed";
	return told + untold == changed ? NULL : "changed and not told, or told and not changed";
}

static const char *parameter_settle(struct scene *scene, int err)
{
	return changed_as_told(scene, err, parameter_item(scene) ==
					   scene->element.value.enumerated.item[0]);
}

/* ------------------------------------------------------------------ commands */

static uint32_t command_value(struct scene *scene)
{
	uint32_t value = 0;

	parameter_command(scene->hwdep, SND_AUDIO_MODULE_VERB_GET, &value);
	return value;
}

/* Set the one of two values that it does not have. */
static int command_prepare(struct scene *scene)
{
	int err = card_prepare(scene);

	scene->value = command_value(scene) == 1 ? 2 : 1;
	return err ? err : info_get(scene->card, &scene->info);
}

static int command_set_call(struct scene *scene)
{
	uint32_t value = scene->value;

	return parameter_command(scene->hwdep, SND_AUDIO_MODULE_VERB_SET, &value);
}

static const char *command_set_settle(struct scene *scene, int err)
{
	return changed_as_told(scene, err, command_value(scene) == scene->value);
}

static int command_get_call(struct scene *scene)
{
	uint32_t value = 0;
	int err = parameter_command(scene->hwdep, SND_AUDIO_MODULE_VERB_GET, &value);

	scene->size = value;
	return err;
}

static const char *command_get_settle(struct scene *scene, int err)
{
	if (!err && scene->size != (scene->value == 1 ? 2 : 1))
		return "it succeeded with another value";
	return NULL;
}

/* ------------------------------------------------------------------ the sweep */

FIXTURE(sweep) {
	struct scene scene;
};

FIXTURE_VARIANT(sweep) {
	struct entry_point entry;
};

#define ENTRY_POINT(label, ...) \
	FIXTURE_VARIANT_ADD(sweep, label) { .entry = { .name = #label, __VA_ARGS__ } }

/* EFAULT of an open is that of its path. */
ENTRY_POINT(open_hwdep, card_prepare, hwdep_call, hwdep_settle, NULL, { -ENOMEM, -EFAULT });
ENTRY_POINT(info, card_prepare, info_call, info_settle, NULL, { -EFAULT });
ENTRY_POINT(list_size, list_size_prepare, list_call, list_size_settle, NULL,
	    { -EOVERFLOW, -EFAULT });
ENTRY_POINT(list, list_prepare, list_call, list_settle, NULL, { -ENOMEM, -EFAULT });
ENTRY_POINT(command_get, command_prepare, command_get_call, command_get_settle, NULL,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(command_set, command_prepare, command_set_call, command_set_settle, seen_finish,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(subscribe, subscribe_prepare, subscribe_call, subscribe_settle, NULL,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(subscribe_filter, subscribe_filter_prepare, subscribe_call, subscribe_settle, NULL,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(subscribe_initial, subscribe_initial_prepare, subscribe_call, subscribe_settle, NULL,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(subscribe_after, subscribe_after_prepare, subscribe_call, subscribe_settle, NULL,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(subscribe_map, subscribe_map_prepare, subscribe_call, subscribe_settle, NULL,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(map, map_prepare, map_call, map_settle, NULL, { -ENOMEM, -EFAULT });
ENTRY_POINT(advance, map_prepare, advance_call, advance_settle, NULL, { -ENOMEM, -EFAULT });
ENTRY_POINT(read, read_prepare, read_call, read_settle, NULL, { -ENOMEM, -EFAULT });
ENTRY_POINT(read_little, read_little_prepare, read_little_call, read_settle, NULL,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(alloc_paged, portcls_prepare, alloc_paged_call, alloc_settle, seen_finish,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(alloc_nonpaged, portcls_prepare, alloc_call, alloc_settle, seen_finish,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(alloc_large, portcls_prepare, alloc_large_call, alloc_settle, seen_finish,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(alloc_send_free, send_prepare, send_call, send_settle, seen_finish,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(register_late, late_prepare, late_call, late_settle, NULL, { -ENOMEM, -EFAULT });
ENTRY_POINT(element_read, element_prepare, element_call, nothing_settle, NULL,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(element_tlv, element_prepare, tlv_call, tlv_settle, NULL, { -ENOMEM, -EFAULT });
ENTRY_POINT(parameter_write, parameter_prepare, parameter_call, parameter_settle, seen_finish,
	    { -ENOMEM, -EFAULT });
ENTRY_POINT(open_pcm, card_prepare, pcm_call, pcm_settle, NULL, { -ENOMEM, -EFAULT });
/*
 * Of these only our part fails, with all that it calls: the module loader and the driver core of
 * Linux 6.1 do not survive every failure of their own. EINVAL: ALSA and the driver core register
 * devices that they had no memory to name.
 */
#if LOADS_MODULES
ENTRY_POINT(bind_driver, bind_prepare, bind_call, bind_settle, NULL,
	    { -ENOMEM, -EFAULT, -EINVAL }, "really_probe", NULL, 1, 8);
ENTRY_POINT(load_registers_driver, driver_prepare, driver_call, driver_settle, NULL,
	    { -ENOMEM, -EINVAL }, "driver_register", "module_add_driver", 1);
ENTRY_POINT(load_registers_device, driver_prepare, driver_call, driver_settle, NULL,
	    { -ENOMEM, -EINVAL, -ENODEV }, "platform_device_register_full", "really_probe", 1);
/* bind_driver tries each failure of the probe; what a load makes of them is always the same. */
ENTRY_POINT(load_probes_device, driver_prepare, driver_call, driver_settle, NULL,
	    { -ENODEV }, "really_probe", NULL, 29);
ENTRY_POINT(load_core, core_prepare, core_call, core_settle, NULL, { -ENOMEM },
	    "do_one_initcall", NULL, 1);
#endif /* LOADS_MODULES */

/* What the failures print is not asked for; allocations that may wait fail, too. */
static int set_up_failures(const struct entry_point *entry)
{
	int err = failures_set("verbose", "0");

	err = err ? err : file_write("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	err = err ? err : file_write("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	err = err ? err : file_write("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	/* kmemleak lives without memory; sometimes it needs none, and nothing would be the n-th. */
	return err ? err : failures_below(entry->require, entry->reject ?: "__create_object");
}

FIXTURE_SETUP(sweep)
{
	struct scene *scene = &self->scene;

	scene->hwdep = scene->control = scene->hook = scene->fd = -1;
	scene->nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (scene->nth < 0)
		SKIP(return, "this kernel cannot let allocations fail");
	ASSERT_EQ(0, set_up_failures(&variant->entry));
	scene->core = module_open("snd-audio-module");
	scene->driver = module_open("snd-audio-module-virtual");
	ASSERT_LE(0, scene->core);
	ASSERT_LE(0, scene->driver);
	scene->bytes = malloc(READ_SIZE);
	/* Page faults would be counted, too. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
	ASSERT_EQ(0, machine_begin(&scene->machine, "journal_size=131072"));
}

FIXTURE_TEARDOWN(sweep)
{
	struct scene *scene = &self->scene;

	close(scene->fd);
	close(scene->hook);
	close(scene->control);
	close(scene->hwdep);
	EXPECT_EQ(0, machine_end(&scene->machine));
	free(scene->bytes);
}

static bool documented(const struct entry_point *entry, int err)
{
	size_t i;

	for (i = 0; i < sizeof(entry->errors) / sizeof(entry->errors[0]) && entry->errors[i]; i++)
		if (entry->errors[i] == err)
			return true;
	return !err;
}

/* Cards, journals, ports, modules, buffers and fds that are alive. */
static void objects_read(char *text, size_t size)
{
	if (file_read(OBJECTS, text, size))
		*text = 0;
}

/* The last file of a card is closed a moment after its close(). */
static bool objects_same(struct scene *scene)
{
	uint64_t end = milliseconds() + 5000;
	char text[sizeof(scene->objects)];

	do {
		objects_read(text, sizeof(text));
		if (!strcmp(text, scene->objects))
			return true;
		usleep(1000);
	} while (milliseconds() < end);
	return false;
}

/* One call, prepared and settled; what is wrong with it, or NULL. */
static const char *try_once(struct scene *scene, const struct entry_point *entry, unsigned int n,
			    int *err, bool *failed)
{
	static char text[128];
	const char *wrong;

	*err = entry->prepare(scene);
	if (*err)
		return "the call cannot be prepared";
	objects_read(scene->objects, sizeof(scene->objects));
	if (n)
		*err = call_with_failure(scene, entry, n, failed);
	else
		*err = entry->call(scene);
	wrong = entry->settle(scene, *err);
	if (wrong)
		return wrong;
	if (documented(entry, *err))
		return objects_same(scene) ? NULL : "objects are left";
	snprintf(text, sizeof(text), "an error that is not documented: %s", strerror(-*err));
	return text;
}

/**
 * struct count - what became of the failures
 * @failed: calls that one of them hit
 * @refused: calls that did not succeed because of it
 */
struct count {
	unsigned int failed;
	unsigned int refused;
};

/* The call works after the @n-th failure: what is wrong, or NULL. */
static const char *once_more(struct scene *scene, const struct entry_point *entry, unsigned int n,
			     int expected)
{
	static char text[256];
	const char *wrong;
	bool failed;
	int err;

	wrong = try_once(scene, entry, 0, &err, &failed);
	if (!wrong && err == expected)
		return NULL;
	snprintf(text, sizeof(text), "once more after failure %u, %d: %s", n, err,
		 wrong ? wrong : "another result");
	return text;
}

/*
 * One round: the first, the second, the third ... failure, until the call gets through without.
 * Returns what is wrong, or NULL.
 */
static const char *sweep(struct scene *scene, const struct entry_point *entry, int expected,
			 struct count *count)
{
	static char text[256];
	const char *wrong;
	bool failed = true;
	unsigned int n = 1;
	int err = 0;

	while (failed && n < MOST) {
		wrong = try_once(scene, entry, n, &err, &failed);
		if (wrong) {
			snprintf(text, sizeof(text), "failure %u, %d: %s", n, err, wrong);
			return text;
		}
		count->failed += failed;
		count->refused += err != expected;
		/* Where that takes long not each time: the next call shows it, too. */
		if (!failed || !entry->again || n % entry->again == 0)
			wrong = once_more(scene, entry, n, expected);
		if (wrong)
			return wrong;
		n += entry->step ? entry->step : 1;
	}
	return n < MOST ? NULL : "it never gets through without a failure";
}

/*
 * Rounds, because the checkers of a debug kernel allocate now and then for themselves: then the
 * n-th allocation is another one, and one of ours is left out. What must be seen has more rounds to
 * be seen in. Returns what is wrong, or NULL.
 */
static const char *sweep_rounds(struct scene *scene, const struct entry_point *entry, int expected,
				struct count *count)
{
	int rounds = entry->step || !LOADS_MODULES ? 1 : 3;
	const char *wrong, *missing;
	int round = 0;

	do {
		wrong = sweep(scene, entry, expected, count);
		missing = !wrong && entry->finish ? entry->finish(scene) : NULL;
	} while (!wrong && (++round < rounds || (missing && round < MOST_ROUNDS)));
	return wrong ? wrong : missing;
}

/*
 * A 32-bit program enters the same code by another door: one round tells that the door is there.
 */
TEST_F_TIMEOUT(sweep, fails_as_documented_or_succeeds_whole, 900)
{
	const struct entry_point *entry = &variant->entry;
	struct scene *scene = &self->scene;
	struct count count = { 0 };
	const char *wrong;
	int expected;
	bool failed;

	wrong = try_once(scene, entry, 0, &expected, &failed);
	if (!wrong)
		wrong = sweep_rounds(scene, entry, expected, &count);
	if (!wrong && !count.failed)
		wrong = "no failure reached it";
	EXPECT_TRUE(!wrong)
		TH_LOG("%s: %s", entry->name, wrong);
	TH_LOG("%s: %u calls failed on purpose, %u of them refused", entry->name, count.failed,
	       count.refused);
}

/* ------------------------------------------------------------------ no memory at all */

FIXTURE(famine) {
	struct scene scene;
};

/*
 * Every allocation fails that this process makes from kmalloc-96 and kmalloc-128, where buffers for
 * a few bytes come from; or none does. The kernel's command line names these caches.
 */
static int famine_begin(void)
{
	int err = file_write("/sys/kernel/debug/failslab/cache-filter", "Y");

	err = err ? err : file_write("/sys/kernel/debug/failslab/task-filter", "Y");
	err = err ? err : file_write("/sys/kernel/debug/failslab/times", "-1");
	return err ? err : file_write("/sys/kernel/debug/failslab/probability", "100");
}

/* The filters last: without them nobody would have any memory. */
static int famine_end(void)
{
	int err = file_write("/sys/kernel/debug/failslab/probability", "0");

	err = err ? err : file_write("/sys/kernel/debug/failslab/task-filter", "N");
	return err ? err : file_write("/sys/kernel/debug/failslab/cache-filter", "N");
}

/* The file is open already: to open it takes memory, too. */
static int famine(struct scene *scene, bool on)
{
	return pwrite(scene->nth, on ? "1" : "0", 1, 0) == 1 ? 0 : -errno;
}

FIXTURE_SETUP(famine)
{
	static const struct entry_point unfiltered;
	struct scene *scene = &self->scene;

	scene->hwdep = scene->control = scene->hook = scene->fd = -1;
	if (access(FAIL_NTH, F_OK) || access("/sys/kernel/slab/kmalloc-96/failslab", F_OK))
		SKIP(return, "this kernel cannot let allocations fail");
	ASSERT_EQ(0, set_up_failures(&unfiltered));
	ASSERT_EQ(0, machine_begin(&scene->machine, ""));
	ASSERT_EQ(0, card_prepare(scene));
	scene->nth = open("/proc/self/make-it-fail", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, scene->nth);
	ASSERT_EQ(0, famine_begin());
}

FIXTURE_TEARDOWN(famine)
{
	struct scene *scene = &self->scene;

	close(scene->nth);
	EXPECT_EQ(0, famine_end());
	close(scene->hook);
	close(scene->control);
	close(scene->hwdep);
	EXPECT_EQ(0, machine_end(&scene->machine));
}

/* 8.4: the command that triggers a notification succeeds, with or without memory for it. */
TEST_F(famine, parameters_change_without_memory_for_their_notifications)
{
	struct scene *scene = &self->scene;
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, parameter_prepare(scene));
		ASSERT_EQ(0, famine(scene, true));
		EXPECT_EQ(0, parameter_call(scene));
		ASSERT_EQ(0, famine(scene, false));
		EXPECT_EQ(scene->element.value.enumerated.item[0], parameter_item(scene));
		EXPECT_EQ(0, grown(scene, SND_AUDIO_MODULE_COUNTER_ACCEPTED));
		EXPECT_EQ(1, grown(scene, SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY));
	}
	ASSERT_EQ(0, parameter_prepare(scene));
	EXPECT_EQ(0, parameter_call(scene));
	EXPECT_EQ(1, grown(scene, SND_AUDIO_MODULE_COUNTER_ACCEPTED));
}

/* IF-4: STATUS_INSUFFICIENT_RESOURCES. */
TEST_F(famine, if4_alloc_says_enomem_every_time)
{
	static const unsigned int pools[] = { 0, 1, 512, 512 | 256 | 1024 };
	struct scene *scene = &self->scene;
	char answer[128];
	size_t pool;
	int i;

	scene->hook = portcls_open(scene->card);
	ASSERT_LE(0, scene->hook);
	ASSERT_EQ(0, info_get(scene->card, &scene->info));
	for (i = 0; i < 50; i++)
		for (pool = 0; pool < sizeof(pools) / sizeof(pools[0]); pool++) {
			ASSERT_EQ(0, famine(scene, true));
			ASSERT_EQ(0, portcls_do(scene->hook, answer, sizeof(answer),
						"op=alloc size=48 pool=%u", pools[pool]));
			ASSERT_EQ(0, famine(scene, false));
			EXPECT_STREQ("status=-12 null=1", answer);
		}
	EXPECT_EQ(200, grown(scene, SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY));
	ASSERT_EQ(0, portcls_do(scene->hook, answer, sizeof(answer), "op=alloc size=48 pool=1"));
	EXPECT_STREQ("status=0 null=0 zeroed=1 aligned=1", answer);
	ASSERT_EQ(0, portcls_do(scene->hook, NULL, 0, "op=free"));
}

TEST_HARNESS_MAIN
