#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Which branches do the unit tests, made-up histories and the reader of the format take? By folder of src, from gcov.
# usage: coverage.sh BUILD
set -eu

build=${1:-build/coverage}
make --no-print-directory BUILD="$build" CFLAGS="-O0 -g --coverage" all tests "$build/tests/simulate" >/dev/null
find "$build" -name '*.gcda' -delete
scripts/run-tests.sh "$build"/tests/test_* >/dev/null || true
"$build/tests/simulate" --seeds 40 --first 1 --events 0 >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for object in "$build"/obj/*/*.gcno; do
    folder=$(basename "$(dirname "$object")")
    gcov -b -n -o "$(dirname "$object")" "$object" 2>/dev/null |
        awk -v folder="$folder" '/^File .src\// { is_own = 1 } /^File / && !/^File .src\// { is_own = 0 }
            is_own && /^Taken at least once:/ { split($0, part, /[:% ]+/); print folder, part[5], part[7] }' >>"$work/branches"
done
awk '{ taken[$1] += $2 * $3 / 100; all[$1] += $3 }
    END { for (folder in all) printf "%-8s %5.1f %% of %d branches\n", folder, 100 * taken[folder] / all[folder], all[folder] }' \
    "$work/branches" | sort
