#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The modules loaded, unloaded, and the card taken away by sysfs' unbind, while programs sleep in
# read, poll and epoll, hold devices open, play, and send: nothing hangs, nothing is left, and
# every reader is told.

# shellcheck disable=SC2317 # functions that wait_for and start call
# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

HELPER=$(cd "$(dirname "$0")" && pwd)/lifetime_helper

# What waits for user space waits for ever here, and is ended after 20 s. A call that does not may
# take seconds on a machine that has no time for it.
PROMPT_MS=10000
GONE="removed 0
end"

# How often what must leave nothing is done; the quick set, on each kernel, has less time.
LOADS=${AUDIO_MODULE_LOADS:-20}
BINDS=${AUDIO_MODULE_BINDS:-30}

# --- what the cases share -----------------------------------------------------------------------

# helper FILE COMMAND: starts it and waits until it says that it is ready; $! is its id
helper()
{
	start "$1" "$HELPER" "$2"
	ready_pid=$!
	wait_for 10 grep -q '^ready$' "$TMP/$1" || echo "# $2 did not get ready: $(cat "$TMP/$1")"
}

# sleeper FILE COMMAND: the same, and it sleeps
sleeper()
{
	helper "$1" "$2"
	wait_for 10 asleep $ready_pid || echo "# $2 does not sleep"
}

# What a helper said after "ready"
said()
{
	sed -n '/^ready$/,$p' "$TMP/$1" | sed 1d
}

# tell_progress WHAT: for whoever waits, sometimes, of the long loops
tell_progress()
{
	[ $((round % 100)) -ne 0 ] || echo "# $1 $round times"
}

# timed COMMAND...: its exit status in $rc, how long it took in $ms; no longer than 20 s
timed()
{
	timed_from=$(now_ms)
	"$@" >"$TMP/timed" 2>&1
	rc=$?
	ms=$(($(now_ms) - timed_from))
}

# check_prompt BEHAVIOUR: what timed ran ended well, and waited for nobody
check_prompt()
{
	if [ $rc -eq 0 ] && [ "$ms" -le $PROMPT_MS ]; then
		pass "$1"
	else
		fail "$1" "0 within $PROMPT_MS ms" "$rc after $ms ms: $(cat "$TMP/timed")"
	fi
}

rmmod_virtual()
{
	timeout 20 rmmod $VIRTUAL
}

unbind_limited()
{
	timeout 20 sh -c "echo $DEVICE >$DRIVER/unbind"
}

# The card's objects are freed a moment after the last program has closed it.
nothing_alive()
{
	[ -z "$(objects)" ]
}

settled()
{
	wait_for 10 nothing_alive
	objects
}

gone()
{
	wait_for 10 ended "$1" && echo gone
}

# play DEVICE SECONDS: a constant sound, so that the meter notifies
play()
{
	tr '\0' '\20' </dev/zero | timeout "$2" \
		aplay -q -D "hw:$card,$1" -t raw -f S16_LE -r 48000 -c 2 -
}

sound()
{
	grep -q RUNNING "/proc/asound/card$card/pcm$1p/sub0/status"
}

# Sends until the hook is gone.
send_on()
{
	while :; do
		echo "count=500" >"/sys/kernel/debug/snd-audio-module-virtual/card$card/send" ||
			sleep 0.05
	done 2>/dev/null
}

# --- load and unload ----------------------------------------------------------------------------

case_load_again_and_again()
{
	problems=
	load_core
	for round in $(seq "$LOADS"); do
		load_virtual || problems="$problems load $round"
		card=$(card_number)
		hook send "count=100" || problems="$problems send $round"
		timed rmmod_virtual
		[ $rc -eq 0 ] || problems="$problems unload $round"
		problems="$problems$(objects)"
		tell_progress "loaded and unloaded"
	done
	check_all "$LOADS times loaded, used and unloaded, the driver leaves no object" "$problems"

	# As users load them, where they are installed.
	from=${AUDIO_MODULE_DIR:-}
	! modinfo snd-audio-module >/dev/null 2>&1 || AUDIO_MODULE_DIR=
	problems=
	rmmod $CORE
	for round in 1 2 3 4 5; do
		load || problems="$problems load $round"
		unload || problems="$problems unload $round"
	done
	AUDIO_MODULE_DIR=$from
	check_all "both modules can be loaded and unloaded again and again" "$problems"
}

