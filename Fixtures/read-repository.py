#!/usr/bin/env python3
"""Reads a varve repository without varve: an independent check of the format's description.

    read-repository.py REPOSITORY check                     verify every file and every record
    read-repository.py REPOSITORY list                      revisions and their volumes
    read-repository.py REPOSITORY sums                      SHA-256 of every volume, by name
    read-repository.py REPOSITORY write ID VOLUME FILE      one volume of the revision ID

Written from Sources/ChunkFormat/ChunkFormat.docc/Format.md, with Python's standard library and the
`zstd` command. An encrypted repository takes Python's `cryptography` besides, and its passphrase in
a file: --passphrase-file FILE, or the key file: --key-file FILE.

Content is checked by its id, SHA-256, not by the XXH3 checksums, which Python does not have.
"""

import argparse
import hashlib
import hmac
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass

CRITICAL = 0x8000
HOLE = bytes(32)
RECORD_HEADER_BYTES = 72


class Damage(Exception):
    """The bytes are not what the format says."""


def demand(condition, message):
    if not condition:
        raise Damage(message)


# --- Cryptography -------------------------------------------------------------------------------


@dataclass
class Keys:
    id_key: bytes
    data_key: bytes

    def file_key(self, salt, magic):
        return hkdf(self.data_key, salt, b"varve v1 file " + magic)


def hkdf(secret, salt, information):
    """HKDF-SHA-256 (RFC 5869) of 32 bytes, which are one block."""
    extracted = hmac.digest(salt, secret, "sha256")
    return hmac.digest(extracted, information + b"\x01", "sha256")


def unseal(key, number, sealed, bound):
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(struct.pack("<I8x", number), sealed, bound)
    except InvalidTag:
        raise Damage("a seal is broken, or the key is another") from None


# --- Files --------------------------------------------------------------------------------------


@dataclass
class Header:
    bytes: bytes
    magic: bytes
    sealed: bool
    repository: bytes
    salt: bytes


def file_header(data, magic, repository=None):
    demand(len(data) >= 64, f"{len(data)} bytes are no file of a repository")
    found, version, sealing, zeros, owner, salt = struct.unpack("<8sHB5s16s32s", data[:64])
    demand(found == magic, f"expected magic {magic.decode()}, found {found!r}")
    demand(version == 1, f"version {version} is not 1")
    demand(sealing in (0, 1), f"sealing {sealing} is unknown")
    demand(zeros == bytes(5), "reserved bytes are not zeros")
    demand(repository in (None, owner), "the file is another repository's")
    return Header(data[:64], magic, sealing == 1, owner, salt)


def fields(data, known):
    """The values by tag, each a list; an unknown critical tag is refused."""
    values = {}
    while data:
        tag, length = struct.unpack_from("<HI", data)
        demand(6 + length <= len(data), "a field is cut short")
        demand(tag in known or not tag & CRITICAL, f"field {tag:#x} is unknown and critical")
        values.setdefault(tag, []).append(data[6 : 6 + length])
        data = data[6 + length :]
    return values


def number(value):
    return int.from_bytes(value, "little")


def open_envelope(data, magic, repository, keys):
    header = file_header(data, magic, repository)
    demand(header.sealed == (keys is not None), "plain and sealed files are mixed")
    if not header.sealed:
        return data[64:-16]
    return unseal(keys.file_key(header.salt, magic), 0, data[64:], header.bytes)


def rule(data):
    """A rule of a policy: its kind, a count, a span in months, days and hours, and a tag."""
    kind, data, count, span, tag = data[0], data[1:], None, None, None
    demand(kind <= 8, f"rule {kind} is unknown")
    if kind in (0, 1, 2, 3, 4, 5, 8):
        count, data = number(data[:4]), data[4:]
    if kind in (6, 8):
        span, data = struct.unpack("<III", data[:12]), data[12:]
    if kind in (7, 8):
        tag, data = data[4 : 4 + number(data[:4])].decode(), data[4 + number(data[:4]) :]
    demand(not data and count != 0 and span != (0, 0, 0), f"a rule of kind {kind} makes no sense")
    return kind, count, span, tag


def open_slot(data, repository, passphrase, key_file):
    """The keys in a key slot, or None where it is not opened by what was given."""
    header = file_header(data, b"VARVEKEY", repository)
    method, log_n, _, r, p, _created = struct.unpack("<BBHIIq", data[64:84])
    if method == 1 and passphrase is not None:
        key = hashlib.scrypt(
            passphrase, salt=header.salt, n=1 << log_n, r=r, p=p, dklen=32, maxmem=1 << 29
        )
    elif method == 2 and key_file is not None:
        key = hkdf(key_file, header.salt, b"varve v1 file VARVEKEY")
    else:
        return None
    try:
        wrapped = unseal(key, 0, data[84:164], data[:84])
    except Damage:
        return None
    return Keys(wrapped[:32], wrapped[32:])


