#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots the guest, runs one command in it as root and ends with the command's exit status. The
# command's output is a byte stream of its own; the kernel's console goes to a file, which is
# searched for signs of trouble afterwards. QEMU needs no rights.
#
#	run.sh [OPTION...] [-- COMMAND...]	one word: text for sh -c; several: a command
#	run.sh [OPTION...] --shell		a prompt; reads commands when stdin is no terminal
#
#	--kernel NAME	one of the file "kernels" (6.1)
#	--share DIR	the folder that is /mnt/build in the guest (.build/guest)
#	--console FILE	where the kernel's console goes (.build/console.log)
#	--timeout S	0: none (600; none with --shell)
#	--memory MB	(2048)
#	--cpus N	(2)
#	--image KIND	another system, see image.sh
#	--systemd	systemd is process 1, as on a real machine: with the bus, udev, polkit, logind
#	--serial	output and status come through serial ports: on some kernels the virtio
#			ports say nothing any more when the machine has slept
#	--in-turn	one thread has all CPUs, in turn
#	--append ARGS	more for the kernel's command line
#	--firmware DIR	a machine that firmware.sh made starts the kernel, with Secure Boot on
#	--count		one CPU whose clock counts instructions: a nanosecond is one, whatever
#			this machine does meanwhile
#
# Exit status: the command's; 3 kernel trouble on the console, 124 timeout, 125 the guest crashed
# or did not start, 141 nobody reads the output. AUDIO_MODULE_ACCEL=kvm uses KVM;
# AUDIO_MODULE_QEMU_ARGS: more for QEMU.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "$HERE/../.." && pwd)/.build

EXIT_TROUBLE=3
EXIT_TIMEOUT=124
EXIT_CRASH=125
EXIT_PIPE=141

name=6.1
share=$BUILD/guest
console=$BUILD/console.log
timeout=
memory=2048
append=
kind=
systemd=
machine=
serial=
cpus=2
tcg=("tcg,thread=multi")
mode='command'
command=true

parse_arguments()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--kernel)	name=$2; shift ;;
		--share)	share=$2; shift ;;
		--console)	console=$2; shift ;;
		--timeout)	timeout=$2; shift ;;
		--memory)	memory=$2; shift ;;
		--cpus)		cpus=$2; shift ;;
		--append)	append=$2; shift ;;
		--firmware)	machine=$2; shift ;;
		--image)	kind=$2; shift ;;
		--systemd)	systemd=yes ;;
		--serial)	serial=yes ;;
		--in-turn)	tcg=("tcg,thread=single") ;;
		--count)	cpus=1 tcg=("tcg,thread=single" -icount "shift=0,sleep=off") ;;
		--shell)	mode=shell ;;
		--)		shift; set_command "$@"; break ;;
		*)		die "there is no option '$1'" "see the head of run.sh" ;;
		esac
		shift
	done
	if [ "$mode" = shell ]; then
		mode=stdin
		[ ! -t 0 ] || [ ! -t 1 ] || mode=terminal
		timeout=${timeout:-0}
	fi
	timeout=${timeout:-600}
}

