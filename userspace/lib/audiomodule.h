/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libaudiomodule: find audio modules and receive their notifications
 *
 * DOC: A program that wants to know what the audio modules of a sound card tell should not have
 * to know ioctls, record layouts or GUID byte orders, should not have to follow cards that come and
 * go, and should be written once, whether it asks the kernel or audiomoduled. That is a client:
 *
 *	struct audiomodule_client *client;
 *	struct audiomodule_event event;
 *
 *	audiomodule_client_new(NULL, &client);
 *	audiomodule_client_subscribe(client, NULL, NULL, NULL, 0);
 *	while (audiomodule_client_wait(client, -1, &event) > 0)
 *		...
 *
 * Below it are the calls that it is made of: cards, lists, commands and subscriptions of the
 * kernel's in this header, those of the daemon in <audiomodule-bus.h>.
 *
 * Every function that can fail returns a negative errno. Functions that free take NULL and return
 * NULL. A handle may be used by one thread at a time; different handles are independent. The
 * library has no global state and installs no signal handlers. It starts threads for one thing
 * only: the local commands of audiomodule_client_command_start(), at most one for each module and
 * none that outlives its client.
 */
#ifndef AUDIOMODULE_H
#define AUDIOMODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where cards are looked for when a function's argument directory is NULL. */
#define AUDIOMODULE_DIRECTORY		"/dev/snd"

/* No endpoint or no module of the list: struct snd_audio_module_record's 0xffff. */
#define AUDIOMODULE_NONE		0xffffU

/* Bytes of a GUID's text: 36 characters and the end of the string. */
#define AUDIOMODULE_GUID_TEXT_SIZE	37

/* Bytes that are enough for every address: "card:endpoint/label" and the end of the string. */
#define AUDIOMODULE_ADDRESS_SIZE	96

/**
 * struct audiomodule_guid - a GUID as Windows keeps it in memory
 * @bytes: the first three fields little-endian, on every machine
 */
struct audiomodule_guid {
	uint8_t bytes[16];
};

/* KSNOTIFICATIONID_AudioModule: the NotificationId of all audio modules. */
extern const struct audiomodule_guid audiomodule_notification_id;

/**
 * audiomodule_guid_parse() - read a GUID's text
 * @text: 8-4-4-4-12 hexadecimal digits of either case, with or without braces around them
 * @guid: the result; untouched on failure
 *
 * Return: 0; -EINVAL for any other text.
 */
int audiomodule_guid_parse(const char *text, struct audiomodule_guid *guid);

/**
 * audiomodule_guid_format() - write a GUID's text: upper case, no braces
 * @guid: which
 * @text: receives 36 characters and a zero
 */
void audiomodule_guid_format(const struct audiomodule_guid *guid,
			     char text[AUDIOMODULE_GUID_TEXT_SIZE]);

/** audiomodule_guid_equal() - are both the same? */
bool audiomodule_guid_equal(const struct audiomodule_guid *a, const struct audiomodule_guid *b);

/* ---- Clients: lists, notifications, commands, and cards that come and go ---- */

/*
 * A client is what most programs need, and all that they need; what follows behind this section is
 * what it is made of. The same calls work with the kernel (audiomodule_client_new()) and through
 * audiomoduled (audiomodule_client_new_bus() of <audiomodule-bus.h>).
 *
 *	audiomodule_client_new(NULL, &client);
 *	audiomodule_client_subscribe(client, "Speaker/Meter", NULL, NULL, 0);
 *	while (audiomodule_client_wait(client, -1, &event) > 0)
 *		if (event.type == AUDIOMODULE_EVENT_NOTIFICATION)
 *			...
 *	audiomodule_client_free(client);
 *
 * One thread at a time may use a client; it need not be the same one each time.
 */
struct audiomodule_client;

struct audiomodule_endpoint;
struct audiomodule_module;
struct audiomodule_list;
struct audiomodule_record;
struct audiomodule_filter;
struct audiomodule_begin;

/* Commands that a client may have under way, those whose ANSWER was not taken yet included. */
#define AUDIOMODULE_MAX_CLIENT_COMMANDS		32

