/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the selftests share: the virtual card found and loaded, its hooks, and a reader that
 * checks every record it is given.
 *
 * Nothing here prints or fails a test by itself: functions return 0 or a negative errno, and the
 * test says what it expected.
 */
#ifndef AUDIO_MODULE_TEST_H
#define AUDIO_MODULE_TEST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sound/audio_module.h>
#include <sound/audio_module_virtual.h>

/*
 * What ends a test that hangs; the harness' 30 s are too short for some where an emulated machine
 * has little time and its kernel many checkers.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	180

extern const uint8_t speaker_id[16];
extern const uint8_t headphones_id[16];
extern const uint8_t audio_module_id[16];
extern const uint8_t module_class[3][16];
extern const uint8_t meter_class[16];

/* Number of the virtual card; -ENODEV when there is none. */
int card_find(void);

/* Open the card's "Audio Modules" hwdep device: an fd. */
int hwdep_open(int card);

/* Load the modules with these parameters ("" for none), or unload both. */
int modules_load(const char *core_parameters);
int modules_unload(void);

/* The same, once those that closed a file of theirs have given it back: at most 20 s. */
int modules_unload_soon(void);
bool modules_loaded(void);

/**
 * struct machine - what was loaded before a test
 * @loaded: the modules were
 * @parameters: of the core
 * @buffers: live buffers
 * @notification_fds: open ones
 */
struct machine {
	bool loaded;
	char parameters[256];
	int buffers;
	int notification_fds;
};

/*
 * machine_begin() loads the modules with @core_parameters and remembers what was there;
 * machine_end() puts it back: -EBUSY when the test left buffers or notification fds behind.
 */
int machine_begin(struct machine *machine, const char *core_parameters);
int machine_end(const struct machine *machine);

/* Write a line to a hook ("send", "portcls", "late"): 0 or what the hook said. */
int inject(int card, const char *hook, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The hook "portcls": one open file keeps its slots. */
int portcls_open(int card);
int portcls_do(int fd, char *answer, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A counter from INFO, and a number from debugfs' list of living objects. */
int info_get(int card, struct snd_audio_module_info *info);
uint64_t counter_get(int card, enum snd_audio_module_counter counter);
int objects_get(const char *name);

/*
 * An fd, or -errno. @subscribe keeps the answer; NULL: everything, from the newest. on_hwdep() does
 * the same with a hwdep device that is open.
 */
int subscribe_on_hwdep(int hwdep, struct snd_audio_module_subscribe *subscribe);
int subscribe(int card, struct snd_audio_module_subscribe *subscribe);
int subscribe_newest(int card);

/* A module of an endpoint, from LIST: 0 or -errno. */
int module_find(int card, const uint8_t *device_id, const uint8_t *class_id, uint32_t instance_id,
		struct snd_audio_module_module_info *info);

/**
 * struct tally - what a reader was given
 * @start: the sequence before the first
 * @last: the last sequence consumed
 * @matched: notifications
 * @lost: sum of the LOST ranges
 * @lost_records: how many LOST records
 * @changed: CHANGED records
 * @removed: REMOVED records
 * @bad: records that broke a rule of the ABI (order, sizes, padding, LOST ranges that overlap)
 * @corrupt: notifications of the hooks whose bytes are not as they were sent
 * @first_bad: what was wrong first
 * @filtered: the reader has a filter: sequences may be missing
 * @expect_initial: records up to @start are INITIAL's, and no error
 * @initial: how many those are
 * @last_timestamp: of the last notification
 * @each: called for each record, may be NULL
 * @context: for @each
 *
 * To begin, set @start and @last to start_sequence, and what is an input; the rest is zero.
 */
struct tally {
	uint64_t start;
	uint64_t last;
	uint64_t matched;
	uint64_t lost;
	uint64_t lost_records;
	uint64_t changed;
	uint64_t removed;
	uint64_t bad;
	uint64_t corrupt;
	char first_bad[160];
	bool filtered;
	bool expect_initial;
	uint64_t initial;
	uint64_t last_timestamp;
	void (*each)(void *context, const struct snd_audio_module_record *record,
		     const uint8_t *data);
	void *context;
};

/* A tally for a reader that starts behind @start. */
struct tally tally_new(uint64_t start);

/* Check and count whole records. */
void tally_records(struct tally *tally, const void *records, size_t size);

/*
 * Read until nothing came for @idle_ms, or the end: 0, or 1 at the end (REMOVED was read), or
 * -errno. Sets O_NONBLOCK.
 */
int tally_drain(struct tally *tally, int fd, int idle_ms);

/*
 * Get or set parameter 0 of the Speaker's module 0 by its command, in SYSVAD's protocol: @verb is
 * SND_AUDIO_MODULE_VERB_GET or _SET. 0 or -errno.
 */
int parameter_command(int hwdep, uint32_t verb, uint32_t *value);

/* A number from /proc/self/fdinfo/FD, as "matched" or "lost"; -1 when it is not there. */
int64_t fdinfo_get(int fd, const char *key);

/*
 * Is the vendor data of a record as the hooks fill it? And the number in it; what stands at an
 * offset behind that.
 */
bool vendor_intact(const uint8_t *data, size_t size);
uint64_t vendor_number(const uint8_t *data, size_t size);
uint8_t vendor_byte(uint64_t number, size_t offset);

/* Write @text to a file: 0 or -errno. Read a file into @text, a string: 0 or -errno. */
int file_write(const char *path, const char *text);
int file_read(const char *path, char *text, size_t size);

uint64_t milliseconds(void);

/*
 * How many times slower than usual programs are here, by AUDIO_MODULE_SLOW: a test waits so many
 * times longer for what must come, and is ended so many times later, by its alarm().
 */
unsigned int slowness(void);

/*
 * Milliseconds that a command of the virtual card's late module is to run when something happens
 * meanwhile: 5 s, and longer where programs are slow, up to the 20 s that it sleeps at most.
 */
unsigned int running_ms(void);

/* The letter of a thread's state, as in /proc: 'D' in a driver's handler that sleeps; 0: none. */
char thread_state(pid_t process, pid_t thread);

/**
 * struct worker - a thread that does one thing until it is told to stop
 * @work: what it does until @stop is set; it is given the struct worker
 * @thread: it
 * @card: whose hooks it uses
 * @hwdep: where it sends commands
 * @stop: told from outside
 * @done: how often it did it; looked at from outside while it runs
 * @wrong: results that cannot be
 */
struct worker {
	void *(*work)(void *data);
	pthread_t thread;
	int card;
	int hwdep;
	volatile bool stop;
	volatile unsigned int done;
	unsigned int wrong;
};

/*
 * Let them run against each other for 3 seconds, and longer on a slow machine, until each has done
 * something (at most 40 s); then stop them, the last one first. 0, or -errno of a thread that did
 * not start.
 */
int workers_run(struct worker *workers, size_t count);

/* Is this a PREEMPT_RT kernel? */
bool preempt_rt(void);

#endif /* AUDIO_MODULE_TEST_H */
