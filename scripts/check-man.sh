#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Do the man pages, as a reader sees them, say all that --help and the schema say, word for word? And do man's and
# mandoc's own checks find nothing in them?
# usage: check-man.sh BUILD
set -u

build=${1:-build}
obit=$build/obit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

check() { # name, command...: passes when the command does and says nothing
    local name=$1 said
    shift
    if said=$("$@" 2>&1) && [ -z "$said" ]; then
        passed=$((passed + 1))
        echo "ok     $name"
    else
        failed=$((failed + 1))
        echo "FAIL   $name: $said"
    fi
}

skip() { # name, why
    skipped=$((skipped + 1))
    echo "skip   $1: $2"
}

rendered() { # page: as words
    mandoc -T ascii -O width=1000 "$1" | sed 's/.\x08//g' | tr -s ' \n' '\n'
}

words() { # what --help prints, without its headings and the marks that become bold
    grep -v -x '[a-z ]*:' | sed 's/^usage: //; s/^exit status: //; s/`//g; s/\.$//' |
        sed 's/^\([a-z]*\): /\1 /' | tr -s ' \n' '\n' | grep .
}

says_all() { # words wanted, page: in this order, others may stand between
    rendered "$2" | sed 's/\.$//; s/:$//; s/;$//' >"$work/found"
    sed 's/\.$//; s/:$//; s/;$//' "$1" >"$work/wanted"
    awk 'NR == FNR {wanted[++n] = $0; next} $0 == wanted[at + 1] {at++}
        END {if (!n || at < n) {print "of " n + 0 " words, stops at " wanted[at + 1] " after " wanted[at]; exit 1}}' \
        "$work/wanted" "$work/found"
}

lint() { # page: warnings and errors; how long a line is, is no fault of a page that nobody edits
    mandoc -T lint -W warning "$1"
}

has_no_warning() { # page
    MANWIDTH=100 man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null
}

is_indexed() { # page: apropos and whatis find it by its first line
    lexgrog "$1" 2>&1 | grep -v "^$1: \"obit"
    true
}

commands=$("$obit" --help | awk '/^commands:/ {on = 1; next} /^$/ {on = 0} on {print $1}')
[ "$(ls "$build/man" | wc -l)" = $(($(echo "$commands" | wc -l) + 1)) ]
check "one page for each command and one for all" test $? = 0

for command in "" $commands; do
    page=$build/man/obit${command:+-$command}.1
    "$obit" $command --help | words >"$work/help"
    check "${page##*/}: all of --help" says_all "$work/help" "$page"
    check "${page##*/}: mandoc" lint "$page"
    if man --version >/dev/null 2>&1 && groff --version >/dev/null 2>&1; then
        check "${page##*/}: man" has_no_warning "$page"
        check "${page##*/}: whatis" is_indexed "$page"
    else
        skip "${page##*/}: man" "no man-db and groff here"
    fi
done

# Table by table, field by field, in the schema's order.
"$obit" schema --format jsonl | jq -r '.field, (.help | split(" ")[])' | grep . >"$work/schema"
check "obit-schema.1: every field and its meaning" says_all "$work/schema" "$build/man/obit-schema.1"

# The comparison itself: of a page that lacks one option it says so.
sed '/limit/d' "$build/man/obit-dump.1" >"$work/short.1"
"$obit" dump --help | words >"$work/help"
says_all "$work/help" "$work/short.1" >/dev/null
check "a page that lacks an option is found" test $? = 1

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
