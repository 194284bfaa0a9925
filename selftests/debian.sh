#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Debian's packages on a machine that systemd has booted and that has a compiler: installed, used,
# upgraded, built for kernels that come later, removed. guest/debian.sh boots that machine, and says
# in FILES what it has:
#
#	old/ new/	the packages, and those of a later version
#	kernels/	headers of kernels, a folder each
#	versions	of these: name and "uname -r"; the first is the one that runs, a second one
#			comes later
#	source/		the tree
#
# It changes the machine for good, so it is none of the tests that "make test" runs.

set -u

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

FILES=/mnt/build/debian
NAME=alsa-audio-modules
UNIT=audiomoduled.service
RELEASE=$(uname -r)
# No kernel of that version is supported.
OLD_RELEASE=5.10.0-0-test
PACKAGES="$NAME-dkms audiomoduled audiomodulectl libaudiomodule1 libaudiomodule-bus1 libaudiomodule-dev"

# give_headers VERSION NAME: as its packages would
give_headers()
{
	mkdir -p "/lib/modules/$1"
	ln -sfn "$FILES/kernels/$2/headers" "/lib/modules/$1/build"
}

# quietly COMMAND...: its output only when it fails, and then its status
quietly()
{
	"$@" >"$TMP/output" 2>&1 </dev/null && return
	echo "status $?: $*"
	tail -n 20 "$TMP/output"
	return 1
}

# What dkms says that it has built and installed: version and kernel
built()
{
	dkms status $NAME 2>/dev/null | sed -n "s|^$NAME/\([^,]*\), \([^,]*\), .*: installed.*|\1 \2|p" | sort
}

# The package of each name in a folder; those with symbols for debuggers are left alone.
files_of()
{
	for package in $PACKAGES; do
		echo "$FILES/$1/${package}"_*.deb
	done
}

