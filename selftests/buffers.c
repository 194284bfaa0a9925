// SPDX-License-Identifier: GPL-2.0
/*
 * Pool types and notification buffers: what Alloc, Send and Free accept and refuse, in which
 * context, and what becomes of the bytes. The rules' numbers are those of the Windows model.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"

#define PAGED			1
#define NON_PAGED		0
#define NON_PAGED_NX		512
#define COLD			256
#define ZERO			1024

#define MAX_SIZE		SND_AUDIO_MODULE_MAX_DATA_SIZE
#define MAX_RECORD		(sizeof(struct snd_audio_module_record) + MAX_SIZE)
#define HARDIRQ_SIZE		(40 + 4096)
#define GARBAGE			0xa5

/* A driver's own NotificationId, as the hooks take it and as records carry it. */
#define FOREIGN_TEXT		"01234567-89ab-cdef-0123-456789abcdef"
static const uint8_t foreign_id[16] = {
	0x67, 0x45, 0x23, 0x01, 0xab, 0x89, 0xef, 0xcd,
	0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef
};

static const char *const contexts[] = {
	"process", "bh", "rcu", "preempt", "irqoff", "spinlock", "softirq", "hardirq"
};

#define CONTEXTS		ARRAY_SIZE(contexts)
#define PROCESS			0
#define HARDIRQ			(CONTEXTS - 1)

#define TRACING			"/sys/kernel/tracing/instances/audio_module_test"

FIXTURE(buffers) {
	struct machine machine;
	int card;
	int portcls;	/* the hook */
	int fd;		/* reads everything that is sent in the test */
	uint8_t *bytes;	/* of the last read */
	struct snd_audio_module_info before;
};

FIXTURE_SETUP(buffers)
{
	ASSERT_EQ(0, machine_begin(&self->machine, ""));
	self->card = card_find();
	ASSERT_LE(0, self->card);
	self->portcls = portcls_open(self->card);
	ASSERT_LE(0, self->portcls);
	self->fd = subscribe_newest(self->card);
	ASSERT_LE(0, self->fd);
	fcntl(self->fd, F_SETFL, O_NONBLOCK);
	self->bytes = malloc(4 * MAX_RECORD);
	ASSERT_NE(NULL, self->bytes);
	ASSERT_EQ(0, info_get(self->card, &self->before));
}

FIXTURE_TEARDOWN(buffers)
{
	close(self->fd);
	close(self->portcls);
	free(self->bytes);
	rmdir(TRACING);
	EXPECT_EQ(0, machine_end(&self->machine));
}

/* ------------------------------------------------------------------ helpers */

/* Call the hook; it must understand. */
#define portcls(...) ASSERT_EQ(0, portcls_do(self->portcls, NULL, 0, __VA_ARGS__))

/* What the hook answers to a line, in a buffer of its own. */
#define answer(...) ({ \
	static char answer_text[128]; \
	ASSERT_EQ(0, portcls_do(self->portcls, answer_text, sizeof(answer_text), __VA_ARGS__)); \
	(const char *)answer_text; \
})

/* Nothing can be allocated or freed there: on PREEMPT_RT in more contexts than elsewhere. */
static bool above_dispatch_level(unsigned int context)
{
	return context == HARDIRQ ||
	       (preempt_rt() && (!strcmp(contexts[context], "preempt") ||
				 !strcmp(contexts[context], "irqoff")));
}

#define GIVEN	"status=0 null=0 zeroed=1 aligned=1"
#define REFUSED	"status=-22 null=1"

/* How much a counter grew since the last call for it. */
static uint64_t grown(FIXTURE_DATA(buffers) *self, enum snd_audio_module_counter counter)
{
	uint64_t now = counter_get(self->card, counter);
	uint64_t growth = now - self->before.counters[counter];

	self->before.counters[counter] = now;
	return growth;
}

/* The next record, or NULL; it stays until the next call. */
static const struct snd_audio_module_record *next_record(FIXTURE_DATA(buffers) *self)
{
	struct snd_audio_module_record *record = (void *)self->bytes;
	ssize_t got;

	/* A record at a time: read() gives whole ones, so find out how long it is. */
	size_t size = sizeof(*record);

	do {
		got = read(self->fd, self->bytes, size);
		size += 8;
	} while (got < 0 && errno == EMSGSIZE && size <= MAX_RECORD + 8 && size < 1024);
	if (got < 0 && errno == EMSGSIZE)
		got = read(self->fd, self->bytes, MAX_RECORD + 8);
	return got > 0 ? record : NULL;
}

static const uint8_t *data_of(const struct snd_audio_module_record *record)
{
	return (const uint8_t *)(record + 1);
}

/* How many records there are; all must be whole and intact. */
static int records_left(FIXTURE_DATA(buffers) *self)
{
	struct tally tally = tally_new(0);

	tally.filtered = true;
	if (tally_drain(&tally, self->fd, 0) || tally.bad || tally.corrupt || tally.lost)
		return -1;
	return tally.matched;
}

/* What the hook "fill" writes for @number: wrong DeviceId and Reserved, then vendor bytes. */
static void fill(uint8_t *data, size_t size, const struct snd_audio_module_module_info *module,
		 uint64_t number)
{
	struct snd_audio_module_notification identity;
	uint8_t *vendor = data + sizeof(identity);
	size_t vendor_size = size < sizeof(identity) ? 0 : size - sizeof(identity);
	size_t i;

	memset(&identity, GARBAGE, sizeof(identity));
	memcpy(identity.class_id, module->class_id, sizeof(identity.class_id));
	identity.instance_id = module->instance_id;
	memcpy(data, &identity, size < sizeof(identity) ? size : sizeof(identity));
	memcpy(vendor, &number, vendor_size < 8 ? vendor_size : 8);
	for (i = 8; i < vendor_size; i++)
		vendor[i] = vendor_byte(number, i);
}

