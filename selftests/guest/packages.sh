#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The one list of Debian packages that this project needs on a machine, in groups, and the only
# place that ever installs anything. Nothing missing: no apt call. apt-get is the only command
# that is ever run with more rights than the caller's.
#
#	packages.sh list GROUP...	the names
#	packages.sh check GROUP...	those that are missing; exit status 1 when there are any
#	packages.sh install GROUP...	install those

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

group()
{
	case $1 in
	build)	# to compile the kernel modules, the daemon, the library and the selftests
		echo gcc make libc6-dev libelf1 libasound2-dev libsystemd-dev libbpf-dev pkg-config
		echo libglib2.0-dev rsync
		;;
	guest)	# to fetch the guest's kernel and system, and to boot them
		echo qemu-system-x86 mmdebstrap uidmap fakechroot fakeroot squashfs-tools-ng
		echo cpio kmod xz-utils
		;;
	lint)	# to check the source itself
		echo shellcheck perl sparse codespell mandoc g++ dwarves clang-tidy
		# coccinelle finds Python's library by itself, and is nothing without it.
		echo coccinelle libpython3.11
		echo spin
		;;
	check)	# to build the debug kernel, and the selftests as 32-bit programs
		echo flex bison bc libelf-dev libssl-dev gcc-multilib
		;;
	bench)	# to plot what was measured
		echo gnuplot-nox
		;;
	deb)	# to build Debian packages, and to have them read
		echo debhelper dh-dkms dpkg-dev lintian
		;;
	coverage)	# to read what gcov counted
		echo gcc jq
		;;
	secure-boot)	# to make a key, and to sign with it
		echo openssl
		;;
	fuzz)	# to fuzz what reads foreign bytes, and the kernel as 64-bit and 32-bit programs
		echo clang-14 clang libclang-rt-14-dev lib32stdc++-12-dev
		;;
	*)
		die "there is no package group '$1'" "use: build guest lint check bench deb coverage secure-boot fuzz"
		;;
	esac
}

names_of()
{
	local name

	for name in "$@"; do
		group "$name"
	done | tr ' ' '\n' | sort -u
}

missing_of()
{
	names_of "$@" | while read -r name; do
		dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed ||
			echo "$name"
	done
}

may_install()
{
	[ "$(id -u)" -eq 0 ] || sudo -n -l apt-get >/dev/null 2>&1
}

apt_get()
{
	if [ "$(id -u)" -eq 0 ]; then
		apt-get "$@"
	else
		sudo -n apt-get "$@"
	fi
}

# What apt would do, as anyone may ask it.
simulate()
{
	apt-get -o Debug::NoLocking=1 --assume-no install --no-install-recommends "$@" 2>&1 || :
}

# Fails when a package is unknown: no lists yet, or old ones.
known()
{
	apt-get -o Debug::NoLocking=1 --simulate install --no-install-recommends "$@" \
		>/dev/null 2>&1
}

run_apt()
{
	local label=$1 log status=0

	shift
	log=$(mktemp)
	with_progress "$label" "$log" apt_get "$@" || status=$?
	rm -f "$log"
	return "$status"
}

update()
{
	say APT "update"
	run_apt "reading the package lists" update
}

install()
{
	run_apt "installing packages" install -y --no-install-recommends "$@"
}

install_missing()
{
	may_install || die "missing, and $(id -un) may not install packages: $*" \
		"let an administrator run: apt-get install -y --no-install-recommends $*"
	export DEBIAN_FRONTEND=noninteractive
	known "$@" || update || :
	known "$@" || die "apt cannot install all of: $*" \
		"check apt's sources; this is made for Debian 12 (bookworm)"
	say INSTALL "$*"
	simulate "$@" | sed -n -E 's/^(Need to get|After this operation).*/          &/p' >&2
	# A second try with new lists: those older than the archive name files that are gone.
	install "$@" || { update && install "$@"; } ||
		die "apt-get cannot install: $*" "see the lines above"
}

main()
{
	local action=${1:-} missing

	[ $# -ge 2 ] || die "usage: packages.sh list|check|install GROUP..."
	shift
	case $action in
	list)
		names_of "$@"
		;;
	check)
		missing=$(missing_of "$@")
		[ -z "$missing" ] || { echo "$missing"; exit 1; }
		;;
	install)
		missing=$(missing_of "$@")
		# shellcheck disable=SC2086 # names, one word each
		[ -z "$missing" ] || install_missing $missing
		;;
	*)
		die "there is no action '$action'" "use: list check install"
		;;
	esac
}

main "$@"
