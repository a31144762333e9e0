import Administration
import ArgumentParser
import ChunkStore
import Overlays

struct OverlayRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove an overlay with all that was written to it.",
    usage: "varve overlay remove <name> [<options>]",
    discussion: """
      Also releases the pin of its revision.

        varve overlay remove repair
      """)

  @Argument(help: "The overlay.", transform: NameArgument.overlay)
  var name: String

  @OptionGroup var json: JSONOption
  @OptionGroup var location: OverlayLocation
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let outcome = try OverlayRemovalRequest(name: name).run(
      on: location.store(of: try repository.open()))
    if json.isWanted { try StandardOutput().document(outcome.json) }
    Console.shared.message("removed the overlay '\(name)'")
    outcome.leftPin?.warn()
  }
}

extension LeftPin {
  /// Says that the pin keeps its revision still.
  func warn() {
    Console.shared.warning(
      "its pin was not released and keeps the revision; run 'varve pin release \(name)': "
        + reason)
  }
}
