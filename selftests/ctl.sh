#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# audiomodulectl send, get, set and stats, with the daemon and with the kernel alone: bytes in and
# out, what a refusal says, exit statuses, counters; where monitor begins and what it draws; and
# what bash completes.

# shellcheck disable=SC2317 # functions that wait_for and start call
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

set -u
PATH=$PATH:/usr/sbin:/sbin
EQ=5CE55C8E-84DF-4317-98C7-792DE83366CC
FOREIGN=01234567-89AB-CDEF-0123-456789ABCDEF
METER=A9F3D7C4-52E8-4E0B-8F6D-1B7C2E905A33
COMPLETION=/usr/share/bash-completion/completions/audiomodulectl

# --- what the cases share -----------------------------------------------------------------------

# shows ADDRESS [OPTION]: does list?
shows()
{
	ctl list ${2:+"$2"} | grep -q "^$1  "
}

# Are the devices there, with the permissions of a card that udev has seen?
ready()
{
	nodes audio 660 2>/dev/null && shows Speaker/Meter
}

newest()
{
	ctl info --local Speaker | sed -n 's/^ *newest sequence *//p'
}

# hex FILE: its bytes as digits
hex()
{
	od -An -v -tx1 "$TMP/$1" | tr -d ' \n'
}

# differs NAME EXPECTED GOT: says so
differs()
{
	[ "$2" = "$3" ] || echo "$1: expected '$2', got '$3'"
}

# echo_module: Speaker/Late, which answers what it is sent, after as many milliseconds as the first
# four bytes say
echo_module()
{
	hook late "op=register instance=1" && wait_for 20 shows Speaker/Late
}

# --- send: SYSVAD's protocol --------------------------------------------------------------------

# Verb (1 get, 2 set, 0x200 support), parameter, value; then exit status, status and answer.
commands()
{
	cat <<-END
		Speaker/System|02000000 00000000 01000000|0|ok|
		Speaker/System|01000000 00000000|0|ok|01000000
		Speaker/System|02:00:00:00:00:00:00:00:05:00:00:00|0|ok|
		Speaker/System|01 00 00 00 00 00 00 00|0|ok|05000000
		Speaker/System|0200000000000000 010000007777|0|ok|
		Speaker/System|0100000000000000 7777|0|ok|01000000
		Speaker/EQ Movie|02000000 02000000 78563412|0|ok|
		Speaker/EQ Default|02000000 02000000 FEDCBA09|0|ok|
		Speaker/EQ Movie|01000000 02000000|0|ok|78563412
		Speaker/$EQ:0|01000000 02000000|0|ok|78563412|Speaker/EQ Movie
		$card:Speaker/$EQ:0x01000000|0100000002000000|0|ok|fedcba09|Speaker/EQ Default
		Headphones/Echo Default|02000000 00000000 feffffff|0|ok|
		Headphones/Echo Default|01000000 00000000|0|ok|feffffff
		Speaker/System|00020000 00000000|0|ok|$support
		Speaker/System|01000000 09000000|1|EINVAL|
		Speaker/System|01|1|EINVAL|
		Speaker/System||1|EINVAL|
		Speaker/System|02000000 00000000 05|1|EINVAL|
		Speaker/System|02000000 00000000 07000000|1|EINVAL|
		Speaker/System|00000000 00000000|1|EOPNOTSUPP|
		Speaker/EQ Movie|02000000 01000000 0500000000000000|1|EOPNOTSUPP|
		Speaker/Meter|01000000 00000000|1|EOPNOTSUPP|
		Headphones/$METER|01000000 00000000|1|EOPNOTSUPP||Headphones/Meter
	END
}

# KSPROPERTY_DESCRIPTION of a VT_UI4 that can be got and set, and its three values
support=0302000044000000a09be997eabdcf11a5d628db04c1000013000000000000000100000000000000
support=${support}03000000040000000300000001000000010000000200000005000000

# answer ADDRESS STATUS DIGITS: as --json shows it
answer()
{
	echo "{\"address\":\"$1\",\"status\":\"$2\",\"size\":$((${#3} / 2)),\"data\":\"$3\"}"
}

# try_commands OPTION: each, with what is wrong
try_commands()
{
	commands | while IFS='|' read -r module bytes wanted word data shown; do
		shown=${shown:-$module}
		# shellcheck disable=SC2086 # nothing, or an option
		ctl send $1 --json "$module" "$bytes" >"$TMP/out" 2>"$TMP/err"
		got=$?
		read -r line <"$TMP/out"
		differs "$1 $module '$bytes'" \
			"$wanted $(answer "$shown" "$word" "$data")" "$got $line"
		printf '%s\n' "$line" >&3
		said=
		read -r said <"$TMP/err"
		case $wanted:$said in
		"0:" | "1:audiomodulectl: $shown answers $word: "*) ;;
		*)	echo "$1 $module '$bytes' says '$said'" ;;
		esac
	done 3>"$TMP/all"
	json all
}

case_commands()
{
	check_all "send gets and sets through the daemon, and names each refusal" \
		"$(try_commands '')"
	check_all "send does the same with the kernel alone" "$(try_commands --local)"
}

# A refusal in words: module, cause, way out; and nothing on standard output.
case_refusals()
{
	check_all "a refusal names the module, the cause and the way out, with exit status 1" "$(
		for how in '' --local; do
			for raw in '' --raw; do
				# shellcheck disable=SC2086
				expect 1 'Speaker/System answers EINVAL: .*not valid.* Compare ' \
					ctl send $how $raw Speaker/System '01000000 09000000'
				[ ! -s "$TMP/out" ] || echo "it prints $(cat "$TMP/out")"
			done
			# shellcheck disable=SC2086
			expect 1 'Speaker/Meter answers EOPNOTSUPP: .*no commands.*another module' \
				ctl send $how Speaker/Meter '01000000 00000000'
		done
	)"
}

# --- send: bytes --------------------------------------------------------------------------------

