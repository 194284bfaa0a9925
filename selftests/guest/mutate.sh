#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Do the tests notice when the kernel modules are wrong? Each entry of selftests/mutants/kernel is a
# fault; this puts one after the other into a clone of the last commit, builds the modules and runs
# the quick set until something fails. What nothing notices is tried once more on the debug kernel:
# with the test that the entry names, and what that leaves behind, then with all and the failures.
# An entry whose fault only that kernel can tell is tried nowhere else, and one that says why nothing
# can notice it with the test that it names only. "make mutate" calls it.
#
#	mutate.sh SHARE [NAME...]	SHARE has root/ and selftests/, as for "make test"
#	mutate.sh --check		does each entry change the code?
#
# Three lanes work side by side, as a guest leaves more than half of two CPUs idle. An interrupted run
# goes on where it was, as long as neither modules nor tests change: .build/mutate/results has what is
# known. A table is in .build/mutate/report.md. The exit status is 0 when at least 90 of 100 were
# noticed, and the table says of each other one why it cannot be.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
TABLE=$TOP/selftests/mutants/kernel
MUTATE=$TOP/.build/mutate
LANES=3
LEAST=90	# of 100

# The kernels, one after the other, and what runs there first
KERNELS=(6.1 6.1-debug)
declare -A FIRST=([6.1]='' [6.1-debug]=fault_injection)
# The longest that a test is silent for when all is well, some times over; and the whole set.
declare -A SILENCE=([6.1]=100 [6.1-debug]=1200)
declare -A TIMEOUT=([6.1]=600 [6.1-debug]=5400)

# --- the table ----------------------------------------------------------------------------------

names=()
declare -A kind what file function first script why only

# The lines of one entry are in $entry.
take_entry()
{
	local name rest

	[ "${#entry[@]}" -ge 3 ] || die "${entry[0]}: an entry has three lines" "see the head of $TABLE"
	name=${entry[0]%% | *}
	rest=${entry[0]#* | }
	[ -z "${file[$name]:-}" ] || die "$name is there twice"
	names+=("$name")
	kind[$name]=${rest%% | *}
	what[$name]=${rest#* | }
	read -r "file[$name]" "function[$name]" "first[$name]" <<<"${entry[1]}"
	script[$name]=${entry[2]}
	case ${entry[3]:-} in
	'')		return ;;
	'Why: '*)	why[$name]=${entry[3]#Why: } ;;
	'On 6.1-debug: '*) only[$name]=6.1-debug ;;
	*)		die "$name: a fourth line is not '${entry[3]}'" "see the head of $TABLE" ;;
	esac
	[ -n "${first[$name]}" ] ||
		die "$name: with a fourth line an entry names a test" "see the head of $TABLE"
}

read_table()
{
	local line
	local entry=()

	while IFS= read -r line; do
		case $line in
		'#'*)	;;
		'')	[ "${#entry[@]}" -eq 0 ] || take_entry; entry=() ;;
		*)	entry+=("$line") ;;
		esac
	done < <(cat "$TABLE"; echo)
}

# change FOLDER NAME: false when nothing changed
change()
{
	local path=$1/${file[$2]}

	cp "$path" "$path.before"
	sed -E -i "/\\b${function[$2]}\\(/,/^\\}/ { ${script[$2]}
	}" "$path"
	! cmp -s "$path.before" "$path"
}

undo()
{
	mv "$1/${file[$2]}.before" "$1/${file[$2]}"
	touch "$1/${file[$2]}"
}

check_table()
{
	local name failed=0

	copy=$(mktemp -d)
	trap 'rm -rf "$copy"' EXIT
	cp -r "$TOP/module" "$copy/"
	for name in "${names[@]}"; do
		change "$copy" "$name" || { failed=1; echo "$name changes nothing" >&2; }
		undo "$copy" "$name"
	done
	return $failed
}

# --- one of them --------------------------------------------------------------------------------

# What a run that did not pass says last of all, which is not that a case failed
last_words()
{
	local line

	line=$(sed -n '/^After the tests:/,$ { /^  ./ { s/^ *//p; q } }' "$1")
	[ -n "$line" ] || line=$(grep -a -m 1 -E 'BUG:|WARNING:|KASAN|UBSAN|Oops|panic' "$2" |
		sed 's/^\[ *[0-9.]*\] *//; s/\r//g')
	echo "${line:-the guest ended early}"
}

