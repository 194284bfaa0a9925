/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: the manager owns the connection to the bus, the watch for cards, the cards, and (through
 * their endpoints) the subscribers: everything that the daemon has hangs from it. It keeps no
 * state that outlives the process and no open sound device.
 */
#ifndef AUDIOMODULED_MANAGER_H
#define AUDIOMODULED_MANAGER_H

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "audiomodule.h"
#include "bus-names.h"
#include "cleanup.h"

/* Each subscription by signal holds one notification fd and 64 KiB. */
#define MAX_SUBSCRIPTIONS		512
#define MAX_SUBSCRIPTIONS_PER_CLIENT	64

struct access;
struct card;
struct clients;
struct commands;
struct idle;

struct manager {
	sd_event *event;
	sd_bus *bus;
	const char *directory;
	struct audiomodule_watch *watch;
	sd_event_source *watch_source;
	sd_event_source *scan_timer;
	unsigned int messages;		/* since subscribers had their turn */
	unsigned int attempts;		/* left for cards that are not ready yet */
	unsigned int pings;		/* that clients have not answered */
	size_t unread_fds;		/* on the bus, for all clients */
	struct card *cards;
	struct clients *clients;
	struct access *access;
	struct commands *commands;
	struct idle *idle;		/* NULL: stay when nobody is there */
	bool ending;			/* the daemon goes, the cards do not: tell nobody */
};

/* How to start. */
struct arguments {
	const char *bus;		/* "system", "session" or a D-Bus address */
	const char *directory;		/* of the sound devices */
	unsigned int exit_idle;		/* seconds; 0: never */
};

/* On failure the reason has been logged. */
int manager_new(const struct arguments *arguments, struct manager **manager);
struct manager *manager_free(struct manager *manager);

/* Look at the cards again, soon. */
void manager_schedule_scan(struct manager *manager);

#endif /* AUDIOMODULED_MANAGER_H */
