// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: has a client read? It has what was sent before a Ping that it answered: messages are kept in
 * order, and every D-Bus library answers org.freedesktop.DBus.Peer.Ping by itself. Any answer of
 * the client's counts, errors included. What the bus or sd-bus answers in its place does not: that
 * the daemon waits for too many replies (LimitsExceeded), that no answer comes (NoReply).
 *
 * A Ping waits for as long as its client does not read, as the bus does, where it is one of the few
 * replies that a connection may wait for (max_replies_per_connection: 128 on the system bus). Hence
 * one Ping for a client, whatever it was sent, and MAX_PINGS for all, so that there is room for
 * what polkit is asked.
 */
#include <string.h>

#include "client.h"
#include "log.h"
#include "subscriber.h"
#include "unread.h"

/*
 * While the bus has 127 MiB of the daemon's (max_incoming_bytes) it reads nothing more of it. The
 * windows of MAX_SUBSCRIPTIONS clients, each with the signal that made it full, are 96 MiB.
 */
#define WINDOW_SIGNALS	4096
#define WINDOW_BYTES	((size_t)128 << 10)
#define MAX_PINGS	64

/* Less than a bus' max_incoming_unix_fds, where it keeps to its default of 64. */
#define MAX_FDS			48
#define MAX_FDS_PER_CLIENT	16

DEFINE_CLEANUP(cleanup_message, sd_bus_message *, sd_bus_message_unref)

bool unread_is_full(const struct client *client)
{
	const struct load *sent = &client->unread.sent;

	return sent->signals >= WINDOW_SIGNALS || sent->bytes >= WINDOW_BYTES;
}

/* Before it is full, so that a client that reads need not wait; fds are few, so after each. */
static void ask_if_needed(struct client *client)
{
	const struct load *sent = &client->unread.sent;

	if (sent->signals >= WINDOW_SIGNALS / 2 || sent->bytes >= WINDOW_BYTES / 2 || sent->fds > 0)
		unread_ask(client);
}

static void subtract(struct client *client, struct load read)
{
	struct load *sent = &client->unread.sent;

	sent->signals -= read.signals;
	sent->bytes -= read.bytes;
	sent->fds -= read.fds;
	client->manager->unread_fds -= read.fds;
}

static void end_ping(struct client *client)
{
	if (client->unread.ping)
		client->manager->pings--;
	client->unread.ping = sd_bus_slot_unref(client->unread.ping);
}

static int on_answer(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	struct client *client = context;
	const char *sender = sd_bus_message_get_sender(reply);

	(void)error;
	end_ping(client);
	if (sender && strcmp(sender, client->name) == 0) {
		subtract(client, client->unread.asked);
		ask_if_needed(client);
	} else if (sd_bus_message_is_method_error(reply, NULL)) {
		log_debug("Cannot ask %s whether it reads: %s", client->name,
			  sd_bus_message_get_error(reply)->message);
	}
	subscribers_go_on(client);
	return 0;
}

static int send_ping(struct client *client)
{
	_cleanup_(cleanup_message) sd_bus_message *ping = NULL;
	sd_bus *bus = client->manager->bus;
	int r = sd_bus_message_new_method_call(bus, &ping, client->name, "/",
					       "org.freedesktop.DBus.Peer", "Ping");

	return r < 0 ? r : sd_bus_call_async(bus, &client->unread.ping, ping, on_answer, client,
					     UINT64_MAX);
}

bool unread_ask(struct client *client)
{
	struct unread *unread = &client->unread;
	int r;

	if (unread->ping)
		return true;
	if (client->manager->pings >= MAX_PINGS)
		return false;
	unread->asked = unread->sent;
	r = send_ping(client);
	if (r < 0) {
		log_warning("Cannot ask %s whether it reads: %s", client->name, strerror(-r));
		return false;
	}
	client->manager->pings++;
	return true;
}

void unread_add_signal(struct client *client, size_t bytes)
{
	client->unread.sent.signals++;
	client->unread.sent.bytes += bytes;
	ask_if_needed(client);
}

/* One that could not be asked then can perhaps be now. */
int unread_check_fd(struct client *client, sd_bus_error *error)
{
	const size_t own = client->unread.sent.fds, all = client->manager->unread_fds;

	ask_if_needed(client);
	if (own >= MAX_FDS_PER_CLIENT)
		return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY_CALLS,
					 "You have %zu fds on the bus that you have not read; read "
					 "these answers, and the Ping behind them", own);
	if (all >= MAX_FDS)
		return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY_CALLS,
					 "All clients together have %zu fds on the bus that they "
					 "have not read; call again later", all);
	return 0;
}

void unread_add_fd(struct client *client)
{
	client->unread.sent.fds++;
	client->manager->unread_fds++;
	ask_if_needed(client);
}

void unread_forget(struct client *client)
{
	subtract(client, client->unread.sent);
	end_ping(client);
}