case_card_node()
{
	load
	[ -c "/dev/snd/hwC${card}D3" ]
	before=$?
	unload
	check "the card and its nodes are there exactly while the driver is" "0 gone" \
		"$before $([ -e "/dev/snd/hwC${card}D3" ] || [ -n "$(card_number)" ] || echo gone)"
}

# IF-2: where a driver gets no port, everything but notifications is as it is with one.
case_without_a_port()
{
	load_core
	load_module snd-audio-module-virtual no_port=1
	card=$(card_number)
	name="Speaker EQ Movie Parameter1"
	amixer -q -c "$card" cset name="$name" 2
	check "a driver without a port has its card and its parameters, and no notifications" \
		"values=2 0 elements 0 ports" \
		"$(amixer -c "$card" cget name="$name" | sed -n 's/^ *: //p') $(
			amixer -c "$card" controls | grep -c "Notification'") elements $(
			sed -n 's/^ports //p' $OBJECTS) ports"
	check "and no device for them" gone "$([ -e "/dev/snd/hwC${card}D3" ] || echo gone)"
	timed play 0,0 0.3
	check "and plays" 124 "$rc"
	problems=
	for call in "op=alloc pool=1 size=48" "op=send" "op=free"; do
		hook portcls "$call no_port=1" || problems="$problems $call"
	done
	hook send "count=10" || problems="$problems send"
	hook send "count=10 method=portcls" || problems="$problems portcls"
	hook late "op=register instance=1" || problems="$problems late"
	check_all "and its calls go well" "$problems"
	timed rmmod_virtual
	check_prompt "and can be unloaded"
	check_all "and leaves nothing" "$(objects)"
	unload
}

# --- sleepers -----------------------------------------------------------------------------------

# What each kind of sleeper says when the card goes.
expected_of()
{
	case $1 in
	block-read)	echo "$GONE" ;;
	*)		printf 'events in\nremoved 0\nevents in hup\nend\n' ;;
	esac
}

case_sleepers()
{
	for kind in block-read poll epoll; do
		load
		sleeper $kind $kind
		timed rmmod_virtual
		echo "# rmmod took $ms ms"
		check_prompt "rmmod of the driver does not wait for a program asleep in $kind"
		check "a program asleep in $kind wakes, is told of the removal, and ends" \
			"gone $(expected_of $kind)" "$(gone $ready_pid) $(said $kind)"
		check_all "after the program in $kind nothing is left" "$(settled)"
		unload
	done
}

case_many_sleepers()
{
	load
	pids=
	for i in 1 2 3 4 5 6 7 8; do
		sleeper "many$i" block-read
		pids="$pids $ready_pid"
	done
	timed rmmod_virtual
	check_prompt "rmmod of the driver does not wait for 8 sleepers"
	problems=
	i=0
	for pid in $pids; do
		i=$((i + 1))
		[ "$(gone "$pid") $(said "many$i")" = "gone $GONE" ] ||
			problems="$problems $i: $(said "many$i")"
	done
	check_all "all 8 sleepers wake and are told" "$problems"
	unload
}

case_unread()
{
	load
	helper unread unread
	hook send "count=200 size=100"
	hook send "endpoint=1 module=2 count=100 size=3000"
	timed rmmod_virtual
	check_prompt "rmmod of the driver does not wait for a program with unread records"
	check "what was unread is read before the removal" \
		"gone ended=1 matched=300 lost=0 removed=1 bad=0 corrupt=0" \
		"$(gone $ready_pid) $(said unread)"
	unload
}

