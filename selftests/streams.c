// SPDX-License-Identifier: GPL-2.0
/*
 * Stream modules: what a program gets with a PCM substream that it opens, what it can do with it,
 * and what others see (windows-model MOD-3, MOD-4, MOD-7, KS-4, 8.1, 8.4, 8.5).
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sound/asound.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"

#define GET		SND_AUDIO_MODULE_VERB_GET
#define SET		SND_AUDIO_MODULE_VERB_SET
#define CFG1		0x01000000	/* in InstanceIds of the Speaker's second equalizer */
#define SUBSTREAMS	4
#define DRIVER		"/sys/bus/platform/drivers/snd-audio-module-virtual"
#define DEVICE		"snd-audio-module-virtual"

enum { SPEAKER, HEADPHONES };

/* As the element "<endpoint> Processing Mode" numbers them. */
enum { DEFAULT, RAW, COMMUNICATIONS, SPEECH, NOTIFICATION, MEDIA, MOVIE, MODES };

FIXTURE(streams) {
	struct machine machine;
	int card;
	int hwdep;
	int control;
	int records;	/* a notification fd, non-blocking */
	int modules;	/* that were there before */
};

FIXTURE_SETUP(streams)
{
	char path[64];

	ASSERT_EQ(0, machine_begin(&self->machine, ""));
	self->card = card_find();
	self->hwdep = hwdep_open(self->card);
	ASSERT_LE(0, self->hwdep);
	snprintf(path, sizeof(path), "/dev/snd/controlC%d", self->card);
	self->control = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->control);
	self->records = subscribe_on_hwdep(self->hwdep, NULL);
	ASSERT_LE(0, self->records);
	fcntl(self->records, F_SETFL, O_NONBLOCK);
	self->modules = objects_get("modules");
}

FIXTURE_TEARDOWN(streams)
{
	close(self->records);
	close(self->control);
	close(self->hwdep);
	EXPECT_EQ(0, machine_end(&self->machine));
}

/* ------------------------------------------------------------------ streams */

/**
 * struct stream - an open PCM substream
 * @fd: it, or -errno
 * @device: number of the PCM device, which is the endpoint's
 * @subdevice: which substream ALSA gave
 */
struct stream {
	int fd;
	int device;
	int subdevice;
};

static struct stream stream_open(int card, int endpoint)
{
	struct stream stream = { .device = endpoint };
	struct snd_pcm_info info = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/dev/snd/pcmC%dD%dp", card, endpoint);
	stream.fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (stream.fd < 0 || ioctl(stream.fd, SNDRV_PCM_IOCTL_INFO, &info))
		stream.fd = -errno;
	stream.subdevice = info.subdevice;
	return stream;
}

static int mode_set(int control, int endpoint, unsigned int mode)
{
	struct snd_ctl_elem_value value = { .id.iface = SNDRV_CTL_ELEM_IFACE_MIXER };

	snprintf((char *)value.id.name, sizeof(value.id.name), "%s Processing Mode",
		 endpoint == SPEAKER ? "Speaker" : "Headphones");
	value.value.enumerated.item[0] = mode;
	return ioctl(control, SNDRV_CTL_IOCTL_ELEM_WRITE, &value) < 0 ? errno : 0;
}

static const uint8_t *endpoint_id(int endpoint)
{
	return endpoint == SPEAKER ? speaker_id : headphones_id;
}

/* ------------------------------------------------------------------ modules */

/**
 * struct list - what LIST says
 * @generation: of the list
 * @modules: how many
 * @module: of all endpoints
 */
struct list {
	uint64_t generation;
	uint32_t modules;
	struct snd_audio_module_module_info module[64];
};

static int list_read(int hwdep, struct list *list)
{
	static uint8_t buffer[64 * sizeof(list->module[0])];
	struct snd_audio_module_list words = {
		.buffer = (uintptr_t)buffer,
		.size = sizeof(buffer),
	};

	if (ioctl(hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &words))
		return errno;
	list->generation = words.generation;
	list->modules = words.modules;
	memcpy(list->module,
	       buffer + words.endpoints * sizeof(struct snd_audio_module_endpoint_info),
	       words.modules * sizeof(list->module[0]));
	return 0;
}

