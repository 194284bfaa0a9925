#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The library, the daemon and audiomodulectl under checkers that watch them run: the selftests that
# use them, in the guest, once more. "make sanitize" and "make valgrind" call it.
#
#	sanitize.sh sanitizers KERNEL [TEST...]	built anew, with the address and undefined-behaviour
#						sanitizers and the check for leaks, the test
#						programs, too
#	sanitize.sh valgrind KERNEL [TEST...]	those of "make test", under memcheck, but for what
#						scripts start beside the daemon, hundreds of
#						times: memcheck takes seconds to begin
#
# A checker writes what it finds to a file of the process that it found it in, whoever started that
# and whoever looked at its exit status: each such file is a failure (run-in-guest.sh). A process
# with a finding ends with status 99 besides.
#
# .build/sanitize/ and .build/valgrind/ keep the output, the console, and share/, with which run.sh
# boots again. The last line counts the cases.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
GUEST=$TOP/.build/guest

# Those that use what is checked.
TESTS="library ks map bus client substitute bus.sh ctl.sh crowd.sh doctor.sh man.sh driver.sh"

# Programs of scripts that do, too; memcheck leaves them out, see above.
HELPERS="crowd"

# A program that hangs is ended, and named, before.
TIMEOUT=14400

REPORTS=/tmp/reports
FOUND=99
LIBRARIES=usr/lib/x86_64-linux-gnu

# programs NAME...: those of them that are no scripts, one a line
programs()
{
	local test

	for test in "$@"; do
		[ "$test" != "${test%.sh}" ] || echo "$test"
	done
}

# --- the sanitizers -----------------------------------------------------------------------------

# How many times slower than usual a test may be before it counts as hung
SANITIZERS_SLOW=3
SANITIZERS=address,undefined
# What is undefined is an illegal instruction then, which the address sanitizer reports with its
# place: with both libraries in one process, the other one's reports would go to stderr alone.
ONE_REPORTER="-fsanitize-undefined-trap-on-error"
OPTIONS="log_path=$REPORTS/sanitizers:exitcode=$FOUND"

build_userspace()
{
	say BUILD "userspace (-fsanitize=$SANITIZERS)"
	make --no-print-directory -s -C "$TOP/userspace" O="$folder/userspace" PREFIX=/usr \
		SANITIZE="$SANITIZERS" CFLAGS="-O2 -g $ONE_REPORTER" LDFLAGS="$ONE_REPORTER" \
		DESTDIR="$share/root" install >"$folder/build.log" 2>&1 ||
		{ cat "$folder/build.log" >&2; die "userspace cannot be built"; }
}

# What "make test" runs, but for the programs that are checked.
build_selftests()
{
	local programs=()

	say BUILD "selftests (-fsanitize=$SANITIZERS)"
	cp -al "$GUEST/selftests" "$share/"
	# shellcheck disable=SC2086 # several names
	mapfile -t programs < <(programs "${tests[@]}" $HELPERS)
	rm "${programs[@]/#/$share/selftests/}"
	make --no-print-directory -s -C "$TOP/selftests" OUTPUT="$folder/selftests" \
		KSELFTEST_DIR="$("$HERE/source.sh" path)/tools/testing/selftests" \
		LIBRARY_DIR="$folder/userspace" \
		USERCFLAGS="-fsanitize=$SANITIZERS $ONE_REPORTER" \
		"${programs[@]/#/$folder/selftests/}" >"$folder/build.log" 2>&1 ||
		{ cat "$folder/build.log" >&2; die "the selftests cannot be built"; }
	cp "${programs[@]/#/$folder/selftests/}" "$share/selftests/"
}

# The guest's system has no compiler, and so not its run-time libraries.
copy_runtime()
{
	local name file

	mkdir -p "$share/root/$LIBRARIES"
	for name in libasan.so libstdc++.so.6; do
		file=$(readlink -f "$(gcc -print-file-name=$name)")
		[ -e "$file" ] || die "gcc has no $name" "apt-get install gcc libstdc++6"
		cp "$file" "$share/root/$LIBRARIES/$(objdump -p "$file" |
			sed -n 's/^ *SONAME *//p')"
	done
}

