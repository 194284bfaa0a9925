#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Has spin look at every state of journal.pml, and then at each mistake that it can be told to make,
# which must be found. "make model" calls it. TAP; the exit status is 0 when all is as it must be.
#
#	run.sh FOLDER [large]	FOLDER for what is built; "large": with more steps, which takes an
#				hour and 16 GiB of memory

set -euo pipefail

MODEL=$(cd "$(dirname "$0")" && pwd)/journal.pml
MEMORY=16000	# MiB

# Writers, readers, sends by each writer, slots
small=("2 1 2 2" "2 1 3 2" "1 2 3 2" "2 2 1 1" "2 2 1 2")
large=("2 2 2 2" "2 2 3 2" "2 1 4 3")
mistakes=(DROP_WAKES_NOBODY TAIL_AFTER_BYTES COMMIT_BEFORE_BYTES OVERWRITE_BUSY NO_LOOK_AT_TAIL
	SLEEP_WITHOUT_LOOK REMOVE_WAKES_NOBODY)

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

# search WORD...: in pan.out what spin found; fails when it did not look at everything
search()
{
	rm -f pan ./*.trail
	spin -a "$@" "$MODEL" >pan.out
	gcc -O2 -w -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=$MEMORY -o pan pan.c
	./pan -m1000000 -n | grep -v '^Depth=' >pan.out
	! grep -q 'Search not completed\|max search depth too small' pan.out
}

[ $# -ge 1 ] || { echo "usage: run.sh FOLDER [large]" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
[ "${2:-}" != large ] || small+=("${large[@]}")

echo "TAP version 13"
for size in "${small[@]}"; do
	read -r writers readers sends slots <<<"$size"
	good=no
	search "-DWRITERS=$writers" "-DREADERS=$readers" "-DSENDS=$sends" "-DSLOTS=$slots" &&
		grep -q 'errors: 0' pan.out && good=yes
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.out)
	tell $good "writers $writers, sends of each $sends, readers $readers, slots $slots: $states states"
done
for mistake in "${mistakes[@]}"; do
	good=no
	search -DWRITERS=2 -DREADERS=1 -DSENDS=2 -DSLOTS=2 "-D$mistake" || :
	grep -q 'errors: 1' pan.out && good=yes
	tell $good "$mistake is found: $(sed -n 's/^pan:[0-9]*: //p' pan.out | head -n 1)"
done
echo "1..$number"
[ $failed -eq 0 ]
