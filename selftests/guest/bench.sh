#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a notification costs, counted in instructions: selftests/bench.c in a guest with one CPU whose
# clock counts them. The figures are compared with those on record in selftests/bench.recorded, for
# the same kernel and compiler: more than 5 % above is a failure, and so is a figure without one.
# Beside them stands what the same costs by other ways, from selftests/bench_rivals.c, and, from
# selftests/bench_clock.c in a guest with two CPUs, what only a clock can tell.
#
#	bench.sh KERNEL			"make bench"
#	bench.sh KERNEL record		"make bench RECORD=1": puts the figures on record
#
# The figures stay in .build/bench.txt and, for programs, in .build/bench.json. Where nothing is on
# record for the kernel and compiler, nothing can be compared: one case is skipped, and the line
# before the last says how to record.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
BUILD=$TOP/.build
RECORDED=$TOP/selftests/bench.recorded
TIMEOUT=300

# Figures of two runs differ by less than 2 %: where the clock's ticks fall.
TOLERANCE=5

measure()
{
	"$HERE/run.sh" --kernel "$kernel" --count --timeout "$TIMEOUT" -- \
		"modprobe -a snd-audio-module-virtual evdev && /mnt/build/selftests/bench &&
		 insmod /mnt/build/rivals/audio-module-rivals.ko &&
		 dbus-run-session /mnt/build/selftests/bench_rivals" \
		>"$BUILD/bench.all" || die "the guest ended badly" "see $BUILD/console.log"
	# Rivals are other people's code: measured, shown, and no reason to fail.
	grep -v '^#\|^rival_' "$BUILD/bench.all" >"$BUILD/bench.txt"
	grep '^rival_' "$BUILD/bench.all" >"$BUILD/bench.rivals"
}

# Times depend on the machine and on what else it does: shown, and no reason to fail. The clock is
# the CPU's, as on machines that are one: where the kernel does not trust that of an emulated CPU, it
# reads a device each time, and the emulator lets one CPU at a time do that.
measure_by_clock()
{
	"$HERE/run.sh" --kernel "$kernel" --timeout "$TIMEOUT" \
		--append "clocksource=tsc tsc=reliable" -- \
		"modprobe snd-audio-module-virtual && /mnt/build/selftests/bench_clock" \
		>"$BUILD/bench.clock" || die "the guest ended badly" "see $BUILD/console.log"
}

show_clock()
{
	awk '
	BEGIN { printf "# %-36s %10s %10s %10s\n", "by the clock, two emulated CPUs", "median", \
		       "least", "most" }
	{ printf "# %-36s %10s %10s %10s\n", $1, $2, $3, $4 }' "$BUILD/bench.clock"
}

# What ours costs beside the rivals, from what was just measured.
show_rivals()
{
	awk '
	{ figure[$1] = $2 }
	function beside(name, what) {
		theirs = figure["rival_" name "_send"] + figure["rival_" name "_read"]
		woken = figure["rival_" name "_woken"]
		printf "# %-36s %7.0f %7.0f %7.0f %7.1f %7s\n", what,
		       figure["rival_" name "_send"], figure["rival_" name "_read"], theirs,
		       theirs / ours, woken ? sprintf("%.0f", woken) : "-"
	}
	END {
		ours = figure["post_64"] + figure["mapped_64"]
		printf "# %-36s %7s %7s %7s %7s %7s\n", "instructions of a value of 64 bytes",
		       "send", "read", "both", "/ ours", "woken"
		printf "# %-36s %7.0f %7.0f %7.0f %7.1f %7s\n", "ours, from the mapped journal",
		       figure["post_64"], figure["mapped_64"], ours, 1, "-"
		printf "# %-36s %7.0f %7.0f %7.0f %7.1f %7.0f\n", "ours, by read", figure["post_64"],
		       figure["read_64"], figure["post_64"] + figure["read_64"],
		       (figure["post_64"] + figure["read_64"]) / ours,
		       figure["rival_ours_woken"]
		beside("bpf_same", "BPF ring buffer, the same record")
		beside("bpf", "BPF ring buffer, the 64 bytes alone")
		beside("control", "ALSA control event and ELEM_READ")
		beside("netlink", "generic netlink multicast")
		beside("evdev_64", "input events, 16 of 4 bytes")
		beside("evdev_4", "input event, 4 bytes only")
		beside("dbus", "D-Bus signal, with the bus daemon")
	}' "$BUILD/bench.txt" "$BUILD/bench.rivals"
	grep '^#' "$BUILD/bench.all"
}

write_json()
{
	awk -v kernel="$release" -v compiler="$compiler" '
	BEGIN { printf "{\"kernel\":\"%s\",\"compiler\":\"%s\",\"unit\":\"instructions, where the name says nothing else\"", \
		       kernel, compiler }
	{ printf ",\"%s\":%s", $1, $2 }
	END { print "}" }' "$BUILD/bench.txt" "$BUILD/bench.rivals" "$BUILD/bench.clock" \
		>"$BUILD/bench.json"
}

# What was on record for this kernel and compiler goes, and the rest stays.
record()
{
	{
		grep '^#' "$RECORDED"
		{
			awk -v key="$release $compiler " '!/^#/ && index($0, key) != 1' "$RECORDED"
			awk -v key="$release $compiler" '{ print key, $1, $2 }' "$BUILD/bench.txt"
		} | LC_ALL=C sort
	} >"$BUILD/bench.recorded"
	cat "$BUILD/bench.recorded" >"$RECORDED"
	say RECORD "$RECORDED: commit it"
}

# A case for each figure, and one for each that is on record and was not measured.
compare()
{
	awk -v key="$release $compiler" -v tolerance=$TOLERANCE '
	FNR == NR {
		if ($1 " " $2 == key)
			on_record[$3] = $4
		next
	}
	{
		line[++lines] = $0
		name[lines] = $1
		figure[$1] = $2
	}
	function tell(good, text) {
		printf "%sok %d - %s\n", good ? "" : "not ", ++cases, text
		good ? passed++ : failed++
	}
	END {
		print "TAP version 13"
		for (i in on_record)
			known++
		for (i = 1; i <= lines; i++) {
			n = name[i]
			if (!known)
				print "# " line[i]
			else if (!(n in on_record))
				tell(0, n ": " figure[n] " instructions, none on record")
			else
				tell(figure[n] <= on_record[n] * (1 + tolerance / 100),
				     sprintf("%s: %.0f instructions, %.0f on record", n, figure[n],
					     on_record[n]))
		}
		for (n in on_record)
			if (!(n in figure))
				tell(0, n " is on record and was not measured")
		if (!known) {
			print "ok 1 - instructions # SKIP none on record for " key
			print "# to record these: make bench RECORD=1"
			cases = skipped = 1
		}
		print "1.." cases
		printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed > 0
	}' "$RECORDED" "$BUILD/bench.txt"
}

kernel=${1:?usage: bench.sh KERNEL [record]}
release=$("$HERE/kernel.sh" version "$kernel")
# Modules are built with this one, unless the kernel wants another.
compiler=$("$HERE/kernel.sh" compiler "$kernel")
[ "$compiler" != - ] || compiler=gcc-$(gcc -dumpfullversion)
say GUEST "counting instructions ($release, $compiler)"
measure
say GUEST "measuring by the clock ($release)"
measure_by_clock
write_json
show_rivals
show_clock
case ${2:-} in
'')		compare ;;
record)		record ;;
*)		die "there is no '$2'" "usage: bench.sh KERNEL [record]" ;;
esac