# hooks KERNEL: what the packages of a kernel run when they are installed
hooks()
{
	for hook in /etc/kernel/header_postinst.d/dkms /etc/kernel/postinst.d/dkms; do
		quietly "$hook" "$1" || tail -n 20 /var/lib/dkms/$NAME/*/build/make.log
	done
}

active()
{
	systemctl show --value --property=ActiveState $UNIT
}

version_of()
{
	dpkg-query -W -f '${Version}\n' "$1"
}

# What is in the file system of ours. The user stays: files may belong to it.
remains()
{
	find / -xdev \( -path /mnt -o -path /proc -o -path /sys -o -path /run -o -path "$TMP" \
		-o -path /var/log -o -path /var/lib/dkms/mok\* -o -path /var/cache \) -prune -o \
		\( -name '*audio-module*' -o -name '*audiomodule*' \) -print
}

other=$(sed -n '2s/.* //p' $FILES/versions)
planned=13
[ -z "$other" ] || planned=14
begin $planned
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
while read -r name version; do
	[ "$version" != "$RELEASE" ] || give_headers "$version" "$name"
done <"$FILES/versions"

# --- installed ----------------------------------------------------------------------------------

# shellcheck disable=SC2046 # several files
check_all "the packages are installed" "$(quietly dpkg --install $(files_of old))"
old=$(version_of audiomodulectl)
check "dkms has built the modules for the kernel that runs" "${old%-*} $RELEASE" "$(built)"

unset AUDIO_MODULE_DIR
check_all "the modules are found and loaded" "$(quietly modprobe snd-audio-module-virtual)"
udevadm settle
card=$(card_number)

systemctl stop $UNIT
audiomodulectl list >"$TMP/list" 2>&1
check "the bus starts the daemon, which lists the modules" "11 active" \
	"$(wc -l <"$TMP/list") $(active)"

# The daemon is asked by somebody who has just come: the changes go on until he has heard one.
# shellcheck disable=SC2317 # called by wait_for
change_until_heard()
{
	for value in 2 1; do
		amixer -q -c "$card" cset name='Speaker EQ Movie Parameter1' "$value"
	done
	[ -s "$TMP/heard" ]
}
audiomodulectl monitor --count=1 --timeout=120 --json "Speaker/EQ Movie" >"$TMP/heard" 2>&1 &
monitor=$!
wait_for 60 change_until_heard
wait $monitor
check "a notification comes through the daemon" "0 notification Speaker/EQ Movie" \
	"$? $(jq -r '.type + " " + .address' "$TMP/heard" 2>&1)"

check_all "doctor finds nothing wrong" "$(quietly audiomodulectl doctor)"

cp -r $FILES/source/userspace/doc/examples "$TMP/examples"
check_all "an application is built with what the packages have" "$(
	# shellcheck disable=SC2046 # several words
	quietly gcc -Wall -Werror -o "$TMP/local" "$TMP/examples/local.c" \
		$(pkg-config --cflags --libs libaudiomodule)
	# shellcheck disable=SC2046
	quietly gcc -Wall -Werror -o "$TMP/daemon" "$TMP/examples/daemon.c" \
		$(pkg-config --cflags --libs libaudiomodule-bus)
	ldd "$TMP/local" "$TMP/daemon" | grep 'not found'
)"

cp -r $FILES/source/userspace/doc/example-driver "$TMP/driver"
check_all "a driver is built with what dkms left, and loaded" "$(
	quietly make -C "$TMP/driver" CONFIG_DEBUG_INFO_BTF_MODULES=
	quietly insmod "$TMP/driver/snd-portcls-example.ko"
	quietly rmmod snd-portcls-example
)"

# --- upgraded -----------------------------------------------------------------------------------

# The modules stay loaded, as they do on a machine that plays.
# shellcheck disable=SC2046
check_all "the packages are upgraded, while they are in use" "$(quietly dpkg --install $(files_of new))"
new=$(version_of audiomodulectl)
audiomodulectl list >"$TMP/list" 2>&1
check "the later version is there alone, and works" "yes ${new%-*} $RELEASE 11" \
	"$([ "$old" != "$new" ] && echo yes) $(built) $(wc -l <"$TMP/list")"

# --- other kernels ------------------------------------------------------------------------------

if [ -n "$other" ]; then
	give_headers "$other" "$(sed -n '2s/ .*//p' $FILES/versions)"
	check "a kernel that comes later gets its modules" "$(
		printf '%s\n' "${new%-*} $RELEASE" "${new%-*} $other" | sort) $other" \
		"$(hooks "$other")$(built) $(
			modinfo -k "$other" -F vermagic snd-audio-module | cut -d ' ' -f 1)"
fi

# Built with the headers of the kernel that runs: it could be loaded.
give_headers $OLD_RELEASE "$(sed -n '1s/ .*//p' $FILES/versions)"
unload
hooks $OLD_RELEASE >"$TMP/hooks"
# Its own packages would run depmod.
insmod "$(find /lib/modules/$OLD_RELEASE/ -name snd-audio-module.ko)" 2>/dev/null
check "an unsupported kernel disturbs no package, and says why it has none" "0 yes" \
	"$(wc -l <"$TMP/hooks") $(log_since "$log_mark" |
		grep -q 'knows the kernels .* and was not built for' && echo yes)"
cat "$TMP/hooks"

# --- removed ------------------------------------------------------------------------------------

# shellcheck disable=SC2086 # several names
check_all "nothing is left when they are purged" "$(
	quietly dpkg --purge $PACKAGES
	remains
	[ ! -e /sys/module/snd_audio_module ] || echo "the module is loaded"
)"

# --- without packages ---------------------------------------------------------------------------

cp -r $FILES/source "$TMP/source"
check_all "make dkms-install and dkms-remove do what they say" "$(
	quietly make -C "$TMP/source" dkms-install
	quietly modprobe snd-audio-module
	quietly rmmod snd-audio-module
	quietly make -C "$TMP/source" dkms-remove
	remains
)"

finish
