# SPDX-License-Identifier: BSD-2-Clause
# What check-export.sh and check-dataset.sh have in common: sourced by them, with $build set.
obit=$build/obit
tests=tests/export
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

check() { # name, command...: passes when the command does
    local name=$1 said
    shift
    if said=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok     $name${said:+: ${said##*$'\n'}}"
    else
        failed=$((failed + 1))
        echo "FAIL   $name: $said"
    fi
}

skip() { # name, how many, why
    skipped=$((skipped + $2))
    echo "skip   $1: $3"
}

has_readers=0
if [ -d "$build/readers/node_modules" ] && node -e 0 2>/dev/null; then
    has_readers=1
    cp "$tests"/*.mjs "$build/readers/"
fi

dump() { # store, table, file
    "$obit" dump "$2" --store "$1" --fields all --format jsonl >"$3" 2>/dev/null
}

by_duckdb() { # dump, table, parquet
    node "$build/readers/duckdb.mjs" "$3" >"$work/found" && python3 "$tests/expected.py" "$1" "$work/schema" "$2" "$work/found"
}

by_clickhouse() { # dump, table, parquet
    node "$build/readers/clickhouse.mjs" "$3" >"$work/found" && python3 "$tests/expected.py" "$1" "$work/schema" "$2" "$work/found"
}

can_record() {
    [ "$(id -u)" = 0 ] && [ -r /sys/kernel/btf/vmlinux ]
}

record() { # store, arguments: an agent in the background that has begun
    local store=$1
    shift
    "$obit" record --store "$store" --socket none "$@" 2>"$store.log" &
    for _ in $(seq 300); do grep -q 'recording to' "$store.log" && return; sleep 0.1; done
    cat "$store.log"
    return 1
}

end_of_checks() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}

"$obit" schema --format jsonl >"$work/schema"
