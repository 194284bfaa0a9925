// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: the kernel's own journal is read, through audiomoduled by an fd that it hands over, so that
 * what is older never goes over the bus. Locally that is all of the journal; audiomoduled's fd has
 * the endpoint's notifications only, so there the oldest one of the endpoint is how far it reaches.
 */
#include <inttypes.h>
#include <stdio.h>

#include "since.h"

DEFINE_CLEANUP(cleanup_subscription, struct audiomodule_subscription *,
	       audiomodule_subscription_free)

/* What was read until the first notification since then. */
struct search {
	uint64_t sequence;	/* behind it is what was sent since then */
	uint64_t lost_first;	/* of what is missing right in front of there; 0: nothing is */
	uint64_t lost_last;
	bool has_older;
	uint64_t found;		/* the time of the first since then; 0: none was sent */
};

/* Behind the sequence 0 is all that the journal has, and in front of it what it has no more. */
static int subscribe_to_all(const struct source *source,
			    const struct audiomodule_endpoint *endpoint,
			    struct audiomodule_subscription **subscription)
{
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;
	const struct audiomodule_begin begin = {
		.start = AUDIOMODULE_START_AFTER,
		.position = { .journal_id = endpoint->journal_id },
	};
	int r;

	if (source->bus)
		return audiomodule_bus_acquire(source->bus, endpoint->object_path, NULL,
					       &begin.position, subscription);
	r = audiomodule_open(source->options->directory, endpoint->card, &handle);
	return r < 0 ? r : audiomodule_subscribe(handle, NULL, &begin, subscription);
}

/* Returns false when the search is over. */
static bool look_at(const struct audiomodule_record *record, uint64_t since, struct search *search)
{
	switch (record->type) {
	case AUDIOMODULE_RECORD_LOST:
		search->lost_first = record->lost_first;
		search->lost_last = record->lost_last;
		return true;
	case AUDIOMODULE_RECORD_NOTIFICATION:
		if (record->timestamp >= since) {
			search->found = record->timestamp;
			search->sequence = record->sequence - 1;
			return false;
		}
		search->has_older = true;
		search->lost_first = 0;
		search->sequence = record->sequence;
		return true;
	default:
		return record->type != AUDIOMODULE_RECORD_REMOVED;
	}
}

static void warn(const struct audiomodule_endpoint *endpoint, const struct search *search)
{
	fprintf(stderr, "audiomodulectl: the journal of %s on card %u ", endpoint->name,
		endpoint->card);
	if (search->found)
		fprintf(stderr, "reaches back to %" PRIu64 ".%06" PRIu64 " only",
			search->found / 1000000000, search->found / 1000 % 1000000);
	else
		fputs("does not reach back so far", stderr);
	fprintf(stderr, "; which of %" PRIu64 "..%" PRIu64 " were sent since then is not known\n",
		search->lost_first, search->lost_last);
}

int since_find(const struct source *source, const struct audiomodule_endpoint *endpoint,
	       struct audiomodule_position *position)
{
	_cleanup_(cleanup_subscription) struct audiomodule_subscription *subscription = NULL;
	struct audiomodule_record record;
	struct search search = { 0 };
	int r = subscribe_to_all(source, endpoint, &subscription);

	if (r < 0)
		return r;
	do {
		r = audiomodule_subscription_next(subscription, &record);
	} while (r > 0 && look_at(&record, source->options->since, &search));
	if (r < 0 && r != -ENODEV)
		return r;
	if (search.lost_first && !search.has_older)
		warn(endpoint, &search);
	position->journal_id = endpoint->journal_id;
	position->sequence = search.lost_first ? search.lost_first - 1 : search.sequence;
	return 0;
}
