import Administration
import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore

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

  /// Changes the tags of the revision, and prints them where a program asks.
  func make(_ change: TagChangeRequest.Change) throws {
    let outcome = try TagChangeRequest(change, tags, of: revision).run(on: repository.open())
    outcome.notices.warn()
    if json.isWanted { try StandardOutput().document(outcome.json) }
  }
}

struct TagAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add tags to a revision.",
    usage: "varve tag add <revision> <tag> ... [<options>]",
    discussion: "  varve tag add web01@latest golden before-upgrade")

  @OptionGroup var change: TagChange

  mutating func run() throws { try change.make(.add) }
}

struct TagRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove tags from a revision.",
    usage: "varve tag remove <revision> <tag> ... [<options>]",
    discussion: "  varve tag remove web01@tag:golden golden")

  @OptionGroup var change: TagChange

  mutating func run() throws { try change.make(.remove) }
}

struct TagList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List tags, with the newest revision that has each.",
    usage: "varve tag list [<job>] [<options>]",
    aliases: ["ls"])

  @Argument(help: "Only tags of revisions of this job.", transform: NameArgument.job)
  var job: String?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let list = try TagListRequest(job: job).run(on: repository.open())
    list.notices.warn()
    let output = StandardOutput()
    if json.isWanted {
      try output.document(list.json)
    } else if !list.uses.isEmpty {
      try output.table(table(of: list.uses))
    }
    if list.uses.isEmpty { Console.shared.message("no tags") }
  }

  private func table(of uses: [TagListOutcome.Use]) -> Table {
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
