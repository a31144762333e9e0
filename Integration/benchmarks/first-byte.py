#!/usr/bin/env python3
"""first-byte.py URI: connects 20 times and prints, in ms, how long each took from before connecting
until the export's first byte was there."""

import sys
import time

import nbd

for _ in range(20):
    started = time.monotonic()
    connection = nbd.NBD()
    connection.connect_uri(sys.argv[1])
    connection.pread(1, 0)
    print(round((time.monotonic() - started) * 1000, 2))
    connection.shutdown()
