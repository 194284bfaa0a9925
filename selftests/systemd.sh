#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# audiomoduled as it is installed, on a machine that systemd has booted: started by the bus, inside
# its unit's sandbox, with udev's permissions, logind's sessions and polkit's decisions.
#
# Sessions are made by pam_systemd, as for somebody who logs in on a virtual terminal: the one on the
# terminal in front is active, the one behind is not.

set -u

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

UNIT=audiomoduled.service
DROPIN=/run/systemd/system/$UNIT.d
MASK=/run/systemd/system/polkit.service
RULE=/etc/polkit-1/rules.d/10-audiomodule-test.rules
GET="01000000 00000000"

if [ ! -d /run/systemd/system ]; then
	echo "TAP version 13"
	echo "1..0 # SKIP systemd has not booted this machine"
	exit 4
fi

# --- the unit -----------------------------------------------------------------------------------

unit()
{
	systemctl show --value --property="$1" $UNIT
}

is_state()
{
	[ "$(unit ActiveState)" = "$1" ]
}

stop_unit()
{
	systemctl stop $UNIT
	systemctl reset-failed $UNIT 2>/dev/null
}

# What the unit's process says, since it was started last
unit_log()
{
	journalctl --quiet --output=cat --unit=$UNIT \
		_SYSTEMD_INVOCATION_ID="$(unit InvocationID)"
}

# shellcheck disable=SC2317 # called by wait_for
unit_says()
{
	unit_log | grep -q -e "$1"
}

# How often it has ended because nobody needed it. The unit itself does not know any more: systemd
# forgets one that is inactive and not enabled.
idle_ends()
{
	journalctl --quiet --output=cat --unit=$UNIT |
		grep -c 'No card and no client is there: ending'
}

# shellcheck disable=SC2317 # called by wait_for
has_idle_ends()
{
	[ "$(idle_ends)" -ge "$1" ]
}

# shellcheck disable=SC2317 # called by wait_for
lists()
{
	ctl list | grep -q "$1"
}

# --- who calls ----------------------------------------------------------------------------------

# shellcheck disable=SC2317 # called by answers
# on_terminal NUMBER USER COMMAND...: in a session of that user on that virtual terminal
on_terminal()
{
	number=$1
	user=$2
	shift 2
	systemd-run --quiet --pipe --wait --collect -p User="$user" -p PAMName=login \
		-p TTYPath="/dev/tty$number" -- "$@"
}

# answers COMMAND...: "yes", "no" when the daemon does not allow it, else what is wrong
answers()
{
	"$@" >"$TMP/answer" 2>&1 </dev/null
	got=$?
	if [ $got -eq 5 ] && grep -q 'org.audiomodule1.* is not allowed' "$TMP/answer"; then
		echo no
	elif [ $got -eq 0 ]; then
		echo yes
	else
		echo "$got: $(cat "$TMP/answer")"
	fi
}

# rights CALLER...: may this caller look, get signals, get an fd, send a command?
rights()
{
	{
		answers "$@" audiomodulectl list
		answers "$@" audiomodulectl monitor --timeout=0.1 Speaker
		answers "$@" audiomodulectl monitor --fd --timeout=0.1 Speaker
		answers "$@" audiomodulectl send Speaker/System "$GET"
	} | tr '\n' ' ' | sed 's/ $//'
}

# --- the cases ----------------------------------------------------------------------------------

begin 18
trap 'put_back; clean_up' EXIT

# shellcheck disable=SC2317 # called by the trap
put_back()
{
	stop_unit
	rm -rf "$DROPIN" "$MASK"
	[ ! -e "$RULE" ] || { rm "$RULE"; systemctl try-restart polkit.service; }
	systemctl daemon-reload
}

check_all "the unit has no mistakes, and is as closed as it can be" "$(
	systemd-analyze verify --man=no /usr/lib/systemd/system/$UNIT 2>&1
	systemd-analyze security --offline=true --threshold=5 \
		/usr/lib/systemd/system/$UNIT >"$TMP/security" 2>&1 ||
		grep -v -e '✓' "$TMP/security"
)"
echo "# $(grep 'Overall exposure' "$TMP/security")"

load
udevadm settle
check "udev gives the nodes to the group audio" "root:audio 660" \
	"$(stat -c '%U:%G %a' "/dev/snd/controlC$card")"

stop_unit
ctl list >"$TMP/list" 2>&1
check "the first call starts the daemon, by the bus" "11 active audiomodule" \
	"$(wc -l <"$TMP/list") $(unit ActiveState) $(
		ps -o user:20= -p "$(unit MainPID)" | tr -d ' ')"

# In its control group, whose devices are limited
can_open()
{
	sh -c "echo \$\$ >/sys/fs/cgroup$(unit ControlGroup)/cgroup.procs && : <'$1'" 2>/dev/null
}
check_all "in its sandbox there are the sound devices, and little else" "$(
	process=/proc/$(unit MainPID)/status
	can_open "/dev/snd/controlC$card" || echo "it cannot open the card"
	for node in /dev/kmsg /dev/vda /dev/tty1; do
		! can_open $node || echo "it can open $node"
	done
	grep -q '^CapEff:.*0000000000000000' "$process" || grep ^Cap "$process"
	grep -q '^NoNewPrivs:.*1' "$process" || echo "it may get privileges"
	grep -q '^Seccomp:.*2' "$process" || echo "system calls are not filtered"
	unit_log | grep -v ' is here$'
)"

