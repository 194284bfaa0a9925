// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: `audiomodulectl send`: one command to one module, and its answer. What a command's bytes
 * mean is the vendor's; what can be said here of a refusal is what the kernel's interface says of
 * its errno. An address that means several modules is refused: a command changes something.
 */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "choose.h"
#include "output.h"

struct exchange {
	const struct options *options;
	struct source source;
	const struct audiomodule_module *module;
	char address[AUDIOMODULE_ADDRESS_SIZE];
	struct bytes command;
	struct bytes answer;
	int result;		/* 0 or negative errno */
	bool arrived;		/* then the result is what the module, or the kernel for it, said */
};

static void cleanup_exchange(struct exchange *exchange)
{
	cleanup_source(&exchange->source);
	cleanup_bytes(&exchange->command);
	cleanup_bytes(&exchange->answer);
}

static enum exit_status find_module(struct exchange *exchange, const struct audiomodule_list *list)
{
	struct target target;
	enum exit_status status = choose(exchange->options, list, false,
					 "a command is for one module", &target);

	if (status != STATUS_OK)
		return status;
	exchange->module = target.module;
	audiomodule_address_format(list, target.endpoint, target.module, exchange->address);
	return STATUS_OK;
}

/* ---- Sending ---- */

/* It may be another card of that number by now. */
static int open_card(const struct exchange *exchange, struct audiomodule **handle)
{
	const struct audiomodule_endpoint *endpoint = exchange->module->endpoint;
	struct audiomodule_info info;
	int r = audiomodule_open_for_commands(exchange->options->directory, endpoint->card, handle);

	if (r >= 0)
		r = audiomodule_info(*handle, &info);
	if (r < 0)
		return r;
	return info.journal_id == endpoint->journal_id ? 0 : -ENODEV;
}

static int send_local(struct exchange *exchange, void **answer)
{
	_cleanup_(cleanup_handle) struct audiomodule *handle = NULL;
	int r = open_card(exchange, &handle);

	if (r < 0)
		return r;
	exchange->arrived = true;
	return audiomodule_command(handle, exchange->module, exchange->command.data,
				   exchange->command.size, answer, &exchange->answer.size);
}

/* What has a text did not come from the module. */
static int send_bus(struct exchange *exchange, void **answer)
{
	struct audiomodule_bus *bus = exchange->source.bus;
	int r = audiomodule_bus_command(bus, exchange->module->object_path, exchange->command.data,
					exchange->command.size, answer, &exchange->answer.size);

	exchange->arrived = r >= 0 || !audiomodule_bus_error(bus)[0];
	return r;
}

static void send_command(struct exchange *exchange)
{
	void *answer = NULL;

	exchange->result = exchange->source.bus ? send_bus(exchange, &answer) :
			   send_local(exchange, &answer);
	exchange->answer.data = answer;
}

/* ---- What came of it ---- */

struct refusal {
	int error;
	enum exit_status status;
	const char *cause;
	const char *way_out;
};

static const struct refusal refusals[] = {
	{ EINVAL, STATUS_FAILURE, "something in the command is not valid: a parameter, a value or "
	  "the number of bytes", "Compare it with what the module's vendor documents." },
	{ EOPNOTSUPP, STATUS_FAILURE, "the module takes no commands, or not this one",
	  "Send what its vendor documents, or to another module: audiomodulectl list" },
	{ EACCES, STATUS_PERMISSION, "it belongs to a stream that another process opened",
	  "Only that process can send it commands; the endpoint's own modules take yours." },
	{ ENOTTY, STATUS_FAILURE, "the kernel module is too old for commands",
	  "Update snd-audio-module." },
	{ EIO, STATUS_FAILURE, "its driver failed", "Look for what it says in dmesg." },
	{ EPROTO, STATUS_FAILURE, "its answer is longer than answers may be",
	  "Its driver is wrong: tell its vendor." },
	{ EAGAIN, STATUS_FAILURE, "its answer grew each time that it was asked for", "Try again." },
	{ ENOMEM, STATUS_FAILURE, "there is no memory", "Send less, or try again." },
};

