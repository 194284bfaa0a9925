/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: pieces of output that several commands write: JSON members that need no thought about commas
 * and quotes, GUIDs, lists of PCM devices, colours, and the end of output that nobody reads any
 * more.
 */
#ifndef AUDIOMODULECTL_OUTPUT_H
#define AUDIOMODULECTL_OUTPUT_H

#include "ctl.h"

/*
 * Each writes `"key":value` (only the value when key is NULL), with a comma in front unless it is
 * the first in its object or array. *first belongs to that object or array.
 */
void json_text(bool *first, const char *key, const char *value);
void json_number(bool *first, const char *key, int64_t value);
void json_unsigned(bool *first, const char *key, uint64_t value);
void json_guid(bool *first, const char *key, const struct audiomodule_guid *value);
void json_flag(bool *first, const char *key, bool value);
void json_hex64(bool *first, const char *key, uint64_t value);
void json_bytes(bool *first, const char *key, const uint8_t *bytes, size_t size);
void json_devices(bool *first, const char *key, uint32_t devices);

/* `"key":{` or `[`, and its end. */
void json_open(bool *first, const char *key, char bracket);
void json_close(char bracket);

/* Members of an endpoint and of a module, the same in every command. */
void json_endpoint(bool *first, const struct audiomodule_list *list,
		   const struct audiomodule_endpoint *endpoint);
void json_module(bool *first, const struct audiomodule_list *list,
		 const struct audiomodule_module *module);

/* "0, 2", or "none". */
void print_devices(uint32_t devices);

/* A colour from here on, when the output is a terminal that nobody wants without. */
#define COLOUR_RED	"31"
#define COLOUR_GREEN	"32"
#define COLOUR_YELLOW	"33"
void start_colour(const char *colour);
void end_colour(void);

/* Flushes. STATUS_OK also when the reader has gone (EPIPE); *closed tells that. */
enum exit_status finish_output(bool *closed);

#endif /* AUDIOMODULECTL_OUTPUT_H */
