import ChunkFormat
import ChunkStore

extension Repository {
  /// All revisions, oldest first; with a warning for each that cannot be read.
  func readableRevisions() throws -> [RevisionEntry] {
    let listing = try revisions()
    for (id, error) in listing.unreadable {
      Console.shared.warning("revision \(id) cannot be read: \(error)")
    }
    return listing.entries
  }

  /// The revision that a reference stands for.
  func revision(_ reference: RevisionReference) throws -> RevisionEntry {
    let entry = try reference.revision(in: try readableRevisions())
    if entry.marks.trust == .distrusted {
      Console.shared.warning("revision \(entry.shortID) of \(entry.revision.job) is distrusted")
    }
    return entry
  }
}

extension RevisionListing {
  /// Why there is no revision of `job`: it may have one that cannot be read.
  func unknown(job: String) -> any Error {
    guard let (id, error) = unreadable.first else {
      return ReferenceError.unknown(job: job, in: entries)
    }
    let others = unreadable.count > 1 ? " and \(unreadable.count - 1) more" : ""
    return Failure(
      .notFound,
      "no revision of '\(job)' can be read; revision \(id)\(others) may be one of it: \(error); bring "
        + "the file back from a copy of the repository, or give it up with 'varve forget ID --yes'")
  }
}

extension RevisionEntry {
  /// Digits enough to tell a revision from all others, as lists show them.
  var shortID: String { id.short }

  /// `1f3a9c02be77 of web01, 2026-11-20 01:30:04`.
  var oneLine: String {
    "\(shortID) of \(revision.job), \(LocalTime.system.text(of: revision.created))"
  }

  var sizeBytes: UInt64 { revision.volumes.reduce(0) { $0 + $1.sizeBytes } }

  /// Of all volumes together.
  var statistics: VolumeStatistics {
    revision.volumes.reduce(into: VolumeStatistics()) { $0 += $1.statistics }
  }

  var durationSeconds: Double {
    Double(max(0, revision.finished - revision.created)) / 1e9
  }

  /// `verified`, or how far.
  var trustCell: Cell {
    switch marks.trust {
    case .verified: Cell("verified", .good)
    case .distrusted: Cell("distrusted", .bad)
    case .trusted:
      // After damage was found, somebody declared the revision trusted again: that verification says
      // nothing for it.
      Cell(
        marks.verification.flatMap {
          $0.damagedChunks == 0 ? "trusted (\($0.shareText) verified)" : nil
        } ?? "trusted")
    }
  }

  /// The revision as lists and `show` print it.
  var json: JSON {
    let statistics = statistics
    return .object([
      "id": .string(id.description),
      "job": .string(revision.job),
      "created": .string(revision.created.timestamp),
      "finished": .string(revision.finished.timestamp),
      "durationSeconds": .seconds(durationSeconds),
      "sizeBytes": .unsigned(sizeBytes),
      "dataBytes": .unsigned(statistics.dataBytes),
      "newBytes": .unsigned(statistics.newBytes),
      "storedBytes": .unsigned(statistics.storedBytes),
      "tags": .strings(marks.tags),
      "isProtected": .bool(marks.isProtected),
      "trust": .string(marks.trust.description),
      "verification": marks.verification?.json ?? .null,
      "parent": .optional(revision.parent?.description),
      "host": .string(revision.host),
      "program": .string(revision.program),
      "volumes": .array(revision.volumes.map(\.json)),
      "attachments": .array(
        revision.attachments.map {
          .object(["name": .string($0.name), "sizeBytes": .unsigned($0.sizeBytes)])
        }),
    ])
  }
}

extension RevisionVolume {
  fileprivate var json: JSON {
    .object([
      "name": .string(name),
      "source": .string(source),
      "sizeBytes": .unsigned(sizeBytes),
      "dataBytes": .unsigned(statistics.dataBytes),
      "readBytes": .unsigned(statistics.readBytes),
      "newBytes": .unsigned(statistics.newBytes),
      "storedBytes": .unsigned(statistics.storedBytes),
      "newChunks": .unsigned(statistics.newChunks),
      "deltaChunks": .unsigned(statistics.deltaChunks),
      "knownChunks": .unsigned(statistics.knownChunks),
    ])
  }
}

extension VerificationMark {
  /// `5 %`, rounded down, so that 100 % means all.
  var shareText: String { Quantities.share(checkedChunks, of: totalChunks) }

  fileprivate var json: JSON {
    .object([
      "time": .string(time.timestamp),
      "checkedChunks": .unsigned(checkedChunks),
      "totalChunks": .unsigned(totalChunks),
      "damagedChunks": .unsigned(damagedChunks),
    ])
  }
}
