import ArgumentParser

struct Overlay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List, commit and remove overlays, which hold writes to exports.",
    discussion: """
      'varve serve --overlay NAME' keeps the writes of clients in an overlay, outside the \
      repository; the revision itself never changes. An overlay stays on the revision for which it \
      was created, and pins it ('varve pin'): the revision cannot be forgotten or pruned before the \
      overlay is removed. Blocks of the disk are stored unencrypted in the overlay, even if the \
      repository is encrypted; only the owner can read it.

        varve serve web01@latest --overlay repair
        varve overlay list
        varve overlay commit repair --tag repaired
        varve overlay remove repair
      """,
    subcommands: [OverlayList.self, OverlayCommit.self, OverlayRemove.self])

  func run() throws { throw MissingSubcommand(Varve.helpMessage(for: Self.self)) }
}
