/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: where in a journal a time is. Times never go back in it, so the first notification since
 * then is found by reading from the oldest on; the subscription proper then begins there.
 */
#ifndef AUDIOMODULECTL_SINCE_H
#define AUDIOMODULECTL_SINCE_H

#include "ctl.h"

/*
 * Finds behind which position everything of an endpoint is that was sent since options->since. Says
 * so when the journal does not reach back so far: then it is the position of the first one ever,
 * and the subscription tells what is lost. Returns 0 or what subscribing failed with.
 */
int since_find(const struct source *source, const struct audiomodule_endpoint *endpoint,
	       struct audiomodule_position *position);

#endif /* AUDIOMODULECTL_SINCE_H */