/**
 * enum audiomodule_event_type - what happened
 * @AUDIOMODULE_EVENT_NOTIFICATION: a module told something: see record
 * @AUDIOMODULE_EVENT_LOST: notifications were overwritten or dropped before they could be read:
 *	record has lost_first and lost_last. Sequences number all notifications of a card, so each
 *	endpoint of it is told
 * @AUDIOMODULE_EVENT_APPEARED: an endpoint is there. The first events are those of all that were
 *	there already, so that a program needs no other list
 * @AUDIOMODULE_EVENT_CHANGED: modules of the endpoint came or went
 * @AUDIOMODULE_EVENT_GONE: the endpoint is gone; its last notifications came before
 * @AUDIOMODULE_EVENT_FAILED: the subscription does not receive, or no longer, what the endpoint
 *	tells: see error
 * @AUDIOMODULE_EVENT_ANSWER: of audiomodule_client_command_start()
 * @AUDIOMODULE_EVENT_DAEMON_APPEARED: audiomoduled is there, still or again
 * @AUDIOMODULE_EVENT_DAEMON_GONE: audiomoduled left the bus. Notifications go on; nothing appears,
 *	goes, or takes commands until it is back. The library calls it after a second, once, so that
 *	the bus starts it again where it can
 *
 * Later versions may add some: ignore what you do not know.
 */
enum audiomodule_event_type {
	AUDIOMODULE_EVENT_NOTIFICATION		= 1,
	AUDIOMODULE_EVENT_LOST			= 2,
	AUDIOMODULE_EVENT_APPEARED		= 3,
	AUDIOMODULE_EVENT_CHANGED		= 4,
	AUDIOMODULE_EVENT_GONE			= 5,
	AUDIOMODULE_EVENT_FAILED		= 6,
	AUDIOMODULE_EVENT_ANSWER		= 7,
	AUDIOMODULE_EVENT_DAEMON_APPEARED	= 8,
	AUDIOMODULE_EVENT_DAEMON_GONE		= 9,
};

/**
 * struct audiomodule_event - what audiomodule_client_next() has
 * @type: what it says; the members that a type does not have are zero
 * @tag: NOTIFICATION, LOST, FAILED: of the subscription; ANSWER: of the command
 * @endpoint: NOTIFICATION, LOST, APPEARED, CHANGED, GONE, FAILED: which
 * @module: NOTIFICATION: which; NULL when it is of no audio module, or of one that is not there
 *	any more, or not known yet
 * @record: NOTIFICATION, LOST
 * @error: FAILED, ANSWER: negative errno; 0: the module executed the command
 * @answer: ANSWER: the vendor's bytes; NULL when there are none
 * @answer_size: how many
 *
 * Pointers are valid until the next call of audiomodule_client_next(), _wait(), _subscribe(),
 * _unsubscribe() or _free() with this client.
 */
struct audiomodule_event {
	enum audiomodule_event_type type;
	uint64_t tag;
	const struct audiomodule_endpoint *endpoint;
	const struct audiomodule_module *module;
	const struct audiomodule_record *record;
	int error;
	const void *answer;
	size_t answer_size;
};

/**
 * audiomodule_client_new() - a client of the kernel
 * @directory: where the device nodes are or will be, or NULL; its parent must exist
 * @client: receives the client; NULL on failure
 *
 * Needs no card yet. It keeps no device open, so that drivers can be unloaded under it; and
 * snd-audio-module, once it has told that their cards are gone.
 *
 * Return: 0; failures as audiomodule_watch_new().
 */
int audiomodule_client_new(const char *directory, struct audiomodule_client **client);

/**
 * audiomodule_client_free() - free a client, its subscriptions and its commands
 *
 * Waits for those commands that a module of this machine handles at that moment, since nothing ends
 * them; those behind them are not sent. Through the daemon, none is waited for.
 */
struct audiomodule_client *audiomodule_client_free(struct audiomodule_client *client);

/**
 * audiomodule_client_error() - the last failure of this client in words
 *
 * Return: text for people, valid until the next call with this client; "" when there was no
 * failure, or when it was the module's own answer to a command.
 */
const char *audiomodule_client_error(const struct audiomodule_client *client);

/**
 * audiomodule_client_list() - what is there now?
 * @client: whom to ask
 * @list: receives the list, which lives on its own; NULL on failure
 *
 * Return: 0; failures as audiomodule_list_all() or audiomodule_bus_list().
 */
int audiomodule_client_list(struct audiomodule_client *client, struct audiomodule_list **list);

