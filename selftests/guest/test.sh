#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# All selftests, and then the conformance table, whose rows are as many cases more: "make test"
# calls it, when all is built.
#
#	test.sh KERNEL
#
# Two guests work side by side, as one leaves half of two CPUs idle: one with the tests of the
# kernel modules, and after it one that systemd boots; the other with the tests of userspace. The
# output of the first two is shown as it comes, the other's afterwards; all of it is kept in
# .build/test.log. The last line counts all cases; the exit status is 0 when each of them passed,
# else that of the first guest that did not end well, or 1.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
BUILD=$TOP/.build
# A program that hangs is ended, and named, before.
TIMEOUT=4500
COUNTS='^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$'

# guest NAME OPTION...: its tests' output
guest()
{
	local name=$1

	shift
	"$HERE/run.sh" --kernel "$kernel" --timeout "$TIMEOUT" --console "$BUILD/console-$name.log" \
		"$@" -- "/mnt/build/selftests/run-in-guest.sh $name"
}

# All but the line with the counts, which is not the last one here.
pass_on()
{
	awk -v counts="$COUNTS" '$0 ~ counts { next } { print; fflush() }'
}

# in_background NAME OPTION...: the same, into files
in_background()
{
	local result=0

	guest "$@" >"$BUILD/test-$1.log" 2>&1 </dev/null || result=$?
	echo "$result" >"$BUILD/test-$1.status"
}

# in_foreground NAME OPTION...: shown, and into files
in_foreground()
{
	local result=0

	guest "$@" | tee "$BUILD/test-$1.log" | pass_on || result=$?
	echo "$result" >"$BUILD/test-$1.status"
}

# A line now and then until the process has ended
wait_for_userspace()
{
	local ticker

	report_progress "the tests of userspace go on" &
	ticker=$!
	wait "$1" || :
	kill "$ticker" 2>/dev/null || :
	wait "$ticker" 2>/dev/null || :
}

# counts_of FILE: its words; a guest that did not get so far has one failure
counts_of()
{
	grep -E "$COUNTS" "$1" | tail -n 1 | tr -d , || echo "0 passed 1 failed 0 skipped"
}

# count NAME: what that guest counted; a kernel that reported trouble later is one failure more.
count()
{
	local result

	result=$(cat "$BUILD/test-$1.status")
	# shellcheck disable=SC2046 # words
	set -- $(counts_of "$BUILD/test-$1.log")
	passed=$((passed + $1)) skipped=$((skipped + $5))
	if [ "$result" -ne 0 ] && [ "$3" -eq 0 ] && [ "$5" -eq 0 ]; then
		failed=$((failed + 1))
	else
		failed=$((failed + $3))
	fi
	[ "$status" -ne 0 ] || status=$result
}

count_conformance()
{
	# shellcheck disable=SC2046 # words
	set -- $(counts_of "$BUILD/conformance.log")
	passed=$((passed + $1)) failed=$((failed + $3))
}

run_guests()
{
	local other

	rm -f "$BUILD"/test-*.log "$BUILD"/test-*.status
	in_background userspace &
	other=$!
	trap 'pkill -P "$other" || :' EXIT
	in_foreground kernel
	in_foreground systemd --systemd
	wait_for_userspace "$other"
	trap - EXIT
	pass_on <"$BUILD/test-userspace.log"
	{
		echo "# commit $commit"
		cat "$BUILD"/test-{kernel,systemd,userspace}.log
	} >"$BUILD/test.log"
}

# The summary of each guest is far above by then, and that of the conformance table, too.
say_again()
{
	printf '\nWhat did not pass:\n'
	for name in kernel systemd userspace; do
		awk -v counts="$COUNTS" '
			/^What did not pass:|^After the tests:/ { inside = 1; next }
			$0 ~ counts { inside = 0 }
			inside && NF' "$BUILD/test-$name.log"
		grep -q -E "$COUNTS" "$BUILD/test-$name.log" ||
			echo "  the guest \"$name\" did not come to its end: .build/test-$name.log"
	done
	grep -E '^(not ok |# )' "$BUILD/conformance.log" | sed 's/^/  conformance: /' || :
}

[ $# -eq 1 ] || die "usage: test.sh KERNEL"
kernel=$1
commit=$(describe_commit)
passed=0 failed=0 skipped=0 status=0
run_guests
for name in kernel systemd userspace; do
	count "$name"
done
"$HERE/conformance.sh" check "$BUILD/test.log" >"$BUILD/conformance.log" ||
	[ "$status" -ne 0 ] || status=1
echo "# conformance: selftests/conformance.rows; the results are in .build/conformance.md"
pass_on <"$BUILD/conformance.log"
count_conformance
if [ "$status" -ne 0 ]; then
	say_again
fi
echo
echo "$passed passed, $failed failed, $skipped skipped"
# The end of some output may be missing.
[ "$failed" -eq 0 ] || [ "$status" -ne 0 ] || status=1
exit "$status"
