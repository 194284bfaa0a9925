// SPDX-License-Identifier: GPL-2.0
/*
 * COMMAND: which module gets a command, in which order it is checked, what comes back, and SYSVAD's
 * protocol as the virtual card's modules answer it (windows-model 6.3, 6.5, 8.2, 8.3, 8.7).
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sound/asound.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"

#define GET		SND_AUDIO_MODULE_VERB_GET
#define SET		SND_AUDIO_MODULE_VERB_SET
#define SUPPORT		SND_AUDIO_MODULE_VERB_BASIC_SUPPORT
#define MOST		SND_AUDIO_MODULE_MAX_COMMAND_SIZE
#define EQ_DEFAULT	0x01000000	/* InstanceId of the Speaker's module 2 */
#define UNTOUCHED	0x5a
#define OUT_SIZE	4096	/* of memory that was likely used before */
#define SLOW_MS		2000	/* something is to happen meanwhile */
#define STUCK_MS	20000	/* nothing comes for so long: a test goes on */
#define DRIVER		"/sys/bus/platform/drivers/snd-audio-module-virtual"

/* The module that the hook "late" registers. */
static const uint8_t late_class[16] = {
	0x7e, 0x0a, 0x6f, 0x2f, 0x43, 0x6a, 0x0c, 0x4f,
	0x9d, 0x5b, 0x77, 0x1e, 0x30, 0x52, 0xc8, 0x41
};

FIXTURE(command) {
	struct machine machine;
	int card;
	int hwdep;
	int records;	/* a notification fd, non-blocking */
	struct snd_audio_module_command words;
	uint8_t *out;
};

FIXTURE_SETUP(command)
{
	ASSERT_EQ(0, machine_begin(&self->machine, ""));
	self->card = card_find();
	self->hwdep = hwdep_open(self->card);
	ASSERT_LE(0, self->hwdep);
	self->records = subscribe_on_hwdep(self->hwdep, NULL);
	ASSERT_LE(0, self->records);
	fcntl(self->records, F_SETFL, O_NONBLOCK);
	self->out = malloc(2 * MOST);
	ASSERT_NE(0, !!self->out);
}

FIXTURE_TEARDOWN(command)
{
	close(self->records);
	close(self->hwdep);
	free(self->out);
	EXPECT_EQ(0, machine_end(&self->machine));
}

/* ------------------------------------------------------------------ helpers */

/* Words for a module of the Speaker, a GET of no bytes. */
static struct snd_audio_module_command words_for(const uint8_t *class_id, uint32_t instance_id)
{
	struct snd_audio_module_command words = {
		.instance_id = instance_id,
		.verb = GET,
		.pcm_device = -1,
		.pcm_subdevice = -1,
	};

	memcpy(words.device_id, speaker_id, 16);
	memcpy(words.class_id, class_id, 16);
	return words;
}

/* 0 or an errno; words->out_size is what came back. */
static int run(int hwdep, struct snd_audio_module_command *words, const void *in, uint32_t in_size,
	       void *out, uint32_t out_size)
{
	words->in = (uintptr_t)in;
	words->in_size = in_size;
	words->out = (uintptr_t)out;
	words->out_size = out_size;
	return ioctl(hwdep, SND_AUDIO_MODULE_IOCTL_COMMAND, words) ? errno : 0;
}

/**
 * struct target - a parameter of a module
 * @device_id: of the endpoint
 * @class_id: of the module
 * @instance_id: of the module
 * @parameter: ParameterId
 */
struct target {
	const uint8_t *device_id;
	const uint8_t *class_id;
	uint32_t instance_id;
	uint32_t parameter;
};

/* SYSVAD's protocol: a verb, a parameter, and for SET the value's bytes. */
static int ask(FIXTURE_DATA(command) *self, const struct target *target, uint32_t verb,
	       const void *value, uint32_t value_size, uint32_t out_size)
{
	uint8_t in[64];

	memcpy(in, &verb, 4);
	memcpy(in + 4, &target->parameter, 4);
	if (value_size)
		memcpy(in + 8, value, value_size);
	memset(self->out, UNTOUCHED, out_size + 8);
	self->words = words_for(target->class_id, target->instance_id);
	memcpy(self->words.device_id, target->device_id, 16);
	return run(self->hwdep, &self->words, in, 8 + value_size, self->out, out_size);
}

static int set_number(FIXTURE_DATA(command) *self, const struct target *target, uint64_t value,
		      uint32_t size)
{
	return ask(self, target, SET, &value, size, 0);
}

static uint64_t get_number(FIXTURE_DATA(command) *self, const struct target *target, uint32_t size)
{
	uint64_t value = 0;

	if (ask(self, target, GET, NULL, 0, size))
		return UINT64_MAX;
	memcpy(&value, self->out, size);
	return value;
}

/* How many notifications came since the last time; all must be in order and intact. */
static int notified(FIXTURE_DATA(command) *self)
{
	struct tally tally = tally_new(0);

	tally.filtered = true;
	return tally_drain(&tally, self->records, 0) || tally.bad || tally.lost ? -1 :
	       (int)tally.matched;
}

/* Nothing behind what came back was written to. */
static bool untouched(const uint8_t *out, uint32_t from, uint32_t to)
{
	uint32_t i;

	for (i = from; i < to; i++)
		if (out[i] != UNTOUCHED)
			return false;
	return true;
}

/* ------------------------------------------------------------------ SYSVAD's vectors (8.7) */

static const struct target m0p1 = { speaker_id, module_class[0], 0, 0 };
static const struct target m0p2 = { speaker_id, module_class[0], 0, 1 };
static const struct target m1p1 = { speaker_id, module_class[1], 0, 0 };
static const struct target m1p2 = { speaker_id, module_class[1], 0, 1 };
static const struct target m1p3 = { speaker_id, module_class[1], 0, 2 };
static const struct target m1p3_default = { speaker_id, module_class[1], EQ_DEFAULT, 2 };
static const struct target m2p1 = { headphones_id, module_class[2], 0, 0 };
static const struct target m2p2 = { headphones_id, module_class[2], 0, 1 };

