# SPDX-License-Identifier: BSD-2-Clause
"""Does a Parquet file say each field's type, unit, kind and help, as `obit schema` does?

usage: check_metadata.py METADATA SCHEMA TABLE
"""
import json
import sys

from dumped import parquet_fields, read_fields

path, schema, table = sys.argv[1:]
fields = list(parquet_fields(read_fields(schema, table)))  # of the groups that --fields knows a file says nothing
with open(path) as file:
    metadata = json.load(file)
assert metadata["file"]["obit.table"] == table and metadata["file"]["obit.help"], metadata["file"]
said = json.loads(metadata["file"]["obit.fields"])
assert [{"table": table, "field": field.pop("name"), **field} for field in said] == fields, said
for field in fields:
    column = metadata["columns"][field["field"]]
    assert column["codec"] == "ZSTD", column
    for key in ("unit", "kind", "help"):
        assert column.get("obit." + key) == field[key], column
