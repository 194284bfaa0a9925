# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A test on a machine of its own kind. To be sourced, with HERE, and with FOLDER, whose share/ (SHARE
# is another one) has the test in selftests/; what it says and the console are kept beside that.

# boot_machine KIND KERNEL TIMEOUT TEST RUN-OPTION...: the exit status is the guest's
boot_machine()
{
	local kind=$1 kernel=$2 timeout=$3 test=$4

	shift 4
	say GUEST "booting kernel $("$HERE/kernel.sh" version "$kernel"), for $test"
	"$HERE/run.sh" --kernel "$kernel" --share "${SHARE:-$FOLDER/share}" --console "$FOLDER/console" \
		--image "$kind" --timeout "$timeout" "$@" -- "/mnt/build/selftests/$test" |
		tee -a "$FOLDER/output"
}

# count_cases STATUS: of all that ran, which ended so
count_cases()
{
	local passed failed

	passed=$(grep -c '^ok ' "$FOLDER/output" || :)
	failed=$(grep -c '^not ok ' "$FOLDER/output" || :)
	[ "$1" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
	echo
	echo "$passed passed, $failed failed, 0 skipped"
}

# run_machine KIND KERNEL TIMEOUT TEST: with systemd, and that is all that runs
run_machine()
{
	local status=0

	"$HERE/image.sh" "$1"
	boot_machine "$@" --systemd || status=$?
	count_cases "$status"
	return "$status"
}
