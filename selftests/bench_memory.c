// SPDX-License-Identifier: GPL-2.0
/*
 * What the virtual sound card as a whole, and a notification fd take of the kernel's memory, by
 * what the kernel says of its slabs, of vmalloc, of what it has for each CPU and of its stacks in
 * /proc/meminfo, with nothing else going on.
 *
 *	bench_memory	a line for each figure: NAME KIB
 */

#define _GNU_SOURCE
#include <unistd.h>

#include "audio_module_test.h"
#include "bench.h"

#define DRIVER	"/sys/bus/platform/drivers/snd-audio-module-virtual"
#define DEVICE	"snd-audio-module-virtual"
#define FDS	512

/* KiB of a line of /proc/meminfo. */
static double meminfo(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	errno = ENODATA;
	if (!line)
		fail(name);
	return atof(line + strlen(name));
}

/* KiB that the kernel uses for itself, when what it frees later is freed. */
static double used(void)
{
	char text[8192];

	sleep(1);
	if (file_write("/proc/sys/vm/drop_caches", "3") ||
	    file_read("/proc/meminfo", text, sizeof(text)))
		fail("/proc/meminfo");
	return meminfo(text, "\nSlab:") + meminfo(text, "\nVmallocUsed:") +
	       meminfo(text, "\nPercpu:") + meminfo(text, "\nKernelStack:");
}

static void measure_card(void)
{
	double with = used(), without;

	if (file_write(DRIVER "/unbind", DEVICE))
		fail(DRIVER "/unbind");
	without = used();
	if (file_write(DRIVER "/bind", DEVICE))
		fail(DRIVER "/bind");
	printf("card_kib %.0f\n", with - without);
}

static void send_one(int card)
{
	static const char line[] = "count=1 size=104";
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/snd-audio-module-virtual/card%d/send",
		 card);
	if (file_write(path, line))
		fail(path);
}

/* One of many fds, which have read or not: a reader's buffer may come with its first read. */
static double measure_fds(unsigned int flags, bool reads)
{
	static uint8_t buffer[65536];
	int card = card_find(), fds[FDS], i;
	double before = used(), after;

	for (i = 0; i < FDS; i++) {
		struct snd_audio_module_subscribe words = { .flags = flags };

		fds[i] = subscribe(card, &words);
		if (fds[i] < 0)
			fail("SUBSCRIBE");
	}
	if (reads)
		send_one(card);
	for (i = 0; reads && i < FDS; i++)
		if (read(fds[i], buffer, sizeof(buffer)) <= 0)
			fail("read");
	after = used();
	for (i = 0; i < FDS; i++)
		close(fds[i]);
	return (after - before) / FDS;
}

int main(void)
{
	/* What is allocated once for all is there afterwards. */
	measure_fds(0, true);
	measure_card();
	printf("fd_kib %.2f\n", measure_fds(0, false));
	printf("fd_that_has_read_kib %.2f\n", measure_fds(0, true));
	printf("fd_to_map_kib %.2f\n", measure_fds(SND_AUDIO_MODULE_SUBSCRIBE_MAP, false));
	return 0;
}
