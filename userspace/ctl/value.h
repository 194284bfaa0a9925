/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: the value of a parameter as people write it: on or off, a number, the name of an item, bytes
 * as hexadecimal digits; for each of ALSA's types in both directions.
 */
#ifndef AUDIOMODULECTL_VALUE_H
#define AUDIOMODULECTL_VALUE_H

#include "parameter.h"

/* The value: "on", "-3", "Movie", "78563412"; of several channels: "on, off". */
void value_print(const struct parameters *parameters, const struct parameter *parameter);

/* What it may be: "0 to 255", "one of "1", "2""; of many items only the first when brief. */
void value_describe(FILE *stream, const struct parameters *parameters,
		    const struct parameter *parameter, bool brief);

/* Members type and what it may be; then values, an array with one for each channel, or data. */
void value_json(bool *first, const struct parameters *parameters,
		const struct parameter *parameter);

/*
 * Changes parameter->value to what the words say: one for each channel, or one for all of them.
 * Returns STATUS_OK, or says what is wrong with them and returns which status that is.
 */
enum exit_status value_parse(const char *address, const struct parameters *parameters,
			     struct parameter *parameter, char **words, size_t count);

#endif /* AUDIOMODULECTL_VALUE_H */
