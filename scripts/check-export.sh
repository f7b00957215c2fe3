#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Do readers that we did not write find in obit's exports what `obit dump` prints? And does an export that fails leave
# nothing behind? Parquet is read by DuckDB, ClickHouse and hyparquet (scripts/install-readers.sh), CSV by Python, JSON by
# Python and jq, gzip by gzip.
# usage: check-export.sh BUILD
set -u

build=${1:-build}
. scripts/reader-checks.sh

# --- the same values ------------------------------------------------------------------------------------------------
by_hyparquet() { # dump, table, parquet
    node "$build/readers/rows.mjs" "$3" >"$work/rows" &&
        python3 "$tests/compare_rows.py" "$1" "$work/schema" "$2" "$work/rows"
}

says_its_schema() { # table, parquet: every field's unit, kind and help, in the file's metadata and the columns'
    node "$build/readers/rows.mjs" "$2" --metadata >"$work/metadata" &&
        python3 "$tests/check_metadata.py" "$work/metadata" "$work/schema" "$1"
}

by_jq() { # dump, jsonl: jq reads all of it and finds the same, numbers of more than 53 bits aside
    [ "$(jq -c 'map_values(if type == "number" then null else . end)' <"$1" | md5sum)" = \
        "$(jq -c 'map_values(if type == "number" then null else . end)' <"$2" | md5sum)" ] && cmp "$1" "$2"
}

compare_table() { # store, name, table
    dump "$1" "$3" "$work/dump"
    rm -f "$work/t.parquet" "$work/t.csv" "$work/t.jsonl"
    for to in parquet csv jsonl; do
        check "$2, $3: exported to $to" "$obit" export --store "$1" --table "$3" --to $to "$work/t.$to"
    done
    check "$2, $3: csv by Python" python3 "$tests/check_csv.py" "$work/dump" "$work/schema" "$3" "$work/t.csv"
    check "$2, $3: jsonl by jq" by_jq "$work/dump" "$work/t.jsonl"
    if [ $has_readers = 1 ]; then
        check "$2, $3: parquet by DuckDB" by_duckdb "$work/dump" "$3" "$work/t.parquet"
        check "$2, $3: parquet by ClickHouse" by_clickhouse "$work/dump" "$3" "$work/t.parquet"
        check "$2, $3: parquet by hyparquet" by_hyparquet "$work/dump" "$3" "$work/t.parquet"
        check "$2, $3: parquet's metadata" says_its_schema "$3" "$work/t.parquet"
    else
        skip "$2, $3: parquet by DuckDB, ClickHouse and hyparquet" 4 "node or its readers are missing; make deps-readers installs them"
    fi
}

compare_trace() { # store, name
    dump "$1" exits "$work/dump"
    for track in cgroup parent; do
        rm -f "$work/t.json.gz"
        check "$2: exported to perfetto by $track" \
            "$obit" export --store "$1" --to perfetto --track $track "$work/t.json.gz"
        check "$2: trace by $track" \
            python3 "$tests/check_trace.py" "$work/dump" "$work/schema" "$work/t.json.gz" $track
    done
}

"$build/tests/write_store" "$work/hard" sealed 60
for table in $(jq -r .table "$work/schema" | uniq); do
    compare_table "$work/hard" "hard values" "$table"
done
compare_trace "$work/hard" "hard values"
"$build/tests/write_day" "$work/days" 17500 1 1 "b/u=1ld" # more texts than a dictionary holds
compare_table "$work/days" "a day and a bit" exits
compare_trace "$work/days" "a day and a bit"
if can_record; then
    record "$work/recorded" --duration 2s || exit 1
    sleep 0.2
    sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sh -c "sleep 0.0$i; exit $i" & done; wait'
    wait $!
    compare_table "$work/recorded" "recorded" exits
    compare_trace "$work/recorded" "recorded"
else
    skip "a recorded store" 1 "recording needs root and a kernel with BTF"
fi

# --- what other versions of obit wrote --------------------------------------------------------------------------------
"$build/tests/write_foreign" "$work/foreign"
check "unknown table: exported" "$obit" export --store "$work/foreign" --table tomorrow --to jsonl "$work/tomorrow.jsonl"
check "unknown table: its rows" test "$(jq -c '[.time, .value, .names]' "$work/tomorrow.jsonl")" = \
    '["2023-11-14T22:13:20.000000000Z",7,["a","b"]]'
check "unknown field: exported" "$obit" export --store "$work/foreign" --to parquet "$work/foreign.parquet"
if [ $has_readers = 1 ]; then
    check "unknown field: by hyparquet" test "$(node "$build/readers/rows.mjs" "$work/foreign.parquet" |
        jq -c '[.pid, .tomorrow_bytes]')" = '[1,4096]'
else
    skip "unknown field: by hyparquet" 1 "node or its readers are missing"
fi

# --- exports that fail, or are asked for what cannot be ---------------------------------------------------------------
refuses() { # words that it must say, then the arguments
    local words=$1 said
    shift
    if said=$("$obit" export --store "$work/days" "$@" 2>&1 >/dev/null); then echo "it did not fail"; return 1; fi
    case $said in *"$words"*) ;; *) echo "it says: $said"; return 1 ;; esac
}

leaves_nothing() { # directory: no file but those whose names begin with a dot
    [ -z "$(ls "$1")" ] || { ls "$1"; return 1; }
}

leaves_no_trace() { # directory
    [ -z "$(ls -A "$1")" ] || { ls -A "$1"; return 1; }
}

