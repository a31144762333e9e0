#!/usr/bin/env python3
"""random-writes.py IMAGE EXTENTS COUNT SEED

Writes to a database's pages as a busy server does in a night: COUNT times, a random 4 KiB page of
the file whose blocks are listed in EXTENTS (`offset length` in bytes a line) gets 64 random bytes at
a random place. The same seed makes the same writes.
"""

import random
import sys

PAGE = 4096
CHANGED = 64


def main(image_path, extents_path, count, seed):
    source = random.Random(int(seed))
    with open(extents_path) as lines:
        extents = [tuple(map(int, line.split())) for line in lines]
    pages = [page for offset, length in extents for page in range(offset, offset + length, PAGE)]
    with open(image_path, "r+b", buffering=0) as image:
        for _ in range(int(count)):
            image.seek(source.choice(pages) + source.randrange(PAGE - CHANGED))
            image.write(source.randbytes(CHANGED))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
