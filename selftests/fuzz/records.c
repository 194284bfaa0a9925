// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: records (userspace/lib/record.c, subscription.c). Foreign: every byte that is read from a
 * notification fd, since that may have been handed over by anybody and be no such fd.
 *
 * Holds: a record has the size that it says, a multiple of 8 within the bytes; what it points to is
 * within it; members of other types are zero; only EBADMSG refuses. A subscription that reads the
 * same bytes from a pipe gives the same records one after the other, without those of unknown
 * types, fails where the first bytes are that are no record, else says ENODEV at the end, and its
 * position is the highest sequence that it gave.
 */
#include <fcntl.h>
#include <unistd.h>

#include <sound/audio_module.h>

#include "audiomodule.h"
#include "fuzz.h"

#define PIPE_SIZE	65536	/* what a pipe, and one read of a subscription, take */

static void check_notification(const struct audiomodule_record *record)
{
	const size_t identity = sizeof(struct snd_audio_module_notification);
	struct audiomodule_notification notification;

	require(record->has_identity == audiomodule_guid_equal(&record->notification_id,
							       &audiomodule_notification_id));
	if (!record->has_identity) {
		require(record->tail == record->data && record->tail_size == record->data_size);
		return;
	}
	require(record->data_size == record->tail_size + identity);
	require(record->tail == record->data + identity);
	require(audiomodule_notification_decode(record->data, record->data_size,
						&notification) == 0);
	require(notification.tail == record->tail && notification.tail_size == record->tail_size);
	require(notification.instance_id == record->instance_id);
	require(audiomodule_guid_equal(&notification.class_id, &record->class_id));
	require(audiomodule_guid_equal(&notification.device_id, &record->device_id));
}

static void check_record(const struct audiomodule_record *record, const uint8_t *bytes, int size)
{
	const size_t header = sizeof(struct snd_audio_module_record);
	const bool is_notification = record->type == AUDIOMODULE_RECORD_NOTIFICATION;
	const bool is_lost = record->type == AUDIOMODULE_RECORD_LOST;

	require(size >= (int)header && size % 8 == 0);
	require(is_within(record->data, record->data_size, bytes + header, (size_t)size - header));
	if (is_notification)
		check_notification(record);
	else
		require(!record->has_identity && !record->tail && record->tail_size == 0);
	require(is_lost ? record->lost_first > 0 && record->lost_first <= record->lost_last :
		record->lost_first == 0 && record->lost_last == 0);
	require(record->type == AUDIOMODULE_RECORD_CHANGED || record->generation == 0);
}

static bool is_known(const struct audiomodule_record *record)
{
	return record->type == AUDIOMODULE_RECORD_NOTIFICATION ||
	       (record->type >= AUDIOMODULE_RECORD_LOST &&
		record->type <= AUDIOMODULE_RECORD_REMOVED);
}

/* What is next in the bytes, as audiomodule_subscription_next() has to say it. */
static int next_expected(struct input *input, struct audiomodule_record *record)
{
	while (input->left > 0) {
		const uint8_t *bytes = input->bytes;
		int r = audiomodule_record_decode(bytes, input->left, record);
		size_t size;

		if (r < 0) {
			require(r == -EBADMSG);
			return r;
		}
		size = (size_t)r;
		require(size <= input->left);
		check_record(record, bytes, r);
		input_take(input, &size);
		if (is_known(record))
			return 1;
	}
	return -ENODEV;
}

static void compare(const struct audiomodule_record *got, struct audiomodule_record *expected)
{
	struct audiomodule_record copy = *got;

	require(memcmp(got->data, expected->data, got->data_size) == 0);
	require(!got->tail == !expected->tail);
	require(!got->tail || got->tail - got->data == expected->tail - expected->data);
	copy.data = expected->data;
	copy.tail = expected->tail;
	require(copy.data_size == expected->data_size && copy.tail_size == expected->tail_size);
	require(copy.type == expected->type && copy.sequence == expected->sequence);
	require(copy.endpoint == expected->endpoint && copy.module == expected->module);
	require(copy.timestamp == expected->timestamp && copy.generation == expected->generation);
	require(copy.lost_first == expected->lost_first && copy.lost_last == expected->lost_last);
}

/* A subscription that will read these bytes and then the end. */
static struct audiomodule_subscription *subscribe(const uint8_t *bytes, size_t size,
						  const struct audiomodule_position *start)
{
	struct audiomodule_subscription *subscription;
	int ends[2];

	require(pipe2(ends, O_CLOEXEC) == 0);
	require(size == 0 || write(ends[1], bytes, size) == (ssize_t)size);
	close(ends[1]);
	require(audiomodule_subscription_from_fd(ends[0], start, &subscription) == 0);
	return subscription;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size < PIPE_SIZE ? size : PIPE_SIZE };
	const struct audiomodule_position start = { 1, input_number(&input, 1) };
	struct audiomodule_subscription *subscription = subscribe(input.bytes, input.left, &start);
	struct audiomodule_position position, highest = start;
	struct audiomodule_record record, expected;
	int r;

	do {
		r = audiomodule_subscription_next(subscription, &record);
		require(r == next_expected(&input, &expected));
		if (r > 0) {
			compare(&record, &expected);
			if (record.sequence > highest.sequence)
				highest.sequence = record.sequence;
		}
		audiomodule_subscription_position(subscription, &position);
		require(position.journal_id == 1 && position.sequence == highest.sequence);
	} while (r > 0);
	audiomodule_subscription_free(subscription);
	return 0;
}
