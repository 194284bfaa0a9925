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
 *
 * An answer names the serial of its Ping and nothing else, and sd-bus numbers what it sends from 1:
 * who had read one message could answer a Ping that is still to come. So a Ping's serial is a
 * random one of the lower half of all, and everything else has one of the upper half.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

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

#define UPPER_SERIALS	(UINT32_C(1) << 31)

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

static int new_ping(sd_bus *bus, const char *name, sd_bus_message **ping)
{
	return sd_bus_message_new_method_call(bus, ping, name, "/", "org.freedesktop.DBus.Peer",
					      "Ping");
}

int unread_begin(sd_bus *bus)
{
	_cleanup_(cleanup_message) sd_bus_message *ping = NULL;
	int r = new_ping(bus, "org.freedesktop.DBus", &ping);

	if (r >= 0)
		r = sd_bus_message_set_expect_reply(ping, 0);
	/* sd-bus goes on behind the highest serial, and remains in the upper half. */
	if (r >= 0)
		r = sd_bus_message_seal(ping, UPPER_SERIALS, 0);
	return r < 0 ? r : sd_bus_send(bus, ping, NULL);
}

static int random_serial(uint32_t *serial)
{
	do {
		if (getrandom(serial, sizeof(*serial), 0) < 0)
			return -errno;
		*serial %= UPPER_SERIALS;
	} while (*serial == 0);
	return 0;
}

static int try_ping(struct client *client)
{
	_cleanup_(cleanup_message) sd_bus_message *ping = NULL;
	sd_bus *bus = client->manager->bus;
	uint32_t serial;
	int r = random_serial(&serial);

	if (r >= 0)
		r = new_ping(bus, client->name, &ping);
	if (r >= 0)
		r = sd_bus_message_seal(ping, serial, UINT64_MAX);
	return r < 0 ? r : sd_bus_call_async(bus, &client->unread.ping, ping, on_answer, client,
					     UINT64_MAX);
}

static int send_ping(struct client *client)
{
	int r;

	do
		r = try_ping(client);
	while (r == -EEXIST);	/* another Ping has that serial */
	return r;
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

/* Who could not be asked after its fd can perhaps be now. */
int unread_check_fd(struct client *client, sd_bus_error *error)
{
	const size_t own = client->unread.sent.fds, all = client->manager->unread_fds;

	ask_if_needed(client);
	if (own >= MAX_FDS_PER_CLIENT)
		return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY_CALLS,
					 "You have %zu fds on the bus that you have not read; read "
					 "these answers, and the Ping behind them", own);
	if (all < MAX_FDS)
		return 0;
	clients_for_each(client->manager->clients, ask_if_needed);
	return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY_CALLS,
				 "All clients together have %zu fds on the bus that they have not "
				 "read; call again later", all);
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
