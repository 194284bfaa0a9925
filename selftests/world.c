// SPDX-License-Identifier: GPL-2.0
/*
 * A bus and a daemon for a test; see world.h.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest.h"
#include "world.h"

#define ROOT	"/org/audiomodule1"

/* ------------------------------------------------------------------ processes */

/* A program that does not outlive the test, its messages in a file of the world's directory. */
static pid_t start(const struct world *world, const char *const *arguments)
{
	char path[64];
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s/%s.log", world->directory, arguments[0]);
	dup2(open(path, O_WRONLY | O_CREAT | O_APPEND, 0600), STDOUT_FILENO);
	dup2(STDOUT_FILENO, STDERR_FILENO);
	execvp(arguments[0], (char *const *)arguments);
	_exit(127);
}

int stop(pid_t *pid, int signal)
{
	int status = -1;

	if (*pid <= 0)
		return -1;
	kill(*pid, signal);
	kill(*pid, SIGCONT);
	waitpid(*pid, &status, 0);
	*pid = 0;
	return status;
}

bool alive(pid_t pid)
{
	return pid > 0 && waitpid(pid, NULL, WNOHANG) == 0;
}

pid_t start_daemon(const struct world *world)
{
	char bus[80];
	const char *const arguments[] = { "audiomoduled", bus, NULL };

	snprintf(bus, sizeof(bus), "--bus=%s", world->address);
	return start(world, arguments);
}

/*
 * The system's own configuration, but for what would start daemons by itself, and for the limit of
 * connections, which a test of ours needs to pass.
 */
static int write_configuration(const struct world *world)
{
	char command[1024];

	snprintf(command, sizeof(command), "sed -e '/<standard_system_servicedirs/d'"
		 " -e 's|>system.d<|>/usr/share/dbus-1/system.d<|'"
		 " -e 's|</busconfig>|<limit name=\"max_connections_per_user\">1000</limit>%s&|'"
		 " /usr/share/dbus-1/system.conf >%s/bus.conf && chmod 755 %s",
		 world->configuration ?: "", world->directory, world->directory);
	return system(command) ? -EIO : 0;
}

static pid_t start_bus(const struct world *world)
{
	char file[64], address[80];
	const char *const arguments[] = {
		"dbus-daemon", file, address, "--nofork", "--nopidfile", "--nosyslog", NULL
	};

	snprintf(file, sizeof(file), "--config-file=%s/bus.conf", world->directory);
	snprintf(address, sizeof(address), "--address=%s", world->address);
	return start(world, arguments);
}

int list_again(struct world *world)
{
	audiomodule_list_free(world->list);
	return audiomodule_bus_list(world->bus, &world->list);
}

/* ------------------------------------------------------------------ a world */

/* The library's connection was there before the daemon. */
static int await_daemon(struct world *world)
{
	struct audiomodule_bus_event event;

	if (!eventually(!list_again(world)))
		return -EHOSTUNREACH;
	/* We are told that it came; that is not what tests wait for. */
	while (audiomodule_bus_next(world->bus, &event) == 1)
		;
	return 0;
}

int world_connect(struct world *world)
{
	world->bus_daemon = start_bus(world);
	audiomodule_bus_close(world->bus);
	/* The daemon does not wait for a bus that is not there yet. */
	if (!eventually(!audiomodule_bus_open(world->address, &world->bus)))
		return -ECONNREFUSED;
	world->daemon = start_daemon(world);
	return await_daemon(world);
}

int world_begin(struct world *world, const char *parameters)
{
	int err = machine_begin(&world->machine, parameters);

	if (err)
		return err;
	world->card = card_find();
	strcpy(world->directory, "/tmp/audiomodule.XXXXXX");
	if (!mkdtemp(world->directory))
		return -errno;
	snprintf(world->address, sizeof(world->address), "unix:path=%s/bus", world->directory);
	snprintf(world->speaker, sizeof(world->speaker), ROOT "/card%d/Speaker", world->card);
	snprintf(world->headphones, sizeof(world->headphones), ROOT "/card%d/Headphones",
		 world->card);
	err = write_configuration(world);
	if (err)
		return err;
	return world_connect(world);
}

static void remove_directory(const char *directory)
{
	static const char *const names[] = {
		"bus", "bus.conf", "dbus-daemon.log", "audiomoduled.log"
	};
	char path[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

int world_end(struct world *world)
{
	bool was_alive = alive(world->daemon);
	int status, err;

	audiomodule_list_free(world->list);
	audiomodule_bus_close(world->bus);
	status = stop(&world->daemon, SIGTERM);
	stop(&world->bus_daemon, SIGTERM);
	remove_directory(world->directory);
	err = machine_end(&world->machine);
	if (err)
		return err;
	return was_alive && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

static int open_now(pid_t process)
{
	char path[64];
	int count = -2;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", process);
	directory = opendir(path);
	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

/* It opens the folder of devices, and a card, for a moment when something may have changed there. */
int daemon_fds(const struct world *world)
{
	int least = open_now(world->daemon);
	unsigned int i;

	for (i = 0; i < 20; i++) {
		usleep(10 * 1000);
		least = MIN(least, open_now(world->daemon));
	}
	return least;
}

/* Numbers need not be used without a gap. */
static int number_behind_free(pid_t process, int more)
{
	int number;

	for (number = 0; more > 0; number++) {
		char path[64], target[1];

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", process, number);
		more -= readlink(path, target, sizeof(target)) < 0;
	}
	return number;
}

/* What it has open for a moment will be free. */
int limit_daemon_fds(const struct world *world, int more, struct rlimit *old)
{
	int number = number_behind_free(world->daemon, more);
	struct rlimit limit;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		usleep(10 * 1000);
		number = MIN(number, number_behind_free(world->daemon, more));
	}
	if (prlimit(world->daemon, RLIMIT_NOFILE, NULL, old))
		return -errno;
	limit = *old;
	limit.rlim_cur = number;
	return prlimit(world->daemon, RLIMIT_NOFILE, &limit, NULL) ? -errno : 0;
}

/* Of its threads, only one that sends a command sleeps so for long. */
static bool a_thread_is_blocked(pid_t process)
{
	struct dirent *entry;
	bool blocked = false;
	char path[64];
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	directory = opendir(path);
	while (directory && !blocked && (entry = readdir(directory)))
		blocked = thread_state(process, atoi(entry->d_name)) == 'D';
	if (directory)
		closedir(directory);
	return blocked;
}

bool handler_runs(pid_t process)
{
	/* And not just on its way there. */
	return eventually(a_thread_is_blocked(process) && !usleep(100000) &&
			  a_thread_is_blocked(process));
}

int unload_driver(void)
{
	uint64_t begin = milliseconds();
	int took;

	do {
		int err = syscall(SYS_delete_module, "snd_audio_module_virtual", O_NONBLOCK);

		took = milliseconds() - begin;
		if (!err)
			return took;
		usleep(1000);
	} while (took < PROMPT_MS);
	return -1;
}
