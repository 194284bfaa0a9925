// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: values are taken only when all of their text is one: what the C library's functions let pass
 * (signs, blanks, what is behind a number) is refused.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "options.h"

enum {
	OPTION_LOCAL = 256,
	OPTION_JSON,
	OPTION_BUS,
	OPTION_DIRECTORY,
	OPTION_RAW,
	OPTION_WATCH,
	OPTION_ROOT,
	OPTION_CLASS,
	OPTION_INSTANCE,
	OPTION_ID,
	OPTION_AFTER,
	OPTION_OLDEST,
	OPTION_SINCE,
	OPTION_COUNT,
	OPTION_TIMEOUT,
	OPTION_FD,
	OPTION_EXIT,
};

#define NANOSECONDS	1000000000ULL

enum exit_status usage(const char *what, const char *value)
{
	fprintf(stderr, "audiomodulectl: %s \"%s\"\nTry: audiomodulectl --help\n", what, value);
	return STATUS_USAGE;
}

/* ---- Values ---- */

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

/* Decimal, or 0x and hexadecimal, as in addresses. */
static bool parse_instance(const char *text, struct audiomodule_filter *filter)
{
	uint64_t number;
	const char *rest;

	if (!parse_unsigned(text, strncmp(text, "0x", 2) == 0 ? 16 : 10, 0, &number, &rest) ||
	    number > UINT32_MAX)
		return false;
	filter->match |= AUDIOMODULE_MATCH_INSTANCE_ID;
	filter->instance_id = (uint32_t)number;
	return true;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

/* "17" and "17.872811": in units of so many nanoseconds. */
static bool parse_decimal(const char *text, uint64_t unit, uint64_t *nanoseconds, const char **rest)
{
	uint64_t whole = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*text - '0'), &whole))
			return false;
	if (__builtin_mul_overflow(whole, unit, nanoseconds))
		return false;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++) {
			unit /= 10;
			if (__builtin_add_overflow(*nanoseconds, unit * (uint64_t)(*text - '0'),
						   nanoseconds))
				return false;
		}
	*rest = text;
	return true;
}

/* "10m": so long ago; without a unit: on CLOCK_MONOTONIC. It cannot be to come. */
static bool parse_since(const char *text, struct options *options)
{
	static const struct {
		const char *name;
		uint64_t unit;
	} units[] = {
		{ "", NANOSECONDS }, { "ms", NANOSECONDS / 1000 }, { "s", NANOSECONDS },
		{ "m", 60 * NANOSECONDS }, { "h", 3600 * NANOSECONDS },
		{ "d", 86400 * NANOSECONDS },
	};
	uint64_t value, present = now();
	const char *rest;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!parse_decimal(text, units[i].unit, &value, &rest) ||
		    strcmp(rest, units[i].name) != 0)
			continue;
		options->has_since = true;
		if (i > 0)
			value = value < present ? present - value : 0;
		options->since = value;
		return value <= present;
	}
	return false;
}

/* Returns false when the value is none. */
static bool set_filter(int option, const char *value, struct audiomodule_filter *filter)
{
	if (option == OPTION_CLASS)
		return parse_guid(value, AUDIOMODULE_MATCH_CLASS_ID, &filter->class_id, filter);
	if (option == OPTION_INSTANCE)
		return parse_instance(value, filter);
	return parse_guid(value, AUDIOMODULE_MATCH_NOTIFICATION_ID, &filter->notification_id,
			  filter);
}

/* Returns false when the value is none. */
static bool set_value(int option, const char *value, struct options *options)
{
	switch (option) {
	case OPTION_BUS:
		options->bus = value;
		return true;
	case OPTION_DIRECTORY:
		options->directory = value;
		return true;
	case OPTION_ROOT:
		options->root = value;
		return true;
	case OPTION_CLASS:
	case OPTION_INSTANCE:
	case OPTION_ID:
		return set_filter(option, value, &options->filter);
	case OPTION_AFTER:
		options->resume = true;
		return parse_position(value, &options->after);
	case OPTION_SINCE:
		return parse_since(value, options);
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

/* --root is for tests: doctor takes what is in this folder for the machine's files. */
static const struct option known_options[] = {
	{ "local", no_argument, NULL, OPTION_LOCAL },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "bus", required_argument, NULL, OPTION_BUS },
	{ "dev-dir", required_argument, NULL, OPTION_DIRECTORY },
	{ "raw", no_argument, NULL, OPTION_RAW },
	{ "watch", optional_argument, NULL, OPTION_WATCH },
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ "class", required_argument, NULL, OPTION_CLASS },
	{ "instance", required_argument, NULL, OPTION_INSTANCE },
	{ "notification-id", required_argument, NULL, OPTION_ID },
	{ "after", required_argument, NULL, OPTION_AFTER },
	{ "oldest", no_argument, NULL, OPTION_OLDEST },
	{ "since", required_argument, NULL, OPTION_SINCE },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "fd", no_argument, NULL, OPTION_FD },
	{ "exit-when-gone", no_argument, NULL, OPTION_EXIT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* The one command that has the option; NULL: it is for all. */
static const char *owner_of(int option)
{
	switch (option) {
	case OPTION_RAW:
		return "send";
	case OPTION_WATCH:
		return "stats";
	case OPTION_ROOT:
		return "doctor";
	default:
		return option >= OPTION_CLASS ? "monitor" : NULL;
	}
}

static void note_owner(const char *owner, struct request *request)
{
	for (size_t i = 0; i < request->owner_count; i++)
		if (strcmp(request->owners[i], owner) == 0)
			return;
	request->owners[request->owner_count++] = owner;
}

static void note_option(int option, struct request *request)
{
	const char *owner = owner_of(option);

	request->help |= option == 'h';
	request->version |= option == 'V';
	request->bus |= option == OPTION_BUS;
	request->directory |= option == OPTION_DIRECTORY;
	if (owner)
		note_owner(owner, request);
}

enum exit_status parse_options(int argc, char **argv, struct options *options,
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
