/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what older kernels lack, in the words of the newest one. The code is written for that one;
 * whatever else differs between the kernels that are supported belongs here and nowhere else. It is
 * asked for by name where that can be, by version only where it cannot.
 */
#ifndef __AUDIO_MODULE_COMPAT_H
#define __AUDIO_MODULE_COMPAT_H

#include <linux/slab.h>

/* Since 7.0: memory for one object, zeroed. */
#ifndef kzalloc_obj
#define kzalloc_obj(object, gfp)					\
({									\
	typeof(object) *__object = kzalloc(sizeof(*__object), gfp);	\
	__object;							\
})
#endif

#endif
