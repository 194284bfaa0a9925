# SPDX-License-Identifier: GPL-2.0
#
# Makes the conformance table of its rows, and says what is wrong with them. guest/conformance.sh
# calls it:
#
#	awk -v ... -f conformance.awk kind=source SOURCE... [kind=log LOG] kind=rows ROWS
#
#	table=FILE	where the table goes
#	problems=FILE	a line for each problem: "row 12: what is wrong"
#	cases=FILE	TAP: a case for each row
#	head=FILE	what the table begins with
#	results=1	with the result of each test, from LOG: the complete output of "make test"
#	complete=1	and of "make check": the tests that run only there must be there, too
#
# SOURCE are the tests, to see that each named one bears the number of a rule of its row: in its
# name, or in the comment above or inside of it. A test is told apart from its neighbours by an
# empty line with no indentation behind it.

BEGIN {
	last_row = 85
	# Windows' page of AllocNotificationBuffer
	split("PoolType,NumberOfBytes,NotificationBuffer,STATUS_SUCCESS,STATUS_INVALID_PARAMETER," \
	      "STATUS_INSUFFICIENT_RESOURCES,IRQL,nonpaged", page_keys, ",")
	# What the model's checklist calls optional: there, a reason does instead of a test.
	optional["36"] = optional["61"] = 1
	split("feature rules port test difference reason", names, " ")
	for (i in names)
		known_field[names[i]] = 1
}

FNR == 1 { end_of_chunk() }

# --- sources ------------------------------------------------------------------------------------

kind == "source" && FNR == 1 {
	program = FILENAME
	sub(/.*\//, "", program)
	sub(/\.c$/, "", program)
}

kind == "source" {
	if (empty && $0 != "" && $0 !~ /^[ \t}]/)
		end_of_chunk()
	chunk = chunk "\n" $0
	empty = ($0 == "")
	find_names($0)
	next
}

