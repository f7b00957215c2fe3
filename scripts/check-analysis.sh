#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Do the commands of docs/analysis.md run, and do obit and DuckDB answer alike? Over a store that is recorded here while
# everything that is asked for happens: kills, failures, sessions, zombies, a death for lack of memory.
# usage: check-analysis.sh BUILD
set -u

build=$(realpath "${1:-build}")
here=$(realpath "$(dirname "$0")/..")
if [ "$(id -u)" != 0 ] || [ ! -r /sys/kernel/btf/vmlinux ]; then
    echo "skip   docs/analysis.md: recording needs root and a kernel with BTF"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"; [ -z "$group" ] || rmdir "$group" 2>/dev/null' EXIT

# A cgroup with little memory, of either hierarchy; empty: none can be made.
group=
for parent in /sys/fs/cgroup /sys/fs/cgroup/memory; do
    for limit in memory.max memory.limit_in_bytes; do
        [ -z "$group" ] && mkdir "$parent/obit-analysis" 2>/dev/null || continue
        if [ -e "$parent/obit-analysis/$limit" ] && echo 20M >"$parent/obit-analysis/$limit" 2>/dev/null; then
            group=$parent/obit-analysis
        else
            rmdir "$parent/obit-analysis"
        fi
    done
done

run_out_of_memory() {
    [ -n "$group" ] || return 0
    bash -c "echo \$\$ >$group/cgroup.procs; exec python3 -c 'b = bytearray(200 << 20)'" 2>/dev/null
}

python3 -c 'import os, time
for i in range(3):
    if os.fork() == 0: os._exit(0)
time.sleep(30)' &
leaky=$!
sleep 0.5
"$build/obit" record --store "$work/store" --interval 500ms --duration 6s --socket none 2>"$work/recorder.log" &
recorder=$!
for _ in $(seq 300); do grep -q 'recording to' "$work/recorder.log" && break; sleep 0.1; done
sleep 0.7
run_out_of_memory 2>/dev/null
for i in 1 2 3 4 5; do
    sleep 30 & kill -KILL $!
    setsid sh -c "for k in 1 2 3 4 5 6 7 8; do /bin/true; dd if=/dev/zero of=$work/file bs=64k count=$i 2>/dev/null; done; exit $i"
    sh -c 'kill -SEGV $$'
done 2>/dev/null
wait $recorder
kill $leaky

has_readers=
[ -d "$build/readers/node_modules" ] && node -e 0 2>/dev/null && has_readers=yes
cp "$here"/tests/export/duckdb.mjs "$build/readers/" 2>/dev/null
"$build/obit" export --store "$work/store" --to parquet "$work/set/" || exit 1
OBIT_STORE=$work/store TZ=UTC PATH=$build:$PATH python3 "$here/tests/export/check_analysis.py" \
    "$here/docs/analysis.md" "$work/set" "${has_readers:+$build/readers/duckdb.mjs}" ${group:+with-oom}
