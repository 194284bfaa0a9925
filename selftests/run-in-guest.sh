#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What "make test" and "make demo" run inside the guest, from the installed selftests.
#
#	run-in-guest.sh test [NAME...]	all test programs, or those, by the kernel's own runner
#	run-in-guest.sh check [i386]	what "make check" runs on each kernel; "i386": and the 32-bit
#					programs
#	run-in-guest.sh torture NOTIFICATIONS CYCLES SEED
#					the long tests: how many are sent, how often the modules are
#					loaded and the card unbound
#	run-in-guest.sh quick [NAME...]	those first, then the others of what it runs on each kernel
#	run-in-guest.sh failures	what it runs beside that where allocations can be let fail
#	run-in-guest.sh kernel		of those of "test", what is about the kernel modules first of all
#	run-in-guest.sh tools		what "make test-tools" runs: audiomodulectl, pages, examples
#	run-in-guest.sh userspace	and the others
#	run-in-guest.sh suspend TIMES	the machine goes to sleep so often
#	run-in-guest.sh systemd		what needs a machine that systemd has booted
#	run-in-guest.sh fuzz SECONDS	fuzz/program with libFuzzer; fuzz_one FILE, fuzz_merge: see fuzz.sh
#	run-in-guest.sh counted SET	a set of those above, and what gcov counted in the modules
#	run-in-guest.sh coverage	of "kernel" what needs no other driver
#	run-in-guest.sh demo		the story end to end
#	run-in-guest.sh shell		a prompt with everything set up
#
# AUDIO_MODULE_REPORTS: a folder where checkers of programs write what they find, see
# guest/sanitize.sh. AUDIO_MODULE_SLOW: how many times slower those make them (1).
#
# "test" ends with "N passed, N failed, N skipped", the cases inside the programs, and with 0 only
# when none failed and none was skipped.

COLLECTION=audio_module
OBJECTS=/sys/kernel/debug/snd-audio-module/objects
KMEMLEAK=/sys/kernel/debug/kmemleak
FUZZ=/mnt/build/fuzz
GCOV=/sys/kernel/debug/gcov

# What "make test" runs in a guest of its own, beside the others' one.
KERNEL="buffers journal notification_fd command streams map elements elements.sh lifetime.sh"
KERNEL="$KERNEL registration.sh driver.sh torture.sh"
# What is for people more than for programs, and takes its time.
TOOLS="doctor.sh man.sh examples.sh"
# What touches the kernel most; less than 3 minutes on a kernel without checkers.
QUICK="buffers registration.sh journal notification_fd command streams map elements lifetime.sh"
# Programs built for i386, on the 64-bit kernel.
I386="buffers_i386 notification_fd_i386 command_i386 map_i386"
SYSTEMD="systemd.sh"
SUSPEND="suspend.sh"
# For a kernel that can let allocations fail.
FAILURES="fault_injection fault_injection_i386"

HERE=$(cd "$(dirname "$0")" && pwd)

die()
{
	echo "run-in-guest.sh: $1" >&2
	exit 1
}

# What a booted system has and this guest, which starts no services, lacks.
set_up()
{
	mkdir -p /dev/snd /run/dbus /run/lock /var/lib/alsa
	[ -s /etc/machine-id ] || dbus-uuidgen >/etc/machine-id
	[ ! -e /usr/lib/sysusers.d/audiomodule.conf ] || systemd-sysusers
	# Each case loads the modules anew: without modprobe's look at its tables, the set takes half
	# as long.
	path=$(modinfo -n snd-audio-module) || die "the modules are not installed for $(uname -r)"
	export AUDIO_MODULE_DIR="${path%/*}"
}

# --- test ---------------------------------------------------------------------------------------

# The layout that the kernel's runner expects: the collection in a folder beside kselftest/.
lay_out()
{
	root=$(mktemp -d)
	trap 'rm -rf "$root"' EXIT
	ln -s "$HERE" "$root/$COLLECTION"
	ln -s "$HERE/kselftest" "$root/kselftest"
	cp "$HERE/run_kselftest.sh" "$root/"
	cp "$HERE/kselftest-list.txt" "$root/"
}

