#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What watching costs in a storm of exits: nobody, obit (each transport) and its peers, turn by turn.

usage: bench-storm.py BUILD [--rounds N] [--quick] [--before OBIT] [--exits N]

Each round runs the same storm under each watcher in turn, and twice under none: the second "none" is the
control that says how much two equal runs differ here. Prints a table of medians; every run goes to
BUILD/bench/storm.jsonl. --before: another build of obit takes part. CPU is the watcher's own, from /proc/PID/task/*/schedstat (exact ns), from before
the storm until a second and a half after it, so that obit's includes the store on disk; "to end" goes on until the
watcher has ended, so that obit's includes the sealing of the log.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

SETTLE_S = 1.5
STALL_AFTER_S = 0.3


def cpu_ns(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as stat:
            total += int(stat.read().split()[0])
    return total


def end(process, number):
    """What it has used in all."""
    process.send_signal(number)
    _, process.returncode, usage = os.wait4(process.pid, 0)
    return usage


class Nobody:
    name = "none"

    def start(self, work):
        self.process = None

    def stop(self):
        pass

    def captured(self):
        return {}


class Obit:
    def __init__(self, obit, transport, name):
        self.obit, self.transport, self.name = obit, transport, name

    def start(self, work):
        self.store = f"{work}/store"
        shutil.rmtree(self.store, ignore_errors=True)
        arguments = [self.obit, "record", "--store", self.store]
        if self.transport != "perf":
            arguments += ["--transport", self.transport]
        self.process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "recording to" in line:
                return
        raise SystemExit(f"{self.name} did not start")

    def stop(self):
        return end(self.process, signal.SIGTERM)

    def sum_of(self, table, field, where):
        lines = subprocess.run([self.obit, "dump", table, "--store", self.store, "--format", "jsonl", "--fields",
                                field, "--where", where], check=True, capture_output=True, text=True).stdout
        return sum(json.loads(line)[field] for line in lines.splitlines())

    def captured(self):
        rolled_up = self.sum_of("ledger", "exits_rolled_up", "exits_rolled_up > 0")
        verify = subprocess.run([self.obit, "verify", "--store", self.store], capture_output=True)
        # `threads` is 1 for each of the storm's processes.
        captured = self.sum_of("exits", "threads", 'comm in (storm, true)')
        size = sum(entry.stat().st_size for entry in os.scandir(self.store))
        return {"captured": captured, "rolled_up": rolled_up, "balanced": verify.returncode == 0, "bytes": size}


class Exitsnoop:
    name = "exitsnoop"
    path = "/usr/sbin/exitsnoop"

    def start(self, work):
        self.output = open(f"{work}/exitsnoop", "w+")
        self.process = subprocess.Popen([self.path], stdout=self.output, stderr=subprocess.STDOUT)
        time.sleep(1.5)

    def stop(self):
        return end(self.process, signal.SIGINT)

    def captured(self):
        self.output.seek(0)
        text = self.output.read()
        return {"captured": sum(line.startswith(("storm ", "true ")) for line in text.splitlines()),
                "lost_lines": text.lower().count("lost")}


def run_once(watcher, storm, work, stall_s=0):
    watcher.start(work)
    pid = watcher.process.pid if watcher.process else None
    before = cpu_ns(pid) if pid else 0
    running = subprocess.Popen(storm, stdout=subprocess.PIPE, text=True)
    if pid and stall_s:
        time.sleep(STALL_AFTER_S)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(stall_s)
        os.kill(pid, signal.SIGCONT)
    result = json.loads(running.communicate()[0])
    time.sleep(SETTLE_S)
    used = cpu_ns(pid) - before if pid else 0
    ended = watcher.stop()
    whole = int((ended.ru_utime + ended.ru_stime) * 1e9) - before if pid else 0
    result.update(watcher.captured(), watcher=watcher.name, watcher_cpu_ns=used, watcher_cpu_to_end_ns=whole)
    return result


def measure(watchers, storm, rounds, work, log, row):
    runs = {name: [] for name in ["none", "none again"] + [w.name for w in watchers]}
    run_once(Nobody(), storm, work)  # warm-up
    for number in range(rounds):
        for name, watcher in [("none", Nobody())] + [(w.name, w) for w in watchers] + [("none again", Nobody())]:
            result = run_once(watcher, storm, work, row["stall_s"])
            result.update(row, round=number, watcher=name)
            runs[name].append(result)
            log.write(json.dumps(result) + "\n")
            log.flush()
    return runs


def print_rows(runs, row):
    base = statistics.median(r["seconds"] for r in runs["none"])
    for name, results in runs.items():
        # Pairs: each run beside the bare one of its round.
        ratios = [r["seconds"] / b["seconds"] for r, b in zip(results, runs["none"])]
        cpu, to_end = (statistics.median(r[key] / r["count"] * 1e5 / 1e9 for r in results)
                       for key in ("watcher_cpu_ns", "watcher_cpu_to_end_ns"))
        captured = min((r.get("captured", 0) + r.get("rolled_up", 0)) / (r["count"] + row["spawners"] + 1) for r in results)
        extra = ""
        if "rolled_up" in results[0]:
            extra = (f"{sum(r['rolled_up'] for r in results)} rolled up, "
                     f"{'balanced' if all(r['balanced'] for r in results) else 'NOT BALANCED'}, "
                     f"{statistics.median(r['bytes'] / max(1, r['captured']) for r in results):.1f} B/record")
        elif "lost_lines" in results[0]:
            extra = f"{sum(r['lost_lines'] for r in results)} reports of loss"
        print(f"{row['kind']:5} {row['spawners']:2} {row['busy']:4} {row['stall_s']:5} {name:12} {results[0]['count'] / base:8.0f} "
              f"{statistics.median(ratios):8.3f} {min(ratios):6.3f}-{max(ratios):5.3f} {cpu:9.3f} {to_end:7.3f} "
              f"{100 * captured if name not in ('none', 'none again') else 0:8.1f}  {extra}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one storm, running and stalled")
    parser.add_argument("--before", metavar="OBIT", help="another build of obit")
    parser.add_argument("--exits", type=int, default=40000, help="of a storm of forks; a quarter of execs")
    options = parser.parse_args()
    transports = ["perf"]
    help_text = subprocess.run([f"{options.build}/obit", "record", "--help"], capture_output=True, text=True).stdout
    if "--transport" in help_text:
        transports.append("ringbuf")
    watchers = [Obit(f"{options.build}/obit", transport, f"obit {transport}") for transport in transports]
    if options.before:
        watchers.append(Obit(options.before, "perf", "before"))
    if os.path.exists(Exitsnoop.path):
        watchers.append(Exitsnoop())
    else:
        print("exitsnoop is not installed: `make bench-deps`; measured without it")
    # kind, spawners, processes that burn CPU beside it, seconds that the watcher is stopped
    cases = [("fork", 4, 0, 0), ("fork", 4, 0, 1)] if options.quick else [
        ("fork", 1, 0, 0), ("fork", 2, 0, 0), ("fork", 4, 0, 0), ("exec", 1, 0, 0), ("exec", 2, 0, 0),
        ("exec", 4, 0, 0), ("fork", 2, 1, 0), ("fork", 4, 0, 1), ("fork", 4, 0, 3)]
    rounds = options.rounds
    os.makedirs(f"{options.build}/bench", exist_ok=True)
    print(f"{'kind':5} {'sp':2} {'busy':4} {'stall':5} {'watcher':12} {'exits/s':>8} {'slowdown':>8} {'min-max':>12} "
          f"{'s/100,000':>9} {'to end':>7} {'% caught':>8}")
    with tempfile.TemporaryDirectory() as work, open(f"{options.build}/bench/storm.jsonl", "w") as log:
        for kind, spawners, busy, stall_s in cases:
            count = options.exits if kind == "fork" else options.exits // 4
            row = {"kind": kind, "spawners": spawners, "busy": busy, "stall_s": stall_s}
            burners = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(busy)]
            try:
                storm = [f"{options.build}/tests/live/storm", str(count), str(spawners), kind]
                print_rows(measure(watchers, storm, rounds, work, log, row), row)
            finally:
                for burner in burners:
                    burner.kill()
                    burner.wait()


if __name__ == "__main__":
    main()
