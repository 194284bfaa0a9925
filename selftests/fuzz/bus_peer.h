/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: the other end of a connection of sd-bus: it says what dbus-daemon says at a connection's
 * begin, then sends messages whose header is made here and whose signature and body may be any
 * bytes. That is what a bus lets through, and more: a real one looks at bodies, too.
 */
#ifndef AUDIO_MODULE_FUZZ_BUS_PEER_H
#define AUDIO_MODULE_FUZZ_BUS_PEER_H

#include <systemd/sd-bus.h>

#include "fuzz.h"

/* Type of a message, and codes of fields of its header, as the D-Bus specification numbers them. */
enum { MESSAGE_CALL = 1, MESSAGE_RETURN, MESSAGE_ERROR, MESSAGE_SIGNAL };

/* Flags */
#define MESSAGE_NO_REPLY	0x1
#define MESSAGE_INTERACTIVE	0x4

struct peer {
	sd_bus *bus;		/* the end that is tested */
	int fd;			/* ours */
	uint32_t serial;	/* of the last message sent by us */
};

struct message {
	uint8_t type;
	uint8_t flags;
	uint32_t reply_to;		/* 0: none; so are the NULLs below */
	const char *path;
	const char *interface;
	const char *member;
	const char *error;
	const char *sender;
	const char *signature;		/* "": none */
	const uint8_t *body;
	size_t body_size;
	bool has_fd;			/* one goes with it */
};

/* What came back, of which peer_receive() keeps the one that answers @reply_to. */
struct answer {
	uint32_t reply_to;
	unsigned int count;
	uint8_t type;
	char error[256];		/* its name, when it is one */
	uint32_t question;		/* serial of a call that was made meanwhile; 0: none */
	char asked[256];		/* its member */
};

void peer_open(struct peer *peer);
void peer_close(struct peer *peer);

/* False: there is no room for so much. */
bool peer_send(struct peer *peer, const struct message *message);

/* Nothing more comes: whoever waits for an answer is told so. */
void peer_end(struct peer *peer);

/* All that is there now. */
void peer_receive(struct peer *peer, struct answer *answer);

/* A message's signature and body from the input: text, a length of two bytes, bytes. */
void input_body(struct input *input, struct message *message, char signature[256]);

#endif /* AUDIO_MODULE_FUZZ_BUS_PEER_H */
