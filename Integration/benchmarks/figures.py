"""The figures that varve promises, each computed from the measurements of the same run."""

from results import bytes_in_words, seconds


def figures(results):
    """Yields (what, promise, measured, whether it was reached) for all that were measured."""
    for figure in FIGURES:
        try:
            yield figure(results)
        except (TypeError, IndexError):
            # A median that this run did not measure is None, and takes part in no arithmetic.
            continue


def full_backup_beside_peers(results):
    ratio = results.best_peer("series", "full", "wall") / wall(results, "full")
    return "first full backup", "1.8 × as fast as the fastest peer", f"{ratio:.1f} ×", ratio >= 1.8


def full_backup_beside_the_machine(results):
    limit = (cpu_of_limit(results, "zstd-1") + cpu_of_limit(results, "sha256")) / 2
    ratio = wall(results, "full") / limit
    return (
        "first full backup", f"within 1.3 × of (zstd -1 + SHA-256) ÷ 2 = {seconds(limit)}",
        f"{ratio:.2f} ×", ratio <= 1.3)


def rescan_beside_peers(results):
    ratio = results.best_peer("series", "unchanged", "wall") / wall(results, "unchanged")
    return "unchanged disk", "4 × as fast as the fastest peer", f"{ratio:.1f} ×", ratio >= 4


def rescan_beside_the_machine(results):
    limit = cpu_of_limit(results, "sha256") / 2
    ratio = wall(results, "unchanged") / limit
    return (
        "unchanged disk", f"within 1.5 × of SHA-256 on two cores = {seconds(limit)}",
        f"{ratio:.2f} ×", ratio <= 1.5)


def growth_for_database_writes(results):
    own = results.median("series", "database", "varve", "growth")
    peer = results.best_peer("series", "database", "growth")
    return (
        "growth for the database writes", "1/50 of the smallest peer's",
        f"1/{peer / own:.0f} ({bytes_in_words(own)} beside {bytes_in_words(peer)})",
        own * 50 <= peer)


def restore_after_the_nights(results):
    ratio = (
        results.median("nights", "restore-last", "varve", "wall")
        / results.median("nights", "restore-first", "varve", "wall"))
    return (
        "restore of the last night", "1.5 × the time of the first", f"{ratio:.2f} ×", ratio <= 1.5)


def restore_beside_peers(results):
    ratio = results.best_peer("series", "restore", "wall") / wall(results, "restore")
    return (
        "full restore to a pipe", "3 × as fast as the fastest peer", f"{ratio:.1f} ×", ratio >= 3)


def one_random_read_at_a_time(results):
    return beside_nbdkit(
        results, "4 KiB random reads, warm, depth 1", "read-1-warm", "requests", 0.85)


def many_random_reads_at_a_time(results):
    return beside_nbdkit(
        results, "4 KiB random reads, warm, depth 16", "read-16-warm", "requests", 1.3)


def uncached_random_read(results):
    own = results.median("nbd", "read-1-uncached", "varve", "microseconds")
    return (
        "4 KiB random reads, packs in the page cache, depth 1, median", "200 µs", f"{own:.0f} µs",
        own <= 200)


def cold_random_read(results):
    own, other = (
        results.median("nbd", "read-1-uncached", tool, "microseconds")
        for tool in ("varve", "nbdkit"))
    chunk = results.median("nbd", "decompress-chunk", "limit", "microseconds")
    ratio = own / (chunk + other)
    return (
        "4 KiB random reads, packs in the page cache, depth 1, median",
        f"within 1.3 × of decompressing one chunk ({chunk:.0f} µs) + nbdkit ({other:.0f} µs)",
        f"{ratio:.2f} ×", ratio <= 1.3)


def cold_copy_over_one_connection(results):
    return beside_nbdkit(results, "nbdcopy, cold, 1 connection", "nbdcopy-1-cold", "wall", 0.6)


def cold_copy_over_four_connections(results):
    return beside_nbdkit(results, "nbdcopy, cold, 4 connections", "nbdcopy-4-cold", "wall", 0.6)


def warm_copy(results):
    return beside_nbdkit(results, "nbdcopy, warm, 4 connections", "nbdcopy-4-warm", "wall", 1.2)


def random_writes_to_an_overlay(results):
    return beside_nbdkit(
        results, "4 KiB random writes to an overlay, depth 16", "write-16-overlay", "requests", 0.7)


