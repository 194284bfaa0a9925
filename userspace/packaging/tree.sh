#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Puts the kernel part into a kernel tree: the same files, in the places that they have there. Once
# more brings a tree up to date.
#
#	tree.sh TREE
#
#	module/			sound/audio_module/
#	Kconfig			sound/audio_module/Kconfig
#	include/		include/
#	selftests/		tools/testing/selftests/audio_module/
#
# and a line in sound/Kconfig, sound/Makefile and tools/testing/selftests/Makefile. What of selftests/
# makes guests stays here; the library's reader of a mapping, which is tested with the kernel, goes
# along.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

die()
{
	printf 'tree.sh: %s\ntree.sh: to fix it: %s\n' "$1" "$2" >&2
	exit 1
}

# insert FILE LINE PATTERN: the line, behind the first one that matches, unless it is there
insert()
{
	grep -q -x -F -- "$2" "$1" && return
	grep -q -- "$3" "$1" || die "$1 has no line like '$3'" "put '$2' into it by hand"
	awk -v line="$2" -v pattern="$3" '
		{ print }
		!done && $0 ~ pattern { print line; done = 1 }' "$1" >"$1.new"
	# Its permissions stay.
	cat "$1.new" >"$1"
	rm "$1.new"
}

[ $# -eq 1 ] || die "which tree?" "tree.sh TREE"
tree=$1
for file in sound/Kconfig tools/testing/selftests/Makefile; do
	[ -e "$tree/$file" ] ||
		die "$tree is no kernel tree: it has no $file" "name the folder that has its Makefile"
done

rm -rf "$tree/sound/audio_module" "$tree/tools/testing/selftests/audio_module"
mkdir -p "$tree/sound/audio_module" "$tree/tools/testing/selftests/audio_module/library"
cp -r "$top/module/." "$tree/sound/audio_module/"
cp "$top/Kconfig" "$tree/sound/audio_module/"
cp "$top"/include/sound/*.h "$tree/include/sound/"
cp "$top"/include/uapi/sound/*.h "$tree/include/uapi/sound/"
cd "$top/selftests"
cp -r ./*.[ch] ./*.sh ./*.awk Makefile rivals "$tree/tools/testing/selftests/audio_module/"
cd "$top/userspace/lib"
cp map.c map.h card.h audiomodule.h "$tree/tools/testing/selftests/audio_module/library/"

insert "$tree/sound/Kconfig" 'source "sound/audio_module/Kconfig"' '^source "sound/core/Kconfig"'
# shellcheck disable=SC2016 # make's
insert "$tree/sound/Makefile" 'obj-$(CONFIG_SND_AUDIO_MODULE) += audio_module/' '^obj-.*soundcore[.]o'
insert "$tree/tools/testing/selftests/Makefile" 'TARGETS += audio_module' '^TARGETS .= arm64'
echo "Choose it: scripts/config --module SND_AUDIO_MODULE --module SND_AUDIO_MODULE_VIRTUAL"