/* 8.3, 8.4 */
TEST_F(command, tv1_set_notifies_once_byte_for_byte)
{
	static const uint8_t in[] = { 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0 };
	struct snd_audio_module_command words = words_for(module_class[0], 0);
	uint8_t expected[48] = { 0 };
	uint8_t record[256];
	ssize_t got;

	/* DeviceId, ClassId, InstanceId, Reserved; Type and ParameterId are 0 */
	memcpy(expected, speaker_id, 16);
	memcpy(expected + 16, module_class[0], 16);
	EXPECT_EQ(0, run(self->hwdep, &words, in, sizeof(in), self->out, 8));
	EXPECT_EQ(0, words.out_size);
	got = read(self->records, record, sizeof(record));
	ASSERT_EQ(sizeof(struct snd_audio_module_record) + 48, got);
	EXPECT_EQ(0, memcmp(record + sizeof(struct snd_audio_module_record), expected, 48));

	EXPECT_EQ(0, run(self->hwdep, &words, in, sizeof(in), self->out, 8));
	EXPECT_EQ(0, notified(self));
}

/* 8.3 */
TEST_F(command, tv2_a_value_that_is_not_valid_changes_nothing)
{
	EXPECT_EQ(EINVAL, set_number(self, &m0p1, 3, 4));
	EXPECT_EQ(0, self->words.out_size);
	EXPECT_EQ(1, get_number(self, &m0p1, 4));
	EXPECT_EQ(0, notified(self));
}

TEST_F(command, tv3_sizes_of_an_answer)
{
	EXPECT_EQ(EOVERFLOW, ask(self, &m1p3_default, GET, NULL, 0, 0));
	EXPECT_EQ(4, self->words.out_size);
	EXPECT_EQ(ENOBUFS, ask(self, &m1p3_default, GET, NULL, 0, 3));
	EXPECT_EQ(0, self->words.out_size);
	EXPECT_EQ(0, ask(self, &m1p3_default, GET, NULL, 0, 4));
	EXPECT_EQ(4, self->words.out_size);
}

/* 8.3 */
TEST_F(command, tv4_basic_support_byte_for_byte)
{
	static const uint8_t expected[59] = {
		0x03, 0x02, 0x00, 0x00, 0x3b, 0x00, 0x00, 0x00, 0xa0, 0x9b, 0xe9, 0x97,
		0xea, 0xbd, 0xcf, 0x11, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00,
		0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
		0x03, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02
	};

	EXPECT_EQ(0, ask(self, &m1p1, SUPPORT, NULL, 0, sizeof(expected)));
	EXPECT_EQ(sizeof(expected), self->words.out_size);
	EXPECT_EQ(0, memcmp(self->out, expected, sizeof(expected)));
}

/* ------------------------------------------------------------------ SYSVAD's protocol (8.2, 8.3) */

static const struct {
	const struct target *target;
	uint32_t size;
	uint32_t support;
	uint32_t access;
	uint64_t first;		/* its value at the beginning */
	uint64_t valid;		/* another valid one */
	uint64_t invalid;
} parameters[] = {
	{ &m0p1, 4, 68, 0x203, 1, 5, 0 },
	{ &m0p2, 1, 56, 0x201, 0, 0, 0 },
	{ &m1p1, 1, 59, 0x203, 0, 2, 3 },
	{ &m1p2, 8, 56, 0x201, 0, 0, 0 },
	{ &m1p3, 4, 56, 0x203, 0, 0xfffffffe, 0xffffffff },
	{ &m2p1, 4, 64, 0x203, 1, 0xfffffffe, 2 },
	{ &m2p2, 2, 56, 0x201, 0, 0, 0 },
};

/* 8.3 */
TEST_F(command, cmd4_basic_support_answers_each_size)
{
	uint32_t access, size;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		for (size = 0; size <= parameters[i].support + 8; size++) {
			uint32_t full = parameters[i].support;
			uint32_t back = size >= full ? full : size >= 40 ? 40 : size >= 4 ? 4 : 0;
			int expected = !size ? EOVERFLOW : size < 4 ? ENOBUFS : 0;

			EXPECT_EQ(expected, ask(self, parameters[i].target, SUPPORT, NULL, 0, size))
				TH_LOG("parameter %zu, %u bytes", i, size);
			EXPECT_EQ(size ? back : full, self->words.out_size)
				TH_LOG("parameter %zu, %u bytes", i, size);
			EXPECT_TRUE(untouched(self->out, back, size + 8))
				TH_LOG("parameter %zu, %u bytes", i, size);
			if (!back)
				continue;
			memcpy(&access, self->out, 4);
			EXPECT_EQ(parameters[i].access, access);
		}
	EXPECT_EQ(0, notified(self));
}

TEST_F(command, cmd4_get_answers_each_size)
{
	uint32_t size;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++)
		for (size = 0; size <= 12; size++) {
			uint32_t full = parameters[i].size;
			int expected = !size ? EOVERFLOW : size < full ? ENOBUFS : 0;

			EXPECT_EQ(expected, ask(self, parameters[i].target, GET, NULL, 0, size))
				TH_LOG("parameter %zu, %u bytes", i, size);
			EXPECT_EQ(!size || size >= full ? full : 0, self->words.out_size)
				TH_LOG("parameter %zu, %u bytes", i, size);
			EXPECT_TRUE(untouched(self->out, size < full ? 0 : full, size + 8))
				TH_LOG("parameter %zu, %u bytes", i, size);
		}
	EXPECT_EQ(0, notified(self));
}

