#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# 50 clients of one daemon on a bus, a flood, clients and daemons that are killed, and clients that
# misbehave: who survives was told of each notification once. What is done and what must be is in
# crowd.c; this gives it a bus and says which rule was broken.
#
# AUDIO_MODULE_CROWD_NOTIFICATIONS: how many are sent (5000)

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

set -u
PATH=$PATH:/usr/sbin:/sbin
CROWD=$(cd "$(dirname "$0")" && pwd)/crowd
NOTIFICATIONS=${AUDIO_MODULE_CROWD_NOTIFICATIONS:-5000}

# broken RULE: what crowd says of it
broken()
{
	sed -n "s/^$1: //p" "$TMP/crowd" | head -n 10
}

begin 10
start_bus
"$CROWD" "$address" "$NOTIFICATIONS" >"$TMP/crowd" 2>"$TMP/crowd.log"
status=$?
sed -n '/the end$/d; s/^figures: /# /p' "$TMP/crowd"

check_all "all 50 clients subscribe, and no survivor's subscription ends" "$(broken subscribe)"
check_all "each client follows, and the story comes to its end" "$(
	broken story
	if ! has crowd '^figures: the end$' || [ $status -ne 0 ]; then
		echo "it ended with $status"
		tail -n 10 "$TMP/crowd" "$TMP/crowd.log"
	fi
)"
check_all "what each survivor received and was told is lost is what was sent" "$(broken sum)"
check_all "nothing comes twice, out of order or with other bytes" "$(broken order)"
check_all "clients with the kernel's fd lose nothing" "$(broken fd)"
check_all "clients by signals get what the cap allows, and no more" "$(broken cap)"
check_all "each of them goes on with each daemon, and the last one ends well" "$(broken daemon)"
check_all "clients that were killed are forgotten" "$(broken forgotten)"
check_all "those that misbehave hurt nobody else" "$(broken rude)"

stop_all
problems=$(unload 2>&1)$(log_trouble)
check_all "nothing is left: both modules unload, and the kernel has no complaint" "$problems"

finish
