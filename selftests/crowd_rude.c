// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: clients of the daemon that misbehave, each in its own way, for as long as they live. The
 * others must not notice. They talk D-Bus without our library, which would not do such things.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"

#define NAME		"org.audiomodule1"
#define ENDPOINT	"org.audiomodule1.Endpoint"
#define MODULE		"org.audiomodule1.Module"
#define HUGE_BYTES	((size_t)1 << 20)
#define HUGE_OPTIONS	2000
#define FLOOD		100	/* the bus itself refuses more than 128 */

sd_bus *crowd_connect(const char *address)
{
	sd_bus *bus = NULL;

	if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address) < 0 ||
	    sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0)
		return sd_bus_unref(bus);
	return bus;
}

/* However long that takes beside the others. */
static int subscribe_to(sd_bus *bus, const struct crowd *crowd)
{
	sd_bus_message *call = NULL;
	int r = sd_bus_message_new_method_call(bus, &call, NAME, crowd->endpoint, ENDPOINT,
					       "Subscribe");

	if (r >= 0)
		r = sd_bus_message_append(call, "a{sv}", 0);
	if (r >= 0)
		r = sd_bus_call(bus, call, UINT64_MAX, NULL, NULL);
	sd_bus_message_unref(call);
	return r;
}

/* Subscribes, and never reads what comes. */
static void stands_still(const struct crowd *crowd)
{
	sd_bus *bus = crowd_connect(crowd->address);

	if (bus && subscribe_to(bus, crowd) >= 0)
		pause();
}

static int on_answer(sd_bus_message *answer, void *context, sd_bus_error *error)
{
	int *under_way = context;

	--*under_way;
	return 0;
}

/* Asks for all objects, always with so many calls under way that the daemon has more to do. */
static void floods(const struct crowd *crowd)
{
	sd_bus *bus = crowd_connect(crowd->address);
	int under_way = 0, r = bus ? 0 : -1;

	while (r >= 0) {
		if (under_way < FLOOD) {
			under_way++;
			r = sd_bus_call_method_async(bus, NULL, NAME, "/org/audiomodule1",
						     "org.freedesktop.DBus.ObjectManager",
						     "GetManagedObjects", on_answer, &under_way,
						     NULL);
			continue;
		}
		r = sd_bus_process(bus, NULL);
		if (!r)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
}

/* Leaves in the middle of calls: a subscription, an fd that is under way to it, a command. */
static void leaves(const struct crowd *crowd)
{
	static const char *const methods[] = { "Subscribe", "AcquireNotifications" };
	char module[64];
	unsigned int i;
	sd_bus *bus;

	snprintf(module, sizeof(module), "%s/System", crowd->endpoint);
	for (i = 0; (bus = crowd_connect(crowd->address)); i++) {
		sd_bus_call_method_async(bus, NULL, NAME, crowd->endpoint, ENDPOINT,
					 methods[i % 2], NULL, NULL, "a{sv}", 0);
		sd_bus_call_method_async(bus, NULL, NAME, module, MODULE, "SendCommand", NULL,
					 NULL, "aya{sv}", 8, 1, 0, 0, 0, 0, 0, 0, 0, 0);
		sd_bus_flush_close_unref(bus);
		usleep(1000);
	}
}

/* As many options as these, none of which there is. */
static int append_options(sd_bus_message *call)
{
	int i, r = sd_bus_message_open_container(call, 'a', "{sv}");
	char key[16];

	for (i = 0; r >= 0 && i < HUGE_OPTIONS; i++) {
		snprintf(key, sizeof(key), "option%d", i);
		r = sd_bus_message_append(call, "{sv}", key, "t", UINT64_MAX);
	}
	return r < 0 ? r : sd_bus_message_close_container(call);
}

static void send_huge(sd_bus *bus, const struct crowd *crowd, const void *bytes)
{
	sd_bus_message *call = NULL;
	char module[64];

	snprintf(module, sizeof(module), "%s/System", crowd->endpoint);
	if (sd_bus_message_new_method_call(bus, &call, NAME, module, MODULE, "SendCommand") >= 0 &&
	    sd_bus_message_append_array(call, 'y', bytes, HUGE_BYTES) >= 0 &&
	    append_options(call) >= 0)
		sd_bus_call(bus, call, 0, NULL, NULL);
	sd_bus_message_unref(call);
	call = NULL;
	if (sd_bus_message_new_method_call(bus, &call, NAME, crowd->endpoint, ENDPOINT,
					   "Subscribe") >= 0 && append_options(call) >= 0)
		sd_bus_call(bus, call, 0, NULL, NULL);
	sd_bus_message_unref(call);
}

/* Wrong types, unknown options, far too much of everything. */
static void talks_nonsense(const struct crowd *crowd)
{
	static const char *const methods[] = {
		"Subscribe", "AcquireNotifications", "FindAllById", "Unsubscribe", "Nonsense"
	};
	sd_bus *bus = crowd_connect(crowd->address);
	void *bytes = calloc(1, HUGE_BYTES);
	unsigned int i;

	for (i = 0; bus && bytes; i++) {
		sd_bus_call_method(bus, NAME, crowd->endpoint, ENDPOINT, methods[i % 5], NULL,
				   NULL, "a(ybsv)", 1, i, true, "\xef\xbf\xbd", "as", 0);
		sd_bus_call_method(bus, NAME, crowd->endpoint, ENDPOINT, methods[i % 2], NULL,
				   NULL, "a{sv}", 1, "sequence", "x", INT64_MIN);
		send_huge(bus, crowd, bytes);
	}
}

const struct rude rude[RUDE] = {
	{ "stands still", stands_still },
	{ "floods", floods },
	{ "leaves", leaves },
	{ "talks nonsense", talks_nonsense },
};
