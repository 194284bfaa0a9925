#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which lines of the kernel modules do the tests run? Builds the modules so that they count, runs
# the tests of the kernel modules and the failures on the debug kernel, in two guests side by side,
# and reads what both counted with gcov. "make coverage" calls it.
#
#	coverage.sh SHARE	SHARE has root/ and selftests/, as for "make test"
#	coverage.sh --report	of the last run's counts once more
#
# selftests/coverage.reasons says of lines that no test can run why not: one that is missed and has no
# reason, and a reason whose line was run, or is not there any more, fails this, as less than 95 of
# 100 lines do. A reason that begins with "by chance: " is of a line that some runs get to: it is
# stale only when its line is not there. .build/coverage/ has output and console of each set, and
# report.md.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
FOLDER=$TOP/.build/coverage
REASONS=$TOP/selftests/coverage.reasons
KERNEL=6.1-debug
SETS=(coverage failures)
TIMEOUT=3600
LEAST=95	# of 100

make_share()
{
	mkdir -p "$FOLDER/share"
	cp -al "$1/root" "$1/selftests" "$FOLDER/share/"
	install -m 755 "$TOP/selftests/run-in-guest.sh" "$FOLDER/share/selftests/"
	GCOV_PROFILE=y "$HERE/stage-modules.sh" "$KERNEL" "$FOLDER/share"
	# What gcov reads beside the counts is where the objects are.
	objects=$TOP/.build/modules/$("$HERE/kernel.sh" version "$KERNEL")
	cp -r "$objects/module" "$FOLDER/objects"
}

# guest SET: its tests, into files
guest()
{
	local status=0

	"$HERE/run.sh" --kernel "$KERNEL" --share "$FOLDER/share" --timeout "$TIMEOUT" \
		--console "$FOLDER/console-$1" -- \
		"/mnt/build/selftests/run-in-guest.sh counted $1" \
		>"$FOLDER/output-$1" 2>&1 </dev/null || status=$?
	echo "$status" >"$FOLDER/status-$1"
}

run_guests()
{
	local set ticker guests=()

	say GUEST "booting $KERNEL, for ${SETS[*]}"
	report_progress "running the tests" &
	ticker=$!
	for set in "${SETS[@]}"; do
		guest "$set" &
		guests+=("$!")
	done
	wait "${guests[@]}"
	kill "$ticker"
}

# A set that does not pass fails this, but what it counted is told all the same.
all_passed()
{
	local set result=0

	for set in "${SETS[@]}"; do
		[ "$(cat "$FOLDER/status-$set")" -eq 0 ] || {
			say FAILED "the set '$set': see $FOLDER/output-$set"
			result=1
		}
	done
	return $result
}

# --- what was counted ---------------------------------------------------------------------------

# The counts of both guests in one, beside the objects' own files
merge_counts()
{
	local counts=$FOLDER/share/counts module

	rm -rf "$FOLDER/merged"
	gcov-tool merge "$counts/${SETS[0]}" "$counts/${SETS[1]}" -o "$FOLDER/merged"
	module=$(find "$FOLDER/merged" -type d -name module)
	cp -r "$module/." "$FOLDER/objects/"
}

# A line for each of ours: file, function, line, how often it ran; the headers' from all objects
read_counts()
{
	find "$FOLDER/objects" -name '*.gcda' | sort | while read -r counts; do
		gcov --json-format --stdout --object-directory "${counts%/*}" "$counts"
	done | jq -r '.files[] | .file as $file | .lines[] |
		[$file, .function_name // "-", .line_number, .count] | @tsv' |
		sed -n 's|^.*/module/\([^\t]*\.[ch]\t\)|\1|p' |
		awk -F '\t' '
			{ key = $1 "\t" $2 "\t" $3; count[key] += $4 }
			END { for (key in count) print key "\t" count[key] }' |
		sort -t '	' -k 1,1 -k 3,3n >"$FOLDER/lines"
	[ -s "$FOLDER/lines" ] || die "nothing was counted" "see $FOLDER"
}

# The same with each line's text, without the space around it
add_text()
{
	local file function line count

	while IFS='	' read -r file function line count; do
		printf '%s\t%s\t%s\t%s\t%s\n' "$file" "$function" "$line" "$count" \
			"$(sed -n "${line}{s/^[ \t]*//; s/[ \t]*$//; p; q}" "$TOP/module/$file")"
	done <"$FOLDER/lines" >"$FOLDER/lines-with-text"
}

# Of the reasons, "file function | text | why" each, and the lines: the report, in Markdown
write_report()
{
	add_text
	report_head "make coverage" "$KERNEL" >"$FOLDER/report.md"
	awk -F '\t' -v reasons="$REASONS" -v least="$LEAST" '
	BEGIN {
		while ((getline line < reasons) > 0) {
			if (line !~ /^[^#]/)
				continue
			split(line, part, " \\| ")
			why[part[1] " | " part[2]] = part[3]
		}
	}
	{
		there["module/" $1 " " $2 " | " $5]
		lines[$1]++
		total++
		if ($4 > 0) {
			ran[$1]++
			ran_in_all++
			next
		}
		key = "module/" $1 " " $2 " | " $5
		used[key]
		missed[++count] = sprintf("| %s:%d `%s` | `%s` | %s |", $1, $3, $2, $5,
					  key in why ? why[key] : "**the reason is not known**")
		if (!(key in why))
			unknown++
	}
	END {
		printf "| file | lines | ran | |\n|---|---|---|---|\n"
		n = 0
		for (file in lines)
			names[++n] = file
		for (i = 1; i <= n; i++)
			for (j = i + 1; j <= n; j++)
				if (names[j] < names[i]) {
					file = names[i]; names[i] = names[j]; names[j] = file
				}
		for (i = 1; i <= n; i++)
			printf "| %s | %d | %d | %.1f %% |\n", names[i], lines[names[i]],
				ran[names[i]], 100 * ran[names[i]] / lines[names[i]]
		printf "| all | %d | %d | %.1f %% |\n", total, ran_in_all, 100 * ran_in_all / total
		printf "\n| missed | line | why |\n|---|---|---|\n"
		for (i = 1; i <= count; i++)
			print missed[i]
		for (key in why)
			if (why[key] ~ /^by chance: / ? !(key in there) : !(key in used)) {
				stale++
				printf "\nA reason for what was run, or is not there: %s\n", key
			}
		printf "\n%d of %d lines ran; of %d that did not the reason is not known\n",
			ran_in_all, total, unknown
		exit !(100 * ran_in_all >= least * total && !unknown && !stale)
	}' "$FOLDER/lines-with-text" >>"$FOLDER/report.md"
}

# shellcheck disable=SC2034 # for report_head()
commit=$(describe_commit)
case ${1:-} in
--report)
	[ -d "$FOLDER/objects" ] || die "there was no run yet" "make coverage"
	;;
'')
	die "usage: coverage.sh SHARE | --report"
	;;
*)
	rm -rf "$FOLDER"
	mkdir -p "$FOLDER"
	"$HERE/image.sh"
	"$HERE/kernel.sh" get "$KERNEL"
	make_share "$1"
	run_guests
	merge_counts
	read_counts
	;;
esac
status=0
write_report || status=$?
all_passed || status=1
tail -n 1 "$FOLDER/report.md"
say REPORT "$FOLDER/report.md"
if [ "$status" -eq 0 ]; then
	echo "1 passed, 0 failed, 0 skipped"
else
	echo "0 passed, 1 failed, 0 skipped"
fi
exit "$status"
