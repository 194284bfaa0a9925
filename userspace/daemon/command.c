// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: from a client's call to a module and back, without making anybody else wait.
 *
 * The kernel handles one command of a module at a time, for as long as the module takes, and
 * nothing ends that. So at most one thread waits for each module, however many commands it is sent:
 * the others wait here, in the order in which they came, and no module uses up the threads of
 * another one. A thread opens the card for its command alone, touches nothing but that command, and
 * then writes the command's address into a pipe; the main thread takes it from there.
 *
 * Whoever leaves the bus while his command waits does not want it any more, unless he said that he
 * wants no reply. One that runs cannot be taken back.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>

#include "access.h"
#include "card.h"
#include "command.h"
#include "log.h"
#include "options.h"

#define MAX_RUNNING		64	/* threads */
#define MAX_COMMANDS		256	/* that run or wait, each with up to 64000 bytes */
#define MAX_COMMANDS_PER_CLIENT	32
#define STACK_SIZE		((size_t)256 << 10)

/* SendCommand's status */
#define STATUS_EXECUTED			0
#define STATUS_DEVICE_NOT_AVAILABLE	1

struct command {
	struct command *next;		/* of those that wait, or of those that run */
	struct commands *commands;
	sd_bus_message *call;
	pthread_t thread;
	/* What the thread needs: the module's and the endpoint's objects may go away. */
	struct audiomodule_endpoint endpoint;
	struct audiomodule_module module;
	void *bytes;
	size_t size;
	/* What the thread found out. */
	bool sent;			/* the card could be opened */
	int result;
	void *answer;
	size_t answer_size;
};

/* What goes through the pipe. */
struct done {
	struct command *command;
};

struct commands {
	struct manager *manager;
	struct command *waiting;
	struct command *running;
	unsigned int running_count;
	int done[2];			/* a pipe; it has room for MAX_RUNNING */
	sd_event_source *source;
	sd_event_source *exit;
};

DEFINE_CLEANUP(cleanup_message, sd_bus_message *, sd_bus_message_unref)
DEFINE_CLEANUP(cleanup_handle, struct audiomodule *, audiomodule_close)

/* ---- A command ---- */

static struct command *command_free(struct command *command)
{
	sd_bus_message_unref(command->call);
	free(command->bytes);
	free(command->answer);
	free(command);
	return NULL;
}

DEFINE_CLEANUP(cleanup_command, struct command *, command_free)

static struct command *command_new(const struct module *module, sd_bus_message *call,
				   const void *bytes, size_t size)
{
	_cleanup_(cleanup_command) struct command *command = calloc(1, sizeof(*command));

	if (!command)
		return NULL;
	command->commands = module->endpoint->card->manager->commands;
	command->call = sd_bus_message_ref(call);
	command->endpoint = module->endpoint->info;
	command->module = module->info;
	command->module.endpoint = &command->endpoint;
	command->size = size;
	if (size > 0) {
		command->bytes = malloc(size);
		if (!command->bytes)
			return NULL;
		memcpy(command->bytes, bytes, size);
	}
	return steal_pointer(command);
}

static void append(struct command **list, struct command *command)
{
	while (*list)
		list = &(*list)->next;
	*list = command;
	command->next = NULL;
}

static void take_out(struct command **list, const struct command *command)
{
	while (*list && *list != command)
		list = &(*list)->next;
	if (*list)
		*list = command->next;
}

/* ---- Its answer ---- */

static int reply_with(sd_bus_message *call, uint32_t status, const char *error,
		      const struct command *command)
{
	_cleanup_(cleanup_message) sd_bus_message *reply = NULL;
	int r = sd_bus_message_new_method_return(call, &reply);

	if (r >= 0)
		r = sd_bus_message_append(reply, "us", status, error);
	if (r >= 0)
		r = sd_bus_message_append_array(reply, 'y', command ? command->answer : NULL,
						command ? command->answer_size : 0);
	return r < 0 ? r : sd_bus_message_send(reply);
}

