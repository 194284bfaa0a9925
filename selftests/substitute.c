// SPDX-License-Identifier: GPL-2.0
/*
 * libaudiomodule-bus with a substitute of audiomoduled, which answers as a test tells it, with an
 * error, or not at all; and with an audiomoduled that the bus starts. Each test has a bus of its
 * own. There is no card, so these need neither the kernel's modules nor root.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <audiomodule-bus.h>
#include <sound/audio_module.h>
#include <systemd/sd-bus.h>

#include "kselftest_harness.h"
#include "audio_module_test.h"
#include "world.h"

#define NAME		"org.audiomodule1"
#define ROOT		"/org/audiomodule1"
#define ENDPOINT	"org.audiomodule1.Endpoint"
#define ERROR		"org.audiomodule1.Error."
#define JOURNAL_ID	UINT64_C(7)
#define IDLE_MS		(1000 * slowness())

/* ------------------------------------------------------------------ a bus */

struct stage {
	char directory[32];
	char address[64];
	pid_t bus_daemon;
	pid_t daemon;
	sd_bus *bus;
	int *lists;		/* how many were asked for */
};

static int write_file(const struct stage *stage, const char *name, const char *format, ...)
{
	char path[96];
	va_list arguments;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", stage->directory, name);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	return fclose(file) ? -errno : 0;
}

static pid_t start_bus(const struct stage *stage)
{
	char file[96];
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(file, sizeof(file), "%s/log", stage->directory);
	dup2(open(file, O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
	snprintf(file, sizeof(file), "--config-file=%s/bus.conf", stage->directory);
	execlp("dbus-daemon", "dbus-daemon", file, "--nofork", "--nopidfile", NULL);
	_exit(127);
}

static sd_bus *connect_to(const struct stage *stage)
{
	sd_bus *bus = NULL;

	if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, stage->address) < 0 ||
	    sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0 ||
	    sd_bus_get_unique_name(bus, &(const char *){ NULL }) < 0)
		return sd_bus_unref(bus);
	return bus;
}

static int stage_begin(struct stage *stage)
{
	int err;

	strcpy(stage->directory, "/tmp/audiomodule.XXXXXX");
	if (!mkdtemp(stage->directory))
		return -errno;
	snprintf(stage->address, sizeof(stage->address), "unix:path=%s/bus", stage->directory);
	err = write_file(stage, "bus.conf", "<busconfig><type>session</type><listen>%s</listen>"
			 "<servicedir>%s</servicedir><policy context='default'>"
			 "<allow send_destination='*'/><allow eavesdrop='true'/><allow own='*'/>"
			 "</policy></busconfig>\n", stage->address, stage->directory);
	if (err)
		return err;
	stage->lists = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	stage->bus_daemon = start_bus(stage);
	return eventually((stage->bus = connect_to(stage))) ? 0 : -ECONNREFUSED;
}

static void stage_end(struct stage *stage)
{
	char command[64];

	stop(&stage->daemon, SIGKILL);
	sd_bus_unref(stage->bus);
	stop(&stage->bus_daemon, SIGTERM);
	munmap(stage->lists, sizeof(int));
	snprintf(command, sizeof(command), "rm -r %s", stage->directory);
	if (system(command))
		fprintf(stderr, "# '%s' failed\n", command);
}

/* Who owns audiomoduled's name: a process, 0: nobody. */
static pid_t owner(const struct stage *stage)
{
	sd_bus_message *reply = NULL;
	uint32_t pid = 0;

	if (sd_bus_call_method(stage->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus", "GetConnectionUnixProcessID", NULL, &reply,
			       "s", NAME) >= 0)
		sd_bus_message_read(reply, "u", &pid);
	sd_bus_message_unref(reply);
	return pid;
}

/* ------------------------------------------------------------------ the substitute */

/*
 * A letter for each call, the last one for all that follow.
 * @lists: '0' to '2': so many endpoints; 'f': an error
 * @fds: 'y': one with the notification behind the position that was given; 'b': too many calls;
 *	'd': the substitute dies. For signals 'y', and that one is told as lost; 'b'; or 'o', as 'y',
 *	but the answer comes behind a loss and a removal of before
 */
