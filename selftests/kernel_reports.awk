# SPDX-License-Identifier: GPL-2.0
#
# Prints what in a kernel's log is a report of trouble, each with the lines that surround it; all
# lines after the third report are left out. Ends with 1 when there is one.
#
#	awk -f kernel_reports.awk LOG
#
# Every checker of the debug kernels has its words here. An allocation that failed is none of them:
# tests let allocations fail, and the kernel then tells who wanted the memory, up to "Mem-Info". Nor is
# a data race of the kernel with itself, of which neither function is in a sound module: poll() sleeps
# on a word that whoever wakes it writes without a mark, and that may be us. Of two reads of one file that
# write its offset none is either; but of all files that the tests read, from two processes at once, only
# ours has no lock for that.

BEGIN {
	trouble = "WARNING:|BUG:|BUG [a-zA-Z]|Oops|Call Trace|KASAN:|UBSAN:|KCSAN:|ODEBUG:"
	trouble = trouble "|general protection|unable to handle|Kernel panic|refcount_t"
	trouble = trouble "|possible circular|possible recursive|inconsistent lock|suspicious RCU"
	trouble = trouble "|INFO: trying to register|INFO: task .* blocked|rcu.*stall"
	trouble = trouble "|unreferenced object|kmemleak: .*(disabled|error)|[0-9] new suspected"
	trouble = trouble "|usercopy: |list_(add|del) corruption|irq .*nobody cared"
	trouble = trouble "|control [-0-9].*: (access|invalid|unaligned|value|zero|unable)"
	trouble = trouble "|Unloaded with|left behind at unload"
	before = 3
	after = 50
}

function look(text,    i, first) {
	line[++lines] = text
	if (lines <= shown) {
		print text
		return
	}
	if (text !~ trouble || ++reports > 3)
		return
	first = lines - before > shown ? lines - before : shown + 1
	for (i = first; i <= lines; i++)
		print line[i]
	shown = lines + after
}

/vmalloc error: |page allocation failure: |warn_alloc:/ { no_memory = 1 }
no_memory {
	if (/Mem-Info:/)
		no_memory = 0
	next
}

# A data race is known to be ours or not when all of its report is there. Of another's, everything but
# the title is looked at: other CPUs print in between.
function look_at_race(    i) {
	for (i = 1; i <= races; i++)
		if (ours || race[i] !~ /BUG: KCSAN:/)
			look(race[i])
	races = ours = 0
}

/BUG: KCSAN:/ { in_race = 1 }
in_race {
	race[++races] = $0
	if (/KCSAN: .*(\[snd|data-race in ksys_read)/)
		ours = 1
	if (/======/) {
		look_at_race()
		in_race = 0
	}
	next
}

{ look($0) }

END {
	look_at_race()
	exit reports > 0
}
