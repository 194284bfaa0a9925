// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: what is alive, and what became of the drivers' calls
 *
 * DOC: The idea
 *
 * Every object that this module makes is counted while it lives. /sys/kernel/debug/
 * snd-audio-module/objects shows the numbers; all of them are 0 when no driver and no reader is
 * left, and what is not 0 when this module is unloaded is reported. cardN/ports shows for each
 * port of a card its counters by name.
 */

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "audio_module_local.h"

static atomic_t objects[SND_AUDIO_MODULE_OBJECTS];
static struct dentry *debugfs_root;

static const char * const object_names[SND_AUDIO_MODULE_OBJECTS] = {
	[SND_AUDIO_MODULE_OBJECT_CARD]			= "cards",
	[SND_AUDIO_MODULE_OBJECT_JOURNAL]		= "journals",
	[SND_AUDIO_MODULE_OBJECT_ELEMENT]		= "elements",
	[SND_AUDIO_MODULE_OBJECT_PORT]			= "ports",
	[SND_AUDIO_MODULE_OBJECT_MODULE]		= "modules",
	[SND_AUDIO_MODULE_OBJECT_BUFFER]		= "buffers",
	[SND_AUDIO_MODULE_OBJECT_NOTIFICATION_FD]	= "notification_fds",
};

static const char * const counter_names[SND_AUDIO_MODULE_COUNTERS] = {
	[SND_AUDIO_MODULE_COUNTER_ACCEPTED]		= "accepted",
	[SND_AUDIO_MODULE_COUNTER_BUSY]			= "dropped: journal busy",
	[SND_AUDIO_MODULE_COUNTER_REMOVED]		= "dropped: removed",
	[SND_AUDIO_MODULE_COUNTER_SHORT]		= "dropped: data too short",
	[SND_AUDIO_MODULE_COUNTER_LONG]			= "dropped: data too long",
	[SND_AUDIO_MODULE_COUNTER_ID]			= "dropped: notification id",
	[SND_AUDIO_MODULE_COUNTER_CONTEXT]		= "dropped: context",
	[SND_AUDIO_MODULE_COUNTER_BUFFER]		= "dropped: not a live buffer",
	[SND_AUDIO_MODULE_COUNTER_ALLOC_POOL_TYPE]	= "alloc refused: pool type",
	[SND_AUDIO_MODULE_COUNTER_ALLOC_SIZE]		= "alloc refused: size",
	[SND_AUDIO_MODULE_COUNTER_ALLOC_CONTEXT]	= "alloc refused: context",
	[SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY]		= "alloc failed: memory",
	[SND_AUDIO_MODULE_COUNTER_FREE_BUFFER]		= "free refused: not a live buffer",
	[SND_AUDIO_MODULE_COUNTER_FREE_CONTEXT]		= "free: context",
	[SND_AUDIO_MODULE_COUNTER_LEFT_BEHIND]		= "buffers left behind",
};

/**
 * snd_audio_module_object_born - count an object
 * @object: its kind
 */
void snd_audio_module_object_born(enum snd_audio_module_object object)
{
	atomic_inc(&objects[object]);
}

/**
 * snd_audio_module_object_died - do not count an object any more
 * @object: its kind
 */
void snd_audio_module_object_died(enum snd_audio_module_object object)
{
	atomic_dec(&objects[object]);
}

/**
 * snd_audio_module_counter_name - what a counter counts
 * @counter: which
 *
 * Return: its name in messages and in debugfs.
 */
const char *snd_audio_module_counter_name(enum snd_audio_module_counter counter)
{
	return counter_names[counter];
}

static int objects_show(struct seq_file *m, void *unused)
{
	int i;

	for (i = 0; i < SND_AUDIO_MODULE_OBJECTS; i++)
		seq_printf(m, "%s %d\n", object_names[i], atomic_read(&objects[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(objects);

static int ports_show(struct seq_file *m, void *unused)
{
	struct snd_audio_module_card *card = m->private;
	struct snd_audio_module_port *port;
	int i;

	mutex_lock(&card->lock);
	list_for_each_entry(port, &card->ports, list) {
		seq_printf(m, "%s %pUL\n", port->name, &port->device_id);
		seq_printf(m, "\tbuffers: %u\n", READ_ONCE(port->buffers_live));
		for (i = 0; i < SND_AUDIO_MODULE_COUNTERS; i++)
			seq_printf(m, "\t%s: %lld\n", counter_names[i],
				   (s64)atomic64_read(&port->counters[i]));
	}
	mutex_unlock(&card->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ports);

/**
 * snd_audio_module_debugfs_card - show a card's counters
 * @card: the card; its directory is removed when it is disconnected
 *
 * Context: Process context, may sleep.
 */
void snd_audio_module_debugfs_card(struct snd_audio_module_card *card)
{
	char name[16];

	snprintf(name, sizeof(name), "card%d", card->number);
	card->debugfs = debugfs_create_dir(name, debugfs_root);
	debugfs_create_file("ports", 0400, card->debugfs, card, &ports_fops);
}

/**
 * snd_audio_module_debugfs_init - show what is alive
 */
void snd_audio_module_debugfs_init(void)
{
	debugfs_root = debugfs_create_dir("snd-audio-module", NULL);
	debugfs_create_file("objects", 0400, debugfs_root, NULL, &objects_fops);
}

/**
 * snd_audio_module_debugfs_exit - report what is still alive although nobody can use it
 */
void snd_audio_module_debugfs_exit(void)
{
	int i;

	for (i = 0; i < SND_AUDIO_MODULE_OBJECTS; i++)
		if (atomic_read(&objects[i]))
			pr_err("snd-audio-module: %d %s left behind at unload\n",
			       atomic_read(&objects[i]), object_names[i]);
	debugfs_remove_recursive(debugfs_root);
}
