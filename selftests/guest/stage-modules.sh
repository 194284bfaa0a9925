#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Puts the built kernel modules where the guest takes them over: DEST/modules/ holds the .ko files,
# DEST/depmod/VERSION/ the indexes with which modprobe finds them among the guest kernel's own.
#
#	stage-modules.sh BUILT-MODULES DEST

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

built=$1
dest=$2
kernel=$CACHE/kernel
release=$(cat "$kernel/version")
root=$dest/depmod.new
tree=$root/lib/modules/$release

rm -rf "$dest/modules" "$dest/depmod" "$root"
mkdir -p "$dest/modules" "$dest/depmod" "$tree/updates"
find "$built/$release/module" -name '*.ko' -exec cp {} "$dest/modules/" \;
[ -n "$(ls "$dest/modules")" ] ||
	die "no kernel module was built in $built/$release" "see what 'make modules V=1' prints"

cp "$dest"/modules/*.ko "$tree/updates/"
ln -s "$kernel/modules/lib/modules/$release/kernel" "$tree/kernel"
cp "$kernel/modules/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$tree/"
depmod -b "$root" "$release"
rm -r "$tree/kernel" "$tree/updates"
mv "$tree" "$dest/depmod/$release"
rm -r "$root"
