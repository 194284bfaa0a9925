/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: what the files of the library know about an open card.
 */
#ifndef AUDIOMODULE_CARD_H
#define AUDIOMODULE_CARD_H

#include <errno.h>
#include <sys/ioctl.h>

#include <sound/audio_module.h>

#include "audiomodule.h"

struct audiomodule {
	int fd;			/* the hwdep device */
	unsigned int card;
	char id[16];
	bool can_map;		/* its journal */
};

/* Opens the card of an endpoint. -ENODEV: it is gone, or its number is another card's by now. */
int card_open_again(const char *directory, const struct audiomodule_endpoint *endpoint,
		    bool for_commands, struct audiomodule **handle);

/* One more try after a signal is right for every ioctl here: a failed one changed nothing. */
static inline int card_ioctl(int fd, unsigned long request, void *argument)
{
	int r;

	do {
		r = ioctl(fd, request, argument);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

#endif /* AUDIOMODULE_CARD_H */
