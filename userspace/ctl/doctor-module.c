// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: is the kernel module there, is it for this kernel, and is it loaded? What is loaded works,
 * whatever the files say, so then the others only tell what happens after the next start.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

#define FROM_SOURCES	"make && sudo make install"

/* ---- Looking ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The file of a module of ours, however it is compressed. */
static bool is_module(const char *path, const char *module)
{
	const char *name = base_name(path);
	size_t length = strlen(module);

	return strncmp(name, module, length) == 0 && strncmp(name + length, ".ko", 3) == 0;
}

/* As modprobe does: a line of modules.dep begins with the file's path. */
static bool find_indexed(const struct doctor *doctor, const char *module, struct path *path)
{
	_cleanup_(cleanup_memory) char *line = NULL;
	_cleanup_(cleanup_file) FILE *file = NULL;
	size_t room = 0;

	file = fopen(doctor_path(doctor, "/lib/modules/%s/modules.dep", doctor->release).text,
		     "re");
	while (file && getline(&line, &room, file) >= 0) {
		line[strcspn(line, ":\n")] = 0;
		if (!is_module(line, module))
			continue;
		*path = line[0] == '/' ? doctor_path(doctor, "%s", line) :
			doctor_path(doctor, "/lib/modules/%s/%s", doctor->release, line);
		return true;
	}
	return false;
}

/* The same among the files of a kernel, or of all with "*", whether or not there is an index. */
static bool find_file(const struct doctor *doctor, const char *release, const char *module,
		      struct path *path)
{
	static const char *const depths[] = { "*", "*/*", "*/*/*", "*/*/*/*" };
	bool found = false;

	for (size_t i = 0; !found && i < sizeof(depths) / sizeof(depths[0]); i++) {
		glob_t files = { 0 };

		glob(doctor_path(doctor, "/lib/modules/%s/%s/%s.ko*", release, depths[i],
				 module).text, 0, NULL, &files);
		found = files.gl_pathc > 0;
		if (found)
			snprintf(path->text, sizeof(path->text), "%s", files.gl_pathv[0]);
		globfree(&files);
	}
	return found;
}

/* What a module says of itself stands in it as text. False: it is compressed, or cannot be read. */
static bool read_modinfo(const char *path, const char *key, char *value, size_t size)
{
	_cleanup_(cleanup_memory) uint8_t *bytes = NULL;
	const uint8_t *found;
	size_t count, i = 0;

	bytes = doctor_read_all(path, &count);
	found = bytes ? memmem(bytes, count, key, strlen(key)) : NULL;
	if (!found)
		return false;
	count -= (size_t)(found - bytes) + strlen(key);
	found += strlen(key);
	for (; i < count && i < size - 1 && found[i]; i++)
		value[i] = (char)found[i];
	value[i] = 0;
	return true;
}

/* dkms gives a kernel that is not supported modules in place of ours, which are not loaded. */
static bool is_refusing(const char *path)
{
	static const char says[] = "In place of audio modules";
	char description[sizeof(says)];

	return read_modinfo(path, "description=", description, sizeof(description)) &&
	       strcmp(description, says) == 0;
}

/* Is it where modprobe finds it? */
static bool find_module(const struct doctor *doctor, const char *module, struct path *path)
{
	bool is_indexed = find_indexed(doctor, module, path);

	if (!is_indexed)
		find_file(doctor, doctor->release, module, path);
	return is_indexed;
}

void doctor_look_at_module(struct doctor *doctor)
{
	char *release = doctor->release;

	if (doctor_read(doctor_path(doctor, "/proc/sys/kernel/osrelease").text, release,
			sizeof(doctor->release)) < 0)
		release[0] = 0;
	release[strcspn(release, "\n")] = 0;
	doctor->is_loaded = doctor_has(doctor, "/sys/module/snd_audio_module");
	doctor->is_indexed = find_module(doctor, "snd-audio-module", &doctor->module);
	find_module(doctor, "snd-audio-module-virtual", &doctor->virtual_module);
	doctor->is_refusing = is_refusing(doctor->module.text);
}

/* ---- Headers ---- */

/* How a distribution calls them. */
static void mend_headers(const struct doctor *doctor, struct finding *finding)
{
	const char *release = doctor->release;
	char system[4096] = "";

	doctor_read(doctor_path(doctor, "/etc/os-release").text, system, sizeof(system));
	if (strstr(system, "debian"))
		mend(finding, "sudo apt-get install linux-headers-%s", release);
	else if (strstr(system, "fedora"))
		mend(finding, "sudo dnf install kernel-devel-%s", release);
	else if (strstr(system, "ID=arch"))
		mend(finding, "sudo pacman -S linux-headers");
	else if (strstr(system, "suse"))
		mend(finding, "sudo zypper install kernel-default-devel");
}

