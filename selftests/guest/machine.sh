# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A test on a machine of its own kind, booted by systemd. To be sourced, with HERE, and with FOLDER,
# whose share/ has the test in selftests/; what it says and the console are kept beside that.

# run_machine KIND KERNEL TIMEOUT TEST: counts its cases; the exit status is the guest's
run_machine()
{
	local status=0 passed failed

	"$HERE/image.sh" "$1"
	say GUEST "booting kernel $("$HERE/kernel.sh" version "$2"); some minutes"
	"$HERE/run.sh" --kernel "$2" --share "$FOLDER/share" --console "$FOLDER/console" \
		--image "$1" --systemd --timeout "$3" -- "/mnt/build/selftests/$4" |
		tee "$FOLDER/output" || status=$?
	passed=$(grep -c '^ok ' "$FOLDER/output" || :)
	failed=$(grep -c '^not ok ' "$FOLDER/output" || :)
	[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
	echo
	echo "$passed passed, $failed failed, 0 skipped"
	return "$status"
}
