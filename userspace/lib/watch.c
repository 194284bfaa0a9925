// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: cards come and go. inotify on the directory of the sound devices needs no udev and no
 * netlink. Its parent is watched too, because the directory exists only while there are cards, and
 * changes of attributes count, because a node appears before its permissions do.
 */
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>

#include "audiomodule.h"
#include "cleanup.h"

struct audiomodule_watch {
	int fd;
	int parent;		/* inotify's number for the parent, and */
	int nodes;		/* for the directory; -1: it does not exist */
	char *directory;
	char *name;		/* last component of directory */
};

static int add_nodes(struct audiomodule_watch *watch)
{
	int wd = inotify_add_watch(watch->fd, watch->directory,
				   IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR);

	watch->nodes = wd;
	return wd < 0 && errno != ENOENT ? -errno : 0;
}

static int add_parent(struct audiomodule_watch *watch)
{
	_cleanup_(cleanup_memory) char *copy = strdup(watch->directory);

	if (!copy)
		return -ENOMEM;
	watch->parent = inotify_add_watch(watch->fd, dirname(copy),
					  IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
	return watch->parent < 0 ? -errno : 0;
}

static int set_directory(struct audiomodule_watch *watch, const char *directory)
{
	_cleanup_(cleanup_memory) char *copy = NULL;

	watch->directory = strdup(directory ? directory : AUDIOMODULE_DIRECTORY);
	if (!watch->directory)
		return -ENOMEM;
	copy = strdup(watch->directory);
	if (!copy)
		return -ENOMEM;
	watch->name = strdup(basename(copy));
	return watch->name ? 0 : -ENOMEM;
}

struct audiomodule_watch *audiomodule_watch_free(struct audiomodule_watch *watch)
{
	if (!watch)
		return NULL;
	cleanup_fd(&watch->fd);
	free(watch->directory);
	free(watch->name);
	free(watch);
	return NULL;
}

DEFINE_CLEANUP(cleanup_watch, struct audiomodule_watch *, audiomodule_watch_free)

int audiomodule_watch_new(const char *directory, struct audiomodule_watch **watch)
{
	_cleanup_(cleanup_watch) struct audiomodule_watch *new = calloc(1, sizeof(*new));
	int r;

	*watch = NULL;
	if (!new)
		return -ENOMEM;
	new->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (new->fd < 0)
		return -errno;
	r = set_directory(new, directory);
	if (r < 0)
		return r;
	r = add_parent(new);
	if (r < 0)
		return r;
	r = add_nodes(new);
	if (r < 0)
		return r;
	*watch = steal_pointer(new);
	return 0;
}

int audiomodule_watch_fd(const struct audiomodule_watch *watch)
{
	return watch->fd;
}

static bool is_sound_node(const char *name)
{
	return strncmp(name, "hwC", 3) == 0 || strncmp(name, "controlC", 8) == 0;
}

/* Returns 1 when the event is about cards, 0 when not. */
static int process_event(struct audiomodule_watch *watch, const struct inotify_event *event)
{
	const char *name = event->len > 0 ? event->name : "";

	/* What was lost may be that the directory is there. */
	if (event->mask & IN_Q_OVERFLOW ||
	    (event->wd == watch->parent && strcmp(name, watch->name) == 0)) {
		int r = add_nodes(watch);

		return r < 0 ? r : 1;
	}
	if (event->wd != watch->nodes)
		return 0;
	if (event->mask & IN_IGNORED) {
		watch->nodes = -1;
		return 1;
	}
	return is_sound_node(name);
}

static int process_events(struct audiomodule_watch *watch, const char *bytes, size_t size)
{
	size_t offset = 0;
	int changed = 0;

	while (offset + sizeof(struct inotify_event) <= size) {
		const struct inotify_event *event = (const void *)(bytes + offset);
		int r = process_event(watch, event);

		if (r < 0)
			return r;
		changed |= r;
		offset += sizeof(*event) + event->len;
	}
	return changed;
}

int audiomodule_watch_process(struct audiomodule_watch *watch)
{
	_Alignas(struct inotify_event)
	char bytes[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	int changed = 0;

	for (;;) {
		ssize_t size = read(watch->fd, bytes, sizeof(bytes));
		int r;

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN ? changed : -errno;
		r = process_events(watch, bytes, (size_t)size);
		if (r < 0)
			return r;
		changed |= r;
	}
}
