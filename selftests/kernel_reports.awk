# SPDX-License-Identifier: GPL-2.0
#
# Prints what in a kernel's log is a report of trouble, each with the lines that surround it; all
# lines after the third report are left out. Ends with 1 when there is one.
#
#	awk -f kernel_reports.awk LOG
#
# Every checker of the debug kernels has its words here. An allocation that failed is none of them:
# tests let allocations fail, and the kernel then tells who wanted the memory, up to "Mem-Info". Nor is
# a data race that none of our functions is a part of.

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

/vmalloc error: |page allocation failure: |warn_alloc:/ { no_memory = 1 }
no_memory {
	if (/Mem-Info:/)
		no_memory = 0
	next
}

{ line[NR] = $0 }

/BUG: KCSAN:/ { foreign_race = !/snd_audio_module/ }
/======/ { foreign_race = 0 }
foreign_race { next }

$0 ~ trouble && NR > shown {
	if (++reports <= 3) {
		first = NR - before > shown ? NR - before : shown + 1
		for (i = first; i < NR; i++)
			if (i in line)
				print line[i]
		shown = NR + after
		print
	}
	next
}

NR <= shown { print }

END { exit reports > 0 }
