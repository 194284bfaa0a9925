/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: cards, their endpoints and modules as objects on the bus. For each card the daemon keeps a
 * notification fd whose filter no notification passes: it tells that the list of modules changed
 * and that the card is gone, without holding the sound driver.
 */
#ifndef AUDIOMODULED_CARD_H
#define AUDIOMODULED_CARD_H

#include "manager.h"

struct subscriber;

struct module {
	struct module *next;
	struct endpoint *endpoint;
	struct audiomodule_module info;
	char *path;
	sd_bus_slot *slot;
	bool seen;		/* in the list that is being compared */
};

struct endpoint {
	struct endpoint *next;
	struct card *card;
	struct audiomodule_endpoint info;
	char *path;
	sd_bus_slot *slot;
	struct module *modules;
	struct subscriber *subscribers;
	bool seen;
};

struct card {
	struct card *next;
	struct manager *manager;
	unsigned int number;
	struct audiomodule_subscription *subscription;
	sd_event_source *source;
	struct endpoint *endpoints;
};

/* -EALREADY when the card is known; failures of audiomodule_open(), audiomodule_list(). */
int card_add(struct manager *manager, unsigned int number);

/* Ends its subscribers, takes its objects off the bus, closes its fds. */
struct card *card_free(struct card *card);

int endpoint_register(struct endpoint *endpoint);
int module_register(struct module *module);

#endif /* AUDIOMODULED_CARD_H */
