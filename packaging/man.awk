# SPDX-License-Identifier: BSD-2-Clause
# From what `obit COMMAND --help` and `obit schema --format tsv` print to a man page: there is no other source, so
# the pages say what the program says. What --help looks like: src/cmd/options.c.
#
# usage: awk -v page=obit-dump -v about='one line' -v version=V -v date=D -v also='obit(1), ...' \
#            -f man.awk HELP [SCHEMA]

# Nothing in the text is roff. Hyphens are ASCII's, so that an example can be copied.
function plain(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	gsub(/'/, "\\(aq", text)
	gsub(/\^/, "\\(ha", text)
	gsub(/~/, "\\(ti", text)
	return text
}

# `what is typed` is bold in prose.
function prose(text, parts, n, i, said) {
	n = split(plain(text), parts, "`")
	for (i = 1; i <= n; i++)
		said = said (i % 2 ? parts[i] : "\\fB" parts[i] "\\fR")
	return said
}

function say(text) {
	print (text ~ /^[.']/ ? "\\&" : "") text
}

function bold(text) {
	return "\\fB" plain(text) "\\fR"
}

function section(name) {
	print ".SH " toupper(name)
	is_example = name ~ /^examples?$/
	if (is_example)
		print ".nf"
	is_paragraph = 0
	open_section = name
}

function end_section() {
	if (is_example)
		print ".fi"
	is_example = 0
	open_section = ""
}

# "--store DIR", "dump": what is typed is bold, what it stands for is not.
function term(text, space) {
	print ".TP"
	space = index(text, " ")
	say(space ? bold(substr(text, 1, space - 1)) " " plain(substr(text, space + 1)) : bold(text))
}

# "  --store DIR           the store to read", or its beginning or its end alone
function item(line, head) {
	if (line ~ /^    /) {
		sub(/^ +/, "", line)
		say(prose(line))
		return
	}
	sub(/^  /, "", line)
	head = line
	sub(/   *.*$/, "", head)
	term(head)
	line = substr(line, length(head) + 1)
	sub(/^ +/, "", line)
	if (line != "")
		say(prose(line))
}

function schema_row(table, field, type, unit, kind, groups, help) {
	if (table != last_table)
		print ".SS " table
	last_table = table
	print ".TP"
	say(bold(field) " (" type (unit == "" ? "" : ", " unit) ", " kind (groups == "" ? "" : "; " plain(groups)) ")")
	say(plain(help))
}

FNR == 1 && NR == 1 {
	printf ".TH %s 1 \"%s\" \"obit %s\" \"obit\"\n", toupper(plain(page)), date, version
	print ".SH NAME"
	print plain(page) " \\- " plain(about)
	print ".SH SYNOPSIS"
	sub(/^usage: /, "")
	n_words = page == "obit" ? 1 : 2
	for (i = 1; i <= NF; i++)
		synopsis = synopsis (i > 1 ? " " : "") (i <= n_words ? bold($i) : plain($i))
	say(synopsis)
	section("description")
	open_section = ""
	next
}

# The schema's first line names its columns.
NR != FNR {
	if (FNR == 1) {
		end_section()
		section("tables and their fields")
		n_columns = split($0, columns, "\t")
	} else {
		split($0, cells, "\t")
		for (i = 1; i <= n_columns; i++)
			cell[columns[i]] = cells[i]
		schema_row(cell["table"], cell["field"], cell["type"], cell["unit"], cell["kind"], cell["groups"], cell["help"])
	}
	next
}

/^$/ {
	is_after_blank = 1
	next
}

is_after_blank && /^[a-z ]+:$/ {
	end_section()
	section(substr($0, 1, length($0) - 1))
	is_after_blank = 0
	next
}

is_after_blank && /^exit status: / {
	end_section()
	section("exit status")
	gsub(/^exit status: |\.$/, "")
	n = split($0, meanings, "; ")
	for (i = 1; i <= n; i++) {
		space = index(meanings[i], " ")
		term(substr(meanings[i], 1, space - 1))
		say(prose(substr(meanings[i], space + 1)))
	}
	is_after_blank = 0
	next
}

/^  / && is_example {
	say(plain(substr($0, 3)))
	is_after_blank = 0
	next
}

/^  / && open_section != "" {
	item($0)
	is_after_blank = 0
	next
}

# "kinds: label (who or when), ...": a list without a heading
/^[a-z]+: / {
	if (open_section != "notes" || is_after_blank) {
		end_section()
		section("notes")
	}
	head = substr($0, 1, index($0, ":") - 1)
	term(head)
	say(prose(substr($0, length(head) + 3)))
	is_after_blank = 0
	next
}

{
	if (is_after_blank && open_section != "" && open_section != "notes") {
		end_section()
		section("notes")
	} else if (is_after_blank && is_paragraph) {
		print ".PP"
	}
	say(prose($0))
	is_paragraph = 1
	is_after_blank = 0
}

END {
	end_section()
	print ".SH SEE ALSO"
	n = split(also, pages, " ")
	for (i = 1; i <= n; i++) {
		name = pages[i]
		sub(/\(.*/, "", name)
		printf ".BR %s %s%s\n", plain(name), substr(pages[i], length(name) + 1), i < n ? "," : ""
	}
}
