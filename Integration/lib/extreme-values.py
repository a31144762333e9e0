#!/usr/bin/env python3
"""extreme-values.py VARVE REPOSITORY SEED ROUNDS KIND...: small files that are sound, but say what nobody wrote.

In every small file of these kinds, in a plain repository, each number becomes as large as it can be, one at a time, and
ROUNDS random changes of fields follow for each kind. The checksum and the name are made right again, so
that the values reach the code behind the checks. After each change commands that only read run over the
repository: they may do their work, or fail with a message (exit status 1 or 2), within a time limit. A
signal or a time-out fails the test. Format: Sources/ChunkFormat/ChunkFormat.docc/Format.md.
"""

import ctypes
import ctypes.util
import fcntl
import hashlib
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys

CRITICAL = 0x8000
TIME_LIMIT_SECONDS = 60
FAILURE_LIMIT = 40
EXTREMES = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
HOSTILE_TEXT = "a\nvarve: forged\x1b[2J\u202eb\u2028c\ufeff".encode()
HOSTILE_TEXTS = [b"", b"\x00", HOSTILE_TEXT, b"x" * 5000, b"\xff\xfe"]
# Fields that hold fields, by the path of tags that leads to them.
NESTED = {
    "revisions": {(0x8006,), (0x8007,)},
    "forgotten": {(0x8006,), (0x8007,)},
    "policy": {(0x8001,)},
    "quarantine": {(0x8004,), (0x8004, 8)},
}
TEXTS = {
    "revisions": {(0x8001,), (5,), (8,), (9,), (0x8006, 0x8001), (0x8006, 4), (0x8007, 0x8001)},
    "marks": {(2,)}, "sessions": {(3,), (5,)}, "condemned": {(0x8005,)},
    "policy": {(0x8001, 0x8001), (0x8001, 0x8003)},
    "quarantine": {(2,), (3,), (0x8004, 6), (0x8004, 7), (0x8004, 8, 2), (0x8004, 8, 3)},
}
TEXTS["forgotten"] = TEXTS["revisions"]
ALWAYS = [["check-repository"]]
COMMANDS = {
    "revisions": [
        ["revisions"], ["revisions", "--json"], ["show", "four"], ["verify", "--all"],
        ["verify", "--sample", "50%"], ["diff", "four@1", "four@0"], ["usage"], ["gc", "--dry-run"],
        ["prune", "--dry-run"], ["prune", "--dry-run", "--keep-within", "30d"],
        ["restore", "four/vda", "restored", "--force"],
        ["run", "four/vda", "--", "nbdinfo", "$uri"]],
    "marks": [["revisions"], ["show", "four", "--json"], ["verify", "--sample", "50%"],
              ["prune", "--dry-run"]],
    "sessions": [["usage"], ["gc", "--dry-run"]],
    "condemned": [["usage"], ["gc", "--dry-run"]],
    "forgotten": [["usage"], ["gc", "--dry-run"]],
    "policy": [["policy", "show"], ["prune", "--dry-run"]],
    "quarantine": [["quarantine"], ["verify", "--all"]],
}


