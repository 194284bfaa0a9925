// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: producers in each context on each CPU, readers of each kind, and what takes the card from
 * under them: for each reader, what it was told is compared with what was sent.
 *
 *	torture NOTIFICATIONS SEED
 *
 * In rounds, each on a card of its own. A round ends with the driver unbound when all was sent,
 * unbound in the middle, or its module unloaded; the readers are where they are then, asleep,
 * behind, or with the journal mapped. Afterwards this process knows each sequence from whoever
 * saw it, and the rules are:
 *
 *	reader	each sequence behind its start, up to the newest, was received once or told lost
 *		once, by its filter; what the journal still had was not told lost; REMOVED came, and
 *		then the end
 *	bytes	what it received is what the producer sent, and the same for all readers
 *	order	what one producer sent has the order in which it was sent
 *	sum	what was sent is what the journal counted; what nobody saw was lost to everybody
 *	noise	what the card is asked meanwhile it answers
 *	end	nobody hangs; where the card stays until all have read, each was woken for the last
 *
 * What is broken is printed as "RULE: TEXT", what was measured as "figures: TEXT".
 */

#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torture.h"

#define DRIVER		"/sys/bus/platform/drivers/snd-audio-module-virtual"
#define DEVICE		"snd-audio-module-virtual"
#define MOST		400000		/* sequences of a round */
#define LEAST		20000
#define PATIENCE_MS	(120000 * slowness())	/* without any progress */

enum ending { UNBOUND, UNBOUND_IN_THE_MIDDLE, UNLOADED, ENDINGS };

static const char *const ending_names[ENDINGS] = {
	"unbound", "unbound in the middle", "unloaded"
};

/* From one that holds two of the longest records up to the usual one */
static const char *const journals[] = {
	"journal_size=131072", "journal_size=262144", "journal_size=1048576",
};

/**
 * struct sum - of all rounds
 * @sent: notifications with a sequence
 * @unseen: of those, seen by no reader
 * @noise: calls of the makers of noise
 * @rounds: by ending
 * @readers: of each kind
 */
struct sum {
	uint64_t sent;
	uint64_t unseen;
	uint64_t noise;
	unsigned int rounds[ENDINGS];
	struct reader readers[READERS];
};

static struct torture *torture;
static bool broken;

__attribute__((format(printf, 2, 3)))
static void problem(const char *rule, const char *format, ...)
{
	va_list arguments;

	broken = true;
	printf("%s: ", rule);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

static unsigned int producer_count(void)
{
	return torture->cpus * PRODUCERS_PER_CPU;
}

/* ------------------------------------------------------------------ the machine */

/* The readers keep the core, and nothing else. */
static int unload_driver(void)
{
	uint64_t end = milliseconds() + PATIENCE_MS;
	int err;

	while ((err = modules_unload()) == -EAGAIN && modules_loaded() && milliseconds() < end)
		usleep(1000);
	return err == -EAGAIN && !modules_loaded() ? 0 : err;
}

static bool card_begin(uint64_t *seed)
{
	const char *journal = journals[chance_below(seed, sizeof(journals) / sizeof(*journals))];
	struct snd_audio_module_info info;
	int err = 0;

	if (!modules_loaded())
		err = modules_unload_soon() ?: modules_load(journal);
	else if (card_find() < 0)
		err = file_write(DRIVER "/bind", DEVICE);
	torture->card = card_find();
	err = err ? err : info_get(torture->card, &info);
	torture->journal_id = info.journal_id;
	if (err)
		problem("end", "there is no card: %s", strerror(-err));
	return !err;
}

static bool card_end(enum ending ending)
{
	int err = ending == UNLOADED ? unload_driver() : file_write(DRIVER "/unbind", DEVICE);

	if (err)
		problem("end", "the card cannot be %s: %s", ending_names[ending], strerror(-err));
	return !err;
}

/* ------------------------------------------------------------------ processes */

static pid_t start(void (*run)(struct torture *torture, unsigned int number), unsigned int number)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		run(torture, number);
	if (pid < 0)
		problem("end", "a process cannot be started: %s", strerror(errno));
	return pid;
}