# wait_for_failure OUTPUT SILENCE: reads what the guest says until somebody has noticed, and tells
# who; nothing when all passed
wait_for_failure()
{
	local line program=boot status=0

	while IFS= read -r -t "$2" line || { status=$?; false; }; do
		printf '%s\n' "$line" >>"$1"
		case $line in
		'# selftests: '*)	program=${line##* } ;;
		'# not ok '*)		echo "$program: ${line#\# not ok }"; return ;;
		'not ok '*)		echo "$program ended badly"; return ;;
		esac
	done
	[ "$status" -le 128 ] || echo "$program hangs"
}

# build LANE KERNEL: its modules, in its share
build()
{
	"$MUTATE/$1/tree/selftests/guest/stage-modules.sh" "$2" "$MUTATE/$1/share" \
		>"$MUTATE/$1/build.log" 2>&1
}

# ask LANE KERNEL SET...: who of those tests noticed, or nothing
ask()
{
	local folder=$MUTATE/$1 kernel=$2 by pid status=0

	shift 2
	rm -f "$folder"/{output,console,pipe}
	mkfifo "$folder/pipe"
	"$folder/tree/selftests/guest/run.sh" --kernel "$kernel" --share "$folder/share" \
		--console "$folder/console" --timeout "${TIMEOUT[$kernel]}" -- \
		/mnt/build/selftests/run-in-guest.sh "$@" >"$folder/pipe" 2>&1 </dev/null &
	pid=$!
	by=$(wait_for_failure "$folder/output" "${SILENCE[$kernel]}" <"$folder/pipe")
	# What has not ended, hangs, or need not go on.
	[ -z "$by" ] || kill "$pid" 2>/dev/null || :
	wait "$pid" || status=$?
	if [ -z "$by" ] && [ "$status" -ne 0 ]; then
		by=$(last_words "$folder/output" "$folder/console")
	fi
	echo "$by"
}

# run LANE KERNEL NAME: who noticed, or nothing. A kernel that tells at the end what was left behind
# takes long to come to the end of all.
run()
{
	local by=

	if [ -n "${first[$3]:-}" ] && [ -n "${FIRST[$2]}${why[$3]:-}" ]; then
		by=$(ask "$1" "$2" test "${first[$3]}")
	fi
	# shellcheck disable=SC2086 # none, or names
	[ -n "$by" ] || [ -n "${why[$3]:-}" ] || by=$(ask "$1" "$2" quick ${FIRST[$2]} ${first[$3]:-})
	echo "$by"
}

# try LANE KERNEL NAME: a line of the results, by tabs; fails when the modules cannot be built
try()
{
	local lane=$1 kernel=$2 name=$3 start=$SECONDS tree=$MUTATE/$1/tree by

	if [ "$name" != nothing ]; then
		change "$tree" "$name" || die "$name changes nothing" "see $TABLE"
	fi
	if build "$lane" "$kernel"; then
		by=$(run "$lane" "$kernel" "$name")
	else
		cp "$MUTATE/$lane/build.log" "$MUTATE/$name.log"
	fi
	[ "$name" = nothing ] || undo "$tree" "$name"
	[ -n "${by+known}" ] || return 1
	printf '%s\t%s\t%d\t%s\n' "$name" "$kernel" $((SECONDS - start)) "$by"
}

# --- all of them --------------------------------------------------------------------------------

make_lane()
{
	local folder=$MUTATE/$1

	rm -rf "$folder"
	mkdir -p "$folder/share"
	git clone -q "$TOP" "$folder/tree"
	cp -al "$share/root" "$share/selftests" "$folder/share/"
	install -m 755 "$TOP/selftests/run-in-guest.sh" "$folder/share/selftests/"
}

# What was found with other modules or tests is not known any more.
keep_results()
{
	local now

	now=$({
		git -C "$TOP" ls-tree HEAD module include selftests
		git -C "$TOP" diff HEAD -- module include selftests
	} | sha256sum)
	mkdir -p "$MUTATE"
	[ "$(cat "$MUTATE/of" 2>/dev/null)" = "$now" ] || rm -f "$MUTATE/results"
	echo "$now" >"$MUTATE/of"
	touch "$MUTATE/results"
}

# by NAME [KERNEL]: who noticed it; fails when that is not known
by()
{
	awk -F '\t' -v name="$1" -v kernel="${2:-}" '
		$1 == name && (kernel == "" || $2 == kernel) { by = $4; known = 1 }
		END { print by; exit !known }' "$MUTATE/results"
}

# is_tried_on KERNEL NAME: can it be noticed there?
is_tried_on()
{
	[ "${only[$2]:-$1}" = "$1" ] && { [ "$1" = "${KERNELS[0]}" ] || [ -z "${why[$2]:-}" ]; }
}

