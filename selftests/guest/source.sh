#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fills the cache with the parts of the kernel's source that the selftests and the checkers use:
# the kernel's own selftest harness, its ALSA tests, its style checkers and coccinelle rules.
#
#	source.sh		make sure that it is there
#	source.sh path

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

PARTS="COPYING LICENSES scripts/checkpatch.pl scripts/const_structs.checkpatch
	scripts/spelling.txt scripts/kernel-doc scripts/coccinelle
	tools/testing/selftests/lib.mk
	tools/testing/selftests/kselftest.h tools/testing/selftests/kselftest_harness.h
	tools/testing/selftests/kselftest tools/testing/selftests/run_kselftest.sh
	tools/testing/selftests/alsa"

# Another list of parts is another folder.
SOURCE=$CACHE/source-$(echo "$PARTS" | sha256sum | cut -c 1-12)

# shellcheck disable=SC2317 # called by make_once
place_parts()
{
	local part parts=()

	for part in $PARTS; do
		parts+=("linux-source-6.1/$part")
	done
	with_progress "unpacking linux-source-6.1" "$WORK/unpack.log" unpack_source "${parts[@]}"
	mv linux-source-6.1 "$SOURCE"
}

case ${1:-} in
'')
	make_once "$SOURCE_PACKAGE" fetch_source_package
	make_once "$SOURCE/COPYING" place_parts
	;;
path)	echo "$SOURCE" ;;
*)	die "usage: source.sh [path]" ;;
esac
