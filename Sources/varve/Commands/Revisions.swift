import Administration
import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore

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

  @Argument(help: "Only revisions of this job.", transform: NameArgument.job)
  var job: String?

  @Option(
    help: ArgumentHelp("Only revisions with this tag.", valueName: "name"),
    transform: NameArgument.tag)
  var tag: String?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let list = try RevisionListRequest(job: job, tag: tag).run(on: repository.open())
    let output = StandardOutput()
    if json.isWanted {
      try output.document(list.json)
    } else if !list.rows.isEmpty {
      try output.table(table(of: list.rows))
    }
    if list.rows.isEmpty, list.unreadable.isEmpty {
      Console.shared.message(tag.map { "no revisions with the tag '\($0)'" } ?? "no revisions")
    }
    try report(unreadable: list.unreadable)
  }

  private func table(of rows: [RevisionListOutcome.Row]) -> Table {
    var table = Table([
      .left("TIME"), .text("REVISION"), .left("ID"), .right("SIZE"), .right("NEW DATA"),
      .right("STORED"), .text("TRUST"), .text("TAGS"),
    ])
    for row in rows {
      let entry = row.entry
      let statistics = entry.statistics
      table.add([
        Cell(TimeZone.shown.text(of: entry.revision.created)),
        Cell("\(entry.revision.job)@\(row.number)"),
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
      Console.shared.message("revision \(id) cannot be read: \(error.textWithRemedies)")
    }
    throw ReportedFailure()
  }
}
