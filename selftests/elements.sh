#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The virtual card's elements through the programs that people use: amixer, alsactl, aplay, and
# the kernel's own mixer-test; also while notifications flood. And what the core's parameters
# refuse.

# shellcheck disable=SC2317 # functions that wait_for and start call
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

TESTS=$(cd "$(dirname "$0")" && pwd)
PARAMETER='iface=MIXER,name=Speaker System Parameter1'
WORD='iface=MIXER,name=Speaker EQ Movie Parameter3'
NOTIFICATION='iface=CARD,name=Speaker System Notification'

# --- what the cases share -----------------------------------------------------------------------

# Sends until it is stopped, from two modules of both endpoints.
flood()
{
	while :; do
		hook send "endpoint=0 module=0 count=2000" || exit 1
		hook send "endpoint=1 module=2 count=2000 context=softirq" || exit 1
	done
}

# play DEVICE FILE
play()
{
	aplay -q -D "hw:$card,$1" "$2"
}

play_again_and_again()
{
	while :; do
		play 0 "$TMP/tone.wav" || exit 1
	done
}

# number BYTES NUMBER: little-endian, as printf's octal
number()
{
	awk -v bytes="$1" -v number="$2" 'BEGIN {
		for (i = 0; i < bytes; i++) {
			printf "\\%03o", number % 256
			number = int(number / 256)
		}
	}'
}

# make_wav FILE FRAMES LEFT RIGHT: 16 bit stereo, 48000 Hz, both constant
make_wav()
{
	size=$(($2 * 4))
	{
		# shellcheck disable=SC2059 # the format is what is meant
		printf "RIFF$(number 4 $((size + 36)))WAVEfmt $(number 4 16)$(number 2 1)$(number 2 2)"
		# shellcheck disable=SC2059
		printf "$(number 4 48000)$(number 4 192000)$(number 2 4)$(number 2 16)"
		# shellcheck disable=SC2059
		printf "data$(number 4 $size)"
		# shellcheck disable=SC2059
		printf "$(number 2 "$3")$(number 2 "$4")" >"$TMP/frame"
		cat "$TMP/frame" >"$TMP/frames"
		frames=1
		while [ $frames -lt "$2" ]; do
			cat "$TMP/frames" "$TMP/frames" >"$TMP/twice"
			mv "$TMP/twice" "$TMP/frames"
			frames=$((frames * 2))
		done
		head -c $size "$TMP/frames"
	} >"$1"
}

# The last bytes of an element's value, as amixer shows them
shown()
{
	amixer -c "$card" cget "$1" | sed -n 's/^  : values=//p'
}

# Bytes 48 + 40 and on of a meter's element: type, channels, peaks
meter_shown()
{
	shown "iface=CARD,name=$1 Meter Notification" | tr ',' '\n' | sed -n '89,104p' |
		sed 's/0x//' | tr -d '\n'
}

# state FILE: what alsactl stored, without the values of notification elements, which tell what
# happened between two stores
state()
{
	awk '/name .* Notification.$/ { skip = 1 } /^\t}/ { skip = 0 }
		!(skip && /^\t\tvalue /)' "$1"
}

# mixer_test_failures FILE: its "not ok" results by kind; or what went wrong instead
mixer_test_failures()
{
	ran=$(grep -c -E '^(not )?ok ' "$1")
	[ "$planned" -gt 100 ] && [ "$planned" = "$ran" ] ||
		echo "planned $planned, ran $ran"
	sed -n 's/^not ok [0-9]* \([a-z_]*\).*/\1/p' "$1" | sort | uniq -c |
		awk '{ printf "%s%s %s", separator, $1, $2; separator = ", " }'
}

# restart PARAMETER...: both modules anew, the parameters for the core
restart()
{
	unload && load_module snd-audio-module "$@" && load_virtual && card=$(card_number)
}

# --- amixer -------------------------------------------------------------------------------------

case_controls()
{
	expected="Headphones EQ Movie Notification
Headphones Echo Default Notification
Headphones Meter Notification
Headphones Notification
Headphones System Notification
Speaker EQ Default Notification
Speaker EQ Movie Notification
Speaker Meter Notification
Speaker Notification
Speaker System Notification"
	got=$(amixer -c "$card" controls >"$TMP/controls"; echo $?)
	check "amixer controls ends with 0" 0 "$got"
	check "amixer controls lists a notification element for each endpoint and module" \
		"$expected" "$(sed -n "s/.*iface=CARD,name='\(.*\)'/\1/p" "$TMP/controls" |
			LC_ALL=C sort)"
	elements=$(wc -l <"$TMP/controls")
}

