#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# audiomoduled as its own user on a bus with the installed policy, who may talk to it, and
# audiomodulectl: its texts, its JSON, its exit status. What goes over the bus in detail is in
# bus.c.

set -u

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

PATH=$PATH:/usr/sbin:/sbin
SYSUSERS=/usr/lib/sysusers.d/audiomodule.conf
FOREIGN=01234567-89AB-CDEF-0123-456789ABCDEF
SPEAKER=7B1C1F60-3C0E-4B52-9A53-5D0C8E4A6F01
EQ=5CE55C8E-84DF-4317-98C7-792DE83366CC

# --- the bus, the daemon, its user --------------------------------------------------------------

# As the unit starts it.
start_daemon()
{
	start "$1" setpriv --reuid=audiomodule --regid=audiomodule --groups=audio -- \
		audiomoduled --bus="$address"
	daemon=$!
}

# shellcheck disable=SC2317 # called by the trap
forget_user()
{
	[ -n "$had_user" ] || userdel audiomodule 2>/dev/null
}

# --- audiomodulectl -----------------------------------------------------------------------------

# shellcheck disable=SC2317 # called by wait_for
lists()
{
	ctl list | grep -q Speaker/Meter
}

newest()
{
	ctl info --local Speaker | sed -n 's/^ *newest sequence *//p'
}

journal()
{
	ctl info Speaker | sed -n 's/^ *journal id *//p'
}

# --- the cases ----------------------------------------------------------------------------------

begin 28
had_user=$(id -u audiomodule 2>/dev/null)
trap 'clean_up; forget_user' EXIT

[ -n "$had_user" ] || systemd-sysusers $SYSUSERS 2>/dev/null
check "the installed sysusers file makes the daemon's user" "no login" \
	"$(getent passwd audiomodule | grep -q nologin && echo "no login")"

check_all "the installed units start what is installed" "$(
	for unit in /usr/lib/systemd/system/audiomoduled.service \
			/usr/share/dbus-1/system-services/org.audiomodule1.service; do
		program=$(sed -n 's/^Exec[^=]*=//p' $unit)
		[ -x "${program%% *}" ] || echo "$unit starts '$program', which is not there"
	done
)"

check_all "audiomoduled's usage and failures have their exit status and their words" "$(
	expect 0 '' audiomoduled --help
	expect 0 '' audiomoduled --version
	expect 2 'Try: audiomoduled --help' audiomoduled --nonsense
	expect 2 'unexpected argument "x"' audiomoduled x
	for seconds in '' 0 -1 1s 86401; do
		expect 2 'takes 1 to 86400 seconds' audiomoduled --exit-idle="$seconds"
	done
	expect 1 'is dbus-daemon running' audiomoduled --bus=unix:path="$TMP/none"
)"

start_bus
load
nodes root 600

check_all "audiomodulectl without the daemon names the way out, with exit status 4" "$(
	expect 4 'Start audiomoduled, or use --local' ctl list
	expect 4 'Start audiomoduled, or use --local' ctl monitor --timeout=1
	expect 4 'not reachable' ctl info --bus=unix:path="$TMP/none"
	expect 0 '' ctl list --local
)"

start_daemon daemon.log
problems=$(
	wait_for 20 has daemon.log 'Cannot use card .*in the group audio' ||
		echo "it does not say what it lacks: $(cat "$TMP/daemon.log")"
	expect 0 '' ctl list
	grep -q '^no cards' "$TMP/out" || echo "it lists cards"
	nodes audio 660
	wait_for 20 lists || echo "it does not find the card: $(cat "$TMP/daemon.log")"
)
check_all "the daemon, not root, finds a card whose permissions come late" "$problems"

check "it runs as its own user and holds no sound device" \
	"$(id -u audiomodule) 0" \
	"$(awk '/^Uid:/ { printf "%s ", $2 }' "/proc/$daemon/status")$(
		find "/proc/$daemon/fd" -lname '/dev/snd/*' | wc -l)"

check_all "only root and audiomodule may be the daemon, and only once" "$(
	expect 1 'another audiomoduled runs' audiomoduled --bus="$address"
	expect 1 'the bus does not allow it' as audiouser audiomoduled --bus="$address"
	kill -0 "$daemon" || echo "the daemon is gone"
)"

