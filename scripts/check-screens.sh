#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What a terminal of 80, 120 and 200 columns shows (tmux): no line goes over its edge, who it is and the arguments are
# there, numbers are whole, and what does not fit is said.
# usage: check-screens.sh BUILD
set -u

build=${1:-build}
. scripts/reader-checks.sh
socket=$work/tmux
export TZ=UTC
if ! command -v tmux >/dev/null; then
    skip "screens" 30 "tmux is missing; make deps installs it"
    end_of_checks
    exit
fi
trap 'tmux -S "$socket" kill-server 2>/dev/null; kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT

screen() { # columns, arguments: what a terminal shows, as the terminal has it; with -J, wrapped lines are one
    local columns=$1
    shift
    printf '%q ' env LC_ALL=C.UTF-8 TERM=screen-256color "$obit" "$@" >"$work/command"
    echo "; touch '$work/done'; sleep 60" >>"$work/command"
    rm -f "$work/done"
    tmux -S "$socket" -u -f /dev/null new-session -d -s s -x "$columns" -y 400 "sh '$work/command'" || return 1
    for _ in $(seq 200); do [ -e "$work/done" ] && break; sleep 0.05; done
    sleep 0.1
    tmux -S "$socket" capture-pane -t s -p >"$work/lines"
    tmux -S "$socket" capture-pane -t s -p -J >"$work/joined"
    tmux -S "$socket" kill-session -t s
    [ -s "$work/lines" ]
}

stays_inside() { # columns, arguments: the terminal has wrapped no line
    screen "$@" || { echo "nothing is shown"; return 1; }
    [ "$(grep -c . "$work/lines")" -gt 1 ] || { cat "$work/lines"; return 1; }
    [ "$(wc -l <"$work/lines")" = "$(wc -l <"$work/joined")" ] || { diff "$work/lines" "$work/joined"; return 1; }
}

shows_exits() { # columns: each row has its pid and name whole, and at least 20 columns are left for the arguments
    stays_inside "$1" dump exits --store "$work/store" --limit 20 || return 1
    python3 - "$1" "$work/lines" "$work/exits" <<'PYTHON'
import json, re, sys
columns, screen, dump = int(sys.argv[1]), sys.argv[2], sys.argv[3]
rows = [json.loads(line) for line in open(dump)]
lines = [line.rstrip("\n") for line in open(screen)]
head = next(i for i, line in enumerate(lines) if re.search(r"\bpid\b", line) and re.search(r"\bcomm\b", line))
at = lines[head].index("argv")
assert columns - at >= 20, f"the arguments begin in column {at}"
end = lines[head].index("pid") + 3
shown = [line[:end].split()[-1] for line in lines[head + 1:] if re.match(r"\s*\d\d:\d\d:\d\d", line)]
assert shown == [str(row["pid"]) for row in rows], f"pids are {shown}"
assert all(rows[i]["comm"].isascii() is False or rows[i]["comm"] in line for i, line in enumerate(
    line for line in lines[head + 1:] if re.match(r"\s*\d\d:\d\d:\d\d", line)))
# What 200 columns show is all; what fewer do not is said.
all_of = re.findall(r"(\w+)=", " ".join(line for line in lines if line.startswith("in all rows:"))) + lines[head].split()
if columns == 200:
    json.dump(all_of, open(screen + ".all", "w"))
missing = len(set(json.load(open(screen + ".all"))) - set(all_of))
left_out = [int(n) for line in lines for n in re.findall(r"^\+(\d+) columns?", line)]
assert left_out == ([missing] if missing else []), f"{missing} are left out, and {left_out} is said"
print(f"{len(shown)} rows, {len(lines[head].split())} columns")
PYTHON
}

if can_record; then
    record "$work/store" --interval 500ms --threads --sched full --socket "$work/socket" || exit 1
    bash -c 'exec -a "a name that is long and has 漢字 and ünïcödé in it" sh -c "exit 3"'
    bash -c 'for i in $(seq 20); do sh -c "i=0; while [ \$i -lt 2000 ]; do i=\$((i + 1)); done; exit $i"; done'
    sleep 30 &
    kill -9 $!
    wait $! 2>/dev/null
    sleep 1.5
else
    "$build/tests/write_store" "$work/store" sealed 20
fi
"$obit" dump exits --store "$work/store" --limit 20 --fields pid,comm --format jsonl >"$work/exits"
for columns in 200 120 80; do
    can_record && check "$columns columns: exits" shows_exits $columns
    for table in $(jq -r .table "$work/schema" | uniq); do
        [ "$("$obit" dump "$table" --store "$work/store" --format csv --limit 2 2>/dev/null | wc -l)" -gt 1 ] || continue
        check "$columns columns: $table" stays_inside $columns dump "$table" --store "$work/store" --limit 30
        check "$columns columns: $table, all fields" stays_inside $columns dump "$table" --store "$work/store" --limit 5 --fields all
    done
    can_record && check "$columns columns: status" stays_inside $columns status --store "$work/store" --socket "$work/socket"
    for command in "top --store $work/store" "top --store $work/store --by program" "help" "help dump" "help record" "doctor" "verify --store $work/store" "store --store $work/store" \
        "schema exits" "schema"; do
        # shellcheck disable=SC2086
        check "$columns columns: ${command/$work\//}" stays_inside $columns $command
    done
done
end_of_checks