/* 8.2, 8.3 */
TEST_F(command, set_notifies_of_real_changes_only)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		const struct target *target = parameters[i].target;
		uint32_t size = parameters[i].size;

		EXPECT_EQ(parameters[i].first, get_number(self, target, size))
			TH_LOG("parameter %zu", i);
		if (parameters[i].access == 0x201) {
			EXPECT_EQ(EOPNOTSUPP, set_number(self, target, 1, size));
			EXPECT_EQ(EOPNOTSUPP, set_number(self, target, 1, 0));
			EXPECT_EQ(0, notified(self));
			continue;
		}
		EXPECT_EQ(EINVAL, set_number(self, target, parameters[i].invalid, size));
		EXPECT_EQ(EINVAL, set_number(self, target, parameters[i].valid, size - 1));
		EXPECT_EQ(0, notified(self));
		EXPECT_EQ(0, set_number(self, target, parameters[i].valid, size))
			TH_LOG("parameter %zu", i);
		EXPECT_EQ(1, notified(self)) TH_LOG("parameter %zu", i);
		EXPECT_EQ(parameters[i].valid, get_number(self, target, size));
		/* The same again, with bytes behind it that nobody reads. */
		EXPECT_EQ(0, set_number(self, target, parameters[i].valid, 8));
		EXPECT_EQ(0, notified(self)) TH_LOG("parameter %zu", i);
		EXPECT_EQ(EINVAL, set_number(self, target, parameters[i].invalid, size));
		EXPECT_EQ(parameters[i].valid, get_number(self, target, size));
		EXPECT_EQ(0, notified(self));
	}
}

/* 8.3, 8.6 */
TEST_F(command, verbs_in_the_command_have_an_order)
{
	uint64_t value = 2;
	const struct target unknown = { speaker_id, module_class[0], 0, 2 };

	EXPECT_EQ(EOPNOTSUPP, ask(self, &m0p1, 0, NULL, 0, 8));
	EXPECT_EQ(EOPNOTSUPP, ask(self, &m0p1, 4, NULL, 0, 8));
	EXPECT_EQ(0, ask(self, &m0p1, GET | SET, &value, 4, 4));
	EXPECT_EQ(4, self->words.out_size);
	EXPECT_EQ(0, ask(self, &m0p1, SUPPORT | GET | SET, &value, 4, 68));
	EXPECT_EQ(68, self->words.out_size);
	EXPECT_EQ(EINVAL, ask(self, &unknown, GET, NULL, 0, 4));
	EXPECT_EQ(EINVAL, ask(self, &unknown, SUPPORT, NULL, 0, 0));
	EXPECT_EQ(0, self->words.out_size);
	EXPECT_EQ(0, notified(self));
	EXPECT_EQ(1, get_number(self, &m0p1, 4));
}

/* 8.3 */
TEST_F(command, shorter_than_a_verb_and_a_parameter_is_refused)
{
	static const uint8_t in[8] = { 1 };
	struct snd_audio_module_command words = words_for(module_class[0], 0);
	uint32_t size;

	for (size = 0; size < sizeof(in); size++)
		EXPECT_EQ(EINVAL, run(self->hwdep, &words, size ? in : NULL, size, self->out, 8))
			TH_LOG("%u bytes", size);
	EXPECT_EQ(0, run(self->hwdep, &words, in, sizeof(in), self->out, 8));
}

/* CMD-5: whoever asks for a size changes nothing and hears of nothing. */
TEST_F(command, cmd5_a_probe_has_no_side_effect)
{
	struct snd_audio_module_info before, after;
	size_t i;

	ASSERT_EQ(0, info_get(self->card, &before));
	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		EXPECT_EQ(EOVERFLOW, ask(self, parameters[i].target, GET, NULL, 0, 0));
		EXPECT_EQ(EOVERFLOW, ask(self, parameters[i].target, SUPPORT, NULL, 0, 0));
		EXPECT_EQ(parameters[i].first,
			  get_number(self, parameters[i].target, parameters[i].size));
	}
	ASSERT_EQ(0, info_get(self->card, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(after)));
}

/*
 * 8.4, IF-12: without a buffer for its notification a parameter is changed all the same, and who
 * changed it is told of success. Alloc fails for its pool type here: the driver does the same for
 * each failure.
 */
TEST_F(command, set_succeeds_when_its_notification_has_no_buffer)
{
	struct snd_audio_module_info before, after;
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/snd-audio-module-virtual/card%d/pool",
		 self->card);
	ASSERT_EQ(0, info_get(self->card, &before));
	ASSERT_EQ(0, file_write(path, "2"));
	EXPECT_EQ(0, set_number(self, &m0p1, 5, 4));
	EXPECT_EQ(0, self->words.out_size);
	EXPECT_EQ(5, get_number(self, &m0p1, 4));
	EXPECT_EQ(0, notified(self));
	ASSERT_EQ(0, info_get(self->card, &after));
	EXPECT_EQ(before.newest_sequence, after.newest_sequence);
	before.counters[SND_AUDIO_MODULE_COUNTER_ALLOC_POOL_TYPE]++;
	EXPECT_EQ(0, memcmp(before.counters, after.counters, sizeof(after.counters)));

	ASSERT_EQ(0, file_write(path, "1"));
	EXPECT_EQ(0, set_number(self, &m0p1, 2, 4));
	EXPECT_EQ(1, notified(self));
}

/* ------------------------------------------------------------------ SYSVAD's modules (8.1) */

#define NAME_OF(name) "Speaker endpoint, " name " mode"
#define NAME_HP(name) "Speaker HP endpoint, " name " mode"

