#!/usr/bin/env python3
"""forget.py PATH...: asks the kernel to drop the cached pages of files, and of all below directories.

Only clean pages can be dropped, so sync first.
"""

import os
import sys


def forget(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


for argument in sys.argv[1:]:
    if os.path.isdir(argument):
        for directory, _, names in os.walk(argument):
            for name in names:
                if os.path.isfile(os.path.join(directory, name)):
                    forget(os.path.join(directory, name))
    else:
        forget(argument)