# All that every kernel can run
default_tests()
{
	sed "s/^$COLLECTION://" "$HERE/kselftest-list.txt" | grep -v \
		"^fault_injection\|_i386\$\|^$SYSTEMD\$\|^$SUSPEND\$"
}

# Those of them that are in no other set
userspace_tests()
{
	default_tests | grep -v -x -F "$(echo "$KERNEL $TOOLS" | tr ' ' '\n')"
}

# quick_tests [i386]
quick_tests()
{
	echo "$QUICK"
	[ "${1:-}" != i386 ] || echo "$I386"
}

# tests NAME...: as arguments of the runner
tests()
{
	for name in "$@"; do
		grep -q -x "$COLLECTION:$name" "$HERE/kselftest-list.txt" ||
			die "there is no test '$name'; there are: $(
				sed "s/^$COLLECTION://" "$HERE/kselftest-list.txt" | tr '\n' ' ')"
		echo "-t $COLLECTION:$name"
	done
}

now()
{
	awk '{ print int($1 + 0.5) }' /proc/uptime
}

# Passes the runner's output on as it comes, and writes down when each program ended.
watch()
{
	start=$(now)
	while IFS= read -r line; do
		printf '%s\n' "$line"
		printf '%s\n' "$line" >&3
		case $line in
		"ok "*" selftests: "* | "not ok "*" selftests: "*)
			end=$(now)
			echo "@seconds $((end - start))" >&3
			start=$end
			;;
		esac
	done 3>"$root/log"
}

# summarise PROGRAMS: how many were asked for. The cases inside each program are behind one "# ". A
# program that ended badly without a failed case, or ran fewer cases than it planned, counts as one
# more failure, and so do programs that are missing.
summarise()
{
	awk '
	function lost(why) {
		failed++
		trouble[++troubles] = program ": " why
	}
	/^# selftests: / {
		program = $NF
		passed = failed = skipped = 0
		planned = -1
	}
	/^# 1\.\.[0-9]+/ { planned = substr($2, 4) + 0 }
	/^# (not )?ok [0-9]+/ {
		kept = 0
		if (/# SKIP/) {
			skipped++
			trouble[++troubles] = program ": " substr($0, 3)
		} else if ($2 == "ok") {
			passed++
		} else {
			failed++
			trouble[++troubles] = program ": " substr($0, 3)
			kept = 1
			for (i = 1; i <= reasons; i++)
				trouble[++troubles] = program ":   " reason[i]
		}
		reasons = 0
		next
	}
	# The harness says why before the result, scripts behind it.
	/^# #  RUN / { reasons = 0 }
	/^# # [a-z0-9_]+\.c:[0-9]+:|^# # .*Test (failed|terminated)/ && reasons < 20 {
		reason[++reasons] = substr($0, 5)
	}
	/^# # expected / && kept { trouble[++troubles] = program ":   " substr($0, 3) }
	/^(not )?ok [0-9]+ selftests: / {
		ran = passed + failed + skipped
		if (planned >= 0 && ran < planned)
			lost("ran " ran " of " planned " cases")
		else if (/^not ok/ && !failed)
			lost($0)
		else if (/# SKIP/ && !skipped) {
			skipped++
			trouble[++troubles] = program ": skipped"
		} else if (!ran)
			lost("ran no case")
		next
	}
	/^@seconds / {
		line[++programs] = sprintf("%-20s %4d passed %4d failed %4d skipped %5d s",
					   program, passed, failed, skipped, $2)
		all_passed += passed
		all_failed += failed
		all_skipped += skipped
	}
	END {
		if (programs < wanted) {
			program = "the runner"
			lost("ended after " programs " of " wanted " programs")
			all_failed++
		}
		print ""
		for (i = 1; i <= programs; i++)
			print line[i]
		if (troubles)
			print "\nWhat did not pass:"
		for (i = 1; i <= troubles; i++)
			print "  " trouble[i]
		print all_passed + 0, all_failed + 0, all_skipped + 0 >counts
	}' counts="$root/counts" wanted="$1" "$root/log"
}