struct script {
	const char *lists;
	const char *fds;
};

static char next_letter(const char **letters)
{
	return (*letters)[1] ? *(*letters)++ : **letters;
}

static int append_endpoint(sd_bus_message *reply, int index)
{
	static const char *const names[] = { "Speaker", "Headphones" };
	char path[64], device_id[40];

	snprintf(path, sizeof(path), ROOT "/card0/%s", names[index]);
	snprintf(device_id, sizeof(device_id), "00000000-0000-0000-0000-00000000000%d", index);
	return sd_bus_message_append(reply, "{oa{sa{sv}}}", path, 1, ENDPOINT, 5,
				     "DeviceId", "s", device_id, "Name", "s", names[index],
				     "Card", "u", 0, "Index", "u", index,
				     "JournalId", "t", JOURNAL_ID);
}

static int answer_list(sd_bus_message *call, char letter)
{
	sd_bus_message *reply;
	int i;

	if (letter == 'f')
		return sd_bus_reply_method_errorf(call, ERROR "Failed", "As the test wants");
	if (sd_bus_message_new_method_return(call, &reply) < 0 ||
	    sd_bus_message_open_container(reply, 'a', "{oa{sa{sv}}}") < 0)
		return -ENOMEM;
	for (i = 0; i < letter - '0'; i++)
		if (append_endpoint(reply, i) < 0)
			return -ENOMEM;
	sd_bus_message_close_container(reply);
	return sd_bus_send(NULL, reply, NULL);
}

/* Of an option; 0 when it is not there. */
static uint64_t read_sequence(sd_bus_message *call)
{
	uint64_t sequence = 0;
	const char *key;

	if (sd_bus_message_enter_container(call, 'a', "{sv}") < 0)
		return 0;
	while (sd_bus_message_enter_container(call, 'e', "sv") > 0) {
		if (sd_bus_message_read(call, "s", &key) >= 0 && !strcmp(key, "sequence"))
			sd_bus_message_read(call, "v", "t", &sequence);
		else
			sd_bus_message_skip(call, "v");
		sd_bus_message_exit_container(call);
	}
	return sequence;
}

/* What writes to the pipe stays open: the end would be that of the card. */
static int answer_fd(sd_bus_message *call, char letter)
{
	struct snd_audio_module_record record = {
		.size = sizeof(record), .type = SND_AUDIO_MODULE_RECORD_NOTIFICATION,
		.sequence = read_sequence(call) + 1, .notification_id = { 1 },
		.endpoint = 0xffff, .module = 0xffff,
	};
	int fds[2];

	if (letter == 'd')
		_exit(0);
	if (letter == 'b')
		return sd_bus_reply_method_errorf(call, ERROR "TooManyCalls", "As the test wants");
	if (pipe(fds) || write(fds[1], &record, sizeof(record)) != sizeof(record))
		return -errno;
	return sd_bus_reply_method_return(call, "httt", fds[0], JOURNAL_ID, UINT64_C(1),
					  record.sequence);
}

static int tell_lost(sd_bus_message *call, uint64_t sequence)
{
	sd_bus_message *signal = NULL;
	int r = sd_bus_message_new_signal(sd_bus_message_get_bus(call), &signal,
					  sd_bus_message_get_path(call), ENDPOINT,
					  "NotificationsLost");

	if (r >= 0)
		r = sd_bus_message_append(signal, "tt", sequence, sequence);
	if (r >= 0)
		r = sd_bus_message_set_destination(signal, sd_bus_message_get_sender(call));
	if (r >= 0)
		r = sd_bus_send(NULL, signal, NULL);
	sd_bus_message_unref(signal);
	return r;
}

static int answer_subscribe(sd_bus_message *call, char letter)
{
	uint64_t sequence = read_sequence(call);

	if (letter == 'b')
		return sd_bus_reply_method_errorf(call, ERROR "TooManyCalls", "As the test wants");
	if (letter == 'o') {
		tell_lost(call, sequence + 100);
		sd_bus_emit_signal(sd_bus_message_get_bus(call), ROOT,
				   "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved",
				   "oas", sd_bus_message_get_path(call), 1, ENDPOINT);
	}
	sd_bus_reply_method_return(call, "tt", JOURNAL_ID, sequence);
	return tell_lost(call, sequence + 1);
}

