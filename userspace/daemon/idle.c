// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: the end is orderly: first the name is given back, so that whoever calls from then on starts
 * a new daemon; what came in before that is answered; then the loop ends.
 */
#include <systemd/sd-daemon.h>

#include "client.h"
#include "idle.h"
#include "log.h"

struct idle {
	struct manager *manager;
	uint64_t delay;		/* microseconds */
	sd_bus_slot *release;
	sd_event_source *timer;
};

DEFINE_CLEANUP(cleanup_idle, struct idle *, idle_free)

static bool is_idle(const struct idle *idle)
{
	return !idle->manager->cards && !clients_are_there(idle->manager->clients);
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

int idle_new(struct manager *manager, unsigned int seconds, struct idle **idle)
{
	_cleanup_(cleanup_idle) struct idle *new = calloc(1, sizeof(*new));
	int r;

	if (!new)
		return -ENOMEM;
	new->manager = manager;
	new->delay = (uint64_t)seconds * 1000000;
	r = sd_event_add_time(manager->event, &new->timer, CLOCK_MONOTONIC, 0, 0, on_time, new);
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
	free(idle);
	return NULL;
}
