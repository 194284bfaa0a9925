// SPDX-License-Identifier: GPL-2.0
/*
 * Rivals of ALSA audio modules: events of an input device
 *
 * DOC: The idea
 *
 * An input event has room for 4 bytes. evdev_4 sends one event and the SYN that ends the packet:
 * the cheapest there is, but those 4 bytes (the value's number) are all that it carries. evdev
 * sends a value as one event for each 4 bytes and a SYN.
 */

#include <linux/input.h>
#include <linux/module.h>

#include "rivals.h"

#define BYTES_MOST	512
#define EVENTS_MOST	(BYTES_MOST / sizeof(u32))

static struct input_dev *device;

static void evdev_send_4(u64 *payload, u32 size, u64 number, u32 count)
{
	for (; count; count--, number++) {
		input_event(device, EV_MSC, MSC_RAW, number);
		input_sync(device);
	}
}

static void evdev_send(u64 *payload, u32 size, u64 number, u32 count)
{
	const u32 *words = (const u32 *)payload;
	size_t i;

	for (; count; count--, number++) {
		payload[0] = number;
		for (i = 0; i < size / sizeof(u32); i++)
			input_event(device, EV_MSC, MSC_RAW, words[i]);
		input_sync(device);
	}
}

static int evdev_init(void)
{
	int err;

	device = input_allocate_device();
	if (!device)
		return -ENOMEM;
	device->name = RIVAL_INPUT;
	device->id.bustype = BUS_VIRTUAL;
	input_set_capability(device, EV_MSC, MSC_RAW);
	/* The longest packet in one piece: readers then have room for 8 such packets or more. */
	input_set_events_per_packet(device, EVENTS_MOST + 1);
	err = input_register_device(device);
	if (err)
		input_free_device(device);
	return err;
}

static void evdev_exit(void)
{
	input_unregister_device(device);
}

const struct rival rival_evdev_4 = {
	.name = "evdev_4",
	.init = evdev_init,
	.exit = evdev_exit,
	.most = RIVAL_SIZE_LEAST,
	.send = evdev_send_4,
};

/* Of the same device. */
const struct rival rival_evdev = {
	.name = "evdev",
	.most = BYTES_MOST,
	.send = evdev_send,
};
