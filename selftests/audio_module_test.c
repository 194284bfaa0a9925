// SPDX-License-Identifier: GPL-2.0
/*
 * What the selftests share; see audio_module_test.h.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <sound/asound.h>

#include "audio_module_test.h"

#define CORE		"snd-audio-module"
#define CORE_SYS	"/sys/module/snd_audio_module"
#define VIRTUAL		"snd-audio-module-virtual"
#define VIRTUAL_SYS	"/sys/module/snd_audio_module_virtual"
#define DEBUGFS		"/sys/kernel/debug"
#define READ_SIZE	(128 * 1024)
#define GARBAGE		0xa5
#define SETTLE_MS	20000

const uint8_t speaker_id[16] = SND_AUDIO_MODULE_VIRTUAL_SPEAKER;
const uint8_t headphones_id[16] = SND_AUDIO_MODULE_VIRTUAL_HEADPHONES;
const uint8_t audio_module_id[16] = SND_AUDIO_MODULE_NOTIFICATION_ID;
const uint8_t module_class[3][16] = {
	SND_AUDIO_MODULE_VIRTUAL_MODULE0,
	SND_AUDIO_MODULE_VIRTUAL_MODULE1,
	SND_AUDIO_MODULE_VIRTUAL_MODULE2,
};
const uint8_t meter_class[16] = SND_AUDIO_MODULE_VIRTUAL_METER;

/* ------------------------------------------------------------------ files */

int file_write(const char *path, const char *text)
{
	size_t size = strlen(text);
	ssize_t written;
	int err = 0;
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	written = write(fd, text, size);
	if (written != size)
		err = written < 0 ? -errno : -EIO;
	close(fd);
	return err;
}

int file_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t filled = 0;
	ssize_t got = 0;

	*text = 0;
	if (fd < 0)
		return -errno;
	while (filled < size - 1) {
		got = read(fd, text + filled, size - 1 - filled);
		if (got <= 0)
			break;
		filled += got;
	}
	text[filled] = 0;
	close(fd);
	return got < 0 ? -errno : 0;
}

uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

unsigned int slowness(void)
{
	const char *text = getenv("AUDIO_MODULE_SLOW");

	return text && atoi(text) > 0 ? atoi(text) : 1;
}

unsigned int running_ms(void)
{
	return slowness() < 4 ? 5000 * slowness() : 20000;
}

/* Instead of the C library's: the harness calls it with what a test says when it is compiled. */
unsigned int alarm(unsigned int seconds)
{
	struct itimerval timer = { .it_value.tv_sec = (time_t)seconds * slowness() }, old;

	setitimer(ITIMER_REAL, &timer, &old);
	return old.it_value.tv_sec + !!old.it_value.tv_usec;
}

char thread_state(pid_t process, pid_t thread)
{
	char path[64], text[512];
	const char *behind_name;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", process, thread);
	if (file_read(path, text, sizeof(text)))
		return 0;
	behind_name = strrchr(text, ')');
	return behind_name ? behind_name[2] : 0;
}

static void workers_stop(struct worker *workers, size_t count)
{
	while (count-- > 0) {
		workers[count].stop = true;
		pthread_join(workers[count].thread, NULL);
	}
}

int workers_run(struct worker *workers, size_t count)
{
	uint64_t end = milliseconds() + 40000;
	size_t i;
	int err;

	for (i = 0; i < count; i++) {
		err = pthread_create(&workers[i].thread, NULL, workers[i].work, &workers[i]);
		if (err) {
			workers_stop(workers, i);
			return -err;
		}
	}
	sleep(3);
	for (i = 0; i < count; i++)
		while (!workers[i].done && milliseconds() < end)
			usleep(10000);
	workers_stop(workers, count);
	return 0;
}

bool preempt_rt(void)
{
	struct utsname uts;

	return !uname(&uts) && strstr(uts.version, "PREEMPT_RT");
}

/* ------------------------------------------------------------------ modules */

/* Run a program without a shell: 0 or -EIO; its messages are on our stderr. */
static int run(const char *const *arguments)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(arguments[0], (char *const *)arguments);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

