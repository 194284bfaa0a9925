#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fuzzes what reads foreign bytes with libFuzzer, one target after the other: "make fuzz-userspace"
# calls it. A finding ends its target; what made it is kept, and the command that replays it printed.
#
#	run.sh run FOLDER SECONDS [TARGET...]	each target for so long; all of them by default
#	run.sh merge FOLDER [TARGET...]		the corpus of the tree anew: the fewest inputs that reach
#						what it and those in FOLDER reach,
#						and those with a name, as found-*

set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../guest/lib.sh
. "$HERE/../guest/lib.sh"

# An input that takes longer hangs; larger ones than this are no better, and a corpus has none.
TIMEOUT=10
MAX_LEN=4096
KEPT_LEN=2048

build()
{
	say BUILD "fuzzing targets (clang, libFuzzer)"
	with_progress "compiling the targets" "$folder/build.log" \
		make -s -C "$HERE" LIBFUZZER=1 O="$folder/clang" "-j$(nproc)"
}

all_targets()
{
	sed -n 's/^TARGETS := //p' "$HERE/Makefile"
}

# statistic NAME LOG
statistic()
{
	sed -n "s/^stat::$1: *//p" "$2"
}

# The edges of the last line that tells them
edges()
{
	sed -n 's/^#[0-9].* cov: \([0-9]*\) .*/\1/p' "$1" | tail -n 1
}

# row TARGET EXECUTIONS EDGES SECONDS FINDINGS
row()
{
	printf '%-12s %12s %8s %8s %9s\n' "$@"
}

findings_of()
{
	find "$folder/findings" -type f -name "$1-*" | sort
}

fuzz()
{
	with_progress "fuzzing $1" "$folder/$1.log" nice -n 19 "$folder/clang/fuzz_$1" \
		-max_total_time="$seconds" -max_len=$MAX_LEN -timeout=$TIMEOUT \
		-print_final_stats=1 -artifact_prefix="$folder/findings/$1-" \
		"$folder/corpus/$1" "$HERE/corpus/$1"
}

run_target()
{
	local target=$1 log=$folder/$1.log start=$SECONDS finding found

	mkdir -p "$folder/corpus/$target"
	findings_of "$target" | xargs -r rm -f
	if fuzz "$target"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
	found=$(findings_of "$target")
	for finding in $found; do
		say FINDING "to replay it: $folder/clang/fuzz_$target $finding"
	done
	row "$target" "$(statistic number_of_executed_units "$log")" "$(edges "$log")" \
		$((SECONDS - start)) "$(printf '%s' "$found" | grep -c . || :)" >>"$folder/table"
	tail -n 1 "$folder/table"
}

do_run()
{
	local target

	[ "$seconds" -gt 0 ] 2>/dev/null || die "'$seconds' are no seconds" "say SECONDS=600"
	passed=0
	failed=0
	row target executions edges seconds findings >"$folder/table"
	for target in "$@"; do
		run_target "$target"
	done
	echo
	cat "$folder/table"
	echo
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" -eq 0 ]
}

merge()
{
	local target=$1 new=$folder/merged/$1

	rm -rf "$new"
	mkdir -p "$new" "$folder/corpus/$target"
	with_progress "merging $target" "$folder/$target.merge.log" \
		"$folder/clang/fuzz_$target" -merge=1 -max_len=$KEPT_LEN "$new" \
		"$HERE/corpus/$target" "$folder/corpus/$target"
	find "$HERE/corpus/$target" -type f ! -regex '.*/[0-9a-f]*' -exec cp {} "$new" \;
	rm -rf "${HERE:?}/corpus/$target"
	cp -r "$new" "$HERE/corpus/$target"
	say MERGED "$target: $(find "$new" -type f | wc -l) inputs"
}

check_targets()
{
	local target

	for target in "$@"; do
		all_targets | grep -qw -- "$target" || die "there is no target '$target'" \
			"use: $(all_targets)"
	done
}

main()
{
	local action=${1:-}

	[ $# -ge 2 ] || die "usage: run.sh run FOLDER SECONDS [TARGET...] | merge FOLDER [TARGET...]"
	folder=$2
	shift 2
	seconds=${1:-0}
	[ "$action" != run ] || shift
	# shellcheck disable=SC2046 # several names
	[ $# -gt 0 ] || set -- $(all_targets)
	check_targets "$@"
	mkdir -p "$folder/findings"
	build
	case $action in
	run)
		do_run "$@"
		;;
	merge)
		for target in "$@"; do
			merge "$target"
		done
		;;
	*)
		die "there is no action '$action'" "use: run merge"
		;;
	esac
}

main "$@"