# The same bytes, however they are written.
case_notations()
{
	problems=
	for bytes in 00000000c0ffee '00000000 c0 FF ee' 00:00:00:00:c0:ff:ee ' 0000 0000:c0ff ee ' \
			"00	000000
c0ffee"; do
		ctl send --raw Speaker/Late "$bytes" >"$TMP/raw" 2>&1
		problems=$problems$(differs "'$bytes'" 00000000c0ffee "$(hex raw)")
	done
	printf '\0\0\0\0\300\377\356' >"$TMP/bytes"
	for bytes in "@$TMP/bytes" - ''; do
		# shellcheck disable=SC2086 # nothing is no argument
		ctl send --raw Speaker/Late $bytes <"$TMP/bytes" >"$TMP/raw" 2>&1
		problems=$problems$(differs "'$bytes'" 00000000c0ffee "$(hex raw)")
	done
	check_all "bytes are digits with blanks or colons, a file, or standard input" "$problems"

	check_all "what are no bytes is refused with 2, and the first is named" "$(
		while IFS='|' read -r bytes number; do
			expect 2 "byte $number is not two hex" ctl send Speaker/Late "$bytes"
		done <<-END
			0|1
			0x00|1
			:00|1
			zz|1
			00 1|2
			00:|2
			00::00|2
			00: 00|2
			000|2
			00 01 0g|3
			00-00|2
		END
		expect 1 'cannot read .*none: No such file' ctl send Speaker/Late "@$TMP/none"
		expect 1 'Is a directory' ctl send Speaker/Late "@$TMP"
	)"
}

case_sizes()
{
	{
		printf '\0\0\0\0'
		head -c 63996 /dev/urandom
	} >"$TMP/most"
	cat "$TMP/most" "$TMP/frame" >"$TMP/more"
	check_all "the largest command and its answer are whole, every byte" "$(
		for how in '' --local; do
			# shellcheck disable=SC2086
			ctl send $how --raw Speaker/Late <"$TMP/most" >"$TMP/raw" 2>&1
			cmp "$TMP/most" "$TMP/raw" 2>&1
			# shellcheck disable=SC2086
			ctl send $how --json Speaker/Late "@$TMP/most" >"$TMP/answer" 2>&1
			json answer
			sed 's/.*"data":"\(.*\)"}/\1/' "$TMP/answer" | tr -d '\n' >"$TMP/digits"
			hex most | cmp - "$TMP/digits" 2>&1
		done
	)"
	check_all "a command of 64001 bytes is refused with 2" "$(
		expect 2 'at most 64000 bytes' ctl send Speaker/Late "@$TMP/more"
		expect 2 'at most 64000 bytes' sh -c "audiomodulectl send Speaker/Late <$TMP/more"
		expect 2 'at most 64000 bytes' \
			sh -c "audiomodulectl send --local Speaker/Late - <$TMP/more"
	)"
}

case_dump()
{
	check "people see offsets, bytes and ASCII" \
		"0000  00 00 00 00 41 42 7e 7f  20 1f 80 ff 30 39 61 7a  |....AB~. ...09az|
0010  01                                                |.|" \
		"$(ctl send Speaker/Late '00000000 41427e7f 201f80ff 3039617a 01' 2>&1)"
	check "an answer without bytes is said to be one, and is nothing with --raw" \
		"executed; the answer has no bytes," \
		"$(ctl send Speaker/Late '' 2>&1),$(ctl send --raw Speaker/Late '' 2>&1)"
}

# --- send: addresses ----------------------------------------------------------------------------

# choices: the addresses that the last error shows
choices()
{
	sed -n 's/^  "\(.*\)"$/\1/p' "$TMP/err" | tr '\n' ','
}

# not_sent OPTION: addresses that mean no module, or several
not_sent()
{
	bytes="02000000 00000000 02000000"
	# shellcheck disable=SC2086 # nothing, or an option
	while IFS='|' read -r address wanted says shown; do
		expect "$wanted" "\"$address\"$says" ctl send $1 "$address" "$bytes"
		differs "$1 $address" "$shown" "$(choices)"
	done <<-END
		Headphones|2| is an endpoint|$headphones
		$card:Headphones|2| is an endpoint|$headphones
		Speaker/$EQ|2| means several|Speaker/EQ Movie,Speaker/EQ Default,
		Speaker/Phone|3||
		99:Speaker/System|3||
		|3||
	END
}

case_addresses()
{
	headphones="Headphones/System,Headphones/EQ Movie,Headphones/Echo Default,Headphones/Meter,"
	before=$(newest)
	check_all "an address of no module, or of several, sends nothing and shows the choice" \
		"$(not_sent ''; not_sent --local; differs newest "$before" "$(newest)")"
}

case_usage()
{
	check_all "wrong usage of send and stats ends with 2, and is named" "$(
		expect 2 'which module' ctl send
		expect 2 'one argument, in quotes: "00"' ctl send Speaker/System 01 00
		expect 2 '--json excludes "--raw"' ctl send --raw --json Speaker/System 00
		expect 2 'an option of send .*"stats"' ctl stats --raw
		expect 2 'an option of stats .*"send"' ctl send --watch Speaker/System 00
		expect 2 'an option of monitor .*"send"' ctl send --count=1 Speaker/System 00
		expect 2 'stats asks the kernel.*"--bus"' ctl stats --bus="$address"
		for value in 0 '' 0.0001 -1 x 1e3; do
			expect 2 'bad value' ctl stats --watch="$value"
		done
		expect 3 '"Phone"' ctl stats Phone
		expect 3 '"Phone"' ctl stats --watch=1 Speaker Phone
	)"
	check_all "help is there for each command, and names it" "$(
		for name in send get set stats doctor; do
			expect 0 '' ctl $name --help
			grep -q "^audiomodulectl $name " "$TMP/out" || cat "$TMP/out"
			ctl --help | grep -q "^  $name  " || echo "$name is not among the commands"
		done
	)"
}

# --- send: what goes wrong on the way -----------------------------------------------------------

# group audio may read the devices only: enough for all but commands
read_only()
{
	nodes audio 640
	expect 0 '' as audiouser audiomodulectl stats
	expect 5 'no permission for the devices' as audiouser audiomodulectl send --local \
		Speaker/System '01000000 00000000'
	nodes audio 660
	expect 0 '' as audiouser audiomodulectl send --local Speaker/System '01000000 00000000'
}

case_permissions()
{
	check_all "no permission ends with 5, and no daemon with 4" "$(
		expect 5 'group audio' as user audiomodulectl send Speaker/System 00
		expect 5 'group audio' as user audiomodulectl send --local Speaker/System 00
		expect 5 'in the group audio\.$' as user audiomodulectl stats
		expect 4 'Start audiomoduled, or use --local' ctl send \
			--bus=unix:path="$TMP/none" Speaker/System 00
		read_only
	)"
}

