// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: the doorbell
 *
 * DOC: The idea
 *
 * Programs that know only ALSA's control elements learn by a control event that the newest
 * record of an element changed. Such an event costs every subscribed program a wake-up and the
 * sender a walk over all of them, so it is not sent for each notification: the first change
 * rings at once, from an irq_work, because a sender may hold any lock; those that follow are
 * collected and ring together when the timer ends, once more after the last one.
 *
 * The doorbell works with copies of the elements' ids and is stopped before the card goes. An
 * event that ALSA had no memory for is made good by the next one; no more is promised: who must
 * not miss anything reads the journal.
 */

#include <linux/jiffies.h>

#include "audio_module_local.h"

#define DOORBELL_BUSY		0

/* Ring for every element that changed since the last time. */
static bool doorbell_ring(struct snd_audio_module_card *card)
{
	bool tlv = READ_ONCE(snd_audio_module_doorbell_kind) == SND_AUDIO_MODULE_DOORBELL_TLV;
	unsigned int mask = tlv ? SNDRV_CTL_EVENT_MASK_TLV : SNDRV_CTL_EVENT_MASK_VALUE;
	struct snd_audio_module_element *element;
	bool rang = false;

	rcu_read_lock();
	list_for_each_entry_rcu(element, &card->elements, list) {
		if (!test_and_clear_bit(SND_AUDIO_MODULE_ELEMENT_CHANGED, &element->changed))
			continue;
		snd_ctl_notify(card->doorbell.card, mask, &element->id);
		rang = true;
	}
	rcu_read_unlock();
	return rang;
}

static void doorbell_start_timer(struct snd_audio_module_doorbell *doorbell)
{
	/* One more: the current tick has begun already. */
	unsigned long ticks = msecs_to_jiffies(snd_audio_module_doorbell_ms) + 1;

	if (!READ_ONCE(doorbell->stopped))
		mod_timer(&doorbell->timer, jiffies + ticks);
}

static void doorbell_work(struct irq_work *work)
{
	struct snd_audio_module_card *card =
		container_of(work, struct snd_audio_module_card, doorbell.work);

	rcu_read_lock();
	if (!READ_ONCE(card->doorbell.stopped)) {
		doorbell_ring(card);
		doorbell_start_timer(&card->doorbell);
	}
	rcu_read_unlock();
}

static bool doorbell_anything_left(struct snd_audio_module_card *card)
{
	struct snd_audio_module_element *element;
	bool left = false;

	rcu_read_lock();
	list_for_each_entry_rcu(element, &card->elements, list)
		left |= test_bit(SND_AUDIO_MODULE_ELEMENT_CHANGED, &element->changed);
	rcu_read_unlock();
	return left;
}

static void doorbell_timer(struct timer_list *timer)
{
	struct snd_audio_module_card *card =
		container_of(timer, struct snd_audio_module_card, doorbell.timer);

	if (READ_ONCE(card->doorbell.stopped))
		return;
	if (doorbell_ring(card)) {
		doorbell_start_timer(&card->doorbell);
		return;
	}

	clear_bit(DOORBELL_BUSY, &card->doorbell.busy);
	/* Not busy, then look: pairs with snd_audio_module_doorbell_press(). */
	smp_mb__after_atomic();
	if (doorbell_anything_left(card) && !test_and_set_bit(DOORBELL_BUSY, &card->doorbell.busy))
		irq_work_queue(&card->doorbell.work);
}

/**
 * snd_audio_module_doorbell_init - get the doorbell of a card ready
 * @card: the card, whose member card is set
 */
void snd_audio_module_doorbell_init(struct snd_audio_module_card *card)
{
	card->doorbell.card = card->card;
	/* Not a hard one: snd_ctl_notify() takes locks that sleep on PREEMPT_RT. */
	init_irq_work(&card->doorbell.work, doorbell_work);
	timer_setup(&card->doorbell.timer, doorbell_timer, 0);
}

/**
 * snd_audio_module_doorbell_press - ring for an element, now or when the timer ends
 * @card: the card
 * @element: its element, which has a new record
 *
 * Context: Any but NMI.
 */
void snd_audio_module_doorbell_press(struct snd_audio_module_card *card,
				     struct snd_audio_module_element *element)
{
	if (READ_ONCE(snd_audio_module_doorbell_kind) == SND_AUDIO_MODULE_DOORBELL_OFF)
		return;

	set_bit(SND_AUDIO_MODULE_ELEMENT_CHANGED, &element->changed);
	smp_mb__after_atomic();	/* Changed, then look: pairs with doorbell_timer(). */
	if (!test_bit(DOORBELL_BUSY, &card->doorbell.busy) &&
	    !test_and_set_bit(DOORBELL_BUSY, &card->doorbell.busy))
		irq_work_queue(&card->doorbell.work);
}

/**
 * snd_audio_module_doorbell_stop - never ring again
 * @card: the card; the sound card is not touched after this returned
 *
 * Context: Process context, may sleep.
 */
void snd_audio_module_doorbell_stop(struct snd_audio_module_card *card)
{
	WRITE_ONCE(card->doorbell.stopped, true);
	snd_audio_module_irq_work_end(&card->doorbell.work);
	timer_delete_sync(&card->doorbell.timer);
	/* The timer may have queued it. */
	snd_audio_module_irq_work_end(&card->doorbell.work);
}
