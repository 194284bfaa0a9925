/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: `audiomodulectl doctor` is a table of checks, from the kernel up to the bus. Each looks at
 * one thing and says what it found and which command mends it. One that has nothing to look at,
 * because of what an earlier one found, is "unknown": a machine with one fault has one problem.
 */
#ifndef AUDIOMODULECTL_DOCTOR_H
#define AUDIOMODULECTL_DOCTOR_H

#include <linux/limits.h>
#include <sys/types.h>

#include "ctl.h"

enum verdict {
	VERDICT_OK,
	VERDICT_NOTE,		/* good to know; nothing is wrong */
	VERDICT_PROBLEM,
	VERDICT_UNKNOWN,
};

struct finding {
	enum verdict verdict;
	char why[768];
	char command[1024];	/* "": none is needed */
};

struct path {
	char text[PATH_MAX];
};

/* A sound card, and what became of the try to open it. */
struct doctor_card {
	unsigned int number;
	int error;
	struct audiomodule_info info;
	char driver[64];	/* name of the driver's module; "": not known */
};

struct doctor {
	const struct options *options;
	char directory[PATH_MAX];	/* of the sound devices */
	char release[72];		/* of the running kernel; "": not known */
	struct path module;		/* the installed snd-audio-module; "": there is none */
	struct path virtual_module;	/* the same of the virtual card's */
	bool is_indexed;		/* modprobe finds it */
	bool is_refusing;		/* it is dkms' for a kernel that is not supported */
	bool is_loaded;
	struct doctor_card *cards;
	size_t card_count;
	struct audiomodule_bus *bus;
	struct audiomodule_list *list;	/* what audiomoduled knows */
	int bus_error;
};

struct check {
	const char *name;
	bool is_remote;		/* of audiomoduled */
	void (*look)(struct doctor *doctor, struct finding *finding);
};

/* What was found; the first that was said stays. */
void find(struct finding *finding, enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What mends it. */
void mend(struct finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- The machine's files, below --root ---- */

/* Where such a file is. */
struct path doctor_path(const struct doctor *doctor, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool doctor_has(const struct doctor *doctor, const char *path);

/* The first of these that is there, NULL: none. The list ends with NULL. */
const char *doctor_first(const struct doctor *doctor, const char *const *names);

/* The first bytes of a file, and a zero behind them. How many, or a negative errno. */
ssize_t doctor_read(const char *path, void *buffer, size_t size);

/* All of a file, which is freed by the caller; NULL, and errno, when it cannot be read. */
uint8_t *doctor_read_all(const char *path, size_t *size);

/* ---- The checks ---- */

void check_headers(struct doctor *doctor, struct finding *finding);
void check_installed(struct doctor *doctor, struct finding *finding);
void check_signature(struct doctor *doctor, struct finding *finding);
void check_lockdown(struct doctor *doctor, struct finding *finding);
void check_loaded(struct doctor *doctor, struct finding *finding);

void check_permission(struct doctor *doctor, struct finding *finding);
void check_card(struct doctor *doctor, struct finding *finding);
void check_interface(struct doctor *doctor, struct finding *finding);
void check_endpoint(struct doctor *doctor, struct finding *finding);
void check_busy(struct doctor *doctor, struct finding *finding);

void check_daemon(struct doctor *doctor, struct finding *finding);
void check_user(struct doctor *doctor, struct finding *finding);
void check_policy(struct doctor *doctor, struct finding *finding);
void check_service(struct doctor *doctor, struct finding *finding);
void check_access(struct doctor *doctor, struct finding *finding);

/* ---- What they learn before they look ---- */

void doctor_look_at_module(struct doctor *doctor);
void doctor_look_at_cards(struct doctor *doctor);
void doctor_look_at_bus(struct doctor *doctor);

/* Name of the user who asks. */
const char *doctor_user(void);

/*
 * Says what brings the user, who lacks what members of a group may, into it. Returns false for a
 * member: it is not for that.
 */
bool mend_membership(struct finding *finding, gid_t group);

#endif /* AUDIOMODULECTL_DOCTOR_H */
