// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: an address that means an endpoint never means one of its modules, so what it means is found
 * among both, one after the other.
 */
#include <stdio.h>

#include "choose.h"

static void print_choice(const struct audiomodule_list *list,
			 const struct audiomodule_endpoint *endpoint,
			 const struct audiomodule_module *module)
{
	char choice[AUDIOMODULE_ADDRESS_SIZE];

	audiomodule_address_format(list, endpoint, module, choice);
	fprintf(stderr, "  \"%s\"\n", choice);
}

/* The modules that the address means; with whole, all of the endpoints that it means. How many? */
static size_t print_modules(const struct audiomodule_list *list, const char *address, bool whole)
{
	const struct audiomodule_module *module;
	size_t count = 0;

	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++) {
		if (!audiomodule_address_matches(address, module->endpoint, whole ? NULL : module))
			continue;
		print_choice(list, module->endpoint, module);
		count++;
	}
	return count;
}

static void print_endpoints(const struct audiomodule_list *list, const char *address)
{
	const struct audiomodule_endpoint *endpoint;

	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++)
		if (audiomodule_address_matches(address, endpoint, NULL))
			print_choice(list, endpoint, NULL);
}

static size_t find_modules(const struct audiomodule_list *list, const char *address,
			   struct target *target)
{
	const struct audiomodule_module *module;
	size_t count = 0;

	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++) {
		if (!audiomodule_address_matches(address, module->endpoint, module))
			continue;
		*target = (struct target) { module->endpoint, module };
		count++;
	}
	return count;
}

static size_t find_endpoints(const struct audiomodule_list *list, const char *address,
			     struct target *target)
{
	const struct audiomodule_endpoint *endpoint;
	size_t count = 0;

	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++) {
		if (!audiomodule_address_matches(address, endpoint, NULL))
			continue;
		*target = (struct target) { endpoint, NULL };
		count++;
	}
	return count;
}

static enum exit_status fail_choice(const char *address, const char *means, const char *why)
{
	fprintf(stderr, "audiomodulectl: \"%s\" %s; %s. Write one of these:\n", address, means,
		why);
	return STATUS_USAGE;
}

enum exit_status choose(const struct options *options, const struct audiomodule_list *list,
			bool endpoints, const char *why, struct target *target)
{
	const char *address = options->addresses[0];
	size_t modules = find_modules(list, address, target);
	size_t wholes = modules ? 0 : find_endpoints(list, address, target);
	enum exit_status status = STATUS_USAGE;

	if (modules == 1 || (endpoints && wholes == 1))
		return STATUS_OK;
	if (modules > 1) {
		status = fail_choice(address, "means several modules", why);
		print_modules(list, address, false);
	} else if (wholes && endpoints) {
		status = fail_choice(address, "means several endpoints", why);
		print_endpoints(list, address);
	} else if (wholes) {
		status = fail_choice(address, "is an endpoint", why);
		if (print_modules(list, address, true) == 0)
			fputs("  (it has none)\n", stderr);
	} else {
		status = fail_address(options, address);
	}
	return status;
}
