// SPDX-License-Identifier: GPL-2.0
/*
 * Rivals of ALSA audio modules: the hook
 *
 * DOC: The idea
 *
 * What programs are told with today, so that "make bench" can count what the same notification
 * costs there. Each rival has a file of its own. Only root can make them send, by a line in
 * /sys/kernel/debug/audio-module-rivals/send:
 *
 *	NAME size=BYTES count=N
 *
 * NAME is control, netlink, evdev_4 or evdev; BYTES a multiple of 8. With N = 0 nothing is sent:
 * that is what a line costs by itself. The values of a rival are numbered from 1, so that a reader
 * can tell which of them it never saw. This module is for that measurement only and is never
 * installed.
 */

#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "rivals.h"

/* As many in a row as our own hook sends (module/virtual/inject.c). */
#define CHUNK		256
#define LINE_SIZE	48

static const struct rival * const rivals[] = {
	&rival_control, &rival_netlink, &rival_evdev_4, &rival_evdev
};

static u64 numbers[ARRAY_SIZE(rivals)];
static u64 payload[RIVAL_SIZE_MOST / sizeof(u64)];
static DEFINE_MUTEX(send_lock);	/* one line at a time */
static struct dentry *folder;

static void send_values(size_t i, u32 size, u32 count)
{
	u32 now;

	mutex_lock(&send_lock);
	for (; count; count -= now) {
		now = min_t(u32, count, CHUNK);
		rivals[i]->send(payload, size, numbers[i] + 1, now);
		numbers[i] += now;
		cond_resched();
	}
	mutex_unlock(&send_lock);
}

static ssize_t send_write(struct file *file, const char __user *from, size_t size, loff_t *offset)
{
	char line[LINE_SIZE] = "";
	char name[16];
	u32 bytes, count;
	size_t i;

	if (size >= LINE_SIZE)
		return -EINVAL;
	if (copy_from_user(line, from, size))
		return -EFAULT;
	if (sscanf(line, "%15s size=%u count=%u", name, &bytes, &count) != 3)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(rivals); i++) {
		if (strcmp(name, rivals[i]->name))
			continue;
		if (bytes < RIVAL_SIZE_LEAST || bytes > rivals[i]->most || bytes % 8)
			return -EINVAL;
		send_values(i, bytes, count);
		return size;
	}
	return -ENOENT;
}

static const struct file_operations send_operations = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = send_write,
};

static void exit_rivals(size_t count)
{
	while (count--)
		if (rivals[count]->exit)
			rivals[count]->exit();
}

static int __init rivals_init(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(rivals); i++) {
		err = rivals[i]->init ? rivals[i]->init() : 0;
		if (err) {
			exit_rivals(i);
			return err;
		}
	}
	folder = debugfs_create_dir(RIVALS_FOLDER, NULL);
	debugfs_create_file(RIVALS_HOOK, 0200, folder, NULL, &send_operations);
	return 0;
}

static void __exit rivals_exit(void)
{
	debugfs_remove_recursive(folder);
	exit_rivals(ARRAY_SIZE(rivals));
}

module_init(rivals_init);
module_exit(rivals_exit);

MODULE_DESCRIPTION("Rivals of ALSA audio modules, to be measured");
MODULE_LICENSE("GPL");
