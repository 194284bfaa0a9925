// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: who holds a card's devices open, and so its driver loaded? Every process' open files are
 * looked at, as far as the rights go; what could not be seen is said.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor.h"
#include "text.h"

#define NODES	256

/* The devices of cards that have audio modules. */
struct nodes {
	struct node {
		dev_t device;
		char name[32];
	} nodes[NODES];
	size_t count;
};

struct holders {
	char names[512];	/* "aplay (12: pcmC0D0p, controlC0), ..." */
	char ids[128];
	size_t count;
	size_t unseen;
};

/* controlC0, hwC0D1, pcmC0D0p: a "C" and the card's number behind a word. */
static bool is_of_card(const char *name, unsigned int card)
{
	const char *number = strchr(name, 'C');
	unsigned int value;

	return number && sscanf(number, "C%3u", &value) == 1 && value == card;
}

static void add_nodes(const struct doctor *doctor, unsigned int card, struct nodes *nodes)
{
	_cleanup_(cleanup_directory) DIR *directory = opendir(doctor->directory);
	struct dirent *entry;
	struct stat status;

	while (directory && nodes->count < NODES && (entry = readdir(directory))) {
		if (!is_of_card(entry->d_name, card) ||
		    fstatat(dirfd(directory), entry->d_name, &status, 0) < 0 ||
		    !S_ISCHR(status.st_mode))
			continue;
		nodes->nodes[nodes->count].device = status.st_rdev;
		snprintf(nodes->nodes[nodes->count++].name, sizeof(nodes->nodes[0].name), "%.31s",
			 entry->d_name);
	}
}

static const char *node_name(const struct nodes *nodes, dev_t device)
{
	for (size_t i = 0; i < nodes->count; i++)
		if (nodes->nodes[i].device == device)
			return nodes->nodes[i].name;
	return NULL;
}

/* All of it, or nothing: half of a process id is another's. */
static void append(char *text, size_t size, const char *separator, const char *more)
{
	size_t length = strlen(text);

	if (length + strlen(separator) + strlen(more) >= size)
		return;
	snprintf(text + length, size - length, "%s%s", length ? separator : "", more);
}

/* Which of them it holds, each once: "pcmC0D0p, controlC0". False: that cannot be seen. */
static bool read_held(const char *files, const struct nodes *nodes, char *held, size_t size)
{
	_cleanup_(cleanup_directory) DIR *directory = opendir(files);
	struct dirent *entry;
	struct stat status;

	held[0] = 0;
	while (directory && (entry = readdir(directory))) {
		const char *name;

		if (fstatat(dirfd(directory), entry->d_name, &status, 0) < 0 ||
		    !S_ISCHR(status.st_mode))
			continue;
		name = node_name(nodes, status.st_rdev);
		if (name && !strstr(held, name))
			append(held, size, ", ", name);
	}
	return directory;
}

static void look_at_process(const struct doctor *doctor, const char *id, const struct nodes *nodes,
			    struct holders *holders)
{
	char held[256], comm[32] = "?", command[32], text[320];

	if (!read_held(doctor_path(doctor, "/proc/%s/fd", id).text, nodes, held, sizeof(held))) {
		holders->unseen += errno == EACCES;
		return;
	}
	if (!held[0])
		return;
	doctor_read(doctor_path(doctor, "/proc/%s/comm", id).text, comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = 0;
	/* Who runs a process names it, and the kernel cuts names inside of characters. */
	text_clean(command, sizeof(command), comm, sizeof(comm));
	snprintf(text, sizeof(text), "%s (%s: %s)", command, id, held);
	append(holders->names, sizeof(holders->names), ", ", text);
	append(holders->ids, sizeof(holders->ids), " ", id);
	holders->count++;
}

static bool look_at_processes(const struct doctor *doctor, const struct nodes *nodes,
			      struct holders *holders)
{
	_cleanup_(cleanup_directory) DIR *directory = NULL;
	struct dirent *entry;

	directory = opendir(doctor_path(doctor, "/proc").text);
	while (directory && (entry = readdir(directory)))
		if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name) &&
		    strtol(entry->d_name, NULL, 10) != getpid())
			look_at_process(doctor, entry->d_name, nodes, holders);
	return directory;
}

static void describe(const struct holders *holders, struct finding *finding)
{
	char unseen[128] = "";

	if (holders->unseen)
		snprintf(unseen, sizeof(unseen), "; the files of %zu processes can only be seen by "
			 "root: sudo audiomodulectl doctor", holders->unseen);
	if (holders->count) {
		find(finding, VERDICT_NOTE, "in use, so that the driver cannot be unloaded, by "
		     "%s%s", holders->names, unseen);
		mend(finding, "sudo kill %s    # only to unload the driver", holders->ids);
	} else if (holders->unseen) {
		find(finding, VERDICT_UNKNOWN, "nobody who can be seen holds the devices%s",
		     unseen);
	} else {
		find(finding, VERDICT_OK, "nobody holds the devices: the driver can be unloaded");
	}
}

void check_busy(struct doctor *doctor, struct finding *finding)
{
	struct holders holders = { 0 };
	struct nodes nodes = { 0 };

	for (size_t i = 0; i < doctor->card_count; i++)
		if (doctor->cards[i].error != -ENXIO)
			add_nodes(doctor, doctor->cards[i].number, &nodes);
	if (nodes.count == 0)
		find(finding, VERDICT_UNKNOWN, "there is no card with audio modules");
	else if (!look_at_processes(doctor, &nodes, &holders))
		find(finding, VERDICT_UNKNOWN, "/proc cannot be read: %s", strerror(errno));
	else
		describe(&holders, finding);
}
