#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fuzzes the kernel modules: selftests/fuzz_kernel/calls.c, as a 64-bit and as a 32-bit program,
# each in a guest of its own, side by side, on the debug kernel. "make fuzz" calls it.
#
#	fuzz.sh run SHARE SECONDS [KERNEL]	SHARE has root/ and selftests/, as for "make test"
#	fuzz.sh one SHARE FINDING [KERNEL]	one input of the last run once more
#	fuzz.sh merge SHARE [KERNEL]		the corpus of the tree anew: the fewest inputs that
#						reach what it and those of the last run reach,
#						and those with a name
#
# .build/fuzz-kernel/ has of each program output, console, share/, with which run.sh boots again,
# and in share/fuzz/ the corpus that it made, and what it found: bytes that make the program, or the
# kernel, complain. What does so is printed, and the command that tries it once more. report.md has
# what was counted. The last line counts the programs.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
SOURCES=$TOP/selftests/fuzz_kernel
FOLDER=$TOP/.build/fuzz-kernel
PROGRAMS=(calls calls_i386)

# Beyond the fuzzing: to boot, to look for leaks.
TIMEOUT=900

# libFuzzer's own code counts bits with an instruction that run.sh's CPU has not.
CPU="-cpu qemu64,+rdrand,+ssse3,+sse4.1,+sse4.2,+popcnt"

build()
{
	say BUILD "${PROGRAMS[*]} (clang, libFuzzer)"
	with_progress "compiling the programs" "$FOLDER/build.log" \
		make -s -C "$SOURCES" O="$FOLDER/programs"
}

# The guest's system has nothing for 32-bit programs.
copy_32_bit()
{
	local name

	mkdir -p "$1/usr/lib" "$1/usr/lib32"
	for name in libc.so.6 libm.so.6 ld-linux.so.2; do
		cp "$(readlink -f "$(gcc -m32 -print-file-name="$name")")" "$1/usr/lib32/$name"
	done
	ln -sf ../lib32/ld-linux.so.2 "$1/usr/lib/ld-linux.so.2"
}

# The last run's corpus stays.
make_share()
{
	local folder=$FOLDER/$1/share

	mkdir -p "$folder/fuzz/corpus" "$folder/fuzz/findings"
	rm -rf "$folder/root" "$folder/selftests" "$folder/fuzz/seeds"
	cp -al "$share/root" "$share/selftests" "$folder/"
	install -m 755 "$TOP/selftests/run-in-guest.sh" "$folder/selftests/"
	copy_32_bit "$folder/root"
	cp "$FOLDER/programs/$1" "$folder/fuzz/program"
	cp -r "$SOURCES/corpus" "$folder/fuzz/seeds"
	"$HERE/stage-modules.sh" "$kernel" "$folder"
}

# guest PROGRAM WORD...: what run-in-guest.sh is told. The program is one thread, and with a second
# CPU two guests on two CPUs try a tenth as much: interrupts of one CPU by the other wait for both.
guest()
{
	local program=$1

	shift
	AUDIO_MODULE_QEMU_ARGS=$CPU "$HERE/run.sh" --kernel "$kernel" --cpus 1 \
		--share "$FOLDER/$program/share" \
		--console "$FOLDER/$program/console" --timeout "$timeout" -- \
		/mnt/build/selftests/run-in-guest.sh "$@" >"$FOLDER/$program/output" 2>&1 </dev/null
}

guests()
{
	local program

	for program in "${PROGRAMS[@]}"; do
		guest "$program" "$@" &
		running["$program"]=$!
	done
}

# The last thing that it said of its progress
progress()
{
	grep -a -o '^#[0-9]*.* cov: .*\|^#[0-9]*.* ft: .*' "$FOLDER/$1/output" | tail -n 1
}

