/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: the clients: connections that have called and are still on the bus. A bus lets a connection
 * have only so many match rules, so one rule follows all names, and this list knows whose end
 * matters here: client.c tells all that keep something for a client when it leaves.
 */
#ifndef AUDIOMODULED_CLIENT_H
#define AUDIOMODULED_CLIENT_H

#include "manager.h"
#include "unread.h"

/* All clients. */
struct clients;

/**
 * struct client - a connection that called
 * @next: client in the same bucket
 * @manager: whose it is
 * @name: its unique name, which the bus never gives to another one
 * @presence: the question to the bus whether it is still there
 * @unread: what it was sent and has not read
 */
struct client {
	struct client *next;
	struct manager *manager;
	char *name;
	sd_bus_slot *presence;
	struct unread unread;
};

/* Before the daemon has its name: from then on nobody who calls can leave unnoticed. */
int clients_new(struct manager *manager, struct clients **clients);
struct clients *clients_free(struct clients *clients);

bool clients_are_there(const struct clients *clients);

void clients_for_each(const struct clients *clients, void (*call)(struct client *client));

/* Who made this call: it is known by the time that a method is called. */
struct client *client_of(const struct clients *clients, sd_bus_message *call);

#endif /* AUDIOMODULED_CLIENT_H */
