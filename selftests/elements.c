// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual card's elements as an ALSA program sees them, through alsa-lib: notification
 * elements, their TLV, the doorbell, the parameters, and the peak meter on samples that are
 * really played. Only TLV of odd sizes is asked for with the ioctl itself.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <alsa/asoundlib.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"

/* SNDRV_CTL_IOCTL_TLV_*, whose header does not go together with alsa-lib's. */
struct tlv_request {
	uint32_t numid;
	uint32_t length;
	uint32_t tlv[];
};

#define TLV_READ	_IOWR('U', 0x1a, struct tlv_request)
#define TLV_WRITE	_IOWR('U', 0x1b, struct tlv_request)
#define TLV_COMMAND	_IOWR('U', 0x1c, struct tlv_request)

#define JOURNAL		"journal_size=131072"
#define HEADER_SIZE	sizeof(struct snd_audio_module_record)
#define IDENTITY_SIZE	sizeof(struct snd_audio_module_notification)
#define VALUE_LEAST	(HEADER_SIZE + IDENTITY_SIZE + 8)	/* that a notification element has */
#define VALUE_MAX	512
#define ELEMENTS_MAX	64
#define QUIET_MS	300	/* nothing comes for so long: nothing comes */
#define PATIENCE_MS	20000	/* something must come */

/* One for each endpoint and endpoint module, in the order they are made. */
static const struct {
	const char *name;
	unsigned int count;
} notification_elements[] = {
	{ "Speaker Notification", HEADER_SIZE + IDENTITY_SIZE + 40 },
	{ "Speaker System Notification", HEADER_SIZE + IDENTITY_SIZE + 8 },
	{ "Speaker EQ Movie Notification", HEADER_SIZE + IDENTITY_SIZE + 8 },
	{ "Speaker EQ Default Notification", HEADER_SIZE + IDENTITY_SIZE + 8 },
	{ "Speaker Meter Notification", HEADER_SIZE + IDENTITY_SIZE + 32 },
	{ "Headphones Notification", HEADER_SIZE + IDENTITY_SIZE + 40 },
	{ "Headphones System Notification", HEADER_SIZE + IDENTITY_SIZE + 8 },
	{ "Headphones EQ Movie Notification", HEADER_SIZE + IDENTITY_SIZE + 8 },
	{ "Headphones Echo Default Notification", HEADER_SIZE + IDENTITY_SIZE + 8 },
	{ "Headphones Meter Notification", HEADER_SIZE + IDENTITY_SIZE + 32 },
};

#define NOTIFICATION_ELEMENTS	\
	((int)(sizeof(notification_elements) / sizeof(notification_elements[0])))

/**
 * struct view - the card as a test sees it
 * @machine: as it was before
 * @card: its number
 * @ctl: alsa-lib's handle, subscribed to events
 * @control: the same control device, for ioctls
 * @records: a notification fd, non-blocking, from the start on
 */
struct view {
	struct machine machine;
	int card;
	snd_ctl_t *ctl;
	int control;
	int records;
};

static uint8_t record_buffer[256 * 1024] __attribute__((aligned(8)));
static uint32_t tlv_buffer[(2 + 128 * 1024) / 4];

/* ------------------------------------------------------------------ the card */

static int view_open(struct view *view, const char *parameters)
{
	char name[32];
	int err;

	err = machine_begin(&view->machine, parameters);
	if (err)
		return err;
	view->card = card_find();
	snprintf(name, sizeof(name), "hw:%d", view->card);
	err = snd_ctl_open(&view->ctl, name, SND_CTL_NONBLOCK);
	if (err)
		return err;
	err = snd_ctl_subscribe_events(view->ctl, 1);
	if (err)
		return err;
	snprintf(name, sizeof(name), "/dev/snd/controlC%d", view->card);
	view->control = open(name, O_RDWR | O_CLOEXEC);
	view->records = subscribe_newest(view->card);
	if (view->control < 0 || view->records < 0)
		return -ENODEV;
	return fcntl(view->records, F_SETFL, O_NONBLOCK);
}

static int view_close(struct view *view)
{
	if (view->ctl)
		snd_ctl_close(view->ctl);
	close(view->control);
	close(view->records);
	return machine_end(&view->machine);
}

/* The same card with other parameters of the core. */
static int view_reopen(struct view *view, const char *parameters)
{
	int err = view_close(view);

	return err ? err : view_open(view, parameters);
}

/**
 * struct card_list - what LIST says
 * @endpoint: endpoints
 * @module: their modules
 * @endpoints: how many
 * @modules: how many
 */
struct card_list {
	struct snd_audio_module_endpoint_info endpoint[8];
	struct snd_audio_module_module_info module[32];
	int endpoints;
	int modules;
};

static int card_list(struct view *view, struct card_list *list)
{
	static uint8_t buffer[64 * 1024];
	struct snd_audio_module_list request = {
		.buffer = (uintptr_t)buffer,
		.size = sizeof(buffer),
	};
	int fd = hwdep_open(view->card);
	int err = ioctl(fd, SND_AUDIO_MODULE_IOCTL_LIST, &request);

	close(fd);
	if (err || request.endpoints > 8 || request.modules > 32)
		return -EIO;
	list->endpoints = request.endpoints;
	list->modules = request.modules;
	memcpy(list->endpoint, buffer, request.endpoints * sizeof(list->endpoint[0]));
	memcpy(list->module, buffer + request.endpoints * sizeof(list->endpoint[0]),
	       request.modules * sizeof(list->module[0]));
	return 0;
}

/* The module whose element this is, or NULL. */
static const struct snd_audio_module_module_info *list_module(const struct card_list *list,
							      unsigned int numid)
{
	int i;

	for (i = 0; i < list->modules; i++)
		if (list->module[i].element_numid == numid)
			return &list->module[i];
	return NULL;
}

/* ------------------------------------------------------------------ elements */

/* Number of an element, 0 when there is none of this name. */
static unsigned int numid_of(struct view *view, const char *name)
{
	static const snd_ctl_elem_iface_t ifaces[] = {
		SND_CTL_ELEM_IFACE_CARD, SND_CTL_ELEM_IFACE_MIXER
	};
	snd_ctl_elem_info_t *info;
	size_t i;

	snd_ctl_elem_info_alloca(&info);
	for (i = 0; i < 2; i++) {
		memset(info, 0, snd_ctl_elem_info_sizeof());
		snd_ctl_elem_info_set_interface(info, ifaces[i]);
		snd_ctl_elem_info_set_name(info, name);
		if (!snd_ctl_elem_info(view->ctl, info))
			return snd_ctl_elem_info_get_numid(info);
	}
	return 0;
}

static int info_of(struct view *view, unsigned int numid, snd_ctl_elem_info_t *info)
{
	memset(info, 0, snd_ctl_elem_info_sizeof());
	snd_ctl_elem_info_set_numid(info, numid);
	return snd_ctl_elem_info(view->ctl, info);
}

/* All numbers that the card lists; how many. */
static int numids_of(struct view *view, unsigned int *numids)
{
	snd_ctl_elem_list_t *list;
	int i, count = 0;

	snd_ctl_elem_list_alloca(&list);
	if (snd_ctl_elem_list_alloc_space(list, ELEMENTS_MAX))
		return -ENOMEM;
	if (!snd_ctl_elem_list(view->ctl, list)) {
		count = snd_ctl_elem_list_get_used(list);
		for (i = 0; i < count; i++)
			numids[i] = snd_ctl_elem_list_get_numid(list, i);
		if (snd_ctl_elem_list_get_count(list) != count)
			count = -EIO;
	}
	snd_ctl_elem_list_free_space(list);
	return count;
}

/* The 512 bytes of a BYTES element's value. What was there before is to be written over. */
static int bytes_read(struct view *view, unsigned int numid, uint8_t *bytes)
{
	uint8_t garbage[VALUE_LEAST];
	snd_ctl_elem_value_t *value;
	int err;

	memset(garbage, 0x5a, sizeof(garbage));
	snd_ctl_elem_value_alloca(&value);
	snd_ctl_elem_value_set_numid(value, numid);
	snd_ctl_elem_set_bytes(value, garbage, sizeof(garbage));
	err = snd_ctl_elem_read(view->ctl, value);
	memcpy(bytes, snd_ctl_elem_value_get_bytes(value), VALUE_MAX);
	return err;
}

static int bytes_write(struct view *view, unsigned int numid, uint32_t word)
{
	snd_ctl_elem_value_t *value;

	snd_ctl_elem_value_alloca(&value);
	snd_ctl_elem_value_set_numid(value, numid);
	snd_ctl_elem_set_bytes(value, &word, sizeof(word));
	return snd_ctl_elem_write(view->ctl, value);
}

static int item_write(struct view *view, unsigned int numid, unsigned int item)
{
	snd_ctl_elem_value_t *value;

	snd_ctl_elem_value_alloca(&value);
	snd_ctl_elem_value_set_numid(value, numid);
	snd_ctl_elem_value_set_enumerated(value, 0, item);
	return snd_ctl_elem_write(view->ctl, value);
}

static int integer_write(struct view *view, unsigned int numid, long number)
{
	snd_ctl_elem_value_t *value;

	snd_ctl_elem_value_alloca(&value);
	snd_ctl_elem_value_set_numid(value, numid);
	snd_ctl_elem_value_set_integer(value, 0, number);
	return snd_ctl_elem_write(view->ctl, value);
}

static long integer_read(struct view *view, unsigned int numid)
{
	snd_ctl_elem_value_t *value;
	int err;

	snd_ctl_elem_value_alloca(&value);
	snd_ctl_elem_value_set_numid(value, numid);
	err = snd_ctl_elem_read(view->ctl, value);
	return err ? err : snd_ctl_elem_value_get_integer(value, 0);
}

