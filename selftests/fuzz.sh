#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What reads foreign bytes, with the corpus of selftests/fuzz and with changed bytes, under the address
# and undefined-behaviour sanitizers. The same bytes each time; "make fuzz-userspace" looks for others.

# shellcheck source-path=SCRIPTDIR source=shell.sh
. "$(dirname "$0")/shell.sh"

TARGETS="records map print commands ks text options arguments answers"
MUTATIONS=500
SEED=${AUDIO_MODULE_FUZZ_SEED:-1}

# fuzz TARGET: what it says that it tried; or what was wrong, and the bytes with which it was
fuzz()
{
	FUZZ_FINDING=$TMP/finding timeout 120 "$HERE/fuzz_$1" "$TMP/corpus/$1" $MUTATIONS "$SEED" 2>&1 &&
		return
	[ ! -e "$TMP/finding" ] || od -A d -t x1 "$TMP/finding" | head -n 64
}

case_target()
{
	check "$1: nothing is found in its corpus and in $MUTATIONS changed inputs (seed $SEED)" \
		"$(find "$TMP/corpus/$1" -type f | wc -l) files and $MUTATIONS changed ones, seed $SEED" \
		"$(fuzz "$1")"
}

HERE=$(cd "$(dirname "$0")" && pwd)
begin 9
mkdir "$TMP/corpus"
tar -C "$TMP/corpus" -xf "$HERE/fuzz_corpus.tar"
for target in $TARGETS; do
	case_target "$target"
done
finish
