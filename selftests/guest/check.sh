#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A quick set of the selftests on several kernels of the file "kernels"; "make check" calls it. One
# line for each kernel, and what went wrong: the cases, or the kernel's own report. A kernel that can
# let allocations fail has a second guest for that. Two guests run at any time, as one leaves half of
# two CPUs idle; of the long tests one, which do not.
#
#	check.sh SHARE [KERNEL...]		SHARE has root/ and selftests/, as for "make test"
#	check.sh --torture SHARE [KERNEL...]	the long tests, on all of them; "make torture" calls
#						it. AUDIO_MODULE_TORTURE_NOTIFICATIONS: how many
#						on each kernel; AUDIO_MODULE_TORTURE_SEED
#
# A kernel that is built here, and not in the cache, is built while the others are fetched.
#
# When there is the log of a whole "make test" of the same commit, too, and the debug kernel was one of
# them, the rows of the conformance table are looked at with the results of both; they count as one case
# each.
#
# Logs stay in .build/check/KERNEL/, or torture/: of each set of tests output and console, and share/,
# with which run.sh boots again; torture/report.md has the figures. The last line counts the cases of
# all kernels; the exit status is 0 when each passed.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
BUILD=$TOP/.build
TEST_LOG=$BUILD/test.log
DEBUG=6.1-debug

# What the plain kernel is tortured with, and one where everything is slower: notifications, and how
# often the modules are loaded, and the card unbound.
TORTURE="10000000 1000"
TORTURE_SLOW="200000 20"
# How often a machine that can sleep does
SUSPENDS=20

# One kernel runs the programs that are built for i386, too: where they take least time.
I386=6.12

# Emulation and checkers together are slow; a guest that hangs is no excuse to wait for ever.
TIMEOUT=14400

passed=0
failed=0
skipped=0
bad=
builder=
ticker=
lanes=()

# Interrupted: what was started beside this does not hear of it.
clean_up()
{
	local process

	[ -z "$builder" ] || kill -- "-$builder" 2>/dev/null || :
	for process in "${lanes[@]}" $ticker; do
		pkill -P "$process" 2>/dev/null || :
		kill "$process" 2>/dev/null || :
	done
}

# --- kernels ------------------------------------------------------------------------------------

is_built_here()
{
	[ "$(awk -v name="$1" '$1 == name { print $2 }' "$HERE/kernels")" = source ]
}

# What Debian has, at once: later everything works offline.
get_debian()
{
	local name compiler

	for name in "${kernels[@]}"; do
		compiler=$("$HERE/kernel.sh" compiler "$name")
		is_built_here "$name" || "$HERE/kernel.sh" get "$name"
		[ "$compiler" = - ] || "$HERE/toolchain.sh" get "$compiler"
	done
}

# In a session of its own, to be ended with all that it started
start_builds()
{
	local name

	for name in "${kernels[@]}"; do
		! is_built_here "$name" || echo "$name"
	done >"$FOLDER/builds"
	[ -s "$FOLDER/builds" ] || return 0
	xargs -n 1 "$HERE/kernel.sh" fetch <"$FOLDER/builds"
	# shellcheck disable=SC2016 # the other shell's
	setsid sh -c 'xargs -n 1 "$1" get <"$2" >"$3" 2>&1' sh \
		"$HERE/kernel.sh" "$FOLDER/builds" "$FOLDER/build.log" </dev/null &
	builder=$!
}

# A guest beside a build would cost more than one after it.
finish_builds()
{
	local shown

	[ -n "$builder" ] || return 0
	tail -n 1 -f "$FOLDER/build.log" --pid "$builder" >&2 &
	shown=$!
	wait "$builder" || die "a kernel cannot be built" "see $FOLDER/build.log"
	wait "$shown"
	builder=
}

# --- guests -------------------------------------------------------------------------------------

# The same programs for every kernel, and modules of its own.
make_share()
{
	local folder=$FOLDER/$1

	rm -rf "$folder"
	mkdir -p "$folder/share"
	cp -al "$share/root" "$share/selftests" "$folder/share/"
	if [ $what = torture ]; then
		# The runner's limit is for shorter ones.
		rm "$folder/share/selftests/settings"
		echo "timeout=$TIMEOUT" >"$folder/share/selftests/settings"
	fi
	"$HERE/stage-modules.sh" "$1" "$folder/share"
}

# How many programs have ended, every some seconds
report_programs()
{
	while sleep "$PROGRESS_SECONDS"; do
		printf '  … %d programs done (%d s)\n' \
			"$(for kernel in "${kernels[@]}"; do
				cat "$FOLDER/$kernel"/output-* 2>/dev/null || :
			done | grep -c '^\(not \)\?ok .* selftests: ' || :)" $SECONDS >&2
	done
}

