#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The tests on the running kernel: obit's records against wait4(), its ledger in storms, `zstd -t` on what it wrote.
# usage: check-live.sh BUILD
set -eu

build=${1:-build}
if [ "$(id -u)" != 0 ]; then
    echo "skip   the live tests: they need root"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
if [ ! -r /sys/kernel/btf/vmlinux ]; then
    echo "skip   the live tests: this kernel has no /sys/kernel/btf/vmlinux"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

count() { # log, exit status, name
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$1" | tail -n 1)
    p=$(echo "$line" | sed -n 's/^\([0-9]*\) passed.*/\1/p')
    f=$(echo "$line" | sed -n 's/.* \([0-9]*\) failed.*/\1/p')
    s=$(echo "$line" | sed -n 's/.* \([0-9]*\) skipped.*/\1/p')
    p=${p:-0} f=${f:-0} s=${s:-0}
    if [ "$2" != 0 ] && [ "$f" = 0 ]; then f=1; echo "FAIL $3: exit status $2"; fi
    if [ "$p" = 0 ] && [ "$f" = 0 ]; then f=1; echo "FAIL $3: it ran no test"; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# Storms are made for some 10,000 forks a second. Where a fork takes that much longer (a virtual machine whose page tables
# its host keeps in software) they are that much smaller.
if [ -z "${OBIT_STORM_DIVISOR:-}" ]; then
    rate=$("$build/tests/live/storm" 1000 4 fork | sed -n 's/.*"exits_per_second":\([0-9]*\).*/\1/p')
    OBIT_STORM_DIVISOR=$((rate > 5000 ? 1 : 10000 / (rate > 0 ? rate : 1)))
    [ "$OBIT_STORM_DIVISOR" = 1 ] || echo "this machine forks $rate times a second: storms are $OBIT_STORM_DIVISOR times smaller"
    export OBIT_STORM_DIVISOR
fi

for test in truth causes killings own_costs balance status samplers processes_live crowds threads service trial; do
    status=0
    timeout 280 "$build/tests/live/$test" "$build/obit" "$work/$test" >"$work/log" 2>&1 || status=$?
    grep -v '^obit: ' "$work/log" | sed 's/^/  /'
    count "$work/log" "$status" "$test"
done
for segment in "$work"/*/*.obit "$work"/*/*/*.obit; do
    [ -e "$segment" ] || continue
    if zstd -tq "$segment"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL zstd -t $segment"; fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