case_killed_sleeper()
{
	load
	sleeper killed block-read
	killed=$ready_pid
	sleeper other block-read
	other=$ready_pid
	kill -9 "$killed"
	wait "$killed" 2>/dev/null
	hook send "count=1"
	wait_for 20 grep -q 'notification 1' "$TMP/other"
	rmmod_virtual
	check "a sleeper that is killed does not disturb another" \
		"gone notification 1
removed 1
end" "$(gone "$other") $(said other)"
	check_all "a killed sleeper leaves nothing" "$(settled)"
	unload

	load
	sleeper shared shared
	child=$(sed -n 's/child //p' "$TMP/shared")
	wait_for 20 asleep "$child"
	kill -9 "$child"
	wait_for 20 ended "$child"
	hook send "count=1"
	wait_for 20 grep -q 'notification 1' "$TMP/shared"
	rmmod_virtual
	check "of two that sleep on one open file, one can be killed" "gone notification 1
removed 1
end" "$(gone $ready_pid) $(said shared)"
	unload
}

case_passed_on()
{
	load
	helper passed pass-fd
	child=$(sed -n 's/child //p' "$TMP/passed")
	started="$started $child"
	hook send "count=1"
	wait_for 20 grep -q 'notification 1' "$TMP/passed"
	rmmod_virtual
	check "a notification fd that was handed on outlives its opener and the card" \
		"gone gone notification 1
removed 1
end" "$(gone $ready_pid) $(gone "$child") $(said passed)"
	check_all "a notification fd that was handed on leaves nothing" "$(settled)"
	unload
}

# --- who holds which module ---------------------------------------------------------------------

# IF-3
case_core_held()
{
	load
	helper fd hold-fd
	rmmod_virtual
	timed rmmod $CORE
	check "rmmod of the core is refused while a notification fd is open" "1 in use" \
		"$rc $(grep -o 'in use' "$TMP/timed")"
	check "only the journal and its fd outlive the driver" "journals 1, notification_fds 1" \
		"$(objects)"
	stop $ready_pid
	timed rmmod $CORE
	check_prompt "rmmod of the core works after the notification fd is closed"
}

# Whose code frees the card, when the last file of a card is closed and the driver has gone by then.
case_core_held_by_card()
{
	load
	held=$(cat /sys/module/$CORE/refcnt)
	unbind
	check "a card keeps the core loaded" 1 $((held - $(cat /sys/module/$CORE/refcnt)))
	unload
}

case_driver_held()
{
	for kind in hwdep control; do
		load
		helper $kind hold-$kind
		timed rmmod $VIRTUAL
		check "rmmod of the driver is refused while its $kind device is open" "1 in use" \
			"$rc $(grep -o 'in use' "$TMP/timed")"
		check "the card is whole after that refusal ($kind)" 0 \
			"$(hook send "count=1" && "$HELPER" info >/dev/null; echo $?)"
		stop $ready_pid
		timed rmmod_virtual
		check_prompt "rmmod of the driver works after its $kind device is closed"
		unload
	done
}

case_flood_and_rmmod()
{
	load
	start flood sh -c "echo count=10000000 >/sys/kernel/debug/snd-audio-module-virtual/card$card/send"
	flood=$!
	wait_for 20 sh -c "$HELPER info | grep -qv ' 0$'"
	timed rmmod $VIRTUAL
	check "rmmod of the driver is refused while a hook sends" "1 in use" \
		"$rc $(grep -o 'in use' "$TMP/timed")"
	stop $flood
	timed rmmod_virtual
	check_prompt "rmmod of the driver works after the hook ended"
	check_all "nothing is left after a flood" "$(settled)"
	unload
}

# --- unbind -------------------------------------------------------------------------------------

