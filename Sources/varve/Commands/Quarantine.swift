import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText

struct Quarantine: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List copies of chunks and map nodes that were found damaged.",
    usage: "varve quarantine [<options>]",
    discussion: """
      The next backup of any job that finds the same content stores it again, and 'varve repair' \
      copies it from another repository. HEALED says whether another pack now has an intact \
      copy. An entry is removed once another pack has an intact copy and the damaged copy is \
      gone. PACK is the beginning of the pack's name; --json has the whole name.
      """)

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    let listing = try repository.quarantine()
    let availability = RecordAvailability(
      records: repository.records, present: try repository.records.packsPresent(),
      quarantined: listing.records)
    let lines = try listing.copies.map { entry in
      (
        entry: entry,
        isHealed: try availability.isAvailable(entry.copy.id, type: entry.copy.type)
      )
    }
    let output = StandardOutput()
    if json.isWanted {
      try output.document(.array(lines.map { $0.entry.json(isHealed: $0.isHealed) }))
    } else if !lines.isEmpty {
      try output.table(table(of: lines))
    }
    if lines.isEmpty, listing.unreadable.isEmpty {
      Console.shared.message("the quarantine is empty")
    }
    for (name, error) in listing.unreadable {
      Console.shared.message("damaged: quarantine/\(name): \(error)")
    }
    if !listing.unreadable.isEmpty { throw ReportedFailure() }
  }

  private func table(of lines: [(entry: QuarantinedCopy, isHealed: Bool)]) -> Table {
    var table = Table([
      .left("SINCE"), .left("PACK"), .right("OFFSET"), .right("LENGTH"), .left("HEALED"),
      .text("WANTED BY"), .text("EXPECTED"), .text("FOUND"),
    ])
    for (entry, isHealed) in lines {
      let copy = entry.copy
      table.add([
        Cell(TimeZone.shown.text(of: entry.found)),
        Cell(String(copy.pack.description.prefix(16))),
        Cell("\(copy.offsetBytes)"), Cell("\(copy.lengthBytes)"),
        isHealed ? Cell("yes", .good) : Cell("no", .bad),
        Cell(copy.place.map(\.text) ?? ""), Cell(copy.expected), Cell(copy.found),
      ])
    }
    return table
  }
}

extension ContentPlace {
  fileprivate var text: String {
    "\(job)@\(revision.short) \(volume), offset \(offsetBytes)"
  }
}

extension QuarantinedCopy {
  fileprivate func json(isHealed: Bool) -> JSON {
    .object([
      "pack": .string(copy.pack.description),
      "record": .string(copy.id.description),
      "type": .string("\(copy.type)"),
      "offsetBytes": .integer(Int64(copy.offsetBytes)),
      "lengthBytes": .integer(Int64(copy.lengthBytes)),
      "expected": .string(copy.expected),
      "found": .string(copy.found),
      "isHealed": .bool(isHealed),
      "since": .string(found.rfc3339),
      "host": .string(host),
      "finder": .string(finder),
      "job": .optional(copy.place?.job),
      "revision": .optional(copy.place?.revision.description),
      "volume": .optional(copy.place?.volume),
      "volumeOffsetBytes": copy.place.map { .unsigned($0.offsetBytes) } ?? .null,
      "volumeLengthBytes": copy.place.map { .unsigned($0.lengthBytes) } ?? .null,
    ])
  }
}
