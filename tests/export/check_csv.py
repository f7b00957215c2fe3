# SPDX-License-Identifier: BSD-2-Clause
"""Does Python's csv module read from an export what `obit dump` gives?

usage: check_csv.py DUMP SCHEMA TABLE CSV
"""
import csv
import itertools
import json
import shlex
import sys

from dumped import read_fields


def text(field, value):
    if value is None:
        return ""
    if field["type"] == "bool":
        return "true" if value else "false"
    return str(value)


n = 0
dump, schema, table, path = sys.argv[1:]
fields = read_fields(schema, table)
with open(dump) as lines, open(path, newline="", encoding="utf-8", errors="strict") as file:
    for line, row in itertools.zip_longest(lines, csv.DictReader(file, strict=True)):
        n += 1
        if line is None or row is None or list(row) != [field["field"] for field in fields]:
            sys.exit(f"row {n} is missing on one side, or its columns are others")
        values = json.loads(line)
        for field in fields:
            name = field["field"]
            ours, theirs = values[name], row[name]
            if field["type"] == "strings":
                if "$'" in theirs:  # bash's way, which shlex does not know
                    continue
                ours, theirs = ours or [], shlex.split(theirs)
            else:
                ours = text(field, ours)
            if ours != theirs:
                sys.exit(f"row {n}, {name}: obit dump gives {ours!r}, the reader {theirs!r}")
print(f"{n} rows")