# IF-3
case_unbind_held()
{
	load
	helper hwdep hold-hwdep
	hwdep=$ready_pid
	helper control hold-control
	control=$ready_pid
	timed unbind_limited
	check_prompt "unbind does not wait for open devices"
	wait_for 10 grep -q SUBSCRIBE "$TMP/hwdep"
	wait_for 10 grep -q ELEM_READ "$TMP/control"
	check "ioctls of a hwdep device without its card give ENODEV" \
		"INFO ENODEV
LIST ENODEV
SUBSCRIBE ENODEV" "$(said hwdep)"
	check "ioctls of a control device without its card give ENODEV" \
		"CARD_INFO ENODEV
ELEM_READ ENODEV" "$(said control)"
	timed rmmod $VIRTUAL
	check "the driver cannot go while a device of its gone card is open" "1 in use" \
		"$rc $(grep -o 'in use' "$TMP/timed")"
	stop "$hwdep" "$control"
	check_all "the gone card is freed with its last open device" "$(settled)"
	unload
}

case_unbind_alsactl()
{
	load
	start monitor stdbuf -oL alsactl monitor "hw:$card"
	monitor=$!
	wait_for 10 sh -c "ls -l /proc/$monitor/fd | grep -q controlC"
	timed unbind_limited
	check_prompt "unbind does not wait for alsactl monitor"
	stop "$monitor"
	check_all "nothing is left after alsactl monitor" "$(settled)"
	unload
}

# PNP-9
case_unbind_sleepers()
{
	load
	problems=
	for kind in block-read poll epoll; do
		sleeper $kind $kind
		eval "pid_$(echo $kind | tr - _)=\$ready_pid"
	done
	timed unbind_limited
	check_prompt "unbind does not wait for sleepers"
	# shellcheck disable=SC2154 # set by eval
	for kind in block-read poll epoll; do
		eval "pid=\$pid_$(echo $kind | tr - _)"
		[ "$(gone "$pid") $(said $kind)" = "gone $(expected_of $kind)" ] ||
			problems="$problems $kind: $(said $kind)"
	done
	check_all "sleepers wake at the unbind and are told" "$problems"
	check_all "nothing is left after the sleepers" "$(settled)"
	unload
}

case_unbind_playing()
{
	load
	start play play 0 60
	play=$!
	start other play 1 60
	wait_for 10 sound 0 && wait_for 10 sound 1
	timed unbind_limited
	check_prompt "unbind does not wait for aplay on both endpoints"
	check "aplay ends when its card goes" "gone gone" "$(gone $play) $(gone $!)"
	check_all "nothing is left after aplay" "$(settled)"
	unload
}

case_unbind_sending()
{
	load
	start send send_on
	sender=$!
	helper tally tally
	wait_for 20 sh -c "$HELPER info | grep -qv ' 0$'"
	timed unbind_limited
	check_prompt "unbind does not wait for a hook that sends in a loop"
	check "a reader of that flood is told each loss and the end" \
		"gone ended=1 removed=1 bad=0 corrupt=0 unexplained=0" \
		"$(gone $ready_pid) $(said tally)"
	stop $sender
	check_all "nothing is left after the sender" "$(settled)"
	unload
}

case_bind_again()
{
	load
	hook send "count=5"
	before=$("$HELPER" info)
	unbind
	bind
	after=$("$HELPER" info)
	check "bind brings a card with a new, empty journal" "another 0" \
		"$([ "${before% *}" != "${after% *}" ] && echo another) ${after#* }"
	check "resuming in the journal of the card before gives ESTALE" ESTALE \
		"$("$HELPER" after "${before% *}" 3)"
	hook send "count=5"
	check "resuming in the journal of the card that is there works" 0 \
		"$("$HELPER" after "${after% *}" 3)"
	unload
}

