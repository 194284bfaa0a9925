// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: the lines of `audiomodulectl monitor`. A notification's line has its time (seconds of
 * CLOCK_MONOTONIC, as in dmesg), its sequence, its address, and what it says. Colours mark on a
 * terminal what needs attention.
 */
#include <inttypes.h>
#include <stdio.h>

#include "decode.h"
#include "monitor-print.h"
#include "output.h"

void record_address(const struct feeds *feeds, const struct feed *feed,
		    const struct audiomodule_record *record, char address[RECORD_ADDRESS_SIZE])
{
	const struct audiomodule_module *module = feed_module(feeds, feed, record);
	char class_id[AUDIOMODULE_GUID_TEXT_SIZE];

	if (module) {
		snprintf(address, RECORD_ADDRESS_SIZE, "%s/%s", feed->address, module->label);
		return;
	}
	audiomodule_guid_format(&record->class_id, class_id);
	if (record->has_identity)
		snprintf(address, RECORD_ADDRESS_SIZE, "%s/%s:%" PRIu32, feed->address, class_id,
			 record->instance_id);
	else
		snprintf(address, RECORD_ADDRESS_SIZE, "%s", feed->address);
}

static void print_notification(const struct feeds *feeds, const struct feed *feed,
			       const struct audiomodule_record *record)
{
	char address[RECORD_ADDRESS_SIZE], id[AUDIOMODULE_GUID_TEXT_SIZE];

	record_address(feeds, feed, record, address);
	printf("%6" PRIu64 ".%06" PRIu64 "  %8" PRIu64 "  %-16s  ",
	       record->timestamp / 1000000000, record->timestamp / 1000 % 1000000,
	       record->sequence, address);
	if (!record->has_identity) {
		audiomodule_guid_format(&record->notification_id, id);
		printf("%s  ", id);
	}
	print_decoded(record);
	putchar('\n');
}

static void print_text(const struct feeds *feeds, const struct feed *feed,
		       const struct audiomodule_record *record)
{
	switch (record->type) {
	case AUDIOMODULE_RECORD_NOTIFICATION:
		print_notification(feeds, feed, record);
		break;
	case AUDIOMODULE_RECORD_LOST:
		start_colour(COLOUR_YELLOW);
		printf("%s: lost %" PRIu64 "..%" PRIu64 " (%" PRIu64 ")", feed->address,
		       record->lost_first, record->lost_last,
		       record->lost_last - record->lost_first + 1);
		end_colour();
		putchar('\n');
		break;
	case AUDIOMODULE_RECORD_CHANGED:
		printf("The modules of %s on card %u changed\n", feed->endpoint.name,
		       feed->endpoint.card);
		break;
	case AUDIOMODULE_RECORD_REMOVED:
		start_colour(COLOUR_RED);
		printf("%s on card %u is gone", feed->endpoint.name, feed->endpoint.card);
		end_colour();
		putchar('\n');
		break;
	}
}

static void json_feed(bool *first, const char *type, const char *address,
		      const struct audiomodule_endpoint *endpoint)
{
	json_text(first, "type", type);
	json_text(first, "address", address);
	json_text(first, "endpoint", endpoint->name);
	json_unsigned(first, "card", endpoint->card);
	json_guid(first, "device_id", &endpoint->device_id);
	json_hex64(first, "journal_id", endpoint->journal_id);
}

static void json_notification(const struct feeds *feeds, const struct feed *feed,
			      const struct audiomodule_record *record, bool *first)
{
	char address[RECORD_ADDRESS_SIZE];

	record_address(feeds, feed, record, address);
	json_feed(first, "notification", address, &feed->endpoint);
	json_record(first, record);
}

static void print_json(const struct feeds *feeds, const struct feed *feed,
		       const struct audiomodule_record *record)
{
	bool first = true;

	putchar('{');
	switch (record->type) {
	case AUDIOMODULE_RECORD_NOTIFICATION:
		json_notification(feeds, feed, record, &first);
		break;
	case AUDIOMODULE_RECORD_LOST:
		json_feed(&first, "lost", feed->address, &feed->endpoint);
		json_unsigned(&first, "first", record->lost_first);
		json_unsigned(&first, "last", record->lost_last);
		json_unsigned(&first, "count", record->lost_last - record->lost_first + 1);
		break;
	case AUDIOMODULE_RECORD_CHANGED:
		json_feed(&first, "changed", feed->address, &feed->endpoint);
		break;
	case AUDIOMODULE_RECORD_REMOVED:
		json_feed(&first, "removed", feed->address, &feed->endpoint);
		break;
	}
	puts("}");
}

void print_record(const struct feeds *feeds, const struct feed *feed,
		  const struct audiomodule_record *record)
{
	if (feeds->options->json)
		print_json(feeds, feed, record);
	else
		print_text(feeds, feed, record);
}

void print_appeared(const struct feeds *feeds, const struct feed *feed)
{
	bool first = true;

	if (feeds->options->json) {
		putchar('{');
		json_feed(&first, "appeared", feed->address, &feed->endpoint);
		puts("}");
		return;
	}
	start_colour(COLOUR_GREEN);
	printf("%s on card %u is back", feed->endpoint.name, feed->endpoint.card);
	end_colour();
	putchar('\n');
}
