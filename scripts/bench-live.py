#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What watching live processes costs: snapshots of sleepers, context switches, memory over many exits.

usage: bench-live.py BUILD [--quick]

Three tables, each with obit and its peers in the same run. A watcher is measured twice where the first column
ends in "again": how much two equal runs differ here. Every value goes to BUILD/bench/live.jsonl.

  snapshots  N processes that do nothing; CPU of the watcher for one interval of 1 s, all its threads, from
             /proc/PID/task/*/schedstat (exact ns) over SECONDS intervals
  switches   a byte to and fro between two processes on one CPU: ns a round (two switches) above nobody watching
  memory     the agent's resident set with 10,000 processes before and after a storm of exits
"""
import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

SECONDS = 8


def cpu_ns(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as stat:
            total += int(stat.read().split()[0])
    return total


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def start_obit(build, work, *arguments):
    store = f"{work}/store"
    shutil.rmtree(store, ignore_errors=True)
    process = subprocess.Popen([f"{build}/obit", "record", "--store", store, "--socket", "none", *arguments],
                               stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "recording to" in line:
            return process
    raise SystemExit("obit did not start")


def start_peer(work, *command):
    log = open(f"{work}/{os.path.basename(command[0])}.out", "w")
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def find(name):
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")


@contextlib.contextmanager
def sleepers(build, n):
    process = subprocess.Popen([f"{build}/tests/live/sleepers", str(n)], stdout=subprocess.PIPE, text=True)
    if process.stdout.readline().strip() != "ready":
        raise SystemExit(f"cannot have {n} processes")
    time.sleep(1)
    try:
        yield
    finally:
        process.kill()
        process.wait()
        time.sleep(1)


def snapshots(build, work, counts, log):
    peers = {name: find(name) for name in ("atop", "pidstat")}
    watchers = [("obit", lambda: start_obit(build, work))]
    if peers["atop"]:
        watchers.append(("atop -w", lambda: start_peer(work, peers["atop"], "-w", f"{work}/atop.raw", "1")))
    if peers["pidstat"]:
        watchers.append(("pidstat", lambda: start_peer(work, peers["pidstat"], "-u", "-r", "-d", "-w", "1")))
    watchers.append(("obit again", watchers[0][1]))
    for name, path in peers.items():
        if not path:
            print(f"  {name}: not installed (make bench-deps)")
    print(f"  {'processes':>9}  {'watcher':<12} {'ms an interval':>14} {'obit is cheaper':>16}")
    for n in counts:
        values = {}
        with sleepers(build, n):
            for name, start in watchers:
                process = start()
                time.sleep(3)  # past its first look
                before = cpu_ns(process.pid)
                time.sleep(SECONDS)
                values[name] = (cpu_ns(process.pid) - before) / SECONDS / 1e6
                stop(process)
                log.write(json.dumps({"bench": "snapshots", "processes": n, "watcher": name,
                                      "ms_an_interval": round(values[name], 3)}) + "\n")
        for name, ms in values.items():
            times = f"{ms / values['obit']:.0f} times" if not name.startswith("obit") else ""
            print(f"  {n:>9}  {name:<12} {ms:>14.2f} {times:>16}")


def switches(build, work, tries, log):
    runqlat = find("runqlat")
    watchers = [("none", None), ("obit off", lambda: start_obit(build, work, "--sched", "off")),
                ("obit delay", lambda: start_obit(build, work)),
                ("obit full", lambda: start_obit(build, work, "--sched", "full"))]
    if runqlat:
        watchers.append(("runqlat", lambda: start_peer(work, runqlat, "1")))
    else:
        print("  runqlat: not installed (make bench-deps)")
    watchers.append(("none again", None))
    best = {}
    for number in range(tries):
        for name, start in watchers:
            process = start() if start else None
            if process:
                time.sleep(1.5)
            least, median = map(float, subprocess.run([f"{build}/tests/live/pingpong", "5000", "20"], check=True,
                                                      capture_output=True, text=True).stdout.split())
            if process:
                stop(process)
            best[name] = min(best.get(name, least), least)
            log.write(json.dumps({"bench": "switches", "watcher": name, "try": number, "least_ns": least,
                                  "median_ns": median}) + "\n")
    print(f"  {'watcher':<12} {'ns a round':>10} {'above none':>11}")
    for name, least in best.items():
        print(f"  {name:<12} {least:>10.0f} {least - best['none']:>+11.0f}")
    if runqlat:
        ratio = (best["runqlat"] - best["none"]) / max(best["obit delay"] - best["none"], 1)
        print(f"  runqlat costs {ratio:.1f} times what obit --sched delay does")


def memory(build, work, exits, log):
    with sleepers(build, 10000):
        agent = start_obit(build, work)
        try:
            time.sleep(3)
            before = rss_mib(agent.pid)
            subprocess.run([f"{build}/tests/live/storm", str(exits), "2", "fork"], check=True, stdout=subprocess.DEVNULL)
            time.sleep(2)
            after = rss_mib(agent.pid)
        finally:
            stop(agent)
    print(f"  10,000 processes: {before:.1f} MiB; after {exits:,} exits {after:.1f} MiB")
    log.write(json.dumps({"bench": "memory", "exits": exits, "before_mib": before, "after_mib": after}) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("bench-live.py: needs root")
    os.makedirs(f"{options.build}/bench", exist_ok=True)
    with open(f"{options.build}/bench/live.jsonl", "w") as log, tempfile.TemporaryDirectory() as work:
        print("snapshots")
        snapshots(options.build, work, [10000] if options.quick else [1000, 5000, 10000], log)
        print("switches")
        switches(options.build, work, 2 if options.quick else 6, log)
        print("memory")
        memory(options.build, work, 100000 if options.quick else 1000000, log)


main()