/* ------------------------------------------------------------------ Alloc */

static bool pool_type_accepted(unsigned int pool)
{
	unsigned int base = pool & ~(COLD | ZERO);

	return base == PAGED || base == NON_PAGED || base == NON_PAGED_NX;
}

/* IF-4, PT-1, PT-2, PT-5: twelve values are pool types here, every other one is refused. */
TEST_F_TIMEOUT(buffers, if4_pt1_pt2_pt5_every_pool_type, 240)
{
	static const unsigned int more[] = {
		COLD | ZERO | NON_PAGED_NX, COLD | ZERO | NON_PAGED_NX | PAGED, 2048, 4096, 0x40,
		0x80, 0x100 | 0x40, 0x100 | 0x80, 0x200 | 0x40, 0x10000, 0x10001, 0x10200,
		0x40000000, 0x80000000, 0x80000001, 0x80000200, 0xffffffff, 0xfffffffe, 0xfffffdff
	};
	unsigned int accepted = 0, refused = 0, wrong = 0;
	unsigned int i;

	for (i = 0; i <= 1600 + ARRAY_SIZE(more); i++) {
		unsigned int pool = i <= 1600 ? i : more[i - 1601];
		const char *expected = pool_type_accepted(pool) ? GIVEN : REFUSED;
		const char *got = answer("op=alloc slot=0 size=104 pool=%u", pool);

		if (strcmp(got, expected) && ++wrong <= 5)
			TH_LOG("pool type %u: expected %s, got %s", pool, expected, got);
		if (strncmp(got, "status=0 ", 9)) {
			refused++;
			continue;
		}
		accepted++;
		portcls("op=free slot=0");
	}
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(12, accepted);	/* 0, 1 and 512, each with the 4 sets of the 2 flags */
	EXPECT_EQ(refused, grown(self, SND_AUDIO_MODULE_COUNTER_ALLOC_POOL_TYPE));
	EXPECT_EQ(self->machine.buffers, objects_get("buffers"));
}

/* IF-5, PT-6: the table of the design: each pool type in each context, flags or'ed in. */
TEST_F(buffers, if5_pt6_pool_types_in_every_context)
{
	static const unsigned int bases[] = { PAGED, NON_PAGED, NON_PAGED_NX };
	static const unsigned int flags[] = { 0, COLD, ZERO, COLD | ZERO };
	unsigned int refused = 0;
	unsigned int base, flag, context;

	for (base = 0; base < ARRAY_SIZE(bases); base++)
		for (flag = 0; flag < ARRAY_SIZE(flags); flag++)
			for (context = 0; context < CONTEXTS; context++) {
				unsigned int pool = bases[base] | flags[flag];
				bool allowed = !above_dispatch_level(context) &&
					(bases[base] != PAGED || context == PROCESS);

				EXPECT_STREQ(allowed ? GIVEN : REFUSED,
					     answer("op=alloc slot=0 size=104 pool=%u context=%s",
						    pool, contexts[context]))
					TH_LOG("pool type %u in context %s", pool,
					       contexts[context]);
				refused += !allowed;
				portcls("op=free slot=0");
			}
	EXPECT_EQ(refused, grown(self, SND_AUDIO_MODULE_COUNTER_ALLOC_CONTEXT));
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER));
}

/* IF-4: a wrong pool type is told before the context, and in a hard interrupt, too. */
TEST_F(buffers, if4_wrong_pool_types_in_every_context)
{
	static const unsigned int pools[] = { 2, 4, 5, 8, 16, 32, 64, 128, 513, 516, 544 };
	unsigned int i, context;

	for (i = 0; i < ARRAY_SIZE(pools); i++)
		for (context = 0; context < CONTEXTS; context++)
			EXPECT_STREQ(REFUSED, answer("op=alloc slot=0 size=104 pool=%u context=%s",
						     pools[i], contexts[context]));
	EXPECT_EQ(ARRAY_SIZE(pools) * CONTEXTS,
		  grown(self, SND_AUDIO_MODULE_COUNTER_ALLOC_POOL_TYPE));
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_ALLOC_CONTEXT));
}

/* L-1, IF-6, L-2: 1 to 64040 bytes. */
TEST_F(buffers, if6_l2_sizes)
{
	static const struct {
		unsigned int size;
		bool allowed;
	} sizes[] = {
		{ 0, false }, { 1, true }, { 7, true }, { 8, true }, { 39, true }, { 40, true },
		{ 4095, true }, { 8193, true }, { 64039, true }, { 64040, true }, { 64041, false },
		{ 65499, false }, { 65535, false },
	};
	static const unsigned int pools[] = { PAGED, NON_PAGED, NON_PAGED_NX };
	unsigned int refused = 0;
	unsigned int i, pool;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (pool = 0; pool < ARRAY_SIZE(pools); pool++) {
			EXPECT_STREQ(sizes[i].allowed ? GIVEN : REFUSED,
				     answer("op=alloc slot=0 size=%u pool=%u", sizes[i].size,
					    pools[pool]))
				TH_LOG("%u bytes of pool type %u", sizes[i].size, pools[pool]);
			refused += !sizes[i].allowed;
			portcls("op=free slot=0");
		}
	EXPECT_EQ(refused, grown(self, SND_AUDIO_MODULE_COUNTER_ALLOC_SIZE));
}

