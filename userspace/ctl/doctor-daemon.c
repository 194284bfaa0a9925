// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: audiomoduled and who may talk to it. There are two gates, and they may answer alike: the
 * bus has a policy for all of the daemon's methods; the daemon asks polkit, or looks at groups
 * where there is no polkit, when somebody wants notifications. So when a list comes and
 * notifications are refused, it was not the bus.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

#define INSTALL		"make && sudo make install    # in the sources of ALSA audio modules"
#define USER		"audiomodule"
#define RELOAD		"sudo busctl call org.freedesktop.DBus /org/freedesktop/DBus " \
			"org.freedesktop.DBus ReloadConfig"

static const char *const programs[] = {
	"/usr/sbin/audiomoduled", "/usr/local/sbin/audiomoduled", "/sbin/audiomoduled", NULL,
};

static const char *const services[] = {
	"/usr/share/dbus-1/system-services/org.audiomodule1.service",
	"/usr/local/share/dbus-1/system-services/org.audiomodule1.service", NULL,
};

static const char *const policies[] = {
	"/etc/dbus-1/system.d/org.audiomodule1.conf",
	"/usr/share/dbus-1/system.d/org.audiomodule1.conf", NULL,
};

static const char *const units[] = {
	"/usr/lib/systemd/system/audiomoduled.service",
	"/usr/local/lib/systemd/system/audiomoduled.service",
	"/lib/systemd/system/audiomoduled.service", NULL,
};

void doctor_look_at_bus(struct doctor *doctor)
{
	doctor->bus_error = audiomodule_bus_open(doctor->options->bus, &doctor->bus);
	if (doctor->bus_error >= 0)
		doctor->bus_error = audiomodule_bus_list(doctor->bus, &doctor->list);
}

/* The user is static, so it stands in the file, below --root, too. */
static bool has_user(const struct doctor *doctor)
{
	_cleanup_(cleanup_file) FILE *file = fopen(doctor_path(doctor, "/etc/passwd").text, "re");
	const struct passwd *entry = NULL;

	while (file && (entry = fgetpwent(file)) && strcmp(entry->pw_name, USER) != 0)
		;
	return entry;
}

/* Is it this bus that is asked about? */
static bool is_on(const struct doctor *doctor, const char *bus)
{
	return strcmp(doctor->options->bus, bus) == 0;
}

static bool is_refusal(int error)
{
	return error == -EACCES || error == -EPERM;
}

static const char *bus_words(const struct doctor *doctor, int error)
{
	const char *text = doctor->bus ? audiomodule_bus_error(doctor->bus) : "";

	return text[0] ? text : strerror(-error);
}

/* ---- Installed ---- */

void check_daemon(struct doctor *doctor, struct finding *finding)
{
	const char *program = doctor_first(doctor, programs);

	if (!program) {
		find(finding, VERDICT_PROBLEM, "audiomoduled is not installed; without it, "
		     "audiomodulectl works with --local");
		mend(finding, INSTALL);
	} else if (!doctor_first(doctor, services)) {
		find(finding, VERDICT_NOTE, "%s is installed, but D-Bus has no service file to "
		     "start it: somebody must", program);
		mend(finding, INSTALL);
	} else {
		find(finding, VERDICT_OK, "%s is installed", program);
	}
}

/* systemd starts nothing as a user that is not there. */
static bool lacks_user(const struct doctor *doctor)
{
	return is_on(doctor, "system") && doctor_has(doctor, "/run/systemd/system") &&
	       doctor_first(doctor, units) && !has_user(doctor);
}

void check_user(struct doctor *doctor, struct finding *finding)
{
	if (lacks_user(doctor)) {
		find(finding, VERDICT_PROBLEM, "there is no user " USER ", as whom systemd starts "
		     "audiomoduled");
		mend(finding, "sudo systemd-sysusers && " RELOAD "    # the bus' policy names the "
		     "user, too");
	} else if (has_user(doctor)) {
		find(finding, VERDICT_OK, "audiomoduled's user " USER " is there");
	} else {
		find(finding, VERDICT_OK, "audiomoduled needs no user of its own here, as systemd "
		     "does not start it");
	}
}

/* The session bus lets everybody. */
static bool lacks_policy(const struct doctor *doctor)
{
	return !doctor_first(doctor, policies) && !is_on(doctor, "session");
}

void check_policy(struct doctor *doctor, struct finding *finding)
{
	const char *policy = doctor_first(doctor, policies);

	if (!lacks_policy(doctor)) {
		find(finding, VERDICT_OK, "%s", policy ? policy : "the session bus needs none");
		return;
	}
	find(finding, VERDICT_PROBLEM, "the policy org.audiomodule1.conf is missing in "
	     "/etc/dbus-1/system.d and /usr/share/dbus-1/system.d: nobody may be audiomoduled on "
	     "the system bus, or talk to it");
	mend(finding, "make && sudo make install && " RELOAD "    # in the sources of ALSA audio "
	     "modules");
}

