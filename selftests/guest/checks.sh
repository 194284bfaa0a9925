# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Checks that say nothing when all is well. To be sourced: makes the folder $work for them, which is
# removed at the end.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# check NAME COMMAND...: passes when the command says nothing and ends with 0
check()
{
	local name=$1

	shift
	if "$@" >"$work/messages" 2>&1 && [ ! -s "$work/messages" ]; then
		passed=$((passed + 1))
		echo "ok - $name"
	else
		failed=$((failed + 1))
		echo "not ok - $name"
		sed 's/^/# /' "$work/messages"
	fi
}

# The last line, and the exit status: of all checks
conclude_checks()
{
	echo
	echo "$passed passed, $failed failed, 0 skipped"
	[ "$failed" -eq 0 ]
}
