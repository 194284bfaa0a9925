// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: arguments of audiomoduled's methods (userspace/daemon/options.c, endpoint.c, module.c,
 * command.c, access.c). Foreign: what any client of the bus calls, on which object, with what
 * signature and body, and what polkit and the bus say of him. The objects are the daemon's own, on
 * a connection whose other end is this program; no card is there, so that what is understood ends
 * with an error, or with status 1 of SendCommand.
 *
 * Holds: a call that sd-bus took for a message gets exactly one answer, or none when it wants none;
 * an error is one that the manual pages name, never the number of an errno; the daemon goes on.
 */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "access.h"
#include "bus_peer.h"
#include "card.h"
#include "client.h"
#include "command.h"

#define ENDPOINT_PATH	BUS_ROOT "/card0/Speaker"
#define MODULE_PATH	ENDPOINT_PATH "/EQ"

/*
 * A thread that has ended when it was made: whatever it does comes at the same place each time. The
 * Makefile gives the daemon these for pthread_create() and pthread_join().
 */
int fuzz_create(pthread_t *thread, const pthread_attr_t *attributes,
		void *(*work)(void *context), void *context);
int fuzz_create(pthread_t *thread, const pthread_attr_t *attributes,
		void *(*work)(void *context), void *context)
{
	*thread = pthread_self();
	work(context);
	return 0;
}

int fuzz_join(pthread_t thread, void **result);
int fuzz_join(pthread_t thread, void **result)
{
	return 0;
}

/* ---- The daemon ---- */

struct daemon {
	struct peer peer;
	struct manager manager;
	struct card card;
	struct endpoint endpoint;
	struct module module;
	unsigned int delivered;
};

static int count(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct daemon *daemon = context;

	if (sd_bus_message_is_method_call(message, NULL, NULL))
		daemon->delivered++;
	return 0;
}

static void open_objects(struct daemon *daemon)
{
	daemon->card.manager = &daemon->manager;
	daemon->endpoint.card = &daemon->card;
	daemon->endpoint.path = (char *)ENDPOINT_PATH;
	snprintf(daemon->endpoint.info.name, sizeof(daemon->endpoint.info.name), "Speaker");
	daemon->module.endpoint = &daemon->endpoint;
	daemon->module.path = (char *)MODULE_PATH;
	daemon->module.info.pcm_device = -1;
	daemon->endpoint.modules = &daemon->module;
	daemon->card.endpoints = &daemon->endpoint;
	require(endpoint_register(&daemon->endpoint) >= 0);
	require(module_register(&daemon->module) >= 0);
}

static void daemon_run(struct daemon *daemon)
{
	int r;

	do {
		r = sd_bus_process(daemon->peer.bus, NULL);
	} while (r > 0 || (r >= 0 && sd_event_run(daemon->manager.event, 0) > 0));
}

static struct daemon *daemon_new(void)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	struct answer nothing = { .reply_to = 0 };

	require(daemon);
	peer_open(&daemon->peer);
	daemon->manager.bus = daemon->peer.bus;
	daemon->manager.directory = "/nonexistent";
	require(sd_event_new(&daemon->manager.event) >= 0);
	require(clients_new(&daemon->manager, &daemon->manager.clients) >= 0);
	require(access_new(&daemon->manager, &daemon->manager.access) >= 0);
	require(commands_new(&daemon->manager, &daemon->manager.commands) >= 0);
	require(sd_bus_add_object_manager(daemon->peer.bus, NULL, BUS_ROOT) >= 0);
	require(sd_bus_add_filter(daemon->peer.bus, NULL, count, daemon) >= 0);
	open_objects(daemon);
	daemon_run(daemon);
	peer_receive(&daemon->peer, &nothing);
	return daemon;
}

static void daemon_free(struct daemon *daemon)
{
	sd_bus_slot_unref(daemon->module.slot);
	sd_bus_slot_unref(daemon->endpoint.slot);
	commands_free(daemon->manager.commands);
	access_free(daemon->manager.access);
	clients_free(daemon->manager.clients);
	peer_close(&daemon->peer);
	sd_event_unref(daemon->manager.event);
	free(daemon);
}

/* ---- Calls ---- */

struct method {
	const char *path;
	const char *interface;
	const char *member;
	const char *signature;
};

static const struct method methods[] = {
	{ ENDPOINT_PATH, BUS_ENDPOINT, "Subscribe", "a{sv}" },
	{ ENDPOINT_PATH, BUS_ENDPOINT, "AcquireNotifications", "a{sv}" },
	{ MODULE_PATH, BUS_MODULE, "SendCommand", "aya{sv}" },
	{ ENDPOINT_PATH, BUS_ENDPOINT, "FindAllById", "s" },
	{ ENDPOINT_PATH, BUS_ENDPOINT, "FindAll", "" },
	{ ENDPOINT_PATH, BUS_ENDPOINT, "Unsubscribe", "" },
	{ ENDPOINT_PATH, "org.freedesktop.DBus.Properties", "Get", "ss" },
	{ MODULE_PATH, "org.freedesktop.DBus.Properties", "GetAll", "s" },
	{ MODULE_PATH, "org.freedesktop.DBus.Properties", "Set", "ssv" },
	{ BUS_ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "" },
	{ BUS_ROOT "/card1/None", BUS_ENDPOINT, "FindAll", "" },
	{ ENDPOINT_PATH, NULL, "Subscribe", "a{sv}" },
};

