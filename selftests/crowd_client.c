// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: a client of the crowd, with libaudiomodule-bus, by signals or with the kernel's fd. It does
 * what any application would: open, subscribe, poll, take. That the daemon is killed meanwhile is
 * the library's business.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <audiomodule-bus.h>

#include "crowd.h"

static int trouble(struct client *client, const char *what, int err, const char *words)
{
	snprintf(client->trouble, sizeof(client->trouble), "%s: %s%s%s", what, strerror(-err),
		 *words ? ": " : "", words);
	return 1;
}

/* ------------------------------------------------------------------ what it was told */

static void mark(const struct crowd *crowd, struct client *client, uint64_t first, uint64_t last,
		 uint8_t what)
{
	uint64_t sequence;

	if (first <= client->start || last < first || last - client->start > crowd->most) {
		client->misplaced++;
		return;
	}
	client->misplaced += first <= client->last;
	for (sequence = first; sequence <= last; sequence++) {
		client->twice += client->what[sequence - client->start] != UNTOLD;
		client->what[sequence - client->start] = what;
	}
	if (last > client->last)
		client->last = last;
}

/* The hooks number what they send, and nobody else sends: that number is the sequence. */
static bool intact(const struct audiomodule_record *record)
{
	return record->tail_size == SENT_SIZE - sizeof(struct snd_audio_module_notification) &&
	       vendor_intact(record->tail, record->tail_size) &&
	       vendor_number(record->tail, record->tail_size) == record->sequence;
}

/* 0, or the exit status. */
static int take(const struct crowd *crowd, struct client *client,
		const struct audiomodule_record *record)
{
	switch (record->type) {
	case AUDIOMODULE_RECORD_NOTIFICATION:
		client->received++;
		client->corrupt += !intact(record);
		mark(crowd, client, record->sequence, record->sequence, RECEIVED);
		return 0;
	case AUDIOMODULE_RECORD_LOST:
		client->ranges++;
		client->lost += record->lost_last - record->lost_first + 1;
		mark(crowd, client, record->lost_first, record->lost_last, LOST);
		return 0;
	default:
		return trouble(client, "the subscription ended", -ENODEV, "");
	}
}

/* ------------------------------------------------------------------ how it is told */

/* Sleep until something comes: false at the end of all. */
static bool comes(const struct crowd *crowd, int fd, short events, int timeout)
{
	struct pollfd fds[] = { { fd, events, 0 }, { crowd->end[0], 0, 0 } };

	poll(fds, 2, timeout);
	return !(fds[1].revents & POLLHUP);
}

static int run_by_fd(const struct crowd *crowd, struct client *client,
		     struct audiomodule_subscription *subscription)
{
	struct audiomodule_position start;
	struct audiomodule_record record;
	int r;

	audiomodule_subscription_start(subscription, &start);
	client->start = client->last = start.sequence;
	client->ready = true;
	do {
		while ((r = audiomodule_subscription_next(subscription, &record)) == 1)
			if (take(crowd, client, &record))
				return 1;
		if (r < 0)
			return trouble(client, "record", r, "");
	} while (comes(crowd, audiomodule_subscription_fd(subscription), POLLIN, -1));
	return 0;
}

static int run_by_signals(const struct crowd *crowd, struct client *client,
			  struct audiomodule_bus *bus)
{
	struct audiomodule_bus_event event;
	int r;

	client->ready = true;
	do {
		while ((r = audiomodule_bus_next(bus, &event)) == 1) {
			client->returned += event.type == AUDIOMODULE_BUS_RETURNED;
			if (event.type == AUDIOMODULE_BUS_RECORD &&
			    take(crowd, client, &event.record))
				return 1;
		}
		if (r < 0)
			return trouble(client, "event", r, audiomodule_bus_error(bus));
	} while (comes(crowd, audiomodule_bus_fd(bus), audiomodule_bus_poll_events(bus),
		       audiomodule_bus_timeout(bus)));
	return 0;
}

static int subscribe_and_run(const struct crowd *crowd, struct client *client,
			     struct audiomodule_bus *bus)
{
	struct audiomodule_position start;
	int r = audiomodule_bus_subscribe(bus, crowd->endpoint, NULL, NULL, &start);

	if (r < 0)
		return trouble(client, "subscribe", r, audiomodule_bus_error(bus));
	client->start = client->last = start.sequence;
	return run_by_signals(crowd, client, bus);
}

static int acquire_and_run(const struct crowd *crowd, struct client *client,
			   struct audiomodule_bus *bus)
{
	struct audiomodule_subscription *subscription;
	int r = audiomodule_bus_acquire(bus, crowd->endpoint, NULL, NULL, &subscription);

	if (r < 0)
		return trouble(client, "acquire", r, audiomodule_bus_error(bus));
	r = run_by_fd(crowd, client, subscription);
	audiomodule_subscription_free(subscription);
	return r;
}

int client_run(const struct crowd *crowd, struct client *client)
{
	struct audiomodule_bus *bus;
	int r = audiomodule_bus_open(crowd->address, &bus);

	if (r < 0)
		return trouble(client, "bus", r, "");
	r = client->way == BY_FD ? acquire_and_run(crowd, client, bus) :
				   subscribe_and_run(crowd, client, bus);
	audiomodule_bus_close(bus);
	return r;
}
