// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual sound card: sending a notification as a ported driver does
 *
 * DOC: The idea
 *
 * What a driver from Windows does for each notification: a buffer from a pool, the identity of the
 * module, the vendor's bytes, Send, Free. Without memory there is no notification, and nobody is
 * told, as there (8.4). A driver that is written for Linux calls snd_audio_module_post() instead.
 */

#include <sound/portcls.h>

#include "virtual.h"

/**
 * virtual_notify - send a notification of a module
 * @endpoint: whose
 * @descriptor: of the module
 * @pool_type: enum snd_portcls_pool_type
 * @data: the vendor's bytes
 * @size: of @data
 *
 * Context: By @pool_type: see snd_portcls_alloc_notification_buffer().
 */
void virtual_notify(const struct virtual_endpoint *endpoint,
		    const struct snd_audio_module_descriptor *descriptor,
		    unsigned int pool_type, const void *data, size_t size)
{
	struct snd_audio_module_port *port = READ_ONCE(endpoint->port);
	struct snd_portcls_notification_buffer *buffer;
	struct snd_audio_module_notification identity = { };

	if (snd_portcls_alloc_notification_buffer(port, pool_type, sizeof(identity) + size,
						  &buffer))
		return;

	export_guid(identity.device_id, snd_audio_module_port_device_id(port));
	export_guid(identity.class_id, &descriptor->class_id);
	identity.instance_id = descriptor->instance_id;
	memcpy(buffer->notification_buffer, &identity, sizeof(identity));
	memcpy(buffer->notification_buffer + sizeof(identity), data, size);
	snd_portcls_send_notification(port, &snd_audio_module_notification_id, buffer);
	snd_portcls_free_notification_buffer(port, buffer);
}
