import Administration
import CalendarTime
import ChunkFormat
import ChunkStore
import GarbageCollection

extension StoreUsage {
  var table: Table {
    var table = Table([
      .text("JOB"), .right("REVISIONS"), .right("SIZE"), .right("DATA"), .right("UNIQUE"),
    ])
    for job in jobs {
      table.add([
        Cell(job.job), Cell("\(job.revisions.count)"),
        Cell(Quantities.bytes(job.newest?.sizeBytes ?? 0)),
        Cell(Quantities.bytes(job.newest?.statistics.dataBytes ?? 0)),
        Cell(Quantities.bytes(job.exclusiveBytes)),
      ])
    }
    return table
  }

  /// What concerns all jobs.
  var lines: [String] {
    let ratio =
      chunkStoredBytes == 0
      ? "" : " (\(Quantities.share(chunkStoredBytes, of: max(chunkPlainBytes, 1))))"
    return [
      "all packs                 \(Quantities.bytes(storeBytes)) in \(Quantities.count(packs, "pack"))",
      "shared between jobs       \(Quantities.bytes(sharedBetweenJobs.storedBytes))",
      "forgotten, but in use     \(Quantities.bytes(held.storedBytes))",
      "delta bases only          \(Quantities.bytes(bases.storedBytes))",
      "maps                      \(Quantities.bytes(maps.storedBytes))",
      "distinct chunks           \(Quantities.bytes(chunkPlainBytes)), stored in "
        + "\(Quantities.bytes(chunkStoredBytes))\(ratio); \(Quantities.count(deltas, "delta"))",
      unreadable.isEmpty
        ? "garbage                   \(Quantities.bytes(garbageBytes))\(garbageBytes > 0 ? "; run 'varve gc' to free it" : "")"
        : "garbage                   unknown: a revision cannot be read",
    ] + (prunableBytes.map { ["pruning would free        \(Quantities.bytes($0))"] } ?? [])
  }
}

extension StoreUsage.JobUsage {
  fileprivate var newest: RevisionEntry? { revisions.last?.entry }

  var table: Table {
    var table = Table([
      .left("TIME"), .text("REVISION"), .left("ID"), .right("SIZE"), .right("DATA"),
      .right("UNIQUE"),
    ])
    for (number, revision) in revisions.enumerated() {
      let entry = revision.entry
      table.add([
        Cell(TimeZone.shown.text(of: entry.revision.created)),
        Cell("\(job)@\(revisions.count - 1 - number)"),
        Cell(entry.shortID),
        Cell(Quantities.bytes(entry.sizeBytes)),
        Cell(Quantities.bytes(entry.statistics.dataBytes)),
        Cell(Quantities.bytes(revision.exclusive.storedBytes)),
      ])
    }
    return table
  }
}
