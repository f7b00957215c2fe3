# SPDX-License-Identifier: BSD-2-Clause
"""Runs the questions of docs/analysis.md: each command and its SQL must give the same rows, and some.

usage: check_analysis.py analysis.md DATASET [duckdb.mjs] [with-oom]      OBIT_STORE and PATH are set
"""
import csv
import datetime
import io
import json
import re
import subprocess
import sys


def instant(text):
    """Microseconds since the epoch of a time as either of the two writes it; None: it is not one."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00(?::00)?)?", text)
    if not match:
        return None
    at = datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00")
    return int(at.timestamp()) * 10**6 + int((match[3] or "0").ljust(6, "0")[:6])


def value(text):
    if text is None or text == "":
        return None
    text = str(text)
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    at = instant(text)
    return text if at is None else at


def same(name, one, other):
    if not isinstance(one, float) or not isinstance(other, float):
        return one == other
    # Percentiles are within 0.4 %, averages are cut or rounded to whole numbers.
    near = abs(one) * 0.01 if re.match(r"p\d", name) else 1 if name.startswith("avg(") else 0
    return abs(one - other) <= near


def by_obit(command, changed):
    said = subprocess.run(["bash", "-c", f"changed='{changed}'\n{command.strip()} --format csv"], check=True,
                          capture_output=True, text=True).stdout
    rows = list(csv.reader(io.StringIO(said)))
    return rows[0], [[value(cell) for cell in row] for row in rows[1:]]


def by_duckdb(sql, changed, reader, dataset):
    sql = sql.replace("getvariable('changed')", f"'{changed}'")
    said = subprocess.run(["node", reader, "--sql", sql], check=True, capture_output=True, text=True, cwd=dataset).stdout
    return [[value(cell) for cell in row.values()] for row in json.loads(said)]


def compare(names, one, other):
    if len(one) != len(other):
        return f"{len(one)} rows by obit, {len(other)} by DuckDB"
    exact = [i for i, name in enumerate(names) if not re.match(r"p\d|avg\(", name)]
    key = lambda row: [str(row[i]) for i in exact if i < len(row)]
    for ours, theirs in zip(sorted(one, key=key), sorted(other, key=key)):
        if len(ours) != len(theirs) or not all(map(same, names, ours, theirs)):
            return f"{ours} by obit, {theirs} by DuckDB"
    return None


def main():
    document, dataset, reader = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""
    passed = failed = skipped = 0
    questions = re.findall(r"^## (.*?)\n.*?```sh\n(.*?)```\n```sql\n(.*?)```", open(document).read(), re.S | re.M)
    first = subprocess.run(["obit", "dump", "exits", "--fields", "exit_time", "--sort", "exit_time", "--format", "csv"],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    changed = first[1 + len(first) // 2]
    for question, command, sql in questions:
        try:
            names, ours = by_obit(command, changed)
        except subprocess.CalledProcessError as error:
            print(f"FAIL   {question} {command.strip()}: {error.stderr.strip()}")
            failed += 1
            continue
        if not ours:
            if "OOM" in question and "with-oom" not in sys.argv:
                print(f"skip   {question} no cgroup with little memory can be made here")
                skipped += 1
            else:
                print(f"FAIL   {question} {command.strip()}: no rows")
                failed += 1
            continue
        passed += 1
        print(f"ok     {question} {len(ours)} rows by obit")
        if not reader:
            print(f"skip   {question} by DuckDB: it is not installed; make deps-readers installs it")
            skipped += 1
            continue
        try:
            error = compare(names, ours, by_duckdb(sql, changed, reader, dataset))
        except subprocess.CalledProcessError as error:
            error = error.stderr.strip()
        if error:
            print(f"FAIL   {question} {error}")
        else:
            print(f"ok     {question} the same by DuckDB")
        failed += error is not None
        passed += error is None
    if len(questions) < 10:
        print(f"FAIL   {document} has {len(questions)} questions")
        failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


sys.exit(main())
