// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: the kernel counts for each notification fd what it delivered, filtered out and lost, and
 * shows it in /proc/self/fdinfo. Lines are found by key, in any order; more may be added.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "subscription.h"

struct field {
	const char *key;
	int base;
	uint64_t *value;
};

/* Returns 1 when the line is this field's, 0 when not. */
static int parse_field(const char *line, const struct field *field)
{
	size_t length = strlen(field->key);
	unsigned long long value;
	char *end;

	if (strncmp(line, field->key, length) != 0 || line[length] != ':')
		return 0;
	errno = 0;
	value = strtoull(line + length + 1, &end, field->base);
	if (errno || end == line + length + 1 || (*end && *end != '\n'))
		return 0;
	*field->value = value;
	return 1;
}

static size_t parse_line(const char *line, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (parse_field(line, &fields[i]))
			return 1;
	return 0;
}

int audiomodule_subscription_statistics(const struct audiomodule_subscription *subscription,
					struct audiomodule_statistics *statistics)
{
	const struct field fields[] = {
		{ "journal_id", 16, &statistics->journal_id },
		{ "start", 10, &statistics->start },
		{ "position", 10, &statistics->position },
		{ "newest", 10, &statistics->newest },
		{ "matched", 10, &statistics->matched },
		{ "filtered", 10, &statistics->filtered },
		{ "lost", 10, &statistics->lost },
	};
	const size_t count = sizeof(fields) / sizeof(fields[0]);
	_cleanup_(cleanup_file) FILE *file = NULL;
	_cleanup_(cleanup_memory) char *line = NULL;
	size_t size = 0, found = 0;
	char path[64];

	memset(statistics, 0, sizeof(*statistics));
	/* Until then the kernel does not know how far the reader of a mapping is. */
	if (subscription->map.header)
		map_advance(&subscription->map, subscription->fd);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", subscription->fd);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (getline(&line, &size, file) >= 0)
		found += parse_line(line, fields, count);
	if (ferror(file))
		return -EIO;
	return found == count ? 0 : -ENOTTY;
}
