# SPDX-License-Identifier: BSD-2-Clause
"""Is every value of a Parquet file, as rows.mjs reads it, the one that `obit dump` gives?

usage: compare_rows.py DUMP SCHEMA TABLE ROWS [--any-order]
"""
import itertools
import json
import sys

from dumped import parquet_rows, read_fields

n = 0
dump, schema, table, read = sys.argv[1:5]
if sys.argv[5:] == ["--any-order"]:
    rows = list(parquet_rows(dump, read_fields(schema, table)))
    ours = sorted(json.dumps(row, sort_keys=True) for row in rows)
    with open(read) as lines:
        read_rows = [json.loads(line) for line in lines]
    theirs = sorted(json.dumps({name: row.get(name) for name in rows[0]}, sort_keys=True) for row in read_rows)
    for one, other in itertools.zip_longest(ours, theirs):
        if one != other:
            sys.exit(f"obit dump gives {one}, the reader {other}")
    print(f"{len(ours)} rows")
    sys.exit()
with open(read) as lines:
    for ours, line in itertools.zip_longest(parquet_rows(dump, read_fields(schema, table)), lines):
        n += 1
        if ours is None or line is None:
            sys.exit(f"row {n} is missing on one side")
        theirs = json.loads(line)
        for name, value in ours.items():
            if theirs.get(name) != value:
                sys.exit(f"row {n}, {name}: obit dump gives {value!r}, the reader {theirs.get(name)!r}")
print(f"{n} rows")
