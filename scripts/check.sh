#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# `make check`: all that this machine can test. Ends with one line, "N passed, N failed, N skipped".
# usage: check.sh BUILD
set -eu

build=${1:-build}
mkdir -p "$build"
passed=0 failed=0 skipped=0

# A step prints "N passed, N failed[, N skipped]" last, or nothing of the kind: then it counts as one.
step() { # name, command...
    name=$1
    shift
    log="$build/check-$name.log"
    status=0
    started=$(date +%s)
    "$@" >"$log" 2>&1 || status=$?
    # A step of several parts prints several such lines.
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tr -d ',' |
        awk '{p += $1; f += $3; s += $5} END {if (NR) print p + 0, f + 0, s + 0}')
    if [ -n "$counts" ]; then
        read -r p f s <<END
$counts
END
    else
        p=1 f=0 s=0
        [ "$status" = 0 ] || p=0 f=1
    fi
    if [ "$status" != 0 ] && [ "$f" = 0 ]; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    printf '%-10s %4d passed %3d failed %3d skipped  %3d s\n' "$name" "$p" "$f" "$s" $(($(date +%s) - started))
    grep -E '^ *skip ' "$log" || true
    if [ "$f" != 0 ]; then
        echo "--- $log"
        tail -n 80 "$log"
        echo "---"
    fi
}

make="make --no-print-directory"
step build $make BUILD="$build/werror" CFLAGS="-O2 -g -Werror" all tests
step includes $make check-includes
step words $make check-words
step style $make format-check
step lint $make BUILD="$build" lint
step unit $make BUILD="$build" check-unit
step simulate $make BUILD="$build" simulate
step simself $make BUILD="$build" simulate-self-test
step man $make BUILD="$build" check-man
step complete $make BUILD="$build" check-completion
step deb $make BUILD="$build" check-deb
step format $make BUILD="$build" check-store-format
step golden $make BUILD="$build" check-golden
step export $make BUILD="$build" check-export
step screens $make BUILD="$build" check-screens
step top $make BUILD="$build" check-top
step dataset $make BUILD="$build" check-dataset
step analysis $make BUILD="$build" check-analysis
step budget $make BUILD="$build" check-budget
step fuzz $make BUILD="$build" fuzz FUZZ_RUNS=5000
step sanitize $make BUILD="$build" check-sanitize
step live $make BUILD="$build" check-live
step miscount $make BUILD="$build" check-miscount
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
