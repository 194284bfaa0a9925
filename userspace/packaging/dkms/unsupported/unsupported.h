/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: what dkms builds for a kernel outside of the supported range, under the modules' own names:
 * it says so to who loads it, and is not loaded.
 */
#include <generated/utsrelease.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

static int __init unsupported_init(void)
{
	pr_err("%s: alsa-audio-modules " AUDIO_MODULE_VERSION " knows the kernels "
	       AUDIO_MODULE_KERNELS " and was not built for " UTS_RELEASE
	       ": install a newer version, or boot one of these\n", KBUILD_MODNAME);
	return -ENODEV;
}
module_init(unsupported_init);

/* audiomodulectl doctor knows it by these words. */
MODULE_DESCRIPTION("In place of audio modules: this kernel is not supported");
MODULE_LICENSE("GPL");
