#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The conformance table: what the Windows model asks for, what this port does, and the tests that
# show it. Its rows are in selftests/conformance.rows, to be edited by hand.
#
#	conformance.sh table		makes selftests/conformance.md of the rows
#	conformance.sh check LOG...	with the results of a whole "make test", whose output LOG is,
#					and of "make check" on the debug kernel when there are more:
#					makes .build/conformance.md; prints TAP, a case for each row,
#					then "N passed, N failed, 0 skipped"
#	conformance.sh self-test	breaks rows on purpose; says what was not noticed
#
# Ends with 1 when something is wrong: on stderr, or in the TAP, one line each.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

TOP=$(cd "$(dirname "$0")/../.." && pwd)
TESTS=$TOP/selftests
TABLE=$TESTS/conformance.md
RESULTS=$TOP/.build/conformance.md

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

head_of_table()
{
	cat <<-'END'
	<!-- SPDX-License-Identifier: GPL-2.0 -->
	<!-- Made of conformance.rows by "make conformance": edit that. -->
	# What of Windows' model is here, and which test shows it

	One row for each feature of PortCls' model of audio-module notifications, and in front of
	them one for each parameter, return value and remark of Microsoft's page of
	`IPortClsNotifications::AllocNotificationBuffer`. M: it must be there; S: it should; O: it may.
	The rules' numbers, IF-4 and the like, are in the code and the tests, too; what a rule says, its row
	does. `make test` ends with a look at each row: it
	fails when a test that is named here failed, was skipped or did not run; `.build/conformance.md`
	is then this table with the results. Tests of `fault_injection` need a kernel that lets memory
	fail: `make check`, which has one, looks at each row again, with those.
	END
}

# make_table ROWS TABLE [LOG...]: what is wrong is in $work/problems, and as TAP in $work/cases
make_table()
{
	local rows=$1 table=$2

	shift 2
	head_of_table >"$work/head"
	: >"$table"
	awk -f "$TESTS/conformance.awk" -v head="$work/head" -v table="$table" \
		-v problems="$work/problems" -v cases="$work/cases" -v results="${1:+1}" \
		-v complete="${2:+1}" kind=source "$TESTS"/*.c "$TESTS"/*.sh ${1:+kind=log "$@"} \
		kind=rows "$rows"
}

do_table()
{
	make_table "$TESTS/conformance.rows" "$TABLE" && return
	cat "$work/problems" >&2
	return 1
}

# Is the table in the tree the one that the rows give? It is a case of its own.
check_table()
{
	local number=$1

	make_table "$TESTS/conformance.rows" "$work/table" || :
	if cmp -s "$TABLE" "$work/table"; then
		echo "ok $number - selftests/conformance.md is what the rows give"
	else
		echo "not ok $number - selftests/conformance.md is what the rows give"
		echo "# it differs: run make conformance, and commit it"
	fi
}

do_check()
{
	local log count passed failed

	for log in "$@"; do
		[ -r "$log" ] || die "there is no log $log" "run make test"
	done
	make_table "$TESTS/conformance.rows" "$RESULTS" "$@" || :
	cp "$work/cases" "$work/tap"
	count=$(grep -c -E '^(not )?ok ' "$work/tap")
	check_table $((count + 1)) >>"$work/tap"
	echo "TAP version 13"
	echo "1..$((count + 1))"
	cat "$work/tap"
	passed=$(grep -c '^ok ' "$work/tap" || :)
	failed=$(grep -c '^not ok ' "$work/tap" || :)
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" -eq 0 ]
}

# --- self-test ----------------------------------------------------------------------------------

# A row that holds, whatever the real ones are.
sample_row()
{
	cat <<-END
	row $1 M
	feature: a feature
	rules: IF-11
	port: what it does
	test: buffers:buffers.if11_send_copies
	difference: none

	END
}

# noticed MESSAGE SCRIPT [LOG]: rows that sed broke must give this message
noticed()
{
	local message=$1 script=$2 log=${3:-}

	sed -E "$script" "$work/good.rows" >"$work/broken.rows"
	if make_table "$work/broken.rows" "$work/broken.md" ${log:+"$log"}; then
		echo "rows are taken for good that are not: $script"
	fi
	grep -q -x -F -e "$message" "$work/problems" ||
		echo "'$script' gives no '$message' but: $(head -n 3 "$work/problems")"
}

do_self_test()
{
	local number key test=buffers:buffers.if11_send_copies log=$work/log

	for key in PoolType NumberOfBytes NotificationBuffer STATUS_SUCCESS \
			STATUS_INVALID_PARAMETER STATUS_INSUFFICIENT_RESOURCES IRQL nonpaged; do
		sample_row "$key"
	done >"$work/good.rows"
	for number in $(seq 85); do
		sample_row "$number"
	done >>"$work/good.rows"
	printf '# selftests: audio_module: buffers\n# ok 1 buffers.if11_send_copies\n' >"$log"
	make_table "$work/good.rows" "$work/good.md" "$log" ||
		echo "good rows are not taken: $(head -n 3 "$work/problems")"

	noticed "row 7: has no test" '/^row 7 /,/^row 8 /{/^test/d}'
	noticed "row 7: is not optional in the model" 's/^row 7 M/row 7 O/'
	noticed "row 7: is missing" '/^row 7 /,/^$/d'
	noticed "row 7: is there twice" 's/^row 8 M/row 7 M/'
	noticed "row 86: is no feature of the model" 's/^row 7 M/row 86 M/'
	noticed "row Pool: is no feature of the model" 's/^row PoolType M/row Pool M/'
	noticed "row PoolType: is missing" 's/^row PoolType M/row Pool M/'
	noticed 'row 7: the line is not "row NUMBER M|S|O"' 's/^row 7 M/row 7/'
	noticed 'row 7: has no field "difference"' '/^row 7 /,/^row 8 /{/^difference/d}'
	noticed 'row 7: has two fields "rules"' '/^row 7 /,/^row 8 /s/^port/rules/'
	noticed "row 1: line 60 is no field: colour: what it does" '60s/^port/colour/'
	noticed "row 7: there is no test: buffers:buffers.if11_sends" \
		'/^row 7 /,/^row 8 /s/if11_send_copies/if11_sends/'
	noticed "row 7: none of its rules (IF-1) is in the source of $test" \
		'/^row 7 /,/^row 8 /s/^rules: .*/rules: IF-1/'
	noticed "row 36: has neither a test nor a reason" \
		's/^row 36 M/row 36 O/;/^row 36 /,/^row 37 /{/^test/d}'
	noticed "row 7: test did not run: buffers:buffers.if11_sends" \
		'/^row 7 /,/^row 8 /s/if11_send_copies/if11_sends/' "$log"
	sed -i 's/^# ok/# not ok/' "$log"
	noticed "row 7: test failed: $test" '' "$log"
	sed -i 's/^# not ok.*/& # SKIP no card/' "$log"
	noticed "row 7: test skipped: $test" '' "$log"
}

case ${1:-}/$# in
table/1)	do_table ;;
check/[2-9])	do_check "${@:2}" ;;
self-test/1)	do_self_test ;;
*)		die "usage: conformance.sh table | check LOG... | self-test" ;;
esac