/* The first 4 bytes of a value: an item's number, or a 32-bit parameter. */
static uint32_t word_read(struct view *view, unsigned int numid)
{
	uint8_t bytes[VALUE_MAX];
	uint32_t word = 0x5a5a5a5a;

	if (!bytes_read(view, numid, bytes))
		memcpy(&word, bytes, sizeof(word));
	return word;
}

/* Sequence of the record that an element shows. */
static uint64_t sequence_shown(struct view *view, unsigned int numid)
{
	uint8_t bytes[VALUE_MAX] = { 0 };
	struct snd_audio_module_record record;

	bytes_read(view, numid, bytes);
	memcpy(&record, bytes, sizeof(record));
	return record.sequence;
}

/* ------------------------------------------------------------------ events and records */

/**
 * struct event - a control event
 * @numid: whose
 * @mask: what changed
 */
struct event {
	unsigned int numid;
	unsigned int mask;
};

/* The next event within @timeout_ms: 1, or 0: none came. */
static int event_next(struct view *view, int timeout_ms, struct event *event)
{
	snd_ctl_event_t *read;
	struct pollfd pollfd;

	snd_ctl_event_alloca(&read);
	snd_ctl_poll_descriptors(view->ctl, &pollfd, 1);
	if (poll(&pollfd, 1, timeout_ms) != 1 || snd_ctl_read(view->ctl, read) != 1)
		return 0;
	event->numid = snd_ctl_event_elem_get_numid(read);
	event->mask = snd_ctl_event_elem_get_mask(read);
	return 1;
}

/* How many events of @numid come until it is quiet; others are counted in @others. */
static int events_count(struct view *view, unsigned int numid, unsigned int mask, int *others)
{
	struct event event;
	int count = 0;

	*others = 0;
	while (event_next(view, QUIET_MS, &event)) {
		if (event.numid == numid && event.mask == mask)
			count++;
		else
			(*others)++;
	}
	return count;
}

static const struct snd_audio_module_record *record_at(size_t offset)
{
	return (const void *)(record_buffer + offset);
}

static const uint8_t *record_data(const struct snd_audio_module_record *record)
{
	return (const uint8_t *)(record + 1);
}

static const uint8_t *record_vendor(const struct snd_audio_module_record *record)
{
	return record_data(record) + IDENTITY_SIZE;
}

/* Read what is there into record_buffer: how many notifications; @last is the last of them. */
static int records_read(struct view *view, const struct snd_audio_module_record **last)
{
	ssize_t size = read(view->records, record_buffer, sizeof(record_buffer));
	ssize_t offset = 0;
	int count = 0;

	*last = NULL;
	while (offset < size) {
		const struct snd_audio_module_record *record = record_at(offset);

		offset += record->size;
		/* A stream that is opened changes the list, too. */
		if (record->type != SND_AUDIO_MODULE_RECORD_NOTIFICATION)
			continue;
		*last = record;
		count++;
	}
	return count;
}

/* Is @bytes the record cut to @count bytes, zeroes behind its end? */
static bool is_cut(const uint8_t *bytes, unsigned int count,
		   const struct snd_audio_module_record *record)
{
	size_t whole = HEADER_SIZE + record->data_size;
	uint8_t expected[VALUE_MAX] = { 0 };

	memcpy(expected, record, whole < count ? whole : count);
	return !memcmp(bytes, expected, count);
}

/* ------------------------------------------------------------------ TLV */

/**
 * struct parsed - a notification element's TLV, taken apart
 * @whole: bytes of it
 * @descriptor: what the element belongs to
 * @name: the long name
 * @record: the newest record, or NULL
 * @record_size: its bytes
 */
struct parsed {
	size_t whole;
	const struct snd_audio_module_tlv_descriptor *descriptor;
	const char *name;
	const struct snd_audio_module_record *record;
	size_t record_size;
};

/* Take one TLV of a container: its words; -EINVAL when it breaks a rule. */
static int parse_item(const uint32_t *item, struct parsed *parsed)
{
	const void *data = item + 2;

	switch (item[0]) {
	case SND_AUDIO_MODULE_TLV_DESCRIPTOR:
		if (parsed->descriptor || item[1] <= sizeof(*parsed->descriptor))
			return -EINVAL;
		parsed->descriptor = data;
		parsed->name = data + sizeof(*parsed->descriptor);
		if (strnlen(parsed->name, item[1] - sizeof(*parsed->descriptor)) ==
		    item[1] - sizeof(*parsed->descriptor))
			return -EINVAL;
		break;
	case SND_AUDIO_MODULE_TLV_RECORD:
		if (parsed->record || item[1] < HEADER_SIZE)
			return -EINVAL;
		parsed->record = data;
		parsed->record_size = item[1];
		break;
	default:
		return -EINVAL;
	}
	return item[1] % 4 ? -EINVAL : 2 + item[1] / 4;
}

static int tlv_parse(const uint32_t *tlv, size_t size, struct parsed *parsed)
{
	size_t at, words;

	memset(parsed, 0, sizeof(*parsed));
	if (tlv[0] != SND_CTL_TLVT_CONTAINER || tlv[1] % 4 || tlv[1] + 8 > size)
		return -EINVAL;
	parsed->whole = tlv[1] + 8;
	words = parsed->whole / 4;
	for (at = 2; at < words;) {
		int used = parse_item(tlv + at, parsed);

		if (used < 0 || at + used > words)
			return -EINVAL;
		at += used;
	}
	return parsed->descriptor ? 0 : -EINVAL;
}

/* Ask for TLV with this many bytes of @fill offered; the answer is at request->tlv. */
static int tlv_ask(struct view *view, unsigned int numid, size_t length, uint8_t fill,
		   struct tlv_request **request)
{
	*request = (void *)tlv_buffer;
	memset(tlv_buffer, fill, sizeof(tlv_buffer));
	(*request)->numid = numid;
	(*request)->length = length;
	return ioctl(view->control, TLV_READ, *request) < 0 ? -errno : 0;
}

static int tlv_get(struct view *view, unsigned int numid, size_t length, struct parsed *parsed)
{
	struct tlv_request *request;
	int err = tlv_ask(view, numid, length, 0xa5, &request);

	return err ? err : tlv_parse(request->tlv, length, parsed);
}

/* ------------------------------------------------------------------ sending */

/* Which of the hook's modules sends, and whose element shows it. */
static const struct {
	const char *words;
	const char *element;
} senders[] = {
	{ "endpoint=0 module=0", "Speaker System Notification" },
	{ "endpoint=0 module=1", "Speaker EQ Movie Notification" },
	{ "endpoint=0 module=2", "Speaker EQ Default Notification" },
	{ "endpoint=1 module=0", "Headphones System Notification" },
	{ "endpoint=1 module=1", "Headphones EQ Movie Notification" },
	{ "endpoint=1 module=2", "Headphones Echo Default Notification" },
};

#define SENDERS		((int)(sizeof(senders) / sizeof(senders[0])))

/* A process that sends: its id. */
static pid_t send_in_background(struct view *view, const char *words)
{
	pid_t pid = fork();

	if (!pid)
		_exit(inject(view->card, "send", "%s", words) ? 1 : 0);
	return pid;
}

static bool still_runs(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == 0;
}

/* ------------------------------------------------------------------ the elements themselves */

FIXTURE(elements) {
	struct view view;
};

FIXTURE_SETUP(elements)
{
	ASSERT_EQ(0, view_open(&self->view, JOURNAL));
}

FIXTURE_TEARDOWN(elements)
{
	EXPECT_EQ(0, view_close(&self->view));
}

/* ALSA-2 */
TEST_F(elements, each_endpoint_and_module_has_one_that_can_only_be_read)
{
	snd_ctl_elem_info_t *info;
	int i;

	snd_ctl_elem_info_alloca(&info);
	for (i = 0; i < NOTIFICATION_ELEMENTS; i++) {
		TH_LOG("%s", notification_elements[i].name);
		ASSERT_EQ(0, info_of(&self->view,
				     numid_of(&self->view, notification_elements[i].name), info));
		EXPECT_EQ(SND_CTL_ELEM_IFACE_CARD, snd_ctl_elem_info_get_interface(info));
		EXPECT_EQ(SND_CTL_ELEM_TYPE_BYTES, snd_ctl_elem_info_get_type(info));
		EXPECT_EQ(notification_elements[i].count, snd_ctl_elem_info_get_count(info));
		EXPECT_EQ(1, snd_ctl_elem_info_is_readable(info));
		EXPECT_EQ(1, snd_ctl_elem_info_is_volatile(info));
		EXPECT_EQ(1, snd_ctl_elem_info_is_tlv_readable(info));
		EXPECT_EQ(0, snd_ctl_elem_info_is_writable(info));
		EXPECT_EQ(0, snd_ctl_elem_info_is_tlv_writable(info));
		EXPECT_EQ(0, snd_ctl_elem_info_is_tlv_commandable(info));
		EXPECT_EQ(0, snd_ctl_elem_info_is_inactive(info));
	}
}

/* MOD-5 */
TEST_F(elements, no_other_is_on_the_card_interface)
{
	unsigned int numids[ELEMENTS_MAX];
	int count = numids_of(&self->view, numids);
	snd_ctl_elem_info_t *info;
	int i, card_elements = 0;

	snd_ctl_elem_info_alloca(&info);
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, info_of(&self->view, numids[i], info));
		card_elements += snd_ctl_elem_info_get_interface(info) == SND_CTL_ELEM_IFACE_CARD;
	}
	EXPECT_EQ(NOTIFICATION_ELEMENTS, card_elements);
}

TEST_F(elements, numids_have_no_holes)
{
	unsigned int numids[ELEMENTS_MAX];
	bool seen[ELEMENTS_MAX + 1] = { false };
	int count = numids_of(&self->view, numids);
	int i;

	ASSERT_GT(count, NOTIFICATION_ELEMENTS);
	for (i = 0; i < count; i++) {
		ASSERT_GE(count, numids[i]);
		ASSERT_LE(1, numids[i]);
		EXPECT_EQ(false, seen[numids[i]]);
		seen[numids[i]] = true;
	}
}