# UWP-6; there is no polkit on this bus.
check_all "who is not in the group audio may look, and is refused all else, with exit status 5" "$(
	expect 0 '' as user audiomodulectl list
	expect 0 '' as user audiomodulectl info Speaker
	expect 5 'monitor is not allowed .* in the group audio' \
		as user audiomodulectl monitor --timeout=1 Speaker
	expect 5 'monitor is not allowed' as user audiomodulectl monitor --fd --timeout=1 Speaker
	expect 5 'send-command is not allowed' as user audiomodulectl send Speaker/System 00
	expect 5 'group audio' as user audiomodulectl list --local
	expect 1 'monitor is not allowed' as user busctl --address="$address" call \
		org.audiomodule1 "/org/audiomodule1/card$card/Speaker" org.audiomodule1.Endpoint \
		Subscribe 'a{sv}' 0
	are_fds 1 || echo "there are $(count_fds) notification fds"
)"

# UWP-6
nodes audiomodule 660
watch_with by_fd 1 setpriv --reuid=audiouser --regid=audiouser --init-groups -- \
	audiomodulectl monitor --fd --count=2 Speaker
hook send "count=2"
ends "$watcher"
nodes audio 660
problems=$(
	as audiouser audiomodulectl list >"$TMP/audiouser" 2>&1
	ctl list >"$TMP/root"
	cmp "$TMP/audiouser" "$TMP/root" 2>&1
	[ "$status $(wc -l <"$TMP/by_fd")" = "0 2" ] || cat "$TMP/by_fd"
)
check_all "who is in the group is served, even without permission for the devices" "$problems"

xml()
{
	busctl --address="$address" introspect --xml-interface org.audiomodule1 \
		"/org/audiomodule1/card$card/Speaker"
}
arguments="class_id data fd first_sequence instance_id journal_id last_sequence module modules"
arguments="$arguments newest_sequence notification_id oldest_sequence options sequence timestamp"
check "introspection names all arguments" "$arguments" \
	"$(xml | sed -n '/"org.audiomodule1.Endpoint"/,/<\/interface>/p' |
		sed -n 's/.*<arg .*name="\([^"]*\)".*/\1/p' | sort -u | tr '\n' ' ' |
		sed 's/ $//')"

module_xml()
{
	busctl --address="$address" introspect --xml-interface org.audiomodule1 \
		"/org/audiomodule1/card$card/Speaker/Meter"
}
check "and those of commands" "command error options result status" \
	"$(module_xml | sed -n '/"org.audiomodule1.Module"/,/<\/interface>/p' |
		sed -n 's/.*<arg .*name="\([^"]*\)".*/\1/p' | sort -u | tr '\n' ' ' |
		sed 's/ $//')"

check "the objects are two endpoints with four modules each" "1 2 8" "$(
	busctl --address="$address" tree --list org.audiomodule1 | awk -F / '
		$2 "/" $3 != "org/audiomodule1" { next }
		NF == 4 { cards++ } NF == 5 { endpoints++ } NF == 6 { modules++ }
		END { print cards, endpoints, modules }')"

property()
{
	busctl --address="$address" get-property org.audiomodule1 \
		"/org/audiomodule1/card$card/$1" "org.audiomodule1.$2" "$3"
}
check "properties have their types and values" \
	"s \"$SPEAKER\" s \"Speaker\" u $card au 1 0 u 16777216 s \"$EQ\" u 2 u 1" \
	"$({
		for name in DeviceId Name Card PlaybackDevices; do
			property Speaker Endpoint $name
		done
		for name in InstanceId ClassId MajorVersion MinorVersion; do
			property Speaker/EQ_20Default Module $name
		done
	} | tr '\n' ' ' | sed 's/ $//')"

check_all "list says the same of the daemon's and of the kernel's, as text and as JSON" "$(
	for format in '' --json; do
		# shellcheck disable=SC2086 # nothing, or an option
		ctl list $format >"$TMP/bus.list" && ctl list --local $format >"$TMP/local.list"
		cmp "$TMP/bus.list" "$TMP/local.list" 2>&1
		[ -n "$format" ] || [ "$(wc -l <"$TMP/bus.list")" -eq 11 ] || cat "$TMP/bus.list"
	done
	json bus.list
	[ "$(grep -o '"address":' "$TMP/bus.list" | wc -l)" -eq 10 ] || cat "$TMP/bus.list"
)"

check_all "info tells all, of what is addressed, as text and as JSON" "$(
	for format in '' --json; do
		for address_of in Speaker Speaker/Meter "$card:Speaker" "$SPEAKER/$EQ:0x01000000"; do
			# shellcheck disable=SC2086
			expect 0 '' ctl info $format "$address_of"
			cp "$TMP/out" "$TMP/info"
			[ -z "$format" ] || json info
		done
		grep -q 'EQ Default' "$TMP/info" || echo "no EQ Default: $(cat "$TMP/info")"
		! grep -q -e 'EQ Movie' -e Headphones "$TMP/info" || cat "$TMP/info"
	done
	ctl info --local --json >"$TMP/info"
	json info
	grep -q '"counters":{"accepted":[0-9]*,' "$TMP/info" || cat "$TMP/info"
	ctl info --local Speaker | grep -q 'journal size *1048576 bytes' || echo "no journal size"
)"