/* Load one module with its parameters, from AUDIO_MODULE_DIR or where modprobe finds it. */
static int module_load(const char *name, const char *parameters)
{
	const char *directory = getenv("AUDIO_MODULE_DIR");
	char path[PATH_MAX];
	int err = 0;
	int fd;

	if (!directory || !*directory) {
		char words[256];
		const char *arguments[16] = { "modprobe", name };
		int count = 2;
		char *rest = NULL;
		char *word;

		snprintf(words, sizeof(words), "%s", parameters);
		word = strtok_r(words, " ", &rest);
		for (; word && count < 15; word = strtok_r(NULL, " ", &rest))
			arguments[count++] = word;
		return run(arguments);
	}

	snprintf(path, sizeof(path), "%s/%s.ko", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, parameters, 0))
		err = -errno;
	close(fd);
	return err;
}

static int module_unload(const char *name)
{
	if (!syscall(SYS_delete_module, name, O_NONBLOCK) || errno == ENOENT)
		return 0;
	return -errno;
}

bool modules_loaded(void)
{
	return !access(CORE_SYS, F_OK) && !access(VIRTUAL_SYS, F_OK);
}

/* What our modules need; once it is there it stays, and a program that starts takes its time. */
static int alsa_load(void)
{
	static const char *const modprobe[] = {
		"modprobe", "-a", "snd-timer", "snd-pcm", "snd-hwdep", NULL
	};

	if (!access("/sys/module/snd_timer", F_OK) && !access("/sys/module/snd_pcm", F_OK) &&
	    !access("/sys/module/snd_hwdep", F_OK))
		return 0;
	return run(modprobe);
}

int modules_load(const char *core_parameters)
{
	int err;

	if (access(DEBUGFS "/tracing", F_OK))
		mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	err = alsa_load();
	if (err)
		return err;
	err = module_load(CORE, core_parameters);
	if (err)
		return err;
	err = module_load(VIRTUAL, "");
	if (err)
		module_unload("snd_audio_module");
	return err;
}

int modules_unload(void)
{
	int err = module_unload("snd_audio_module_virtual");

	return err ? err : module_unload("snd_audio_module");
}

/*
 * The kernel gives the module of a file back only after it has released the file: whoever was told
 * by the release can be here first.
 */
int modules_unload_soon(void)
{
	uint64_t end = milliseconds() + SETTLE_MS;
	int err;

	while ((err = modules_unload()) == -EAGAIN && milliseconds() < end)
		usleep(1000);
	return err;
}

/* The core's parameters as they are now, as words for modules_load(). */
static void parameters_read(char *text, size_t size)
{
	DIR *directory = opendir(CORE_SYS "/parameters");
	size_t filled = 0;
	struct dirent *entry;

	*text = 0;
	while (directory && (entry = readdir(directory))) {
		char path[PATH_MAX];
		char value[64];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), CORE_SYS "/parameters/%s", entry->d_name);
		if (file_read(path, value, sizeof(value)))
			continue;
		value[strcspn(value, "\n")] = 0;
		if (filled < size)
			filled += snprintf(text + filled, size - filled, "%s%s=%s",
					   filled ? " " : "", entry->d_name, value);
	}
	if (directory)
		closedir(directory);
}

int machine_begin(struct machine *machine, const char *core_parameters)
{
	int err;

	memset(machine, 0, sizeof(*machine));
	machine->loaded = modules_loaded();
	if (machine->loaded)
		parameters_read(machine->parameters, sizeof(machine->parameters));
	err = modules_unload_soon();
	if (!err)
		err = modules_load(core_parameters);
	if (err)
		return err;
	machine->buffers = objects_get("buffers");
	machine->notification_fds = objects_get("notification_fds");
	return 0;
}

static bool objects_left(const struct machine *machine)
{
	return objects_get("buffers") != machine->buffers ||
	       objects_get("notification_fds") != machine->notification_fds;
}

/*
 * A driver frees its buffer after it sent it: whoever was woken by the notification can be here
 * first, on another CPU. So what is still there gets a while to go; what leaked stays.
 */
static bool objects_stay(const struct machine *machine)
{
	uint64_t end = milliseconds() + SETTLE_MS;

	if (!modules_loaded())
		return false;
	while (objects_left(machine)) {
		if (milliseconds() > end)
			return true;
		usleep(1000);
	}
	return false;
}

int machine_end(const struct machine *machine)
{
	bool stay = objects_stay(machine);
	int err = modules_unload_soon();

	if (!err && machine->loaded)
		err = modules_load(machine->parameters);
	return stay ? -EBUSY : err;
}

/* ------------------------------------------------------------------ card */