TEST_F(elements, list_tells_their_numids)
{
	struct card_list list;
	char name[128];
	int i;

	ASSERT_EQ(0, card_list(&self->view, &list));
	ASSERT_EQ(NOTIFICATION_ELEMENTS, list.endpoints + list.modules);
	for (i = 0; i < list.endpoints; i++) {
		snprintf(name, sizeof(name), "%s Notification", list.endpoint[i].name);
		EXPECT_NE(0, list.endpoint[i].element_numid);
		EXPECT_EQ(numid_of(&self->view, name), list.endpoint[i].element_numid);
	}
	for (i = 0; i < list.modules; i++) {
		snprintf(name, sizeof(name), "%s %s Notification",
			 list.endpoint[list.module[i].endpoint].name, list.module[i].label);
		EXPECT_NE(0, list.module[i].element_numid);
		EXPECT_EQ(numid_of(&self->view, name), list.module[i].element_numid);
	}
}

TEST_F(elements, are_all_zero_before_the_first_notification)
{
	static const uint8_t zero[VALUE_MAX];
	uint8_t bytes[VALUE_MAX];
	struct parsed parsed;
	int i;

	for (i = 0; i < NOTIFICATION_ELEMENTS; i++) {
		unsigned int numid = numid_of(&self->view, notification_elements[i].name);

		ASSERT_EQ(0, bytes_read(&self->view, numid, bytes));
		EXPECT_EQ(0, memcmp(bytes, zero, VALUE_MAX));
		ASSERT_EQ(0, tlv_get(&self->view, numid, 65536, &parsed));
		EXPECT_EQ(NULL, parsed.record);
	}
}

TEST_F(elements, show_the_newest_record_cut_to_their_size)
{
	const struct snd_audio_module_record *record;
	uint8_t bytes[VALUE_MAX];
	int i;

	for (i = 0; i < SENDERS; i++) {
		unsigned int numid = numid_of(&self->view, senders[i].element);
		static const int sizes[] = { 40, 48, 48 + 200, 4000, 44, 40 };
		size_t j;

		for (j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			ASSERT_EQ(0, inject(self->view.card, "send", "%s size=%d count=3",
					    senders[i].words, sizes[j]));
			ASSERT_EQ(3, records_read(&self->view, &record));
			ASSERT_EQ(sizes[j], record->data_size);
			ASSERT_EQ(0, bytes_read(&self->view, numid, bytes));
			EXPECT_EQ(true, is_cut(bytes, HEADER_SIZE + IDENTITY_SIZE + 8, record)) {
				TH_LOG("%s, %d bytes", senders[i].element, sizes[j]);
			}
		}
	}
}

TEST_F(elements, of_endpoints_show_what_belongs_to_no_module)
{
	unsigned int numid = numid_of(&self->view, "Headphones Notification");
	const struct snd_audio_module_record *record;
	uint8_t bytes[VALUE_MAX];

	ASSERT_EQ(0, inject(self->view.card, "send",
			    "endpoint=1 method=portcls size=100 id=7d1f0c7e-2b4a-4a39-9f5e-0c8a4b6d1234"));
	ASSERT_EQ(1, records_read(&self->view, &record));
	EXPECT_EQ(SND_AUDIO_MODULE_NONE, record->module);
	ASSERT_EQ(0, bytes_read(&self->view, numid, bytes));
	EXPECT_EQ(true, is_cut(bytes, HEADER_SIZE + IDENTITY_SIZE + 40, record));
	EXPECT_EQ(0, sequence_shown(&self->view,
				    numid_of(&self->view, "Headphones System Notification")));
	EXPECT_EQ(0, sequence_shown(&self->view, numid_of(&self->view, "Speaker Notification")));
}

TEST_F(elements, keep_their_value_when_another_module_floods)
{
	unsigned int numid = numid_of(&self->view, "Speaker System Notification");
	uint8_t before[VALUE_MAX], after[VALUE_MAX];
	const struct snd_audio_module_record *record;
	struct snd_audio_module_info info;

	/* The one that floods was first to send, too. */
	ASSERT_EQ(0, inject(self->view.card, "send", "endpoint=1 module=1 size=1000"));
	ASSERT_EQ(1, records_read(&self->view, &record));
	ASSERT_EQ(0, inject(self->view.card, "send", "endpoint=0 module=0 size=48"));
	ASSERT_EQ(1, records_read(&self->view, &record));
	ASSERT_EQ(0, bytes_read(&self->view, numid, before));
	ASSERT_EQ(true, is_cut(before, HEADER_SIZE + IDENTITY_SIZE + 8, record));

	ASSERT_EQ(0, inject(self->view.card, "send", "endpoint=1 module=1 size=1000 count=5000"));
	ASSERT_EQ(0, info_get(self->view.card, &info));
	ASSERT_GT(info.oldest_sequence, 1);
	ASSERT_EQ(0, bytes_read(&self->view, numid, after));
	EXPECT_EQ(0, memcmp(before, after, VALUE_MAX));
	EXPECT_EQ(info.newest_sequence,
		  sequence_shown(&self->view,
				 numid_of(&self->view, "Headphones EQ Movie Notification")));
}

/* What is kept of a record is kept in place of an earlier one, which was longer. */
TEST_F(elements, keep_nothing_of_a_longer_value_behind_a_shorter_one)
{
	unsigned int numid = numid_of(&self->view, "Speaker System Notification");
	static const int sizes[] = { 200, 40 };
	struct snd_audio_module_info info;
	uint8_t before[VALUE_MAX], after[VALUE_MAX];
	char line[64];

	for (int i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "endpoint=0 module=0 size=%d", sizes[i]);
		ASSERT_EQ(0, inject(self->view.card, "send", line));
		ASSERT_EQ(0, info_get(self->view.card, &info));
		ASSERT_EQ(info.newest_sequence, sequence_shown(&self->view, numid));
		ASSERT_EQ(0, bytes_read(&self->view, numid, before));
		ASSERT_EQ(0, inject(self->view.card, "send",
				    "endpoint=1 module=1 size=1000 count=5000"));
		ASSERT_EQ(0, bytes_read(&self->view, numid, after));
		EXPECT_EQ(0, memcmp(before, after, VALUE_MAX)) {
			TH_LOG("a value of %d bytes is not kept as it was", sizes[i]);
		}
	}
}

/* The hook numbers what it sends as the journal does, while nobody else sends. */
TEST_F(elements, are_never_read_half_written)
{
	unsigned int numid = numid_of(&self->view, "Speaker EQ Movie Notification");
	uint64_t end = milliseconds() + PATIENCE_MS;
	struct snd_audio_module_record record;
	uint64_t number, last = 0;
	uint8_t bytes[VALUE_MAX];
	int reads = 0, changes = 0, torn = 0;
	int status = -1;
	pid_t pid;

	/* Who gets no time while it floods has read nothing that matters: once more. */
	do {
		pid = send_in_background(&self->view, "module=1 size=48 count=400000");
		while (still_runs(pid, &status)) {
			ASSERT_EQ(0, bytes_read(&self->view, numid, bytes));
			memcpy(&record, bytes, sizeof(record));
			memcpy(&number, bytes + HEADER_SIZE + IDENTITY_SIZE, sizeof(number));
			torn += record.sequence != number;
			changes += record.sequence != last;
			EXPECT_GE(record.sequence, last);
			last = record.sequence;
			reads++;
		}
		EXPECT_EQ(0, status);
	} while (changes <= 10 && milliseconds() < end);
	TH_LOG("%d reads, %d different values", reads, changes);
	EXPECT_LT(10, changes);
	EXPECT_EQ(0, torn);
}

TEST_F(elements, show_the_newest_of_two_that_send_at_once)
{
	unsigned int numid = numid_of(&self->view, "Headphones System Notification");
	struct snd_audio_module_info info;
	int round;

	/* A journal in which a sender that is held up is in nobody's way. */
	ASSERT_EQ(0, view_reopen(&self->view, "journal_size=1048576"));
	for (round = 0; round < 10; round++) {
		pid_t first = send_in_background(&self->view, "endpoint=1 count=3000");
		pid_t second = send_in_background(&self->view, "endpoint=1 count=3000");
		int status;

		ASSERT_EQ(first, waitpid(first, &status, 0));
		ASSERT_EQ(0, status);
		ASSERT_EQ(second, waitpid(second, &status, 0));
		ASSERT_EQ(0, status);
		ASSERT_EQ(0, info_get(self->view.card, &info));
		EXPECT_EQ((round + 1) * 6000, info.newest_sequence);
		EXPECT_EQ(info.newest_sequence, sequence_shown(&self->view, numid));
	}
}

/* MOD-5 */
TEST_F(elements, stay_as_they_are_when_modules_come_and_go)
{
	unsigned int before[ELEMENTS_MAX], after[ELEMENTS_MAX];
	unsigned int numid = numid_of(&self->view, "Speaker Notification");
	int count = numids_of(&self->view, before);
	const struct snd_audio_module_record *record;
	uint8_t bytes[VALUE_MAX];
	struct card_list list;
	struct event event;

	ASSERT_EQ(0, inject(self->view.card, "late", "op=register instance=7"));
	ASSERT_LT(0, records_read(&self->view, &record));
	ASSERT_EQ(0, card_list(&self->view, &list));
	EXPECT_EQ(NOTIFICATION_ELEMENTS + 1, list.endpoints + list.modules);
	EXPECT_EQ(0, bytes_read(&self->view, numid, bytes));
	EXPECT_EQ(SND_AUDIO_MODULE_RECORD_NOTIFICATION, record->type);
	EXPECT_EQ(true, is_cut(bytes, HEADER_SIZE + IDENTITY_SIZE + 40, record));
	ASSERT_EQ(0, inject(self->view.card, "late", "op=unregister"));

	EXPECT_EQ(count, numids_of(&self->view, after));
	EXPECT_EQ(0, memcmp(before, after, count * sizeof(before[0])));
	EXPECT_EQ(0, bytes_read(&self->view, numid, bytes));
	while (event_next(&self->view, QUIET_MS, &event)) {
		EXPECT_EQ(numid, event.numid);
		EXPECT_EQ(SND_CTL_EVENT_MASK_VALUE, event.mask);
	}
}

