// SPDX-License-Identifier: GPL-2.0
/*
 * What the same notification costs through what programs are told with today, in the same unit and
 * on the same kernel as in bench.c; and what of a flood a reader never sees. The senders are in
 * rivals/, whose module must be loaded.
 *
 *	bench_rivals	a line for each figure: NAME INSTRUCTIONS, of one value; then, behind '#', a
 *			line for each flood
 *
 * Values are sent and then read in portions that a reader's queue holds, so each that is sent is
 * delivered, and the figures "send" and "read", with the size, are for that. A reader takes what it
 * is given and looks at no value. "woken" is one value at a time to so many readers that sleep
 * until it comes: all of it, from the sender's call until the readers sleep again. "beside" is what
 * a send costs where so many readers stopped reading long ago.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/input.h>
#include <linux/netlink.h>
#include <sound/asound.h>

#include "audio_module_test.h"
#include "bench.h"
#include "bench_rivals.h"
#include "map.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define FLOOD			10000
#define FLOOD_SIZE		64
#define WOKEN			200	/* sent to readers that sleep */
#define READERS_MOST		64
#define RECEIVE_BUFFER		(8 << 20)

/* Sent for one figure: so many bytes, but no more values than that. */
#define SENT_BYTES		(4 << 20)
#define SENT_MOST		2000

/* Sent before it is read: less than our journal keeps, and each queue that is asked for. */
#define PORTION_BYTES		(400 << 10)

/* Larger than what a reader is given at once. */
static uint8_t buffer[128 << 10] __attribute__((aligned(8)));
static int hook;

/* ------------------------------------------------------------------ senders in the kernel */

static void hook_send(const struct rival *rival, int count)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "%s size=%d count=%d", rival->name, rival->size,
			    count);

	if (write(hook, line, size) != size)
		fail(line);
}

static void hook_idle(const struct rival *rival, int count)
{
	hook_send(rival, 0);
}

/* ------------------------------------------------------------------ ALSA control events */

static int control_open(const struct rival *rival, bool large)
{
	char path[64] = "", card[16] = "";
	int fd, subscribe = 1;

	if (readlink("/proc/asound/" RIVAL_CARD, card, sizeof(card) - 1) < 0)
		fail("/proc/asound/" RIVAL_CARD);
	snprintf(path, sizeof(path), "/dev/snd/controlC%d", atoi(card + strlen("card")));
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, SNDRV_CTL_IOCTL_SUBSCRIBE_EVENTS, &subscribe))
		fail(path);
	return fd;
}

static int control_read(struct rival *rival, int fd)
{
	static struct snd_ctl_elem_value value;
	struct snd_ctl_event event;

	if (read(fd, &event, sizeof(event)) != sizeof(event))
		return 0;
	value.id = event.data.elem.id;
	if (ioctl(fd, SNDRV_CTL_IOCTL_ELEM_READ, &value))
		fail("ELEM_READ");
	return 1;
}

/* ------------------------------------------------------------------ generic netlink */

#define attributes_of(header)	((struct nlattr *)((uint8_t *)(header) + NLMSG_HDRLEN + GENL_HDRLEN))

/* The attribute of a type among @size bytes of them, or NULL. */
static struct nlattr *attribute_find(struct nlattr *attribute, int size, int type)
{
	while (size >= NLA_HDRLEN && attribute->nla_len >= NLA_HDRLEN && attribute->nla_len <= size) {
		if ((attribute->nla_type & NLA_TYPE_MASK) == type)
			return attribute;
		size -= NLA_ALIGN(attribute->nla_len);
		attribute = (void *)((uint8_t *)attribute + NLA_ALIGN(attribute->nla_len));
	}
	return NULL;
}

static void *attribute_data(struct nlattr *attribute)
{
	return (uint8_t *)attribute + NLA_HDRLEN;
}

static struct nlattr *attribute_inside(struct nlattr *outer, int type)
{
	return outer ? attribute_find(attribute_data(outer), outer->nla_len - NLA_HDRLEN, type) : NULL;
}

