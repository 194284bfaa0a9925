// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: the client as its user sees it: one fd, and the next event. The fd is an epoll of the
 * transport's fd, of each feed's, of an alarm for the transport's deadline, and of a bell. The bell
 * rings, and so keeps the fd readable, while a program that has taken an event did not yet hear
 * that there is none left, because what was read ahead wakes nobody.
 *
 * Feeds that have something stand in a queue and take turns; epoll is asked when the queue is empty
 * and after each turn. So a record costs no system call of its own, and none of those who have much
 * to tell keeps the others waiting.
 */
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "client.h"
#include "clock.h"

DEFINE_CLEANUP(cleanup_client, struct audiomodule_client *, audiomodule_client_free)

/* ---- Failures ---- */

bool client_is_going(int error)
{
	return error == -ENODEV || error == -ENOENT || error == -ENXIO || error == -ESTALE;
}

void client_succeed(struct audiomodule_client *client)
{
	free(client->error);
	client->error = NULL;
}

int client_fail(struct audiomodule_client *client, int error, const char *format, ...)
{
	_cleanup_(cleanup_memory) char *what = NULL;
	va_list arguments;
	int length;

	client_succeed(client);
	va_start(arguments, format);
	length = vasprintf(&what, format, arguments);
	va_end(arguments);
	if (length < 0)
		what = NULL;
	else if (asprintf(&client->error, "%s: %s", what,
			  client->operations->error(client->transport, error)) < 0)
		client->error = NULL;
	return error;
}

const char *audiomodule_client_error(const struct audiomodule_client *client)
{
	return client->error ? client->error : "";
}

/* ---- A client ---- */