/* ALSA-3: who looks at every element, as alsactl and amixer do, takes nothing from the readers. */
TEST_F(elements, alsa3_reading_all_takes_nothing_from_readers)
{
	unsigned int numids[ELEMENTS_MAX];
	int count = numids_of(&self->view, numids);
	const struct snd_audio_module_record *record;
	uint8_t first[ELEMENTS_MAX][VALUE_MAX], again[VALUE_MAX];
	struct parsed parsed;
	int i, round;

	for (i = 0; i < SENDERS; i++)
		ASSERT_EQ(0, inject(self->view.card, "send", "%s count=5", senders[i].words));
	for (round = 0; round < 3; round++) {
		for (i = 0; i < count; i++) {
			ASSERT_EQ(0, bytes_read(&self->view, numids[i], round ? again : first[i]));
			EXPECT_EQ(0, round ? memcmp(again, first[i], VALUE_MAX) : 0);
		}
		for (i = 0; i < NOTIFICATION_ELEMENTS; i++) {
			unsigned int numid = numid_of(&self->view, notification_elements[i].name);

			EXPECT_EQ(0, tlv_get(&self->view, numid, 4096, &parsed));
		}
	}
	EXPECT_EQ(5 * SENDERS, records_read(&self->view, &record));
	EXPECT_EQ(5 * SENDERS, record->sequence);
}

/* ------------------------------------------------------------------ TLV */

/* NID-1 */
TEST_F(elements, tlv_describes_what_they_belong_to)
{
	struct card_list list;
	struct parsed parsed;
	int i;

	ASSERT_EQ(0, card_list(&self->view, &list));
	for (i = 0; i < list.modules; i++) {
		const struct snd_audio_module_module_info *module = &list.module[i];
		const struct snd_audio_module_endpoint_info *endpoint =
			&list.endpoint[module->endpoint];

		ASSERT_EQ(0, tlv_get(&self->view, module->element_numid, 4096, &parsed));
		EXPECT_EQ(0, memcmp(parsed.descriptor->device_id, endpoint->device_id, 16));
		EXPECT_EQ(0, memcmp(parsed.descriptor->class_id, module->class_id, 16));
		EXPECT_EQ(module->instance_id, parsed.descriptor->instance_id);
		EXPECT_EQ(module->version_major, parsed.descriptor->version_major);
		EXPECT_EQ(module->version_minor, parsed.descriptor->version_minor);
		EXPECT_EQ(module->endpoint, parsed.descriptor->endpoint);
		EXPECT_EQ(module->index, parsed.descriptor->module);
		EXPECT_EQ(endpoint->playback_devices, parsed.descriptor->playback_devices);
		EXPECT_EQ(endpoint->capture_devices, parsed.descriptor->capture_devices);
		EXPECT_STREQ(module->label, parsed.descriptor->label);
		EXPECT_STREQ(module->name, parsed.name);
	}
	EXPECT_EQ(1, list.endpoint[0].playback_devices);
	EXPECT_EQ(2, list.endpoint[1].playback_devices);
}

/* NID-1 */
TEST_F(elements, tlv_of_endpoints_has_no_class)
{
	static const uint8_t zero[16];
	struct card_list list;
	struct parsed parsed;
	int i;

	ASSERT_EQ(0, card_list(&self->view, &list));
	for (i = 0; i < list.endpoints; i++) {
		ASSERT_EQ(0, tlv_get(&self->view, list.endpoint[i].element_numid, 4096, &parsed));
		EXPECT_EQ(0, memcmp(parsed.descriptor->device_id, list.endpoint[i].device_id, 16));
		EXPECT_EQ(0, memcmp(parsed.descriptor->class_id, zero, 16));
		EXPECT_EQ(SND_AUDIO_MODULE_NONE, parsed.descriptor->module);
		EXPECT_EQ(list.endpoint[i].index, parsed.descriptor->endpoint);
		EXPECT_STREQ(list.endpoint[i].name, parsed.descriptor->label);
		EXPECT_STREQ(list.endpoint[i].name, parsed.name);
	}
}

TEST_F(elements, tlv_has_the_whole_newest_record)
{
	static const int sizes[] = { 40, 48, 500, 4001, 64039, 64040 };
	unsigned int numid = numid_of(&self->view, "Speaker EQ Default Notification");
	const struct snd_audio_module_record *record;
	struct parsed parsed;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ASSERT_EQ(0, inject(self->view.card, "send", "module=2 size=%d", sizes[i]));
		ASSERT_EQ(1, records_read(&self->view, &record));
		ASSERT_EQ(0, tlv_get(&self->view, numid, 128 * 1024, &parsed));
		ASSERT_NE(NULL, parsed.record);
		ASSERT_EQ(record->size, parsed.record_size);
		EXPECT_EQ(0, memcmp(record, parsed.record, record->size));
	}
}

TEST_F(elements, tlv_through_alsa_lib_is_the_same)
{
	unsigned int numid = numid_of(&self->view, "Speaker System Notification");
	static unsigned int through_library[1024];
	struct tlv_request *request;
	struct parsed parsed;
	snd_ctl_elem_id_t *id;

	snd_ctl_elem_id_alloca(&id);
	snd_ctl_elem_id_set_numid(id, numid);
	ASSERT_EQ(0, inject(self->view.card, "send", "size=300"));
	memset(through_library, 0x77, sizeof(through_library));
	ASSERT_EQ(0, snd_ctl_elem_tlv_read(self->view.ctl, id, through_library,
					   sizeof(through_library)));
	ASSERT_EQ(0, tlv_parse(through_library, sizeof(through_library), &parsed));
	ASSERT_NE(NULL, parsed.record);
	ASSERT_EQ(0, tlv_ask(&self->view, numid, sizeof(through_library), 0, &request));
	EXPECT_EQ(0, memcmp(request->tlv, through_library, parsed.whole));
}

/* Sizes up to what is there, each byte around the two limits. */
TEST_F(elements, tlv_answers_each_buffer_size)
{
	unsigned int numid = numid_of(&self->view, "Headphones System Notification");
	struct parsed parsed;
	size_t fixed, whole, size;

	ASSERT_EQ(0, tlv_get(&self->view, numid, 65536, &parsed));
	fixed = parsed.whole;
	ASSERT_EQ(0, inject(self->view.card, "send", "endpoint=1 size=100"));
	ASSERT_EQ(0, tlv_get(&self->view, numid, 65536, &parsed));
	whole = parsed.whole;
	ASSERT_EQ(fixed + 8 + HEADER_SIZE + 104, whole);

	for (size = 0; size < whole + 8; size++) {
		int err = tlv_get(&self->view, numid, size, &parsed);

		/* ALSA itself refuses less than a container's two words. */
		EXPECT_EQ(size < 8 ? -EINVAL : size < fixed ? -ENOSPC : 0, err) {
			TH_LOG("size %zu", size);
		}
		if (err)
			continue;
		EXPECT_EQ(size < whole ? fixed : whole, parsed.whole);
		EXPECT_EQ(size >= whole, parsed.record != NULL);
	}
}

TEST_F(elements, tlv_offered_4_gigabytes_writes_what_there_is)
{
	unsigned int numid = numid_of(&self->view, "Headphones System Notification");
	struct tlv_request *request;
	struct parsed parsed;

	ASSERT_EQ(0, inject(self->view.card, "send", "endpoint=1 size=64040"));
	ASSERT_EQ(0, tlv_ask(&self->view, numid, UINT32_MAX, 0xa5, &request));
	ASSERT_EQ(0, tlv_parse(request->tlv, 128 * 1024, &parsed));
	ASSERT_NE(NULL, parsed.record);
	EXPECT_EQ(64040, parsed.record->data_size);
}

TEST_F(elements, tlv_depends_on_nothing_in_the_callers_buffer)
{
	static const uint8_t fills[] = { 0x00, 0xff, 0x01, 0x80, 0xa5 };
	static uint8_t first[4096];
	struct tlv_request *request;
	struct parsed parsed;
	size_t i, j, behind;
	int k;

	for (k = 0; k < SENDERS; k++)
		ASSERT_EQ(0, inject(self->view.card, "send", "%s size=200", senders[k].words));
	for (k = 0; k < NOTIFICATION_ELEMENTS; k++) {
		unsigned int numid = numid_of(&self->view, notification_elements[k].name);

		for (i = 0; i < sizeof(fills); i++) {
			ASSERT_EQ(0, tlv_ask(&self->view, numid, 4096, fills[i], &request));
			ASSERT_EQ(0, tlv_parse(request->tlv, 4096, &parsed));
			if (!i)
				memcpy(first, request->tlv, parsed.whole);
			EXPECT_EQ(0, memcmp(first, request->tlv, parsed.whole));
			behind = 0;
			for (j = parsed.whole; j < 4096 + 64; j++)
				behind += ((uint8_t *)request->tlv)[j] != fills[i];
			EXPECT_EQ(0, behind);
		}
	}
}

TEST_F(elements, tlv_into_memory_that_is_not_there_fails)
{
	unsigned int numid = numid_of(&self->view, "Speaker Notification");
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct tlv_request *request = (void *)(pages + page - sizeof(*request));

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, mprotect(pages + page, page, PROT_NONE));
	request->numid = numid;
	request->length = 2048;
	EXPECT_EQ(-1, ioctl(self->view.control, TLV_READ, request));
	EXPECT_EQ(EFAULT, errno);
	munmap(pages, 2 * page);
}