/* The n-th module of a stream, from 0, in the order of LIST; NULL: it has no more. */
static const struct snd_audio_module_module_info *stream_module(const struct list *list,
								const struct stream *stream,
								size_t n)
{
	uint32_t i;

	for (i = 0; i < list->modules; i++)
		if (list->module[i].pcm_device == stream->device &&
		    list->module[i].pcm_subdevice == stream->subdevice && !n--)
			return &list->module[i];
	return NULL;
}

/**
 * struct target - a parameter of a module of an endpoint (@stream is NULL) or stream
 * @endpoint: index
 * @stream: whose, or NULL
 * @class: of SYSVAD's modules
 * @instance_id: of the module
 * @parameter: ParameterId
 */
struct target {
	int endpoint;
	const struct stream *stream;
	int class;
	uint32_t instance_id;
	uint32_t parameter;
};

static int ask(int hwdep, const struct target *target, uint32_t verb, void *value, uint32_t size)
{
	uint32_t in[4] = { verb, target->parameter };
	struct snd_audio_module_command words = {
		.instance_id = target->instance_id,
		.verb = GET,
		.pcm_device = target->stream ? target->stream->device : -1,
		.pcm_subdevice = target->stream ? target->stream->subdevice : -1,
		.in = (uintptr_t)in,
		.in_size = 8,
	};

	memcpy(words.device_id, endpoint_id(target->endpoint), 16);
	memcpy(words.class_id, module_class[target->class], 16);
	if (verb == SET) {
		memcpy(&in[2], value, size);
		words.in_size += size;
	} else {
		words.out = (uintptr_t)value;
		words.out_size = size;
	}
	return ioctl(hwdep, SND_AUDIO_MODULE_IOCTL_COMMAND, &words) ? errno : 0;
}

static int set_number(int hwdep, const struct target *target, uint32_t value)
{
	return ask(hwdep, target, SET, &value, sizeof(value));
}

/* The value of a 32-bit parameter, or -errno. */
static int64_t get_number(int hwdep, const struct target *target)
{
	uint32_t value;
	int err = ask(hwdep, target, GET, &value, sizeof(value));

	if (err)
		return -err;
	return value;
}

/* Module 0's first parameter: 1, 2 or 5. */
static struct target system_of(const struct stream *stream, uint32_t instance_id)
{
	struct target target = {
		.endpoint = stream ? stream->device : SPEAKER,
		.stream = stream,
		.instance_id = instance_id,
	};

	return target;
}

/* ------------------------------------------------------------------ which modules a stream has */

/* KS-4, 8.1: those for its mode and those for all modes, in the order of the templates. */
TEST_F(streams, ks4_each_mode_has_its_modules)
{
	static const struct {
		int endpoint;
		int mode;
		struct { int class; uint32_t instance_id; } modules[3];
		size_t count;
	} table[] = {
		{ SPEAKER, DEFAULT, { { 0, 1 }, { 1, CFG1 | 1 } }, 2 },
		{ SPEAKER, MOVIE, { { 0, 1 }, { 1, 1 } }, 2 },
		{ SPEAKER, RAW, { { 0, 1 } }, 1 },
		{ SPEAKER, COMMUNICATIONS, { { 0, 1 } }, 1 },
		{ SPEAKER, SPEECH, { { 0, 1 } }, 1 },
		{ SPEAKER, NOTIFICATION, { { 0, 1 } }, 1 },
		{ SPEAKER, MEDIA, { { 0, 1 } }, 1 },
		{ HEADPHONES, DEFAULT, { { 0, 1 }, { 2, 1 } }, 2 },
		{ HEADPHONES, MOVIE, { { 0, 1 }, { 1, 1 } }, 2 },
		{ HEADPHONES, RAW, { { 0, 1 } }, 1 },
	};
	const struct snd_audio_module_module_info *module;
	static struct list list;
	struct stream stream;
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		ASSERT_EQ(0, mode_set(self->control, table[i].endpoint, table[i].mode));
		stream = stream_open(self->card, table[i].endpoint);
		ASSERT_LE(0, stream.fd) TH_LOG("row %zu", i);
		ASSERT_EQ(0, list_read(self->hwdep, &list));
		for (n = 0; n < table[i].count; n++) {
			module = stream_module(&list, &stream, n);
			ASSERT_TRUE(!!module) TH_LOG("row %zu, module %zu", i, n);
			EXPECT_EQ(0, memcmp(module->class_id,
					    module_class[table[i].modules[n].class], 16))
				TH_LOG("row %zu, module %zu", i, n);
			EXPECT_EQ(table[i].modules[n].instance_id, module->instance_id)
				TH_LOG("row %zu, module %zu", i, n);
			EXPECT_EQ(table[i].endpoint, module->endpoint);
		}
		EXPECT_FALSE(!!stream_module(&list, &stream, n)) TH_LOG("row %zu", i);
		close(stream.fd);
		ASSERT_EQ(0, list_read(self->hwdep, &list));
		EXPECT_FALSE(!!stream_module(&list, &stream, 0)) TH_LOG("row %zu", i);
		EXPECT_EQ(self->modules, objects_get("modules"));
	}
	EXPECT_EQ(EINVAL, mode_set(self->control, SPEAKER, MODES));
}