static int watch(const struct audiomodule_client *client, int fd, int events, void *whose)
{
	struct epoll_event event = { .events = (uint32_t)events, .data.ptr = whose };

	return epoll_ctl(client->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* There may be more to send than the bus takes at once. */
static void watch_transport(struct audiomodule_client *client)
{
	const struct client_transport *operations = client->operations;
	struct epoll_event event = { .data.ptr = client };
	int events = operations->events(client->transport);

	if (events == client->transport_events)
		return;
	client->transport_events = events;
	event.events = (uint32_t)events;
	epoll_ctl(client->epoll, EPOLL_CTL_MOD, operations->fd(client->transport), &event);
}

static void set_alarm(struct audiomodule_client *client, uint64_t time)
{
	struct itimerspec when = { 0 };

	if (time == client->alarm_time)
		return;
	if (time != CLIENT_NO_DEADLINE) {
		when.it_value.tv_sec = (time_t)(time / 1000000);
		when.it_value.tv_nsec = (long)(time % 1000000 * 1000);
	}
	timerfd_settime(client->alarm, TFD_TIMER_ABSTIME, &when, NULL);
	client->alarm_time = time;
}

static void set_ringing(struct audiomodule_client *client, bool is_ringing)
{
	eventfd_t count;

	if (is_ringing == client->is_ringing)
		return;
	if (is_ringing)
		eventfd_write(client->bell, 1);
	else
		eventfd_read(client->bell, &count);
	client->is_ringing = is_ringing;
}

void client_wake(struct audiomodule_client *client)
{
	set_ringing(client, true);
	watch_transport(client);
}

/* There is nothing left: sleep until something comes, or has to be done. */
static void fall_asleep(struct audiomodule_client *client)
{
	uint64_t deadline = client->operations->deadline(client->transport);

	if (deadline <= clock_now()) {
		client_wake(client);
		return;
	}
	set_alarm(client, deadline);
	set_ringing(client, false);
	watch_transport(client);
}

static int open_fds(struct audiomodule_client *client)
{
	client->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (client->epoll >= 0)
		client->alarm = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (client->alarm >= 0)
		client->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return client->bell < 0 ? -errno : 0;
}

/* The first call has something to do whatever the transport's fd says. */
static int prepare(struct audiomodule_client *client)
{
	int r = open_fds(client);

	if (r >= 0)
		r = watch(client, client->alarm, EPOLLIN, NULL);
	if (r >= 0)
		r = watch(client, client->bell, EPOLLIN, NULL);
	if (r < 0)
		return r;
	set_ringing(client, true);
	client->transport_events = client->operations->events(client->transport);
	r = watch(client, client->operations->fd(client->transport), client->transport_events,
		  client);
	return r;
}

int audiomodule_transport_client_new(const struct client_transport *operations, void *transport,
				     struct audiomodule_client **client)
{
	_cleanup_(cleanup_client) struct audiomodule_client *new = calloc(1, sizeof(*new));
	int r;

	*client = NULL;
	if (!new) {
		operations->free(transport);
		return -ENOMEM;
	}
	new->operations = operations;
	new->transport = transport;
	new->epoll = new->alarm = new->bell = -1;
	new->alarm_time = CLIENT_NO_DEADLINE;
	r = prepare(new);
	if (r < 0)
		return r;
	*client = steal_pointer(new);
	return 0;
}

static struct client_command *command_free(struct client_command *command)
{
	if (!command)
		return NULL;
	free(command->answer);
	free(command);
	return NULL;
}

/* What the last event pointed to. */
static void forget_told(struct audiomodule_client *client)
{
	client->told_endpoint = client_endpoint_free(client->told_endpoint);
	client->told_command = command_free(client->told_command);
}

/* The transport last but for what it could still want to tell: it ends its threads. */
struct audiomodule_client *audiomodule_client_free(struct audiomodule_client *client)
{
	if (!client)
		return NULL;
	while (client->feeds)
		client_feed_free(client->feeds);
	client->operations->free(client->transport);
	forget_told(client);
	while (client->commands) {
		struct client_command *command = client->commands;

		client->commands = command->next;
		command_free(command);
	}
	while (client->subscriptions) {
		struct client_subscription *subscription = client->subscriptions;

		client->subscriptions = subscription->next;
		client_subscription_free(subscription);
	}
	while (client->endpoints) {
		struct client_endpoint *endpoint = client->endpoints;

		client->endpoints = endpoint->next;
		client_endpoint_free(endpoint);
	}
	cleanup_fd(&client->alarm);
	cleanup_fd(&client->bell);
	cleanup_fd(&client->epoll);
	free(client->error);
	free(client);
	return NULL;
}

int audiomodule_client_list(struct audiomodule_client *client, struct audiomodule_list **list)
{
	int r;

	client_succeed(client);
	r = client->operations->list(client->transport, list);
	client_wake(client);
	return r < 0 ? client_fail(client, r, "Cannot list audio modules") : 0;
}

/* ---- Commands ---- */

int audiomodule_client_command(struct audiomodule_client *client,
			       const struct audiomodule_module *module, const void *command,
			       size_t command_size, void **answer, size_t *answer_size)
{
	int r;

	client_succeed(client);
	r = client->operations->command(client->transport, module, command, command_size, answer,
					answer_size);
	client_wake(client);
	if (r < 0 && client->operations->error(client->transport, r)[0])
		client_fail(client, r, "Cannot send a command to %s/%s", module->endpoint->name,
			    module->label);
	return r;
}

static unsigned int count_commands(const struct audiomodule_client *client)
{
	unsigned int count = 0;

	for (const struct client_command *command = client->commands; command;
	     command = command->next)
		count++;
	return count;
}

static void unlink_command(struct client_command *command)
{
	struct client_command **link = &command->client->commands;

	while (*link != command)
		link = &(*link)->next;
	*link = command->next;
}

static int start_command(struct audiomodule_client *client,
			 const struct audiomodule_module *module, const void *bytes, size_t size,
			 uint64_t tag)
{
	struct client_command *command;
	int r;

	if (size > AUDIOMODULE_MAX_COMMAND_SIZE)
		return -EINVAL;
	if (count_commands(client) >= AUDIOMODULE_MAX_CLIENT_COMMANDS)
		return -EBUSY;
	command = calloc(1, sizeof(*command));
	if (!command)
		return -ENOMEM;
	command->client = client;
	command->tag = tag;
	command->next = client->commands;
	client->commands = command;
	r = client->operations->command_start(client->transport, module, bytes, size, command);
	if (r < 0) {
		unlink_command(command);
		command_free(command);
	}
	return r;
}

int audiomodule_client_command_start(struct audiomodule_client *client,
				     const struct audiomodule_module *module, const void *command,
				     size_t command_size, uint64_t tag)
{
	int r;

	client_succeed(client);
	r = start_command(client, module, command, command_size, tag);
	client_wake(client);
	return r < 0 ? client_fail(client, r, "Cannot send a command to %s/%s",
				   module->endpoint->name, module->label) : 0;
}

/* Behind all others: answers are told from there on in the order in which they came. */
void audiomodule_transport_answered(struct client_command *command, int error, void *answer,
				    size_t answer_size)
{
	struct client_command **link = &command->client->commands;

	command->is_answered = true;
	command->error = error;
	command->answer = answer;
	command->answer_size = answer_size;
	command->client->has_news = true;
	unlink_command(command);
	while (*link)
		link = &(*link)->next;
	command->next = NULL;
	*link = command;
}

/* ---- Events ---- */

void audiomodule_transport_daemon(struct audiomodule_client *client, bool is_there)
{
	client->daemon_is_there = is_there;
	client->has_news = true;
}

static int tell_daemon(struct audiomodule_client *client, struct audiomodule_event *event)
{
	if (client->daemon_is_there == client->daemon_is_told)
		return 0;
	client->daemon_is_told = client->daemon_is_there;
	event->type = client->daemon_is_there ? AUDIOMODULE_EVENT_DAEMON_APPEARED :
		      AUDIOMODULE_EVENT_DAEMON_GONE;
	return 1;
}

static int tell_answer(struct audiomodule_client *client, struct audiomodule_event *event)
{
	struct client_command *command = client->commands;

	while (command && !command->is_answered)
		command = command->next;
	if (!command)
		return 0;
	unlink_command(command);
	client->told_command = command;
	*event = (struct audiomodule_event) {
		.type = AUDIOMODULE_EVENT_ANSWER,
		.tag = command->tag,
		.error = command->error,
		.answer = command->answer,
		.answer_size = command->answer_size,
	};
	return 1;
}

static int tell_news(struct audiomodule_client *client, struct audiomodule_event *event)
{
	int r;

	client->has_news = false;	/* unless there is another one meanwhile */
	r = tell_daemon(client, event);
	if (r == 0)
		r = tell_answer(client, event);
	if (r == 0)
		r = client_endpoints_tell(client, event);
	if (r == 0)
		r = client_feeds_tell(client, event);
	client->has_news |= r > 0;
	return r;
}

static int process(struct audiomodule_client *client)
{
	int r = client->operations->process(client->transport);

	if (r < 0) {
		client->failure = r == -ENOMEM ? 0 : r;
		return client_fail(client, r, "Cannot go on");
	}
	return 0;
}

/* Looks who has something, and lets the transport work. */
static int look(struct audiomodule_client *client)
{
	struct epoll_event events[16];
	bool has_work = false;
	int count = epoll_wait(client->epoll, events, sizeof(events) / sizeof(events[0]), 0);

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr == client)
			has_work = true;
		else if (!events[i].data.ptr)
			has_work |= client->operations->deadline(client->transport) <= clock_now();
		else
			client_feed_set_ready(events[i].data.ptr);
	}
	return has_work ? process(client) : 0;
}

