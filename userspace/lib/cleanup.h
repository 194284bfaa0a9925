/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DOC: ownership that ends by itself. A variable declared with _cleanup_(f) is given to f when it
 * goes out of scope, so that no error path can forget it; steal_pointer() and steal_fd() hand it
 * on.
 */
#ifndef AUDIOMODULE_CLEANUP_H
#define AUDIOMODULE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(function)	__attribute__((cleanup(function)))

/* Defines name() for _cleanup_() of a type whose free function is known. */
#define DEFINE_CLEANUP(name, type, function)			\
	static inline void name(type *variable)			\
	{							\
		if (*variable)					\
			function(*variable);			\
	}

/* A variable of any pointer type: read as what it is, a void * is another type. */
static inline void cleanup_memory(void *variable)
{
	void *memory;

	memcpy(&memory, variable, sizeof(memory));
	free(memory);
}

static inline void cleanup_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

DEFINE_CLEANUP(cleanup_directory, DIR *, closedir)
DEFINE_CLEANUP(cleanup_file, FILE *, fclose)

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#define steal_pointer(variable)				\
	__extension__ ({				\
		__typeof__(variable) stolen_ = (variable);	\
		(variable) = NULL;			\
		stolen_;				\
	})

#endif /* AUDIOMODULE_CLEANUP_H */