/**
 * audiomodule_client_subscribe() - receive notifications as events
 * @client: who
 * @address: ENDPOINT[/MODULE] as for audiomodule_address_matches(); NULL: all endpoints
 * @filter: which notifications of those; NULL: all. An address with a MODULE excludes class_id and
 *	instance_id
 * @begin: where to start; NULL: only what comes from now on
 * @tag: comes back with its events; another one for each subscription of a client
 *
 * It is for all that the address means, now and later. An endpoint that comes later, or comes back,
 * has another journal; nothing of that is missed: it starts with the first notification since the
 * card came. What is left of a card's last notifications when it goes is delivered, too. Two things
 * tell an endpoint from all others: its device_id and its journal_id.
 *
 * Through the daemon each endpoint's notifications come from an fd of the kernel's, which
 * audiomoduled hands over: nothing is lost, repeated or slowed down when the daemon is slow,
 * restarted or killed.
 *
 * Those of one endpoint come in their order. To resume later, with another client, keep for each
 * endpoint its journal_id and the sequence of the last record, and begin behind that. A position is
 * for the endpoints of its journal; others start with what is new.
 *
 * Return: how many endpoints it means now, 0 when it waits for one. -EINVAL: a bit of match, start
 * or flags is unknown, the filter names a class besides a MODULE, or the sequence was not sent yet;
 * -EEXIST: a subscription has this tag; -ESTALE: no journal is the position's; -EACCES: no
 * permission; -EHOSTUNREACH: audiomoduled is not there: try again after DAEMON_APPEARED;
 * -EOPNOTSUPP: a flag that the kernel does not have, and AUDIOMODULE_SUBSCRIBE_INITIAL through the
 * daemon; -EMFILE, -ENFILE, -ENOMEM and others of audiomodule_subscribe() and
 * audiomodule_bus_acquire(). On failure nothing is subscribed to.
 */
int audiomodule_client_subscribe(struct audiomodule_client *client, const char *address,
				 const struct audiomodule_filter *filter,
				 const struct audiomodule_begin *begin, uint64_t tag);

/** audiomodule_client_unsubscribe() - end a subscription. Return: 0; -ENOENT: none has this tag. */
int audiomodule_client_unsubscribe(struct audiomodule_client *client, uint64_t tag);

/**
 * audiomodule_client_command() - send a command to a module and wait for its answer
 * @client: who
 * @module: which, of a list or an event of this client
 * @command: the vendor's bytes; may be NULL when @command_size is 0
 * @command_size: how many, at most AUDIOMODULE_MAX_COMMAND_SIZE
 * @answer: receives the vendor's answer; free() it. NULL when it has no bytes, or on failure
 * @answer_size: receives its bytes
 *
 * Return: 0: the module executed it; whether with success, the answer may say. -ENODEV: the module
 * or its card is gone; -EINVAL also when @module is of another kind of client; otherwise as
 * audiomodule_command() or audiomodule_bus_command(). Where audiomodule_client_error() is "", it is
 * what the module, or the kernel in its place, said.
 */
int audiomodule_client_command(struct audiomodule_client *client,
			       const struct audiomodule_module *module, const void *command,
			       size_t command_size, void **answer, size_t *answer_size);

/**
 * audiomodule_client_command_start() - send a command; its answer comes as an event
 * @client: who
 * @module: as for audiomodule_client_command(); need not live on
 * @command: as there; need not live on
 * @command_size: as there
 * @tag: comes back with the ANSWER
 *
 * Commands to one module are executed in the order in which they were started; those to different
 * modules do not wait for each other. Without the daemon, each module with commands under way has a
 * thread, in which all signals are blocked.
 *
 * Return: 0: an event ANSWER will come, failures included; -EBUSY: AUDIOMODULE_MAX_CLIENT_COMMANDS
 * are under way; -EINVAL: too many bytes, or @module is of another kind of client; -EAGAIN: there
 * can be no thread; -ENOMEM. The error of the ANSWER is what audiomodule_client_command() returns,
 * and -ETIMEDOUT when audiomoduled ended meanwhile: the module may have executed it, or not.
 */
int audiomodule_client_command_start(struct audiomodule_client *client,
				     const struct audiomodule_module *module, const void *command,
				     size_t command_size, uint64_t tag);

/**
 * audiomodule_client_fd() - poll() this for POLLIN, then call audiomodule_client_next()
 *
 * It stays readable as long as there is something to do: a program may take one event, or all, each
 * time. It is the client's: do not read it or close it.
 */
int audiomodule_client_fd(const struct audiomodule_client *client);