/* The first goes behind the others. */
static void end_turn(struct audiomodule_client *client)
{
	struct client_feed *feed = client->ready;

	if (feed) {
		client->ready = feed->next_ready;
		feed->is_ready = false;
		client_feed_set_ready(feed);
	}
	client->turn = CLIENT_TURN;
}

static int next_record(struct audiomodule_client *client, struct audiomodule_event *event)
{
	if (client->turn == 0)
		end_turn(client);
	client->turn--;
	return client_feed_tell(client->ready, event);
}

static int next_event(struct audiomodule_client *client, struct audiomodule_event *event)
{
	int r = client->failure;

	if (r == 0 && (!client->ready || client->turn == 0))
		r = look(client);
	if (r < 0)
		return r;
	while (r == 0 && (client->has_news || client->ready))
		r = client->has_news ? tell_news(client, event) : next_record(client, event);
	return r;
}

int audiomodule_client_next(struct audiomodule_client *client, struct audiomodule_event *event)
{
	int r;

	forget_told(client);
	*event = (struct audiomodule_event) { 0 };
	r = next_event(client, event);
	if (r == 0)
		fall_asleep(client);
	else
		client_wake(client);
	return r;
}

int audiomodule_client_fd(const struct audiomodule_client *client)
{
	return client->epoll;
}

/* Milliseconds for poll(), rounded up. */
static int time_left(uint64_t end)
{
	uint64_t now = clock_now();

	if (end == UINT64_MAX)
		return -1;
	return end <= now ? 0 : (int)((end - now + 999) / 1000);
}

int audiomodule_client_wait(struct audiomodule_client *client, int timeout_ms,
			    struct audiomodule_event *event)
{
	uint64_t end = timeout_ms < 0 ? UINT64_MAX :
		       clock_now() + (uint64_t)timeout_ms * 1000;

	for (;;) {
		struct pollfd pollfd = { .fd = client->epoll, .events = POLLIN };
		int r = audiomodule_client_next(client, event);

		if (r != 0 || time_left(end) == 0)
			return r;
		if (poll(&pollfd, 1, time_left(end)) < 0)
			return -errno;
	}
}
