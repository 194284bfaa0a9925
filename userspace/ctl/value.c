// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: what is typed is never bent to fit: a number that is out of its range, or a word that is no
 * item, is refused with what could have been written. alsa-lib's own parser, which amixer uses,
 * takes the nearest number, and anything for "off".
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "output.h"
#include "text.h"
#include "value.h"

#define ITEM_SIZE	64	/* bytes of an item's name, with the end of the string */
#define BRIEF_ITEMS	8

/* ---- Items ---- */

/* "": it has none of that number. */
static void item_name(const struct parameters *parameters, const struct parameter *parameter,
		      unsigned int item, char name[ITEM_SIZE])
{
	snd_ctl_elem_info_t *info = parameter->info;
	const char *text = "";

	if (item < snd_ctl_elem_info_get_items(info)) {
		snd_ctl_elem_info_set_item(info, item);
		if (snd_ctl_elem_info(parameters->ctl, info) >= 0)
			text = snd_ctl_elem_info_get_item_name(info);
	}
	text_clean(name, ITEM_SIZE, text, strlen(text));
}

static bool is_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* Where the names of items are numbers, a number is nothing but a name. */
static bool has_digits(const struct parameters *parameters, const struct parameter *parameter)
{
	unsigned int items = snd_ctl_elem_info_get_items(parameter->info);
	char name[ITEM_SIZE];

	for (unsigned int i = 0; i < items; i++) {
		item_name(parameters, parameter, i, name);
		if (is_digits(name))
			return true;
	}
	return false;
}

static bool find_item(const struct parameters *parameters, const struct parameter *parameter,
		      const char *word, unsigned int *item)
{
	unsigned int items = snd_ctl_elem_info_get_items(parameter->info);
	char name[ITEM_SIZE];
	unsigned long number;

	for (*item = 0; *item < items; (*item)++) {
		item_name(parameters, parameter, *item, name);
		if (strcmp(name, word) == 0)
			return true;
	}
	if (!is_digits(word) || has_digits(parameters, parameter))
		return false;
	errno = 0;
	number = strtoul(word, NULL, 10);
	*item = (unsigned int)number;
	return errno == 0 && number < items;
}

/* ---- Numbers ---- */

struct range {
	int64_t least;
	int64_t most;
	int64_t step;	/* 0: any between them */
};

static struct range get_range(const snd_ctl_elem_info_t *info)
{
	if (snd_ctl_elem_info_get_type(info) == SND_CTL_ELEM_TYPE_INTEGER64)
		return (struct range) {
			snd_ctl_elem_info_get_min64(info), snd_ctl_elem_info_get_max64(info),
			snd_ctl_elem_info_get_step64(info),
		};
	return (struct range) {
		snd_ctl_elem_info_get_min(info), snd_ctl_elem_info_get_max(info),
		snd_ctl_elem_info_get_step(info),
	};
}

/* Decimal, or 0x and hexadecimal. */
static bool parse_number(const char *word, int64_t *number)
{
	const char *digits = word + (*word == '-');
	char *end;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	*number = strtoll(word, &end, strncmp(digits, "0x", 2) == 0 ? 16 : 10);
	return errno == 0 && *end == 0;
}

static bool is_in_range(const struct range *range, int64_t number)
{
	uint64_t distance = (uint64_t)number - (uint64_t)range->least;

	return number >= range->least && number <= range->most &&
	       (range->step <= 1 || distance % (uint64_t)range->step == 0);
}

/* ---- Printing ---- */

static void print_bytes(const struct parameter *parameter)
{
	unsigned int count = snd_ctl_elem_info_get_count(parameter->info);

	for (unsigned int i = 0; i < count; i++)
		printf("%02x", snd_ctl_elem_value_get_byte(parameter->value, i));
}

static int64_t get_number(const struct parameter *parameter, unsigned int channel)
{
	if (snd_ctl_elem_info_get_type(parameter->info) == SND_CTL_ELEM_TYPE_INTEGER64)
		return snd_ctl_elem_value_get_integer64(parameter->value, channel);
	return snd_ctl_elem_value_get_integer(parameter->value, channel);
}

static void print_channel(const struct parameters *parameters, const struct parameter *parameter,
			  unsigned int channel)
{
	char name[ITEM_SIZE];

	switch (snd_ctl_elem_info_get_type(parameter->info)) {
	case SND_CTL_ELEM_TYPE_BOOLEAN:
		fputs(snd_ctl_elem_value_get_boolean(parameter->value, channel) ? "on" : "off",
		      stdout);
		break;
	case SND_CTL_ELEM_TYPE_ENUMERATED:
		item_name(parameters, parameter,
			  snd_ctl_elem_value_get_enumerated(parameter->value, channel), name);
		fputs(name, stdout);
		break;
	case SND_CTL_ELEM_TYPE_INTEGER:
	case SND_CTL_ELEM_TYPE_INTEGER64:
		printf("%" PRId64, get_number(parameter, channel));
		break;
	default:
		fputs("(not known how to show it)", stdout);
		break;
	}
}

