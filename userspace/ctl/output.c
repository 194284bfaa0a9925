// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: JSON is written as it comes, without a tree: all that is needed is to know whether a member
 * is the first. Texts are valid UTF-8 already (the library cleans names), so only what JSON itself
 * forbids in strings is escaped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output.h"

static void put_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text < 0x20)
			printf("\\u%04x", (unsigned int)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void put_key(bool *first, const char *key)
{
	if (!*first)
		putchar(',');
	*first = false;
	if (!key)
		return;
	put_string(key);
	putchar(':');
}

void json_text(bool *first, const char *key, const char *value)
{
	put_key(first, key);
	put_string(value);
}

void json_number(bool *first, const char *key, int64_t value)
{
	put_key(first, key);
	printf("%" PRId64, value);
}

void json_unsigned(bool *first, const char *key, uint64_t value)
{
	put_key(first, key);
	printf("%" PRIu64, value);
}

void json_guid(bool *first, const char *key, const struct audiomodule_guid *value)
{
	char text[AUDIOMODULE_GUID_TEXT_SIZE];

	audiomodule_guid_format(value, text);
	json_text(first, key, text);
}

void json_flag(bool *first, const char *key, bool value)
{
	put_key(first, key);
	fputs(value ? "true" : "false", stdout);
}

/* As text: JSON's numbers are exact up to 53 bits only. */
void json_hex64(bool *first, const char *key, uint64_t value)
{
	put_key(first, key);
	printf("\"%016" PRIx64 "\"", value);
}

void json_bytes(bool *first, const char *key, const uint8_t *bytes, size_t size)
{
	put_key(first, key);
	putchar('"');
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	putchar('"');
}

void json_open(bool *first, const char *key, char bracket)
{
	put_key(first, key);
	putchar(bracket);
}

void json_close(char bracket)
{
	putchar(bracket);
}

void json_devices(bool *first, const char *key, uint32_t devices)
{
	bool inner = true;

	json_open(first, key, '[');
	for (unsigned int device = 0; device < 32; device++)
		if (devices & 1U << device)
			json_unsigned(&inner, NULL, device);
	json_close(']');
}

void json_endpoint(bool *first, const struct audiomodule_list *list,
		   const struct audiomodule_endpoint *endpoint)
{
	char address[AUDIOMODULE_ADDRESS_SIZE];

	audiomodule_address_format(list, endpoint, NULL, address);
	json_text(first, "address", address);
	json_text(first, "name", endpoint->name);
	json_guid(first, "device_id", &endpoint->device_id);
	json_unsigned(first, "card", endpoint->card);
	json_text(first, "card_id", endpoint->card_id);
	json_hex64(first, "journal_id", endpoint->journal_id);
	json_devices(first, "playback_devices", endpoint->playback_devices);
	json_devices(first, "capture_devices", endpoint->capture_devices);
}

void json_module(bool *first, const struct audiomodule_list *list,
		 const struct audiomodule_module *module)
{
	char address[AUDIOMODULE_ADDRESS_SIZE];

	audiomodule_address_format(list, module->endpoint, module, address);
	json_text(first, "address", address);
	json_text(first, "label", module->label);
	json_text(first, "name", module->name);
	json_guid(first, "class_id", &module->class_id);
	json_unsigned(first, "instance_id", module->instance_id);
	json_unsigned(first, "version_major", module->version_major);
	json_unsigned(first, "version_minor", module->version_minor);
	if (module->pcm_device < 0)
		return;
	json_number(first, "pcm_device", module->pcm_device);
	json_number(first, "pcm_subdevice", module->pcm_subdevice);
}

void print_devices(uint32_t devices)
{
	const char *separator = "";

	if (devices == 0)
		fputs("none", stdout);
	for (unsigned int device = 0; device < 32; device++) {
		if (!(devices & 1U << device))
			continue;
		printf("%s%u", separator, device);
		separator = ", ";
	}
}

static bool is_coloured(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]);
}

void start_colour(const char *colour)
{
	if (is_coloured())
		printf("\033[%sm", colour);
}

void end_colour(void)
{
	if (is_coloured())
		fputs("\033[0m", stdout);
}

enum exit_status finish_output(bool *closed)
{
	bool failed = fflush(stdout) != 0 || ferror(stdout);

	*closed = failed && errno == EPIPE;
	if (!failed || *closed)
		return STATUS_OK;
	fprintf(stderr, "audiomodulectl: cannot write the output: %s\n", strerror(errno));
	return STATUS_FAILURE;
}
