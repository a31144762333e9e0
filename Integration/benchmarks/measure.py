#!/usr/bin/env python3
"""measure.py FILE [--server PID] COMMAND...

Runs COMMAND and writes to FILE what it took, a line `metric value` each.

wall, cpu       seconds
resident        peak resident memory, MiB (the kernel's own count of the command's process)
anonymous       peak anonymous memory, MiB, sampled every 10 ms: what the machine has to have. The
                rest of the resident memory is mapped files, which the kernel takes back at will.
server-anonymous  the same of the process PID, which serves the command

The exit status is COMMAND's.
"""

import os
import resource
import sys
import threading
import time

SAMPLE_SECONDS = 0.01
KIBIBYTES_PER_MEBIBYTE = 1024


def field(pid, name):
    """A field of /proc/PID/status, in KiB; 0 when the process has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as lines:
            for line in lines:
                if line.startswith(name):
                    return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


class Watch(threading.Thread):
    """Samples a process's memory until it is told to end."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.anonymous, self.resident = pid, 0, 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(SAMPLE_SECONDS):
            self.anonymous = max(self.anonymous, field(self.pid, "RssAnon:"))
            # The high-water mark since exec; rusage would count this interpreter's as well.
            self.resident = max(self.resident, field(self.pid, "VmHWM:"))


def mebibytes(kibibytes):
    return round(kibibytes / KIBIBYTES_PER_MEBIBYTE, 1)


def main(path, server, command):
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    watches = [Watch(pid)] + [Watch(server)] * bool(server)
    for watch in watches:
        watch.start()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    wall = time.monotonic() - started
    for watch in watches:
        watch.ended.set()
        watch.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(path, "w", encoding="ascii") as file:
        print("wall", round(wall, 4), file=file)
        print("cpu", round(used.ru_utime + used.ru_stime, 4), file=file)
        print("resident", mebibytes(watches[0].resident), file=file)
        print("anonymous", mebibytes(watches[0].anonymous), file=file)
        if server:
            print("server-anonymous", mebibytes(watches[1].anonymous), file=file)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    server, command = None, sys.argv[2:]
    if command[0] == "--server":
        server, command = int(command[1]), command[2:]
    sys.exit(main(sys.argv[1], server, command))