/*
 * IF-8: memory that was used before comes back zeroed. A kernel that zeroes all memory by itself
 * hides a mistake here: boot with init_on_alloc=0, or see pt6_pool_type_decides_the_memory.
 */
TEST_F(buffers, if8_zeroed_when_used_before)
{
	static const unsigned int sizes[] = { 1, 40, 41, 104, 500, 1001, 4001, 9000, 64040 };
	static const unsigned int pools[] = { PAGED, NON_PAGED, NON_PAGED_NX };
	unsigned int i, pool, round;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (pool = 0; pool < ARRAY_SIZE(pools); pool++)
			for (round = 0; round < 8; round++) {
				ASSERT_STREQ(GIVEN, answer("op=alloc slot=0 size=%u pool=%u",
							   sizes[i], pools[pool]))
					TH_LOG("%u bytes of pool type %u, round %u", sizes[i],
					       pools[pool], round);
				portcls("op=fill slot=0 instance=%u", 0xdeadbeef + round);
				portcls("op=free slot=0");
			}
}

/* All 16 slots at once: each buffer keeps its own bytes and length. */
TEST_F(buffers, if7_many_live_buffers)
{
	const struct snd_audio_module_record *record;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		ASSERT_STREQ(GIVEN, answer("op=alloc slot=%u size=%u pool=%u", i, 48 + i * 13,
					   i % 2 ? PAGED : NON_PAGED_NX));
		portcls("op=fill slot=%u instance=%u", i, i + 100);
	}
	EXPECT_EQ(self->machine.buffers + 16, objects_get("buffers"));
	for (i = 0; i < 16; i++) {
		portcls("op=send slot=%u", i);
		record = next_record(self);
		ASSERT_NE(NULL, record);
		EXPECT_EQ(48 + i * 13, record->data_size);
		EXPECT_EQ(i + 100, vendor_number(data_of(record) + 40, 8));
		EXPECT_TRUE(vendor_intact(data_of(record) + 40, record->data_size - 40));
	}
	for (i = 0; i < 16; i++) {
		EXPECT_STREQ("unchanged=1", answer("op=check slot=%u instance=%u", i, i + 100));
		portcls("op=free slot=%u", i);
	}
	EXPECT_EQ(self->machine.buffers, objects_get("buffers"));
}

/* ------------------------------------------------------------------ Free */

TEST_F(buffers, if13_free_of_null_does_nothing)
{
	unsigned int context;

	for (context = 0; context < CONTEXTS; context++)
		portcls("op=free slot=3 context=%s", contexts[context]);
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER));
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT));
}

TEST_F(buffers, if13_free_twice_is_refused)
{
	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104"));
	EXPECT_STREQ(GIVEN, answer("op=alloc slot=1 size=104"));
	EXPECT_EQ(self->machine.buffers + 2, objects_get("buffers"));
	portcls("op=fill slot=1 instance=2");
	portcls("op=free slot=0");
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER));
	EXPECT_EQ(self->machine.buffers + 1, objects_get("buffers"));

	portcls("op=free slot=0");
	portcls("op=free slot=0");
	EXPECT_EQ(2, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER));
	EXPECT_EQ(self->machine.buffers + 1, objects_get("buffers"));

	portcls("op=send slot=1");
	EXPECT_EQ(1, records_left(self));
	portcls("op=free slot=1");
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER));
}

TEST_F(buffers, if13_free_inside_a_buffer_is_refused)
{
	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104"));
	portcls("op=fill slot=0 instance=5");
	portcls("op=free_inside slot=0");
	EXPECT_EQ(1, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER));
	EXPECT_EQ(self->machine.buffers + 1, objects_get("buffers"));
	EXPECT_STREQ("unchanged=1", answer("op=check slot=0 instance=5"));
	portcls("op=free slot=0");
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER));
}

/* IF-15: a buffer belongs to the port that gave it. */
TEST_F(buffers, if15_buffer_of_the_other_port)
{
	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104 endpoint=0"));
	portcls("op=fill slot=0 instance=5");
	portcls("op=send slot=0 endpoint=1");
	EXPECT_EQ(1, grown(self, SND_AUDIO_MODULE_COUNTER_BUFFER));
	EXPECT_EQ(0, records_left(self));
	portcls("op=free slot=0 endpoint=1");
	EXPECT_EQ(1, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER));
	EXPECT_EQ(self->machine.buffers + 1, objects_get("buffers"));
	portcls("op=send slot=0 endpoint=0");
	EXPECT_EQ(1, records_left(self));
	portcls("op=free slot=0 endpoint=0");
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER));
	EXPECT_EQ(self->machine.buffers, objects_get("buffers"));
}

TEST_F(buffers, if13_free_in_every_context)
{
	unsigned int context;

	for (context = 0; context < CONTEXTS; context++) {
		if (above_dispatch_level(context))
			continue;
		EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104 pool=%u",
					   context % 2 ? PAGED : NON_PAGED_NX));
		portcls("op=free slot=0 context=%s", contexts[context]);
		EXPECT_EQ(self->machine.buffers, objects_get("buffers"))
			TH_LOG("context %s", contexts[context]);
	}
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT));
}

