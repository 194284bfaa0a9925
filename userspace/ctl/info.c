// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: `audiomodulectl info`: all that is known of endpoints and modules. The state of the journal
 * and the drivers' counters are the kernel's to tell, so they are there with --local only.
 */
#include <inttypes.h>
#include <stdio.h>

#include "card.h"
#include "output.h"

/* What the kernel says of the card; false when it is not asked, or does not answer. */
static bool get_card(const struct options *options, const struct audiomodule_endpoint *endpoint,
		     struct audiomodule_info *info)
{
	return options->local && card_ask(options, endpoint, info) == 0;
}

static bool shows_module(const struct options *options, const struct audiomodule_module *module,
			 const struct audiomodule_endpoint *endpoint)
{
	return module->endpoint == endpoint && (is_addressed(options, endpoint, NULL) ||
						is_addressed(options, endpoint, module));
}

static void print_module(const struct audiomodule_list *list,
			 const struct audiomodule_module *module)
{
	char address[AUDIOMODULE_ADDRESS_SIZE], id[AUDIOMODULE_GUID_TEXT_SIZE];

	audiomodule_address_format(list, module->endpoint, module, address);
	audiomodule_guid_format(&module->class_id, id);
	printf("  %s\n", address);
	printf("    name              %s\n", module->name);
	printf("    class id          %s\n", id);
	printf("    instance id       %u\n", module->instance_id);
	printf("    version           %u.%u\n", module->version_major, module->version_minor);
	if (module->element_numid)
		printf("    element           numid %u\n", module->element_numid);
	if (module->pcm_device >= 0)
		printf("    stream            PCM device %d, subdevice %d\n", module->pcm_device,
		       module->pcm_subdevice);
}

static void print_card(const struct audiomodule_info *info)
{
	printf("  interface version   %u.%u\n", info->abi_version >> 16,
	       info->abi_version & 0xffff);
	printf("  features            0x%" PRIx64 "\n", info->features);
	printf("  generation          %" PRIu64 "\n", info->generation);
	print_card_journal(info);
	print_card_counters(info);
}

static void print_endpoint(const struct options *options, const struct audiomodule_list *list,
			   const struct audiomodule_endpoint *endpoint)
{
	char address[AUDIOMODULE_ADDRESS_SIZE], id[AUDIOMODULE_GUID_TEXT_SIZE];
	const struct audiomodule_module *module;
	struct audiomodule_info info;

	audiomodule_address_format(list, endpoint, NULL, address);
	audiomodule_guid_format(&endpoint->device_id, id);
	printf("%s\n  device id           %s\n", address, id);
	printf("  card                %u [%s]\n", endpoint->card, endpoint->card_id);
	fputs("  playback devices    ", stdout);
	print_devices(endpoint->playback_devices);
	fputs("\n  capture devices     ", stdout);
	print_devices(endpoint->capture_devices);
	printf("\n  journal id          %016" PRIx64 "\n", endpoint->journal_id);
	if (endpoint->object_path)
		printf("  object              %s\n", endpoint->object_path);
	if (get_card(options, endpoint, &info))
		print_card(&info);
	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++)
		if (shows_module(options, module, endpoint))
			print_module(list, module);
}

static void print_card_json(bool *first, const struct audiomodule_info *info)
{
	json_unsigned(first, "abi_version", info->abi_version);
	json_unsigned(first, "features", info->features);
	json_unsigned(first, "generation", info->generation);
	json_card_counts(first, info);
}

static void print_endpoint_json(const struct options *options, const struct audiomodule_list *list,
				const struct audiomodule_endpoint *endpoint)
{
	const struct audiomodule_module *module;
	bool first = true, modules = true;
	struct audiomodule_info info;

	json_endpoint(&first, list, endpoint);
	if (endpoint->object_path)
		json_text(&first, "object_path", endpoint->object_path);
	if (get_card(options, endpoint, &info))
		print_card_json(&first, &info);
	json_open(&first, "modules", '[');
	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++) {
		bool inner = true;

		if (!shows_module(options, module, endpoint))
			continue;
		json_open(&modules, NULL, '{');
		json_module(&inner, list, module);
		json_unsigned(&inner, "element_numid", module->element_numid);
		json_close('}');
	}
	json_close(']');
}

static void print_all(const struct options *options, const struct audiomodule_list *list)
{
	const struct audiomodule_endpoint *endpoint;
	bool first = true;

	if (options->json)
		putchar('[');
	else if (!audiomodule_list_endpoint(list, 0))
		puts("no cards with audio modules");
	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++) {
		if (!is_touched(options, list, endpoint))
			continue;
		if (!options->json) {
			print_endpoint(options, list, endpoint);
			continue;
		}
		json_open(&first, NULL, '{');
		print_endpoint_json(options, list, endpoint);
		json_close('}');
	}
	if (options->json)
		puts("]");
}

enum exit_status command_info(const struct options *options)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	enum exit_status status = source_list_once(options, &list);
	bool closed;

	if (status == STATUS_OK)
		status = check_addresses(options, list);
	if (status != STATUS_OK)
		return status;
	print_all(options, list);
	return finish_output(&closed);
}
