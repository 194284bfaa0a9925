#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the kernel modules for a kernel of the cache, with the compiler that it wants, and puts
# them where the guest takes them over: DEST/modules/ holds the .ko files, DEST/depmod/VERSION/ the
# indexes with which modprobe finds them among the guest kernel's own.
#
#	stage-modules.sh KERNEL DEST
#
# With GCOV_PROFILE=y in the environment they count which lines run.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)

name=$1
dest=$2
kernel=$("$HERE/kernel.sh" path "$name")
release=$("$HERE/kernel.sh" version "$name")
root=$dest/depmod.new
tree=$root/lib/modules/$release

mkdir -p "$TOP/.build"
# Where a kernel has these two checkers but for what asks for them, our modules do.
make_for "$name" "$TOP" -C "$TOP" -j"$(nproc)" modules \
	KERNELDIR="$("$HERE/kernel.sh" headers "$name")" UBSAN_SANITIZE=y KCOV_INSTRUMENT=y \
	${GCOV_PROFILE:+GCOV_PROFILE=$GCOV_PROFILE}
rm -rf "$dest/modules" "$dest/depmod" "$root"
mkdir -p "$dest/modules" "$dest/depmod" "$tree/updates"
find "$TOP/.build/modules/$release/module" -name '*.ko' -exec cp {} "$dest/modules/" \;
[ -n "$(ls "$dest/modules")" ] ||
	die "no kernel module was built for $name" "see what 'make modules V=1' prints"

cp "$dest"/modules/*.ko "$tree/updates/"
[ ! -d "$kernel/modules/lib/modules/$release/kernel" ] ||
	ln -s "$kernel/modules/lib/modules/$release/kernel" "$tree/kernel"
cp "$kernel/modules/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$tree/"
depmod -b "$root" "$release"
rm -rf "$tree/kernel" "$tree/updates"
mv "$tree" "$dest/depmod/$release"
rm -r "$root"