/* The id of the rival's only group. */
static uint32_t netlink_group(int fd)
{
	struct {
		struct nlmsghdr header;
		struct genlmsghdr generic;
		struct nlattr attribute;
		char name[NLA_ALIGN(sizeof(RIVAL_FAMILY))];
	} request = {
		.header = { sizeof(request), GENL_ID_CTRL, NLM_F_REQUEST, 0, 0 },
		.generic = { CTRL_CMD_GETFAMILY, 1, 0 },
		.attribute = { NLA_HDRLEN + sizeof(RIVAL_FAMILY), CTRL_ATTR_FAMILY_NAME },
		.name = RIVAL_FAMILY,
	};
	struct nlattr *groups, *id = NULL;
	ssize_t size;

	if (send(fd, &request, sizeof(request), 0) != sizeof(request))
		fail("CTRL_CMD_GETFAMILY");
	size = recv(fd, buffer, sizeof(buffer), 0);
	if (size > (ssize_t)(NLMSG_HDRLEN + GENL_HDRLEN)) {
		groups = attribute_find(attributes_of(buffer), size - NLMSG_HDRLEN - GENL_HDRLEN,
					CTRL_ATTR_MCAST_GROUPS);
		/* Groups are numbered from 1. */
		id = attribute_inside(attribute_inside(groups, 1), CTRL_ATTR_MCAST_GRP_ID);
	}
	if (!id)
		fail("generic netlink group of " RIVAL_FAMILY);
	return *(uint32_t *)attribute_data(id);
}

static int netlink_open(const struct rival *rival, bool large)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int size = RECEIVE_BUFFER;
	uint32_t group;

	if (fd < 0)
		fail("generic netlink");
	group = netlink_group(fd);
	if (large && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		fail("SO_RCVBUFFORCE");
	if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK))
		fail("NETLINK_ADD_MEMBERSHIP");
	return fd;
}

static int netlink_read(struct rival *rival, int fd)
{
	ssize_t size = recv(fd, buffer, sizeof(buffer), 0);

	if (size < 0 && errno == ENOBUFS) {
		rival->reports++;
		size = recv(fd, buffer, sizeof(buffer), 0);
	}
	if (size < (ssize_t)(NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN) + rival->size)
		return 0;
	return 1;
}

/* ------------------------------------------------------------------ input events */

static int evdev_open(const struct rival *rival, bool large)
{
	DIR *directory = opendir("/dev/input");
	char path[300], name[64];
	struct dirent *entry;
	int fd = -1;

	while (directory && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/dev/input/%s", entry->d_name);
		fd = strncmp(entry->d_name, "event", 5) ? -1 :
			open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && ioctl(fd, EVIOCGNAME(sizeof(name)), name) > 0 &&
		    !strcmp(name, RIVAL_INPUT))
			break;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	if (directory)
		closedir(directory);
	if (fd < 0)
		fail(RIVAL_INPUT);
	return fd;
}

/* As many packets as there are; each ends with a SYN. */
static int evdev_read(struct rival *rival, int fd)
{
	const struct input_event *events = (void *)buffer;
	ssize_t size = read(fd, buffer, sizeof(buffer));
	ssize_t i, count = size < 0 ? 0 : size / sizeof(*events);
	int packets = 0;

	for (i = 0; i < count; i++) {
		if (events[i].type != EV_SYN)
			continue;
		packets += events[i].code == SYN_REPORT;
		rival->reports += events[i].code == SYN_DROPPED;
	}
	return packets;
}

/* ------------------------------------------------------------------ ours, in the same way */

static int card;
static int send_hook;

static void ours_send(const struct rival *rival, int count)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "same=1 size=%d count=%d", 40 + rival->size, count);

	if (write(send_hook, line, size) != size)
		fail(line);
}

static void ours_idle(const struct rival *rival, int count)
{
	ours_send(rival, 0);
}

/* How many values so many bytes of records are, none of which is anything else. */
static int ours_count(const struct rival *rival, ssize_t size)
{
	return size < 0 ? 0 : size / (sizeof(struct snd_audio_module_record) + 40 + rival->size);
}

static int ours_open(const struct rival *rival, bool large)
{
	struct snd_audio_module_subscribe words = { 0 };
	int fd = subscribe(card, &words);

	if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK))
		fail("SUBSCRIBE");
	return fd;
}

static int ours_read(struct rival *rival, int fd)
{
	return ours_count(rival, read(fd, buffer, sizeof(buffer)));
}

static struct map map;

static int mapped_open(const struct rival *rival, bool large)
{
	struct snd_audio_module_subscribe words = { .flags = SND_AUDIO_MODULE_SUBSCRIBE_MAP };
	int fd = subscribe(card, &words);

	if (fd < 0 || map_open(&map, fd, words.start_position, words.start_sequence))
		fail("mmap");
	return fd;
}

static int mapped_read(struct rival *rival, int fd)
{
	return ours_count(rival, map_read(&map, fd, buffer, sizeof(buffer)));
}

/* ------------------------------------------------------------------ figures */

