/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the senders in the kernel and their readers in bench_rivals.c both have to know.
 */
#ifndef RIVALS_NAMES_H
#define RIVALS_NAMES_H

/* Folder in debugfs, and the file in it. */
#define RIVALS_FOLDER		"audio-module-rivals"
#define RIVALS_HOOK		"send"

/* Bytes of a value: the first 8 are its number, the others zeroes. A control element has 512. */
#define RIVAL_SIZE_LEAST	8
#define RIVAL_SIZE_CONTROL	512
#define RIVAL_SIZE_MOST		64000

#define RIVAL_CARD		"Rivals"
#define RIVAL_ELEMENT		"Rival Value"	/* of index N: 8 << N bytes */
#define RIVAL_ELEMENTS		7

#define RIVAL_FAMILY		"audio_rivals"
#define RIVAL_GROUP		"values"
#define RIVAL_ATTRIBUTE		1

#define RIVAL_INPUT		"ALSA audio modules' rivals"

#endif
