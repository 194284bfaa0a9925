#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Secure Boot, as its users go through it: makes a key, signs the modules with it, and boots a
# machine that refuses them, enrols the key there, and takes them then; selftests/secure_boot.sh
# looks. "make test-secure-boot" calls it. .build/secure-boot/ keeps the output, the consoles, the
# machine and share/. The last line counts the cases.
#
#	secure-boot.sh SHARE	SHARE has root/ and modules/, as for "make test"

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$(dirname "$0")/machine.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
FOLDER=$TOP/.build/secure-boot
MACHINE=$FOLDER/machine
KERNEL=6.1
TIMEOUT=300
# selftests/secure_boot.sh says the same.
PASSWORD=enrolment

make_share()
{
	mkdir -p "$FOLDER/share/selftests" "$FOLDER/share/signed"
	cp -al "$1/root" "$1/modules" "$1/depmod" "$FOLDER/share/"
	cp "$TOP/selftests/secure_boot.sh" "$TOP/selftests/shell.sh" "$FOLDER/share/selftests/"
}

# shellcheck disable=SC2317 # called by with_progress
# What the administrator's guide says, with a key that is not this machine's.
sign()
{
	local words=(-C "$TOP" BUILD="$FOLDER/build" KEY="$FOLDER/mok.key"
		CERTIFICATE="$FOLDER/mok.pub" KERNELDIR="$("$HERE/kernel.sh" headers "$KERNEL")")

	make_for "$KERNEL" "$FOLDER" "${words[@]}" signing-key modules
	make_for "$KERNEL" "$FOLDER" "${words[@]}" sign
	find "$FOLDER/build/modules" -name '*.ko' -exec cp {} "$FOLDER/share/signed/" \;
	cp "$FOLDER/mok.pub" "$FOLDER/share/signed/"
}

# --- the firmware's questions -------------------------------------------------------------------

# shows TEXT: on its screen, which the console has
shows()
{
	local tries=60

	until tr -d '\0' <"$FOLDER/console-firmware" | grep -a -q "$1"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "the firmware does not show '$1'" \
			"see $FOLDER/console-firmware"
		sleep 1
	done
	# It has drawn the rest, and reads keys.
	sleep 1
}

press()
{
	local key

	for key in "$@"; do
		echo "sendkey $key" >&"$monitor"
		sleep 0.3
	done
}

# As shim's MokManager asks
answer()
{
	shows 'Press any key'
	press ret
	shows 'Enroll MOK'
	press down ret
	shows 'View key'
	press down ret
	shows 'Enroll the key'
	press down ret
	shows 'Password'
	# shellcheck disable=SC2046 # a key each
	press $(grep -o . <<<"$PASSWORD") ret
	shows 'Reboot'
	press ret
}

# The machine starts anew when the answers are given, which ends QEMU here.
enrol()
{
	local words pid

	say BOOT "the firmware, which asks for the password"
	mapfile -t words < <("$HERE/firmware.sh" arguments "$MACHINE")
	mkfifo "$FOLDER/monitor"
	exec {monitor}<>"$FOLDER/monitor"
	: >"$FOLDER/console-firmware"
	timeout "$TIMEOUT" qemu-system-x86_64 -machine q35 -m 512 -accel tcg -nodefaults \
		-no-user-config -display none -no-reboot -serial "file:$FOLDER/console-firmware" \
		-monitor stdio "${words[@]}" <&"$monitor" >"$FOLDER/monitor.log" 2>&1 &
	pid=$!
	# shellcheck disable=SC2064 # this process
	trap "kill $pid 2>/dev/null || :" EXIT
	answer
	wait "$pid"
	trap - EXIT
	exec {monitor}>&-
	rm "$FOLDER/monitor"
}

[ $# -eq 1 ] || die "usage: secure-boot.sh SHARE"
rm -rf "$FOLDER"
mkdir -p "$FOLDER"
make_share "$1"
say SIGN "the modules, with a new key"
with_progress "signing the modules" "$FOLDER/sign.log" sign
"$HERE/image.sh" secure-boot
"$HERE/firmware.sh" get
"$HERE/firmware.sh" new "$MACHINE"
status=0
boot_machine secure-boot "$KERNEL" "$TIMEOUT" "secure_boot.sh demanded" \
	--append module.sig_enforce=1 || status=$?
boot_machine secure-boot "$KERNEL" "$TIMEOUT" "secure_boot.sh new" --firmware "$MACHINE" ||
	status=$?
enrol
boot_machine secure-boot "$KERNEL" "$TIMEOUT" "secure_boot.sh enrolled" --firmware "$MACHINE" ||
	status=$?
count_cases "$status"
exit "$status"
