#!/usr/bin/env python3
"""many-revisions.py REPOSITORY COUNT: makes the one revision of a plain repository COUNT of them, each a second
older than the one before, without backing anything up. Format: Sources/ChunkFormat/ChunkFormat.docc/Format.md.
"""

import ctypes
import ctypes.util
import hashlib
import pathlib
import struct
import sys

CREATED = struct.pack("<HI", 0x8002, 8)


class Hash(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


library = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0")
library.XXH3_128bits.restype = Hash
library.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]

directory = pathlib.Path(sys.argv[1]) / "revisions"
(path,) = (path for path in directory.iterdir() if len(path.name) == 64)
body = path.read_bytes()[:-16]
place = body.index(CREATED) + len(CREATED)
(created,) = struct.unpack_from("<q", body, place)
for number in range(1, int(sys.argv[2])):
    copy = body[:place] + struct.pack("<q", created - number * 10**9) + body[place + 8:]
    digest = library.XXH3_128bits(copy, len(copy))
    copy += struct.pack("<QQ", digest.low, digest.high)
    (directory / hashlib.sha256(copy).hexdigest()).write_bytes(copy)
