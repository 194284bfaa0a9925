#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Reads the sources instead of running them: compiler warnings, sparse, the kernel's own checkers,
# the headers that others include, scripts, manual pages, spelling, licences. "make lint" calls it.
# Every message counts; the last line says how many checks passed and failed.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source=$("$HERE/fetch.sh" path source)
headers=$("$HERE/fetch.sh" path headers)
passed=0
failed=0

files()
{
	git ls-files -- "$@"
}

# check NAME COMMAND...: passes when the command says nothing and ends with 0
check()
{
	local name=$1

	shift
	if "$@" >"$work/messages" 2>&1 && [ ! -s "$work/messages" ]; then
		passed=$((passed + 1))
		echo "ok - $name"
	else
		failed=$((failed + 1))
		echo "not ok - $name"
		sed 's/^/# /' "$work/messages"
	fi
}

# A copy, as Kbuild writes next to the sources; only messages about our files come through.
build_modules()
{
	rm -rf "$work/tree"
	mkdir "$work/tree"
	cp -r module include Kconfig "$work/tree/"
	make -s -C "$headers" M="$work/tree/module" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules \
		>"$work/build" 2>&1 || cat "$work/build"
	grep -E "($work/tree|error).*(warning|error)" "$work/build" || :
}

warnings()
{
	build_modules W=1 KCFLAGS=-Werror
}

sparse_check()
{
	build_modules C=2 CF='-D__CHECK_ENDIAN__'
}

style()
{
	local file

	# In the copy: in a git tree it leaves a file behind.
	for file in $(files 'module/*.[ch]' 'include/*.h'); do
		(cd "$work/tree" && "$source/scripts/checkpatch.pl" --no-tree --strict \
			--max-line-length=100 -q -f "$file") || :
	done
}

kernel_doc()
{
	local list

	mapfile -t list < <(files 'module/*.[ch]' 'include/*.h')
	"$source/scripts/kernel-doc" -none -v -Werror "${list[@]}" 2>&1 |
		grep -v 'Scanning doc for' || :
}

# Each header by itself, in the strictest dialects that its users have.
headers_alone()
{
	local header dialect

	for header in $(files 'include/uapi/*.h'); do
		for dialect in '-x c -std=c90 -pedantic' '-x c++ -std=c++98 -pedantic'; do
			# shellcheck disable=SC2086 # several words
			gcc $dialect -Wall -Wextra -Wpadded -Werror -fsyntax-only -Iinclude/uapi \
				-include "$header" /dev/null
		done
	done
	gcc -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -Iuserspace/lib \
		-include audiomodule.h -x c /dev/null
	g++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only -Iuserspace/lib \
		-include audiomodule.h -x c++ /dev/null
}

# The layout of every structure of the user ABI as the compiler sees it, with 32 and 64 bit.
layout()
{
	local name

	sed -n 's/^struct \([a-z_]*\) {$/\1/p' include/uapi/sound/*.h >"$work/structures"
	{
		echo '#include <sound/audio_module.h>'
		echo '#include <sound/audio_module_virtual.h>'
		while read -r name; do
			echo "char size_${name}[sizeof(struct $name)];"
			echo "char align_${name}[__alignof__(struct $name)];"
		done <"$work/structures"
	} >"$work/layout.c"
	for name in 32 64; do
		# Without 32-bit packages: the asm/ headers are the same for both.
		gcc "-m$name" -isystem "/usr/include/$(gcc -print-multiarch)" -Iinclude/uapi \
			-S -o - "$work/layout.c" |
			sed -n 's/^\t\.size\t\(size_\|align_\)/\1/p' >"$work/layout.$name"
	done
	[ -s "$work/layout.64" ] || echo 'no structure was found'
	diff "$work/layout.32" "$work/layout.64"
}

scripts()
{
	local list

	mapfile -t list < <(files '*.sh' 'selftests/guest/init' 'selftests/guest/guest-init' .ci/run)
	shellcheck -x "${list[@]}"
}

manual_pages()
{
	local list

	mapfile -t list < <(files 'userspace/man/*.[1-9]')
	mandoc -Tlint -Wwarning "${list[@]}"
}

# Two of mdoc's macros look like misspelt words.
spelling()
{
	local list

	mapfile -t list < <(files ':!LICENSES')
	codespell --ignore-words-list=nd,fo "${list[@]}"
}

licences()
{
	local list

	mapfile -t list < <(files ':!LICENSES')
	grep -L 'SPDX-License-Identifier' "${list[@]}" || :
}

check 'modules compile without a warning (W=1)' warnings
check 'sparse finds nothing in the modules' sparse_check
check 'checkpatch --strict finds nothing in kernel code' style
check 'kernel-doc is complete' kernel_doc
check 'headers compile alone, in C90 and C++' headers_alone
check 'structures have one layout for 32 and 64 bit' layout
check 'shellcheck finds nothing' scripts
check 'manual pages are well-formed' manual_pages
check 'words are spelt right' spelling
check 'every file names its licence' licences

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