/**
 * audiomodule_client_next() - the next event
 * @client: whose
 * @event: receives it
 *
 * Never blocks. Endpoints with much to tell take turns.
 *
 * Return: 1: an event; 0: none now; -ECONNRESET, -ENOTCONN: the bus is gone: free the client;
 * -ENOMEM and errors of reading inotify.
 */
int audiomodule_client_next(struct audiomodule_client *client, struct audiomodule_event *event);

/**
 * audiomodule_client_wait() - the next event, waiting for it
 * @client: whose
 * @timeout_ms: milliseconds; -1: for ever
 * @event: receives it
 *
 * Return: 1: an event; 0: none came in time; -EINTR: a signal; otherwise as
 * audiomodule_client_next().
 */
int audiomodule_client_wait(struct audiomodule_client *client, int timeout_ms,
			    struct audiomodule_event *event);

/* ---- Cards ---- */

/* An open sound card. It keeps the card's driver loaded: close it when the question is answered. */
struct audiomodule;

/**
 * struct audiomodule_info - a card and its journal (struct snd_audio_module_info)
 * @abi_version: the kernel's, major in the upper 16 bits
 * @card: number of the card
 * @features: SND_AUDIO_MODULE_FEATURE_*
 * @journal_id: another one each time that the card appears
 * @generation: changes with the list of modules
 * @journal_size: bytes
 * @oldest_sequence: oldest notification still in the journal; newest + 1 when there is none
 * @newest_sequence: newest notification; 0 before the first
 * @counters: by enum snd_audio_module_counter; audiomodule_counter_name() names them
 */
struct audiomodule_info {
	uint32_t abi_version;
	uint32_t card;
	uint64_t features;
	uint64_t journal_id;
	uint64_t generation;
	uint64_t journal_size;
	uint64_t oldest_sequence;
	uint64_t newest_sequence;
	uint64_t counters[32];
};

/**
 * audiomodule_cards() - which sound cards are there?
 * @directory: where the device nodes are, or NULL
 * @cards: receives an array of card numbers, ascending; free() it
 * @count: receives how many; 0 is not an error
 *
 * Opens none: audiomodule_open() tells which of them have audio modules.
 *
 * Return: 0; -EACCES: the directory cannot be read; -ENOMEM.
 */
int audiomodule_cards(const char *directory, unsigned int **cards, size_t *count);

/**
 * audiomodule_open() - open a card
 * @directory: where the device nodes are, or NULL
 * @card: its number
 * @handle: receives the handle; NULL on failure
 *
 * Return: 0; -ENOENT: no such card; -ENXIO: the card has no audio modules; -EACCES: no permission
 * (on most systems: the group audio); -EPROTONOSUPPORT: the kernel's interface is of another major
 * version; -EBUSY, -ENODEV: the card is coming or going; -EMFILE, -ENFILE, -ENOMEM.
 */
int audiomodule_open(const char *directory, unsigned int card, struct audiomodule **handle);

/**
 * audiomodule_open_for_commands() - open a card to send commands, too
 * @directory: where the device nodes are, or NULL
 * @card: its number
 * @handle: receives the handle; NULL on failure
 *
 * Needs the permission to write to the device. All else works with both handles, so whoever sends
 * no commands should not ask for it.
 *
 * Return: 0; failures as audiomodule_open().
 */
int audiomodule_open_for_commands(const char *directory, unsigned int card,
				  struct audiomodule **handle);

/** audiomodule_close() - close a card; subscriptions made from it live on */
struct audiomodule *audiomodule_close(struct audiomodule *handle);

/** audiomodule_info() - ask for the card's state now. Return: 0; -ENODEV: the card is gone. */
int audiomodule_info(struct audiomodule *handle, struct audiomodule_info *info);

/** audiomodule_counter_name() - a word for a counter, NULL when this library has none for it */
const char *audiomodule_counter_name(unsigned int counter);

/* ---- A watch: cards come and go ---- */

struct audiomodule_watch;

/**
 * audiomodule_watch_new() - watch for cards that appear, disappear or become accessible
 * @directory: where the device nodes are or will be, or NULL; its parent must exist
 * @watch: receives the watch; NULL on failure
 *
 * Return: 0; -ENOENT: no parent directory; -EMFILE, -ENOSPC: inotify's limits; -ENOMEM.
 */
int audiomodule_watch_new(const char *directory, struct audiomodule_watch **watch);
struct audiomodule_watch *audiomodule_watch_free(struct audiomodule_watch *watch);

