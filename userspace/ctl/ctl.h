/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what the commands of audiomodulectl share: the options, the exit status, and where lists
 * come from. A command asks the same way whether the answer comes from the kernel (--local) or
 * from audiomoduled.
 */
#ifndef AUDIOMODULECTL_CTL_H
#define AUDIOMODULECTL_CTL_H

#include "audiomodule-bus.h"
#include "cleanup.h"

enum exit_status {
	STATUS_OK		= 0,
	STATUS_FAILURE		= 1,
	STATUS_USAGE		= 2,
	STATUS_NO_ADDRESS	= 3,
	STATUS_NO_DAEMON	= 4,
	STATUS_PERMISSION	= 5,
};

struct options {
	bool local;
	bool only_local;		/* audiomoduled does not know what is asked */
	bool json;
	bool oldest;
	bool fd;
	bool exit_when_gone;
	bool resume;
	bool raw;
	const char *directory;
	const char *bus;
	const char *root;		/* in front of the paths that doctor looks at */
	struct audiomodule_filter filter;
	struct audiomodule_position after;
	bool has_since;
	uint64_t since;			/* nanoseconds of CLOCK_MONOTONIC */
	uint64_t count;			/* 0: no end */
	int64_t timeout;		/* milliseconds; -1: no end */
	int64_t watch;			/* milliseconds; 0: look once */
	const char *bytes;		/* what bytes_read() takes */
	const char *parameter;		/* NULL: all */
	char **values;
	size_t value_count;
	char **addresses;
	size_t address_count;
};

struct source {
	const struct options *options;
	struct audiomodule_bus *bus;	/* NULL: local */
};

DEFINE_CLEANUP(cleanup_bus, struct audiomodule_bus *, audiomodule_bus_close)
DEFINE_CLEANUP(cleanup_list, struct audiomodule_list *, audiomodule_list_free)
DEFINE_CLEANUP(cleanup_handle, struct audiomodule *, audiomodule_close)

static inline void cleanup_source(struct source *source)
{
	source->bus = audiomodule_bus_close(source->bus);
}

/* Returns STATUS_OK, or says what is wrong and returns which status that is. */
enum exit_status source_open(struct source *source, const struct options *options);
enum exit_status source_list(struct source *source, struct audiomodule_list **list);
enum exit_status source_list_once(const struct options *options, struct audiomodule_list **list);
enum exit_status source_fail(const struct source *source, const char *what, int error);

/* Does any of the addresses (all, when there are none) mean this? module may be NULL. */
bool is_addressed(const struct options *options, const struct audiomodule_endpoint *endpoint,
		  const struct audiomodule_module *module);

/* The same, or any of its modules? */
bool is_touched(const struct options *options, const struct audiomodule_list *list,
		const struct audiomodule_endpoint *endpoint);

/* STATUS_NO_ADDRESS, and says so, when an address means nothing in the list. */
enum exit_status check_addresses(const struct options *options,
				 const struct audiomodule_list *list);
enum exit_status fail_address(const struct options *options, const char *address);

enum exit_status command_list(const struct options *options);
enum exit_status command_info(const struct options *options);
enum exit_status command_monitor(const struct options *options);
enum exit_status command_send(const struct options *options);
enum exit_status command_get(const struct options *options);
enum exit_status command_set(const struct options *options);
enum exit_status command_stats(const struct options *options);
enum exit_status command_doctor(const struct options *options);

#endif /* AUDIOMODULECTL_CTL_H */
