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
 * @send: sends so many values, the first of which has this number; one caller at a time
 */
struct rival {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
	void (*send)(u64 number, u32 count);
};

extern const struct rival rival_control;
extern const struct rival rival_netlink;
extern const struct rival rival_evdev_4;
extern const struct rival rival_evdev_64;

#endif
