#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs what scripts/check-export.sh reads Parquet with: node from the distribution where there is none (root), and
# the readers of tests/export/package.json, as npm is set up here, into BUILD/readers. Does nothing when all is there.
# usage: install-readers.sh BUILD
set -eu

build=${1:-build}
wanted=tests/export/package.json
if [ -d "$build/readers/node_modules" ] && cmp -s "$wanted" "$build/readers/package.json"; then exit 0; fi

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    if [ "$(id -u)" != 0 ]; then
        echo "obit: node and npm are missing; run this as root, or install nodejs and npm yourself" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null
fi

# Versions are pinned in package.json; a lock file would name the registry that it was made with.
rm -rf "$build/readers"
mkdir -p "$build/readers"
cp "$wanted" "$build/readers/"
if ! npm install --prefix "$build/readers" --no-package-lock --ignore-scripts --no-audit --no-fund \
    --fetch-retries 1 --fetch-timeout 60000 >"$build/readers/npm.log" 2>&1; then
    rm -rf "$build/readers/node_modules"
    echo "obit: npm cannot install the readers of Parquet; $build/readers/npm.log says why" >&2
    exit 1
fi
