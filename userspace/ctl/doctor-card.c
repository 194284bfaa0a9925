// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: the sound cards: may this user open them, have they audio modules, and who else holds them?
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sound/audio_module.h>

#include "doctor.h"

/* ---- Looking ---- */

/* The module of a card's driver: a link of sysfs. */
static void read_driver(const struct doctor *doctor, struct doctor_card *card)
{
	static const char where[] = "/sys/class/sound/card%u/device/driver/module";
	char link[256];
	ssize_t length = readlink(doctor_path(doctor, where, card->number).text, link,
				  sizeof(link) - 1);
	const char *slash;

	if (length < 0)
		return;
	link[length] = 0;
	slash = strrchr(link, '/');
	snprintf(card->driver, sizeof(card->driver), "%.63s", slash ? slash + 1 : link);
}

static void look_at_card(const struct doctor *doctor, struct doctor_card *card)
{
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;

	card->error = audiomodule_open(doctor->directory, card->number, &handle);
	if (card->error >= 0)
		card->error = audiomodule_info(handle, &card->info);
	read_driver(doctor, card);
}

void doctor_look_at_cards(struct doctor *doctor)
{
	_cleanup_(cleanup_memory) unsigned int *numbers = NULL;
	size_t count;

	if (audiomodule_cards(doctor->directory, &numbers, &count) < 0)
		return;
	doctor->cards = calloc(count + 1, sizeof(*doctor->cards));
	if (!doctor->cards)
		return;
	for (size_t i = 0; i < count; i++) {
		doctor->cards[i].number = numbers[i];
		look_at_card(doctor, &doctor->cards[i]);
	}
	doctor->card_count = count;
}

static const struct doctor_card *card_with(const struct doctor *doctor, int error)
{
	for (size_t i = 0; i < doctor->card_count; i++)
		if (doctor->cards[i].error == error)
			return &doctor->cards[i];
	return NULL;
}

/* Without a card nothing else can be asked. */
static bool has_open_card(const struct doctor *doctor, struct finding *finding)
{
	if (card_with(doctor, 0))
		return true;
	find(finding, VERDICT_UNKNOWN, "there is no card with audio modules that could be asked");
	return false;
}

/* ---- Permission ---- */

static void mend_permission(const struct stat *status, struct finding *finding)
{
	if (status->st_gid == 0 || !(status->st_mode & S_IRGRP) ||
	    !mend_membership(finding, status->st_gid))
		mend(finding, "sudo udevadm trigger --action=change --subsystem-match=sound    # "
		     "udev has not given the devices to the group audio");
}

static void look_at_node(const struct doctor *doctor, int directory, const char *name,
			 struct finding *finding)
{
	const struct group *group;
	struct stat status;

	if (faccessat(directory, name, R_OK, AT_EACCESS) == 0 ||
	    fstatat(directory, name, &status, 0) < 0)
		return;
	group = getgrgid(status.st_gid);
	find(finding, VERDICT_PROBLEM, "%s may not open %s/%s, which is for root and the group %s "
	     "(mode %o); on desktops udev also lets the user at the screen (uaccess)",
	     doctor_user(), doctor->directory, name, group ? group->gr_name : "?",
	     status.st_mode & 0777);
	mend_permission(&status, finding);
}

void check_permission(struct doctor *doctor, struct finding *finding)
{
	_cleanup_(cleanup_directory) DIR *directory = opendir(doctor->directory);
	struct dirent *entry;
	bool some = false;

	while (directory && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, "controlC", 8) != 0 &&
		    strncmp(entry->d_name, "hwC", 3) != 0)
			continue;
		some = true;
		look_at_node(doctor, dirfd(directory), entry->d_name, finding);
	}
	if (some)
		find(finding, VERDICT_OK, "%s may open the devices in %s", doctor_user(),
		     doctor->directory);
	else
		find(finding, VERDICT_UNKNOWN, "there is no sound card in %s", doctor->directory);
}

/* ---- Cards and endpoints ---- */

