// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that have the virtual card or its journal open while lifetime.sh takes it away. Each
 * says "ready" when it is where it shall be, then what happens to it, one line each.
 *
 *	block-read		sleeps in read(), prints each record, to the end
 *	poll | epoll		the same, but sleeps in poll() or epoll_wait()
 *	unread			reads nothing until the card is gone, then all that is left
 *	tally			reads as fast as it can, to the end: the terms of the loss equation
 *	shared			two processes sleep in read() of one open file
 *	pass-fd			hands the notification fd to another process and exits; that one
 *				goes on as block-read
 *	hold-fd			has a notification fd open
 *	hold-hwdep | hold-control	has a device open; tells what its ioctls say when the card
 *				is gone, and keeps it open
 *	hold-proc		stands still inside of a read of the card's /proc file: ALSA waits for
 *				it when the card goes, after the journal was closed
 *	hold-command		stands still where the kernel gives it the answer to a command
 *	hold-question		stands still where the kernel takes a command from it, until the card is
 *				gone, and tells what comes of it
 *	command-asleep		asks a card that is asleep, and tells what comes of it
 *	three-commands		has a handler at work, and stands still in two more commands until the
 *				card begins to go; tells what comes of each
 *	after JOURNAL SEQUENCE	subscribes behind a notification, tells what comes of it
 *	come-and-go		registers and unregisters a module, more often than there are indices
 *	info			the journal's id and newest sequence
 *	plain CARD		what a card says that has no audio modules
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/userfaultfd.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sound/asound.h>

#include "audio_module_test.h"

#define LOOK_MS		20

static uint8_t buffer[256 * 1024] __attribute__((aligned(8)));

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line, at once, whichever thread says it. */
static void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	flockfile(stdout);
	vprintf(format, arguments);
	putchar('\n');
	fflush(stdout);
	funlockfile(stdout);
	va_end(arguments);
}

static void die(const char *what, int err)
{
	say("%s: %s", what, strerrorname_np(err < 0 ? -err : errno));
	exit(1);
}

static int subscribed(void)
{
	int fd = subscribe_newest(card_find());

	if (fd < 0)
		die("subscribe", fd);
	return fd;
}

/* ------------------------------------------------------------------ readers */

static const char *type_name(unsigned int type)
{
	static const char * const names[] = {
		"busy", "notification", "pad", "lost", "changed", "removed"
	};

	return type < 6 ? names[type] : "unknown";
}

static void say_records(ssize_t size)
{
	ssize_t offset = 0;

	while (offset < size) {
		const struct snd_audio_module_record *record = (const void *)(buffer + offset);

		say("%s %" PRIu64, type_name(record->type), (uint64_t)record->sequence);
		offset += record->size;
	}
}

/* One read(): 1: go on; 0: the end. */
static int read_once(int fd)
{
	ssize_t size = read(fd, buffer, sizeof(buffer));

	if (size < 0)
		die("read", -errno);
	say_records(size);
	if (!size)
		say("end");
	return size > 0;
}

static int do_block_read(void)
{
	int fd = subscribed();

	say("ready");
	while (read_once(fd))
		;
	return 0;
}

static void say_events(unsigned int events)
{
	say("events%s%s%s", events & POLLIN ? " in" : "", events & POLLHUP ? " hup" : "",
	    events & POLLERR ? " err" : "");
}

static int do_poll(void)
{
	struct pollfd pollfd = { .fd = subscribed(), .events = POLLIN };

	say("ready");
	do {
		if (poll(&pollfd, 1, -1) != 1)
			die("poll", -errno);
		say_events(pollfd.revents);
	} while (read_once(pollfd.fd));
	return 0;
}

static int do_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int fd = subscribed();

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl", -errno);
	say("ready");
	do {
		if (epoll_wait(epoll, &event, 1, -1) != 1)
			die("epoll_wait", -errno);
		say_events(event.events);
	} while (read_once(fd));
	return 0;
}

static int do_unread(void)
{
	int fd = subscribed();
	struct tally tally = tally_new(fdinfo_get(fd, "start"));
	int ended;

	say("ready");
	while (fdinfo_get(fd, "removed") != 1)
		usleep(LOOK_MS * 1000);
	ended = tally_drain(&tally, fd, 0);
	say("ended=%d matched=%" PRIu64 " lost=%" PRIu64 " removed=%" PRIu64 " bad=%" PRIu64
	    " corrupt=%" PRIu64, ended, tally.matched, tally.lost, tally.removed, tally.bad,
	    tally.corrupt);
	return 0;
}