TEST_F(elements, tlv_cannot_be_written_or_commanded)
{
	struct tlv_request *request = (void *)tlv_buffer;
	int i;

	for (i = 0; i < NOTIFICATION_ELEMENTS; i++) {
		memset(tlv_buffer, 0, 64);
		request->numid = numid_of(&self->view, notification_elements[i].name);
		request->length = 16;
		EXPECT_EQ(-1, ioctl(self->view.control, TLV_WRITE, request));
		EXPECT_EQ(ENXIO, errno);
		EXPECT_EQ(-1, ioctl(self->view.control, TLV_COMMAND, request));
		EXPECT_EQ(ENXIO, errno);
	}
}

TEST_F(elements, tlv_drops_a_record_that_the_journal_has_no_more)
{
	unsigned int quiet = numid_of(&self->view, "Speaker System Notification");
	unsigned int loud = numid_of(&self->view, "Speaker EQ Movie Notification");
	struct snd_audio_module_info info;
	struct parsed parsed;

	ASSERT_EQ(0, inject(self->view.card, "send", "module=0"));
	ASSERT_EQ(0, tlv_get(&self->view, quiet, 128 * 1024, &parsed));
	ASSERT_NE(NULL, parsed.record);
	ASSERT_EQ(0, inject(self->view.card, "send", "module=1 size=3000 count=3000"));
	ASSERT_EQ(0, info_get(self->view.card, &info));
	ASSERT_EQ(0, tlv_get(&self->view, quiet, 128 * 1024, &parsed));
	EXPECT_EQ(NULL, parsed.record);
	ASSERT_EQ(0, tlv_get(&self->view, loud, 128 * 1024, &parsed));
	ASSERT_NE(NULL, parsed.record);
	EXPECT_EQ(info.newest_sequence, parsed.record->sequence);
	EXPECT_EQ(true, vendor_intact(record_vendor(parsed.record), 3000 - IDENTITY_SIZE));
}

TEST_F(elements, tlv_is_right_or_without_record_during_a_flood)
{
	unsigned int numid = numid_of(&self->view, "Speaker System Notification");
	uint64_t end = milliseconds() + PATIENCE_MS;
	int reads = 0, records = 0, bad = 0;
	struct parsed parsed;
	int status = -1;
	pid_t pid;

	/* Who gets no time while it floods has read nothing that matters: once more. */
	do {
		pid = send_in_background(&self->view, "size=20000 count=30000");
		while (still_runs(pid, &status)) {
			int err = tlv_get(&self->view, numid, 128 * 1024, &parsed);

			reads++;
			bad += err != 0;
			if (err || !parsed.record)
				continue;
			records++;
			bad += parsed.record->data_size != 20000 ||
			       parsed.record->type != SND_AUDIO_MODULE_RECORD_NOTIFICATION ||
			       !vendor_intact(record_vendor(parsed.record), 20000 - IDENTITY_SIZE);
		}
		EXPECT_EQ(0, status);
	} while (reads <= 10 && milliseconds() < end);
	TH_LOG("%d reads, %d with a record", reads, records);
	EXPECT_EQ(0, bad);
	EXPECT_LT(10, reads);
}

/* ------------------------------------------------------------------ doorbell */

FIXTURE(doorbell) {
	struct view view;
};

FIXTURE_SETUP(doorbell)
{
	ASSERT_EQ(0, view_open(&self->view, JOURNAL " doorbell=value doorbell_ms=20"));
}

FIXTURE_TEARDOWN(doorbell)
{
	EXPECT_EQ(0, view_close(&self->view));
}

TEST_F(doorbell, rings_for_the_element_that_changed_and_no_other)
{
	struct event event = { 0 };
	int i, others;

	for (i = 0; i < SENDERS; i++) {
		unsigned int numid = numid_of(&self->view, senders[i].element);

		ASSERT_EQ(0, inject(self->view.card, "send", "%s", senders[i].words));
		ASSERT_EQ(1, event_next(&self->view, PATIENCE_MS, &event));
		EXPECT_EQ(numid, event.numid);
		EXPECT_EQ(SND_CTL_EVENT_MASK_VALUE, event.mask);
		EXPECT_EQ(0, events_count(&self->view, numid, SND_CTL_EVENT_MASK_VALUE, &others));
		EXPECT_EQ(0, others);
	}
}

TEST_F(doorbell, rings_from_every_context)
{
	static const char * const contexts[] = {
		"process", "bh", "rcu", "preempt", "irqoff", "spinlock", "softirq", "hardirq"
	};
	unsigned int numid = numid_of(&self->view, "Speaker System Notification");
	struct event event = { 0 };
	size_t i;

	for (i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		ASSERT_EQ(0, inject(self->view.card, "send", "context=%s", contexts[i]));
		EXPECT_EQ(1, event_next(&self->view, PATIENCE_MS, &event)) {
			TH_LOG("context %s", contexts[i]);
		}
		EXPECT_EQ(numid, event.numid);
	}
}

TEST_F(doorbell, rings_for_all_that_changed_together)
{
	struct event event;
	int i, rang = 0;

	for (i = 0; i < SENDERS; i++)
		ASSERT_EQ(0, inject(self->view.card, "send", "%s", senders[i].words));
	for (i = 0; i < SENDERS; i++) {
		ASSERT_EQ(1, event_next(&self->view, PATIENCE_MS, &event));
		rang |= 1 << event.numid;
	}
	for (i = 0; i < SENDERS; i++)
		EXPECT_NE(0, rang & 1 << numid_of(&self->view, senders[i].element)) {
			TH_LOG("sender %d", i);
		}
}

/**
 * struct rings - what a program that reads at each ring sees of a flood
 * @count: rings
 * @other: rings that should not be
 * @shown: the sequence that the last reading showed
 * @ms: how long it took until that was the newest one
 */
struct rings {
	int count;
	int other;
	uint64_t shown;
	uint64_t ms;
};

static void rings_take(struct view *view, unsigned int numid, int timeout_ms, struct rings *rings)
{
	struct event event;

	while (event_next(view, timeout_ms, &event)) {
		if (event.numid != numid || event.mask != SND_CTL_EVENT_MASK_VALUE) {
			rings->other++;
			continue;
		}
		rings->count++;
		rings->shown = sequence_shown(view, numid);
	}
}

/* Listen until a reading showed @sequence or a later one, or patience ends. */
static void rings_until(struct view *view, unsigned int numid, uint64_t sequence,
			struct rings *rings)
{
	uint64_t end = milliseconds() + PATIENCE_MS;

	while (rings->shown < sequence && milliseconds() < end)
		rings_take(view, numid, 1, rings);
}

/* Listen until a reading showed the newest sequence, and then for rings that are too many. */
static void rings_end(struct view *view, unsigned int numid, uint64_t start, struct rings *rings)
{
	struct snd_audio_module_info info;

	info_get(view->card, &info);
	rings_until(view, numid, info.newest_sequence, rings);
	rings->ms = milliseconds() - start;
	rings_take(view, numid, QUIET_MS + 400, rings);
}

/* In a child: small steps with pauses, the first one after the first step as long as it takes. */
static void flood_in_steps(struct view *view, int steps, int count, const int *go_on)
{
	char byte;

	close(go_on[1]);
	for (; steps; steps--) {
		if (inject(view->card, "send", "module=1 count=%d", count))
			_exit(1);
		if (read(go_on[0], &byte, 1) < 0)
			_exit(1);
		usleep(2000);
	}
	_exit(0);
}

/*
 * Send in the background, and listen to the end and after. ALSA makes one event of two that nobody
 * has read: the first one is read before there can be a second.
 */
static int rings_of_flood(struct view *view, unsigned int numid, int steps, int count,
			  struct rings *rings)
{
	uint64_t start = milliseconds();
	int status = -1;
	int go_on[2];
	pid_t pid;

	memset(rings, 0, sizeof(*rings));
	if (pipe(go_on))
		return -errno;
	pid = fork();
	if (!pid)
		flood_in_steps(view, steps, count, go_on);
	rings_until(view, numid, 1, rings);
	close(go_on[1]);
	while (still_runs(pid, &status))
		rings_take(view, numid, 1, rings);
	close(go_on[0]);
	rings_end(view, numid, start, rings);
	return status;
}

/* ALSA-1 */
TEST_F(doorbell, rings_a_flood_of_5000_at_most_once_per_doorbell_ms)
{
	static const struct {
		const char *parameters;
		int ms;
	} paces[] = {
		{ JOURNAL " doorbell_ms=20", 20 },
		{ JOURNAL " doorbell_ms=100", 100 },
		{ JOURNAL " doorbell_ms=400", 400 },
	};
	struct rings rings;
	unsigned int numid;
	size_t i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, view_reopen(&self->view, paces[i].parameters));
		numid = numid_of(&self->view, "Speaker EQ Movie Notification");
		ASSERT_EQ(0, rings_of_flood(&self->view, numid, 100, 50, &rings));
		TH_LOG("doorbell_ms=%d: %d rings in %d ms", paces[i].ms, rings.count,
		       (int)rings.ms);
		EXPECT_EQ(0, rings.other);
		EXPECT_GE(rings.ms / paces[i].ms + 2, rings.count);
		EXPECT_LE(2, rings.count);
		EXPECT_EQ(5000, rings.shown);
	}
}

TEST_F(doorbell, rings_once_more_after_the_last_change)
{
	unsigned int numid;
	struct rings rings;
	uint64_t start;
	int round;

	ASSERT_EQ(0, view_reopen(&self->view, JOURNAL " doorbell_ms=150"));
	numid = numid_of(&self->view, "Speaker EQ Movie Notification");
	for (round = 1; round <= 5; round++) {
		/* The first rings at once, the others while it must wait. */
		memset(&rings, 0, sizeof(rings));
		start = milliseconds();
		ASSERT_EQ(0, inject(self->view.card, "send", "module=1"));
		rings_until(&self->view, numid, 3 * round - 2, &rings);
		EXPECT_EQ(1, rings.count);
		ASSERT_EQ(0, inject(self->view.card, "send", "module=1"));
		ASSERT_EQ(0, inject(self->view.card, "send", "module=1"));
		rings_end(&self->view, numid, start, &rings);
		EXPECT_EQ(0, rings.other);
		EXPECT_EQ(3 * round, rings.shown);
		EXPECT_LE(2, rings.count);
		EXPECT_GE(rings.ms / 150 + 2, rings.count);
	}
}