# The sets of tests that a kernel runs, each in a guest of its own
sets_of()
{
	local config

	config=$("$HERE/kernel.sh" path "$1")/config
	echo $what
	case $what in
	check)		! grep -q '^CONFIG_FAULT_INJECTION=y' "$config" || echo failures ;;
	torture)	! grep -q '^CONFIG_SUSPEND=y' "$config" || echo suspend ;;
	esac
}

# words KERNEL SET: what its guest is told, one a line
words()
{
	local numbers=$TORTURE_SLOW

	echo "$2"
	if [ "$2" = torture ]; then
		[ "$1" != 6.1 ] || numbers=$TORTURE
		# shellcheck disable=SC2086 # two
		set -- $numbers
		echo "${AUDIO_MODULE_TORTURE_NOTIFICATIONS:-$1}"
		echo "$2"
		echo "$SEED"
	elif [ "$2" = suspend ]; then
		echo "$SUSPENDS"
	elif [ "$2" = check ] && [ "$1" = $I386 ]; then
		echo i386
	fi
}

# A kernel patches its code while other CPUs run it, for its static keys. In one of some dozens of guests
# with 7.3 a CPU then ran an int3 where memory had none any more, and the kernel knew nothing of it. We
# take that for QEMU 7.2's, which has a thread for each CPU and keeps what it translated: the tests use no
# breakpoints. Such a guest has all to do again, with its CPUs in turn; and so has one whose QEMU crashed.
emulator_failed()
{
	grep -a -q 'int3: 0000 \[#1\]' "$FOLDER/$1/console-$2" ||
		grep -q 'QEMU ended with 13[24569]' "$FOLDER/$1/output-$2"
}

# try_guest KERNEL SET [OPTION]
try_guest()
{
	local folder=$FOLDER/$1
	local options=(${3:+"$3"})

	[ "$2" != suspend ] || options+=(--serial)
	# shellcheck disable=SC2046 # words
	"$HERE/run.sh" "${options[@]}" --kernel "$1" --share "$folder/share" --timeout "$TIMEOUT" \
		--console "$folder/console-$2" -- \
		/mnt/build/selftests/run-in-guest.sh $(words "$1" "$2") \
		>"$folder/output-$2" 2>&1 </dev/null
}

# guest KERNEL SET: its tests, into files; the status comes last.
guest()
{
	local folder=$FOLDER/$1 result=0 start=$SECONDS

	try_guest "$1" "$2" || result=$?
	if [ $result -ne 0 ] && emulator_failed "$1" "$2"; then
		say AGAIN "$1, $2: QEMU crashed, or ran code that was no longer there; its CPUs in turn now" >&2
		cp "$folder/console-$2" "$folder/console-$2.failed"
		result=0
		try_guest "$1" "$2" --in-turn || result=$?
	fi
	echo "$result $((SECONDS - start))" >"$folder/status-$2.new"
	mv "$folder/status-$2.new" "$folder/status-$2"
}

# The kernel with two sets has the longest ones: they begin.
list_guests()
{
	local name set

	for name in "${kernels[@]}"; do
		for set in $(sets_of "$name"); do
			printf '%s %s %s\n' "$(sets_of "$name" | wc -l)" "$name" "$set"
		done
	done | sort -s -r -n -k 1,1 | cut -d ' ' -f 2-
}

# What is left of the list, guest by guest
run_lane()
{
	local line

	while line=$(take_line "$FOLDER"); do
		# shellcheck disable=SC2086 # a kernel and a set
		guest $line
	done
}

run_guests()
{
	list_guests >"$FOLDER/guests"
	exec {list}<"$FOLDER/guests"
	for _ in $(seq "$1"); do
		run_lane <&"$list" &
		lanes+=("$!")
	done
	exec {list}<&-
}

# count SET: what its guest counted; one that did not get so far, or of whose output the end is
# missing, has one failure.
count()
{
	local counts result took

	read -r result took <"$folder/status-$1"
	counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$folder/output-$1" |
		tail -n 1) || :
	# shellcheck disable=SC2086 # words
	set -- ${counts:-0 passed, 1 failed, 0 skipped}
	[ "$result" -eq 0 ] || [ "$3" -gt 0 ] || [ "$5" -gt 0 ] || set -- "$1" passed, 1
	[ "$result" -ne 0 ] || [ "$3" -eq 0 ] || result=1
	ok=$((ok + $1)) not_ok=$((not_ok + $3)) skip=$((skip + ${5:-0}))
	seconds=${seconds:+$seconds and }$took
	[ "$status" -ne 0 ] || status=$result
}

