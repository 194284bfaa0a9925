/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: a daemon that the bus starts when somebody calls needs not stay when there is nobody and
 * nothing to tell of: no card with audio modules, and no client that ever called and is still on
 * the bus. While either is there, it stays: clients wait for cards to appear.
 */
#ifndef AUDIOMODULED_IDLE_H
#define AUDIOMODULED_IDLE_H

#include "manager.h"

struct idle;

/* seconds: how long to be idle before the event loop ends. */
int idle_new(struct manager *manager, unsigned int seconds, struct idle **idle);
struct idle *idle_free(struct idle *idle);

/* A card or a client came or went. idle may be NULL: then the daemon stays for ever. */
void idle_check(struct idle *idle);

#endif /* AUDIOMODULED_IDLE_H */
