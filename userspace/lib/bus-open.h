/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: the daemon and its clients name a bus alike, so that one option works for both.
 */
#ifndef AUDIOMODULE_BUS_OPEN_H
#define AUDIOMODULE_BUS_OPEN_H

#include <systemd/sd-bus.h>

/* name: "system", "session" or a D-Bus address; NULL: system. On failure *bus is untouched. */
int bus_open(const char *name, sd_bus **bus);

#endif /* AUDIOMODULE_BUS_OPEN_H */
