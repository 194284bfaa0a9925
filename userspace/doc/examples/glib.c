// SPDX-License-Identifier: LGPL-2.1-or-later
/* What audio modules tell, beside whatever else a GLib main loop does: glib [ENDPOINT[/MODULE]] */
#include <audiomodule.h>
#include <glib-unix.h>

static gboolean on_event(int fd, GIOCondition condition, void *client)
{
	struct audiomodule_event event;
	int r = audiomodule_client_next(client, &event);

	(void)fd, (void)condition;
	if (r < 0)
		g_error("%s", audiomodule_client_error(client));
	if (r > 0 && event.type == AUDIOMODULE_EVENT_NOTIFICATION)
		g_print("%s/%s %" G_GUINT64_FORMAT ": %zu bytes\n", event.endpoint->name,
			event.module ? event.module->label : "",
			(guint64)event.record->sequence, event.record->tail_size);
	return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
	struct audiomodule_client *client;

	if (audiomodule_client_new(NULL, &client) < 0 ||
	    audiomodule_client_subscribe(client, argc > 1 ? argv[1] : NULL, NULL, NULL, 0) < 0)
		g_error("%s", client ? audiomodule_client_error(client) : "no client");
	g_unix_fd_add(audiomodule_client_fd(client), G_IO_IN, on_event, client);
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
}
