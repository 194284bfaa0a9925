/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what an input reached, for libFuzzer: each place in the modules that this thread came to, by
 * KCOV, where the kernel has that; and each result of each call, everywhere.
 */
#ifndef AUDIO_MODULE_FUZZ_COVERAGE_H
#define AUDIO_MODULE_FUZZ_COVERAGE_H

void coverage_begin(void);

/* Between both the thread's steps count. */
void coverage_start(void);
void coverage_stop(void);

void coverage_result(unsigned int call, unsigned int error);

#endif /* AUDIO_MODULE_FUZZ_COVERAGE_H */