static const struct {
	const uint8_t *device_id;
	const uint8_t *class_id;
	uint32_t instance_id;
	uint32_t version_major;
	uint32_t version_minor;
	const char *name;
} sysvad[] = {
	{ speaker_id, module_class[0], 0, 1, 0, "Generic system module" },
	{ speaker_id, module_class[1], 0, 2, 1, NAME_OF("EQ effect module, Movie") },
	{ speaker_id, module_class[1], EQ_DEFAULT, 2, 1, NAME_OF("EQ effect module, Default") },
	{ headphones_id, module_class[0], 0, 1, 0, "Generic system module" },
	{ headphones_id, module_class[1], 0, 2, 1, NAME_HP("EQ effect module, Movie") },
	{ headphones_id, module_class[2], 0, 2, 0,
	  NAME_HP("Echo Cancellation effect module, Default") },
};

/* KS-2: the six of them in their order; behind each endpoint's three comes our own, the meter. */
TEST_F(command, model_8_1_sysvads_modules_are_there_in_their_order)
{
	struct snd_audio_module_list list = { .buffer = (uintptr_t)self->out, .size = 2 * MOST };
	const struct snd_audio_module_endpoint_info *endpoint = (const void *)self->out;
	const struct snd_audio_module_module_info *module;
	size_t i, found = 0;

	ASSERT_EQ(0, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_LIST, &list));
	ASSERT_EQ(2, list.endpoints);
	ASSERT_EQ(8, list.modules);
	module = (const void *)(endpoint + list.endpoints);
	for (i = 0; i < list.modules; i++) {
		const uint8_t *device_id = endpoint[module[i].endpoint].device_id;

		if (!memcmp(module[i].class_id, meter_class, 16))
			continue;
		ASSERT_GT(ARRAY_SIZE(sysvad), found);
		TH_LOG("%s", module[i].name);
		EXPECT_EQ(0, memcmp(sysvad[found].device_id, device_id, 16));
		EXPECT_EQ(0, memcmp(sysvad[found].class_id, module[i].class_id, 16));
		EXPECT_EQ(sysvad[found].instance_id, module[i].instance_id);
		EXPECT_EQ(sysvad[found].version_major, module[i].version_major);
		EXPECT_EQ(sysvad[found].version_minor, module[i].version_minor);
		EXPECT_STREQ(sysvad[found].name, module[i].name);
		found++;
	}
	EXPECT_EQ(ARRAY_SIZE(sysvad), found);
}

/* MOD-2, MOD-7: one identity, one module; the InstanceId is any 32 bits. */
TEST_F(command, mod2_a_module_cannot_be_registered_twice)
{
	static const char *const others[] = {
		"module=0 instance=1", "module=1 instance=0x01000001",
		"module=1 instance=0xffffffff", "endpoint=1 module=1 instance=0x01000000",
		"endpoint=1 module=2 instance=0x80000000",
	};
	static const char *const twice[] = {
		"module=0 instance=0", "module=1 instance=0", "module=2 instance=0x01000000",
		"module=1 instance=0x01000000", "endpoint=1 module=0 instance=0",
		"endpoint=1 module=2 instance=0",
	};
	int modules = objects_get("modules");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(twice); i++)
		EXPECT_EQ(-EEXIST, inject(self->card, "late", "op=again %s", twice[i]))
			TH_LOG("twice, line %zu", i);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		EXPECT_EQ(0, inject(self->card, "late", "op=again %s", others[i]))
			TH_LOG("others, line %zu", i);
	EXPECT_EQ(modules, objects_get("modules"));
}

/* ------------------------------------------------------------------ the element beside it */

TEST_F(command, set_is_seen_by_alsa_as_a_change_of_the_element)
{
	struct snd_ctl_elem_value value = { .id.iface = SNDRV_CTL_ELEM_IFACE_MIXER };
	struct snd_ctl_event event;
	int subscribed = 1;
	int events = 0;
	char path[32];
	int control;

	snprintf(path, sizeof(path), "/dev/snd/controlC%d", self->card);
	control = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, control);
	ASSERT_EQ(0, ioctl(control, SNDRV_CTL_IOCTL_SUBSCRIBE_EVENTS, &subscribed));
	EXPECT_EQ(0, set_number(self, &m1p1, 2, 1));
	/* The doorbell's event may be there, too. */
	while (read(control, &event, sizeof(event)) == sizeof(event))
		events += !strcmp((const char *)event.data.elem.id.name,
				  "Speaker EQ Movie Parameter1") &&
			  event.data.elem.mask == SNDRV_CTL_EVENT_MASK_VALUE;
	EXPECT_EQ(1, events);
	snprintf((char *)value.id.name, sizeof(value.id.name), "Speaker EQ Movie Parameter1");
	ASSERT_EQ(0, ioctl(control, SNDRV_CTL_IOCTL_ELEM_READ, &value));
	EXPECT_EQ(2, value.value.enumerated.item[0]);

	value.value.enumerated.item[0] = 1;
	EXPECT_LE(0, ioctl(control, SNDRV_CTL_IOCTL_ELEM_WRITE, &value));
	EXPECT_EQ(1, get_number(self, &m1p1, 1));
	EXPECT_EQ(2, notified(self));
	close(control);
}

/* ------------------------------------------------------------------ CMD-3: the order of the checks */