int card_find(void)
{
	char text[4096];
	char *line, *rest = NULL;
	int card;

	if (file_read("/proc/asound/cards", text, sizeof(text)))
		return -ENODEV;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strstr(line, "]: AudioModules") && sscanf(line, "%d", &card) == 1)
			return card;
	return -ENODEV;
}

int hwdep_open(int card)
{
	struct snd_hwdep_info info;
	char path[64];
	int device;
	int fd;

	if (card < 0)
		return -ENODEV;
	for (device = 0; device < 32; device++) {
		snprintf(path, sizeof(path), "/dev/snd/hwC%dD%d", card, device);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		if (!ioctl(fd, SNDRV_HWDEP_IOCTL_INFO, &info) &&
		    !strcmp((const char *)info.id, SND_AUDIO_MODULE_HWDEP_ID))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

int info_get(int card, struct snd_audio_module_info *info)
{
	int fd = hwdep_open(card);
	int err = 0;

	memset(info, 0, sizeof(*info));
	if (fd < 0)
		return fd;
	if (ioctl(fd, SND_AUDIO_MODULE_IOCTL_INFO, info))
		err = -errno;
	close(fd);
	return err;
}

uint64_t counter_get(int card, enum snd_audio_module_counter counter)
{
	struct snd_audio_module_info info;

	return info_get(card, &info) ? UINT64_MAX : info.counters[counter];
}

int objects_get(const char *name)
{
	char text[1024];
	char *line, *rest = NULL;
	size_t length = strlen(name);
	int err = file_read(DEBUGFS "/" CORE "/objects", text, sizeof(text));

	if (err)
		return err;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (!strncmp(line, name, length) && line[length] == ' ')
			return atoi(line + length + 1);
	return -ENOENT;
}

/* ------------------------------------------------------------------ hooks */

static int hook_open(int card, const char *hook)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), DEBUGFS "/" VIRTUAL "/card%d/%s", card, hook);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int hook_write(int fd, const char *format, va_list arguments)
{
	char line[256];
	int size = vsnprintf(line, sizeof(line), format, arguments);

	if (size >= sizeof(line))
		return -E2BIG;
	return write(fd, line, size) == size ? 0 : -errno;
}

int inject(int card, const char *hook, const char *format, ...)
{
	va_list arguments;
	int fd = hook_open(card, hook);
	int err;

	if (fd < 0)
		return fd;
	va_start(arguments, format);
	err = hook_write(fd, format, arguments);
	va_end(arguments);
	close(fd);
	return err;
}

int portcls_open(int card)
{
	return hook_open(card, "portcls");
}

int portcls_do(int fd, char *answer, size_t size, const char *format, ...)
{
	va_list arguments;
	ssize_t got;
	int err;

	va_start(arguments, format);
	err = hook_write(fd, format, arguments);
	va_end(arguments);
	if (answer)
		*answer = 0;
	if (err || !answer)
		return err;
	got = pread(fd, answer, size - 1, 0);
	if (got < 0)
		return -errno;
	answer[got] = 0;
	answer[strcspn(answer, "\n")] = 0;
	return 0;
}

/* ------------------------------------------------------------------ subscribe */

int subscribe_on_hwdep(int hwdep, struct snd_audio_module_subscribe *subscribe)
{
	struct snd_audio_module_subscribe everything = { .start = SND_AUDIO_MODULE_START_NEWEST };

	if (!subscribe)
		subscribe = &everything;
	return ioctl(hwdep, SND_AUDIO_MODULE_IOCTL_SUBSCRIBE, subscribe) ? -errno : subscribe->fd;
}

int subscribe(int card, struct snd_audio_module_subscribe *subscribe)
{
	int hwdep = hwdep_open(card);
	int fd;

	if (hwdep < 0)
		return hwdep;
	fd = subscribe_on_hwdep(hwdep, subscribe);
	close(hwdep);
	return fd;
}

int subscribe_newest(int card)
{
	return subscribe(card, NULL);
}

static int list_get(int hwdep, struct snd_audio_module_list *list, void **buffer)
{
	memset(list, 0, sizeof(*list));
	if (!ioctl(hwdep, SND_AUDIO_MODULE_IOCTL_LIST, list) || errno != EOVERFLOW)
		return -EPROTO;
	*buffer = calloc(1, list->size);
	list->buffer = (uintptr_t)*buffer;
	return ioctl(hwdep, SND_AUDIO_MODULE_IOCTL_LIST, list) ? -errno : 0;
}

