#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's packages on a machine of their own: builds them, and those of a later version, boots a
# guest that has a compiler and dkms, and runs selftests/debian.sh there. "make test-packages" calls
# it. .build/packages/ keeps the output, the console, and share/. The last line counts the cases.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$(dirname "$0")/machine.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
FOLDER=$TOP/.build/packages
FILES=$FOLDER/share/debian
VERSION=$(sed -n 's/^VERSION.*:= //p' "$TOP/userspace/Makefile")
LATER=$VERSION.1
# Those whose headers the guest's compiler takes: the one that runs, and one that comes later
KERNELS="6.1 6.12"
# Emulated, the compiler needs minutes for the modules, four times.
TIMEOUT=3600

# A copy of the tree with a later version
make_later()
{
	local tree=$FOLDER/later

	mkdir -p "$tree"
	cp -r "$FILES/source/." "$tree/"
	sed -i "s/^VERSION.*:= .*/VERSION := $LATER/" "$tree/userspace/Makefile"
	{
		sed -n "1s/(.*)/($LATER-1)/p" "$tree/userspace/packaging/debian/changelog"
		printf '\n  * Later.\n\n'
		sed -n "/^ -- /{s/>.*/>  $(date -R)/;p;q}" "$tree/userspace/packaging/debian/changelog"
		echo
		cat "$tree/userspace/packaging/debian/changelog"
	} >"$tree/changelog"
	mv "$tree/changelog" "$tree/userspace/packaging/debian/changelog"
	"$tree/userspace/packaging/deb.sh" "$FILES/new" "$LATER" >&2
	rm -r "$tree"
}

# Headers name each other by absolute paths.
give_headers()
{
	local name=$1 from to=$FILES/kernels/$1

	"$HERE/kernel.sh" get "$name"
	from=$("$HERE/kernel.sh" path "$name")
	mkdir -p "$to"
	cp -a "$from/usr" "$from/headers" "$to/"
	sed -i "s#$from#/mnt/build/debian/kernels/$name#" "$to/headers/Makefile"
	echo "$name $("$HERE/kernel.sh" version "$name")" >>"$FILES/versions"
}

rm -rf "$FOLDER"
mkdir -p "$FILES/source" "$FOLDER/share/selftests"
cd "$TOP"
cp -r LICENSES module include userspace selftests Makefile Kconfig README.md "$FILES/source/"
cp selftests/debian.sh selftests/shell.sh "$FOLDER/share/selftests/"
for kernel in $KERNELS; do
	give_headers "$kernel"
done
say BUILD "Debian packages ($VERSION, $LATER)"
userspace/packaging/deb.sh "$FILES/old" "$VERSION" >&2
make_later
run_machine developer "${KERNELS%% *}" "$TIMEOUT" debian.sh