TEST_F(command, cmd3_combined_faults_tell_the_first)
{
	static const uint8_t unknown[16] = { 1 };
	static const struct {
		const char *what;
		bool reserved, read_only, no_endpoint, stream, too_long, no_module, bad_verb;
		int expected;
	} table[] = {
		{ "nothing", 0, 0, 0, 0, 0, 0, 0, 0 },
		{ "verb", 0, 0, 0, 0, 0, 0, 1, EOPNOTSUPP },
		{ "module, verb", 0, 0, 0, 0, 0, 1, 1, EINVAL },
		{ "length", 0, 0, 0, 0, 1, 0, 0, EINVAL },
		{ "length, module", 0, 0, 0, 0, 1, 1, 1, EINVAL },
		{ "stream, length, module", 0, 0, 0, 1, 1, 1, 1, EOPNOTSUPP },
		{ "endpoint, stream", 0, 0, 1, 1, 1, 1, 1, ENXIO },
		{ "read-only, endpoint", 0, 1, 1, 1, 1, 1, 1, EACCES },
		{ "reserved, read-only", 1, 1, 1, 1, 1, 1, 1, EINVAL },
	};
	static const uint8_t in[8] = { 1 };
	char path[32];
	int read_only;
	size_t i;

	snprintf(path, sizeof(path), "/dev/snd/hwC%dD3", self->card);
	read_only = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, read_only);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct snd_audio_module_command words =
			words_for(table[i].no_module ? unknown : module_class[0], 0);

		words.reserved[1] = table[i].reserved;
		words.pcm_device = table[i].stream ? 0 : -1;
		words.pcm_subdevice = table[i].stream ? 0 : -1;
		words.verb = table[i].bad_verb ? SET : GET;
		if (table[i].no_endpoint)
			memcpy(words.device_id, unknown, 16);
		EXPECT_EQ(table[i].expected,
			  run(table[i].read_only ? read_only : self->hwdep, &words, in,
			      table[i].too_long ? MOST + 1 : sizeof(in), self->out, 4))
			TH_LOG("%s", table[i].what);
		EXPECT_EQ(table[i].reserved || table[i].read_only || !table[i].expected ? 4 : 0,
			  words.out_size) TH_LOG("%s", table[i].what);
	}
	close(read_only);
}

TEST_F(command, cmd1_verbs_that_are_none_are_refused)
{
	static const uint32_t verbs[] = { 0, SET, GET | SET, SUPPORT | GET, 4, 0x80000000 };
	static const uint8_t in[8] = { 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		struct snd_audio_module_command words = words_for(module_class[0], 0);

		words.verb = verbs[i];
		EXPECT_EQ(EOPNOTSUPP, run(self->hwdep, &words, in, sizeof(in), self->out, 4))
			TH_LOG("verb 0x%x", verbs[i]);
		EXPECT_EQ(0, words.out_size);
	}
}

/* A-1, 6.5: of any module, also one that takes no commands. */
TEST_F(command, basic_support_of_the_property)
{
	static const uint8_t expected[40] = { 0x01, 0x02, 0, 0, 40 };
	uint32_t size;

	for (size = 0; size <= 48; size++) {
		struct snd_audio_module_command words = words_for(meter_class, 0);
		uint32_t back = size >= 40 ? 40 : size >= 4 ? 4 : 0;

		words.verb = SUPPORT;
		memset(self->out, UNTOUCHED, 64);
		EXPECT_EQ(back ? 0 : ENOBUFS, run(self->hwdep, &words, NULL, 0, self->out, size))
			TH_LOG("%u bytes", size);
		EXPECT_EQ(back, words.out_size) TH_LOG("%u bytes", size);
		EXPECT_EQ(0, memcmp(self->out, expected, back)) TH_LOG("%u bytes", size);
		EXPECT_TRUE(untouched(self->out, back, 64)) TH_LOG("%u bytes", size);
	}
}

/* */
TEST_F(command, a_module_without_commands_says_so)
{
	struct snd_audio_module_command words = words_for(meter_class, 0);

	EXPECT_EQ(EOPNOTSUPP, run(self->hwdep, &words, NULL, 0, self->out, 8));
	EXPECT_EQ(0, words.out_size);
}

/* PNP-4, MOD-2 */
TEST_F(command, modules_are_known_by_endpoint_class_and_instance)
{
	const struct target other_endpoint = { headphones_id, module_class[0], 0, 0 };
	const struct target not_here = { headphones_id, module_class[1], EQ_DEFAULT, 0 };

	EXPECT_EQ(0, set_number(self, &m0p1, 5, 4));
	EXPECT_EQ(1, get_number(self, &other_endpoint, 4));
	EXPECT_EQ(5, get_number(self, &m0p1, 4));
	EXPECT_EQ(EINVAL, ask(self, &not_here, GET, NULL, 0, 4));
	EXPECT_EQ(0, set_number(self, &m1p3, 7, 4));
	EXPECT_EQ(0, get_number(self, &m1p3_default, 4));
}

