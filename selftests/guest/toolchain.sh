#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs a command with the compiler of another suite of Debian: a small root of its packages,
# unpacked and never installed, in the cache. A kernel's headers come with programs that want the
# C library of their suite. Needs root, or user namespaces.
#
#	toolchain.sh get SUITE
#	toolchain.sh run SUITE FOLDER... -- COMMAND...	these folders are the same inside

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

PACKAGES=base-files,binutils,coreutils,dash,diffutils,findutils,gcc-14-for-host,grep,libelf1t64,libssl3t64
PACKAGES=$PACKAGES,make,mawk,pahole,perl-base,sed,zlib1g

# shellcheck disable=SC2317 # called by make_once
build()
{
	local options=()

	use_suite "$suite"
	write_apt_options "$WORK/apt.conf"
	say FETCH "compiler of Debian $suite"
	# Its extract variant needs no rights at all.
	[ "$(id -u)" -eq 0 ] || options=(--mode=chrootless)
	with_progress "fetching the compiler of $suite" "$WORK/mmdebstrap.log" \
		mmdebstrap --variant=extract "${options[@]}" --include="$PACKAGES" --format=tar \
		--aptopt="$WORK/apt.conf" "$suite" "$WORK/root.tar" "$SUITE_SOURCES"/debian.*
	mkdir root
	tar -C root -xf root.tar --no-same-owner --exclude='./dev/*'
	mkdir -p root/{dev,proc,tmp,usr/bin}
	ln -sf mawk root/usr/bin/awk
	: >root/dev/null
	mv root "$folder"
}

# bind FOLDER: the same inside
bind()
{
	mkdir -p "$root$1"
	mount --rbind "$1" "$root$1"
	mounted="$root$1 $mounted"
}

# In a mount namespace of its own, with the toolchain as its root
enter()
{
	root=$1
	mounted=

	# Refused where / is no mount point, in a plain chroot: there they are only taken back.
	mount --make-rprivate / 2>/dev/null || :
	trap 'umount -l $mounted' EXIT
	bind /proc
	# Folders in /tmp leave no trace in the cache.
	mount -t tmpfs tmpfs "$root/tmp"
	mounted="$root/tmp $mounted"
	mount --bind /dev/null "$root/dev/null"
	mounted="$root/dev/null $mounted"
	shift
	while [ "$1" != -- ]; do
		bind "$1"
		shift
	done
	shift
	chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$@"
}

run()
{
	local how=(unshare --mount --propagation unchanged)

	[ "$(id -u)" -eq 0 ] || how=(unshare --user --map-root-user --mount)
	"${how[@]}" true 2>/dev/null ||
		die "the compiler of Debian $suite needs root, or user namespaces" \
			"as root: sysctl kernel.unprivileged_userns_clone=1"
	export -f bind enter
	exec "${how[@]}" bash -euc 'enter "$@"' - "$folder" "$@"
}

action=${1:-}
suite=${2:-}
folder=$CACHE/toolchain-$suite-$(echo "$PACKAGES" | sha256sum | cut -c 1-12)
case $action in
get)	make_once "$folder" build ;;
run)	shift 2; run "$@" ;;
*)	die "usage: toolchain.sh get SUITE | run SUITE FOLDER... -- COMMAND..." ;;
esac
