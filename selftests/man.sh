#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The manual pages, as they are installed, and what they describe: the interfaces that the daemon
# shows on the bus, the names in its program, the options of both programs; and the pages' examples
# are run. What is there must be described, and what is described must be there.

set -u

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

PATH=$PATH:/usr/sbin:/sbin
MAN=$(dirname "$(command -v audiomodulectl)")/../share/man
SERVICE=org.audiomodule1

# --- comparing ----------------------------------------------------------------------------------

# compare: what $TMP/there and $TMP/described do not both have
compare()
{
	for list in there described; do
		[ -s "$TMP/$list" ] || echo "the list '$list' is empty"
		sort -u "$TMP/$list" >"$TMP/$list.sorted"
	done
	comm -23 "$TMP/there.sorted" "$TMP/described.sorted" | sed 's/^/not described: /'
	comm -13 "$TMP/there.sorted" "$TMP/described.sorted" | sed 's/^/not there: /'
}

# page INTERFACE: its file
page()
{
	echo "$MAN/man5/$1.5"
}

bus_pages()
{
	echo "$MAN/man5/$SERVICE.5 $MAN/man5/$SERVICE".*.5 "$MAN/man8/audiomoduled.8"
}

# --- interfaces ---------------------------------------------------------------------------------

interfaces()
{
	busctl call $SERVICE /org/audiomodule1 org.freedesktop.DBus.ObjectManager \
		GetManagedObjects | grep -o '"org\.audiomodule1\.[A-Za-z]*"' | tr -d '"' | sort -u
}

# members INTERFACE OBJECT: a line for each, as the page has it
members()
{
	busctl introspect --xml-interface $SERVICE "$2" | awk -v interface="$1" '
	function value(name) {
		if (!match($0, " " name "=\"[^\"]*\""))
			return ""
		return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
	}
	function add(list, what) {
		return list (list == "" ? "" : ", ") what
	}
	/<interface / { ours = value("name") == interface }
	!ours { next }
	/<(method|signal|property) / {
		name = value("name")
		type = value("type")
		access = value("access")
		changes = "changes"
		taken = given = ""
	}
	/<arg / {
		argument = value("type") " " value("name")
		if (value("direction") == "out")
			given = add(given, argument)
		else
			taken = add(taken, argument)
	}
	/EmitsChangedSignal/ { changes = value("value") }
	/<\/method>/ { print "method " name "(" taken ")" (given == "" ? "" : " -> (" given ")") }
	/<\/signal>/ { print "signal " name "(" taken ")" }
	/<\/property>/ { print "property " name " " type " " access " " changes }'
}

