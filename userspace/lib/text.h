/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: names come from drivers and from the bus, and end on terminals, in JSON and in D-Bus
 * strings, which tolerate neither control characters nor broken UTF-8. They are cleaned once,
 * where they enter.
 */
#ifndef AUDIOMODULE_TEXT_H
#define AUDIOMODULE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * text_clean() - copy a string that may be broken
 * @to: receives at most @to_size - 1 bytes and the end of the string
 * @from: ends at a zero or after @from_size bytes
 *
 * A byte that does not belong to valid UTF-8, and a control character, becomes '?'.
 */
void text_clean(char *to, size_t to_size, const char *from, size_t from_size);

/*
 * text_character() - the character at the beginning of a text
 * @from: UTF-8
 * @left: bytes at @from
 * @code: receives its code point; untouched when there is none
 *
 * Return: bytes of the valid, printable character; 0: there is none.
 */
size_t text_character(const char *from, size_t left, uint32_t *code);

#endif /* AUDIOMODULE_TEXT_H */
