// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: a subscription is a notification fd and the bytes read ahead from it. One read() fetches as
 * many records as fit; the caller takes them one by one. Its position is behind the last record
 * that the caller took, so that a program can store it, end, and resume without a gap.
 *
 * Without a filter the journal is mapped, and read() is not called: map.c does what it does.
 */
#include <fcntl.h>
#include <string.h>

#include "card.h"
#include "cleanup.h"
#include "subscription.h"

/* Fits the largest record of this kernel; grows when a later one sends larger ones. */
#define BUFFER_SIZE	((size_t)64 << 10)
#define MAX_BUFFER_SIZE	((size_t)16 << 20)

DEFINE_CLEANUP(cleanup_subscription, struct audiomodule_subscription *,
	       audiomodule_subscription_free)

static void set_guid(__u8 to[16], bool wanted, const struct audiomodule_guid *from)
{
	if (wanted)
		memcpy(to, from->bytes, sizeof(from->bytes));
}

static int set_filter(struct snd_audio_module_filter *raw, const struct audiomodule_filter *filter)
{
	uint32_t match = filter->match;

	if (match & ~(AUDIOMODULE_MATCH_DEVICE_ID | AUDIOMODULE_MATCH_CLASS_ID |
		      AUDIOMODULE_MATCH_INSTANCE_ID | AUDIOMODULE_MATCH_NOTIFICATION_ID))
		return -EINVAL;
	raw->match = match;
	raw->instance_id = match & AUDIOMODULE_MATCH_INSTANCE_ID ? filter->instance_id : 0;
	set_guid(raw->device_id, match & AUDIOMODULE_MATCH_DEVICE_ID, &filter->device_id);
	set_guid(raw->class_id, match & AUDIOMODULE_MATCH_CLASS_ID, &filter->class_id);
	set_guid(raw->notification_id, match & AUDIOMODULE_MATCH_NOTIFICATION_ID,
		 &filter->notification_id);
	return 0;
}

static int set_begin(struct snd_audio_module_subscribe *request,
		     const struct audiomodule_begin *begin)
{
	if (begin->start > AUDIOMODULE_START_AFTER || begin->flags & ~AUDIOMODULE_SUBSCRIBE_INITIAL)
		return -EINVAL;
	request->start = begin->start;
	request->flags = begin->flags;
	if (begin->start == AUDIOMODULE_START_AFTER) {
		request->journal_id = begin->position.journal_id;
		request->sequence = begin->position.sequence;
	}
	return 0;
}

static int make_request(struct snd_audio_module_subscribe *request,
			const struct audiomodule_filter *filter,
			const struct audiomodule_begin *begin)
{
	int r;

	memset(request, 0, sizeof(*request));
	r = filter ? set_filter(&request->filter, filter) : 0;
	if (r < 0)
		return r;
	return begin ? set_begin(request, begin) : 0;
}

static void get_start(const struct snd_audio_module_subscribe *request,
		      struct audiomodule_position *start)
{
	start->journal_id = request->start_journal_id;
	start->sequence = request->start_sequence;
}

int audiomodule_subscribe_fd(struct audiomodule *handle, const struct audiomodule_filter *filter,
			     const struct audiomodule_begin *begin,
			     struct audiomodule_position *start)
{
	struct snd_audio_module_subscribe request;
	int r = make_request(&request, filter, begin);

	if (r < 0)
		return r;
	r = card_ioctl(handle->fd, SND_AUDIO_MODULE_IOCTL_SUBSCRIBE, &request);
	if (r < 0)
		return r;
	get_start(&request, start);
	return request.fd;
}

/*
 * A notification fd and a mapping of its journal. -EOPNOTSUPP: this kernel, or what is asked for,
 * allows none.
 */
static int subscribe_mapped(struct audiomodule *handle, const struct audiomodule_filter *filter,
			    const struct audiomodule_begin *begin,
			    struct audiomodule_position *start, struct map *map)
{
	struct snd_audio_module_subscribe request;
	_cleanup_(cleanup_fd) int fd = -1;
	int r = make_request(&request, filter, begin);

	if (r < 0)
		return r;
	if (!handle->can_map || request.filter.match || request.flags)
		return -EOPNOTSUPP;
	request.flags = SND_AUDIO_MODULE_SUBSCRIBE_MAP;
	r = card_ioctl(handle->fd, SND_AUDIO_MODULE_IOCTL_SUBSCRIBE, &request);
	if (r < 0)
		return r;
	fd = request.fd;
	get_start(&request, start);
	r = map_open(map, fd, request.start_position, request.start_sequence);
	return r < 0 ? -EOPNOTSUPP : steal_fd(&fd);
}

