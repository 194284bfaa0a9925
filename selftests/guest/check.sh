#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A quick set of the selftests on every kernel of the file "kernels" but the first, one guest after
# the other; "make check" calls it. One line for each kernel, and what went wrong: the cases, or the
# kernel's own report.
#
#	check.sh SHARE [KERNEL...]	SHARE has root/ and selftests/, as for "make test"
#
# When there is the log of a whole "make test", too, and the debug kernel was one of them, the rows of
# the conformance table are looked at with the results of both; they count as one case each.
#
# Logs stay in .build/check/KERNEL/: output, console, and share/, with which run.sh boots again.
# The last line counts the cases of all kernels; the exit status is 0 when each passed.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
CHECK=$(cd "$HERE/../.." && pwd)/.build/check
TEST_LOG=$CHECK/../test.log
DEBUG=6.1-debug

# One kernel runs the programs that are built for i386, too: where they take least time.
I386=6.12

# Emulation and checkers together are slow; a guest that hangs is no excuse to wait for ever.
TIMEOUT=7200

passed=0
failed=0
skipped=0
bad=

# The same programs for every kernel, and modules of its own.
make_share()
{
	rm -rf "$folder"
	mkdir -p "$folder/share"
	cp -al "$share/root" "$share/selftests" "$folder/share/"
	"$HERE/stage-modules.sh" "$kernel" "$folder/share"
	"$HERE/stage-driver.sh" "$kernel" "$folder/share"
}

# watch COMMAND...: how many programs have ended, every some seconds
watch()
{
	local ticker status=0 start=$SECONDS

	while sleep "$PROGRESS_SECONDS"; do
		printf '  … %s: %d programs done (%d s)\n' "$kernel" \
			"$(grep -c '^\(not \)\?ok .* selftests: ' "$folder/output" || :)" \
			$((SECONDS - start)) >&2
	done &
	ticker=$!
	"$@" >"$folder/output" 2>&1 || status=$?
	kill "$ticker"
	wait "$ticker" 2>/dev/null || :
	return "$status"
}

# What the guest counted; a guest that did not get so far has one failure.
count()
{
	local counts

	counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$folder/output" |
		tail -n 1) || :
	# shellcheck disable=SC2086 # words
	set -- ${counts:-0 passed, 0 failed, 0 skipped}
	ok=$1 not_ok=$3 skip=$5
	[ "$status" -eq 0 ] || [ "$not_ok" -gt 0 ] || [ "$skip" -gt 0 ] || not_ok=1
}

# From the summary on; all of it is in the file.
explain()
{
	if grep -q '^What did not pass:\|^After the tests:' "$folder/output"; then
		sed -n '/^What did not pass:/,$p; /^After the tests:/,$p' "$folder/output" |
			awk '!seen[$0]++' | head -n 120
	else
		tail -n 80 "$folder/output"
	fi | sed 's/^/# /'
}

check()
{
	local start=$SECONDS status=0 release words=(check)

	folder=$CHECK/$kernel
	"$HERE/kernel.sh" get "$kernel"
	make_share
	release=$("$HERE/kernel.sh" version "$kernel")
	say GUEST "$kernel ($release)"
	[ "$kernel" != $I386 ] || words+=(i386)
	watch "$HERE/run.sh" --kernel "$kernel" --share "$folder/share" --timeout "$TIMEOUT" \
		--console "$folder/console" -- /mnt/build/selftests/run-in-guest.sh "${words[@]}" ||
		status=$?
	count
	passed=$((passed + ok)) failed=$((failed + not_ok)) skipped=$((skipped + skip))
	if [ "$status" -eq 0 ]; then
		printf 'ok - '
	else
		printf 'not ok - '
		bad="$bad $kernel"
	fi
	printf '%s (%s): %d passed, %d failed, %d skipped, %d s\n' "$kernel" "$release" \
		"$ok" "$not_ok" "$skip" $((SECONDS - start))
	[ "$status" -eq 0 ] || explain
}

# The tests that "make test" could not run are those of the debug kernel.
conformance()
{
	local log=$CHECK/conformance.log result=ok

	case " ${kernels[*]} " in
	*" $DEBUG "*)	[ -r "$TEST_LOG" ] || return 0 ;;
	*)		return 0 ;;
	esac
	"$HERE/conformance.sh" check "$TEST_LOG" "$CHECK/$DEBUG/output" >"$log" || {
		bad="$bad conformance"
		result="not ok"
	}
	ok=$(grep -c '^ok ' "$log" || :) not_ok=$(grep -c '^not ok ' "$log" || :)
	passed=$((passed + ok)) failed=$((failed + not_ok))
	printf '%s - conformance: %d rows hold, %d do not\n' "$result" "$ok" "$not_ok"
	sed -n '/^not ok /,/^ok /{/^ok /d; s/^/# /; p}' "$log"
}

[ $# -ge 1 ] || die "usage: check.sh SHARE [KERNEL...]"
share=$1
shift
if [ $# -eq 0 ]; then
	# The first one has "make test".
	mapfile -t kernels < <("$HERE/kernel.sh" list | tail -n +2)
else
	kernels=("$@")
fi
"$HERE/image.sh"
for kernel in "${kernels[@]}"; do
	check
done
conformance
[ -z "$bad" ] || say FAILED "$bad: see $CHECK"
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ -z "$bad" ]
