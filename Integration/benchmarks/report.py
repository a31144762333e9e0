#!/usr/bin/env python3
"""report.py RESULTS MACHINE: the documentation's page about a run of Integration/benchmark."""

import datetime
import sys

from figures import figures
from results import NBD_STEPS, NBD_TOOLS, STEPS, TOOLS, Results, bytes_in_words, seconds

INTRODUCTION = """\
# Benchmark

What backing up and restoring costs, beside other programs and beside what the machine can do at all.

Written by `Integration/benchmark` on {date}; every figure on this page comes from that one run, where the
list below does not say otherwise. The programs take turns on the same disk; times are medians. Each reads
the whole disk, since none is told what changed, and none verifies after its backup. borg and varve
compress like `zstd -1`; restic always encrypts; borg runs with its default chunks and with
`fixed,4194304`; benji with its default blocks of 4 MiB and zstd at level 1. casync and benji cannot
restore to a pipe and write a file instead; benji leaves holes there. Stores are measured without the
caches that each program could make anew.

![Bars: the time of each step, by program; the speed over NBD. Lines: each store's growth over the nights.](benchmark)

## The machine and the disk

{machine}
"""


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + rows
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def cell(value, words):
    return "–" if value is None else words(value)


def mebibytes(value):
    return f"{value:.0f} MiB"


def series_table(results, metric, words):
    tools = results.tools("series")
    rows = []
    for step, name in STEPS.items():
        medians = [results.median("series", step, tool, metric) for tool in tools]
        if any(value is not None for value in medians):
            rows.append([name] + [cell(value, words) for value in medians])
    if metric == "growth":
        stores = [results.median("series", "all", tool, "store") for tool in tools]
        rows.append(["the store in the end"] + [cell(value, words) for value in stores])
        # The others' caches, which cannot all be told from their stores, are left out.
        index = results.median("series", "files", "varve", "index")
        if index is not None:
            rows.append(
                ["varve's index in the end, not counted above", words(index)]
                + ["–"] * (len(tools) - 1))
    return table(["", *(TOOLS[tool] for tool in tools)], rows)


def promises(results):
    rows = [
        [what, promise, measured, "yes" if reached else "**no**"]
        for what, promise, measured, reached in figures(results)
    ]
    if rows:
        yield "## What varve promises\n"
        yield table(["work", "at least, or at most", "measured", "reached"], rows)


def limits(results):
    rows = []
    for name, words in (
        ("cat", "`cat` to a pipe"), ("sha256", "`openssl dgst -sha256`"),
        ("zstd-1", "`zstd -1`, one thread"), ("zstd-d", "`zstd --test`, decompressing only"),
    ):
        wall = results.median("series", "limit", name, "wall")
        if wall is not None:
            cpu = results.median("series", "limit", name, "cpu")
            rows.append([words, seconds(wall), seconds(cpu)])
    if rows:
        allocated = results.median("series", "disk", "limit", "allocated")
        yield "## What the machine can do\n"
        yield f"With the {bytes_in_words(allocated)} of the disk that are allocated.\n"
        yield table(["", "wall", "CPU"], rows)


def series(results):
    if not results.tools("series"):
        return
    yield "## A disk's life\n"
    for heading, metric, words in (
        ("Wall time", "wall", seconds), ("CPU time", "cpu", seconds),
        ("Growth of the store", "growth", bytes_in_words),
        ("Peak resident memory", "resident", mebibytes),
        ("Of that, anonymous memory", "anonymous", mebibytes),
    ):
        yield f"### {heading}\n"
        yield series_table(results, metric, words)


def unchanged(results):
    """What a backup of an unchanged disk costs besides reading and hashing it."""
    own = {
        metric: results.median("series", "unchanged", "varve", metric) for metric in ("wall", "cpu")}
    limits = [results.median("series", "limit", name, "cpu") for name in ("sha256", "cat")]
    if None in (*own.values(), *limits):
        return
    hashing, reading = limits
    yield "### An unchanged disk\n"
    yield (
        "Of the CPU time that varve takes for it; hashing is what `openssl` takes, reading what `cat` "
        "takes, which also writes to a pipe. The rest is the index, the map, and the revision.\n")
    yield table(["", "CPU"], [
        ["varve", seconds(own["cpu"])], ["hashing", seconds(hashing)],
        ["reading, with `cat`", seconds(reading)],
        ["the rest, beside hashing", seconds(own["cpu"] - hashing)]])