/* What the kernel says of a module, or the daemon of its object, that was there before. */
static bool is_gone(const struct exchange *exchange)
{
	int error = -exchange->result;

	return error == ENODEV || error == ENXIO || (error == ENOENT && !exchange->arrived);
}

static enum exit_status fail_gone(const struct exchange *exchange)
{
	fprintf(stderr, "audiomodulectl: %s went away before it got the command. See: "
		"audiomodulectl list%s\n", exchange->address,
		exchange->options->local ? " --local" : "");
	return STATUS_NO_ADDRESS;
}

static enum exit_status fail_refused(const struct exchange *exchange)
{
	struct refusal refusal = { -exchange->result, STATUS_FAILURE, strerror(-exchange->result),
				   "What that means here, its vendor knows." };
	const char *name = strerrorname_np(-exchange->result);

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].error == refusal.error)
			refusal = refusals[i];
	fprintf(stderr, "audiomodulectl: %s answers %s: %s. %s\n", exchange->address,
		name ? name : "an error", refusal.cause, refusal.way_out);
	return refusal.status;
}

static enum exit_status fail_exchange(const struct exchange *exchange)
{
	char what[AUDIOMODULE_ADDRESS_SIZE + 32];

	if (is_gone(exchange))
		return fail_gone(exchange);
	if (exchange->arrived)
		return fail_refused(exchange);
	if (exchange->result == -ETIMEDOUT) {
		fprintf(stderr, "audiomodulectl: %s has not answered in time; it may execute the "
			"command all the same. With --local you can wait longer.\n",
			exchange->address);
		return STATUS_FAILURE;
	}
	snprintf(what, sizeof(what), "Cannot send a command to %s", exchange->address);
	return source_fail(&exchange->source, what, exchange->result);
}

static const char *status_name(int result)
{
	const char *name = result < 0 ? strerrorname_np(-result) : "ok";

	return name ? name : "EIO";
}

static void print_json(const struct exchange *exchange)
{
	bool first = true;

	putchar('{');
	json_text(&first, "address", exchange->address);
	json_text(&first, "status", status_name(exchange->result));
	json_unsigned(&first, "size", exchange->answer.size);
	json_bytes(&first, "data", exchange->answer.data, exchange->answer.size);
	puts("}");
}

static void print_answer(const struct exchange *exchange)
{
	const struct bytes *answer = &exchange->answer;

	if (answer->size == 0)
		fputs(exchange->options->raw ? "" : "executed; the answer has no bytes\n", stdout);
	else if (exchange->options->raw)
		fwrite(answer->data, 1, answer->size, stdout);
	else
		bytes_print(answer);
}

/* With --json also a refusal is an answer; what did not arrive has none. */
static enum exit_status show(const struct exchange *exchange)
{
	enum exit_status status, output;
	bool closed;

	status = exchange->result < 0 ? fail_exchange(exchange) : STATUS_OK;
	if (exchange->options->json && (exchange->arrived || is_gone(exchange)))
		print_json(exchange);
	else if (status == STATUS_OK)
		print_answer(exchange);
	output = finish_output(&closed);
	return status == STATUS_OK ? output : status;
}

enum exit_status command_send(const struct options *options)
{
	_cleanup_(cleanup_list) struct audiomodule_list *list = NULL;
	_cleanup_(cleanup_exchange) struct exchange exchange = { .options = options };
	enum exit_status status = bytes_read(options->bytes, &exchange.command);

	if (status == STATUS_OK)
		status = source_open(&exchange.source, options);
	if (status == STATUS_OK)
		status = source_list(&exchange.source, &list);
	if (status == STATUS_OK)
		status = find_module(&exchange, list);
	if (status != STATUS_OK)
		return status;
	send_command(&exchange);
	return show(&exchange);
}