check_all "wrong usage ends with 2, unknown addresses with 3, and both are named" "$(
	expect 2 'which command' ctl
	expect 2 '"play"' ctl play
	expect 2 'colour' ctl list --colour
	expect 2 '"Speaker"' ctl list Speaker
	expect 2 'an option of monitor' ctl list --count=3
	expect 2 'an option of monitor' ctl info --fd
	for value in 0 -1 +1 x 1x ' 1' 99999999999999999999; do
		expect 2 'bad value' ctl monitor --count="$value"
	done
	for value in '' x -1 1e3 inf 1.2.3; do
		expect 2 'bad value' ctl monitor --timeout="$value"
	done
	for value in '' 1 1: :1 x:1 1:x 1:-1 1:2:3 11111111111111111:1; do
		expect 2 'bad value' ctl monitor --after="$value"
	done
	expect 2 'bad value' ctl monitor --class=EQ
	expect 2 'bad value' ctl monitor --notification-id="{$EQ"
	expect 2 'needs --local' ctl monitor --oldest
	expect 2 'excludes' ctl monitor --local --fd
	expect 2 'excludes' ctl monitor --local --oldest --after=1:1
	expect 3 '"Phone"' ctl info Phone
	expect 3 '"Speaker/Phone"' ctl monitor --timeout=1 Speaker Speaker/Phone
	expect 3 '"99:Speaker"' ctl info --local 99:Speaker
)"

check_all "help and version are there, for each command" "$(
	expect 0 '' ctl --version
	for help in '--help' 'list --help' 'info -h' 'monitor --help'; do
		# shellcheck disable=SC2086
		expect 0 '' ctl $help
		grep -q "audiomodulectl ${help%% -*}" "$TMP/out" || [ "$help" = --help ] ||
			echo "'$help' is about something else: $(cat "$TMP/out")"
		[ "$(wc -l <"$TMP/out")" -ge 4 ] || echo "'$help' says too little"
	done
)"

# Three ways, the same lines.
watch by_signal 1 --json --count=6 Speaker
first=$watcher
watch by_fd 1 --json --fd --count=6 Speaker
second=$watcher
watch local 1 --json --local --count=6 Speaker
hook send "endpoint=1 count=3"
hook send "endpoint=0 count=3"
hook send "endpoint=0 module=1 size=200"
hook send "endpoint=0 size=9 method=portcls id=$FOREIGN"
amixer -q -c "$card" cset name='Speaker EQ Movie Parameter1' 1
statuses=
for pid in $first $second $watcher; do
	ends "$pid"
	statuses="$statuses $status"
