#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Is every row of a store in a dataset once, however often it is exported, in which order, and whatever stops it? Read
# by DuckDB, ClickHouse and hyparquet (scripts/install-readers.sh).
# usage: check-dataset.sh BUILD
set -u

build=${1:-build}
. scripts/reader-checks.sh
tables=$(jq -r .table "$work/schema" | uniq)

export_to() { # set, store, arguments
    local set=$1 store=$2
    shift 2
    "$obit" export --store "$store" --to parquet "$set/" "$@"
}

refuses() { # words that it must say, set, store, arguments
    local words=$1 said
    shift
    if said=$(export_to "$@" 2>&1); then echo "it did not fail"; return 1; fi
    case $said in *"$words"*) ;; *) echo "it says: $said"; return 1 ;; esac
}

state_of() { # set: every file, and what distinguishes it from another of its name
    find "$1" -type f -printf '%P %i %s %T@\n' | sort
}

changes_nothing() { # set, command...
    local set=$1 before
    before=$(state_of "$set")
    shift
    "$@" || return 1
    [ "$before" = "$(state_of "$set")" ] || { diff <(echo "$before") <(state_of "$set"); return 1; }
}

is_whole() { # set: nothing is left of what was stopped, and the manifest names each file there, and no other
    [ -z "$(find "$1" -name '_incoming*' -o -name '*.new')" ] || { find "$1" -name '_incoming*'; return 1; }
    diff <(cd "$1" && find . -name '*.parquet' -printf '%P\n' | sort) \
        <(jq -r 'select(.tables) | .tables[].parts[]' "$1/_obit.jsonl" | sort -u)
}

by_hyparquet() { # dump, table, set
    find "$3/$2" -name '*.parquet' -print0 | sort -z | xargs -0 node "$build/readers/rows.mjs" >"$work/rows" &&
        python3 "$tests/compare_rows.py" "$1" "$work/schema" "$2" "$work/rows" --any-order
}

# Each reader finds each row of the table once. A table without rows has no files.
is_in() { # dump, table, set
    if [ ! -s "$1" ]; then
        [ ! -d "$3/$2" ] || [ -z "$(find "$3/$2" -name '*.parquet')" ]
        return
    fi
    by_duckdb "$1" "$2" "$3/$2/*/*/*.parquet" && by_clickhouse "$1" "$2" "$3/$2/*/*/*.parquet" && by_hyparquet "$1" "$2" "$3"
}

has_all_of() { # set, store...: of all tables
    local set=$1 table store
    shift
    is_whole "$set" || return 1
    for table in $tables; do
        for store in "$@"; do "$obit" dump "$table" --store "$store" --fields all --format jsonl 2>/dev/null; done >"$work/dump"
        is_in "$work/dump" "$table" "$set" || { echo "of $table"; return 1; }
    done
}

sums_of() { # set: of each table how many rows, and a hash of them, by DuckDB
    local sql="" table
    for table in $tables; do
        [ -d "$1/$table" ] && sql="$sql${sql:+ union all }select '$table' as name, count(*)::VARCHAR as n,
            sum(hash(t))::VARCHAR as hash from read_parquet('$1/$table/*/*/*.parquet', hive_partitioning = false) t"
    done
    node "$build/readers/duckdb.mjs" --sql "$sql"
}

is_the_same_as() { # set, another that was made at once: every row of every table, once
    is_whole "$1" && sums_of "$1" >"$work/sums" && sums_of "$2" >"$work/others" && grep -q name "$work/sums" &&
        diff "$work/sums" "$work/others"
}

if [ $has_readers = 0 ]; then
    skip "datasets" 40 "node or its readers are missing; make deps-readers installs them"
    end_of_checks
    exit
fi

# --- the first time, and again ----------------------------------------------------------------------------------------
"$build/tests/write_store" "$work/hard" unsealed 60
check "hard values: added" export_to "$work/set" "$work/hard"
check "hard values: all readers find each row once" has_all_of "$work/set" "$work/hard"
check "again: nothing changes" changes_nothing "$work/set" export_to "$work/set" "$work/hard"
check "a shorter range: nothing changes" changes_nothing "$work/set" export_to "$work/set" "$work/hard" \
    --since 2023-11-14T22:13:30Z --until 2023-11-14T22:13:40Z

