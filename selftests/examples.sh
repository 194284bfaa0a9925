#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The examples for applications (userspace/doc/examples), built as their README says with what is
# installed: each prints what was sent, as short as it is promised to be. AUDIO_MODULE_EXAMPLES is
# the folder with them, sources and programs.

set -u

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

PATH=$PATH:/usr/sbin:/sbin
FOLDER=${AUDIO_MODULE_EXAMPLES:-$(dirname "$0")/../examples}
EXAMPLES="local daemon glib dbus.py monitor.sh"
MOST_LINES=30

# Each without its line about the licence
lengths()
{
	for source in local.c daemon.c glib.c dbus.py monitor.sh; do
		count=$(grep -v -c SPDX "$FOLDER/$source")
		[ "$count" -le $MOST_LINES ] || echo "$source has $count lines"
	done
}

# start_example NAME FDS ARGUMENT...: with what it starts itself, as a session of its own; and wait
# until it has so many notification fds
running=
start_example()
{
	example=$1
	fds=$2
	shift 2
	watch_with "$example.out" "$fds" setsid "$FOLDER/$example" "$@" ||
		echo "# $example does not subscribe: $(cat "$TMP/$example.out")"
	running="$running $watcher"
}

stop_examples()
{
	for pid in $running; do
		kill -- "-$pid" 2>/dev/null
		stop "$pid"
	done
	running=
}

# All that was printed, in the order in which it was sent: a sequence is behind the last space but
# two.
lines()
{
	sed 's/.* \([0-9]*\): /\1 &/' "$TMP/$1.out" | sort -n | cut -d ' ' -f 2-
}

# shellcheck disable=SC2317 # called by wait_for
has_lines()
{
	[ "$(wc -l <"$TMP/$1.out")" -ge "$2" ]
}

# printed COUNT LINES EXAMPLE...: each printed these so many lines, and nothing else
printed()
{
	count=$1
	wanted=$2
	shift 2
	for example in "$@"; do
		wait_for 20 has_lines "$example" "$count"
		[ "$(lines "$example")" = "$wanted" ] || echo "$example: $(cat "$TMP/$example.out")"
	done
}

newest()
{
	ctl info --local Speaker | sed -n 's/^ *newest sequence *//p'
}

begin 5
if [ ! -x "$FOLDER/local" ]; then
	fail "the examples are built" "programs in $FOLDER" "none: see AUDIO_MODULE_EXAMPLES"
	finish
fi
trap 'stop_examples; clean_up' EXIT
start_bus
load
start daemon.log audiomoduled --bus="$address"
wait_for 20 ctl info Speaker

check_all "no example has more than $MOST_LINES lines" "$(lengths)"

# The local ones have an fd of the card besides that of its notifications.
for example in $EXAMPLES; do
	start_example "$example" 2
done
first=$(newest)
hook send "endpoint=0 module=0 size=48"
hook send "endpoint=1 module=1 size=140"
hook send "endpoint=0 module=2 size=40"
# shellcheck disable=SC2086 # names
check_all "each example prints what was sent" "$(
	printed 3 "Speaker/System $((first + 1)): 8 bytes
Headphones/EQ Movie $((first + 2)): 100 bytes
Speaker/EQ Default $((first + 3)): 0 bytes" $EXAMPLES
)"
stop_examples

start_example local 2 "Speaker/EQ Movie"
start_example daemon 1 "Speaker/EQ Movie"
start_example glib 2 "Speaker/EQ Movie"
start_example monitor.sh 1 "Speaker/EQ Movie"
first=$(newest)
hook send "endpoint=0 module=0 size=48"
hook send "endpoint=1 module=1 size=48"
hook send "endpoint=0 module=1 size=44"
check_all "those that take an address print what it means alone" "$(
	printed 1 "Speaker/EQ Movie $((first + 3)): 4 bytes" local daemon glib monitor.sh
)"

check_all "who may not is told why" "$(
	expect 1 'group audio' as user "$FOLDER/local"
	expect 1 'group audio' as user "$FOLDER/daemon"
)"

stop_examples
stop_all
check_all "nothing is left: both modules unload, and the kernel has no complaint" \
	"$(unload 2>&1)$(log_trouble)"

finish
