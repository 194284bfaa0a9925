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
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/input.h>
#include <linux/netlink.h>
#include <sound/asound.h>

#include "audio_module_test.h"
#include "bench.h"
#include "rivals/names.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define FLOOD			10000
#define VALUES			2000	/* sent for one figure */
#define RECEIVE_BUFFER		(8 << 20)

/* Larger than what a reader is given at once. */
static uint8_t buffer[8192] __attribute__((aligned(8)));
static int hook;

/**
 * struct rival - one way to be told
 * @name: in the hook, and in the figures
 * @portion: how many values are sent before they are read
 * @open: a reader: an fd that does not block; @large: with a queue for a portion, where it can ask
 * @read: take what there is at once: how many values; 0: there is none
 * @reports: how often the last reader was told that something is missing
 */
struct rival {
	const char *name;
	int portion;
	int (*open)(bool large);
	int (*read)(struct rival *rival, int fd);
	int reports;
};

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

/* ------------------------------------------------------------------ figures */

static struct rival rivals[] = {
	/* One at a time: a second event of the same element is merged into the first. */
	{ "control", 1, control_open, control_read, 0 },
	{ "netlink", 500, netlink_open, netlink_read, 0 },
	/* As many as fit into a reader's queue. */
	{ "evdev_4", 100, evdev_open, evdev_read, 0 },
	{ "evdev_64", 10, evdev_open, evdev_read, 0 },
};

static uint64_t send_values(const struct rival *rival, int count)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "%s count=%d", rival->name, count);
	uint64_t begin = instructions();

	if (write(hook, line, size) != size)
		fail(line);
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
		/* What a line costs by itself is none of the rival's. */
		send -= send_values(rival, 0);
		send += send_values(rival, rival->portion);
		deliver += read_values(rival, fd, rival->portion);
	}
	close(fd);
	printf("rival_%s_send %8.1f\n", rival->name, (double)send / (rounds * rival->portion));
	printf("rival_%s_read %8.1f\n", rival->name, (double)deliver / (rounds * rival->portion));
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
	close(fd);
	printf("# flood of %d, %s: %d seen, %d missing; told %d times, never how many\n", FLOOD,
	       rival->name, seen, FLOOD - seen, rival->reports);
}

static void flood_ours(void)
{
	struct snd_audio_module_subscribe words = { 0 };
	int card = card_find(), fd = subscribe(card, &words);
	struct tally tally = tally_new(words.start_sequence);

	if (fd < 0 || inject(card, "send", "same=1 size=%d count=%d", 40 + RIVAL_SIZE, FLOOD) ||
	    tally_drain(&tally, fd, 0) < 0)
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
	size_t i;

	setlinebuf(stdout);
	hook = open("/sys/kernel/debug/" RIVALS_FOLDER "/" RIVALS_HOOK, O_WRONLY | O_CLOEXEC);
	if (hook < 0)
		fail("is rivals/audio-module-rivals.ko loaded? " RIVALS_FOLDER "/" RIVALS_HOOK);
	for (i = 0; i < ARRAY_SIZE(rivals); i++)
		measure(&rivals[i]);
	for (i = 0; i < ARRAY_SIZE(rivals); i++)
		flood(&rivals[i]);
	flood_ours();
	return 0;
}
