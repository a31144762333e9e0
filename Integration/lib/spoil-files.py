#!/usr/bin/env python3
"""spoil-files.py VARVE REPOSITORY SEED ROUNDS JOB=FILE...: spoils one file at a time, in every way.

Of each kind, up to ROUNDS files are taken. ROUNDS single bits are flipped in each of their regions; they
are also cut, emptied, removed, and replaced by another of their kind. After each, `check-repository` and a
restore of every JOB run, and the file is put back. JOB=FILE names the disk that the job's newest revision must give. Prints a table of
what happened, and fails where a restore gave wrong bytes, a program was ended by a signal, damage was
not reported, or it reached a job that the file has nothing to do with.

  reported   check-repository ended with exit status 1, or refused to open the repository
  harmless   nothing is lost and nothing has to be said: a cache, a note of a process that is gone
  restored   restores that gave every byte
  refused    restores that ended with exit status 1
"""

import collections
import hashlib
import json
import os
import random
import subprocess
import sys

HEADER = [("magic", 0, 8), ("version", 8, 10), ("sealing", 10, 11), ("zeros", 11, 16),
          ("repository", 16, 32), ("salt", 32, 64)]
KINDS = {"keys": "key slot", "revisions": "revision", "marks": "marks", "sessions": "session",
         "quarantine": "quarantine", "condemned": "condemnation", "forgotten": "forgotten",
         "policy": "policy", "index": "index"}
# What is wrong in these may be seen to without a word.
CACHES = {"index", "session"}
# That such a file is missing, nothing in the repository tells, or nothing is lost by it: a pack may hold
# what no revision needs.
MAY_BE_MISSING = {"revision", "marks", "quarantine", "condemnation", "forgotten", "policy",
                  "data pack", "map pack"} | CACHES
# Packs hold content of one job here.
OF_ONE_JOB = {"data pack", "map pack", "revision", "marks"}


def files(repository):
    """(kind, path) of every file but locks."""
    found = []
    for folder, _, names in os.walk(repository):
        for name in names:
            path = os.path.join(folder, name)
            parts = os.path.relpath(path, repository).split(os.sep)
            if name.endswith("lock") or name in ("home", "lock.mdb"):
                continue
            if parts == ["config"]:
                found.append(("configuration", path))
            elif parts[0] == "packs":
                found.append(("data pack" if parts[1] == "data" else "map pack", path))
            elif parts[0] in KINDS:
                found.append((KINDS[parts[0]], path))
    return sorted(found)


def regions(kind, content):
    """(name, first byte, end) of each region of a file."""
    size = len(content)
    if kind == "index":
        pages = range(0, size, 4096)
        for number in list(range(min(2, len(pages)))) + list(range(2, len(pages), 8)):
            yield f"page {number}" if number < 2 else "other pages", 4096 * number, 4096 * number + 4096
        return
    for name, start, end in HEADER:
        if end <= size:
            yield f"header: {name}", start, end
    if kind.endswith("pack"):
        footer = size - 40 - int.from_bytes(content[size - 40:size - 36], "little")
        position, number = 64, 0
        while position < footer and number < 3:
            end = position + 72 + int.from_bytes(content[position + 12:position + 16], "little")
            yield "record: header", position, position + 72
            yield "record: content", position + 72, end
            position, number = end, number + 1
        yield "footer", footer, size - 40
        yield "trailer", size - 40, size
    elif size > 80:
        yield "body", 64, size - 16
        yield "checksum or tag", size - 16, size


