/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: commands that go on until a signal ends them.
 */
#ifndef AUDIOMODULECTL_SIGNALS_H
#define AUDIOMODULECTL_SIGNALS_H

#include "ctl.h"

/* From now on SIGINT and SIGTERM make *fd readable. STATUS_OK, or says what failed. */
enum exit_status catch_signals(int *fd);

/*
 * In between they end the process at once: for what may wait for audiomoduled, when nothing is half
 * written.
 */
void release_signals(void);
void hold_signals(void);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t time_now(void);

/* Milliseconds from now until then, as poll() takes them: at least 0. */
int time_until(int64_t then);

#endif /* AUDIOMODULECTL_SIGNALS_H */
