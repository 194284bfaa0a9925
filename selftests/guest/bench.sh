#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a notification costs, counted in instructions: selftests/bench.c in a guest with one CPU whose
# clock counts them. The figures are compared with those on record in selftests/bench.recorded, for
# the same kernel and compiler: more than 5 % above is a failure, and so is a figure without one.
# Beside them stands what the same costs by other ways, from selftests/bench_rivals.c, and, from
# selftests/bench_clock.c in a guest with two CPUs, what only a clock can tell. What the daemon hands
# out, from selftests/bench_daemon.c, must cost what the kernel's own does, and a client that has
# stopped nobody but itself.
#
#	bench.sh KERNEL			"make bench"
#	bench.sh KERNEL record		"make bench RECORD=1": puts the figures on record
#
# The figures stay in .build/bench.txt and, for programs, in .build/bench.json; plots of some in
# .build/bench-*.svg, and "record" puts those in selftests/, too. Where nothing is on
# record for the kernel and compiler, nothing can be compared: one case is skipped, and the line
# before the last says how to record.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
BUILD=$TOP/.build
RECORDED=$TOP/selftests/bench.recorded
TIMEOUT=900

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
	grep '^#' "$BUILD/bench.all" >"$BUILD/bench.floods"
}

# And the memory of all that.
measure_daemon()
{
	"$HERE/run.sh" --kernel "$kernel" --count --timeout "$TIMEOUT" -- \
		"modprobe snd-audio-module-virtual && /mnt/build/selftests/bench_memory &&
		 dbus-run-session sh -c \
		 'audiomoduled --bus=session 2>/dev/null & /mnt/build/selftests/bench_daemon \$!'" \
		>"$BUILD/bench.all" || die "the guest ended badly" "see $BUILD/console.log"
	grep '_kib ' "$BUILD/bench.all" >"$BUILD/bench.memory"
	grep -v '_kib ' "$BUILD/bench.all" >"$BUILD/bench.daemon"
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

# show_medians FILE TITLE
show_medians()
{
	awk -v title="$2" '
	BEGIN { printf "#\n# %-44s %10s %10s %10s\n", title, "median", "least", "most" }
	{ printf "# %-44s %10s %10s %10s\n", $1, $2, $3, $4 }' "$1"
}

# What ours costs beside the rivals, from what was just measured.
show_rivals()
{
	awk '
	{ figure[$1] = $2 }
	function known(name) { return name in figure ? sprintf("%.0f", figure[name]) : "-" }
	function both(name, size) {
		name = "rival_" name "_" size
		return figure[name "_send"] + figure[name "_read"]
	}
	function beside(name, what, size,   all) {
		all = both(name, size)
		name = "rival_" name "_" size
		printf "# %-36s %7s %7s %7.0f %7.1f\n", what, known(name "_send"),
		       known(name "_read"), all, all / ours
	}
	function by_size(name, what) {
		printf "# %-36s", what
		for (i = 1; i <= 4; i++)
			printf " %8s", ("rival_" name "_" size[i] "_send") in figure ? \
				sprintf("%.0f", both(name, size[i])) : "-"
		printf "\n"
	}
	function by_readers(name, what) {
		printf "# %-36s %8s %8s %8s %8s %8s %8s\n", what,
		       known("rival_" name "_woken_1"), known("rival_" name "_woken_8"),
		       known("rival_" name "_woken_64"), known("rival_" name "_beside_1"),
		       known("rival_" name "_beside_8"), known("rival_" name "_beside_64")
	}
	END {
		split("8 64 512 64000", size)
		ours = both("ours_mapped", 64)
		printf "# %-36s %7s %7s %7s %7s\n", "instructions of a value of 64 bytes",
		       "send", "read", "both", "/ ours"
		beside("ours_mapped", "ours, from the mapped journal", 64)
		beside("ours", "ours, by read", 64)
		beside("bpf_same", "BPF ring buffer, the same record", 64)
		beside("bpf", "BPF ring buffer, the 64 bytes alone", 64)
		beside("control", "ALSA control event and ELEM_READ", 64)
		beside("netlink", "generic netlink multicast", 64)
		beside("evdev", "input events, 16 of 4 bytes", 64)
		beside("evdev_4", "input event, 4 bytes only", 8)
		beside("dbus", "D-Bus signal, with the bus daemon", 64)
		printf "#\n# %-36s %8s %8s %8s %8s\n", "both, by bytes of the value", "8", "64",
		       "512", "64000"
		by_size("ours_mapped", "ours, from the mapped journal")
		by_size("ours", "ours, by read")
		by_size("bpf_same", "BPF ring buffer, the same record")
		by_size("bpf", "BPF ring buffer, the bytes alone")
		by_size("control", "ALSA control event and ELEM_READ")
		by_size("netlink", "generic netlink multicast")
		by_size("evdev", "input events of 4 bytes")
		by_size("dbus", "D-Bus signal, with the bus daemon")
		printf "#\n# %-36s %26s %26s\n", "a value of 64 bytes, by readers that",
		       "sleep until it comes", "do not read (send only)"
		printf "# %-36s %8s %8s %8s %8s %8s %8s\n", "", "1", "8", "64", "1", "8", "64"
		by_readers("ours", "ours, by read")
		by_readers("bpf_same", "BPF ring buffer, the same record")
		by_readers("control", "ALSA control event and ELEM_READ")
		by_readers("netlink", "generic netlink multicast")
		by_readers("evdev", "input events, 16 of 4 bytes")
		printf "#\n"
	}' "$BUILD/bench.txt" "$BUILD/bench.rivals"
	cat "$BUILD/bench.floods"
}

write_json()
{
	awk -v kernel="$release" -v compiler="$compiler" '
	BEGIN { printf "{\"kernel\":\"%s\",\"compiler\":\"%s\",\"unit\":\"instructions, where the name says nothing else\"", \
		       kernel, compiler }
	{ printf ",\"%s\":%s", $1, $2 }
	END { print "}" }' "$BUILD/bench.txt" "$BUILD/bench.rivals" "$BUILD/bench.daemon" \
		"$BUILD/bench.memory" "$BUILD/bench.clock" \
		>"$BUILD/bench.json"
}

# columns TITLE FIGURES WAYS VALUE...: a line for each value, a column for each way; FIGURES: how the
# names of its figures end, N for the value, + between those that are added
columns()
{
	local title=$1 figures=$2 ways=$3

	shift 3
	awk -v title="$title" -v figures="$figures" -v ways="$ways" -v values="$*" '
	{ figure[$1] = $2 }
	function sum(way, value,   all, i, name) {
		for (i = 1; i <= terms; i++) {
			name = "rival_" way "_" term[i]
			sub(/N/, value, name)
			if (!(name in figure))
				return "-"
			all += figure[name]
		}
		return all
	}
	END {
		terms = split(figures, term, "+")
		columns = split(ways, way)
		lines = split(values, value)
		print title, ways
		for (i = 1; i <= lines; i++) {
			printf "%s", value[i]
			for (j = 1; j <= columns; j++)
				printf " %s", sum(way[j], value[i])
			printf "\n"
		}
	}' "$BUILD/bench.rivals"
}

plot()
{
	columns bytes N_send+N_read "ours_mapped ours bpf_same bpf control netlink evdev dbus" \
		8 64 512 64000 >"$BUILD/bench.sizes"
	columns readers beside_N "ours control netlink evdev" 1 8 64 >"$BUILD/bench.readers"
	gnuplot -c "$HERE/bench.gnuplot" "$BUILD/bench.sizes" "$BUILD/bench.readers" "$BUILD"
	sed -i '1a <!-- SPDX-License-Identifier: GPL-2.0 -->' "$BUILD"/bench-*.svg
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
	cp "$BUILD"/bench-*.svg "$TOP/selftests/"
	say RECORD "$RECORDED: commit it"
}

# A case for each figure, and one for each that is on record and was not measured.
compare()
{
	awk -v key="$release $compiler" -v tolerance=$TOLERANCE '
	FILENAME == ARGV[1] {
		if ($1 " " $2 == key)
			on_record[$3] = $4
		next
	}
	FILENAME == ARGV[2] {
		median[$1] = $2
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
	function within(what, figure, limit) {
		tell(figure <= limit, sprintf("%s: %.0f instructions, at most %.0f", what, figure,
					      limit))
	}
	function beside_stalled(way) {
		within(way ", its client beside clients that have stopped",
		       median[way "_client_beside_stalled"],
		       median[way "_client"] * (1 + tolerance / 100))
		# It wakes clients; the scheduler decides how often that is in its own time.
		within(way ", its sender beside clients that have stopped, or read",
		       median[way "_sender_beside_stalled"],
		       median[way "_sender_beside_others"] * (1 + tolerance / 100))
	}
	END {
		print "TAP version 13"
		within("a client by a handed-out fd as by the kernel",
		       median["handed_out_fd_client"],
		       median["kernel_fd_client"] * (1 + tolerance / 100))
		beside_stalled("kernel_fd")
		beside_stalled("handed_out_fd")
		beside_stalled("signals")
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
			printf "ok %d - instructions # SKIP none on record for %s\n", ++cases, key
			print "# to record these: make bench RECORD=1"
			skipped = 1
		}
		print "1.." cases
		printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed > 0
	}' "$RECORDED" "$BUILD/bench.daemon" "$BUILD/bench.txt"
}

kernel=${1:?usage: bench.sh KERNEL [record]}
release=$("$HERE/kernel.sh" version "$kernel")
# Modules are built with this one, unless the kernel wants another.
compiler=$("$HERE/kernel.sh" compiler "$kernel")
[ "$compiler" != - ] || compiler=gcc-$(gcc -dumpfullversion)
say GUEST "counting instructions ($release, $compiler)"
measure
measure_daemon
say GUEST "measuring by the clock ($release)"
measure_by_clock
write_json
plot
show_rivals
awk '
	BEGIN { printf "#\n# %-44s %10s\n", "memory", "KiB" }
	{ printf "# %-44s %10s\n", $1, $2 }' "$BUILD/bench.memory"
show_medians "$BUILD/bench.daemon" "instructions of a client, and its sender"
show_medians "$BUILD/bench.clock" "by the clock, two emulated CPUs"
echo '#'
case ${2:-} in
'')		compare ;;
record)		record ;;
*)		die "there is no '$2'" "usage: bench.sh KERNEL [record]" ;;
esac
