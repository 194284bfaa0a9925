// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: libFuzzer takes counters of its user's own, one byte each, as it takes those of instrumented
 * code (the section's name is its interface). A place in the kernel is one of them by the hash of
 * its address, a result by its numbers.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "coverage.h"

#define KCOV		"/sys/kernel/debug/kcov"
/* linux/kcov.h's, whose argument has the kernel's size of long, not the program's. */
#define KCOV_INIT	_IOC(_IOC_READ, 'c', 1, 8)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_TRACE_PC	0

#define MOST_PLACES	((size_t)1 << 16)
#define PLACES		((size_t)1 << 15)
#define MOST_CALLS	64
#define MOST_ERRORS	160

static uint8_t counters[PLACES + MOST_CALLS * MOST_ERRORS]
	__attribute__((section("__libfuzzer_extra_counters")));

/* Their number, and then the addresses; NULL: this kernel does not tell. */
static _Atomic uint64_t *places;

void coverage_begin(void)
{
	int fd = open(KCOV, O_RDWR | O_CLOEXEC);
	void *memory = MAP_FAILED;

	if (fd >= 0 && ioctl(fd, KCOV_INIT, MOST_PLACES) == 0)
		memory = mmap(NULL, MOST_PLACES * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory != MAP_FAILED && ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) == 0)
		places = memory;
	/* The fd stays open: closing it would end it. */
	dprintf(2, "%s\n", places ? "KCOV tells what the kernel executes" :
		"this kernel has no KCOV: only what calls come to is known");
}

void coverage_start(void)
{
	if (places)
		atomic_store_explicit(places, 0, memory_order_relaxed);
}

static size_t place_of(uint64_t address)
{
	return (size_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 49);
}

static void count(size_t index)
{
	counters[index] += counters[index] < UINT8_MAX;
}

void coverage_stop(void)
{
	uint64_t most = places ? atomic_load_explicit(places, memory_order_relaxed) : 0;

	for (uint64_t i = 1; i <= most && i < MOST_PLACES; i++)
		count(place_of(atomic_load_explicit(&places[i], memory_order_relaxed)));
}

void coverage_result(unsigned int call, unsigned int error)
{
	count(PLACES + call % MOST_CALLS * MOST_ERRORS + error % MOST_ERRORS);
}