TEST_F(buffers, if13_free_above_dispatch_level_is_refused)
{
	unsigned int context;

	for (context = 0; context < CONTEXTS; context++) {
		if (!above_dispatch_level(context))
			continue;
		EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104"));
		portcls("op=fill slot=0 instance=6");
		portcls("op=free slot=0 context=%s", contexts[context]);
		EXPECT_EQ(1, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT))
			TH_LOG("context %s", contexts[context]);
		EXPECT_EQ(self->machine.buffers + 1, objects_get("buffers"));
		EXPECT_STREQ("unchanged=1", answer("op=check slot=0 instance=6"));
		portcls("op=send slot=0");
		EXPECT_EQ(1, records_left(self));
		portcls("op=free slot=0");
		EXPECT_EQ(self->machine.buffers, objects_get("buffers"));
	}
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_BUFFER));
}

/*
 * IF-4, 8.6, IF-2: a driver without a port goes on working, and nothing is counted or lost by it.
 */
TEST_F(buffers, if2_null_port_everywhere)
{
	struct snd_audio_module_info after;

	EXPECT_STREQ(GIVEN, answer("op=alloc slot=1 size=104"));
	EXPECT_STREQ(REFUSED, answer("op=alloc slot=0 size=104 no_port=1"));
	EXPECT_STREQ(REFUSED, answer("op=alloc slot=0 size=104 no_port=1 context=spinlock"));
	EXPECT_STREQ(REFUSED, answer("op=alloc slot=0 size=104 no_port=1 pool=3"));
	portcls("op=send slot=0 no_port=1");
	portcls("op=send slot=1 no_port=1");
	portcls("op=free slot=0 no_port=1");
	portcls("op=free slot=1 no_port=1");
	EXPECT_EQ(self->machine.buffers + 1, objects_get("buffers"));
	ASSERT_EQ(0, info_get(self->card, &after));
	EXPECT_EQ(0, memcmp(self->before.counters, after.counters, sizeof(after.counters)));
	EXPECT_EQ(0, records_left(self));
	portcls("op=free slot=1");
}

/* IF-13: a driver forgot buffers: they are counted and freed when its port goes. */
TEST_F(buffers, buffers_left_behind_are_freed)
{
	unsigned int i;

	for (i = 0; i < 5; i++) {
		EXPECT_STREQ(GIVEN, answer("op=alloc slot=%u size=%u", i, 1 + i * 1000));
		portcls("op=forget slot=%u", i);
	}
	EXPECT_EQ(self->machine.buffers + 5, objects_get("buffers"));
	ASSERT_EQ(0, file_write("/sys/bus/platform/drivers/snd-audio-module-virtual/unbind",
				"snd-audio-module-virtual"));
	EXPECT_EQ(self->machine.buffers, objects_get("buffers"));
	EXPECT_EQ(0, objects_get("ports"));
}

/* ------------------------------------------------------------------ Send */

/* IF-11: Send copies; the buffer is the caller's and can be changed and sent again. */
TEST_F(buffers, if11_send_copies)
{
	const struct snd_audio_module_record *record;
	unsigned int i;

	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104"));
	portcls("op=fill slot=0 instance=7");
	portcls("op=send slot=0");
	portcls("op=fill slot=0 instance=8");
	portcls("op=send slot=0");
	portcls("op=free slot=0");
	for (i = 7; i <= 8; i++) {
		record = next_record(self);
		ASSERT_NE(NULL, record);
		EXPECT_EQ(104, record->data_size);
		EXPECT_EQ(i, vendor_number(data_of(record) + 40, 8));
		EXPECT_TRUE(vendor_intact(data_of(record) + 40, 64));
	}
	EXPECT_EQ(NULL, next_record(self));
}

/* IF-11: sent three times, there are three records, each with its own sequence. */
TEST_F(buffers, if11_send_again_and_again)
{
	const struct snd_audio_module_record *record;
	uint64_t sequence = self->before.newest_sequence;
	unsigned int i;

	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=77"));
	portcls("op=fill slot=0 instance=9");
	for (i = 0; i < 3; i++)
		portcls("op=send slot=0");
	EXPECT_STREQ("unchanged=1", answer("op=check slot=0 instance=9"));
	for (i = 0; i < 3; i++) {
		record = next_record(self);
		ASSERT_NE(NULL, record);
		EXPECT_EQ(++sequence, record->sequence);
		EXPECT_EQ(77, record->data_size);
		EXPECT_EQ(9, vendor_number(data_of(record) + 40, 8));
	}
	EXPECT_EQ(NULL, next_record(self));
	EXPECT_EQ(3, grown(self, SND_AUDIO_MODULE_COUNTER_ACCEPTED));
	portcls("op=free slot=0");
}

/* 8.6, NID-3: a forged DeviceId and Reserved do not reach the record; the buffer keeps its own. */
TEST_F(buffers, nid3_device_id_cannot_be_forged)
{
	const uint8_t *const ids[] = { speaker_id, headphones_id };
	struct snd_audio_module_module_info module;
	const struct snd_audio_module_record *record;
	const struct snd_audio_module_notification *identity;
	unsigned int endpoint;

	for (endpoint = 0; endpoint < 2; endpoint++) {
		ASSERT_EQ(0, module_find(self->card, ids[endpoint], module_class[1], 0, &module));
		EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=100 endpoint=%u", endpoint));
		portcls("op=fill slot=0 instance=11 module=1 endpoint=%u", endpoint);
		portcls("op=send slot=0 endpoint=%u", endpoint);
		EXPECT_STREQ("unchanged=1",
			     answer("op=check slot=0 instance=11 module=1 endpoint=%u", endpoint));
		record = next_record(self);
		ASSERT_NE(NULL, record);
		identity = (const void *)data_of(record);
		EXPECT_EQ(0, memcmp(audio_module_id, record->notification_id, 16));
		EXPECT_EQ(endpoint, record->endpoint);
		EXPECT_EQ(module.index, record->module);
		EXPECT_EQ(0, memcmp(ids[endpoint], identity->device_id, 16));
		EXPECT_EQ(0, memcmp(module_class[1], identity->class_id, 16));
		EXPECT_EQ(module.instance_id, identity->instance_id);
		EXPECT_EQ(0, identity->reserved);
		EXPECT_TRUE(vendor_intact(data_of(record) + 40, 60));
		portcls("op=free slot=0 endpoint=%u", endpoint);
	}
}