# explain SET: from the summary on; all of it is in the file.
explain()
{
	local output=$folder/output-$1 result

	read -r result _ <"$folder/status-$1"
	[ "$result" -ne 0 ] || return 0
	if grep -q '^What did not pass:\|^After the tests:' "$output"; then
		sed -n '/^What did not pass:/,$p; /^After the tests:/,$p' "$output" |
			awk '!seen[$0]++' | head -n 120
	else
		tail -n 80 "$output"
	fi | sed 's/^/# /'
}

# Do its guests go on?
is_running()
{
	local set

	for set in $(sets_of "$1"); do
		[ -e "$FOLDER/$1/status-$set" ] || return 0
	done
	return 1
}

# tell KERNEL: its line, as soon as there is all of it
tell()
{
	local folder=$FOLDER/$1 status=0 ok=0 not_ok=0 skip=0 seconds='' sets set

	while is_running "$1"; do
		kill -0 "${lanes[@]}" 2>/dev/null || ! is_running "$1" ||
			die "what runs the guests has ended early" "see $FOLDER/$1"
		sleep 1
	done
	sets=$(sets_of "$1")
	for set in $sets; do
		count "$set"
	done
	passed=$((passed + ok)) failed=$((failed + not_ok)) skipped=$((skipped + skip))
	if [ "$status" -eq 0 ]; then
		printf 'ok - '
	else
		printf 'not ok - '
		bad="$bad $1"
	fi
	printf '%s (%s): %d passed, %d failed, %d skipped, %s s\n' "$1" \
		"$("$HERE/kernel.sh" version "$1")" "$ok" "$not_ok" "$skip" "$seconds"
	for set in $sets; do
		explain "$set"
	done
}

# What the tests measured on each kernel
report()
{
	local set

	report_head "$title"
	for kernel in "${kernels[@]}"; do
		printf '\n## %s (%s), %s\n\n' "$kernel" "$("$HERE/kernel.sh" version "$kernel")" \
			"$(date -r "$FOLDER/$kernel/output-torture" +%F)"
		sed -n '/^\(not \)\?ok .* torture\.sh/q; / ms$/d; s/^# # /    /p' \
			"$FOLDER/$kernel/output-torture"
		for set in $(sets_of "$kernel"); do
			grep -E '^(torture|lifetime|suspend)\.sh .* passed|^[0-9]+ passed, ' \
				"$FOLDER/$kernel/output-$set" | sed 's/^/    /'
		done
	done
}

# The tests that "make test" could not run are those of the debug kernel.
conformance()
{
	local log=$FOLDER/conformance.log result=ok

	case " ${kernels[*]} " in
	*" $DEBUG "*)	;;
	*)		return 0 ;;
	esac
	if [ "$(head -n 1 "$TEST_LOG" 2>/dev/null)" != "# commit $commit" ]; then
		say ROWS "not looked at: make test has not been run on $commit"
		return 0
	fi
	"$HERE/conformance.sh" check "$TEST_LOG" "$FOLDER/$DEBUG"/output-* >"$log" || {
		bad="$bad conformance"
		result="not ok"
	}
	ok=$(grep -c '^ok ' "$log" || :) not_ok=$(grep -c '^not ok ' "$log" || :)
	passed=$((passed + ok)) failed=$((failed + not_ok))
	printf '%s - conformance: %d rows hold, %d do not\n' "$result" "$ok" "$not_ok"
	sed -n '/^not ok /,/^ok /{/^ok /d; s/^/# /; p}' "$log"
}

what=check
LANES=2
if [ "${1:-}" = --torture ]; then
	what=torture
	LANES=1
	shift
fi
[ $# -ge 1 ] || die "usage: check.sh [--torture] SHARE [KERNEL...]"
FOLDER=$BUILD/$what
SEED=${AUDIO_MODULE_TORTURE_SEED:-$(date +%s)}
share=$1
shift
title="make torture${*:+ KERNELS=\"$*\"}"
if [ $# -gt 0 ]; then
	kernels=("$@")
elif [ $what = check ]; then
	mapfile -t kernels < <("$HERE/kernel.sh" list check)
else
	mapfile -t kernels < <("$HERE/kernel.sh" list)
fi
commit=$(describe_commit)
mkdir -p "$FOLDER"
trap clean_up EXIT
start_builds
"$HERE/image.sh"
get_debian
finish_builds
for kernel in "${kernels[@]}"; do
	make_share "$kernel"
done
say GUEST "booting ${kernels[*]}"
report_programs &
ticker=$!
run_guests "$LANES"
for kernel in "${kernels[@]}"; do
	tell "$kernel"
done
kill "$ticker"
case $what in
check)		conformance ;;
torture)	report >"$FOLDER/report.md" ;;
esac
[ -z "$bad" ] || say FAILED "$bad: see $FOLDER"
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ -z "$bad" ]