/* ---- Running ---- */

static void mend_service(const struct doctor *doctor, struct finding *finding)
{
	const char *program = doctor_first(doctor, programs);

	if (!program)
		return;
	if (is_on(doctor, "session"))
		mend(finding, "%s --bus=session &", program);
	else if (!is_on(doctor, "system"))
		mend(finding, "sudo %s --bus=%s &", program, doctor->options->bus);
	else if (doctor_has(doctor, "/run/systemd/system"))
		mend(finding, "sudo systemctl start audiomoduled    # why it ended: journalctl -u "
		     "audiomoduled");
	else
		mend(finding, "sudo %s &", program);
}

void check_service(struct doctor *doctor, struct finding *finding)
{
	int error = doctor->bus_error;

	if (error >= 0) {
		find(finding, VERDICT_OK, "audiomoduled answers on the bus");
	} else if (!doctor->bus) {
		find(finding, VERDICT_PROBLEM, "the bus \"%s\" cannot be reached: %s",
		     doctor->options->bus, strerror(-error));
		mend(finding, is_on(doctor, "session") ? "systemctl --user start dbus" :
		     "sudo systemctl start dbus");
	} else if (is_refusal(error)) {
		find(finding, VERDICT_UNKNOWN, "the bus lets you not ask whether audiomoduled "
		     "runs: see access");
	} else if (lacks_policy(doctor)) {
		find(finding, VERDICT_UNKNOWN, "audiomoduled cannot be on the bus: see policy");
	} else if (lacks_user(doctor)) {
		find(finding, VERDICT_UNKNOWN, "audiomoduled cannot be started: see user");
	} else if (error == -EHOSTUNREACH) {
		find(finding, VERDICT_PROBLEM, "audiomoduled does not run, and D-Bus cannot start "
		     "it: %s", bus_words(doctor, doctor->bus_error));
		mend_service(doctor, finding);
	} else {
		find(finding, VERDICT_PROBLEM, "audiomoduled does not answer as it should: %s",
		     bus_words(doctor, doctor->bus_error));
		mend_service(doctor, finding);
	}
}

/* ---- Access ---- */

/* Asks for notifications, and throws them away. */
static int try_notifications(const struct doctor *doctor,
			     const struct audiomodule_endpoint *endpoint)
{
	struct audiomodule_subscription *subscription = NULL;
	int r = audiomodule_bus_acquire(doctor->bus, endpoint->object_path, NULL, NULL,
					&subscription);

	audiomodule_subscription_free(subscription);
	return r;
}

static void describe_refusal(const struct doctor *doctor, struct finding *finding)
{
	const struct group *audio = getgrnam("audio");

	find(finding, VERDICT_PROBLEM, "%s may not receive notifications, as polkit decides, or, "
	     "where there is none, the group audio: %s", doctor_user(),
	     audiomodule_bus_error(doctor->bus));
	if (!audio || !mend_membership(finding, audio->gr_gid))
		mend(finding, "echo 'polkit.addRule(function(action, subject) { if "
		     "(action.id.startsWith(\"org.audiomodule1.\") && subject.user == \"%s\") "
		     "return polkit.Result.YES; });' | sudo tee "
		     "/etc/polkit-1/rules.d/50-audiomodule.rules", doctor_user());
}

static void check_notifications(struct doctor *doctor, struct finding *finding)
{
	const struct audiomodule_endpoint *endpoint = audiomodule_list_endpoint(doctor->list, 0);
	int r;

	if (!endpoint) {
		find(finding, VERDICT_UNKNOWN, "audiomoduled may be asked, but it knows no "
		     "endpoint whose notifications could be asked for");
		return;
	}
	r = try_notifications(doctor, endpoint);
	if (is_refusal(r))
		describe_refusal(doctor, finding);
	else if (r < 0)
		find(finding, VERDICT_PROBLEM, "audiomoduled does not give the notifications of "
		     "%s: %s", endpoint->name, bus_words(doctor, r));
	else
		find(finding, VERDICT_OK, "%s may receive notifications", doctor_user());
}

void check_access(struct doctor *doctor, struct finding *finding)
{
	if (doctor->bus_error >= 0) {
		check_notifications(doctor, finding);
	} else if (lacks_policy(doctor)) {
		find(finding, VERDICT_UNKNOWN, "without a policy nobody may: see policy");
	} else if (doctor->bus && is_refusal(doctor->bus_error)) {
		find(finding, VERDICT_PROBLEM, "the bus does not let %s talk to audiomoduled (%s): "
		     "it has read another policy than that of audiomoduled, which lets everybody",
		     doctor_user(), bus_words(doctor, doctor->bus_error));
		mend(finding, RELOAD "    # others: grep -l audiomodule /etc/dbus-1/system.d/*");
	} else {
		find(finding, VERDICT_UNKNOWN, "audiomoduled cannot be asked: see service");
	}
}
