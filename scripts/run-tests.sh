#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs cmocka test programs and adds up what they passed. A program that runs no test, crashes or hangs has failed.
# usage: run-tests.sh BINARY...
set -eu

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0
[ $# -gt 0 ] || { echo "run-tests.sh: no test programs: a check that checks nothing has failed"; exit 1; }

for binary in "$@"; do
    status=0
    timeout 300 "$binary" >"$log" 2>&1 || status=$?
    p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
    f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | tail -n 1)
    p=${p:-0} f=${f:-0}
    # A sanitizer's finding, a crash or a time-out ends the program with a status that no count shows.
    if [ "$status" != 0 ] && [ "$f" = 0 ]; then f=1; fi
    if [ "$p" = 0 ] && [ "$f" = 0 ]; then f=1; fi
    if [ "$f" != 0 ]; then
        echo "FAILED $binary (exit status $status):"
        tail -n 60 "$log"
    else
        echo "ok     $binary: $p"
    fi
    passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