case_bind_again_and_again()
{
	load
	start send send_on
	problems=
	for round in $(seq "$BINDS"); do
		start "tally$round" "$HELPER" tally
		helper "read$round" block-read
		wait_for 10 grep -q '^ready$' "$TMP/tally$round"
		unbind_limited || problems="$problems unbind $round"
		bind || problems="$problems bind $round"
		tell_progress "unbound and bound"
	done
	check_all "$BINDS times unbound and bound while programs read and send" "$problems"
	unbind
	problems=
	for round in $(seq "$BINDS"); do
		wait_for 10 grep -q 'ended=1 removed=1 bad=0 corrupt=0 unexplained=0' \
			"$TMP/tally$round" || problems="$problems tally $round: $(said "tally$round")"
		wait_for 10 grep -q '^end$' "$TMP/read$round" || problems="$problems read $round"
	done
	check_all "each of their readers is told each loss and the end" "$problems"
	stop_all
	check_all "nothing is left after $BINDS times" "$(settled)"
	unload
}

# IF-12: when the card goes, ALSA waits for a program inside of a read of its /proc file, after it has told
# all parts of the card: meanwhile the meter's timer runs on, and finds the journal closed. What is
# refused shows as a trace event with the counter's number.
case_sends_after_the_end()
{
	trace=/sys/kernel/tracing
	refused=$trace/events/audio_module/snd_audio_module_refused
	load
	echo 'counter == 2' >$refused/filter
	echo 1 >$refused/enable
	echo >$trace/trace
	start play play 0 60
	wait_for 10 sound 0
	helper proc hold-proc
	start unbind unbind_limited
	unbinding=$!
	wait_for 10 grep -q snd_audio_module_refused: $trace/trace
	check "a Send after the end is dropped and counted as removed" 1 \
		"$(grep -c -m 1 snd_audio_module_refused: $trace/trace)"
	kill -9 $ready_pid
	check "the card goes all the same" gone "$(gone $unbinding)"
	echo 0 >$refused/enable
	echo 0 >$refused/filter
	stop_all
	check_all "nothing is left after that Send" "$(settled)"
	unload
}

# MOD-6: the driver's handler has answered; its program does not take the answer.
case_command_held()
{
	load
	helper command hold-command
	timed unbind_limited
	check_prompt "unbind does not wait for a program that does not take a command's answer"
	kill -9 $ready_pid
	check_all "nothing is left after that command" "$(settled)"
	unload
}

# The driver may have torn its hardware down: its handler must not be called any more.
case_command_late()
{
	load
	helper question hold-question
	timed unbind_limited
	check_prompt "unbind does not wait for a program whose command has not come yet"
	wait_for 10 ended $ready_pid
	check "a command that comes after the card has gone gives ENODEV" ENODEV \
		"$(said question)"
	check_all "nothing is left after it" "$(settled)"
	unload
}

# Not every kernel takes the power reference back from who waits in vain for it; the card waits for all.
case_command_asleep()
{
	load
	hook late "op=register instance=1"
	hook asleep 1
	# A kernel without power management has no card that sleeps: there the handler answers.
	sleeps=0
	answer="long 0"
	if [ -d /sys/power ]; then
		sleeps=1
		answer="long ENODEV"
	fi
	check "a card sleeps where the kernel can have it sleep" $sleeps \
		"$(cat "/sys/kernel/debug/snd-audio-module-virtual/card$card/asleep")"
	helper command command-asleep
	wait_for 10 grep -q '^State:.D' /proc/$ready_pid/status
	check "a command to a card that sleeps waits for it to wake" D \
		"$(sed -n 's/^State:.\(.\).*/\1/p' /proc/$ready_pid/status)"
	timed unbind_limited
	check_prompt "unbind does not wait for a card to wake"
	wait_for 10 ended $ready_pid
	check "what becomes of that command" "$answer" "$(said command)"
	check_all "nothing is left after that sleeper" "$(settled)"
	unload
}

