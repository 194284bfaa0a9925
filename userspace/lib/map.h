/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: a journal that is read where it lies: what read() of a notification fd does, without a
 * system call as long as there is something to read.
 */
#ifndef AUDIOMODULE_MAP_H
#define AUDIOMODULE_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where the reader of a mapping is: struct snd_audio_module_map in <sound/audio_module.h>. */
struct map {
	const struct snd_audio_module_map *header;	/* NULL: not mapped */
	const uint8_t *data;
	size_t length;		/* of the mapping */
	uint64_t size;		/* of the ring */
	uint64_t position;	/* of the next record */
	uint64_t head;		/* when it was looked at last */
	uint64_t next;		/* the sequence that is expected there */
	uint64_t lost;
	int removed;		/* REMOVED was delivered */
};

/*
 * Map the journal of a notification fd with SUBSCRIBE_MAP, which starts at @position, behind
 * @sequence. Returns 0; -EBADMSG: it is no journal; errors of mmap().
 */
int map_open(struct map *map, int fd, uint64_t position, uint64_t sequence);
void map_close(struct map *map);

/*
 * Whole records, as read() delivers them, to 8-byte aligned memory. Returns bytes; 0: nothing now,
 * and the fd becomes readable when something comes; -ENODEV: the end; -EMSGSIZE: the first does not
 * fit; -EBADMSG: it is no journal; errors of ADVANCE.
 */
ssize_t map_read(struct map *map, int fd, uint8_t *to, size_t size);

/* Tell the kernel where the reader is: 1: there is more; 0: nothing; negative errno. */
int map_advance(const struct map *map, int fd);

#endif /* AUDIOMODULE_MAP_H */
