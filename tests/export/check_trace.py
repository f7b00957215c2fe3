# SPDX-License-Identifier: BSD-2-Clause
"""Is a trace what the rules of the Trace Event Format ask for, and is each exit of `obit dump` in it, once?

A slice is on a line (pid, tid) of the viewer; two slices of a line must not overlap, or one is taken for a part of
the other. Every process and every line has a name.

usage: check_trace.py DUMP SCHEMA TRACE[.gz] cgroup|parent
"""
import collections
import decimal
import gzip
import json
import sys

from dumped import nanoseconds, read_fields, read_rows

dump, schema, path, track = sys.argv[1:]
with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as file:
    trace = json.load(file, parse_float=decimal.Decimal)
origin = nanoseconds(trace["otherData"]["origin"])
slices = collections.Counter()
lines = collections.defaultdict(list)
names = {"process_name": {}, "thread_name": {}}
keys = collections.defaultdict(set)


def ns(microseconds):
    exact = decimal.Decimal(microseconds) * 1000
    assert exact == int(exact), f"{microseconds} is no whole number of ns"
    return int(exact)


for event in trace["traceEvents"]:
    pid, tid, args = event["pid"], event["tid"], event["args"]
    assert isinstance(pid, int) and isinstance(tid, int) and pid > 0 and tid > 0 and isinstance(args, dict), event
    if event["ph"] == "M":
        of = pid if event["name"] == "process_name" else (pid, tid)
        assert of not in names[event["name"]], f"a second {event['name']}: {event}"
        names[event["name"]][of] = args["name"]
        continue
    assert event["ph"] == "X" and isinstance(event["name"], str) and event["cat"] in ("ok", "failed", "killed"), event
    begin, length = ns(event["ts"]), ns(event["dur"])
    assert length >= 0, event
    lines[pid, tid].append((begin, begin + length))
    slices[event["name"], origin + begin, origin + begin + length, args.get("pid"), args.get("exit_code")] += 1
    keys[pid].add(args.get("cgroup", "cgroup unknown") if track == "cgroup" else f"pid {args.get('ppid', 'unknown')}")

expected = collections.Counter()
for row in read_rows(dump, read_fields(schema, "exits")):
    end = row["exit_time"]
    if end is not None and row["start_time"] is not None:
        name = "?" if row["comm"] is None else row["comm"]
        expected[name, min(row["start_time"], end), end, row["pid"], row["exit_code"]] += 1
assert slices == expected, f"not the exits: {list((slices - expected) + (expected - slices))[:2]}"
assert slices, "no slices"
for line, spans in lines.items():
    assert line in names["thread_name"], f"line {line} has no name"
    spans.sort()
    for (_, end), (begin, _) in zip(spans, spans[1:]):
        assert begin >= end, f"two slices of line {line} overlap at {begin}"
assert len({tid for _, tid in lines}) == len(lines), "a line's number is used twice"
for pid, of in keys.items():
    assert len(of) == 1, f"track {pid} has slices of {of}"
    name, key = names["process_name"][pid], of.pop()
    assert name == key or (track == "parent" and name.startswith(key + " ")), f"track {name} has slices of {key}"
print(f"{sum(slices.values())} slices on {len(lines)} lines of {len(keys)} tracks")
