#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The example of a driver from Windows (userspace/doc/example-driver), built by its own Makefile with
# what is installed: its notifications arrive in audiomodulectl monitor, byte for byte, it leaves
# nothing behind, and it works without a port. AUDIO_MODULE_EXAMPLE is the folder with its source and
# its module.

# shellcheck disable=SC2317 # functions that wait_for calls
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

PATH=$PATH:/usr/sbin:/sbin
FOLDER=${AUDIO_MODULE_EXAMPLE:-$(dirname "$0")/../driver}
SOURCE=$FOLDER/snd-portcls-example.c
EXAMPLE=snd_portcls_example
CLASS=5B1F0C2E-8D4A-4C57-9E36-7A2D10B8F4C1
DEVICE=D1A5C3E0-6F27-4B8E-9314-2C5E80B74F01

# --- the driver ---------------------------------------------------------------------------------

# load_example PARAMETER...
load_example()
{
	insmod "$FOLDER/snd-portcls-example.ko" "$@" && card=$(card_with_id PortCls) &&
		[ -n "$card" ]
}

unload_example()
{
	! loaded $EXAMPLE || wait_for 20 rmmod $EXAMPLE
}

boost()
{
	amixer -q -c "$card" cset name='Boost Switch' "$1"
}

boosts()
{
	amixer -c "$card" cget name='Boost Switch' | sed -n 's/^ *: values=//p'
}

# --- what was notified --------------------------------------------------------------------------

newest()
{
	audiomodulectl info --local Speaker | sed -n 's/^ *newest sequence *//p'
}

# After "boost off": the timer has seen it.
newest_in_the_end()
{
	sleep 0.2
	newest
}

daemon_lists()
{
	audiomodulectl list | grep -q Speaker/Boost
}

# has_lines FILE COUNT: at least
has_lines()
{
	[ "$(wc -l <"$TMP/$1")" -ge "$2" ]
}

# told FILE: address, endpoint, card, class, instance and bytes of each notification
told()
{
	text='"\([^"]*\)"'
	sed -n "s/^{\"type\":\"notification\",\"address\":$text,\"endpoint\":$text,\"card\":\(.*\
\),\"device_id\".*\"class_id\":$text,\"instance_id\":\(.*\),\"data\":$text.*/\
\1 \2 \3 \4 \5 \6/p" "$TMP/$1"
}

# member FILE NAME: that member of each line
member()
{
	sed -n "s/.*\"$2\":\"*\([^,\"]*\)[,\"].*/\1/p" "$TMP/$1"
}

# changes_back FILE: how many told that the boost is off
changes_back()
{
	told "$1" | grep -c ' 0000000000000000$'
}

# has_changes_back FILE COUNT: at least
has_changes_back()
{
	[ "$(changes_back "$1")" -ge "$2" ]
}

# The values of the timer's notifications: event 1, then a number, little-endian
blocks()
{
	told "$1" | sed -n 's/.* 01000000\(..\)\(..\)\(..\)\(..\)$/0x\4\3\2\1/p' |
		while read -r value; do
			echo $((value))
		done
}

# same BEHAVIOUR LIST LIST: lists of many lines, of which the first that differ are shown
same()
{
	printf '%s\n' "$2" >"$TMP/expected"
	printf '%s\n' "$3" >"$TMP/got"
	check_all "$1" "$(diff "$TMP/expected" "$TMP/got" | head -n 6)"
}

# counters: those that are not 0
counters()
{
	audiomodulectl info --local --json |
		sed -n 's/.*"counters":{\([^}]*\)}.*/\1/p' | tr ',' '\n' | grep -v ':0$'
}

counted()
{
	counters | grep -q "$1"
}

nothing_alive()
{
	[ -z "$(objects)" ]
}

settled()
{
	wait_for 10 nothing_alive
	objects
}

# --- the cases ----------------------------------------------------------------------------------

case_source()
{
	lines=$(wc -l <"$SOURCE")
	check "the example has less than 150 lines" yes \
		"$([ "${lines:-999}" -lt 150 ] && echo yes || echo "$lines")"
	check "it includes nothing of this project but the headers for drivers" \
		"<sound/portcls.h>" \
		"$(sed -n 's/^#include //p' "$SOURCE" | grep -v '^<linux/\|^<sound/co')"
}

case_load()
{
	problems=$(load_example 2>&1) || problems="$problems: no card"
	check_all "its module can be loaded: there is a card" "$problems"
	card=$(card_with_id PortCls)
	# A-1: the driver registered a module; LIST is the core's answer.
	wait_for 20 daemon_lists
	for how in '' --local; do
		# shellcheck disable=SC2086 # nothing, or an option
		audiomodulectl list --json $how >"$TMP/list$how"
	done
	check "the daemon and the kernel list its endpoint and its module" \
		"\"Speaker/Boost\",\"label\":\"Boost\",\"name\":\"Bass boost\",\"class_id\":\"$CLASS\"" \
		"$(cmp "$TMP/list" "$TMP/list--local" 2>&1
			grep -o '"Speaker/Boost".*"class_id":"[^"]*"' "$TMP/list")"
}

