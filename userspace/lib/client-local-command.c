// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: the kernel's call for a command takes as long as the module does, and nothing ends it, so a
 * thread has to wait in it. The kernel handles one command of a module at a time: so each module
 * that has commands gets one thread, which sends them in their order and ends with the last one.
 *
 * Threads and the program share what is under the lock: the commands that wait, those that are
 * done, and which thread has ended. An eventfd tells that there is something new. All signals are
 * blocked in a thread: they are the program's.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

#include "card.h"
#include "cleanup.h"
#include "client-local-command.h"

#define STACK_SIZE	((size_t)256 << 10)

/* A command, from its start until it is told. */
struct job {
	struct job *next;
	struct client_command *whose;
	void *bytes;
	size_t size;
	int result;
	void *answer;
	size_t answer_size;
};

/* A thread, and what waits for it. */
struct worker {
	struct worker *next;
	struct local_commands *commands;
	pthread_t thread;
	struct audiomodule_endpoint endpoint;
	struct audiomodule_module module;
	struct job *waiting;
	bool has_ended;
};

struct local_commands {
	const char *directory;
	int fd;
	pthread_mutex_t lock;
	struct worker *workers;
	struct job *done;
};

DEFINE_CLEANUP(cleanup_card, struct audiomodule *, audiomodule_close)
DEFINE_CLEANUP(cleanup_list, struct audiomodule_list *, audiomodule_list_free)

static bool is_same(const struct audiomodule_module *a, const struct audiomodule_module *b)
{
	return a->endpoint->journal_id == b->endpoint->journal_id &&
	       audiomodule_guid_equal(&a->endpoint->device_id, &b->endpoint->device_id) &&
	       audiomodule_guid_equal(&a->class_id, &b->class_id) &&
	       a->instance_id == b->instance_id && a->pcm_device == b->pcm_device &&
	       a->pcm_subdevice == b->pcm_subdevice;
}

/* ---- One command ---- */

static bool has_module(struct audiomodule *handle, const struct audiomodule_module *module)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	const struct audiomodule_module *other;

	if (audiomodule_list(handle, &list) < 0)
		return false;
	for (size_t i = 0; (other = audiomodule_list_module(list, i)); i++)
		if (is_same(other, module))
			return true;
	return false;
}

/*
 * What the kernel says without such a module, or any, a module says of a command that is wrong, or
 * that it does not take.
 */
static bool is_gone(struct audiomodule *handle, const struct audiomodule_module *module, int error)
{
	return error == -ENODEV || error == -ENXIO ||
	       ((error == -EINVAL || error == -EOPNOTSUPP) && !has_module(handle, module));
}

int local_command(const char *directory, const struct audiomodule_module *module,
		  const void *bytes, size_t size, void **answer, size_t *answer_size, bool *said)
{
	_cleanup_(cleanup_card) struct audiomodule *handle = NULL;
	int r;

	*answer = NULL;
	*answer_size = 0;
	*said = false;
	if (module->object_path || size > AUDIOMODULE_MAX_COMMAND_SIZE)
		return -EINVAL;
	r = card_open_again(directory, module->endpoint, true, &handle);
	if (r < 0)
		return r;
	r = audiomodule_command(handle, module, bytes, size, answer, answer_size);
	if (r < 0 && is_gone(handle, module, r))
		return -ENODEV;
	*said = true;
	return r;
}

/* ---- A job ---- */

static struct job *job_free(struct job *job)
{
	if (!job)
		return NULL;
	free(job->bytes);
	free(job->answer);
	free(job);
	return NULL;
}

static void jobs_free(struct job *job)
{
	while (job) {
		struct job *next = job->next;

		job_free(job);
		job = next;
	}
}

DEFINE_CLEANUP(cleanup_job, struct job *, job_free)

static struct job *job_new(const void *bytes, size_t size, struct client_command *whose)
{
	_cleanup_(cleanup_job) struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->whose = whose;
	job->size = size;
	if (size > 0) {
		job->bytes = malloc(size);
		if (!job->bytes)
			return NULL;
		memcpy(job->bytes, bytes, size);
	}
	return steal_pointer(job);
}

static void append(struct job **list, struct job *job)
{
	while (*list)
		list = &(*list)->next;
	job->next = NULL;
	*list = job;
}

/* ---- A thread ---- */

/* NULL: the thread ends, and who has another command for the module makes a new one. */
static struct job *take_job(struct worker *worker)
{
	struct job *job;

	pthread_mutex_lock(&worker->commands->lock);
	job = worker->waiting;
	if (job)
		worker->waiting = job->next;
	else
		worker->has_ended = true;
	pthread_mutex_unlock(&worker->commands->lock);
	return job;
}

