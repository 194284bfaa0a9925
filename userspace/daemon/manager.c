// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: start and the search for cards. Whatever inotify tells leads to the same thing: a little
 * later, look at all numbers, and take those cards that are not known yet. A card that is there
 * but not ready (its node is busy, or its permissions are still to come) is tried a few times.
 */
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "access.h"
#include "bus-open.h"
#include "card.h"
#include "client.h"
#include "command.h"
#include "idle.h"
#include "log-control.h"
#include "log.h"
#include "subscriber.h"

#define SCAN_DELAY	20000	/* microseconds: a card's nodes appear one after the other */
#define RETRY_DELAY	200000
#define ATTEMPTS	10
#define NAME_DELAY	20000
#define NAME_ATTEMPTS	50
#define MESSAGES	32	/* from the bus, until subscribers have a turn */

DEFINE_CLEANUP(cleanup_manager, struct manager *, manager_free)

/* ---- Cards ---- */

static void arm_scan(struct manager *manager, uint64_t delay)
{
	sd_event_source_set_time_relative(manager->scan_timer, delay);
	sd_event_source_set_enabled(manager->scan_timer, SD_EVENT_ONESHOT);
}

void manager_schedule_scan(struct manager *manager)
{
	manager->attempts = ATTEMPTS;
	arm_scan(manager, SCAN_DELAY);
}

static bool is_final(int error)
{
	return error == -EALREADY || error == -ENXIO || error == -EPROTONOSUPPORT;
}

/* Returns true when the card should be tried again. */
static bool try_card(struct manager *manager, unsigned int number)
{
	int r = card_add(manager, number);

	if (r >= 0)
		return false;
	if (r == -EPROTONOSUPPORT)
		log_error("Card %u speaks another version of the interface; update audiomoduled",
			  number);
	if (is_final(r))
		return false;
	if (manager->attempts > 0)
		return true;
	log_warning("Cannot use card %u: %s%s", number, strerror(-r),
		    r == -EACCES ? "; audiomoduled must run as root or in the group audio" : "");
	return false;
}

static void scan(struct manager *manager)
{
	_cleanup_(cleanup_memory) unsigned int *cards = NULL;
	bool again = false;
	size_t count;
	int r = audiomodule_cards(manager->directory, &cards, &count);

	if (manager->attempts > 0)
		manager->attempts--;
	if (r < 0)
		log_warning("Cannot read %s: %s", manager->directory, strerror(-r));
	for (size_t i = 0; i < count; i++)
		again |= try_card(manager, cards[i]);
	if (again)
		arm_scan(manager, RETRY_DELAY);
}

static int on_scan(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	scan(context);
	return 0;
}

static int on_watch(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct manager *manager = context;
	int r = audiomodule_watch_process(manager->watch);

	(void)source;
	(void)fd;
	(void)events;
	if (r < 0) {
		log_error("Cannot watch %s: %s", manager->directory, strerror(-r));
		return r;
	}
	if (r > 0)
		manager_schedule_scan(manager);
	return 0;
}

static int start_watch(struct manager *manager)
{
	int r = audiomodule_watch_new(manager->directory, &manager->watch);

	if (r < 0) {
		log_error("Cannot watch %s: %s", manager->directory, strerror(-r));
		return r;
	}
	r = sd_event_add_io(manager->event, &manager->watch_source,
			    audiomodule_watch_fd(manager->watch), EPOLLIN, on_watch, manager);
	if (r < 0)
		return r;
	r = sd_event_add_time(manager->event, &manager->scan_timer, CLOCK_MONOTONIC, 0, 5000,
			      on_scan, manager);
	if (r < 0)
		return r;
	sd_event_source_set_enabled(manager->scan_timer, SD_EVENT_OFF);
	manager->attempts = ATTEMPTS;
	scan(manager);
	return 0;
}

/* ---- The bus ---- */

/*
 * What comes from the bus is handled first, so that a flood of notifications delays no request. But
 * a client that never stops asking must not keep the signals from all the others.
 */
