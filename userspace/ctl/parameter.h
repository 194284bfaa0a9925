/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: the parameters of a module are control elements of its card, as every ALSA program sees
 * them: those whose name begins with "ENDPOINT LABEL ". An endpoint's own begin with "ENDPOINT ".
 * The longest such beginning says whose an element is, as "EQ" and "EQ Movie" may both be there.
 */
#ifndef AUDIOMODULECTL_PARAMETER_H
#define AUDIOMODULECTL_PARAMETER_H

#include <alsa/asoundlib.h>

#include "choose.h"

/* Bytes of a parameter's name: an element's, an index and the end of the string. */
#define PARAMETER_NAME_SIZE	64

struct parameter {
	char name[PARAMETER_NAME_SIZE];	/* what is behind the beginning; an index: "NAME,1" */
	snd_ctl_elem_info_t *info;
	snd_ctl_elem_value_t *value;
	int error;			/* 0, or why there is no value */
};

/* The newest notification, as a module's element shows it. */
struct newest {
	uint64_t bytes[65];		/* of the element: 512, and one word more */
	struct audiomodule_record record;
	uint32_t size;			/* of the vendor's bytes; the element may have cut them */
	bool exists;
};

struct parameters {
	snd_ctl_t *ctl;
	struct parameter *first;
	size_t count;
	struct newest newest;
};

/*
 * All of one endpoint or module of the list, with their values now. A read takes nothing away: not
 * the newest notification either. for_writing: they are going to be set. Returns 0 or a negative
 * errno; parameters_free() is right after both.
 */
int parameters_read(const struct audiomodule_list *list, const struct target *target,
		    bool for_writing, struct parameters *parameters);
void parameters_free(struct parameters *parameters);

/* The one with this name, or NULL. */
struct parameter *parameters_find(const struct parameters *parameters, const char *name);

#endif /* AUDIOMODULECTL_PARAMETER_H */