# The card waits for the handler that is at work, and counts no one twice that comes then.
case_command_while_the_card_goes()
{
	load
	hook late "op=register instance=1"
	helper commands three-commands
	timed unbind_limited
	check "unbind waits for a handler that is at work" "0 waited" \
		"$rc $([ "$ms" -ge 200 ] && echo waited || echo "$ms ms")"
	wait_for 10 ended $ready_pid
	check "it ends well, and the commands that come meanwhile give ENODEV" "ENODEV ENODEV long 0" \
		"$(said commands | sort | tr '\n' ' ' | sed 's/ $//')"
	check_all "nothing is left after both" "$(settled)"
	unload
}

# --- what can be traced --------------------------------------------------------------------------

case_traced()
{
	trace=/sys/kernel/tracing
	load
	echo 1 >$trace/events/audio_module/enable
	echo >$trace/trace
	hook send "endpoint=1 module=1 size=100 count=3"
	hook send "endpoint=1 module=1 size=100 id=null method=portcls"
	check "each Send can be traced, and why one was refused" "card=$card endpoint=1 module=5 \
sequence=1 data_size=100 card=$card endpoint=1 module=5 sequence=2 data_size=100 card=$card \
endpoint=1 module=5 sequence=3 data_size=100 card=$card endpoint=1 counter=5" \
		"$(sed -n 's/.*snd_audio_module_[a-z]*: //p' $trace/trace | tr '\n' ' ' | sed 's/ $//')"
	echo 0 >$trace/events/audio_module/enable
	unload
}

# --- late modules, buffers left -----------------------------------------------------------------

case_late_modules()
{
	load
	sleeper late block-read
	problems=
	for i in 1 2 3 4 5 6 7 8 9 10; do
		hook late "op=register instance=$i" || problems="$problems register $i"
		hook late "op=unregister" || problems="$problems unregister $i"
	done
	check_all "a module can come and go while a program reads" "$problems"
	wait_for 20 sh -c "[ \$(grep -c '^changed' $TMP/late) -eq 20 ]"
	check "the reader is told of each change, and of the modules' notifications" \
		"20 changed, 10 notifications" \
		"$(grep -c ^changed "$TMP/late") changed, $(grep -c ^notification "$TMP/late") notifications"
	hook late "op=register instance=99"
	timed rmmod_virtual
	check_prompt "the driver can go while a late module is registered"
	check "its reader is told of the end" "gone end" \
		"$(gone $ready_pid) $(said late | tail -n 1)"
	check_all "a late module leaves nothing" "$(settled)"
	unload
}

case_modules_come_and_go()
{
	load
	check "more modules can come and go than there are indices" "ends well after 65536" \
		"$("$HELPER" come-and-go)"
	unload
}

case_buffers_left()
{
	load
	mark=$(log_now)
	for slot in 0 1 2; do
		hook portcls "op=alloc slot=$slot size=100"
	done
	hook portcls "op=alloc slot=0 size=60000 endpoint=1"
	check "buffers that were not freed are counted while the driver is there" 4 \
		"$(sed -n 's/^buffers //p' $OBJECTS)"
	rmmod_virtual
	check "buffers left behind are told for each port, once" "Headphones Speaker" \
		"$(log_since "$mark" | sed -n 's/.*: \([A-Za-z]*\): buffers left behind.*/\1/p' |
			sort | tr '\n' ' ' | sed 's/ $//')"
	check_all "buffers left behind are freed" "$(objects)"
	unload
}

begin 89
case_load_again_and_again
case_card_node
case_without_a_port
case_sleepers
case_many_sleepers
case_unread
case_killed_sleeper
case_passed_on
case_core_held
case_core_held_by_card
case_driver_held
case_flood_and_rmmod
case_unbind_held
case_unbind_alsactl
case_unbind_sleepers
case_unbind_playing
case_unbind_sending
case_bind_again
case_bind_again_and_again
case_sends_after_the_end
case_command_held
case_command_late
case_command_asleep
case_command_while_the_card_goes
case_traced
case_late_modules
case_modules_come_and_go
case_buffers_left
check_all "the kernel's log shows no trouble" "$(log_trouble)"
finish
