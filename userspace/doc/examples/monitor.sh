#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What audio modules tell, as JSON for jq: monitor.sh [ENDPOINT[/MODULE]]...

audiomodulectl monitor --json "$@" | jq --unbuffered --raw-output '
	if .type == "notification" then
		"\(.address) \(.sequence): \(.data | length / 2) bytes"
	elif .type == "lost" then
		"\(.address) lost \(.first) to \(.last)"
	else
		empty
	end'
