#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs a command that prints what it came to, and keeps that as its report, for "make reports".
#
#	report.sh NAME REPORT COMMAND...	NAME: what a user types; REPORT: a file
#
# The exit status is the command's.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

TOP=$(cd "$(dirname "$0")/../.." && pwd)

[ $# -ge 3 ] || die "usage: report.sh NAME REPORT COMMAND..."
name=$1
file=$2
shift 2
mkdir -p "${file%/*}"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
# shellcheck disable=SC2034 # for report_head()
commit=$(describe_commit)
"$@" | tee "$output" || status=$?
{
	report_head "$name"
	sed 's/^/    /' "$output"
} >"$file"
exit "$status"