/* NID-3: a notification that names no module of the endpoint passes whole, as the endpoint's. */
TEST_F(buffers, nid3_unknown_module_is_the_endpoints)
{
	const struct snd_audio_module_record *record;
	const struct snd_audio_module_notification *identity;

	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=100"));
	portcls("op=fill slot=0 instance=12 module=1 unknown=1");
	portcls("op=send slot=0");
	record = next_record(self);
	ASSERT_NE(NULL, record);
	identity = (const void *)data_of(record);
	EXPECT_EQ(0, record->endpoint);
	EXPECT_EQ(SND_AUDIO_MODULE_NONE, record->module);
	EXPECT_EQ(0, memcmp(speaker_id, identity->device_id, 16));
	EXPECT_EQ(0, memcmp(module_class[1], identity->class_id, 16));
	EXPECT_EQ(GARBAGE * 0x01010101U, identity->instance_id);
	EXPECT_EQ(0, identity->reserved);
	EXPECT_TRUE(vendor_intact(data_of(record) + 40, 60));
	portcls("op=free slot=0");
}

/* IF-9: an audio module's notification has at least 40 bytes; the vendor's part may be empty. */
TEST_F(buffers, if9_short_audio_module_data_is_dropped)
{
	static const unsigned int sizes[] = { 1, 8, 39 };
	const struct snd_audio_module_record *record;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=%u", sizes[i]));
		portcls("op=fill slot=0 instance=1");
		portcls("op=send slot=0");
		EXPECT_EQ(1, grown(self, SND_AUDIO_MODULE_COUNTER_SHORT))
			TH_LOG("%u bytes", sizes[i]);
		EXPECT_EQ(0, records_left(self));
		portcls("op=free slot=0");
	}
	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=40"));
	portcls("op=fill slot=0 instance=1");
	portcls("op=send slot=0");
	record = next_record(self);
	ASSERT_NE(NULL, record);
	EXPECT_EQ(40, record->data_size);
	EXPECT_EQ(sizeof(*record) + 40, record->size);
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_SHORT));
	portcls("op=free slot=0");
}

/*
 * IF-9, IF-10: any other id passes with the bytes as the driver wrote them, whatever their number.
 */
TEST_F(buffers, if10_other_ids_pass_untouched)
{
	static const unsigned int sizes[] = {
		1, 2, 7, 8, 9, 15, 39, 40, 41, 47, 48, 49, 104, 1001, 4096, 8191, 64039, 64040
	};
	uint8_t *expected = malloc(MAX_SIZE + 64);
	const struct snd_audio_module_record *record;
	struct snd_audio_module_module_info module;
	unsigned int i;

	ASSERT_EQ(0, module_find(self->card, speaker_id, module_class[0], 0, &module));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=%u", sizes[i]));
		portcls("op=fill slot=0 instance=%u", 1000 + i);
		portcls("op=send slot=0 id=" FOREIGN_TEXT);
		fill(expected, sizes[i], &module, 1000 + i);
		record = next_record(self);
		ASSERT_NE(NULL, record) TH_LOG("%u bytes", sizes[i]);
		EXPECT_EQ(sizes[i], record->data_size);
		EXPECT_EQ(0, memcmp(foreign_id, record->notification_id, 16));
		EXPECT_EQ(0, memcmp(expected, data_of(record), sizes[i]))
			TH_LOG("%u bytes are not as they were sent", sizes[i]);
		EXPECT_EQ(SND_AUDIO_MODULE_NONE, record->module);
		EXPECT_EQ(0, record->endpoint);
		portcls("op=free slot=0");
	}
	free(expected);
}

/* IF-12, IF-15, IF-9: no id and GUID_NULL are refused, also for what could be an audio module's. */
TEST_F(buffers, if15_null_ids_are_refused)
{
	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104"));
	portcls("op=fill slot=0 instance=1");
	portcls("op=send slot=0 id=null");
	EXPECT_EQ(1, grown(self, SND_AUDIO_MODULE_COUNTER_ID));
	portcls("op=send slot=0 id=00000000-0000-0000-0000-000000000000");
	EXPECT_EQ(1, grown(self, SND_AUDIO_MODULE_COUNTER_ID));
	EXPECT_EQ(0, records_left(self));
	portcls("op=send slot=0 id=00000000-0000-0000-0000-000000000001");
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_ID));
	EXPECT_EQ(1, records_left(self));
	portcls("op=free slot=0");
}

/* IF-12 */
TEST_F(buffers, if15_send_of_a_freed_or_null_buffer_is_dropped)
{
	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104"));
	portcls("op=free slot=0");
	portcls("op=send slot=0");
	EXPECT_EQ(1, grown(self, SND_AUDIO_MODULE_COUNTER_BUFFER));
	portcls("op=send slot=9");	/* NULL */
	EXPECT_EQ(1, grown(self, SND_AUDIO_MODULE_COUNTER_BUFFER));
	EXPECT_EQ(0, records_left(self));
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_ACCEPTED));
}

