// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: `audiomodulectl stats`: what the kernel counts for each card; with --watch also what it
 * counted since the last look. Cards are found anew each time and not held open, so a driver can be
 * unloaded meanwhile. A card is the same one as long as its journal is.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "card.h"
#include "output.h"
#include "signals.h"

struct count {
	struct audiomodule_info info;
	char card_id[16];
};

/* All that is wanted, at one time. */
struct counts {
	struct count *cards;
	size_t size;
	int64_t time;
};

static void cleanup_counts(struct counts *counts)
{
	free(counts->cards);
}

/* ---- Looking ---- */

static const struct count *find_count(const struct counts *counts, uint32_t card,
				      uint64_t journal_id)
{
	for (size_t i = 0; i < counts->size; i++)
		if (counts->cards[i].info.card == card &&
		    counts->cards[i].info.journal_id == journal_id)
			return &counts->cards[i];
	return NULL;
}

/* What goes away at this moment is left out. */
static void add_card(const struct options *options, const struct audiomodule_endpoint *endpoint,
		     struct counts *counts)
{
	struct count *count = &counts->cards[counts->size];

	if (find_count(counts, endpoint->card, endpoint->journal_id) ||
	    card_ask(options, endpoint, &count->info) < 0)
		return;
	memcpy(count->card_id, endpoint->card_id, sizeof(count->card_id));
	counts->size++;
}

static enum exit_status take_counts(const struct options *options,
				    const struct audiomodule_list *list, struct counts *counts)
{
	const struct audiomodule_endpoint *endpoint;
	size_t endpoints = 0;

	while (audiomodule_list_endpoint(list, endpoints))
		endpoints++;
	counts->cards = calloc(endpoints + 1, sizeof(*counts->cards));
	if (!counts->cards) {
		fprintf(stderr, "audiomodulectl: %s\n", strerror(ENOMEM));
		return STATUS_FAILURE;
	}
	counts->time = time_now();
	for (size_t i = 0; (endpoint = audiomodule_list_endpoint(list, i)); i++)
		if (is_touched(options, list, endpoint))
			add_card(options, endpoint, counts);
	return STATUS_OK;
}

/* Addresses must mean something at first only: with --watch the card may come back. */
static enum exit_status look(const struct options *options, bool first, struct counts *counts)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	enum exit_status status = source_list_once(options, &list);

	if (status == STATUS_OK && first)
		status = check_addresses(options, list);
	return status == STATUS_OK ? take_counts(options, list, counts) : status;
}

/* ---- Printing ---- */

/* What can grow, one after the other: the sequences, then the counters; NULL behind the last. */
static const char *growing(const struct audiomodule_info *info, unsigned int i, uint64_t *value)
{
	static const char *const names[] = { "oldest_sequence", "newest_sequence" };
	const uint64_t sequences[] = { info->oldest_sequence, info->newest_sequence };
	const char *name = i < 2 ? names[i] : audiomodule_counter_name(i - 2);

	if (name)
		*value = i < 2 ? sequences[i] : info->counters[i - 2];
	return name;
}

static void print_difference(const struct count *count, const struct count *before, int64_t time)
{
	const char *name, *separator = "";
	uint64_t now, then = 0;

	printf("%6" PRId64 ".%03" PRId64 "  card %u [%s]  ", time / 1000, time % 1000,
	       count->info.card, count->card_id);
	for (unsigned int i = 0; (name = growing(&count->info, i, &now)); i++) {
		growing(&before->info, i, &then);
		if (now == then)
			continue;
		printf("%s%s +%" PRIu64, separator, name, now - then);
		separator = ", ";
	}
	puts(*separator ? "" : "no change");
}

static void print_card(const struct count *count)
{
	printf("card %u [%s]\n", count->info.card, count->card_id);
	printf("  journal id          %016" PRIx64 "\n", count->info.journal_id);
	print_card_journal(&count->info);
	print_card_counters(&count->info);
}

static void json_card(bool *first, const char *type, const struct count *count, int64_t time)
{
	json_text(first, "type", type);
	json_unsigned(first, "card", count->info.card);
	json_text(first, "card_id", count->card_id);
	json_hex64(first, "journal_id", count->info.journal_id);
	json_number(first, "timestamp_ns", time * 1000000);
}