TEST_F(command, bad_pointers_fail_and_change_nothing)
{
	static const uint8_t set_2[] = { 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0 };
	static const uint8_t get[] = { 1, 0, 0, 0, 0, 0, 0, 0 };
	struct snd_audio_module_command words = words_for(module_class[0], 0);
	uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	uint32_t inside;

	ASSERT_FALSE(pages == MAP_FAILED);
	ASSERT_EQ(0, mprotect(pages + 4096, 4096, PROT_NONE));
	EXPECT_EQ(-1, ioctl(self->hwdep, SND_AUDIO_MODULE_IOCTL_COMMAND, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(EFAULT, run(self->hwdep, &words, NULL, sizeof(set_2), NULL, 0));
	for (inside = 0; inside < sizeof(set_2); inside++) {
		memcpy(pages + 4096 - inside, set_2, inside);
		EXPECT_EQ(EFAULT, run(self->hwdep, &words, pages + 4096 - inside, sizeof(set_2),
				      NULL, 0));
	}
	for (inside = 0; inside < 4; inside++) {
		EXPECT_EQ(EFAULT, run(self->hwdep, &words, get, sizeof(get),
				      pages + 4096 - inside, 4));
		EXPECT_EQ(0, words.out_size);
	}
	EXPECT_EQ(1, get_number(self, &m0p1, 4));
	EXPECT_EQ(0, notified(self));
	munmap(pages, 8192);
}

/* ------------------------------------------------------------------ a module that takes its time */

static struct snd_audio_module_command late_words(void)
{
	return words_for(late_class, 7);
}

/* Records of a module that has gone do not seem to be those of one that comes. */
TEST_F(command, index_of_a_module_is_not_given_again_at_once)
{
	struct snd_audio_module_module_info before, after;

	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 count=0"));
	ASSERT_EQ(0, module_find(self->card, speaker_id, late_class, 7, &before));
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 count=0"));
	ASSERT_EQ(0, module_find(self->card, speaker_id, late_class, 7, &after));
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	EXPECT_NE(before.index, after.index);
}

/* What a driver's handler says and cannot be does not reach the program, nor does old memory. */
TEST_F(command, handlers_are_not_believed)
{
	static const struct {
		const char *handler;
		int err;
	} table[] = {
		{ "too_long", EIO },
		{ "positive", EIO },
		{ "restart", EINTR },
		{ "restart_block", EINTR },
		{ "kernel_only", EIO },
		{ "unwritten", 0 },
	};
	static const uint8_t zeroes[OUT_SIZE];
	static uint8_t in[OUT_SIZE];
	struct snd_audio_module_command words = late_words();
	unsigned int i;

	/* The memory of the answers is used before. */
	memset(in + 4, UNTOUCHED, sizeof(in) - 4);
	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 count=0"));
	EXPECT_EQ(0, run(self->hwdep, &words, in, sizeof(in), self->out, sizeof(in)));
	EXPECT_EQ(0, memcmp(in, self->out, sizeof(in)));
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 count=0 handler=%s",
				    table[i].handler));
		memset(self->out, UNTOUCHED, OUT_SIZE + 8);
		EXPECT_EQ(table[i].err, run(self->hwdep, &words, in, 4, self->out, OUT_SIZE))
			TH_LOG("row %u", i);
		EXPECT_EQ(table[i].err ? 0 : OUT_SIZE, words.out_size) TH_LOG("row %u", i);
		EXPECT_TRUE(untouched(self->out, words.out_size, OUT_SIZE + 8))
			TH_LOG("row %u", i);
		ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	}
	EXPECT_EQ(0, memcmp(zeroes, self->out, OUT_SIZE));
}

/* CMD-6: any bytes, up to the limit each way. */
TEST_F(command, cmd6_bytes_come_and_go_as_they_are_up_to_64000)
{
	static const uint32_t sizes[] = { 1, 4, 5, 4096, 4097, MOST - 1, MOST };
	struct snd_audio_module_command words = late_words();
	uint8_t *in = malloc(MOST + 1);
	uint32_t i, j;

	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7"));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < sizes[i]; j++)
			in[j] = j < 4 ? 0 : j * 7 + i;
		EXPECT_EQ(EOVERFLOW, run(self->hwdep, &words, in, sizes[i], NULL, 0));
		EXPECT_EQ(sizes[i], words.out_size);
		if (sizes[i] > 1)
			EXPECT_EQ(ENOBUFS, run(self->hwdep, &words, in, sizes[i], self->out,
					       sizes[i] - 1));
		EXPECT_EQ(0, run(self->hwdep, &words, in, sizes[i], self->out, 2 * MOST));
		EXPECT_EQ(sizes[i], words.out_size);
		EXPECT_EQ(0, memcmp(in, self->out, sizes[i])) TH_LOG("%u bytes", sizes[i]);
	}
	EXPECT_EQ(EINVAL, run(self->hwdep, &words, in, MOST + 1, self->out, 2 * MOST));
	EXPECT_EQ(EINVAL, run(self->hwdep, &words, in, UINT32_MAX, self->out, UINT32_MAX));
	EXPECT_EQ(0, run(self->hwdep, &words, NULL, 0, NULL, 0));
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	EXPECT_EQ(EINVAL, run(self->hwdep, &words, NULL, 0, NULL, 0));
	free(in);
}

/**
 * struct slow - a thread that sends a command which takes long
 * @thread: it
 * @id: its id
 * @hwdep: where
 * @result: of the command
 * @out_size: that came back
 * @done: it came back; looked at from outside while it runs
 */
struct slow {
	pthread_t thread;
	volatile pid_t id;
	int hwdep;
	int result;
	uint32_t out_size;
	volatile bool done;
};

static void *slow_run(void *data)
{
	struct slow *slow = data;
	struct snd_audio_module_command words = late_words();
	uint32_t ms = SLOW_MS, answer;

	slow->id = gettid();
	slow->result = run(slow->hwdep, &words, &ms, sizeof(ms), &answer, sizeof(answer));
	slow->out_size = words.out_size;
	slow->done = true;
	return NULL;
}

static bool slow_start(struct slow *slow, int hwdep)
{
	slow->id = 0;
	slow->done = false;
	slow->hwdep = hwdep;
	return !pthread_create(&slow->thread, NULL, slow_run, slow);
}

static void slow_await_state(const struct slow *slow, char state)
{
	uint64_t end = milliseconds() + STUCK_MS;

	while (!slow->done && milliseconds() < end) {
		if (slow->id && thread_state(getpid(), slow->id) == state)
			break;
		usleep(1000);
	}
	usleep(100000);
}

/* Until it is in the handler, or waits for another one that is, and not just on its way there. */
static void slow_await(const struct slow *slow)
{
	slow_await_state(slow, 'D');
}

/* CMD-7: two commands of one module one after the other, and nobody else waits for them. */
TEST_F(command, cmd7_one_at_a_time_and_other_modules_at_once)
{
	uint64_t begin, between;
	struct slow slow[2];

	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7"));
	begin = milliseconds();
	ASSERT_TRUE(slow_start(&slow[0], self->hwdep));
	ASSERT_TRUE(slow_start(&slow[1], self->hwdep));
	slow_await(&slow[0]);
	slow_await(&slow[1]);
	EXPECT_EQ(1, get_number(self, &m0p1, 4));
	between = milliseconds();
	pthread_join(slow[0].thread, NULL);
	pthread_join(slow[1].thread, NULL);
	EXPECT_EQ(0, slow[0].result);
	EXPECT_EQ(0, slow[1].result);
	EXPECT_LE(begin + 2 * SLOW_MS, milliseconds());
	EXPECT_GT(begin + 2 * SLOW_MS, between)
		TH_LOG("another module answered after %d ms", (int)(between - begin));
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
}

