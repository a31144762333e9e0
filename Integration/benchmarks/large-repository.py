#!/usr/bin/env python3
"""large-repository.py REPOSITORY CHUNKS

Fills an empty repository that is not encrypted with the packs, maps and two revisions of a volume of so
many chunks of 128 KiB, as they would be after years of backups: every pack has its length, its footer
and its records' places, and every map node is real. Only the chunks' content is left out: where it
would be, the files have holes. The revision `large@first` has the first nine tenths of the chunks,
`large@latest` the last nine tenths. Follows the page `Format`.
"""

import hashlib
import os
import struct
import sys

import numpy
import xxhash

CHUNK = 128 << 10
PACK = 32 << 20
HEADER = 72
FANOUT = 256
ENTRY = numpy.dtype([
    ("offset", "<u4"), ("stored", "<u4"), ("plain", "<u4"), ("type", "u1"), ("codec", "u1"),
    ("zeros", "<u2"), ("id", "S32"),
])


def checksum(data):
    """XXH3-128 as it is stored, the low word first."""
    return xxhash.xxh3_128_digest(data)[::-1]


class Repository:
    def __init__(self, path):
        self.path = path
        with open(f"{path}/config", "rb") as config:
            self.identifier = config.read(32)[16:32]

    def header(self, magic):
        return magic + struct.pack("<HB5x", 1, 0) + self.identifier + bytes(32)

    def write_pack(self, kind, magic, pieces, entries):
        """`pieces` are records' bytes by their offsets; the rest of the records' range is a hole."""
        footer = entries.tobytes()
        last = entries[-1]
        end = int(last["offset"]) + HEADER + int(last["stored"])
        trailer = struct.pack("<IIQ", len(footer), len(entries), end + len(footer) + 40)
        name = os.urandom(32).hex()
        directory = f"{self.path}/packs/{kind}/{name[:2]}"
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/{name}", "wb") as pack:
            pack.write(self.header(magic))
            for offset, data in pieces:
                pack.seek(offset)
                pack.write(data)
            pack.seek(end)
            pack.write(footer + trailer + checksum(footer + trailer) + b"VARVEEND")

    def write_envelope(self, directory, magic, fields):
        body = self.header(magic) + b"".join(
            struct.pack("<HI", tag, len(value)) + value for tag, value in fields)
        data = body + checksum(body)
        with open(f"{self.path}/{directory}/{hashlib.sha256(data).hexdigest()}", "wb") as file:
            file.write(data)


def write_chunks(repository, ids, source):
    """Data packs: chunks that compress to 28 to 68 KiB."""
    first = 0
    while first < len(ids):
        lengths = source.integers(28 << 10, 68 << 10, size=PACK // (28 << 10))
        ends = numpy.cumsum(lengths + HEADER)
        count = min(int(numpy.searchsorted(ends, PACK)) + 1, len(ids) - first)
        entries = numpy.zeros(count, ENTRY)
        entries["offset"] = 64 + numpy.concatenate(([0], ends[:count - 1]))
        entries["stored"] = lengths[:count]
        entries["plain"] = CHUNK
        entries["type"] = 1
        entries["codec"] = 1
        entries["id"] = ids[first:first + count]
        repository.write_pack("data", b"VARVEPKD", [], entries)
        first += count


class Nodes:
    """Map nodes, gathered into packs; each is written once."""

    def __init__(self, repository):
        self.repository = repository
        self.known = set()
        self.clear()

    def clear(self):
        self.pieces, self.rows, self.end = [], [], 64

    def add(self, level, children):
        """`children` by their positions; returns the node's id."""
        bitmap = bytearray(32)
        for position in children:
            bitmap[position // 8] |= 1 << position % 8
        plain = struct.pack("<BBH", 1, level, 0) + bytes(bitmap) + b"".join(children.values())
        identifier = bytes(255 - byte for byte in hashlib.sha256(plain).digest())
        if identifier in self.known:
            return identifier
        self.known.add(identifier)
        start = struct.pack(
            "<4sBBHIII", b"VREC", 2, 0, 0, len(self.rows), len(plain), len(plain)
        ) + identifier + checksum(plain)
        self.pieces.append((self.end, start + checksum(start)[:4] + plain))
        self.rows.append((self.end, len(plain), len(plain), 2, 0, 0, identifier))
        self.end += HEADER + len(plain)
        if self.end > PACK:
            self.flush()
        return identifier

    def flush(self):
        if self.rows:
            self.repository.write_pack(
                "maps", b"VARVEPKM", self.pieces, numpy.array(self.rows, ENTRY))
        self.clear()


def write_map(nodes, ids, chunks):
    """The map of a volume that has the chunks `chunks` of `ids`; returns the root."""
    level, layer = 0, {}
    for group in range(chunks.start // FANOUT, -(-chunks.stop // FANOUT)):
        first = max(chunks.start, group * FANOUT)
        last = min(chunks.stop, (group + 1) * FANOUT)
        layer[group] = nodes.add(
            0, {number % FANOUT: bytes(ids[number]) for number in range(first, last)})
    width = -(-len(ids) // FANOUT)
    while width > 1:
        level, width = level + 1, -(-width // FANOUT)
        above = {}
        for position, identifier in layer.items():
            above.setdefault(position // FANOUT, {})[position % FANOUT] = identifier
        layer = {position: nodes.add(level, children) for position, children in above.items()}
    return layer[0]


def write_revision(repository, root, chunks, count, moment):
    statistics = struct.pack("<7Q", count * CHUNK, len(chunks) * CHUNK, len(chunks), 0, 0, 0, 0)
    volume = [
        (0x8001, b"disk"), (0x8002, struct.pack("<Q", count * CHUNK)), (0x8003, root),
        (4, b"made up"), (5, statistics),
    ]
    repository.write_envelope("revisions", b"VARVEREV", [
        (0x8001, b"large"), (0x8002, struct.pack("<q", moment)), (3, struct.pack("<q", moment)),
        (0x8006, b"".join(struct.pack("<HI", tag, len(value)) + value for tag, value in volume)),
        (8, b"nowhere"), (9, b"large-repository.py"),
    ])


def main(path, count):
    count = int(count)
    repository, source = Repository(path), numpy.random.default_rng(count)
    # Numpy cuts zeros off the ends of such strings: no id ends with one.
    data = source.integers(0, 256, size=(count, 32), dtype=numpy.uint8)
    data[:, 31] |= 1
    ids = numpy.frombuffer(data.tobytes(), "S32")
    del data
    write_chunks(repository, ids, source)
    nodes = Nodes(repository)
    tenth = count // 10
    for moment, chunks in enumerate((range(0, count - tenth), range(tenth, count))):
        root = write_map(nodes, ids, chunks)
        write_revision(repository, root, chunks, count, 1_700_000_000_000_000_000 + moment)
    nodes.flush()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
