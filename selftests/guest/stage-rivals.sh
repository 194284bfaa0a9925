#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the rivals (selftests/rivals), for "make bench" only: DEST/rivals/ gets their module. It is
# not among those that modprobe finds, so that no other test meets it.
#
#	stage-rivals.sh KERNEL DEST

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
RIVALS=$HERE/../rivals

name=$1
dest=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say BUILD "selftests/rivals ($("$HERE/kernel.sh" version "$name"))"
cp "$RIVALS"/* "$work/"
make_for "$name" "$work" -C "$("$HERE/kernel.sh" headers "$name")" M="$work" \
	CONFIG_DEBUG_INFO_BTF_MODULES= modules >&2
rm -rf "$dest/rivals"
mkdir -p "$dest/rivals"
cp "$work/audio-module-rivals.ko" "$dest/rivals/"