/* What moves as long as nobody hangs */
static uint64_t progress(void)
{
	uint64_t sum = torture->noise;
	unsigned int i;

	for (i = 0; i < producer_count(); i++)
		sum += torture->producers[i].asked;
	for (i = 0; i < READERS; i++)
		sum += torture->readers[i].last + torture->readers[i].ready +
		       torture->readers[i].turns;
	return sum;
}

/* Until it holds; false, with what was waited for, when nothing moves any more. */
static bool await(bool (*holds)(void), const char *what)
{
	uint64_t end = milliseconds() + PATIENCE_MS, before = progress();

	while (!holds()) {
		usleep(2000);
		if (progress() != before) {
			before = progress();
			end = milliseconds() + PATIENCE_MS;
		}
		if (milliseconds() > end) {
			problem("end", "%s: nothing moves any more", what);
			return false;
		}
	}
	return true;
}

static bool all_ready(void)
{
	unsigned int i;

	for (i = 0; i < READERS; i++)
		if (!torture->readers[i].ready && !*torture->readers[i].trouble)
			return false;
	return true;
}

static bool wants_all(const struct reader_kind *kind)
{
	return kind->endpoint < 0 && kind->class < 0;
}

/* How far the journal is, which no producer writes any more. */
static uint64_t newest_of_all;

static bool all_told(void)
{
	unsigned int i;

	for (i = 0; i < READERS; i++)
		if (wants_all(&reader_kinds[i]) && torture->readers[i].last < newest_of_all &&
		    !*torture->readers[i].trouble)
			return false;
	return true;
}

static bool half_sent(void)
{
	unsigned int i;
	uint64_t asked = 0;

	for (i = 0; i < producer_count(); i++)
		asked += torture->producers[i].asked;
	return asked > torture->most / 2;
}

/* Collect who has ended; how many are left of those with these ids. */
static unsigned int collect(pid_t *pids, unsigned int count)
{
	unsigned int i, left = 0;
	int status;

	for (i = 0; i < count; i++) {
		if (pids[i] > 0 && waitpid(pids[i], &status, WNOHANG) == pids[i]) {
			if (status)
				problem("end", "a process ended with 0x%x", status);
			pids[i] = 0;
		}
		left += pids[i] > 0;
	}
	return left;
}

static pid_t reader_pids[READERS], producer_pids[MOST_PRODUCERS], noise_pids[NOISES];

static bool producers_ended(void)
{
	return !collect(producer_pids, producer_count());
}

static bool noise_ended(void)
{
	return !collect(noise_pids, NOISES);
}

static bool readers_ended(void)
{
	return !collect(reader_pids, READERS);
}

static void kill_all(pid_t *pids, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (pids[i] <= 0)
			continue;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		pids[i] = 0;
	}
}

static void kill_everybody(void)
{
	kill_all(producer_pids, MOST_PRODUCERS);
	kill_all(noise_pids, NOISES);
	kill_all(reader_pids, READERS);
}

/* ------------------------------------------------------------------ what must have been told */

static bool matches(const struct reader_kind *kind, uint64_t number)
{
	/* Of what has no number only readers of everything know that they must be told. */
	if (number & NUMBER_FOREIGN)
		return false;
	return (kind->endpoint < 0 || number_endpoint(number) == kind->endpoint) &&
	       (kind->class < 0 || class_of(number_endpoint(number), number_module(number)) == kind->class);
}