/* What the module, or the kernel in its place, said: UWP-1 calls that executed all the same. */
static int reply_refused(sd_bus_message *call, int number)
{
	const char *name = strerrorname_np(-number);

	return reply_with(call, STATUS_EXECUTED, name ? name : "EIO", NULL);
}

static bool is_gone(const struct command *command)
{
	return command->result == -ENODEV || command->result == -ENXIO ||
	       (!command->sent && command->result == -ENOENT);
}

static int reply_result(const struct command *command)
{
	if (is_gone(command))
		return reply_with(command->call, STATUS_DEVICE_NOT_AVAILABLE, "", NULL);
	if (command->result >= 0)
		return reply_with(command->call, STATUS_EXECUTED, "", command);
	if (command->sent)
		return reply_refused(command->call, command->result);
	return sd_bus_reply_method_errorf(command->call, BUS_ERROR_FAILED,
					  "Cannot open card %u to send a command: %s",
					  command->endpoint.card, strerror(-command->result));
}

static void reply(const struct command *command)
{
	int r = reply_result(command);

	if (r < 0)
		log_warning("Cannot answer a command to %s: %s",
			    sd_bus_message_get_path(command->call), strerror(-r));
}

/* ---- Its thread ---- */

/* It may be another card of that number by now. */
static int open_card(const struct command *command, struct audiomodule **handle)
{
	struct audiomodule_info info;
	int r = audiomodule_open_for_commands(command->commands->manager->directory,
					      command->endpoint.card, handle);

	if (r >= 0)
		r = audiomodule_info(*handle, &info);
	if (r < 0)
		return r;
	return info.journal_id == command->endpoint.journal_id ? 0 : -ENODEV;
}

/* The card is closed again before anybody hears of it: whoever does may unload the driver. */
static int execute(struct command *command)
{
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;
	int r = open_card(command, &handle);

	if (r < 0)
		return r;
	command->sent = true;
	return audiomodule_command(handle, &command->module, command->bytes, command->size,
				   &command->answer, &command->answer_size);
}

static void *run(void *context)
{
	struct command *command = context;
	const struct done done = { command };
	ssize_t written;

	command->result = execute(command);
	do {
		written = write(command->commands->done[1], &done, sizeof(done));
	} while (written < 0 && errno == EINTR);
	return NULL;
}

static int start_thread(struct command *command)
{
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);

	if (error)
		return -error;
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	error = pthread_create(&command->thread, &attributes, run, command);
	pthread_attr_destroy(&attributes);
	return -error;
}

/* ---- All commands ---- */

/* Each module has its own path. */
static bool is_busy(const struct commands *commands, const struct command *command)
{
	const char *path = sd_bus_message_get_path(command->call);
	const struct command *other = commands->running;

	while (other && strcmp(sd_bus_message_get_path(other->call), path) != 0)
		other = other->next;
	return other;
}

/* The first that waits and could run. */
static struct command *next_command(const struct commands *commands)
{
	struct command *command = commands->waiting;

	if (commands->running_count == MAX_RUNNING)
		return NULL;
	while (command && is_busy(commands, command))
		command = command->next;
	return command;
}

static void start(struct commands *commands, struct command *command)
{
	int r;

	take_out(&commands->waiting, command);
	r = start_thread(command);
	if (r >= 0) {
		append(&commands->running, command);
		commands->running_count++;
		return;
	}
	sd_bus_reply_method_errorf(command->call, BUS_ERROR_FAILED,
				   "Cannot make a thread for a command: %s", strerror(-r));
	command_free(command);
}

static void start_all(struct commands *commands)
{
	struct command *command;

	while ((command = next_command(commands)))
		start(commands, command);
}

static void finish(struct command *command)
{
	struct commands *commands = command->commands;

	pthread_join(command->thread, NULL);
	take_out(&commands->running, command);
	commands->running_count--;
	reply(command);
	command_free(command);
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct commands *commands = context;
	struct done done;

	(void)source;
	(void)events;
	while (read(fd, &done, sizeof(done)) == sizeof(done))
		finish(done.command);
	start_all(commands);
	return 0;
}

