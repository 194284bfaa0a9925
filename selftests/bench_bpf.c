// SPDX-License-Identifier: GPL-2.0
/*
 * The rival in kind: a BPF ring buffer with a reader that uses libbpf and epoll. Its sender is a
 * program that copies a value into the ring, run by the kernel as often as asked for:
 * no time, no sequence, one reader, and what does not fit is dropped without a word to the reader.
 *
 * "bpf_same" gives the reader what our record has: as many bytes, with a time, copied to where they
 * stay when the ring goes on, as all our readers get them.
 */

#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include "bench.h"
#include "bench_rivals.h"

/* As large as our journal is by default. */
#define RING_SIZE	(1 << 20)

/* Bytes of our record with a value of so many. */
#define SAME_SIZE(size)	(48 + 40 + (size))

static struct ring_buffer *reader;
static int ring = -1;
static int value = -1;		/* an array with the value that is sent */
static int value_size;		/* its bytes; the senders are for these */
static int sender = -1;		/* a program that sends it */
static int same_sender = -1;	/* one that sends SAME_SIZE bytes with a time */
static int idler = -1;		/* a program that does nothing */

static int program_load(const struct bpf_insn *instructions, size_t count)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "bench", "GPL", instructions, count,
			       NULL);

	if (fd < 0)
		fail("BPF program");
	return fd;
}

#define MOVE(to, number)	{ BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, number }
#define LOAD(to, kind, fd)	{ BPF_LD | BPF_DW | BPF_IMM, to, kind, 0, fd }, { 0, 0, 0, 0, 0 }
#define STORE(at, from)		{ BPF_STX | BPF_DW | BPF_MEM, at, from, 0, 0 }
#define CALL(function)		{ BPF_JMP | BPF_CALL, 0, 0, 0, function }
#define EXIT			{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 }

static int sender_load(void)
{
	const struct bpf_insn instructions[] = {
		LOAD(BPF_REG_1, BPF_PSEUDO_MAP_FD, ring),
		LOAD(BPF_REG_2, BPF_PSEUDO_MAP_VALUE, value),
		MOVE(BPF_REG_3, value_size),
		MOVE(BPF_REG_4, 0),
		CALL(BPF_FUNC_ringbuf_output),
		MOVE(BPF_REG_0, 0),
		EXIT,
	};

	return program_load(instructions, sizeof(instructions) / sizeof(instructions[0]));
}

static int same_sender_load(void)
{
	const struct bpf_insn instructions[] = {
		LOAD(BPF_REG_6, BPF_PSEUDO_MAP_VALUE, value),
		CALL(BPF_FUNC_ktime_get_ns),
		STORE(BPF_REG_6, BPF_REG_0),
		LOAD(BPF_REG_1, BPF_PSEUDO_MAP_FD, ring),
		LOAD(BPF_REG_2, BPF_PSEUDO_MAP_VALUE, value),
		MOVE(BPF_REG_3, SAME_SIZE(value_size)),
		MOVE(BPF_REG_4, 0),
		CALL(BPF_FUNC_ringbuf_output),
		MOVE(BPF_REG_0, 0),
		EXIT,
	};

	return program_load(instructions, sizeof(instructions) / sizeof(instructions[0]));
}

static int idler_load(void)
{
	const struct bpf_insn instructions[] = { MOVE(BPF_REG_0, 0), EXIT };

	return program_load(instructions, sizeof(instructions) / sizeof(instructions[0]));
}

static int map_create(enum bpf_map_type type, int key_size, int value_size, int entries)
{
	int fd = bpf_map_create(type, "bench", key_size, value_size, entries, NULL);

	if (fd < 0)
		fail("BPF map");
	return fd;
}

static int take(void *context, void *data, size_t size)
{
	return 0;
}

/* As our own reader copies, which is faster here than memcpy(). */
static int take_same(void *context, void *data, size_t size)
{
	struct block {
		uint64_t words[16];
	} *to, *block = data;
	static uint64_t record[SAME_SIZE(RIVAL_SIZE_MOST) / sizeof(uint64_t)];
	uint64_t *word, *rest;

	if (size > sizeof(record))
		return -EMSGSIZE;
	for (to = (void *)record; size >= sizeof(*block); size -= sizeof(*block))
		*to++ = *block++;
	for (word = (void *)block, rest = (void *)to; size; size -= sizeof(*word))
		*rest++ = *word++;
	__asm__ volatile("" : : "m"(record));
	return 0;
}

/* The ring is there before its readers, and stays when a reader is a process of its own. */
static void ring_open(void)
{
	ring = map_create(BPF_MAP_TYPE_RINGBUF, 0, 0, RING_SIZE);
	value = map_create(BPF_MAP_TYPE_ARRAY, sizeof(int), SAME_SIZE(RIVAL_SIZE_MOST), 1);
	idler = idler_load();
}

/* A program sends values of one size. */
static void prepare(int size)
{
	if (ring < 0)
		ring_open();
	if (size == value_size)
		return;
	if (value_size) {
		close(sender);
		close(same_sender);
	}
	value_size = size;
	sender = sender_load();
	same_sender = same_sender_load();
}

static void run(int program, int count)
{
	char packet[ETH_HLEN] = "";
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet,
		    .data_size_in = sizeof(packet), .repeat = count);

	if (bpf_prog_test_run_opts(program, &options))
		fail("BPF_PROG_TEST_RUN");
}

void bpf_send(const struct rival *rival, int count)
{
	prepare(rival->size);
	run(sender, count);
}

void bpf_same_send(const struct rival *rival, int count)
{
	prepare(rival->size);
	run(same_sender, count);
}

void bpf_idle(const struct rival *rival, int count)
{
	run(idler, count);
}

static int reader_open(const struct rival *rival, ring_buffer_sample_fn function)
{
	prepare(rival->size);
	reader = ring_buffer__new(ring, function, NULL, NULL);
	if (!reader)
		fail("ring_buffer__new");
	return ring_buffer__epoll_fd(reader);
}

int bpf_open(const struct rival *rival, bool large)
{
	return reader_open(rival, take);
}

int bpf_same_open(const struct rival *rival, bool large)
{
	return reader_open(rival, take_same);
}

int bpf_read(struct rival *rival, int fd)
{
	return ring_buffer__poll(reader, 0);
}

void bpf_close(void)
{
	ring_buffer__free(reader);
}
