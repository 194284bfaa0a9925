/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The virtual card, a bus of the test's own with the system's configuration and the policy that is
 * installed, and an audiomoduled on it: what the tests that need all three share.
 */
#ifndef WORLD_H
#define WORLD_H

#include <sys/resource.h>
#include <unistd.h>
#include <audiomodule-bus.h>

#include "audio_module_test.h"

/* What must come has come by then, on the slowest machine; */
#define PATIENCE_MS	(20000 * slowness())
/* what waits for user space would wait for ever. */
#define PROMPT_MS	(10000 * slowness())

/**
 * struct world - the bus, the daemon and the card that a test works with
 * @machine: what was loaded before
 * @card: number of the virtual card
 * @configuration: of the bus, what it has besides the system's; NULL: nothing
 * @directory: for the bus
 * @address: of the bus
 * @bus_daemon: its process
 * @daemon: audiomoduled's; 0: it was stopped
 * @bus: a connection of the library's
 * @list: what the daemon said last
 * @speaker: object of the card's first endpoint
 * @headphones: and of its second
 */
struct world {
	struct machine machine;
	int card;
	const char *configuration;
	char directory[32];
	char address[64];
	pid_t bus_daemon;
	pid_t daemon;
	struct audiomodule_bus *bus;
	struct audiomodule_list *list;
	char speaker[48];
	char headphones[48];
};

/*
 * world_begin() loads the modules with these parameters and starts bus and daemon; world_end() ends
 * all that: -ECHILD: the daemon died or did not end well; -EBUSY: something was left behind.
 */
int world_begin(struct world *world, const char *parameters);
int world_end(struct world *world);

/* Start bus and daemon once more, after both were stopped. */
int world_connect(struct world *world);

/* Ask the daemon anew what there is. */
int list_again(struct world *world);

/* Start an audiomoduled on the bus: its process. */
pid_t start_daemon(const struct world *world);

/* How many files the daemon keeps open: the fewest within 200 ms. */
int daemon_fds(const struct world *world);

/* Let the daemon open so many more files, and none besides: 0, and the limit that it had. */
int limit_daemon_fds(const struct world *world, int more, struct rlimit *old);

/* Wait until a command that the process sends is in the handler, which sleeps: false: it is not. */
bool handler_runs(pid_t process);

/*
 * Unload the virtual driver: how many milliseconds it took, -1 when it cannot be soon. The daemon
 * answers a request and then closes the card.
 */
int unload_driver(void);

/* End a process, if it did not end by itself: its wait status. */
int stop(pid_t *pid, int signal);
bool alive(pid_t pid);

/* Wait until the condition holds: true, or false after so many milliseconds. */
#define eventually_within(ms, condition) ({ \
	uint64_t eventually_end = milliseconds() + (ms); \
	bool eventually_held; \
	while (!(eventually_held = (condition)) && milliseconds() < eventually_end) \
		usleep(5000); \
	eventually_held; \
})

#define eventually(condition) eventually_within(PATIENCE_MS, condition)

#endif /* WORLD_H */
