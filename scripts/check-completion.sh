#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Does TAB complete commands, options, values, tables and fields in real shells? And is every value that --help offers
# for an option one that the program takes, and the other way round?
# usage: check-completion.sh BUILD
set -u

build=${1:-build}
obit=$build/obit
passed=0 failed=0 skipped=0 broken=0

report() { # status, name
    if [ "$1" = 0 ]; then passed=$((passed + 1)) && echo "ok     $2"; else failed=$((failed + 1)) && echo "FAIL   $2"; fi
}

# A wrong word makes the program list the right ones: "(there are table, csv, jsonl)" or "must be off, delay or full".
offers_what_is_taken() { # command, option, operands
    local command=$1 option=$2 offered taken
    shift 2
    offered=$("$obit" "$command" --help | sed -n "s/^  $option \([a-z|]*\).*/\1/p" | tr '|' ' ')
    taken=$("$obit" "$command" "$@" "$option" no-such-word 2>&1 |
        sed -n 's/ or / /; s/.*\(there are\|must be\) \([^)]*\))*$/\2/p' | tr -d ,)
    [ -n "$offered" ] && [ "$offered" = "$taken" ]
    report $? "$command $option: $offered"
}

for shell in bash:packaging/obit.bash zsh:packaging/_obit; do
    if "${shell%%:*}" --version >/dev/null 2>&1; then
        python3 tests/completion/press_tab.py "${shell%%:*}" "$build" "${shell#*:}" || broken=1
    else
        skipped=$((skipped + 1))
        echo "skip   completion: no ${shell%%:*} here"
    fi
done

offers_what_is_taken dump --format exits
offers_what_is_taken schema --format
offers_what_is_taken store --format
offers_what_is_taken status --format
offers_what_is_taken record --sched
offers_what_is_taken record --transport
offers_what_is_taken export --to /nonexistent/out
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$broken" = 0 ]