# Those of the names that are to be tried on a kernel
left()
{
	local kernel=$1 name

	shift
	for name in "$@"; do
		by "$name" "$kernel" >/dev/null || [ -n "$(by "$name")" ] ||
			! is_tried_on "$kernel" "$name" || echo "$name"
	done
}

# tell LINE: of the results
tell()
{
	local name kernel seconds by good=ok bad="not noticed"

	IFS='	' read -r name kernel seconds by <<<"$1"
	[ "$name" != nothing ] || good="not ok" bad=ok
	[ -n "$by" ] || good=$bad
	echo "$good - $name: ${by:-all passed} ($kernel, $seconds s)"
}

# run_lane LANE KERNEL < NAMES: each is taken by who comes first. Without a fault everything must pass,
# or nothing of the rest means anything.
run_lane()
{
	local line name

	while name=$(take_line "$MUTATE"); do
		if line=$(try "$1" "$2" "$name"); then
			printf '%s\n' "$line" >>"$MUTATE/results"
			tell "$line"
		else
			echo "not ok - $name: the modules cannot be built, see $MUTATE/$name.log"
			line="	not built"
		fi
		[ "$name" != nothing ] || [ -z "${line##*	}" ] || cat >/dev/null
	done
}

try_all()
{
	local kernel=$1 lane todo nothing
	local lanes=()

	shift
	todo=$MUTATE/todo
	left "$kernel" "$@" >"$todo"
	[ -s "$todo" ] || return 0
	"$HERE/kernel.sh" get "$kernel"
	say MUTATE "$(wc -l <"$todo") faults on $kernel, and none, to begin with"
	by nothing "$kernel" >/dev/null || sed -i '1i nothing' "$todo"
	exec {list}<"$todo"
	for lane in $(seq "$LANES"); do
		run_lane "$lane" "$kernel" <&"$list" &
		lanes+=("$!")
	done
	wait "${lanes[@]}"
	exec {list}<&-
	nothing=$(by nothing "$kernel") || die "the modules cannot be built for $kernel" \
		"see $MUTATE/nothing.log"
	[ -z "$nothing" ] || refuse "$kernel" "$nothing"
}

# refuse KERNEL WHO: somebody fails there without any fault
refuse()
{
	sed -i "/\t$1\t/d" "$MUTATE/results"
	die "without any fault, on $1: $2" "make the tests pass first: make check KERNELS=$1"
}

report()
{
	local name kernel by

	report_head "$title" "${KERNELS[@]}"
	echo "$summary"
	echo
	echo "| fault | kind | noticed by |"
	echo "|---|---|---|"
	for name in "$@"; do
		by=$(by "$name") || by="not tried"
		kernel=$(awk -F '\t' -v name="$name" '$1 == name { kernel = $2 }
			END { print kernel }' "$MUTATE/results")
		[ -n "$by" ] || by="**nothing**: ${why[$name]:-the reason is not known}"
		[ "$kernel" = "${KERNELS[0]}" ] || by="$by ($kernel)"
		echo "| $name: ${what[$name]} | ${kind[$name]} | ${by//|/\\|} |"
	done
}

conclude()
{
	local name summary caught=0 missed=0 unexplained=0

	for name in "$@"; do
		if [ -n "$(by "$name")" ]; then
			caught=$((caught + 1))
		else
			missed=$((missed + 1))
			[ -n "${why[$name]:-}" ] || unexplained=$((unexplained + 1))
		fi
	done
	summary="$caught of $# were noticed; of $unexplained it is not known why they were not"
	report "$@" >"$MUTATE/report.md"
	echo
	echo "# $summary"
	echo "# the table is in .build/mutate/report.md"
	echo "$caught passed, $missed failed, 0 skipped"
	[ $((caught * 100)) -ge $(($# * LEAST)) ] && [ "$unexplained" -eq 0 ]
}

# shellcheck disable=SC2034 # for report_head()
commit=$(describe_commit)
read_table
if [ "${1:-}" = --check ]; then
	check_table
	exit
fi
[ $# -ge 1 ] || die "usage: mutate.sh SHARE [NAME...]"
share=$1
shift
for name in "$@"; do
	[ -n "${file[$name]:-}" ] || die "there is no fault '$name'" "see $TABLE"
done
title="make mutate${*:+ MUTANTS=\"$*\"}"
[ $# -gt 0 ] || set -- "${names[@]}"
"$HERE/kernel.sh" get "${KERNELS[0]}"
"$HERE/image.sh"
keep_results
for lane in $(seq "$LANES"); do
	make_lane "$lane"
done
for kernel in "${KERNELS[@]}"; do
	try_all "$kernel" "$@"
done
conclude "$@"