/* One sequence of a reader: what is wrong, or NULL. @kept: the journal still had it at the end. */
static const char *misfit(const struct reader_kind *kind, uint64_t number, uint8_t what, bool kept)
{
	bool all = wants_all(kind);

	if (what == LOST && kept && number)
		return "it was told lost, and the journal has it";
	if (what == UNTOLD && (all || (number && matches(kind, number))))
		return "it was neither received nor told lost";
	if (what == RECEIVED && !all && !(number & NUMBER_FOREIGN) && !matches(kind, number))
		return "the filter does not want it";
	return NULL;
}

/* What it counted is what it wrote down; who was killed may have done one and not the other. */
static void check_counts(unsigned int i, uint64_t newest)
{
	const struct reader *reader = &torture->readers[i];
	uint64_t sequence, received = 0, lost = 0;

	for (sequence = reader->start + 1; sequence <= newest; sequence++) {
		received += reader->what[sequence] == RECEIVED;
		lost += reader->what[sequence] == LOST;
	}
	if (!strstr(reader_kinds[i].name, "killed") &&
	    (received != reader->received || lost != reader->lost))
		problem("reader", "%s: %" PRIu64 " received and %" PRIu64 " lost are %" PRIu64
			" and %" PRIu64 " by sequence", reader_kinds[i].name, reader->received,
			reader->lost, received, lost);
}

/* @oldest: that the journal still had when nobody wrote any more */
static void check_reader(unsigned int i, uint64_t newest, uint64_t oldest)
{
	const struct reader_kind *kind = &reader_kinds[i];
	const struct reader *reader = &torture->readers[i];
	bool all = wants_all(kind);
	const char *wrong = NULL;
	uint64_t sequence;

	if (*reader->trouble)
		problem("bytes", "%s: %s", kind->name, reader->trouble);
	for (sequence = reader->start + 1; sequence <= newest && !wrong; sequence++)
		wrong = misfit(kind, torture->sent[sequence], reader->what[sequence],
			       sequence >= oldest);
	if (wrong)
		problem("reader", "%s: %" PRIu64 " of %" PRIu64 ": %s (%" PRIx64 ")", kind->name,
			sequence - 1, newest, wrong, torture->sent[sequence - 1]);
	if (all && reader->last != newest)
		problem("reader", "%s: the last it was told of is %" PRIu64 ", not %" PRIu64,
			kind->name, reader->last, newest);
	check_counts(i, newest);
	/* Who was killed may have taken it with him. */
	if (reader->removed > 1 || (!reader->removed && !strstr(kind->name, "killed")))
		problem("reader", "%s: REMOVED came %" PRIu64 " times", kind->name,
			reader->removed);
}

static void check_order(uint64_t newest, uint64_t *unseen)
{
	uint64_t index[MOST_PRODUCERS + 1] = { 0 };
	uint64_t sequence;

	for (sequence = 1; sequence <= newest; sequence++) {
		uint64_t number = torture->sent[sequence];
		unsigned int producer = number_producer(number);

		*unseen += !number;
		if (!producer)
			continue;
		if (producer > producer_count() || number_index(number) <= index[producer] ||
		    number_index(number) > torture->producers[producer - 1].asked)
			problem("order", "%" PRIu64 " is the %" PRIu64
				"th of producer %u, behind its %" PRIu64 "th", sequence,
				number_index(number), producer,
				producer > MOST_PRODUCERS ? 0 : index[producer]);
		if (producer <= MOST_PRODUCERS)
			index[producer] = number_index(number);
	}
}

/* All counters but the first, as far as they are not zero */
static const char *refusals(const uint64_t *counter)
{
	static char text[512];
	size_t filled = 0;
	unsigned int i;

	for (i = SND_AUDIO_MODULE_COUNTER_BUSY; i < SND_AUDIO_MODULE_COUNTERS; i++)
		if (counter[i] && filled < sizeof(text))
			filled += snprintf(text + filled, sizeof(text) - filled, "%scounter %u: %" PRIu64,
					   filled ? ", " : "", i, counter[i]);
	return filled ? text : "not counted";
}

