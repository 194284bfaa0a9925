// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: files as doctor reads them: below the folder that --root names, which tests fill with what a
 * machine has that they are not run on.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

struct path doctor_path(const struct doctor *doctor, const char *format, ...)
{
	struct path path;
	va_list arguments;
	size_t length;

	snprintf(path.text, sizeof(path.text), "%s", doctor->options->root);
	length = strlen(path.text);
	va_start(arguments, format);
	vsnprintf(path.text + length, sizeof(path.text) - length, format, arguments);
	va_end(arguments);
	return path;
}

bool doctor_has(const struct doctor *doctor, const char *path)
{
	return access(doctor_path(doctor, "%s", path).text, F_OK) == 0;
}

const char *doctor_first(const struct doctor *doctor, const char *const *names)
{
	while (*names && !doctor_has(doctor, *names))
		names++;
	return *names;
}

ssize_t doctor_read(const char *path, void *buffer, size_t size)
{
	_cleanup_(cleanup_file) FILE *file = fopen(path, "re");
	size_t count;

	if (!file)
		return -errno;
	errno = 0;
	count = fread(buffer, 1, size - 1, file);
	if (ferror(file))
		return errno ? -errno : -EIO;
	((char *)buffer)[count] = 0;
	return (ssize_t)count;
}

uint8_t *doctor_read_all(const char *path, size_t *size)
{
	_cleanup_(cleanup_file) FILE *file = fopen(path, "re");
	_cleanup_(cleanup_memory) uint8_t *bytes = NULL;
	size_t room = 0;

	*size = 0;
	while (file && !feof(file) && !ferror(file)) {
		uint8_t *grown = realloc(bytes, room += 1 << 16);

		if (!grown)
			return NULL;
		bytes = grown;
		*size += fread(bytes + *size, 1, room - *size, file);
	}
	return file && !ferror(file) ? steal_pointer(bytes) : NULL;
}
