import CalendarTime
package import ChunkFormat
package import ChunkStore
import Inspection
package import JSONText

/// Lists the copies that were found damaged, and whether another pack has an intact copy.
package struct QuarantineListRequest: Sendable {
  package init() {}

  /// - Throws: `StoreError`.
  package func run(on repository: Repository) throws -> QuarantineListOutcome {
    let listing = try repository.quarantine()
    let availability = RecordAvailability(
      records: repository.records, present: try repository.records.packsPresent(),
      quarantined: listing.records)
    let copies = try listing.copies.map { copy in
      QuarantineListOutcome.Copy(
        entry: copy, isHealed: try availability.isAvailable(copy.copy.id, type: copy.copy.type))
    }
    return QuarantineListOutcome(copies: copies, unreadable: listing.unreadable)
  }
}

package struct QuarantineListOutcome: Sendable {
  package struct Copy: Sendable {
    package let entry: QuarantinedCopy
    /// Whether another pack has an intact copy.
    package let isHealed: Bool
  }

  package let copies: [Copy]
  /// Reports that exist and cannot be read: which copies they name is not known.
  package let unreadable: [(name: QuarantineReportID, error: StoreError)]

  /// The document `quarantine`.
  package var json: JSON { .array(copies.map(\.json)) }
}

extension QuarantineListOutcome.Copy {
  fileprivate var json: JSON {
    let copy = entry.copy
    return .object([
      "pack": .string(copy.pack.description),
      "record": .string(copy.id.description),
      "type": .string("\(copy.type)"),
      "offsetBytes": .integer(Int64(copy.offsetBytes)),
      "lengthBytes": .integer(Int64(copy.lengthBytes)),
      "expected": .string(copy.expected),
      "found": .string(copy.found),
      "isHealed": .bool(isHealed),
      "since": .string(entry.found.rfc3339),
      "host": .string(entry.host),
      "finder": .string(entry.finder),
      "job": .optional(copy.place?.job),
      "revision": .optional(copy.place?.revision.description),
      "volume": .optional(copy.place?.volume),
      "volumeOffsetBytes": copy.place.map { .unsigned($0.offsetBytes) } ?? .null,
      "volumeLengthBytes": copy.place.map { .unsigned($0.lengthBytes) } ?? .null,
    ])
  }
}