case_stream()
{
	start play aplay -q -D "hw:$card,0" -t raw -f S16_LE -r 48000 -c 2 /dev/zero
	wait_for 20 shows Speaker/System@0p0
	check_all "a module of another's stream takes no command, with exit status 5" "$(
		for how in '' --local; do
			# shellcheck disable=SC2086
			expect 5 'Speaker/System@0p0 answers EACCES: .*stream.*another process' \
				ctl send $how --json Speaker/System@0p0 '01000000 00000000'
			differs "$how" "$(answer Speaker/System@0p0 EACCES '')" "$(cat "$TMP/out")"
		done
	)"
	case_completion_of_stream
	stop_all_but_daemon
}

stop_all_but_daemon()
{
	for pid in $started; do
		[ "$pid" = "$daemon" ] || [ "$pid" = "$bus" ] || stop "$pid"
	done
	started="$bus $daemon"
}

# Does the daemon wait for so many modules? It has a thread for each, beside its main one.
commanded()
{
	[ "$(find "/proc/$daemon/task" -mindepth 1 -maxdepth 1 | wc -l)" -eq $(($1 + 1)) ]
}

# Have so many commands come to the bus since it is watched?
sent()
{
	[ "$(grep -c SendCommand "$TMP/calls")" -eq "$1" ]
}

# The first must come in time, whatever the machine does: those that it takes to get there have
# three seconds each. What does not is over two seconds later.
case_late_answers()
{
	SYSTEMD_BUS_TIMEOUT=3 expect 1 'Speaker/Late has not answered in time' \
		ctl send Speaker/Late 88130000 >"$TMP/problems"
	check_all "an answer that takes too long on the bus is not waited for" \
		"$(cat "$TMP/problems")"
	wait_for 20 commanded 0
	start calls dbus-monitor --address "$address" --profile member=SendCommand
	wait_for 20 has calls NameLost
	# The daemon sends one command of a module after the other; the card goes meanwhile. To get
	# there takes two seconds, or more: the first command has ten.
	start slow audiomodulectl send --raw Speaker/Late 10270000
	slow=$!
	wait_for 20 sent 1 && wait_for 20 commanded 1
	start gone audiomodulectl send --json Speaker/Late 00000000
	gone=$!
	wait_for 20 sent 2
	sleep 0.5
	unbind
	ends "$slow"
	first=$status
	ends "$gone"
	check "a module that went away before its command is told, with exit status 3" \
		"0 10270000, 3 audiomodulectl: Speaker/Late went away before it got the command. \
See: audiomodulectl list
$(answer Speaker/Late ENODEV '')" \
		"$first $(hex slow), $status $(cat "$TMP/gone")"
	stop_all_but_daemon
	bind
	wait_for 20 ready
}

# --- get and set --------------------------------------------------------------------------------

# Address, parameter, value; then exit status, and what get prints or the error says.
settings()
{
	cat <<-END
		Speaker/System|Parameter1|5|0|5
		Speaker/System|Parameter1|1|0|1
		Speaker/System|Parameter1|0|2|cannot be "0"; it is one of "1", "2", "5"$
		Speaker/System|Parameter1|3|2|cannot be "3"; it is one of "1", "2", "5"$
		Speaker/System|Parameter1||2|cannot be ""
		$card:Speaker/System|Parameter1|2|0|2
		Speaker/$EQ:0|Parameter1|2|0|2
		Speaker/EQ Movie|Parameter3|78563412|0|78563412
		Speaker/EQ Default|Parameter3|fe DC:BA 09|0|fedcba09
		Speaker/EQ Movie|Parameter3|@$TMP/four|0|61626364
		Speaker/EQ Movie|Parameter3|ffffffff|1|EQ Movie refuses this value of Parameter3
		Speaker/EQ Movie|Parameter3|7856|2|takes 4 bytes; these are 2$
		Speaker/EQ Movie|Parameter3|7856341211|2|takes 4 bytes; these are 5$
		Speaker/EQ Movie|Parameter3|785634zz|2|byte 4 is not two hex
		Headphones/Echo Default|Parameter1|4294967294|0|4294967294
		Headphones/Echo Default|Parameter2|1|1|is read-only. .*get "Headphones/Echo
		Speaker/Meter|Rate|7|0|7
		Speaker/Meter|Rate|0x10|0|16
		Speaker/Meter|Rate|101|2|cannot be "101"; it is 0 to 100$
		Speaker/Meter|Rate|5x|2|cannot be "5x"
		Speaker/Meter|Rate| 5|2|cannot be " 5"
		Speaker/Meter|Rate|99999999999999999999|2|cannot be "9
		Speaker/Meter|Rate|10|0|10
		Speaker|Processing Mode|Movie|0|Movie
		Speaker|Processing Mode|1|0|Raw
		Speaker|Processing Mode|7|2|cannot be "7"; it is one of "Default", .*"Movie"$
		Speaker|Processing Mode|4294967297|2|cannot be "4294967297"; it is one of "Default"
		Speaker|Processing Mode|movie|2|cannot be "movie"
		Speaker|Processing Mode|Default|0|Default
		Speaker/System|Parameter9|1|3|no parameter "Parameter9"; it has "Parameter1", "Par
		Speaker|Parameter1|1|3|no parameter "Parameter1"; it has "Processing Mode"
		Speaker/Phone|Parameter1|1|3|no endpoint or module has the address
		Speaker/System|Switch|on|0|on, on
		Speaker/System|Switch|off|0|off, off
		Speaker/System|Switch|yes|2|cannot be "yes"; it is on or off$
		Speaker/System|Gain|-4|0|-4, -4
		Speaker/System|Gain|-5|2|cannot be "-5"; it is -10 to 10 in steps of 2$
		Speaker/System|Gain|-12|2|cannot be "-12"
		Speaker/System|Curve|Off|0|Off
		Speaker/System|Curve,1|Hard, "loud"|0|Hard, "loud"
		Speaker/System|Curve|0|0|Soft
		Speaker/System|Locked|on|5|locked by process [0-9]
	END
}