void check_card(struct doctor *doctor, struct finding *finding)
{
	const struct doctor_card *card = card_with(doctor, 0);

	if (card)
		find(finding, VERDICT_OK, "card %u has audio modules", card->number);
	else if (card_with(doctor, -EACCES))
		find(finding, VERDICT_UNKNOWN, "no card could be opened: see permission");
	else if (card_with(doctor, -EPROTONOSUPPORT))
		find(finding, VERDICT_OK, "card %u has audio modules, but see interface",
		     card_with(doctor, -EPROTONOSUPPORT)->number);
	else if (!doctor->is_loaded)
		find(finding, VERDICT_UNKNOWN, "no card has audio modules while the module is not "
		     "loaded");
	else
		find(finding, VERDICT_PROBLEM, "%s", doctor->card_count ?
		     "no sound card has audio modules: no driver of theirs has registered any" :
		     "there is no sound card");
	if (finding->verdict == VERDICT_PROBLEM)
		mend(finding, "sudo modprobe snd-audio-module-virtual    # the virtual card, or "
		     "load the driver of yours");
}

void check_interface(struct doctor *doctor, struct finding *finding)
{
	static const char anew[] = "make && sudo make install && sudo modprobe -r "
		"snd-audio-module-virtual snd-audio-module && sudo modprobe "
		"snd-audio-module-virtual    # in the sources of ALSA audio modules";
	const uint32_t ours = SND_AUDIO_MODULE_ABI_VERSION;
	const struct doctor_card *card = card_with(doctor, -EPROTONOSUPPORT);

	if (card)
		find(finding, VERDICT_PROBLEM, "card %u's kernel module speaks another version of "
		     "the interface than this program, which speaks %u.%u", card->number,
		     ours >> 16, ours & 0xffff);
	else if (!has_open_card(doctor, finding))
		return;
	card = card_with(doctor, 0);
	if (card && card->info.abi_version < ours)
		find(finding, VERDICT_PROBLEM, "the kernel module speaks version %u.%u of the "
		     "interface, which is older than this program's %u.%u",
		     card->info.abi_version >> 16, card->info.abi_version & 0xffff, ours >> 16,
		     ours & 0xffff);
	else if (card)
		find(finding, VERDICT_OK, "the kernel module speaks version %u.%u",
		     card->info.abi_version >> 16, card->info.abi_version & 0xffff);
	if (finding->verdict == VERDICT_PROBLEM)
		mend(finding, anew);
}

/* Does its driver use snd-audio-module? */
static bool is_holder(const struct doctor *doctor, const struct doctor_card *card)
{
	return card->driver[0] &&
	       access(doctor_path(doctor, "/sys/module/snd_audio_module/holders/%s",
				  card->driver).text, F_OK) == 0;
}

static bool has_endpoint(const struct doctor *doctor, unsigned int number)
{
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;

	return audiomodule_open(doctor->directory, number, &handle) >= 0 &&
	       audiomodule_list(handle, &list) >= 0 && audiomodule_list_endpoint(list, 0);
}

static void describe_bare(const struct doctor_card *card, struct finding *finding)
{
	find(finding, VERDICT_PROBLEM, "card %u has no endpoint, although its driver %s uses "
	     "snd-audio-module: it got no port, or asked for none", card->number,
	     card->driver[0] ? card->driver : "(unknown)");
	if (strcmp(card->driver, "snd_audio_module_virtual") == 0)
		mend(finding, "sudo modprobe -r snd-audio-module-virtual && sudo modprobe "
		     "snd-audio-module-virtual no_port=0");
	else
		mend(finding, "sudo dmesg | grep -i snd");
}

void check_endpoint(struct doctor *doctor, struct finding *finding)
{
	bool some = false;

	for (size_t i = 0; i < doctor->card_count; i++) {
		const struct doctor_card *card = &doctor->cards[i];

		if (card->error == 0 && has_endpoint(doctor, card->number))
			some = true;
		else if (card->error == 0 || (card->error == -ENXIO && is_holder(doctor, card)))
			describe_bare(card, finding);
	}
	if (some)
		find(finding, VERDICT_OK, "there are endpoints; see them: audiomodulectl list "
		     "--local");
	else
		has_open_card(doctor, finding);
}
