#!/usr/bin/env python3
"""index-lookups.py INDEX: the median of what looking up a record costs, in microseconds; of 100,000 that
are there and are chosen at random. Looks them up with LMDB as the program does, which adds what Python
takes for a call.
"""

import random
import statistics
import sys
import time

import lmdb

COUNT = 100_000
BATCH = 100


def main(path):
    source = random.Random(1)
    environment = lmdb.open(path, max_dbs=3, readonly=True, readahead=False, lock=False)
    records = environment.open_db(b"records.2", dupsort=True, create=False)
    times = []
    with environment.begin(db=records, buffers=True) as transaction:
        with transaction.cursor() as cursor:
            keys = []
            for _ in range(COUNT):
                if cursor.set_range(source.randbytes(32)):
                    keys.append(bytes(cursor.key()))
        source.shuffle(keys)
        for first in range(0, len(keys), BATCH):
            batch = keys[first:first + BATCH]
            started = time.perf_counter()
            for key in batch:
                transaction.get(key)
            times.append((time.perf_counter() - started) / len(batch))
    print(round(statistics.median(times) * 1e6, 2))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
