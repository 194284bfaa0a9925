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

/*
 * Opens the module's card for this one command, and waits. As audiomodule_client_command(); @said:
 * was it the module's word, or the kernel's in its place?
 */
int local_command(const char *directory, const struct audiomodule_module *module,
		  const void *bytes, size_t size, void **answer, size_t *answer_size, bool *said);

#endif /* AUDIOMODULE_CLIENT_LOCAL_COMMAND_H */
