// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: where lists come from, and the words for what went wrong on the way: each error names the
 * object, the cause and the way out.
 */
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static enum exit_status fail_bus(const struct source *source, const char *what, int error)
{
	const char *text = source->bus ? audiomodule_bus_error(source->bus) : "";

	if (!source->bus || error == -EHOSTUNREACH || error == -ENOTCONN || error == -ECONNRESET) {
		fprintf(stderr, "audiomodulectl: %s: audiomoduled is not reachable on the bus "
			"\"%s\" (%s). Start audiomoduled, or use --local.\n", what,
			source->options->bus, text[0] ? text : strerror(-error));
		return STATUS_NO_DAEMON;
	}
	if (error == -EACCES || error == -EPERM) {
		fprintf(stderr, "audiomodulectl: %s: refused on the bus: %s. Be root or in the "
			"group audio; audiomodulectl doctor says more.\n", what,
			text[0] ? text : strerror(-error));
		return STATUS_PERMISSION;
	}
	fprintf(stderr, "audiomodulectl: %s: %s\n", what, text[0] ? text : strerror(-error));
	return STATUS_FAILURE;
}

enum exit_status source_fail(const struct source *source, const char *what, int error)
{
	if (!source->options->local)
		return fail_bus(source, what, error);
	if (error == -EACCES || error == -EPERM) {
		fprintf(stderr, "audiomodulectl: %s: no permission for the devices in %s. Be root "
			"or in the group audio%s.\n", what, source->options->directory,
			source->options->only_local ? "" : ", or leave out --local");
		return STATUS_PERMISSION;
	}
	if (error == -EPROTONOSUPPORT)
		fprintf(stderr, "audiomodulectl: %s: the kernel module speaks another version of "
			"the interface. Update audiomodulectl or the module.\n", what);
	else
		fprintf(stderr, "audiomodulectl: %s: %s\n", what, strerror(-error));
	return STATUS_FAILURE;
}

enum exit_status source_open(struct source *source, const struct options *options)
{
	int r;

	source->options = options;
	source->bus = NULL;
	if (options->local)
		return STATUS_OK;
	r = audiomodule_bus_open(options->bus, &source->bus);
	return r < 0 ? source_fail(source, "Cannot connect", r) : STATUS_OK;
}

enum exit_status source_list(struct source *source, struct audiomodule_list **list)
{
	int r;

	if (source->bus)
		r = audiomodule_bus_list(source->bus, list);
	else
		r = audiomodule_list_all(source->options->directory, list);
	return r < 0 ? source_fail(source, "Cannot list", r) : STATUS_OK;
}

enum exit_status source_list_once(const struct options *options, struct audiomodule_list **list)
{
	_cleanup_(cleanup_source) struct source source = { 0 };
	enum exit_status status = source_open(&source, options);

	return status == STATUS_OK ? source_list(&source, list) : status;
}

bool is_addressed(const struct options *options, const struct audiomodule_endpoint *endpoint,
		  const struct audiomodule_module *module)
{
	for (size_t i = 0; i < options->address_count; i++)
		if (audiomodule_address_matches(options->addresses[i], endpoint, module))
			return true;
	return options->address_count == 0;
}

bool is_touched(const struct options *options, const struct audiomodule_list *list,
		const struct audiomodule_endpoint *endpoint)
{
	const struct audiomodule_module *module;

	if (is_addressed(options, endpoint, NULL))
		return true;
	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++)
		if (module->endpoint == endpoint && is_addressed(options, endpoint, module))
			return true;
	return false;
}

static bool means_something(const char *address, const struct audiomodule_list *list)
{
	const struct audiomodule_endpoint *endpoint;
	const struct audiomodule_module *module;

	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++)
		if (audiomodule_address_matches(address, endpoint, NULL))
			return true;
	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++)
		if (audiomodule_address_matches(address, module->endpoint, module))
			return true;
	return false;
}

enum exit_status fail_address(const struct options *options, const char *address)
{
	fprintf(stderr, "audiomodulectl: no endpoint or module has the address \"%s\". See: "
		"audiomodulectl list%s\n", address, options->local ? " --local" : "");
	return STATUS_NO_ADDRESS;
}

enum exit_status check_addresses(const struct options *options, const struct audiomodule_list *list)
{
	for (size_t i = 0; i < options->address_count; i++)
		if (!means_something(options->addresses[i], list))
			return fail_address(options, options->addresses[i]);
	return STATUS_OK;
}
