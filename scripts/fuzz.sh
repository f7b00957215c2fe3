#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs the fuzzers, each from its seeds: what is cut from the golden stores, and tests/fuzz/corpus, where what once
# was found stays. New inputs are kept under BUILD; whoever finds something gets it as a file, and its name.
# usage: fuzz.sh BUILD [TARGET...]; in the environment FUZZ_RUNS (20000 each), FUZZ_SECONDS (no end), FUZZ_SEED (1)
set -eu

build=$1
shift
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
passed=0 failed=0

mkdir -p "$build/seeds"
"$build/make_seeds" "$build/seeds" tests/golden/*/*/*.obit
for target; do
    seeds=""
    for directory in "$build/seeds/$target" "tests/fuzz/corpus/$target"; do
        if [ -d "$directory" ]; then seeds="$seeds $directory"; fi
    done
    case $target in
    segment | seal) seeds="$seeds $(echo tests/golden/*/*/)" ;;
    esac
    # Longer ones find no more, only later.
    case $target in
    segment | seal | frames) longest=2048 ;;
    directory) longest=65536 ;;
    *) longest=16384 ;;
    esac
    dictionary=""
    [ ! -f "tests/fuzz/$target.dict" ] || dictionary="-dict=tests/fuzz/$target.dict"
    mkdir -p "$build/corpus/$target" "$build/findings"
    status=0
    # shellcheck disable=SC2086 # lists of words
    "$build/fuzz_$target" -runs="${FUZZ_RUNS:-20000}" -max_total_time="${FUZZ_SECONDS:-0}" -seed="${FUZZ_SEED:-1}" \
        -max_len=$longest -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$build/findings/$target-" -print_final_stats=1 \
        $dictionary "$build/corpus/$target" $seeds >"$build/$target.log" 2>&1 || status=$?
    runs=$(awk '/^stat::number_of_executed_units/ {print $2}' "$build/$target.log")
    if [ $status = 0 ]; then
        passed=$((passed + 1))
        echo "ok     $target: ${runs:-0} executions"
    else
        failed=$((failed + 1))
        echo "FAIL   $target: after ${runs:-?} executions, see $build/$target.log"
        grep -E 'ERROR|runtime error|does not hold|Test unit written' "$build/$target.log" | head -n 5
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
