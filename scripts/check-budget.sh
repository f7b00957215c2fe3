#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Has a path that is run for every event, row or chunk become dearer? Counts instructions, which no other load on the
# machine changes, of a function and all it calls over the same input each time, and holds them against tests/budget.
# usage: check-budget.sh BUILD [--update]     --update writes what is measured now into tests/budget
set -u

build=${1:-build} update=${2:-}
budget=$(dirname "$0")/../tests/budget
margin=5 # percent: another compiler of the same distribution, another build of zstd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

if ! command -v valgrind >/dev/null; then
    echo "skip   instructions: valgrind is missing; make deps installs it"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi

# What the simulator does behind the ledger's ports: it is no part of it.
ports='put_full|take_empty|cgroup_name|cgroup_made|begin_real_ns|user_name|container_facts'

count() { # function, command...: instructions in it, without the simulator's in the ports
    local function=$1
    shift
    valgrind --tool=callgrind --callgrind-out-file="$work/calls" --collect-atstart=no --toggle-collect="$function" "$@" \
        >"$work/said" 2>&1
    callgrind_annotate --inclusive=yes --auto=no --threshold=100 --show-percs=no "$work/calls" 2>/dev/null | tr -d , |
        awk -v ports="tests/simulate/watch\\.c:($ports) " '/PROGRAM TOTALS/ { n = $1 } $0 ~ ports { n -= $1 } END { print n + 0 }'
}

hold() { # name, unit, how many of them, function, command...
    local name=$1 unit=$2 n=$3 function=$4 allowed now
    shift 4
    now=$(($(count "$function" "$@") / n))
    allowed=$(sed -n "s/^$name \([0-9]*\)$/\1/p" "$budget" 2>/dev/null)
    echo "$name $now" >>"$work/budget"
    if [ "$now" -gt 0 ] && { [ -n "$update" ] || [ $((now * 100)) -le $((${allowed:-0} * (100 + margin))) ]; }; then
        passed=$((passed + 1))
        echo "ok     $name: $now instructions $unit, of ${allowed:-none}"
    else
        failed=$((failed + 1))
        echo "FAIL   $name: $now instructions $unit, budget ${allowed:-none} and $margin %; if it must be, --update"
    fi
}

# 40 intervals of 250 exits and 25 live processes each.
rows=11000
"$build/tests/write_day" "$work/day" 40 >/dev/null
history=("$build/tests/simulate" --first 1 --seeds 10 --events 2000)
events=$("${history[@]}" | sed -n 's/^\([0-9]*\) events in .*/\1/p')
hold ledger "an event" "$events" ledger_event "${history[@]}"
hold seal "an event of the interval" "$events" ledger_seal "${history[@]}"
hold encode "a row" $rows store_writer_append "$build/tests/write_day" "$work/again" 40
hold decode "a row" $rows group_reader_columns "$build/obit" dump exits --store "$work/day" --format csv --jobs 1
hold select "a row" $rows filter_rows "$build/obit" dump exits --store "$work/day" --jobs 1 \
    --where 'cpu_ns > 1us and comm ~ "^cc"'
hold group "a row" $rows query_rows "$build/obit" dump exits --store "$work/day" --group-by comm --format csv --jobs 1
hold jsonl "a row" $rows output_row "$build/obit" dump exits --store "$work/day" --format jsonl
[ -z "$update" ] || cp "$work/budget" "$budget"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
