#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's packages on machines of their own: builds them, and those of a later version, boots a
# guest of each Debian that has a compiler and dkms, and runs selftests/debian.sh there.
# "make test-packages" calls it. .build/packages/ keeps the output, the last console, and of each guest
# its share. The last line counts the cases.
#
#	debian.sh [SUITE...]	bookworm, trixie; both when there is none

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$(dirname "$0")/machine.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
FOLDER=$TOP/.build/packages
VERSION=$(sed -n 's/^VERSION.*:= //p' "$TOP/userspace/Makefile")
LATER=$VERSION.1
# Emulated, the compiler needs minutes for the modules, four times.
TIMEOUT=3600
# Of each guest: its system, and the kernels whose headers that has what they need for: the one that
# runs, and one that comes later
declare -A IMAGE=([bookworm]=developer [trixie]=developer-trixie)
declare -A KERNELS=([bookworm]="6.1 6.12" [trixie]="7.3")

# A copy of the tree with a later version
make_later()
{
	local tree=$FOLDER/later

	mkdir -p "$tree"
	cp -r "$FOLDER/source/." "$tree/"
	sed -i "s/^VERSION.*:= .*/VERSION := $LATER/" "$tree/userspace/Makefile"
	{
		sed -n "1s/(.*)/($LATER-1)/p" "$tree/userspace/packaging/debian/changelog"
		printf '\n  * Later.\n\n'
		sed -n "/^ -- /{s/>.*/>  $(date -R)/;p;q}" "$tree/userspace/packaging/debian/changelog"
		echo
		cat "$tree/userspace/packaging/debian/changelog"
	} >"$tree/changelog"
	mv "$tree/changelog" "$tree/userspace/packaging/debian/changelog"
	"$tree/userspace/packaging/deb.sh" "$FOLDER/new" "$LATER" >&2
	rm -r "$tree"
}

make_packages()
{
	mkdir -p "$FOLDER/source"
	(cd "$TOP" && cp -r LICENSES module include userspace selftests Makefile Kconfig README.md \
		"$FOLDER/source/")
	say BUILD "Debian packages ($VERSION, $LATER)"
	"$TOP/userspace/packaging/deb.sh" "$FOLDER/old" "$VERSION" >&2
	make_later
}

# give_headers FILES NAME: they name each other by absolute paths.
give_headers()
{
	local files=$1 name=$2 from to=$1/kernels/$2

	"$HERE/kernel.sh" get "$name"
	from=$("$HERE/kernel.sh" path "$name")
	mkdir -p "$to"
	cp -a "$from/usr" "$from/headers" "$to/"
	sed -i "s#$from#/mnt/build/debian/kernels/$name#" "$to/headers/Makefile"
	echo "$name $("$HERE/kernel.sh" version "$name")" >>"$files/versions"
}

# make_share SUITE
make_share()
{
	local kernel files=$SHARE/debian

	mkdir -p "$files" "$SHARE/selftests"
	cp "$TOP/selftests/debian.sh" "$TOP/selftests/shell.sh" "$SHARE/selftests/"
	cp -al "$FOLDER/old" "$FOLDER/new" "$FOLDER/source" "$files/"
	for kernel in ${KERNELS[$1]}; do
		give_headers "$files" "$kernel"
	done
}

[ $# -gt 0 ] || set -- bookworm trixie
for suite in "$@"; do
	[ -n "${IMAGE[$suite]:-}" ] || die "there is no guest of '$suite'" "use: ${!IMAGE[*]}"
done
rm -rf "$FOLDER"
mkdir -p "$FOLDER"
make_packages
status=0
for suite in "$@"; do
	SHARE=$FOLDER/$suite
	make_share "$suite"
	"$HERE/image.sh" "${IMAGE[$suite]}"
	boot_machine "${IMAGE[$suite]}" "${KERNELS[$suite]%% *}" "$TIMEOUT" debian.sh --systemd ||
		status=$?
done
count_cases "$status"
exit "$status"
