// SPDX-License-Identifier: GPL-2.0
/*
 * Rivals of ALSA audio modules: events of an input device
 *
 * DOC: The idea
 *
 * An input event has room for 4 bytes. evdev_4 sends one event and the SYN that ends the packet:
 * the cheapest there is, but those 4 bytes (the value's number) are all that it carries. evdev_64
 * sends the 64 bytes as 16 events and a SYN.
 */

#include <linux/input.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "rivals.h"

#define EVENTS		(RIVAL_SIZE / sizeof(u32))

static struct input_dev *device;

static void evdev_send_4(u64 number, u32 count)
{
	for (; count; count--, number++) {
		input_event(device, EV_MSC, MSC_RAW, number);
		input_sync(device);
	}
}

static void evdev_send_64(u64 number, u32 count)
{
	u32 payload[EVENTS] = {};
	size_t i;

	for (; count; count--, number++) {
		payload[0] = lower_32_bits(number);
		payload[1] = upper_32_bits(number);
		for (i = 0; i < EVENTS; i++)
			input_event(device, EV_MSC, MSC_RAW, payload[i]);
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
	/* The packet of evdev_64 in one piece: its readers then have room for 8 such packets. */
	input_set_events_per_packet(device, EVENTS + 1);
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
	.send = evdev_send_4,
};

/* Of the same device. */
const struct rival rival_evdev_64 = {
	.name = "evdev_64",
	.send = evdev_send_64,
};
