// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: audiomodulectl shows audio modules and their notifications to people and scripts. Main
 * reads the command line; every command takes the same options where they make sense, and says so
 * where they do not.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

enum {
	OPTION_LOCAL = 256,
	OPTION_JSON,
	OPTION_BUS,
	OPTION_DIRECTORY,
	OPTION_RAW,
	OPTION_WATCH,
	OPTION_CLASS,
	OPTION_ID,
	OPTION_AFTER,
	OPTION_OLDEST,
	OPTION_COUNT,
	OPTION_TIMEOUT,
	OPTION_FD,
	OPTION_EXIT,
};

static const char help_general[] =
	"audiomodulectl - audio modules of ALSA sound cards\n"
	"\n"
	"Usage: audiomodulectl COMMAND [OPTION...] [ADDRESS...]\n"
	"\n"
	"  list             cards, endpoints and modules, with their addresses\n"
	"  info             all details of endpoints and modules\n"
	"  monitor          notifications, as they come\n"
	"  send             a command to a module, and its answer\n"
	"  stats            what the kernel counts for each card\n"
	"\n"
	"  --local          ask the kernel, not audiomoduled\n"
	"  --json           JSON instead of text\n"
	"  --bus=BUS        audiomoduled's bus: system (default), session, or an address\n"
	"  --dev-dir=DIR    with --local: where the sound devices are (default /dev/snd)\n"
	"  -h, --help       this text; after a command, that command's\n"
	"  -V, --version    the version\n"
	"\n"
	"ADDRESS is ENDPOINT[/MODULE]. ENDPOINT is a name, CARD:NAME or a DeviceId; MODULE is a\n"
	"label or CLASSID[:INSTANCEID].\n"
	"\n"
	"Exit status: 0 success, 1 failure, 2 wrong usage, 3 no such address,\n"
	"4 audiomoduled is not reachable, 5 no permission.";

static const char help_list[] =
	"audiomodulectl list [--local] [--json]\n"
	"\n"
	"Prints a line for each endpoint and each of its modules. The first column is the\n"
	"address that the other commands take. Options: see audiomodulectl --help";

static const char help_info[] =
	"audiomodulectl info [--local] [--json] [ADDRESS...]\n"
	"\n"
	"Prints all that is known of these endpoints and modules, or of all. With --local also\n"
	"the state of the card's journal and the counters of its drivers' calls.\n"
	"Options: see audiomodulectl --help";

static const char help_monitor[] =
	"audiomodulectl monitor [OPTION...] [ADDRESS...]\n"
	"\n"
	"Prints each notification of these endpoints and modules, or of all, until it is ended by\n"
	"SIGINT or SIGTERM. When a card goes away, monitor says so and waits for it to come back.\n"
	"\n"
	"  --class=CLASSID            only modules of this class\n"
	"  --notification-id=ID       only this NotificationId\n"
	"  --after=JOURNAL:SEQUENCE   resume behind this one; JOURNAL is the journal id in\n"
	"                             hexadecimal digits, as info prints it\n"
	"  --oldest                   start with the oldest that the journal has (needs --local)\n"
	"  --count=N                  end after N notifications\n"
	"  --timeout=SECONDS          end after this time\n"
	"  --fd                       have audiomoduled hand over the kernel's notification fd\n"
	"                             instead of sending signals\n"
	"  --exit-when-gone           end when all that is watched is gone\n"
	"\n"
	"Other options: see audiomodulectl --help";

static const char help_send[] =
	"audiomodulectl send [--local] [--json | --raw] ADDRESS [BYTES]\n"
	"\n"
	"Sends a command to one module and prints its answer as hexadecimal numbers. What the\n"
	"bytes mean, the module's vendor defines. BYTES are hexadecimal digits, with blanks or\n"
	"colons between bytes or without; or @FILE; or -, standard input, as when there are none.\n"
	"\n"
	"  --raw            the answer's bytes as they are\n"
	"  --json           an object with address, status, size and data\n"
	"\n"
	"Exit status: 1 when the module refuses. Other options: see audiomodulectl --help";

