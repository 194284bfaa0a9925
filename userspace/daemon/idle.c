// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: clients are noticed by their first call and tracked until they leave the bus. The end is
 * orderly: first the name is given back, so that whoever calls from then on starts a new daemon;
 * what came in before that is answered; then the loop ends.
 */
#include <string.h>
#include <systemd/sd-daemon.h>

#include "idle.h"
#include "log.h"

struct idle {
	struct manager *manager;
	uint64_t delay;		/* microseconds */
	sd_bus_track *clients;
	sd_bus_slot *filter;
	sd_bus_slot *release;
	sd_event_source *timer;
};

DEFINE_CLEANUP(cleanup_idle, struct idle *, idle_free)

static bool is_idle(const struct idle *idle)
{
	return !idle->manager->cards && sd_bus_track_count(idle->clients) == 0;
}

void idle_check(struct idle *idle)
{
	if (!idle || !idle->timer)
		return;
	if (!is_idle(idle)) {
		sd_event_source_set_enabled(idle->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time_relative(idle->timer, idle->delay);
	sd_event_source_set_enabled(idle->timer, SD_EVENT_ONESHOT);
}

static int on_released(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	struct idle *idle = context;

	(void)reply;
	(void)error;
	return sd_event_exit(idle->manager->event, 0);
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
	struct idle *idle = context;
	int r;

	(void)source;
	(void)usec;
	if (!is_idle(idle))
		return 0;
	log_info("No card and no client is there: ending");
	sd_notify(0, "STOPPING=1");
	r = sd_bus_release_name_async(idle->manager->bus, &idle->release, BUS_NAME, on_released,
				      idle);
	return r < 0 ? sd_event_exit(idle->manager->event, 0) : 0;
}

static int on_client_left(sd_bus_track *track, void *context)
{
	(void)track;
	idle_check(context);
	return 1;	/* 0 would have it called again at once */
}

/* Sees every message before its method does. */
static int on_message(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct idle *idle = context;
	const char *client = sd_bus_message_get_sender(message);
	int r;

	(void)error;
	if (!sd_bus_message_is_method_call(message, NULL, NULL) || !client ||
	    sd_bus_track_contains(idle->clients, client))
		return 0;
	r = sd_bus_track_add_name(idle->clients, client);
	if (r < 0 && r != -ENXIO)	/* -ENXIO: it has left already */
		log_warning("Cannot follow the client %s: %s", client, strerror(-r));
	idle_check(idle);
	return 0;
}

int idle_new(struct manager *manager, unsigned int seconds, struct idle **idle)
{
	_cleanup_(cleanup_idle) struct idle *new = calloc(1, sizeof(*new));
	int r;

	if (!new)
		return -ENOMEM;
	new->manager = manager;
	new->delay = (uint64_t)seconds * 1000000;
	r = sd_bus_track_new(manager->bus, &new->clients, on_client_left, new);
	if (r >= 0)
		r = sd_bus_add_filter(manager->bus, &new->filter, on_message, new);
	if (r >= 0)
		r = sd_event_add_time(manager->event, &new->timer, CLOCK_MONOTONIC, 0, 0, on_time,
				      new);
	if (r < 0)
		return r;
	idle_check(new);
	*idle = steal_pointer(new);
	return 0;
}

struct idle *idle_free(struct idle *idle)
{
	if (!idle)
		return NULL;
	sd_event_source_disable_unref(idle->timer);
	sd_bus_slot_unref(idle->release);
	sd_bus_slot_unref(idle->filter);
	sd_bus_track_unref(idle->clients);
	free(idle);
	return NULL;
}
