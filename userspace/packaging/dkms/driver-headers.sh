#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What drivers outside of this tree are built with for a kernel: the headers, and the versions of the
# modules' symbols, in a folder for that kernel. Called in the folder where the modules were built, by
# "make install" and by dkms, and by these when they are removed.
#
#	driver-headers.sh install FOLDER
#	driver-headers.sh remove FOLDER

set -eu

rm -rf "$2"
# Nothing to build with is what an unsupported kernel has.
[ "$1" = install ] && [ -e module/Module.symvers ] || exit 0
umask 022
mkdir -p "$2/include/sound" "$2/include/uapi/sound"
cp include/sound/audio_module.h include/sound/portcls.h "$2/include/sound/"
cp include/uapi/sound/audio_module.h "$2/include/uapi/sound/"
# Without the path where they were built
awk -F '\t' -v OFS='\t' '{ sub(".*/", "", $3); print }' module/Module.symvers >"$2/Module.symvers"
