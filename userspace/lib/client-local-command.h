/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: commands to modules of this machine, without waiting for their answers.
 */
#ifndef AUDIOMODULE_CLIENT_LOCAL_COMMAND_H
#define AUDIOMODULE_CLIENT_LOCAL_COMMAND_H

#include "client-transport.h"

struct local_commands;

int local_commands_new(const char *directory, struct local_commands **commands);

/* Waits for those that modules handle. None is told any more. */
struct local_commands *local_commands_free(struct local_commands *commands);

/* Readable when there is something for local_commands_process(), which tells the answers. */
int local_commands_fd(const struct local_commands *commands);
void local_commands_process(struct local_commands *commands);

int local_commands_start(struct local_commands *commands, const struct audiomodule_module *module,
			 const void *bytes, size_t size, struct client_command *whose);

/* The module's card, for one command; close it at once. -EINVAL: the module is the daemon's. */
int local_command_open(const char *directory, const struct audiomodule_module *module,
		       struct audiomodule **handle);

#endif /* AUDIOMODULE_CLIENT_LOCAL_COMMAND_H */
