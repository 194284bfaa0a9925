// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: one table for both directions. Several NTSTATUS have the same errno, and the reverse: from
 * either side the first row that fits is meant, so the row that the kernel's interface documents
 * (struct snd_audio_module_command) stands before others of its errno.
 */
#include "ks.h"

#define STATUS_UNSUCCESSFUL	0xc0000001U

static const struct {
	uint32_t status;
	int error;
} table[] = {
	{ 0x00000000, 0 },		/* STATUS_SUCCESS */
	{ 0x00000103, 0 },		/* STATUS_PENDING */
	{ 0x80000005, -EOVERFLOW },	/* STATUS_BUFFER_OVERFLOW */
	{ 0xc0000023, -ENOBUFS },	/* STATUS_BUFFER_TOO_SMALL */
	{ 0xc000000d, -EINVAL },	/* STATUS_INVALID_PARAMETER */
	{ 0xc0000010, -EOPNOTSUPP },	/* STATUS_INVALID_DEVICE_REQUEST */
	{ 0xc00000bb, -EOPNOTSUPP },	/* STATUS_NOT_SUPPORTED */
	{ 0xc0000002, -EOPNOTSUPP },	/* STATUS_NOT_IMPLEMENTED */
	{ 0xc00002b9, -EOPNOTSUPP },	/* STATUS_NOINTERFACE */
	{ 0xc000009a, -ENOMEM },	/* STATUS_INSUFFICIENT_RESOURCES */
	{ 0xc0000017, -ENOMEM },	/* STATUS_NO_MEMORY */
	{ 0xc00000e5, -EIO },		/* STATUS_INTERNAL_ERROR */
	{ STATUS_UNSUCCESSFUL, -EIO },
	{ 0xc00002b6, -ENODEV },	/* STATUS_DEVICE_REMOVED */
	{ 0xc000000e, -ENODEV },	/* STATUS_NO_SUCH_DEVICE */
	{ 0xc0000056, -ENODEV },	/* STATUS_DELETE_PENDING */
	{ 0xc000000e, -ENXIO },		/* no endpoint with this DeviceId: never was there */
	{ 0xc0000184, -EBADFD },	/* STATUS_INVALID_DEVICE_STATE */
	{ 0xc0000225, -ENOENT },	/* STATUS_NOT_FOUND */
	{ 0xc0000230, -ENOTTY },	/* STATUS_PROPSET_NOT_FOUND */
	{ 0xc0000095, -ERANGE },	/* STATUS_INTEGER_OVERFLOW */
	{ 0xc0000022, -EACCES },	/* STATUS_ACCESS_DENIED */
	{ 0x80000011, -EBUSY },		/* STATUS_DEVICE_BUSY */
	{ 0xc0000120, -EINTR },		/* STATUS_CANCELLED */
};

#define ROWS	(sizeof(table) / sizeof(table[0]))

uint32_t audiomodule_ks_status(int error)
{
	for (size_t i = 0; i < ROWS; i++)
		if (table[i].error == error)
			return table[i].status;
	return STATUS_UNSUCCESSFUL;
}

int audiomodule_ks_error(uint32_t status)
{
	for (size_t i = 0; i < ROWS; i++)
		if (table[i].status == status)
			return table[i].error;
	return -EIO;
}
