/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: the options of Subscribe and AcquireNotifications. A key that this daemon does not know is
 * an error: silently ignoring a filter would deliver what the client did not ask for.
 */
#ifndef AUDIOMODULED_OPTIONS_H
#define AUDIOMODULED_OPTIONS_H

#include <systemd/sd-bus.h>

#include "audiomodule.h"

struct options {
	struct audiomodule_filter filter;
	struct audiomodule_begin begin;
};

/* Reads an a{sv}; on failure error is set and named. */
int options_read(sd_bus_message *message, struct options *options, sd_bus_error *error);

/* Reads an a{sv} that may have no key: SendCommand has no options yet. */
int options_read_none(sd_bus_message *message, sd_bus_error *error);

#endif /* AUDIOMODULED_OPTIONS_H */
