#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What `make run` shows: obit records this host for ten seconds while a small workload runs; then who died.
# usage: demo.sh BUILD
set -eu

build=${1:-build}
obit=$build/obit
if [ "$(id -u)" != 0 ]; then
    echo "obit: recording needs root: sudo make run" >&2
    exit 1
fi

work=$(mktemp -d)
store=$work/store
trap 'kill "$agent" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

echo "recording this host for 10 seconds ..."
"$obit" record --store "$store" --duration 10s 2>"$work/log" &
agent=$!
for _ in $(seq 100); do
    grep -q 'recording to' "$work/log" && break
    kill -0 "$agent" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
    sleep 0.1
done

say() { printf '  %s\n' "$1"; }
say "a loop that burns CPU";                        sh -c 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done'
say "a command that touches 64 MB of memory";       /usr/bin/python3 -c 'b = bytearray(64 << 20)'
say "a command that fails";                         sh -c 'exit 3' || true
say "a sleeper, killed by its parent";              sh -c 'sleep 30 & sleep 0.1; kill -KILL $!; wait' || true
say "a crash";                                      sh -c 'kill -SEGV $$' 2>/dev/null || true
say "a pipeline";                                   sh -c 'seq 200000 | sort -n | tail -n 1 >/dev/null'
say "a hundred short commands";                     for _ in $(seq 100); do /bin/true; done
say "... and whatever else this host does"
wait "$agent" || { cat "$work/log" >&2; exit 1; }

short='not (comm = true or comm = sleep and exit_code = 0)'
echo
echo "Who died ($(basename "$obit") dump exits; the hundred short commands left out):"
"$obit" dump exits --store "$store" --where "$short"
echo
echo "The five that cost most CPU (dump exits --sort -cpu_ns --limit 5):"
"$obit" dump exits --store "$store" --sort -cpu_ns --limit 5
echo
echo "Who was killed, and by whom:"
"$obit" dump exits --store "$store" --where 'exit_signal is not null' \
    --fields exit_time,pid,comm,exit_signal,killer_pid,killer_comm,argv
echo
echo "Does the ledger balance? (verify)"
"$obit" verify --store "$store"
echo
echo "Next:  sudo $obit record                 record to /var/lib/obit until Ctrl-C"
echo "       $obit dump exits --since -10m --where 'exit_signal = KILL' --format jsonl"
echo "       $obit help dump                   all of it;  $obit schema: every field"