/** audiomodule_watch_fd() - poll() this for POLLIN, then call audiomodule_watch_process() */
int audiomodule_watch_fd(const struct audiomodule_watch *watch);

/**
 * audiomodule_watch_process() - did something happen since the last call?
 * @watch: which
 *
 * Return: 1: look at the cards again; 0: no; negative errno.
 */
int audiomodule_watch_process(struct audiomodule_watch *watch);

/* ---- Endpoints and modules ---- */

/**
 * struct audiomodule_endpoint - an endpoint (struct snd_audio_module_endpoint_info)
 * @device_id: GUID
 * @name: UTF-8; bytes that are none and control characters are replaced by '?'
 * @card: number of its card
 * @card_id: ALSA's short id of the card
 * @journal_id: of the card's journal
 * @playback_devices: bit N: PCM device N plays to it
 * @capture_devices: bit N: PCM device N records from it
 * @index: what records carry as endpoint
 * @element_numid: its control element; 0 when learnt through the bus
 * @object_path: D-Bus object of audiomoduled; NULL when learnt from the kernel
 */
struct audiomodule_endpoint {
	struct audiomodule_guid device_id;
	char name[32];
	uint32_t card;
	char card_id[16];
	uint64_t journal_id;
	uint32_t playback_devices;
	uint32_t capture_devices;
	uint32_t index;
	uint32_t element_numid;
	const char *object_path;
};

/**
 * struct audiomodule_module - a module (struct snd_audio_module_module_info)
 * @endpoint: whose it is
 * @class_id: GUID of its type
 * @instance_id: tells modules of one type and endpoint apart
 * @version_major: the vendor's
 * @version_minor: the vendor's
 * @label: short name, unique in its endpoint; UTF-8 as for endpoints
 * @name: the vendor's name; UTF-8 as for endpoints
 * @index: what records carry as module; AUDIOMODULE_NONE for a stream module
 * @element_numid: its control element; 0: none, or learnt through the bus
 * @pcm_device: of a stream module, else -1
 * @pcm_subdevice: of a stream module, else -1
 * @object_path: D-Bus object of audiomoduled; NULL when learnt from the kernel
 */
struct audiomodule_module {
	const struct audiomodule_endpoint *endpoint;
	struct audiomodule_guid class_id;
	uint32_t instance_id;
	uint32_t version_major;
	uint32_t version_minor;
	char label[32];
	char name[384];
	uint32_t index;
	uint32_t element_numid;
	int32_t pcm_device;
	int32_t pcm_subdevice;
	const char *object_path;
};

/* Endpoints and modules at one moment: of one card, of all cards, or of audiomoduled. */
struct audiomodule_list;

/**
 * audiomodule_list() - what does a card have?
 * @handle: the card
 * @list: receives the list; NULL on failure
 *
 * Return: 0; -ENODEV: the card is gone; -EPROTO: the kernel's answer contradicts itself;
 * -EAGAIN: the list changed at each of many attempts; -ENOMEM.
 */
int audiomodule_list(struct audiomodule *handle, struct audiomodule_list **list);

/**
 * audiomodule_list_all() - what do all cards have?
 * @directory: where the device nodes are, or NULL
 * @list: receives the list, empty when there is no card; NULL on failure
 *
 * Cards that cannot be opened are left out, unless no other is found: then the first such failure
 * is returned.
 *
 * Return: 0; otherwise as audiomodule_cards(), audiomodule_open() and audiomodule_list().
 */
int audiomodule_list_all(const char *directory, struct audiomodule_list **list);
struct audiomodule_list *audiomodule_list_free(struct audiomodule_list *list);

/*
 * The n-th endpoint or module, from 0, in the order of card, endpoint index and module index (then
 * stream modules, by device, subdevice and label); NULL behind the last. They live as long as the
 * list.
 */
const struct audiomodule_endpoint *audiomodule_list_endpoint(const struct audiomodule_list *list,
							     size_t n);
const struct audiomodule_module *audiomodule_list_module(const struct audiomodule_list *list,
							 size_t n);

/**
 * audiomodule_list_new() - an empty list, for those who learn of endpoints elsewhere
 *
 * Return: the list; NULL: no memory.
 */
struct audiomodule_list *audiomodule_list_new(void);

