// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: who sends in a torture, in each context on each CPU, and what else happens to the card
 * meanwhile: it is asked, told commands, its modules and streams come and go.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <sound/asound.h>

#include "torture.h"

#define BATCH		2000
#define BATCH_BYTES	(512 * 1024)	/* what one line of the hook sends at most */

static const char *const contexts[PRODUCERS_PER_CPU] = {
	"process", "softirq", "spinlock", "hardirq"
};

/* Its last ones seldom: so that many fit into a journal, and sometimes few. */
const uint32_t torture_sizes[SIZES] = { 48, 56, 64, 104, 200, 1000, 4040, 64040 };

/* ------------------------------------------------------------------ numbers, chance */

uint64_t number_make(unsigned int producer, unsigned int endpoint, unsigned int module,
		     unsigned int size, uint64_t index)
{
	unsigned int where = ((producer + 1) << 8) | (endpoint << 6) | (module << 4) | size;

	return ((uint64_t)where << NUMBER_INDEX_BITS) | index;
}

/* The Speaker's modules 1 and 2 have one class. */
unsigned int class_of(unsigned int endpoint, unsigned int module)
{
	return module == 2 && !endpoint ? 1 : module;
}

uint32_t instance_of(unsigned int endpoint, unsigned int module)
{
	return module == 2 && !endpoint ? 0x01000000 : 0;
}

/* From 1 on; 0: it has none. */
unsigned int number_producer(uint64_t number)
{
	return number & NUMBER_FOREIGN ? 0 : number >> (NUMBER_INDEX_BITS + 8);
}

unsigned int number_endpoint(uint64_t number)
{
	return (number >> (NUMBER_INDEX_BITS + 6)) & 3;
}

unsigned int number_module(uint64_t number)
{
	return (number >> (NUMBER_INDEX_BITS + 4)) & 3;
}

unsigned int number_size(uint64_t number)
{
	return (number >> NUMBER_INDEX_BITS) & (SIZES - 1);
}

uint64_t number_index(uint64_t number)
{
	return number & ((1ULL << NUMBER_INDEX_BITS) - 1);
}

