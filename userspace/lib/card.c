// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: finding and opening cards. A card tells through its control device which hwdep devices it
 * has; so no foreign hwdep device, which may be in exclusive use (firmware loaders), is ever
 * opened to find out whose it is.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <sound/asound.h>

#include "card.h"
#include "cleanup.h"
#include "text.h"

static const char *directory_or_default(const char *directory)
{
	return directory ? directory : AUDIOMODULE_DIRECTORY;
}

static int open_node(const char *directory, const char *name, int access)
{
	_cleanup_(cleanup_memory) char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/%s", directory_or_default(directory), name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	/* O_NONBLOCK: a device in exclusive use answers EBUSY instead of making us wait. */
	fd = open(path, access | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* The number of the card's hwdep device with our id, -ENXIO when it has none. */
static int find_hwdep(int control)
{
	struct snd_hwdep_info info;
	int device = -1;

	for (;;) {
		int r = card_ioctl(control, SNDRV_CTL_IOCTL_HWDEP_NEXT_DEVICE, &device);

		if (r < 0)
			return r;
		if (device < 0)
			return -ENXIO;
		memset(&info, 0, sizeof(info));
		info.device = (unsigned int)device;
		r = card_ioctl(control, SNDRV_CTL_IOCTL_HWDEP_INFO, &info);
		if (r == 0 && strncmp((const char *)info.id, SND_AUDIO_MODULE_HWDEP_ID,
				      sizeof(info.id)) == 0)
			return device;
	}
}

static int check_version(struct audiomodule *handle)
{
	struct audiomodule_info info;
	int r = audiomodule_info(handle, &info);

	if (r < 0)
		return r;
	if (info.abi_version >> 16 != SND_AUDIO_MODULE_ABI_VERSION >> 16)
		return -EPROTONOSUPPORT;
	handle->can_map = info.features & SND_AUDIO_MODULE_FEATURE_MAP;
	return 0;
}

DEFINE_CLEANUP(cleanup_card, struct audiomodule *, audiomodule_close)

/* access: of the hwdep device; the control device is only asked. */
static int open_card(const char *directory, unsigned int card, int access,
		     struct audiomodule **handle)
{
	_cleanup_(cleanup_card) struct audiomodule *new = NULL;
	_cleanup_(cleanup_fd) int control = -1;
	struct snd_ctl_card_info info;
	char name[32];
	int r;

	*handle = NULL;
	snprintf(name, sizeof(name), "controlC%u", card);
	control = open_node(directory, name, O_RDONLY);
	if (control < 0)
		return control;
	memset(&info, 0, sizeof(info));
	r = card_ioctl(control, SNDRV_CTL_IOCTL_CARD_INFO, &info);
	if (r < 0)
		return r;
	r = find_hwdep(control);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "hwC%uD%d", card, r);
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->card = card;
	text_clean(new->id, sizeof(new->id), (const char *)info.id, sizeof(info.id));
	new->fd = open_node(directory, name, access);
	if (new->fd < 0)
		return new->fd;
	r = check_version(new);
	if (r < 0)
		return r;
	*handle = steal_pointer(new);
	return 0;
}

int audiomodule_open(const char *directory, unsigned int card, struct audiomodule **handle)
{
	return open_card(directory, card, O_RDONLY, handle);
}

int audiomodule_open_for_commands(const char *directory, unsigned int card,
				  struct audiomodule **handle)
{
	return open_card(directory, card, O_RDWR, handle);
}

int card_open_again(const char *directory, const struct audiomodule_endpoint *endpoint,
		    bool for_commands, struct audiomodule **handle)
{
	_cleanup_(cleanup_card) struct audiomodule *new = NULL;
	struct audiomodule_info info;
	int r = open_card(directory, endpoint->card, for_commands ? O_RDWR : O_RDONLY, &new);

	*handle = NULL;
	if (r >= 0)
		r = audiomodule_info(new, &info);
	if (r < 0)
		return r == -ENOENT || r == -ENXIO ? -ENODEV : r;
	if (info.journal_id != endpoint->journal_id)
		return -ENODEV;
	*handle = steal_pointer(new);
	return 0;
}

struct audiomodule *audiomodule_close(struct audiomodule *handle)
{
	if (!handle)
		return NULL;
	cleanup_fd(&handle->fd);
	free(handle);
	return NULL;
}

int audiomodule_info(struct audiomodule *handle, struct audiomodule_info *info)
{
	struct snd_audio_module_info raw;
	int r;

	_Static_assert(sizeof(info->counters) == sizeof(raw.counters), "all counters fit");
	memset(&raw, 0, sizeof(raw));
	r = card_ioctl(handle->fd, SND_AUDIO_MODULE_IOCTL_INFO, &raw);
	if (r < 0)
		return r;
	*info = (struct audiomodule_info) {
		.abi_version = raw.abi_version,
		.card = raw.card,
		.features = raw.features,
		.journal_id = raw.journal_id,
		.generation = raw.generation,
		.journal_size = raw.journal_size,
		.oldest_sequence = raw.oldest_sequence,
		.newest_sequence = raw.newest_sequence,
	};
	memcpy(info->counters, raw.counters, sizeof(info->counters));
	return 0;
}

const char *audiomodule_counter_name(unsigned int counter)
{
	static const char *const names[SND_AUDIO_MODULE_COUNTERS] = {
		[SND_AUDIO_MODULE_COUNTER_ACCEPTED] = "accepted",
		[SND_AUDIO_MODULE_COUNTER_BUSY] = "dropped_busy",
		[SND_AUDIO_MODULE_COUNTER_REMOVED] = "dropped_removed",
		[SND_AUDIO_MODULE_COUNTER_SHORT] = "dropped_short",
		[SND_AUDIO_MODULE_COUNTER_LONG] = "dropped_long",
		[SND_AUDIO_MODULE_COUNTER_ID] = "dropped_id",
		[SND_AUDIO_MODULE_COUNTER_CONTEXT] = "dropped_context",
		[SND_AUDIO_MODULE_COUNTER_BUFFER] = "dropped_buffer",
		[SND_AUDIO_MODULE_COUNTER_ALLOC_POOL_TYPE] = "alloc_pool_type",
		[SND_AUDIO_MODULE_COUNTER_ALLOC_SIZE] = "alloc_size",
		[SND_AUDIO_MODULE_COUNTER_ALLOC_CONTEXT] = "alloc_context",
		[SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY] = "alloc_memory",
		[SND_AUDIO_MODULE_COUNTER_FREE_BUFFER] = "free_buffer",
		[SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT] = "free_context",
		[SND_AUDIO_MODULE_COUNTER_LEFT_BEHIND] = "left_behind",
	};

	return counter < SND_AUDIO_MODULE_COUNTERS ? names[counter] : NULL;
}

static int compare_cards(const void *a, const void *b)
{
	unsigned int left = *(const unsigned int *)a, right = *(const unsigned int *)b;

	return (left > right) - (left < right);
}

int audiomodule_cards(const char *directory, unsigned int **cards, size_t *count)
{
	_cleanup_(cleanup_directory) DIR *dir = opendir(directory_or_default(directory));
	_cleanup_(cleanup_memory) unsigned int *found = NULL;
	struct dirent *entry;
	size_t used = 0;

	*cards = NULL;
	*count = 0;
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		unsigned int card, *grown;
		int end = 0;

		if (sscanf(entry->d_name, "controlC%3u%n", &card, &end) != 1 || entry->d_name[end])
			continue;
		grown = reallocarray(found, used + 1, sizeof(*found));
		if (!grown)
			return -ENOMEM;
		found = grown;
		found[used++] = card;
	}
	if (used > 0)
		qsort(found, used, sizeof(*found), compare_cards);
	*cards = steal_pointer(found);
	*count = used;
	return 0;
}
