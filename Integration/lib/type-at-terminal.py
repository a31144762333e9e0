"""Runs a command on a terminal of its own, and types something into it.

type-at-terminal.py AWAITED TYPED COMMAND [ARGUMENT...]: types TYPED, in which \\n and \\x03 are what they are in
Python, once AWAITED was written. Prints what was written to the terminal; ends as the command ends."""

import os
import pty
import select
import sys

awaited, typed, *command = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
written, was_typed = b"", False
while select.select([terminal], [], [], 20)[0]:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    written += piece
    if not was_typed and awaited.encode() in written:
        os.write(terminal, typed.encode().decode("unicode_escape").encode())
        was_typed = True
sys.stdout.buffer.write(written)
if not was_typed:
    sys.exit(f"'{awaited}' was not written")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
