// SPDX-License-Identifier: GPL-2.0
/*
 * The journal's own code, module/write.c and module/journal.c, in a program (see kernel.h), with the
 * library's reader, userspace/lib/map.c. The file is built twice: as it is, to see on real CPUs what
 * several writers cost each other, and for ThreadSanitizer, to see accesses that nothing orders.
 *
 *	ring rate		a line for each figure: NAME MEDIAN LEAST MOST
 *	ring torture [SECONDS]	writers of all sizes, readers that keep up and that are overwritten;
 *				TAP; each reader must account for each record
 */

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../module/audio_module_local.h"
#include "map.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define RUNS			21
#define SENT			400000	/* by each writer in a run */
#define WRITERS_MOST		4
#define READERS			4	/* of each two one that naps */
#define JOURNAL_SIZE		(1 << 20)
#define JOURNAL_SIZE_SMALL	(128 << 10)

static struct snd_audio_module_card card;

/* ------------------------------------------------------------------ what is not under test */

void snd_audio_module_element_keep(struct snd_audio_module_element *element,
				   const struct snd_audio_module_record *record)
{
	memcpy(element->value, record, sizeof(*record));
}

void snd_audio_module_doorbell_press(struct snd_audio_module_card *card,
				     struct snd_audio_module_element *element)
{
}

void snd_audio_module_port_count(struct snd_audio_module_port *port,
				 enum snd_audio_module_counter counter)
{
	atomic64_inc(&port->counters[counter]);
}

void snd_audio_module_object_born(enum snd_audio_module_object object)
{
}

void snd_audio_module_object_died(enum snd_audio_module_object object)
{
}

/* The reader's ADVANCE: nobody sleeps, so there is always more to look at or not. */
int ioctl(int fd, unsigned long request, ...)
{
	return 0;
}

/* ------------------------------------------------------------------ writers */

/**
 * struct writer - a thread that writes
 * @thread: it
 * @number: of the writer: its CPU, the module's index, and in each value
 * @count: how many records
 * @sizes: of all sizes, or 64 bytes
 * @fill: each value is another one
 * @start: they all start together
 * @port: counts
 * @element: shows the newest one
 * @origin: of its records
 */
struct writer {
	pthread_t thread;
	unsigned int number;
	u64 count;
	bool sizes;
	bool fill;
	pthread_barrier_t *start;
	struct snd_audio_module_port port;
	struct snd_audio_module_element element;
	struct snd_audio_module_origin origin;
};

static void writer_init(struct writer *writer, unsigned int number, u64 count, bool sizes,
			pthread_barrier_t *start)
{
	memset(writer, 0, sizeof(*writer));
	writer->number = number;
	writer->count = count;
	writer->sizes = sizes;
	writer->start = start;
	writer->port.element = &writer->element;
	/* The doorbell has been pressed and was not answered yet: that is how it is in a flood. */
	writer->element.changed = 1 << SND_AUDIO_MODULE_ELEMENT_CHANGED;
	INIT_LIST_HEAD(&writer->element.shown);
	writer->origin.port = &writer->port;
	writer->origin.element = &writer->element;
	writer->origin.type = SND_AUDIO_MODULE_RECORD_NOTIFICATION;
	writer->origin.identity_size = sizeof(struct snd_audio_module_notification);
	writer->origin.stamp.module = number;
}

static void pin(unsigned int number)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(number % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
}

/* Sizes are multiples of 8: every word of a value is its writer and number. */
static u32 value_size(const struct writer *writer, u64 number)
{
	if (!writer->sizes)
		return 64;
	return number % 1000 == 999 ? SND_AUDIO_MODULE_MAX_VENDOR_SIZE : 8 + number * 40 % 4000;
}

static void *write_records(void *data)
{
	static _Thread_local u64 value[SND_AUDIO_MODULE_MAX_VENDOR_SIZE / sizeof(u64)];
	struct writer *writer = data;
	u64 number, word;
	u32 size, i;

	pin(writer->number);
	pthread_barrier_wait(writer->start);
	for (number = 0; number < writer->count; number++) {
		size = value_size(writer, number);
		word = (u64)writer->number << 56 | number;
		for (i = 0; writer->fill && i < size / sizeof(word); i++)
			value[i] = word;
		snd_audio_module_write(&card, &writer->origin, value, size);
	}
	return NULL;
}

/* ------------------------------------------------------------------ rate */

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void print_median(const char *name, double *values)
{
	qsort(values, RUNS, sizeof(*values), compare);
	printf("%s %.2f %.2f %.2f\n", name, values[RUNS / 2], values[0], values[RUNS - 1]);
}

