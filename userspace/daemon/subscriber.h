/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: a subscriber is a client that gets an endpoint's notifications as signals. It has a
 * notification fd of its own, so the kernel filters for it, counts its losses, and its journal is
 * the only queue: a client that cannot keep up is simply read for less often (subscriber.c).
 */
#ifndef AUDIOMODULED_SUBSCRIBER_H
#define AUDIOMODULED_SUBSCRIBER_H

#include "card.h"
#include "client.h"

/* May this client subscribe to this endpoint? On failure error is set and named. */
int subscriber_check(const struct endpoint *endpoint, const struct client *client,
		     sd_bus_error *error);

/* Takes the subscription on success. */
int subscriber_add(struct endpoint *endpoint, struct client *client,
		   struct audiomodule_subscription **subscription);

/* Returns false when the client is no subscriber. */
bool subscriber_remove(struct endpoint *endpoint, const struct client *client);

/* The client has left the bus. */
void subscribers_forget(const struct client *client);

/* The client has answered whether it has read, or cannot be asked: see unread_ask(). */
void subscribers_go_on(const struct client *client);

/* All subscribers, a BUDGET each: see manager.c. */
void subscribers_take_turn(struct manager *manager);

/* The endpoint goes away: sends what there is, or tells that it is lost, and frees. */
void subscriber_finish(struct subscriber *subscriber);

#endif /* AUDIOMODULED_SUBSCRIBER_H */
