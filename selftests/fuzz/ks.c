// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: Windows' structures as bytes (userspace/lib/audiomodule-ks.h). Foreign: every blob that
 * another program or machine sent as one of them. The first byte says which; the rest are its
 * bytes.
 *
 * Holds: what is read points into the bytes; what was read and is written again is the same bytes,
 * but for those that the header says are not looked at; a refusal has an errno that the header
 * names, leaves what it would have set untouched, and, where something is written, no bytes.
 */
#include "audiomodule-ks.h"
#include "fuzz.h"

#define UNTOUCHED	0x5a

/* Bytes that are written again, in exactly as much memory as they need. */
#define write_again(encode, what, size)						\
	__extension__ ({							\
		size_t needed_ = 0, written_;					\
		uint8_t *to_;							\
										\
		require(encode(what, NULL, &needed_) == -EOVERFLOW);		\
		require(needed_ == (size));					\
		to_ = malloc(needed_);						\
		require(to_);							\
		written_ = needed_ - 1;						\
		require(encode(what, to_, &written_) == -ENOBUFS && written_ == 0);	\
		written_ = needed_;						\
		require(encode(what, to_, &written_) == 0 && written_ == needed_);	\
		to_;								\
	})

/* Was it left alone? */
static bool is_untouched(const void *what, size_t size)
{
	const uint8_t *bytes = what;

	for (size_t i = 0; i < size; i++)
		if (bytes[i] != UNTOUCHED)
			return false;
	return true;
}

static void try_property(const uint8_t *from, size_t size)
{
	struct audiomodule_ks_property property;
	uint8_t *again;
	int r;

	memset(&property, UNTOUCHED, sizeof(property));
	r = audiomodule_ks_property_decode(from, size, &property);
	if (r == 0) {
		again = write_again(audiomodule_ks_property_encode, &property,
				    AUDIOMODULE_KS_PROPERTY_SIZE);
		require(memcmp(again, from, AUDIOMODULE_KS_PROPERTY_SIZE) == 0);
		free(again);
	} else if (r != -EOPNOTSUPP) {
		require(r == -EINVAL || r == -ENOTTY || r == -ENOENT);
		require(is_untouched(&property, sizeof(property)));
	}
}

static void try_command(const uint8_t *from, size_t size)
{
	const size_t padding = AUDIOMODULE_KS_COMMAND_SIZE - 4;
	struct audiomodule_ks_command command;
	uint8_t *again;
	int r;

	memset(&command, UNTOUCHED, sizeof(command));
	r = audiomodule_ks_command_decode(from, size, &command);
	if (r < 0 && r != -EOPNOTSUPP) {
		require(r == -EINVAL || r == -ENOTTY || r == -ENOENT);
		require(is_untouched(&command, sizeof(command)));
		return;
	}
	require(command.arguments_size == size - AUDIOMODULE_KS_COMMAND_SIZE);
	require(command.arguments_size ? command.arguments == from + AUDIOMODULE_KS_COMMAND_SIZE :
		!command.arguments);
	if (r < 0)
		return;
	again = write_again(audiomodule_ks_command_encode, &command, size);
	require(memcmp(again, from, padding) == 0);
	require(memcmp(again + padding + 4, from + padding + 4, size - padding - 4) == 0);
	free(again);
}

static int encode_modules(const struct audiomodule_list *list, void *to, size_t *size)
{
	return audiomodule_ks_descriptors_encode(list, audiomodule_list_endpoint(list, 0), to,
						 size);
}

/* The list whose endpoint has these modules. */
static struct audiomodule_list *list_of(const struct audiomodule_ks_descriptor *descriptors,
					size_t count)
{
	const struct audiomodule_endpoint endpoint = { .name = "Speaker" };
	struct audiomodule_list *list = audiomodule_list_new();
	const struct audiomodule_endpoint *parent = audiomodule_list_add_endpoint(list, &endpoint);

	for (size_t i = 0; i < count; i++) {
		struct audiomodule_module module = {
			.endpoint = parent,
			.index = (uint32_t)i,
			.pcm_device = -1,
			.pcm_subdevice = -1,
			.class_id = descriptors[i].class_id,
			.instance_id = descriptors[i].instance_id,
			.version_major = descriptors[i].version_major,
			.version_minor = descriptors[i].version_minor,
		};

		memcpy(module.name, descriptors[i].name, sizeof(module.name));
		require(audiomodule_list_add_module(list, &module));
	}
	return list;
}

static void compare(const struct audiomodule_ks_descriptor *a,
		    const struct audiomodule_ks_descriptor *b)
{
	require(audiomodule_guid_equal(&a->class_id, &b->class_id));
	require(a->instance_id == b->instance_id && a->version_major == b->version_major);
	require(a->version_minor == b->version_minor && strcmp(a->name, b->name) == 0);
}