/**
 * audiomodule_list_add_endpoint() - add a copy of an endpoint
 * @list: to which
 * @endpoint: of what; strings are copied and cleaned
 *
 * Return: the copy; NULL: no memory.
 */
const struct audiomodule_endpoint *
audiomodule_list_add_endpoint(struct audiomodule_list *list,
			      const struct audiomodule_endpoint *endpoint);

/** audiomodule_list_add_module() - add a copy of a module, whose endpoint must be of this list */
const struct audiomodule_module *
audiomodule_list_add_module(struct audiomodule_list *list,
			    const struct audiomodule_module *module);

/**
 * audiomodule_address_matches() - does an address mean this?
 * @address: ENDPOINT[/MODULE]. ENDPOINT is a name, "card:name" (number or id of the card) or a
 *	DeviceId; MODULE is a label or ClassId[:InstanceId]
 * @endpoint: an endpoint
 * @module: one of its modules; NULL: does the address mean the endpoint as a whole?
 */
bool audiomodule_address_matches(const char *address, const struct audiomodule_endpoint *endpoint,
				 const struct audiomodule_module *module);

/**
 * audiomodule_list_find_module() - the module that an address means
 * @list: where
 * @address: ENDPOINT/MODULE as for audiomodule_address_matches()
 *
 * Return: the module, which lives as long as the list; NULL: it means none, or several.
 */
const struct audiomodule_module *
audiomodule_list_find_module(const struct audiomodule_list *list, const char *address);

/**
 * audiomodule_address_format() - the shortest address that means only this
 * @list: where it has to be unique: "card:" is put in front when two endpoints have this name
 * @endpoint: an endpoint of the list
 * @module: one of its modules, or NULL
 * @address: receives the text; cut after AUDIOMODULE_ADDRESS_SIZE - 1 bytes
 */
void audiomodule_address_format(const struct audiomodule_list *list,
				const struct audiomodule_endpoint *endpoint,
				const struct audiomodule_module *module,
				char address[AUDIOMODULE_ADDRESS_SIZE]);

/* ---- Commands ---- */

/* Most bytes of a command, and of its answer. */
#define AUDIOMODULE_MAX_COMMAND_SIZE		64000

/**
 * audiomodule_command() - send a command to a module and wait for its answer
 * @handle: the module's card, from audiomodule_open_for_commands()
 * @module: which; its endpoint's device_id, class_id, instance_id, pcm_device and pcm_subdevice are
 *	looked at
 * @command: the vendor's bytes; may be NULL when @command_size is 0
 * @command_size: how many, at most AUDIOMODULE_MAX_COMMAND_SIZE
 * @answer: receives the vendor's answer; free() it. NULL when it has no bytes, or on failure
 * @answer_size: receives its bytes
 *
 * Commands are answered in two calls, as on Windows (CMD-4): the first asks how long the answer is,
 * and a command that has an answer does nothing then and is sent again (CMD-5). A command without
 * one, as SYSVAD's SET, is executed by the first call. Should the answer have grown in between, it
 * is asked for again.
 *
 * Blocks as long as the module takes, and while it handles other commands (CMD-7). A signal does
 * not end that.
 *
 * Return: 0: the module executed it; whether with success, its answer may say. -EACCES: the handle
 * is not for commands, or another process opened the stream that has the module; -ENXIO: the card
 * has no such endpoint; -ENODEV: the card is gone; -EINVAL: the endpoint has no such module, or
 * @command_size is too large; -EOPNOTSUPP: the endpoint has no modules, or the module takes no
 * commands; -ENOTTY: the kernel has no commands; -EPROTO: the answer is longer than answers may be;
 * -EAGAIN: it grew at each of many attempts; -ENOMEM. Otherwise what the module said: -EINVAL,
 * -EOPNOTSUPP, -EIO and others.
 */
int audiomodule_command(struct audiomodule *handle, const struct audiomodule_module *module,
			const void *command, size_t command_size, void **answer,
			size_t *answer_size);

/* ---- Subscriptions ---- */

/* struct audiomodule_filter.match */
#define AUDIOMODULE_MATCH_DEVICE_ID		(1U << 0)
#define AUDIOMODULE_MATCH_CLASS_ID		(1U << 1)
#define AUDIOMODULE_MATCH_INSTANCE_ID		(1U << 2)
#define AUDIOMODULE_MATCH_NOTIFICATION_ID	(1U << 3)

