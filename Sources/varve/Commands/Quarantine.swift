import Administration
import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore

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
    let list = try QuarantineListRequest().run(on: repository.open())
    let output = StandardOutput()
    if json.isWanted {
      try output.document(list.json)
    } else if !list.copies.isEmpty {
      try output.table(table(of: list.copies))
    }
    if list.copies.isEmpty, list.unreadable.isEmpty {
      Console.shared.message("the quarantine is empty")
    }
    for (name, error) in list.unreadable {
      Console.shared.message("damaged: quarantine/\(name): \(error.textWithRemedies)")
    }
    if !list.unreadable.isEmpty { throw ReportedFailure() }
  }

  private func table(of copies: [QuarantineListOutcome.Copy]) -> Table {
    var table = Table([
      .left("SINCE"), .left("PACK"), .right("OFFSET"), .right("LENGTH"), .left("HEALED"),
      .text("NEEDED BY"), .text("EXPECTED"), .text("FOUND"),
    ])
    for listed in copies {
      let copy = listed.entry.copy
      table.add([
        Cell(TimeZone.shown.text(of: listed.entry.found)),
        Cell(String(copy.pack.description.prefix(16))),
        Cell("\(copy.offsetBytes)"), Cell("\(copy.lengthBytes)"),
        listed.isHealed ? Cell("yes", .good) : Cell("no", .bad),
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