try_settings()
{
	printf abcd >"$TMP/four"
	settings | while IFS='|' read -r module name value ending text; do
		if [ "$ending" -eq 0 ]; then
			expect 0 '' ctl set "$module" "$name" -- "$value"
			differs "set $module $name $value" "$text" "$(cat "$TMP/out")"
			differs "get $module $name" "$text" "$(ctl get "$module" "$name" 2>&1)"
		else
			expect "$ending" "$text" ctl set "$module" "$name" -- "$value"
			[ ! -s "$TMP/out" ] || cat "$TMP/out"
		fi
	done
}

# What is not set stays, and ALSA's own tool says the same.
case_set()
{
	check_all "set takes values of each type, and names what it refuses" "$(try_settings)"
	check "and amixer sees what was set" "0x61,0x62,0x63,0x64 0 10 off,on" "$(
		ctl set Speaker/System Switch off on >"$TMP/out"
		for name in 'EQ Movie Parameter3' 'Processing Mode' 'Meter Rate' 'System Switch'; do
			amixer -c "$card" cget name="Speaker $name" | sed -n 's/^  : values=//p'
		done | xargs
	)"
	check_all "channels get a value each, or all the same" "$(
		expect 2 'Switch has 2 channels; 3 values were given' \
			ctl set Speaker/System Switch on off on
		expect 0 '' ctl set Speaker/System Gain -- -2 8
		differs Gain '-2, 8' "$(cat "$TMP/out")"
		expect 2 'write all as one argument' \
			ctl set "Speaker/EQ Movie" Parameter3 78 56 34 12
		expect 2 'cannot be "x"' ctl set Speaker/System Gain 0 x
		differs Gain '-2, 8' "$(ctl get Speaker/System Gain)"
	)"
}

# Each element of the card belongs to one: what all of them have are the elements that amixer lists.
case_get()
{
	check_all "get shows every element of the card at its module, once" "$(
		expect 0 '' ctl get
		awk '/^[^ ]/ { sub("/", " "); address = $0; next }
			/^  Notification  / { next }
			{ name = substr($0, 3); sub(/  .*/, "", name); print address " " name }' \
			"$TMP/out" | sort >"$TMP/names"
		amixer -c "$card" controls | sed -n "s/.*,iface=MIXER,name='\([^']*\)'/\1/p" |
			sed 's/,index=/,/' | sort | diff "$TMP/names" -
		ctl get --json >"$TMP/all"
		json all
		differs parameters "$(wc -l <"$TMP/names")" \
			"$(grep -o '"numid":' "$TMP/all" | wc -l)"
	)"
	hook send "endpoint=0 module=0 size=48"
	check_all "get shows what values may be, and the newest notification, which stays" "$(
		for time in first second; do
			expect 0 '' ctl get Speaker/System
			for line in '  Parameter1    2  (one of "1", "2", "5")' \
					'  Parameter2    0  (0 to 255; read-only)' \
					'  Gain          -2, 8  (-10 to 10 in steps of 2)'; do
				differs "$time '$line'" 1 "$(grep -c -x -F "$line" "$TMP/out")"
			done
			newest="[0-9]*\.[0-9]\{6\}  $(newest)  \(8 bytes:\|parameter\) "
			grep -q "^  Notification  *$newest" "$TMP/out" || cat "$TMP/out"
		done
		expect 0 '' ctl get Speaker/Meter
		! grep -q Notification "$TMP/out" || cat "$TMP/out"
	)"
	check_all "JSON of get has types, limits, values and the notification" "$(
		ctl get --json Speaker/System >"$TMP/system"
		json system
		for member in '"name":"Parameter1","numid":[0-9]*,"writable":true,"type":"ENUM' \
				'"items":\["1","2","5"\],"values":\["2"\]}' \
				'"writable":false,.*"minimum":0,"maximum":255,"step":0,"val' \
				'"count":2,"minimum":-10,"maximum":10,"step":2,"values":\[-2,8\]}' \
				'"type":"BOOLEAN","count":2,"values":\[false,true\]}' \
				'"items":\["Soft","Hard, \\"loud\\"","Off"\],"values":\["Soft"\]' \
				"\"notification\":{\"sequence\":$(newest),.*,\"size\":8}"; do
			grep -q "$member" "$TMP/system" || echo "no $member"
		done
		ctl set --json "Speaker/EQ Movie" Parameter3 01020304 >"$TMP/set"
		json set
		begins='^\[{"address":"Speaker/EQ Movie","parameters":\[{'
		grep -q "$begins"'.*"data":"01020304"}\]}\]$' "$TMP/set" || cat "$TMP/set"
	)"
	echo_module
	hook send "endpoint=0 size=9 method=portcls id=$FOREIGN"
	check_all "a late module, which has no element, does not show its endpoint's" "$(
		ctl get Speaker/Late >"$TMP/out" 2>&1
		differs Late Speaker/Late "$(cat "$TMP/out")"
		ctl get Speaker | sed '/^Speaker\//,$d' >"$TMP/out"
		grep -q '^  Notification  *[0-9.]*  [0-9]*  9 bytes: ' "$TMP/out" || cat "$TMP/out"
	)"
	# 560 bytes behind the identity do not fit into an element.
	hook send "endpoint=1 module=0 size=600"
	check_all "a notification that the element cuts is said to be cut" "$(
		ctl get Headphones/System >"$TMP/out"
		grep -q "^  Notification  .* bytes: .* (the first of 560 bytes)$" "$TMP/out" ||
			cat "$TMP/out"
	)"
}

case_set_usage()
{
	check_all "wrong usage of get and set ends with 2, no permission with 5" "$(
		expect 2 'which module' ctl set
		expect 2 'which parameter' ctl set Speaker/System
		expect 2 'to which value' ctl set Speaker/System Parameter1
		expect 2 'one too many' ctl get Speaker/System Parameter1 1
		expect 2 'set asks the kernel.*"--bus"' ctl set --bus="$address" Speaker/System x 1
		expect 2 "get uses ALSA's own.*\"--dev-dir\"" ctl get --dev-dir=/dev/snd
		expect 2 '"Speaker/5CE.*" means several modules; a value is set at one place' \
			ctl set Speaker/$EQ Parameter1 1
		differs choices 'Speaker/EQ Movie,Speaker/EQ Default,' "$(choices)"
		expect 5 'no permission' as user audiomodulectl get Speaker
		expect 5 'no permission' as user audiomodulectl set Speaker/System Parameter1 1
		nodes audio 640
		expect 0 '' as audiouser audiomodulectl get Speaker
		expect 5 'no permission' as audiouser audiomodulectl set Speaker/System Parameter1 1
		nodes audio 660
	)"
}

