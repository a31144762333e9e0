#!/usr/bin/env python3
"""document-commands.py FILE: the shell commands that a Markdown document shows, as one script.

Every block fenced as ```sh is meant to be typed, so it becomes part of the script, in order. Blocks
of other kinds are output or code, and may not show a varve command that then nobody would run:
that is an error.

- A command that takes this project's own scripts or the compiler is left out here when the table
  below says what runs it instead.
- A date is taken for today's, since no revision of the test is older.
- Nothing is added: what a command in the background has to do first, the document waits for itself.
"""

import datetime
import re
import sys

RUN_ELSEWHERE = {
    "Integration/quickstart": "suites/quickstart.bash",
    "Integration/quickstart disk.qcow2": "suites/quickstart.bash",
    "Integration/test": "the run that this belongs to",
    "Integration/test --list": "suites/documentation.bash",
    "Integration/benchmark": "suites/benchmark.bash, with --quick",
    "Integration/benchmark --quick": "suites/benchmark.bash",
    "Fixtures/regenerate": "suites/fixtures.bash",
    "swift build -c release --static-swift-stdlib --product varve": "lib/build.bash",
    "swift build": "lib/unit-tests.bash",
}
SHOWS_COMMAND = re.compile(r"^\s*(\$ |# )?varve [a-z]")


def blocks(path):
    """Yields (language, number of the first line, lines) of each fenced block."""
    fence = None
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            opening = re.match(r"^\s*(```+)(\w*)", line)
            if fence is None and opening:
                fence, language, start, content = opening[1], opening[2], number + 1, []
            elif fence is not None and line.strip() == fence:
                yield language, start, content
                fence = None
            elif fence is not None:
                content.append(line.rstrip("\n"))
    if fence is not None:
        sys.exit(f"{path}: the block that begins in line {start} has no end")


def runnable(line):
    command = line.split(" #")[0].strip()
    if command in RUN_ELSEWHERE:
        return f": {command!r} is run by {RUN_ELSEWHERE[command]!r}"
    line = re.sub(r"\b20\d\d-\d\d-\d\d\b", datetime.date.today().isoformat(), line)
    return line


def main(path):
    for language, start, lines in blocks(path):
        if language == "sh":
            print(f"# {path}:{start}")
            print("\n".join(runnable(line) for line in lines))
        else:
            for number, line in enumerate(lines, start):
                if SHOWS_COMMAND.match(line):
                    sys.exit(f"{path}:{number}: a command in a block that is not ```sh: {line}")


if __name__ == "__main__":
    main(sys.argv[1])