# Memory that nobody refers to, told by kernels that look for it. An object is only suspected when
# it is 5 s old and two scans did not find a reference.
leaks()
{
	[ -e $KMEMLEAK ] || return
	sleep 6
	{ echo scan && sleep 1 && echo scan; } >$KMEMLEAK || echo "kmemleak is off"
	head -n 100 $KMEMLEAK
}

# A checker that turned itself off has seen nothing since.
checkers()
{
	[ ! -e /proc/lockdep_stats ] || grep -q 'debug_locks: *1$' /proc/lockdep_stats ||
		echo "lockdep turned itself off: $(grep debug_locks /proc/lockdep_stats)"
}

# What checkers found in programs. Those write nothing, or an empty file, when all is well.
reports()
{
	[ -n "${AUDIO_MODULE_REPORTS:-}" ] || return
	find "$AUDIO_MODULE_REPORTS" -type f -size +0 | sort | head -n 20 |
		while read -r report; do
			echo "$report:"
			head -n 60 "$report"
		done
}

# What must hold when all is over. One line for each thing that does not.
aftermath()
{
	if grep -q '^snd_audio_module_virtual ' /proc/modules; then
		rmmod snd_audio_module_virtual || echo "the driver cannot be unloaded"
	fi
	[ -e $OBJECTS ] || modprobe snd-audio-module || echo "the core cannot be loaded"
	alive=$(awk '$2 != 0 { printf " %s %s", $1, $2 }' $OBJECTS)
	[ -z "$alive" ] || echo "objects are left:$alive"
	rmmod snd_audio_module || echo "the core cannot be unloaded"
	leaks
	checkers
	reports
	dmesg | awk -f "$HERE/kernel_reports.awk"
}

