#!/usr/bin/env python3
"""every-eighth-chunk.py BYTES: copies every eighth piece of so many bytes from standard input to standard
output; at least one."""

import sys

size, number = int(sys.argv[1]), 0
while chunk := sys.stdin.buffer.read(size):
    if number % 8 == 0:
        sys.stdout.buffer.write(chunk)
    number += 1
