#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Do a reader written from docs/format.md alone and `obit dump` say the same of a store? Of one that has all the
# format has, sealed and torn, and (as root) of a recorded one.
# usage: check-format.sh BUILD
set -eu

build=${1:-build}
obit=$build/obit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

# As values, row by row: spaces and escapes may differ.
cat >"$work/compare.py" <<'PY'
import itertools, json, sys
lines = 0
for ours, theirs in itertools.zip_longest(open(sys.argv[1]), open(sys.argv[2])):
    lines += 1
    if ours is None or theirs is None or json.loads(ours) != json.loads(theirs):
        sys.exit(f"row {lines}: obit says {ours}the other reader {theirs}")
if not lines:
    sys.exit("no rows")
print(f"{lines} rows")
PY

compare() { # store, name
    for table in $("$obit" schema | awk 'NR > 1 {print $1}' | sort -u); do
        "$obit" dump "$table" --store "$1" --fields all --format jsonl >"$work/ours" 2>/dev/null
        python3 tests/format/read_store.py "$1" "$table" >"$work/theirs"
        [ -s "$work/ours" ] || [ -s "$work/theirs" ] || continue
        if said=$(python3 "$work/compare.py" "$work/ours" "$work/theirs" 2>&1); then
            passed=$((passed + 1))
            echo "ok     $2, $table: $said"
        else
            failed=$((failed + 1))
            echo "FAIL   $2, $table: $said"
        fi
    done
}

"$build/tests/write_store" "$work/sealed"
compare "$work/sealed" "a sealed store"
"$build/tests/write_store" "$work/killed" unsealed 100
last=$(ls "$work"/killed/*.obit | tail -n 1)
truncate -s -100 "$last"
compare "$work/killed" "a torn store"
if [ "$(id -u)" = 0 ] && [ -r /sys/kernel/btf/vmlinux ]; then
    "$obit" record --store "$work/recorded" --duration 2s --socket none 2>"$work/recorded.log" &
    for _ in $(seq 300); do grep -q 'recording to' "$work/recorded.log" && break; sleep 0.1; done
    sleep 0.2
    sh -c 'exit 3' 2>/dev/null || true
    wait
    compare "$work/recorded" "a recorded store"
else
    echo "skip   a recorded store: recording needs root and a kernel with BTF"
    skipped=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