add_elements()
{
	mkfifo "$TMP/elements"
	"$(dirname "$0")/user_elements" "$card" <"$TMP/elements" >"$TMP/elements.log" 2>&1 &
	started="$started $!"
	exec 4>"$TMP/elements"
	wait_for 20 has elements.log ready || cat "$TMP/elements.log"
}

remove_elements()
{
	exec 4>&-
	ends "$!"
}

# --- monitor: where it begins -------------------------------------------------------------------

# sequences FILE: of notifications, with what was lost in front
sequences()
{
	sed -n -e 's/.*"type":"lost".*"first":\([0-9]*\),"last":\([0-9]*\),.*/\1..\2 lost/p' \
		-e 's/.*"sequence":\([0-9]*\),.*/\1/p' "$TMP/$1" | tr '\n' ' '
}

# time_of SEQUENCE: of one of the speaker's, as monitor's first column has it
time_of()
{
	journal=$(ctl info --local Speaker | sed -n 's/^ *journal id *//p')
	ctl monitor --local --after="$journal:$(($1 - 1))" --count=1 --timeout=20 Speaker |
		awk '{ print $1 }'
}

# begins_with SEQUENCES OPTION...: these are the first that come; none, within a second
begins_with()
{
	sequences=$1
	shift
	# shellcheck disable=SC2086 # words
	set -- --json --count="$(echo ${sequences:-none} | wc -w)" "$@"
	set -- --timeout="$([ "$sequences" ] && echo 20 || echo 1)" "$@"
	expect 0 '' ctl monitor "$@"
	differs "$*" "$sequences" "$(sequences out | sed 's/ $//')"
}

case_since()
{
	unbind
	bind
	wait_for 20 ready
	hook send "endpoint=0 count=3"
	hook send "endpoint=1 count=2"
	hook send "endpoint=0"
	hook send "endpoint=0"
	hook send "endpoint=0 module=1"
	time=$(time_of 7)
	check_all "--since begins with the first notification since then, each way" "$(
		for how in --bus="$address" --fd --local; do
			begins_with '1 2 3 6 7 8' "$how" --since=0 Speaker
			begins_with '1 2 3 6 7 8' "$how" --since=1d Speaker
			begins_with '7 8' "$how" --since="$time" Speaker
			begins_with 8 "$how" --since="$time" "Speaker/EQ Movie"
			begins_with 4 "$how" --since=1h Headphones
		done
		sleep 1
		begins_with '' --local --since=500ms Speaker
		begins_with '' --since=0s Speaker
	)"
	check_all "--since takes a time that has been, and no other place to begin" "$(
		for value in '' x 5x 5M -1 +1 ' 1' 1.2.3 . 1e3 99999999 inf 99999999999999999999; do
			expect 2 'bad value' ctl monitor --timeout=1 --since="$value"
		done
		expect 2 'excludes "--since"' ctl monitor --since=1s --after=1:1
		expect 2 'excludes "--since"' ctl monitor --local --since=1s --oldest
		expect 2 'an option of monitor' ctl list --since=1s
	)"
}

# The journal holds 1 MiB.
case_since_overwritten()
{
	hook send "endpoint=0 count=200 size=10000"
	oldest=$(ctl info --local Speaker | sed -n 's/^ *oldest sequence *//p')
	newest=$(newest)
	time=$(time_of $((newest - 1)))
	check_all "--since says how far the journal reaches back, and what is missing" "$(
		for how in --bus="$address" --fd --local; do
			ctl monitor "$how" --json --since=0 --count=$((newest - oldest + 1)) \
				--timeout=20 Speaker >"$TMP/out" 2>"$TMP/err"
			differs "$how" "1..$((oldest - 1)) lost $oldest $newest" \
				"$(sequences out | awk '{ print $1, $2, $3, $NF }')"
			says="on card $card reaches back to $(time_of "$oldest") only; which of "
			says="${says}1..$((oldest - 1)) were sent since then is not known"
			grep -q "journal of Speaker $says$" "$TMP/err" || cat "$TMP/err"
			begins_with "$((newest - 1)) $newest" "$how" --since="$time" Speaker
		done
	)"
}

case_instance()
{
	start instances audiomodulectl monitor --count=4 --instance=0x01000000 Speaker
	first=$!
	start both audiomodulectl monitor --local --count=2 --class=$EQ --instance=0 Speaker
	second=$!
	wait_for 20 are_fds 3
	start neither audiomodulectl monitor --local --instance=7 "Speaker/EQ Movie"
	third=$!
	wait_for 20 are_fds 4
	hook send "endpoint=0 module=2 count=2"
	hook send "endpoint=0 module=1 count=2"
	hook send "endpoint=0 module=0 count=2"
	hook send "endpoint=0 module=2 count=2"
	ends "$first"
	statuses=$status
	ends "$second"
	sleep 0.5
	stop "$third"
	check "--instance passes one InstanceId, with --class, with a module's address, and alone" \
		"0 0 4 Speaker/EQ Default, 2 Speaker/EQ Movie, 0" "$statuses $status $(
			awk '{ print $3, $4 }' "$TMP/instances" | uniq -c | xargs), $(
			awk '{ print $3, $4 }' "$TMP/both" | uniq -c | xargs), $(
			wc -l <"$TMP/neither")"
	check_all "--instance takes 32 bits" "$(
		for value in '' x 0x 4294967296 -1; do
			expect 2 'bad value' ctl monitor --timeout=1 --instance="$value"
		done
		expect 0 '' ctl monitor --instance=4294967295 --timeout=0.1
	)"
}

# --- monitor: a module that comes ---------------------------------------------------------------

# heard COUNT: so many notifications of Speaker/Late?
heard()
{
	[ "$(grep -c '"type":"notification","address":"Speaker/Late"' "$TMP/late")" -eq "$1" ]
}

is_stopped()
{
	grep -q '^State:.T' "/proc/$1/status"
}

