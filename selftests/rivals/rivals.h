/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rivals, as the hook knows them
 */
#ifndef RIVALS_H
#define RIVALS_H

#include <linux/types.h>

#include "names.h"

/**
 * struct rival - a way to notify programs
 * @name: for the hook
 * @init: makes what it needs, may be NULL
 * @exit: takes that back, may be NULL
 * @most: bytes of the longest value that it can send
 * @send: sends so many values of @size bytes, a multiple of 8: @payload, whose first word becomes
 *	the number, which counts on from @number; one caller at a time
 */
struct rival {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
	u32 most;
	void (*send)(u64 *payload, u32 size, u64 number, u32 count);
};

extern const struct rival rival_control;
extern const struct rival rival_netlink;
extern const struct rival rival_evdev_4;
extern const struct rival rival_evdev;

#endif
