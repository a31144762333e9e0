import ArgumentParser

struct PinCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pin",
    abstract: "List and release pins, which keep the revisions of overlays.",
    discussion: """
      An overlay ('varve serve --overlay NAME') is useless without its revision. So it pins the \
      revision in the repository: 'varve forget' refuses the revision and 'varve prune' keeps it. \
      The pin is released when the overlay is removed or committed.

        varve pin list
        varve pin release 3f9c

      A pin is left over if a process was killed while it removed an overlay, or if the files of an \
      overlay were deleted by hand: the list calls such a pin stale. A copy of a repository also \
      contains its pins.
      """,
    subcommands: [PinList.self, PinRelease.self])

  func run() throws { throw MissingSubcommand(Varve.helpMessage(for: Self.self)) }
}