uint64_t chance(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

unsigned int chance_below(uint64_t *state, unsigned int limit)
{
	return chance(state) % limit;
}

/* ------------------------------------------------------------------ producers */

/* Some notifications of one kind; 0 or -errno. */
static int send_batch(struct torture *torture, unsigned int number, uint64_t quota, uint64_t *seed)
{
	static const char *const methods[] = { "post", "reuse", "portcls" };
	struct producer *producer = &torture->producers[number];
	unsigned int endpoint = chance_below(seed, 2), module = chance_below(seed, 3);
	unsigned int context = number % PRODUCERS_PER_CPU;
	/* A hard interrupt sends none of the longest. */
	unsigned int size = chance_below(seed, 40) ? chance_below(seed, 5) :
			    5 + chance_below(seed, context == 3 ? 2 : 3);
	/* PortCls' calls are not for hard interrupts; memory for large ones is not always there. */
	const char *method = methods[chance_below(seed, context == 3 ? 1 : size > 5 ? 2 : 3)];
	uint64_t count = 1 + chance_below(seed, BATCH);
	int err;

	if (count * torture_sizes[size] > BATCH_BYTES)
		count = BATCH_BYTES / torture_sizes[size];
	if (count > quota - producer->asked)
		count = quota - producer->asked;
	err = inject(torture->card, "send",
		     "count=%" PRIu64 " size=%u endpoint=%u module=%u method=%s context=%s first=%" PRIu64,
		     count, torture_sizes[size], endpoint, module, method, contexts[context],
		     number_make(number, endpoint, module, size, producer->asked + 1));
	/* What was sent of it is known when all of it was. */
	producer->unsure = err != 0;
	producer->asked += count;
	return err;
}

void producer_run(struct torture *torture, unsigned int number)
{
	struct producer *producer = &torture->producers[number];
	unsigned int count = torture->cpus * PRODUCERS_PER_CPU;
	uint64_t quota = (torture->most - MOST_OTHERS) / count;
	uint64_t seed = torture->seed + 1000 + number;
	cpu_set_t cpus;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&cpus);
	CPU_SET(number / PRODUCERS_PER_CPU, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	while (!torture->stop && producer->asked < quota) {
		if (send_batch(torture, number, quota, &seed))
			break;
		/* Sometimes readers have time to fall asleep. */
		if (!chance_below(&seed, 4))
			usleep(chance_below(&seed, 5000));
	}
	_exit(0);
}

/* ------------------------------------------------------------------ noise */

/* What did not work as it must; not what the card's end explains. */
__attribute__((format(printf, 2, 3)))
static void noise_trouble(struct torture *torture, const char *format, ...)
{
	va_list arguments;

	if (*torture->noise_trouble || torture->going)
		return;
	va_start(arguments, format);
	vsnprintf(torture->noise_trouble, sizeof(torture->noise_trouble), format, arguments);
	va_end(arguments);
}

/* One more notification */
static void caused(struct torture *torture)
{
	if (__atomic_add_fetch(&torture->others, 1, __ATOMIC_RELAXED) >= MOST_OTHERS - NOISES)
		torture->stop = true;
}

/* There is none of that number, or it has none of these; all else is an answer. */
static void look_at_answer(struct torture *torture, const char *what, int result)
{
	if (result < 0 && errno != ENOENT && errno != ENXIO)
		noise_trouble(torture, "%s: %s", what, strerror(errno));
}

static void ask_element(struct torture *torture, int control, unsigned int numid)
{
	static unsigned int tlv_bytes[4096];
	struct snd_ctl_tlv *tlv = (void *)tlv_bytes;
	struct snd_ctl_elem_value value = { .id.numid = numid };

	look_at_answer(torture, "ELEM_READ", ioctl(control, SNDRV_CTL_IOCTL_ELEM_READ, &value));
	tlv->numid = numid;
	tlv->length = sizeof(tlv_bytes) - sizeof(*tlv);
	look_at_answer(torture, "TLV_READ", ioctl(control, SNDRV_CTL_IOCTL_TLV_READ, tlv));
}

/* INFO, a list that fits, each element and its TLV. */
static void ask(struct torture *torture, unsigned int turn)
{
	struct snd_audio_module_module_info module;
	struct snd_audio_module_info info;
	char path[32];
	int control, err;
	unsigned int i;

	err = info_get(torture->card, &info);
	if (!err && info.journal_id != torture->journal_id)
		noise_trouble(torture, "INFO has another journal");
	err = err ? err : module_find(torture->card, speaker_id, module_class[class_of(0, turn % 3)],
				      instance_of(0, turn % 3), &module);
	/* ENOBUFS: the list grew between the question for its size and that for itself. */
	if (err && err != -ENOBUFS)
		noise_trouble(torture, "INFO or LIST: %s", strerror(-err));
	snprintf(path, sizeof(path), "/dev/snd/controlC%d", torture->card);
	control = open(path, O_RDWR | O_CLOEXEC);
	if (control < 0) {
		noise_trouble(torture, "the control device cannot be opened: %s", strerror(errno));
		return;
	}
	for (i = 1; i < 30; i++)
		ask_element(torture, control, i);
	close(control);
}

/* The parameter gets another value, of which the module notifies. */
static void command(struct torture *torture, unsigned int turn)
{
	int hwdep = hwdep_open(torture->card);
	uint32_t value = 0;
	int err = hwdep < 0 ? hwdep : parameter_command(hwdep, SND_AUDIO_MODULE_VERB_GET, &value);

	value = value == 1 ? 2 : 1;
	err = err ? err : parameter_command(hwdep, SND_AUDIO_MODULE_VERB_SET, &value);
	if (!err)
		caused(torture);
	else
		noise_trouble(torture, "COMMAND: %s", strerror(-err));
	close(hwdep);
}

/* A stream's modules and a late one come and go; the latter notifies as soon as it is there. */
static void come_and_go(struct torture *torture, unsigned int turn)
{
	char path[32];
	int err, pcm;

	snprintf(path, sizeof(path), "/dev/snd/pcmC%dD0p", torture->card);
	pcm = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (pcm < 0)
		noise_trouble(torture, "a stream cannot be opened: %s", strerror(errno));
	err = inject(torture->card, "late", "op=register instance=%u endpoint=%u", 7 + turn % 3,
		     turn % 2);
	if (!err) {
		caused(torture);
		err = inject(torture->card, "late", "op=unregister");
	}
	if (err)
		noise_trouble(torture, "a late module: %s", strerror(-err));
	if (pcm >= 0)
		close(pcm);
}

static const struct {
	const char *name;
	void (*make)(struct torture *torture, unsigned int turn);
	unsigned int pause_us;
} noises[NOISES] = {
	{ "questions", ask, 1000 },
	{ "commands", command, 3000 },
	{ "streams and late modules", come_and_go, 5000 },
};

void noise_run(struct torture *torture, unsigned int number)
{
	uint64_t seed = torture->seed + 2000 + number;
	unsigned int turn;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (turn = 0; !torture->stop && card_find() >= 0; turn++) {
		noises[number].make(torture, turn);
		__atomic_fetch_add(&torture->noise, 1, __ATOMIC_RELAXED);
		usleep(chance_below(&seed, noises[number].pause_us));
	}
	_exit(0);
}
