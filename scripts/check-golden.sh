#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Does this obit read the stores of every format that there was, as it was written down when they were made?
# Each also as `obit extract` copies it.
# usage: check-golden.sh BUILD
set -eu

obit=${1:-build}/obit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

verdict() { # status, name, what is wrong
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        echo "ok     $2"
    else
        failed=$((failed + 1))
        echo "FAIL   $2: $3"
    fi
}

# What is expected names the tables and fields to ask for.
dump() { # store, expected
    grep '^== ' "$2" | while read -r _ table fields; do
        echo "== $table $fields"
        "$obit" dump "$table" --store "$1" --fields "$fields" --format jsonl 2>"$work/stderr"
    done
}

same() { # store, expected, name, how to order both: cat, or sort where rows of an interval come in another order
    status=0
    dump "$1" "$2" | $4 >"$work/said" || status=1
    $4 <"$2" >"$work/expected"
    cmp -s "$work/expected" "$work/said" || status=1
    verdict $status "$3" "$(diff "$work/expected" "$work/said" | head -n 4)"
}

says() { # store, what stderr must have
    status=0
    "$obit" dump exits --store "$1" --format jsonl >"$work/said" 2>"$work/stderr" || true
    grep -q "$2" "$work/stderr" || status=1
    verdict $status "$1 says: $2" "$(cat "$work/stderr")"
}

for expected in tests/golden/*/*.expected; do
    store=${expected%.expected}
    [ -s "$expected" ] || continue # nothing to be read: it is to be refused, see below
    same "$store" "$expected" "$store" cat
    case $store in
    */torn) says "$store" "torn tail at offset" ;;
    *) zstd -tq <"$(ls "$store"/*.obit)" && status=0 || status=1
        verdict $status "$store, by zstd" "not accepted" ;;
    esac
    "$obit" extract --store "$store" --since 1971-01-01 "$work/copy" >/dev/null 2>&1 || true
    same "$work/copy" "$expected" "$store, extracted" sort
    rm -rf "$work/copy"
done
says tests/golden/2/incompatible "feature 0x4 "
status=0
[ ! -s "$work/said" ] || status=1
verdict $status "tests/golden/2/incompatible is not read" "$(head -n 2 "$work/said")"
"$obit" schema flights --store tests/golden/2/newer | grep -q 'height .* how high it got' && status=0 || status=1
verdict $status "a table from later, by its own description" "not in obit schema --store"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
