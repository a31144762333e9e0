import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText

struct Revisions: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List revisions, oldest first.",
    usage: "varve revisions [<job>] [<options>]",
    discussion: """
      REVISION is the name to use in other commands; its number counts back from the newest, \
      which is 0. It changes with the next backup; the ID does not. NEW DATA is content that the \
      repository did not have; STORED is the space that it takes, compressed and as deltas. \
      TRUST also shows which revisions are protected ('varve protect').

        varve revisions
        varve revisions web01 --tag nightly
        varve revisions --json | jq -r '.[] | select(.trust == "distrusted") | .id'
      """,
    aliases: ["list", "ls", "snapshots"])

  @Argument(help: "Only this job's.", transform: NameArgument.job)
  var job: String?

  @Option(
    help: ArgumentHelp("Only those with this tag.", valueName: "name"), transform: NameArgument.tag)
  var tag: String?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let listing = try repository.open().revisions()
    if let job { _ = try listing.history(of: job) }
    let rows = numbered(listing.entries).filter { row in
      (job == nil || row.entry.revision.job == job)
        && (tag.map(row.entry.marks.tags.contains) ?? true)
    }
    let output = StandardOutput()
    if json.isWanted {
      try output.document(.array(rows.map(\.entry.json)))
    } else if !rows.isEmpty {
      try output.table(table(of: rows))
    }
    if rows.isEmpty, listing.unreadable.isEmpty {
      Console.shared.message(tag.map { "no revisions with the tag '\($0)'" } ?? "no revisions")
    }
    try report(unreadable: listing.unreadable)
  }

  /// Every revision with its number, counted back in its job.
  private func numbered(_ entries: [RevisionEntry]) -> [(number: Int, entry: RevisionEntry)] {
    var counts: [String: Int] = [:]
    return entries.reversed().map { entry in
      let number = counts[entry.revision.job, default: 0]
      counts[entry.revision.job] = number + 1
      return (number, entry)
    }.reversed()
  }

  private func table(of rows: [(number: Int, entry: RevisionEntry)]) -> Table {
    var table = Table([
      .left("TIME"), .text("REVISION"), .left("ID"), .right("SIZE"), .right("NEW DATA"),
      .right("STORED"), .text("TRUST"), .text("TAGS"),
    ])
    for (number, entry) in rows {
      let statistics = entry.statistics
      table.add([
        Cell(TimeZone.shown.text(of: entry.revision.created)),
        Cell("\(entry.revision.job)@\(number)"),
        Cell(entry.shortID),
        Cell(Quantities.bytes(entry.sizeBytes)),
        Cell(Quantities.bytes(statistics.newBytes)),
        Cell(Quantities.bytes(statistics.storedBytes)),
        entry.stateCell,
        Cell(entry.marks.tags.joined(separator: ",")),
      ])
    }
    return table
  }

  private func report(unreadable: [(id: RevisionID, error: StoreError)]) throws {
    guard !unreadable.isEmpty else { return }
    for (id, error) in unreadable {
      Console.shared.message("revision \(id) cannot be read: \(error)")
    }
    throw ReportedFailure()
  }
}
