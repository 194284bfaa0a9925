// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: addresses are what people type and what every tool prints: ENDPOINT[/MODULE]. Names may
 * contain ':' and '/', so an address is never taken apart by rule: it is compared with what an
 * endpoint or module can be called, at every place where it could be split.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

/* A piece of a string, not ended by a zero. */
struct piece {
	const char *text;
	size_t length;
};

static bool piece_is(struct piece piece, const char *text)
{
	return strlen(text) == piece.length && memcmp(piece.text, text, piece.length) == 0;
}

static bool piece_is_guid(struct piece piece, const struct audiomodule_guid *guid)
{
	char text[AUDIOMODULE_GUID_TEXT_SIZE + 2];
	struct audiomodule_guid parsed;

	if (piece.length >= sizeof(text))
		return false;
	memcpy(text, piece.text, piece.length);
	text[piece.length] = 0;
	return audiomodule_guid_parse(text, &parsed) == 0 && audiomodule_guid_equal(&parsed, guid);
}

/* "card:name", the card by number or by id. */
static bool piece_is_on_card(struct piece piece, const char *card, const char *name)
{
	size_t length = strlen(card);

	if (piece.length <= length || piece.text[length] != ':' ||
	    memcmp(piece.text, card, length) != 0)
		return false;
	piece.text += length + 1;
	piece.length -= length + 1;
	return piece_is(piece, name);
}

static bool endpoint_matches(struct piece piece, const struct audiomodule_endpoint *endpoint)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", endpoint->card);
	return piece_is(piece, endpoint->name) ||
	       piece_is_on_card(piece, number, endpoint->name) ||
	       piece_is_on_card(piece, endpoint->card_id, endpoint->name) ||
	       piece_is_guid(piece, &endpoint->device_id);
}

/* Decimal or 0x and hexadecimal, nothing else. */
static bool is_number(const char *text, uint32_t number)
{
	char *end;
	unsigned long long value;

	if (text[0] < '0' || text[0] > '9')
		return false;
	value = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	return *end == 0 && value == number;
}

static bool module_matches(const char *text, const struct audiomodule_module *module)
{
	const char *colon = strrchr(text, ':');

	if (strcmp(text, module->label) == 0)
		return true;
	if (piece_is_guid((struct piece) { text, strlen(text) }, &module->class_id))
		return true;
	return colon && is_number(colon + 1, module->instance_id) &&
	       piece_is_guid((struct piece) { text, (size_t)(colon - text) }, &module->class_id);
}

bool audiomodule_address_matches(const char *address, const struct audiomodule_endpoint *endpoint,
				 const struct audiomodule_module *module)
{
	if (!module)
		return endpoint_matches((struct piece) { address, strlen(address) }, endpoint);
	if (module->endpoint != endpoint)
		return false;
	for (const char *slash = strchr(address, '/'); slash; slash = strchr(slash + 1, '/'))
		if (endpoint_matches((struct piece) { address, (size_t)(slash - address) },
				     endpoint) &&
		    module_matches(slash + 1, module))
			return true;
	return false;
}

bool address_may_match(const char *address, const struct audiomodule_endpoint *endpoint)
{
	for (const char *slash = strchr(address, '/'); slash; slash = strchr(slash + 1, '/'))
		if (endpoint_matches((struct piece) { address, (size_t)(slash - address) },
				     endpoint))
			return true;
	return false;
}

const struct audiomodule_module *
audiomodule_list_find_module(const struct audiomodule_list *list, const char *address)
{
	const struct audiomodule_module *module, *found = NULL;

	for (size_t i = 0; (module = audiomodule_list_module(list, i)); i++) {
		if (!audiomodule_address_matches(address, module->endpoint, module))
			continue;
		if (found)
			return NULL;
		found = module;
	}
	return found;
}

static bool is_unique(const struct audiomodule_list *list,
		      const struct audiomodule_endpoint *endpoint)
{
	const struct audiomodule_endpoint *other;

	for (size_t i = 0; (other = audiomodule_list_endpoint(list, i)); i++)
		if (other != endpoint && strcmp(other->name, endpoint->name) == 0)
			return false;
	return true;
}

void audiomodule_address_format(const struct audiomodule_list *list,
				const struct audiomodule_endpoint *endpoint,
				const struct audiomodule_module *module,
				char address[AUDIOMODULE_ADDRESS_SIZE])
{
	char card[16] = "";

	if (!is_unique(list, endpoint))
		snprintf(card, sizeof(card), "%u:", endpoint->card);
	snprintf(address, AUDIOMODULE_ADDRESS_SIZE, "%s%s%s%s", card, endpoint->name,
		 module ? "/" : "", module ? module->label : "");
}
