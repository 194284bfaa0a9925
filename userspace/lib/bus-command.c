// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: a command through audiomoduled, whose reply says three things: whether the device was there,
 * what the module said, and the answer. Here they become what audiomodule_command() returns.
 */
#include <string.h>

#include "bus.h"

/* Linux has no errno above. */
#define LAST_ERROR	4095

/* "" is 0; a name that this C library does not know is EIO. */
static int error_of_name(const char *name)
{
	if (!name[0])
		return 0;
	for (int number = 1; number <= LAST_ERROR; number++) {
		const char *known = strerrorname_np(number);

		if (known && strcmp(known, name) == 0)
			return -number;
	}
	return -EIO;
}

static int copy_answer(const void *bytes, size_t size, void **answer, size_t *answer_size)
{
	if (size == 0)
		return 0;
	*answer = malloc(size);
	if (!*answer)
		return -ENOMEM;
	memcpy(*answer, bytes, size);
	*answer_size = size;
	return 0;
}

int bus_command_read(sd_bus_message *reply, void **answer, size_t *answer_size)
{
	const void *bytes;
	const char *error;
	uint32_t status;
	size_t size;
	int r = sd_bus_message_read(reply, "us", &status, &error);

	*answer = NULL;
	*answer_size = 0;
	if (r >= 0)
		r = sd_bus_message_read_array(reply, 'y', &bytes, &size);
	if (r < 0)
		return bus_read_result(r);
	if (status != 0)
		return -ENODEV;
	r = error_of_name(error);
	return r < 0 ? r : copy_answer(bytes, size, answer, answer_size);
}

int bus_command_call(struct audiomodule_bus *bus, const char *object_path, const void *command,
		     size_t size, sd_bus_message **message)
{
	int r = sd_bus_message_new_method_call(bus->bus, message, BUS_NAME, object_path,
					       BUS_MODULE, "SendCommand");

	if (r >= 0)
		r = sd_bus_message_append_array(*message, 'y', command, size);
	return r < 0 ? r : sd_bus_message_append(*message, "a{sv}", 0);
}

int audiomodule_bus_command(struct audiomodule_bus *bus, const char *object_path,
			    const void *command, size_t command_size, void **answer,
			    size_t *answer_size)
{
	_cleanup_(cleanup_message) sd_bus_message *call = NULL, *reply = NULL;
	int r;

	*answer = NULL;
	*answer_size = 0;
	r = bus_command_call(bus, object_path, command, command_size, &call);
	if (r >= 0)
		r = bus_call(bus, call, &reply);
	return r < 0 ? r : bus_command_read(reply, answer, answer_size);
}
