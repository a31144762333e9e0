#!/usr/bin/env python3
"""A SQLite database like an application's: rows of text and numbers, about 2:1 compressible.

database.py make PATH MEBIBYTES SEED    a new database of about that size
database.py update PATH ROWS SEED       UPDATEs of that many random rows, of unchanged length
"""

import random
import sqlite3
import sys

WORDS = (
    "account address amount balance bridge canal cargo circle contract customer delivery "
    "engine factory garden harbour invoice journal kitchen ledger letter machine market "
    "minute notice office order packet payment quarter receipt record river season ship "
    "signal station storage street supply ticket timber tower transfer valley vessel window"
).split()
ROW_BYTES = 400


def row(source):
    """Half of a row is words, half is what does not compress: identifiers and amounts."""
    note = " ".join(source.choices(WORDS, k=24))[:150].ljust(150)
    return (source.randbytes(96).hex()[:170], note, source.randrange(10**9))


def make(path, mebibytes, seed):
    source = random.Random(seed)
    database = sqlite3.connect(path)
    database.executescript(
        "PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
        "CREATE TABLE entries (id INTEGER PRIMARY KEY, token TEXT, note TEXT, amount INTEGER);")
    rows = mebibytes * 1048576 // ROW_BYTES
    with database:
        database.executemany(
            "INSERT INTO entries (token, note, amount) VALUES (?, ?, ?)",
            (row(source) for _ in range(rows)))
    database.close()


def update(path, rows, seed):
    source = random.Random(seed)
    database = sqlite3.connect(path)
    database.executescript("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;")
    (last,) = database.execute("SELECT max(id) FROM entries").fetchone()
    with database:
        for _ in range(rows):
            token, note, amount = row(source)
            database.execute(
                "UPDATE entries SET note = ?, amount = ? WHERE id = ?",
                (note, amount, source.randint(1, last)))
    database.close()


def main(arguments):
    match arguments:
        case ["make", path, mebibytes, seed]:
            make(path, int(mebibytes), int(seed))
        case ["update", path, rows, seed]:
            update(path, int(rows), int(seed))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