int module_find(int card, const uint8_t *device_id, const uint8_t *class_id, uint32_t instance_id,
		struct snd_audio_module_module_info *info)
{
	const struct snd_audio_module_endpoint_info *endpoint;
	const struct snd_audio_module_module_info *module;
	struct snd_audio_module_list list;
	int hwdep = hwdep_open(card);
	void *buffer = NULL;
	uint32_t i, j;
	int err;

	if (hwdep < 0)
		return hwdep;
	err = list_get(hwdep, &list, &buffer);
	close(hwdep);
	endpoint = buffer;
	module = err ? NULL : (const void *)(endpoint + list.endpoints);
	err = err ? err : -ENOENT;
	for (i = 0; module && i < list.endpoints; i++) {
		if (memcmp(endpoint[i].device_id, device_id, 16))
			continue;
		for (j = 0; j < list.modules; j++) {
			if (module[j].endpoint != endpoint[i].index ||
			    memcmp(module[j].class_id, class_id, 16) ||
			    module[j].instance_id != instance_id)
				continue;
			*info = module[j];
			err = 0;
		}
	}
	free(buffer);
	return err;
}

int parameter_command(int hwdep, uint32_t verb, uint32_t *value)
{
	uint32_t in[3] = { verb, 0, *value };
	struct snd_audio_module_command command = {
		.verb = SND_AUDIO_MODULE_VERB_GET,
		.pcm_device = -1,
		.pcm_subdevice = -1,
		.in = (uintptr_t)in,
		.in_size = sizeof(in),
		.out = (uintptr_t)value,
		.out_size = sizeof(*value),
	};

	memcpy(command.device_id, speaker_id, 16);
	memcpy(command.class_id, module_class[0], 16);
	return ioctl(hwdep, SND_AUDIO_MODULE_IOCTL_COMMAND, &command) ? -errno : 0;
}

int64_t fdinfo_get(int fd, const char *key)
{
	char path[64], text[4096];
	char *line, *rest = NULL;
	size_t length = strlen(key);

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (file_read(path, text, sizeof(text)))
		return -1;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (!strncmp(line, key, length) && line[length] == ':')
			return strtoll(line + length + 1, NULL, 10);
	return -1;
}

/* ------------------------------------------------------------------ tally */

uint64_t vendor_number(const uint8_t *data, size_t size)
{
	uint64_t number = 0;

	memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
	return number;
}

uint8_t vendor_byte(uint64_t number, size_t offset)
{
	return number + offset + 37 * (offset / 256);
}

bool vendor_intact(const uint8_t *data, size_t size)
{
	uint64_t number = vendor_number(data, size);
	size_t i;

	for (i = sizeof(uint64_t); i < size; i++)
		if (data[i] != vendor_byte(number, i))
			return false;
	return true;
}

struct tally tally_new(uint64_t start)
{
	return (struct tally) { .start = start, .last = start };
}

__attribute__((format(printf, 3, 4)))
static void tally_bad(struct tally *tally, const struct snd_audio_module_record *record,
		      const char *format, ...)
{
	char what[96];
	va_list arguments;

	if (tally->bad++)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	snprintf(tally->first_bad, sizeof(tally->first_bad),
		 "sequence %" PRIu64 " type %u after %" PRIu64 ": %s",
		 (uint64_t)record->sequence, record->type, tally->last, what);
}

static bool all_bytes_are(const uint8_t *data, uint8_t value, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (data[i] != value)
			return false;
	return true;
}

/* What a driver's own id carries: untouched, with the wrong DeviceId that the hook wrote. */
static bool foreign_intact(const uint8_t *data, size_t size)
{
	const struct snd_audio_module_notification *identity = (const void *)data;

	if (size < sizeof(*identity))
		return all_bytes_are(data, GARBAGE, size < 16 ? size : 16);
	return all_bytes_are(identity->device_id, GARBAGE, 16) &&
	       all_bytes_are((const uint8_t *)&identity->reserved, GARBAGE, 4) &&
	       vendor_intact(data + sizeof(*identity), size - sizeof(*identity));
}

static bool notification_intact(const struct snd_audio_module_record *record, const uint8_t *data)
{
	const struct snd_audio_module_notification *identity = (const void *)data;
	size_t size = record->data_size;

	if (memcmp(record->notification_id, audio_module_id, 16))
		return foreign_intact(data, size);
	if (size < sizeof(*identity) || identity->reserved ||
	    memcmp(identity->device_id, record->endpoint ? headphones_id : speaker_id, 16))
		return false;
	return !memcmp(identity->class_id, meter_class, 16) ||
	       vendor_intact(data + sizeof(*identity), size - sizeof(*identity));
}