#define IN_KERNEL	.send = hook_send, .idle = hook_idle
#define CONTROL		IN_KERNEL, .open = control_open, .read = control_read
#define NETLINK		IN_KERNEL, .open = netlink_open, .read = netlink_read
#define EVDEV		IN_KERNEL, .open = evdev_open, .read = evdev_read
#define BPF		.idle = bpf_idle, .read = bpf_read, .close = bpf_close
#define DBUS		.send = dbus_send, .idle = dbus_idle, .open = dbus_open, \
			.read = dbus_read, .close = dbus_close
#define OURS		.send = ours_send, .idle = ours_idle
#define MOST		RIVAL_SIZE_MOST

static struct rival rivals[] = {
	{ "ours", MOST, 500, READERS_MOST, OURS, .open = ours_open, .read = ours_read },
	{ "ours_mapped", MOST, 500, 0, OURS, .open = mapped_open, .read = mapped_read },
	/* One at a time: a second event of the same element is merged into the first. */
	{ "control", RIVAL_SIZE_CONTROL, 1, READERS_MOST, CONTROL },
	{ "netlink", MOST, 500, READERS_MOST, NETLINK },
	/* Few enough for a reader's queue. */
	{ "evdev_4", 8, 100, 1, EVDEV },
	{ "evdev", 512, 10, READERS_MOST, EVDEV },
	/* A ring has one reader. */
	{ "bpf", MOST, 1000, 1, BPF, .send = bpf_send, .open = bpf_open },
	{ "bpf_same", MOST, 1000, 1, BPF, .send = bpf_same_send, .open = bpf_same_open },
	{ "dbus", MOST, 100, 0, DBUS },
};

static const int sizes[] = { 8, 64, 512, 64000 };

static void rival_close(const struct rival *rival, int fd)
{
	if (rival->close)
		rival->close();
	else
		close(fd);
	map_close(&map);
}

static uint64_t send_values(const struct rival *rival, int count)
{
	uint64_t begin = instructions();

	rival->send(rival, count);
	return instructions() - begin;
}

/* What sending @count values costs besides the values. */
static uint64_t send_nothing(const struct rival *rival, int count)
{
	uint64_t begin = instructions();

	rival->idle(rival, count);
	return instructions() - begin;
}

/* Take @count values, and no more. */
static uint64_t read_values(struct rival *rival, int fd, int count)
{
	uint64_t begin = instructions();
	int taken, left = count;

	while (left > 0) {
		taken = rival->read(rival, fd);
		if (!taken) {
			fprintf(stderr, "bench: %s: expected %d values, got %d\n", rival->name,
				count, count - left);
			exit(1);
		}
		left -= taken;
	}
	return instructions() - begin;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* One size, the values of which are all delivered. */
static void measure_size(struct rival *rival, int size)
{
	int portion = least(rival->portion, 1 + PORTION_BYTES / (size + 256));
	int rounds = 1 + least(SENT_MOST, SENT_BYTES / size) / portion, i, fd;
	double values = (double)rounds * portion;
	uint64_t send = 0, deliver = 0;

	rival->size = size;
	fd = rival->open(rival, true);
	/* The first time is not counted. */
	send_values(rival, portion);
	read_values(rival, fd, portion);
	for (i = 0; i < rounds; i++) {
		/* What a call costs by itself is none of the rival's. */
		send -= send_nothing(rival, portion);
		send += send_values(rival, portion);
		deliver += read_values(rival, fd, portion);
	}
	rival_close(rival, fd);
	printf("rival_%s_%d_send %8.1f\n", rival->name, size, send / values);
	printf("rival_%s_%d_read %8.1f\n", rival->name, size, deliver / values);
}

static void measure_sizes(struct rival *rival)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes) && sizes[i] <= rival->most; i++)
		measure_size(rival, sizes[i]);
}

/* ------------------------------------------------------------------ readers that sleep */

/* Take what there is and sleep, for ever; @taken tells how many values came. */
static void sleep_and_read(struct rival *rival, volatile int *taken)
{
	struct pollfd pollfd = { .fd = rival->open(rival, true), .events = POLLIN };

	*taken = 0;
	while (poll(&pollfd, 1, -1) == 1)
		*taken += rival->read(rival, pollfd.fd);
	_exit(1);
}

/* Until each of the readers has taken so many values. */
static void wait_for(const volatile int *taken, int readers, int count)
{
	int i;

	for (i = 0; i < readers; i++)
		while (taken[i] < count)
			sched_yield();
}

/* One value at a time, each taken by all before the next one is sent. */
static uint64_t send_and_wait(const struct rival *rival, const volatile int *taken, int readers,
			      int count)
{
	uint64_t begin = instructions();
	int sent = taken[0];

	while (count--) {
		rival->send(rival, 1);
		wait_for(taken, readers, ++sent);
	}
	return instructions() - begin;
}

