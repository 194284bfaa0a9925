#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fills the cache with the kernels that the file "kernels" lists: what Debian built, with the
# headers of exactly that version, downloaded and unpacked, never installed; or a debug kernel,
# built here. A kernel once in the cache stays, so that everything goes on working offline when
# Debian has a newer one; remove the cache to change it.
#
#	kernel.sh list [USE]		the names, or those that this uses
#	kernel.sh get NAME		make sure that it is there
#	kernel.sh fetch NAME		make sure that "get" needs no package any more, but Debian's
#					kernels themselves
#	kernel.sh path NAME		its folder in the cache
#	kernel.sh headers NAME		what modules for it are built against
#	kernel.sh version NAME		as "uname -r" prints it in the guest
#	kernel.sh compiler NAME		suite of Debian whose compiler its modules want, or "-"
#
# The folder of one has vmlinuz, version, config, headers, modules/, modules.squashfs and
# initramfs.cpio.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)

# The guest's first steps need these; all else is loaded from modules.squashfs.
BOOT_MODULES="virtio_pci virtio_blk virtio_console squashfs overlay 9p 9pnet_virtio"

# Subsystems to have in the guest, with what their modules depend on.
GUEST_MODULES="kernel/sound/ kernel/drivers/virtio/ kernel/drivers/char/virtio_console
	kernel/drivers/char/hw_random/ kernel/drivers/block/virtio_blk kernel/drivers/block/loop
	kernel/drivers/usb/host/ kernel/drivers/usb/gadget/ kernel/drivers/hid/
	kernel/drivers/input/ kernel/drivers/pci/ kernel/drivers/gpio/ kernel/drivers/pinctrl/
	kernel/net/9p/ kernel/fs/9p/ kernel/fs/fuse/ kernel/fs/overlayfs/ kernel/fs/squashfs/
	kernel/fs/efivarfs/"

# field NAME NUMBER: of the file "kernels"
field()
{
	awk -v name="$1" -v number="$2" '$1 == name { print $number }' "$HERE/kernels"
}

# names [USE]
names()
{
	awk -v use="${1:-}" '/^[^#]/ && (use == "" || $6 == use) { print $1 }' "$HERE/kernels"
}

# The configs, and what is done to the source
recipe_of()
{
	grep -h -v '^#' "$HERE/common.config" "$HERE/$1.config"
	declare -f add_failure_filter allow_little watch_sound
}

# The folder of a built kernel has a hash of what it was made of in its name.
folder_of()
{
	local name=$1 how

	how=$(field "$name" 2)
	case $how in
	debian)	echo "$CACHE/kernels/$name" ;;
	source)	echo "$CACHE/kernels/$name.$(recipe_of "$name" | sha256sum | cut -c 1-12)" ;;
	*)	die "there is no kernel '$name'" "use one of: $(names | tr '\n' ' ')" ;;
	esac
}

# --- what both kinds end with: the work folder's kernel/ goes into the cache ---------------------

# with_dependencies DEP-FILE PATH-PREFIX...: those modules and all that they need, once each
with_dependencies()
{
	local list=$1

	shift
	# Not index(): that of Debian 12's mawk reads behind the end of the line, and may crash.
	awk -v prefixes="$*" '
	BEGIN { n = split(prefixes, prefix, " ") }
	{
		line[NR] = $0
		for (i = 1; i <= n; i++)
			if (substr($0, 1, length(prefix[i])) == prefix[i]) { wanted[NR]; break }
	}
	END {
		for (i in wanted) {
			m = split(line[i], word, ":? ")
			for (j = 1; j <= m; j++) { sub(":$", "", word[j]); print word[j] }
		}
	}' "$list" | sort -u
}