/*
 * 8.4, IF-14: paged buffers are sent in process context, the others wherever it is no hard
 * interrupt.
 */
TEST_F(buffers, if14_send_in_every_context)
{
	static const unsigned int pools[] = { PAGED, NON_PAGED, NON_PAGED_NX };
	unsigned int i, context;

	for (i = 0; i < ARRAY_SIZE(pools); i++)
		for (context = 0; context < CONTEXTS; context++) {
			bool allowed = context != HARDIRQ &&
				(pools[i] != PAGED || context == PROCESS);

			EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104 pool=%u", pools[i]));
			portcls("op=fill slot=0 instance=3");
			portcls("op=send slot=0 context=%s", contexts[context]);
			EXPECT_EQ(allowed, records_left(self))
				TH_LOG("pool type %u in context %s", pools[i], contexts[context]);
			EXPECT_EQ(!allowed, grown(self, SND_AUDIO_MODULE_COUNTER_CONTEXT))
				TH_LOG("pool type %u in context %s", pools[i], contexts[context]);
			EXPECT_STREQ("unchanged=1", answer("op=check slot=0 instance=3"));
			portcls("op=free slot=0");
		}
}

/* IF-12: what nobody is told, debugfs tells of each port by its cause. */
TEST_F(buffers, if12_drops_are_counted_for_each_port)
{
	const char *headphones;
	char path[64], text[4096];

	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=39"));
	portcls("op=send slot=0 id=null");
	portcls("op=send slot=0 id=null");
	portcls("op=send slot=0");
	snprintf(path, sizeof(path), "/sys/kernel/debug/snd-audio-module/card%d/ports",
		 self->card);
	ASSERT_EQ(0, file_read(path, text, sizeof(text)));
	headphones = strstr(text, "\nHeadphones ");
	ASSERT_NE(NULL, headphones);
	EXPECT_NE(NULL, strstr(headphones, "\tdropped: notification id: 0\n"));
	EXPECT_NE(NULL, strstr(headphones, "\tbuffers: 0\n"));
	text[headphones - text] = 0;
	EXPECT_EQ(0, strncmp(text, "Speaker ", 8));
	EXPECT_NE(NULL, strstr(text, "\tdropped: notification id: 2\n"));
	EXPECT_NE(NULL, strstr(text, "\tdropped: data too short: 1\n"));
	EXPECT_NE(NULL, strstr(text, "\tbuffers: 1\n"));
	portcls("op=free slot=0");
}

/* IF-14: with strict_irql, Send drops and Free counts outside of process context. */
TEST_F(buffers, if14_strict_irql)
{
	const char *const parameter = "/sys/module/snd_audio_module/parameters/strict_irql";
	unsigned int context;

	ASSERT_EQ(0, file_write(parameter, "1"));
	for (context = 0; context < CONTEXTS; context++) {
		bool process = context == PROCESS;
		bool live = above_dispatch_level(context);

		EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104"));
		portcls("op=fill slot=0 instance=4");
		portcls("op=send slot=0 context=%s", contexts[context]);
		EXPECT_EQ(process, records_left(self)) TH_LOG("context %s", contexts[context]);
		EXPECT_EQ(!process, grown(self, SND_AUDIO_MODULE_COUNTER_CONTEXT));
		portcls("op=free slot=0 context=%s", contexts[context]);
		EXPECT_EQ(!process, grown(self, SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT))
			TH_LOG("context %s", contexts[context]);
		EXPECT_EQ(self->machine.buffers + live, objects_get("buffers"))
			TH_LOG("context %s", contexts[context]);
		if (live)
			portcls("op=free slot=0");
	}
	ASSERT_EQ(0, file_write(parameter, "0"));
	EXPECT_STREQ(GIVEN, answer("op=alloc slot=0 size=104"));
	portcls("op=fill slot=0 instance=4");
	portcls("op=send slot=0 context=spinlock");
	EXPECT_EQ(1, records_left(self));
	portcls("op=free slot=0");
}

/* L-1, IF-9, A-3, IF-7, L-2: dozens of sizes arrive as long as they were and byte by byte. */
TEST_F(buffers, if7_sizes_arrive_byte_by_byte)
{
	static const unsigned int sizes[] = {
		40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 55, 56, 57, 63, 64, 65, 104, 127, 128, 255,
		256, 257, 511, 512, 513, 1000, 1023, 1024, 1025, 2047, 2049, 4047, 4048, 4049,
		4095, 4096, 4097, 8191, 8192, 8193, 16383, 16385, 32767, 32769, 63999, 64000,
		64001, 64033, 64039, 64040
	};
	static const char *const methods[] = { "post", "portcls", "reuse" };
	const struct snd_audio_module_record *record;
	unsigned int i, method;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (method = 0; method < ARRAY_SIZE(methods); method++) {
			ASSERT_EQ(0, inject(self->card, "send",
					    "count=1 size=%u method=%s module=2", sizes[i],
					    methods[method]));
			record = next_record(self);
			ASSERT_NE(NULL, record)
				TH_LOG("%u bytes, %s", sizes[i], methods[method]);
			EXPECT_EQ(sizes[i], record->data_size);
			EXPECT_EQ(48 + (sizes[i] + 7) / 8 * 8, record->size);
			EXPECT_TRUE(vendor_intact(data_of(record) + 40, sizes[i] - 40))
				TH_LOG("%u bytes, %s", sizes[i], methods[method]);
		}
	EXPECT_EQ(0, records_left(self));
}