static int on_message(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct manager *manager = context;

	(void)message;
	(void)error;
	if (++manager->messages >= MESSAGES) {
		manager->messages = 0;
		subscribers_take_turn(manager);
	}
	return 0;
}

static int start_bus(struct manager *manager, const char *address)
{
	int r = bus_open(address, &manager->bus);

	if (r >= 0)
		r = unread_begin(manager->bus);
	if (r >= 0)
		r = sd_bus_attach_event(manager->bus, manager->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_add_filter(manager->bus, NULL, on_message, manager);
	if (r >= 0)
		r = sd_bus_set_exit_on_disconnect(manager->bus, 1);
	if (r >= 0)
		r = sd_bus_add_object_manager(manager->bus, NULL, BUS_ROOT);
	if (r >= 0)
		r = log_control_register(manager->bus);
	if (r < 0)
		log_error("Cannot use the bus \"%s\": %s; is dbus-daemon running?", address,
			  strerror(-r));
	return r;
}

/* The name of a daemon that has just died is its own until the bus has seen that. */
static int request_free_name(struct manager *manager)
{
	int r = sd_bus_request_name(manager->bus, BUS_NAME, 0);

	for (int i = 1; r == -EEXIST && i < NAME_ATTEMPTS; i++) {
		usleep(NAME_DELAY);
		r = sd_bus_request_name(manager->bus, BUS_NAME, 0);
	}
	return r;
}

/* Last: who sees the name sees all cards that are there. */
static int request_name(struct manager *manager)
{
	int r = request_free_name(manager);

	if (r == -EEXIST)
		log_error("Cannot own %s: another audiomoduled runs on this bus", BUS_NAME);
	else if (r == -EACCES || r == -EPERM)
		log_error("Cannot own %s: the bus does not allow it; install "
			  "org.audiomodule1.conf and run as root or audiomodule", BUS_NAME);
	else if (r < 0)
		log_error("Cannot own %s: %s", BUS_NAME, strerror(-r));
	return r;
}

static int add_signals(struct manager *manager)
{
	int r = sd_event_add_signal(manager->event, NULL, SIGTERM, NULL, NULL);

	return r < 0 ? r : sd_event_add_signal(manager->event, NULL, SIGINT, NULL, NULL);
}

/* What waits on behalf of clients. */
static int start_services(struct manager *manager, unsigned int exit_idle)
{
	int r = clients_new(manager, &manager->clients);

	if (r >= 0)
		r = access_new(manager, &manager->access);
	if (r >= 0)
		r = commands_new(manager, &manager->commands);
	if (r >= 0 && exit_idle > 0)
		r = idle_new(manager, exit_idle, &manager->idle);
	if (r < 0)
		log_error("Cannot prepare for clients: %s", strerror(-r));
	return r;
}

int manager_new(const struct arguments *arguments, struct manager **manager)
{
	_cleanup_(cleanup_manager) struct manager *new = calloc(1, sizeof(*new));
	int r;

	*manager = NULL;
	if (!new)
		return -ENOMEM;
	new->directory = arguments->directory;
	r = sd_event_new(&new->event);
	if (r >= 0)
		r = add_signals(new);
	if (r < 0) {
		log_error("Cannot make an event loop: %s", strerror(-r));
		return r;
	}
	r = start_bus(new, arguments->bus);
	if (r < 0)
		return r;
	r = start_services(new, arguments->exit_idle);
	if (r < 0)
		return r;
	r = start_watch(new);
	if (r < 0)
		return r;
	r = request_name(new);
	if (r < 0)
		return r;
	*manager = steal_pointer(new);
	return 0;
}

struct manager *manager_free(struct manager *manager)
{
	if (!manager)
		return NULL;
	manager->ending = true;
	while (manager->cards)
		card_free(manager->cards);
	idle_free(manager->idle);
	commands_free(manager->commands);
	access_free(manager->access);
	clients_free(manager->clients);
	sd_event_source_disable_unref(manager->scan_timer);
	sd_event_source_disable_unref(manager->watch_source);
	audiomodule_watch_free(manager->watch);
	sd_bus_flush_close_unref(manager->bus);
	sd_event_unref(manager->event);
	free(manager);
	return NULL;
}
