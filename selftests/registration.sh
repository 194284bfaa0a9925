#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What a driver registers wrongly is refused with the error that is documented, and leaves nothing
# behind. The driver of the virtual card makes the mistakes: module/virtual/registration.c.

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

HOOKS=/sys/kernel/debug/snd-audio-module-virtual

# The results in KTAP, as the cases of this test
pass_on()
{
	while read -r line; do
		case $line in
		"ok "*)		pass "${line#ok * }" ;;
		"not ok "*)
			read -r reason
			reason=${reason#\# expected }
			fail "${line#not ok * }" "${reason%%, got *}" "${reason#*, got }"
			;;
		esac
	done <"$TMP/results"
}

begin 56
load
before=$(objects)
cat "$HOOKS/card$card/registration" >"$TMP/results" ||
	echo "# $HOOKS/card$card/registration cannot be read"
pass_on
check "nothing is left of it" "$before" "$(objects)"
check "the kernel says nothing bad" "" "$(log_trouble)"
finish
