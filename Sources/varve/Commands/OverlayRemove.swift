import ArgumentParser
import Overlays

struct OverlayRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove an overlay with all that was written to it.",
    usage: "varve overlay remove <name> [<options>]",
    discussion: "  varve overlay remove repair")

  @Argument(help: "The overlay.", transform: NameArgument.overlay)
  var name: String

  @OptionGroup var location: OverlayLocation
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    try location.store(of: try repository.open()).remove(name)
    Console.shared.message("removed the overlay '\(name)'")
  }
}
