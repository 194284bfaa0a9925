// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: cards, parameters, load and unload
 *
 * DOC: The idea
 *
 * A sound card that has ports gets one object here, made with its first port. It owns the
 * journal and the elements, and hangs on the sound card as an snd_device: ALSA tells it when
 * the card is disconnected and when it is freed.
 *
 * At the disconnect the journal is closed: later Sends are dropped and counted, readers get what
 * is left and then the end, sleepers wake. Nothing waits for user space. The object itself stays
 * until the sound card and the last port have let it go; the driver's module, the sound card and
 * the notification fds may all go in any order.
 */

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "audio_module_local.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int snd_audio_module_journal_size = 1024 * 1024;
unsigned int snd_audio_module_doorbell_ms = 20;
enum snd_audio_module_doorbell_kind snd_audio_module_doorbell_kind;
bool snd_audio_module_strict_irql;

static LIST_HEAD(cards);
static DEFINE_MUTEX(cards_lock);

/* ------------------------------------------------------------------ life of a card */

static void card_release(struct kref *kref)
{
	struct snd_audio_module_card *card =
		container_of(kref, struct snd_audio_module_card, kref);

	/* A Send may have queued its irq_work after the disconnect. */
	snd_audio_module_doorbell_stop(card);
	snd_audio_module_elements_free(card);
	snd_audio_module_journal_put(card->journal);
	ida_destroy(&card->module_indices);
	mutex_destroy(&card->lock);
	mutex_destroy(&card->registration_lock);
	kfree(card);
	snd_audio_module_object_died(SND_AUDIO_MODULE_OBJECT_CARD);
	module_put(THIS_MODULE);
}

/**
 * snd_audio_module_card_get - take a reference
 * @card: the card
 */
void snd_audio_module_card_get(struct snd_audio_module_card *card)
{
	kref_get(&card->kref);
}

/**
 * snd_audio_module_card_put - give a reference back
 * @card: the card; freed with its last reference
 *
 * Context: Process context, may sleep.
 */
void snd_audio_module_card_put(struct snd_audio_module_card *card)
{
	kref_put(&card->kref, card_release);
}

static void card_disconnect(struct snd_audio_module_card *card)
{
	snd_audio_module_journal_remove(card->journal);
	snd_audio_module_doorbell_stop(card);
	/* Its number may be another card's soon. */
	debugfs_remove_recursive(card->debugfs);
	card->debugfs = NULL;
}

/* ALSA registers devices like this one first, and what is made here behind it. */
static int card_dev_register(struct snd_device *device)
{
	struct snd_audio_module_card *card = device->device_data;
	int err;

	err = snd_audio_module_hwdep_new(card);
	if (err)
		return err;
	mutex_lock(&card->registration_lock);
	mutex_lock(&card->lock);
	WRITE_ONCE(card->registered, true);
	mutex_unlock(&card->lock);
	mutex_unlock(&card->registration_lock);
	return 0;
}

static int card_dev_disconnect(struct snd_device *device)
{
	snd_audio_module_command_disconnect(device->device_data);
	card_disconnect(device->device_data);
	return 0;
}

static int card_dev_free(struct snd_device *device)
{
	struct snd_audio_module_card *card = device->device_data;

	/* A card that was never registered is freed without a disconnect. */
	card_disconnect(card);
	mutex_lock(&cards_lock);
	list_del(&card->list);
	mutex_unlock(&cards_lock);
	snd_audio_module_card_put(card);
	return 0;
}

static const struct snd_device_ops card_dev_ops = {
	.dev_register	= card_dev_register,
	.dev_disconnect	= card_dev_disconnect,
	.dev_free	= card_dev_free,
};

static struct snd_audio_module_card *card_alloc(struct snd_card *sound_card)
{
	struct snd_audio_module_card *card = kzalloc_obj(*card, GFP_KERNEL);

	if (!card)
		return NULL;
	card->journal = snd_audio_module_journal_new(snd_audio_module_journal_size);
	if (!card->journal) {
		kfree(card);
		return NULL;
	}

	kref_init(&card->kref);
	mutex_init(&card->registration_lock);
	mutex_init(&card->lock);
	init_rwsem(&card->handlers);
	INIT_LIST_HEAD(&card->list);
	INIT_LIST_HEAD(&card->elements);
	INIT_LIST_HEAD(&card->ports);
	ida_init(&card->module_indices);
	card->card = sound_card;
	card->number = sound_card->number;
	card->generation = 1;
	strscpy(card->name, sound_card->dev ? dev_name(sound_card->dev) : sound_card->id,
		sizeof(card->name));
	snd_audio_module_doorbell_init(card);
	/*
	 * The driver's module, which holds this one, may go before ALSA has freed the card, unless
	 * it waits for that. Then what is left are the instructions behind module_put().
	 */
	__module_get(THIS_MODULE);
	snd_audio_module_object_born(SND_AUDIO_MODULE_OBJECT_CARD);
	return card;
}

static struct snd_audio_module_card *card_new(struct snd_card *sound_card)
{
	struct snd_audio_module_card *card = card_alloc(sound_card);
	int err;

	lockdep_assert_held(&cards_lock);

	if (!card)
		return ERR_PTR(-ENOMEM);

	/* From here on the sound card holds the reference. */
	err = snd_device_new(sound_card, SNDRV_DEV_LOWLEVEL, card, &card_dev_ops);
	if (err) {
		snd_audio_module_card_put(card);
		return ERR_PTR(err);
	}
	list_add_tail(&card->list, &cards);
	snd_audio_module_debugfs_card(card);
	return card;
}