# Each time that it registers, it notifies once, so that both are read at once by who was stopped.
case_late_module()
{
	hook late "op=register instance=1" && wait_for 20 shows Speaker/Late
	watch late 1 --json --local Speaker/Late
	hook late "op=unregister"
	wait_for 20 has late '"type":"changed"'
	kill -STOP "$watcher"
	wait_for 20 is_stopped "$watcher"
	hook late "op=register instance=1 count=1"
	kill -CONT "$watcher"
	check_all "a module's first notification is heard together with the news that it came" "$(
		wait_for 20 heard 1 || cat "$TMP/late")"
	unbind
	wait_for 20 has late '"type":"removed"'
	bind
	wait_for 20 ready
	problems=$(wait_for 20 has late '"type":"appeared","address":"Speaker"' || cat "$TMP/late")
	hook late "op=register instance=1 count=1"
	check_all "a module that comes later than its card came back is heard" "$problems$(
		wait_for 20 heard 2 || cat "$TMP/late"
		json late
	)"
	stop "$watcher"
	hook late "op=unregister"
}

# --- monitor: bars ------------------------------------------------------------------------------

# screen FILE: the lines that are on the screen in the end: what was drawn over is gone
screen()
{
	tr -d '\000' <"$TMP/$1" | awk '
	{
		sub(/\r$/, "")
		count = split($0, drawn, "\r")
		line = drawn[count]
		sub(/\033\[K/, "", line)
		gsub(/\033\[[0-9]*m/, "", line)
		print line
	}'
}

# on_terminal TERM COLUMNS FILE COMMAND: in the background
on_terminal()
{
	start "$3" env TERM="$1" script -q -f -c "stty cols $2; exec $4" "$TMP/$3.script"
	terminal=$!
}

# A minute, -6.0 dBFS: it is stopped before.
play_square()
{
	tr '\0' '@' </dev/zero | head -c 11520000 >"$TMP/square"
	start play aplay -q -D "hw:$card,0" -t raw -f S16_LE -r 48000 -c 2 "$TMP/square"
}

case_bars()
{
	fds=$(settled_fds)
	on_terminal xterm 60 bars "audiomodulectl monitor --local Speaker"
	first=$terminal
	on_terminal xterm 60 plain "audiomodulectl monitor --local --json Speaker"
	second=$terminal
	on_terminal dumb 60 dumb "audiomodulectl monitor --local Speaker"
	third=$terminal
	on_terminal xterm 30 narrow "audiomodulectl monitor --fd"
	fourth=$terminal
	start lines audiomodulectl monitor --local Speaker
	fifth=$!
	wait_for 20 are_fds $((fds + 6))
	play_square
	play=$!
	wait_for 20 drawn bars.script '\r.*-6.0.*\r.*-6.0'
	amixer -q -c "$card" cset name='Speaker EQ Movie Parameter1' 1
	amixer -q -c "$card" cset name='Speaker EQ Movie Parameter1' 0
	wait_for 20 has lines parameter
	wait_for 20 drawn bars.script 'parameter.*parameter.*\r.*-6.0'
	# What is drawn at this moment is not looked at.
	sed "\$s/\(.*$(printf '\033')\[K\).*/\1/" "$TMP/bars.script" >"$TMP/bars.now"
	screen bars.now >"$TMP/screen"
	stop "$play"
	for file in lines bars.script plain.script dumb.script narrow.script; do
		wait_for 20 drawn $file silence
	done
	for pid in $first $second $third $fourth; do
		kill -INT "$(pgrep -P "$pid" -x audiomodulectl)"
		ends "$pid"
	done
	stop "$fifth"
	check_all "levels are one bar in the last line, above which the others scroll" "$(
		differs sound 1 "$(grep -c 'Speaker/Meter *sound$' "$TMP/screen")"
		differs changes 2 "$(grep -c 'EQ Movie *parameter 0 changed$' "$TMP/screen")"
		differs bar "Speaker/Meter L ############.  -6.0  R ############.  -6.0" \
			"$(tail -n 1 "$TMP/screen" | sed 's/ $//')"
		differs bars 1 "$(grep -c ' L #' "$TMP/screen")"
		differs redrawn yes "$([ "$(tr '\r' '\n' <"$TMP/bars.script" |
			grep -c '^Speaker/Meter L .*-6.0')" -ge 3 ] && echo yes)"
		screen bars.script >"$TMP/screen"
		differs silence 1 "$(grep -c 'Speaker/Meter *silence$' "$TMP/screen")"
		differs "after silence" 0 "$(grep -c ' L #' "$TMP/screen")"
	)"
	check_all "JSON, other terminals and files have a line for each level" "$(
		for file in dumb.script lines; do
			grep -q 'Speaker/Meter *L -6.0 dBFS R -6.0 dBFS' "$TMP/$file" ||
				echo "no levels in $file"
		done
		tr -d '\r' <"$TMP/plain.script" | grep '^{' >"$TMP/plain.lines"
		json plain.lines
		grep -q '"event":"level"' "$TMP/plain.lines" || echo "no levels in JSON"
		! grep -q '\[K' "$TMP/plain.script" "$TMP/dumb.script" || echo "they are redrawn"
	)"
	check_all "a bar is never wider than its terminal" "$(
		tr '\r' '\n' <"$TMP/narrow.script" | sed 's/\x1b\[[0-9]*[mK]//g' |
			awk '/ L / && length > 29'
		grep -q ' L ' "$TMP/narrow.script" || cat "$TMP/narrow.script"
	)"
}

drawn()
{
	tr '\n' ' ' <"$TMP/$1" | grep -q "$(printf %b "$2")"
}

# --- stats --------------------------------------------------------------------------------------

# Of a card that is new: 7 notifications, and what is refused
make_counts()
{
	hook send "endpoint=0 count=4"
	hook send "endpoint=1 module=1 count=3"
	for words in "op=alloc slot=0 pool=3 size=48" "op=alloc slot=0 pool=512 size=0" \
			"op=alloc slot=0 pool=512 size=0"; do
		hook portcls "$words" 2>/dev/null
	done
}

# counters FILE: those of its last line that are not 0
counters()
{
	tail -n 1 "$TMP/$1" | sed -n 's/.*"counters":{\([^}]*\)}.*/\1/p' | tr ',' '\n' | tr -d '"' |
		grep -v ':0$' | tr '\n' ' '
}

# member FILE OBJECT NAME: of each line
member()
{
	sed -n "s/.*\"$2\":{\([^}]*\)}.*/,\1/p" "$TMP/$1" | sed "s/.*,\"$3\":\([0-9]*\).*/\1/"
}