static void serve(const struct stage *stage, struct script script)
{
	sd_bus *bus = connect_to(stage);
	sd_bus_message *call = NULL;

	if (!bus || sd_bus_request_name(bus, NAME, 0) < 0)
		_exit(1);
	for (;;) {
		if (sd_bus_process(bus, &call) == 0)
			sd_bus_wait(bus, UINT64_MAX);
		if (sd_bus_message_is_method_call(call, NULL, "GetManagedObjects") > 0) {
			answer_list(call, next_letter(&script.lists));
			__atomic_add_fetch(stage->lists, 1, __ATOMIC_SEQ_CST);
		} else if (sd_bus_message_is_method_call(call, NULL, "AcquireNotifications") > 0) {
			answer_fd(call, next_letter(&script.fds));
		} else if (sd_bus_message_is_method_call(call, NULL, "Subscribe") > 0) {
			answer_subscribe(call, next_letter(&script.fds));
		}
		call = sd_bus_message_unref(call);
	}
}

/* Once it has the name. */
static bool start_substitute(struct stage *stage, const char *lists, const char *fds)
{
	stage->daemon = fork();
	if (!stage->daemon) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(stage, (struct script) { lists, fds });
	}
	return eventually(owner(stage) == stage->daemon);
}

/* ------------------------------------------------------------------ a client of it */

FIXTURE(substitute) {
	struct stage stage;
	struct audiomodule_client *client;
};

FIXTURE_SETUP(substitute)
{
	ASSERT_EQ(0, stage_begin(&self->stage));
	ASSERT_EQ(0, audiomodule_client_new_bus(self->stage.address, &self->client));
}

FIXTURE_TEARDOWN(substitute)
{
	audiomodule_client_free(self->client);
	stage_end(&self->stage);
}

/* The next event of this type or FAILED, past others: its type, 0 when none comes in time. */
static int comes(struct audiomodule_client *client, int type, int timeout_ms,
		 struct audiomodule_event *event)
{
	int r;

	do {
		r = audiomodule_client_wait(client, timeout_ms, event);
	} while (r == 1 && event->type != type && event->type != AUDIOMODULE_EVENT_FAILED);
	return r == 1 ? (int)event->type : r;
}

/* The subscription was there before the endpoint: so notifications are asked for in passing. */
static int subscribe_before(struct stage *stage, struct audiomodule_client *client)
{
	int r;

	if (!start_substitute(stage, "0", "y"))
		return -ETIME;
	r = audiomodule_client_subscribe(client, NULL, NULL, NULL, 1);
	stop(&stage->daemon, SIGKILL);
	return r;
}

TEST_F(substitute, that_dies_when_it_is_asked_for_notifications_is_followed_by_one_that_is_asked)
{
	struct audiomodule_event event;

	ASSERT_EQ(0, subscribe_before(&self->stage, self->client));
	ASSERT_TRUE(start_substitute(&self->stage, "2", "d"));
	ASSERT_EQ(AUDIOMODULE_EVENT_APPEARED,
		  comes(self->client, AUDIOMODULE_EVENT_APPEARED, PATIENCE_MS, &event));
	/* It is asked before they are told; so the client may have told that it is gone, too. */
	ASSERT_TRUE(eventually(!owner(&self->stage)));
	stop(&self->stage.daemon, SIGKILL);
	/* Of two endpoints, one went meanwhile. */
	ASSERT_TRUE(start_substitute(&self->stage, "1", "y"));
	ASSERT_EQ(AUDIOMODULE_EVENT_GONE,
		  comes(self->client, AUDIOMODULE_EVENT_GONE, PATIENCE_MS, &event));
	EXPECT_STREQ("Headphones", event.endpoint->name);
	ASSERT_EQ(AUDIOMODULE_EVENT_NOTIFICATION,
		  comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, PATIENCE_MS, &event));
	EXPECT_EQ(1, event.tag);
	EXPECT_EQ(1, event.record->sequence);
	EXPECT_EQ(0, comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, 500, &event));
}

