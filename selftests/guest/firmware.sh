#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A machine with Secure Boot on: the firmware that PCs have, with the keys that they are sold with,
# and Debian's signed boot loaders. Downloaded and unpacked into the cache, never installed.
#
#	firmware.sh get			make sure that it is there
#	firmware.sh new MACHINE		a folder with the variables of a new machine
#	firmware.sh arguments MACHINE [KERNEL INITRD COMMAND-LINE]
#					what QEMU is told, a word a line; MACHINE gets the
#					disk that the firmware starts from

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

FIRMWARE=$CACHE/firmware
PACKAGES="ovmf shim-signed shim-helpers-amd64-signed grub-efi-amd64-signed"

# shellcheck disable=SC2317 # called by make_once
fetch()
{
	local deb

	require_debian_lists
	say FETCH "$PACKAGES"
	# shellcheck disable=SC2086 # names, one word each
	download $PACKAGES
	for deb in *.deb; do
		dpkg-deb -x "$deb" tree
	done
	mkdir -p firmware/boot
	cp tree/usr/share/OVMF/OVMF_CODE_4M.ms.fd tree/usr/share/OVMF/OVMF_VARS_4M.ms.fd firmware/
	cp tree/usr/lib/shim/shimx64.efi.signed firmware/boot/BOOTX64.EFI
	cp tree/usr/lib/shim/mmx64.efi.signed firmware/boot/mmx64.efi
	cp tree/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed firmware/boot/grubx64.efi
	mv firmware "$FIRMWARE"
}

# make_disk FOLDER KERNEL INITRD COMMAND-LINE: what QEMU shows to the firmware as a disk
make_disk()
{
	rm -rf "$1"
	mkdir -p "$1/EFI/BOOT" "$1/EFI/debian"
	cp "$FIRMWARE"/boot/* "$1/EFI/BOOT/"
	[ -n "$2" ] || return 0
	cp "$2" "$1/vmlinuz"
	cp "$3" "$1/initrd"
	printf '%s\n' "linux /vmlinuz $4" "initrd /initrd" boot >"$1/EFI/debian/grub.cfg"
}

arguments()
{
	make_disk "$1/disk" "${2:-}" "${3:-}" "${4:-}"
	printf '%s\n' -global driver=cfi.pflash01,property=secure,value=on \
		-drive "if=pflash,format=raw,unit=0,readonly=on,file=$FIRMWARE/OVMF_CODE_4M.ms.fd" \
		-drive "if=pflash,format=raw,unit=1,file=$1/variables" \
		-drive "file=fat:$1/disk,format=raw,if=none,id=boot,readonly=on" \
		-device virtio-blk-pci,drive=boot,bootindex=0
}

case ${1:-} in
get)
	make_once "$FIRMWARE" fetch
	;;
new)
	mkdir -p "$2"
	cp "$FIRMWARE/OVMF_VARS_4M.ms.fd" "$2/variables"
	;;
arguments)
	shift
	arguments "$@"
	;;
*)
	die "usage: firmware.sh get | new MACHINE | arguments MACHINE [KERNEL INITRD COMMAND-LINE]"
	;;
esac
