// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: what libaudiomodule-bus is told (userspace/lib/bus-list.c, bus-command.c, bus-subscribe.c,
 * bus-event.c). Foreign: the answers and signals of whoever owns org.audiomodule1, and of others on
 * the bus. The first byte says which function is called, then come messages.
 *
 * Holds: an answer that is none is EBADMSG, an error's name at most an errno; what is handed out is
 * whole: each module of a list has an endpoint of the list, an event has the object and the bytes
 * that it says; and each signal is at most one event.
 */
#include "bus.h"
#include "bus_peer.h"

#define OWNER		":1.1"
#define ENDPOINT_PATH	BUS_ROOT "/card0/Speaker"
#define MODULE_PATH	ENDPOINT_PATH "/EQ"
#define FIRST_CALL	2	/* the serial of the first call behind Hello */
#define MOST_SIGNALS	16

struct client {
	struct peer peer;
	struct audiomodule_bus *bus;
};

static struct client client_new(void)
{
	struct client client;

	peer_open(&client.peer);
	while (sd_bus_process(client.peer.bus, NULL) > 0)
		;
	require(sd_bus_is_ready(client.peer.bus) > 0);
	client.bus = calloc(1, sizeof(*client.bus));
	require(client.bus);
	client.bus->bus = client.peer.bus;
	client.bus->owner = strdup(OWNER);
	return client;
}

static void client_free(struct client *client)
{
	audiomodule_bus_close(client->bus);
	client->peer.bus = NULL;
	peer_close(&client->peer);
}

/* ---- Answers ---- */

/* Of the first call: a byte that says what it is, an error's name, signature, body. */
static struct message send_answer(struct client *client, struct input *input)
{
	const size_t kind = input_number(input, 1);
	struct message message = {
		.type = kind & 1 ? MESSAGE_ERROR : MESSAGE_RETURN,
		.reply_to = FIRST_CALL,
		.sender = OWNER,
		.has_fd = (kind & 3) == 2,
	};
	char signature[256], *name = NULL;

	if (message.type == MESSAGE_ERROR)
		message.error = name = input_text(input);
	if (name && strlen(name) > 255)
		name[255] = 0;
	input_body(input, &message, signature);
	/* libsystemd 252 leaks the fd of what is no message for it, which a bus never sends. */
	if (message.has_fd)
		message.signature = "httt";
	require(peer_send(&client->peer, &message));
	peer_end(&client->peer);
	message.signature = message.error = NULL;	/* ours */
	free(name);
	return message;
}

/* ECONNRESET: sd-bus did not take it for a message. */
static void check_result(int r, const struct message *message)
{
	if (message->type == MESSAGE_RETURN)
		require(r == 0 || r == -EBADMSG || r == -ECONNRESET);
	else
		require(r < 0 && r >= -4095);
}

static void check_list(const struct audiomodule_list *list)
{
	const struct audiomodule_endpoint *endpoint;
	const struct audiomodule_module *module;
	char address[AUDIOMODULE_ADDRESS_SIZE];

	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++) {
		require(endpoint->object_path[0] == '/');
		audiomodule_address_format(list, endpoint, NULL, address);
		require(audiomodule_address_matches(address, endpoint, NULL));
	}
	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++) {
		const size_t length = strlen(module->endpoint->object_path);

		require(strncmp(module->object_path, module->endpoint->object_path, length) == 0);
		require(module->object_path[length] == '/');
		for (size_t n = 0; (endpoint = audiomodule_list_endpoint(list, n)); n++)
			if (endpoint == module->endpoint)
				break;
		require(endpoint);
	}
}

static void try_list(struct client *client, struct input *input)
{
	const struct message message = send_answer(client, input);
	struct audiomodule_list *list;
	int r = audiomodule_bus_list(client->bus, &list);

	check_result(r, &message);
	require((r == 0) == (list != NULL));
	if (list)
		check_list(list);
	audiomodule_list_free(list);
}

static void try_command(struct client *client, struct input *input)
{
	uint8_t *copy;
	void *answer;
	size_t size;
	int r;

	send_answer(client, input);
	r = audiomodule_bus_command(client->bus, MODULE_PATH, "bytes", 5, &answer, &size);
	/* A module may refuse with any errno. */
	require(r <= 0 && r >= -4095 && r != -ENXIO);
	require(r == 0 || (!answer && size == 0));
	require(!answer == (size == 0));
	copy = malloc(size + 1);
	require(copy);
	if (size > 0)
		memcpy(copy, answer, size);
	free(copy);
	free(answer);
}

static void try_subscribe(struct client *client, struct input *input)
{
	const struct message message = send_answer(client, input);
	struct audiomodule_position start;
	int r = audiomodule_bus_subscribe(client->bus, ENDPOINT_PATH, NULL, NULL, &start);

	check_result(r, &message);
	require((r == 0) == (client->bus->subscriptions != NULL));
}

