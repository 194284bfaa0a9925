#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# All selftests in the guest, and then the conformance table, whose rows are as many cases more:
# "make test" calls it, when all is built.
#
#	test.sh KERNEL
#
# The guest's output is kept in .build/test.log. The last line counts all cases; the exit status is
# 0 when each of them passed, run.sh's when that did not end well, else 1.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "$HERE/../.." && pwd)/.build
# A program that hangs is ended, and named, before.
TIMEOUT=4500
COUNTS='^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$'

# All but the line with the counts, which is not the last one here.
pass_on()
{
	awk -v counts="$COUNTS" '$0 ~ counts { next } { print; fflush() }'
}

# counts_of FILE: its words; a guest that did not get so far has one failure
counts_of()
{
	grep -E "$COUNTS" "$1" | tail -n 1 | tr -d , || echo "0 passed 1 failed 0 skipped"
}

# What the guest counted; a kernel that reported trouble later is one failure more.
count_guest()
{
	# shellcheck disable=SC2046 # words
	set -- $(counts_of "$BUILD/test.log")
	passed=$1 failed=$3 skipped=$5
	[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || [ "$skipped" -gt 0 ] || failed=1
}

count_conformance()
{
	# shellcheck disable=SC2046 # words
	set -- $(counts_of "$BUILD/conformance.log")
	passed=$((passed + $1)) failed=$((failed + $3))
}

[ $# -eq 1 ] || die "usage: test.sh KERNEL"
status=0
"$HERE/run.sh" --kernel "$1" --timeout "$TIMEOUT" -- /mnt/build/selftests/run-in-guest.sh test |
	tee "$BUILD/test.log" | pass_on || status=$?
count_guest
"$HERE/conformance.sh" check "$BUILD/test.log" >"$BUILD/conformance.log" ||
	[ "$status" -ne 0 ] || status=1
echo "# conformance: selftests/conformance.rows; the results are in .build/conformance.md"
pass_on <"$BUILD/conformance.log"
count_conformance
if [ "$status" -ne 0 ] && grep -q '^not ok ' "$BUILD/conformance.log"; then
	printf '\nWhat is not as the table says:\n'
	grep -E '^(not ok |# )' "$BUILD/conformance.log" | sed 's/^/  /'
fi
echo
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
