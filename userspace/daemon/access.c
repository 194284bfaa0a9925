// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: asking takes time, a password even more, and nobody else waits meanwhile: the call is kept,
 * and given to the bus again as if it had just come in when the answer is there. Calls of one
 * client come back in the order in which he made them, whatever the order of the answers.
 *
 * polkit is asked first. When it cannot say anything (most often: it is not installed), the bus is
 * asked for the client's user and groups. No answer is kept for the next call: sessions become
 * inactive and administrators change rules.
 */
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "access.h"
#include "log.h"

#define MAX_QUERIES		512
#define MAX_QUERIES_PER_CLIENT	64

#define GROUP			"audio"

enum verdict {
	VERDICT_NONE,		/* still being asked */
	VERDICT_YES,
	VERDICT_NO,
};

struct query {
	struct query *next;
	struct access *access;
	sd_bus_message *call;
	const char *action;
	sd_bus_slot *slot;	/* of the question under way */
	enum verdict verdict;
	bool challenge;		/* polkit would have asked for a password */
	bool returned;		/* the call is on its way to its method again */
};

struct access {
	struct manager *manager;
	struct query *queries;	/* in the order of the calls */
};

DEFINE_CLEANUP(cleanup_message, sd_bus_message *, sd_bus_message_unref)

static struct query *query_free(struct query *query)
{
	struct query **link = &query->access->queries;

	while (*link && *link != query)
		link = &(*link)->next;
	if (*link)
		*link = query->next;
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

/* The client's calls that are decided, as far as none in front of them is not. */
static void give_back_all(struct access *access, const char *client)
{
	struct query *query = access->queries;

	while (query) {
		struct query *next = query->next;

		if (is_from(query, client)) {
			if (query->verdict == VERDICT_NONE)
				return;
			if (!query->returned)
				give_back(query);
		}
		query = next;
	}
}

static void decide(struct query *query, bool allowed)
{
	_cleanup_(cleanup_message) sd_bus_message *call = sd_bus_message_ref(query->call);

	query->verdict = allowed ? VERDICT_YES : VERDICT_NO;
	log_debug("%s of %s: %s", query->action, sd_bus_message_get_sender(call),
		  allowed ? "yes" : "no");
	give_back_all(query->access, sd_bus_message_get_sender(call));
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
	decide(query, !sd_bus_message_is_method_error(reply, NULL) && may_open_devices(reply));
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

static int on_authorization(sd_bus_message *reply, void *context, sd_bus_error *error)
{
	struct query *query = context;
	int r;

	(void)error;
	query->slot = sd_bus_slot_unref(query->slot);
	if (sd_bus_message_is_method_error(reply, NULL)) {
		const sd_bus_error *why = sd_bus_message_get_error(reply);

		if (!sd_bus_error_has_name(why, SD_BUS_ERROR_SERVICE_UNKNOWN))
			log_warning("polkit cannot be asked: %s", why->message);
		if (ask_bus(query) < 0)
			decide(query, false);
		return 0;
	}
	r = read_authorization(reply, query);
	if (r < 0)
		log_warning("polkit's answer is none: %s", strerror(-r));
	decide(query, r > 0);
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
	bool interactive = sd_bus_message_get_allow_interactive_authorization(query->call) > 0;
	int r = sd_bus_message_new_method_call(bus, &question, "org.freedesktop.PolicyKit1",
					       "/org/freedesktop/PolicyKit1/Authority",
					       "org.freedesktop.PolicyKit1.Authority",
					       "CheckAuthorization");

	if (r >= 0)
		r = sd_bus_message_append(question, "(sa{sv})sa{ss}us", "system-bus-name", 1,
					  "name", "s", sd_bus_message_get_sender(query->call),
					  query->action, 0, interactive ? 1 : 0, "");
	return r < 0 ? r : sd_bus_call_async(bus, &query->slot, question, on_authorization, query,
					     interactive ? UINT64_MAX : 0);
}

/* ---- Calls ---- */

static int refuse(const struct query *query, sd_bus_error *error)
{
	return sd_bus_error_setf(error, BUS_ERROR_NOT_AUTHORIZED,
				 "%s is not allowed for this client%s. Be root, in the group "
				 GROUP " or in an active session, or see polkit(8)", query->action,
				 query->challenge ? " without a password" : "");
}

/* The second time: what was decided? */
static int conclude(struct query *query, sd_bus_error *error)
{
	int r = query->verdict == VERDICT_YES ? 1 : refuse(query, error);

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
	struct query **link = &access->queries;
	struct query *query = calloc(1, sizeof(*query));

	if (!query)
		return NULL;
	query->access = access;
	query->call = sd_bus_message_ref(call);
	query->action = action;
	while (*link)
		link = &(*link)->next;
	*link = query;
	return query;
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
	r = ask_polkit(query);
	if (r < 0) {
		query_free(query);
		return r;
	}
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
