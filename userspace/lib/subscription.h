/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: what the files of the library know about a subscription.
 */
#ifndef AUDIOMODULE_SUBSCRIPTION_H
#define AUDIOMODULE_SUBSCRIPTION_H

#include "audiomodule.h"
#include "map.h"

struct audiomodule_subscription {
	int fd;
	struct audiomodule_position start;
	struct audiomodule_position position;
	struct map map;		/* of the journal, where the kernel allows it */
	uint8_t *buffer;
	size_t buffer_size;
	size_t filled;		/* bytes read into the buffer */
	size_t used;		/* of those, taken by the caller */
};

#endif /* AUDIOMODULE_SUBSCRIPTION_H */