/**
 * struct audiomodule_filter - which notifications to deliver (struct snd_audio_module_filter)
 * @match: AUDIOMODULE_MATCH_*: which members to compare; the others are ignored
 * @instance_id: with MATCH_CLASS_ID and MATCH_INSTANCE_ID only audio modules' notifications match
 * @device_id: the endpoint
 * @class_id: the module's type
 * @notification_id: NotificationId
 */
struct audiomodule_filter {
	uint32_t match;
	uint32_t instance_id;
	struct audiomodule_guid device_id;
	struct audiomodule_guid class_id;
	struct audiomodule_guid notification_id;
};

enum audiomodule_start {
	AUDIOMODULE_START_NEWEST	= 0,	/* only what comes from now on */
	AUDIOMODULE_START_OLDEST	= 1,	/* with the oldest that the journal still has */
	AUDIOMODULE_START_AFTER		= 2,	/* behind the notification that position names */
};

/**
 * struct audiomodule_position - a place in a journal: what is needed to resume
 * @journal_id: which journal
 * @sequence: the last notification consumed
 */
struct audiomodule_position {
	uint64_t journal_id;
	uint64_t sequence;
};

/* First the newest notification of each module that matches, when the kernel can. */
#define AUDIOMODULE_SUBSCRIBE_INITIAL		(1U << 1)

/**
 * struct audiomodule_begin - where a subscription starts
 * @start: enum audiomodule_start
 * @flags: AUDIOMODULE_SUBSCRIBE_*
 * @position: for AUDIOMODULE_START_AFTER
 */
struct audiomodule_begin {
	uint32_t start;
	uint32_t flags;
	struct audiomodule_position position;
};

struct audiomodule_subscription;

enum audiomodule_record_type {
	AUDIOMODULE_RECORD_NOTIFICATION	= 1,
	AUDIOMODULE_RECORD_LOST		= 3,
	AUDIOMODULE_RECORD_CHANGED	= 4,
	AUDIOMODULE_RECORD_REMOVED	= 5,
};

/**
 * struct audiomodule_record - one record, checked (struct snd_audio_module_record)
 * @type: what it says; the members that a type does not have are zero
 * @endpoint: index of the endpoint, or AUDIOMODULE_NONE
 * @module: index of the module, or AUDIOMODULE_NONE
 * @sequence: NOTIFICATION: its number; LOST: the last lost one; CHANGED: the newest at that time
 * @timestamp: nanoseconds of CLOCK_MONOTONIC
 * @notification_id: NOTIFICATION: which
 * @has_identity: the next three members are set: NOTIFICATION of an audio module
 * @device_id: the endpoint
 * @class_id: the module's type
 * @instance_id: the module
 * @data: all bytes of the notification, with the 40 of an identity when it came from the kernel
 * @data_size: how many
 * @tail: the vendor's bytes: those behind the identity, or all when there is none
 * @tail_size: how many
 * @lost_first: LOST: first sequence
 * @lost_last: LOST: last sequence
 * @generation: CHANGED: of the new list
 *
 * @data and @tail point into the subscription and are valid until its next call.
 */
struct audiomodule_record {
	enum audiomodule_record_type type;
	uint32_t endpoint;
	uint32_t module;
	uint64_t sequence;
	uint64_t timestamp;
	struct audiomodule_guid notification_id;
	bool has_identity;
	struct audiomodule_guid device_id;
	struct audiomodule_guid class_id;
	uint32_t instance_id;
	const uint8_t *data;
	size_t data_size;
	const uint8_t *tail;
	size_t tail_size;
	uint64_t lost_first;
	uint64_t lost_last;
	uint64_t generation;
};

/**
 * struct audiomodule_statistics - a notification fd's own count (/proc/self/fdinfo)
 * @journal_id: which journal
 * @start: it delivers what comes after this sequence
 * @position: the last sequence consumed from the kernel
 * @newest: the newest of the journal
 * @matched: delivered
 * @filtered: consumed and not wanted
 * @lost: overwritten or dropped: matched + filtered + lost = position - start
 */
struct audiomodule_statistics {
	uint64_t journal_id;
	uint64_t start;
	uint64_t position;
	uint64_t newest;
	uint64_t matched;
	uint64_t filtered;
	uint64_t lost;
};