static bool is_from(const struct command *command, const char *client)
{
	return strcmp(sd_bus_message_get_sender(command->call), client) == 0;
}

/* NULL: of all clients. */
static unsigned int count(const struct command *list, const char *client)
{
	unsigned int found = 0;

	for (; list; list = list->next)
		found += !client || is_from(list, client);
	return found;
}

static int check_limits(const struct commands *commands, const char *client, sd_bus_error *error)
{
	if (count(commands->waiting, NULL) + commands->running_count >= MAX_COMMANDS)
		return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY_COMMANDS,
					 "All clients together have %d commands under way",
					 MAX_COMMANDS);
	if (count(commands->waiting, client) + count(commands->running, client) >=
	    MAX_COMMANDS_PER_CLIENT)
		return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY_COMMANDS,
					 "You have %d commands under way; wait for their replies",
					 MAX_COMMANDS_PER_CLIENT);
	return 0;
}

int command_send(sd_bus_message *call, void *context, sd_bus_error *error)
{
	const struct module *module = context;
	const struct manager *manager = module->endpoint->card->manager;
	struct commands *commands = manager->commands;
	_cleanup_(cleanup_command) struct command *command = NULL;
	const void *bytes;
	size_t size;
	int r = sd_bus_message_read_array(call, 'y', &bytes, &size);

	if (r >= 0)
		r = options_read_none(call, error);
	if (r < 0)
		return r;
	if (size > AUDIOMODULE_MAX_COMMAND_SIZE)
		return reply_refused(call, -EINVAL);
	r = access_check(manager->access, call, ACCESS_SEND_COMMAND, error);
	if (r <= 0)
		return r < 0 ? r : 1;
	r = check_limits(commands, sd_bus_message_get_sender(call), error);
	if (r < 0)
		return r;
	command = command_new(module, call, bytes, size);
	if (!command)
		return -ENOMEM;
	append(&commands->waiting, steal_pointer(command));
	start_all(commands);
	return 1;	/* the reply comes later */
}

void commands_forget_client(struct commands *commands, const char *client)
{
	struct command *command = commands->waiting;

	while (command) {
		struct command *next = command->next;

		if (is_from(command, client) &&
		    sd_bus_message_get_expect_reply(command->call) > 0) {
			take_out(&commands->waiting, command);
			command_free(command);
		}
		command = next;
	}
}

/* The process cannot end while a thread is in the kernel: its result can as well be told. */
static void end_all(struct commands *commands)
{
	while (commands->waiting) {
		struct command *command = commands->waiting;

		commands->waiting = command->next;
		command_free(command);
	}
	while (commands->running)
		finish(commands->running);
}

static int on_exit_of_loop(sd_event_source *source, void *context)
{
	(void)source;
	end_all(context);
	return 0;
}

/* Before the bus, which closes itself when the loop ends. */
static int add_exit(struct commands *commands)
{
	int r = sd_event_add_exit(commands->manager->event, &commands->exit, on_exit_of_loop,
				  commands);

	return r < 0 ? r : sd_event_source_set_priority(commands->exit,
							SD_EVENT_PRIORITY_IMPORTANT);
}

int commands_new(struct manager *manager, struct commands **commands)
{
	struct commands *new = calloc(1, sizeof(*new));
	int r;

	if (!new)
		return -ENOMEM;
	*commands = new;
	new->manager = manager;
	new->done[0] = new->done[1] = -1;
	if (pipe2(new->done, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	r = sd_event_add_io(manager->event, &new->source, new->done[0], EPOLLIN, on_done, new);
	return r < 0 ? r : add_exit(new);
}

struct commands *commands_free(struct commands *commands)
{
	if (!commands)
		return NULL;
	end_all(commands);
	sd_event_source_disable_unref(commands->exit);
	sd_event_source_disable_unref(commands->source);
	cleanup_fd(&commands->done[0]);
	cleanup_fd(&commands->done[1]);
	free(commands);
	return NULL;
}
