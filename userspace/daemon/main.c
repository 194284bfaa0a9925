// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: audiomoduled offers the audio modules of all cards on D-Bus, for programs that may not open
 * the sound devices and for languages without a C library. Main reads the options and runs the
 * loop; SIGTERM and SIGINT end it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "manager.h"

#define EXIT_USAGE	2

static void print_help(void)
{
	puts("audiomoduled - audio modules and their notifications on D-Bus\n"
	     "\n"
	     "Usage: audiomoduled [OPTION...]\n"
	     "\n"
	     "  --bus=BUS        system (default), session, or a D-Bus address\n"
	     "  --dev-dir=DIR    where the sound devices are (default /dev/snd)\n"
	     "  --exit-idle=SEC  end when for that long there was no card with audio modules and no\n"
	     "                   client on the bus\n"
	     "  -h, --help       this text\n"
	     "  -V, --version    the version\n"
	     "\n"
	     "Runs in the foreground until SIGTERM or SIGINT. The interface is described in\n"
	     "org.audiomodule1(5) and by: busctl introspect org.audiomodule1 OBJECT\n"
	     "\n"
	     "Exit status: 0 ended by a signal or idle, 1 failure, 2 wrong usage.");
}

static bool parse_seconds(const char *text, unsigned int *seconds)
{
	unsigned long value;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	value = strtoul(text, &end, 10);
	*seconds = (unsigned int)value;
	return *end == '\0' && value > 0 && value <= 86400;
}

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "audiomoduled: %s \"%s\"\nTry: audiomoduled --help\n", what, value);
	return EXIT_USAGE;
}

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{ "bus", required_argument, NULL, 'b' },
		{ "dev-dir", required_argument, NULL, 'd' },
		{ "exit-idle", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (option) {
		case 'b':
			arguments->bus = optarg;
			break;
		case 'd':
			arguments->directory = optarg;
			break;
		case 'i':
			if (!parse_seconds(optarg, &arguments->exit_idle))
				return usage("--exit-idle takes 1 to 86400 seconds, not", optarg);
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			puts("audiomoduled " AUDIOMODULE_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("Try: audiomoduled --help\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	return usage("unexpected argument", argv[optind]);
}

/* sd-event takes signals that are blocked. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct arguments arguments = { "system", AUDIOMODULE_DIRECTORY, 0 };
	struct manager *manager;
	int r = parse_arguments(argc, argv, &arguments);

	if (r >= 0)
		return r;
	block_signals();
	r = manager_new(&arguments, &manager);
	if (r < 0)
		return EXIT_FAILURE;
	r = sd_event_loop(manager->event);
	if (r != 0)
		log_error("Ended: %s", r < 0 ? strerror(-r) : "the bus closed the connection");
	manager_free(manager);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
