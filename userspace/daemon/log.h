/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: messages go to stderr, one line each. When stderr is the journal (systemd says so in
 * JOURNAL_STREAM), a level like "<3>" in front lets it sort them.
 */
#ifndef AUDIOMODULED_LOG_H
#define AUDIOMODULED_LOG_H

enum log_level {
	LOG_LEVEL_ERROR		= 3,
	LOG_LEVEL_WARNING	= 4,
	LOG_LEVEL_INFO		= 6,
};

void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...)		log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...)	log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)		log_message(LOG_LEVEL_INFO, __VA_ARGS__)

#endif /* AUDIOMODULED_LOG_H */
