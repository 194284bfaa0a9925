// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: what info --local and stats say of a card. A counter has the same name in text and in JSON;
 * for people there is what it counts behind it.
 */
#include <inttypes.h>
#include <stdio.h>

#include <sound/audio_module.h>

#include "card.h"
#include "output.h"

int card_ask(const struct options *options, const struct audiomodule_endpoint *endpoint,
	     struct audiomodule_info *info)
{
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;
	int r = audiomodule_open(options->directory, endpoint->card, &handle);

	if (r >= 0)
		r = audiomodule_info(handle, info);
	if (r < 0)
		return r;
	return info->journal_id == endpoint->journal_id ? 0 : -ENODEV;
}

/* "": a counter that was added since. */
static const char *meaning(unsigned int counter)
{
	static const char *const texts[SND_AUDIO_MODULE_COUNTERS] = {
		[SND_AUDIO_MODULE_COUNTER_ACCEPTED] = "notifications that got a sequence",
		[SND_AUDIO_MODULE_COUNTER_BUSY] = "of those: the journal was full",
		[SND_AUDIO_MODULE_COUNTER_REMOVED] = "the card was gone",
		[SND_AUDIO_MODULE_COUNTER_SHORT] = "less than the 40 bytes of an identity",
		[SND_AUDIO_MODULE_COUNTER_LONG] = "more data than a notification carries",
		[SND_AUDIO_MODULE_COUNTER_ID] = "no notification id",
		[SND_AUDIO_MODULE_COUNTER_CONTEXT] = "sent from a context that is not allowed",
		[SND_AUDIO_MODULE_COUNTER_BUFFER] = "not a live buffer of the port",
		[SND_AUDIO_MODULE_COUNTER_ALLOC_POOL_TYPE] = "Alloc refused: the pool type",
		[SND_AUDIO_MODULE_COUNTER_ALLOC_SIZE] = "Alloc refused: the number of bytes",
		[SND_AUDIO_MODULE_COUNTER_ALLOC_CONTEXT] = "Alloc refused: its context",
		[SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY] = "Alloc failed: no memory",
		[SND_AUDIO_MODULE_COUNTER_FREE_BUFFER] = "Free refused: not a live buffer",
		[SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT] = "Free in a context that is not allowed",
		[SND_AUDIO_MODULE_COUNTER_LEFT_BEHIND] = "buffers that outlived their port",
	};

	return counter < SND_AUDIO_MODULE_COUNTERS && texts[counter] ? texts[counter] : "";
}

void print_card_journal(const struct audiomodule_info *info)
{
	printf("  journal size        %" PRIu64 " bytes\n", info->journal_size);
	printf("  oldest sequence     %" PRIu64 "\n", info->oldest_sequence);
	printf("  newest sequence     %" PRIu64 "\n", info->newest_sequence);
}

void print_card_counters(const struct audiomodule_info *info)
{
	const char *name;

	for (unsigned int i = 0; (name = audiomodule_counter_name(i)); i++)
		printf("  %-18s  %-12" PRIu64 "  %s\n", name, info->counters[i], meaning(i));
}

void json_card_counts(bool *first, const struct audiomodule_info *info)
{
	const char *name;
	bool inner = true;

	json_unsigned(first, "journal_size", info->journal_size);
	json_unsigned(first, "oldest_sequence", info->oldest_sequence);
	json_unsigned(first, "newest_sequence", info->newest_sequence);
	json_open(first, "counters", '{');
	for (unsigned int i = 0; (name = audiomodule_counter_name(i)); i++)
		json_unsigned(&inner, name, info->counters[i]);
	json_close('}');
}
