# SPDX-License-Identifier: BSD-2-Clause
"""Does duckdb.mjs, or clickhouse.mjs, which finds less, find what `obit dump` and `obit schema` say?

usage: expected.py DUMP SCHEMA TABLE FOUND
"""
import json
import sys

from dumped import parquet_fields, parquet_rows, read_fields

TYPES = {"u64": "BIGINT", "i64": "BIGINT", "bool": "BOOLEAN", "string": "VARCHAR", "strings": "VARCHAR[]"}


def text(value):
    return None if value is None else str(value)


def values(field, values):
    present = [v for v in values if v is not None]
    found = {"type": TYPES[field["type"]], "rows": len(values), "present": len(present)}
    if field["unit"] == "time":  # DuckDB has microseconds
        found["type"] = "TIMESTAMP WITH TIME ZONE"
        present = [v // 1000 for v in present]
    if field["type"] == "strings":
        found["distinct"] = len({tuple(v) for v in present})
        found["sum"] = sum(len(item.encode()) for v in present for item in v)
        found["items"] = sum(map(len, present))
        found["empty"] = sum(v == [] for v in present)
        present = ["|".join(v).encode() for v in present]
    elif field["type"] == "string":
        present = [v.encode() for v in present]
        found["distinct"] = len(set(present))
        found["sum"] = sum(map(len, present))
    else:
        present = [int(v) for v in present]
        found["distinct"] = len(set(present))
        found["sum"] = sum(present) if present else None
    ends = [min(present), max(present)] if present else [None, None]
    found["min"], found["max"] = (end.decode() if isinstance(end, bytes) else end for end in ends)
    found = {key: text(value) for key, value in found.items()}
    if field["type"] != "strings":
        found["statistics"] = {"nulls": str(len(values) - len(present)), "min": found["min"], "max": found["max"]}
    return found


dump, schema, table, found_path = sys.argv[1:]
rows = list(parquet_rows(dump, read_fields(schema, table)))
fields = list(parquet_fields(read_fields(schema, table)))
with open(found_path) as file:
    found = json.load(file)
if list(found) != [field["field"] for field in fields]:
    sys.exit(f"the columns are {list(found)}")
for field in fields:
    name = field["field"]
    expected = {key: of for key, of in values(field, [row[name] for row in rows]).items() if key in found[name]}
    if found[name] != expected:
        sys.exit(f"{name}: the reader finds {found[name]}, obit dump gives {expected}")
print(f"{len(rows)} rows, {len(fields)} columns")