set_command()
{
	local word

	[ $# -gt 0 ] || die "no command after --"
	command=$1
	[ $# -gt 1 ] || return 0
	command=
	for word in "$@"; do
		command+="'${word//\'/\'\\\'\'}' "
	done
}

# A kernel that checks the nesting of raw locks complains of its own console driver as soon as
# somebody prints under one: there, a process in the guest copies the messages to the console.
choose_loglevel()
{
	loglevel=5
	! grep -q '^CONFIG_PROVE_RAW_LOCK_NESTING=y' "$kernel/config" || loglevel=1
}

# The cached initramfs and a second archive with this run's scripts and command: the kernel
# unpacks one after the other.
make_initramfs()
{
	local rows=24 columns=80

	mkdir -p "$work/tree/guest"
	cp "$HERE/init" "$work/tree/init"
	cp "$HERE/guest-init" "$work/tree/guest/guest-init"
	chmod 755 "$work/tree/init" "$work/tree/guest/guest-init"
	printf '%s\n' "$command" >"$work/tree/guest/command"
	[ "$mode" != terminal ] || read -r rows columns < <(stty size </dev/tty)
	printf '%s\n' "MODE=$mode" "TERMINAL=${TERM:-dumb}" "ROWS=$rows" "COLUMNS=$columns" \
		"LOGLEVEL=$loglevel" "SYSTEMD=$systemd" "SERIAL=$serial" >"$work/tree/guest/settings"
	{
		cat "$kernel/initramfs.cpio"
		(cd "$work/tree" && find . | cpio -o -H newc -R 0:0 --quiet)
	} >"$work/initrd"
}

# start_arguments COMMAND-LINE
start_arguments()
{
	local words

	if [ -z "$machine" ]; then
		qemu+=(-kernel "$kernel/vmlinuz" -initrd "$work/initrd" -append "$1")
		return
	fi
	mapfile -t words < <("$HERE/firmware.sh" arguments "$machine" "$kernel/vmlinuz" \
		"$work/initrd" "$1")
	qemu+=("${words[@]}")
}

# How the guest is talked to
# shellcheck disable=SC2054 # QEMU's commas
channel_arguments()
{
	qemu+=(-device virtio-serial-pci -chardev "file,id=status,path=$work/status")
	if [ -n "$serial" ]; then
		qemu+=(
			-chardev "file,id=output,path=/proc/self/fd/$output"
			-serial chardev:output -serial chardev:status
		)
		return
	fi
	qemu+=(-device virtserialport,chardev=status,name=status)
	if [ "$mode" = terminal ]; then
		# Not "stdio", which would add a carriage return to what full-screen programs write.
		qemu+=(-chardev pipe,id=terminal,path=/dev/tty -device virtconsole,chardev=terminal)
	else
		qemu+=(
			-chardev "file,id=output,path=/proc/self/fd/$output"
			-device virtserialport,chardev=output,name=output
		)
	fi
	[ "$mode" != stdin ] ||
		qemu+=(-chardev stdio,id=input -device virtserialport,chardev=input,name=input)
}

# shellcheck disable=SC2054 # QEMU's commas
qemu_arguments()
{
	local smp=$cpus
	local cmdline="console=ttyS0 loglevel=$loglevel panic=-1 oops=panic mitigations=off"

	# An emulated timer may come late on a busy machine: the kernel must not call it broken.
	# Memory that Debian's kernel zeroes would hide what our code does not.
	cmdline="$cmdline no_timer_check init_on_alloc=0 log_buf_len=4M"
	# A CPU that hangs is reported, which fails the run: nothing is left to wait for.
	cmdline="$cmdline softlockup_panic=1"

	# Caches whose allocations the tests may let fail all at once, without any other's.
	! grep -q '^CONFIG_FAILSLAB=y' "$kernel/config" ||
		cmdline="$cmdline slub_debug=A,kmalloc-96,kmalloc-128"

	# Without ACPI a kernel has the BIOS' older table, which names one CPU of each socket.
	grep -q '^CONFIG_ACPI=y' "$kernel/config" || smp="$cpus,sockets=$cpus"

	# With a source of random numbers the kernel has its own at once. Else it gathers them for some
	# seconds, lets programs wait meanwhile, and then changes its code for interrupts while these
	# come: the emulator, which translates code, may go on with the old one and never leave it.
	qemu=(qemu-system-x86_64 -machine q35 -m "$memory" -smp "$smp" -cpu "qemu64,+rdrand")
	case ${AUDIO_MODULE_ACCEL:-tcg} in
	kvm)	qemu+=(-accel kvm) ;;
	tcg)	qemu+=(-accel "${tcg[@]}") ;;
	*)	die "AUDIO_MODULE_ACCEL=$AUDIO_MODULE_ACCEL is not known" "use tcg or kvm" ;;
	esac
	qemu+=(
		-nodefaults -no-user-config -display none -no-reboot
		-serial "file:$console"
		-drive "file=$image,format=raw,if=none,id=image,readonly=on"
		-device virtio-blk-pci,drive=image
		-drive "file=$kernel/modules.squashfs,format=raw,if=none,id=modules,readonly=on"
		-device virtio-blk-pci,drive=modules
		-virtfs "local,path=$share,mount_tag=share,security_model=none,multidevs=remap"
	)
	channel_arguments
	start_arguments "$cmdline $append"
	# shellcheck disable=SC2206 # several arguments in one variable
	qemu+=(${AUDIO_MODULE_QEMU_ARGS:-})
}