def nights(results):
    sizes = {tool: results.nights(tool) for tool in TOOLS if results.nights(tool)}
    if not sizes:
        return
    last = max(len(values) for values in sizes.values()) - 1
    chosen = sorted({0, 1, 2, last // 3, last * 2 // 3, last} & set(range(last + 1)))
    yield f"## {last} nights of random database writes\n"
    yield "The size of the store after each night; night 0 is the first full backup.\n"
    yield table(
        ["night", *(TOOLS[tool] for tool in sizes)],
        [[str(night)] + [bytes_in_words(values[night]) for values in sizes.values()]
         for night in chosen])
    yield "Restoring the first and the last of them to a pipe:\n"
    yield table(
        ["", *(TOOLS[tool] for tool in sizes)],
        [[words] + [cell(results.median("nights", step, tool, "wall"), seconds) for tool in sizes]
         for step, words in (("restore-first", "night 0"), ("restore-last", f"night {last}"))])


def varve_alone(results):
    """Tables of one program: part, heading, and the steps with their names."""
    for part, heading, steps in (
        ("sparse", "A volume of 20 TiB, nearly all hole", {
            "backup": "backup", "restore": "restore to a file"}),
        ("revisions", "Listing revisions", {
            "list-cold": "cold cache", "list-warm": "warm cache", "list-json": "as JSON"}),
        ("encryption", "What encryption costs", {
            "backup-plain": "backup, plain", "backup-encrypted": "backup, encrypted",
            "restore-plain": "restore, plain", "restore-encrypted": "restore, encrypted"}),
        ("verification", "What verification adds to a backup", {
            "backup-none": "none", "backup-5%": "5 % of the chunks", "backup-full": "all chunks",
            "verify-all": "`verify --all` afterwards"}),
    ):
        rows = [
            [name, seconds(wall), seconds(results.median(part, step, "varve", "cpu")),
             mebibytes(results.median(part, step, "varve", "anonymous"))]
            for step, name in steps.items()
            if (wall := results.median(part, step, "varve", "wall")) is not None
        ]
        if rows:
            yield f"## {heading}\n"
            yield table(["", "wall", "CPU", "anonymous memory"], rows)


NBD_INTRODUCTION = """\
All serve the same disk, nbdkit and qemu-nbd as a raw file. Cold: nothing of the disk or the store is in
memory. Uncached: the page cache holds the packs, and the server has read nothing yet. Warm: the server
has read everything, and its cache is larger than the disk; else it is of the default size. Writes go to an
overlay that is private to the connection; for the others, into a copy of the disk. benji serves its own
backup, from a cache on disk that is empty at first, and only one connection at a time; it is asked for so
few random blocks that most are not in that cache, as with varve.
"""


def nbd(results):
    words = {
        "wall": seconds, "requests": lambda value: f"{value:,.0f} /s",
        "microseconds": lambda value: f"{value:,.0f} µs",
    }
    rows = []
    for step, (name, metric) in NBD_STEPS.items():
        medians = [results.median("nbd", step, tool, metric) for tool in NBD_TOOLS]
        if any(value is not None for value in medians):
            rows.append([name] + [cell(value, words[metric]) for value in medians])
    if rows:
        yield "## Over NBD\n"
        yield NBD_INTRODUCTION
        yield table(["", *NBD_TOOLS.values()], rows)
    rows = [
        [str(count), f"{bytes_in_words(results.client_rate(count))}/s",
         mebibytes(results.median("nbd", f"clients-{count}", "varve", "server-anonymous"))]
        for count in results.client_counts()
    ]
    if rows:
        yield "Clients at once, each reading another revision of a database over a connection of its own:\n"
        yield table(["clients", "all together", "the server's anonymous memory"], rows)


COLLECTION_INTRODUCTION = """\
Every other revision is forgotten (`varve forget`, `borg delete`, `restic forget`), then what only these needed
is freed (`varve gc`, `borg compact`, `restic prune`). A program that stores less of each revision has less to
free. So the table also shows a store into which only the other half was backed up: what is left at best.
varve keeps a pack until 30 % of it is garbage, and the bases of deltas that are still needed.
"""


def collection(results):
    tools = [tool for tool in results.tools("collection")]
    if not tools:
        return
    yield "## Freeing what half of the revisions needed\n"
    yield COLLECTION_INTRODUCTION
    rows = [
        [words] + [cell(results.median("collection", step, tool, metric), form) for tool in tools]
        for words, step, metric, form in (
            ("forgetting", "forget", "wall", seconds), ("freeing", "collect", "wall", seconds),
            ("CPU of forgetting", "forget", "cpu", seconds),
            ("CPU of freeing", "collect", "cpu", seconds),
            ("anonymous memory of freeing", "collect", "anonymous", mebibytes),
            ("the store before", "before", "store", bytes_in_words),
            ("the store afterwards", "after", "store", bytes_in_words),
            ("of that, bases of deltas that no revision has", "bases", "store", bytes_in_words),
            ("of that, garbage", "garbage", "store", bytes_in_words),
            ("a store that never had them", "best", "store", bytes_in_words))
    ]
    freed = [
        results.median("collection", "before", tool, "store")
        - results.median("collection", "after", tool, "store") for tool in tools
    ]
    rows.append(["freed"] + [bytes_in_words(value) for value in freed])
    yield table(["", *(TOOLS[tool] for tool in tools)], rows)


def small(results):
    revisions = results.median("small", "revisions", "many", "count")
    if revisions is None:
        return
    yield "## Many small revisions\n"
    yield (
        f"{revisions:,.0f} revisions beside one with the same bytes, "
        f"{bytes_in_words(results.median('small', 'bytes', 'many', 'count'))}, none of which compress.\n")
    rows = [
        [name] + [
            cell(results.median("small", f"{step}-{kind}", "varve", metric), seconds)
            for metric in ("wall", "cpu") for kind in ("many", "one")]
        for step, name in (
            ("merge", "the first `varve gc`, which merges small packs"),
            ("gc", "the next, which has nothing to do"),
            ("sample", "`varve verify --sample 1%`"), ("verify", "`varve verify --all`"))
    ]
    yield table(
        ["", "wall, many", "wall, one", "CPU, many", "CPU, one"], rows)


def scale(results):
    counts = sorted(
        int(key[1].split("-")[1]) for key in results.values
        if key[0] == "scale" and key[1].startswith("mark-") and key[3] == "wall")
    if not counts:
        return
    yield "## How it grows\n"
    yield (
        "Made-up repositories, whose packs have all but content: two revisions of one volume, each with "
        "nine tenths of the chunks. Collecting is after the first was forgotten.\n")
    rows = []
    for name, step, metric, form in (
        ("rebuilding the index", "rebuild", "wall", seconds),
        ("the index", "rebuild", "bytes", bytes_in_words),
        ("looking up a record, median", "lookup", "microseconds", lambda value: f"{value:.1f} µs"),
        ("`varve revisions`", "revisions", "wall", seconds),
        ("`varve gc --dry-run`", "mark", "wall", seconds),
        ("of that, marking", "mark", "mark-seconds", seconds),
        ("of that, the index", "mark", "survey-seconds", seconds),
        ("its anonymous memory", "mark", "anonymous", mebibytes),
        ("`varve gc`", "collect", "wall", seconds),
        ("packs deleted", "collect", "packs", lambda value: f"{value:,.0f}"),
    ):
        rows.append([name] + [
            cell(results.median("scale", f"{step}-{count}", "varve", metric), form)
            for count in counts])
    yield table(["", *(f"{count:,} chunks" for count in counts)], rows)


def main(results_path, machine_path):
    results = Results(results_path)
    with open(machine_path, encoding="utf-8") as lines:
        machine = "\n".join(f"- {line.strip()}" for line in lines)
    print(INTRODUCTION.format(date=datetime.date.today().isoformat(), machine=machine))
    for part in (
        promises, limits, series, unchanged, nights, nbd, varve_alone, collection, small, scale,
    ):
        for text in part(results):
            print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
