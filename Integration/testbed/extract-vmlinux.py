#!/usr/bin/env python3
"""extract-vmlinux.py BZIMAGE OUTPUT: the ELF kernel inside a bzImage.

QEMU starts it by the PVH entry in a second; under TCG, the bzImage's own decompressor takes ten.
The layout is that of the kernel's Documentation/arch/x86/boot.rst, protocol 2.08 and later.
"""

import lzma
import struct
import subprocess
import sys


def decompressed(payload):
    if payload[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(payload)
    if payload[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dc"], input=payload, capture_output=True).stdout
    if payload[:4] == b"\x02\x21\x4c\x18":
        return subprocess.run(["lz4", "-dc"], input=payload, capture_output=True).stdout
    sys.exit("unknown compression of the kernel: " + payload[:8].hex())


def main(image_path, output_path):
    with open(image_path, "rb") as file:
        image = file.read()
    setup_sectors = image[0x1F1] or 4
    payload_offset, payload_length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + payload_offset
    kernel = decompressed(image[start:start + payload_length])
    if kernel[:4] != b"\x7fELF":
        sys.exit(f"{image_path} holds no ELF kernel")
    with open(output_path, "wb") as file:
        file.write(kernel)


if __name__ == "__main__":
    main(*sys.argv[1:])