case_stats()
{
	make_counts
	check_all "stats shows what a card's drivers did, by names, in text and in JSON" "$(
		expect 0 '' ctl stats --json
		cp "$TMP/out" "$TMP/stats"
		json stats
		differs lines 1 "$(wc -l <"$TMP/stats")"
		differs counters 'accepted:7 alloc_pool_type:1 alloc_size:2 ' "$(counters stats)"
		begins='{"type":"counts","card":'$card',"card_id":"AudioModules","journal_id":"'
		goes_on=',"journal_size":1048576,"oldest_sequence":1,"newest_sequence":7,"counters"'
		grep -q "^$begins"'[0-9a-f]\{16\}",.*'"$goes_on" "$TMP/stats" || cat "$TMP/stats"
		ctl info --local --json Speaker >"$TMP/info"
		differs "info's" "$(counters info)" "$(counters stats)"
		expect 0 '' ctl stats Headphones/Meter Speaker
		for words in "card $card \[AudioModules\]" '  journal size  *1048576 bytes' \
				'  oldest sequence  *1' '  newest sequence  *7' \
				'  accepted  *7  *notifications that got a sequence' \
				'  alloc_pool_type  *1  *Alloc refused: the pool type' \
				'  alloc_size  *2  *Alloc refused: the number of bytes' \
				'  dropped_busy  *0  *of those: the journal was full' \
				'  left_behind  *0  *buffers that outlived their port'; do
			differs "'$words'" 1 "$(grep -c "^$words$" "$TMP/out")"
		done
	)"
}

# said FILE COUNT: at least so many lines?
said()
{
	[ "$(wc -l <"$TMP/$1")" -ge "$2" ]
}

case_watch()
{
	start watch.json audiomodulectl stats --watch=0.2 --json
	first=$!
	start watch.text audiomodulectl stats --watch=0.2 Speaker
	second=$!
	wait_for 20 said watch.json 3 && wait_for 20 said watch.text 20
	hook send "endpoint=0 count=100"
	hook portcls "op=alloc slot=0 pool=3 size=48" 2>/dev/null
	hook send "endpoint=1 count=23"
	lines=$(wc -l <"$TMP/watch.json")
	lines_text=$(wc -l <"$TMP/watch.text")
	wait_for 20 said watch.json $((lines + 2))
	# A look that began before, one that tells the rest, and one that finds no change.
	wait_for 20 said watch.text $((lines_text + 3))
	kill -INT "$first"
	kill -TERM "$second"
	ends "$first"
	statuses=$status
	ends "$second"
	check "SIGINT and SIGTERM end stats --watch with 0" "0 0" "$statuses $status"
	check_all "stats --watch tells each change once, beside the counts" "$(
		json watch.json
		sums=$(for name in accepted newest_sequence alloc_pool_type alloc_size; do
			member watch.json differences $name |
				awk '{ sum += $1 } END { printf "%d ", sum }'
		done)
		differs sums '123 123 1 0 ' "$sums"
		differs "the first" 0 "$(head -n 1 "$TMP/watch.json" | grep -c differences)"
		differs "the last" 'accepted:130 alloc_pool_type:2 alloc_size:2 ' \
			"$(counters watch.json)"
		differs "in text" 123 "$(sed -n 's/.*  card .*accepted +\([0-9]*\).*/\1/p' \
			"$TMP/watch.text" | awk '{ sum += $1 } END { print sum }')"
		quiet="^ *[0-9]*\.[0-9]\{3\}  card $card \[AudioModules\]  no change$"
		grep -q "$quiet" "$TMP/watch.text" || cat "$TMP/watch.text"
	)"
	shortest=$(sed -n 's/.*"interval_ms":\([0-9]*\).*/\1/p' "$TMP/watch.json" | sort -n |
		head -n 1)
	check "stats --watch looks no more often than it was told" yes \
		"$([ "${shortest:-0}" -ge 200 ] && echo yes || echo "$shortest ms")"
}

shown_twice()
{
	[ "$(grep -c "^card $card \[AudioModules\]$" "$TMP/comes.text")" -eq 2 ]
}

case_watch_card()
{
	start comes audiomodulectl stats --watch=0.2 --json Speaker
	first=$!
	start comes.text audiomodulectl stats --watch=0.2
	wait_for 20 said comes 2 && wait_for 20 said comes.text 20
	unbind
	problems=$(
		wait_for 20 has comes '"type":"removed"' || cat "$TMP/comes"
		wait_for 20 has comes.text "^card $card \[AudioModules\] is gone$" ||
			tail -n 3 "$TMP/comes.text"
		expect 0 '' ctl stats
		differs text 'no cards with audio modules' "$(cat "$TMP/out")"
		expect 0 '' ctl stats --json
		differs JSON '' "$(cat "$TMP/out")"
	)
	bind
	wait_for 20 ready
	hook send "count=2"
	problems=$problems$(
		wait_for 20 has comes '"oldest_sequence":1,"newest_sequence":2,' || cat "$TMP/comes"
		differs journals 2 "$(sed -n 's/.*"journal_id":"\([^"]*\)".*/\1/p' "$TMP/comes" |
			sort -u | wc -l)"
		differs removed 1 "$(grep -c '"type":"removed"' "$TMP/comes")"
		wait_for 20 shown_twice || tail -n 3 "$TMP/comes.text"
	)
	kill "$first"
	ends "$first"
	check_all "stats --watch says that a card is gone, and begins anew when it is back" \
		"$problems$(json comes)"
	stop_all_but_daemon
}

# Between two looks, so that nobody sees that it was away.
case_watch_other_card()
{
	hook send "count=5"
	start other audiomodulectl stats --watch=3 --json
	other=$!
	wait_for 20 said other 1
	unbind
	bind
	wait_for 20 ready
	wait_for 20 said other 3
	kill "$other"
	ends "$other"
	check "stats --watch does not compare a card with another one of its number" \
		"counts removed counts 0" \
		"$(sed -n 's/^{"type":"\([^"]*\)".*/\1/p' "$TMP/other" | head -n 3 |
			tr '\n' ' ')$(head -n 3 "$TMP/other" | grep -c differences)"
}

# The first line ends head; stats learns of it with the next.
case_pipe()
{
	check "a stats --watch whose reader has gone ends, quietly, with 0" "1 0 " "$({
		{
			timeout 20 audiomodulectl stats --watch=0.1 --json 2>&1
			echo $? >"$TMP/pipe"
		} | head -n 1 | grep -c counts
		wait_for 20 [ -s "$TMP/pipe" ]
		cat "$TMP/pipe"
	} | tr '\n' ' ')"
}

