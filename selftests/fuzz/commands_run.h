/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what stands for each command of audiomodulectl. The Makefile makes a file with a line
 * COMMAND(name) for each that ctl/main.c wants.
 */
#ifndef AUDIO_MODULE_FUZZ_COMMANDS_RUN_H
#define AUDIO_MODULE_FUZZ_COMMANDS_RUN_H

#include "ctl.h"

/* Looks at what the command is run with. */
void options_check(const struct options *options);

#define COMMAND(name)						\
	enum exit_status name(const struct options *options)	\
	{							\
		options_check(options);				\
		return STATUS_OK;				\
	}

#endif /* AUDIO_MODULE_FUZZ_COMMANDS_RUN_H */
