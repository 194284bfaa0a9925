// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: asking takes time, a password even more, and nobody else waits meanwhile: the call is kept,
 * and given to the bus again as if it had just come in when the answer is there. Calls of one
 * client come back in the order in which he made them.
 *
 * polkit is asked first. When it cannot say anything (most often: it is not installed), the bus is
 * asked for the client's user and groups. No answer is kept for the next call: sessions become
 * inactive and administrators change rules.
 *
 * A connection may wait for so many replies only (max_replies_per_connection, see unread.c). So a
 * client has one question under way, of its first call that is not decided, and all have MAX_ASKED;
 * the others wait here. Where a person may be asked that takes long, so those leave room for the
 * rest.
 */
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "access.h"
#include "log.h"

#define MAX_QUERIES		512
#define MAX_QUERIES_PER_CLIENT	64
#define MAX_ASKED		32	/* questions under way, */
#define MAX_PERSONS		16	/* and those of them that a person may have to answer */

#define GROUP			"audio"

#define POLKIT			"org.freedesktop.PolicyKit1"
#define POLKIT_AUTHORITY	"/org/freedesktop/PolicyKit1/Authority", \
				"org.freedesktop.PolicyKit1.Authority"

enum verdict {
	VERDICT_NONE,		/* still being asked */
	VERDICT_YES,
	VERDICT_NO,
	VERDICT_TOO_MANY,	/* the bus refused the question */
};

struct query {
	struct query *next;
	struct access *access;
	sd_bus_message *call;
	const char *action;
	sd_bus_slot *slot;	/* of the question under way */
	char cancellation[24];	/* polkit's name for that while a person may be asked, or "" */
	bool interactive;	/* the client lets a person be asked */
	bool asked;		/* polkit, or then the bus */
	enum verdict verdict;
	bool challenge;		/* polkit would have asked for a password */
	bool returned;		/* the call is on its way to its method again */
};

struct access {
	struct manager *manager;
	uint64_t cancellations;	/* names given so far */
	unsigned int asked;	/* questions under way */
	unsigned int persons;	/* of those, interactive ones */
	struct query *queries;	/* in the order of the calls */
};

DEFINE_CLEANUP(cleanup_message, sd_bus_message *, sd_bus_message_unref)

/* Whoever called has gone, the person has not: polkit, and so the bus, would wait for an answer. */
static void cancel(const struct query *query)
{
	sd_bus_call_method_async(query->access->manager->bus, NULL, POLKIT, POLKIT_AUTHORITY,
				 "CancelCheckAuthorization", NULL, NULL, "s", query->cancellation);
}

static void end_question(struct query *query)
{
	if (query->asked) {
		query->access->asked--;
		query->access->persons -= query->interactive;
	}
	query->asked = false;
}

static struct query *query_free(struct query *query)
{
	struct query **link = &query->access->queries;

	while (*link && *link != query)
		link = &(*link)->next;
	if (*link)
		*link = query->next;
	if (query->cancellation[0])
		cancel(query);
	end_question(query);
	sd_bus_slot_unref(query->slot);
	sd_bus_message_unref(query->call);
	free(query);
	return NULL;
}

static bool is_from(const struct query *query, const char *client)
{
	return strcmp(sd_bus_message_get_sender(query->call), client) == 0;
}

/* ---- The decision ---- */

static void give_back(struct query *query)
{
	int r = sd_bus_message_rewind(query->call, 1);

	if (r >= 0)
		r = sd_bus_enqueue_for_read(query->access->manager->bus, query->call);
	query->returned = r >= 0;
	if (r >= 0)
		return;
	sd_bus_reply_method_errno(query->call, r, NULL);
	query_free(query);
}

static void ask_all(struct access *access);

static void decide(struct query *query, enum verdict verdict)
{
	struct access *access = query->access;

	query->verdict = verdict;
	log_debug("%s of %s: %s", query->action, sd_bus_message_get_sender(query->call),
		  verdict == VERDICT_YES ? "yes" : "no");
	end_question(query);
	give_back(query);
	ask_all(access);
}

/* ---- Without polkit ---- */

static bool has_group(const gid_t *groups, size_t count)
{
	const struct group *group = getgrnam(GROUP);

	for (size_t i = 0; group && i < count; i++)
		if (groups[i] == group->gr_gid)
			return true;
	return false;
}

/* What the user database says, for a bus that does not tell the groups of a connection. */
static bool is_member(uid_t user)
{
	const struct passwd *entry = getpwuid(user);
	gid_t groups[256];
	int count = (int)(sizeof(groups) / sizeof(groups[0]));

	return entry && getgrouplist(entry->pw_name, entry->pw_gid, groups, &count) >= 0 &&
	       has_group(groups, (size_t)count);
}