/* Records a second of so many writers together. */
static double rate(unsigned int count)
{
	static struct writer writers[WRITERS_MOST];
	pthread_barrier_t start;
	unsigned int i;
	u64 begin;

	card.journal = snd_audio_module_journal_new(JOURNAL_SIZE);
	pthread_barrier_init(&start, NULL, count + 1);
	for (i = 0; i < count; i++) {
		writer_init(&writers[i], i, SENT, false, &start);
		if (pthread_create(&writers[i].thread, NULL, write_records, &writers[i]))
			abort();
	}
	pthread_barrier_wait(&start);
	begin = ktime_get_ns();
	for (i = 0; i < count; i++)
		pthread_join(writers[i].thread, NULL);
	begin = ktime_get_ns() - begin;
	pthread_barrier_destroy(&start);
	snd_audio_module_journal_put(card.journal);
	return (double)count * SENT * 1e9 / begin;
}

static int measure_rates(void)
{
	double one[RUNS], two[RUNS], four[RUNS];
	int i;

	rate(2);
	for (i = 0; i < RUNS; i++) {
		one[i] = rate(1);
		two[i] = rate(2) / one[i];
		four[i] = rate(4) / one[i];
	}
	print_median("ring_one_writer_per_second", one);
	print_median("ring_two_writers_of_one", two);
	print_median("ring_four_writers_of_one", four);
	return 0;
}

/* ------------------------------------------------------------------ torture */

/**
 * struct reader - a thread that reads all that is written
 * @thread: it
 * @naps: it sleeps now and then, and is overwritten meanwhile
 * @map: where the library's reader is
 * @position: where the kernel's own is
 * @done: all is written
 * @matched: records
 * @last: sequence of the last one, or that it was told of
 * @timestamp: of the last one
 * @wrong: the first thing that was wrong
 */
struct reader {
	pthread_t thread;
	bool naps;
	struct map map;
	u64 position;
	const bool *done;
	u64 matched;
	u64 last;
	u64 timestamp;
	char wrong[128];
};

__attribute__((format(printf, 2, 3)))
static void wrong(struct reader *reader, const char *what, ...)
{
	va_list arguments;

	if (reader->wrong[0])
		return;
	va_start(arguments, what);
	vsnprintf(reader->wrong, sizeof(reader->wrong), what, arguments);
	va_end(arguments);
}

static void check_value(struct reader *reader, const struct snd_audio_module_record *record)
{
	const u64 *word = (const void *)((const u8 *)(record + 1) + 40);
	const u64 *end = (const void *)((const u8 *)(record + 1) + record->data_size);
	u64 first = word < end ? *word : 0;

	if (first >> 56 != record->module)
		wrong(reader, "sequence %" PRIu64 ": expected writer %u, got %" PRIu64,
		      (u64)record->sequence, record->module, first >> 56);
	for (; word < end; word++)
		if (*word != first)
			wrong(reader, "sequence %" PRIu64 " is torn", (u64)record->sequence);
}

static void take(struct reader *reader, const struct snd_audio_module_record *record)
{
	const struct snd_audio_module_lost *lost = (const void *)(record + 1);

	if (record->type == SND_AUDIO_MODULE_RECORD_LOST) {
		if (lost->first != reader->last + 1)
			wrong(reader, "expected the loss of %" PRIu64 ", got %" PRIu64,
			      reader->last + 1, (u64)lost->first);
		reader->last = lost->last;
		return;
	}
	if (record->sequence != reader->last + 1)
		wrong(reader, "expected sequence %" PRIu64 ", got %" PRIu64, reader->last + 1,
		      (u64)record->sequence);
	if (record->timestamp < reader->timestamp)
		wrong(reader, "sequence %" PRIu64 " is older than the one before",
		      (u64)record->sequence);
	reader->timestamp = record->timestamp;
	reader->last = record->sequence;
	reader->matched++;
	check_value(reader, record);
}

/* As a program with a mapping. */
static void *read_mapped(void *data)
{
	static _Thread_local u64 buffer[(256 << 10) / sizeof(u64)];
	const struct snd_audio_module_record *record;
	struct reader *reader = data;
	ssize_t size, at;
	bool done;

	do {
		done = __atomic_load_n(reader->done, __ATOMIC_ACQUIRE);
		size = map_read(&reader->map, -1, (u8 *)buffer, sizeof(buffer));
		if (size < 0)
			wrong(reader, "map_read: %s", strerror(-size));
		for (at = 0; at < size; at += record->size) {
			record = (const void *)((const u8 *)buffer + at);
			take(reader, record);
		}
		if (reader->naps && !done)
			usleep(2000);
	} while (size > 0 || (size == 0 && !done));
	return NULL;
}

