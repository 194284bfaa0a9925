# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the guest's scripts share: where the cache is, how errors are worded, the progress line of
# a long step, and apt as an unprivileged downloader. To be sourced, after "set -euo pipefail".

# depmod and friends are not in an ordinary user's PATH on Debian; messages are matched in English.
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8

# The guest's ordinary users read what is made here.
umask 022

PROGRESS_SECONDS=8
CACHE=${AUDIO_MODULE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/alsa-audio-modules}

# say VERB TEXT: one line per step, in the style of a kernel build
say()
{
	printf '  %-7s %s\n' "$1" "$2" >&2
}

# die WHAT-AND-WHY [FIX]
die()
{
	printf '%s: %s\n' "${0##*/}" "$1" >&2
	[ $# -lt 2 ] || printf '%s: to fix it: %s\n' "${0##*/}" "$2" >&2
	exit 1
}

# A line at least every 10 s for whoever waits; ends when it is killed.
report_progress()
{
	local label=$1 start=$SECONDS

	while sleep "$PROGRESS_SECONDS"; do
		printf '  … %s (%d s)\n' "$label" $((SECONDS - start)) >&2
	done
}

# with_progress LABEL LOG COMMAND...: quiet while it works; the end of LOG when it fails. COMMAND
# runs in the background so that "set -e" holds inside it when it is a function.
with_progress()
{
	local label=$1 log=$2 ticker status=0

	shift 2
	report_progress "$label" 9>&- &
	ticker=$!
	"$@" >"$log" 2>&1 </dev/null 9>&- &
	wait "$!" || status=$?
	kill "$ticker" 2>/dev/null || :
	wait "$ticker" 2>/dev/null || :
	[ "$status" -ne 0 ] || return 0
	tail -n 20 "$log" >&2
	printf '%s: %s failed (exit status %d): see the lines above\n' \
		"${0##*/}" "$label" "$status" >&2
	return "$status"
}

# lock_cache [NAME]: one filler of the cache at a time, and one of NAME beside it; the others wait
# and then find everything done.
lock_cache()
{
	local name=${1:+-$1}

	mkdir -p "$CACHE" 2>/dev/null || :
	[ -w "$CACHE" ] || die "cannot write the cache folder $CACHE" \
		"set AUDIO_MODULE_CACHE to a folder of yours"
	exec 9>"$CACHE/lock$name"
	until flock -w "$PROGRESS_SECONDS" 9; do
		printf '  … waiting for another run that fills %s\n' "$CACHE" >&2
	done
	# What an interrupted run left: nobody else can be using it now.
	rm -rf "$CACHE/tmp$name".*
}

# make_work_dir [NAME]: a folder to build in, on the cache's own file system so that the last step
# is a rename.
make_work_dir()
{
	WORK=$(mktemp -d "$CACHE/tmp${1:+-$1}.XXXXXX")
	chmod 755 "$WORK"
	trap 'rm -rf "$WORK"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# make_once FILE FUNCTION [NAME]: FUNCTION fills the cache, from a work folder, unless FILE is there;
# with NAME beside other fillers: then it must not use apt. It sees the caller's variables, all but
# those that are local here.
make_once()
{
	local made=$1 maker=$2 filler=${3:-}

	[ ! -e "$made" ] || return 0
	# In a process of its own: lock, work folder and traps end with it.
	(
		lock_cache "$filler"
		[ ! -e "$made" ] || exit 0
		make_work_dir "$filler"
		cd "$WORK" || exit
		"$maker"
	)
}

# What is there to be tested, for $commit, at the beginning: later there may be other commits.
describe_commit()
{
	git -C "$TOP" describe --always --dirty 2>/dev/null || echo unknown
}

# report_head COMMAND KERNEL...: how a report in Markdown begins: of which commit, when, and where
report_head()
{
	local kernel separator=

	echo "<!-- SPDX-License-Identifier: GPL-2.0 -->"
	# shellcheck disable=SC2154 # who calls this has it
	printf '# The last %s\n\n%s, commit %s' "$1" "$(date +%F)" "$commit"
	shift
	for kernel in "$@"; do
		printf '%s %s' "${separator:-, kernel}" "$("${0%/*}/kernel.sh" version "$kernel")"
		separator=,
	done
	printf '.\n\n'
}

# take_line FOLDER: the next line of standard input, which several processes have; for $(…)
take_line()
{
	local line

	exec 8<"$1"
	flock 8
	IFS= read -r line && printf '%s\n' "$line"
}

# apt needs no rights to download: the machine's package lists do, or, when there are none or they
# are stale, lists of our own in the cache.
APT_OPTIONS=(-o APT::Sandbox::User=root)

use_own_lists()
{
	mkdir -p "$CACHE/apt/lists/partial" "$CACHE/apt/cache/archives/partial"
	APT_OPTIONS+=(-o "Dir::State::Lists=$CACHE/apt/lists" -o "Dir::Cache=$CACHE/apt/cache")
	say APT "update (into $CACHE)"
	# A third party's list that cannot be had is no matter: what counts is found or not later.
	with_progress "reading the package lists" "$WORK/apt-update.log" \
		apt-get "${APT_OPTIONS[@]}" update || :
}

require_debian_lists()
{
	[ -z "$(debian_origins)" ] || return 0
	use_own_lists
	[ -n "$(debian_origins)" ] ||
		die "apt on this machine offers no Debian 12 (bookworm) packages" \
			"check /etc/apt/sources.list* and the network"
}

# Where bookworm comes from on this machine: its suite, and "FILE:NUMBER" of an apt sources entry
debian_entries()
{
	# shellcheck disable=SC2016 # apt's variables
	apt-get "${APT_OPTIONS[@]}" indextargets "Created-By: Packages" \
		--format '$(ORIGIN) $(CODENAME) $(SOURCESENTRY)' 2>/dev/null |
		sed -n 's/^Debian \(bookworm\(-updates\|-security\)\? .*\)/\1/p' | sort -u
}

# The same, each entry once
debian_origins()
{
	debian_entries | cut -d ' ' -f 2- | sort -u
}

# "FILE:NUMBER" of an apt source: the NUMBER-th line of a .list, the NUMBER-th stanza of a .sources
print_source_entry()
{
	local file=${1%:*} number=${1##*:}

	case $file in
	*.sources)
		awk -v n="$number" 'BEGIN { RS = "" } NR == n' "$file"
		echo
		;;
	*)
		sed -n "${number}p" "$file"
		;;
	esac
}

# write_sources DIR: this machine's entries for Debian 12 as they stand, keyrings named in them
# included, third parties' left out: DIR/debian.list, DIR/debian.sources, by style
write_sources()
{
	local entry

	debian_origins | while read -r entry; do
		case $entry in
		*.sources:*)	print_source_entry "$entry" >>"$1/debian.sources" ;;
		*)		print_source_entry "$entry" >>"$1/debian.list" ;;
		esac
	done
}

# write_apt_options FILE: how this machine reaches its sources (proxies, checks)
write_apt_options()
{
	apt-config dump --format '%F "%v";%n' |
		grep -E '^Acquire::(https?|ftp|Retries|ForceIPv|Check-|Max-)' |
		grep -v ' "";$' >"$1" || :
}

# use_suite SUITE: apt takes packages of that suite of Debian's only, from where this machine gets
# its own; a folder with the sources is left in $SUITE_SOURCES
use_suite()
{
	local suite=$1 folder=$CACHE/apt/$1 entry file

	require_debian_lists
	[ "$suite" != bookworm ] || return 0
	SUITE_SOURCES=$folder/sources
	rm -rf "$SUITE_SOURCES"
	mkdir -p "$SUITE_SOURCES" "$folder/lists/partial" "$folder/cache/archives/partial"
	entry=$(debian_entries | sed -n 's/^bookworm //p' | head -n 1)
	file=$SUITE_SOURCES/debian.${entry##*.}
	file=${file%:*}
	print_source_entry "$entry" |
		sed -E "s/^(Suites:).*/\1 $suite/; s/^(deb .*) bookworm /\1 $suite /" >"$file"
	APT_OPTIONS=(-o APT::Sandbox::User=root -o Dir::Etc::SourceList=/dev/null
		-o "Dir::Etc::SourceParts=$SUITE_SOURCES" -o "Dir::State::Lists=$folder/lists"
		-o "Dir::Cache=$folder/cache")
	say APT "update ($suite, into $CACHE)"
	with_progress "reading the package lists" "$WORK/apt-update.log" \
		apt-get "${APT_OPTIONS[@]}" update ||
		die "apt cannot read the lists of $suite" "check the network, then try again"
}

# package_field PACKAGE FIELD: of the version that apt would take
package_field()
{
	apt-cache "${APT_OPTIONS[@]}" show --no-all-versions "$1" | sed -n "s/^$2: //p"
}

# download PACKAGE...: the .deb files, into the current folder; once more with new lists
download()
{
	local log=$WORK/download.log

	apt-get "${APT_OPTIONS[@]}" download --print-uris "$@" >/dev/null 2>&1 &&
		with_progress "downloading $1" "$log" apt-get "${APT_OPTIONS[@]}" download "$@" &&
		return
	use_own_lists
	with_progress "downloading $1" "$log" apt-get "${APT_OPTIONS[@]}" download "$@" ||
		die "cannot download $*" "check the network and apt's sources, then try again"
}

# The kernel's source, as Debian packs it: the checkers' and the debug kernel's
SOURCE_PACKAGE=$CACHE/linux-source-6.1.deb

fetch_source_package()
{
	require_debian_lists
	say FETCH "linux-source-6.1"
	download linux-source-6.1
	mv linux-source-6.1_*.deb "$SOURCE_PACKAGE"
}

# A shell and its tools that need nothing else, for each kernel's first steps
BUSYBOX_PACKAGE=$CACHE/busybox-static.deb

fetch_busybox()
{
	require_debian_lists
	download busybox-static
	mv busybox-static_*.deb "$BUSYBOX_PACKAGE"
}

# unpack_source TAR-OPTION...: (parts of) it, as linux-source-6.1/
unpack_source()
{
	dpkg-deb --fsys-tarfile "$SOURCE_PACKAGE" |
		tar -xO ./usr/src/linux-source-6.1.tar.xz | xz -dc -T0 | tar -x "$@"
}

# make_for KERNEL FOLDER ARGUMENT...: make, with the compiler that modules for that kernel want; of
# what is not in the cache it may see FOLDER only
make_for()
{
	local kernel=$1 folder=$2 compiler here

	shift 2
	here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
	compiler=$("$here/kernel.sh" compiler "$kernel")
	# What a make that called us was told is not meant for this one.
	unset MAKEFLAGS MFLAGS MAKELEVEL
	if [ "$compiler" = - ]; then
		make --no-print-directory -s "$@"
	else
		"$here/toolchain.sh" get "$compiler"
		"$here/toolchain.sh" run "$compiler" "$("$here/kernel.sh" path "$kernel")" \
			"$folder" -- make --no-print-directory -s "$@" >&2
	fi
}
