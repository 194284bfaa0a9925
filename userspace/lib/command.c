// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: a command, sent in Windows' two calls: the first has no room for an answer. So a caller here
 * needs no buffer of 64000 bytes for an answer of four, and a module that was written for Windows
 * is asked as it was there.
 */
#include <string.h>

#include "card.h"
#include "cleanup.h"

#define MAX_ATTEMPTS	16

_Static_assert(AUDIOMODULE_MAX_COMMAND_SIZE == SND_AUDIO_MODULE_MAX_COMMAND_SIZE,
	       "the kernel's limit");

static struct snd_audio_module_command make_request(const struct audiomodule_module *module,
						    const void *command, size_t command_size)
{
	struct snd_audio_module_command request = {
		.instance_id = module->instance_id,
		.verb = SND_AUDIO_MODULE_VERB_GET,
		.pcm_device = module->pcm_device,
		.pcm_subdevice = module->pcm_subdevice,
		.in = (uintptr_t)command,
		.in_size = (uint32_t)command_size,
	};

	memcpy(request.device_id, module->endpoint->device_id.bytes, sizeof(request.device_id));
	memcpy(request.class_id, module->class_id.bytes, sizeof(request.class_id));
	return request;
}

/*
 * Not card_ioctl(): no signal ends what the kernel does here, so EINTR is the module's word, which
 * may be the same each time.
 */
static int send_once(int fd, struct snd_audio_module_command *request)
{
	return ioctl(fd, SND_AUDIO_MODULE_IOCTL_COMMAND, request) < 0 ? -errno : 0;
}

/* 1: it was executed, and there is no answer. 0: it was not; *size is the answer's. */
static int send_without_room(int fd, struct snd_audio_module_command request, size_t *size)
{
	int r = send_once(fd, &request);

	if (r != -EOVERFLOW)
		return r < 0 ? r : 1;
	*size = request.out_size;
	return *size > 0 && *size <= AUDIOMODULE_MAX_COMMAND_SIZE ? 0 : -EPROTO;
}

/* -ENOBUFS: the answer is longer by now. */
static int send_with_room(int fd, struct snd_audio_module_command request, size_t room,
			  void **answer, size_t *size)
{
	_cleanup_(cleanup_memory) void *bytes = calloc(1, room);
	int r;

	if (!bytes)
		return -ENOMEM;
	request.out = (uintptr_t)bytes;
	request.out_size = (uint32_t)room;
	r = send_once(fd, &request);
	if (r < 0)
		return r;
	if (request.out_size > room)
		return -EPROTO;
	*size = request.out_size;
	*answer = *size > 0 ? steal_pointer(bytes) : NULL;
	return 0;
}

int audiomodule_command(struct audiomodule *handle, const struct audiomodule_module *module,
			const void *command, size_t command_size, void **answer,
			size_t *answer_size)
{
	struct snd_audio_module_command request;

	*answer = NULL;
	*answer_size = 0;
	if (command_size > AUDIOMODULE_MAX_COMMAND_SIZE)
		return -EINVAL;
	request = make_request(module, command, command_size);
	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
		size_t room;
		int r = send_without_room(handle->fd, request, &room);

		if (r != 0)
			return r < 0 ? r : 0;
		r = send_with_room(handle->fd, request, room, answer, answer_size);
		if (r != -ENOBUFS)
			return r;
	}
	return -EAGAIN;
}
