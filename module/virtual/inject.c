// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual sound card: hooks for tests
 *
 * DOC: The idea
 *
 * Windows lets only the kernel send notifications (PNP-3), and so do we. For tests, root can make
 * this driver do what a driver does: /sys/kernel/debug/snd-audio-module-virtual/cardN has
 *
 *	send	sends many notifications. Words: count=, size= (data in bytes), context=,
 *		endpoint= (0, 1), module= (0, 1, 2), method= (post, portcls: a buffer for each,
 *		reuse: one buffer for all), pool=, id= (a GUID or null), same= (1: the data are
 *		zeroes, not what is said below, so that their making costs nothing), first= (number
 *		of the first of them, instead of the next one of the card).
 *	portcls	one call of PortCls at a time. Words: op= (alloc, fill, check, send, free,
 *		free_inside, forget), slot= (0 to 15), pool=, size=, context=, endpoint=, id=,
 *		no_port=, unknown= (fill: with an InstanceId that no module has).
 *	late	registers (op=register, instance=, endpoint=) or unregisters (op=unregister) a
 *		module after the card was registered. It answers a command with the same bytes,
 *		once it has slept as many milliseconds as their first four say. handler=
 *		interruptible: a signal ends that, and it asks to be called again; nested: it
 *		registers another module instead, and unregisters that. What a handler should not
 *		do: too_long says that it wrote more than there is room for; unwritten, that it
 *		wrote what it did not; positive returns 1; restart asks to be called again without
 *		a signal, restart_block by a function that it has not set; kernel_only returns
 *		what user space has no errno for. op=again, module=, instance=: registers a module
 *		of a class that the endpoint has, and unregisters it.
 *		op=release gives the driver's reference to an endpoint's port back, while its
 *		modules go on (IF-3).
 *	pool	the pool type that the modules ask for when a parameter changes: with one that is
 *		refused, they have no buffer for the notification.
 *	asleep	1: ALSA takes the card for suspended, though the machine is awake; 0: for awake.
 *
 * free keeps the pointer in its slot, so that it can be freed twice on purpose. Another buffer may
 * be at its address by then: do that only while nothing else allocates.
 *
 * A line is written, the answer is read from the same open file. Contexts are process, bh, rcu,
 * preempt, irqoff, spinlock, softirq (a timer) and hardirq (a hard irq_work). The work is done in
 * chunks, so that no watchdog barks.
 *
 * What is sent can be checked by the reader: the first 8 bytes of vendor data are the number of
 * the notification, each later one is the sum of that number, its own offset, and 37 for each 256
 * of that: bytes from another page, or another record, are others.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/debugfs.h>
#include <linux/irq_work.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <sound/portcls.h>

#include "virtual.h"

#define CHUNK		256
#define SLOTS		16
#define LINE_SIZE	256
#define GARBAGE		0xa5
#define HEADER_SIZE	sizeof(struct snd_audio_module_notification)

static struct dentry *inject_root;

/* ------------------------------------------------------------------ contexts */

enum context {
	CONTEXT_PROCESS, CONTEXT_BH, CONTEXT_RCU, CONTEXT_PREEMPT, CONTEXT_IRQOFF,
	CONTEXT_SPINLOCK, CONTEXT_SOFTIRQ, CONTEXT_HARDIRQ
};

static const char * const context_names[] = {
	"process", "bh", "rcu", "preempt", "irqoff", "spinlock", "softirq", "hardirq"
};

/**
 * struct call - something to do in a context of its own
 * @function: what
 * @data: for it
 * @timer: calls it in softirq context
 * @work: calls it in a hard interrupt
 * @done: it was called
 */
struct call {
	void (*function)(void *data);
	void *data;
	struct timer_list timer;
	struct irq_work work;
	struct completion done;
};

static void call_timer(struct timer_list *timer)
{
	struct call *call = container_of(timer, struct call, timer);

	call->function(call->data);
	complete(&call->done);
}