/* ------------------------------------------------------------------ post */

/* 8.4, A-3 */
TEST_F(buffers, post_in_every_context)
{
	unsigned int context;

	for (context = 0; context < CONTEXTS; context++) {
		ASSERT_EQ(0, inject(self->card, "send", "count=3 size=104 method=post context=%s",
				    contexts[context]));
		EXPECT_EQ(3, records_left(self)) TH_LOG("context %s", contexts[context]);
	}
	EXPECT_EQ(0, grown(self, SND_AUDIO_MODULE_COUNTER_CONTEXT));
}

/* 4096 vendor bytes in a hard interrupt, 64000 elsewhere; more is dropped and counted. */
TEST_F(buffers, post_size_limits)
{
	static const struct {
		const char *context;
		unsigned int size;
		bool allowed;
	} table[] = {
		{ "hardirq", 40, true },
		{ "hardirq", HARDIRQ_SIZE, true },
		{ "hardirq", HARDIRQ_SIZE + 1, false },
		{ "hardirq", MAX_SIZE, false },
		{ "spinlock", HARDIRQ_SIZE + 1, true },
		{ "softirq", MAX_SIZE, true },
		{ "process", MAX_SIZE, true },
		{ "process", MAX_SIZE + 1, false },
		{ "process", 65535, false },
		{ "irqoff", MAX_SIZE, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		ASSERT_EQ(0, inject(self->card, "send", "count=1 size=%u method=post context=%s",
				    table[i].size, table[i].context));
		EXPECT_EQ(table[i].allowed, records_left(self))
			TH_LOG("%u bytes in context %s", table[i].size, table[i].context);
		EXPECT_EQ(!table[i].allowed, grown(self, SND_AUDIO_MODULE_COUNTER_LONG))
			TH_LOG("%u bytes in context %s", table[i].size, table[i].context);
	}
}

/* ------------------------------------------------------------------ memory */

static int trace_enable(const char *event)
{
	char path[256];

	snprintf(path, sizeof(path), TRACING "/events/%s/enable", event);
	return file_write(path, "1");
}

/* An instance of the tracer that sees what this process allocates. */
static int trace_begin(void)
{
	/* Kernels before 6.2 have the _node events, too; later ones do not. */
	static const char *const events[] = {
		"kmem/kmalloc", "kmem/kmem_cache_alloc", "kmem/mm_page_alloc",
	};
	char pid[16];
	size_t i;
	int err;

	if (access("/sys/kernel/tracing/instances", F_OK))
		return -ENOENT;
	rmdir(TRACING);
	if (mkdir(TRACING, 0700))
		return -errno;
	snprintf(pid, sizeof(pid), "%d", getpid());
	err = file_write(TRACING "/tracing_on", "0");
	err = err ? err : file_write(TRACING "/buffer_size_kb", "2048");
	err = err ? err : file_write(TRACING "/set_event_pid", pid);
	for (i = 0; i < ARRAY_SIZE(events) && !err; i++)
		err = trace_enable(events[i]);
	trace_enable("kmem/kmalloc_node");
	trace_enable("kmem/kmem_cache_alloc_node");
	return err;
}

/*
 * Trace one line of an open hook. Returns how many allocations it made in process context:
 * what an interrupt that came in between allocates is not ours. @gfp, when not NULL, receives
 * the flags of the allocation of about @size bytes.
 */
static int trace_line(int hook, const char *line, char *gfp, size_t gfp_size, long size)
{
	static char text[256];
	ssize_t length = strlen(line);
	int events = 0;
	bool written;
	FILE *trace;
	int on;

	close(open(TRACING "/trace", O_WRONLY | O_TRUNC));	/* empties it */
	on = open(TRACING "/tracing_on", O_WRONLY | O_CLOEXEC);
	if (on < 0)
		return -errno;
	written = write(on, "1", 1) == 1 && write(hook, line, length) == length &&
		  write(on, "0", 1) == 1;
	close(on);
	trace = fopen(TRACING "/trace", "r");
	if (!written || !trace)
		return -EIO;
	while (fgets(text, sizeof(text), trace)) {
		char *flags = strchr(text, ']');
		char *bytes = strstr(text, "bytes_req=");
		char *mask = strstr(text, "gfp_flags=");
		long requested = bytes ? atol(bytes + 10) : 0;

		/* "] d.h1. time": the third letter tells of an interrupt. */
		if (text[0] == '#' || !flags || flags[4] != '.')
			continue;
		events++;
		if (gfp && mask && requested >= size && requested < size + 128)
			snprintf(gfp, gfp_size, "%.*s", (int)strcspn(mask + 10, " \n"), mask + 10);
	}
	fclose(trace);
	return events;
}

/* The least of some attempts: what the allocator does for itself now and then is left out. */
static int trace_least(int hook, const char *line)
{
	int least = INT32_MAX;
	int attempt;

	for (attempt = 0; attempt < 5; attempt++) {
		int events = trace_line(hook, line, NULL, 0, 0);

		if (events < least)
			least = events;
	}
	return least;
}

/*
 * IF-11, IF-12: Send and post allocate nothing: what has a buffer is not lost without memory. 256
 * is the hook's chunk; between chunks it may allocate for itself.
 */
TEST_F_TIMEOUT(buffers, if12_send_allocates_nothing, 240)
{
	static const char *const contexts_of_process[] = { "process", "spinlock", "irqoff" };
	char one[128], chunk[128];
	int few, many;
	int hook;
	unsigned int i;
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/snd-audio-module-virtual/card%d/send",
		 self->card);
	hook = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, hook);
	ASSERT_EQ(0, trace_begin());

	/* The tracer sees allocations: a buffer for each notification. */
	few = trace_least(hook, "count=1 size=104 method=portcls");
	many = trace_least(hook, "count=256 size=104 method=portcls");
	TH_LOG("a buffer for each: %d allocations for 1, %d for 256", few, many);
	EXPECT_LE(few + 255, many);

	for (i = 0; i < ARRAY_SIZE(contexts_of_process); i++) {
		snprintf(one, sizeof(one), "count=1 size=104 method=reuse context=%s",
			 contexts_of_process[i]);
		snprintf(chunk, sizeof(chunk), "count=256 size=104 method=reuse context=%s",
			 contexts_of_process[i]);
		few = trace_least(hook, one);
		many = trace_least(hook, chunk);
		TH_LOG("one buffer for all, %s: %d allocations for 1, %d for 256",
		       contexts_of_process[i], few, many);
		EXPECT_LT(0, few);
		EXPECT_EQ(few, many);
	}
	few = trace_least(hook, "count=1 size=104 method=post");
	many = trace_least(hook, "count=256 size=104 method=post");
	TH_LOG("post: %d allocations for 1, %d for 256", few, many);
	EXPECT_LT(0, few);
	EXPECT_EQ(few, many);
	close(hook);
}