watch signals 1 --count=3 Speaker
first=$watcher
watch fd 1 --fd --count=3 Speaker
hook send "endpoint=0 count=3"
ends "$first"
first=$status
ends "$watcher"
check "monitor gets notifications, by signals and by fd" "0 3, 0 3" \
	"$first $(wc -l <"$TMP/signals"), $status $(wc -l <"$TMP/fd")"

check "SendCommand is answered" "yes" "$(answers ctl send Speaker/System "$GET")"

watch plug 1 Speaker
unbind
problems=$(wait_for 20 has plug 'is gone' || cat "$TMP/plug")
bind
problems=$problems$(
	wait_for 20 has plug 'is back' || cat "$TMP/plug"
	hook send "endpoint=0 count=1"
	wait_for 20 has plug 'Speaker/System' || cat "$TMP/plug"
)
stop "$watcher"
check_all "a card that goes and comes back is followed, its permissions by udev" "$problems"

check "root may do all" "yes yes yes yes" "$(rights env)"
check "who is in the group audio may, without any session" "yes yes yes yes" \
	"$(rights as audiouser)"
check "anybody else, without a session, may look only" "yes no no no" "$(rights as user)"
check "in the session in front, anybody may do all" "yes yes yes yes" \
	"$(rights on_terminal 1 user)"
check "in a session behind it, may look only" "yes no no no" "$(rights on_terminal 2 user)"

systemctl stop polkit.service
ln -s /dev/null $MASK
systemctl daemon-reload
check "without polkit: root and the group audio" \
	"yes yes yes yes, yes yes yes yes, yes no no no" \
	"$(rights env), $(rights as audiouser), $(rights on_terminal 1 user)"
rm $MASK
systemctl daemon-reload

# with_rule ACTION: the rights of a user without a session to whom the administrator gives this one
with_rule()
{
	cat >"$RULE" <<-END
	polkit.addRule(function(action, subject) {
		if (action.id == "$1" && subject.user == "user")
			return polkit.Result.YES;
	});
	END
	chmod 644 "$RULE"
	systemctl restart polkit.service
	rights as user
	rm "$RULE"
}
check "a rule of the administrator's for one action is for that one" \
	"yes yes yes no, yes no no yes" "$(with_rule org.audiomodule1.monitor), $(
		with_rule org.audiomodule1.send-command)"
systemctl restart polkit.service

level_set_by()
{
	"$@" busctl set-property org.audiomodule1 /org/freedesktop/LogControl1 \
		org.freedesktop.LogControl1 LogLevel s info 2>&1
}
problems=$(
	systemctl service-log-level $UNIT debug
	[ "$(systemctl service-log-level $UNIT)" = debug ] || systemctl service-log-level $UNIT
	level_set_by as user | grep -q 'Access denied' || echo "any user can set the level"
	busctl set-property org.audiomodule1 /org/freedesktop/LogControl1 \
		org.freedesktop.LogControl1 LogLevel s verbose 2>&1 |
		grep -q '"verbose" is no level' || echo "a level that is none was taken"
	ctl monitor --timeout=0.1 Speaker >/dev/null
	wait_for 20 unit_says 'org.audiomodule1.monitor of .*: yes' || unit_log
	systemctl service-log-level $UNIT info
)
check_all "systemctl sets how much it says, and only root may" "$problems"

systemctl kill --signal=KILL $UNIT
problems=$(wait_for 20 lists Speaker/Meter || systemctl status $UNIT)
kill -TERM "$(unit MainPID)"
wait_for 20 is_state inactive
check "killed, it is back; ended by SIGTERM, it is done" " inactive success" \
	"$problems $(unit ActiveState) $(unit Result)"

stop_unit
unload
mkdir -p $DROPIN
sed -n 's/^ExecStart=\(.*audiomoduled\).*/[Service]\nExecStart=\nExecStart=\1 --exit-idle=2/p' \
	/usr/lib/systemd/system/$UNIT >$DROPIN/idle.conf
systemctl daemon-reload
watch_pid=
problems=$(
	# The card that comes later is the first that ALSA has.
	modprobe -r -a snd-hwdep snd-pcm snd 2>&1
	! grep -w alsa /proc/devices || echo "ALSA cannot be unloaded"
	ends_before=$(idle_ends)
	ctl list >/dev/null
	# Its two seconds may be over before this shell looks: that it was active, its log tells.
	wait_for 20 has_idle_ends $((ends_before + 1)) || echo "it has not ended by itself"
	wait_for 20 is_state inactive || echo "no client, no card: $(unit ActiveState)"
)
start stays audiomodulectl monitor
watch_pid=$!
wait_for 20 is_state active
sleep 4
problems=$problems$(
	is_state active || echo "with a client: $(unit ActiveState)"
	load
	wait_for 20 are_fds 3	# the daemon's own and two endpoints'
	hook send "endpoint=0 count=1"
	wait_for 20 has stays 'Speaker/System' || cat "$TMP/stays"
)
stop "$watch_pid"
sleep 4
problems=$problems$(
	is_state active || echo "with a card: $(unit ActiveState)"
	unload
	wait_for 20 is_state inactive || echo "at the end: $(unit ActiveState)"
	[ "$(unit Result)" = success ] || echo "its result: $(unit Result)"
)
check_all "it ends when no client and no card is there, and not before" "$problems"

stop_unit
problems=$(unload 2>&1)$(log_trouble)
check_all "nothing is left: both modules unload, and the kernel has no complaint" "$problems"

finish
