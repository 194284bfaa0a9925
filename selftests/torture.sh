#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Producers in each context on each CPU, readers of each kind, and the card taken away under them:
# each reader was told of each notification, or that it is lost. What is done and what must be is in
# torture.c; this says which rule was broken.
#
# AUDIO_MODULE_TORTURE_NOTIFICATIONS: how many are sent at least (20000)
# AUDIO_MODULE_TORTURE_SEED: of what is left to chance (the time)

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

set -u
TORTURE=$(cd "$(dirname "$0")" && pwd)/torture
NOTIFICATIONS=${AUDIO_MODULE_TORTURE_NOTIFICATIONS:-20000}
SEED=${AUDIO_MODULE_TORTURE_SEED:-$(date +%s)}

# broken RULE: what torture says of it
broken()
{
	sed -n "s/^$1: //p" "$TMP/torture" | head -n 10
}

begin 8
unload
echo "# seed $SEED"
"$TORTURE" "$NOTIFICATIONS" "$SEED" >"$TMP/torture" 2>"$TMP/torture.log"
status=$?
sed -n '/the end$/d; s/^figures: /# /p' "$TMP/torture"

check_all "each reader receives what was sent, or is told that it is lost, once" "$(broken reader)"
check_all "it receives the bytes that were sent, the same as the others" "$(broken bytes)"
check_all "what one producer sends stays in its order" "$(broken order)"
check_all "what was sent is what the journal counted" "$(broken sum)"
check_all "the card answers meanwhile" "$(broken noise)"
check_all "nobody hangs, and the story comes to its end" "$(
	broken end
	if ! grep -q '^figures: the end$' "$TMP/torture"; then
		echo "it ended with $status"
		tail -n 10 "$TMP/torture" "$TMP/torture.log"
	fi
)"
check_all "both modules can be unloaded, and nothing is left" "$(
	unload 2>&1
	load_core
	objects
	unload 2>&1
)"
check_all "the kernel has no complaint" "$(log_trouble)"
log_since "$log_mark" | sed -n 's/.*BUG: KCSAN: /# KCSAN, a failure only if it is above: /p'

finish