# shellcheck disable=SC2317 # called by the trap
clean_up()
{
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || :
	[ -z "$terminal" ] || stty "$terminal" </dev/tty
	rm -rf "$work"
}

# QEMU opens the pipe anew and leaves its bytes to a cat of ours: stdout may be anything.
boot()
{
	local input=0 ended=

	rm -f "$work/output" "$work/status"
	mkfifo "$work/output"
	cat <"$work/output" &
	pump=$!
	exec {output}>"$work/output"
	qemu_arguments
	if [ "$mode" != stdin ]; then
		exec {input}</dev/null
	fi
	if [ "$mode" = terminal ]; then
		terminal=$(stty -g </dev/tty)
		stty raw -echo </dev/tty
	fi
	timeout --foreground --kill-after=5 "$timeout" "${qemu[@]}" \
		<&"$input" 2>"$work/qemu.log" &
	pid=$!
	qemu_status=0
	wait -n -p ended "$pid" "$pump" || :
	# Nobody reads any more: there is nothing left to run for.
	[ "${ended:-$pid}" = "$pid" ] || exit "$EXIT_PIPE"
	wait "$pid" || qemu_status=$?
	pid=
	[ -z "$terminal" ] || stty "$terminal" </dev/tty
	terminal=
	exec {output}>&-
	wait "$pump" || :
}

# QEMU 7.2 was seen to end by SIGSEGV a second after its start, which no guest should be able to make it
# do. When nothing was run yet, nobody misses anything.
emulator_crashed()
{
	case $qemu_status in
	132|134|135|136|139)	[ "$mode" = command ] && [ ! -s "$work/status" ] ;;
	*)			false ;;
	esac
}

boot_again_if_needed()
{
	emulator_crashed || return 0
	printf '%s: QEMU crashed (%d) before the guest was up: once more\n' "${0##*/}" "$qemu_status" >&2
	boot
}

last_lines()
{
	printf '%s: the last lines of the console (%s):\n' "${0##*/}" "$console" >&2
	tail -n "$1" "$console" | tr -d '\r' >&2
}

report_trouble()
{
	awk -f "$HERE/../kernel_reports.awk" "$console" >"$work/reports" && return
	printf '%s: the kernel reported trouble (%s):\n' "${0##*/}" "$console" >&2
	tr -d '\r' <"$work/reports" >&2
	trouble=yes
}

conclude()
{
	local word status

	trouble=
	if [ "$qemu_status" -eq 124 ] || [ "$qemu_status" -eq 137 ]; then
		last_lines 20
		printf '%s: timeout: the command did not end within %s s\n' "${0##*/}" \
			"$timeout" >&2
		exit "$EXIT_TIMEOUT"
	fi
	read -r word status < <(tail -n 1 "$work/status" 2>/dev/null) || word=
	if [ "$word" != exit ]; then
		cat "$work/qemu.log" >&2
		last_lines 40
		printf '%s: the guest crashed or did not start (QEMU ended with %d)\n' \
			"${0##*/}" "$qemu_status" >&2
		exit "$EXIT_CRASH"
	fi
	report_trouble
	if [ -n "$trouble" ]; then
		printf '%s: so this run failed; the command itself ended with %d\n' "${0##*/}" \
			"$status" >&2
		exit "$EXIT_TROUBLE"
	fi
	exit "$status"
}

parse_arguments "$@"
kernel=$("$HERE/kernel.sh" path "$name")
image=$("$HERE/image.sh" path "$kind")
if [ ! -e "$kernel/initramfs.cpio" ] || [ ! -e "$image" ]; then
	die "the guest is not in the cache $CACHE" \
		"run selftests/guest/kernel.sh get $name and selftests/guest/image.sh${kind:+ $kind}"
fi
mkdir -p "$share" "$(dirname "$console")"
share=$(cd "$share" && pwd)
: >"$console"
pid=
terminal=
work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
choose_loglevel
make_initramfs
boot
boot_again_if_needed
conclude
