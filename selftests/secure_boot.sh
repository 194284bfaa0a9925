#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Modules where the kernel demands signatures: each state of a machine is one that doctor tells from
# the others, and the kernel's own verdict is what doctor said. guest/secure-boot.sh boots that
# machine three times:
#
#	secure_boot.sh demanded		without Secure Boot; the kernel's parameter demands one
#	secure_boot.sh new		Secure Boot is on, and nobody enrolled a key
#	secure_boot.sh enrolled		the same machine, when the firmware has taken the key
#
# In FILES are the modules as "make sign" leaves them, and the certificate.

# shellcheck disable=SC2317 # functions that the command names
set -u

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

FILES=/mnt/build/signed
UPDATES=/lib/modules/$(uname -r)/updates
PASSWORD=enrolment

# What the modules need is Debian's, and signed.
kernel_takes()
{
	load_alsa
	insmod "$UPDATES/snd-audio-module.ko" 2>"$TMP/insmod" && rmmod snd-audio-module &&
		echo yes && return
	sed 's/.*: //' "$TMP/insmod"
}

# What doctor finds of a check: its verdict, and whether it says so
doctor_finds()
{
	audiomodulectl doctor --local --json >"$TMP/doctor" 2>&1
	jq -r --arg check "$1" --arg says "$2" '.. | objects | select(.check == $check) |
		"\(.verdict) \(if .explanation | test($says) then "said" else .explanation end)"' \
		"$TMP/doctor"
}

# What it tells to do, without sudo, which nobody needs here, and without remarks
doctors_command()
{
	jq -r --arg check "$1" '.. | objects | select(.check == $check) | .command' "$TMP/doctor" |
		sed -e 's/sudo //g' -e 's/    #.*//'
}

use_signed()
{
	cp "$FILES"/*.ko "$UPDATES/"
	# Where dkms and "make signing-key" have it
	mkdir -p /var/lib/dkms
	cp "$FILES/mok.pub" /var/lib/dkms/
}

demanded()
{
	begin 2
	check "where a signature is demanded doctor misses it" "problem said" \
		"$(doctor_finds signature 'the kernel demands signatures, and .* has no signature')"
	check "and the kernel refuses the module" "Key was rejected by service" "$(kernel_takes)"
}

new()
{
	begin 6
	check "Secure Boot is on, and locks the kernel down" "note said" \
		"$(doctor_finds lockdown 'locked down .integrity')"
	check "doctor misses the signature" "problem said" \
		"$(doctor_finds signature 'Secure Boot is on, and .* has no signature')"
	check "the kernel refuses the module" "Key was rejected by service" "$(kernel_takes)"
	use_signed
	check "doctor sees a signature with a key that is not enrolled" "problem said" \
		"$(doctor_finds signature 'Secure Boot is on, and .* not enrolled')"
	check "the kernel refuses the module that was signed, too" "Key was rejected by service" \
		"$(kernel_takes)"
	command=$(doctors_command signature)
	check "doctor's command enrols the key, as soon as the firmware is told the password" \
		"mokutil --import /var/lib/dkms/mok.pub 0 1" "$command $(
		printf '%s\n' "$PASSWORD" "$PASSWORD" | sh -c "$command" >"$TMP/import" 2>&1
		echo "$?" "$(mokutil --list-new | grep -c '^SHA1 Fingerprint')")"
	sed 's/^/# /' "$TMP/import"
}

enrolled()
{
	begin 4
	check "an unsigned module is refused as before" "problem said Key was rejected by service" \
		"$(doctor_finds signature 'Secure Boot is on, and .* has no signature') $(kernel_takes)"
	use_signed
	check "doctor sees a signature with an enrolled key" "ok said" \
		"$(doctor_finds signature 'Secure Boot is on, and .* signed with an enrolled key')"
	check "the kernel takes the module" "yes" "$(kernel_takes)"
	check "the card is there" "AudioModules" "$(
		modprobe snd-audio-module-virtual 2>&1
		cat "/proc/asound/card$(card_number)/id")"
}

mount -t efivarfs efivarfs /sys/firmware/efi/efivars 2>/dev/null
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
case ${1:-} in
demanded|new|enrolled)	"$1" ;;
*)			echo "usage: secure_boot.sh demanded|new|enrolled" >&2; exit 2 ;;
esac
finish