static void tally_notification(struct tally *tally, const struct snd_audio_module_record *record,
			       const uint8_t *data)
{
	if (!notification_intact(record, data))
		tally->corrupt++;
	if (tally->expect_initial && record->sequence <= tally->start) {
		tally->initial++;
		return;
	}
	tally->matched++;
	if (record->sequence <= tally->last)
		tally_bad(tally, record, "not in order");
	else if (!tally->filtered && record->sequence != tally->last + 1)
		tally_bad(tally, record, "missing and not told");
	if (record->timestamp < tally->last_timestamp)
		tally_bad(tally, record, "time went back");
	tally->last_timestamp = record->timestamp;
	tally->last = record->sequence;
}

static void tally_lost(struct tally *tally, const struct snd_audio_module_record *record,
		       const struct snd_audio_module_lost *lost)
{
	tally->lost_records++;
	if (record->data_size != sizeof(*lost) || record->sequence != lost->last ||
	    lost->first > lost->last)
		tally_bad(tally, record, "LOST %u bytes %" PRIu64 "..%" PRIu64, record->data_size,
			  (uint64_t)lost->first, (uint64_t)lost->last);
	if (lost->first <= tally->last || (!tally->filtered && lost->first != tally->last + 1))
		tally_bad(tally, record, "LOST begins at %" PRIu64, (uint64_t)lost->first);
	tally->lost += lost->last - lost->first + 1;
	tally->last = lost->last;
}

static void tally_record(struct tally *tally, const struct snd_audio_module_record *record)
{
	const uint8_t *data = (const uint8_t *)(record + 1);
	size_t room = record->size - sizeof(*record);

	if (record->data_size > room || room - record->data_size > 7 || record->flags) {
		tally_bad(tally, record, "%u data bytes in a record of %u, flags %u",
			  record->data_size, record->size, record->flags);
		return;
	}
	if (!all_bytes_are(data + record->data_size, 0, room - record->data_size))
		tally_bad(tally, record, "padding is not zero");

	if (tally->removed)
		tally_bad(tally, record, "after REMOVED");
	switch (record->type) {
	case SND_AUDIO_MODULE_RECORD_NOTIFICATION:
		tally_notification(tally, record, data);
		break;
	case SND_AUDIO_MODULE_RECORD_LOST:
		tally_lost(tally, record, (const void *)data);
		break;
	case SND_AUDIO_MODULE_RECORD_CHANGED:
		tally->changed++;
		if (record->data_size != sizeof(struct snd_audio_module_changed) ||
		    record->sequence < tally->last)
			tally_bad(tally, record, "CHANGED of %u bytes", record->data_size);
		break;
	case SND_AUDIO_MODULE_RECORD_REMOVED:
		tally->removed++;
		if (record->data_size)
			tally_bad(tally, record, "REMOVED of %u bytes", record->data_size);
		break;
	default:
		tally_bad(tally, record, "a type that read() never returns");
	}
	if (tally->each)
		tally->each(tally->context, record, data);
}

void tally_records(struct tally *tally, const void *records, size_t size)
{
	while (size) {
		const struct snd_audio_module_record *record = records;

		if (size < sizeof(*record) || record->size < sizeof(*record) ||
		    record->size % 8 || record->size > size) {
			const struct snd_audio_module_record none = { 0 };

			tally_bad(tally, size < sizeof(*record) ? &none : record,
				  "record size in the last %zu bytes of a read", size);
			return;
		}
		tally_record(tally, record);
		records = (const uint8_t *)records + record->size;
		size -= record->size;
	}
}

int tally_drain(struct tally *tally, int fd, int idle_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	void *buffer = malloc(READ_SIZE);
	int err = 0;
	ssize_t got;

	if (!buffer)
		return -ENOMEM;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	for (;;) {
		got = read(fd, buffer, READ_SIZE);
		if (got > 0) {
			tally_records(tally, buffer, got);
		} else if (!got) {
			err = 1;
			break;
		} else if (errno == EAGAIN) {
			int ready = poll(&pollfd, 1, idle_ms);

			if (!ready)
				break;
			if (ready < 0 && errno != EINTR) {
				err = -errno;
				break;
			}
		} else if (errno != EINTR) {
			err = -errno;
			break;
		}
	}
	free(buffer);
	return err;
}
