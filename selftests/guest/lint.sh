#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Reads the sources instead of running them: compiler warnings, sparse, coccinelle, the kernel's own
# checkers, the headers that others include, userspace with the analyzers of gcc and clang, scripts,
# manual pages, spelling, licences. "make lint" calls it.
# Every message counts; the last line says how many checks passed and failed.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# What a make that called us wants of its sub-makes would be messages here.
unset MAKEFLAGS MFLAGS MAKELEVEL

HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE/../.."
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$HERE/checks.sh"
source=$("$HERE/source.sh" path)
# The headers of the kernel that "make test" boots.
headers=$("$HERE/kernel.sh" headers 6.1)

files()
{
	git ls-files -- "$@"
}

# A driver that is built outside of the tree
EXAMPLE=userspace/doc/example-driver
RIVALS=selftests/rivals
# What dkms builds where there is nothing to build
UNSUPPORTED=userspace/packaging/dkms/unsupported

kernel_code()
{
	files 'module/*.[ch]' 'include/*.h' "$EXAMPLE/*.c" "$RIVALS/*.[ch]" "$UNSUPPORTED/*.[ch]"
}

# A copy, as Kbuild writes next to the sources; only messages about our files come through.
build_modules()
{
	local folder

	rm -rf "$work/tree"
	mkdir "$work/tree"
	cp -r --parents module include Kconfig "$EXAMPLE" "$RIVALS" "$UNSUPPORTED" "$work/tree/"
	for folder in module "$EXAMPLE" "$RIVALS"; do
		make -s -C "$headers" M="$work/tree/$folder" CONFIG_DEBUG_INFO_BTF_MODULES= \
			AUDIO_MODULE_HEADERS="$work/tree" "$@" modules >"$work/build" 2>&1 ||
			cat "$work/build"
		grep -E "($work/tree|error).*(warning|error)" "$work/build" || :
		cp "$work/tree/module/Module.symvers" "$work/tree/"
	done
}

warnings()
{
	build_modules W=1 KCFLAGS=-Werror
}

sparse_check()
{
	build_modules C=2 CF='-D__CHECK_ENDIAN__'
}

# apply_rule RULE FOLDER
apply_rule()
{
	spatch --very-quiet --no-show-diff -D report --cocci-file "$1" -I include --dir "$2" \
		2>"$work/spatch" | grep "^$2/" ||
		[ "${PIPESTATUS[0]}" -eq 0 ] || { echo "${1##*/}:"; cat "$work/spatch"; }
}

# Each of the kernel's own rules that can report. Two want an OCaml compiler besides and are left
# out: badzero, which sparse knows, too, and check_bq27xxx_data, which is about one other driver.
coccinelle()
{
	local rule

	find "$source/scripts/coccinelle" -name '*.cocci' | sort | while read -r rule; do
		! grep -q 'script:ocaml' "$rule" || continue
		grep -q '^virtual.*report' "$rule" || echo "${rule##*/}: has no report mode"
		apply_rule "$rule" module
		apply_rule "$rule" "$EXAMPLE"
		apply_rule "$rule" "$RIVALS"
	done
}

style()
{
	local file

	# In the copy: in a git tree it leaves a file behind.
	for file in $(kernel_code); do
		(cd "$work/tree" && "$source/scripts/checkpatch.pl" --no-tree --strict \
			--max-line-length=100 -q -f "$file") || :
	done
}

kernel_doc()
{
	local list

	mapfile -t list < <(kernel_code)
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
	for header in audiomodule.h audiomodule-ks.h; do
		gcc -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -Iuserspace/lib \
			-include $header -x c /dev/null
		g++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only -Iuserspace/lib \
			-include $header -x c++ /dev/null
	done
}

# What a driver includes, each by itself, as the kernel compiles it.
driver_headers_alone()
{
	local header name

	mkdir -p "$work/headers/module"
	cp -r include "$work/headers/"
	# shellcheck disable=SC2016 # make's variable
	echo 'ccflags-y := -I$(src)/../include' >"$work/headers/module/Kbuild"
	for header in $(files 'include/sound/*.h'); do
		name=alone-$(basename "$header" .h)
		echo "#include <${header#include/}>" >"$work/headers/module/$name.c"
		echo "always-y += $name.o" >>"$work/headers/module/Kbuild"
	done
	make -s -C "$headers" M="$work/headers/module" W=1 KCFLAGS=-Werror modules 2>&1
}