/* What was counted, from before the card went. */
static void check_sum(const struct snd_audio_module_info *info)
{
	const uint64_t *counter = (const void *)info->counters;
	uint64_t asked = torture->others;
	unsigned int i;

	for (i = 0; i < producer_count(); i++) {
		asked += torture->producers[i].asked;
		if (torture->producers[i].unsure)
			problem("sum", "producer %u was told of an error", i);
	}
	if (counter[SND_AUDIO_MODULE_COUNTER_ACCEPTED] != info->newest_sequence)
		problem("sum", "accepted are %" PRIu64 ", and the newest is %" PRIu64,
			counter[SND_AUDIO_MODULE_COUNTER_ACCEPTED],
			(uint64_t)info->newest_sequence);
	if (info->newest_sequence + counter[SND_AUDIO_MODULE_COUNTER_ALLOC_MEMORY] != asked)
		problem("sum", "%" PRIu64 " were asked for, %" PRIu64 " have a sequence; the others: %s",
			asked, (uint64_t)info->newest_sequence, refusals(counter));
}

/* A reader of everything that was told the end was told of the newest one. */
static uint64_t newest_told(void)
{
	uint64_t newest = 0;
	unsigned int i;

	for (i = 0; i < READERS; i++)
		if (torture->readers[i].last > newest)
			newest = torture->readers[i].last;
	return newest;
}

static void check(enum ending ending, const struct snd_audio_module_info *info, struct sum *sum)
{
	uint64_t newest = newest_told(), oldest = UINT64_MAX, unseen = 0;
	unsigned int i;

	if (ending != UNBOUND_IN_THE_MIDDLE) {
		check_sum(info);
		oldest = info->oldest_sequence;
	}
	/* In the middle more may come. */
	if (newest < info->newest_sequence ||
	    (ending != UNBOUND_IN_THE_MIDDLE && newest > info->newest_sequence))
		problem("sum", "the newest was %" PRIu64 ", readers know of %" PRIu64,
			(uint64_t)info->newest_sequence, newest);
	check_order(newest, &unseen);
	for (i = 0; i < READERS; i++)
		check_reader(i, newest, oldest);
	if (*torture->noise_trouble)
		problem("noise", "%s", torture->noise_trouble);
	sum->sent += newest;
	sum->unseen += unseen;
}

/* ------------------------------------------------------------------ rounds */

static void sum_up(struct sum *sum, enum ending ending)
{
	unsigned int i;

	sum->rounds[ending]++;
	sum->noise += torture->noise;
	for (i = 0; i < READERS; i++) {
		sum->readers[i].received += torture->readers[i].received;
		sum->readers[i].lost += torture->readers[i].lost;
		sum->readers[i].ranges += torture->readers[i].ranges;
		sum->readers[i].changed += torture->readers[i].changed;
		sum->readers[i].turns += torture->readers[i].turns;
	}
}

/* Fresh memory that all processes see */
static bool share(uint64_t most, uint64_t seed)
{
	size_t size = sizeof(*torture) + (most + 1) * (sizeof(*torture->sent) + READERS);
	uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			      -1, 0);
	unsigned int i;

	if (bytes == MAP_FAILED) {
		problem("end", "no memory: %s", strerror(errno));
		return false;
	}
	torture = (void *)bytes;
	torture->most = most;
	torture->seed = seed;
	torture->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (torture->cpus > MOST_PRODUCERS / PRODUCERS_PER_CPU)
		torture->cpus = MOST_PRODUCERS / PRODUCERS_PER_CPU;
	torture->sent = (void *)(torture + 1);
	bytes = (void *)(torture->sent + most + 1);
	for (i = 0; i < READERS; i++)
		torture->readers[i].what = bytes + i * (most + 1);
	return true;
}

static void unshare_all(void)
{
	munmap(torture, sizeof(*torture) +
	       (torture->most + 1) * (sizeof(*torture->sent) + READERS));
}

