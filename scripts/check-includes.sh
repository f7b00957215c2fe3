#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Does every include point the way the data flows? Prints each arrow that runs backwards; fails when there is one.
# usage: check-includes.sh [TREE]; with --self-test it proves first that it can fail.
set -eu

allowed() { # folder -> folders it may include
    case $1 in
    base) echo "base" ;;
    model) echo "model base" ;;
    store) echo "store model base" ;;
    query) echo "query store model base" ;;
    output) echo "output model base" ;;
    serve) echo "serve model base" ;;
    record) echo "record store model base bpf" ;;
    cmd) echo "cmd record serve query output store model base" ;;
    *) echo "" ;;
    esac
}

check_tree() {
    bad=0
    for file in "$1"/src/*/*.[ch]; do
        from=$(basename "$(dirname "$file")")
        for to in $(sed -n 's|^#include "\([a-z]*\)/.*|\1|p' "$file" | sort -u); do
            case " $(allowed "$from") " in
            *" $to "*) ;;
            *) echo "$file: $from must not include $to"; bad=1 ;;
            esac
        done
        case $file in
        */src/record/collect*) ;;
        *) if grep -nE '^#include (<bpf/|"obit\.skel)' "$file"; then
            echo "$file: only src/record/collect* may include libbpf"; bad=1
        fi ;;
        esac
        case $file in
        */src/store/* | */src/output/parquet*) ;;
        *) if grep -n '^#include <zstd' "$file"; then
            echo "$file: only src/store and src/output/parquet* may include zstd"; bad=1
        fi ;;
        esac
    done
    if grep -n '^#include' "$1"/bpf/event.h; then
        echo "bpf/event.h: must include nothing"; bad=1
    fi
    return $bad
}

self_test() {
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT
    for line in 'base:#include "model/table.h"' 'query:#include "record/ledger.h"' 'record:#include "cmd/cmd.h"' \
        'output:#include "store/reader.h"' 'serve:#include "record/agent.h"' 'record:#include "serve/server.h"' \
        'store:#include <bpf/bpf.h>' 'query:#include <zstd.h>'; do
        rm -rf "$tree/src" "$tree/bpf"
        mkdir -p "$tree/src/${line%%:*}" "$tree/bpf"
        : >"$tree/bpf/event.h"
        echo "${line#*:}" >"$tree/src/${line%%:*}/bad.c"
        if check_tree "$tree" >/dev/null; then
            echo "check-includes.sh does not see a wrong arrow: $line"
            exit 1
        fi
    done
}

self_test
check_tree "${1:-.}"
echo "every include points the way the data flows"
