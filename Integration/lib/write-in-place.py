#!/usr/bin/env python3
"""write-in-place.py IMAGE EXTENTS BEFORE AFTER

Writes those 4 KiB pages of the file AFTER that differ from BEFORE into IMAGE, at the places where a
file system inside IMAGE keeps them. EXTENTS has a line `offset length`, in bytes, for each extent of
the file, in order. Prints how many pages were written.
"""

import sys

PAGE = 4096


def pages_of(extents_path):
    """Where in the image each page of the file lies."""
    with open(extents_path) as lines:
        for line in lines:
            offset, length = map(int, line.split())
            yield from range(offset, offset + length, PAGE)


def main(image_path, extents_path, before_path, after_path):
    written = 0
    with open(image_path, "r+b") as image, open(before_path, "rb") as before, \
            open(after_path, "rb") as after:
        for place in pages_of(extents_path):
            old, new = before.read(PAGE), after.read(PAGE)
            if old != new:
                image.seek(place)
                image.write(new)
                written += 1
        if after.read(1):
            sys.exit(f"{after_path} is longer than its extents in {image_path}")
    print(f"{written} pages of 4 KiB changed")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
