/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what the processes of a crowd share: who sends, and those that are told. Each client writes
 * down what became of each notification, in memory that the sender reads at any time, also after
 * the client was killed.
 */
#ifndef CROWD_H
#define CROWD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "audio_module_test.h"

#define SENT_SIZE	976	/* bytes of a notification, with its identity */
#define RECORD_SIZE	1024	/* of its record */

enum way { BY_SIGNALS, BY_FD };

/* What became of a notification. */
enum { UNTOLD, RECEIVED, LOST };

/**
 * struct client - one of the crowd, as it says itself
 * @way: how it is told
 * @pid: its process, 0 once it was killed on purpose
 * @ready: it is subscribed
 * @start: the sequence before the first that it will be told of
 * @last: the last one that it was told of
 * @received: notifications
 * @lost: those that it was told are lost
 * @ranges: in so many parts
 * @twice: notifications that it was told of before
 * @misplaced: those behind one that comes later, or that nobody can have sent
 * @corrupt: those with other bytes than were sent under that sequence
 * @returned: how often it saw the daemon come back
 * @trouble: why it could not go on, or empty
 * @what: of each notification behind @start
 */
struct client {
	enum way way;
	pid_t pid;
	volatile bool ready;
	uint64_t start;
	volatile uint64_t last;
	uint64_t received;
	uint64_t lost;
	uint64_t ranges;
	uint64_t twice;
	uint64_t misplaced;
	uint64_t corrupt;
	unsigned int returned;
	char trouble[160];
	uint8_t *what;
};

/**
 * struct crowd - who they are and where they meet
 * @address: of the bus
 * @endpoint: object of the endpoint
 * @card: its number
 * @most: notifications that there are bytes for in each client's @what
 * @end: a pipe that nobody writes to: when it is closed, the clients have heard enough
 */
struct crowd {
	const char *address;
	char endpoint[48];
	int card;
	uint64_t most;
	int end[2];
};

/* Be a client, until the end: an exit status. */
int client_run(const struct crowd *crowd, struct client *client);

/* Misbehave, until killed. Returns only when it cannot. */
struct rude {
	const char *name;
	void (*run)(const struct crowd *crowd);
};

/* A connection to the bus without our library; NULL: none. */
sd_bus *crowd_connect(const char *address);

#define RUDE	4
extern const struct rude rude[RUDE];

#endif /* CROWD_H */
