// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: audiomodulectl shows audio modules and their notifications to people and scripts. Main
 * finds the command; every command takes the same options where they make sense, and says so
 * where they do not.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "options.h"
#include "output.h"

/* What is behind the command. */
enum arguments {
	ARGUMENTS_NONE,
	ARGUMENTS_ADDRESSES,
	ARGUMENTS_BYTES,	/* ADDRESS [BYTES] */
	ARGUMENTS_PARAMETER,	/* [ADDRESS [PARAMETER]] */
	ARGUMENTS_VALUES,	/* ADDRESS PARAMETER VALUE... */
};

struct command {
	const char *name;
	const char *help;
	enum exit_status (*run)(const struct options *options);
	enum arguments arguments;
	bool only_local;	/* audiomoduled does not know what is asked */
	bool only_alsa;		/* neither does the library: alsa-lib finds its devices itself */
};

static const struct command commands[] = {
	{ "list", help_list, command_list, .arguments = ARGUMENTS_NONE },
	{ "info", help_info, command_info, .arguments = ARGUMENTS_ADDRESSES },
	{ "monitor", help_monitor, command_monitor, .arguments = ARGUMENTS_ADDRESSES },
	{ "send", help_send, command_send, .arguments = ARGUMENTS_BYTES },
	{ "get", help_get, command_get, .arguments = ARGUMENTS_PARAMETER, .only_local = true,
	  .only_alsa = true },
	{ "set", help_set, command_set, .arguments = ARGUMENTS_VALUES, .only_local = true,
	  .only_alsa = true },
	{ "stats", help_stats, command_stats, .arguments = ARGUMENTS_ADDRESSES,
	  .only_local = true },
	{ "doctor", help_doctor, command_doctor, .arguments = ARGUMENTS_NONE },
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* ---- Which options a command takes ---- */

static enum exit_status check_owners(const struct request *request, const struct command *command)
{
	char what[64];

	for (size_t i = 0; i < request->owner_count; i++) {
		if (strcmp(request->owners[i], command->name) == 0)
			continue;
		snprintf(what, sizeof(what), "an option of %s was given to", request->owners[i]);
		return usage(what, command->name);
	}
	return STATUS_OK;
}

static enum exit_status check_devices(const struct request *request, const struct command *command)
{
	char what[80];

	if (command->only_local && request->bus) {
		snprintf(what, sizeof(what), "%s asks the kernel, as with --local: leave out",
			 command->name);
		return usage(what, "--bus");
	}
	if (command->only_alsa && request->directory) {
		snprintf(what, sizeof(what), "%s uses ALSA's own devices: leave out",
			 command->name);
		return usage(what, "--dev-dir");
	}
	return STATUS_OK;
}

/* Those that say where to begin exclude each other. */
static enum exit_status check_begin(const struct options *options)
{
	if (options->oldest && !options->local)
		return usage("this needs --local:", "--oldest");
	if (options->oldest && options->resume)
		return usage("--after excludes", "--oldest");
	if (options->has_since && options->resume)
		return usage("--after excludes", "--since");
	if (options->has_since && options->oldest)
		return usage("--oldest excludes", "--since");
	return STATUS_OK;
}

static enum exit_status check_options(const struct options *options, const struct request *request,
				      const struct command *command)
{
	enum exit_status status = check_owners(request, command);

	if (status == STATUS_OK)
		status = check_devices(request, command);
	if (status == STATUS_OK)
		status = check_begin(options);
	if (status != STATUS_OK)
		return status;
	if (options->raw && options->json)
		return usage("--json excludes", "--raw");
	if (options->fd && options->local)
		return usage("--local excludes", "--fd");
	return STATUS_OK;
}

/* ---- What is behind the command ---- */

static enum exit_status fail_missing(const char *what, const struct command *command)
{
	char text[80];

	snprintf(text, sizeof(text), "%s This needs more:", what);
	return usage(text, command->name);
}

static enum exit_status take_bytes(char **arguments, size_t count, struct options *options,
				   const struct command *command)
{
	if (count == 0)
		return fail_missing("which module?", command);
	if (count > 2)
		return usage("send takes an address and bytes; write all bytes as one argument, "
			     "in quotes:", arguments[2]);
	options->address_count = 1;
	options->bytes = count > 1 ? arguments[1] : "-";
	return STATUS_OK;
}

static enum exit_status take_parameter(char **arguments, size_t count, struct options *options)
{
	if (count > 2)
		return usage("get takes an address and a parameter; one too many:", arguments[2]);
	options->address_count = count > 0;
	options->parameter = count > 1 ? arguments[1] : NULL;
	return STATUS_OK;
}

static enum exit_status take_values(char **arguments, size_t count, struct options *options,
				    const struct command *command)
{
	if (count == 0)
		return fail_missing("which module?", command);
	if (count == 1)
		return fail_missing("which parameter?", command);
	if (count == 2)
		return fail_missing("to which value?", command);
	options->address_count = 1;
	options->parameter = arguments[1];
	options->values = arguments + 2;
	options->value_count = count - 2;
	return STATUS_OK;
}

static enum exit_status take_arguments(char **arguments, size_t count, struct options *options,
				       const struct command *command)
{
	char what[64];

	options->addresses = arguments;
	options->address_count = count;
	switch (command->arguments) {
	case ARGUMENTS_NONE:
		if (count == 0)
			return STATUS_OK;
		snprintf(what, sizeof(what), "%s takes no address:", command->name);
		return usage(what, arguments[0]);
	case ARGUMENTS_BYTES:
		return take_bytes(arguments, count, options, command);
	case ARGUMENTS_PARAMETER:
		return take_parameter(arguments, count, options);
	case ARGUMENTS_VALUES:
		return take_values(arguments, count, options, command);
	default:
		return STATUS_OK;
	}
}

static enum exit_status run(int argc, char **argv, struct options *options)
{
	struct request request = { 0 };
	const struct command *command = NULL;
	bool closed;
	enum exit_status status = parse_options(argc, argv, options, &request);

	if (status != STATUS_OK)
		return status;
	if (optind < argc) {
		command = find_command(argv[optind]);
		if (!command)
			return usage("unknown command", argv[optind]);
	}
	if (request.help || request.version) {
		puts(request.version ? "audiomodulectl " AUDIOMODULE_VERSION :
		     command ? command->help : help_general);
		return finish_output(&closed);
	}
	if (!command) {
		fputs("audiomodulectl: which command?\nTry: audiomodulectl --help\n", stderr);
		return STATUS_USAGE;
	}
	options->only_local = command->only_local;
	options->local |= options->only_local;
	status = check_options(options, &request, command);
	if (status == STATUS_OK)
		status = take_arguments(argv + optind + 1, (size_t)(argc - optind - 1), options,
					command);
	return status == STATUS_OK ? command->run(options) : status;
}

int main(int argc, char **argv)
{
	struct options options = {
		.directory = AUDIOMODULE_DIRECTORY,
		.bus = "system",
		.root = "",
		.timeout = -1,
	};

	signal(SIGPIPE, SIG_IGN);
	return (int)run(argc, argv, &options);
}