static void measure_woken(struct rival *rival, int readers)
{
	volatile int *taken = mmap(NULL, READERS_MOST * sizeof(*taken), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child[READERS_MOST];
	uint64_t all = 0;
	int i;

	if (taken == MAP_FAILED)
		fail("mmap");
	for (i = 0; i < readers; i++) {
		taken[i] = -1;
		child[i] = fork();
		if (!child[i])
			sleep_and_read(rival, &taken[i]);
	}
	wait_for(taken, readers, 0);
	send_and_wait(rival, taken, readers, 10);
	for (i = 0; i < WOKEN; i++) {
		all -= send_nothing(rival, 1);
		all += send_and_wait(rival, taken, readers, 1);
	}
	for (i = 0; i < readers; i++) {
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	munmap((void *)taken, READERS_MOST * sizeof(*taken));
	printf("rival_%s_woken_%d %8.1f\n", rival->name, readers, (double)all / WOKEN);
}

/* Readers that have stopped: what is sent beside them, when their queues are long full. */
static void measure_stalled(struct rival *rival, int readers)
{
	int fds[READERS_MOST], i;
	uint64_t send = 0;

	for (i = 0; i < readers; i++)
		fds[i] = rival->open(rival, false);
	send_values(rival, FLOOD);
	/* What the processes that read before left to do is done meanwhile. */
	sleep(1);
	for (i = 0; i < SENT_MOST / 500; i++) {
		send -= send_nothing(rival, 500);
		send += send_values(rival, 500);
	}
	for (i = 0; i < readers; i++)
		rival_close(rival, fds[i]);
	printf("rival_%s_beside_%d %8.1f\n", rival->name, readers, send / (double)SENT_MOST);
}

static void measure_readers(struct rival *rival)
{
	static const int readers[] = { 1, 8, 64 };
	size_t i;

	rival->size = least(FLOOD_SIZE, rival->most);
	for (i = 0; i < ARRAY_SIZE(readers) && readers[i] <= rival->sleepers; i++)
		measure_woken(rival, readers[i]);
	for (i = 0; i < ARRAY_SIZE(readers) && readers[i] <= rival->sleepers; i++)
		if (rival->sleepers > 1)
			measure_stalled(rival, readers[i]);
}

/* ------------------------------------------------------------------ floods */

/* A reader that gets no time while all of them are sent, with the queue that it has by itself. */
static void flood(struct rival *rival)
{
	int fd = rival->open(rival, false), seen = 0, taken;

	rival->reports = 0;
	send_values(rival, FLOOD);
	do {
		taken = rival->read(rival, fd);
		seen += taken;
	} while (taken);
	rival_close(rival, fd);
	printf("# flood of %d, %s: %d seen, %d missing; told %d times, never how many\n", FLOOD,
	       rival->name, seen, FLOOD - seen, rival->reports);
}

static void flood_ours(const struct rival *ours)
{
	struct snd_audio_module_subscribe words = { 0 };
	int fd = subscribe(card, &words);
	struct tally tally = tally_new(words.start_sequence);

	if (fd < 0)
		fail("SUBSCRIBE");
	send_values(ours, FLOOD);
	if (tally_drain(&tally, fd, 0) < 0)
		fail("flood");
	close(fd);
	printf("# flood of %d, ours: %" PRIu64 " seen, %" PRIu64 " missing; told of %" PRIu64 ": %s\n",
	       FLOOD, tally.matched, FLOOD - tally.matched, tally.lost,
	       tally.matched + tally.lost == FLOOD ? "each" : "NOT EACH");
	if (tally.matched + tally.lost != FLOOD)
		exit(1);
}

int main(void)
{
	char path[128];
	size_t i;

	setlinebuf(stdout);
	hook = open("/sys/kernel/debug/" RIVALS_FOLDER "/" RIVALS_HOOK, O_WRONLY | O_CLOEXEC);
	if (hook < 0)
		fail("is rivals/audio-module-rivals.ko loaded? " RIVALS_FOLDER "/" RIVALS_HOOK);
	card = card_find();
	snprintf(path, sizeof(path), "/sys/kernel/debug/snd-audio-module-virtual/card%d/send", card);
	send_hook = open(path, O_WRONLY | O_CLOEXEC);
	if (send_hook < 0)
		fail(path);
	for (i = 0; i < ARRAY_SIZE(rivals); i++) {
		measure_sizes(&rivals[i]);
		measure_readers(&rivals[i]);
	}
	for (i = 0; i < ARRAY_SIZE(rivals); i++)
		if (rivals[i].sleepers && rivals[i].open != ours_open)
			flood(&rivals[i]);
	flood_ours(&rivals[0]);
	return 0;
}
