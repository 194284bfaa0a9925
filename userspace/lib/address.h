/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: what the library asks of an address besides what everybody may.
 */
#ifndef AUDIOMODULE_ADDRESS_H
#define AUDIOMODULE_ADDRESS_H

#include "audiomodule.h"

/* Could it mean a module of this endpoint that is not there now? */
bool address_may_match(const char *address, const struct audiomodule_endpoint *endpoint);

#endif /* AUDIOMODULE_ADDRESS_H */
