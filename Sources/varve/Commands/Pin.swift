import ArgumentParser

struct PinCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pin",
    abstract: "List and release pins, which keep revisions that overlays lie on.",
    discussion: """
      An overlay ('varve serve --overlay NAME') is worth nothing without its revision. So it pins the \
      revision in the repository: 'varve forget' refuses the revision and 'varve prune' keeps it, until \
      the overlay is removed or committed, which releases the pin.

        varve pin list
        varve pin release 3f9c

      A pin is left over where a process was killed while it removed an overlay, and where an overlay \
      was deleted by other means: the list calls it stale. A copy of a repository has its pins, too.
      """,
    subcommands: [PinList.self, PinRelease.self])

  func run() throws { throw MissingSubcommand(Varve.helpMessage(for: Self.self)) }
}
