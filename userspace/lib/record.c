// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: bytes become a record here and nowhere else. A notification fd may come from another
 * process and need not be one at all, so every size is compared with the bytes that are there, and
 * fields are copied out, never pointed at: nothing promises alignment.
 */
#include <errno.h>
#include <string.h>

#include <sound/audio_module.h>

#include "audiomodule.h"

_Static_assert(sizeof(struct snd_audio_module_record) == 48, "the fixed header");
_Static_assert(sizeof(struct snd_audio_module_notification) == 40, "Windows' layout");

int audiomodule_notification_decode(const void *data, size_t size,
				    struct audiomodule_notification *notification)
{
	struct snd_audio_module_notification raw;

	if (size < sizeof(raw))
		return -EBADMSG;
	memcpy(&raw, data, sizeof(raw));
	memcpy(notification->device_id.bytes, raw.device_id, sizeof(raw.device_id));
	memcpy(notification->class_id.bytes, raw.class_id, sizeof(raw.class_id));
	notification->instance_id = raw.instance_id;
	notification->tail = (const uint8_t *)data + sizeof(raw);
	notification->tail_size = size - sizeof(raw);
	return 0;
}

static int decode_notification(struct audiomodule_record *record)
{
	struct audiomodule_notification notification;
	int r;

	record->tail = record->data;
	record->tail_size = record->data_size;
	if (!audiomodule_guid_equal(&record->notification_id, &audiomodule_notification_id))
		return 0;
	r = audiomodule_notification_decode(record->data, record->data_size, &notification);
	if (r < 0)
		return r;
	record->has_identity = true;
	record->device_id = notification.device_id;
	record->class_id = notification.class_id;
	record->instance_id = notification.instance_id;
	record->tail = notification.tail;
	record->tail_size = notification.tail_size;
	return 0;
}

static int decode_lost(struct audiomodule_record *record)
{
	struct snd_audio_module_lost lost;

	if (record->data_size < sizeof(lost))
		return -EBADMSG;
	memcpy(&lost, record->data, sizeof(lost));
	if (lost.first == 0 || lost.first > lost.last)
		return -EBADMSG;
	record->lost_first = lost.first;
	record->lost_last = lost.last;
	return 0;
}

static int decode_changed(struct audiomodule_record *record)
{
	struct snd_audio_module_changed changed;

	if (record->data_size < sizeof(changed))
		return -EBADMSG;
	memcpy(&changed, record->data, sizeof(changed));
	record->generation = changed.generation;
	return 0;
}

static int decode_data(struct audiomodule_record *record)
{
	switch (record->type) {
	case AUDIOMODULE_RECORD_NOTIFICATION:
		return decode_notification(record);
	case AUDIOMODULE_RECORD_LOST:
		return decode_lost(record);
	case AUDIOMODULE_RECORD_CHANGED:
		return decode_changed(record);
	default:
		return 0;
	}
}

int audiomodule_record_decode(const void *bytes, size_t size, struct audiomodule_record *record)
{
	struct snd_audio_module_record header;
	int r;

	if (size < sizeof(header))
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	if (header.size < sizeof(header) || header.size % 8 != 0 || header.size > size ||
	    header.size > INT32_MAX || header.data_size > header.size - sizeof(header))
		return -EBADMSG;
	*record = (struct audiomodule_record) {
		.type = (enum audiomodule_record_type)header.type,
		.endpoint = header.endpoint,
		.module = header.module,
		.sequence = header.sequence,
		.timestamp = header.timestamp,
		.data = (const uint8_t *)bytes + sizeof(header),
		.data_size = header.data_size,
	};
	memcpy(record->notification_id.bytes, header.notification_id,
	       sizeof(header.notification_id));
	r = decode_data(record);
	return r < 0 ? r : (int)header.size;
}