/* A timer that is left finds neither its card nor its code: the kernel tells. */
TEST_F(doorbell, that_is_to_ring_once_more_ends_with_its_card)
{
	struct event event = { 0 };

	ASSERT_EQ(0, view_reopen(&self->view, JOURNAL " doorbell_ms=1000"));
	ASSERT_EQ(0, inject(self->view.card, "send", "module=1"));
	ASSERT_EQ(1, event_next(&self->view, PATIENCE_MS, &event));
	ASSERT_EQ(0, inject(self->view.card, "send", "module=1"));
	ASSERT_EQ(0, view_close(&self->view));
	usleep(1500000);
	ASSERT_EQ(0, view_open(&self->view, JOURNAL));
}

/* PNP-4 */
TEST_F(doorbell, rings_every_program_that_listens)
{
	unsigned int numid = numid_of(&self->view, "Speaker System Notification");
	struct view other = self->view;
	struct event event = { 0 };
	char name[32];

	snprintf(name, sizeof(name), "hw:%d", self->view.card);
	ASSERT_EQ(0, snd_ctl_open(&other.ctl, name, SND_CTL_NONBLOCK));
	ASSERT_EQ(0, snd_ctl_subscribe_events(other.ctl, 1));
	ASSERT_EQ(0, inject(self->view.card, "send", "module=0"));
	EXPECT_EQ(1, event_next(&self->view, PATIENCE_MS, &event));
	EXPECT_EQ(numid, event.numid);
	event.numid = 0;
	EXPECT_EQ(1, event_next(&other, PATIENCE_MS, &event));
	EXPECT_EQ(numid, event.numid);
	snd_ctl_close(other.ctl);
}

TEST_F(doorbell, tlv_rings_only_with_tlv_events)
{
	unsigned int numid;
	struct event event = { 0 };
	int others;

	ASSERT_EQ(0, view_reopen(&self->view, JOURNAL " doorbell=tlv"));
	numid = numid_of(&self->view, "Headphones Echo Default Notification");
	ASSERT_EQ(0, inject(self->view.card, "send", "endpoint=1 module=2 count=1000"));
	ASSERT_EQ(1, event_next(&self->view, PATIENCE_MS, &event));
	EXPECT_EQ(numid, event.numid);
	EXPECT_EQ(SND_CTL_EVENT_MASK_TLV, event.mask);
	events_count(&self->view, numid, SND_CTL_EVENT_MASK_TLV, &others);
	EXPECT_EQ(0, others);
	EXPECT_EQ(1000, sequence_shown(&self->view, numid));
}

TEST_F(doorbell, off_does_not_ring_and_values_change_all_the_same)
{
	unsigned int numid;
	int others;

	ASSERT_EQ(0, view_reopen(&self->view, JOURNAL " doorbell=off"));
	numid = numid_of(&self->view, "Speaker System Notification");
	ASSERT_EQ(0, inject(self->view.card, "send", "count=100"));
	EXPECT_EQ(0, events_count(&self->view, numid, SND_CTL_EVENT_MASK_VALUE, &others));
	EXPECT_EQ(0, others);
	EXPECT_EQ(100, sequence_shown(&self->view, numid));
}

TEST_F(doorbell, can_be_changed_while_the_card_is_there)
{
	static const char path[] = "/sys/module/snd_audio_module/parameters/doorbell";
	unsigned int numid = numid_of(&self->view, "Speaker System Notification");
	struct event event = { 0 };
	char kind[16] = "";
	int others;

	ASSERT_EQ(0, file_write(path, "off"));
	ASSERT_EQ(0, inject(self->view.card, "send", "count=1"));
	EXPECT_EQ(0, events_count(&self->view, numid, SND_CTL_EVENT_MASK_VALUE, &others));
	ASSERT_EQ(0, file_write(path, "tlv\n"));
	ASSERT_EQ(0, file_read(path, kind, sizeof(kind)));
	EXPECT_STREQ("tlv\n", kind);
	ASSERT_EQ(0, inject(self->view.card, "send", "count=1"));
	ASSERT_EQ(1, event_next(&self->view, PATIENCE_MS, &event));
	EXPECT_EQ(SND_CTL_EVENT_MASK_TLV, event.mask);
	EXPECT_EQ(-EINVAL, file_write(path, "loud"));
	ASSERT_EQ(0, file_write(path, "value"));
	ASSERT_EQ(0, inject(self->view.card, "send", "count=1"));
	ASSERT_EQ(1, event_next(&self->view, PATIENCE_MS, &event));
	EXPECT_EQ(SND_CTL_EVENT_MASK_VALUE, event.mask);
}

/* ------------------------------------------------------------------ parameters */

/**
 * struct parameter - an element of a module's parameter
 * @numid: its number
 * @writable: a program may set it
 * @items: how many, when it is ENUMERATED
 * @id: ParameterId
 * @module: whose
 */
struct parameter {
	unsigned int numid;
	bool writable;
	unsigned int items;
	unsigned int id;
	const struct snd_audio_module_module_info *module;
};

FIXTURE(parameters) {
	struct view view;
	struct card_list list;
	struct parameter parameter[ELEMENTS_MAX];
	int count;
};

/* Whose parameter "<endpoint> <label> ParameterN" is. */
static int parameter_find(struct view *view, const struct card_list *list,
			  snd_ctl_elem_info_t *info, struct parameter *parameter)
{
	const char *last = strstr(snd_ctl_elem_info_get_name(info), " Parameter");
	char name[128];

	if (!last)
		return 0;
	snprintf(name, sizeof(name), "%.*s Notification",
		 (int)(last - snd_ctl_elem_info_get_name(info)),
		 snd_ctl_elem_info_get_name(info));
	parameter->numid = snd_ctl_elem_info_get_numid(info);
	parameter->writable = snd_ctl_elem_info_is_writable(info);
	parameter->items = snd_ctl_elem_info_get_type(info) == SND_CTL_ELEM_TYPE_ENUMERATED ?
		snd_ctl_elem_info_get_items(info) : 0;
	parameter->id = last[strlen(" Parameter")] - '1';
	parameter->module = list_module(list, numid_of(view, name));
	return parameter->module ? 1 : -ENOENT;
}

FIXTURE_SETUP(parameters)
{
	unsigned int numids[ELEMENTS_MAX];
	snd_ctl_elem_info_t *info;
	int i, elements;

	snd_ctl_elem_info_alloca(&info);
	ASSERT_EQ(0, view_open(&self->view, JOURNAL));
	ASSERT_EQ(0, card_list(&self->view, &self->list));
	elements = numids_of(&self->view, numids);
	for (i = 0; i < elements; i++) {
		int found;

		ASSERT_EQ(0, info_of(&self->view, numids[i], info));
		found = parameter_find(&self->view, &self->list, info,
				       &self->parameter[self->count]);
		ASSERT_LE(0, found);
		self->count += found;
	}
	ASSERT_EQ(15, self->count);
}

FIXTURE_TEARDOWN(parameters)
{
	EXPECT_EQ(0, view_close(&self->view));
}

/* Another valid value than the one it has. */
static uint32_t other_value(struct view *view, const struct parameter *parameter)
{
	uint32_t value = word_read(view, parameter->numid);

	return parameter->items ? (value + 1) % parameter->items : value + 0x01020304;
}

static int parameter_write(struct view *view, const struct parameter *parameter, uint32_t value)
{
	if (parameter->items)
		return item_write(view, parameter->numid, value);
	return bytes_write(view, parameter->numid, value);
}

/* ALSA-5 */
TEST_F(parameters, set_to_another_value_ring_and_notify_once)
{
	const struct snd_audio_module_virtual_parameter *change;
	const struct snd_audio_module_notification *identity;
	const struct snd_audio_module_record *record;
	int i, own, others, set = 0;
	struct event events[2];
	uint32_t value;

	for (i = 0; i < self->count; i++) {
		const struct parameter *parameter = &self->parameter[i];

		if (!parameter->writable)
			continue;
		value = other_value(&self->view, parameter);
		ASSERT_EQ(0, parameter_write(&self->view, parameter, value));
		EXPECT_EQ(value, word_read(&self->view, parameter->numid));
		/* One is its own, the other one the doorbell of the module's element. */
		ASSERT_EQ(1, event_next(&self->view, PATIENCE_MS, &events[0]));
		ASSERT_EQ(1, event_next(&self->view, PATIENCE_MS, &events[1]));
		own = events[0].numid == parameter->numid ? 0 : 1;
		EXPECT_EQ(parameter->numid, events[own].numid);
		EXPECT_EQ(SND_CTL_EVENT_MASK_VALUE, events[own].mask);
		EXPECT_NE(parameter->numid, events[!own].numid);
		EXPECT_EQ(0, events_count(&self->view, parameter->numid,
					  SND_CTL_EVENT_MASK_VALUE, &others));
		EXPECT_EQ(0, others);

		ASSERT_EQ(1, records_read(&self->view, &record));
		ASSERT_EQ(48, record->data_size);
		EXPECT_EQ(parameter->module->index, record->module);
		identity = (const void *)record_data(record);
		change = (const void *)record_vendor(record);
		EXPECT_EQ(0, memcmp(identity->class_id, parameter->module->class_id, 16));
		EXPECT_EQ(parameter->module->instance_id, identity->instance_id);
		EXPECT_EQ(0, change->type);
		EXPECT_EQ(parameter->id, change->parameter);
		EXPECT_EQ(record->sequence,
			  sequence_shown(&self->view, parameter->module->element_numid));
		set++;
	}
	EXPECT_EQ(9, set);
}

