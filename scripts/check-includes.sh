#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Does every include point the way the data flows? Prints each arrow that runs backwards; fails when there is one.
# usage: check-includes.sh [TREE]; with --self-test it proves first that it can fail.
set -eu

allowed() { # folder -> folders it may include
    case $1 in
    base) echo "base" ;;
    model) echo "model base bpf" ;;
    kernel) echo "kernel model base bpf" ;;
    sample) echo "sample model base bpf" ;;
    ledger) echo "ledger model base bpf" ;;
    store) echo "store model base" ;;
    agent) echo "agent kernel sample ledger store model base bpf" ;;
    query) echo "query store model base" ;;
    view) echo "view query output store model base" ;;
    output) echo "output model base" ;;
    control) echo "control model base" ;;
    cmd) echo "cmd agent kernel ledger control view query output store model base" ;;
    *) echo "" ;;
    esac
}

refuse() { # file, pattern of includes, who may
    if grep -nE "^#include $2" "$1"; then
        echo "$1: $3"; bad=1
    fi
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
        */src/kernel/*) ;;
        *) refuse "$file" '(<bpf/|"obit\.skel)' "only src/kernel may include libbpf" ;;
        esac
        case $file in
        */src/store/* | */src/output/parquet*) ;;
        *) refuse "$file" '<zstd' "only src/store and src/output/parquet* may include zstd" ;;
        esac
        case $file in
        */src/sample/* | */src/cmd/manifest.c) ;;
        *) refuse "$file" '<jansson' "only src/sample and src/cmd/manifest.c may include jansson" ;;
        esac
        case $file in
        */src/ledger/*) refuse "$file" '<(unistd|fcntl|time|pthread|sys/[a-z]*)\.h>' "src/ledger has no descriptors, clock or threads" ;;
        esac
    done
    # A header of the programs includes what it uses: it compiles alone.
    for file in "$1"/bpf/*.bpf.h; do
        [ -e "$file" ] || continue
        echo "#include \"$file\"" | clang -target bpf -mcpu=v2 -D__TARGET_ARCH_x86 -I"$1" -I"$1/vmlinux" -I. -Ivmlinux -w \
            -fsyntax-only -x c - || { echo "$file: does not compile alone"; bad=1; }
    done
    for name in $(find "$1/src" -name '*.[ch]' -exec basename {} \; | sort | uniq -d); do
        echo "$name: the name of more than one file"; bad=1
    done
    if grep -n '^#include' "$1"/bpf/event.h; then
        echo "bpf/event.h: must include nothing"; bad=1
    fi
    return $bad
}

self_test() {
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT
    for line in 'base:#include "model/table.h"' 'query:#include "ledger/ledger.h"' 'ledger:#include "cmd/cmd.h"' \
        'output:#include "store/reader.h"' 'control:#include "agent/agent.h"' 'agent:#include "control/server.h"' \
        'ledger:#include "kernel/collect.h"' 'kernel:#include "ledger/ledger.h"' 'sample:#include "ledger/chunk.h"' \
        'ledger:#include <unistd.h>' 'ledger:#include <fcntl.h>' 'ledger:#include <time.h>' 'ledger:#include <pthread.h>' \
        'store:#include <bpf/bpf.h>' 'agent:#include "obit.skel.h"' 'query:#include <zstd.h>' 'query:#include "view/view.h"' 'ledger:#include <jansson.h>' 'base:twice' 'bpf:int f(struct unknown *of) { return of->field; }'; do
        rm -rf "$tree/src" "$tree/bpf"
        mkdir -p "$tree/src/${line%%:*}" "$tree/bpf"
        : >"$tree/bpf/event.h"
        echo "${line#*:}" >"$tree/src/${line%%:*}/bad.c"
        [ "${line%%:*}" != bpf ] || mv "$tree/src/bpf/bad.c" "$tree/bpf/bad.bpf.h"
        [ "$line" != 'base:twice' ] || { mkdir "$tree/src/model"; : | tee "$tree/src/model/bad.c" >"$tree/src/base/bad.c"; }
        if check_tree "$tree" >/dev/null 2>&1; then
            echo "check-includes.sh does not see a wrong arrow: $line"
            exit 1
        fi
    done
}

self_test
check_tree "${1:-.}"
echo "every include points the way the data flows"
