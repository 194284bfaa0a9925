#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debian's packages of this tree, as it is now: into FOLDER, with the source package that they were
# built of; then lintian reads them, and its errors and warnings fail this. "make deb" calls it.
#
#	deb.sh FOLDER VERSION
#
# Debian wants its folder at the root of what it builds, so that tree is put together.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
folder=$1
version=$2
name=alsa-audio-modules
tree=$folder/$name-$version

packaged=$(sed -n "1s/.*(\(.*\)-[^-]*).*/\1/p" "$here/debian/changelog")
if [ "$packaged" != "$version" ]; then
	echo "deb.sh: the newest entry of debian/changelog is for $packaged, and this is $version" >&2
	echo "deb.sh: to fix it: add an entry to $here/debian/changelog" >&2
	exit 1
fi

rm -rf "$folder"
mkdir -p "$tree"
cd "$top"
cp -r LICENSES module include userspace selftests Makefile Kconfig README.md "$tree/"
rm -r "$tree/userspace/packaging/debian"
tar -C "$folder" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(stat -c %Y README.md)" \
	-cJf "$folder/${name}_$version.orig.tar.xz" "$name-$version"
cp -r "$here/debian" "$tree/debian"
cp "$here/systemd/audiomodule.conf" "$tree/debian/audiomoduled.sysusers"

cd "$tree"
if ! dpkg-buildpackage --no-sign >"$folder/build.log" 2>&1; then
	tail -n 50 "$folder/build.log" >&2
	echo "deb.sh: the packages were not built: see $folder/build.log" >&2
	exit 1
fi
# They are not uploaded to Debian, where nobody asked for them with a bug report.
lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs \
	"$folder"/*.changes
rm -r "$tree"
printf '%s\n' "$folder"/*.deb