# --- Packs --------------------------------------------------------------------------------------


@dataclass
class Entry:
    pack: "Pack"
    number: int
    offset: int
    stored: int
    plain: int
    type: int
    codec: int
    id: bytes
    base: bytes | None


class Pack:
    """One pack, read whole."""

    def __init__(self, data, magic, repository, keys):
        self.data = data
        header = file_header(data, magic, repository)
        demand(header.sealed == (keys is not None), "plain and sealed packs are mixed")
        self.header = header
        self.key = keys.file_key(header.salt, magic) if header.sealed else None
        footer_bytes, count, pack_bytes = struct.unpack("<IIQ", data[-40:-24])
        demand(data[-8:] == b"VARVEEND", "the trailer's magic is missing")
        demand(pack_bytes == len(data), f"{len(data)} bytes, not {pack_bytes} as the trailer says")
        self.footer_offset = len(data) - 40 - footer_bytes
        demand(self.footer_offset >= 64, "the footer is longer than the pack")
        footer = data[self.footer_offset : -40]
        if self.key:
            footer = unseal(self.key, 0xFFFFFFFF, footer, header.bytes)
        self.entries = list(self._entries(footer))
        demand(len(self.entries) == count, f"{len(self.entries)} records, not {count}")

    def _entries(self, footer):
        position, numbered = 64, 0
        while footer:
            offset, stored, plain, type_, codec, zeros = struct.unpack_from("<IIIBBH", footer)
            demand(type_ in (1, 2) and codec in (0, 1, 2) and zeros == 0, "a record is unknown")
            demand(offset == position, f"a record at {offset}, not at {position}")
            length = 80 if codec == 2 else 48
            base = footer[48:80] if codec == 2 else None
            yield Entry(self, numbered, offset, stored, plain, type_, codec, footer[16:48], base)
            position += RECORD_HEADER_BYTES + stored
            numbered += 1
            footer = footer[length:]
        demand(position == self.footer_offset, "the records do not reach the footer")

    def payload(self, entry):
        """The codec's input of one record."""
        start = entry.offset + RECORD_HEADER_BYTES
        header = self.data[entry.offset : start]
        claims = struct.unpack("<4sBBHIII", header[:20])
        expected = (
            b"VREC", entry.type, entry.codec, 0, entry.number, entry.stored, entry.plain,
        )
        demand(claims == expected and header[20:52] == entry.id, "header and footer differ")
        body = self.data[start : start + entry.stored]
        if entry.codec == 2:
            demand(body[:32] == entry.base, "the record is a delta from another base")
            body = body[32:]
        if not self.key:
            return body
        bound = self.header.repository + header[:68] + (entry.base or b"")
        return unseal(self.key, entry.number, body, bound)[16:]


def decompress(payload, base):
    command = ["zstd", "--decompress", "--stdout", "--quiet"]
    if base is None:
        return subprocess.run(command, input=payload, stdout=subprocess.PIPE, check=True).stdout
    with tempfile.TemporaryDirectory() as directory:
        old, frame = pathlib.Path(directory, "base"), pathlib.Path(directory, "delta")
        old.write_bytes(base)
        frame.write_bytes(payload)
        command += ["--long=27", f"--patch-from={old}", str(frame)]
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


# --- Repository ---------------------------------------------------------------------------------


@dataclass
class Volume:
    name: str
    size: int
    root: bytes


@dataclass
class Revision:
    id: str
    job: str
    created: int
    tags: list
    volumes: list
    attachments: dict
    is_unusual: bool


