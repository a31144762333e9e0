#!/usr/bin/env python3
"""scattered-writes.py FILE COUNT: COUNT random pages of 4 KiB, spread evenly over a sparse file."""

import os
import random
import sys

path, count = sys.argv[1], int(sys.argv[2])
source = random.Random(5)
with open(path, "r+b") as file:
    size = os.fstat(file.fileno()).st_size
    for number in range(count):
        file.seek(size // count * number // 4096 * 4096)
        file.write(source.randbytes(4096))