void value_print(const struct parameters *parameters, const struct parameter *parameter)
{
	unsigned int count = snd_ctl_elem_info_get_count(parameter->info);

	if (parameter->error) {
		printf("(cannot be read: %s)", strerror(-parameter->error));
		return;
	}
	if (snd_ctl_elem_info_get_type(parameter->info) == SND_CTL_ELEM_TYPE_BYTES) {
		print_bytes(parameter);
		return;
	}
	for (unsigned int i = 0; i < count; i++) {
		fputs(i ? ", " : "", stdout);
		print_channel(parameters, parameter, i);
	}
}

static void describe_items(FILE *stream, const struct parameters *parameters,
			   const struct parameter *parameter, bool brief)
{
	unsigned int items = snd_ctl_elem_info_get_items(parameter->info);
	unsigned int shown = brief && items > BRIEF_ITEMS ? BRIEF_ITEMS : items;
	char name[ITEM_SIZE];

	for (unsigned int i = 0; i < shown; i++) {
		item_name(parameters, parameter, i, name);
		fprintf(stream, "%s\"%s\"", i ? ", " : "one of ", name);
	}
	if (shown < items)
		fprintf(stream, " and %u more", items - shown);
}

static void describe_range(FILE *stream, const snd_ctl_elem_info_t *info)
{
	struct range range = get_range(info);

	fprintf(stream, "%" PRId64 " to %" PRId64, range.least, range.most);
	if (range.step > 1)
		fprintf(stream, " in steps of %" PRId64, range.step);
}

void value_describe(FILE *stream, const struct parameters *parameters,
		    const struct parameter *parameter, bool brief)
{
	switch (snd_ctl_elem_info_get_type(parameter->info)) {
	case SND_CTL_ELEM_TYPE_BOOLEAN:
		fputs("on or off", stream);
		break;
	case SND_CTL_ELEM_TYPE_ENUMERATED:
		describe_items(stream, parameters, parameter, brief);
		break;
	case SND_CTL_ELEM_TYPE_INTEGER:
	case SND_CTL_ELEM_TYPE_INTEGER64:
		describe_range(stream, parameter->info);
		break;
	case SND_CTL_ELEM_TYPE_BYTES:
		fprintf(stream, "%u bytes", snd_ctl_elem_info_get_count(parameter->info));
		break;
	default:
		fputs("not known how to set", stream);
		break;
	}
}

static void json_items(bool *first, const struct parameters *parameters,
		       const struct parameter *parameter)
{
	char name[ITEM_SIZE];
	bool inner = true;

	json_open(first, "items", '[');
	for (unsigned int i = 0; i < snd_ctl_elem_info_get_items(parameter->info); i++) {
		item_name(parameters, parameter, i, name);
		json_text(&inner, NULL, name);
	}
	json_close(']');
}

static void json_channel(bool *first, const struct parameters *parameters,
			 const struct parameter *parameter, unsigned int channel)
{
	char name[ITEM_SIZE];

	switch (snd_ctl_elem_info_get_type(parameter->info)) {
	case SND_CTL_ELEM_TYPE_BOOLEAN:
		json_flag(first, NULL, snd_ctl_elem_value_get_boolean(parameter->value, channel));
		break;
	case SND_CTL_ELEM_TYPE_ENUMERATED:
		item_name(parameters, parameter,
			  snd_ctl_elem_value_get_enumerated(parameter->value, channel), name);
		json_text(first, NULL, name);
		break;
	case SND_CTL_ELEM_TYPE_INTEGER:
	case SND_CTL_ELEM_TYPE_INTEGER64:
		json_number(first, NULL, get_number(parameter, channel));
		break;
	default:
		break;
	}
}

static void json_values(bool *first, const struct parameters *parameters,
			const struct parameter *parameter)
{
	unsigned int count = snd_ctl_elem_info_get_count(parameter->info);
	bool inner = true;

	if (snd_ctl_elem_info_get_type(parameter->info) == SND_CTL_ELEM_TYPE_BYTES) {
		json_bytes(first, "data", snd_ctl_elem_value_get_bytes(parameter->value), count);
		return;
	}
	json_open(first, "values", '[');
	for (unsigned int i = 0; i < count; i++)
		json_channel(&inner, parameters, parameter, i);
	json_close(']');
}