static void call_work(struct irq_work *work)
{
	struct call *call = container_of(work, struct call, work);

	call->function(call->data);
	complete(&call->done);
}

static void call_in_softirq(struct call *call)
{
	timer_setup(&call->timer, call_timer, 0);
	mod_timer(&call->timer, jiffies);
	wait_for_completion(&call->done);
	timer_delete_sync(&call->timer);
}

static void call_in_hardirq(struct call *call)
{
	call->work = IRQ_WORK_INIT_HARD(call_work);
	irq_work_queue(&call->work);
	wait_for_completion(&call->done);
	irq_work_sync(&call->work);
}

static void call_with_spinlock(struct call *call)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	call->function(call->data);
	spin_unlock(&lock);
}

static void call_with_irqs_off(struct call *call)
{
	unsigned long flags;

	local_irq_save(flags);
	call->function(call->data);
	local_irq_restore(flags);
}

/* Call @call's function in @context and wait for it. */
static void call_now(struct call *call, enum context context)
{
	void (*function)(void *data) = call->function;
	void *data = call->data;

	switch (context) {
	case CONTEXT_PROCESS:
		function(data);
		break;
	case CONTEXT_BH:
		local_bh_disable();
		function(data);
		local_bh_enable();
		break;
	case CONTEXT_RCU:
		rcu_read_lock();
		function(data);
		rcu_read_unlock();
		break;
	case CONTEXT_PREEMPT:
		preempt_disable();
		function(data);
		preempt_enable();
		break;
	case CONTEXT_IRQOFF:
		call_with_irqs_off(call);
		break;
	case CONTEXT_SPINLOCK:
		call_with_spinlock(call);
		break;
	case CONTEXT_SOFTIRQ:
		call_in_softirq(call);
		break;
	case CONTEXT_HARDIRQ:
		call_in_hardirq(call);
		break;
	}
}

/* 0, or -ENOMEM: nothing was called. The timer cannot be on the stack in every kernel. */
static int call_in(enum context context, void (*function)(void *data), void *data)
{
	struct call *call = kzalloc_obj(*call, GFP_KERNEL);

	if (!call)
		return -ENOMEM;
	call->function = function;
	call->data = data;
	init_completion(&call->done);
	call_now(call, context);
	kfree(call);
	return 0;
}

/* ------------------------------------------------------------------ words of a line */

/**
 * struct words - what a line says
 * @op: index in the file's list of operations
 * @method: index in method_names
 * @context: enum context
 * @count: of notifications
 * @size: bytes
 * @endpoint: index
 * @module: index
 * @slot: of a buffer
 * @pool: pool type
 * @instance: InstanceId
 * @no_port: pass NULL for the port
 * @unknown: fill in an InstanceId that no module has
 * @same: do not fill in data that tell notifications apart
 * @handler: enum handler
 * @first: number of the first notification; 0: the card's next one
 * @id: NotificationId
 * @id_null: pass NULL for it
 */
struct words {
	u32 op;
	u32 method;
	u32 context;
	u32 count;
	u32 size;
	u32 endpoint;
	u32 module;
	u32 slot;
	u32 pool;
	u32 instance;
	u32 no_port;
	u32 unknown;
	u32 same;
	u32 handler;
	u64 first;
	guid_t id;
	bool id_null;
};

enum method { METHOD_POST, METHOD_PORTCLS, METHOD_REUSE };

static const char * const method_names[] = { "post", "portcls", "reuse" };

enum handler {
	HANDLER_PLAIN, HANDLER_INTERRUPTIBLE, HANDLER_NESTED, HANDLER_TOO_LONG, HANDLER_UNWRITTEN,
	HANDLER_POSITIVE, HANDLER_RESTART, HANDLER_RESTART_BLOCK,
	HANDLER_KERNEL_ONLY
};

static const char * const handler_names[] = {
	"plain", "interruptible", "nested", "too_long", "unwritten", "positive", "restart",
	"restart_block", "kernel_only"
};

