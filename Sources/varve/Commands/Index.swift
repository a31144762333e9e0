import ArgumentParser
import ChunkFormat
import ChunkStore
import Workers

struct Index: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look after the index.",
    discussion: """
      The index says which pack holds which chunk. It is a cache: what it does not know costs time \
      or space, never data, and it is made anew when it is missing.
      """,
    subcommands: [IndexRebuild.self])

  func run() throws { throw MissingSubcommand(Varve.helpMessage(for: Self.self)) }
}

struct IndexRebuild: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild",
    abstract: "Throw the index away and make it anew from the packs.",
    usage: "varve index rebuild [<options>]",
    discussion: """
      Reads the list at the end of every pack, and the whole pack where that is damaged. Damaged \
      packs are named; what that costs, if anything, 'varve verify --all' finds out.
      """)

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    let progress = CountedProgress()
    let changes = try ProgressDisplay.showing({ progress.reading("reading packs") }) {
      try repository.rebuildIndex { step in
        try Interruption.shared.flag.check()
        progress.set(step.donePacks, of: step.totalPacks)
      }
    }
    for (pack, error) in changes.damaged {
      Console.shared.warning("pack \(pack) is damaged: \(error)")
    }
    if json.isWanted {
      try StandardOutput().document(
        .object([
          "packs": .integer(Int64(changes.addedPacks)),
          "records": .integer(Int64(changes.records)),
          "damagedPacks": .strings(changes.damaged.map(\.pack.description)),
        ]))
    } else {
      Console.shared.message(
        "the index lists \(Quantities.count(changes.records, "record")) in "
          + Quantities.count(changes.addedPacks, "pack"))
    }
  }
}