def spoilt(kind, content, others, rounds, chance):
    """(what was done, the file's new bytes, or None to remove it)."""
    for region, start, end in regions(kind, content):
        for _ in range(rounds):
            place, bit = chance.randrange(start, min(end, len(content))), chance.randrange(8)
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            yield f"bit in {region}", bytes(flipped), f"bit {bit} of byte {place}"
    if content:
        yield "cut", content[:len(content) // 2], "half of it"
        yield "emptied", b"", "nothing left"
    yield "removed", None, "removed"
    for other in others[:1]:
        yield "another's content", other, "the content of another"


class Trial:
    def __init__(self, varve, repository, jobs):
        self.varve = varve
        self.repository = repository
        self.sums = {}
        for job in jobs:
            name, disk = job.split("=", 1)
            # By its id: of a job the newest that can be read is the latest.
            revision = json.loads(self.run("show", "--json", f"{name}@latest")[1])["id"]
            with open(disk, "rb") as file:
                self.sums[revision] = hashlib.sha256(file.read()).hexdigest()
        self.table = collections.defaultdict(collections.Counter)
        self.problems = []

    def run(self, *arguments):
        result = subprocess.run([self.varve, *arguments], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, check=False)
        return result.returncode, result.stdout, result.stderr.decode(errors="replace")

    def look(self, kind, deed, where):
        """What the program makes of the repository as it is now."""
        row = self.table[(kind, deed)]
        row["trials"] += 1
        status, _, message = self.run("check-repository", "--json")
        is_reported = status == 1
        if is_reported:
            row["reported"] += 1
        elif status != 0:
            self.problems.append(f"{where}: check-repository ended with {status}: {message}")
        elif kind in CACHES or (deed == "removed" and kind in MAY_BE_MISSING):
            row["harmless"] += 1
        else:
            self.problems.append(f"{where}: not reported")
        refused = 0
        for job, expected in self.sums.items():
            status, content, message = self.run("restore", job, "-")
            if status == 0:
                row["restored"] += 1
                if hashlib.sha256(content).hexdigest() != expected:
                    self.problems.append(f"{where}: a restore of {job} gave wrong bytes")
            elif status == 1:
                row["refused"] += 1
                refused += 1
            else:
                self.problems.append(f"{where}: restore of {job} ended with {status}: {message}")
        if refused > 0 and not is_reported and kind != "revision":
            self.problems.append(f"{where}: refused, and not reported")
        if refused > 1 and kind in OF_ONE_JOB and deed != "another's content":
            self.problems.append(f"{where}: reached {refused} jobs")

    def spoil(self, kind, path, others, rounds, chance):
        with open(path, "rb") as file:
            content = file.read()
        mode = os.stat(path).st_mode
        for deed, bytes_now, detail in spoilt(kind, content, others, rounds, chance):
            put(path, bytes_now, mode)
            name = os.path.relpath(path, self.repository)
            self.look(kind, deed, f"{name}, {detail}")
            put(path, content, mode)
            if deed == "another's content" and kind.endswith("pack"):
                # The index has listed what was there under this name.
                self.run("index", "rebuild")
            if kind == "index":
                self.run("index", "rebuild")
                with open(path, "rb") as file:
                    content = file.read()

    def print_table(self):
        line = "{:14} {:24} {:>6} {:>9} {:>9} {:>9} {:>8}"
        columns = ["trials", "reported", "harmless", "restored", "refused"]
        print(line.format("file", "what was done", *columns))
        totals = collections.Counter()
        for (kind, deed), row in self.table.items():
            totals.update(row)
            print(line.format(kind, deed, *(row[column] for column in columns)))
        print(line.format("all", "", *(totals[column] for column in columns)))
        for problem in self.problems:
            print(f"PROBLEM: {problem}")


def put(path, content, mode):
    """Gives a file these bytes, in place as rot does; or removes it."""
    if content is None:
        os.remove(path)
        return
    with open(path, "r+b" if os.path.exists(path) else "w+b") as file:
        file.write(content)
        file.truncate()
    os.chmod(path, mode)


def main(varve, repository, seed, rounds, jobs):
    chance = random.Random(seed)
    trial = Trial(varve, repository, jobs)
    listing = files(repository)
    chosen = set()
    for kind in {kind for kind, _ in listing}:
        paths = sorted(path for of_kind, path in listing if of_kind == kind)
        chosen.update(chance.sample(paths, min(rounds, len(paths))))
    for kind, path in listing:
        others = []
        for other_kind, other in listing:
            if other_kind == kind and other != path:
                with open(other, "rb") as file:
                    others.append(file.read())
        if path in chosen:
            trial.spoil(kind, path, others, rounds, chance)
    trial.print_table()
    sys.exit(1 if trial.problems else 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
