/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: who may receive notifications and send commands. polkit decides by the actions of
 * org.audiomodule1.policy; where there is no polkit, root and the group audio may, the same who may
 * open the sound devices. Everybody may look: lists, properties and introspection ask nobody.
 */
#ifndef AUDIOMODULED_ACCESS_H
#define AUDIOMODULED_ACCESS_H

#include "manager.h"

#define ACCESS_MONITOR		"org.audiomodule1.monitor"
#define ACCESS_SEND_COMMAND	"org.audiomodule1.send-command"

/* The calls whose answer waits for a decision. */
struct access;

int access_new(struct manager *manager, struct access **access);
struct access *access_free(struct access *access);

/*
 * May the client do this? Returns 1: yes; 0: it is being asked, and the call will come a second
 * time, after those that this client made before; negative: no, and error is set and named. So a
 * method that gets 0 returns 1 and has changed nothing. What may be otherwise the second time is
 * looked at behind this: a call that does not come here again would be kept as one that waits.
 */
int access_check(struct access *access, sd_bus_message *call, const char *action,
		 sd_bus_error *error);

/* The object goes away: answers the calls to it that wait. */
void access_forget(struct access *access, const char *path);

/* The client has left the bus: nobody waits for the answers to its calls. */
void access_forget_client(struct access *access, const char *client);

#endif /* AUDIOMODULED_ACCESS_H */