# contents_problems FILE: an element without a value, or a notification element without TLV
contents_problems()
{
	awk -v elements="$elements" '
		/^numid=/ { count++ }
		/iface=CARD/ { cards++ }
		/^  : values=/ { values++ }
		/unk-1296105473-/ { descriptors++ }
		END {
			if (count != elements || values != elements || descriptors != cards)
				print count " of " elements " elements, " values " values, " \
					descriptors " of " cards " descriptors"
		}' "$1"
}

# ALSA-3
case_contents()
{
	amixer -c "$card" contents >"$TMP/contents" 2>"$TMP/errors"
	check "amixer contents ends with 0" 0 $?
	check_all "amixer contents shows each element's value and TLV" \
		"$(contents_problems "$TMP/contents"; cat "$TMP/errors")"
}

# ALSA-3
case_flooded()
{
	problems=
	start flood flood
	flooder=$!
	for _ in 1 2 3 4 5; do
		amixer -c "$card" controls >"$TMP/controls" 2>&1 || problems="$problems controls"
		[ "$(wc -l <"$TMP/controls")" -eq "$elements" ] || problems="$problems lines"
		amixer -c "$card" contents >"$TMP/contents" 2>"$TMP/errors" ||
			problems="$problems contents"
		problems="$problems$(contents_problems "$TMP/contents"; cat "$TMP/errors")"
	done
	! ended $flooder || problems="$problems the flood ended"
	check_all "amixer controls and contents are whole while notifications flood" "$problems"

	problems=
	for _ in 1 2 3; do
		alsactl -f "$TMP/state" store "$card" >"$TMP/errors" 2>&1 || problems="$problems rc $?"
		[ "$(grep -c '^	control\.' "$TMP/state")" -eq "$elements" ] ||
			problems="$problems not all elements"
	done
	check_all "alsactl store writes every element while notifications flood" "$problems"
	stop $flooder
}

case_cget_cset()
{
	before=$(shown "$NOTIFICATION")
	amixer -c "$card" cset "$PARAMETER" 5 >"$TMP/cset"
	check "amixer cset by name ends with 0" 0 $?
	check "amixer cget by name shows what cset set" 2 "$(shown "$PARAMETER")"
	wait_for 20 sh -c "amixer -c $card cget '$NOTIFICATION' | grep -q 'values=0x60,'"
	check "amixer cget shows the notification of a cset" \
		"changed, 96 bytes" "$([ "$before" = "$(shown "$NOTIFICATION")" ] || echo changed), \
$(shown "$NOTIFICATION" | tr ',' '\n' | grep -c 0x) bytes"

	before=$(shown "$WORD")
	amixer -c "$card" cset "$WORD" 255 >/dev/null 2>&1
	check "amixer cset of a value that is not valid fails and changes nothing" \
		"1 $before" "$? $(shown "$WORD")"
	amixer -c "$card" cset "$NOTIFICATION" 1 >/dev/null 2>"$TMP/errors"
	check "amixer cset of a notification element is refused" "1 Operation not permitted" \
		"$? $(grep -o 'Operation not permitted' "$TMP/errors")"
	check "alsamixer's simple controls do not contain notification elements" 0 \
		"$(amixer -c "$card" scontrols | grep -c Notification)"
}

# ALSA-1. A terminal, as amixer 1.2.8 does not flush a file.
case_events()
{
	start events script -q -c "amixer -c $card events" /dev/null
	wait_for 10 grep -q Ready "$TMP/events"
	tries=100
	until grep -q "event value:.*Speaker System Notification" "$TMP/events" || [ $tries -eq 0 ]; do
		hook send "module=0"
		tries=$((tries - 1))
		sleep 0.2
	done
	check "amixer events shows the doorbell" "event value: numid=2,iface=CARD" \
		"$(grep -o 'event value: numid=[0-9]*,iface=CARD' "$TMP/events" | head -n 1)"
	stop_all
}

# --- alsactl ------------------------------------------------------------------------------------

# What alsactl monitor says of a notification
monitor()
{
	start monitor stdbuf -oL alsactl monitor "hw:$card"
	tries=100
	until grep -q "Echo Default Notification" "$TMP/monitor" || [ $tries -eq 0 ]; do
		hook send "endpoint=1 module=2"
		tries=$((tries - 1))
		sleep 0.2
	done
	stop_all
	sed -n 's/.*Headphones \(Echo Default Notification,0) [A-Z]*\).*/\1/p' "$TMP/monitor" |
		head -n 1
}