class Repository:
    def __init__(self, path, passphrase=None, key_file=None):
        self.path = pathlib.Path(path)
        self._open_configuration(passphrase, key_file)
        self.revisions = sorted(
            (self._revision(name, data) for name, data in self.named("revisions")),
            key=lambda revision: (revision.created, revision.id),
        )
        self.index = {}
        for kind, magic in (("data", b"VARVEPKD"), ("maps", b"VARVEPKM")):
            for name, data in self.named(f"packs/{kind}"):
                pack = self._naming(f"pack {name}", Pack, data, magic, self.id, self.keys)
                for entry in pack.entries:
                    self.index.setdefault((entry.type, entry.id), entry)

    def _open_configuration(self, passphrase, key_file):
        data = (self.path / "config").read_bytes()
        self.id = file_header(data, b"VARVECFG").repository
        claims, authentication = data[:-48], data[-48:-16]
        values = fields(claims[64:], {0x8001, 0x8002, 0x8003, 4})
        self.chunk_size = number(values[0x8001][0])
        self.keys = None
        if number(values[0x8002][0]) == 0:
            demand(authentication == bytes(32), "a plain configuration is authenticated")
            return
        slots = (open_slot(data, self.id, passphrase, key_file) for _, data in self.named("keys"))
        self.keys = next((keys for keys in slots if keys), None)
        demand(self.keys, "no key slot opens")
        inner = hmac.digest(self.keys.id_key, claims, "sha256")
        key = self.keys.file_key(self.id, b"VARVECFG")
        demand(
            hmac.digest(key, claims + inner, "sha256") == authentication,
            "the configuration was changed without the keys",
        )

    def named(self, directory):
        """The files that are named by the SHA-256 of their bytes."""
        for path in sorted((self.path / directory).rglob("*")):
            if path.is_file() and re.fullmatch("[0-9a-f]{64}", path.name):
                data = path.read_bytes()
                demand(
                    hashlib.sha256(data).hexdigest() == path.name,
                    f"{path} has not the bytes of its name",
                )
                yield path.name, data

    @staticmethod
    def _naming(what, body, *arguments):
        try:
            return body(*arguments)
        except Damage as damage:
            raise Damage(f"{what}: {damage}") from None

    def _revision(self, name, data):
        body = self._naming(
            f"revision {name}", open_envelope, data, b"VARVEREV", self.id, self.keys
        )
        values = fields(body, {0x8001, 0x8002, 0x8006, 0x8007})
        volumes = []
        for encoded in values[0x8006]:
            volume = fields(encoded, {0x8001, 0x8002, 0x8003})
            volumes.append(
                Volume(volume[0x8001][0].decode(), number(volume[0x8002][0]), volume[0x8003][0])
            )
        job, tags = self._said(name, values)
        return Revision(
            name,
            job,
            number(values[0x8002][0]),
            tags,
            volumes,
            dict(map(self._attachment, values.get(0x8007, []))),
            10 in values,
        )

    @staticmethod
    def _attachment(encoded):
        """The name, size and chunks of a document."""
        values = fields(encoded, {0x8001, 0x8002, 0x8003})
        size = number(values[0x8002][0])
        return values[0x8001][0].decode(), (size, values.get(0x8003, []))

    def _said(self, name, values):
        """The job and the tags in force: those of the marks, where there are any."""
        job, tags = values[0x8001][0], values.get(5, [])
        marks = self.path / "marks" / name
        if marks.exists():
            body = open_envelope(marks.read_bytes(), b"VARVEMRK", self.id, self.keys)
            said = fields(body, {0x8001, 0x8003, 0x8005, 0x8008})
            demand(said[0x8001] == [bytes.fromhex(name)], f"marks/{name} are another revision's")
            job, tags = said.get(0x8008, [job])[0], said.get(2, [])
        return job.decode(), [tag.decode() for tag in tags]

    def policies(self):
        """The rules by job, that of all others under None."""
        path = self.path / "policy"
        if not path.exists():
            return {}
        policies = {}
        body = open_envelope(path.read_bytes(), b"VARVEPOL", self.id, self.keys)
        for encoded in fields(body, {0x8001, 0x8002}).get(0x8001, []):
            values = fields(encoded, {0x8001, 0x8002, 0x8003})
            job = values[0x8001][0].decode() if 0x8001 in values else None
            demand(job not in policies, f"two policies of {job}")
            policies[job] = [rule(value) for value in values.get(0x8002, [])]
            demand(policies[job], f"the policy of {job} has no rules")
        return policies

    def pins(self):
        """The revisions that pins keep, by the names of the pins."""
        pins = {}
        for path in sorted((self.path / "pins").glob("*")):
            if not re.fullmatch("[0-9a-f]{32}", path.name):
                continue
            body = open_envelope(path.read_bytes(), b"VARVEPIN", self.id, self.keys)
            values = fields(body, {0x8001, 2, 3, 4, 5, 6, 7, 8})
            demand(all(len(value) == 1 for value in values.values()), "a pin says something twice")
            pins[path.name] = values[0x8001][0].hex()
        return pins

    def content(self, type_, id_):
        """The plaintext under an id, which is computed again."""
        entry = self.index.get((type_, id_))
        demand(entry, f"no pack holds {id_.hex()}")
        payload = entry.pack.payload(entry)
        if entry.codec == 0:
            plain = payload
        else:
            base = None
            if entry.codec == 2:
                # Of the record's own type, and never a delta itself.
                base_entry = self.index.get((type_, entry.base))
                demand(base_entry and base_entry.codec != 2, f"{id_.hex()} has no sound base")
                base = self.content(type_, entry.base)
            plain = decompress(payload, base)
        demand(len(plain) == entry.plain, f"{id_.hex()} has {len(plain)} bytes")
        demand(self.identify(type_, plain) == id_, f"{id_.hex()} holds other content")
        return plain

    def identify(self, type_, plain):
        if self.keys:
            digest = hmac.digest(self.keys.id_key, plain, "sha256")
        else:
            digest = hashlib.sha256(plain).digest()
        return digest if type_ == 1 else bytes(byte ^ 0xFF for byte in digest)

    def chunks(self, volume):
        """Offset and id of every chunk of a volume that is no hole, in order."""
        count = -(-volume.size // self.chunk_size)
        levels = 1
        while 256**levels < count:
            levels += 1
        if volume.root != HOLE:
            yield from self._chunks(volume.root, levels - 1, 0)

    def _chunks(self, id_, level, first):
        node = self.content(2, id_)
        demand(node[0] == 1 and node[1] == level and node[2:4] == bytes(2), "another node")
        position = 36
        for index in range(256):
            if node[4 + index // 8] >> index % 8 & 1:
                child = node[position : position + 32]
                position += 32
                chunk = first + index * 256**level
                if level:
                    yield from self._chunks(child, level - 1, chunk)
                else:
                    yield chunk * self.chunk_size, child
        demand(position == len(node), "a node has more bytes than children")

    def write(self, volume, file):
        for offset, id_ in self.chunks(volume):
            content = self.content(1, id_)
            demand(
                len(content) == min(self.chunk_size, volume.size - offset),
                f"the chunk at {offset} has {len(content)} bytes",
            )
            file.seek(offset)
            file.write(content)
        file.truncate(volume.size)


# --- Commands -----------------------------------------------------------------------------------


def check(repository):
    for type_, id_ in repository.index:
        repository.content(type_, id_)
    for revision in repository.revisions:
        for volume in revision.volumes:
            for _, id_ in repository.chunks(volume):
                demand((1, id_) in repository.index, f"no pack holds chunk {id_.hex()}")
        for name, (size, chunks) in revision.attachments.items():
            found = sum(len(repository.content(1, id_)) for id_ in chunks)
            demand(found == size, f"attachment {name} has {found} bytes, not {size}")
    repository.policies()
    for pin, revision in repository.pins().items():
        places = [repository.path / name / revision for name in ("revisions", "forgotten")]
        demand(any(place.exists() for place in places), f"pin {pin} keeps a revision that is lost")
    print(f"{len(repository.revisions)} revisions, {len(repository.index)} records: sound")


def list_revisions(repository):
    for revision in repository.revisions:
        for volume in revision.volumes:
            tags = ",".join(revision.tags)
            unusual = "  unusual" if revision.is_unusual else ""
            print(
                f"{revision.id}  {revision.job}/{volume.name}  {volume.size} bytes  {tags}{unusual}"
            )


def sums(repository):
    for revision in repository.revisions:
        for volume in revision.volumes:
            with tempfile.TemporaryFile() as file:
                repository.write(volume, file)
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            alone = len(revision.volumes) == 1
            for tag in revision.tags:
                suffix = "" if alone else f"/{volume.name}"
                print(f"{digest}  {revision.job}@tag:{tag}{suffix}")


def write(repository, revision_id, volume_name, path):
    found = [
        volume
        for revision in repository.revisions
        if revision.id.startswith(revision_id)
        for volume in revision.volumes
        if volume.name == volume_name
    ]
    demand(len(found) == 1, f"{len(found)} volumes have that name")
    with open(path, "wb") as file:
        repository.write(found[0], file)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("repository")
    parser.add_argument("--passphrase-file", type=pathlib.Path)
    parser.add_argument("--key-file", type=pathlib.Path)
    parser.add_argument("command", choices=["check", "list", "sums", "write"])
    parser.add_argument("arguments", nargs="*", metavar="ID VOLUME FILE")
    given = parser.parse_args()
    if len(given.arguments) != (3 if given.command == "write" else 0):
        parser.error("write takes a revision, a volume and a file; the others take nothing")
    passphrase = given.passphrase_file and given.passphrase_file.read_bytes().rstrip(b"\n")
    key_file = given.key_file and given.key_file.read_bytes()
    commands = {"check": check, "list": list_revisions, "sums": sums, "write": write}
    try:
        repository = Repository(given.repository, passphrase, key_file)
        commands[given.command](repository, *given.arguments)
    except Damage as damage:
        sys.exit(f"damaged: {damage}")


if __name__ == "__main__":
    main()
