/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what changes something is for one module. An address that means several is refused, and
 * those that could be meant are shown.
 */
#ifndef AUDIOMODULECTL_CHOOSE_H
#define AUDIOMODULECTL_CHOOSE_H

#include "ctl.h"

struct target {
	const struct audiomodule_endpoint *endpoint;
	const struct audiomodule_module *module;	/* NULL: the endpoint itself */
};

/*
 * The one thing that the first address means: a module or, with endpoints, an endpoint. why says in
 * an error what is for one only. Returns STATUS_OK, or says what is wrong and returns which status
 * that is.
 */
enum exit_status choose(const struct options *options, const struct audiomodule_list *list,
			bool endpoints, const char *why, struct target *target);

#endif /* AUDIOMODULECTL_CHOOSE_H */
