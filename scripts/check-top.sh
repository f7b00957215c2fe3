#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Is what `obit top` shows of an interval what `obit dump` has of it: each exit once, the CPU time and the bytes, live
# processes as `--at` has them, and ends as they were? Over a store recorded now: a burner, short processes, a kill, and
# an agent that is stopped until its rings are full, for roll-ups.
# usage: check-top.sh BUILD
set -u

build=${1:-build}
. scripts/reader-checks.sh
if ! can_record; then
    skip "obit top" 7 "recording needs root and a kernel with BTF"
    end_of_checks
    exit
fi
store=$work/store
record "$store" --interval 1s --ring-pages 2 || exit 1
agent=$(pgrep -f "record --store $store" | head -1)
sh -c 'while :; do :; done' &
burner=$!
for i in 1 2 3 4 5 6 7 8; do sh -c "exit $i"; done
sleep 100 &
killed=$!
sleep 1.5
kill -STOP "$agent"
for _ in $(seq 250); do /bin/true; done
kill -CONT "$agent"
sleep 1.5
kill -9 $killed $burner
wait $killed $burner 2>/dev/null
sleep 1.5
kill -INT "$agent"
while kill -0 "$agent" 2>/dev/null; do sleep 0.1; done

agrees() {
    python3 - "$obit" "$store" "$killed" "$burner" <<'PYTHON'
import json, subprocess, sys
obit, store, killed, burner = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

def ask(*words):
    out = subprocess.run([obit, *words, "--store", store, "--format", "jsonl"], capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    return [json.loads(line) for line in out.stdout.splitlines()]

SUMS = ("cpu_ns", "run_delay_ns", "read_bytes", "write_bytes", "minflt", "nvcsw")
ledger = ask("dump", "ledger", "--fields", "all")
exits = ask("dump", "exits", "--fields", "all")
procs = ask("dump", "procs", "--fields", "all")
rollups = ask("dump", "rollups", "--fields", "all")
all_exits = {(row["pid"], row["start_boot_ns"]) for row in exits}
rolled_up, shown_exits, n_alive = 0, {}, 0
for i, interval in enumerate(ledger):
    end = interval["time"]
    now = int(subprocess.run(["date", "-d", end, "+%s%N"], capture_output=True, text=True).stdout) - 1
    begin = ledger[i - 1]["time"] if i else ""
    rows = ask("top", "--at", f"@{now // 10**9}.{now % 10**9:09}")
    assert {row["time"] for row in rows} == {end}, end
    # each exit once, where the ledger has it
    assert sum(row["exits"] or 0 for row in rows) == interval["exits_seen"], (end, interval["exits_seen"])
    ended = [row for row in rows if row["exit_time"]]
    assert len(ended) == interval["exits_recorded"], (end, len(ended))
    for row in ended:
        assert (row["pid"], row["start_boot_ns"]) not in shown_exits
        shown_exits[row["pid"], row["start_boot_ns"]] = row
    # live: as --at has them, and as many as were counted
    alive = [row for row in rows if row["exits"] == 0 and row["pid"]] # late values of threads are in roll-ups of no exit
    at = ask("dump", "procs", "--at", f"@{now // 10**9}.{now % 10**9:09}", "--fields", "pid,start_boot_ns,cpu_ns,argv,user")
    key = lambda row: (row["pid"], row["start_boot_ns"], row["cpu_ns"], row["argv"], row["user"])
    assert sorted(map(key, alive), key=str) == sorted(map(key, at), key=str), end
    n_alive += len(alive)
    # sums: the rows of procs, those without one, the roll-ups
    # a last row has the time of the end; of one whose exit is in a roll-up, that alone says of which interval it is
    of_procs = [row for row in procs if (row["time"] == end if row["state"] != "X" else
                (row["pid"], row["start_boot_ns"]) in {(one["pid"], one["start_boot_ns"]) for one in ended} if
                (row["pid"], row["start_boot_ns"]) in all_exits else begin <= row["time"] < end)]
    known = {(row["pid"], row["start_boot_ns"]) for row in of_procs}
    short = [row for row in exits if (row["pid"], row["start_boot_ns"]) in shown_exits and row["exit_time"] in
             {one["exit_time"] for one in ended} and (row["pid"], row["start_boot_ns"]) not in known]
    of_rollups = [row for row in rollups if row["time"] == end]
    rolled_up += sum(row["exits"] for row in of_rollups)
    # What those who were there before the agent used in its first interval is not known of all.
    if i == 0:
        continue
    for name in SUMS:
        expected = sum(row[name] or 0 for row in of_procs + short + of_rollups)
        assert sum(row[name] or 0 for row in rows) == expected, (end, name, sum(row[name] or 0 for row in rows), expected)
assert len(shown_exits) == len(exits), (len(shown_exits), len(exits))
for row in exits:
    shown = shown_exits[row["pid"], row["start_boot_ns"]]
    for name in ("comm", "exit_time", "exit_code", "exit_signal", "killer_pid", "killer_comm", "argv", "uid"):
        assert shown[name] == row[name], (row["pid"], name, shown[name], row[name])
assert rolled_up > 0, "there was no roll-up to show"
assert [row for row in shown_exits.values() if row["pid"] == killed and row["exit_signal"] == 9]
print(f"{len(ledger)} intervals, {len(exits)} exits, {rolled_up} rolled up, {n_alive} live")
PYTHON
}
check "each interval: exits, live processes, sums, ends" agrees

shows_the_burner() { # among the first while it lived (others may burn too), and when it died
    local at
    at=$("$obit" dump procs --store "$store" --where "pid = $burner" --fields time --format csv | sed -n 3p | tr -d '\r')
    "$obit" top --store "$store" --at "$at" --limit 5 >"$work/screen" || return 1
    grep -qE "^ *$burner +sh " "$work/screen" || { cat "$work/screen"; return 1; }
    at=$("$obit" dump exits --store "$store" --where "pid = $burner" --fields exit_time --format csv | tail -1 | tr -d '\r')
    "$obit" top --store "$store" --at "$at" --where 'exit_signal = KILL' >"$work/screen" || return 1
    grep -qE "^ *$burner +sh .*KILL" "$work/screen" || grep -qE 'in all rows:.*exit_signal=KILL' "$work/screen" || { cat "$work/screen"; return 1; }
    grep -q "ledger balanced" "$work/screen"
}
check "a burner is on top, and its end is there" shows_the_burner

groups_add_up() {
    local at all by
    at=$("$obit" dump ledger --store "$store" --fields time --format csv | sed -n 4p | tr -d '\r')
    all=$("$obit" top --store "$store" --at "$at" --format jsonl | jq -s 'map(.cpu_ns // 0) | add')
    for by in program user cgroup container; do
        [ "$("$obit" top --store "$store" --at "$at" --by $by --format jsonl | jq -s 'map(.cpu_ns // 0) | add')" = "$all" ] ||
            { echo "by $by it is not $all"; return 1; }
    done
}
check "groups add up to the processes" groups_add_up
many_groups() { # more programs in an interval than are handed over at a time
    local agent
    record "$work/many" --interval 30s || return 1
    agent=$(pgrep -f "record --store $work/many" | head -1)
    python3 - <<'PYTHON'
import os
for i in range(1300):
    pid = os.fork()
    if pid == 0:
        with open("/proc/self/comm", "w") as comm:
            comm.write(f"p{i}")
        os._exit(0)
    os.waitpid(pid, 0)
PYTHON
    kill -INT "$agent"
    while kill -0 "$agent" 2>/dev/null; do sleep 0.1; done
    for interval in $("$obit" dump ledger --store "$work/many" --fields time --format csv | tail -n +2 | tr -d '\r'); do
        now=$(($(date -d "$interval" +%s%N) - 1))
        "$obit" top --store "$work/many" --at "@${now:0:10}.${now:10}" --by program --sort comm --format jsonl
    done >"$work/groups"
    [ "$(jq -r .comm "$work/groups" | grep -cx 'p[0-9]*' )" = 1300 ] || { wc -l <"$work/groups"; return 1; }
}
check "more groups than are handed over at a time" many_groups
check "--batch: as many screens, one after the other" test "$("$obit" top --store "$store" --batch 2 --at \
    "$("$obit" dump ledger --store "$store" --fields time --format csv | sed -n 2p | tr -d '\r')" | grep -c 'ledger balanced')" = 2
says() { # words, arguments: it ends with an error that says so
    local words=$1 said
    shift
    if said=$("$obit" top --store "$store" "$@" 2>&1); then echo "it did not fail"; return 1; fi
    case $said in *"$words"*) ;; *) echo "$said"; return 1 ;; esac
}
check "a time that nobody recorded" says "nothing was recorded at that time" --at 2020-01-01
check "a condition that is none" says "did you mean" --where 'pd = 1'
[ -z "${KEEP:-}" ] || cp -r "$store" "$KEEP"
end_of_checks
