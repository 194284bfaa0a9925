/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libaudiomodule: Windows' structures of audio modules, as bytes
 *
 * DOC: on Windows a program reaches audio modules through three properties of kernel streaming
 * (KS). Who talks to such a program, or brings one to Linux, needs their bytes: what a property is
 * asked with and what it answers. Here they are made from this library's structures and read into
 * them. Nothing here opens a device: audiomodule_command() sends a command.
 *
 * Bytes are little-endian on every machine. (The kernel's records are in host byte order.)
 *
 * Functions that write bytes size them in two calls (KS-2, CMD-4, NID-2): @size is the room at @to
 * and becomes the bytes written. With room 0 they return -EOVERFLOW and set @size to what is
 * needed; with too little room they return -ENOBUFS. On that and every other failure @size becomes
 * 0, and nothing is written.
 *
 * Functions that read bytes believe none: each length and offset is checked first. Pointers in
 * what they return point into the bytes that were read.
 *
 * KS-2, CMD-3 and the like number the rules of the model; they are said in full here.
 */
#ifndef AUDIOMODULE_KS_H
#define AUDIOMODULE_KS_H

#include <audiomodule.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of KSPROPERTY, and of KSAUDIOMODULE_PROPERTY with the padding behind its members. */
#define AUDIOMODULE_KS_PROPERTY_SIZE		24
#define AUDIOMODULE_KS_COMMAND_SIZE		48

/* Bytes of KSMULTIPLE_ITEM, and of each KSAUDIOMODULE_DESCRIPTOR behind it. */
#define AUDIOMODULE_KS_LIST_SIZE		8
#define AUDIOMODULE_KS_DESCRIPTOR_SIZE		284

/* UTF-16 units of a descriptor's name, with the zero at its end (AUDIOMODULE_MAX_NAME_CCH_SIZE). */
#define AUDIOMODULE_KS_NAME_UNITS		128

/* Bytes of KSAUDIOMODULE_NOTIFICATION, KSPROPERTY_DESCRIPTION and KSPROPERTY_MEMBERSHEADER. */
#define AUDIOMODULE_KS_NOTIFICATION_SIZE	40
#define AUDIOMODULE_KS_DESCRIPTION_SIZE		40
#define AUDIOMODULE_KS_MEMBERS_SIZE		16

/* Most bytes of a vendor's, in a command, an answer and a notification. */
#define AUDIOMODULE_KS_MAX_DATA_SIZE		64000

/* KSPROPSETID_AudioModule */
extern const struct audiomodule_guid audiomodule_ks_property_set;

/* KSPROPERTY_AUDIOMODULE */
enum audiomodule_ks_property_id {
	AUDIOMODULE_KS_DESCRIPTORS		= 1,
	AUDIOMODULE_KS_COMMAND			= 2,
	AUDIOMODULE_KS_NOTIFICATION_DEVICE_ID	= 3,
};

/* KSPROPERTY_TYPE_*: flags of a property's input, access in an answer to basic support */
#define AUDIOMODULE_KS_GET		0x1U
#define AUDIOMODULE_KS_SET		0x2U
#define AUDIOMODULE_KS_BASIC_SUPPORT	0x200U

/* ---- What a property is asked with ---- */

/**
 * struct audiomodule_ks_property - KSPROPERTY: which property, and what is asked of it
 * @id: enum audiomodule_ks_property_id
 * @flags: AUDIOMODULE_KS_GET or AUDIOMODULE_KS_BASIC_SUPPORT
 */
struct audiomodule_ks_property {
	uint32_t id;
	uint32_t flags;
};

/**
 * audiomodule_ks_property_encode() - the 24 bytes of a KSPROPERTY of audio modules
 * @property: which
 * @to: receives them
 * @size: room in bytes, then bytes written: see the top of this file
 *
 * Return: 0; -ENOENT: no such property; -EOPNOTSUPP: other flags; -EOVERFLOW; -ENOBUFS.
 */
int audiomodule_ks_property_encode(const struct audiomodule_ks_property *property, void *to,
				   size_t *size);

/**
 * audiomodule_ks_property_decode() - which property is asked?
 * @from: the input of any property; what is behind KSPROPERTY is not looked at
 * @size: bytes at @from
 * @property: receives it; also with -EOPNOTSUPP, else untouched on failure
 *
 * Return: 0; -EINVAL: fewer than 24 bytes; -ENOTTY: another property set; -ENOENT: no property of
 * this set; -EOPNOTSUPP: flags that are neither GET nor BASIC_SUPPORT, checked last.
 */
int audiomodule_ks_property_decode(const void *from, size_t size,
				   struct audiomodule_ks_property *property);

/**
 * struct audiomodule_ks_command - KSAUDIOMODULE_PROPERTY and the vendor's command behind it
 * @flags: AUDIOMODULE_KS_GET, whatever the command does; or AUDIOMODULE_KS_BASIC_SUPPORT
 * @class_id: the module's type
 * @instance_id: which module of that type
 * @arguments: the vendor's bytes; NULL when there are none
 * @arguments_size: how many
 */
struct audiomodule_ks_command {
	uint32_t flags;
	struct audiomodule_guid class_id;
	uint32_t instance_id;
	const uint8_t *arguments;
	size_t arguments_size;
};

/**
 * audiomodule_ks_command_encode() - input of the property COMMAND (CMD-2)
 * @command: what
 * @to: receives 48 bytes, the last four of them zero, and the arguments
 * @size: room in bytes, then bytes written: see the top of this file
 *
 * Return: 0; -EINVAL: more than 64000 bytes of arguments; -EOPNOTSUPP: other flags; -EOVERFLOW;
 * -ENOBUFS.
 */
int audiomodule_ks_command_encode(const struct audiomodule_ks_command *command, void *to,
				  size_t *size);

/**
 * audiomodule_ks_command_decode() - read the input of the property COMMAND (CMD-2, CMD-3)
 * @from: the input
 * @size: bytes at @from
 * @command: receives it; also with -EOPNOTSUPP, else untouched on failure
 *
 * Windows looks for the module before it looks at the flags: whoever wants its order of errors
 * looks for the module in @command when this returns 0 or -EOPNOTSUPP.
 *
 * Return: 0; -ENOTTY: another property set; -ENOENT: another property; -EINVAL: fewer than 48
 * bytes, or more than 64000 behind them; -EOPNOTSUPP: flags that are neither GET nor
 * BASIC_SUPPORT, checked last.
 */
int audiomodule_ks_command_decode(const void *from, size_t size,
				  struct audiomodule_ks_command *command);

/* ---- What the property DESCRIPTORS answers ---- */

/**
 * struct audiomodule_ks_descriptor - KSAUDIOMODULE_DESCRIPTOR
 * @class_id: the module's type
 * @instance_id: tells modules of one type apart
 * @version_major: the vendor's
 * @version_minor: the vendor's
 * @name: UTF-8; unpaired surrogates and control characters are replaced by '?'
 */
struct audiomodule_ks_descriptor {
	struct audiomodule_guid class_id;
	uint32_t instance_id;
	uint32_t version_major;
	uint32_t version_minor;
	char name[384];
};

/**
 * audiomodule_ks_descriptors_encode() - the modules of an endpoint (KS-1 to KS-4)
 * @list: of which
 * @endpoint: one of its endpoints
 * @to: receives KSMULTIPLE_ITEM and a descriptor for each endpoint module, in the list's order
 * @size: room in bytes, then bytes written: see the top of this file
 *
 * Stream modules are left out: Windows tells of them through the stream. An endpoint without
 * modules has 8 bytes, and Count is 0. Names are cut after 127 UTF-16 units, never inside of a
 * character; zeroes follow.
 *
 * Return: 0; -EOVERFLOW; -ENOBUFS.
 */
int audiomodule_ks_descriptors_encode(const struct audiomodule_list *list,
				      const struct audiomodule_endpoint *endpoint, void *to,
				      size_t *size);

/**
 * audiomodule_ks_descriptors_decode() - read an answer of DESCRIPTORS
 * @from: the answer
 * @size: bytes at @from; more than the answer says of itself are ignored
 * @descriptors: receives an array; free() it. NULL when there are none, or on failure
 * @count: receives how many
 *
 * What follows the zero of a name is ignored: Windows leaves there what was in memory (KS-3).
 *
 * Return: 0; -EBADMSG: the sizes contradict each other or @size, or a name has no end; -ENOMEM.
 */
int audiomodule_ks_descriptors_decode(const void *from, size_t size,
				      struct audiomodule_ks_descriptor **descriptors,
				      size_t *count);

/* ---- What the property NOTIFICATION_DEVICE_ID answers ---- */

/**
 * audiomodule_ks_device_id_encode() - an endpoint's DeviceId, 16 bytes (NID-1, NID-2)
 * @endpoint: whose
 * @to: receives it
 * @size: room in bytes, then bytes written: see the top of this file
 *
 * Return: 0; -EOPNOTSUPP: it has none (all zero), checked first; -EOVERFLOW; -ENOBUFS.
 */
int audiomodule_ks_device_id_encode(const struct audiomodule_endpoint *endpoint, void *to,
				    size_t *size);

/** audiomodule_ks_device_id_decode() - Return: 0; -EBADMSG: fewer than 16 bytes. */
int audiomodule_ks_device_id_decode(const void *from, size_t size, struct audiomodule_guid *id);

/* ---- What a notification carries ---- */

/**
 * audiomodule_ks_notification_encode() - KSAUDIOMODULE_NOTIFICATION and the vendor's bytes (IF-9)
 * @notification: what; its tail goes behind the 40 bytes as it is
 * @to: receives them
 * @size: room in bytes, then bytes written: see the top of this file
 *
 * Return: 0; -EINVAL: a tail of more than 64000 bytes; -EOVERFLOW; -ENOBUFS.
 */
int audiomodule_ks_notification_encode(const struct audiomodule_notification *notification,
				       void *to, size_t *size);

/**
 * audiomodule_ks_notification_decode() - read it
 * @from: the notification's data
 * @size: bytes at @from
 * @notification: receives it; untouched on failure
 *
 * Reserved is not looked at: drivers on Windows do not always clear it.
 *
 * Return: 0; -EBADMSG: fewer than 40 bytes, or more than 64000 behind them.
 */
int audiomodule_ks_notification_decode(const void *from, size_t size,
				       struct audiomodule_notification *notification);

/* ---- What basic support answers ---- */

/**
 * struct audiomodule_ks_support - answer to basic support, of a property or of a parameter
 * @access: AUDIOMODULE_KS_GET, _SET, _BASIC_SUPPORT
 * @has_description: the answer has a KSPROPERTY_DESCRIPTION; if not, what follows is zero
 * @size: bytes of the full answer; the one that was read may be shorter
 * @type_set: GUID of the set that type is of (KSPROPTYPESETID_General); zero: none
 * @type: type of the value: a VARTYPE as in VT_UI4 (19)
 * @lists: how many lists of members the full answer has
 * @has_members: the answer has the first of them; if not, what follows is zero
 * @members: KSPROPERTY_MEMBER_VALUES (3) when values are single ones
 * @members_flags: KSPROPERTY_MEMBER_FLAG_*
 * @value_size: bytes of a value
 * @value_count: how many values there are
 * @values: the values, one after the other; NULL when there are none
 */
struct audiomodule_ks_support {
	uint32_t access;
	bool has_description;
	uint32_t size;
	struct audiomodule_guid type_set;
	uint32_t type;
	uint32_t lists;
	bool has_members;
	uint32_t members;
	uint32_t members_flags;
	uint32_t value_size;
	uint32_t value_count;
	const uint8_t *values;
};

/**
 * audiomodule_ks_support_decode() - read an answer to basic support
 * @from: the answer
 * @size: bytes at @from: a full answer, its first 40 bytes, or the 4 bytes of access
 * @support: receives it; untouched on failure
 *
 * Return: 0; -EBADMSG: fewer than 4 bytes, or sizes that contradict each other.
 */
int audiomodule_ks_support_decode(const void *from, size_t size,
				  struct audiomodule_ks_support *support);

/**
 * audiomodule_ks_support_value() - one value of a list as a number
 * @support: of which
 * @n: which, from 0
 * @value: receives it; untouched on failure
 *
 * Return: 0; -ERANGE: there is no such value; -EINVAL: it has neither 1, 2, 4 nor 8 bytes.
 */
int audiomodule_ks_support_value(const struct audiomodule_ks_support *support, size_t n,
				 uint64_t *value);

/* ---- NTSTATUS and errno ---- */

/**
 * audiomodule_ks_status() - the NTSTATUS that a Windows program expects
 * @error: 0 or a negative errno, of this library or of a command
 *
 * The same pairs as in struct snd_audio_module_command of <sound/audio_module.h>, and some more.
 *
 * Return: the NTSTATUS; STATUS_UNSUCCESSFUL (0xC0000001) for an errno that has none.
 */
uint32_t audiomodule_ks_status(int error);

/**
 * audiomodule_ks_error() - the errno that a Linux program expects
 * @status: an NTSTATUS
 *
 * Return: 0 for STATUS_SUCCESS and STATUS_PENDING; -EIO for one that is not known.
 */
int audiomodule_ks_error(uint32_t status);

#ifdef __cplusplus
}
#endif

#endif /* AUDIOMODULE_KS_H */
