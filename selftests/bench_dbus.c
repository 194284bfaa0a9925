// SPDX-License-Identifier: GPL-2.0
/*
 * A rival: a D-Bus signal with a value, from a program through the bus daemon to another one. Here
 * both are one process with two connections to the session bus; what the daemon does counts, too.
 */

#define _GNU_SOURCE
#include <systemd/sd-bus.h>

#include "bench.h"
#include "bench_rivals.h"

#define PATH		"/org/audiomodule1/bench"
#define INTERFACE	"org.audiomodule1.Bench"
#define WAIT_US		5000000

static sd_bus *from, *to;
static int taken;

static void check(int r, const char *what)
{
	if (r >= 0)
		return;
	errno = -r;
	fail(what);
}

static int take(sd_bus_message *message, void *data, sd_bus_error *error)
{
	taken++;
	return 0;
}

int dbus_open(const struct rival *rival, bool large)
{
	check(sd_bus_open_user(&from), "session bus");
	check(sd_bus_open_user(&to), "session bus");
	check(sd_bus_match_signal(to, NULL, NULL, PATH, INTERFACE, "Notified", take, NULL),
	      "AddMatch");
	return sd_bus_get_fd(to);
}

static void send_one(int size)
{
	static const char value[RIVAL_SIZE_MOST];
	sd_bus_message *message = NULL;

	check(sd_bus_message_new_signal(from, &message, PATH, INTERFACE, "Notified"), "signal");
	check(sd_bus_message_append_array(message, 'y', value, size), "signal");
	check(sd_bus_send(from, message, NULL), "signal");
	sd_bus_message_unref(message);
}

void dbus_send(const struct rival *rival, int count)
{
	while (count--)
		send_one(rival->size);
	check(sd_bus_flush(from), "flush");
}

void dbus_idle(const struct rival *rival, int count)
{
	check(sd_bus_flush(from), "flush");
}

/* The daemon needs time of its own to deliver them. */
int dbus_read(struct rival *rival, int fd)
{
	int r;

	for (taken = 0; !taken; ) {
		r = sd_bus_process(to, NULL);
		check(r, "receive");
		if (r)
			continue;
		r = sd_bus_wait(to, WAIT_US);
		check(r, "receive");
		if (!r)
			break;
	}
	return taken;
}

void dbus_close(void)
{
	sd_bus_flush_close_unref(from);
	sd_bus_flush_close_unref(to);
}