# described_members INTERFACE: the same of its page, where all properties are said to be constant
described_members()
{
	awk '
	/^\.Sh / { section = $2 }
	/^\.Ss / { name = $2 }
	/^\.Sy / && index($0, ".Sy " name "(") == 1 {
		sub(/^\.Sy /, "")
		sub(/\\\(->/, "->")
		print (section == "SIGNALS" ? "signal " : "method ") $0
	}
	/^\.It Va / && section == "PROPERTIES" { print "property " $3 " " $5 " read const" }
	' "$(page "$1")"
}

compare_members()
{
	members "$1" "$2" >"$TMP/there"
	described_members "$1" >"$TMP/described"
	compare
}

# --- names and options --------------------------------------------------------------------------

# names FILE...: interfaces, errors and actions; not the files that are called so
names()
{
	grep -h -a -o 'org\.audiomodule1\.[A-Za-z.-]*[A-Za-z]' "$@" |
		grep -v -x 'org\.audiomodule1\.\(conf\|policy\|rules\|service\)'
}

# Of Subscribe and AcquireNotifications. A program does not show its table, so it is the source's.
keys()
{
	sed -n 's/^\t{ "\([a-z_]*\)", "\([a-z]*\)",.*/\1 \2/p' "$(dirname "$0")/options.c"
}

described_keys()
{
	awk '/^\.Sh / { section = $2 }
	     /^\.It Va / && section == "OPTIONS" { print $3, $5 }' "$(page $SERVICE.Endpoint)"
}

commands()
{
	ctl --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'
}

# compare_options PAGE TEXT: the options of a program's help
compare_options()
{
	printf '%s\n' "$2" | grep -o -e '--[a-z][a-z-]*' >"$TMP/there"
	grep -o 'Fl -[a-z][a-z-]*' "$1" | sed 's/Fl -/--/' >"$TMP/described"
	compare
}

help_of_commands()
{
	for command in '' $(commands); do
		# shellcheck disable=SC2086 # no word, or one
		ctl $command --help
	done
}

# --- examples -----------------------------------------------------------------------------------

# split_examples PAGE: each "$ command" of its displays into $TMP/example.N.sh, and what the page
# shows of the output into $TMP/example.N.shown
split_examples()
{
	rm -f "$TMP"/example.*
	awk -v to="$TMP/example." -v card="$card" '
	/^\.Bd -literal/ { display = 1; next }
	/^\.Ed/ { display = 0 }
	!display { next }
	{
		continued = sub(/\\e$/, "\\")
		gsub(/\\e/, "\\")
		gsub(/\\\(aq/, "'\''")
		gsub(/card0/, "card" card)
		gsub(/card 0/, "card " card)
	}
	/^\$ / { n++; sub(/^\$ /, ""); command = 1 }
	n { print >(to sprintf("%02d", n) (command ? ".sh" : ".shown")) }
	command { command = continued }' "$1"
}

# run_example FILE: a monitor has no end of its own; what it has to complain of, it does at once
run_example()
{
	seconds=20
	! grep -q ' monitor' "$1" || seconds=2
	timeout --signal=INT $seconds sh "$1" >"$TMP/got" 2>&1 </dev/null
	got=$?
	shown=${1%.sh}.shown
	if [ -e "$shown" ]; then
		cmp -s "$shown" "$TMP/got" && return
	elif [ $got -eq 0 ] || { [ $got -eq 124 ] && [ $seconds -eq 2 ]; }; then
		return
	fi
	echo "'$(cat "$1")' ended with $got and says: $(head -c 300 "$TMP/got")"
}

# run_examples PAGE
run_examples()
{
	split_examples "$1"
	for example in "$TMP"/example.*.sh; do
		run_example "$example"
	done
}

# --- the cases ----------------------------------------------------------------------------------

begin 12
start_bus
load
start daemon.log audiomoduled
wait_for 20 ctl list
speaker=/org/audiomodule1/card$card/Speaker

interfaces >"$TMP/there"
for file in "$MAN/man5/$SERVICE".*.5; do
	basename "$file" .5
done >"$TMP/described"
check_all "each interface on the bus has a manual page" "$(compare)"

check_all "the page of Endpoint has all members with their arguments, and no others" \
	"$(compare_members $SERVICE.Endpoint "$speaker")"
check_all "the page of Module has all members with their arguments, and no others" \
	"$(compare_members $SERVICE.Module "$speaker/System")"

names "$(command -v audiomoduled)" >"$TMP/there"
# shellcheck disable=SC2046 # several files
names $(bus_pages) >"$TMP/described"
check_all "the pages have all names of interfaces, errors and actions, and no others" "$(compare)"
sed -n 's/^\.It \(org\.audiomodule1\.Error\.[A-Za-z]*\)$/\1/p' "$(page $SERVICE)" >"$TMP/described"
names "$(command -v audiomoduled)" | grep Error >"$TMP/there"
check_all "each error is explained" "$(compare)"

keys >"$TMP/there"
described_keys >"$TMP/described"
check_all "the page of Endpoint has all options with their types, and no others" "$(compare)"

check_all "audiomoduled's page has the options of its help, and no others" \
	"$(compare_options "$MAN/man8/audiomoduled.8" "$(audiomoduled --help)")"
check_all "audiomodulectl's page has the options of its helps, and no others" \
	"$(compare_options "$MAN/man1/audiomodulectl.1" "$(help_of_commands)")"
commands >"$TMP/there"
awk '/^\.Sh / { section = $2 } /^\.Cm / && section == "SYNOPSIS" { print $2 }' \
	"$MAN/man1/audiomodulectl.1" >"$TMP/described"
check_all "audiomodulectl's page has the commands of its help, and no others" "$(compare)"

# shellcheck disable=SC2046 # several files
problems=$(
	for file in $(bus_pages); do
		run_examples "$file"
		ls "$TMP"/example.*.sh >/dev/null 2>&1 || echo "$file has no example"
	done
)
check_all "the examples of the pages work, and print what the pages show" "$problems"

find "$MAN" -name '*audiomodul*' | sed 's|.*/\(.*\)\.\([0-9]\)$|\1 \2|' >"$TMP/there"
find "$MAN" -name '*audiomodul*' -exec cat {} + |
	sed -n 's/^\.Xr \([^ ]*audiomodul[^ ]* [0-9]\).*/\1/p' >"$TMP/described"
check_all "pages refer to pages that are installed, and each is referred to" "$(compare)"

stop_all
problems=$(unload 2>&1)$(log_trouble)
check_all "nothing is left: both modules unload, and the kernel has no complaint" "$problems"

finish