/* 8.3, ALSA-5 */
TEST_F(parameters, set_to_the_same_value_say_nothing)
{
	const struct snd_audio_module_record *record;
	struct event event;
	int i;

	for (i = 0; i < self->count; i++)
		if (self->parameter[i].writable)
			ASSERT_EQ(0, parameter_write(&self->view, &self->parameter[i],
						     word_read(&self->view,
							       self->parameter[i].numid)));
	EXPECT_EQ(0, event_next(&self->view, QUIET_MS, &event));
	EXPECT_EQ(0, records_read(&self->view, &record));
}

/* ALSA-5, ALSA-9 */
TEST_F(parameters, refuse_what_is_not_valid_and_keep_their_value)
{
	const struct snd_audio_module_record *record;
	struct event event;
	uint32_t before;
	int i;

	for (i = 0; i < self->count; i++) {
		const struct parameter *parameter = &self->parameter[i];

		if (!parameter->writable)
			continue;
		before = word_read(&self->view, parameter->numid);
		EXPECT_EQ(-EINVAL, parameter_write(&self->view, parameter, UINT32_MAX));
		if (parameter->items) {
			EXPECT_EQ(-EINVAL, parameter_write(&self->view, parameter,
							   parameter->items));
			EXPECT_EQ(-EINVAL, parameter_write(&self->view, parameter, INT32_MIN));
		}
		EXPECT_EQ(before, word_read(&self->view, parameter->numid));
	}
	EXPECT_EQ(0, event_next(&self->view, QUIET_MS, &event));
	EXPECT_EQ(0, records_read(&self->view, &record));
}

TEST_F(parameters, that_are_constant_refuse_every_write)
{
	const struct snd_audio_module_record *record;
	int i, constants = 0;

	for (i = 0; i < self->count; i++) {
		if (self->parameter[i].writable)
			continue;
		EXPECT_EQ(-EPERM, bytes_write(&self->view, self->parameter[i].numid, 1));
		EXPECT_EQ(0, word_read(&self->view, self->parameter[i].numid));
		constants++;
	}
	EXPECT_EQ(6, constants);
	for (i = 0; i < NOTIFICATION_ELEMENTS; i++)
		EXPECT_EQ(-EPERM, bytes_write(&self->view,
					      numid_of(&self->view,
						       notification_elements[i].name), 1));
	EXPECT_EQ(0, records_read(&self->view, &record));
}

TEST_F(parameters, of_one_module_leave_the_others_alone)
{
	uint32_t before[ELEMENTS_MAX];
	uint32_t value;
	int i, j;

	for (i = 0; i < self->count; i++)
		before[i] = word_read(&self->view, self->parameter[i].numid);
	for (i = 0; i < self->count; i++) {
		if (!self->parameter[i].writable)
			continue;
		value = other_value(&self->view, &self->parameter[i]);
		ASSERT_EQ(0, parameter_write(&self->view, &self->parameter[i], value));
		before[i] = value;
		for (j = 0; j < self->count; j++)
			EXPECT_EQ(before[j], word_read(&self->view, self->parameter[j].numid));
	}
}

/* ------------------------------------------------------------------ peak meter */

#define RATE		48000
#define SLOW_RATE	8000		/* for what a meter that comes late must hear in parts */
#define FRAMES		(RATE / 2)
#define SLOW_SECONDS	(FRAMES / SLOW_RATE)
#define BUFFER_FRAMES	62400		/* nearly all that the card has room for */
#define CHANNELS	2
#define CLIP_PERIOD	8

/**
 * struct heard - what an endpoint's meter said
 * @first: type of its first notification
 * @last: type of its last one
 * @sound: how many SOUND
 * @silence: how many SILENCE
 * @clip: how many CLIP
 * @level: how many LEVEL
 * @whole: how many LEVEL of so many frames that each peak is among them: the last may have less
 * @whole_clip: how many CLIP of those
 * @peak: largest peaks of LEVEL
 * @peak_least: smallest ones of whole ones
 * @clipped: sums of CLIP
 * @level_frames: of the last LEVEL
 * @frames: of the last
 */
struct heard {
	uint32_t first;
	uint32_t last;
	int sound;
	int silence;
	int clip;
	int level;
	int whole;
	int whole_clip;
	uint32_t peak[CHANNELS];
	uint32_t peak_least[CHANNELS];
	uint64_t clipped[CHANNELS];
	uint64_t level_frames;
	uint64_t frames;
};

FIXTURE(meter) {
	struct view view;
	struct heard heard[2];
};

FIXTURE_SETUP(meter)
{
	ASSERT_EQ(0, view_open(&self->view, JOURNAL));
}

FIXTURE_TEARDOWN(meter)
{
	EXPECT_EQ(0, view_close(&self->view));
}

/* Samples whose peaks are @left and @right in every few frames, the right one clipped or not. */
static void samples_fill(int16_t *samples, int frames, int left, int right)
{
	int i;

	for (i = 0; i < frames; i++) {
		samples[2 * i] = i % 4 == 2 ? -left : left / 2;
		samples[2 * i + 1] = i % CLIP_PERIOD == 5 ? right : right / 3;
	}
}

/* Open a substream and fill its buffer: nothing can run dry while it plays. */
static int pcm_open(struct view *view, int device, int rate, const int16_t *samples, int frames,
		    snd_pcm_t **pcm)
{
	char name[32];
	int err;

	snprintf(name, sizeof(name), "hw:%d,%d", view->card, device);
	err = snd_pcm_open(pcm, name, SND_PCM_STREAM_PLAYBACK, 0);
	if (err)
		return err;
	err = snd_pcm_set_params(*pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED,
				 CHANNELS, rate, 0, BUFFER_FRAMES * 1000000ULL / rate);
	if (err)
		return err;
	return snd_pcm_writei(*pcm, samples, frames) == frames ? 0 : -EIO;
}

static int pcm_finish(snd_pcm_t *pcm)
{
	int err = snd_pcm_drain(pcm);

	snd_pcm_close(pcm);
	return err;
}

static void heard_level(struct heard *heard, const struct snd_audio_module_virtual_meter *meter,
			bool whole)
{
	int i;

	for (i = 0; i < CHANNELS; i++) {
		if (meter->peak[i] > heard->peak[i])
			heard->peak[i] = meter->peak[i];
		if (whole && (!heard->whole || meter->peak[i] < heard->peak_least[i]))
			heard->peak_least[i] = meter->peak[i];
	}
	heard->level++;
	heard->whole += whole;
	heard->level_frames = meter->frames;
}

static void heard_clip(struct heard *heard, const struct snd_audio_module_virtual_meter *meter,
		       bool whole)
{
	int i;

	for (i = 0; i < CHANNELS; i++)
		heard->clipped[i] += meter->clipped[i];
	heard->clip++;
	heard->whole_clip += whole;
}

/* A CLIP comes before the LEVEL of the same frames. */
static void heard_add(struct heard *heard, const struct snd_audio_module_virtual_meter *meter)
{
	bool whole = meter->frames - heard->level_frames >= CLIP_PERIOD;

	if (!heard->first)
		heard->first = meter->type;
	heard->last = meter->type;
	heard->frames = meter->frames;
	heard->sound += meter->type == SND_AUDIO_MODULE_VIRTUAL_METER_SOUND;
	heard->silence += meter->type == SND_AUDIO_MODULE_VIRTUAL_METER_SILENCE;
	if (meter->type == SND_AUDIO_MODULE_VIRTUAL_METER_CLIP)
		heard_clip(heard, meter, whole);
	if (meter->type == SND_AUDIO_MODULE_VIRTUAL_METER_LEVEL)
		heard_level(heard, meter, whole);
}

static void hear_records(struct heard *heard, ssize_t size)
{
	const struct snd_audio_module_record *record;
	const struct snd_audio_module_notification *identity;
	ssize_t offset;

	for (offset = 0; offset < size; offset += record->size) {
		record = record_at(offset);
		identity = (const void *)record_data(record);
		if (record->data_size == IDENTITY_SIZE + 32 &&
		    !memcmp(identity->class_id, meter_class, 16))
			heard_add(&heard[record->endpoint & 1],
				  (const void *)record_vendor(record));
	}
}

/* Hear both meters until @silences were said in all, or patience ends. */
static void hear(struct view *view, struct heard *heard, int silences)
{
	uint64_t end = milliseconds() + PATIENCE_MS;
	struct pollfd pollfd = { .fd = view->records, .events = POLLIN };

	while (heard[0].silence + heard[1].silence < silences && milliseconds() < end) {
		if (poll(&pollfd, 1, 100) == 1)
			hear_records(heard, read(view->records, record_buffer,
						 sizeof(record_buffer)));
	}
}

/* 8.4 */
TEST_F(meter, tells_the_exact_peaks_clipping_and_frames_of_what_is_played)
{
	static int16_t samples[FRAMES * CHANNELS];
	struct heard *heard = self->heard;
	snd_pcm_t *pcm;

	samples_fill(samples, FRAMES, 1000, 32767);
	ASSERT_EQ(0, pcm_open(&self->view, 0, SLOW_RATE, samples, FRAMES, &pcm));
	ASSERT_EQ(0, pcm_finish(pcm));
	hear(&self->view, heard, 1);
	TH_LOG("%d LEVEL, %d CLIP", heard->level, heard->clip);
	EXPECT_LE(2, heard->level);
	EXPECT_EQ(1000, heard->peak[0]);
	EXPECT_EQ(1000, heard->peak_least[0]);
	EXPECT_EQ(32767, heard->peak[1]);
	EXPECT_EQ(32767, heard->peak_least[1]);
	EXPECT_EQ(0, heard->clipped[0]);
	EXPECT_EQ(FRAMES / CLIP_PERIOD, heard->clipped[1]);
	EXPECT_EQ(heard->whole, heard->whole_clip);
	EXPECT_EQ(FRAMES, heard->frames);
	EXPECT_EQ(0, self->heard[1].level);
}