/**
 * struct writer - a thread that changes a parameter again and again
 * @thread: it
 * @hwdep: where
 * @parameter: ParameterId
 * @size: of its value
 * @failed: commands
 */
struct writer {
	pthread_t thread;
	int hwdep;
	uint32_t parameter;
	uint32_t size;
	unsigned int failed;
};

#define WRITES	2000

/* Each value is another one than the one before. */
static void *writer_run(void *data)
{
	struct snd_audio_module_command words = words_for(module_class[1], 0);
	struct writer *writer = data;
	uint32_t in[3] = { SET, writer->parameter };
	unsigned int i;

	for (i = 1; i <= WRITES; i++) {
		in[2] = i % 3;
		writer->failed += !!run(writer->hwdep, &words, in, 8 + writer->size, NULL, 0);
	}
	return NULL;
}

static void change_each(void *context, const struct snd_audio_module_record *record,
			const uint8_t *data)
{
	const struct snd_audio_module_virtual_parameter *change =
		(const void *)(data + sizeof(struct snd_audio_module_notification));
	unsigned int *told = context;

	if (change->parameter < 3)
		told[change->parameter]++;
}

/* CMD-7: of two that change one module at once each change is told, once. */
TEST_F(command, cmd7_each_change_of_two_writers_is_told_once)
{
	struct writer writers[] = {
		{ .hwdep = self->hwdep, .parameter = 0, .size = 1 },
		{ .hwdep = self->hwdep, .parameter = 2, .size = 4 },
	};
	struct tally tally = tally_new(0);
	unsigned int told[3] = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(writers); i++)
		ASSERT_EQ(0, pthread_create(&writers[i].thread, NULL, writer_run, &writers[i]));
	for (i = 0; i < ARRAY_SIZE(writers); i++) {
		pthread_join(writers[i].thread, NULL);
		EXPECT_EQ(0, writers[i].failed);
	}
	tally.each = change_each;
	tally.context = told;
	EXPECT_EQ(0, tally_drain(&tally, self->records, 0));
	EXPECT_EQ(0, tally.bad);
	EXPECT_EQ(0, tally.lost);
	EXPECT_EQ(WRITES, told[0]);
	EXPECT_EQ(WRITES, told[2]);
	EXPECT_EQ(WRITES * 2, tally.matched);
}

/* PNP-5: who is told of a change may make the next one: nothing is held while a reader reads. */
TEST_F(command, pnp5_a_reader_may_cause_the_next_notification)
{
	struct snd_audio_module_virtual_parameter change;
	struct {
		struct snd_audio_module_record header;
		struct snd_audio_module_notification identity;
		struct snd_audio_module_virtual_parameter change;
	} record;
	unsigned int i;

	fcntl(self->records, F_SETFL, 0);
	ASSERT_EQ(0, set_number(self, &m1p3, 1, 4));
	for (i = 2; i <= 200; i++) {
		ASSERT_EQ(sizeof(record), read(self->records, &record, sizeof(record)));
		memcpy(&change, &record.change, sizeof(change));
		EXPECT_EQ(i - 1, record.header.sequence);
		EXPECT_EQ(2, change.parameter);
		ASSERT_EQ(0, set_number(self, &m1p3, i, 4));
	}
	fcntl(self->records, F_SETFL, O_NONBLOCK);
	EXPECT_EQ(200, get_number(self, &m1p3, 4));
}

/* IF-3: unregister waits for the handler that runs; who waited for it finds no module. */
TEST_F(command, unregister_waits_for_the_handler)
{
	int modules = objects_get("modules");
	struct slow slow[2];
	uint64_t begin;
	int results;

	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7"));
	begin = milliseconds();
	ASSERT_TRUE(slow_start(&slow[0], self->hwdep));
	ASSERT_TRUE(slow_start(&slow[1], self->hwdep));
	slow_await(&slow[0]);
	slow_await(&slow[1]);
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	/* The handler that ran began after that, and was waited for. */
	EXPECT_LE(begin + SLOW_MS, milliseconds());
	pthread_join(slow[0].thread, NULL);
	pthread_join(slow[1].thread, NULL);
	results = slow[0].result + slow[1].result;
	/* The second one was before the unregister, or is told that the module is gone. */
	EXPECT_TRUE(results == 0 || results == EINVAL)
		TH_LOG("%d and %d", slow[0].result, slow[1].result);
	EXPECT_EQ(modules, objects_get("modules"));
}

static void *register_and_unregister(void *data)
{
	struct worker *worker = data;

	while (!worker->stop) {
		/* count=1: it posts, too. */
		worker->wrong += !!inject(worker->card, "late", "op=register instance=7 count=1");
		worker->wrong += !!inject(worker->card, "late", "op=unregister");
		worker->done++;
	}
	return NULL;
}

static void *send_commands(void *data)
{
	struct worker *worker = data;
	uint8_t in[64] = { 0 }, out[64];

	while (!worker->stop) {
		struct snd_audio_module_command words = late_words();
		int result = run(worker->hwdep, &words, in, sizeof(in), out, sizeof(out));

		worker->wrong += result && result != EINVAL;
		worker->done += !result;
	}
	return NULL;
}

/* They name the module, and belong to the endpoint when it is not there. */
static void *send_notifications(void *data)
{
	struct worker *worker = data;

	while (!worker->stop) {
		worker->wrong += !!inject(worker->card, "send", "count=50 method=portcls");
		worker->done++;
	}
	return NULL;
}