/* Version and name are the template's; what tells it apart is its own. */
TEST_F(streams, mod3_list_describes_them)
{
	const struct snd_audio_module_module_info *module;
	struct stream first = stream_open(self->card, SPEAKER);
	struct stream stream = stream_open(self->card, SPEAKER);
	static struct list list;

	ASSERT_EQ(0, list_read(self->hwdep, &list));
	EXPECT_EQ(self->modules + 4, list.modules);
	module = stream_module(&list, &stream, 1);
	ASSERT_TRUE(!!module);
	EXPECT_EQ(2, module->version_major);
	EXPECT_EQ(1, module->version_minor);
	EXPECT_EQ(SND_AUDIO_MODULE_NONE, module->index);
	EXPECT_EQ(0, module->element_numid);
	EXPECT_EQ(0, module->pcm_device);
	EXPECT_EQ(1, module->pcm_subdevice);
	EXPECT_STREQ("EQ Default@0p1", module->label);
	EXPECT_STREQ("Speaker endpoint, EQ effect module, Default mode", module->name);
	close(first.fd);
	close(stream.fd);
}

/* KS-4, 8.5: the mode is chosen when the stream is opened, and stays. */
TEST_F(streams, mode_is_latched_at_open)
{
	struct stream stream = stream_open(self->card, SPEAKER);
	static struct list before, after;

	ASSERT_EQ(0, list_read(self->hwdep, &before));
	ASSERT_EQ(0, mode_set(self->control, SPEAKER, MOVIE));
	ASSERT_EQ(0, list_read(self->hwdep, &after));
	EXPECT_EQ(before.generation, after.generation);
	EXPECT_EQ(0, memcmp(before.module, after.module, sizeof(before.module)));
	close(stream.fd);
}

/* ------------------------------------------------------------------ InstanceIds (MOD-7) */

TEST_F(streams, mod7_instance_ids_are_the_lowest_free_ones)
{
	struct stream streams[SUBSTREAMS];
	static struct list list;
	size_t i;

	for (i = 0; i < SUBSTREAMS; i++) {
		streams[i] = stream_open(self->card, SPEAKER);
		ASSERT_LE(0, streams[i].fd);
	}
	EXPECT_EQ(-EBUSY, stream_open(self->card, SPEAKER).fd);
	ASSERT_EQ(0, list_read(self->hwdep, &list));
	for (i = 0; i < SUBSTREAMS; i++) {
		EXPECT_EQ(i + 1, stream_module(&list, &streams[i], 0)->instance_id);
		EXPECT_EQ(CFG1 | (i + 1), stream_module(&list, &streams[i], 1)->instance_id);
	}
	/* The one that comes back gets what was given back. */
	close(streams[1].fd);
	streams[1] = stream_open(self->card, SPEAKER);
	ASSERT_LE(0, streams[1].fd);
	ASSERT_EQ(0, list_read(self->hwdep, &list));
	EXPECT_EQ(2, stream_module(&list, &streams[1], 0)->instance_id);
	for (i = 0; i < SUBSTREAMS; i++)
		close(streams[i].fd);
}

