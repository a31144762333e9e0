import ArgumentParser

struct Overlay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List, remove and commit what was written to exports.",
    discussion: """
      'varve serve --overlay NAME' keeps what clients write in an overlay, outside the repository: \
      the revision underneath never changes. An overlay stays on the revision that it was made on, and \
      pins it ('varve pin'): it cannot be forgotten or pruned before the overlay is removed. \
      It holds blocks of the disk as they are, also where the repository is encrypted; only its \
      owner can read it.

        varve serve web01@latest --overlay repair
        varve overlay list
        varve overlay commit repair --tag repaired
        varve overlay remove repair
      """,
    subcommands: [OverlayList.self, OverlayCommit.self, OverlayRemove.self])

  func run() throws { throw MissingSubcommand(Varve.helpMessage(for: Self.self)) }
}
