#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Types command lines into a real, interactive shell, presses TAB, and reads what stands in the line afterwards.

usage: press_tab.py bash|zsh DIRECTORY-OF-OBIT COMPLETION-FILE
"""
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

# What is typed, and what stands there after TAB.
CASES = [
    ("obit du", "obit dump "),
    ("obit help ver", "obit help verify "),
    ("obit dump exi", "obit dump exits "),
    ("obit schema cgr", "obit schema cgroups "),
    ("obit dump exits --wh", "obit dump exits --where "),
    ("obit record --retain-a", "obit record --retain-age "),
    ("obit record --sched del", "obit record --sched delay "),
    ("obit record --retain-bytes no", "obit record --retain-bytes none "),
    ("obit dump exits --format js", "obit dump exits --format jsonl "),
    ("obit dump exits --format=js", "obit dump exits --format=jsonl "),
    ("obit export --to parq", "obit export --to parquet "),
    ("obit export --table rolls", "obit export --table rolls"),
    ("obit export --table roll", "obit export --table rollups "),
    ("obit dump exits --fields core_d", "obit dump exits --fields core_dumped"),
    ("obit dump exits --fields pid,core_d", "obit dump exits --fields pid,core_dumped"),
    ("obit dump exits --fields comm,+ident", "obit dump exits --fields comm,+identity"),
    ("obit dump ledger --fields queue_h", "obit dump ledger --fields queue_high_water_bytes"),
    ("obit dump exits --fields queue_h", "obit dump exits --fields queue_h"),
    ("obit dump ledger --sort -queue_h", "obit dump ledger --sort -queue_high_water_bytes"),
    ("obit dump exits --group-by core_d", "obit dump exits --group-by core_dumped"),
    ("obit dump exits --where 'pid > 1 and core_d", "obit dump exits --where 'pid > 1 and core_dumped"),
    ("obit verify --store DIRECTORY/onl", "obit verify --store DIRECTORY/only-one/"),
    ("obit nonsense --st", "obit nonsense --st"),
]
DEADLINE_S = 20
SETUP = {
    "bash": """PS1='$ '; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; . {file}
show() {{ printf '\\n<<%s>>\\n' "$READLINE_LINE"; READLINE_LINE=; }}; bind -x '"\\C-g": show'; echo rea''dy
""",
    "zsh": """PS1='$ '; unsetopt BEEP; fpath=({directory} $fpath); autoload -U compinit; compinit -u -D; bindkey '^I' complete-word
show() {{ zle -I; print -r -- "<<$BUFFER>>"; BUFFER= }}; zle -N show; bindkey '^G' show; echo rea''dy
""",
}
COMMANDS = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}


class Shell:
    def __init__(self, name, obit_directory, file):
        self.master, slave = pty.openpty()
        environment = {"PATH": obit_directory + ":" + os.environ["PATH"], "TERM": "dumb", "LC_ALL": "C",
                       "HOME": "/nonexistent", "COLUMNS": "500"}
        self.process = subprocess.Popen(COMMANDS[name], stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        start_new_session=True)
        os.close(slave)
        self.send(SETUP[name].format(file=file, directory=os.path.dirname(file)))
        self.read_until(r"ready\r?\n")

    def send(self, text):
        os.write(self.master, text.encode())

    def read_until(self, pattern):
        seen, deadline = "", time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.1)[0]:
                seen += os.read(self.master, 65536).decode(errors="replace")
                found = re.search(pattern, seen)
                if found:
                    return found
        raise TimeoutError(f"the shell did not say {pattern}; it said {seen!r}")

    def complete(self, line):
        self.send(line + "\t\x07")
        return self.read_until(r"<<(.*)>>\r?\n").group(1)

    def close(self):
        os.close(self.master)
        self.process.kill()
        self.process.wait()


def main():
    name, obit_directory, file = sys.argv[1:]
    shell = Shell(name, os.path.abspath(obit_directory), os.path.abspath(file))
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(directory + "/only-one")
        for typed, wanted in CASES:
            typed, wanted = (text.replace("DIRECTORY", directory) for text in (typed, wanted))
            found = shell.complete(typed)
            # How a shell ends a word is its own: a space, the quote closed, zsh's = after an option.
            is_same = found.rstrip(" '/=") == wanted.rstrip(" '/=")
            failed += not is_same
            print(f"{'ok    ' if is_same else 'FAIL  '} {name}: {typed}" + ("" if is_same else f": {found!r}"))
    shell.close()
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
