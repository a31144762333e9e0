#!/usr/bin/env python3
"""golden-volumes.py STATE: writes the golden repositories' volumes, as they are in state 1, 2 or 3.

web01.raw   a hole between random data and text; a page of it changes from state to state, so that
            states 2 and 3 are stored as deltas on state 1
vda.raw     grows with each state and ends in the middle of a chunk
vdb.raw     nothing but zeros at first, then one byte
domain.xml  an attachment
"""

import random
import sys

KIBIBYTE = 1024
CHUNK = 64 * KIBIBYTE


def web01(state):
    source = random.Random(1)
    volume = bytearray(40 * CHUNK)
    volume[0:CHUNK // 2] = source.randbytes(CHUNK // 2)
    text = b"".join(b"%08d a line of the golden volume\n" % number for number in range(6000))
    volume[30 * CHUNK:30 * CHUNK + len(text)] = text
    for change in range(2, state + 1):
        start = 30 * CHUNK + change * 4096
        volume[start:start + 64] = random.Random(change).randbytes(64)
    return volume


def vda(state):
    return random.Random(2).randbytes(20 * KIBIBYTE * state + 1)


def vdb(state):
    volume = bytearray(3 * CHUNK)
    if state > 1:
        volume[-1] = state
    return volume


def main(state):
    for name, contents in (("web01.raw", web01), ("vda.raw", vda), ("vdb.raw", vdb)):
        with open(name, "wb") as file:
            file.write(contents(state))
    with open("domain.xml", "w", encoding="ascii") as file:
        file.write(f"<domain><name>db01</name><title>state {state}</title></domain>\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