echo keep >"$work/there"
check "refuses a file that is there" refuses "--force" --to csv "$work/there"
check "... and leaves it" grep -q keep "$work/there"
check "--force replaces it" "$obit" export --store "$work/days" --to csv --force "$work/there"
check "... whole" test "$(wc -l <"$work/there")" = 17501
check "refuses a place that is not there" refuses "No such file" --to csv "$work/nowhere/x.csv"
check "refuses a directory for a file" refuses "is a directory" --to csv "$work"
check "refuses a table that is not there" refuses "did you mean exits" --table exit --to csv -
check "refuses a field that is not there" refuses "did you mean pid" --where 'pd = 1' --to csv -
check "refuses a format that is not there" refuses "did you mean parquet" --to parket -
check "says that the disk is full" refuses "No space left on device" --to csv /dev/full

breaks_quietly() { # format: nobody reads on
    { "$obit" export --store "$work/days" --to "$1" - 2>"$work/said" || echo "status $?" >>"$work/said"; } | head -c 10 >/dev/null
    [ ! -s "$work/said" ] || { cat "$work/said"; return 1; }
}

for to in parquet csv jsonl perfetto; do check "a broken pipe ends quietly: $to" breaks_quietly $to; done

# A store of 750,000 exits: several row groups, and some seconds to interrupt.
"$build/tests/write_day" "$work/long" 3000
mkdir "$work/empty"

is_the_same_to_duckdb() { # csv, parquet, of several row groups
    local values="count(*), sum(pid::UBIGINT), sum(cpu_ns::UBIGINT), count(exit_code), min(exit_time::TIMESTAMPTZ),
        max(start_time::TIMESTAMPTZ), count(distinct exe), sum(hash(pid::UBIGINT, comm, cgroup, exit_code::UBIGINT,
        exit_time::TIMESTAMPTZ, max_rss_bytes::UBIGINT, exe)), count(killer_comm)"
    node "$build/readers/duckdb.mjs" --sql "select (select count(*) > 5 from parquet_metadata('$2')
            where path_in_schema = 'pid') as groups, (select row($values) from read_csv('$1', all_varchar = true))
            = (select row($values) from '$2') as equal" | jq -e '.[0].groups and .[0].equal' >/dev/null
}

follow_the_time() { # parquet: whoever asks for a time reads one row group, or two
    node "$build/readers/duckdb.mjs" --sql "select count(*)::INT as groups, count_if(least < before)::INT as earlier from (
        select stats_min_value::TIMESTAMPTZ as least, lag(stats_max_value::TIMESTAMPTZ) over (order by row_group_id) as before
        from parquet_metadata('$1') where path_in_schema = 'exit_time')" | jq -e '.[0].groups > 5 and .[0].earlier == 0' >/dev/null
}

check "many rows: exported to csv" "$obit" export --store "$work/long" --to csv "$work/long.csv"
check "many rows: exported to parquet" "$obit" export --store "$work/long" --to parquet "$work/long.parquet"
if [ $has_readers = 1 ]; then
    check "many rows: the same to DuckDB" is_the_same_to_duckdb "$work/long.csv" "$work/long.parquet"
    check "many rows: row groups follow the time" follow_the_time "$work/long.parquet"
else
    skip "many rows: the same to DuckDB" 2 "node or its readers are missing"
fi

interrupt() { # signal, arguments: while it is at work; status 1 and nothing there, nor under another name
    local signal=$1 pid status
    shift
    "$obit" export --store "$work/long" "$@" 2>"$work/said" &
    pid=$!
    for _ in $(seq 200); do [ -n "$(ls -A "$work/empty")" ] && break; sleep 0.01; done
    [ -n "$(ls -A "$work/empty")" ] || { echo "it never began"; kill -9 $pid; return 1; }
    leaves_nothing "$work/empty" || return 1
    sleep 0.1
    kill -"$signal" $pid
    wait $pid
    status=$?
    leaves_nothing "$work/empty" || return 1
    if [ "$signal" = KILL ]; then [ $status = 137 ]; return; fi
    [ $status = 1 ] || { echo "status $status"; return 1; }
    grep -q "stopped" "$work/said" || { cat "$work/said"; return 1; }
    leaves_no_trace "$work/empty"
}

for signal in INT TERM HUP; do
    check "SIG$signal leaves nothing" interrupt $signal --to parquet "$work/empty/x.parquet"
done
check "SIGKILL leaves nothing under the name" interrupt KILL --to csv "$work/empty/x.csv"
rm -rf "$work/empty"/.[!.]*

on_a_full_disk() { # arguments; OUT is on it
    local said
    said=$("$obit" export --store "$work/long" "$@" 2>&1) && { echo "it did not fail"; return 1; }
    case $said in *"No space left on device"*) leaves_no_trace "$work/empty" ;; *) echo "$said"; return 1 ;; esac
}

if mount -t tmpfs -o size=1m none "$work/empty" 2>/dev/null; then
    check "a full disk leaves nothing: parquet" on_a_full_disk --to parquet "$work/empty/x.parquet"
    check "a full disk leaves nothing: jsonl.gz" on_a_full_disk --to jsonl "$work/empty/x.jsonl.gz"
    umount "$work/empty"
else
    skip "a full disk" 2 "mounting a tmpfs needs root"
fi

shows_progress() {
    script -qec "$obit export --store $work/long --to parquet $work/seen.parquet" /dev/null </dev/null >"$work/said"
    grep -aq "exits: segment 1 of [0-9]*, [0-9]* rows" "$work/said" || { cat -v "$work/said"; return 1; }
}

check "progress on a terminal" shows_progress
check "none elsewhere" test -z "$("$obit" export --store "$work/days" --to csv - 2>&1 >/dev/null)"

end_of_checks
