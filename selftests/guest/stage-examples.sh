#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the examples for applications as their README says, outside of this tree, with nothing of
# this project's but what "make install" put somewhere: DEST/examples/ gets all of them, and the
# programs. Userspace was built before.
#
#	stage-examples.sh DEST

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

TOP=$(cd "$(dirname "$0")/../.." && pwd)
EXAMPLES=usr/share/doc/alsa-audio-modules/examples

dest=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Ours from where they are installed, others from this machine.
pkg-config()
{
	local word options=() ours=() others=()

	for word in "$@"; do
		case $word in
		-*)		options+=("$word") ;;
		libaudiomodule*) ours+=("$word") ;;
		*)		others+=("$word") ;;
		esac
	done
	PKG_CONFIG_SYSROOT_DIR=$work PKG_CONFIG_PATH=$work/usr/lib/pkgconfig \
		command pkg-config "${options[@]}" "${ours[@]}"
	[ ${#others[@]} -eq 0 ] || command pkg-config "${options[@]}" "${others[@]}"
}

# The commands of the README's table
commands()
{
	awk -F '`' '$4 ~ /^cc -o / { print $4 }' README.md
}

say BUILD userspace/doc/examples
make --no-print-directory -s -C "$TOP/userspace" install O="$TOP/.build/userspace" PREFIX=/usr \
	DESTDIR="$work" >"$work/log" || { cat "$work/log" >&2; die "make install failed"; }
cd "$work/$EXAMPLES"
[ "$(commands | wc -l)" -eq "$(find . -name '*.c' | wc -l)" ] ||
	die "README.md does not say how to build each of: $(echo *.c)"
while read -r command; do
	eval "${command/#cc /gcc -Wall -Wextra -Wno-unused-parameter -Werror }"
done < <(commands)
rm -rf "$dest/examples"
mkdir -p "$dest"
cp -r . "$dest/examples"
