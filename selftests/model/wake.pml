/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How sleepers are woken, and how they and the journal go, for spin: snd_audio_module_journal_wake_up(),
 * _sleep() and _quit(), journal_wake() and journal_release() of module/journal.c, on top of the
 * kernel's irq_work, which is here as kernel/irq_work.c has it. journal.pml has what is woken for;
 * here a record is a number.
 *
 * A run of an irq_work is a hard interrupt, which a grace period waits for. PENDING is taken away
 * before the function is called, so that the work can be queued again while it runs, and run on
 * another CPU at the same time.
 *
 * Each name that an #if asks for is a mistake, which spin must find.
 *
 * What holds in every state that is reached: no run uses a sleeper or a journal that was freed; when
 * nobody can take a step any more, each reader has seen each record, and all is freed. There is no
 * cycle without progress, which is a record or an end: what is woken for is only what was written.
 */

#ifndef WRITERS
#define WRITERS	2
#endif
#ifndef READERS
#define READERS	2
#endif
#ifndef SENDS
#define SENDS	1	/* by each writer */
#endif
#define CPUS	2
#define AT_ONCE	1	/* WAKE_AT_ONCE: how many sleepers one run wakes */

byte newest;			/* record */

/* struct irq_work. */
bool pending, busy;
byte queued;			/* runs that are yet to begin */
byte in_run;			/* runs that have begun and not ended */

/* struct snd_audio_module_journal and its sleepers */
bool locked;			/* sleepers_lock */
bool asked;
bool asleep[READERS];		/* in sleepers */
bool waking[READERS];		/* in waking */
byte wakers[READERS];
byte references;		/* the card's is the writers' */
bool journal_freed;

bool woken[READERS];
bool impatient[READERS];	/* gets a signal */
bool sleeper_freed[READERS];

#define nobody_asleep	(!asleep[0] && (READERS < 2 || !asleep[READERS - 1]))
#define nobody_waking	(!waking[0] && (READERS < 2 || !waking[READERS - 1]))

/* ------------------------------------------------------------------ irq_work */

inline irq_work_queue()
{
	atomic {
		if
		:: !pending -> pending = true; busy = true; queued++
		:: pending
		fi
	}
}

/* ------------------------------------------------------------------ journal.c */

inline wake_up()
{
	if
	:: nobody_asleep
	:: !nobody_asleep ->
#ifndef ASKS_AFTERWARDS
		asked = true;
#endif
		irq_work_queue()
#ifdef ASKS_AFTERWARDS
		;
		asked = true
#endif
	fi
}

inline put()
{
	d_step { references--; last = references == 0 }
	if
	:: last ->
		/* irq_work_sync(), a grace period */
		!busy;
#ifndef RELEASE_WITHOUT_GRACE_PERIOD
		in_run == 0;
#endif
		journal_freed = true
	:: !last
	fi
}

/* journal_wake_one() of the first; the caller holds the lock. */
inline wake_one()
{
	d_step {
		if
		:: waking[0] -> one = 0
		:: !waking[0] -> one = READERS - 1
		fi;
		waking[one] = false;
		wakers[one]++;
		locked = false
	}
	assert(!sleeper_freed[one]);
	woken[one] = true;
	atomic { !locked -> assert(!journal_freed); locked = true; wakers[one]-- }
}

/* irq_work_single(), on each CPU; the function is journal_wake(). */
proctype cpu()
{
	byte left, one;
	bool all;

end:	do
	:: atomic { queued > 0 -> queued--; in_run++; pending = false }
		atomic {
			!locked -> assert(!journal_freed);
			locked = true;
			left = AT_ONCE;
			all = nobody_waking;
			/* Seen by who does not hold the lock before the next step is. */
			asked = asked && !all
		}
		d_step {
			if
			:: all ->
				waking[0] = asleep[0];
				waking[READERS - 1] = asleep[READERS - 1];
				asleep[0] = false;
				asleep[READERS - 1] = false
			:: !all
			fi
		}
		do
		:: left > 0 && !nobody_waking -> left--; wake_one()
		:: left == 0 || nobody_waking -> break
		od;
		if
#ifdef ASKS_ITSELF_AGAIN
		:: !nobody_waking || !all -> irq_work_queue()
		:: nobody_waking && all
#elif defined(FORGETS_WHO_ASKED)
		:: !nobody_waking -> irq_work_queue()
		:: nobody_waking
#else
		:: !nobody_waking || (asked && !nobody_asleep) -> irq_work_queue()
		:: nobody_waking && !(asked && !nobody_asleep)
#endif
		fi;
		locked = false;
		/* The first of two that end leaves the work as if both had. */
		atomic {
			assert(!journal_freed);
			if
			:: !pending -> busy = false
			:: pending
			fi
		}
		d_step { in_run--; left = 0; one = 0; all = false }
	od
}

/* ------------------------------------------------------------------ those that use it */

proctype writer()
{
	byte sent;
	bool last;

	do
	:: sent < SENDS ->
progress:	newest++;
		sent++;
		wake_up()
	:: sent == SENDS -> break
	od;
	put()
}

/* Closes when it has seen all, or sooner. */
proctype reader(byte me)
{
	byte seen;
	bool last;

	do
	:: seen == WRITERS * SENDS -> break
	:: seen < WRITERS * SENDS && newest > seen -> seen = newest
	:: seen < WRITERS * SENDS && newest == seen ->
		atomic { !locked -> asleep[me] = !waking[me] }
		if
		:: newest > seen
		:: newest == seen ->
			if
			:: woken[me] -> woken[me] = false
			:: impatient[me] -> break
			fi
		fi
	od;
	atomic { !locked -> asleep[me] = false; waking[me] = false }
#ifdef QUIT_WAITS_FOR_WORK
	!busy;
#elif !defined(QUIT_WAITS_FOR_NOBODY)
	wakers[me] == 0;
#endif
	sleeper_freed[me] = true;
	put()
}

/* ------------------------------------------------------------------ all together */

init
{
	byte i;

	atomic {
		references = WRITERS + READERS;
		for (i : 0 .. READERS - 1) {
#ifndef PATIENT
			if
			:: impatient[i] = true
			:: skip
			fi;
#endif
			run reader(i)
		}
		for (i : 1 .. WRITERS) {
			run writer()
		}
		for (i : 1 .. CPUS) {
			run cpu()
		}
	}
	/* Nobody can take a step. */
	timeout;
	for (i : 0 .. READERS - 1) {
		assert(sleeper_freed[i])
	}
	assert(journal_freed && !queued && !locked)
}