/* The card is closed by now: who hears of it may unload the driver. */
static void give_back(struct local_commands *commands, struct job *job)
{
	pthread_mutex_lock(&commands->lock);
	append(&commands->done, job);
	pthread_mutex_unlock(&commands->lock);
	eventfd_write(commands->fd, 1);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct job *job;
	bool said;

	while ((job = take_job(worker))) {
		job->result = local_command(worker->commands->directory, &worker->module,
					    job->bytes, job->size, &job->answer,
					    &job->answer_size, &said);
		give_back(worker->commands, job);
	}
	return NULL;
}

/* A thread begins with the mask of the one that makes it. */
static int start_thread(struct worker *worker)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int error = pthread_attr_init(&attributes);

	if (error)
		return -error;
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&worker->thread, &attributes, work, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

static int add_worker(struct local_commands *commands, const struct audiomodule_module *module,
		      struct job *job)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int r;

	if (!worker)
		return -ENOMEM;
	worker->commands = commands;
	worker->endpoint = *module->endpoint;
	worker->module = *module;
	worker->module.endpoint = &worker->endpoint;
	worker->waiting = job;
	r = start_thread(worker);
	if (r < 0) {
		free(worker);
		return r;
	}
	worker->next = commands->workers;
	commands->workers = worker;
	return 0;
}

/* ---- All commands ---- */

/* Does a thread take it? */
static bool hand_over(struct local_commands *commands, const struct audiomodule_module *module,
		      struct job *job)
{
	struct worker *worker;

	pthread_mutex_lock(&commands->lock);
	worker = commands->workers;
	while (worker && (worker->has_ended || !is_same(&worker->module, module)))
		worker = worker->next;
	if (worker)
		append(&worker->waiting, job);
	pthread_mutex_unlock(&commands->lock);
	return worker;
}

int local_commands_start(struct local_commands *commands, const struct audiomodule_module *module,
			 const void *bytes, size_t size, struct client_command *whose)
{
	struct job *job;
	int r;

	if (module->object_path)
		return -EINVAL;
	job = job_new(bytes, size, whose);
	if (!job)
		return -ENOMEM;
	if (hand_over(commands, module, job))
		return 0;
	r = add_worker(commands, module, job);
	if (r < 0)
		job_free(job);
	return r;
}

/* Takes what is done and, out of the list, the threads that have ended. */
static struct job *take_done(struct local_commands *commands, struct worker **ended)
{
	struct worker **link = &commands->workers;
	struct job *done;

	*ended = NULL;
	pthread_mutex_lock(&commands->lock);
	done = commands->done;
	commands->done = NULL;
	while (*link) {
		struct worker *worker = *link;

		if (!worker->has_ended) {
			link = &worker->next;
			continue;
		}
		*link = worker->next;
		worker->next = *ended;
		*ended = worker;
	}
	pthread_mutex_unlock(&commands->lock);
	return done;
}

static void join_all(struct worker *worker)
{
	while (worker) {
		struct worker *next = worker->next;

		pthread_join(worker->thread, NULL);
		free(worker);
		worker = next;
	}
}

int local_commands_fd(const struct local_commands *commands)
{
	return commands->fd;
}

void local_commands_process(struct local_commands *commands)
{
	struct worker *ended;
	struct job *job;
	eventfd_t count;

	if (eventfd_read(commands->fd, &count) < 0)
		return;
	job = take_done(commands, &ended);
	while (job) {
		struct job *next = job->next;

		audiomodule_transport_answered(job->whose, job->result,
					       steal_pointer(job->answer), job->answer_size);
		job_free(job);
		job = next;
	}
	join_all(ended);
}

int local_commands_new(const char *directory, struct local_commands **commands)
{
	struct local_commands *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->directory = directory;
	new->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (new->fd < 0) {
		free(new);
		return -errno;
	}
	pthread_mutex_init(&new->lock, NULL);
	*commands = new;
	return 0;
}

struct local_commands *local_commands_free(struct local_commands *commands)
{
	if (!commands)
		return NULL;
	pthread_mutex_lock(&commands->lock);
	for (struct worker *worker = commands->workers; worker; worker = worker->next)
		jobs_free(steal_pointer(worker->waiting));
	pthread_mutex_unlock(&commands->lock);
	join_all(commands->workers);
	jobs_free(commands->done);
	pthread_mutex_destroy(&commands->lock);
	cleanup_fd(&commands->fd);
	free(commands);
	return NULL;
}
