import CalendarTime
package import ChunkFormat
package import ChunkStore
package import JSONText

extension RevisionEntry {
  /// Digits enough to tell a revision from all others, as lists show them.
  package var shortID: String { id.short }

  package var sizeBytes: UInt64 { revision.volumes.sizeBytes }

  /// Of all volumes together.
  package var statistics: VolumeStatistics { revision.volumes.statistics }

  package var durationSeconds: Double {
    max(.zero, revision.finished - revision.created) / .seconds(1)
  }

  /// The document `revision`.
  package var json: JSON { json(of: revision.volumes) }

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
  fileprivate var json: JSON {
    .object([
      "time": .string(time.rfc3339),
      "checkedChunks": .unsigned(checkedChunks),
      "totalChunks": .unsigned(totalChunks),
      "damagedChunks": .unsigned(damagedChunks),
    ])
  }
}
