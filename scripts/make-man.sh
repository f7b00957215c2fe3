#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Writes a man page for obit and for each of its commands, from what the program says of itself.
# usage: make-man.sh OBIT DIRECTORY
set -eu

obit=$1 out=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$("$obit" --version | cut -d ' ' -f 2)
date=$(sed -n 's/^ -- .*>  //p' packaging/deb/changelog | head -n 1)
date=$(LC_ALL=C date -u -d "$date" +%Y-%m-%d)

# "  dump      print the rows of a table" -> "dump print the rows of a table"
"$obit" --help | awk '/^commands:/ {on = 1; next} /^$/ {on = 0} on {$1 = $1; print}' >"$work/commands"
[ -s "$work/commands" ] || { echo "make-man.sh: $obit --help names no commands" >&2; exit 1; }
pages=$(awk '{printf "obit-%s(1) ", $1}' "$work/commands")

page() { # name, one line, schema or nothing; --help is in $work/help
    also=$(echo "obit(1) $pages" | tr ' ' '\n' | grep -v -x "$1(1)" | tr '\n' ' ')
    awk -v page="$1" -v about="$2" -v version="$version" -v date="$date" -v also="$also" \
        -f packaging/man.awk "$work/help" $3 >"$work/$1.1"
}

"$obit" --help >"$work/help"
page obit "the obituary of every process that dies on a host" ""
while read -r command about; do
    "$obit" "$command" --help >"$work/help"
    schema=""
    if [ "$command" = schema ]; then
        "$obit" schema --format tsv >"$work/schema"
        schema=$work/schema
    fi
    page "obit-$command" "$about" "$schema"
done <"$work/commands"

mkdir -p "$out"
mv "$work"/*.1 "$out/"