# Tests that begin in this line: a test of C, or the words that a shell's test is told by.
function find_names(line,	part) {
	if (line ~ /^TEST(_F)?(_TIMEOUT)?\(/) {
		part = line
		sub(/^TEST(_F)?(_TIMEOUT)?\(/, "", part)
		sub(/\).*/, "", part)
		split(part, words, /, */)
		in_chunk[++in_chunks] = line ~ /^TEST_F/ ? words[1] "." words[2] : "global." words[1]
	} else if (match(line, /^[ \t]*(check|check_all|check_prompt|pass|fail) "[^"]*"/)) {
		part = substr(line, RSTART, RLENGTH - 1)
		sub(/^[^"]*"/, "", part)
		in_chunk[++in_chunks] = part
	}
}

function end_of_chunk(	i) {
	for (i = 1; i <= in_chunks; i++)
		source[program ":" in_chunk[i]] = chunk
	in_chunks = 0
	chunk = ""
	empty = 0
}

# The source of a test, "" when there is none. A variant's name is between fixture and test.
function source_of(test,	part) {
	if (test in source)
		return source[test]
	part = test
	sub(/\.[^.]*\./, ".", part)
	return part in source ? source[part] : ""
}

# Does the text have this rule, and not one whose number only begins like it?
function names_rule(text, rule,	at, before, after) {
	while ((at = index(text, rule)) > 0) {
		before = at > 1 ? substr(text, at - 1, 1) : " "
		after = substr(text, at + length(rule), 2)
		if (before !~ /[a-z0-9.-]/ && after !~ /^([0-9]|\.[0-9])/)
			return 1
		text = substr(text, at + 1)
	}
	return 0
}

# In the name of a test IF-4 is if4, and 8.1 is 8_1.
function bears_rule(test, text, rule,	short, name) {
	rule = tolower(rule)
	if (names_rule(tolower(text), rule))
		return 1
	short = rule
	gsub(/[- ]/, "", short)
	gsub(/\./, "_", short)
	name = test
	gsub(/[:.]/, "_", name)
	return index("_" tolower(name) "_", "_" short "_") > 0
}

# --- the log of a run ---------------------------------------------------------------------------

kind == "log" && /^# selftests: / { program = $NF }

# Is it enough that "make check" will say whether it passed?
function is_later(test) {
	return !complete && !(test in result) && test ~ /^fault_injection:/
}

kind == "log" && /^# (not )?ok [0-9]+/ {
	got = / # SKIP/ ? "skipped" : $2 == "ok" ? "passed" : "failed"
	name = $0
	sub(/^# (not )?ok [0-9]+ (- )?/, "", name)
	sub(/ # SKIP.*/, "", name)
	# Told twice, it must have passed twice.
	if (!((program ":" name) in result) || got != "passed")
		result[program ":" name] = got
}

kind == "log" { next }

# --- rows ---------------------------------------------------------------------------------------

kind != "rows" || /^#/ || /^[ \t]*$/ { next }

/^row / {
	row = $2
	place = "row " row
	if (row in seen)
		problem("is there twice")
	else
		order[++rows] = row
	seen[row] = 1
	priority[row] = $3
	if (NF != 3 || $3 !~ /^[MSO]$/)
		problem("the line is not \"row NUMBER M|S|O\"")
	field = ""
	next
}

/^[ \t]/ {
	if (field == "")
		problem("line " FNR " continues nothing")
	sub(/^[ \t]+/, "")
	value[row, field, number[row, field]] = value[row, field, number[row, field]] " " $0
	next
}

{
	field = $0
	sub(/:.*/, "", field)
	if (place == "")
		place = "line " FNR
	if (!(field in known_field) || $0 !~ /^[a-z]+: ./) {
		problem("line " FNR " is no field: " $0)
		field = ""
		next
	}
	if (number[row, field] && field != "test")
		problem("has two fields \"" field "\"")
	sub(/^[a-z]+: */, "")
	value[row, field, ++number[row, field]] = $0
}

function problem(text) {
	print place ": " text >problems
	bad[row]++
	all_bad++
	what[row] = what[row] "\n# " text
}

function need(field) {
	if (!number[row, field])
		problem("has no field \"" field "\"")
}

function check_test(test,	text, i, count, found) {
	text = source_of(test)
	if (results && is_later(test))
		;
	else if (results && !(test in result))
		problem("test did not run: " test)
	else if (results && result[test] != "passed")
		problem("test " result[test] ": " test)
	else if (text == "")
		problem("there is no test: " test)
	if (text == "")
		return
	count = split(value[row, "rules", 1], rule, /, */)
	for (i = 1; i <= count; i++)
		found = found || bears_rule(test, text, rule[i])
	if (!found)
		problem("none of its rules (" value[row, "rules", 1] ") is in the source of " test)
}

function check_row(	i) {
	need("feature")
	need("rules")
	need("port")
	need("difference")
	if (priority[row] == "O" && !(row in optional))
		problem("is not optional in the model")
	if (!number[row, "test"] && priority[row] != "O")
		problem("has no test")
	if (!number[row, "test"] && priority[row] == "O" && !number[row, "reason"])
		problem("has neither a test nor a reason")
	for (i = 1; i <= number[row, "test"]; i++)
		check_test(value[row, "test", i])
}

# --- the table ----------------------------------------------------------------------------------

function cell(text) {
	gsub(/\|/, "\\|", text)
	return text
}

function result_of(test) {
	if (is_later(test))
		return "in make check"
	return test in result ? result[test] : "did not run"
}

function tests_of(row,	i, text, test, program) {
	for (i = 1; i <= number[row, "test"]; i++) {
		test = value[row, "test", i]
		program = test
		sub(/:.*/, "", program)
		sub(/^[^:]*:/, "", test)
		if (results)
			text = text result_of(value[row, "test", i]) ": "
		text = text "`" program "` " test (i < number[row, "test"] ? "<br>" : "")
	}
	return text != "" ? text : "-"
}

function difference_of(row,	text) {
	text = value[row, "difference", 1]
	if (number[row, "reason"])
		text = text (text == "" ? "" : " ") value[row, "reason", 1]
	return text == "none" ? "-" : text
}

function print_head(first) {
	print "\n| " first " | | feature | rules | what this port does | shown by |" \
	      " differences, and why |" >table
	print "|---|---|---|---|---|---|---|" >table
}

function print_row(row) {
	printf "| %s | %s | %s | %s | %s | %s | %s |\n", row, priority[row],
	       cell(value[row, "feature", 1]), value[row, "rules", 1],
	       cell(value[row, "port", 1]), cell(tests_of(row)), cell(difference_of(row)) >table
}

function missing(key) {
	if (key in seen)
		return
	row = key
	place = "row " key
	order[++rows] = key
	problem("is missing")
}

END {
	end_of_chunk()
	printf "" >problems
	printf "" >cases
	for (r = 1; r <= rows; r++) {
		row = order[r]
		place = "row " row
		if (row ~ /^[0-9]+$/ ? row < 1 || row > last_row : !is_page_key(row))
			problem("is no feature of the model")
		check_row()
	}
	for (r = 1; r <= last_row; r++)
		missing(r "")
	for (r = 1; r <= 8; r++)
		missing(page_keys[r])

	while ((getline line <head) > 0)
		print line >table
	print_head("AllocNotificationBuffer")
	for (r = 1; r <= rows; r++)
		if (order[r] !~ /^[0-9]+$/)
			print_row(order[r])
	print_head("#")
	for (r = 1; r <= rows; r++)
		if (order[r] ~ /^[0-9]+$/)
			print_row(order[r])
	for (r = 1; r <= rows; r++)
		printf "%sok %d - row %s: %s%s\n", bad[order[r]] ? "not " : "", r, order[r],
		       value[order[r], "feature", 1], what[order[r]] >cases
	# What is wrong before the first row
	if (bad[""])
		printf "not ok %d - the rows can be read%s\n", r, what[""] >cases
	exit all_bad > 0
}

function is_page_key(key,	i) {
	for (i in page_keys)
		if (page_keys[i] == key)
			return 1
	return 0
}
