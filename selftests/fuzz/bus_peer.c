// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: the D-Bus specification's wire format, as much of it as a header needs.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus_peer.h"

#define HEADER_MOST	4096

/* Codes of a header's fields */
enum { PATH = 1, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE, FDS };

/* ---- Writing ---- */

struct header {
	uint8_t bytes[HEADER_MOST];
	size_t size;
};

static void put(struct header *header, const void *bytes, size_t size)
{
	require(header->size + size <= sizeof(header->bytes));
	memcpy(header->bytes + header->size, bytes, size);
	header->size += size;
}

static void put32(struct header *header, uint32_t value)
{
	put(header, &value, sizeof(value));
}

static void align(struct header *header)
{
	static const uint8_t zeroes[8];

	put(header, zeroes, (8 - header->size % 8) % 8);
}

/* A field's code and its value's type; each begins at a multiple of 8. */
static void put_field(struct header *header, uint8_t code, char type)
{
	const uint8_t begin[] = { code, 1, (uint8_t)type, 0 };

	align(header);
	put(header, begin, sizeof(begin));
}

static void put_text(struct header *header, uint8_t code, char type, const char *text)
{
	if (!text || !*text)
		return;
	put_field(header, code, type);
	if (type == 'g')
		put(header, &(uint8_t) { (uint8_t)strlen(text) }, 1);
	else
		put32(header, (uint32_t)strlen(text));
	put(header, text, strlen(text) + 1);
}

static void put_number(struct header *header, uint8_t code, uint32_t number)
{
	if (number == 0)
		return;
	put_field(header, code, 'u');
	put32(header, number);
}

static void put_header(struct header *header, const struct message *message, uint32_t serial)
{
	const uint8_t begin[] = { 'l', message->type, message->flags, 1 };
	const size_t fields_at = 16;
	uint32_t fields_size;

	put(header, begin, sizeof(begin));
	put32(header, (uint32_t)message->body_size);
	put32(header, serial);
	put32(header, 0);
	put_text(header, PATH, 'o', message->path);
	put_text(header, INTERFACE, 's', message->interface);
	put_text(header, MEMBER, 's', message->member);
	put_text(header, ERROR_NAME, 's', message->error);
	put_number(header, REPLY_SERIAL, message->reply_to);
	/* sd-bus hands no call to an object that is not sent to somebody. */
	put_text(header, DESTINATION, 's', message->type == MESSAGE_SIGNAL ? NULL : ":1.9");
	put_text(header, SENDER, 's', message->sender);
	put_text(header, SIGNATURE, 'g', message->signature);
	put_number(header, FDS, message->has_fd);
	fields_size = (uint32_t)(header->size - fields_at);
	memcpy(header->bytes + fields_at - sizeof(fields_size), &fields_size, sizeof(fields_size));
	align(header);
}

static void add_fd(struct msghdr *call, void *control, size_t size)
{
	struct cmsghdr *with;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	call->msg_control = control;
	call->msg_controllen = size;
	with = CMSG_FIRSTHDR(call);
	*with = (struct cmsghdr) {
		.cmsg_len = CMSG_LEN(sizeof(fd)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(with), &fd, sizeof(fd));
}

static void close_fd(const struct msghdr *call)
{
	int fd;

	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(call)), sizeof(fd));
	close(fd);
}

bool peer_send(struct peer *peer, const struct message *message)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = "";
	struct header header = { .size = 0 };
	struct iovec pieces[] = {
		{ header.bytes, 0 }, { (void *)message->body, message->body_size },
	};
	struct msghdr call = { .msg_iov = pieces, .msg_iovlen = 2 };
	ssize_t sent;

	put_header(&header, message, ++peer->serial);
	pieces[0].iov_len = header.size;
	if (message->has_fd)
		add_fd(&call, control, sizeof(control));
	sent = sendmsg(peer->fd, &call, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (message->has_fd)
		close_fd(&call);
	return sent == (ssize_t)(header.size + message->body_size);
}

/* ---- A connection ---- */