done
check "a monitor ends after --count, by signals, by fd and local" " 0 0 0" "$statuses"
problems=$(
	json local
	cmp "$TMP/by_signal" "$TMP/local" 2>&1
	cmp "$TMP/by_fd" "$TMP/local" 2>&1
	grep -q '"decoded":{"event":"parameter_changed","parameter":0}' "$TMP/local" ||
		cat "$TMP/local"
	[ "$(sed -n '5s/.*"data":"\([^"]*\)".*/\1/p' "$TMP/local" | wc -c)" -eq 19 ] ||
		cat "$TMP/local"
)
check_all "all three say the same, in JSON, to the byte" "$problems"

watch text 2 --count=2 Speaker/System "$card:Headphones"
hook send "endpoint=0 module=1"
hook send "endpoint=0 module=0"
hook send "endpoint=1 size=9 method=portcls id=$FOREIGN"
ends "$watcher"
check "text names address, id and bytes of what was asked for" \
	"Headphones $FOREIGN 9 bytes:, Speaker/System 8 bytes:, 0" \
	"$(sed -E -e 's/^ *[0-9]+\.[0-9]{6} +[0-9]+ +//' -e 's/:.*/:,/' -e 's/  +/ /g' \
			"$TMP/text" | sort | tr '\n' ' '
		echo "$status")"

after=$(newest)
hook send "endpoint=0 count=7"
hook send "endpoint=0 module=1 count=2"
check_all "--after, --oldest, --class and --timeout choose what is printed" "$(
	for how in '' --fd --local; do
		# shellcheck disable=SC2086
		expect 0 '' ctl monitor $how --after="$(journal):$after" --count=9 Speaker
		[ "$(awk 'NR == 1 { print $2 }' "$TMP/out")" = $((after + 1)) ] || cat "$TMP/out"
	done
	expect 0 '' ctl monitor --after="$(journal):$after" --timeout=5 --class=$EQ Speaker
	[ "$(grep -c 'Speaker/EQ Movie' "$TMP/out")/$(wc -l <"$TMP/out")" = 2/2 ] || cat "$TMP/out"
	expect 0 '' ctl monitor --local --oldest --timeout=5 --notification-id=$FOREIGN
	[ "$(grep -c $FOREIGN "$TMP/out")/$(wc -l <"$TMP/out")" = 2/2 ] || cat "$TMP/out"
	expect 1 'another journal' ctl monitor --after="1:1" --timeout=1 Speaker
	expect 1 'not reached' ctl monitor --after="$(journal):99999999" --timeout=1 Speaker
)"

# The first line ends head; the monitor learns of it with the next.
{
	ctl monitor --json Speaker 2>"$TMP/pipe.err"
	echo $? >"$TMP/pipe.status"
} | head -n 1 >"$TMP/pipe.out" &
problems=$(
	tries=400
	until [ -s "$TMP/pipe.status" ] || [ $tries -eq 0 ]; do
		hook send ""
		sleep 0.05
		tries=$((tries - 1))
	done
	cat "$TMP/pipe.err"
)
check "a monitor whose reader has gone ends, quietly, with 0" "0 1 " \
	"$(cat "$TMP/pipe.status") $(wc -l <"$TMP/pipe.out") $problems"

watch term 1 Speaker
kill "$watcher"
ends "$watcher"
check "SIGTERM ends a monitor with 0" 0 "$status"

watch gone.bus 2
first=$watcher
watch gone.json 2 --json --local
watch gone.exit 2 --fd --exit-when-gone
unbind
ends "$watcher"
problems=$(
	[ "$status" = 0 ] || echo "--exit-when-gone: $(cat "$TMP/gone.exit")"
	for endpoint in Speaker Headphones; do
		wait_for 20 has gone.bus "^$endpoint on card $card is gone" || cat "$TMP/gone.bus"
	done
	wait_for 20 has gone.json '"type":"removed"' || cat "$TMP/gone.json"
	expect 0 '' ctl list
	grep -q '^no cards' "$TMP/out" || echo "it lists cards"
)
bind
nodes audio 660
problems=$problems$(
	for endpoint in Speaker Headphones; do
		wait_for 20 has gone.bus "^$endpoint on card $card is back" || cat "$TMP/gone.bus"
		wait_for 20 has gone.json "\"type\":\"appeared\",\"address\":\"$endpoint\"" ||
			cat "$TMP/gone.json"
	done
	hook send "endpoint=1"
	wait_for 20 has gone.bus 'Headphones/System' || cat "$TMP/gone.bus"
	wait_for 20 has gone.json '"address":"Headphones/System"' || cat "$TMP/gone.json"
	json gone.json
)
check_all "monitors say that a card is gone and back, and go on" "$problems"

stop "$daemon"
start_daemon daemon2.log
problems=$(
	wait_for 20 has gone.bus 'audiomoduled is back' || cat "$TMP/gone.bus"
	has gone.bus 'audiomoduled left the bus' || cat "$TMP/gone.bus"
	hook send "endpoint=1 module=1"
	wait_for 20 has gone.bus 'Headphones/EQ Movie' || cat "$TMP/gone.bus"
)
check_all "a monitor waits for a daemon that is restarted, and goes on" "$problems"

# shellcheck disable=SC2317 # called by wait_for
has_decided()
{
	lists || has "$log" 'another audiomoduled runs'
}

# The name is the old one's when the new one asks first. It asks for a second: when ending the old
# one took as long, it was right to give up, and both begin again.
tries=3
while
	old=$daemon
	log=new$tries.log
	asked=$(now_ms)
	start_daemon $log
	sleep 0.3
	stop "$old"
	took=$(($(now_ms) - asked))
	wait_for 20 has_decided
	[ $tries -gt 1 ] && [ $took -ge 900 ] && has $log 'another audiomoduled runs'
do
	tries=$((tries - 1))
	start_daemon old$tries.log
	wait_for 20 lists
done
problems=$(
	lists || echo "no daemon answers"
	kill -0 "$daemon" || cat "$TMP/$log"
)
check_all "a daemon that comes while another one ends takes its place" "$problems"

stop "$first"
kill "$daemon"
ends "$daemon"
check "SIGTERM ends the daemon with 0" 0 "$status"

stop_all
problems=$(unload 2>&1)$(log_trouble)
check_all "nothing is left: both modules unload, and the kernel has no complaint" "$problems"

finish