class Digest(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


library = ctypes.CDLL(ctypes.util.find_library("xxhash"))
library.XXH3_128bits.restype = Digest
library.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def checksum(data):
    digest = library.XXH3_128bits(data, len(data))
    return struct.pack("<QQ", digest.low, digest.high)


def parse(body, nested, path=()):
    """[tag, bytes or fields]"""
    fields, position = [], 0
    while position < len(body):
        tag, length = struct.unpack_from("<HI", body, position)
        value = body[position + 6:position + 6 + length]
        inner = path + (tag,)
        fields.append([tag, parse(value, nested, inner) if inner in nested else value])
        position += 6 + length
    return fields


def encode(fields):
    values = [(tag, encode(value) if isinstance(value, list) else value) for tag, value in fields]
    return b"".join(struct.pack("<HI", tag, len(value)) + value for tag, value in values)


def leaves(fields, path=()):
    """(list, index, path) of every field that holds no fields."""
    for index, (tag, value) in enumerate(fields):
        if isinstance(value, list):
            yield from leaves(value, path + (tag,))
        else:
            yield fields, index, path + (tag,)


def numbers(value):
    """(offset, size) of the integers that may stand in a value."""
    if len(value) in (1, 2, 4, 8):
        return [(0, len(value))]
    if len(value) in (5, 9, 13, 17):  # a rule: its kind, then counts
        return [(0, 1)] + [(offset, 4) for offset in range(1, len(value) - 3, 4)]
    if len(value) % 8 == 0 and len(value) != 32:
        return [(offset, 8) for offset in range(0, len(value), 8)]
    return []


def with_number(value, offset, size, number):
    number &= (1 << (8 * size)) - 1
    return value[:offset] + number.to_bytes(size, "little") + value[offset + size:]


class Tester:
    def __init__(self, program, repository):
        self.program, self.repository = program, pathlib.Path(repository)
        self.changes = self.runs = 0
        self.failures = 0
        self.environment = dict(os.environ, VARVE_REPOSITORY=str(repository),
                                SWIFT_BACKTRACE="enable=no")

    def add_leftovers(self):
        """A session of a process that lives, this one, and a condemnation."""
        header = (self.repository / "policy").read_bytes()[:64]
        repository = header[16:32] + bytes(32)
        now = struct.pack("<q", 1_700_000_000_000_000_000)
        pack = next((self.repository / "packs/data").glob("*/*")).name
        self.write_leftover("sessions/" + 32 * "a", b"VARVESES", repository, [
            [0x8001, b"\2"], [2, now], [3, b"host"], [4, struct.pack("<i", os.getpid())],
            [5, b"a test"]])
        self.write_leftover("condemned/" + 32 * "b", b"VARVECND", repository, [
            [1, now], [0x8002, bytes.fromhex(pack)], [0x8004, b"\1"], [0x8005, 32 * b"a"]])

    def write_leftover(self, name, magic, repository, fields):
        data = magic + struct.pack("<HB5x", 1, 0) + repository + encode(fields)
        path = self.repository / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data + checksum(data))

    def files(self):
        for kind in ["revisions", "marks", "sessions", "condemned", "forgotten", "quarantine"]:
            for path in sorted((self.repository / kind).glob("*")):
                if path.is_file() and path.name != "lock":
                    yield kind, path
        yield "policy", self.repository / "policy"

    def run(self, kind, description):
        for command in COMMANDS[kind] + ALWAYS:
            self.runs += 1
            child = subprocess.Popen([self.program] + command, env=self.environment,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, start_new_session=True)
            try:
                said, _ = child.communicate(timeout=TIME_LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.communicate()
                self.fail(f"{description}: '{' '.join(command)}' did not end")
                continue
            text = said.decode(errors="replace")
            if child.returncode not in (0, 1, 2):
                self.fail(f"{description}: '{' '.join(command)}' ended with "
                          f"{child.returncode}: {text[-500:]}")
            if any(c in "\x1b\0\u202e\u2028\ufeff" for c in text) or b"\nvarve: forged" in said:
                self.fail(
                    f"{description}: '{' '.join(command)}' printed what it read: {said[-500:]!r}")
            if self.failures >= FAILURE_LIMIT:
                sys.exit("too many failures; no further changes are tried")

    def fail(self, failure):
        print(failure, flush=True)
        self.failures += 1

    def replace(self, kind, path, data):
        """Puts a file in the place of another; returns how to undo that."""
        old, new = self.originals[path], path
        path.unlink(missing_ok=True)
        made = []
        if kind in ("revisions", "forgotten", "quarantine"):
            new = path.with_name(hashlib.sha256(data).hexdigest())
        new.write_bytes(data)
        made.append(new)
        if kind == "sessions":
            self.held = new.open()
            fcntl.flock(self.held, fcntl.LOCK_EX)
        marks = self.repository / "marks" / path.name
        if kind == "revisions" and marks.exists() and new != path:
            header, fields = marks.read_bytes()[:64], parse(marks.read_bytes()[64:-16], set())
            fields[0][1] = bytes.fromhex(new.name)
            sealed = header + encode(fields)
            moved = marks.with_name(new.name)
            moved.write_bytes(sealed + checksum(sealed))
            made.append(moved)

        def undo():
            for file in made:
                file.unlink(missing_ok=True)
            path.write_bytes(old)
        return undo

    def try_change(self, kind, path, change, description):
        old = self.originals[path]
        fields = parse(old[64:-16], NESTED.get(kind, set()))
        if not change(fields):
            return
        sealed = old[:64] + encode(fields)
        undo = self.replace(kind, path, sealed + checksum(sealed))
        self.changes += 1
        self.run(kind, f"{kind}: {description}")
        undo()

    def extremes(self, kind, path):
        fields = parse(self.originals[path][64:-16], NESTED.get(kind, set()))
        places = {tags: len(numbers(holder[index][1])) for holder, index, tags in leaves(fields)
                  if tags not in TEXTS.get(kind, set())}
        for tags, count in places.items():
            for which in range(count):
                for number in (2**62, 2**64 - 1):
                    def change(fields):
                        # In all fields of that tag: sums overflow before their parts do.
                        for holder, index, found in list(leaves(fields)):
                            stand = numbers(holder[index][1])
                            if found == tags and which < len(stand):
                                offset, size = stand[which]
                                holder[index][1] = with_number(
                                    holder[index][1], offset, size, number)
                        return True
                    self.try_change(kind, path, change,
                                    f"number {which} of {[hex(t) for t in tags]} is {number}")

    def texts(self, kind, path):
        fields = parse(self.originals[path][64:-16], NESTED.get(kind, set()))
        for tags in {tags for _, _, tags in leaves(fields)} & TEXTS.get(kind, set()):
            def change(fields):
                for holder, index, found in leaves(fields):
                    if found == tags:
                        holder[index][1] = HOSTILE_TEXT
                        return True
            self.try_change(kind, path, change, f"text {[hex(t) for t in tags]} is hostile")

    def random_change(self, kind, path, generator):
        log = []

        def change(fields):
            for _ in range(generator.randint(1, 3)):
                holder, index, tags = generator.choice(list(leaves(fields)) or [(None, 0, ())])
                if holder is None:
                    return False
                value, how = holder[index][1], generator.randrange(7)
                stand = numbers(value)
                if how <= 2 and stand:
                    offset, size = generator.choice(stand)
                    holder[index][1] = with_number(value, offset, size, generator.choice(EXTREMES))
                elif how == 3:
                    holder.insert(index, [holder[index][0], value])
                elif how == 4:
                    del holder[index]
                elif how == 5:
                    holder[index][1] = generator.choice(HOSTILE_TEXTS)
                else:
                    holder[index][1] = generator.randbytes(len(value))
                log.append((tags, how))
            return True
        self.try_change(kind, path, change, f"random changes {log}")


def main():
    program, repository, seed, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    tester = Tester(program, repository)
    tester.add_leftovers()
    files = [(kind, path) for kind, path in tester.files() if kind in sys.argv[5:]]
    generator = random.Random(seed)
    tester.originals = {path: path.read_bytes() for _, path in files}
    for kind in sys.argv[5:]:
        tester.run(kind, "before any change")
    kinds = {}
    for kind, path in files:
        kinds.setdefault(kind, []).append(path)
    for kind, paths in kinds.items():
        # The one with the most in it.
        path = max(paths, key=lambda p: len(tester.originals[p]))
        tester.extremes(kind, path)
        tester.texts(kind, path)
        for _ in range(rounds):
            tester.random_change(kind, generator.choice(paths), generator)
    if set(kinds) != set(sys.argv[5:]):
        sys.exit(f"there are only files of {', '.join(kinds)}")
    print(f"{tester.changes} changes of {', '.join(kinds)}; {tester.runs} commands")
    sys.exit(bool(tester.failures))


if __name__ == "__main__":
    main()
