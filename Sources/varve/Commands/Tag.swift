import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText

struct Tag: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Add, remove and list the tags of revisions.",
    discussion: """
      A tag is a name of your choice. JOB@tag:NAME is the newest revision of the job with that tag. \
      'varve backup --tag' gives a new revision tags.

        varve tag add web01@latest before-upgrade
        varve restore web01@tag:before-upgrade web01.raw
        varve tag remove web01@tag:before-upgrade before-upgrade
        varve tag list web01
      """,
    subcommands: [TagAdd.self, TagRemove.self, TagList.self])

  func run() throws { throw MissingSubcommand(Varve.helpMessage(for: Self.self)) }
}

/// What `tag add` and `tag remove` have in common.
struct TagChange: ParsableArguments {
  @Argument(help: "The revision, such as web01@latest.", transform: NameArgument.revision)
  var revision: RevisionReference

  @Argument(help: "One or more tags.", transform: NameArgument.tag)
  var tags: [String]

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws { try NameArgument.checkWhole([revision]) }

  /// Changes the tags of the revision, and prints them.
  func make(_ change: (inout [String], RevisionEntry) throws -> Void) throws {
    let repository = try repository.open()
    let entry = try repository.revision(revision)
    try repository.updateMarks(of: entry.id) { marks in try change(&marks.tags, entry) }
    try json.printTags(of: repository.revision(entry.id))
  }
}

struct TagAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add tags to a revision.",
    usage: "varve tag add <revision> <tag> ... [<options>]",
    discussion: "  varve tag add web01@latest golden before-upgrade")

  @OptionGroup var change: TagChange

  mutating func run() throws {
    try change.make { [tags = change.tags] known, _ in
      for tag in tags where !known.contains(tag) { known.append(tag) }
    }
  }
}

struct TagRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove tags from a revision.",
    usage: "varve tag remove <revision> <tag> ... [<options>]",
    discussion: "  varve tag remove web01@tag:golden golden")

  @OptionGroup var change: TagChange

  mutating func run() throws {
    try change.make { [tags = change.tags] known, entry in
      if let missing = tags.first(where: { !known.contains($0) }) {
        throw Failure(
          .notFound,
          "revision \(entry.shortID) of \(entry.revision.job) has no tag '\(missing)'; "
            + (known.isEmpty ? "it has none" : "its tags are \(known.joined(separator: ", "))"))
      }
      known.removeAll(where: tags.contains)
    }
  }
}

struct TagList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List tags, with the newest revision that has each.",
    usage: "varve tag list [<job>] [<options>]",
    aliases: ["ls"])

  @Argument(help: "Only tags of this job's revisions.", transform: NameArgument.job)
  var job: String?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  private struct Use {
    let job: String
    let tag: String
    var count: Int
    var newest: RevisionEntry
  }

  mutating func run() throws {
    let listing = try repository.open().revisionsWithWarnings()
    let uses = uses(in: try job.map { try listing.history(of: $0) } ?? listing.entries)
    let output = StandardOutput()
    if json.isWanted {
      try output.document(.array(uses.map(describe)))
    } else if !uses.isEmpty {
      try output.table(table(of: uses))
    }
    if uses.isEmpty { Console.shared.message("no tags") }
  }

  /// Every tag of every job, in the order of jobs and tags.
  private func uses(in entries: [RevisionEntry]) -> [Use] {
    var uses: [[String]: Use] = [:]
    for entry in entries {
      for tag in entry.marks.tags {
        let key = [entry.revision.job, tag]
        uses[key, default: Use(job: key[0], tag: tag, count: 0, newest: entry)].count += 1
        uses[key]?.newest = entry
      }
    }
    return uses.values.sorted { ($0.job, $0.tag) < ($1.job, $1.tag) }
  }

  private func describe(_ use: Use) -> JSON {
    .object([
      "job": .string(use.job), "tag": .string(use.tag), "revisions": .integer(Int64(use.count)),
      "newest": .string(use.newest.id.description),
    ])
  }

  private func table(of uses: [Use]) -> Table {
    var table = Table([
      .text("JOB"), .text("TAG"), .right("REVISIONS"), .left("NEWEST"), .left("ID"),
    ])
    for use in uses {
      table.add([
        Cell(use.job), Cell(use.tag), Cell("\(use.count)"),
        Cell(TimeZone.shown.text(of: use.newest.revision.created)), Cell(use.newest.shortID),
      ])
    }
    return table
  }
}

extension JSONOption {
  /// Prints the tags that a revision has now, where a program asks.
  fileprivate func printTags(of entry: RevisionEntry) throws {
    guard isWanted else { return }
    try StandardOutput().document(
      .object([
        "id": .string(entry.id.description), "job": .string(entry.revision.job),
        "tags": .strings(entry.marks.tags),
      ]))
  }
}
