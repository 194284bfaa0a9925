#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The machine goes to sleep (ACPI's S3) and its clock wakes it, while a driver sends, a stream plays,
# and programs sleep in each way to hear of it: afterwards all goes on, and no sequence is missing.
#
# AUDIO_MODULE_SUSPENDS: how often; without it nothing is done, as nobody wants that of a machine at
# which somebody sits.

set -u

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

SUSPENDS=${AUDIO_MODULE_SUSPENDS:-0}
SECONDS_ASLEEP=2
SUCCESSES=/sys/power/suspend_stats/success

if [ "$SUSPENDS" -eq 0 ]; then
	echo "TAP version 13"
	echo "1..0 # SKIP AUDIO_MODULE_SUSPENDS does not say how often"
	exit 4
fi

# --- what goes on meanwhile ---------------------------------------------------------------------

# shellcheck disable=SC2317 # called by start
play()
{
	tr '\0' '\20' </dev/zero | aplay -q -D "hw:$card,0" -t raw -f S16_LE -r 48000 -c 2 -
}

# shellcheck disable=SC2317 # called by start
send_on()
{
	while hook send "endpoint=0 count=10 size=64"; do
		sleep 0.02
	done
}

frames_played()
{
	sed -n 's/^hw_ptr *: //p' "/proc/asound/card$card/pcm0p/sub0/status"
}

# shellcheck disable=SC2317 # called by wait_for
plays_on()
{
	[ "$(frames_played)" -gt "$1" ]
}

# --- what was heard -----------------------------------------------------------------------------

newest()
{
	ctl info --local Speaker | sed -n 's/^ *newest sequence *//p'
}

# shellcheck disable=SC2317 # called by wait_for
heard()
{
	jq -e -n --argjson newest "$2" '[inputs | .sequence // .last // 0] | max >= $newest' \
		<"$TMP/$1" >/dev/null
}

# What is wrong with what a monitor said: each sequence is there, or told lost, once, up to the newest
missing()
{
	jq -r 'select(.type != "changed") | [.type, (.sequence // .first), (.sequence // .last), (.timestamp_ns // 0)] | @tsv' \
		"$TMP/$1" |
		awk -v newest="$2" '
		$1 != "notification" && $1 != "lost" { print "a record that is none: " $0 }
		NR > 1 && $2 != next_one { print "expected " next_one ", got " $0 }
		$1 == "notification" && $4 < time { print "time goes back: " $0 }
		{ next_one = $3 + 1; time = $1 == "notification" ? $4 : time; heard++ }
		$1 == "lost" { lost += $3 - $2 + 1 }
		END {
			if (next_one != newest + 1)
				print "the last one is " next_one - 1 ", not " newest
			print heard " records, " lost + 0 " lost" >told
		}' told="$TMP/told"
	echo "# $1: $(cat "$TMP/told")" >&3
}

# --- the cases ----------------------------------------------------------------------------------

begin 7
exec 3>&1
load
start_bus
nodes audio 660
start daemon audiomoduled
wait_for 20 ctl list
watch local 1 --local --json Speaker
watch fd 1 --fd --json Speaker
watch signals 1 --json Speaker
start play play
player=$!
start send send_on
sender=$!

slept=$(cat $SUCCESSES)
for _ in $(seq "$SUSPENDS"); do
	rtcwake -m mem -s $SECONDS_ASLEEP >"$TMP/rtcwake" 2>&1 || cat "$TMP/rtcwake"
	sleep 0.5
done
check "the machine went to sleep and came back" "$SUSPENDS" "$(($(cat $SUCCESSES) - slept))"
frames=$(frames_played)
check "what played goes on" "yes" "$(wait_for 10 plays_on "$frames" && echo yes)"

# What sends is stopped before what is newest is asked for; the player is a child of what was started.
stop $sender $player
pkill -x aplay
newest=$(newest)
until sleep 0.3 && [ "$(newest)" -eq "$newest" ]; do
	newest=$(newest)
done
for reader in local fd signals; do
	wait_for 20 heard $reader "$newest"
	check_all "a monitor by $reader hears all, before and after" "$(missing $reader "$newest")"
done
check_all "the kernel has no complaint" "$(log_trouble)"
stop_all
check_all "both modules can be unloaded, and nothing is left" "$(
	unload 2>&1
	load_core
	objects
	unload 2>&1
)"
finish
