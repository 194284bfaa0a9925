#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Beside QEMU's Intel HDA card and PipeWire: boots a guest that has both and runs
# selftests/desktop.sh there. "make test-desktop" calls it. .build/desktop/ keeps the output, the
# console, and share/. The last line counts the cases.
#
#	desktop.sh SHARE	SHARE has root/ and modules/, as for "make test"

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=machine.sh
. "$(dirname "$0")/machine.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
FOLDER=$TOP/.build/desktop
KERNEL=6.1
TIMEOUT=1200

[ $# -eq 1 ] || die "usage: desktop.sh SHARE"
rm -rf "$FOLDER"
mkdir -p "$FOLDER/share/selftests" "$FOLDER/share/source"
cp -al "$1/root" "$1/modules" "$1/depmod" "$FOLDER/share/"
cd "$TOP"
cp -r Makefile userspace "$FOLDER/share/source/"
cp selftests/desktop.sh selftests/shell.sh "$FOLDER/share/selftests/"
export AUDIO_MODULE_QEMU_ARGS="-audiodev none,id=nothing -device ich9-intel-hda \
	-device hda-duplex,audiodev=nothing ${AUDIO_MODULE_QEMU_ARGS:-}"
run_machine desktop "$KERNEL" "$TIMEOUT" desktop.sh