/* Everybody starts, and sends or is told until the card is gone. */
static bool play(enum ending ending, struct snd_audio_module_info *info)
{
	unsigned int i;

	for (i = 0; i < READERS; i++)
		reader_pids[i] = start(reader_run, i);
	if (!await(all_ready, "readers that subscribe"))
		return false;
	for (i = 0; i < NOISES; i++)
		noise_pids[i] = start(noise_run, i);
	for (i = 0; i < producer_count(); i++)
		producer_pids[i] = start(producer_run, i);
	if (!await(ending == UNBOUND_IN_THE_MIDDLE ? half_sent : producers_ended, "producers"))
		return false;
	if (ending != UNBOUND_IN_THE_MIDDLE) {
		torture->stop = torture->quiet = true;
		if (!await(noise_ended, "noise"))
			return false;
	}
	if (info_get(torture->card, info))
		problem("sum", "there is no INFO");
	newest_of_all = info->newest_sequence;
	/* Else the end wakes who was not woken before. */
	if (ending == UNBOUND && !await(all_told, "readers"))
		return false;
	torture->going = true;
	if (!card_end(ending))
		return false;
	torture->stop = torture->quiet = true;
	return await(producers_ended, "producers, at the end") &&
	       await(noise_ended, "noise, at the end") && await(readers_ended, "readers");
}

static bool play_round(uint64_t most, enum ending ending, uint64_t *seed, struct sum *sum)
{
	struct snd_audio_module_info info = { 0 };
	uint64_t begin = milliseconds(), before = sum->sent;

	if (!share(most, chance(seed)))
		return false;
	if (!card_begin(seed) || !play(ending, &info)) {
		kill_everybody();
		return false;
	}
	check(ending, &info, sum);
	sum_up(sum, ending);
	printf("figures: %" PRIu64 " sent, %s, %" PRIu64 " ms\n", sum->sent - before,
	       ending_names[ending], milliseconds() - begin);
	unshare_all();
	return true;
}

static void say(const struct sum *sum)
{
	unsigned int i;

	printf("figures: %" PRIu64 " notifications, %" PRIu64 " of them seen by nobody, in %u rounds\n",
	       sum->sent, sum->unseen, sum->rounds[0] + sum->rounds[1] + sum->rounds[2]);
	for (i = 0; i < ENDINGS; i++)
		printf("figures: %u rounds %s\n", sum->rounds[i], ending_names[i]);
	printf("figures: %" PRIu64 " calls beside it\n", sum->noise);
	for (i = 0; i < READERS; i++)
		printf("figures: %s: %" PRIu64 " received, %" PRIu64 " lost in %" PRIu64
		       " ranges, %" PRIu64 " CHANGED, %" PRIu64 " turns\n", reader_kinds[i].name,
		       sum->readers[i].received, sum->readers[i].lost, sum->readers[i].ranges,
		       sum->readers[i].changed, sum->readers[i].turns);
	for (i = 0; i < READERS; i++)
		if (!strcmp(reader_kinds[i].name, "resumed") && !sum->readers[i].turns)
			problem("reader", "nobody has resumed");
	puts("figures: the end");
}

int main(int argc, char **argv)
{
	uint64_t wanted = argc == 3 ? strtoull(argv[1], NULL, 0) : 0;
	uint64_t seed = argc == 3 ? strtoull(argv[2], NULL, 0) : 0;
	uint64_t most = wanted / ENDINGS + LEAST / ENDINGS;
	static struct sum sum;
	unsigned int i;

	if (!wanted) {
		fprintf(stderr, "Usage: torture NOTIFICATIONS SEED\n");
		return 2;
	}
	setlinebuf(stdout);
	if (most > MOST)
		most = MOST;
	if (most < LEAST)
		most = LEAST;
	for (i = 0; sum.sent < wanted || i < ENDINGS; i++)
		if (!play_round(most, i % ENDINGS, &seed, &sum))
			return 1;
	say(&sum);
	return broken;
}