/* The next record as read() of a notification fd finds it: its size, or 0. */
static u32 peek(struct reader *reader, u8 *to)
{
	struct snd_audio_module_journal *journal = card.journal;
	struct snd_audio_module_record *header = (void *)to;
	struct snd_audio_module_state state;
	int err;

	for (;;) {
		err = snd_audio_module_journal_peek(journal, reader->position, header);
		if (!err && header->type == SND_AUDIO_MODULE_RECORD_PAD) {
			reader->position += header->size;
			continue;
		}
		if (!err)
			err = snd_audio_module_journal_copy(journal, reader->position,
							    sizeof(*header), header + 1,
							    header->size - sizeof(*header));
		if (err != -ESTALE)
			return err ? 0 : header->size;
		snd_audio_module_journal_look(journal, &state);
		reader->position = state.tail;
	}
}

/* As the kernel for a program that reads: what is missing is lost. */
static void *read_peeking(void *data)
{
	static _Thread_local u64 buffer[SND_AUDIO_MODULE_MAX_RECORD_SIZE / sizeof(u64)];
	const struct snd_audio_module_record *record = (const void *)buffer;
	struct snd_audio_module_state state;
	struct reader *reader = data;
	bool done;
	u32 size;

	do {
		done = __atomic_load_n(reader->done, __ATOMIC_ACQUIRE);
		size = peek(reader, (u8 *)buffer);
		if (!size)
			continue;
		reader->position += size;
		reader->last = max(reader->last, record->sequence - 1);
		take(reader, record);
		if (reader->naps && record->sequence % 1000 == 0)
			usleep(2000);
	} while (size || !done);
	snd_audio_module_journal_look(card.journal, &state);
	reader->last = max(reader->last, state.newest);
	return NULL;
}

static void start_reader(struct reader *reader, unsigned int number, const bool *done)
{
	struct snd_audio_module_map *map = card.journal->map;

	*reader = (struct reader) {
		.naps = number % 2,
		.done = done,
		.map = { .header = map, .length = map->data_offset + map->data_size,
			 .data = (const u8 *)map + map->data_offset, .size = map->data_size,
			 .next = 1 },
	};
	if (pthread_create(&reader->thread, NULL, number < 2 ? read_mapped : read_peeking,
			   reader))
		abort();
}

/* Writers whose records have one size or all: readers get or are told of each. */
static bool torture_once(unsigned int count, bool sizes, u64 each)
{
	static struct writer writers[WRITERS_MOST];
	static struct reader readers[READERS];
	pthread_barrier_t start;
	bool done = false, good = true;
	unsigned int i;

	card.journal = snd_audio_module_journal_new(sizes ? JOURNAL_SIZE_SMALL : JOURNAL_SIZE);
	pthread_barrier_init(&start, NULL, count);
	for (i = 0; i < READERS; i++)
		start_reader(&readers[i], i, &done);
	for (i = 0; i < count; i++) {
		writer_init(&writers[i], i, each, sizes, &start);
		writers[i].fill = true;
		if (pthread_create(&writers[i].thread, NULL, write_records, &writers[i]))
			abort();
	}
	for (i = 0; i < count; i++)
		pthread_join(writers[i].thread, NULL);
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	for (i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		if (readers[i].last != count * each)
			wrong(&readers[i], "expected %" PRIu64 " in all, got %" PRIu64,
			      count * each, readers[i].last);
		printf("# reader %u: %" PRIu64 " read, %" PRIu64 " told as lost%s%s\n", i,
		       readers[i].matched, readers[i].last - readers[i].matched,
		       readers[i].wrong[0] ? ": " : "", readers[i].wrong);
		good = good && !readers[i].wrong[0];
	}
	pthread_barrier_destroy(&start);
	snd_audio_module_journal_put(card.journal);
	return good;
}

static int torture(int seconds)
{
	static const struct {
		const char *name;
		unsigned int writers;
		bool sizes;
		u64 each;
	} cases[] = {
		{ "one writer, 64 bytes", 1, false, 50000 },
		{ "two writers, 64 bytes", 2, false, 50000 },
		{ "four writers, 64 bytes", 4, false, 25000 },
		{ "two writers, all sizes", 2, true, 10000 },
		{ "four writers, all sizes", 4, true, 5000 },
	};
	time_t end = time(NULL) + seconds;
	unsigned int failed = 0, i, number = 0;

	printf("TAP version 13\n");
	do {
		for (i = 0; i < ARRAY_SIZE(cases); i++) {
			bool good = torture_once(cases[i].writers, cases[i].sizes, cases[i].each);

			failed += !good;
			printf("%sok %u - %s\n", good ? "" : "not ", ++number, cases[i].name);
		}
	} while (time(NULL) < end);
	printf("1..%u\n", number);
	return failed > 0;
}

int main(int argc, char **argv)
{
	setlinebuf(stdout);
	if (argc == 2 && !strcmp(argv[1], "rate"))
		return measure_rates();
	if ((argc == 2 || argc == 3) && !strcmp(argv[1], "torture"))
		return torture(argc == 3 ? atoi(argv[2]) : 0);
	fputs("Usage: ring rate | ring torture [SECONDS]\n", stderr);
	return 2;
}