do_test()
{
	[ -e "$HERE/kselftest-list.txt" ] || die "no tests are installed in $HERE"
	lay_out
	# Daemons are ordinary users.
	[ -z "${AUDIO_MODULE_REPORTS:-}" ] || mkdir -m 1777 "$AUDIO_MODULE_REPORTS"
	# What the kernel itself lost before.
	[ ! -e $KMEMLEAK ] || echo clear >$KMEMLEAK
	# shellcheck disable=SC2046 # several names
	[ $# -gt 0 ] || set -- $(default_tests)
	arguments=$(tests "$@") || exit 1
	wanted=$#
	# shellcheck disable=SC2086 # several arguments
	set -- $arguments
	"$root/run_kselftest.sh" "$@" 2>&1 | watch
	summarise "$wanted"
	aftermath >"$root/aftermath"
	if [ -s "$root/aftermath" ]; then
		echo
		echo "After the tests:"
		sed 's/^/  /' "$root/aftermath"
	fi
	read -r passed failed skipped <"$root/counts"
	[ ! -s "$root/aftermath" ] || failed=$((failed + 1))
	[ "$passed" -gt 0 ] || failed=$((failed + 1))
	echo
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$skipped" -eq 0 ]
}

# do_test_all NAMES: one word of names
do_test_all()
{
	# shellcheck disable=SC2086 # several names
	do_test $1
}

few_cycles()
{
	export AUDIO_MODULE_LOADS=5 AUDIO_MODULE_BINDS=6
}

do_check()
{
	few_cycles
	do_test_all "$(quick_tests "$@")"
}

do_quick()
{
	few_cycles
	# shellcheck disable=SC2086 # several names
	do_test_all "$(printf '%s\n' "$@" $QUICK | awk '!seen[$0]++')"
}

do_torture()
{
	[ $# -eq 3 ] || die "usage: run-in-guest.sh torture NOTIFICATIONS CYCLES SEED"
	export AUDIO_MODULE_TORTURE_NOTIFICATIONS="$1" AUDIO_MODULE_TORTURE_SEED="$3"
	export AUDIO_MODULE_LOADS="$2" AUDIO_MODULE_BINDS="$2"
	do_test torture.sh lifetime.sh
}

# --- suspend ------------------------------------------------------------------------------------

# The driver of the share knows of no sleep, and nobody who reads there afterwards wakes up: what is
# needed is copied before.
do_suspend()
{
	export AUDIO_MODULE_SUSPENDS="$1"
	copy=$(mktemp -d)
	cp -r "$HERE/." "$copy/"
	cd "$copy" || exit
	exec "$copy/run-in-guest.sh" test $SUSPEND
}

# --- coverage -----------------------------------------------------------------------------------

# The files' sizes are not known before they are read, so they cannot be packed where they are.
keep_counts()
{
	[ -d $GCOV ] || die "this kernel does not count lines"
	(cd $GCOV && find . -name '*.gcda') | grep /module/ | while read -r counts; do
		mkdir -p "$1/${counts%/*}"
		cat "$GCOV/$counts" >"$1/$counts"
	done
}

do_counted()
{
	"$0" "$@"
	status=$?
	keep_counts "/mnt/build/counts/$1"
	return $status
}

# --- fuzz ---------------------------------------------------------------------------------------

# libfuzzer OPTION-OR-FILE...: the program of calls. An input that takes longer than all others do
# hangs. One with which the kernel ended the program, which then could not keep it, is kept here.
# Looking each second what other fuzzers put into the corpus would take most of the time.
libfuzzer()
{
	# Then nothing but the program ends.
	echo 0 >/proc/sys/kernel/panic_on_oops
	modprobe snd-audio-module-virtual || die "the modules cannot be loaded"
	export AUDIO_MODULE_FUZZ_CURRENT=/run/fuzz-current
	"$FUZZ/program" -timeout=120 -report_slow_units=120 -max_len=512 -len_control=10 -reload=0 \
		-entropic_scale_per_exec_time=1 -artifact_prefix="$FUZZ/findings/" "$@"
	status=$?
	[ $status -lt 128 ] || cp "$AUDIO_MODULE_FUZZ_CURRENT" "$FUZZ/findings/current"
	return $status
}

# do_fuzz SECONDS
do_fuzz()
{
	[ ! -e $KMEMLEAK ] || echo clear >$KMEMLEAK
	libfuzzer -max_total_time="$1" -print_final_stats=1 "$FUZZ/corpus" "$FUZZ/seeds"
	failed=$?
	aftermath >/run/aftermath
	[ ! -s /run/aftermath ] || failed=1
	sed 's/^/After it: /' /run/aftermath
	return $failed
}

what=${1:-}
[ $# -eq 0 ] || shift
cd "$HERE" || exit
set_up
case $what in
test)	do_test "$@" ;;
check)	do_check "$@" ;;
quick)	do_quick "$@" ;;
torture) do_torture "$@" ;;
failures) do_test_all "$FAILURES" ;;
kernel)	do_test_all "$KERNEL" ;;
tools)	do_test_all "$TOOLS" ;;
coverage) few_cycles; do_test_all "$(echo "$KERNEL" | sed 's/ driver.sh//; s/ elements.sh//')" ;;
counted) do_counted "$@" ;;
userspace) do_test_all "$(userspace_tests)" ;;
systemd) do_test "$SYSTEMD" ;;
suspend) do_suspend "$@" ;;
fuzz)	do_fuzz "$@" ;;
fuzz_one) AUDIO_MODULE_FUZZ_TELL=1 libfuzzer "/mnt/build/$1" ;;
fuzz_merge) libfuzzer -merge=1 "$FUZZ/merged" "$FUZZ/seeds" "$FUZZ/corpus" ;;
demo)	exec ./demo.sh "$@" ;;
shell)	exec bash -i ;;
*)	die "say test, kernel, userspace, tools, check, quick, torture, failures, systemd, fuzz, demo or shell" ;;
esac
