#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Can verify fail? Builds obit with each of the invariants' counters broken in turn; verify has to say "unbalanced".
# usage: check-miscount.sh BUILD
set -eu

build=${1:-build}
if [ "$(id -u)" != 0 ] || [ ! -r /sys/kernel/btf/vmlinux ]; then
    echo "skip   broken counters: recording needs root and a kernel with BTF"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
work=$(mktemp -d)
trap 'kill -CONT "$agent" 2>/dev/null || true; kill "$agent" 2>/dev/null || true; rm -rf "$work"' EXIT
passed=0 failed=0

# A storm, for one second of which the agent stands still: some exits are recorded, some rolled up.
record_storm() { # obit, store
    : >"$work/log" # else the one before may be found recording
    "$1" record --store "$2" --ring-pages 16 2>"$work/log" &
    agent=$!
    until grep -q 'recording to' "$work/log"; do
        kill -0 "$agent" || { cat "$work/log"; exit 1; }
        sleep 0.1
    done
    "$build/tests/live/storm" 6000 2 fork >/dev/null
    kill -STOP "$agent"
    "$build/tests/live/storm" 6000 2 fork >/dev/null
    kill -CONT "$agent"
    sleep 0.5
    kill "$agent"
    wait "$agent"
}

expect() { # name, expected exit status of verify, obit
    record_storm "$3" "$work/$2-$1"
    status=0
    "$3" verify --store "$work/$2-$1" >"$work/verdict" 2>&1 || status=$?
    if [ "$status" = "$2" ]; then
        passed=$((passed + 1))
        echo "ok     $1: $(tail -n 1 "$work/verdict")"
    else
        failed=$((failed + 1))
        echo "FAIL   $1: verify ended with $status, not $2"
        cat "$work/verdict"
    fi
}

expect "sound counters" 0 "$build/obit"
i=0
for counter in forks exits_seen exits_rolled_up; do
    i=$((i + 1))
    make --no-print-directory BUILD="$build/miscount-$counter" BPF_CFLAGS=-DOBIT_MISCOUNT=$i >/dev/null
    expect "broken $counter" 1 "$build/miscount-$counter/obit"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