"$build/tests/write_day" "$work/days" 17500 1 1 "b/u=1ld"
check "a day and a bit: added" export_to "$work/days-set" "$work/days"
by_partitions() { # dump, set: rows by host and date are those by the time of each row
    node "$build/readers/duckdb.mjs" --sql "select host, date::VARCHAR as date, count(*)::INT as n,
        count_if(exit_time::DATE <> date)::INT as wrong
        from read_parquet('$2/exits/*/*/*.parquet', hive_partitioning = true) group by all order by all" >"$work/found" &&
        jq -e --slurp --slurpfile found "$work/found" 'group_by(.exit_time[:10]) | map({host: "b/u=1ld",
            date: .[0].exit_time[:10], n: length, wrong: 0}) == $found[0] and length == 2' "$1" >/dev/null
}
dump "$work/days" exits "$work/dump"
check "a day and a bit: by host and date" env TZ=UTC bash -c "$(declare -f by_partitions)
    build=$build work=$work; by_partitions $work/dump $work/days-set"
check "a day and a bit: DuckDB finds each row once" by_duckdb "$work/dump" exits "$work/days-set/exits/*/*/*.parquet"
cp -r "$work/set" "$work/hard-set"
check "another host's store goes into the same" export_to "$work/set" "$work/days"
is_sum_of() { # set, two others: rows by table add up
    for set in "$@"; do sums_of "$set" | jq -c '.[] | [.name, .n]' >"$work/n-${set##*/}"; done
    diff <(sort "$work/n-${1##*/}") <(sort "$work/n-${2##*/}" "$work/n-${3##*/}" | jq -sc 'group_by(.[0])[] |
        [.[0][0], ([.[][1] | tonumber] | add | tostring)]' | sort)
}
check "... and all of both is there" is_sum_of "$work/set" "$work/hard-set" "$work/days-set"

# --- what has grown, in pieces ----------------------------------------------------------------------------------------
segments() { ls "$1" | grep '\.obit$'; }

in_pieces() { # one segment, some more, and of the last one at first the half
    local last
    mkdir "$work/growing"
    last=$(segments "$work/hard" | tail -1)
    for segment in $(segments "$work/hard" | head -n -1); do
        cp "$work/hard/$segment" "$work/growing/"
        export_to "$work/grown" "$work/growing" || return 1
    done
    head -c $(($(stat -c %s "$work/hard/$last") / 2)) "$work/hard/$last" >"$work/growing/$last"
    export_to "$work/grown" "$work/growing" 2>/dev/null || return 1
    cp "$work/hard/$last" "$work/growing/"
    export_to "$work/grown" "$work/growing" 2>/dev/null
}
check "a store that grows" in_pieces
check "... each row once" is_the_same_as "$work/grown" "$work/hard-set"

by_ranges() { # ranges that overlap and leave some out, then all
    for range in "--until 2026-01-02T01:00:00Z" "--since 2026-01-02T05:00:00Z --until 2026-01-02T05:00:01Z" \
        "--since 2026-01-02T00:30:00Z --until 2026-01-02T03:00:00Z" "--since 2026-01-02T05:00:00Z --for 30m"; do
        # shellcheck disable=SC2086
        export_to "$work/ranges" "$work/days" --table exits $range || return 1
    done
    "$obit" dump exits --store "$work/days" --fields all --format jsonl --where 'exit_time < "2026-01-02T03:00:00Z" or
        exit_time >= "2026-01-02T05:00:00Z" and exit_time < "2026-01-02T05:30:00Z"' >"$work/dump" &&
        [ -s "$work/dump" ] && is_in "$work/dump" exits "$work/ranges" && export_to "$work/ranges" "$work/days"
}
check "ranges: what they hold" by_ranges
check "ranges: and the rest" is_the_same_as "$work/ranges" "$work/days-set"
check "some tables first" export_to "$work/tables" "$work/days" --table ledger,procs
check "... then all" export_to "$work/tables" "$work/days"
check "... each row once" is_the_same_as "$work/tables" "$work/days-set"

keeps_what_is_lost() { # a segment is damaged after it was exported, and exported again for another table
    local segment
    cp -r "$work/growing" "$work/damaged"
    export_to "$work/kept" "$work/damaged" --table exits --since 2023-11-14T22:13:00Z || return 1
    segment=$(segments "$work/damaged" | tail -1)
    head -c $(($(stat -c %s "$work/damaged/$segment") / 3)) "$work/growing/$segment" >"$work/damaged/$segment"
    before=$(state_of "$work/kept" | grep "${segment%.obit}")
    export_to "$work/kept" "$work/damaged" --table exits 2>"$work/said" || return 1
    grep -q "were exported before: those stay" "$work/said" || { cat "$work/said"; return 1; }
    [ -n "$before" ] && [ "$before" = "$(state_of "$work/kept" | grep "${segment%.obit}")" ]
}
check "rows that the store lost stay" keeps_what_is_lost

says_what_it_cannot_read() { # a segment whose header is gone; the others are added
    local first
    cp -r "$work/growing" "$work/headless"
    first=$(segments "$work/headless" | head -1)
    dd if=/dev/urandom of="$work/headless/$first" bs=4096 count=1 conv=notrunc 2>/dev/null
    dd if=/dev/urandom of="$work/headless/$first" bs=1 count=4096 seek=$(($(stat -c %s "$work/headless/$first") - 4096)) conv=notrunc 2>/dev/null
    export_to "$work/readable" "$work/headless" 2>"$work/said" || { cat "$work/said"; return 1; }
    grep -q "$first.*cannot be read" "$work/said" || { cat "$work/said"; return 1; }
    [ -n "$(find "$work/readable/exits" -name '*.parquet')" ]
}
check "a segment that cannot be read is said" says_what_it_cannot_read

# --- what it refuses --------------------------------------------------------------------------------------------------
mkdir "$work/mine"
touch "$work/mine/file"
check "refuses a directory of other files" refuses "is no dataset" "$work/mine" "$work/days"
check "refuses other rows than are there" refuses "leave --where away" "$work/set" "$work/days" --where 'pid > 1'
check "refuses other times than are there" refuses "give --times us" "$work/set" "$work/days" --times ns
check "refuses --force" refuses "a dataset grows" "$work/set" "$work/days" --force
check "refuses a field that is not there" refuses "did you mean pid" "$work/new" "$work/days" --where 'pd = 1'
broken_manifest() {
    cp -r "$work/set" "$work/broken"
    sed -i '3s/rows/rosw/' "$work/broken/_obit.jsonl"
    refuses "line 3 is none of obit's" "$work/broken" "$work/days" && changes_nothing "$work/broken" \
        refuses "line 3 is none of obit's" "$work/broken" "$work/days"
}
check "refuses a manifest that is broken" broken_manifest
torn_manifest() { # its writer was stopped in the last line
    cp -r "$work/set" "$work/torn"
    printf '{"batch":99,"host":"x' >>"$work/torn/_obit.jsonl"
    export_to "$work/torn" "$work/days" && is_whole "$work/torn" && [ "$(grep -c batch...99 "$work/torn/_obit.jsonl")" = 0 ]
}
check "a torn last line is taken away" torn_manifest
chosen() { # twice; then the rows are those
    local where='cpu_ns > 1ms'
    export_to "$work/chosen" "$work/days" --table exits --where "$where" || return 1
    changes_nothing "$work/chosen" export_to "$work/chosen" "$work/days" --table exits --where "$where" || return 1
    "$obit" dump exits --store "$work/days" --fields all --format jsonl --where "$where" >"$work/dump" &&
        [ "$(wc -l <"$work/dump")" -lt 17500 ] && by_duckdb "$work/dump" exits "$work/chosen/exits/*/*/*.parquet"
}
check "--where: the rows chosen" chosen

# --- stopped in the middle --------------------------------------------------------------------------------------------
"$build/tests/write_store" "$work/long" sealed 1500
export_to "$work/long-set" "$work/long" 2>/dev/null

stop_often() { # signal: an export is ended so, again and again, a little later each time
    local n=0 pid
    for delay in 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.5 0.6 0.7; do
        "$obit" export --store "$work/long" --to parquet "$work/$1/" 2>/dev/null &
        pid=$!
        sleep $delay
        kill -"$1" $pid 2>/dev/null && n=$((n + 1))
        wait $pid
    done
    [ $n -ge 3 ] || { echo "it was stopped $n times only"; return 1; }
    [ "$1" = KILL ] || is_whole "$work/$1" || return 1
    export_to "$work/$1" "$work/long" && echo "stopped $n times"
}
check "killed often, then left alone" stop_often KILL
check "... each row once" is_the_same_as "$work/KILL" "$work/long-set"
check "SIGTERM often, then left alone" stop_often TERM
check "... each row once" is_the_same_as "$work/TERM" "$work/long-set"

between_line_and_move() { # the parts of the last batch are back where they came from; and some of one without a line
    local batch part
    cp -r "$work/days-set" "$work/between"
    batch=$(tail -1 "$work/between/_obit.jsonl" | jq .batch)
    mkdir "$work/between/_incoming-$batch" "$work/between/_incoming-$((batch + 1))"
    for part in $(tail -1 "$work/between/_obit.jsonl" | jq -r '.tables[].parts[]'); do
        mv "$work/between/$part" "$work/between/_incoming-$batch/${part//\//+}"
        cp "$work/between/_incoming-$batch/${part//\//+}" "$work/between/_incoming-$((batch + 1))/x+host=x+date=2026-01-01+x.parquet"
    done
    export_to "$work/between" "$work/days"
}
check "stopped between the line and the move" between_line_and_move
check "... each row once" is_the_same_as "$work/between" "$work/days-set"

two_at_a_time() {
    local r
    "$obit" export --store "$work/long" --to parquet "$work/two/" --follow --every 1h 2>/dev/null &
    for _ in $(seq 100); do [ -s "$work/two/_obit.jsonl" ] && break; sleep 0.05; done
    refuses "another export writes into it" "$work/two" "$work/days"
    r=$?
    kill $! && wait $!
    return $r
}
check "two exports at a time: the second is refused" two_at_a_time

mkdir "$work/small"
on_a_full_disk() {
    refuses "No space left on device" "$work/small/set" "$work/long" && is_whole "$work/small/set" &&
        mount -o remount,size=256m "$work/small" && export_to "$work/small/set" "$work/long"
}
if mount -t tmpfs -o size=4m none "$work/small" 2>/dev/null; then
    check "a full disk leaves it whole, and with room it goes on" on_a_full_disk
    check "... each row once" is_the_same_as "$work/small/set" "$work/long-set"
    umount "$work/small"
else
    skip "a full disk" 2 "mounting a tmpfs needs root"
fi

# --- kept current -----------------------------------------------------------------------------------------------------
follow() { # an agent with short segments, and an export that follows it; then both end
    local agent exporter
    record "$work/live" --interval 200ms --retain-bytes 4M || return 1
    agent=$(pgrep -f "record --store $work/live" | head -1)
    "$obit" export --store "$work/live" --to parquet "$work/live-set/" --follow --every 1s &
    exporter=$!
    for i in $(seq 40); do sh -c "exit $((i % 3))"; [ $((i % 10)) = 0 ] && kill -HUP "$agent" && sleep 0.5; done
    for _ in $(seq 100); do find "$work/live-set/exits" -name '*.parquet' 2>/dev/null | grep -q . && break; sleep 0.1; done
    find "$work/live-set/exits" -name '*.parquet' | grep -q . || { echo "nothing was added while it followed"; return 1; }
    kill -INT "$agent"
    while kill -0 "$agent" 2>/dev/null; do sleep 0.1; done
    sleep 2.5
    kill -TERM $exporter
    wait $exporter || { echo "status $?"; return 1; }
    changes_nothing "$work/live-set" export_to "$work/live-set" "$work/live"
}
if can_record; then
    check "--follow" follow
    check "... each row once" has_all_of "$work/live-set" "$work/live"
else
    skip "--follow" 2 "recording needs root and a kernel with BTF"
fi

end_of_checks
