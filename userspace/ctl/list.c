// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: `audiomodulectl list`: one line for each endpoint and module; the first column is the
 * address that every other command takes.
 */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "output.h"

static void print_modules_json(const struct audiomodule_list *list,
			       const struct audiomodule_endpoint *endpoint)
{
	const struct audiomodule_module *module;
	bool first = true;

	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++) {
		bool inner = true;

		if (module->endpoint != endpoint)
			continue;
		json_open(&first, NULL, '{');
		json_module(&inner, list, module);
		json_close('}');
	}
}

static void print_json(const struct audiomodule_list *list)
{
	const struct audiomodule_endpoint *endpoint;
	bool first = true;

	putchar('[');
	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++) {
		bool inner = true;

		json_open(&first, NULL, '{');
		json_endpoint(&inner, list, endpoint);
		json_open(&inner, "modules", '[');
		print_modules_json(list, endpoint);
		json_close(']');
		json_close('}');
	}
	puts("]");
}

static int address_width(const struct audiomodule_list *list)
{
	const struct audiomodule_endpoint *endpoint;
	const struct audiomodule_module *module;
	char address[AUDIOMODULE_ADDRESS_SIZE];
	size_t width = strlen("ADDRESS");

	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++) {
		audiomodule_address_format(list, endpoint, NULL, address);
		width = strlen(address) > width ? strlen(address) : width;
	}
	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++) {
		audiomodule_address_format(list, module->endpoint, module, address);
		width = strlen(address) > width ? strlen(address) : width;
	}
	return (int)width;
}

static void print_endpoint(const struct audiomodule_list *list,
			   const struct audiomodule_endpoint *endpoint, int width)
{
	char address[AUDIOMODULE_ADDRESS_SIZE], id[AUDIOMODULE_GUID_TEXT_SIZE];

	audiomodule_address_format(list, endpoint, NULL, address);
	audiomodule_guid_format(&endpoint->device_id, id);
	printf("%-*s  %s  %8s  %7s  card %u [%s]", width, address, id, "-", "-", endpoint->card,
	       endpoint->card_id);
	if (endpoint->playback_devices) {
		fputs(", playback ", stdout);
		print_devices(endpoint->playback_devices);
	}
	if (endpoint->capture_devices) {
		fputs(", capture ", stdout);
		print_devices(endpoint->capture_devices);
	}
	putchar('\n');
}

static void print_module(const struct audiomodule_list *list,
			 const struct audiomodule_module *module, int width)
{
	char address[AUDIOMODULE_ADDRESS_SIZE], id[AUDIOMODULE_GUID_TEXT_SIZE], version[32];

	audiomodule_address_format(list, module->endpoint, module, address);
	audiomodule_guid_format(&module->class_id, id);
	snprintf(version, sizeof(version), "%u.%u", module->version_major, module->version_minor);
	printf("%-*s  %s  %8u  %7s  %s\n", width, address, id, module->instance_id, version,
	       module->name);
}

static void print_table(const struct audiomodule_list *list)
{
	const struct audiomodule_endpoint *endpoint;
	const struct audiomodule_module *module;
	int width = address_width(list);

	if (!audiomodule_list_endpoint(list, 0)) {
		puts("no cards with audio modules");
		return;
	}
	printf("%-*s  %-36s  %8s  %7s  %s\n", width, "ADDRESS", "DEVICE OR CLASS ID", "INSTANCE",
	       "VERSION", "NAME");
	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++) {
		print_endpoint(list, endpoint, width);
		for (size_t j = 0; (module = audiomodule_list_module(list, j)); j++)
			if (module->endpoint == endpoint)
				print_module(list, module, width);
	}
}

enum exit_status command_list(const struct options *options)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	enum exit_status status = source_list_once(options, &list);
	bool closed;

	if (status != STATUS_OK)
		return status;
	if (options->json)
		print_json(list);
	else
		print_table(list);
	return finish_output(&closed);
}
