/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: org.audiomodule1.Module.SendCommand. A module may take its time for a command, so each that
 * runs has a thread of its own; the bus stays with the main thread.
 */
#ifndef AUDIOMODULED_COMMAND_H
#define AUDIOMODULED_COMMAND_H

#include "manager.h"

/* The commands of all clients. */
struct commands;

int commands_new(struct manager *manager, struct commands **commands);

/*
 * Waits for those that run and drops the others, as the end of the event loop has done before: then
 * they were answered, too.
 */
struct commands *commands_free(struct commands *commands);

/* The client has left: drops those of its commands that wait, and whose reply it wanted. */
void commands_forget_client(struct commands *commands, const char *client);

/* The method; context is a struct module, which may go away before the answer. */
int command_send(sd_bus_message *call, void *context, sd_bus_error *error);

#endif /* AUDIOMODULED_COMMAND_H */
