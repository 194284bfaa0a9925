#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The guest's system: a small Debian 12 in one squashfs file, made by mmdebstrap from this
# machine's own Debian sources. It holds tools; by itself nothing of it is started. Another list of
# packages, or another way to make it, is another image.
#
#	image.sh [KIND]		make sure that it is there
#	image.sh path [KIND]
#
# KIND "developer" has a compiler, too, and what builds modules for each kernel: a machine on which
# packages are installed; "developer-trixie" is the same of Debian 13. "desktop" has a sound
# server, "secure-boot" what enrols keys.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# systemd is process 1 with run.sh --systemd only; else it is here for busctl and systemd-analyze,
# and udev runs when a test starts it. python3-gi and jq: for applications that are not in C.
# libc6-dbg: without it valgrind refuses to start.
PACKAGES="alsa-utils,alsa-ucm-conf,dbus,systemd,systemd-sysv,libpam-systemd,udev,polkitd,kmod"
PACKAGES="$PACKAGES,procps,strace,util-linux,login,passwd,python3-gi,jq,valgrind,libc6-dbg"

# For packages, and what is built with what they install. Newer kernels' headers want pahole.
DEVELOPER="dkms,gcc,make,libc6-dev,pkgconf,pahole"

# What holds all cards of a machine that people sit at
DESKTOP="pipewire,wireplumber,dbus-user-session,make"

# What owners of machines enrol keys with
SECURE_BOOT="mokutil"

# root when it may mount, user namespaces when the kernel grants them (it does not inside a plain
# chroot), else the slower pretence of both.
choose_mode()
{
	if [ "$(id -u)" -eq 0 ] && unshare --mount --propagation unchanged true 2>/dev/null; then
		echo root
	elif may_be_root_inside; then
		echo unshare
	else
		echo fakechroot
	fi
}

# The plain question first: asked for more, an unshare that is refused may hang (util-linux 2.38).
may_be_root_inside()
{
	unshare --user true 2>/dev/null &&
		timeout 10 unshare --user --map-auto --map-root-user --mount --pid --fork \
			--mount-proc true >/dev/null 2>&1
}

# Two ordinary users for the permission tests: "user" cannot open sound devices, "audiouser" can.
# shellcheck disable=SC2016 # the hook's shell is given the new root folder as $1
CUSTOMIZE='
	chroot "$1" useradd -m -u 1000 -s /bin/bash user &&
	chroot "$1" useradd -m -u 1001 -s /bin/bash -G audio audiouser &&
	mkdir -p "$1/usr/lib/modules" "$1/mnt/build" &&
	echo audio >"$1/etc/hostname" &&
	echo "127.0.0.1 localhost audio" >"$1/etc/hosts" &&
	: >"$1/etc/resolv.conf" &&
	printf "%s\n" "PS1=\"guest:\\w# \"" >>"$1/root/.bashrc"
'

# fakechroot takes no notice of where systemd's tools say that their library is.
# shellcheck disable=SC2016
LINK_LIBRARY='
	mkdir -p "$1/usr/lib/systemd" &&
	cd "$1/usr/lib/systemd" &&
	ln -s ../x86_64-linux-gnu/systemd/libsystemd-shared-252.so .
'
# shellcheck disable=SC2016
UNLINK_LIBRARY='rm "$1/usr/lib/systemd/libsystemd-shared-252.so"'

make_tar()
{
	local mode=$1 options=() sources=() name

	if [ "$SUITE" = bookworm ]; then
		write_sources "$WORK"
	else
		cp "$SUITE_SOURCES"/debian.* "$WORK/"
	fi
	[ "$mode" != fakechroot ] ||
		options=(--essential-hook="$LINK_LIBRARY" --customize-hook="$UNLINK_LIBRARY")
	for name in "$WORK"/debian.list "$WORK"/debian.sources; do
		[ ! -e "$name" ] || sources+=("$name")
	done
	# From / because another user, the namespace's root, may not be let into this folder.
	cd /
	mmdebstrap --mode="$mode" --variant=essential --include="$PACKAGES" --format=tar \
		--aptopt="$WORK/apt.conf" \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/info/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/lintian/*' \
		"${options[@]}" --customize-hook="$CUSTOMIZE" "$SUITE" - "${sources[@]}"
}

make_image()
{
	# No extended attributes: squashfs has no place for the ACL of /var/log/journal.
	make_tar "$1" | tar2sqfs --quiet --no-skip --no-xattr --compressor zstd --block-size 131072 \
		"$WORK/image.squashfs"
}

build()
{
	local mode

	lock_cache
	[ ! -e "$IMAGE" ] || return 0
	make_work_dir
	mode=$(choose_mode)
	use_suite "$SUITE"
	say IMAGE "Debian $SUITE for the guest (mmdebstrap, mode $mode)"
	write_apt_options "$WORK/apt.conf"
	with_progress "building the guest image" "$WORK/mmdebstrap.log" make_image "$mode"
	mv "$WORK/image.squashfs" "$IMAGE"
	# Those of other versions of this script that nobody used for a month.
	find "$CACHE" -maxdepth 1 -name 'image-*.squashfs' -mtime +30 -delete
}

action="get"
SUITE=bookworm
[ "${1:-}" != path ] || { action=path; shift; }
case ${1:-} in
'')		;;
developer)	PACKAGES="$PACKAGES,$DEVELOPER,libelf1,libssl3" ;;
developer-trixie)
	SUITE=trixie
	PACKAGES="$PACKAGES,$DEVELOPER,libelf1t64,libssl3t64"
	;;
desktop)	PACKAGES="$PACKAGES,$DESKTOP" ;;
secure-boot)	PACKAGES="$PACKAGES,$SECURE_BOOT" ;;
*)		die "usage: image.sh [path] [developer|developer-trixie|desktop|secure-boot]" ;;
esac
# What it is made of, and how, is in its name.
IMAGE=$CACHE/image${1:+-$1}-$({
	echo "$SUITE $PACKAGES $CUSTOMIZE $LINK_LIBRARY $UNLINK_LIBRARY"
	declare -f make_tar make_image
} | sha256sum | cut -c 1-12).squashfs
case $action in
get)	[ -e "$IMAGE" ] || build; touch "$IMAGE" ;;
path)	echo "$IMAGE" ;;
esac