void value_json(bool *first, const struct parameters *parameters,
		const struct parameter *parameter)
{
	snd_ctl_elem_type_t type = snd_ctl_elem_info_get_type(parameter->info);
	struct range range;

	json_text(first, "type", snd_ctl_elem_type_name(type));
	json_unsigned(first, "count", snd_ctl_elem_info_get_count(parameter->info));
	if (type == SND_CTL_ELEM_TYPE_ENUMERATED) {
		json_items(first, parameters, parameter);
	} else if (type == SND_CTL_ELEM_TYPE_INTEGER || type == SND_CTL_ELEM_TYPE_INTEGER64) {
		range = get_range(parameter->info);
		json_number(first, "minimum", range.least);
		json_number(first, "maximum", range.most);
		json_number(first, "step", range.step);
	}
	if (!parameter->error)
		json_values(first, parameters, parameter);
}

/* ---- Parsing ---- */

static bool parse_boolean(const char *word, bool *is_on)
{
	*is_on = strcmp(word, "on") == 0 || strcmp(word, "1") == 0;
	return *is_on || strcmp(word, "off") == 0 || strcmp(word, "0") == 0;
}

static bool parse_channel(const struct parameters *parameters, struct parameter *parameter,
			  const char *word, unsigned int channel)
{
	snd_ctl_elem_value_t *value = parameter->value;
	struct range range;
	unsigned int item;
	int64_t number;
	bool is_on;

	switch (snd_ctl_elem_info_get_type(parameter->info)) {
	case SND_CTL_ELEM_TYPE_BOOLEAN:
		if (!parse_boolean(word, &is_on))
			return false;
		snd_ctl_elem_value_set_boolean(value, channel, is_on);
		return true;
	case SND_CTL_ELEM_TYPE_ENUMERATED:
		if (!find_item(parameters, parameter, word, &item))
			return false;
		snd_ctl_elem_value_set_enumerated(value, channel, item);
		return true;
	case SND_CTL_ELEM_TYPE_INTEGER:
	case SND_CTL_ELEM_TYPE_INTEGER64:
		range = get_range(parameter->info);
		if (!parse_number(word, &number) || !is_in_range(&range, number))
			return false;
		if (snd_ctl_elem_info_get_type(parameter->info) == SND_CTL_ELEM_TYPE_INTEGER)
			snd_ctl_elem_value_set_integer(value, channel, (long)number);
		else
			snd_ctl_elem_value_set_integer64(value, channel, number);
		return true;
	default:
		return false;
	}
}

static enum exit_status fail_word(const char *address, const struct parameters *parameters,
				  const struct parameter *parameter, const char *word)
{
	fprintf(stderr, "audiomodulectl: %s %s cannot be \"%s\"; it is ", address, parameter->name,
		word);
	value_describe(stderr, parameters, parameter, false);
	fputs("\n", stderr);
	return STATUS_USAGE;
}

static enum exit_status fail_count(const char *address, const struct parameter *parameter,
				   size_t count)
{
	fprintf(stderr, "audiomodulectl: %s %s has %u channels; %zu values were given. Write one "
		"for each, or one for all.\n", address, parameter->name,
		snd_ctl_elem_info_get_count(parameter->info), count);
	return STATUS_USAGE;
}

static enum exit_status parse_bytes(const char *address, struct parameter *parameter, char **words,
				    size_t count)
{
	unsigned int size = snd_ctl_elem_info_get_count(parameter->info);
	_cleanup_(cleanup_bytes) struct bytes bytes = { 0 };
	enum exit_status status;

	if (count > 1) {
		fprintf(stderr, "audiomodulectl: %s %s takes %u bytes; write all as one argument, "
			"in quotes\n", address, parameter->name, size);
		return STATUS_USAGE;
	}
	status = bytes_read(words[0], &bytes);
	if (status != STATUS_OK)
		return status;
	if (bytes.size != size) {
		fprintf(stderr, "audiomodulectl: %s %s takes %u bytes; these are %zu\n", address,
			parameter->name, size, bytes.size);
		return STATUS_USAGE;
	}
	for (unsigned int i = 0; i < size; i++)
		snd_ctl_elem_value_set_byte(parameter->value, i, bytes.data[i]);
	return STATUS_OK;
}

enum exit_status value_parse(const char *address, const struct parameters *parameters,
			     struct parameter *parameter, char **words, size_t count)
{
	unsigned int channels = snd_ctl_elem_info_get_count(parameter->info);

	if (snd_ctl_elem_info_get_type(parameter->info) == SND_CTL_ELEM_TYPE_BYTES)
		return parse_bytes(address, parameter, words, count);
	if (count != 1 && count != channels)
		return fail_count(address, parameter, count);
	for (unsigned int i = 0; i < channels; i++) {
		const char *word = words[count == 1 ? 0 : i];

		if (!parse_channel(parameters, parameter, word, i))
			return fail_word(address, parameters, parameter, word);
	}
	return STATUS_OK;
}