def beside_nbdkit(results, what, step, metric, factor):
    own, other = (results.median("nbd", step, tool, metric) for tool in ("varve", "nbdkit"))
    ratio = other / own if metric == "wall" else own / other
    return what, f"{factor} × nbdkit with the raw file", f"{ratio:.2f} ×", ratio >= factor


def many_clients_at_once(results):
    count = results.client_counts()[-1]
    ratio = results.client_rate(count) / results.client_rate(1)
    return (
        f"{count} clients, each reading another revision, in total", "0.8 × one client alone",
        f"{ratio:.2f} ×", ratio >= 0.8)


def collection_beside_peers(results):
    ratio = min(
        results.collecting(tool, "wall") for tool in ("borg", "restic")
    ) / results.collecting("varve", "wall")
    return (
        "forgetting half of the revisions, and gc", "3 × as fast as the fastest peer",
        f"{ratio:.1f} ×", ratio >= 3)


def collection_frees(results):
    ratio = (
        results.median("collection", "after", "varve", "store")
        / results.median("collection", "best", "varve", "store"))
    return (
        "the store after gc", "1.3 × of one that never had what was forgotten", f"{ratio:.2f} ×",
        ratio <= 1.3)


def verifying_everything(results):
    limit = sum(
        results.median("verification", "limit", name, "cpu") for name in ("zstd-d", "sha256")) / 2
    ratio = results.median("verification", "verify-all", "varve", "wall") / limit
    return (
        "`verify --all`", f"within 1.3 × of (zstd -d + SHA-256) ÷ 2 = {seconds(limit)}",
        f"{ratio:.2f} ×", ratio <= 1.3)


def marking(results):
    counts = [
        int(key[1].split("-")[1]) for key in results.values
        if key[0] == "scale" and key[3] == "mark-seconds"]
    count = max(counts, default=None)
    # Both revisions have nine tenths of the chunks; what they share is walked once.
    rate = count / results.median("scale", f"mark-{count}", "varve", "mark-seconds")
    return (
        f"marking, of {count:,} chunks", "1,000,000 chunks a second and core", f"{rate:,.0f}",
        rate >= 1e6)


def peak_memory(results):
    # What is measured in the part `nbd` is the clients' memory.
    own = max(
        results.largest("varve", "anonymous", but="nbd") or 0,
        results.largest("varve", "server-anonymous") or 0) or None
    return "peak memory, every operation", "256 MiB", f"{own:.0f} MiB", own <= 256


def first_byte_of_20_tebibytes(results):
    own = results.median("sparse", "first-byte-cold", "varve", "milliseconds")
    return "first byte of a 20 TiB export", "50 ms", f"{own + 0:.1f} ms", own <= 50


def listing_revisions(results):
    own = results.median("revisions", "list-cold", "varve", "wall")
    count = results.median("revisions", "list", "varve", "count")
    return f"listing {count + 0:,.0f} revisions", "1 s", seconds(own), own <= 1


def encrypted_backup(results):
    return encryption(results, "backup")


def encrypted_restore(results):
    return encryption(results, "restore")


def encryption(results, step):
    added = (
        results.median("encryption", f"{step}-encrypted", "varve", "wall")
        / results.median("encryption", f"{step}-plain", "varve", "wall") - 1) * 100
    return f"encryption, {step}", "25 % more time", f"{added:+.0f} %", added <= 25


def wall(results, step):
    return results.median("series", step, "varve", "wall")


def cpu_of_limit(results, name):
    return results.median("series", "limit", name, "cpu")


FIGURES = [
    full_backup_beside_peers,
    full_backup_beside_the_machine,
    rescan_beside_peers,
    rescan_beside_the_machine,
    growth_for_database_writes,
    restore_after_the_nights,
    restore_beside_peers,
    one_random_read_at_a_time,
    many_random_reads_at_a_time,
    uncached_random_read,
    cold_random_read,
    cold_copy_over_one_connection,
    cold_copy_over_four_connections,
    warm_copy,
    random_writes_to_an_overlay,
    many_clients_at_once,
    collection_beside_peers,
    collection_frees,
    verifying_everything,
    marking,
    peak_memory,
    first_byte_of_20_tebibytes,
    listing_revisions,
    encrypted_backup,
    encrypted_restore,
]