static void send_hello(struct peer *peer)
{
	static const char words[] =
		"DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n";
	static const uint8_t name[] = { 4, 0, 0, 0, ':', '1', '.', '9', 0 };
	const struct message hello = {
		.type = MESSAGE_RETURN,
		.reply_to = 1,
		.sender = "org.freedesktop.DBus",
		.signature = "s",
		.body = name,
		.body_size = sizeof(name),
	};

	require(write(peer->fd, words, strlen(words)) == (ssize_t)strlen(words));
	require(peer_send(peer, &hello));
}

void peer_open(struct peer *peer)
{
	int ends[2];

	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	*peer = (struct peer) { .fd = ends[1] };
	require(sd_bus_new(&peer->bus) >= 0);
	require(sd_bus_set_fd(peer->bus, ends[0], ends[0]) >= 0);
	require(sd_bus_set_bus_client(peer->bus, 1) >= 0);
	require(sd_bus_negotiate_fds(peer->bus, 1) >= 0);
	require(sd_bus_start(peer->bus) >= 0);
	send_hello(peer);
}

void peer_close(struct peer *peer)
{
	sd_bus_close_unref(peer->bus);
	close(peer->fd);
}

void peer_end(struct peer *peer)
{
	shutdown(peer->fd, SHUT_WR);
}

/* ---- Reading what sd-bus wrote, which is well-formed ---- */

static uint32_t get32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static size_t aligned(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

/* The value of a field, whose begin is at @fields + @at; where the next one is. */
static size_t read_field(const uint8_t *fields, size_t at, struct answer *one)
{
	const uint8_t code = fields[at];
	const char type = (char)fields[at + 2];

	at += 4;
	if (type == 'u') {
		if (code == REPLY_SERIAL)
			one->reply_to = get32(fields + at);
		return at + 4;
	}
	if (type == 'g')
		return at + fields[at] + 2;
	if (code == ERROR_NAME)
		snprintf(one->error, sizeof(one->error), "%s", (const char *)fields + at + 4);
	if (code == MEMBER)
		snprintf(one->asked, sizeof(one->asked), "%s", (const char *)fields + at + 4);
	return at + get32(fields + at) + 5;
}

static void read_message(const uint8_t *bytes, struct answer *answer)
{
	struct answer one = { .type = bytes[1] };
	const size_t size = get32(bytes + 12);

	for (size_t at = 0; at < size; at = aligned(at, 8))
		at = read_field(bytes + 16, at, &one);
	if (one.type == MESSAGE_CALL) {
		answer->question = get32(bytes + 8);
		memcpy(answer->asked, one.asked, sizeof(one.asked));
	}
	if (one.reply_to != answer->reply_to || one.type == MESSAGE_CALL)
		return;
	answer->count++;
	answer->type = one.type;
	memcpy(answer->error, one.error, sizeof(one.error));
}

static size_t message_size(const uint8_t *bytes)
{
	return 16 + aligned(get32(bytes + 12), 8) + get32(bytes + 4);
}

/* What sd-bus says before its first message ends with this. */
static size_t skip_words(const uint8_t *bytes, size_t size)
{
	static const char end[] = "BEGIN\r\n";
	const uint8_t *found = size > 0 && bytes[0] == 0 ? memmem(bytes, size, end, strlen(end)) :
			       NULL;

	return found ? (size_t)(found - bytes) + strlen(end) : 0;
}

void peer_receive(struct peer *peer, struct answer *answer)
{
	static uint8_t bytes[1 << 20];
	ssize_t size = recv(peer->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	size_t at, end = size > 0 ? (size_t)size : 0;

	for (at = skip_words(bytes, end); at + 16 <= end; at += message_size(bytes + at)) {
		require(bytes[at] == 'l' && message_size(bytes + at) <= end - at);
		read_message(bytes + at, answer);
	}
	require(at == end || size < 0);
}

void input_body(struct input *input, struct message *message, char signature[256])
{
	input_array(input, signature, 255);
	signature[255] = 0;
	message->signature = signature;
	message->body_size = input_number(input, 2);
	message->body = input_take(input, &message->body_size);
}
