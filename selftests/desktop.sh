#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Beside a real driver and a sound server: QEMU's Intel HDA card with the kernel's own driver, PipeWire
# and WirePlumber as a user's services, which hold all cards. guest/desktop.sh boots that machine.
#
# What notifications cost the sound server is measured: it hears of them by the elements' control
# events, which the doorbell merges.

set -u

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

SERVER=audiouser
SERVICES="pipewire wireplumber"
SOURCE=/mnt/build/source
# How often and how long is measured, without and with so many a second, in turns
ROUNDS=5
SECONDS_MEASURED=20
RATE=1000
# Most that these may cost the servers, in millionths of a CPU. The goal is 1000 of a real one; this one
# is emulated, and the same program's rounds differ by 1500.
MOST_PPM=5000

server()
{
	systemctl --user --machine="$SERVER@.host" "$@"
}

# shellcheck disable=SC2317 # called by holds_both
server_pids()
{
	for service in $SERVICES; do
		server show --value --property=MainPID "$service.service"
	done
}

# Do these hold both cards?
# shellcheck disable=SC2317 # called by wait_for
holds_both()
{
	# shellcheck disable=SC2046 # several
	held=$(for id in $(server_pids); do readlink /proc/"$id"/fd/*; done)
	echo "$held" | grep -q -x "/dev/snd/controlC$card" &&
		echo "$held" | grep -q -x "/dev/snd/controlC$hda"
}

# Microseconds of CPU time that the servers have used, threads that have ended included
cpu_us()
{
	for service in $SERVICES; do
		cat "/sys/fs/cgroup$(server show --value --property=ControlGroup \
			"$service.service")/cpu.stat"
	done | awk '$1 == "usage_usec" { sum += $2 } END { printf "%.0f\n", sum }'
}

# cost COMMAND...: what they use meanwhile, in millionths of a CPU
cost()
{
	used=$(cpu_us)
	start=$(now_ms)
	"$@"
	echo $((($(cpu_us) - used) * 1000 / ($(now_ms) - start)))
}

# How many notifications the card has sent
sent()
{
	audiomodulectl stats --local --json |
		jq '[.. | .newest_sequence? // empty | tonumber] | max'
}

# median FILE: the middle one of its numbers
median()
{
	sort -n "$1" | sed -n "$((ROUNDS / 2 + 1))p"
}

# shellcheck disable=SC2317 # called by cost
# In steps of 50 ms, whatever each of them takes: what is due by then is sent, which is more after a
# step that took long.
send_for_a_while()
{
	begin=$(now_ms)
	given=0
	while
		passed=$(($(now_ms) - begin))
		[ "$passed" -lt $((SECONDS_MEASURED * 1000)) ]
	do
		due=$((RATE * passed / 1000 - given))
		hook send "count=$due size=64 context=process" || return
		given=$((given + due))
		rest=$((50 - ($(now_ms) - begin) % 50))
		sleep "0.$(printf '%03d' "$rest")"
	done
}

begin 9

load
udevadm settle
hda=$(awk '/HDA-Intel/ { print $1; exit }' /proc/asound/cards)
check "the stock driver's card is there" "yes" "$([ -n "$hda" ] && echo yes)"

loginctl enable-linger $SERVER
wait_for 30 systemctl is-active --quiet "user@$(id -u $SERVER).service"
# shellcheck disable=SC2086 # several
server start $SERVICES
wait_for 60 holds_both
check "the sound server holds both cards" "0" "$?"
# What it does when it starts is not what is measured.
sleep 10

sent_before=$(sent)
for round in $(seq $ROUNDS); do
	cost sleep $SECONDS_MEASURED >>"$TMP/idle"
	cost send_for_a_while >>"$TMP/busy"
	echo "# round $round: $(tail -n 1 "$TMP/idle") and $(tail -n 1 "$TMP/busy") millionths"
done
rate=$((($(sent) - sent_before) / ROUNDS / SECONDS_MEASURED))
idle=$(median "$TMP/idle")
busy=$(median "$TMP/busy")
echo "# $SERVICES: $idle millionths of a CPU without notifications, $busy with $rate a second"
check "as many notifications are sent as are meant to be" "yes" \
	"$([ $rate -ge $((RATE * 9 / 10)) ] && echo yes || echo "$rate a second")"
check "the sound server hardly notices them" "yes" \
	"$([ $((busy - idle)) -le $MOST_PPM ] && echo yes || echo "$((busy - idle)) millionths")"

# value CARD ELEMENT: the first of its values
value()
{
	amixer -c "$1" cget name="$2" | sed -n 's/^  : values=\([^,]*\).*/\1/p'
}

# kept CARD ELEMENT: does it come back, when it was set to something else meanwhile?
kept()
{
	amixer -q -c "$1" cset name="$2" 1
	alsactl -U -f "$TMP/state" store
	amixer -q -c "$1" cset name="$2" 2
	alsactl -U -f "$TMP/state" restore
	echo "$1 $(value "$1" "$2")"
}

check "both cards are stored and restored" "$card 1 $hda 1" "$(
	kept "$card" 'Speaker EQ Movie Parameter1' 2>&1) $(
	kept "$hda" 'Master Playback Volume' 2>&1)"

audiomodulectl doctor --local >"$TMP/doctor" 2>&1
check "doctor names who holds the card" "yes" \
	"$(grep -q 'busy.*wireplumber\|busy.*pipewire' "$TMP/doctor" && echo yes)"
make -s -C $SOURCE unload >"$TMP/unload" 2>&1
check "make unload does, too, and leaves it" "2 yes yes" \
	"$? $(grep -q 'wireplumber\|pipewire' "$TMP/unload" && echo yes) $(
		loaded $VIRTUAL && echo yes)"

unbind
check "when the card goes the server lets go, and the modules are unloaded" "0" "$(
	wait_for 30 make -s -C $SOURCE unload >"$TMP/unload" 2>&1
	echo $?)"
load && wait_for 30 holds_both
check "when it comes back the server takes it again" "0" "$?"

# shellcheck disable=SC2086
server stop pipewire.socket $SERVICES
finish