static int do_tally(void)
{
	int fd = subscribed();
	struct tally tally = tally_new(fdinfo_get(fd, "start"));
	int ended;

	say("ready");
	do {
		ended = tally_drain(&tally, fd, 1000);
	} while (!ended);
	say("ended=%d removed=%" PRIu64 " bad=%" PRIu64 " corrupt=%" PRIu64 " unexplained=%" PRId64,
	    ended, tally.removed, tally.bad, tally.corrupt,
	    (int64_t)(fdinfo_get(fd, "newest") - tally.start - tally.matched - tally.lost));
	return 0;
}

/* The child's id comes first, so that it can be killed alone. */
static int do_shared(void)
{
	int fd = subscribed();
	pid_t pid = fork();

	if (pid) {
		say("child %d", pid);
		say("ready");
	}
	while (read_once(fd))
		;
	return 0;
}

/* ------------------------------------------------------------------ an fd that is handed on */

static void fd_send(int socket, int fd)
{
	char byte = 0;
	struct iovec iovec = { &byte, 1 };
	union {
		char space[CMSG_SPACE(sizeof(fd))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr message = {
		.msg_iov = &iovec, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(socket, &message, 0) != 1)
		die("sendmsg", -errno);
}

static int fd_receive(int socket)
{
	char byte;
	struct iovec iovec = { &byte, 1 };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr message = {
		.msg_iov = &iovec, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		die("recvmsg", -errno);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static int do_pass_fd(void)
{
	int sockets[2];
	pid_t parent = getpid();
	int fd;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		die("socketpair", -errno);
	if (fork()) {
		fd_send(sockets[0], subscribed());
		return 0;
	}
	fd = fd_receive(sockets[1]);
	while (getppid() == parent)
		usleep(LOOK_MS * 1000);
	say("child %d", getpid());
	say("ready");
	while (read_once(fd))
		;
	return 0;
}

/* ------------------------------------------------------------------ holders */

static int do_hold_fd(void)
{
	subscribed();
	say("ready");
	pause();
	return 0;
}

static const char *ioctl_says(int fd, unsigned long command, void *argument)
{
	return ioctl(fd, command, argument) ? strerrorname_np(errno) : "0";
}

static int do_hold_hwdep(void)
{
	int fd = hwdep_open(card_find());
	struct snd_audio_module_info info;
	struct snd_audio_module_list list = { 0 };
	struct snd_audio_module_subscribe subscribe = { 0 };

	if (fd < 0)
		die("open", fd);
	say("ready");
	while (!ioctl(fd, SND_AUDIO_MODULE_IOCTL_INFO, &info))
		usleep(LOOK_MS * 1000);
	say("INFO %s", strerrorname_np(errno));
	say("LIST %s", ioctl_says(fd, SND_AUDIO_MODULE_IOCTL_LIST, &list));
	say("SUBSCRIBE %s", ioctl_says(fd, SND_AUDIO_MODULE_IOCTL_SUBSCRIBE, &subscribe));
	pause();
	return 0;
}

static int do_hold_control(void)
{
	struct snd_ctl_elem_value value = { .id.numid = 1 };
	struct snd_ctl_card_info info;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/snd/controlC%d", card_find());
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("open", -errno);
	say("ready");
	while (!ioctl(fd, SNDRV_CTL_IOCTL_CARD_INFO, &info))
		usleep(LOOK_MS * 1000);
	say("CARD_INFO %s", strerrorname_np(errno));
	say("ELEM_READ %s", ioctl_says(fd, SNDRV_CTL_IOCTL_ELEM_READ, &value));
	pause();
	return 0;
}

/* A page that is never there: the kernel stands still where it writes to it. */
static void *missing_page(int *userfault)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	long size = sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	range.range.start = (uintptr_t)page;
	range.range.len = size;
	*userfault = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (*userfault < 0 || ioctl(*userfault, UFFDIO_API, &api) ||
	    ioctl(*userfault, UFFDIO_REGISTER, &range))
		die("userfaultfd", -errno);
	return page;
}

/**
 * struct slow - a call that does not end
 * @fd: from where
 * @page: to where
 */
struct slow {
	int fd;
	void *page;
};

static void *read_slowly(void *data)
{
	struct slow *slow = data;

	if (read(slow->fd, slow->page, 64) < 0)
		die("read", -errno);
	return NULL;
}

/* The answer of the Speaker's module 0 to a GET of its parameter 0 */
static void *command_slowly(void *data)
{
	static const uint32_t get[] = { SND_AUDIO_MODULE_VERB_GET, 0 };
	struct slow *slow = data;
	struct snd_audio_module_command command = {
		.verb = SND_AUDIO_MODULE_VERB_GET,
		.pcm_device = -1,
		.pcm_subdevice = -1,
		.in = (uintptr_t)get,
		.in_size = sizeof(get),
		.out = (uintptr_t)slow->page,
		.out_size = 4,
	};

	memcpy(command.device_id, speaker_id, 16);
	memcpy(command.class_id, module_class[0], 16);
	if (ioctl(slow->fd, SND_AUDIO_MODULE_IOCTL_COMMAND, &command))
		die("COMMAND", -errno);
	return NULL;
}

/**
 * struct held - a thread that stands still in a call
 * @slow: which one
 * @thread: it
 * @userfault: what brings the page
 */
struct held {
	struct slow slow;
	pthread_t thread;
	int userfault;
};

/* Returns when the kernel stands still in the call. */
static void hold(struct held *held, int fd, void *(*call)(void *slow))
{
	struct uffd_msg fault;

	if (fd < 0)
		die("open", -errno);
	held->slow.fd = fd;
	held->slow.page = missing_page(&held->userfault);
	if (pthread_create(&held->thread, NULL, call, &held->slow))
		die("pthread_create", -EAGAIN);
	if (read(held->userfault, &fault, sizeof(fault)) != sizeof(fault))
		die("userfaultfd", -errno);
}

static int hold_until_killed(int fd, void *(*call)(void *slow))
{
	struct held held;

	hold(&held, fd, call);
	say("ready");
	pause();
	return 0;
}

static int do_hold_proc(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/asound/card%d/pcm0p/info", card_find());
	return hold_until_killed(open(path, O_RDONLY | O_CLOEXEC), read_slowly);
}

static int do_hold_command(void)
{
	return hold_until_killed(hwdep_open(card_find()), command_slowly);
}

static void *ask_slowly(void *data)
{
	const struct slow *slow = data;
	uint32_t answer;
	struct snd_audio_module_command command = {
		.verb = SND_AUDIO_MODULE_VERB_GET,
		.pcm_device = -1,
		.pcm_subdevice = -1,
		.in = (uintptr_t)slow->page,
		.in_size = 3 * sizeof(uint32_t),
		.out = (uintptr_t)&answer,
		.out_size = sizeof(answer),
	};

	memcpy(command.device_id, speaker_id, 16);
	memcpy(command.class_id, module_class[0], 16);
	say("%s", ioctl_says(slow->fd, SND_AUDIO_MODULE_IOCTL_COMMAND, &command));
	return NULL;
}

/* What ask_slowly() asks is there now; the call ends. */
static void bring_question(const struct held *held)
{
	uint32_t get[3] = { SND_AUDIO_MODULE_VERB_GET };
	struct uffdio_copy copy = {
		.dst = (uintptr_t)held->slow.page,
		.src = (uintptr_t)buffer,
		.len = sysconf(_SC_PAGESIZE),
	};

	memcpy(buffer, get, sizeof(get));
	if (ioctl(held->userfault, UFFDIO_COPY, &copy))
		die("UFFDIO_COPY", -errno);
	pthread_join(held->thread, NULL);
}

static int do_hold_question(void)
{
	struct held held;

	hold(&held, hwdep_open(card_find()), ask_slowly);
	say("ready");
	while (card_find() >= 0)
		usleep(1000 * LOOK_MS);
	bring_question(&held);
	return 0;
}

/**
 * struct long_command - what the late module takes long to answer
 * @fd: where
 * @ms: milliseconds
 * @thread: who sends it
 */
struct long_command {
	int fd;
	uint32_t ms;
	volatile pid_t thread;
};

static void *command_for_long(void *data)
{
	static const uint8_t late_class[16] = { 0x7e, 0x0a, 0x6f, 0x2f, 0x43, 0x6a, 0x0c, 0x4f,
						0x9d, 0x5b, 0x77, 0x1e, 0x30, 0x52, 0xc8, 0x41 };
	struct long_command *sent = data;
	uint32_t answer;
	struct snd_audio_module_command command = {
		.instance_id = 1,
		.verb = SND_AUDIO_MODULE_VERB_GET,
		.pcm_device = -1,
		.pcm_subdevice = -1,
		.in = (uintptr_t)&sent->ms,
		.in_size = sizeof(sent->ms),
		.out = (uintptr_t)&answer,
		.out_size = sizeof(answer),
	};

	memcpy(command.device_id, speaker_id, 16);
	memcpy(command.class_id, late_class, 16);
	sent->thread = gettid();
	say("long %s", ioctl_says(sent->fd, SND_AUDIO_MODULE_IOCTL_COMMAND, &command));
	return NULL;
}

static int do_command_asleep(void)
{
	struct long_command sent = { .fd = hwdep_open(card_find()), .ms = 2000 };

	if (sent.fd < 0)
		die("open", sent.fd);
	say("ready");
	command_for_long(&sent);
	return 0;
}

/*
 * Where a command that comes late gives back a reference that it has not, one would take that of the
 * handler at work: only with two are there too few when the card waits for all of them.
 */
static int do_three_commands(void)
{
	struct long_command sent = { .fd = hwdep_open(card_find()), .ms = 6000 };
	struct snd_audio_module_info info;
	struct held held[2];
	pthread_t thread;

	if (sent.fd < 0 || pthread_create(&thread, NULL, command_for_long, &sent))
		die("the long command", sent.fd);
	/* Until it is in the handler, and not just on its way there. */
	while (!sent.thread || thread_state(getpid(), sent.thread) != 'D')
		usleep(1000 * LOOK_MS);
	usleep(1000 * 100);
	hold(&held[0], hwdep_open(card_find()), ask_slowly);
	hold(&held[1], hwdep_open(card_find()), ask_slowly);
	say("ready");
	while (!ioctl(sent.fd, SND_AUDIO_MODULE_IOCTL_INFO, &info))
		usleep(1000 * LOOK_MS);
	bring_question(&held[0]);
	bring_question(&held[1]);
	pthread_join(thread, NULL);
	return 0;
}

/* ------------------------------------------------------------------ single questions */

static int do_info(void)
{
	struct snd_audio_module_info info;
	int err = info_get(card_find(), &info);

	if (err)
		die("info", err);
	say("%" PRIu64 " %" PRIu64, (uint64_t)info.journal_id, (uint64_t)info.newest_sequence);
	return 0;
}

static int do_after(const char *journal_id, const char *sequence)
{
	struct snd_audio_module_subscribe subscribe = {
		.start = SND_AUDIO_MODULE_START_AFTER,
		.journal_id = strtoull(journal_id, NULL, 10),
		.sequence = strtoull(sequence, NULL, 10),
	};
	int fd = hwdep_open(card_find());

	if (fd < 0)
		die("open", fd);
	say("%s", ioctl_says(fd, SND_AUDIO_MODULE_IOCTL_SUBSCRIBE, &subscribe));
	return 0;
}

/*
 * More modules come and go, one after the other, than a card has indices for. They have no handler: for
 * one that has, lockdep waits each time until nobody looks at the class of its lock any more.
 */
static int do_come_and_go(void)
{
	int card = card_find();
	unsigned int i;
	int err = 0;

	for (i = 0; i <= SND_AUDIO_MODULE_NONE && !err; i++)
		err = inject(card, "late", "op=again module=0 instance=99");
	say("%s after %u", err ? strerrorname_np(-err) : "ends well", i);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "block-read", do_block_read },
	{ "poll", do_poll },
	{ "epoll", do_epoll },
	{ "unread", do_unread },
	{ "tally", do_tally },
	{ "shared", do_shared },
	{ "pass-fd", do_pass_fd },
	{ "hold-fd", do_hold_fd },
	{ "hold-hwdep", do_hold_hwdep },
	{ "hold-control", do_hold_control },
	{ "hold-proc", do_hold_proc },
	{ "hold-command", do_hold_command },
	{ "hold-question", do_hold_question },
	{ "command-asleep", do_command_asleep },
	{ "three-commands", do_three_commands },
	{ "come-and-go", do_come_and_go },
	{ "info", do_info },
};

/* A card whose driver knows nothing of audio modules: no device to ask, and no ioctl of ours. */
static int do_plain(const char *card)
{
	static const struct {
		const char *name;
		unsigned long request;
	} ioctls[] = {
		{ "INFO", SND_AUDIO_MODULE_IOCTL_INFO },
		{ "LIST", SND_AUDIO_MODULE_IOCTL_LIST },
		{ "COMMAND", SND_AUDIO_MODULE_IOCTL_COMMAND },
		{ "SUBSCRIBE", SND_AUDIO_MODULE_IOCTL_SUBSCRIBE },
	};
	int hwdep = hwdep_open(atoi(card));
	char path[32];
	int control;
	size_t i;

	snprintf(path, sizeof(path), "/dev/snd/controlC%d", atoi(card));
	control = open(path, O_RDWR | O_CLOEXEC);
	if (control < 0)
		die(path, 0);
	say("hwdep %s", hwdep < 0 ? strerrorname_np(-hwdep) : "is there");
	memset(buffer, 0, sizeof(buffer));
	for (i = 0; i < sizeof(ioctls) / sizeof(ioctls[0]); i++)
		say("%s %s", ioctls[i].name, ioctl(control, ioctls[i].request, buffer) ?
		    strerrorname_np(errno) : "success");
	close(control);
	return 0;
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc == 3 && !strcmp(argv[1], "plain"))
		return do_plain(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "after"))
		return do_after(argv[2], argv[3]);
	for (i = 0; argc == 2 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run();
	fprintf(stderr, "lifetime_helper: see the head of lifetime_helper.c\n");
	return 2;
}
