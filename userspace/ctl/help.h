/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: the texts of --help: of all, and of each command.
 */
#ifndef AUDIOMODULECTL_HELP_H
#define AUDIOMODULECTL_HELP_H

extern const char help_general[];
extern const char help_list[];
extern const char help_info[];
extern const char help_monitor[];
extern const char help_send[];
extern const char help_get[];
extern const char help_set[];
extern const char help_stats[];
extern const char help_doctor[];

#endif /* AUDIOMODULECTL_HELP_H */