/* Do two texts name the same flags? Kernels print them in different orders. */
static bool same_flags(const char *a, const char *b)
{
	char flags[128];
	char *flag, *rest = NULL;

	if (strlen(a) != strlen(b))
		return false;
	snprintf(flags, sizeof(flags), "%s", a);
	for (flag = strtok_r(flags, "|", &rest); flag; flag = strtok_r(NULL, "|", &rest))
		if (!strstr(b, flag))
			return false;
	return true;
}

/* PT-1, PT-3, PT-6: the pool type alone decides the memory, the context does not. */
TEST_F(buffers, pt6_pool_type_decides_the_memory)
{
	static const struct {
		unsigned int pool;
		const char *context;
		const char *gfp;
	} table[] = {
		{ PAGED, "process", "GFP_KERNEL|__GFP_ZERO" },
		{ PAGED | COLD | ZERO, "process", "GFP_KERNEL|__GFP_ZERO" },
		{ NON_PAGED, "process", "GFP_ATOMIC|__GFP_NOWARN|__GFP_ZERO" },
		{ NON_PAGED_NX, "process", "GFP_ATOMIC|__GFP_NOWARN|__GFP_ZERO" },
		{ NON_PAGED_NX | COLD | ZERO, "process", "GFP_ATOMIC|__GFP_NOWARN|__GFP_ZERO" },
		{ NON_PAGED, "spinlock", "GFP_ATOMIC|__GFP_NOWARN|__GFP_ZERO" },
		{ NON_PAGED_NX, "spinlock", "GFP_ATOMIC|__GFP_NOWARN|__GFP_ZERO" },
		{ NON_PAGED_NX, "bh", "GFP_ATOMIC|__GFP_NOWARN|__GFP_ZERO" },
	};
	char line[128], gfp[128];
	unsigned int i;

	ASSERT_EQ(0, trace_begin());
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		snprintf(gfp, sizeof(gfp), "no allocation");
		snprintf(line, sizeof(line), "op=alloc slot=0 size=5000 pool=%u context=%s",
			 table[i].pool, table[i].context);
		ASSERT_LE(0, trace_line(self->portcls, line, gfp, sizeof(gfp), 5000));
		EXPECT_TRUE(same_flags(table[i].gfp, gfp))
			TH_LOG("pool type %u in context %s: expected %s, got %s", table[i].pool,
			       table[i].context, table[i].gfp, gfp);
		portcls("op=free slot=0");
	}
}

/* A test that says something else than it means must hear of it. */
TEST_F(buffers, hooks_refuse_lines_that_mean_nothing)
{
	static const struct {
		const char *hook;
		const char *line;
		int err;
	} table[] = {
		{ "send", "count", -EINVAL },
		{ "send", "counts=1", -EINVAL },
		{ "send", "count=", -EINVAL },
		{ "send", "count=10000001", -ERANGE },
		{ "send", "endpoint=2", -ERANGE },
		{ "send", "context=nmi", -EINVAL },
		{ "send", "method=write", -EINVAL },
		{ "send", "first=one", -EINVAL },
		{ "send", "id=one", -EINVAL },
		{ "send", "op=alloc", -EINVAL },
		{ "send", "method=post size=39", -EINVAL },
		{ "send", "method=reuse pool=2", -EINVAL },
		{ "portcls", "op=lose", -EINVAL },
		{ "portcls", "op=alloc slot=16", -ERANGE },
		{ "portcls", "op=fill slot=0", -EINVAL },
		{ "portcls", "op=check slot=0", -EINVAL },
		{ "late", "op=unregister", -ENOENT },
	};
	char line[256];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		EXPECT_EQ(table[i].err, inject(self->card, table[i].hook, "%s", table[i].line))
			TH_LOG("row %u", i);
	memset(line, ' ', sizeof(line));
	EXPECT_EQ(-1, write(self->portcls, line, sizeof(line)));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, inject(self->card, "late", "op=register instance=7 count=0"));
	EXPECT_EQ(-EEXIST, inject(self->card, "late", "op=register instance=8 count=0"));
	EXPECT_EQ(0, inject(self->card, "late", "op=unregister"));
	EXPECT_EQ(0, records_left(self));
}

TEST_HARNESS_MAIN
