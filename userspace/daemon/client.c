// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: who calls is put into the list before his call reaches its method, and taken out when the
 * bus says that his name has no owner any more. Both come in the order in which the bus sent them.
 * A call that waited for authorization comes a second time, which may be behind the news that its
 * client left; so the bus is asked, once for each client that is new here, whether it is there.
 */
#include <string.h>

#include "access.h"
#include "client.h"
#include "command.h"
#include "idle.h"
#include "log.h"
#include "subscriber.h"

#define BUCKETS		256

/* Names that vanish: their new owner is empty. */
#define LEAVING "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus'," \
	"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''"

struct clients {
	struct manager *manager;
	sd_bus_slot *leaving;
	sd_bus_slot *calls;
	unsigned int count;
	struct client *buckets[BUCKETS];
};

DEFINE_CLEANUP(cleanup_clients, struct clients *, clients_free)

/* ---- The list ---- */

/* The bus numbers its connections: the last digits tell those apart that are there. */
static unsigned int bucket_of(const char *name)
{
	unsigned int number = 0;

	for (; *name; name++)
		number = number * 10 + (unsigned char)*name;
	return number % BUCKETS;
}

static struct client *find(const struct clients *clients, const char *name)
{
	struct client *client = clients->buckets[bucket_of(name)];

	while (client && strcmp(client->name, name) != 0)
		client = client->next;
	return client;
}

static void client_free(struct client *client)
{
	struct clients *clients = client->manager->clients;
	struct client **link = &clients->buckets[bucket_of(client->name)];

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	clients->count--;
	unread_forget(client);
	sd_bus_slot_unref(client->presence);
	free(client->name);
	free(client);
}

/* ---- Leaving ---- */

static void client_leaves(struct client *client)
{
	const struct manager *manager = client->manager;

	subscribers_forget(client);
	access_forget_client(manager->access, client->name);
	commands_forget_client(manager->commands, client->name);
	client_free(client);
	idle_check(manager->idle);
}

static int on_leaving(sd_bus_message *signal, void *context, sd_bus_error *error)
{
	const struct clients *clients = context;
	struct client *client;
	const char *name;

	(void)error;
	if (sd_bus_message_read(signal, "s", &name) < 0)
		return 0;
	client = find(clients, name);
	if (client)
		client_leaves(client);
	return 0;
}

/* The rule is there before the daemon has its name, as the bus takes messages in their order. */
static int on_followed(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	const struct clients *clients = context;

	(void)error;
	if (!sd_bus_message_is_method_error(reply, NULL))
		return 0;
	log_error("Cannot follow who leaves the bus: %s", sd_bus_message_get_error(reply)->message);
	return sd_event_exit(clients->manager->event, -sd_bus_message_get_errno(reply));
}

static int on_presence(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	struct client *client = context;
	int is_there;

	(void)error;
	client->presence = sd_bus_slot_unref(client->presence);
	if (sd_bus_message_read(reply, "b", &is_there) >= 0 && !is_there)
		client_leaves(client);
	return 0;
}

/* ---- Coming ---- */

static int ask_presence(struct client *client)
{
	return sd_bus_call_method_async(client->manager->bus, &client->presence,
					"org.freedesktop.DBus", "/org/freedesktop/DBus",
					"org.freedesktop.DBus", "NameHasOwner", on_presence,
					client, "s", client->name);
}

static int client_new(struct clients *clients, const char *name)
{
	struct client *new = calloc(1, sizeof(*new));
	struct client **bucket = &clients->buckets[bucket_of(name)];
	int r;

	if (!new)
		return -ENOMEM;
	new->name = strdup(name);
	if (!new->name) {
		free(new);
		return -ENOMEM;
	}
	new->manager = clients->manager;
	new->next = *bucket;
	*bucket = new;
	clients->count++;
	r = ask_presence(new);
	if (r < 0)
		client_free(new);
	return r;
}

/* Sees every message before its method does; what fails here is the answer to the call. */
static int on_message(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct clients *clients = context;
	const char *name = sd_bus_message_get_sender(message);
	int r;

	(void)error;
	if (!name || !sd_bus_message_is_method_call(message, NULL, NULL) || find(clients, name))
		return 0;
	r = client_new(clients, name);
	if (r < 0) {
		log_warning("Cannot follow the client %s: %s", name, strerror(-r));
		return r;
	}
	idle_check(clients->manager->idle);
	return 0;
}

/* ---- For others ---- */

bool clients_are_there(const struct clients *clients)
{
	return clients->count > 0;
}

void clients_for_each(const struct clients *clients, void (*call)(struct client *client))
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct client *client = clients->buckets[i]; client; client = client->next)
			call(client);
}

struct client *client_of(const struct clients *clients, sd_bus_message *call)
{
	return find(clients, sd_bus_message_get_sender(call));
}

int clients_new(struct manager *manager, struct clients **clients)
{
	_cleanup_(cleanup_clients) struct clients *new = calloc(1, sizeof(*new));
	int r;

	if (!new)
		return -ENOMEM;
	new->manager = manager;
	r = sd_bus_add_match_async(manager->bus, &new->leaving, LEAVING, on_leaving, on_followed,
				   new);
	if (r >= 0)
		r = sd_bus_add_filter(manager->bus, &new->calls, on_message, new);
	if (r < 0)
		return r;
	*clients = steal_pointer(new);
	return 0;
}

struct clients *clients_free(struct clients *clients)
{
	if (!clients)
		return NULL;
	sd_bus_slot_unref(clients->calls);
	sd_bus_slot_unref(clients->leaving);
	for (size_t i = 0; i < BUCKETS; i++)
		while (clients->buckets[i])
			client_free(clients->buckets[i]);
	free(clients);
	return NULL;
}
