#!/usr/bin/env python3
"""random-bytes.py COUNT SEED: writes COUNT bytes that do not compress, the same for the same seed."""

import random
import sys

PIECE = 1 << 20

left, source = int(sys.argv[1]), random.Random(int(sys.argv[2]))
while left > 0:
    sys.stdout.buffer.write(source.randbytes(min(PIECE, left)))
    left -= PIECE
