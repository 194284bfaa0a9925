#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fills the cache with what Debian already built: the guest's kernel with the headers of exactly
# that version, and the parts of the kernel's source that the selftests and the style checks use.
# Packages are downloaded and unpacked, never installed. A kernel once chosen stays, so that
# everything goes on working offline when Debian has a newer one; remove the cache to change it.
#
#	fetch.sh kernel|source...	make sure that it is there
#	fetch.sh path kernel|headers|source
#	fetch.sh version		the kernel's version, as "uname -r" prints it in the guest
#
# In the cache: kernel/{vmlinuz,version,headers/,modules/,modules.squashfs,initramfs.cpio}, source/

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

KERNEL=$CACHE/kernel
SOURCE=$CACHE/source

# The guest's first steps need these; all else is loaded from modules.squashfs.
BOOT_MODULES="virtio_pci virtio_blk virtio_console squashfs overlay 9p 9pnet_virtio"

# Subsystems to have in the guest, with what their modules depend on.
GUEST_MODULES="kernel/sound/ kernel/drivers/virtio/ kernel/drivers/char/virtio_console
	kernel/drivers/char/hw_random/ kernel/drivers/block/virtio_blk kernel/drivers/block/loop
	kernel/drivers/usb/host/ kernel/drivers/usb/gadget/ kernel/drivers/hid/
	kernel/drivers/input/ kernel/drivers/pci/ kernel/drivers/gpio/ kernel/drivers/pinctrl/
	kernel/net/9p/ kernel/fs/9p/ kernel/fs/fuse/ kernel/fs/overlayfs/ kernel/fs/squashfs/"

# The kernel's own selftest harness, its ALSA tests, and its style checkers.
SOURCE_PARTS="COPYING LICENSES scripts/checkpatch.pl scripts/const_structs.checkpatch
	scripts/spelling.txt scripts/kernel-doc scripts/checkincludes.pl scripts/spdxcheck.py
	tools/testing/selftests/Makefile tools/testing/selftests/lib.mk
	tools/testing/selftests/kselftest.h tools/testing/selftests/kselftest_harness.h
	tools/testing/selftests/kselftest tools/testing/selftests/run_kselftest.sh
	tools/testing/selftests/kselftest_install.sh tools/testing/selftests/kselftest_deps.sh
	tools/testing/selftests/gen_kselftest_tar.sh tools/testing/selftests/alsa
	tools/include/nolibc include/uapi/sound"

# package_field PACKAGE FIELD: of the version that apt would take
package_field()
{
	apt-cache "${APT_OPTIONS[@]}" show --no-all-versions "$1" | sed -n "s/^$2: //p"
}

# linux-image-amd64 is a name for the newest; this is what it stands for.
newest_image()
{
	package_field linux-image-amd64 Depends | grep -o 'linux-image-[0-9][^ ,]*-amd64'
}