TEST_F(substitute, that_has_too_many_calls_is_asked_for_notifications_again)
{
	struct audiomodule_event event;
	int i;

	ASSERT_EQ(0, subscribe_before(&self->stage, self->client));
	ASSERT_TRUE(start_substitute(&self->stage, "2", "bbyby"));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(AUDIOMODULE_EVENT_NOTIFICATION,
			  comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, PATIENCE_MS,
				&event)) {
			TH_LOG("error %d", event.error);
		}
		EXPECT_EQ(1, event.record->sequence);
	}
	EXPECT_EQ(0, comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, 500, &event));
}

TEST_F(substitute, that_fails_to_list_when_a_program_subscribes_is_asked_again)
{
	struct audiomodule_event event;

	ASSERT_TRUE(start_substitute(&self->stage, "1f2", "y"));
	ASSERT_EQ(AUDIOMODULE_EVENT_APPEARED,
		  comes(self->client, AUDIOMODULE_EVENT_APPEARED, PATIENCE_MS, &event));
	ASSERT_EQ(-EIO, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 1));
	ASSERT_EQ(AUDIOMODULE_EVENT_APPEARED,
		  comes(self->client, AUDIOMODULE_EVENT_APPEARED, PATIENCE_MS, &event));
	EXPECT_STREQ("Headphones", event.endpoint->name);
}

/* As for a program that has another root by now: the connection that it has goes on. */
TEST_F(substitute, notifications_come_where_no_second_connection_can_be_made)
{
	struct audiomodule_event event;
	char path[96];

	ASSERT_TRUE(start_substitute(&self->stage, "1", "y"));
	ASSERT_EQ(AUDIOMODULE_EVENT_APPEARED,
		  comes(self->client, AUDIOMODULE_EVENT_APPEARED, PATIENCE_MS, &event));
	snprintf(path, sizeof(path), "%s/bus", self->stage.directory);
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(1, audiomodule_client_subscribe(self->client, NULL, NULL, NULL, 1));
	EXPECT_EQ(AUDIOMODULE_EVENT_NOTIFICATION,
		  comes(self->client, AUDIOMODULE_EVENT_NOTIFICATION, PATIENCE_MS, &event));
}

/* Now, in a second, in two more, in four more. */
TEST_F(substitute, that_always_fails_to_list_is_asked_less_and_less)
{
	struct audiomodule_event event;
	uint64_t begin;

	ASSERT_TRUE(start_substitute(&self->stage, "f", "y"));
	begin = milliseconds();
	while (milliseconds() < begin + 4000)
		ASSERT_LE(0, audiomodule_client_wait(self->client, 500, &event));
	EXPECT_LE(2, *self->stage.lists);
	EXPECT_GE(4, *self->stage.lists);
}

/* The sequence of the next that is told as lost; 0: REMOVED, or nothing in time. */
static uint64_t next_lost(struct audiomodule_bus *bus)
{
	uint64_t end = milliseconds() + PATIENCE_MS;
	struct audiomodule_bus_event event;

	while (milliseconds() < end) {
		int r = audiomodule_bus_next(bus, &event);

		if (r == 1 && event.type == AUDIOMODULE_BUS_RECORD)
			return event.record.lost_last;
		if (r == 0)
			usleep(10000);
	}
	return 0;
}

TEST_F(substitute, that_has_too_many_calls_is_asked_for_signals_again)
{
	struct audiomodule_bus *bus;

	ASSERT_TRUE(start_substitute(&self->stage, "1", "y"));
	ASSERT_EQ(0, audiomodule_bus_open(self->stage.address, &bus));
	ASSERT_EQ(0, audiomodule_bus_subscribe(bus, ROOT "/card0/Speaker", NULL, NULL, NULL));
	EXPECT_EQ(1, next_lost(bus));
	stop(&self->stage.daemon, SIGKILL);
	ASSERT_TRUE(start_substitute(&self->stage, "1", "bby"));
	EXPECT_EQ(2, next_lost(bus));
	audiomodule_bus_close(bus);
}