struct credentials {
	bool has_user;
	bool has_groups;
	uint32_t user;
	bool in_group;
};

static int read_groups(sd_bus_message *reply, struct credentials *credentials)
{
	const void *groups;
	size_t size;
	int r = sd_bus_message_enter_container(reply, 'v', "au");

	if (r >= 0)
		r = sd_bus_message_read_array(reply, 'u', &groups, &size);
	if (r < 0)
		return r;
	_Static_assert(sizeof(gid_t) == sizeof(uint32_t), "a group is D-Bus' type u");
	credentials->has_groups = true;
	credentials->in_group = has_group(groups, size / sizeof(gid_t));
	return sd_bus_message_exit_container(reply);
}

static int read_credential(sd_bus_message *reply, struct credentials *credentials)
{
	const char *key;
	int r = sd_bus_message_read_basic(reply, 's', &key);

	if (r < 0)
		return r;
	if (strcmp(key, "UnixUserID") == 0) {
		credentials->has_user = true;
		return sd_bus_message_read(reply, "v", "u", &credentials->user);
	}
	if (strcmp(key, "UnixGroupIDs") == 0)
		return read_groups(reply, credentials);
	return sd_bus_message_skip(reply, "v");
}

static int read_credentials(sd_bus_message *reply, struct credentials *credentials)
{
	int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
		r = read_credential(reply, credentials);
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	return r;
}

static bool may_open_devices(sd_bus_message *reply)
{
	struct credentials credentials = { 0 };

	if (read_credentials(reply, &credentials) < 0 || !credentials.has_user)
		return false;
	if (credentials.user == 0)
		return true;
	return credentials.has_groups ? credentials.in_group : is_member(credentials.user);
}

static int on_credentials(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	struct query *query = context;

	(void)error;
	query->slot = sd_bus_slot_unref(query->slot);
	decide(query, !sd_bus_message_is_method_error(reply, NULL) && may_open_devices(reply) ?
		      VERDICT_YES : VERDICT_NO);
	return 0;
}

static int ask_bus(struct query *query)
{
	return sd_bus_call_method_async(query->access->manager->bus, &query->slot,
					"org.freedesktop.DBus", "/org/freedesktop/DBus",
					"org.freedesktop.DBus", "GetConnectionCredentials",
					on_credentials, query, "s",
					sd_bus_message_get_sender(query->call));
}

/* ---- polkit ---- */

static int read_authorization(sd_bus_message *reply, struct query *query)
{
	int authorized, challenge;
	int r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");

	if (r >= 0)
		r = sd_bus_message_read(reply, "bb", &authorized, &challenge);
	if (r < 0)
		return r;
	query->challenge = challenge;
	return authorized;
}

/* polkit did not answer, or an error did in its place. */
static void go_without_polkit(struct query *query, const sd_bus_error *why)
{
	if (sd_bus_error_has_name(why, SD_BUS_ERROR_LIMITS_EXCEEDED)) {
		decide(query, VERDICT_TOO_MANY);
		return;
	}
	if (!sd_bus_error_has_name(why, SD_BUS_ERROR_SERVICE_UNKNOWN))
		log_warning("polkit cannot be asked: %s", why->message);
	if (ask_bus(query) < 0)
		decide(query, VERDICT_NO);
}

static int on_authorization(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	struct query *query = context;
	int r;

	(void)error;
	query->slot = sd_bus_slot_unref(query->slot);
	query->cancellation[0] = '\0';
	if (sd_bus_message_is_method_error(reply, NULL)) {
		go_without_polkit(query, sd_bus_message_get_error(reply));
		return 0;
	}
	r = read_authorization(reply, query);
	if (r < 0)
		log_warning("polkit's answer is none: %s", strerror(-r));
	decide(query, r > 0 ? VERDICT_YES : VERDICT_NO);
	return 0;
}

/*
 * A person may be asked for a password when the client says so. That takes as long as it takes, or
 * until the client leaves: else clients could fill the list with questions that nobody answers.
 */
static int ask_polkit(struct query *query)
{
	_cleanup_(cleanup_message) sd_bus_message *question = NULL;
	sd_bus *bus = query->access->manager->bus;
	int r = sd_bus_message_new_method_call(bus, &question, POLKIT, POLKIT_AUTHORITY,
					       "CheckAuthorization");

	if (query->interactive)
		snprintf(query->cancellation, sizeof(query->cancellation), "%" PRIu64,
			 ++query->access->cancellations);
	if (r >= 0)
		r = sd_bus_message_append(question, "(sa{sv})sa{ss}us", "system-bus-name", 1,
					  "name", "s", sd_bus_message_get_sender(query->call),
					  query->action, 0, query->interactive ? 1 : 0,
					  query->cancellation);
	return r < 0 ? r : sd_bus_call_async(bus, &query->slot, question, on_authorization, query,
					     query->interactive ? UINT64_MAX : 0);
}

