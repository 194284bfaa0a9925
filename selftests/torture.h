/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what the processes of a torture share: who sends, who is told, and who knows afterwards what
 * each reader must have been told. All of it is in memory that each of them sees.
 *
 * A notification says by its number who sent it, of which module and size it is, and how many that
 * process sent before it: so a reader knows what else must be in the record, and the one who knows
 * knows the order.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "audio_module_test.h"

#define PRODUCERS_PER_CPU	4
#define MOST_PRODUCERS		64
#define READERS			13
#define MOST_OTHERS		4000	/* notifications that the makers of noise cause in a round */
#define TROUBLE			240

/* What became of a notification, as a reader says. */
enum { UNTOLD, RECEIVED, LOST, UNKNOWN };

/**
 * struct producer - a process that sends
 * @pid: it
 * @asked: how many notifications it asked the driver for
 * @unsure: the last call failed in the middle: not all of these were sent
 */
struct producer {
	pid_t pid;
	volatile uint64_t asked;
	volatile bool unsure;
};

/**
 * struct reader - a process, or several that follow each other, with one notification fd at a time
 * @pid: the first of them
 * @ready: it is subscribed
 * @start: the sequence before the first that it will be told of
 * @last: the last one that it was told of
 * @received: notifications
 * @lost: those that it was told are lost
 * @ranges: in so many parts
 * @changed: CHANGED records
 * @removed: REMOVED records
 * @turns: how often it did what is peculiar to it
 * @ended: it was told the end
 * @trouble: what was wrong first, or empty
 * @what: of each sequence
 */
struct reader {
	pid_t pid;
	volatile bool ready;
	uint64_t start;
	volatile uint64_t last;
	uint64_t received;
	uint64_t lost;
	uint64_t ranges;
	uint64_t changed;
	uint64_t removed;
	uint64_t turns;
	volatile bool ended;
	char trouble[TROUBLE];
	uint8_t *what;
};

/**
 * struct torture - a round of it
 * @card: number of the card
 * @journal_id: of its journal
 * @most: sequences that there is room for
 * @cpus: of this machine
 * @seed: of this round
 * @quiet: readers catch up now: they do not sleep any more
 * @going: the card is being taken away: calls may fail
 * @stop: producers and makers of noise end
 * @others: notifications that the makers of noise caused
 * @noise: calls that the makers of noise made
 * @noise_trouble: what was wrong with one of those first, or empty
 * @producers: with @cpus times PRODUCERS_PER_CPU of them
 * @readers: see torture_reader.c
 * @sent: what each sequence is, from whoever saw it first: its number, or a mark of what else it is
 */
struct torture {
	int card;
	uint64_t journal_id;
	uint64_t most;
	unsigned int cpus;
	uint64_t seed;
	volatile bool quiet;
	volatile bool going;
	volatile bool stop;
	uint64_t others;
	uint64_t noise;
	char noise_trouble[TROUBLE];
	struct producer producers[MOST_PRODUCERS];
	struct reader readers[READERS];
	uint64_t *sent;
};

/* ------------------------------------------------------------------ numbers */

#define NUMBER_INDEX_BITS	40
#define NUMBER_FOREIGN		(1ULL << 63)	/* not of a producer, with a mark of its bytes */
#define SIZES			8

/* Bytes of data of a notification, by what its number says. */
extern const uint32_t torture_sizes[SIZES];

/* Class (index in module_class) and InstanceId of a module of an endpoint. */
unsigned int class_of(unsigned int endpoint, unsigned int module);
uint32_t instance_of(unsigned int endpoint, unsigned int module);

/* @index is from 1 on. */
uint64_t number_make(unsigned int producer, unsigned int endpoint, unsigned int module,
		     unsigned int size, uint64_t index);
unsigned int number_producer(uint64_t number);
unsigned int number_endpoint(uint64_t number);
unsigned int number_module(uint64_t number);
unsigned int number_size(uint64_t number);
uint64_t number_index(uint64_t number);

/* ------------------------------------------------------------------ chance */

/* The next of a row of numbers that looks like chance and is the same for the same seed. */
uint64_t chance(uint64_t *state);
unsigned int chance_below(uint64_t *state, unsigned int limit);

/* ------------------------------------------------------------------ processes */

struct reading;

/**
 * struct reader_kind - how a reader reads
 * @name: for messages
 * @endpoint: only its notifications; -1: all
 * @class: only those of modules of this class (index in module_class); -1: all
 * @run: reads until it is told the end
 */
struct reader_kind {
	const char *name;
	int endpoint;
	int class;
	void (*run)(struct reading *reading);
};

extern const struct reader_kind reader_kinds[READERS];

/* Read until the end, then exit(). */
void reader_run(struct torture *torture, unsigned int number) __attribute__((noreturn));

/* Send until told to stop, then exit(). */
void producer_run(struct torture *torture, unsigned int number) __attribute__((noreturn));

/* What else happens to a card meanwhile, until told to stop; then exit(). */
#define NOISES	3
void noise_run(struct torture *torture, unsigned int number) __attribute__((noreturn));

#endif /* TORTURE_H */
