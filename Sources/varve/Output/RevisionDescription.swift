import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText

extension Repository {
  /// All revisions, oldest first; with a warning for each that cannot be read.
  func readableRevisions() throws -> [RevisionEntry] { try revisionsWithWarnings().entries }

  /// The same, with those that cannot be read.
  func revisionsWithWarnings() throws -> RevisionListing {
    let listing = try revisions()
    for warning in listing.warnings { Console.shared.warning(warning) }
    return listing
  }

  /// The revision that a reference stands for.
  func revision(_ reference: RevisionReference) throws -> RevisionEntry {
    let entry = try revisionsWithWarnings().revision(reference)
    entry.warn()
    return entry
  }
}

extension RevisionListing {
  /// Of the revisions that cannot be read: any of them may be the one that was meant.
  var warnings: [String] {
    unreadable.map { "revision \($0.id) cannot be read: \($0.error)" }
  }
}

extension RevisionEntry {
  /// What whoever uses it should know.
  var warnings: [String] {
    marks.trust == .distrusted ? ["revision \(shortID) of \(revision.job) is distrusted"] : []
  }

  func warn() {
    for warning in warnings { Console.shared.warning(warning) }
  }

  /// Digits enough to tell a revision from all others, as lists show them.
  var shortID: String { id.short }

  /// `1f3a9c02be77 of web01, 2026-11-20 01:30:04`.
  var oneLine: String {
    "\(shortID) of \(revision.job), \(TimeZone.shown.text(of: revision.created))"
  }

  var sizeBytes: UInt64 { revision.volumes.sizeBytes }

  /// Of all volumes together.
  var statistics: VolumeStatistics { revision.volumes.statistics }

  var durationSeconds: Double {
    max(.zero, revision.finished - revision.created) / .seconds(1)
  }

  /// `verified`, or how far; `unusual` where it was accepted as that.
  var trustCell: Cell {
    revision.isUnusual ? Cell("\(verificationCell.text), unusual", .doubtful) : verificationCell
  }

  /// The same, with whether it is protected.
  var stateCell: Cell {
    let trust = trustCell
    return marks.isProtected ? Cell("\(trust.text), protected", trust.colour) : trust
  }

  private var verificationCell: Cell {
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

  /// Revisions of which something is to become, so that one can see what they are.
  static func table(of entries: [RevisionEntry]) -> Table {
    var table = Table([
      .left("TIME"), .text("JOB"), .left("ID"), .right("SIZE"), .text("TRUST"), .text("TAGS"),
    ])
    for entry in entries {
      table.add([
        Cell(TimeZone.shown.text(of: entry.revision.created)), Cell(entry.revision.job),
        Cell(entry.shortID), Cell(Quantities.bytes(entry.sizeBytes)), entry.trustCell,
        Cell(entry.marks.tags.joined(separator: ",")),
      ])
    }
    return table
  }

  /// The revision as lists and `show` print it.
  var json: JSON { json(of: revision.volumes) }

  /// The same with only these of its volumes, which the sizes are of, too.
  func json(of volumes: [RevisionVolume]) -> JSON {
    let statistics = volumes.statistics
    return .object([
      "id": .string(id.description),
      "job": .string(revision.job),
      "created": .string(revision.created.rfc3339),
      "finished": .string(revision.finished.rfc3339),
      "durationSeconds": .seconds(durationSeconds),
      "sizeBytes": .unsigned(volumes.sizeBytes),
      "dataBytes": .unsigned(statistics.dataBytes),
      "newBytes": .unsigned(statistics.newBytes),
      "storedBytes": .unsigned(statistics.storedBytes),
      "tags": .strings(marks.tags),
      "isProtected": .bool(marks.isProtected),
      "isUnusual": .bool(revision.isUnusual),
      "trust": .string(marks.trust.description),
      "verification": marks.verification?.json ?? .null,
      "parent": .optional(revision.parent?.description),
      "host": .string(revision.host),
      "program": .string(revision.program),
      "volumes": .array(volumes.map(\.json)),
      "attachments": .array(
        revision.attachments.map {
          .object(["name": .string($0.name), "sizeBytes": .unsigned($0.sizeBytes)])
        }),
    ])
  }
}

extension [RevisionVolume] {
  fileprivate var sizeBytes: UInt64 { map(\.sizeBytes).saturatingSum() }

  fileprivate var statistics: VolumeStatistics {
    reduce(into: VolumeStatistics()) { $0 += $1.statistics }
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
      "time": .string(time.rfc3339),
      "checkedChunks": .unsigned(checkedChunks),
      "totalChunks": .unsigned(totalChunks),
      "damagedChunks": .unsigned(damagedChunks),
    ])
  }
}