download_kernel()
{
	local image=$1 version release=${1#linux-image-}

	version=$(package_field "$image" Version)
	echo "$version" >package-version
	download "$image=$version" "linux-headers-$release=$version" \
		"linux-headers-${release%-amd64}-common=$version" "linux-kbuild-6.1=$version" \
		busybox-static
}

# The headers find each other from the place they lie in: absolute paths become relative ones.
place_headers()
{
	local release=$1 deb

	for deb in linux-headers-*.deb linux-kbuild-*.deb; do
		dpkg-deb -x "$deb" kernel
	done
	rm -rf kernel/usr/share
	# shellcheck disable=SC2016 # make's variables
	printf 'include $(dir $(lastword $(MAKEFILE_LIST)))../%s/Makefile\n' \
		"linux-headers-${release%-amd64}-common" >"kernel/usr/src/linux-headers-$release/Makefile"
	ln -s "usr/src/linux-headers-$release" kernel/headers
}

# with_dependencies DEP-FILE PATH-PREFIX...: those modules and all that they need, once each
with_dependencies()
{
	local list=$1

	shift
	awk -v prefixes="$*" '
	BEGIN { n = split(prefixes, prefix, " ") }
	{
		line[NR] = $0
		for (i = 1; i <= n; i++)
			if (index($0, prefix[i]) == 1) { wanted[NR]; break }
	}
	END {
		for (i in wanted) {
			m = split(line[i], word, ":? ")
			for (j = 1; j <= m; j++) { sub(":$", "", word[j]); print word[j] }
		}
	}' "$list" | sort -u
}

# From the image package: vmlinuz, the chosen modules with their indexes, and both as the guest
# wants them.
place_image()
{
	local release=$1 modules=lib/modules/$1

	dpkg-deb -x linux-image-*.deb image
	mv "image/boot/vmlinuz-$release" kernel/vmlinuz
	mv "image/boot/config-$release" kernel/config
	echo "$release" >kernel/version
	depmod -b image "$release"
	mkdir -p "kernel/modules/$modules"
	# shellcheck disable=SC2086 # one word each
	with_dependencies "image/$modules/modules.dep" $GUEST_MODULES >chosen
	cp "image/$modules"/modules.{order,builtin,builtin.modinfo} "kernel/modules/$modules/"
	tar -C "image/$modules" -c -T chosen | tar -C "kernel/modules/$modules" -x
	depmod -b kernel/modules "$release"
	mkdir -p tree/usr
	cp -al kernel/modules/lib tree/usr/lib
	chmod -R u=rwX,go=rX tree
	gensquashfs --pack-dir tree --all-root --compressor zstd --block-size 131072 -q \
		kernel/modules.squashfs
}

# A static busybox and the modules to reach the disks, in load order. run.sh adds its own init.
place_initramfs()
{
	local release=$1 name

	mkdir -p initramfs/{bin,modules,proc,sys,dev,lower,kernel,upper,root}
	dpkg-deb --fsys-tarfile busybox-static_*.deb | tar -xO ./bin/busybox >initramfs/bin/busybox
	chmod 755 initramfs/bin/busybox
	for name in $BOOT_MODULES; do
		modprobe -d "$PWD/kernel/modules" -S "$release" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >boot-modules
	while read -r name; do
		cp "$name" initramfs/modules/
		echo "${name##*/}"
	done <boot-modules >initramfs/modules/order
	(cd initramfs && find . | cpio -o -H newc -R 0:0 --quiet) >kernel/initramfs.cpio
}

unpack_kernel()
{
	local release=$1

	mkdir -p kernel
	place_headers "$release"
	place_image "$release"
	place_initramfs "$release"
}

fetch_kernel()
{
	local image

	require_debian_lists
	cd "$WORK"
	image=$(newest_image) || die "apt cannot tell what linux-image-amd64 is" "apt-get update"
	say FETCH "${image#linux-image-} (kernel, headers)"
	download_kernel "$image"
	with_progress "unpacking the kernel" "$WORK/unpack.log" \
		unpack_kernel "${image#linux-image-}"
	mv kernel "$KERNEL"
}

unpack_source()
{
	local part parts=()

	for part in $SOURCE_PARTS; do
		parts+=("linux-source-6.1/$part")
	done
	dpkg-deb --fsys-tarfile linux-source-6.1_*.deb |
		tar -xO ./usr/src/linux-source-6.1.tar.xz | xz -dc | tar -x "${parts[@]}"
}

fetch_source()
{
	require_debian_lists
	cd "$WORK"
	say FETCH "linux-source-6.1 (selftest harness, style checkers)"
	download linux-source-6.1
	with_progress "unpacking linux-source-6.1" "$WORK/unpack.log" unpack_source
	mv linux-source-6.1 "$SOURCE"
}

is_there()
{
	case $1 in
	kernel)	[ -e "$KERNEL/initramfs.cpio" ] ;;
	source)	[ -e "$SOURCE/COPYING" ] ;;
	*)	die "there is nothing called '$1' to fetch" "use: kernel source" ;;
	esac
}

fetch()
{
	local what

	for what in "$@"; do
		if ! is_there "$what"; then
			# In a process of its own: lock, work folder and traps end with it.
			(
				lock_cache
				is_there "$what" && exit
				make_work_dir
				"fetch_$what"
			)
		fi
	done
}

print_path()
{
	case $1 in
	kernel)	echo "$KERNEL" ;;
	headers) readlink -f "$KERNEL/headers" ;;
	source)	echo "$SOURCE" ;;
	*)	die "nothing called '$1' is fetched" "use: kernel headers source" ;;
	esac
}

case ${1:-} in
'')		die "usage: fetch.sh kernel|source... | path NAME | version" ;;
path)		print_path "${2:-}" ;;
version)	cat "$KERNEL/version" ;;
*)		fetch "$@" ;;
esac
