#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Has spin look at every state of journal.pml and wake.pml, and then at each mistake that they can be
# told to make, which must be found. "make model" calls it. TAP; the exit status is 0 when all is as it
# must be.
#
#	run.sh FOLDER [large]	FOLDER for what is built; "large": with more steps, which takes an
#				hour and 16 GiB of memory

set -euo pipefail

MODELS=$(cd "$(dirname "$0")" && pwd)
MEMORY=16000	# MiB

# The journal: writers, readers, sends by each writer, slots
journal_small=("2 1 2 2" "2 1 3 2" "1 2 3 2" "2 2 1 1" "2 2 1 2")
journal_large=("2 2 2 2" "2 2 3 2" "2 1 4 3")
journal_mistakes=(DROP_WAKES_NOBODY TAIL_AFTER_BYTES COMMIT_BEFORE_BYTES OVERWRITE_BUSY NO_LOOK_AT_TAIL
	SLEEP_WITHOUT_LOOK REMOVE_WAKES_NOBODY)
# Waking: sends, by one writer for two readers; what else is defined
wake_small=("1" "2 PATIENT")
wake_mistakes=(RELEASE_WITHOUT_GRACE_PERIOD QUIT_WAITS_FOR_WORK QUIT_WAITS_FOR_NOBODY ASKS_ITSELF_AGAIN
	FORGETS_WHO_ASKED ASKS_AFTERWARDS)

number=0
failed=0

tell()
{
	number=$((number + 1))
	if [ "$1" = yes ]; then
		echo "ok $number - $2"
	else
		failed=$((failed + 1))
		echo "not ok $number - $2"
		sed 's/^/# /' pan.out
	fi
}

# search MODEL PROPERTY WORD...: in pan.out what spin found; fails when it did not look at everything.
# SAFETY is of each state, NP of cycles, too.
search()
{
	local options=()

	[ "$2" != NP ] || options=(-l)
	rm -f pan ./*.trail
	spin -a "${@:3}" "$MODELS/$1.pml" >pan.out
	gcc -O2 -w "-D$2" -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=$MEMORY -o pan pan.c
	./pan "${options[@]}" -m1000000 -n | grep -v '^Depth=' >pan.out
	! grep -q 'Search not completed\|max search depth too small' pan.out
}

# holds DESCRIPTION MODEL PROPERTY WORD...
holds()
{
	local good=no

	search "${@:2}" && grep -q 'errors: 0' pan.out && good=yes
	tell $good "$1: $(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.out) states"
}

# finds MISTAKE MODEL PROPERTY WORD...
finds()
{
	local good=no

	search "${@:2}" "-D$1" || :
	grep -q 'errors: 1' pan.out && good=yes
	tell $good "$1 is found: $(sed -n 's/^pan:[0-9]*: //p' pan.out | head -n 1)"
}

[ $# -ge 1 ] || { echo "usage: run.sh FOLDER [large]" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
[ "${2:-}" != large ] || journal_small+=("${journal_large[@]}")

echo "TAP version 13"
for size in "${journal_small[@]}"; do
	read -r writers readers sends slots <<<"$size"
	holds "writers $writers, sends of each $sends, readers $readers, slots $slots" journal SAFETY \
		"-DWRITERS=$writers" "-DREADERS=$readers" "-DSENDS=$sends" "-DSLOTS=$slots"
done
for mistake in "${journal_mistakes[@]}"; do
	finds "$mistake" journal SAFETY -DWRITERS=2 -DREADERS=1 -DSENDS=2 -DSLOTS=2
done
for size in "${wake_small[@]}"; do
	read -r sends also <<<"$size"
	holds "waking two, sends $sends${also:+, $also}" wake NP -DWRITERS=1 "-DSENDS=$sends" ${also:+"-D$also"}
done
for mistake in "${wake_mistakes[@]}"; do
	finds "$mistake" wake NP -DWRITERS=1 -DSENDS=2 -DPATIENT
done
echo "1..$number"
[ $failed -eq 0 ]
