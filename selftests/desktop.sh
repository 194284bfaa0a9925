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
# How long is measured, and how many a second are sent
SECONDS_MEASURED=60
RATE=1000
# Most that these may cost the servers, in millionths of a CPU; emulated, so not the last word
MOST_PPM=5000

server()
{
	systemctl --user --machine="$SERVER@.host" "$@"
}

# server_pids
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

# Nanoseconds of CPU time that the servers have used
cpu_ns()
{
	for id in $(server_pids); do
		cat /proc/"$id"/task/*/schedstat
	done | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# cost COMMAND...: what they use meanwhile, in millionths of a CPU
cost()
{
	before=$(cpu_ns)
	start=$(now_ms)
	"$@"
	echo $((($(cpu_ns) - before) / ($(now_ms) - start)))
}

# shellcheck disable=SC2317 # called by cost
# In steps of 50 ms, whatever each of them takes
send_for_a_while()
{
	begin=$(now_ms)
	step=0
	while [ "$(now_ms)" -lt $((begin + SECONDS_MEASURED * 1000)) ]; do
		hook send "count=$((RATE / 20)) size=64 context=process" || return
		step=$((step + 1))
		rest=$((begin + step * 50 - $(now_ms)))
		[ "$rest" -le 0 ] || sleep "0.$(printf '%03d' "$rest")"
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

idle=$(cost sleep $SECONDS_MEASURED)
sent_before=$(audiomodulectl stats --local --json | jq '[.. | .newest_sequence? // empty | tonumber] | max')
busy=$(cost send_for_a_while)
sent=$(($(audiomodulectl stats --local --json | jq '[.. | .newest_sequence? // empty | tonumber] | max') - sent_before))
echo "# $SERVICES: $idle millionths of a CPU without notifications, $busy with" \
	"$((sent / SECONDS_MEASURED)) a second"
check "as many notifications are sent as are meant to be" "yes" \
	"$([ $((sent / SECONDS_MEASURED)) -ge $((RATE * 9 / 10)) ] && echo yes || echo "$sent")"
check "the sound server hardly notices them" "yes" \
	"$([ $((busy - idle)) -le $MOST_PPM ] && echo yes || echo "$((busy - idle)) millionths")"

check_all "both cards are stored and restored" "$(
	alsactl -f "$TMP/state" store 2>&1
	for number in $card $hda; do
		grep -q "^state.$(cat "/proc/asound/card$number/id") " "$TMP/state" ||
			echo "card $number is not in the file"
	done
	alsactl -f "$TMP/state" restore 2>&1
)"

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
