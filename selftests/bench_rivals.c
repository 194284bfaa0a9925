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
 * delivered, and the figures are for that. A reader takes what it is given and looks at no value.
 * "woken" is one value at a time to a reader that sleeps until it comes: all of it, from the
 * sender's call until the reader sleeps again.
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

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define FLOOD			10000
#define VALUES			2000	/* sent for one figure */
#define WOKEN			200	/* sent to a reader that sleeps */
#define RECEIVE_BUFFER		(8 << 20)

/* Larger than what a reader is given at once. */
static uint8_t buffer[8192] __attribute__((aligned(8)));
static int hook;

/* ------------------------------------------------------------------ senders in the kernel */

static void hook_send(const struct rival *rival, int count)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "%s count=%d", rival->name, count);

	if (write(hook, line, size) != size)
		fail(line);
}

static void hook_idle(const struct rival *rival, int count)
{
	hook_send(rival, 0);
}

/* ------------------------------------------------------------------ ALSA control events */

static int control_open(bool large)
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

static int netlink_open(bool large)
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
	if (size < (ssize_t)(NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN + RIVAL_SIZE))
		return 0;
	return 1;
}

/* ------------------------------------------------------------------ input events */

static int evdev_open(bool large)
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

static void ours_line(int count)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "same=1 size=%d count=%d", 40 + RIVAL_SIZE, count);

	if (write(send_hook, line, size) != size)
		fail(line);
}

static void ours_send(const struct rival *rival, int count)
{
	ours_line(count);
}

static void ours_idle(const struct rival *rival, int count)
{
	ours_line(0);
}

static int ours_open(bool large)
{
	struct snd_audio_module_subscribe words = { 0 };
	int fd = subscribe(card, &words);

	if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK))
		fail("SUBSCRIBE");
	return fd;
}

static int ours_read(struct rival *rival, int fd)
{
	static const int record = sizeof(struct snd_audio_module_record) + 40 + RIVAL_SIZE;
	ssize_t size = read(fd, buffer, sizeof(buffer));

	return size < 0 ? 0 : size / record;
}

/* ------------------------------------------------------------------ figures */

#define IN_KERNEL	.send = hook_send, .idle = hook_idle

static struct rival rivals[] = {
	{ "ours", 500, true, ours_send, ours_idle, ours_open, ours_read, NULL, 0 },
	/* One at a time: a second event of the same element is merged into the first. */
	{ "control", 1, true, IN_KERNEL, .open = control_open, .read = control_read },
	{ "netlink", 500, true, IN_KERNEL, .open = netlink_open, .read = netlink_read },
	/* As many as fit into a reader's queue. */
	{ "evdev_4", 100, true, IN_KERNEL, .open = evdev_open, .read = evdev_read },
	{ "evdev_64", 10, true, IN_KERNEL, .open = evdev_open, .read = evdev_read },
	{ "bpf", 1000, true, bpf_send, bpf_idle, bpf_open, bpf_read, bpf_close, 0 },
	{ "bpf_same", 1000, true, bpf_same_send, bpf_idle, bpf_same_open, bpf_read, bpf_close, 0 },
	{ "dbus", 100, false, dbus_send, dbus_idle, dbus_open, dbus_read, dbus_close, 0 },
};

static void rival_close(const struct rival *rival, int fd)
{
	if (rival->close)
		rival->close();
	else
		close(fd);
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

static void measure(struct rival *rival)
{
	uint64_t send = 0, deliver = 0, rounds = VALUES / rival->portion, i;
	int fd = rival->open(true);

	/* The first time is not counted. */
	send_values(rival, rival->portion);
	read_values(rival, fd, rival->portion);
	for (i = 0; i < rounds; i++) {
		/* What a call costs by itself is none of the rival's. */
		send -= send_nothing(rival, rival->portion);
		send += send_values(rival, rival->portion);
		deliver += read_values(rival, fd, rival->portion);
	}
	rival_close(rival, fd);
	printf("rival_%s_send %8.1f\n", rival->name, (double)send / (rounds * rival->portion));
	printf("rival_%s_read %8.1f\n", rival->name, (double)deliver / (rounds * rival->portion));
}

/* ------------------------------------------------------------------ a reader that sleeps */

/* Take what there is and sleep, for ever; @taken tells how many values came. */
static void sleep_and_read(struct rival *rival, volatile int *taken)
{
	struct pollfd pollfd = { .fd = rival->open(true), .events = POLLIN };

	*taken = 0;
	while (poll(&pollfd, 1, -1) == 1)
		*taken += rival->read(rival, pollfd.fd);
	_exit(1);
}

/* One value at a time, each taken before the next one is sent. */
static uint64_t send_and_wait(const struct rival *rival, const volatile int *taken, int count)
{
	uint64_t begin = instructions();
	int sent = *taken;

	while (count--) {
		rival->send(rival, 1);
		for (sent++; *taken < sent; )
			sched_yield();
	}
	return instructions() - begin;
}

static void measure_woken(struct rival *rival)
{
	volatile int *taken = mmap(NULL, sizeof(*taken), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t all = 0;
	pid_t child;
	int i;

	if (taken == MAP_FAILED)
		fail("mmap");
	*taken = -1;
	child = fork();
	if (!child)
		sleep_and_read(rival, taken);
	while (*taken < 0)
		sched_yield();
	send_and_wait(rival, taken, 10);
	for (i = 0; i < WOKEN; i++) {
		all -= send_nothing(rival, 1);
		all += send_and_wait(rival, taken, 1);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	munmap((void *)taken, sizeof(*taken));
	printf("rival_%s_woken %8.1f\n", rival->name, (double)all / WOKEN);
}

/* ------------------------------------------------------------------ floods */

/* A reader that gets no time while all of them are sent, with the queue that it has by itself. */
static void flood(struct rival *rival)
{
	int fd = rival->open(false), seen = 0, taken;

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

static void flood_ours(void)
{
	struct snd_audio_module_subscribe words = { 0 };
	int fd = subscribe(card, &words);
	struct tally tally = tally_new(words.start_sequence);

	if (fd < 0)
		fail("SUBSCRIBE");
	ours_line(FLOOD);
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
		measure(&rivals[i]);
		if (rivals[i].sleeps)
			measure_woken(&rivals[i]);
	}
	for (i = 0; i < ARRAY_SIZE(rivals); i++)
		if (rivals[i].sleeps && rivals[i].open != ours_open)
			flood(&rivals[i]);
	flood_ours();
	return 0;
}
