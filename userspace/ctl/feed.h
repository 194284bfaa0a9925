/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: a feed is what `monitor` watches: one endpoint, through a subscription of its own, so that
 * every record belongs to an endpoint that has a name, even the record that it is gone. A feed
 * whose card is gone keeps its notification fd until the endpoint is back or monitor ends.
 */
#ifndef AUDIOMODULECTL_FEED_H
#define AUDIOMODULECTL_FEED_H

#include "ctl.h"

struct feed {
	struct feed *next;
	struct audiomodule_endpoint endpoint;		/* object_path is own memory */
	char address[AUDIOMODULE_ADDRESS_SIZE];
	struct audiomodule_subscription *subscription;	/* NULL: signals */
	bool gone;
};

struct feeds {
	const struct options *options;
	struct source *source;
	struct audiomodule_list *list;	/* the newest; names modules */
	struct feed *first;
};

void feeds_free(struct feeds *feeds);

/*
 * Fetches the list and subscribes to each endpoint that is wanted and not watched yet. Calls
 * appeared() for those that were gone. Returns STATUS_OK, or says what failed.
 */
enum exit_status feeds_refresh(struct feeds *feeds, bool resume,
			       void (*appeared)(const struct feeds *, const struct feed *));

/* The feed that is alive of this object, or NULL. */
struct feed *feeds_find_path(const struct feeds *feeds, const char *object_path);
bool feeds_all_gone(const struct feeds *feeds);

/* The module that a notification is of, NULL when the list has none such. */
const struct audiomodule_module *feed_module(const struct feeds *feeds, const struct feed *feed,
					     const struct audiomodule_record *record);

/* Is this notification one that the addresses mean? */
bool feed_wants(const struct feeds *feeds, const struct feed *feed,
		const struct audiomodule_record *record);

#endif /* AUDIOMODULECTL_FEED_H */
