// SPDX-License-Identifier: LGPL-2.1-or-later
/* What audio modules tell, through audiomoduled: daemon [ENDPOINT[/MODULE]] */
#include <audiomodule-bus.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct audiomodule_client *client;
	struct audiomodule_event event;
	int r = audiomodule_client_new_bus("system", &client);

	if (r >= 0)
		r = audiomodule_client_subscribe(client, argc > 1 ? argv[1] : NULL, NULL, NULL, 0);
	while (r >= 0 && (r = audiomodule_client_wait(client, -1, &event)) > 0) {
		if (event.type == AUDIOMODULE_EVENT_NOTIFICATION)
			printf("%s/%s %" PRIu64 ": %zu bytes\n", event.endpoint->name,
			       event.module ? event.module->label : "", event.record->sequence,
			       event.record->tail_size);
		else if (event.type == AUDIOMODULE_EVENT_LOST)
			printf("%s lost %" PRIu64 " to %" PRIu64 "\n", event.endpoint->name,
			       event.record->lost_first, event.record->lost_last);
		fflush(stdout);
	}
	fprintf(stderr, "%s\n", client ? audiomodule_client_error(client) : strerror(-r));
	audiomodule_client_free(client);
	return 1;
}
