#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The story end to end, on screen: from insmod to an application, on real samples. Runs as root in
# the guest ("make demo"), or on a machine whose kernel may load the modules. Every step checks
# what it shows; the first that does not hold ends the demo with exit status 1.

set -u

work=$(mktemp -d)
daemon=
monitor=
bus_monitor=
alsactl_monitor=
step=0

finish()
{
	# shellcheck disable=SC2086 # process ids, one word each, or nothing
	kill $daemon $monitor $bus_monitor $alsactl_monitor 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT

title()
{
	step=$((step + 1))
	printf '\n== %d. %s ==\n' "$step" "$1"
}

fail()
{
	echo "demo: $1"
	exit 1
}

# Show a command as one would type it, and run it.
run()
{
	echo "\$ $1"
	sh -c "$1" || fail "exit status $? from: $1"
}

# until_done SECONDS COMMAND...: until it succeeds; the exit status tells
until_done()
{
	tries=$(($1 * 20))
	shift
	until "$@" 2>/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return
		sleep 0.05
	done
}

# wait_for FILE PATTERN SECONDS: until a line of FILE matches
wait_for()
{
	until_done "$3" grep -q -- "$2" "$1" || {
		cat "$1"
		fail "no line like '$2' came within $3 s"
	}
}

# Asking for it does not start it.
daemon_has_its_name()
{
	busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus NameHasOwner s \
		org.audiomodule1 | grep -q true
}

count_fds()
{
	sed -n 's/^notification_fds //p' /sys/kernel/debug/snd-audio-module/objects
}

are_fds()
{
	[ "$(count_fds)" -eq "$1" ]
}

# has_open PID NAME: a device
has_open()
{
	find "/proc/$1/fd" -lname "/dev/snd/$2*" | grep -q .
}

# new_lines FILE PATTERN COUNT: show the last COUNT that match
new_lines()
{
	grep -- "$2" "$1" | tail -n "$3" | sed 's/^/    /'
}

# A second of a tone, 480 Hz, left -6.0 dBFS and right -12.0 dBFS, S16_LE at 48000 Hz.
make_wav()
{
	period=$(awk 'BEGIN {
		for (i = 0; i < 100; i++) {
			sine = sin(2 * 3.14159265358979 * i / 100)
			for (channel = 0; channel < 2; channel++) {
				value = int(sine * (channel ? 8231 : 16423))
				if (value < 0)
					value += 65536
				printf "\\%03o\\%03o", value % 256, int(value / 256)
			}
		}
	}')
	{
		printf 'RIFF\044\356\002\000WAVEfmt \020\000\000\000\001\000\002\000'
		printf '\200\273\000\000\000\356\002\000\004\000\020\000data\000\356\002\000'
		for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
			# shellcheck disable=SC2059 # the format is the data
			for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
				printf "$period"
			done
		done
	} >"$1"
}

start_bus()
{
	[ -S /run/dbus/system_bus_socket ] && return
	mkdir -p /run/dbus
	dbus-uuidgen --ensure
	dbus-daemon --system --fork --nopidfile || fail "dbus-daemon does not start"
}

milliseconds()
{
	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}0"
}

title "Load the modules: a sound card appears"
run "modprobe snd-audio-module"
run "modprobe snd-audio-module-virtual"
run "cat /proc/asound/cards"
card=$(sed -n 's/^ *\([0-9]*\) \[AudioModules.*/\1/p' /proc/asound/cards)
[ -n "$card" ] || fail "no card AudioModules"

title "Its notification elements, for every ALSA program"
run "amixer -c $card controls | grep Notification"

title "The daemon, and what an application finds"
start_bus
echo "\$ audiomoduled &"
audiomoduled >"$work/daemon" 2>&1 &
daemon=$!
wait_for "$work/daemon" "is here" 10
until_done 10 daemon_has_its_name || fail "the daemon is not on the bus"
run "audiomodulectl list"

title "Play a WAV: the peak meter measures its samples"
make_wav "$work/tone.wav"
fds=$(count_fds)
echo "\$ audiomodulectl monitor &                  # through the daemon, over D-Bus"
audiomodulectl monitor >"$work/bus" 2>&1 &
bus_monitor=$!
echo "\$ audiomodulectl monitor --local &          # from the kernel, without the daemon"
audiomodulectl monitor --local >"$work/local" 2>&1 &
monitor=$!
# Each of the two subscribes to both endpoints.
until_done 20 are_fds $((fds + 4)) || fail "the monitors do not subscribe"
echo "(tone.wav: 1 s, 480 Hz, left -6.0 dBFS, right -12.0 dBFS)"
run "aplay -q -D plughw:$card,0 $work/tone.wav"
wait_for "$work/bus" "silence" 10
new_lines "$work/bus" "Speaker/Meter" 12
grep -q "L -6.0 dBFS R -12.0 dBFS" "$work/bus" || fail "the levels are not those of the WAV"

title "Change a parameter: everybody hears it"
echo "\$ alsactl monitor &"
stdbuf -oL alsactl monitor "hw:$card" >"$work/alsactl" 2>&1 &
alsactl_monitor=$!
until_done 20 has_open "$alsactl_monitor" controlC || fail "alsactl does not open the card"
run "amixer -q -c $card cset name='Speaker EQ Movie Parameter1' 2"
wait_for "$work/bus" "EQ Movie.*parameter 0 changed" 10
wait_for "$work/alsactl" "EQ Movie Notification" 10
echo "audiomodulectl monitor (daemon):"
new_lines "$work/bus" "EQ Movie" 1
echo "audiomodulectl monitor --local:"
new_lines "$work/local" "EQ Movie" 1
echo "alsactl monitor:"
new_lines "$work/alsactl" "EQ Movie" 2
echo "and the element itself, the whole record as bytes:"
run "amixer -c $card cget iface=CARD,name='Speaker EQ Movie Notification' | grep ': values='"
kill "$alsactl_monitor"
alsactl_monitor=

title "Store, change, restore: the value comes back"
run "alsactl store -f $work/state $card"
run "amixer -c $card cset name='Speaker EQ Movie Parameter1' 0 | tail -n 1"
run "alsactl restore -f $work/state $card"
run "amixer -c $card cget name='Speaker EQ Movie Parameter1' | tail -n 1"
amixer -c "$card" cget name='Speaker EQ Movie Parameter1' | grep -q ': values=2' ||
	fail "the value did not come back"

title "Unload the driver while the daemon and the monitors run"
start=$(milliseconds)
run "rmmod snd-audio-module-virtual"
took=$(($(milliseconds) - start))
echo "($took ms)"
# What waits for user space waits for ever here; a machine that is busy takes its time.
[ "$took" -lt 10000 ] || fail "it waited for a program"
wait_for "$work/daemon" "Speaker.*is gone" 10
wait_for "$work/local" "Speaker.*is gone" 10
wait_for "$work/bus" "Speaker.*is gone" 10
echo "audiomoduled:"
new_lines "$work/daemon" "is gone" 2
echo "audiomodulectl monitor --local:"
new_lines "$work/local" "is gone" 2
echo "\$ rmmod snd-audio-module"
if rmmod snd-audio-module 2>"$work/busy"; then
	fail "the core went although monitor --local reads its journal"
fi
new_lines "$work/busy" "" 1
echo "\$ kill %monitor %audiomoduled"
kill "$monitor" "$bus_monitor" "$daemon"
wait "$monitor" "$bus_monitor" "$daemon"
monitor=''
bus_monitor=''
daemon=''
run "rmmod snd-audio-module"

printf '\nThat was the whole way, from a driver to an application. Try it: make shell\n'