# place_modules TREE RELEASE: the chosen modules, uncompressed, with their indexes, and both as the
# guest wants them
place_modules()
{
	local from=$1/lib/modules/$2 to=kernel/modules/lib/modules/$2

	depmod -b "$1" "$2"
	mkdir -p "$to"
	# shellcheck disable=SC2086 # one word each
	with_dependencies "$from/modules.dep" $GUEST_MODULES >chosen
	cp "$from"/modules.{order,builtin,builtin.modinfo} "$to/"
	[ ! -s chosen ] || tar -C "$from" -c -T chosen | tar -C "$to" -x
	find "$to" -name '*.ko.xz' -exec xz -d {} +
	depmod -b kernel/modules "$2"
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
	dpkg-deb --fsys-tarfile "$BUSYBOX_PACKAGE" | tar -xO ./bin/busybox >initramfs/bin/busybox
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

place_rest()
{
	echo "$2" >kernel/version
	place_modules "$1" "$2"
	place_initramfs "$2"
}

# --- a kernel of Debian's ------------------------------------------------------------------------

# linux-image-amd64 is a name for the newest; this is what it stands for.
newest_image()
{
	package_field "$1" Depends | grep -o 'linux-image-[0-9][^ ,]*-amd64' | head -n 1
}

# The packages among those that PACKAGE depends on whose names match
depends_on()
{
	package_field "$1" Depends | tr ',' '\n' | sed 's/^ *//; s/ .*//' | grep -E "$2" || :
}

# Since 7.1 an image is three packages.
packages_of()
{
	local image=$1 headers=linux-headers-${1#linux-image-}

	echo "$image" "$headers"
	depends_on "$image" '^linux-(base|binary|modules)-[0-9]'
	depends_on "$headers" '^linux-(headers|kbuild)-[0-9]'
}

# The headers name each other by absolute paths.
place_headers()
{
	local release=$1 deb

	for deb in linux-headers-*.deb linux-kbuild-*.deb; do
		dpkg-deb -x "$deb" kernel
	done
	rm -rf kernel/usr/share
	sed -i "s#/usr/src/#$folder/usr/src/#" "kernel/usr/src/linux-headers-$release/Makefile"
	ln -s "usr/src/linux-headers-$release" kernel/headers
}

place_image()
{
	local release=$1 deb

	for deb in linux-image-*.deb linux-b*-[0-9]*.deb linux-modules-*.deb; do
		[ ! -e "$deb" ] || dpkg-deb -x "$deb" image
	done
	if [ -d image/usr/lib/modules ]; then
		mkdir -p image/lib
		mv image/usr/lib/modules image/lib/
		mv "image/lib/modules/$release/vmlinuz" kernel/vmlinuz
		mv "image/lib/modules/$release/config" kernel/config
	else
		mv "image/boot/vmlinuz-$release" kernel/vmlinuz
		mv "image/boot/config-$release" kernel/config
	fi
	place_rest image "$release"
}

unpack_debian()
{
	mkdir -p kernel
	place_headers "$1"
	place_image "$1"
}

# shellcheck disable=SC2317 # called by make_once
get_debian()
{
	local suite image

	suite=$(field "$name" 3)
	use_suite "$suite"
	image=$(newest_image "$(field "$name" 4)") ||
		die "apt cannot tell what $(field "$name" 4) of $suite is" "apt-get update"
	say FETCH "${image#linux-image-} (kernel, headers)"
	# shellcheck disable=SC2046 # names, one word each
	download $(packages_of "$image")
	with_progress "unpacking the kernel" "$WORK/unpack.log" \
		unpack_debian "${image#linux-image-}"
	mkdir -p "${folder%/*}"
	mv kernel "$folder"
}

# --- a kernel from source ------------------------------------------------------------------------

# Drivers and machines that no config here asks for: half of the source.
LEFT_OUT="drivers/gpu/*.[chS] drivers/net/*/*.[chS] drivers/media/*.[chS] drivers/staging/*.[chS]
	drivers/infiniband/*.[chS] drivers/scsi/*.[chS] arch/[!xu]*/*.[chS] arch/[!xu]*/*.dts*
	Documentation/*.rst Documentation/*.yaml Documentation/*.txt"

unpack_tree()
{
	local pattern patterns=()

	set -f
	for pattern in $LEFT_OUT; do
		patterns+=("--exclude=linux-source-6.1/$pattern")
	done
	set +f
	unpack_source --wildcards "${patterns[@]}"
	mv linux-source-6.1 tree
}

# What the config files (stdin) ask for and Kconfig did not grant: a net that would not be there.
not_granted()
{
	local line

	grep '^CONFIG_' | while read -r line; do
		case $line in
		*=n)	! grep "^${line%=n}=" tree/.config ;;
		*)	grep -qx -- "$line" tree/.config || echo "$line" ;;
		esac
	done
}

# Failures only below a given function, on x86-64 and with fail-nth: Linux 6.2 can do that.
add_failure_filter()
{
	sed -i '/^config FAULT_INJECTION_STACKTRACE_FILTER/,/help/ { /depends on !X86_64/d }' \
		tree/lib/Kconfig.debug
	sed -i 's/^\t\tif (fail_nth) {$/&\n\t\t\tif (!fail_stacktrace(attr))\n\t\t\t\treturn false;/' \
		tree/lib/fault-inject.c
	grep -A 1 'if (fail_nth) {' tree/lib/fault-inject.c | grep fail_stacktrace
}

# A file system here needs no network, and parts of ALSA no driver that asks for them.
allow_little()
{
	sed -i '/^config 9P_FS$/,/help/ s/depends on INET && NET_9P/depends on NET_9P/' \
		tree/fs/9p/Kconfig
	sed -i -E '/^config SND_(TIMER|PCM|HWDEP)$/,/^$/ s/tristate$/tristate "alone"/' \
		tree/sound/core/Kconfig
}

# Checkers that are not to look at all of the kernel look at ALSA's core; stage-modules.sh has them
# look at our modules.
watch_sound()
{
	sed -i '1a UBSAN_SANITIZE := y\nKCOV_INSTRUMENT := y' tree/sound/core/Makefile
}

configure_tree()
{
	local configs=("$HERE/common.config" "$HERE/$name.config") missing

	add_failure_filter
	allow_little
	watch_sound
	make -s -C tree tinyconfig
	(cd tree && scripts/kconfig/merge_config.sh -m .config "${configs[@]}")
	make -s -C tree olddefconfig
	missing=$(cat "${configs[@]}" | not_granted)
	[ -z "$missing" ] || { echo "Kconfig does not grant: $missing"; return 1; }
}

build_tree()
{
	make -s -C tree -j"$(nproc)" bzImage modules
}

# What a build of modules outside of the tree reads; the objects go.
prune_tree()
{
	find tree -type f ! -path 'tree/scripts/*' ! -path 'tree/tools/objtool/*' \
		! -path 'tree/include/*' ! -path 'tree/arch/x86/include/*' \
		! -name 'Makefile*' ! -name 'Kbuild*' ! -name 'Kconfig*' ! -name '*.lds' \
		! -name Module.symvers ! -name .config -delete
	find tree \( -name '*.o' -o -name '*.a' -o -name '.*.cmd' \) \
		! -path 'tree/scripts/*' ! -path 'tree/tools/objtool/*' -delete
	find tree -type d -empty -delete
}

place_tree()
{
	local release modules

	release=$(cat tree/include/config/kernel.release)
	modules=image/lib/modules/$release
	mkdir -p kernel "$modules"
	cp tree/arch/x86/boot/bzImage kernel/vmlinuz
	cp tree/.config kernel/config
	cp tree/modules.{order,builtin,builtin.modinfo} "$modules/"
	prune_tree
	mv tree kernel/headers
	place_rest image "$release"
}

# shellcheck disable=SC2317 # called by make_once
get_source()
{
	say KERNEL "$name (from Debian's linux-source-6.1; some minutes)"
	with_progress "unpacking linux-source-6.1" "$WORK/unpack.log" unpack_tree
	with_progress "configuring $name" "$WORK/config.log" configure_tree
	with_progress "building $name" "$WORK/build.log" build_tree
	with_progress "storing $name" "$WORK/place.log" place_tree
	mkdir -p "${folder%/*}"
	# Those of older configs.
	rm -rf "$CACHE/kernels/$name".*
	mv kernel "$folder"
}

# Who has it already needs no package any more.
fetch()
{
	[ ! -e "$ready" ] || return 0
	make_once "$BUSYBOX_PACKAGE" fetch_busybox
	[ "$how" != source ] || make_once "$SOURCE_PACKAGE" fetch_source_package
}

# What takes long, and needs nothing that others fetch, goes on beside them.
get()
{
	fetch
	case $how in
	debian)	make_once "$ready" get_debian ;;
	source)	make_once "$ready" get_source "$name" ;;
	esac
}

action=${1:-}
name=${2:-}
case $action in
list)		names "$name"; exit ;;
get|fetch|path|headers|version|compiler)
	folder=$(folder_of "$name")
	ready=$folder/initramfs.cpio
	how=$(field "$name" 2)
	;;
*)		die "usage: kernel.sh list [USE] | get|fetch|path|headers|version|compiler NAME" ;;
esac
case $action in
get)		get ;;
fetch)		fetch ;;
path)		echo "$folder" ;;
headers)	readlink -f "$folder/headers" ;;
version)	cat "$folder/version" ;;
compiler)	field "$name" 5 ;;
esac
