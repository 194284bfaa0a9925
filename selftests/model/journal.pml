/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The journal's protocol for spin: module/write.c, and the steps of struct snd_audio_module_map, which
 * module/notification_fd.c and userspace/lib/map.c take, too. "make model" looks at every order in
 * which writers, readers and the card's removal can take their steps.
 *
 * A position counts records here, all of one size, and the ring has few. A record is a type, a
 * sequence and a word of data, stored one after the other: a reader that delivers parts of two
 * records has torn one. One step here is one load or store that others can see, with what only its
 * own process sees. The machine keeps the order of loads and stores; that the barriers make it do so
 * is what the comments at them are for, and ThreadSanitizer (selftests/ring).
 *
 * Each name that an #if asks for is a mistake, which spin must find.
 *
 * What holds in every state that is reached: a delivered record is whole, and the next one that is
 * not told as lost; and when nobody can take a step any more, each reader has got, or been told of,
 * each sequence, and sleeps, or has come to the end.
 */

#ifndef SLOTS
#define SLOTS	2	/* records in the ring */
#endif
#ifndef SENDS
#define SENDS	2	/* by each writer */
#endif
#ifndef WRITERS
#define WRITERS	2
#endif
#ifndef READERS
#define READERS	2
#endif

mtype = { BUSY, WRITTEN };

/* The ring. */
mtype type[SLOTS];
byte sequence[SLOTS];
byte data[SLOTS];

/* Written under the lock, read without. */
byte head, tail, newest;
bool removed;

bool locked;

/* Of each reader. */
bool sleeping[READERS];		/* in the list of sleepers */
bool woken[READERS];
byte expected[READERS];		/* sequence */
bool ended[READERS];
byte delivered[READERS], lost[READERS];

/* snd_audio_module_journal_wake_up() */
inline wake_up()
{
	d_step {
		for (r : 0 .. READERS - 1) {
			if
			:: sleeping[r] -> sleeping[r] = false; woken[r] = true
			:: else
			fi
		}
		r = 0
	}
}

/* ------------------------------------------------------------------ snd_audio_module_write() */

proctype writer()
{
	byte sent, slot, number, r;

	do
	:: sent == SENDS -> break
	:: atomic { sent < SENDS && !locked && removed -> break }
	:: atomic {
			sent < SENDS && !locked && !removed ->
			locked = true;
			sent++;
			number = newest + 1;
			slot = head % SLOTS
		}
		if
		:: head - tail < SLOTS
		:: head - tail == SLOTS && type[slot] == WRITTEN ->
			/* (tail): before the bytes of the record that comes there */
#ifndef TAIL_AFTER_BYTES
			tail++
#endif
#ifdef OVERWRITE_BUSY
		:: head - tail == SLOTS && type[slot] == BUSY -> tail++
#else
		:: head - tail == SLOTS && type[slot] == BUSY ->
			/* The sequence is used up, and missing. */
			atomic { newest = number; locked = false }
#ifndef DROP_WAKES_NOBODY
			wake_up();
#endif
			goto next
#endif
		fi;
		type[slot] = BUSY;
		sequence[slot] = number;
		/* (head) */
		head++;
		/* (newest); readers do not look at the lock */
		atomic { newest = number; locked = false }
#ifdef TAIL_AFTER_BYTES
		if
		:: number - tail > SLOTS -> tail++
		:: else
		fi;
#endif
#ifdef COMMIT_BEFORE_BYTES
		type[slot] = WRITTEN;
		data[slot] = number;
#else
		data[slot] = number;
		/* (commit) */
		type[slot] = WRITTEN;
#endif
		/* (sleep) */
		wake_up();
next:		skip
	od
}

/* snd_audio_module_journal_remove() */
proctype remover()
{
	byte r;

	atomic { !locked -> removed = true }
#ifndef REMOVE_WAKES_NOBODY
	wake_up()
#else
	r = 0
#endif
}

/* ------------------------------------------------------------------ readers */

/* Step 4: the copy is good. */
inline deliver()
{
	assert(copied_data == copied);
	assert(copied >= expected[me]);
	lost[me] = lost[me] + copied - expected[me];
	expected[me] = copied + 1;
	delivered[me]++;
	position++
}

proctype reader(byte me)
{
	byte position, last, copied, copied_data;
	bool gone, idle, there;

	do
	:: ended[me] -> break
	/* 1, and there is nothing: 5 */
	:: !ended[me] && !idle && head <= position ->
		gone = removed;
		last = newest;
		atomic {
			if
			:: head != position		/* something came meanwhile */
			:: head == position && expected[me] <= last ->
				lost[me] = lost[me] + last - expected[me] + 1;
				expected[me] = last + 1
			:: head == position && expected[me] > last && gone -> ended[me] = true
			:: head == position && expected[me] > last && !gone -> idle = true
			fi;
			gone = false;
			last = 0
		}
	:: !ended[me] && !idle && head > position ->
		if
		/* 2 */
		:: type[position % SLOTS] == BUSY ->
			/* Of a record that was overwritten it says nothing. */
			atomic {
				if
				:: tail > position -> position = tail
				:: tail <= position -> idle = true
				fi
			}
		:: type[position % SLOTS] != BUSY ->
			/* 3 */
			copied = sequence[position % SLOTS];
			copied_data = data[position % SLOTS];
			/* 4 */
			atomic {
				if
#ifdef NO_LOOK_AT_TAIL
				:: deliver()
#else
				:: tail > position -> position = tail
				:: tail <= position -> deliver()
#endif
				fi;
				copied = 0;
				copied_data = 0
			}
		fi
	/* snd_audio_module_journal_sleep(), and a look before it sleeps */
	:: idle ->
		atomic { idle = false; sleeping[me] = true }
#ifndef SLEEP_WITHOUT_LOOK
		if
		:: tail > position -> there = true
		:: tail <= position && position < head -> there = type[position % SLOTS] == WRITTEN
		:: tail <= position && position >= head ->
			there = expected[me] <= newest || removed
		fi;
#endif
		if
		:: atomic { there -> there = false; sleeping[me] = false; woken[me] = false }
		:: !there ->
end_asleep:		woken[me] -> woken[me] = false
		fi
	od
}

/* ------------------------------------------------------------------ all together */

init
{
	byte i;

	atomic {
		for (i : 0 .. READERS - 1) {
			expected[i] = 1;
			run reader(i)
		}
		for (i : 1 .. WRITERS) {
			run writer()
		}
		if
		:: run remover()
		:: skip
		fi
	}
	/* Nobody can take a step. */
	timeout;
	for (i : 0 .. READERS - 1) {
		assert(expected[i] == newest + 1);
		assert(delivered[i] + lost[i] == newest);
		assert(ended[i] == removed)
	}
}
