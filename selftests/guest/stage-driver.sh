#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the example of a driver as its author would, outside of this tree, with the kernel's headers
# and what "make install" put somewhere, and nothing else: DEST/driver/ gets the module and its
# source. The modules (stage-modules.sh) and userspace were built before.
#
#	stage-driver.sh KERNEL DEST

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
EXAMPLE=userspace/doc/example-driver

name=$1
dest=$2
headers=$("$HERE/kernel.sh" headers "$name")
release=$("$HERE/kernel.sh" version "$name")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say BUILD "$EXAMPLE ($release)"
make --no-print-directory -s -C "$TOP" install KERNELDIR="$headers" DESTDIR="$work" PREFIX=/usr \
	>"$work/log" || { cat "$work/log" >&2; die "make install failed"; }
cp -r "$TOP/$EXAMPLE" "$work/example"
make_for "$name" "$work" -C "$work/example" KERNELDIR="$headers" CONFIG_DEBUG_INFO_BTF_MODULES= \
	AUDIO_MODULE_HEADERS="$work/usr/src/alsa-audio-modules-headers-$release" >&2
rm -rf "$dest/driver"
mkdir -p "$dest/driver"
cp "$work"/example/snd-portcls-example.{c,ko} "$dest/driver/"