int audiomodule_subscribe(struct audiomodule *handle, const struct audiomodule_filter *filter,
			  const struct audiomodule_begin *begin,
			  struct audiomodule_subscription **subscription)
{
	struct audiomodule_position start;
	_cleanup_(map_close) struct map map = { .header = NULL };
	_cleanup_(cleanup_fd) int fd = -1;
	int r;

	*subscription = NULL;
	fd = subscribe_mapped(handle, filter, begin, &start, &map);
	if (fd == -EOPNOTSUPP)
		fd = audiomodule_subscribe_fd(handle, filter, begin, &start);
	if (fd < 0)
		return fd;
	r = audiomodule_subscription_from_fd(fd, &start, subscription);
	if (r < 0)
		return r;
	steal_fd(&fd);
	(*subscription)->map = map;
	map.header = NULL;
	return 0;
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int audiomodule_subscription_from_fd(int fd, const struct audiomodule_position *start,
				     struct audiomodule_subscription **subscription)
{
	_cleanup_(cleanup_subscription) struct audiomodule_subscription *new = NULL;
	int r;

	*subscription = NULL;
	r = set_nonblocking(fd);
	if (r < 0)
		return r;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->fd = -1;
	new->start = new->position = *start;
	new->buffer_size = BUFFER_SIZE;
	new->buffer = malloc(new->buffer_size);
	if (!new->buffer)
		return -ENOMEM;
	new->fd = fd;
	*subscription = steal_pointer(new);
	return 0;
}

struct audiomodule_subscription *
audiomodule_subscription_free(struct audiomodule_subscription *subscription)
{
	if (!subscription)
		return NULL;
	map_close(&subscription->map);
	cleanup_fd(&subscription->fd);
	free(subscription->buffer);
	free(subscription);
	return NULL;
}

int audiomodule_subscription_fd(const struct audiomodule_subscription *subscription)
{
	return subscription->fd;
}

void audiomodule_subscription_start(const struct audiomodule_subscription *subscription,
				    struct audiomodule_position *position)
{
	*position = subscription->start;
}

void audiomodule_subscription_position(const struct audiomodule_subscription *subscription,
				       struct audiomodule_position *position)
{
	*position = subscription->position;
}

/* The buffer is empty here: nothing has to be kept. */
static int grow(struct audiomodule_subscription *subscription)
{
	size_t size = subscription->buffer_size * 2;
	uint8_t *buffer;

	if (size > MAX_BUFFER_SIZE)
		return -EBADMSG;
	buffer = malloc(size);
	if (!buffer)
		return -ENOMEM;
	free(subscription->buffer);
	subscription->buffer = buffer;
	subscription->buffer_size = size;
	return 0;
}

/* As map_read(). */
static ssize_t read_fd(int fd, uint8_t *to, size_t size)
{
	ssize_t r;

	do {
		r = read(fd, to, size);
	} while (r < 0 && errno == EINTR);
	if (r > 0)
		return r;
	if (r == 0)
		return -ENODEV;
	return errno == EAGAIN ? 0 : -errno;
}

/* Returns 1: there are bytes; 0: none now; -ENODEV: end of file. */
static int fill(struct audiomodule_subscription *s)
{
	for (;;) {
		ssize_t size = s->map.header ?
			map_read(&s->map, s->fd, s->buffer, s->buffer_size) :
			read_fd(s->fd, s->buffer, s->buffer_size);
		int r;

		if (size > 0) {
			s->used = 0;
			s->filled = (size_t)size;
			return 1;
		}
		if (size != -EMSGSIZE)
			return (int)size;
		r = grow(s);
		if (r < 0)
			return r;
	}
}

static bool is_known(const struct audiomodule_record *record)
{
	return record->type == AUDIOMODULE_RECORD_NOTIFICATION ||
	       record->type == AUDIOMODULE_RECORD_LOST ||
	       record->type == AUDIOMODULE_RECORD_CHANGED ||
	       record->type == AUDIOMODULE_RECORD_REMOVED;
}

/* Takes the next record out of the buffer, which has bytes. */
static int take(struct audiomodule_subscription *subscription, struct audiomodule_record *record)
{
	int r = audiomodule_record_decode(subscription->buffer + subscription->used,
					  subscription->filled - subscription->used, record);

	if (r < 0)
		return r;
	subscription->used += (size_t)r;
	/* What INITIAL repeats is older than the position. */
	if (is_known(record) && record->sequence > subscription->position.sequence)
		subscription->position.sequence = record->sequence;
	return 0;
}

int audiomodule_subscription_next(struct audiomodule_subscription *subscription,
				  struct audiomodule_record *record)
{
	for (;;) {
		int r;

		if (subscription->used == subscription->filled) {
			r = fill(subscription);
			if (r <= 0)
				return r;
		}
		r = take(subscription, record);
		if (r < 0)
			return r;
		if (is_known(record))
			return 1;
	}
}
