#!/usr/bin/env python3
"""unfinished-tests.py LOG: prints the tests that started and did not end, from the log of a test run."""

import re
import sys

EVENT = re.compile(r"Test (\".*\"|\w+\(.*?\)) (?:with \d+ test cases? )?(started|passed|failed)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

running: dict[str, int] = {}
with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
    for line in log:
        event = EVENT.search(COLOUR.sub("", line))
        if event:
            name, what = event.groups()
            running[name] = running.get(name, 0) + (1 if what == "started" else -1)
for name in sorted(name for name, count in running.items() if count > 0):
    print(f"  {name}")
