// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: linked into both libaudiomodule-bus and audiomoduled, which does not need the rest of it.
 */
#include <string.h>

#include "bus-open.h"

static int open_address(const char *address, sd_bus *bus)
{
	int r = sd_bus_set_address(bus, address);

	if (r >= 0)
		r = sd_bus_set_bus_client(bus, 1);
	return r < 0 ? r : sd_bus_start(bus);
}

int bus_open(const char *name, sd_bus **bus)
{
	sd_bus *new = NULL;
	int r;

	if (!name || strcmp(name, "system") == 0)
		return sd_bus_open_system(bus);
	if (strcmp(name, "session") == 0)
		return sd_bus_open_user(bus);
	r = sd_bus_new(&new);
	if (r >= 0)
		r = open_address(name, new);
	if (r < 0) {
		sd_bus_unref(new);
		return r;
	}
	*bus = new;
	return 0;
}
