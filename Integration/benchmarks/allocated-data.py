#!/usr/bin/env python3
"""allocated-data.py IMAGE: writes the parts of a sparse file that are not holes, one after the other."""

import errno
import os
import sys

PIECE = 1 << 22

descriptor = os.open(sys.argv[1], os.O_RDONLY)
position, size = 0, os.fstat(descriptor).st_size
while position < size:
    try:
        position = os.lseek(descriptor, position, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            break
        raise
    end = os.lseek(descriptor, position, os.SEEK_HOLE)
    while position < end:
        data = os.pread(descriptor, min(PIECE, end - position), position)
        sys.stdout.buffer.write(data)
        position += len(data)
