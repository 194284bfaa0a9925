# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the shell tests share: TAP, the modules loaded and unloaded, the virtual card and its hooks,
# waiting for a condition, a bus and what monitors say on it. To be sourced by a test in this
# directory, which then calls begin, its cases, and finish.

CORE=snd_audio_module
VIRTUAL=snd_audio_module_virtual
OBJECTS=/sys/kernel/debug/snd-audio-module/objects
DRIVER=/sys/bus/platform/drivers/snd-audio-module-virtual
DEVICE=snd-audio-module-virtual

# --- TAP ----------------------------------------------------------------------------------------

case_number=0
cases_failed=0

pass()
{
	case_number=$((case_number + 1))
	echo "ok $case_number - $1"
}

# fail BEHAVIOUR EXPECTED GOT
fail()
{
	case_number=$((case_number + 1))
	cases_failed=$((cases_failed + 1))
	echo "not ok $case_number - $1"
	printf '%s\n' "expected $2, got $3" | sed 's/^/# /'
}

# check BEHAVIOUR EXPECTED GOT: both the same?
check()
{
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "'$2'" "'$3'"
	fi
}

# check_all BEHAVIOUR PROBLEMS: no problem?
check_all()
{
	check "$1" "" "$2"
}

# --- a test's begin and end ---------------------------------------------------------------------

# begin COUNT: how many cases there will be
begin()
{
	echo "TAP version 13"
	if [ "$(id -u)" -ne 0 ] || [ ! -d /sys/kernel/debug ]; then
		echo "1..0 # SKIP needs root and debugfs"
		exit 4
	fi
	echo "1..$1"
	cases_planned=$1
	had_core=$(loaded $CORE && echo yes)
	had_virtual=$(loaded $VIRTUAL && echo yes)
	TMP=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 1' HUP INT TERM
	unload || echo "# the modules are in use: $(grep ^$CORE /proc/modules)"
	log_mark=$(log_now)
}

# The machine as it was.
clean_up()
{
	stop_all
	unload
	[ -z "$had_core" ] || load_core
	[ -z "$had_virtual" ] || load_virtual
	rm -rf "$TMP"
}

# Ends the test: exit status 1 after a failed case, or when one is missing.
finish()
{
	[ $case_number -eq "$cases_planned" ] ||
		echo "# $case_number cases of $cases_planned were run"
	[ $cases_failed -eq 0 ] && [ $case_number -eq "$cases_planned" ]
	exit
}

# --- the kernel's log ---------------------------------------------------------------------------

# Timestamp of the newest message, and messages behind such a timestamp.
log_now()
{
	dmesg | sed -n 's/^\[ *\([0-9.]*\)\].*/\1/p' | tail -n 1
}

log_since()
{
	dmesg | awk -v mark="$1" '
		{ stamp = $0; sub(/^\[ */, "", stamp); sub(/\].*/, "", stamp) }
		stamp + 0 > mark + 0'
}

log_trouble()
{
	log_since "$log_mark" | awk -f "$(dirname "$0")/kernel_reports.awk"
}

# --- modules ------------------------------------------------------------------------------------

loaded()
{
	[ -d "/sys/module/$1" ]
}

# What our modules need
load_alsa()
{
	if ! loaded snd_timer || ! loaded snd_pcm || ! loaded snd_hwdep; then
		modprobe -a snd-timer snd-pcm snd-hwdep
	fi
}

# load_module NAME PARAMETER...: from AUDIO_MODULE_DIR when that is set
load_module()
{
	name=$1
	shift
	if [ -n "${AUDIO_MODULE_DIR:-}" ]; then
		load_alsa && insmod "$AUDIO_MODULE_DIR/$name.ko" "$@"
	else
		modprobe "$name" "$@"
	fi
}

load_core()
{
	load_module snd-audio-module
}

load_virtual()
{
	load_module snd-audio-module-virtual
}

load()
{
	load_core && load_virtual && card=$(card_number)
}

# Unloads what is loaded, as soon as what a test stopped has let it go.
unload()
{
	if loaded $VIRTUAL; then
		wait_for 10 rmmod $VIRTUAL || rmmod $VIRTUAL || return
	fi
	if loaded $CORE; then
		wait_for 10 rmmod $CORE || rmmod $CORE
	fi
}

# --- the virtual card ---------------------------------------------------------------------------

# card_with_id ID: its number
card_with_id()
{
	for entry in /proc/asound/card[0-9]*; do
		[ "$(cat "$entry/id" 2>/dev/null)" != "$1" ] || echo "${entry#*/card}"
	done
}

card_number()
{
	card_with_id AudioModules
}

# hook NAME LINE: write to a hook of the virtual card
hook()
{
	echo "$2" >"/sys/kernel/debug/snd-audio-module-virtual/card$card/$1"
}

# objects: how many are alive, those that are 0 left out
objects()
{
	awk '$2 != 0 { printf "%s%s %s", separator, $1, $2; separator = ", " }' $OBJECTS
}

