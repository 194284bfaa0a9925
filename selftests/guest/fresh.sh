#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The proof that a fresh Debian 12 is enough: a minimal chroot with git, make, ca-certificates and
# nothing else, a clone of this repository's last commit, and in it "make demo" and "make test",
# as root and as an ordinary user who starts with an empty cache, with the network and then
# without it. Needs root, to mount and to chroot.
#
#	fresh.sh [--dir DIR] [--keep] [STEP...]
#
# Steps, in their order (all of these when none is named; the ones before must have run in DIR):
#	root-demo root-test root-demo-offline root-test-offline
#	user-demo user-test user-demo-offline user-test-offline
# and any other target of make, as root-lint or root-check.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

REPOSITORY=$(cd "$(dirname "$0")/../.." && pwd)
USER_NAME=someone

dir=
keep=
steps=()
passed=0
failed=0

parse_arguments()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--dir)	dir=$2; keep=yes; shift ;;
		--keep)	keep=yes ;;
		root-*|user-*)	steps+=("$1") ;;
		*)	die "there is no option or step '$1'" "see the head of fresh.sh" ;;
		esac
		shift
	done
	[ ${#steps[@]} -gt 0 ] ||
		steps=({root,user}-{demo,test}{,-offline})
}

# shellcheck disable=SC2317 # called by the trap
clean_up()
{
	local mounted

	awk -v top="$dir/root/" 'index($2, top) == 1 { print $2 }' /proc/mounts | sort -r |
		while read -r mounted; do
			umount "$mounted" 2>/dev/null || umount -l "$mounted" || :
		done
	if [ -z "$keep" ] && ! grep -q " $dir/root/" /proc/mounts; then
		rm -rf --one-file-system "$dir"
	fi
	rm -rf "$WORK"
}

# This machine's Debian sources, keys and apt settings, so that no host is named here.
copy_apt_configuration()
{
	local root=$dir/root entry

	rm -rf "$root"/etc/apt/sources.list*
	mkdir -p "$root/etc/apt/sources.list.d"
	cp "$WORK"/debian.* "$root/etc/apt/sources.list.d/"
	cp "$WORK/apt.conf" "$root/etc/apt/apt.conf.d/90this-machine"
	for entry in /etc/apt/auth.conf /etc/apt/auth.conf.d /etc/apt/keyrings \
			/etc/apt/trusted.gpg.d /usr/share/keyrings /etc/ssl/certs \
			/usr/local/share/ca-certificates; do
		[ ! -e "$entry" ] || cp -a --parents "$entry" "$root/"
	done
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
}

make_chroot()
{
	write_sources "$WORK"
	write_apt_options "$WORK/apt.conf"
	mmdebstrap --mode=root --variant=minbase --include=git,make,ca-certificates \
		--aptopt="$WORK/apt.conf" bookworm "$dir/root.new" "$WORK"/debian.*
	mv "$dir/root.new" "$dir/root"
	copy_apt_configuration
	chroot "$dir/root" useradd -m -s /bin/bash "$USER_NAME"
}

mount_all()
{
	local root=$dir/root name

	for name in proc sys dev; do
		mount --rbind "/$name" "$root/$name"
		mount --make-rslave "$root/$name"
	done
	mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
}

# enter USER COMMAND: a login's environment and nothing of this machine's but its proxies
enter()
{
	local user=$1 home=/root

	[ "$user" = root ] || home=/home/$user
	env -i HOME="$home" TERM=dumb CI=true PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		${http_proxy:+http_proxy="$http_proxy"} \
		${https_proxy:+https_proxy="$https_proxy"} \
		chroot --userspec="$user:$user" --groups="$(chroot "$dir/root" id -g "$user")" \
		"$dir/root" /bin/sh -c "cd && $2" </dev/null
}

# The repository is given as one file, so that nothing of this machine's is mounted into it.
clone()
{
	local user=$1 home

	home=$(chroot "$dir/root" sh -c "echo ~$user")
	[ ! -e "$dir/root$home/clone" ] || return 0
	git -C "$REPOSITORY" bundle create -q "$dir/root/repository.bundle" \
		HEAD --branches
	chmod 644 "$dir/root/repository.bundle"
	enter "$user" "git clone -q /repository.bundle clone"
}

run_step()
{
	local step=$1 user=root target start=$SECONDS status=0 wrap=()

	target=${step#*-}
	[ "${step%%-*}" = root ] || user=$USER_NAME
	case $target in
	*-offline)
		wrap=(unshare --net)
		target=${target%-offline}
		;;
	esac
	clone "$user"
	export -f enter
	export dir
	say FRESH "$step"
	"${wrap[@]}" bash -c 'enter "$@"' - "$user" "make -C clone $target" \
		>"$dir/$step.log" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		echo "PASS $step ($((SECONDS - start)) s)"
	else
		failed=$((failed + 1))
		tail -n 30 "$dir/$step.log"
		echo "FAIL $step ($((SECONDS - start)) s, exit status $status, $dir/$step.log)"
		keep=yes
	fi
}

parse_arguments "$@"
[ "$(id -u)" -eq 0 ] || die "only root can mount and chroot" "run it as root"
dir=$(mkdir -p "${dir:=$(mktemp -d)}" && cd "$dir" && pwd -P)
chmod 755 "$dir"
WORK=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$(dirname "$0")/packages.sh" install guest
if [ ! -e "$dir/root/usr/bin/make" ]; then
	say FRESH "minimal Debian 12 in $dir/root"
	require_debian_lists
	with_progress "building the chroot" "$WORK/mmdebstrap.log" make_chroot
fi
mount_all
for step in "${steps[@]}"; do
	run_step "$step"
done
echo "fresh.sh: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
