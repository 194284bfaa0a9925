// SPDX-License-Identifier: GPL-2.0
/*
 * ALSA audio modules: commands
 *
 * DOC: The idea
 *
 * A command is vendor bytes in and vendor bytes out, handled by one module of a driver. The core
 * finds the module, checks lengths and the verb in Windows' order (CMD-3), and never looks into
 * the bytes (CMD-6). A module's handler runs once at a time (CMD-7), so a change and the
 * notification of it come in one order.
 *
 * A handler runs under its module's command lock and no other. Unregistering takes the module out
 * of the list, then that lock: when it returns, no handler runs and none will. Handlers may
 * register and unregister other modules: the card's lock, and that of a module that goes, are taken
 * inside of a command lock. Two handlers that unregister each other's module wait for ever.
 */

#include <linux/export.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "audio_module_local.h"

/**
 * struct basic_support - answer to SND_AUDIO_MODULE_VERB_BASIC_SUPPORT (KSPROPERTY_DESCRIPTION)
 * @access: verbs that are answered
 * @size: bytes of this structure
 * @type: PropTypeSet: none
 * @members: MembersListCount: none
 * @reserved: zero
 */
struct basic_support {
	__le32 access;
	__le32 size;
	u8 type[24];
	__le32 members;
	__le32 reserved;
};

static_assert(sizeof(struct basic_support) == 40);

/* Is @module one of those that @command may be for: the endpoint's, or the stream's? */
static bool on_target(const struct snd_audio_module *module,
		      const struct snd_audio_module_command *command)
{
	return module->pcm_device == command->pcm_device &&
	       module->pcm_subdevice == command->pcm_subdevice;
}

static bool target_has_modules(const struct snd_audio_module_port *port,
			       const struct snd_audio_module_command *command)
{
	const struct snd_audio_module *module;

	list_for_each_entry(module, &port->modules, list)
		if (on_target(module, command))
			return true;
	return false;
}

/* Steps (a) to (c) of CMD-3: a reference to the module that @command is for, or an ERR_PTR. */
static struct snd_audio_module *find_target(struct snd_audio_module_card *card,
					    const struct snd_audio_module_command *command)
{
	struct snd_audio_module_notification identity = { .instance_id = command->instance_id };
	struct snd_audio_module *module;
	struct snd_audio_module_port *port;

	lockdep_assert_held(&card->lock);

	port = snd_audio_module_port_find(card, command->device_id);
	if (!port)
		return ERR_PTR(-ENXIO);
	if (!target_has_modules(port, command))
		return ERR_PTR(-EOPNOTSUPP);
	if (command->in_size > SND_AUDIO_MODULE_MAX_COMMAND_SIZE)
		return ERR_PTR(-EINVAL);

	memcpy(identity.class_id, command->class_id, sizeof(identity.class_id));
	module = snd_audio_module_find(port, &identity);
	if (!module || !on_target(module, command))
		return ERR_PTR(-EINVAL);
	/* What a pin handle is on Windows: MOD-4. */
	if (module->owner && module->owner != task_tgid(current))
		return ERR_PTR(-EACCES);
	snd_audio_module_get(module);
	return module;
}

/* KS' answer for a property that can be read and has no value list (6.5). */
static int basic_support(void *out, size_t *out_size)
{
	const u32 access = SND_AUDIO_MODULE_VERB_GET | SND_AUDIO_MODULE_VERB_BASIC_SUPPORT;
	const struct basic_support answer = {
		.access = cpu_to_le32(access),
		.size = cpu_to_le32(sizeof(answer)),
	};

	if (*out_size < sizeof(answer.access))
		return -ENOBUFS;
	*out_size = *out_size < sizeof(answer) ? sizeof(answer.access) : sizeof(answer);
	memcpy(out, &answer, *out_size);
	return 0;
}

/*
 * A signal came to a handler that waited, and did nothing yet: the kernel makes the call again. Not
 * by -ERESTART_RESTARTBLOCK, which goes on with a function that the handler cannot have set.
 */
static bool restarts(int err)
{
	return err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTARTNOHAND;
}

/* What a handler said, or what becomes of what it cannot say. */
static int check_answer(int err, size_t out_size, size_t room)
{
	if (err == -ERESTART_RESTARTBLOCK || (restarts(err) && !signal_pending(current)))
		return -EINTR;
	if (restarts(err))
		return err;
	/* The others from there on are the kernel's alone, too. */
	if (err > 0 || err <= -ERESTARTSYS || (!err && out_size > room))
		return -EIO;
	return err;
}

static int call_handler(struct snd_audio_module *module, const void *in, size_t in_size,
			void *out, size_t *out_size)
{
	size_t room = *out_size;
	int err;

	mutex_lock(&module->command_lock);
	if (module->unregistered)
		err = -EINVAL;
	else if (!module->has_handler)
		err = -EOPNOTSUPP;
	else
		err = module->ops->command(module, in, in_size, out, out_size);
	mutex_unlock(&module->command_lock);
	return check_answer(err, *out_size, room);
}

/*
 * A driver's handler finds its device there: the disconnect, of which ALSA knows before, waits for
 * it. So nothing here may wait for user space.
 */
