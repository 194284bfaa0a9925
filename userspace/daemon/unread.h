/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what a client was sent and has not read yet. Until it does, the bus keeps that for it, and
 * counts it as the daemon's; so here is counted how much it is, and asked whether it was read. A
 * bus that keeps too many fds of one sender (max_incoming_unix_fds: 64) reads nothing more of it.
 */
#ifndef AUDIOMODULED_UNREAD_H
#define AUDIOMODULED_UNREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-bus.h>

struct client;

struct load {
	size_t signals;
	size_t bytes;
	size_t fds;
};

/**
 * struct unread - of one client
 * @sent: what it has not acknowledged
 * @asked: of that, what was sent before the Ping
 * @ping: the Ping that it has not answered; NULL: there is none
 */
struct unread {
	struct load sent;
	struct load asked;
	sd_bus_slot *ping;
};

/* As soon as there is a bus: nobody can answer a Ping then that it has not read. */
int unread_begin(sd_bus *bus);

/* Has it as much as it may have? */
bool unread_is_full(const struct client *client);

/* It was sent a signal. */
void unread_add_signal(struct client *client, size_t bytes);

/* May it be sent a fd? Returns 0, or what says in *error why not. */
int unread_check_fd(struct client *client, sd_bus_error *error);

/* It was sent one. */
void unread_add_fd(struct client *client);

/*
 * Asks whether it has read, unless it is being asked; then, or when it cannot be asked after all,
 * comes subscribers_go_on(). Returns false when it cannot be asked now.
 */
bool unread_ask(struct client *client);

/* It has left the bus, which throws all that away. */
void unread_forget(struct client *client);

#endif /* AUDIOMODULED_UNREAD_H */