# ALSA-1
case_monitor()
{
	check "alsactl monitor shows the doorbell" "Echo Default Notification,0) VALUE" \
		"$(monitor)"
	restart doorbell=tlv
	check "alsactl monitor shows doorbell=tlv as TLV" "Echo Default Notification,0) TLV" \
		"$(monitor)"
	restart
}

# change_all 0|1: every parameter that can be set: the items of that number, by their names
change_all()
{
	amixer -c "$card" controls | sed -n 's/numid=\([0-9]*\),iface=MIXER.*/\1/p' |
	while read -r numid; do
		info=$(amixer -c "$card" cget "numid=$numid")
		case $info in
		*access=r-*)		;;
		*type=ENUMERATED*)
			echo "cset numid=$numid $(echo "$info" | sed -n "s/.*Item #$1 '\(.*\)'/\1/p")"
			;;
		*type=INTEGER,*)	echo "cset numid=$numid $((10 + 7 * $1))" ;;
		*type=BYTES*)		echo "cset numid=$numid $1,2,254,$((1 + $1))" ;;
		esac
	done >"$TMP/changes"
	amixer -c "$card" -s <"$TMP/changes" >/dev/null
}

# ALSA-4, ALSA-9
case_store_restore()
{
	change_all 1
	alsactl -f "$TMP/first" store "$card"
	check "alsactl store ends with 0" 0 $?
	change_all 0
	alsactl -f "$TMP/changed" store "$card"
	state "$TMP/first" >"$TMP/first.state"
	state "$TMP/changed" >"$TMP/changed.state"
	check "alsactl store sees all 13 elements that were changed" 13 \
		"$(diff "$TMP/changed.state" "$TMP/first.state" | grep -c '^> 		value ')"
	alsactl -f "$TMP/first" restore "$card" 2>"$TMP/errors"
	check "alsactl restore ends with 0" 0 $?
	alsactl -f "$TMP/second" store "$card"
	state "$TMP/second" >"$TMP/second.state"
	check_all "store, change, restore, store gives the same bytes" \
		"$(cmp "$TMP/first.state" "$TMP/second.state" 2>&1;
			[ "$(wc -l <"$TMP/first.state")" -gt 150 ] || echo "little was stored")"

	change_all 0
	start flood flood
	alsactl -f "$TMP/first" restore "$card" 2>"$TMP/errors"
	rc=$?
	stop_all
	alsactl -f "$TMP/second" store "$card"
	state "$TMP/second" >"$TMP/second.state"
	check "alsactl restore is as exact while notifications flood" "0 same" \
		"$rc $(cmp "$TMP/first.state" "$TMP/second.state" 2>&1 && echo same)"

	restart
	alsactl -f "$TMP/first" restore "$card" 2>"$TMP/errors"
	alsactl -f "$TMP/second" store "$card"
	state "$TMP/second" >"$TMP/second.state"
	check "alsactl restore brings the values back after the driver was loaded again" same \
		"$(cmp "$TMP/first.state" "$TMP/second.state" 2>&1 && echo same)"
}

# --- aplay --------------------------------------------------------------------------------------

case_aplay()
{
	make_wav "$TMP/tone.wav" 24000 1000 25000
	make_wav "$TMP/other.wav" 24000 7 9
	start other play 1 "$TMP/other.wav"
	other=$!
	play 0 "$TMP/tone.wav"
	rc=$?
	wait $other
	check "aplay plays to both endpoints at once" "0 0" "$rc $?"
	# The last thing said is SILENCE (2) of 2 channels: wait for it.
	wait_for 20 meter_silent Speaker
	wait_for 20 meter_silent Headphones
	check "the meters of both endpoints end with silence" \
		"02000000020000000000000000000000 02000000020000000000000000000000" \
		"$(meter_shown Speaker) $(meter_shown Headphones)"

	start tone play_again_and_again
	wait_for 60 meter_says Speaker 0100000002000000e8030000a8610000
	check "the meter's element shows the peaks of what aplay plays" \
		0100000002000000e8030000a8610000 "$meter_said"
	stop_all
}

meter_silent()
{
	[ "$(meter_shown "$1" | cut -c 1-8)" = 02000000 ]
}

meter_says()
{
	meter_said=$(meter_shown "$1")
	[ "$meter_said" = "$2" ]
}

# --- the kernel's mixer-test --------------------------------------------------------------------