TEST_F(meter, says_sound_first_and_silence_last)
{
	static int16_t samples[FRAMES * CHANNELS];
	snd_pcm_t *pcm;

	samples_fill(samples, FRAMES, 1, 0);
	ASSERT_EQ(0, pcm_open(&self->view, 0, RATE, samples, FRAMES, &pcm));
	ASSERT_EQ(0, pcm_finish(pcm));
	hear(&self->view, self->heard, 1);
	EXPECT_EQ(SND_AUDIO_MODULE_VIRTUAL_METER_SOUND, self->heard[0].first);
	EXPECT_EQ(SND_AUDIO_MODULE_VIRTUAL_METER_SILENCE, self->heard[0].last);
	EXPECT_EQ(1, self->heard[0].sound);
	EXPECT_EQ(1, self->heard[0].silence);
	EXPECT_EQ(0, self->heard[0].clip);
	EXPECT_EQ(1, self->heard[0].peak[0]);
	EXPECT_EQ(0, self->heard[0].peak[1]);
}

TEST_F(meter, hears_a_pause_inside_of_what_is_played)
{
	static int16_t samples[2 * FRAMES * CHANNELS];
	const int third = 2 * FRAMES / 3;
	snd_pcm_t *pcm;

	ASSERT_EQ(0, integer_write(&self->view, numid_of(&self->view, "Speaker Meter Rate"), 40));
	samples_fill(samples, 2 * FRAMES, 500, 500);
	memset(samples + third * CHANNELS, 0, third * CHANNELS * sizeof(samples[0]));
	ASSERT_EQ(0, pcm_open(&self->view, 0, SLOW_RATE, samples, 2 * FRAMES, &pcm));
	ASSERT_EQ(0, pcm_finish(pcm));
	hear(&self->view, self->heard, 2);
	EXPECT_EQ(2, self->heard[0].sound);
	EXPECT_EQ(2, self->heard[0].silence);
}

/* What a program takes back before its time came is not heard. */
TEST_F(meter, does_not_hear_what_was_taken_back)
{
	static int16_t samples[2 * FRAMES * CHANNELS];
	const int half = FRAMES;
	snd_pcm_t *pcm;

	samples_fill(samples, half, 1000, 1000);
	samples_fill(samples + half * CHANNELS, half, 2000, 2000);
	ASSERT_EQ(0, pcm_open(&self->view, 0, SLOW_RATE, samples, 2 * FRAMES, &pcm));
	ASSERT_EQ(0, snd_pcm_start(pcm));
	usleep(QUIET_MS * 1000);
	ASSERT_EQ(half, snd_pcm_rewind(pcm, half));
	ASSERT_EQ(0, pcm_finish(pcm));
	hear(&self->view, self->heard, 1);
	EXPECT_EQ(1000, self->heard[0].peak[0]);
	EXPECT_EQ(1000, self->heard[0].peak[1]);
	EXPECT_EQ(half, self->heard[0].frames);
}

TEST_F(meter, says_nothing_of_zeroes)
{
	static int16_t samples[FRAMES * CHANNELS];
	const struct snd_audio_module_record *record;
	snd_pcm_t *pcm;

	ASSERT_EQ(0, pcm_open(&self->view, 1, RATE, samples, FRAMES, &pcm));
	ASSERT_EQ(0, pcm_finish(pcm));
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(0, records_read(&self->view, &record));
}

TEST_F(meter, tells_minus_32768_as_full_scale)
{
	static int16_t samples[FRAMES * CHANNELS];
	snd_pcm_t *pcm;

	samples_fill(samples, FRAMES, 0, -32768);
	ASSERT_EQ(0, pcm_open(&self->view, 0, RATE, samples, FRAMES, &pcm));
	ASSERT_EQ(0, pcm_finish(pcm));
	hear(&self->view, self->heard, 1);
	EXPECT_EQ(32768, self->heard[0].peak[1]);
	EXPECT_EQ(FRAMES / CLIP_PERIOD, self->heard[0].clipped[1]);
	EXPECT_EQ(0, self->heard[0].peak[0]);
}

TEST_F(meter, of_each_endpoint_hears_its_own_device)
{
	static int16_t samples[2][FRAMES * CHANNELS];
	snd_pcm_t *speaker, *headphones;

	samples_fill(samples[0], FRAMES, 111, 222);
	samples_fill(samples[1], FRAMES / 2, 3333, 4444);
	ASSERT_EQ(0, pcm_open(&self->view, 0, RATE, samples[0], FRAMES, &speaker));
	ASSERT_EQ(0, pcm_open(&self->view, 1, RATE, samples[1], FRAMES / 2, &headphones));
	ASSERT_EQ(0, snd_pcm_start(speaker));
	ASSERT_EQ(0, snd_pcm_start(headphones));
	ASSERT_EQ(0, pcm_finish(headphones));
	ASSERT_EQ(0, pcm_finish(speaker));
	hear(&self->view, self->heard, 2);
	EXPECT_EQ(111, self->heard[0].peak[0]);
	EXPECT_EQ(222, self->heard[0].peak[1]);
	EXPECT_EQ(FRAMES, self->heard[0].frames);
	EXPECT_EQ(3333, self->heard[1].peak[0]);
	EXPECT_EQ(4444, self->heard[1].peak[1]);
	EXPECT_EQ(FRAMES / 2, self->heard[1].frames);
}

TEST_F(meter, hears_all_substreams_at_once)
{
	static const int peaks[] = { 100, 2500, 30, 700 };
	static int16_t samples[4][FRAMES * CHANNELS];
	snd_pcm_t *pcm[4], *fifth;
	char name[32];
	int i;

	for (i = 0; i < 4; i++) {
		samples_fill(samples[i], FRAMES, peaks[i], peaks[3 - i]);
		ASSERT_EQ(0, pcm_open(&self->view, 0, SLOW_RATE, samples[i], FRAMES, &pcm[i]));
	}
	snprintf(name, sizeof(name), "hw:%d,0", self->view.card);
	EXPECT_EQ(-EBUSY, snd_pcm_open(&fifth, name, SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, snd_pcm_start(pcm[i]));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pcm_finish(pcm[i]));
	hear(&self->view, self->heard, 1);
	EXPECT_EQ(2500, self->heard[0].peak[0]);
	EXPECT_EQ(2500, self->heard[0].peak[1]);
	EXPECT_EQ(4 * FRAMES, self->heard[0].frames);
	EXPECT_EQ(1, self->heard[0].silence);
}

/* Play to both endpoints at once, each with a rate; how many LEVEL each one sent. */
static int play_with_rates(struct view *view, struct heard *heard, const int rates[2])
{
	static const char *const names[2] = { "Speaker Meter Rate", "Headphones Meter Rate" };
	static int16_t samples[FRAMES * CHANNELS];
	snd_pcm_t *pcm[2];
	int i, err = 0;

	memset(heard, 0, 2 * sizeof(*heard));
	samples_fill(samples, FRAMES, 1000, 1000);
	for (i = 0; i < 2 && !err; i++)
		err = integer_write(view, numid_of(view, names[i]), rates[i]);
	for (i = 0; i < 2 && !err; i++)
		err = pcm_open(view, i, SLOW_RATE, samples, FRAMES, &pcm[i]);
	for (i = 0; i < 2 && !err; i++)
		err = snd_pcm_start(pcm[i]);
	for (i = 0; i < 2 && !err; i++)
		err = pcm_finish(pcm[i]);
	hear(view, heard, 2);
	return err;
}

TEST_F(meter, rate_sets_how_often)
{
	static const int rates[][2] = { { 5, 100 }, { 25, 5 } };
	int levels[2][2];
	size_t i, j;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, play_with_rates(&self->view, self->heard, rates[i]));
		for (j = 0; j < 2; j++) {
			levels[i][j] = self->heard[j].level;
			TH_LOG("rate %d: %d LEVEL in %d s", rates[i][j], levels[i][j],
			       SLOW_SECONDS);
			/* The machine's ticks round it, and a busy one is late, never early. */
			EXPECT_GE(rates[i][j] * SLOW_SECONDS * 1.3 + 2, levels[i][j]);
		}
	}
	EXPECT_LT(levels[0][0], levels[1][0]);
	EXPECT_LT(levels[1][0], levels[0][1]);
	EXPECT_LT(levels[1][1], levels[1][0]);
}

TEST_F(meter, rate_0_makes_it_mute)
{
	static int16_t samples[FRAMES * CHANNELS];
	const struct snd_audio_module_record *record;
	snd_pcm_t *pcm;

	samples_fill(samples, FRAMES, 1000, 1000);
	ASSERT_EQ(0, integer_write(&self->view, numid_of(&self->view, "Speaker Meter Rate"), 0));
	ASSERT_EQ(0, pcm_open(&self->view, 0, RATE, samples, FRAMES, &pcm));
	ASSERT_EQ(0, pcm_finish(pcm));
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(0, records_read(&self->view, &record));
}

TEST_F(meter, rate_refuses_what_is_out_of_range)
{
	unsigned int numid = numid_of(&self->view, "Headphones Meter Rate");
	struct event event;
	int others;

	EXPECT_EQ(10, integer_read(&self->view, numid));
	EXPECT_EQ(-EINVAL, integer_write(&self->view, numid, 101));
	EXPECT_EQ(-EINVAL, integer_write(&self->view, numid, -1));
	EXPECT_EQ(-EINVAL, integer_write(&self->view, numid, 0x100000001L));
	EXPECT_EQ(0, integer_write(&self->view, numid, 10));
	EXPECT_EQ(10, integer_read(&self->view, numid));
	EXPECT_EQ(0, event_next(&self->view, QUIET_MS, &event));
	EXPECT_EQ(0, integer_write(&self->view, numid, 100));
	EXPECT_EQ(100, integer_read(&self->view, numid));
	EXPECT_EQ(1, events_count(&self->view, numid, SND_CTL_EVENT_MASK_VALUE, &others));
	EXPECT_EQ(0, others);
}

TEST_HARNESS_MAIN