#define METHODS	(sizeof(methods) / sizeof(methods[0]))

static bool is_documented(const char *error)
{
	static const char ours[] = "org.audiomodule1.Error.";
	static const char common[] = "org.freedesktop.DBus.Error.";

	return strncmp(error, ours, strlen(ours)) == 0 ||
	       strncmp(error, common, strlen(common)) == 0;
}

static void check_answer(const struct daemon *daemon, const struct message *message,
			 const struct answer *answer)
{
	require(answer->count == (daemon->delivered && !(message->flags & MESSAGE_NO_REPLY)));
	require(!answer->question);
	if (answer->count == 0)
		return;
	require(answer->type == MESSAGE_RETURN || answer->type == MESSAGE_ERROR);
	require(answer->type == MESSAGE_RETURN || is_documented(answer->error));
}

/*
 * First which method, then the flags, a byte each; then a signature, or none: the right one. Nobody
 * may be asked for a password: sd-bus then asks the bus for the client, and waits for its answer.
 */
static void make_call(struct input *input, struct message *message, char signature[256])
{
	const struct method *method = &methods[input_number(input, 1) % METHODS];

	*message = (struct message) {
		.type = MESSAGE_CALL,
		.flags = (uint8_t)(input_number(input, 1) & ~MESSAGE_INTERACTIVE),
		.path = method->path,
		.interface = method->interface,
		.member = method->member,
		.sender = ":1.7",
	};
	input_body(input, message, signature);
	if (!signature[0])
		message->signature = method->signature;
}

/* Asked once, of the only client that there ever is: it is on the bus. */
static void answer_presence(struct daemon *daemon, struct answer *answer)
{
	static const uint8_t yes[] = { 1, 0, 0, 0 };
	struct message message = {
		.type = MESSAGE_RETURN,
		.reply_to = answer->question,
		.sender = "org.freedesktop.DBus",
		.signature = "b",
		.body = yes,
		.body_size = sizeof(yes),
	};

	answer->question = 0;
	require(peer_send(&daemon->peer, &message));
}

/*
 * What polkit says: a byte 0: yes; 1: it is not there, and the bus is asked; else what follows.
 * What the bus says: what follows. A daemon that asked for more would be a finding.
 */
static void answer_question(struct daemon *daemon, struct input *input, struct answer *answer)
{
	static const uint8_t yes[] = { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	const bool is_polkit = strcmp(answer->asked, "CheckAuthorization") == 0;
	const size_t kind = is_polkit ? input_number(input, 1) : 2;
	struct message message = {
		.type = kind == 1 ? MESSAGE_ERROR : MESSAGE_RETURN,
		.error = kind == 1 ? "org.freedesktop.DBus.Error.ServiceUnknown" : NULL,
		.reply_to = answer->question,
		.sender = is_polkit ? ":1.2" : "org.freedesktop.DBus",
	};

	require(is_polkit || strcmp(answer->asked, "GetConnectionCredentials") == 0);
	answer->question = 0;
	if (kind == 0) {
		message.body = yes;
		message.body_size = sizeof(yes);
	} else if (kind != 1) {
		message.body_size = input->left;
		message.body = input_take(input, &message.body_size);
	}
	if (kind != 1)
		message.signature = is_polkit ? "(bba{ss})" : "a{sv}";
	require(peer_send(&daemon->peer, &message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct daemon *daemon;
	struct input input = { data, size };
	struct message message;
	struct answer answer = { .reply_to = 0 };
	char signature[256];

	fuzz_quiet();
	if (!daemon)
		daemon = daemon_new();
	daemon->delivered = 0;
	make_call(&input, &message, signature);
	require(peer_send(&daemon->peer, &message));
	answer.reply_to = daemon->peer.serial;
	daemon_run(daemon);
	peer_receive(&daemon->peer, &answer);
	while (answer.question) {
		if (strcmp(answer.asked, "NameHasOwner") == 0)
			answer_presence(daemon, &answer);
		else
			answer_question(daemon, &input, &answer);
		daemon_run(daemon);
		peer_receive(&daemon->peer, &answer);
	}
	check_answer(daemon, &message, &answer);
	if (sd_bus_is_open(daemon->peer.bus) <= 0) {
		daemon_free(daemon);
		daemon = NULL;
	}
	return 0;
}