# On, the timer's for a while, off; and once more off, which is no change.
case_notifications()
{
	watch by_bus 1 --json Speaker
	by_bus=$watcher
	watch local 1 --json --local Speaker
	by_kernel=$watcher
	boost on
	wait_for 20 has_lines by_bus 21
	boost off
	last=$(newest_in_the_end)
	boost off
	check "a change that is none is not notified" "$last" "$(newest_in_the_end)"
	wait_for 20 has_lines by_bus "$last"
	wait_for 20 has_lines local "$last"

	check "the change arrives: endpoint, card, module, class, instance, bytes" \
		"Speaker/Boost Speaker $card $CLASS 1 0000000001000000" "$(told by_bus | head -n 1)"
	check "it has the DeviceId of the driver" $DEVICE "$(member by_bus device_id | sort -u)"
	check "the change back arrives, once" 1 "$(changes_back by_bus)"
	same "the timer's arrive, each once, in their order" "$(seq $((last - 2)))" "$(blocks by_bus)"
	same "no sequence is missing" "$(seq "$last")" "$(member by_bus sequence)"
	check_all "the monitor without the daemon prints the same" \
		"$(cmp "$TMP/by_bus" "$TMP/local" 2>&1)"
	check "every Send was accepted, and nothing else was counted" "\"accepted\":$last" \
		"$(counters)"
}

# element: the sequence of the record that it shows, and the last 8 of its bytes
element()
{
	# shellcheck disable=SC2046 # one word for each byte
	set -- $(amixer -c "$card" cget iface=CARD,name='Speaker Boost Notification' |
		sed -n 's/^ *: values=//p' | tr ',' ' ')
	shift 8
	printf '%d ' $(($1 + 256 * $2))
	shift 80
	echo "$*" | sed 's/0x//g; s/ //g'
}

case_controls()
{
	check "its notification element shows the newest one" \
		"$last $(told by_bus | tail -n 1 | sed 's/.* //')" "$(element)"
	problems=$(
		amixer -c "$card" contents 2>&1 >"$TMP/contents" || echo "amixer ends with $?"
		alsactl store -f "$TMP/state" "$card" 2>&1 || echo "store ends with $?"
		boost on
		alsactl restore -f "$TMP/state" "$card" 2>"$TMP/restore" ||
			echo "restore ends with $?: $(cat "$TMP/restore")"
	)
	check_all "amixer contents, alsactl store and restore work" "$problems"
	wait_for 20 has_changes_back by_bus 2
	newest_in_the_end >/dev/null
	check "the restored value is there, and notified" "off 2" "$(boosts) $(changes_back by_bus)"
}

# With the timer running
case_removal()
{
	watch gone 1 --json --local --exit-when-gone Speaker
	boost on
	wait_for 20 has_lines gone 5
	problems=$(timeout 20 rmmod $EXAMPLE 2>&1) || problems="$problems: not unloaded"
	check_all "its module can be unloaded while it notifies and monitors run" "$problems"
	ends "$watcher"
	check "a monitor that was to end with the card ends" "0 removed" \
		"$status $(member gone type | tail -n 1)"
	wait_for 20 has by_bus '"removed"'
	wait_for 20 has local '"removed"'
	check "the others say that the card is gone, and stay" "removed removed stay" \
		"$(member by_bus type | tail -n 1) $(member local type | tail -n 1) $(
			ended "$by_bus" || ended "$by_kernel" || echo stay)"
	load_example
	wait_for 20 has by_bus '"appeared"'
	wait_for 20 has local '"appeared"'
	boost on
	wait_for 20 grep -q '^{"type":"notification".*"sequence":1,' "$TMP/by_bus"
	check "they go on when it is loaded again" "1 1" \
		"$(sed '1,/"appeared"/d' "$TMP/by_bus" | grep -c '"sequence":1,') $(
			grep -c '"appeared"' "$TMP/local")"
	unload_example
	stop_all
	check_all "it leaves no object, and no buffer, behind" "$(settled)"
	check_all "it did nothing that the kernel had to refuse" \
		"$(log_since "$log_mark" | grep 'said once, then counted')"
}

case_without_port()
{
	problems=$(
		load_example notifications=0 2>&1 || echo "not loaded"
		card=$(card_with_id PortCls)
		boost on || echo "boost on"
		sleep 0.2
		[ "$(boosts)" = on ] || echo "it is '$(boosts)'"
		ls "/dev/snd/hwC${card}"* 2>/dev/null
		amixer -c "$card" controls | grep Notification
		audiomodulectl list --local | grep Speaker
		unload_example 2>&1 || echo "not unloaded"
	)
	check_all "without a port it works, silently" "$problems"
}

case_many_times()
{
	problems=
	for round in $(seq 20); do
		load_example && boost on || problems="$problems load $round"
		unload_example || problems="$problems unload $round"
	done
	check_all "20 times loaded, notifying and unloaded, it leaves nothing" "$problems$(settled)"
}

# As on Windows by the letter: what the timer sends in atomic context is refused.
case_strict()
{
	strict=/sys/module/$CORE/parameters/strict_irql
	load_example
	echo 1 >$strict
	boost on
	wait_for 20 counted free_context
	boost off
	last=$(newest_in_the_end)
	echo 0 >$strict
	check "with strict_irql only the changes are notified, and the rest is counted" \
		"2 accepted dropped_context free_context" "$last $(counters | sed 's/[":0-9]//g' |
			tr '\n' ' ' | sed 's/ $//')"
	unload_example
	check_all "nothing is left after strict_irql" "$(settled)"
}

begin 26
trap 'stop_all; unload_example; clean_up' EXIT
if [ ! -e "$FOLDER/snd-portcls-example.ko" ]; then
	fail "the example is built" "its module in $FOLDER" "none: see AUDIO_MODULE_EXAMPLE"
	finish
fi
start_bus
load_core
start daemon audiomoduled --bus="$address"
case_source
case_load
case_notifications
case_controls
case_removal
case_without_port
case_many_times
case_strict
check_all "the kernel's log shows no trouble" "$(log_trouble)"
finish
