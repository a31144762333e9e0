"""The measurements of one run of Integration/benchmark, and questions about them."""

import collections
import statistics

TOOLS = {
    "varve": "varve",
    "borg": "borg",
    "borg_fixed": "borg, fixed 4 MiB",
    "restic": "restic",
    "casync": "casync",
    "benji": "benji",
}
STEPS = {
    "full": "first full backup",
    "unchanged": "nothing changed",
    "blocks": "20 blocks changed",
    "database": "random database writes",
    "files": "files changed",
    "restore": "full restore to a pipe",
}


NBD_TOOLS = {
    "varve": "varve",
    "nbdkit": "nbdkit, raw file",
    "qemu": "qemu-nbd, raw file",
    "benji": "benji",
}
# Step, what it is, and the metric that tells how fast it was.
NBD_STEPS = {
    "read-1-warm": ("4 KiB random reads, warm, depth 1", "requests"),
    "read-16-warm": ("4 KiB random reads, warm, depth 16", "requests"),
    "read-1-uncached": ("4 KiB random reads, uncached, depth 1, median", "microseconds"),
    "nbdcopy-1-cold": ("`nbdcopy`, cold, 1 connection", "wall"),
    "nbdcopy-4-cold": ("`nbdcopy`, cold, 4 connections", "wall"),
    "nbdcopy-4-uncached": ("`nbdcopy`, uncached, 4 connections", "wall"),
    "nbdcopy-1-warm": ("`nbdcopy`, warm, 1 connection", "wall"),
    "nbdcopy-4-warm": ("`nbdcopy`, warm, 4 connections", "wall"),
    "write-16-overlay": ("4 KiB random writes, depth 16", "requests"),
}


class Results:
    def __init__(self, path):
        self.values = collections.defaultdict(list)
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                part, step, tool, metric, value = line.rstrip("\n").split("\t")
                self.values[part, step, tool, metric].append(float(value))

    def median(self, part, step, tool, metric):
        """None when it was not measured."""
        values = self.values.get((part, step, tool, metric))
        return statistics.median(values) if values else None

    def tools(self, part):
        measured = {key[2] for key in self.values if key[0] == part}
        return [tool for tool in TOOLS if tool in measured]

    def best_peer(self, part, step, metric):
        """The smallest median of the other tools; None when there is none."""
        medians = [self.median(part, step, tool, metric) for tool in TOOLS if tool != "varve"]
        return min((value for value in medians if value is not None), default=None)

    def largest(self, tool, metric, but=None):
        """Of all parts but one."""
        values = [
            max(values) for key, values in self.values.items()
            if key[2:] == (tool, metric) and key[0] != but
        ]
        return max(values, default=None)

    def client_counts(self):
        """How many NBD clients read at once, in the measurements of that."""
        return sorted(
            int(step.removeprefix("clients-")) for _, step, _, metric in self.values
            if step.startswith("clients-") and metric == "bytes")

    def client_rate(self, count):
        """Bytes a second of so many NBD clients together."""
        step = f"clients-{count}"
        return (
            self.median("nbd", step, "varve", "bytes") / self.median("nbd", step, "varve", "wall"))

    def collecting(self, tool, metric):
        """Of forgetting revisions and of freeing what they needed, together."""
        steps = [self.median("collection", step, tool, metric) for step in ("forget", "collect")]
        return sum(steps)

    def nights(self, tool):
        """The store's size after each night, the first being the full backup."""
        sizes = []
        while (size := self.median("nights", f"night-{len(sizes)}", tool, "store")) is not None:
            sizes.append(size)
        return sizes


def bytes_in_words(count):
    if count < 10_000:
        return f"{count:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        count /= 1024
        if count < 1000 or unit == "GiB":
            return f"{count:.{0 if count >= 100 else 1 if count >= 10 else 2}f} {unit}"
    raise AssertionError


def seconds(value):
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