static void try_descriptors(const uint8_t *from, size_t size)
{
	struct audiomodule_ks_descriptor *first, *second;
	struct audiomodule_list *list;
	size_t count, count_again;
	uint8_t *again;
	int r = audiomodule_ks_descriptors_decode(from, size, &first, &count);

	if (r < 0) {
		require(r == -EBADMSG && !first && count == 0);
		return;
	}
	size = AUDIOMODULE_KS_LIST_SIZE + count * AUDIOMODULE_KS_DESCRIPTOR_SIZE;
	list = list_of(first, count);
	again = write_again(encode_modules, list, size);
	require(memcmp(again, from, AUDIOMODULE_KS_LIST_SIZE) == 0);
	require(audiomodule_ks_descriptors_decode(again, size, &second, &count_again) == 0);
	require(count_again == count);
	for (size_t i = 0; i < count; i++)
		compare(&first[i], &second[i]);
	audiomodule_list_free(list);
	free(again);
	free(first);
	free(second);
}

/* A module's name that is no UTF-8, or too long for Windows. */
static void try_name(const uint8_t *from, size_t size)
{
	struct audiomodule_ks_descriptor descriptor = { .instance_id = 1 }, *read;
	struct input input = { from, size };
	struct audiomodule_list *list;
	uint8_t *bytes;
	size_t count;

	input_array(&input, descriptor.name, sizeof(descriptor.name));
	list = list_of(&descriptor, 1);
	size = AUDIOMODULE_KS_LIST_SIZE + AUDIOMODULE_KS_DESCRIPTOR_SIZE;
	bytes = write_again(encode_modules, list, size);
	require(audiomodule_ks_descriptors_decode(bytes, size, &read, &count) == 0 && count == 1);
	/* Cut at most, at the end of a character. */
	require(strncmp(read->name, audiomodule_list_module(list, 0)->name,
			strlen(read->name)) == 0);
	audiomodule_list_free(list);
	free(bytes);
	free(read);
}

static void try_device_id(const uint8_t *from, size_t size)
{
	struct audiomodule_endpoint endpoint = { .name = "Speaker" };
	static const struct audiomodule_guid none;
	uint8_t *again;
	size_t room = 0;

	if (audiomodule_ks_device_id_decode(from, size, &endpoint.device_id) < 0) {
		require(size < sizeof(endpoint.device_id));
		return;
	}
	if (audiomodule_guid_equal(&endpoint.device_id, &none)) {
		require(audiomodule_ks_device_id_encode(&endpoint, NULL, &room) == -EOPNOTSUPP);
		return;
	}
	again = write_again(audiomodule_ks_device_id_encode, &endpoint, sizeof(none));
	require(memcmp(again, from, sizeof(none)) == 0);
	free(again);
}

static void try_notification(const uint8_t *from, size_t size)
{
	const size_t reserved = AUDIOMODULE_KS_NOTIFICATION_SIZE - 4;
	struct audiomodule_notification notification;
	uint8_t *again;
	int r;

	memset(&notification, UNTOUCHED, sizeof(notification));
	r = audiomodule_ks_notification_decode(from, size, &notification);
	if (r < 0) {
		require(r == -EBADMSG && is_untouched(&notification, sizeof(notification)));
		return;
	}
	require(notification.tail == from + AUDIOMODULE_KS_NOTIFICATION_SIZE);
	require(notification.tail_size == size - AUDIOMODULE_KS_NOTIFICATION_SIZE);
	again = write_again(audiomodule_ks_notification_encode, &notification, size);
	require(memcmp(again, from, reserved) == 0);
	require(memcmp(again + reserved + 4, from + reserved + 4, size - reserved - 4) == 0);
	free(again);
}

static void check_values(const struct audiomodule_ks_support *support)
{
	const uint32_t size = support->value_size;
	const bool is_number = size == 1 || size == 2 || size == 4 || size == 8;
	uint64_t value;

	require(audiomodule_ks_support_value(support, support->value_count, &value) == -ERANGE);
	for (uint32_t i = 0; support->values && i < support->value_count; i++) {
		int r = audiomodule_ks_support_value(support, i, &value);

		require(r == (is_number ? 0 : -EINVAL));
		require(r < 0 || size == 8 || value >> (8 * size) == 0);
	}
}

static void try_support(const uint8_t *from, size_t size)
{
	struct audiomodule_ks_support support;
	int r;

	memset(&support, UNTOUCHED, sizeof(support));
	r = audiomodule_ks_support_decode(from, size, &support);
	if (r < 0) {
		require(r == -EBADMSG && is_untouched(&support, sizeof(support)));
		return;
	}
	require(support.has_description == (size >= AUDIOMODULE_KS_DESCRIPTION_SIZE));
	require(support.has_description || !support.has_members);
	if (support.values)
		require(is_within(support.values, (size_t)support.value_size * support.value_count,
				  from, size));
	check_values(&support);
}

static void try_status(const uint8_t *from, size_t size)
{
	struct input input = { from, size };
	const uint32_t status = (uint32_t)input_number(&input, 4);
	const int error = audiomodule_ks_error(status);

	require(error <= 0 && error >= -4095);
	/* Once it is an errno it stays that one. */
	require(audiomodule_ks_error(audiomodule_ks_status(error)) == error);
	require(audiomodule_ks_error(audiomodule_ks_status((int)status)) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(const uint8_t *from, size_t size) = {
		try_property, try_command, try_descriptors, try_name, try_device_id,
		try_notification, try_support, try_status,
	};

	if (size > 0)
		tries[data[0] % (sizeof(tries) / sizeof(tries[0]))](data + 1, size - 1);
	return 0;
}