# What libFuzzer counted in all
statistics()
{
	printf '\n## %s\n\n' "$1"
	grep -a -o '^INFO: Seed: [0-9]*\|^stat::.*' "$FOLDER/$1/output" | sed 's/^/    /' || :
	printf '    %s\n' "$(progress "$1")" \
		"$(find "$FOLDER/$1/share/fuzz/findings" -type f | wc -l) findings"
}

report()
{
	local program

	report_head "make fuzz" "$kernel"
	echo "Two guests side by side, $seconds s each."
	for program in "${PROGRAMS[@]}"; do
		statistics "$program"
	done
}

tell()
{
	local program=$1 status=$2 finding folder=$FOLDER/$1

	if [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		printf 'ok - %s: %s\n' "$program" "$(progress "$program")"
		return
	fi
	failed=$((failed + 1))
	printf 'not ok - %s: %s\n' "$program" "$(progress "$program")"
	tail -n 60 "$folder/output" | sed 's/^/# /'
	for finding in "$folder"/share/fuzz/findings/*; do
		[ ! -e "$finding" ] || say FINDING "to try it: $HERE/fuzz.sh one $share $finding $kernel"
	done
}

do_run()
{
	local program status

	find "$FOLDER"/*/share/fuzz/findings -type f -delete
	[ "$seconds" -gt 0 ] 2>/dev/null || die "'$seconds' are no seconds" "say SECONDS=7200"
	timeout=$((seconds + TIMEOUT))
	say GUEST "fuzzing on $kernel for $seconds s"
	report_progress "fuzzing" &
	ticker=$!
	guests fuzz "$seconds"
	for program in "${PROGRAMS[@]}"; do
		status=0
		wait "${running[$program]}" || status=$?
		tell "$program" "$status"
	done
	kill "$ticker"
	report >"$FOLDER/report.md"
	say REPORT "$FOLDER/report.md"
	echo
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" -eq 0 ]
}

# The kernel's reports are in the output.
do_one()
{
	local program=${file#"$FOLDER/"}

	program=${program%%/*}
	timeout=$TIMEOUT
	guest "$program" fuzz_one "fuzz/findings/${file##*/}" || failed=1
	cat "$FOLDER/$program/output"
	[ "$failed" -eq 0 ]
}

# Of both programs' inputs one corpus, by the 64-bit one
do_merge()
{
	local folder=$FOLDER/calls/share/fuzz

	timeout=$((4 * TIMEOUT))
	cp -n "$FOLDER/calls_i386/share/fuzz/corpus/"* "$folder/corpus/" 2>/dev/null || :
	rm -rf "$folder/merged"
	mkdir "$folder/merged"
	say MERGE "$(find "$folder/corpus" "$folder/seeds" -type f | wc -l) inputs"
	guest calls fuzz_merge || die "the inputs cannot be merged" "see $FOLDER/calls/output"
	find "$SOURCES/corpus" -type f ! -regex '.*/[0-9a-f]*' -exec cp {} "$folder/merged" \;
	rm -rf "$SOURCES/corpus"
	cp -r "$folder/merged" "$SOURCES/corpus"
	say MERGED "$(find "$SOURCES/corpus" -type f | wc -l) inputs"
}

[ $# -ge 2 ] || die "usage: fuzz.sh run SHARE SECONDS | one SHARE FINDING | merge SHARE [KERNEL]"
action=$1
share=$2
shift 2
case $action in
run)	seconds=${1:-0}; shift ;;
one)	file=$(realpath "${1:?}"); shift ;;
merge)	;;
*)	die "there is no action '$action'" "use: run one merge" ;;
esac
[ $# -le 1 ] || die "it fuzzes one kernel at a time" "say one of: $*"
kernel=${1:-6.1-debug}
commit=$(describe_commit)
passed=0
failed=0
declare -A running
mkdir -p "$FOLDER"
"$HERE/image.sh"
"$HERE/kernel.sh" get "$kernel"
build
for program in "${PROGRAMS[@]}"; do
	make_share "$program"
done
"do_$action"
