/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: messages go to stderr, one line each. When stderr is the journal (systemd says so in
 * JOURNAL_STREAM), a level like "<3>" in front lets it sort them. How much is said can be changed
 * while the daemon runs, by org.freedesktop.LogControl1 (log-control.c).
 */
#ifndef AUDIOMODULED_LOG_H
#define AUDIOMODULED_LOG_H

#include <syslog.h>

/* Levels are syslog's: the larger, the less important. */
void log_message(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Messages above this level are not written; LOG_INFO at the start. */
int log_level(void);
void log_set_level(int level);

#define log_error(...)		log_message(LOG_ERR, __VA_ARGS__)
#define log_warning(...)	log_message(LOG_WARNING, __VA_ARGS__)
#define log_info(...)		log_message(LOG_INFO, __VA_ARGS__)
#define log_debug(...)		log_message(LOG_DEBUG, __VA_ARGS__)

#endif /* AUDIOMODULED_LOG_H */
