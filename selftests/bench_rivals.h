/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bench_rivals.c knows of a rival.
 */
#ifndef BENCH_RIVALS_H
#define BENCH_RIVALS_H

#include <stdbool.h>

#include "rivals/names.h"

/**
 * struct rival - one way to be told
 * @name: in the figures, and in the hook of the rivals' module
 * @most: bytes of the longest value that it carries
 * @portion: how many values at most are sent before they are read
 * @sleepers: how many readers can sleep until something comes to their fd
 * @send: send so many values of @size bytes
 * @idle: what sending so many values costs besides the values
 * @open: a reader: an fd that does not block; @large: with a queue for a portion, where it can ask
 * @read: take what there is at once: how many values; 0: there is none
 * @close: end the reader; NULL: its fd is all there is
 * @size: bytes of a value now
 * @reports: how often the last reader was told that something is missing
 */
struct rival {
	const char *name;
	int most;
	int portion;
	int sleepers;
	void (*send)(const struct rival *rival, int count);
	void (*idle)(const struct rival *rival, int count);
	int (*open)(const struct rival *rival, bool large);
	int (*read)(struct rival *rival, int fd);
	void (*close)(void);
	int size;
	int reports;
};

/* bench_bpf.c: a BPF ring buffer, read with libbpf; and the same with what our record has. */
void bpf_send(const struct rival *rival, int count);
void bpf_same_send(const struct rival *rival, int count);
void bpf_idle(const struct rival *rival, int count);
int bpf_open(const struct rival *rival, bool large);
int bpf_same_open(const struct rival *rival, bool large);
int bpf_read(struct rival *rival, int fd);
void bpf_close(void);

/* bench_dbus.c: a D-Bus signal, through the daemon of the session bus. */
void dbus_send(const struct rival *rival, int count);
void dbus_idle(const struct rival *rival, int count);
int dbus_open(const struct rival *rival, bool large);
int dbus_read(struct rival *rival, int fd);
void dbus_close(void);

#endif /* BENCH_RIVALS_H */