/* As audiomodule_bus_acquire() does on a connection of its own */
static int acquire(struct client *client, struct audiomodule_subscription **subscription)
{
	_cleanup_(cleanup_message) sd_bus_message *call = NULL;
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	uint64_t oldest;
	int r = bus_acquire_call(client->bus, ENDPOINT_PATH, NULL, NULL, &call);

	require(r == 0);
	r = bus_call(client->bus, call, &reply);
	return r < 0 ? r : bus_acquire_read(reply, NULL, &oldest, subscription);
}

static void try_acquire(struct client *client, struct input *input)
{
	const struct message message = send_answer(client, input);
	struct audiomodule_subscription *subscription = NULL;
	struct audiomodule_record record;
	int r = acquire(client, &subscription);

	check_result(r, &message);
	require((r == 0) == (subscription != NULL));
	if (subscription)
		require(audiomodule_subscription_next(subscription, &record) == -ENODEV);
	audiomodule_subscription_free(subscription);
}

/* ---- Signals ---- */

static void send_signal(struct client *client, struct input *input)
{
	static const struct message kinds[] = {
		{ .path = ENDPOINT_PATH, .interface = BUS_ENDPOINT, .sender = OWNER,
		  .member = "NotificationReceived", .signature = "osusttay" },
		{ .path = ENDPOINT_PATH, .interface = BUS_ENDPOINT, .sender = OWNER,
		  .member = "NotificationsLost", .signature = "tt" },
		{ .path = BUS_ROOT, .interface = "org.freedesktop.DBus.ObjectManager",
		  .sender = OWNER, .member = "InterfacesAdded", .signature = "oa{sa{sv}}" },
		{ .path = BUS_ROOT, .interface = "org.freedesktop.DBus.ObjectManager",
		  .sender = OWNER, .member = "InterfacesRemoved", .signature = "oas" },
		{ .path = "/org/freedesktop/DBus", .interface = "org.freedesktop.DBus",
		  .sender = "org.freedesktop.DBus", .member = "NameOwnerChanged",
		  .signature = "sss" },
		{ .path = ENDPOINT_PATH, .interface = BUS_ENDPOINT, .sender = ":1.66",
		  .member = "NotificationReceived", .signature = "osusttay" },
	};
	struct message message = kinds[input_number(input, 1) % (sizeof(kinds) / sizeof(kinds[0]))];
	const char *usual = message.signature;
	char signature[256];

	message.type = MESSAGE_SIGNAL;
	input_body(input, &message, signature);
	if (!signature[0])
		message.signature = usual;
	require(peer_send(&client->peer, &message));
}

static void check_record(const struct audiomodule_bus_event *event)
{
	const struct audiomodule_record *record = &event->record;
	uint8_t *copy = malloc(record->data_size + 1);

	require(copy && strcmp(event->object_path, ENDPOINT_PATH) == 0);
	if (record->data_size > 0)
		memcpy(copy, record->data, record->data_size);
	free(copy);
	require(record->tail == record->data && record->tail_size == record->data_size);
	require(record->lost_first <= record->lost_last);
	require(record->type == AUDIOMODULE_RECORD_NOTIFICATION ||
		record->type == AUDIOMODULE_RECORD_LOST ||
		record->type == AUDIOMODULE_RECORD_CHANGED ||
		record->type == AUDIOMODULE_RECORD_REMOVED);
}

static void check_event(const struct client *client, const struct audiomodule_bus_event *event)
{
	switch (event->type) {
	case AUDIOMODULE_BUS_RECORD:
		check_record(event);
		break;
	case AUDIOMODULE_BUS_APPEARED:
		require(event->object_path[0] == '/');
		break;
	case AUDIOMODULE_BUS_LEFT:
		require(!client->bus->owner);
		break;
	default:
		require(event->type == AUDIOMODULE_BUS_RETURNED && client->bus->owner);
		break;
	}
}

static void add_subscription(struct client *client)
{
	struct bus_subscription *subscription = calloc(1, sizeof(*subscription));

	require(subscription);
	subscription->object_path = strdup(ENDPOINT_PATH);
	subscription->owner = strdup(OWNER);
	client->bus->subscriptions = subscription;
}

static void try_next(struct client *client, struct input *input)
{
	unsigned int sent = 0, events = 0;
	struct audiomodule_bus_event event;
	int r;

	add_subscription(client);
	for (; sent < MOST_SIGNALS && input->left > 0; sent++)
		send_signal(client, input);
	peer_end(&client->peer);
	do {
		r = audiomodule_bus_next(client->bus, &event);
		if (r > 0)
			check_event(client, &event);
		require(r <= 1 && ++events < sent + 4);
	} while (r > 0 || r == -EBADMSG);
	require(r == 0 || r == -ECONNRESET || r == -ENOTCONN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct client *client, struct input *input) = {
		try_list, try_command, try_subscribe, try_acquire, try_next,
	};
	struct input input = { data, size };
	struct client client = client_new();

	tries[input_number(&input, 1) % (sizeof(tries) / sizeof(tries[0]))](&client, &input);
	client_free(&client);
	return 0;
}