/* SYSVAD counts on, up to the template's own id: here nothing wraps. */
TEST_F_TIMEOUT(streams, mod7_instance_ids_are_recycled, 240)
{
	static struct list list;
	struct stream stream;
	int i;

	for (i = 0; i < 1000; i++) {
		stream = stream_open(self->card, HEADPHONES);
		ASSERT_LE(0, stream.fd);
		ASSERT_EQ(0, list_read(self->hwdep, &list));
		ASSERT_EQ(1, stream_module(&list, &stream, 0)->instance_id) TH_LOG("stream %d", i);
		ASSERT_EQ(1, stream_module(&list, &stream, 1)->instance_id) TH_LOG("stream %d", i);
		close(stream.fd);
	}
	EXPECT_EQ(self->modules, objects_get("modules"));
}

/* ------------------------------------------------------------------ values (8.5) */

/* 8.5: all values are the template's at the moment of the open. */
TEST_F(streams, snapshot_of_the_template_at_open)
{
	struct stream old = stream_open(self->card, SPEAKER), new = old;
	struct target of_old = system_of(&old, 1), of_new = system_of(&new, 2);
	struct target template = system_of(NULL, 0);

	EXPECT_EQ(1, get_number(self->hwdep, &of_old));
	EXPECT_EQ(0, set_number(self->hwdep, &template, 5));
	new = stream_open(self->card, SPEAKER);
	EXPECT_EQ(5, get_number(self->hwdep, &of_new));
	EXPECT_EQ(1, get_number(self->hwdep, &of_old));
	close(old.fd);
	close(new.fd);
}

/* 8.5: nothing that is set afterwards goes from one to the other. */
TEST_F(streams, template_and_streams_are_independent)
{
	struct target template = system_of(NULL, 0);
	struct stream one = stream_open(self->card, SPEAKER);
	struct stream two = stream_open(self->card, SPEAKER);
	struct target of_one = system_of(&one, 1), of_two = system_of(&two, 2);
	static struct list list;

	ASSERT_EQ(0, list_read(self->hwdep, &list));
	EXPECT_EQ(0, set_number(self->hwdep, &of_one, 2));
	EXPECT_EQ(0, set_number(self->hwdep, &of_two, 5));
	EXPECT_EQ(1, get_number(self->hwdep, &template));
	EXPECT_EQ(2, get_number(self->hwdep, &of_one));
	EXPECT_EQ(5, get_number(self->hwdep, &of_two));
	EXPECT_EQ(0, set_number(self->hwdep, &template, 5));
	EXPECT_EQ(2, get_number(self->hwdep, &of_one));
	close(one.fd);
	close(two.fd);
	/* Nothing of it is kept. */
	EXPECT_EQ(5, get_number(self->hwdep, &template));
	one = stream_open(self->card, SPEAKER);
	EXPECT_EQ(5, get_number(self->hwdep, &of_one));
	close(one.fd);
}

/* ------------------------------------------------------------------ notifications (8.4, NID-3) */

/**
 * struct heard - the records of a notification fd, as far as streams are concerned
 * @notifications: how many
 * @changed: how many CHANGED records
 * @generation: of the last CHANGED
 * @identity: of the last notification
 * @module: index in its header
 * @endpoint: index in its header
 * @data_size: of its data
 */
struct heard {
	int notifications;
	int changed;
	uint64_t generation;
	struct snd_audio_module_notification identity;
	uint16_t module;
	uint16_t endpoint;
	uint32_t data_size;
};

static void hear_record(void *context, const struct snd_audio_module_record *record,
			const uint8_t *data)
{
	struct heard *heard = context;

	if (record->type == SND_AUDIO_MODULE_RECORD_CHANGED) {
		struct snd_audio_module_changed changed;

		memcpy(&changed, data, sizeof(changed));
		heard->changed++;
		heard->generation = changed.generation;
	}
	if (record->type == SND_AUDIO_MODULE_RECORD_NOTIFICATION) {
		heard->notifications++;
		heard->module = record->module;
		heard->endpoint = record->endpoint;
		heard->data_size = record->data_size;
		memcpy(&heard->identity, data, sizeof(heard->identity));
	}
}