TEST_F(substitute, what_it_told_before_its_answer_is_not_for_the_new_subscription)
{
	struct audiomodule_bus *bus;

	ASSERT_TRUE(start_substitute(&self->stage, "1", "oy"));
	ASSERT_EQ(0, audiomodule_bus_open(self->stage.address, &bus));
	ASSERT_EQ(0, audiomodule_bus_subscribe(bus, ROOT "/card0/Speaker", NULL, NULL, NULL));
	EXPECT_EQ(1, next_lost(bus));
	/* And what comes later is. */
	stop(&self->stage.daemon, SIGKILL);
	ASSERT_TRUE(start_substitute(&self->stage, "1", "y"));
	EXPECT_EQ(2, next_lost(bus));
	audiomodule_bus_close(bus);
}

/* ------------------------------------------------------------------ an audiomoduled that died */

FIXTURE(started) {
	struct stage stage;
	struct audiomodule_client *client;
	struct audiomodule_bus *bus;
};

FIXTURE_VARIANT(started) {
	bool is_client;
};

FIXTURE_VARIANT_ADD(started, client) {
	.is_client = true,
};

FIXTURE_VARIANT_ADD(started, bus) {
	.is_client = false,
};

FIXTURE_SETUP(started)
{
	struct audiomodule_list *list;

	ASSERT_EQ(0, stage_begin(&self->stage));
	ASSERT_EQ(0, write_file(&self->stage, NAME ".service", "[D-BUS Service]\nName=" NAME "\n"
				"Exec=/bin/sh -c 'exec audiomoduled --bus=%s --dev-dir=%s/snd "
				"--exit-idle=%d'\n", self->stage.address, self->stage.directory,
				IDLE_MS / 1000));
	if (variant->is_client) {
		ASSERT_EQ(0, audiomodule_client_new_bus(self->stage.address, &self->client));
		ASSERT_EQ(0, audiomodule_client_list(self->client, &list));
	} else {
		ASSERT_EQ(0, audiomodule_bus_open(self->stage.address, &self->bus));
		ASSERT_EQ(0, audiomodule_bus_list(self->bus, &list));
	}
	audiomodule_list_free(list);
}

FIXTURE_TEARDOWN(started)
{
	audiomodule_client_free(self->client);
	audiomodule_bus_close(self->bus);
	stage_end(&self->stage);
}

/* Lets both work until the end of that time, or until audiomoduled is there: has it been away? */
static bool work(FIXTURE_DATA(started) *self, int timeout_ms, bool until_there)
{
	uint64_t end = milliseconds() + timeout_ms;
	struct audiomodule_bus_event bus_event;
	struct audiomodule_event event;
	bool was_away = false;

	while (milliseconds() < end) {
		if (self->client)
			audiomodule_client_wait(self->client, 50, &event);
		while (self->bus && audiomodule_bus_next(self->bus, &bus_event) == 1)
			;
		if (self->bus && audiomodule_bus_timeout(self->bus))
			usleep(50000);
		was_away |= !owner(&self->stage);
		if (until_there && was_away && owner(&self->stage))
			break;
	}
	return was_away;
}

TEST_F(started, that_died_is_started_again_and_stays_as_long_as_its_client)
{
	pid_t first = owner(&self->stage), second;
	uint64_t begin;

	ASSERT_LT(0, first);
	work(self, 100, false);
	kill(first, SIGKILL);
	begin = milliseconds();
	ASSERT_TRUE(eventually(owner(&self->stage) != first));
	EXPECT_TRUE(work(self, PATIENCE_MS, true));
	second = owner(&self->stage);
	ASSERT_LT(0, second);
	EXPECT_LE(begin + 900, milliseconds());
	EXPECT_FALSE(work(self, 2 * IDLE_MS + 500, false));
	EXPECT_EQ(second, owner(&self->stage));
	/* Nobody wakes what ends for having no client. */
	self->client = audiomodule_client_free(self->client);
	self->bus = audiomodule_bus_close(self->bus);
	EXPECT_TRUE(eventually(!owner(&self->stage)));
	EXPECT_TRUE(work(self, 1500, true));
	EXPECT_EQ(0, owner(&self->stage));
}

TEST_HARNESS_MAIN
