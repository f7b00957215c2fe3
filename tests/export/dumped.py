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