stage_sanitizers()
{
	mkdir -p "$folder/selftests"
	build_userspace
	build_selftests
	copy_runtime
	environment=(
		"ASAN_OPTIONS=$OPTIONS:handle_sigill=1:detect_stack_use_after_return=1"
		"LSAN_OPTIONS=$OPTIONS"
		"AUDIO_MODULE_SLOW=$SANITIZERS_SLOW"
	)
}

# --- valgrind -----------------------------------------------------------------------------------

VALGRIND_SLOW=30
MEMCHECK="valgrind -q --error-exitcode=$FOUND --leak-check=full --vgdb=no --num-callers=30"
MEMCHECK="$MEMCHECK --errors-for-leak-kinds=definite,possible --show-leak-kinds=definite,possible"
MEMCHECK="$MEMCHECK --suppressions=/mnt/build/memcheck.supp"

# wrap PREFIX FOLDER NAME: a program in share/PREFIX/FOLDER runs under memcheck, whoever starts it.
# The file is a link to the one of "make test", which stays as it is.
wrap()
{
	local folder=$share/$1/$2

	mkdir -p "$folder/checked"
	mv "$folder/$3" "$folder/checked/"
	cat >"$folder/$3" <<-END
	#!/bin/sh
	exec $MEMCHECK --log-file=$REPORTS/valgrind.$3.%p -- "$(where "$1" "$2")/checked/$3" "\$@"
	END
	chmod 755 "$folder/$3"
}

# where PREFIX FOLDER: it, in the guest
where()
{
	case $1 in
	root)	echo "/$2" ;;
	*)	echo "/mnt/build/$2" ;;
	esac
}

stage_valgrind()
{
	local program

	cp -al "$GUEST/root" "$GUEST/selftests" "$share/"
	cp "$HERE/memcheck.supp" "$share/"
	wrap root usr/sbin audiomoduled
	for program in $(programs "${tests[@]}"); do
		wrap . selftests "$program"
	done
	# sd-bus waits 25 s for an answer, unless it is told otherwise.
	environment=(
		"AUDIO_MODULE_SLOW=$VALGRIND_SLOW"
		"SYSTEMD_BUS_TIMEOUT=$((25 * VALGRIND_SLOW))"
	)
}

# --- both ---------------------------------------------------------------------------------------

[ $# -ge 2 ] || die "usage: sanitize.sh sanitizers|valgrind KERNEL [TEST...]"
what=$1
kernel=$2
shift 2
# shellcheck disable=SC2206 # several names
tests=($TESTS)
[ $# -eq 0 ] || tests=("$@")
case $what in
sanitizers)	folder=$TOP/.build/sanitize ;;
valgrind)	folder=$TOP/.build/valgrind ;;
*)		die "there is no '$what'" "use: sanitizers valgrind" ;;
esac
share=$folder/share
rm -rf "$share"
mkdir -p "$share"
for part in modules depmod driver; do
	cp -al "$GUEST/$part" "$share/"
done
"stage_$what"
install -m 755 "$TOP/selftests/run-in-guest.sh" "$share/selftests/"
# The runner ends a program that hangs, and knows nothing of AUDIO_MODULE_SLOW.
rm "$share/selftests/settings"
echo "timeout=$TIMEOUT" >"$share/selftests/settings"
say GUEST "booting kernel $("$HERE/kernel.sh" version "$kernel")"
"$HERE/run.sh" --kernel "$kernel" --share "$share" --console "$folder/console" \
	--timeout "$TIMEOUT" -- env "${environment[@]}" "AUDIO_MODULE_REPORTS=$REPORTS" \
	/mnt/build/selftests/run-in-guest.sh test "${tests[@]}" | tee "$folder/output"
