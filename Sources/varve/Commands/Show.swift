import Administration
import ArgumentParser
import BackupEngine
import CalendarTime
import ChunkFormat
import ChunkStore

struct Show: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show all details of one revision.",
    usage: "varve show <revision> [<options>]",
    discussion: """
      Shows the volumes with their sources and statistics, tags, trust, and the attached \
      documents. --attachment writes one of these documents out. CHUNKS counts new chunks; \
      DELTAS counts how many of these are stored as deltas against older chunks; KNOWN counts \
      chunks that the repository already had. With /VOLUME only that volume is shown.

        varve show web01@latest
        varve show web01@2026-11-20 --json
        varve show db01@latest --attachment domain.xml | virsh define /dev/stdin
      """)

  @Argument(help: "The revision, such as web01@latest.", transform: NameArgument.revision)
  var revision: RevisionReference

  @Option(
    help: ArgumentHelp(
      "Write this attached document to standard output, and nothing else.", valueName: "name"),
    transform: NameArgument.text)
  var attachment: String?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if attachment != nil, json.isWanted {
      throw ValidationError("--attachment writes the document unchanged; --json cannot be added.")
    }
  }

  mutating func run() throws {
    let repository = try repository.open()
    let details = try RevisionDetailsRequest(revision: revision).run(on: repository)
    details.notices.warn()
    let entry = details.entry
    let output = StandardOutput()
    if let attachment {
      try output.write(try details.attachment(attachment, in: repository))
    } else if json.isWanted {
      try output.document(details.json)
    } else {
      for line in summary(of: entry) { try output.line(line) }
      try output.line("")
      try output.table(table(of: details.volumes))
      if !entry.revision.attachments.isEmpty {
        try output.line("")
        try output.table(attachments(of: entry.revision))
      }
    }
  }

  private func summary(of entry: RevisionEntry) -> [String] {
    let revision = entry.revision
    let pairs: [(String, String)] = [
      ("revision", entry.id.description),
      ("job", revision.job),
      ("time", TimeZone.shown.text(of: revision.created)),
      ("duration", Quantities.duration(seconds: entry.durationSeconds)),
      ("tags", entry.marks.tags.joined(separator: ", ")),
      ("protected", entry.marks.isProtected ? "yes: cannot be pruned or forgotten" : ""),
      ("trust", entry.trustCell.rendered(colours: Terminal.output.usesColours)),
      (
        "unusual",
        revision.isUnusual
          ? "yes: accepted although volumes were empty, had shrunk, or were added or removed" : ""
      ),
      ("verified", entry.marks.verification.map(text) ?? "never"),
      ("parent", revision.parent?.description ?? ""),
      ("host", revision.host.printable),
      ("program", revision.program.printable),
    ]
    return Table.lines(ofNamed: pairs)
  }

  private func text(of mark: VerificationMark) -> String {
    let time = TimeZone.shown.text(of: mark.time)
    let checked = "\(mark.checkedChunks) of \(mark.totalChunks)"
    if mark.damagedChunks > 0 {
      let damaged = Quantities.count(mark.damagedChunks, "damaged chunk")
      return "failed: \(damaged), \(checked) read back, \(time)"
    }
    return "\(mark.shareText) of the chunks (\(checked)), \(time)"
  }

  private func table(of volumes: [RevisionVolume]) -> Table {
    var table = Table([
      .text("VOLUME"), .right("SIZE"), .right("DATA"), .right("READ"), .right("NEW DATA"),
      .right("STORED"), .right("CHUNKS"), .right("DELTAS"), .right("KNOWN"),
      .text("SOURCE"),
    ])
    for volume in volumes {
      let statistics = volume.statistics
      table.add([
        Cell(volume.name), Cell(Quantities.bytes(volume.sizeBytes)),
        Cell(Quantities.bytes(statistics.dataBytes)), Cell(Quantities.bytes(statistics.readBytes)),
        Cell(Quantities.bytes(statistics.newBytes)), Cell(Quantities.bytes(statistics.storedBytes)),
        Cell("\(statistics.newChunks)"), Cell("\(statistics.deltaChunks)"),
        Cell("\(statistics.knownChunks)"), Cell(volume.source),
      ])
    }
    return table
  }

  private func attachments(of revision: Revision) -> Table {
    var table = Table([.text("ATTACHMENT"), .right("SIZE")])
    for attachment in revision.attachments {
      table.add([Cell(attachment.name), Cell(Quantities.bytes(attachment.sizeBytes))])
    }
    return table
  }
}