/**
 * audiomodule_subscribe() - receive notifications of a card
 * @handle: the card; may be closed afterwards
 * @filter: which; NULL: all
 * @begin: where to start; NULL: only what comes from now on
 * @subscription: receives the subscription; NULL on failure
 *
 * Return: 0; -ESTALE: the position is of another journal; -EINVAL: its sequence was not sent yet,
 * or a bit of match, start or flags is unknown; -ENODEV: the card is gone; -EOPNOTSUPP: the kernel
 * does not have what a flag asks for; -EMFILE, -ENFILE, -ENOMEM.
 */
int audiomodule_subscribe(struct audiomodule *handle, const struct audiomodule_filter *filter,
			  const struct audiomodule_begin *begin,
			  struct audiomodule_subscription **subscription);

/**
 * audiomodule_subscribe_fd() - the same, but a plain notification fd to give away
 * @handle: the card
 * @filter: which; NULL: all
 * @begin: where to start; NULL: only what comes from now on
 * @start: receives the journal and the sequence after which it delivers
 *
 * Return: the fd, blocking and close-on-exec; failures as audiomodule_subscribe().
 */
int audiomodule_subscribe_fd(struct audiomodule *handle, const struct audiomodule_filter *filter,
			     const struct audiomodule_begin *begin,
			     struct audiomodule_position *start);

/**
 * audiomodule_subscription_from_fd() - read a notification fd that somebody handed over
 * @fd: the fd; becomes the subscription's on success and is set to O_NONBLOCK
 * @start: journal and sequence where it starts
 * @subscription: receives the subscription; NULL on failure
 *
 * The fd is not trusted: every size is checked before it is used.
 *
 * Return: 0; -EBADF; -ENOMEM.
 */
int audiomodule_subscription_from_fd(int fd, const struct audiomodule_position *start,
				     struct audiomodule_subscription **subscription);
struct audiomodule_subscription *
audiomodule_subscription_free(struct audiomodule_subscription *subscription);

/** audiomodule_subscription_fd() - poll() this for POLLIN, then call ..._next() until it says 0 */
int audiomodule_subscription_fd(const struct audiomodule_subscription *subscription);

/**
 * audiomodule_subscription_next() - the next record
 * @subscription: which
 * @record: receives it
 *
 * Never blocks. Records of types that this library does not know are skipped.
 *
 * Return: 1: a record; 0: none now; -ENODEV: the card is gone and everything, the record REMOVED
 * as the last, was returned; -EBADMSG: the fd delivered something that is no record: free the
 * subscription; -ENOMEM and other errors of read().
 */
int audiomodule_subscription_next(struct audiomodule_subscription *subscription,
				  struct audiomodule_record *record);

/** audiomodule_subscription_start() - where it started */
void audiomodule_subscription_start(const struct audiomodule_subscription *subscription,
				    struct audiomodule_position *position);

/** audiomodule_subscription_position() - behind the last record returned: resume from here */
void audiomodule_subscription_position(const struct audiomodule_subscription *subscription,
				       struct audiomodule_position *position);

/**
 * audiomodule_subscription_statistics() - the kernel's count for this fd
 *
 * Records that were read ahead count as consumed.
 *
 * Return: 0; -ENOTTY: the fd is no notification fd; errors of reading /proc.
 */
int audiomodule_subscription_statistics(const struct audiomodule_subscription *subscription,
					struct audiomodule_statistics *statistics);

/**
 * audiomodule_record_decode() - check and decode one record of the kernel
 * @bytes: where it starts
 * @size: how many bytes there are from there on
 * @record: receives it, pointing into @bytes; its type may be one that this library does not know
 *
 * Return: bytes of the record; -EBADMSG when they are no record.
 */
int audiomodule_record_decode(const void *bytes, size_t size, struct audiomodule_record *record);

/**
 * struct audiomodule_notification - Windows' KSAUDIOMODULE_NOTIFICATION, decoded
 * @device_id: the endpoint
 * @class_id: the module's type
 * @instance_id: the module
 * @tail: the vendor's bytes behind it, in the buffer that was decoded
 * @tail_size: how many
 */
struct audiomodule_notification {
	struct audiomodule_guid device_id;
	struct audiomodule_guid class_id;
	uint32_t instance_id;
	const uint8_t *tail;
	size_t tail_size;
};

/** audiomodule_notification_decode() - Return: 0; -EBADMSG: fewer than 40 bytes. */
int audiomodule_notification_decode(const void *data, size_t size,
				    struct audiomodule_notification *notification);

#ifdef __cplusplus
}
#endif

#endif /* AUDIOMODULE_H */
