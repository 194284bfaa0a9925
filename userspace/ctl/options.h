/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: the options of the command line, before it is known whose command they are.
 */
#ifndef AUDIOMODULECTL_OPTIONS_H
#define AUDIOMODULECTL_OPTIONS_H

#include "ctl.h"

/* What was asked for besides what a command is told. */
struct request {
	bool help;
	bool version;
	bool bus;		/* --bus was given */
	bool directory;		/* --dev-dir was given */
	const char *owners[4];	/* commands that alone have an option that was given */
	size_t owner_count;
};

/*
 * Reads the options; what is left begins at optind. Returns STATUS_OK, or STATUS_USAGE and says
 * what is wrong.
 */
enum exit_status parse_options(int argc, char **argv, struct options *options,
			       struct request *request);

/* Says what is wrong with what. Returns STATUS_USAGE. */
enum exit_status usage(const char *what, const char *value);

#endif /* AUDIOMODULECTL_OPTIONS_H */