# --- completion ---------------------------------------------------------------------------------

# completed < LINES: what becomes of each in an interactive bash when TAB is pressed behind it
completed()
{
	{
		while IFS= read -r line; do
			printf '%s\t\n' "$line"
		done
		echo exit
	} | TERM=dumb timeout 60 script -q -c "bash --noprofile --rcfile $TMP/bashrc -i" \
		/dev/null 2>&1 | tr -d '\r\007' | grep '^<.*>$'
}

# "show" says which arguments it got.
make_bashrc()
{
	cat >"$TMP/bashrc" <<-END
		PS1='$ '
		. $COMPLETION
		show() { printf '<%s>' "\$@"; echo; }
		complete -F _audiomodulectl show
		bind 'set bell-style none' 'set enable-bracketed-paste off'
	END
}

# completes < LINES: of what is typed and of what it becomes, one behind the other
completes()
{
	cat >"$TMP/lines"
	cut -d '|' -f 1 "$TMP/lines" | completed >"$TMP/got"
	cut -d '|' -f 2 "$TMP/lines" | diff - "$TMP/got"
}

case_completion_of_stream()
{
	check_all "bash completes the address of a stream's module" "$(completes <<-END
		show send Speaker/System@|<send><Speaker/System@0p0>
		show send Speaker/System@0|<send><Speaker/System@0p0>
	END
	)"
}

case_completion()
{
	check_all "bash completes commands, options, addresses with blanks, and files" "$(
		: >"$TMP/completed.bin"
		completes <<-END
			show sta|<stats>
			show mon|<monitor>
			show send Speaker/S|<send><Speaker/System>
			show send Headphones/Ec|<send><Headphones/Echo Default>
			show send Speaker/EQ\\ M|<send><Speaker/EQ Movie>
			show send "Speaker/EQ M|<send><Speaker/EQ Movie>
			show send Speaker/E|<send><Speaker/EQ >
			show --local info Headphones/M|<--local><info><Headphones/Meter>
			show stats Head|<stats><Headphones>
			show send Speaker/System @$TMP/complete|<send><Speaker/System><@$TMP/completed.bin>
			show list Spea|<list><Spea>
			show send --r|<send><--raw>
			show monitor --exi|<monitor><--exit-when-gone>
			show --bus=ses|<--bus=session>
			show --bus ses|<--bus><session>
			show --bus system sen|<--bus><system><send>
			show --bus $address info Head|<--bus><$address><info><Headphones>
			show info --count 3 Headphones/M|<info><--count><3><Headphones/Meter>
			show do|<doctor>
			show get Speaker/EQ\\ D|<get><Speaker/EQ Default>
			show get Speaker/EQ\\ Default Par|<get><Speaker/EQ Default><Parameter>
			show get Speaker Pro|<get><Speaker><Processing Mode>
			show set Speaker "Processing Mode" Mo|<set><Speaker><Processing Mode><Movie>
			show set Speaker Processing\\ Mode Ra|<set><Speaker><Processing Mode><Raw>
			show set Speaker/System Parameter1 5|<set><Speaker/System><Parameter1><5>
		END
	)"
	# A second card's names are made of its number, at whose colon bash breaks words.
	cat >>"$TMP/bashrc" <<-END
		audiomodulectl() { command audiomodulectl "\$@" | sed 's/^Speaker/7:Speaker/'; }
	END
	check_all "and names behind the number of a card" "$(completes <<-END
		show send 7:Speaker/S|<send><7:Speaker/System>
		show send 7:Speaker/EQ\\ D|<send><7:Speaker/EQ Default>
		show stats 7|<stats><7:Speaker>
	END
	)"
}

# Those that the help shows are offered, and those that are offered are options.
case_completion_options()
{
	problems=
	for name in list info monitor send get set stats doctor; do
		offered=$(bash -c ". $COMPLETION && _audiomodulectl_options $name")
		for option in $(ctl $name --help | grep -o -e '--[a-z-]*[a-z]'); do
			case " $(echo "$offered" | tr '\n' ' ') " in
			*" $option "* | *" $option= "*) ;;
			*) problems="$problems $name: no $option" ;;
			esac
		done
		for option in $offered; do
			! ctl $name "$option" Nowhere/Nowhere 2>&1 </dev/null | grep -q \
				-e 'recognized option' -e 'an option of' -e 'leave out' ||
				problems="$problems $name does not take $option"
		done
	done
	check_all "completion offers the options that each command has, and no others" "$problems"
}

has_socket()
{
	find "/proc/$1/fd" -lname 'socket:*' | grep -q .
}

case_signal()
{
	kill -STOP "$daemon"
	start silent audiomodulectl monitor
	watcher=$!
	wait_for 20 has_socket "$watcher"
	sleep 0.5
	kill "$watcher"
	problems=$(wait_for 5 ended "$watcher" || echo "it waits for audiomoduled")
	kill -CONT "$daemon"
	check_all "monitor ends by a signal while audiomoduled does not answer" "$problems"
}

# --- the cases ----------------------------------------------------------------------------------

begin 48
start_bus
bus=${started# }
load
nodes audio 660
start daemon audiomoduled --bus="$address"
daemon=$!
printf '\0' >"$TMP/frame"
make_bashrc
wait_for 20 shows Speaker/Meter
case_commands
case_refusals
echo_module
case_notations
case_sizes
case_dump
case_late_answers
case_addresses
case_usage
case_permissions
case_stream
unbind
bind
wait_for 20 ready
add_elements
case_set
case_get
case_set_usage
remove_elements
case_since
case_since_overwritten
case_instance
case_late_module
case_bars
stop_all_but_daemon
unbind
bind
wait_for 20 ready
case_signal
case_stats
case_watch
case_watch_card
case_watch_other_card
case_pipe
case_completion
case_completion_options
stop_all
problems=$(unload 2>&1)$(log_trouble)
check_all "nothing is left: both modules unload, and the kernel has no complaint" "$problems"
finish
