#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The same sources inside of a kernel tree: packaging/tree.sh puts them into two of Debian's, that of
# Debian 12's kernel and the newest, and there what a maintainer types must have nothing to say.
# "make test-tree" calls it. Nothing is booted. The last line counts the checks.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# What a make that called us wants of its sub-makes is not meant for these.
unset MAKEFLAGS MFLAGS MAKELEVEL

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$HERE/checks.sh"

# Where the newest kernel is
NEWEST=trixie-backports
CODE=sound/audio_module
TESTS=tools/testing/selftests/audio_module

# --- the trees ----------------------------------------------------------------------------------

# shellcheck disable=SC2317 # called by make_once
fetch_newest()
{
	local package

	use_suite "$NEWEST"
	package=$(package_field linux-source Depends | grep -o 'linux-source-[0-9.]*' | head -n 1)
	[ -n "$package" ] || die "apt cannot tell what linux-source of $NEWEST is" "apt-get update"
	say FETCH "$package"
	download "$package"
	mv "$package"_*.deb "$NEWEST_PACKAGE"
}

# unpack_tree PACKAGE: as $tree
unpack_tree()
{
	mkdir "$tree"
	dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		xz -dc -T0 | tar -x -C "$tree" --strip-components 1
}

# choose PORTCLS: no more than what is asked for, and that as modules
choose()
{
	make -C "$tree" tinyconfig
	"$tree/scripts/config" --file "$tree/.config" --enable 64BIT --enable MODULES \
		--enable MULTIUSER --enable PRINTK --enable PCI --enable PROC_FS --enable DEBUG_FS \
		--enable FTRACE --enable ENABLE_DEFAULT_TRACERS --enable SOUND --module SND \
		--module SND_AUDIO_MODULE "$@"
	make -C "$tree" olddefconfig
	make -C "$tree" -j"$(nproc)" prepare
}

# --- what a maintainer types --------------------------------------------------------------------

# said MAKE-ARGUMENT...: what make says of our files, or all when it fails
said()
{
	make -s -C "$tree" -j"$(nproc)" "$@" >"$work/make" 2>&1 || cat "$work/make"
	grep -E "^($CODE|$TESTS|include/(uapi/)?sound/(audio_module|portcls)).*(warning|error)" \
		"$work/make" || :
}

built()
{
	local name

	said $CODE/
	said W=1 KCFLAGS=-Werror $CODE/
	for name in snd-audio-module virtual/snd-audio-module-virtual; do
		[ -e "$tree/$CODE/$name.o" ] || echo "$CODE/$name.o was not built"
	done
}

# shellcheck disable=SC2317 # called by check
built_without_portcls()
{
	choose --disable SND_AUDIO_MODULE_PORTCLS >"$work/config" 2>&1 || cat "$work/config"
	rm -f "$tree/$CODE"/*.o "$tree/$CODE"/virtual/*.o
	said $CODE/
	[ -e "$tree/$CODE/snd-audio-module.o" ] || echo "$CODE/snd-audio-module.o was not built"
	! nm "$tree/$CODE/snd-audio-module.o" | grep -i portcls
}

our_code()
{
	(cd "$tree" && find $CODE include/sound/audio_module.h include/sound/portcls.h \
		include/uapi/sound/audio_module*.h -name '*.[ch]' ! -name '*.mod.c')
}

# shellcheck disable=SC2317 # called by check
style()
{
	local file

	for file in $(our_code); do
		(cd "$tree" && scripts/checkpatch.pl --strict --max-line-length=100 -q -f "$file") || :
	done
}

# shellcheck disable=SC2317 # called by check
kernel_doc()
{
	local list

	mapfile -t list < <(our_code)
	(cd "$tree" && scripts/kernel-doc -none -Werror "${list[@]}") || :
}

# shellcheck disable=SC2317 # called by check
selftests()
{
	local name

	said headers
	said -C tools/testing/selftests TARGETS=audio_module
	for name in buffers journal notification_fd command streams map elements fault_injection \
			torture; do
		[ -e "$tree/$TESTS/$name" ] || echo "$TESTS/$name was not built"
	done
}

look_at()
{
	local release

	tree=$work/linux-$1
	with_progress "unpacking ${2##*/}" "$work/unpack.log" unpack_tree "$2"
	release=$(make -s -C "$tree" kernelversion)
	"$TOP/userspace/packaging/tree.sh" "$tree" >/dev/null
	with_progress "configuring $release" "$work/config.log" choose \
		--module SND_AUDIO_MODULE_VIRTUAL
	check "$release: make and make W=1 say nothing" built
	check "$release: checkpatch --strict says nothing" style
	check "$release: kernel-doc says nothing" kernel_doc
	check "$release: make -C tools/testing/selftests TARGETS=audio_module builds the tests" selftests
	check "$release: the calls of PortCls can be left out" built_without_portcls
	rm -rf "$tree"
}

NEWEST_PACKAGE=$CACHE/linux-source-$NEWEST.deb
make_once "$SOURCE_PACKAGE" fetch_source_package
make_once "$NEWEST_PACKAGE" fetch_newest
look_at 6.1 "$SOURCE_PACKAGE"
look_at "$NEWEST" "$NEWEST_PACKAGE"
conclude_checks
