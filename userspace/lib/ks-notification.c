// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: how a notification says whose it is: the endpoint's DeviceId, which programs learn from the
 * property NOTIFICATION_DEVICE_ID, and the module; then the vendor's bytes.
 */
#include "ks.h"

#define CLASS_OFFSET	16
#define INSTANCE_OFFSET	32
#define RESERVED_OFFSET	36
#define GUID_SIZE	sizeof(struct audiomodule_guid)

int audiomodule_ks_device_id_encode(const struct audiomodule_endpoint *endpoint, void *to,
				    size_t *size)
{
	static const struct audiomodule_guid none;
	int r;

	if (audiomodule_guid_equal(&endpoint->device_id, &none))
		return ks_refuse(size, -EOPNOTSUPP);
	r = ks_make_room(GUID_SIZE, size);
	if (r < 0)
		return r;
	ks_put_guid(to, &endpoint->device_id);
	return 0;
}

int audiomodule_ks_device_id_decode(const void *from, size_t size, struct audiomodule_guid *id)
{
	if (size < GUID_SIZE)
		return -EBADMSG;
	*id = ks_get_guid(from);
	return 0;
}

int audiomodule_ks_notification_encode(const struct audiomodule_notification *notification,
				       void *to, size_t *size)
{
	uint8_t *bytes = to;
	int r;

	if (notification->tail_size > AUDIOMODULE_KS_MAX_DATA_SIZE)
		return ks_refuse(size, -EINVAL);
	r = ks_make_room(AUDIOMODULE_KS_NOTIFICATION_SIZE + notification->tail_size, size);
	if (r < 0)
		return r;
	ks_put_guid(bytes, &notification->device_id);
	ks_put_guid(bytes + CLASS_OFFSET, &notification->class_id);
	ks_put32(bytes + INSTANCE_OFFSET, notification->instance_id);
	ks_put32(bytes + RESERVED_OFFSET, 0);
	ks_put_bytes(bytes + AUDIOMODULE_KS_NOTIFICATION_SIZE, notification->tail,
		     notification->tail_size);
	return 0;
}

int audiomodule_ks_notification_decode(const void *from, size_t size,
				       struct audiomodule_notification *notification)
{
	const uint8_t *bytes = from;

	if (size < AUDIOMODULE_KS_NOTIFICATION_SIZE ||
	    size - AUDIOMODULE_KS_NOTIFICATION_SIZE > AUDIOMODULE_KS_MAX_DATA_SIZE)
		return -EBADMSG;
	notification->device_id = ks_get_guid(bytes);
	notification->class_id = ks_get_guid(bytes + CLASS_OFFSET);
	notification->instance_id = ks_get32(bytes + INSTANCE_OFFSET);
	notification->tail = bytes + AUDIOMODULE_KS_NOTIFICATION_SIZE;
	notification->tail_size = size - AUDIOMODULE_KS_NOTIFICATION_SIZE;
	return 0;
}
