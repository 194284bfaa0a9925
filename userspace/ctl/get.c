// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: `audiomodulectl get` and `set`: the parameters of modules, which are elements of ALSA's, so
 * that what is set here is seen by every mixer and stored by alsactl. audiomoduled has no part in
 * it. A module's newest notification is shown with them, because an element shows it, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decode.h"
#include "output.h"
#include "value.h"

/* ---- Showing ---- */

static void print_newest(const struct newest *newest)
{
	const struct audiomodule_record *record = &newest->record;

	printf("%" PRIu64 ".%06" PRIu64 "  %" PRIu64 "  ", record->timestamp / 1000000000,
	       record->timestamp / 1000 % 1000000, record->sequence);
	print_decoded(record);
	if (newest->size > record->tail_size)
		printf(" (the first of %" PRIu32 " bytes)", newest->size);
	putchar('\n');
}

static int name_width(const struct parameters *parameters)
{
	size_t width = strlen("Notification");

	for (size_t i = 0; i < parameters->count; i++) {
		size_t length = strlen(parameters->first[i].name);

		width = length > width ? length : width;
	}
	return (int)width;
}

static void print_all(const char *address, const struct parameters *parameters)
{
	int width = name_width(parameters);

	puts(address);
	for (size_t i = 0; i < parameters->count; i++) {
		const struct parameter *parameter = &parameters->first[i];

		printf("  %-*s  ", width, parameter->name);
		value_print(parameters, parameter);
		fputs("  (", stdout);
		value_describe(stdout, parameters, parameter, true);
		puts(snd_ctl_elem_info_is_writable(parameter->info) ? ")" : "; read-only)");
	}
	if (parameters->newest.exists) {
		printf("  %-*s  ", width, "Notification");
		print_newest(&parameters->newest);
	}
}

static void json_parameter(bool *first, const struct parameters *parameters,
			   const struct parameter *parameter)
{
	bool inner = true;

	json_open(first, NULL, '{');
	json_text(&inner, "name", parameter->name);
	json_unsigned(&inner, "numid", snd_ctl_elem_info_get_numid(parameter->info));
	json_flag(&inner, "writable", snd_ctl_elem_info_is_writable(parameter->info));
	value_json(&inner, parameters, parameter);
	json_close('}');
}

static void json_newest(bool *first, const struct newest *newest)
{
	bool inner = true;

	json_open(first, "notification", '{');
	json_record(&inner, &newest->record);
	json_unsigned(&inner, "size", newest->size);
	json_close('}');
}

/* Members of what has them: all parameters, or the one; with all also the notification. */
static void json_all(const char *address, const struct parameters *parameters,
		     const struct parameter *only)
{
	bool first = true, inner = true;

	json_text(&first, "address", address);
	json_open(&first, "parameters", '[');
	for (size_t i = 0; i < parameters->count; i++)
		if (!only || only == &parameters->first[i])
			json_parameter(&inner, parameters, &parameters->first[i]);
	json_close(']');
	if (!only && parameters->newest.exists)
		json_newest(&first, &parameters->newest);
}

/* ---- What goes wrong ---- */

static enum exit_status fail_read(const struct options *options, const char *address, int error)
{
	const struct source source = { .options = options };
	char what[AUDIOMODULE_ADDRESS_SIZE + 64];

	if (error == -ENODEV || error == -ENOENT) {
		fprintf(stderr, "audiomodulectl: the card of %s is gone. See: audiomodulectl list "
			"--local\n", address);
		return STATUS_NO_ADDRESS;
	}
	snprintf(what, sizeof(what), "Cannot read the parameters of %s", address);
	return source_fail(&source, what, error);
}

static enum exit_status fail_name(const char *address, const struct parameters *parameters,
				  const char *name)
{
	fprintf(stderr, "audiomodulectl: %s has no parameter \"%s\"", address, name);
	for (size_t i = 0; i < parameters->count; i++)
		fprintf(stderr, "%s\"%s\"", i ? ", " : "; it has ", parameters->first[i].name);
	fputs(parameters->count ? "\n" : ", nor any other\n", stderr);
	return STATUS_NO_ADDRESS;
}

static enum exit_status fail_write(const char *address, const struct parameters *parameters,
				   const struct parameter *parameter, int error)
{
	snd_ctl_elem_info_t *info = parameter->info;

	snd_ctl_elem_info(parameters->ctl, info);
	if (error == -EPERM && snd_ctl_elem_info_is_locked(info)) {
		fprintf(stderr, "audiomodulectl: %s %s is locked by process %d. Only that can set "
			"it, until it ends.\n", address, parameter->name,
			(int)snd_ctl_elem_info_get_owner(info));
		return STATUS_PERMISSION;
	}
	if (error == -EINVAL) {
		fprintf(stderr, "audiomodulectl: the driver of %s refuses this value of %s. "
			"Compare it with what the module's vendor documents; it is ", address,
			parameter->name);
		value_describe(stderr, parameters, parameter, false);
		fputs("\n", stderr);
		return STATUS_FAILURE;
	}
	fprintf(stderr, "audiomodulectl: cannot set %s of %s: %s\n", parameter->name, address,
		strerror(-error));
	return error == -ENODEV ? STATUS_NO_ADDRESS : STATUS_FAILURE;
}

static enum exit_status fail_read_only(const char *address, const struct parameter *parameter)
{
	fprintf(stderr, "audiomodulectl: %s %s is read-only. See what can be set: audiomodulectl "
		"get \"%s\"\n", address, parameter->name, address);
	return STATUS_FAILURE;
}