static int parse_name(const char *value, const char * const *names, size_t count, u32 *index)
{
	int i = match_string(names, count, value);

	*index = i;
	return i < 0 ? -EINVAL : 0;
}

static int parse_number(struct words *words, const char *word, const char *value)
{
	const struct {
		const char *word;
		u32 *number;
		u32 limit;
	} numbers[] = {
		{ "count", &words->count, 10000000 },
		{ "size", &words->size, U16_MAX },
		{ "endpoint", &words->endpoint, VIRTUAL_ENDPOINTS - 1 },
		{ "module", &words->module, VIRTUAL_MODULES - 1 },
		{ "slot", &words->slot, SLOTS - 1 },
		{ "pool", &words->pool, U32_MAX },
		{ "instance", &words->instance, U32_MAX },
		{ "no_port", &words->no_port, 1 },
		{ "unknown", &words->unknown, 1 },
		{ "same", &words->same, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strcmp(word, numbers[i].word))
			return kstrtou32(value, 0, numbers[i].number) ?:
			       *numbers[i].number > numbers[i].limit ? -ERANGE : 0;
	return -EINVAL;
}

static int parse_word(struct words *words, const char * const *ops, size_t op_count, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return -EINVAL;
	*value++ = 0;
	if (!strcmp(word, "op"))
		return parse_name(value, ops, op_count, &words->op);
	if (!strcmp(word, "context"))
		return parse_name(value, context_names, ARRAY_SIZE(context_names),
				  &words->context);
	if (!strcmp(word, "method"))
		return parse_name(value, method_names, ARRAY_SIZE(method_names), &words->method);
	if (!strcmp(word, "handler"))
		return parse_name(value, handler_names, ARRAY_SIZE(handler_names),
				  &words->handler);
	if (!strcmp(word, "first"))
		return kstrtou64(value, 0, &words->first);
	if (strcmp(word, "id"))
		return parse_number(words, word, value);
	words->id_null = !strcmp(value, "null");
	return words->id_null ? 0 : guid_parse(value, &words->id);
}

static int parse_line(struct words *words, const char * const *ops, size_t op_count, char *line)
{
	char *word;
	int err;

	*words = (struct words) {
		.count = 1,
		.size = sizeof(struct snd_audio_module_notification) + 8,
		.pool = SND_PORTCLS_NON_PAGED_POOL_NX,
		.id = snd_audio_module_notification_id,
	};
	while ((word = strsep(&line, "\n "))) {
		err = *word ? parse_word(words, ops, op_count, word) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* ------------------------------------------------------------------ data */

/* Vendor data of notification @number, as the file's head says. */
static void fill_vendor(u8 *data, size_t size, u64 number)
{
	size_t i;

	memcpy(data, &number, min(size, sizeof(number)));
	for (i = sizeof(number); i < size; i++)
		data[i] = (u8)(number + i + 37 * (i / 256));
}

/* A notification of @module, DeviceId and Reserved wrong on purpose: the port sets them. */
static void fill_notification(const struct virtual_module *module, u8 *data, size_t size,
			      u64 number)
{
	struct snd_audio_module_notification identity;
	size_t head = min(size, sizeof(identity));

	memset(&identity, GARBAGE, sizeof(identity));
	export_guid(identity.class_id, &module->descriptor.class_id);
	identity.instance_id = module->descriptor.instance_id;
	memcpy(data, &identity, head);
	fill_vendor(data + head, size - head, number);
}

/* ------------------------------------------------------------------ send */

/**
 * struct sending - notifications to send in one context
 * @virtual: the card
 * @words: what was asked for
 * @module: whose
 * @port: through which
 * @buffer: for METHOD_REUSE
 * @vendor: for METHOD_POST
 * @next: number of the next notification; 0: the card's
 * @left: how many in this chunk
 */
struct sending {
	struct virtual_card *virtual;
	const struct words *words;
	const struct virtual_module *module;
	struct snd_audio_module_port *port;
	struct snd_portcls_notification_buffer *buffer;
	u8 *vendor;
	u64 next;
	u32 left;
};

static u64 next_number(struct sending *sending)
{
	return sending->next ? sending->next++ : atomic64_inc_return(&sending->virtual->counter);
}

static void send_portcls(struct sending *sending, u64 number)
{
	const struct words *words = sending->words;
	struct snd_portcls_notification_buffer *buffer = sending->buffer;

	if (words->method == METHOD_PORTCLS &&
	    snd_portcls_alloc_notification_buffer(sending->port, words->pool, words->size,
						  &buffer))
		return;
	fill_notification(sending->module, buffer->notification_buffer,
			  words->same ? min_t(u32, words->size, HEADER_SIZE) : words->size, number);
	snd_portcls_send_notification(sending->port, words->id_null ? NULL : &words->id, buffer);
	if (words->method == METHOD_PORTCLS)
		snd_portcls_free_notification_buffer(sending->port, buffer);
}

static void send_chunk(void *data)
{
	struct sending *sending = data;
	size_t vendor_size =
		sending->words->size - sizeof(struct snd_audio_module_notification);

	for (; sending->left; sending->left--) {
		u64 number = next_number(sending);

		if (sending->words->method == METHOD_POST) {
			if (!sending->words->same)
				fill_vendor(sending->vendor, vendor_size, number);
			snd_audio_module_post(sending->module->module, sending->vendor,
					      vendor_size);
		} else {
			send_portcls(sending, number);
		}
	}
}

/* The same bytes each time: nothing but the call, so that it can be measured. */
static void send_chunk_same(void *data)
{
	struct sending *sending = data;
	struct snd_audio_module *module = sending->module->module;
	const guid_t *id = sending->words->id_null ? NULL : &sending->words->id;
	size_t vendor_size = sending->words->size - HEADER_SIZE;

	if (sending->words->method == METHOD_POST)
		for (; sending->left; sending->left--)
			snd_audio_module_post(module, sending->vendor, vendor_size);
	else
		for (; sending->left; sending->left--)
			snd_portcls_send_notification(sending->port, id, sending->buffer);
}

static int send_chunks(struct sending *sending)
{
	bool same = sending->words->same && sending->words->method != METHOD_PORTCLS;
	u32 left = sending->words->count;
	int err;

	while (left) {
		sending->left = min_t(u32, left, CHUNK);
		left -= sending->left;
		err = call_in(sending->words->context, same ? send_chunk_same : send_chunk,
			      sending);
		if (err)
			return err;
		cond_resched();
		if (signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static int send_all(struct virtual_card *virtual, const struct words *words)
{
	struct virtual_endpoint *endpoint = &virtual->endpoints[words->endpoint];
	struct sending sending = {
		.virtual = virtual,
		.words = words,
		.module = &endpoint->modules[words->module],
		.port = endpoint->port,
		.next = words->first,
	};
	int err = 0;

	if (words->method == METHOD_POST &&
	    words->size < sizeof(struct snd_audio_module_notification))
		return -EINVAL;

	sending.vendor = kvzalloc(words->size, GFP_KERNEL);
	if (!sending.vendor)
		return -ENOMEM;
	if (words->method == METHOD_REUSE)
		err = snd_portcls_alloc_notification_buffer(endpoint->port, words->pool,
							    words->size, &sending.buffer);
	if (sending.buffer)
		fill_notification(sending.module, sending.buffer->notification_buffer,
				  min_t(u32, words->size, HEADER_SIZE), 0);
	err = err ?: send_chunks(&sending);
	snd_portcls_free_notification_buffer(endpoint->port, sending.buffer);
	kvfree(sending.vendor);
	return err;
}

/* ------------------------------------------------------------------ portcls */

static const char * const portcls_ops[] = {
	"alloc", "fill", "check", "send", "free", "free_inside", "forget"
};

enum portcls_op {
	OP_ALLOC, OP_FILL, OP_CHECK, OP_SEND, OP_FREE, OP_FREE_INSIDE, OP_FORGET
};

/**
 * struct inject_file - an open file of the hooks
 * @virtual: the card
 * @lock: one line at a time
 * @slots: the pointers that Alloc gave, kept after Free
 * @live: Free has not got them yet
 * @endpoints: where they were allocated
 * @sizes: what they were allocated with
 * @answer: to the last line
 */
struct inject_file {
	struct virtual_card *virtual;
	struct mutex lock;	/* see @lock above */
	struct snd_portcls_notification_buffer *slots[SLOTS];
	bool live[SLOTS];
	u32 endpoints[SLOTS];
	u32 sizes[SLOTS];
	char answer[LINE_SIZE];
};

/**
 * struct portcls_call - one of PortCls' calls, in a context of its own
 * @words: which
 * @port: its first argument
 * @buffer: its buffer
 * @status: what Alloc returned
 */
struct portcls_call {
	const struct words *words;
	struct snd_audio_module_port *port;
	struct snd_portcls_notification_buffer *buffer;
	int status;
};

static void portcls_call(void *data)
{
	struct portcls_call *call = data;
	const struct words *words = call->words;

	switch (words->op) {
	case OP_ALLOC:
		call->status = snd_portcls_alloc_notification_buffer(call->port, words->pool,
								     words->size, &call->buffer);
		break;
	case OP_SEND:
		snd_portcls_send_notification(call->port, words->id_null ? NULL : &words->id,
					      call->buffer);
		break;
	default:
		snd_portcls_free_notification_buffer(call->port, call->buffer);
	}
}

static int portcls_alloc(struct inject_file *file, struct portcls_call *call)
{
	const struct words *words = call->words;
	int err;

	call->buffer = ERR_PTR(-EBUSY);
	err = call_in(words->context, portcls_call, call);
	if (err)
		return err;
	file->slots[words->slot] = call->buffer;
	file->live[words->slot] = !call->status;
	file->endpoints[words->slot] = words->endpoint;
	file->sizes[words->slot] = words->size;
	if (call->status)
		scnprintf(file->answer, LINE_SIZE, "status=%d null=%d\n", call->status,
			  !call->buffer);
	else
		scnprintf(file->answer, LINE_SIZE, "status=0 null=0 zeroed=%d aligned=%d\n",
			  !memchr_inv(call->buffer->notification_buffer, 0, words->size),
			  IS_ALIGNED((unsigned long)call->buffer->notification_buffer, 8));
	return 0;
}

/* Contexts in which Free leaves the buffer as it is: above DISPATCH_LEVEL. */
static bool free_refused(enum context context)
{
	return context == CONTEXT_HARDIRQ ||
	       (IS_ENABLED(CONFIG_PREEMPT_RT) &&
		(context == CONTEXT_PREEMPT || context == CONTEXT_IRQOFF));
}

/* A Free that can succeed ends a slot: its memory may not be touched any more. */
static int portcls_free(struct inject_file *file, struct portcls_call *call)
{
	const struct words *words = call->words;

	if (words->endpoint == file->endpoints[words->slot] && !words->no_port &&
	    !free_refused(words->context))
		file->live[words->slot] = false;
	return call_in(words->context, portcls_call, call);
}

/* Is the caller's buffer as OP_FILL left it? */
static bool buffer_unchanged(const struct virtual_module *module,
			     const struct snd_portcls_notification_buffer *buffer, u32 size,
			     u64 number)
{
	u8 *expected = kvzalloc(size, GFP_KERNEL);
	bool unchanged;

	if (!expected)
		return false;
	fill_notification(module, expected, size, number);
	unchanged = !memcmp(expected, buffer->notification_buffer, size);
	kvfree(expected);
	return unchanged;
}

static int portcls_data(struct inject_file *file, const struct words *words)
{
	struct virtual_endpoint *endpoint = &file->virtual->endpoints[words->endpoint];
	const struct virtual_module *module = &endpoint->modules[words->module];
	struct snd_portcls_notification_buffer *buffer = file->slots[words->slot];
	u32 size = file->sizes[words->slot];

	if (!file->live[words->slot])
		return -EINVAL;
	if (words->op == OP_CHECK) {
		scnprintf(file->answer, LINE_SIZE, "unchanged=%d\n",
			  buffer_unchanged(module, buffer, size, words->instance));
		return 0;
	}
	fill_notification(module, buffer->notification_buffer, size, words->instance);
	if (words->unknown && size >= sizeof(struct snd_audio_module_notification))
		memset(buffer->notification_buffer +
		       offsetof(struct snd_audio_module_notification, instance_id), GARBAGE,
		       sizeof(u32));
	return 0;
}

static int portcls_line(struct inject_file *file, const struct words *words)
{
	struct portcls_call call = {
		.words = words,
		.port = words->no_port ? NULL : file->virtual->endpoints[words->endpoint].port,
		.buffer = file->slots[words->slot],
	};

	strscpy(file->answer, "done\n", LINE_SIZE);
	switch (words->op) {
	case OP_ALLOC:
		return portcls_alloc(file, &call);
	case OP_FREE:
		return portcls_free(file, &call);
	case OP_FILL:
	case OP_CHECK:
		return portcls_data(file, words);
	case OP_FORGET:
		file->slots[words->slot] = NULL;
		file->live[words->slot] = false;
		return 0;
	case OP_FREE_INSIDE:
		call.buffer = (void *)call.buffer + 8;
		fallthrough;
	default:
		return call_in(words->context, portcls_call, &call);
	}
}

/* ------------------------------------------------------------------ late */

enum late_op { LATE_REGISTER, LATE_UNREGISTER, LATE_AGAIN, LATE_RELEASE };

static const char * const late_ops[] = { "register", "unregister", "again", "release" };

#define LATE_SLEEP_MS	20000

static int again_command(struct snd_audio_module *module, const void *in, size_t in_size,
			 void *out, size_t *out_size)
{
	return -ENXIO;
}

/* With a handler: a nested one's lock is taken inside of another's. */
static const struct snd_audio_module_ops again_ops = {
	.command = again_command,
};

/* Register a module of a class that the endpoint has already (MOD-2), and unregister it. */
static int register_again(struct virtual_endpoint *endpoint, u32 index, u32 instance,
			  const struct snd_audio_module_ops *ops)
{
	struct snd_audio_module_descriptor descriptor = endpoint->modules[index].descriptor;
	struct snd_audio_module *module;
	int err;

	descriptor.instance_id = instance;
	descriptor.label = "Again";
	err = snd_audio_module_register(endpoint->port, &descriptor, ops, NULL, &module);
	if (!err)
		snd_audio_module_unregister(module);
	return err;
}

static int late_before_answer(struct virtual_card *virtual, u32 ms)
{
	ms = min_t(u32, ms, LATE_SLEEP_MS);
	switch (virtual->late_handler) {
	case HANDLER_INTERRUPTIBLE:
		return msleep_interruptible(ms) ? -ERESTARTSYS : 0;
	case HANDLER_NESTED:
		return register_again(&virtual->endpoints[0], 0, U32_MAX, &again_ops);
	default:
		msleep(ms);
		return 0;
	}
}

static int late_answer(struct virtual_card *virtual, const void *in, size_t in_size, void *out,
		       size_t *out_size)
{
	u32 ms = 0;
	int err;

	if (*out_size < in_size) {
		bool probe = !*out_size;

		*out_size = in_size;
		return probe ? -EOVERFLOW : -ENOBUFS;
	}
	memcpy(&ms, in, min(in_size, sizeof(ms)));
	err = late_before_answer(virtual, ms);
	if (err)
		return err;
	memcpy(out, in, in_size);
	*out_size = in_size;
	return 0;
}

static int late_command(struct snd_audio_module *module, const void *in, size_t in_size, void *out,
			size_t *out_size)
{
	struct virtual_card *virtual = snd_audio_module_private(module);

	/* Registering has returned it, or does so before a command comes. */
	if (READ_ONCE(virtual->late) != module)
		return -ENXIO;
	switch (virtual->late_handler) {
	case HANDLER_TOO_LONG:
		(*out_size)++;
		return 0;
	case HANDLER_UNWRITTEN:
		return 0;
	case HANDLER_POSITIVE:
		return 1;
	case HANDLER_RESTART:
		return -ERESTARTSYS;
	case HANDLER_RESTART_BLOCK:
		return -ERESTART_RESTARTBLOCK;
	case HANDLER_KERNEL_ONLY:
		return -ENOTSUPP;
	default:
		return late_answer(virtual, in, in_size, out, out_size);
	}
}

static const struct snd_audio_module_ops late_module_ops = {
	.command = late_command,
};

static int late_register(struct virtual_card *virtual, const struct words *words)
{
	const struct snd_audio_module_descriptor descriptor = {
		.class_id = GUID_INIT(0x2f6f0a7e, 0x6a43, 0x4f0c,
				      0x9d, 0x5b, 0x77, 0x1e, 0x30, 0x52, 0xc8, 0x41),
		.instance_id = words->instance,
		.version_major = 1,
		.label = "Late",
		.name = "Registered after the card",
	};

	virtual->late_handler = words->handler;
	return snd_audio_module_register(virtual->endpoints[words->endpoint].port, &descriptor,
					 &late_module_ops, virtual, &virtual->late);
}

static int late_register_and_post(struct virtual_card *virtual, const struct words *words)
{
	int err;

	if (virtual->late)
		return -EEXIST;
	err = late_register(virtual, words);
	if (!err && words->count)
		snd_audio_module_post(virtual->late, NULL, 0);
	return err;
}

static int late_unregister(struct virtual_card *virtual)
{
	if (!virtual->late)
		return -ENOENT;
	snd_audio_module_unregister(virtual->late);
	virtual->late = NULL;
	return 0;
}

/* From now on the driver has none. Who has read the pointer can use it: the modules hold it. */
static int late_release(struct virtual_endpoint *endpoint)
{
	struct snd_audio_module_port *port = endpoint->port;

	WRITE_ONCE(endpoint->port, NULL);
	snd_audio_module_port_put(port);
	return 0;
}

static int late_line(struct virtual_card *virtual, const struct words *words)
{
	int err;

	mutex_lock(&virtual->late_lock);
	switch (words->op) {
	case LATE_REGISTER:
		err = late_register_and_post(virtual, words);
		break;
	case LATE_UNREGISTER:
		err = late_unregister(virtual);
		break;
	case LATE_AGAIN:
		err = register_again(&virtual->endpoints[words->endpoint], words->module,
				     words->instance, NULL);
		break;
	default:
		err = late_release(&virtual->endpoints[words->endpoint]);
		break;
	}
	mutex_unlock(&virtual->late_lock);
	return err;
}

/* ------------------------------------------------------------------ files */

static int inject_open(struct inode *inode, struct file *file)
{
	struct inject_file *inject = kzalloc_obj(*inject, GFP_KERNEL);

	if (!inject)
		return -ENOMEM;
	inject->virtual = inode->i_private;
	mutex_init(&inject->lock);
	file->private_data = inject;
	return 0;
}

static int inject_release(struct inode *inode, struct file *file)
{
	struct inject_file *inject = file->private_data;

	mutex_destroy(&inject->lock);
	kfree(inject);
	return 0;
}

static ssize_t inject_read(struct file *file, char __user *to, size_t size, loff_t *offset)
{
	struct inject_file *inject = file->private_data;
	ssize_t ret;

	mutex_lock(&inject->lock);
	ret = simple_read_from_buffer(to, size, offset, inject->answer, strlen(inject->answer));
	mutex_unlock(&inject->lock);
	return ret;
}

/* Read a line from user space and do what @line says with it. */
static ssize_t inject_write(struct file *file, const char __user *from, size_t size,
			    loff_t *offset, const char * const *ops, size_t op_count,
			    int (*line)(struct inject_file *file, const struct words *words))
{
	struct inject_file *inject = file->private_data;
	struct words words;
	char *text;
	int err;

	if (size >= LINE_SIZE)
		return -EINVAL;
	text = memdup_user_nul(from, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = parse_line(&words, ops, op_count, text);
	kfree(text);
	if (err)
		return err;

	mutex_lock(&inject->lock);
	err = line(inject, &words);
	*offset = 0;
	mutex_unlock(&inject->lock);
	return err ?: size;
}

static int send_file_line(struct inject_file *file, const struct words *words)
{
	return send_all(file->virtual, words);
}

static int late_file_line(struct inject_file *file, const struct words *words)
{
	return late_line(file->virtual, words);
}

static ssize_t send_write(struct file *file, const char __user *from, size_t size,
			  loff_t *offset)
{
	return inject_write(file, from, size, offset, NULL, 0, send_file_line);
}

static ssize_t portcls_write(struct file *file, const char __user *from, size_t size,
			     loff_t *offset)
{
	return inject_write(file, from, size, offset, portcls_ops, ARRAY_SIZE(portcls_ops),
			    portcls_line);
}

static ssize_t late_write(struct file *file, const char __user *from, size_t size,
			  loff_t *offset)
{
	return inject_write(file, from, size, offset, late_ops, ARRAY_SIZE(late_ops),
			    late_file_line);
}

#define INJECT_FILE(name) \
	static const struct file_operations name##_operations = { \
		.owner = THIS_MODULE, \
		.open = inject_open, \
		.release = inject_release, \
		.read = inject_read, \
		.write = name##_write, \
	}

INJECT_FILE(send);
INJECT_FILE(portcls);
INJECT_FILE(late);

/* ------------------------------------------------------------------ asleep */

static int asleep_get(void *data, u64 *value)
{
	struct virtual_card *virtual = data;

	*value = snd_power_get_state(virtual->card) != SNDRV_CTL_POWER_D0;
	return 0;
}

static int asleep_set(void *data, u64 value)
{
	struct virtual_card *virtual = data;

	snd_power_change_state(virtual->card,
			       value ? SNDRV_CTL_POWER_D3hot : SNDRV_CTL_POWER_D0);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(asleep_operations, asleep_get, asleep_set, "%llu\n");

/* ------------------------------------------------------------------ their files */

/**
 * virtual_inject_new - make the hooks of a card
 * @virtual: the card
 */
void virtual_inject_new(struct virtual_card *virtual)
{
	char name[16];

	snprintf(name, sizeof(name), "card%d", virtual->card->number);
	virtual->debugfs = debugfs_create_dir(name, inject_root);
	debugfs_create_file("send", 0600, virtual->debugfs, virtual, &send_operations);
	debugfs_create_file("portcls", 0600, virtual->debugfs, virtual, &portcls_operations);
	debugfs_create_file("late", 0600, virtual->debugfs, virtual, &late_operations);
	debugfs_create_u32("pool", 0600, virtual->debugfs, &virtual->pool_type);
	debugfs_create_file("asleep", 0600, virtual->debugfs, virtual, &asleep_operations);
	virtual_registration_new(virtual);
}

/**
 * virtual_inject_free - remove the hooks of a card
 * @virtual: the card; no hook runs when this returns
 */
void virtual_inject_free(struct virtual_card *virtual)
{
	debugfs_remove_recursive(virtual->debugfs);
}

/**
 * virtual_late_free - give the late module back
 * @virtual: the card, without hooks; programs know that it is gone: a command to the module is told
 *	that, not that there is no such module
 */
void virtual_late_free(struct virtual_card *virtual)
{
	snd_audio_module_unregister(virtual->late);
	virtual->late = NULL;
}

/**
 * virtual_inject_init - make room for the hooks of cards
 */
void virtual_inject_init(void)
{
	inject_root = debugfs_create_dir("snd-audio-module-virtual", NULL);
}

/**
 * virtual_inject_exit - remove it
 */
void virtual_inject_exit(void)
{
	debugfs_remove_recursive(inject_root);
}
