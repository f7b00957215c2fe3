#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What asking a store costs: obit, the obit before stores had columns, and DuckDB over the Parquet that obit exported.

usage: bench-store.py BUILD [--rounds N] [--quick] [--month]

Over one generated day (17,280 intervals, 500 processes, 879,376 exits), and with --month over thirty; --quick: over two
hours. Each round asks all of them in turn; medians in milliseconds. obit's times are of whole processes, DuckDB's without its
start. The control is obit a second time: a difference below that between the two says nothing. Every run goes to
BUILD/bench/store.jsonl.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

BEFORE = "5edac61"  # the last commit whose store had no columns
DAY = ["--processes", "500", "--active", "0.05", "--exits", "10", "--interval", "5", "--seed", "1"]


def questions(hours, parquet):
    """name: (arguments of obit, the same in SQL)"""
    hour = "2026-01-01T01" if hours < 24 else "2026-01-01T12" if hours == 24 else "2026-01-15T12"
    after = hour[:-2] + f"{int(hour[-2:]) + 1:02d}"
    exits, procs, runq = (f"read_parquet('{parquet}/{table}/*/*/*.parquet')" for table in ("exits", "procs", "runq"))
    return {
        "exits with cpu_ns > 1s": (["dump", "exits", "--where", "cpu_ns > 1s"],
                                   f"select * from {exits} where cpu_ns > 1000000000"),
        "exits by command": (["dump", "exits", "--group-by", "comm", "--sort", "-cpu_ns", "--limit", "20"],
                             "select comm, count(*), sum(wall_ns), sum(cpu_ns), sum(run_delay_ns), max(max_rss_bytes) from "
                             f"{exits} group by comm order by sum(cpu_ns) desc limit 20"),
        "an hour of procs": (["dump", "procs", "--since", f"{hour}:00:00Z", "--until", f"{after}:00:00Z", "--format", "csv",
                              "--fields", "time,pid,comm,cpu_ns,rss_bytes"],
                             f"select time, pid, comm, cpu_ns, rss_bytes from {procs} where time >= '{hour}:00:00Z' and "
                             f"time < '{after}:00:00Z'"),
        "run-queue p99 by hour": (["dump", "runq", "--group-by", "time/1h", "--fields", "count, p99(delay_ns)"],
                                  "with w as (select time_bucket(interval '1 hour', time) h, delay_ns, sum(switches) n from "
                                  f"{runq} group by all), c as (select h, delay_ns, sum(n) over (partition by h order by "
                                  "delay_ns) below, sum(n) over (partition by h) every from w) "
                                  "select h, max(every), min(delay_ns) from c where below >= 0.99 * every group by h"),
        "verify": (["verify"], None),
        "exits as JSON lines": (["dump", "exits", "--format", "jsonl", "--fields", "all"], None),
    }


def run(arguments, **more):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, **more).stdout


def ask(obit, store, arguments):
    """(milliseconds, MiB at the most)"""
    before = time.monotonic()
    process = subprocess.Popen([obit, *arguments, "--store", store], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        sys.exit(f"{obit} {' '.join(arguments)}: status {status}")
    return (time.monotonic() - before) * 1e3, usage.ru_maxrss / 1024


def build_before(build):
    directory = f"{build}/bench/before"
    if not os.path.exists(f"{directory}/build/tests/make_day"):
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        archive = subprocess.run(["git", "archive", BEFORE], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", directory], input=archive, check=True)
        run(["make", "-j2", "all", "build/tests/make_day"], cwd=directory)
    return directory


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--month", action="store_true")
    options = parser.parse_args()
    build, hours = options.build, 2 if options.quick else 720 if options.month else 24
    work = f"{build}/bench/store-{hours}"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    made = json.loads(run([f"{build}/tests/make_day", f"{work}/store", *DAY, "--hours", str(hours)]))
    rows = sum(made[table] for table in ("exits", "ledger", "system", "procs", "roster", "runq"))
    print(f"{hours} hours: {rows} rows, {made['exits']} of them exits; appended at {made['append_cpu_ns'] / rows / 1e3:.2f} us of "
          f"CPU a row, sealed at {made['seal_cpu_ns'] / max(made['sealed_rows'], 1) / 1e3:.2f} in "
          f"{made['seal_memory_bytes'] / 2**20:.1f} MiB")
    print("".join(line + "\n" for line in run([f"{build}/tests/columns", f"{work}/store"]).splitlines()
                  if not line.startswith("  ")), end="")
    before = None
    if not options.month:
        before = build_before(build)
        run([f"{before}/build/tests/make_day", f"{work}/before", *DAY, "--hours", str(hours)])
    run([f"{build}/obit", "export", "--store", f"{work}/store", "--to", "parquet", f"{work}/parquet/"])
    asked = questions(hours, f"{work}/parquet")
    times = {name: {"obit": [], "again": [], "one job": [], "before": []} for name in asked}
    memory = dict.fromkeys(asked, 0)
    for _ in range(options.rounds):
        for name, (arguments, _sql) in asked.items():
            for who in ("obit", "again"):
                taken, most = ask(f"{build}/obit", f"{work}/store", arguments)
                times[name][who].append(taken)
                memory[name] = max(memory[name], most)
            times[name]["one job"].append(ask(f"{build}/obit", f"{work}/store", [*arguments, "--jobs", "1"])[0])
            if before:
                times[name]["before"].append(ask(f"{before}/build/obit", f"{work}/before", arguments)[0])
    in_sql = [name for name in asked if asked[name][1]]
    readers = f"{build}/readers"
    if os.path.isdir(f"{readers}/node_modules"):
        shutil.copy("tests/bench/duckdb_times.mjs", readers)
        for who, threads in (("DuckDB, 1", "1"), ("DuckDB", "0")):
            said = run(["node", f"{readers}/duckdb_times.mjs", threads, str(options.rounds), *(asked[name][1] for name in in_sql)])
            for name, line in zip(in_sql, said.splitlines()):
                times[name][who] = json.loads(line)
    else:
        print(f"skip   DuckDB: make deps-readers installs it")
    columns = ("obit", "again", "one job", "before", "DuckDB, 1", "DuckDB")
    print(f"{'milliseconds':26s}" + "".join(f"{who:>12s}" for who in columns) + f"{'obit MiB':>12s}")
    with open(f"{build}/bench/store.jsonl", "a") as log:
        for name, by in times.items():
            log.write(json.dumps({"hours": hours, "question": name, "ms": by, "mib": memory[name]}) + "\n")
            cells = (f"{statistics.median(by[who]):12.1f}" if by.get(who) else f"{'-':>12s}" for who in columns)
            print(f"{name:26s}" + "".join(cells) + f"{memory[name]:12.1f}")


if __name__ == "__main__":
    main()