static struct heard hear(int records)
{
	struct heard heard = { 0 };
	struct tally tally = tally_new(0);

	tally.filtered = true;
	tally.each = hear_record;
	tally.context = &heard;
	if (tally_drain(&tally, records, 0) || tally.bad || tally.lost)
		heard.notifications = -1;
	return heard;
}

/* 8.4, NID-1: the endpoint's DeviceId is the stream's; only a change is notified. */
TEST_F(streams, nid3_notifications_carry_their_instance_and_the_endpoint)
{
	struct stream stream = stream_open(self->card, HEADPHONES);
	struct target target = system_of(&stream, 1);
	struct heard heard;

	hear(self->records);
	EXPECT_EQ(0, set_number(self->hwdep, &target, 2));
	EXPECT_EQ(0, set_number(self->hwdep, &target, 2));
	EXPECT_EQ(EINVAL, set_number(self->hwdep, &target, 3));
	heard = hear(self->records);
	EXPECT_EQ(1, heard.notifications);
	EXPECT_EQ(0, memcmp(heard.identity.device_id, headphones_id, 16));
	EXPECT_EQ(0, memcmp(heard.identity.class_id, module_class[0], 16));
	EXPECT_EQ(1, heard.identity.instance_id);
	EXPECT_EQ(SND_AUDIO_MODULE_NONE, heard.module);
	EXPECT_EQ(HEADPHONES, heard.endpoint);
	EXPECT_EQ(48, heard.data_size);
	close(stream.fd);
}

/* 8.4: the InstanceId tells streams apart. */
TEST_F(streams, filter_by_instance_hears_one_stream)
{
	struct snd_audio_module_subscribe subscribe = {
		.filter.match = SND_AUDIO_MODULE_MATCH_DEVICE_ID | SND_AUDIO_MODULE_MATCH_CLASS_ID |
				SND_AUDIO_MODULE_MATCH_INSTANCE_ID,
		.filter.instance_id = 2,
	};
	struct stream one = stream_open(self->card, SPEAKER);
	struct stream two = stream_open(self->card, SPEAKER);
	struct target of_one = system_of(&one, 1), of_two = system_of(&two, 2);
	struct target template = system_of(NULL, 0);
	struct heard heard;
	int fd;

	memcpy(subscribe.filter.device_id, speaker_id, 16);
	memcpy(subscribe.filter.class_id, module_class[0], 16);
	fd = subscribe_on_hwdep(self->hwdep, &subscribe);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, set_number(self->hwdep, &of_one, 2));
	EXPECT_EQ(0, set_number(self->hwdep, &of_two, 2));
	EXPECT_EQ(0, set_number(self->hwdep, &template, 2));
	heard = hear(fd);
	EXPECT_EQ(1, heard.notifications);
	EXPECT_EQ(2, heard.identity.instance_id);
	close(fd);
	close(one.fd);
	close(two.fd);
}

/* The element of the template does not show what its instances say; the endpoint's does. */
TEST_F(streams, the_endpoints_element_shows_the_newest)
{
	struct snd_ctl_elem_value value = { .id.iface = SNDRV_CTL_ELEM_IFACE_CARD };
	struct stream stream = stream_open(self->card, SPEAKER);
	struct target target = system_of(&stream, 1);
	struct snd_audio_module_notification identity;

	EXPECT_EQ(0, set_number(self->hwdep, &target, 2));
	strcpy((char *)value.id.name, "Speaker Notification");
	ASSERT_EQ(0, ioctl(self->control, SNDRV_CTL_IOCTL_ELEM_READ, &value));
	memcpy(&identity, value.value.bytes.data + sizeof(struct snd_audio_module_record),
	       sizeof(identity));
	EXPECT_EQ(0, memcmp(identity.class_id, module_class[0], 16));
	EXPECT_EQ(1, identity.instance_id);
	close(stream.fd);
}