# mixer_test KIND: the failures while the meter notifies, with this doorbell
mixer_test()
{
	restart "doorbell=$1"
	amixer -q -c "$card" cset "iface=MIXER,name=Speaker Meter Rate" 100
	start tone play_again_and_again
	wait_for 10 meter_notifies
	timeout 100 "$TESTS/mixer-test" >"$TMP/mixer-test" 2>&1
	stop_all
	planned=$(sed -n 's/^1\.\.//p' "$TMP/mixer-test")
	planned=${planned:-0}
	failures=$(mixer_test_failures "$TMP/mixer-test")
}

meter_notifies()
{
	! meter_shown Speaker | grep -q '^0*$'
}

case_mixer_test()
{
	mixer_test tlv
	check_all "mixer-test has no 'not ok' with doorbell=tlv while the meter notifies" "$failures"
	mixer_test off
	check_all "mixer-test has no 'not ok' with doorbell=off while the meter notifies" "$failures"
	mixer_test value
	echo "# doorbell=value: ${failures:-nothing} not ok of $planned"
	check_all "mixer-test blames only event_spurious on doorbell=value" \
		"$(echo "$failures" | sed 's/^[0-9]* event_spurious$//')"
	restart
}

# --- a card without audio modules ---------------------------------------------------------------

dummy_number()
{
	sed -n 's/^ *\([0-9]*\) \[Dummy .*/\1/p' /proc/asound/cards
}

dummy_is_there()
{
	[ -n "$(dummy_number)" ]
}

# Section 6.6: a driver that knows nothing of audio modules is as it was.
case_plain_card()
{
	modprobe snd-dummy
	wait_for 20 dummy_is_there
	check "a card without audio modules has no device and no ioctl for them" \
		"hwdep ENODEV
INFO ENOTTY
LIST ENOTTY
COMMAND ENOTTY
SUBSCRIBE ENOTTY" "$("$TESTS/lifetime_helper" plain "$(dummy_number)")"
	check "a card without audio modules has no notification elements" "elements, 0" \
		"$([ "$(amixer -c "$(dummy_number)" controls | wc -l)" -gt 0 ] && echo elements), \
$(amixer -c "$(dummy_number)" controls | grep -c Notification)"
	rmmod snd-dummy
}

# --- parameters ---------------------------------------------------------------------------------

# refused PARAMETER... : the core does not load, and the log says what would be right
refused()
{
	said=$1
	shift
	mark=$(log_now)
	for word in "$@"; do
		if load_module snd-audio-module "$word" 2>/dev/null; then
			echo "$word was accepted"
			rmmod $CORE
		fi
		log_since "$mark" | grep -q -F "$word: $said" ||
			echo "$word: the log does not say '$said'"
	done
}

accepted()
{
	for word in "$@"; do
		load_module snd-audio-module "$word" 2>/dev/null || {
			echo "$word was refused"
			continue
		}
		name=${word%=*}
		[ "$(cat "/sys/module/$CORE/parameters/$name")" = "${word#*=}" ] ||
			echo "$word shows as $(cat "/sys/module/$CORE/parameters/$name")"
		rmmod $CORE
	done
}

case_parameters()
{
	unload
	check_all "a doorbell that is not known is refused and the log names all" \
		"$(refused "must be value, tlv or off" doorbell=x doorbell=VALUE doorbell=1)"
	check_all "a doorbell_ms out of range is refused and the log names the range" \
		"$(refused "must be from 1 to 1000" doorbell_ms=0 doorbell_ms=1001 doorbell_ms=-1 \
			doorbell_ms=text doorbell_ms=20ms doorbell_ms=4294967297)"
	check_all "a journal_size that is not valid is refused and the log names the range" \
		"$(refused "must be a power of two from 131072 (128 KiB) to 67108864 (64 MiB)" \
			journal_size=0 journal_size=65536 journal_size=131073 journal_size=1000000 \
			journal_size=134217728 journal_size=text journal_size=-131072)"
	check_all "the limits themselves are accepted" \
		"$(accepted doorbell=value doorbell=tlv doorbell=off doorbell_ms=1 doorbell_ms=1000 \
			journal_size=131072 journal_size=67108864)"
}

begin 34
load
case_controls
case_contents
case_flooded
case_cget_cset
case_events
case_monitor
case_store_restore
case_aplay
case_mixer_test
case_plain_card
case_parameters
check_all "the kernel's log shows no trouble" "$(log_trouble)"
finish
