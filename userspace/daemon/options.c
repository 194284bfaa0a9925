// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: a table names each option, its D-Bus type and its place, so that all are checked alike:
 * known, of the right type, given once.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "bus-names.h"
#include "options.h"
#include "quote.h"

struct option {
	const char *key;
	const char *type;	/* "s": a GUID */
	size_t offset;
	uint32_t match;		/* AUDIOMODULE_MATCH_*, 0: part of the position */
};

static const struct option known[] = {
	{ "class_id", "s", offsetof(struct options, filter.class_id),
	  AUDIOMODULE_MATCH_CLASS_ID },
	{ "instance_id", "u", offsetof(struct options, filter.instance_id),
	  AUDIOMODULE_MATCH_INSTANCE_ID },
	{ "notification_id", "s", offsetof(struct options, filter.notification_id),
	  AUDIOMODULE_MATCH_NOTIFICATION_ID },
	{ "journal_id", "t", offsetof(struct options, begin.position.journal_id), 0 },
	{ "sequence", "t", offsetof(struct options, begin.position.sequence), 0 },
};

#define KNOWN	(sizeof(known) / sizeof(known[0]))

static int read_guid(sd_bus_message *message, const char *key, struct audiomodule_guid *guid,
		     sd_bus_error *error)
{
	const char *text;
	int r = sd_bus_message_read_basic(message, 's', &text);

	if (r < 0)
		return r;
	if (audiomodule_guid_parse(text, guid) < 0)
		return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT,
					 "Option %s is no GUID: \"%s\"", key, quote(text).text);
	return 0;
}

static int read_value(sd_bus_message *message, const struct option *option,
		      struct options *options, sd_bus_error *error)
{
	void *place = (char *)options + option->offset;
	const char *contents;
	char type;
	int r = sd_bus_message_peek_type(message, &type, &contents);

	if (r < 0)
		return r;
	if (type != 'v' || strcmp(contents, option->type) != 0)
		return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT,
					 "Option %s has type %.64s, not %s", option->key,
					 contents ? contents : "none", option->type);
	r = sd_bus_message_enter_container(message, 'v', option->type);
	if (r < 0)
		return r;
	if (option->type[0] == 's')
		r = read_guid(message, option->key, place, error);
	else
		r = sd_bus_message_read_basic(message, option->type[0], place);
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int set_unknown(sd_bus_error *error, const char *key)
{
	return sd_bus_error_setf(error, BUS_ERROR_UNKNOWN_OPTION, "Unknown option \"%s\"",
				 quote(key).text);
}

/* given: bit N is set: known[N] was there. */
static int read_option(sd_bus_message *message, struct options *options, uint32_t *given,
		       sd_bus_error *error)
{
	const char *key;
	size_t i = 0;
	int r = sd_bus_message_read_basic(message, 's', &key);

	if (r < 0)
		return r;
	while (i < KNOWN && strcmp(known[i].key, key) != 0)
		i++;
	if (i == KNOWN)
		return set_unknown(error, key);
	if (*given & 1U << i)
		return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT,
					 "Option %s is given twice", key);
	*given |= 1U << i;
	options->filter.match |= known[i].match;
	return read_value(message, &known[i], options, error);
}

static int set_start(struct options *options, uint32_t given, sd_bus_error *error)
{
	uint32_t position = 0, both = 0;

	for (size_t i = 0; i < KNOWN; i++) {
		if (known[i].match)
			continue;
		both |= 1U << i;
		position |= given & 1U << i;
	}
	if (position != 0 && position != both)
		return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT,
					 "Options journal_id and sequence belong together");
	options->begin.start = position ? AUDIOMODULE_START_AFTER : AUDIOMODULE_START_NEWEST;
	return 0;
}

/* A bus need not look at bodies: sd-bus has no name for what is wrong in one that we have, too. */
static int name_error(int r, sd_bus_error *error)
{
	if (r >= 0 || r == -ENOMEM || sd_bus_error_is_set(error))
		return r;
	return sd_bus_error_setf(error, BUS_ERROR_INVALID_ARGUMENT, "The options are malformed");
}

static int read_all(sd_bus_message *message, struct options *options, uint32_t *given,
		    sd_bus_error *error)
{
	int r = sd_bus_message_enter_container(message, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		r = read_option(message, options, given, error);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

int options_read(sd_bus_message *message, struct options *options, sd_bus_error *error)
{
	uint32_t given = 0;
	int r;

	memset(options, 0, sizeof(*options));
	r = name_error(read_all(message, options, &given, error), error);
	return r < 0 ? r : set_start(options, given, error);
}

static int read_none(sd_bus_message *message, sd_bus_error *error)
{
	const char *key;
	int r = sd_bus_message_enter_container(message, 'a', "{sv}");

	if (r >= 0)
		r = sd_bus_message_enter_container(message, 'e', "sv");
	if (r > 0) {
		r = sd_bus_message_read_basic(message, 's', &key);
		return r < 0 ? r : set_unknown(error, key);
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

int options_read_none(sd_bus_message *message, sd_bus_error *error)
{
	return name_error(read_none(message, error), error);
}