static const char help_stats[] =
	"audiomodulectl stats [--watch[=SECONDS]] [--json] [ADDRESS...]\n"
	"\n"
	"Prints for each card of these endpoints and modules, or for all, its journal and what\n"
	"became of its drivers' calls. Asks the kernel, as with --local.\n"
	"\n"
	"  --watch[=SECONDS]   then, each SECONDS (1), what changed since the last look, until it\n"
	"                      is ended by SIGINT or SIGTERM\n"
	"  --json              an object a line\n"
	"\n"
	"Other options: see audiomodulectl --help";

struct command {
	const char *name;
	const char *help;
	enum exit_status (*run)(const struct options *options);
};

static const struct command commands[] = {
	{ "list", help_list, command_list },
	{ "info", help_info, command_info },
	{ "monitor", help_monitor, command_monitor },
	{ "send", help_send, command_send },
	{ "stats", help_stats, command_stats },
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static enum exit_status usage(const char *what, const char *value)
{
	fprintf(stderr, "audiomodulectl: %s \"%s\"\nTry: audiomodulectl --help\n", what, value);
	return STATUS_USAGE;
}

/* ---- Values of options ---- */

static bool parse_unsigned(const char *text, int base, char end_at, uint64_t *value,
			   const char **rest)
{
	unsigned long long result;
	char *end;

	if (strchr("+- \t\n\v\f\r", text[0]))	/* strtoull() takes these; empty text too */
		return false;
	errno = 0;
	result = strtoull(text, &end, base);
	if (errno || end == text || *end != end_at)
		return false;
	*value = result;
	*rest = end;
	return true;
}

static bool parse_count(const char *text, uint64_t *count)
{
	const char *rest;

	return parse_unsigned(text, 10, 0, count, &rest) && *count > 0;
}

static bool parse_position(const char *text, struct audiomodule_position *position)
{
	const char *rest;

	return parse_unsigned(text, 16, ':', &position->journal_id, &rest) &&
	       parse_unsigned(rest + 1, 10, 0, &position->sequence, &rest);
}

/* Seconds, with a fraction or without. */
static bool parse_timeout(const char *text, int64_t *milliseconds)
{
	double seconds;
	char *end;

	if (!text[0] || strspn(text, "0123456789.") != strlen(text))
		return false;
	seconds = strtod(text, &end);
	if (*end || seconds > 1e9)
		return false;
	*milliseconds = (int64_t)(seconds * 1000);
	return true;
}

/* How often; each second, when nothing is said. */
static bool parse_watch(const char *text, int64_t *milliseconds)
{
	*milliseconds = 1000;
	return !text || (parse_timeout(text, milliseconds) && *milliseconds > 0);
}

static bool parse_guid(const char *text, uint32_t match, struct audiomodule_guid *guid,
		       struct audiomodule_filter *filter)
{
	filter->match |= match;
	return audiomodule_guid_parse(text, guid) == 0;
}

/* Returns false when the value is none. */
static bool set_value(int option, const char *value, struct options *options)
{
	struct audiomodule_filter *filter = &options->filter;

	switch (option) {
	case OPTION_BUS:
		options->bus = value;
		return true;
	case OPTION_DIRECTORY:
		options->directory = value;
		return true;
	case OPTION_CLASS:
		return parse_guid(value, AUDIOMODULE_MATCH_CLASS_ID, &filter->class_id, filter);
	case OPTION_ID:
		return parse_guid(value, AUDIOMODULE_MATCH_NOTIFICATION_ID,
				  &filter->notification_id, filter);
	case OPTION_AFTER:
		options->resume = true;
		return parse_position(value, &options->after);
	case OPTION_COUNT:
		return parse_count(value, &options->count);
	case OPTION_WATCH:
		return parse_watch(value, &options->watch);
	default:
		return parse_timeout(value, &options->timeout);
	}
}

/* Returns false when the option is no switch. */
static bool set_switch(int option, struct options *options)
{
	switch (option) {
	case OPTION_LOCAL:
		options->local = true;
		return true;
	case OPTION_JSON:
		options->json = true;
		return true;
	case OPTION_RAW:
		options->raw = true;
		return true;
	case OPTION_OLDEST:
		options->oldest = true;
		return true;
	case OPTION_FD:
		options->fd = true;
		return true;
	case OPTION_EXIT:
		options->exit_when_gone = true;
		return true;
	default:
		return false;
	}
}

/* ---- The command line ---- */

struct request {
	bool help;
	bool version;
	bool bus;
	unsigned int owners;	/* bit N: an option was given that only commands[N] has */
};

static const struct option known_options[] = {
	{ "local", no_argument, NULL, OPTION_LOCAL },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "bus", required_argument, NULL, OPTION_BUS },
	{ "dev-dir", required_argument, NULL, OPTION_DIRECTORY },
	{ "raw", no_argument, NULL, OPTION_RAW },
	{ "watch", optional_argument, NULL, OPTION_WATCH },
	{ "class", required_argument, NULL, OPTION_CLASS },
	{ "notification-id", required_argument, NULL, OPTION_ID },
	{ "after", required_argument, NULL, OPTION_AFTER },
	{ "oldest", no_argument, NULL, OPTION_OLDEST },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "fd", no_argument, NULL, OPTION_FD },
	{ "exit-when-gone", no_argument, NULL, OPTION_EXIT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* The one command that has the option; NULL: it is for all. */
static const struct command *owner_of(int option)
{
	if (option == OPTION_RAW)
		return find_command("send");
	if (option == OPTION_WATCH)
		return find_command("stats");
	return option >= OPTION_CLASS ? find_command("monitor") : NULL;
}

static void note_option(int option, struct request *request)
{
	const struct command *owner = owner_of(option);

	request->help |= option == 'h';
	request->version |= option == 'V';
	request->bus |= option == OPTION_BUS;
	if (owner)
		request->owners |= 1U << (owner - commands);
}

static enum exit_status parse_options(int argc, char **argv, struct options *options,
				      struct request *request)
{
	int option;

	while ((option = getopt_long(argc, argv, "hV", known_options, NULL)) != -1) {
		if (option == '?') {
			fputs("Try: audiomodulectl --help\n", stderr);
			return STATUS_USAGE;
		}
		note_option(option, request);
		if (option == 'h' || option == 'V')
			continue;
		if (!set_switch(option, options) && !set_value(option, optarg, options))
			return usage("bad value", optarg);
	}
	return STATUS_OK;
}

static enum exit_status check_owners(const struct request *request, const struct command *command)
{
	char what[64];

	for (size_t i = 0; i < COMMANDS; i++) {
		if (!(request->owners & 1U << i) || &commands[i] == command)
			continue;
		snprintf(what, sizeof(what), "an option of %s was given to", commands[i].name);
		return usage(what, command->name);
	}
	return STATUS_OK;
}

static enum exit_status check_options(const struct options *options, const struct request *request,
				      const struct command *command)
{
	enum exit_status status = check_owners(request, command);

	if (status != STATUS_OK)
		return status;
	if (command->run == command_stats && request->bus)
		return usage("stats asks the kernel, as with --local: leave out", "--bus");
	if (options->raw && options->json)
		return usage("--json excludes", "--raw");
	if (options->oldest && !options->local)
		return usage("this needs --local:", "--oldest");
	if (options->oldest && options->resume)
		return usage("--after excludes", "--oldest");
	if (options->fd && options->local)
		return usage("--local excludes", "--fd");
	return STATUS_OK;
}

/* What is behind the command: addresses, but for send, which has one and the bytes. */
static enum exit_status take_arguments(char **arguments, size_t count, struct options *options,
				       const struct command *command)
{
	options->addresses = arguments;
	options->address_count = count;
	if (command->run == command_list && count > 0)
		return usage("list takes no address:", arguments[0]);
	if (command->run != command_send)
		return STATUS_OK;
	if (count == 0)
		return usage("which module? This needs an address:", "send");
	if (count > 2)
		return usage("send takes an address and bytes; write all bytes as one argument, "
			     "in quotes:", arguments[2]);
	options->address_count = 1;
	options->bytes = count > 1 ? arguments[1] : "-";
	return STATUS_OK;
}

static enum exit_status run(int argc, char **argv, struct options *options)
{
	struct request request = { 0 };
	const struct command *command = NULL;
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
		return STATUS_OK;
	}
	if (!command) {
		fputs("audiomodulectl: which command?\nTry: audiomodulectl --help\n", stderr);
		return STATUS_USAGE;
	}
	options->only_local = command->run == command_stats;
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
		.timeout = -1,
	};

	signal(SIGPIPE, SIG_IGN);
	return (int)run(argc, argv, &options);
}