/* IF-3 */
TEST_F_TIMEOUT(command, modules_come_and_go_while_commands_and_notifications_run, 240)
{
	static void *(*const work[])(void *data) = {
		register_and_unregister, send_commands, send_commands, send_notifications
	};
	struct worker workers[ARRAY_SIZE(work)] = { 0 };
	int modules = objects_get("modules");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(work); i++) {
		workers[i].hwdep = self->hwdep;
		workers[i].card = self->card;
		workers[i].work = work[i];
	}
	/* The one that registers is the first, and stops last: it leaves none behind. */
	ASSERT_EQ(0, workers_run(workers, ARRAY_SIZE(work)));
	for (i = 0; i < ARRAY_SIZE(work); i++) {
		EXPECT_EQ(0, workers[i].wrong) TH_LOG("worker %zu", i);
		EXPECT_LT(0, workers[i].done) TH_LOG("worker %zu", i);
	}
	TH_LOG("%u times there, %u and %u commands, %u times 50 notifications", workers[0].done,
	       workers[1].done, workers[2].done, workers[3].done);
	EXPECT_EQ(modules, objects_get("modules"));
}

static void on_signal(int signal)
{
	(void)signal;
}

/* A handler that a signal finds asleep has done nothing: the kernel calls it again, or says EINTR. */
TEST_F(command, a_signal_makes_the_call_again_with_what_was_asked_for)
{
	static const struct {
		int flags;
		int err;
		bool again;
	} table[] = {
		{ SA_RESTART, 0, true },
		{ 0, EINTR, false },
	};
	uint64_t begin, took;
	struct slow slow;
	unsigned int i;

	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 handler=interruptible"));
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		const struct sigaction action = {
			.sa_handler = on_signal, .sa_flags = table[i].flags
		};

		ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
		ASSERT_TRUE(slow_start(&slow, self->hwdep));
		slow_await_state(&slow, 'S');
		begin = milliseconds();
		pthread_kill(slow.thread, SIGUSR1);
		pthread_join(slow.thread, NULL);
		took = milliseconds() - begin;
		EXPECT_EQ(table[i].err, slow.result) TH_LOG("row %u", i);
		EXPECT_EQ(sizeof(uint32_t), slow.out_size) TH_LOG("row %u", i);
		/* The handler sleeps from the beginning. */
		EXPECT_EQ(table[i].again, took >= SLOW_MS)
			TH_LOG("row %u: %" PRIu64 " ms", i, took);
	}
	signal(SIGUSR1, SIG_DFL);
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
}

/* The command lock of the one is held while that of the other is taken: lockdep has its say. */
TEST_F(command, a_handler_registers_and_unregisters_another_module)
{
	struct snd_audio_module_command words = late_words();
	int modules = objects_get("modules");
	uint32_t in = 0, answer = 1;

	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 handler=nested"));
	EXPECT_EQ(0, run(self->hwdep, &words, &in, sizeof(in), &answer, sizeof(answer)));
	EXPECT_EQ(0, answer);
	ASSERT_EQ(0, inject(self->card, "late", "op=unregister"));
	EXPECT_EQ(modules, objects_get("modules"));
}

/* MOD-6, PNP-9: the card goes while a handler runs: it ends, and the next command finds no card. */
TEST_F(command, unbind_with_a_command_in_flight)
{
	struct snd_audio_module_command words = words_for(module_class[0], 0);
	struct slow slow;

	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7"));
	ASSERT_TRUE(slow_start(&slow, self->hwdep));
	slow_await(&slow);
	ASSERT_EQ(0, file_write(DRIVER "/unbind", "snd-audio-module-virtual"));
	pthread_join(slow.thread, NULL);
	EXPECT_EQ(0, slow.result);
	EXPECT_EQ(ENODEV, run(self->hwdep, &words, NULL, 0, self->out, 8));
	close(self->hwdep);
	self->hwdep = -1;
	EXPECT_EQ(0, file_write(DRIVER "/bind", "snd-audio-module-virtual"));
}

/* IF-3: the driver lets its port go; each module has a reference of its own, and goes on. */
TEST_F(command, if3_modules_keep_their_port)
{
	const struct target other_endpoint = { headphones_id, module_class[0], 0, 0 };
	struct snd_audio_module_module_info info;

	EXPECT_EQ(0, set_number(self, &m0p1, 5, 4));
	EXPECT_EQ(1, notified(self));
	ASSERT_EQ(0, inject(self->card, "late", "op=release endpoint=0"));
	EXPECT_EQ(2, objects_get("ports"));
	EXPECT_EQ(0, module_find(self->card, speaker_id, module_class[0], 0, &info));
	EXPECT_EQ(5, get_number(self, &m0p1, 4));
	/* IF-2: without a port it changes, and nobody hears of it. */
	EXPECT_EQ(0, set_number(self, &m0p1, 2, 4));
	EXPECT_EQ(2, get_number(self, &m0p1, 4));
	EXPECT_EQ(0, notified(self));
	EXPECT_EQ(0, set_number(self, &other_endpoint, 2, 4));
	EXPECT_EQ(1, notified(self));
	/* The last module takes the port with it. */
	close(self->hwdep);
	self->hwdep = -1;
	ASSERT_EQ(0, file_write(DRIVER "/unbind", "snd-audio-module-virtual"));
	EXPECT_EQ(0, objects_get("modules"));
	EXPECT_EQ(0, objects_get("ports"));
	EXPECT_EQ(0, file_write(DRIVER "/bind", "snd-audio-module-virtual"));
	EXPECT_EQ(2, objects_get("ports"));
}

TEST_F(command, info_announces_it)
{
	struct snd_audio_module_info info;

	ASSERT_EQ(0, info_get(self->card, &info));
	EXPECT_TRUE(info.features & SND_AUDIO_MODULE_FEATURE_COMMAND);
}

TEST_HARNESS_MAIN