/* ---- get ---- */

/* All of it, or one parameter's value. */
static void print_target(const struct options *options, const char *address,
			 const struct parameters *parameters, const struct parameter *only,
			 bool *first)
{
	if (options->json) {
		json_open(first, NULL, '{');
		json_all(address, parameters, only);
		json_close('}');
	} else if (only) {
		value_print(parameters, only);
		putchar('\n');
	} else {
		print_all(address, parameters);
	}
}

static enum exit_status show(const struct options *options, const struct audiomodule_list *list,
			     const struct target *target, bool *first)
{
	_cleanup_(parameters_free) struct parameters parameters = { 0 };
	const struct parameter *only = NULL;
	char address[AUDIOMODULE_ADDRESS_SIZE];
	int r;

	audiomodule_address_format(list, target->endpoint, target->module, address);
	r = parameters_read(list, target, false, &parameters);
	if (r < 0)
		return fail_read(options, address, r);
	if (options->parameter) {
		only = parameters_find(&parameters, options->parameter);
		if (!only)
			return fail_name(address, &parameters, options->parameter);
	}
	print_target(options, address, &parameters, only, first);
	return STATUS_OK;
}

/* Of an endpoint without a parameter all is shown; with one, its own is meant. */
static bool shows_module(const struct options *options, const struct audiomodule_module *module)
{
	return is_addressed(options, module->endpoint, module) ||
	       (!options->parameter && is_addressed(options, module->endpoint, NULL));
}

static enum exit_status show_endpoint(const struct options *options,
				      const struct audiomodule_list *list,
				      const struct audiomodule_endpoint *endpoint, bool *first)
{
	struct target target = { .endpoint = endpoint };
	enum exit_status status = STATUS_OK;

	if (is_addressed(options, endpoint, NULL))
		status = show(options, list, &target, first);
	for (size_t i = 0; status == STATUS_OK; i++) {
		target.module = audiomodule_list_module(list, i);
		if (!target.module)
			break;
		if (target.module->endpoint == endpoint && shows_module(options, target.module))
			status = show(options, list, &target, first);
	}
	return status;
}

static enum exit_status show_all(const struct options *options,
				 const struct audiomodule_list *list)
{
	const struct audiomodule_endpoint *endpoint;
	enum exit_status status = STATUS_OK, output;
	bool first = true, closed;

	if (options->json)
		putchar('[');
	else if (!audiomodule_list_endpoint(list, 0))
		puts("no cards with audio modules");
	for (size_t i = 0; status == STATUS_OK && (endpoint = audiomodule_list_endpoint(list, i));
	     i++)
		status = show_endpoint(options, list, endpoint, &first);
	if (options->json)
		puts("]");
	output = finish_output(&closed);
	return status == STATUS_OK ? output : status;
}

enum exit_status command_get(const struct options *options)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	enum exit_status status = source_list_once(options, &list);

	if (status == STATUS_OK)
		status = check_addresses(options, list);
	if (status == STATUS_OK)
		status = show_all(options, list);
	snd_config_update_free_global();
	return status;
}

/* ---- set ---- */

static enum exit_status write_value(const char *address, const struct parameters *parameters,
				    struct parameter *parameter)
{
	int r = snd_ctl_elem_write(parameters->ctl, parameter->value);

	if (r < 0)
		return fail_write(address, parameters, parameter, r);
	if (snd_ctl_elem_info_is_readable(parameter->info))
		parameter->error = snd_ctl_elem_read(parameters->ctl, parameter->value);
	return STATUS_OK;
}

static enum exit_status set_parameter(const struct options *options, const char *address,
				      const struct parameters *parameters,
				      struct parameter *parameter)
{
	enum exit_status status;

	if (!parameter)
		return fail_name(address, parameters, options->parameter);
	if (!snd_ctl_elem_info_is_writable(parameter->info))
		return fail_read_only(address, parameter);
	status = value_parse(address, parameters, parameter, options->values,
			     options->value_count);
	return status == STATUS_OK ? write_value(address, parameters, parameter) : status;
}

/* Prints what get would print then: a driver may have made another value of it. */
static enum exit_status set_target(const struct options *options,
				   const struct audiomodule_list *list,
				   const struct target *target)
{
	_cleanup_(parameters_free) struct parameters parameters = { 0 };
	char address[AUDIOMODULE_ADDRESS_SIZE];
	bool first = true, closed;
	struct parameter *parameter;
	enum exit_status status;
	int r;

	audiomodule_address_format(list, target->endpoint, target->module, address);
	r = parameters_read(list, target, true, &parameters);
	if (r < 0)
		return fail_read(options, address, r);
	parameter = parameters_find(&parameters, options->parameter);
	status = set_parameter(options, address, &parameters, parameter);
	if (status != STATUS_OK)
		return status;
	fputs(options->json ? "[" : "", stdout);
	print_target(options, address, &parameters, parameter, &first);
	fputs(options->json ? "]\n" : "", stdout);
	return finish_output(&closed);
}

enum exit_status command_set(const struct options *options)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	enum exit_status status = source_list_once(options, &list);
	struct target target;

	if (status == STATUS_OK)
		status = choose(options, list, true, "a value is set at one place", &target);
	if (status == STATUS_OK)
		status = set_target(options, list, &target);
	snd_config_update_free_global();
	return status;
}