static void ask(struct query *query)
{
	int r = ask_polkit(query);

	if (r < 0) {
		query->cancellation[0] = '\0';
		sd_bus_reply_method_errno(query->call, r, NULL);
		query_free(query);
		return;
	}
	query->asked = true;
	query->access->asked++;
	query->access->persons += query->interactive;
}

static bool is_first_undecided(const struct query *query)
{
	const struct query *first = query->access->queries;
	const char *client = sd_bus_message_get_sender(query->call);

	while (first->verdict != VERDICT_NONE || !is_from(first, client))
		first = first->next;
	return first == query;
}

/* As far as there is room for questions: in the order of the calls. */
static void ask_all(struct access *access)
{
	struct query *query = access->queries;

	while (query && access->asked < MAX_ASKED) {
		struct query *next = query->next;

		if (query->verdict == VERDICT_NONE && !query->asked &&
		    !(query->interactive && access->persons >= MAX_PERSONS) &&
		    is_first_undecided(query))
			ask(query);
		query = next;
	}
}

/* ---- Calls ---- */

static int refuse(const struct query *query, sd_bus_error *error)
{
	return sd_bus_error_setf(error, BUS_ERROR_NOT_AUTHORIZED,
				 "%s is not allowed for this client%s. Be root, in the group "
				 GROUP " or in an active session, or see polkit(8)", query->action,
				 query->challenge ? " without a password" : "");
}

static int refuse_for_now(const struct query *query, sd_bus_error *error)
{
	return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY_CALLS,
				 "Whether you are allowed %s cannot be asked now: the bus lets "
				 "audiomoduled wait for no more replies. Call again later",
				 query->action);
}

/* The second time: what was decided? */
static int conclude(struct query *query, sd_bus_error *error)
{
	int r = query->verdict == VERDICT_YES ? 1 :
		query->verdict == VERDICT_TOO_MANY ? refuse_for_now(query, error) :
		refuse(query, error);

	query_free(query);
	return r;
}

static int check_limits(const struct access *access, const char *client, sd_bus_error *error)
{
	unsigned int own = 0, all = 0;

	for (const struct query *query = access->queries; query; query = query->next) {
		own += is_from(query, client);
		all++;
	}
	if (own < MAX_QUERIES_PER_CLIENT && all < MAX_QUERIES)
		return 0;
	return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY_CALLS,
				 "%s %u calls that wait for authorization; wait for their replies",
				 own < MAX_QUERIES_PER_CLIENT ? "All clients together have" :
				 "You have", own < MAX_QUERIES_PER_CLIENT ? all : own);
}

static struct query *query_new(struct access *access, sd_bus_message *call, const char *action)
{
	struct query *query = calloc(1, sizeof(*query));

	if (!query)
		return NULL;
	query->access = access;
	query->call = sd_bus_message_ref(call);
	query->interactive = sd_bus_message_get_allow_interactive_authorization(call) > 0;
	query->action = action;
	return query;
}

static void append(struct query **link, struct query *query)
{
	while (*link)
		link = &(*link)->next;
	*link = query;
}

int access_check(struct access *access, sd_bus_message *call, const char *action,
		 sd_bus_error *error)
{
	struct query *query = access->queries;
	int r;

	while (query && query->call != call)
		query = query->next;
	if (query)
		return conclude(query, error);
	r = check_limits(access, sd_bus_message_get_sender(call), error);
	if (r < 0)
		return r;
	query = query_new(access, call, action);
	if (!query)
		return -ENOMEM;
	append(&access->queries, query);
	ask_all(access);
	return 0;
}

void access_forget(struct access *access, const char *path)
{
	struct query *query = access->queries;

	while (query) {
		struct query *next = query->next;

		if (strcmp(sd_bus_message_get_path(query->call), path) == 0) {
			if (!query->returned)	/* else the bus finds no object for it */
				sd_bus_reply_method_errorf(query->call, BUS_ERROR_GONE,
							   "%s is gone", path);
			query_free(query);
		}
		query = next;
	}
	ask_all(access);
}

/* A call that is on its way to its method ends there. */
void access_forget_client(struct access *access, const char *client)
{
	struct query *query = access->queries;

	while (query) {
		struct query *next = query->next;

		if (is_from(query, client) && !query->returned)
			query_free(query);
		query = next;
	}
	ask_all(access);
}

int access_new(struct manager *manager, struct access **access)
{
	*access = calloc(1, sizeof(**access));
	if (!*access)
		return -ENOMEM;
	(*access)->manager = manager;
	return 0;
}

struct access *access_free(struct access *access)
{
	if (!access)
		return NULL;
	while (access->queries)
		query_free(access->queries);
	free(access);
	return NULL;
}