static int call_connected(struct snd_audio_module *module, const void *in, size_t in_size,
			  void *out, size_t *out_size)
{
	struct snd_audio_module_card *card = module->port->card;
	int err = -ENODEV;

	down_read(&card->handlers);
	if (!card->card->shutdown)
		err = call_handler(module, in, in_size, out, out_size);
	up_read(&card->handlers);
	return err;
}

/*
 * snd_power_ref_and_wait() that fails leaves its reference with the caller on some kernels, not on
 * others, and the disconnect waits for each one. snd_power_wait() leaves none on any.
 */
static int power_ref_awake(struct snd_card *card)
{
	int err;

	for (;;) {
		err = snd_power_wait(card);
		if (err)
			return err;
		snd_power_ref(card);
		if (snd_power_get_state(card) == SNDRV_CTL_POWER_D0)
			return 0;
		snd_power_unref(card);
	}
}

/* And awake. */
static int call_awake(struct snd_audio_module *module, const void *in, size_t in_size, void *out,
		      size_t *out_size)
{
	struct snd_card *card = module->port->card->card;
	int err;

	err = power_ref_awake(card);
	if (err)
		return err;
	err = call_connected(module, in, in_size, out, out_size);
	snd_power_unref(card);
	return err;
}

/**
 * snd_audio_module_command_disconnect - the driver's device goes: wait for handlers
 * @card: the card, of which ALSA knows that it goes; no handler is called after this
 *
 * Context: Process context, may sleep, for as long as a handler needs.
 */
void snd_audio_module_command_disconnect(struct snd_audio_module_card *card)
{
	down_write(&card->handlers);
	up_write(&card->handlers);
}

/* Steps (d) to (f) of CMD-3. */
static int answer_command(struct snd_audio_module *module, u32 verb, const void *in,
			  size_t in_size, void *out, size_t *out_size)
{
	switch (verb) {
	case SND_AUDIO_MODULE_VERB_BASIC_SUPPORT:
		return basic_support(out, out_size);
	case SND_AUDIO_MODULE_VERB_GET:
		return call_awake(module, in, in_size, out, out_size);
	default:
		return -EOPNOTSUPP;
	}
}

/* A copy of what user space sends, or NULL for nothing, or an ERR_PTR. Charged to the caller. */
static void *copy_in(u64 address, u32 size)
{
	void *copy;

	if (!size)
		return NULL;
	copy = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!copy)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(copy, u64_to_user_ptr(address), size)) {
		kvfree(copy);
		return ERR_PTR(-EFAULT);
	}
	return copy;
}

/* With buffers of ours between user space and the handler. */
static int run_command(struct snd_audio_module *module, struct snd_audio_module_command *command)
{
	size_t out_size = min_t(u32, command->out_size, SND_AUDIO_MODULE_MAX_COMMAND_SIZE);
	void *out = NULL;
	void *in;
	int err;

	in = copy_in(command->in, command->in_size);
	if (IS_ERR(in))
		return PTR_ERR(in);
	if (out_size) {
		out = kvzalloc(out_size, GFP_KERNEL_ACCOUNT);
		if (!out) {
			kvfree(in);
			return -ENOMEM;
		}
	}

	err = answer_command(module, command->verb, in, command->in_size, out, &out_size);
	if (!err && copy_to_user(u64_to_user_ptr(command->out), out, out_size))
		err = -EFAULT;
	command->out_size = out_size;
	kvfree(out);
	kvfree(in);
	return err;
}

static int command_for_card(struct snd_audio_module_card *card,
			    struct snd_audio_module_command *command)
{
	struct snd_audio_module *module;
	int err;

	mutex_lock(&card->lock);
	module = find_target(card, command);
	mutex_unlock(&card->lock);
	if (IS_ERR(module))
		return PTR_ERR(module);

	err = run_command(module, command);
	snd_audio_module_put(module);
	return err;
}

/**
 * snd_audio_module_command - SND_AUDIO_MODULE_IOCTL_COMMAND
 * @card: the card
 * @writable: the file is open for writing
 * @argument: in and out
 *
 * Context: Process context, may sleep. The caller has the card's hwdep device open.
 *
 * Return: 0 or what <uapi/sound/audio_module.h> says.
 */
int snd_audio_module_command(struct snd_audio_module_card *card, bool writable,
			     struct snd_audio_module_command __user *argument)
{
	struct snd_audio_module_command command;
	int err;

	if (copy_from_user(&command, argument, sizeof(command)))
		return -EFAULT;
	if (memchr_inv(command.reserved, 0, sizeof(command.reserved)))
		return -EINVAL;
	if (!writable)
		return -EACCES;

	err = command_for_card(card, &command);
	/* With what the program asked for. */
	if (restarts(err))
		return err;
	/* Only an answer, and the question for its size, have one (CMD-4). */
	if (err && err != -EOVERFLOW)
		command.out_size = 0;
	if (put_user(command.out_size, &argument->out_size))
		return -EFAULT;
	return err;
}

/**
 * snd_audio_module_private - what a driver gave for a module
 * @module: the module
 *
 * Context: Any.
 *
 * Return: the pointer that snd_audio_module_register() was called with.
 */
void *snd_audio_module_private(const struct snd_audio_module *module)
{
	return module->private_data;
}
EXPORT_SYMBOL_GPL(snd_audio_module_private);