TEST_F(streams, changed_and_generation_tell_of_open_and_close)
{
	static struct list before, open_list, after;
	struct stream stream;
	struct heard heard;

	ASSERT_EQ(0, list_read(self->hwdep, &before));
	hear(self->records);
	stream = stream_open(self->card, SPEAKER);
	ASSERT_EQ(0, list_read(self->hwdep, &open_list));
	heard = hear(self->records);
	EXPECT_LT(before.generation, open_list.generation);
	EXPECT_LT(0, heard.changed);
	EXPECT_EQ(open_list.generation, heard.generation);
	close(stream.fd);
	ASSERT_EQ(0, list_read(self->hwdep, &after));
	heard = hear(self->records);
	EXPECT_LT(open_list.generation, after.generation);
	EXPECT_LT(0, heard.changed);
	EXPECT_EQ(after.generation, heard.generation);
	EXPECT_EQ(0, heard.notifications);
}

/* ------------------------------------------------------------------ whose commands (MOD-3, MOD-4) */

/* MOD-3: an endpoint's modules and a stream's are not found in each other's place. */
TEST_F(streams, each_target_has_its_own_modules)
{
	struct stream stream = stream_open(self->card, SPEAKER);
	struct stream closed = stream, elsewhere = stream, half = stream;
	struct target table[] = {
		system_of(&stream, 1), system_of(&stream, 0), system_of(NULL, 1),
		system_of(&closed, 1), system_of(&elsewhere, 1), system_of(&half, 1),
	};
	static const int expected[] = { 0, EINVAL, EINVAL, EOPNOTSUPP, EOPNOTSUPP, EOPNOTSUPP };
	size_t i;

	closed.subdevice++;
	elsewhere.device = HEADPHONES;
	half.device = -1;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		int64_t value = get_number(self->hwdep, &table[i]);

		EXPECT_EQ(expected[i], value > 0 ? 0 : -value) TH_LOG("row %zu", i);
	}
	close(stream.fd);
	EXPECT_EQ(-EOPNOTSUPP, get_number(self->hwdep, &table[0]));
}

/**
 * struct told - what a child process says of its stream
 * @stream: the one that it opened
 * @own: a value that it set and read back in its own module, or -errno
 * @foreign: what it got from the parent's module
 */
struct told {
	struct stream stream;
	int64_t own;
	int64_t foreign;
};

/* Another program: opens a stream, tells, and waits until its end of @stop is closed. */
static void play_as_child(int card, const struct stream *foreign, int tell, int stop)
{
	struct target other = system_of(foreign, 1), own;
	int hwdep = hwdep_open(card);
	struct told told;
	char byte;

	told.stream = stream_open(card, SPEAKER);
	own = system_of(&told.stream, 2);
	told.own = -set_number(hwdep, &own, 2);
	if (!told.own)
		told.own = get_number(hwdep, &own);
	told.foreign = get_number(hwdep, &other);
	if (write(tell, &told, sizeof(told)) == sizeof(told))
		while (read(stop, &byte, 1) > 0)
			;
	_exit(0);
}

/* MOD-3, MOD-4: two programs play to one endpoint at once: each has modules of its own only. */
TEST_F(streams, mod4_two_programs_have_their_own)
{
	struct stream stream = stream_open(self->card, SPEAKER);
	struct target own = system_of(&stream, 1), other;
	int tell[2], stop[2];
	struct told told;
	pid_t child;

	ASSERT_LE(0, stream.fd);
	ASSERT_EQ(0, pipe(tell));
	ASSERT_EQ(0, pipe(stop));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(stop[1]);
		play_as_child(self->card, &stream, tell[1], stop[0]);
	}
	ASSERT_EQ(sizeof(told), read(tell[0], &told, sizeof(told)));
	EXPECT_LE(0, told.stream.fd);
	EXPECT_NE(stream.subdevice, told.stream.subdevice);
	EXPECT_EQ(2, told.own);
	EXPECT_EQ(-EACCES, told.foreign);
	other = system_of(&told.stream, 2);
	EXPECT_EQ(-EACCES, get_number(self->hwdep, &other));
	EXPECT_EQ(EACCES, set_number(self->hwdep, &other, 5));
	EXPECT_EQ(1, get_number(self->hwdep, &own));
	close(stop[1]);
	close(stop[0]);
	waitpid(child, NULL, 0);
	EXPECT_EQ(-EOPNOTSUPP, get_number(self->hwdep, &other));
	EXPECT_EQ(self->modules + 2, objects_get("modules"));
	close(tell[0]);
	close(tell[1]);
	close(stream.fd);
}

