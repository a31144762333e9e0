#!/usr/bin/env python3
"""copy-revisions.py SOCKET COUNT: COUNT clients at once, each of which reads all of another revision of
the job `disk`, the newest and those before it, on one connection."""

import subprocess
import sys


def main(socket, count):
    clients = [
        subprocess.Popen(
            ["nbdcopy", "--connections=1", f"nbd+unix:///disk@{number}?socket={socket}", "null:"])
        for number in range(count)
    ]
    # All of them are waited for, whatever becomes of the first.
    return max([abs(client.wait()) for client in clients])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
