// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: the table of checks, and how what they find is shown. To add one: a function that calls
 * find() and mend(), and a line in the table behind those whose answers it builds on.
 */
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "output.h"

static const struct check checks[] = {
	{ "headers", false, check_headers },
	{ "installed", false, check_installed },
	{ "signature", false, check_signature },
	{ "lockdown", false, check_lockdown },
	{ "loaded", false, check_loaded },
	{ "permission", false, check_permission },
	{ "card", false, check_card },
	{ "interface", false, check_interface },
	{ "endpoint", false, check_endpoint },
	{ "busy", false, check_busy },
	{ "daemon", true, check_daemon },
	{ "user", true, check_user },
	{ "policy", true, check_policy },
	{ "service", true, check_service },
	{ "access", true, check_access },
};

#define CHECKS	(sizeof(checks) / sizeof(checks[0]))

void find(struct finding *finding, enum verdict verdict, const char *format, ...)
{
	va_list arguments;

	if (finding->why[0])
		return;
	finding->verdict = verdict;
	va_start(arguments, format);
	vsnprintf(finding->why, sizeof(finding->why), format, arguments);
	va_end(arguments);
}

void mend(struct finding *finding, const char *format, ...)
{
	va_list arguments;

	if (finding->command[0])
		return;
	va_start(arguments, format);
	vsnprintf(finding->command, sizeof(finding->command), format, arguments);
	va_end(arguments);
}

const char *doctor_user(void)
{
	const struct passwd *entry = getpwuid(geteuid());

	return entry ? entry->pw_name : "$USER";
}

static bool has_group(const gid_t *groups, int count, gid_t group)
{
	for (int i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* What this process has, and what the user database says: membership comes with a login. */
bool mend_membership(struct finding *finding, gid_t group)
{
	const struct passwd *user = getpwuid(geteuid());
	const struct group *entry = getgrgid(group);
	const char *name = entry ? entry->gr_name : "audio";
	gid_t groups[256];
	int count = getgroups(256, groups);

	if (getegid() == group || has_group(groups, count, group))
		return false;
	count = 256;
	if (user && getgrouplist(user->pw_name, user->pw_gid, groups, &count) >= 0 &&
	    has_group(groups, count, group))
		mend(finding, "newgrp %s    # or log in again: this session is older than the "
		     "membership", name);
	else
		mend(finding, "sudo usermod -aG %s %s    # then log in again", name,
		     doctor_user());
	return true;
}

/* ---- Showing ---- */

static const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_OK] = "ok",
		[VERDICT_NOTE] = "note",
		[VERDICT_PROBLEM] = "problem",
		[VERDICT_UNKNOWN] = "unknown",
	};

	return names[verdict];
}

static void print_finding(const char *name, const struct finding *finding)
{
	static const char *const colours[] = {
		[VERDICT_OK] = COLOUR_GREEN,
		[VERDICT_NOTE] = COLOUR_YELLOW,
		[VERDICT_PROBLEM] = COLOUR_RED,
		[VERDICT_UNKNOWN] = COLOUR_YELLOW,
	};

	start_colour(colours[finding->verdict]);
	printf("%-7s", verdict_name(finding->verdict));
	end_colour();
	printf("  %-10s  %s\n", name, finding->why);
	if (finding->command[0])
		printf("%-7s  %-10s  $ %s\n", "", "", finding->command);
}

static void json_finding(bool *first, const char *name, const struct finding *finding)
{
	bool inner = true;

	json_open(first, NULL, '{');
	json_text(&inner, "check", name);
	json_text(&inner, "verdict", verdict_name(finding->verdict));
	json_text(&inner, "explanation", finding->why);
	json_text(&inner, "command", finding->command);
	json_close('}');
}

static unsigned int look_at_all(struct doctor *doctor)
{
	const struct options *options = doctor->options;
	unsigned int problems = 0;
	bool first = true;

	for (size_t i = 0; i < CHECKS; i++) {
		struct finding finding = { 0 };

		if (checks[i].is_remote && options->local)
			continue;
		checks[i].look(doctor, &finding);
		problems += finding.verdict == VERDICT_PROBLEM;
		if (options->json)
			json_finding(&first, checks[i].name, &finding);
		else
			print_finding(checks[i].name, &finding);
	}
	return problems;
}

/* ---- The command ---- */

static void learn(struct doctor *doctor)
{
	const char *root = doctor->options->root;

	snprintf(doctor->directory, sizeof(doctor->directory), "%s%s",
		 strcmp(doctor->options->directory, AUDIOMODULE_DIRECTORY) == 0 ? root : "",
		 doctor->options->directory);
	doctor_look_at_module(doctor);
	doctor_look_at_cards(doctor);
	if (!doctor->options->local)
		doctor_look_at_bus(doctor);
}

static void cleanup_doctor(struct doctor *doctor)
{
	free(doctor->cards);
	audiomodule_list_free(doctor->list);
	audiomodule_bus_close(doctor->bus);
}

enum exit_status command_doctor(const struct options *options)
{
	_cleanup_(cleanup_doctor) struct doctor doctor = { .options = options };
	enum exit_status status;
	unsigned int problems;
	bool closed;

	learn(&doctor);
	fputs(options->json ? "[" : "", stdout);
	problems = look_at_all(&doctor);
	if (options->json)
		puts("]");
	else if (problems)
		printf("\n%u problem%s\n", problems, problems == 1 ? "" : "s");
	else
		puts("\nno problem");
	status = finish_output(&closed);
	return status == STATUS_OK && problems ? STATUS_FAILURE : status;
}
