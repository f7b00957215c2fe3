# SPDX-License-Identifier: BSD-2-Clause
"""Rows as `obit dump --fields all --format jsonl` gives them, as the readers of exports are to find them."""
import calendar
import json
import time


def nanoseconds(text):
    """RFC 3339 in UTC with nine digits of fraction."""
    seconds = calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    assert text[19] == "." and text[29:] == "Z", text
    return seconds * 10**9 + int(text[20:29])


def value(field, given):
    if given is None:
        return None
    if field["unit"] == "time":
        return nanoseconds(given)
    return given


def read_fields(path, table):
    with open(path) as lines:
        return [field for field in map(json.loads, lines) if field["table"] == table and field["kind"] != "joined"]


def read_rows(path, fields):
    with open(path) as lines:
        for line in lines:
            row = json.loads(line)
            yield {field["field"]: value(field, row[field["field"]]) for field in fields}


def parquet_fields(fields):
    """The columns of a Parquet file: every time has NAME_ns beside it, and every number is signed."""
    for field in fields:
        field = {key: field[key] for key in field if key != "groups"}
        yield field
        if field["unit"] == "time":
            yield {**field, "field": field["field"] + "_ns", "unit": "ns", "help": "the same in ns since 1970"}


def parquet_rows(path, fields):
    """Rows as they are in a Parquet file: times to the microsecond (in ns), no number above 2**63 - 1."""
    times = [field["field"] for field in fields if field["unit"] == "time"]
    for row in read_rows(path, fields):
        for name in times:
            row[name + "_ns"] = row[name]
            row[name] = row[name] // 1000 * 1000 if row[name] is not None else None
        for name, value in row.items():
            if isinstance(value, int) and value >= 1 << 63 and name not in times:
                row[name] = None
        yield row