void check_headers(struct doctor *doctor, struct finding *finding)
{
	const char *release = doctor->release;

	if (!release[0])
		find(finding, VERDICT_UNKNOWN, "/proc/sys/kernel/osrelease does not say which "
		     "kernel runs");
	else if (access(doctor_path(doctor, "/lib/modules/%s/build/Makefile", release).text,
			F_OK) == 0)
		find(finding, VERDICT_OK, "the headers of kernel %s are there", release);
	else if (doctor->module.text[0] || doctor->is_loaded)
		find(finding, VERDICT_OK, "those of kernel %s are missing, but not needed: the "
		     "module is built", release);
	else
		find(finding, VERDICT_PROBLEM, "there are no headers to build the module with for "
		     "the running kernel: /lib/modules/%s/build", release);
	if (finding->verdict == VERDICT_PROBLEM)
		mend_headers(doctor, finding);
}

/* ---- The installed module ---- */

static bool read_built_for(const char *path, char *release, size_t size)
{
	if (!read_modinfo(path, "vermagic=", release, size))
		return false;
	release[strcspn(release, " ")] = 0;
	return true;
}

/* Built anew: by dkms when that has it, else from the sources. */
static void mend_build(const struct doctor *doctor, struct finding *finding)
{
	if (doctor_has(doctor, "/var/lib/dkms/alsa-audio-modules"))
		mend(finding, "sudo dkms autoinstall -k %s", doctor->release);
	else
		mend(finding, FROM_SOURCES "    # in the sources of ALSA audio modules");
}

static void look_at_missing(const struct doctor *doctor, struct finding *finding)
{
	size_t prefix = strlen(doctor_path(doctor, "/lib/modules/").text);
	struct path other;

	if (doctor->is_loaded)
		find(finding, VERDICT_NOTE, "the module is loaded, but not installed for kernel "
		     "%s: it will be missing after the next start", doctor->release);
	else if (find_file(doctor, "*", "snd-audio-module", &other))
		find(finding, VERDICT_PROBLEM, "the module is installed for kernel %.*s, but "
		     "kernel %s runs", (int)strcspn(other.text + prefix, "/"),
		     other.text + prefix, doctor->release);
	else
		find(finding, VERDICT_PROBLEM, "the module snd-audio-module is not installed");
	mend_build(doctor, finding);
}

void check_installed(struct doctor *doctor, struct finding *finding)
{
	char release[sizeof(doctor->release)];

	if (!doctor->release[0]) {
		find(finding, VERDICT_UNKNOWN, "it is not known which kernel runs");
	} else if (!doctor->module.text[0]) {
		look_at_missing(doctor, finding);
	} else if (doctor->is_refusing) {
		find(finding, VERDICT_PROBLEM, "ALSA audio modules as they are installed do not "
		     "support kernel %s: %s only says so, and is not loaded", doctor->release,
		     doctor->module.text);
		mend(finding, FROM_SOURCES "    # in newer sources of ALSA audio modules, or boot "
		     "a kernel that these support");
	} else if (read_built_for(doctor->module.text, release, sizeof(release)) &&
		   strcmp(release, doctor->release) != 0) {
		find(finding, VERDICT_PROBLEM, "%s was built for kernel %s, but kernel %s runs",
		     doctor->module.text, release, doctor->release);
		mend_build(doctor, finding);
	} else if (!doctor->is_indexed) {
		find(finding, VERDICT_PROBLEM, "%s is there, but modprobe does not know it",
		     doctor->module.text);
		mend(finding, "sudo depmod %s", doctor->release);
	} else {
		find(finding, VERDICT_OK, "%s", doctor->module.text);
	}
}

/* ---- The loaded module ---- */

void check_loaded(struct doctor *doctor, struct finding *finding)
{
	struct path path;

	if (doctor->is_loaded) {
		find(finding, VERDICT_OK, "snd-audio-module is loaded");
	} else if (!doctor_has(doctor, "/sys/module")) {
		find(finding, VERDICT_UNKNOWN, "/sys is not mounted");
	} else if (!doctor->is_indexed || doctor->is_refusing) {
		find(finding, VERDICT_UNKNOWN, "snd-audio-module is not loaded; first it must be "
		     "installed");
	} else {
		find(finding, VERDICT_PROBLEM, "snd-audio-module is not loaded: no driver that "
		     "uses it is, either");
		mend(finding, "sudo modprobe %s",
		     find_indexed(doctor, "snd-audio-module-virtual", &path) ?
		     "snd-audio-module-virtual" : "snd-audio-module");
	}
}