static void json_differences(bool *first, const struct count *count, const struct count *before)
{
	uint64_t now, then = 0;
	const char *name;
	bool inner = true;

	json_open(first, "differences", '{');
	for (unsigned int i = 0; (name = growing(&count->info, i, &now)); i++) {
		growing(&before->info, i, &then);
		json_unsigned(&inner, name, now - then);
	}
	json_close('}');
}

/* The differences too, when there is something to compare with. */
static void print_json(const struct count *count, int64_t time, const struct count *before,
		       int64_t time_before)
{
	bool first = true;

	putchar('{');
	json_card(&first, "counts", count, time);
	json_card_counts(&first, &count->info);
	if (before) {
		json_number(&first, "interval_ms", time - time_before);
		json_differences(&first, count, before);
	}
	puts("}");
}

static void print_counts(const struct options *options, const struct counts *now,
			 const struct counts *before)
{
	for (size_t i = 0; i < now->size; i++) {
		const struct count *count = &now->cards[i], *same;

		same = find_count(before, count->info.card, count->info.journal_id);
		if (options->json)
			print_json(count, now->time, same, before->time);
		else if (same)
			print_difference(count, same, now->time);
		else
			print_card(count);
	}
}

static void print_gone(const struct options *options, const struct counts *now,
		       const struct counts *before)
{
	for (size_t i = 0; i < before->size; i++) {
		const struct count *count = &before->cards[i];
		bool first = true;

		if (find_count(now, count->info.card, count->info.journal_id))
			continue;
		if (!options->json) {
			printf("card %u [%s] is gone\n", count->info.card, count->card_id);
			continue;
		}
		putchar('{');
		json_card(&first, "removed", count, now->time);
		puts("}");
	}
}

/* ---- The command ---- */

/* Prints how it is now beside how it was, which it then becomes. */
static enum exit_status show(const struct options *options, bool first, struct counts *counts)
{
	struct counts now = { 0 };
	enum exit_status status = look(options, first, &now);

	if (status != STATUS_OK)
		return status;
	print_gone(options, &now, counts);
	print_counts(options, &now, counts);
	cleanup_counts(counts);
	*counts = now;
	return STATUS_OK;
}

/* Returns 0 when it is time, 1 after a signal, or a negative errno. */
static int wait_until(int64_t then, int signals)
{
	struct pollfd fd = { .fd = signals, .events = POLLIN };
	int r;

	do {
		r = poll(&fd, 1, time_until(then));
	} while ((r < 0 && errno == EINTR) || (r == 0 && time_now() < then));
	return r < 0 ? -errno : r;
}

/*
 * A look that fails may succeed the next time: the reason is on stderr, and nothing is compared.
 * The time between two looks is told, so it need not be exact, but it is never less than asked for.
 */
static enum exit_status watch(const struct options *options, int signals, struct counts *counts)
{
	enum exit_status status;
	bool closed;

	while ((status = finish_output(&closed)) == STATUS_OK && !closed) {
		int r = wait_until(time_now() + options->watch, signals);

		if (r < 0) {
			fprintf(stderr, "audiomodulectl: cannot wait: %s\n", strerror(-r));
			return STATUS_FAILURE;
		}
		if (r > 0)
			return STATUS_OK;
		show(options, false, counts);
	}
	return status;
}

static void print_none(const struct options *options)
{
	if (options->watch)
		fputs("audiomodulectl: no cards with audio modules; waiting for one\n", stderr);
	else if (!options->json)
		puts("no cards with audio modules");
}

enum exit_status command_stats(const struct options *options)
{
	_cleanup_(cleanup_counts) struct counts counts = { 0 };
	_cleanup_(cleanup_fd) int signals = -1;
	enum exit_status status = STATUS_OK;
	bool closed;

	if (options->watch)
		status = catch_signals(&signals);
	if (status == STATUS_OK)
		status = show(options, true, &counts);
	if (status != STATUS_OK)
		return status;
	if (counts.size == 0)
		print_none(options);
	return options->watch ? watch(options, signals, &counts) : finish_output(&closed);
}