static struct snd_audio_module_card *card_find(struct snd_card *sound_card)
{
	struct snd_audio_module_card *card;

	lockdep_assert_held(&cards_lock);

	list_for_each_entry(card, &cards, list)
		if (card->card == sound_card)
			return card;
	return NULL;
}

/**
 * snd_audio_module_card_find_or_new - the card that belongs to a sound card
 * @sound_card: the sound card, not registered yet
 *
 * Context: Process context, may sleep.
 *
 * Return: the card; or an ERR_PTR: -EBUSY: the sound card is registered; -ENOMEM; what ALSA says.
 */
struct snd_audio_module_card *snd_audio_module_card_find_or_new(struct snd_card *sound_card)
{
	struct snd_audio_module_card *card;

	/* Elements come before: see element.c. */
	if (sound_card->registered)
		return ERR_PTR(-EBUSY);

	mutex_lock(&cards_lock);
	card = card_find(sound_card);
	if (!card)
		card = card_new(sound_card);
	mutex_unlock(&cards_lock);
	return card;
}

/**
 * snd_audio_module_card_changed - tell readers that the list of modules changed
 * @card: the card
 * @endpoint: index of the endpoint that changed
 *
 * Before the sound card is registered nobody can read: then only the generation counts.
 *
 * Context: Process context; the caller holds @card->lock.
 */
void snd_audio_module_card_changed(struct snd_audio_module_card *card, u16 endpoint)
{
	struct snd_audio_module_changed changed = { .generation = ++card->generation };
	const struct snd_audio_module_origin origin = {
		.type = SND_AUDIO_MODULE_RECORD_CHANGED,
		.stamp.endpoint = endpoint,
		.stamp.module = SND_AUDIO_MODULE_NONE,
	};

	lockdep_assert_held(&card->lock);

	if (!card->registered)
		return;
	/* Nobody would be told that it is lost; writers that are in the way are quick. */
	while (snd_audio_module_write(card, &origin, &changed, sizeof(changed)) == -EBUSY)
		cond_resched();
}

/* ------------------------------------------------------------------ parameters */

static int journal_size_set(const char *value, const struct kernel_param *param)
{
	unsigned int size;

	if (kstrtouint(value, 0, &size) || !snd_audio_module_journal_size_valid(size)) {
		pr_err("journal_size=%s: must be a power of two from 131072 (128 KiB) to 67108864 (64 MiB)\n",
		       value);
		return -EINVAL;
	}
	snd_audio_module_journal_size = size;
	return 0;
}

static const struct kernel_param_ops journal_size_ops = {
	.set = journal_size_set,
	.get = param_get_uint,
};
module_param_cb(journal_size, &journal_size_ops, &snd_audio_module_journal_size, 0444);
MODULE_PARM_DESC(journal_size,
		 "Bytes of each card's journal: a power of two, 128 KiB to 64 MiB (default 1 MiB)");

static int doorbell_ms_set(const char *value, const struct kernel_param *param)
{
	unsigned int ms;

	if (kstrtouint(value, 0, &ms) || ms < 1 || ms > 1000) {
		pr_err("doorbell_ms=%s: must be from 1 to 1000\n", value);
		return -EINVAL;
	}
	snd_audio_module_doorbell_ms = ms;
	return 0;
}

static const struct kernel_param_ops doorbell_ms_ops = {
	.set = doorbell_ms_set,
	.get = param_get_uint,
};
module_param_cb(doorbell_ms, &doorbell_ms_ops, &snd_audio_module_doorbell_ms, 0444);
MODULE_PARM_DESC(doorbell_ms,
		 "Least milliseconds between control events of a card, 1 to 1000 (default 20)");

static const char * const doorbell_kinds[] = {
	[SND_AUDIO_MODULE_DOORBELL_VALUE]	= "value",
	[SND_AUDIO_MODULE_DOORBELL_TLV]		= "tlv",
	[SND_AUDIO_MODULE_DOORBELL_OFF]		= "off",
};

static int doorbell_set(const char *value, const struct kernel_param *param)
{
	int kind = sysfs_match_string(doorbell_kinds, value);

	if (kind < 0) {
		pr_err("doorbell=%s: must be value, tlv or off\n", value);
		return -EINVAL;
	}
	WRITE_ONCE(snd_audio_module_doorbell_kind, kind);
	return 0;
}

static int doorbell_get(char *buffer, const struct kernel_param *param)
{
	unsigned int kind = READ_ONCE(snd_audio_module_doorbell_kind);

	return sysfs_emit(buffer, "%s\n", doorbell_kinds[kind]);
}

static const struct kernel_param_ops doorbell_ops = {
	.set = doorbell_set,
	.get = doorbell_get,
};
module_param_cb(doorbell, &doorbell_ops, NULL, 0644);
MODULE_PARM_DESC(doorbell,
		 "Control event for a new record: value, tlv or off (default value)");

module_param_named(strict_irql, snd_audio_module_strict_irql, bool, 0644);
MODULE_PARM_DESC(strict_irql,
		 "PortCls Send and Free only in process context, as documented for Windows (default n)");

/* ------------------------------------------------------------------ load and unload */

static int __init audio_module_init(void)
{
	snd_audio_module_debugfs_init();
	return 0;
}

static void __exit audio_module_exit(void)
{
	snd_audio_module_debugfs_exit();
}

module_init(audio_module_init);
module_exit(audio_module_exit);

MODULE_DESCRIPTION("ALSA audio modules and their notifications");
MODULE_AUTHOR("The ALSA audio modules maintainers");
MODULE_LICENSE("GPL");