# The layout of every structure of the user ABI as pahole reads it from what the compiler made: the
# same with 32 and 64 bit, and without a hole.
layout()
{
	local name

	sed -n 's/^struct \([a-z_]*\) {$/\1/p' include/uapi/sound/*.h >"$work/structures"
	{
		echo '#include <sound/audio_module.h>'
		echo '#include <sound/audio_module_virtual.h>'
		while read -r name; do
			echo "struct $name one_$name;"
		done <"$work/structures"
	} >"$work/layout.c"
	for name in 32 64; do
		# Without 32-bit packages: the asm/ headers are the same for both.
		gcc "-m$name" -g -isystem "/usr/include/$(gcc -print-multiarch)" -Iinclude/uapi \
			-c -o "$work/layout.$name.o" "$work/layout.c"
		pahole "$work/layout.$name.o" | grep -v 'cacheline' >"$work/layout.$name"
	done
	while read -r name; do
		grep -q "^struct $name {" "$work/layout.64" || echo "struct $name was not seen"
	done <"$work/structures"
	grep -h 'XXX' "$work"/layout.{32,64} || :
	sed -i 's/long long unsigned int/__u64/' "$work"/layout.{32,64}
	diff "$work/layout.32" "$work/layout.64"
}

# gcc's analyzer follows what cleanup attributes do, but only before it optimizes.
gcc_analyzer()
{
	make -s -C userspace O="$work/analyzer" CC=gcc CFLAGS='-O0 -g -fanalyzer' \
		HARDENING=-fPIC >"$work/build" 2>&1 || cat "$work/build"
}

# clang's does not follow them, so it sees a leak in each: that one check of its is gcc's here. The
# other check that is left out is an opinion: that no function has two parameters of one type.
TIDY='-*,clang-analyzer-core.*,clang-analyzer-deadcode.*,clang-analyzer-unix.API'
TIDY="$TIDY,clang-analyzer-unix.cstring.*,clang-analyzer-unix.MallocSizeof,clang-analyzer-valist.*"
TIDY="$TIDY,clang-analyzer-nullability.*,clang-analyzer-optin.portability.*,misc-*,performance-*"
TIDY="$TIDY,bugprone-*,-bugprone-easily-swappable-parameters"

# Each file by itself: version 14 mixes up the argument lists of two.
clang_tidy()
{
	local flags

	read -r -a flags < <(pkg-config --cflags libsystemd glib-2.0)
	files 'userspace/*.c' ":!$EXAMPLE" ":!$UNSUPPORTED" | xargs -P "$(nproc)" -I FILE \
		clang-tidy --quiet --checks="$TIDY" FILE -- -std=gnu11 -D_GNU_SOURCE -Iuserspace/lib -Iinclude/uapi \
		-DAUDIOMODULE_VERSION='"lint"' "${flags[@]}" 2>"$work/tidy" || cat "$work/tidy"
}

scripts()
{
	local list

	mapfile -t list < <(files '*.sh' 'selftests/guest/init' 'selftests/guest/guest-init' .ci/run \
		'userspace/completion/*')
	shellcheck -x "${list[@]}"
}

manual_pages()
{
	local list

	mapfile -t list < <(files 'userspace/man/*.[1-9]')
	mandoc -Tlint -Wwarning "${list[@]}"
}

# Inputs of fuzzers are no words, and nothing can be written into them: corpus.license speaks for all.
INPUTS=':!selftests/fuzz*/corpus/*'

# Two of mdoc's macros, the name of a sound card and a word of syzkaller's look misspelt; one is
# planted.
spelling()
{
	local list

	mapfile -t list < <(files ':!LICENSES' ':!selftests/planted' "$INPUTS")
	codespell --ignore-words-list=nd,fo,hda,inout "${list[@]}"
}

# Addresses at random places are more than this checker of gcc 12 knows on newer kernels.
threads()
{
	local program

	make -s -C selftests/ring O="$work/ring"
	for program in ring ring-tsan; do
		setarch "$(uname -m)" -R "$work/ring/$program" torture >"$work/ring.log" 2>&1 ||
			cat "$work/ring.log"
	done
}

model()
{
	selftests/model/run.sh "$work/model" >"$work/model.log" 2>&1 || cat "$work/model.log"
}

# "make planted" takes hours; what it would stumble over at once is seen here.
planted()
{
	local file

	for file in selftests/planted/*.patch; do
		git apply --check "$file" 2>&1 || :
	done
}

licences()
{
	local list

	mapfile -t list < <(files ':!LICENSES' ':!userspace/packaging/debian' "$INPUTS")
	grep -L 'SPDX-License-Identifier' "${list[@]}" || :
}

check 'modules compile without a warning (W=1)' warnings
check 'sparse finds nothing in the modules' sparse_check
check 'coccinelle finds nothing in the modules' coccinelle
check 'checkpatch --strict finds nothing in kernel code' style
check 'kernel-doc is complete' kernel_doc
check 'headers compile alone, in C90 and C++' headers_alone
check 'headers for drivers compile alone' driver_headers_alone
check 'structures have one layout for 32 and 64 bit, and no holes' layout
check 'gcc -fanalyzer finds nothing in userspace' gcc_analyzer
check 'clang-tidy finds nothing in userspace' clang_tidy
check 'ThreadSanitizer finds nothing in the journal' threads
check 'spin finds nothing in the journal, and each mistake made in it' model
check 'shellcheck finds nothing' scripts
check 'manual pages are well-formed' manual_pages
check 'words are spelt right' spelling
check 'the conformance table sees what is wrong with its rows' "$HERE/conformance.sh" self-test
check 'faults that "make planted" plants fit the code' planted
check 'faults that "make mutate" makes change the code' "$HERE/mutate.sh" --check
check 'every file names its licence' licences

conclude_checks
