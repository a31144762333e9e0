"""Types command lines into a real shell on a terminal, presses Tab, and prints what comes of them.

type-and-complete.py bash|zsh|fish SCRIPT: reads lines from standard input; each is typed, then Tab. Prints
for each a line with the words that it has become, a blank between two."""

import os
import pty
import re
import select
import sys
import time

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
SETUP = {
    "bash": "bind 'set enable-bracketed-paste off'; source {}",
    "zsh": "unsetopt zle_bracketed_paste; autoload -Uz compinit && compinit -u -D; source {}",
    "fish": "function fish_greeting; end; source {}",
}


class Shell:
    def __init__(self, kind):
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm", PS1="$ ", HOME=os.getcwd(), LC_ALL="C.UTF-8")
            os.execvp(SHELLS[kind][0], SHELLS[kind])

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read(self, pattern, seconds=30):
        """Everything up to what matches the pattern."""
        text, deadline = "", time.monotonic() + seconds
        while not re.search(pattern, text):
            if not select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))[0]:
                sys.exit(f"no {pattern!r} in {text!r}")
            text += os.read(self.terminal, 65536).decode(errors="replace")
        return text

    def quiet(self, seconds):
        """Waits until nothing was written for a while."""
        while select.select([self.terminal], [], [], seconds)[0]:
            if not os.read(self.terminal, 65536):
                break


kind, script = sys.argv[1:]
shell = Shell(kind)
# The digits are computed, so that the typed line is not taken for its output.
shell.type(SETUP[kind].format(script) + "; printf 'begin%s\\n' 1\n")
shell.read("begin1\\s")
shell.quiet(0.3)
for line in sys.stdin.read().splitlines():
    # Tab is done before the next key is looked at: then the words are printed in place of the command.
    shell.type(line + "\t")
    shell.type("\x01printf '<%s>\\n' \x05; printf 'end%s\\n' 1\n")
    text = shell.read("end1\\s")
    print(*re.findall(r"<([^<>\n]*)>\r?\n", text), flush=True)
os.close(shell.terminal)