static void *get_in_thread(void *data)
{
	struct { int hwdep; struct target target; int64_t value; } *ask_for = data;

	ask_for->value = get_number(ask_for->hwdep, &ask_for->target);
	return NULL;
}

/* A program, not a thread, owns a stream: sound servers open in one and work in another. */
TEST_F(streams, threads_of_the_owner_may)
{
	struct stream stream = stream_open(self->card, SPEAKER);
	struct { int hwdep; struct target target; int64_t value; } ask_for = {
		.hwdep = self->hwdep, .target = system_of(&stream, 1), .value = -1,
	};
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, get_in_thread, &ask_for));
	pthread_join(thread, NULL);
	EXPECT_EQ(1, ask_for.value);
	close(stream.fd);
}

/* ------------------------------------------------------------------ lifetimes */

static void *open_and_close(void *data)
{
	struct worker *worker = data;
	struct stream stream;

	while (!worker->stop) {
		stream = stream_open(worker->card, SPEAKER);
		worker->wrong += stream.fd < 0;
		worker->done++;
		close(stream.fd);
	}
	return NULL;
}

static void *send_commands(void *data)
{
	struct stream stream = { .device = SPEAKER };
	struct worker *worker = data;
	uint32_t value = 1;

	while (!worker->stop) {
		struct target target = system_of(&stream, 1);
		int err = set_number(worker->hwdep, &target, value);

		value = value == 1 ? 2 : 1;
		worker->done += !err;
		/* No stream, or its last module is the one that is left. */
		worker->wrong += err && err != EOPNOTSUPP && err != EINVAL;
	}
	return NULL;
}

static void *set_modes(void *data)
{
	struct worker *worker = data;
	char path[64];
	int control;

	snprintf(path, sizeof(path), "/dev/snd/controlC%d", worker->card);
	control = open(path, O_RDWR | O_CLOEXEC);
	while (!worker->stop)
		worker->wrong += !!mode_set(control, SPEAKER, worker->done++ % MODES);
	close(control);
	return NULL;
}

TEST_F_TIMEOUT(streams, streams_come_and_go_while_commands_run, 240)
{
	static void *(*const work[])(void *data) = { open_and_close, send_commands, set_modes };
	struct worker workers[ARRAY_SIZE(work)] = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(work); i++) {
		workers[i].card = self->card;
		workers[i].hwdep = self->hwdep;
		workers[i].work = work[i];
	}
	ASSERT_EQ(0, workers_run(workers, ARRAY_SIZE(work)));
	for (i = 0; i < ARRAY_SIZE(work); i++) {
		EXPECT_EQ(0, workers[i].wrong) TH_LOG("worker %zu", i);
		EXPECT_LT(0, workers[i].done) TH_LOG("worker %zu", i);
	}
	TH_LOG("%u streams, %u commands, %u modes", workers[0].done, workers[1].done,
	       workers[2].done);
	EXPECT_EQ(self->modules, objects_get("modules"));
}

/* The card goes under an open stream: its modules stay until it is closed, but nobody gets there. */
TEST_F(streams, unbind_with_a_stream_open)
{
	struct stream stream = stream_open(self->card, SPEAKER);
	struct target target = system_of(&stream, 1);
	int modules = objects_get("modules");

	ASSERT_EQ(0, file_write(DRIVER "/unbind", DEVICE));
	EXPECT_EQ(-ENODEV, get_number(self->hwdep, &target));
	EXPECT_EQ(modules, objects_get("modules"));
	close(self->hwdep);
	close(self->control);
	self->hwdep = self->control = -1;
	EXPECT_EQ(modules, objects_get("modules"));
	close(stream.fd);
	EXPECT_EQ(0, objects_get("modules"));
	EXPECT_EQ(0, file_write(DRIVER "/bind", DEVICE));
	EXPECT_EQ(self->modules, objects_get("modules"));
}

TEST_HARNESS_MAIN