unbind()
{
	echo $DEVICE >$DRIVER/unbind
}

bind()
{
	echo $DEVICE >$DRIVER/bind && card=$(card_number)
}

# --- waiting and processes ----------------------------------------------------------------------

# Milliseconds since the machine started, in steps of 10
now_ms()
{
	read -r uptime _ </proc/uptime
	echo "$((${uptime%.*} * 1000 + 1${uptime#*.} * 10 - 1000))"
}

# wait_for SECONDS COMMAND...: until it succeeds; the exit status tells. Programs may be slower here
# than usual, by AUDIO_MODULE_SLOW.
wait_for()
{
	wait_end=$(($(now_ms) + $1 * 1000 * ${AUDIO_MODULE_SLOW:-1}))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt $wait_end ] || return 1
		sleep 0.05
	done
}

# start FILE COMMAND...: in the background, its output to $TMP/FILE; $! is its id
started=
start()
{
	file=$1
	shift
	"$@" >"$TMP/$file" 2>&1 </dev/null &
	started="$started $!"
}

ended()
{
	! kill -0 "$1" || grep -q '^State:.Z' "/proc/$1/status"
}

# stop PID...: and wait until it is gone
stop()
{
	for pid in "$@"; do
		kill "$pid" 2>/dev/null
		wait_for 5 ended "$pid" || kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
}

stop_all()
{
	# shellcheck disable=SC2086 # a list
	stop $started
	started=
}

# Is this process asleep, and not just about to be?
asleep()
{
	grep -q '^State:.S' "/proc/$1/status"
}

# --- a bus, and audiomodulectl on it -----------------------------------------------------------

# The system's own configuration, but for what would start daemons by itself.
start_bus()
{
	address=unix:path=$TMP/bus
	DBUS_SYSTEM_BUS_ADDRESS=$address
	export DBUS_SYSTEM_BUS_ADDRESS
	chmod 755 "$TMP"
	sed -e '/<standard_system_servicedirs/d' -e 's|>system.d<|>/usr/share/dbus-1/system.d<|' \
		/usr/share/dbus-1/system.conf >"$TMP/bus.conf"
	start bus.log dbus-daemon --config-file="$TMP/bus.conf" --address="$address" --nofork \
		--nopidfile --nosyslog
	# Its socket is there a moment before it listens.
	wait_for 20 busctl --address="$address" list
}

# as USER COMMAND...: with the user's groups
as()
{
	user=$1
	shift
	setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
}

# nodes GROUP MODE: what udev would do, or has not done yet
nodes()
{
	chgrp "$1" /dev/snd/*
	chmod "$2" /dev/snd/*
}

ctl()
{
	audiomodulectl "$@"
}

# expect STATUS PATTERN COMMAND...: says what is wrong with the exit status or with stderr
expect()
{
	wanted=$1
	pattern=$2
	shift 2
	"$@" >"$TMP/out" 2>"$TMP/err" </dev/null
	got=$?
	[ $got -eq "$wanted" ] || echo "'$*' ended with $got, not $wanted: $(head -c 200 "$TMP/err")"
	[ -z "$pattern" ] || grep -q -e "$pattern" "$TMP/err" ||
		echo "'$*' does not say '$pattern': $(cat "$TMP/err")"
	[ "$wanted" -ne 0 ] || [ ! -s "$TMP/err" ] || echo "'$*' complains: $(cat "$TMP/err")"
}

# json FILE: as many lines of JSON as the file has lines?
json()
{
	lines=$("$(dirname "$0")/json_lines" <"$TMP/$1" 2>&1)
	[ "$lines" = "$(wc -l <"$TMP/$1")" ] || echo "$1: $lines"
}

# watch FILE ENDPOINTS OPTION...: a monitor in the background, once it is subscribed to so many
watch()
{
	file=$1
	endpoints=$2
	shift 2
	watch_with "$file" "$endpoints" audiomodulectl monitor "$@"
}

watch_with()
{
	file=$1
	fds=$(($(settled_fds) + $2))
	shift 2
	start "$file" "$@"
	# shellcheck disable=SC2034 # for the tests
	watcher=$!
	wait_for 20 are_fds $fds
}

count_fds()
{
	sed -n 's/^notification_fds //p' "$OBJECTS"
}

# The same, once it stays as it is: the daemon may be about to forget a monitor that has ended.
settled_fds()
{
	settled=$(count_fds)
	while sleep 0.3 && [ "$(count_fds)" -ne "$settled" ]; do
		settled=$(count_fds)
	done
	echo "$settled"
}

# shellcheck disable=SC2317 # called by wait_for
are_fds()
{
	[ "$(count_fds)" -eq "$1" ]
}

# ends PID: its exit status in $status, within some seconds
# shellcheck disable=SC2034 # for the tests
ends()
{
	if wait_for 20 ended "$1"; then
		wait "$1"
		status=$?
	else
		status="still running"
	fi
}

has()
{
	grep -q -e "$2" "$TMP/$1"
}
