#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Are the nets of "make check" and "make lint" there? Each file of selftests/planted/ puts one fault
# into the code, says which net must catch it, and with what message. This plants them one after the
# other in a clone of the last commit, runs the tests or the checks that it names, and looks for the
# message. "make planted" calls it.
#
#	plant.sh SHARE [NAME...]	SHARE has root/ and selftests/, as for "make test"
#
# A file begins with lines "Net:", "Fault:", "Run:" ("lint", or tests for the debug kernel) and
# "Expect:" (a regular expression; there may be several); a patch follows.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
PLANTED=$TOP/.build/planted
KERNEL=6.1-debug

# A fault may well hang the guest; the message came before.
TIMEOUT=900

passed=0
failed=0

# value FILE WORD: what the head of a file says
value()
{
	sed -n "/^---/q; s/^$2: //p" "$1"
}

clone()
{
	rm -rf "$folder"
	mkdir -p "$folder"
	git clone -q "$TOP" "$folder/tree"
	git -C "$folder/tree" apply "$file"
	# lint reads what git knows.
	git -C "$folder/tree" add -A
}

run_lint()
{
	"$folder/tree/selftests/guest/lint.sh"
}

run_tests()
{
	mkdir -p "$folder/share"
	cp -al "$share/root" "$share/selftests" "$folder/share/"
	"$folder/tree/selftests/guest/stage-modules.sh" "$KERNEL" "$folder/share"
	# shellcheck disable=SC2086 # several names
	"$folder/tree/selftests/guest/run.sh" --kernel "$KERNEL" --share "$folder/share" \
		--console "$folder/console" --timeout "$TIMEOUT" -- \
		/mnt/build/selftests/run-in-guest.sh test $1
}

run()
{
	case $1 in
	lint)	run_lint ;;
	*)	run_tests "$1" ;;
	esac
}

# The first line of the logs that matches; fails when there is none
caught()
{
	grep -a -h -m 1 -E -- "$1" "$folder/console" "$folder/output" 2>/dev/null \
		>"$folder/caught" || [ -s "$folder/caught" ] || return
	sed -n '1 { s/\r//g; s/^# *//; s/^\[ *[0-9.]*\] *//; p }' "$folder/caught"
}

plant()
{
	local name=$1 start=$SECONDS status=0 expected missed='' message

	file=$TOP/selftests/planted/$name.patch
	folder=$PLANTED/$name
	[ -e "$file" ] || die "there is no planted fault '$name'" "ls selftests/planted"
	clone
	report_progress "$name" &
	ticker=$!
	run "$(value "$file" Run)" >"$folder/output" 2>&1 || status=$?
	kill "$ticker"
	wait "$ticker" 2>/dev/null || :
	while read -r expected; do
		message=$(caught "$expected") || missed="$missed $expected"
		[ -z "$message" ] || printf '#   %s\n' "$message"
	done < <(value "$file" Expect)
	if [ "$status" -ne 0 ] && [ -z "$missed" ]; then
		passed=$((passed + 1))
		printf 'ok - %s: caught by %s (%d s)\n' "$name" "$(value "$file" Net)" \
			$((SECONDS - start))
		rm -rf "$folder"
	else
		failed=$((failed + 1))
		printf 'not ok - %s: exit status %d, not seen:%s (see %s)\n' "$name" "$status" \
			"$missed" "$folder"
	fi
}

[ $# -ge 1 ] || die "usage: plant.sh SHARE [NAME...]"
share=$1
shift
[ $# -gt 0 ] || mapfile -t names < <(cd "$TOP/selftests/planted" && ls -- *.patch)
[ $# -eq 0 ] || names=("$@")
"$HERE/kernel.sh" get "$KERNEL"
"$HERE/image.sh"
for name in "${names[@]}"; do
	plant "${name%.patch}"
done
echo
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
