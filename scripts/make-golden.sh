#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Makes the golden stores of the present format, and beside each what `obit dump` says of it, after another reader
# has said the same. Once a format: what is there is never made again, for old stores do not change either.
# usage: make-golden.sh BUILD DIR      (tests/golden/2 was made so)
set -eu

build=$1 golden=$2
mkdir "$golden"
"$build/tests/write_golden" "$golden"
for store in "$golden"/*/; do
    store=${store%/}
    rm -f "$store/lock"
    chmod 644 "$store"/*.obit
    # A line with the table and its fields, then its rows. Newer obits have more fields: they are not asked for.
    for table in $("$build/obit" schema --store "$store" | awk 'NR > 1 {print $1}' | uniq); do
        fields=$("$build/obit" schema "$table" --store "$store" | awk 'NR > 1 {print $2}' | paste -sd,)
        "$build/obit" dump "$table" --store "$store" --fields "$fields" --format jsonl 2>/dev/null >"$golden/rows"
        [ -s "$golden/rows" ] || continue
        python3 tests/format/read_store.py "$store" "$table" | python3 -c '
import itertools, json, sys
for ours, theirs in itertools.zip_longest(open(sys.argv[1]), sys.stdin):
    ours, theirs = json.loads(ours), json.loads(theirs)
    if ours != {name: theirs.get(name) for name in ours} or not set(theirs) <= set(ours):
        sys.exit(f"{sys.argv[1]}: {ours} is not {theirs}")' "$golden/rows"
        echo "== $table $fields"
        cat "$golden/rows"
    done >"$store.expected"
    rm "$golden/rows"
done
du -sb "$golden"
