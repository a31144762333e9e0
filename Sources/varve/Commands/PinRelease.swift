import Administration
import ArgumentParser
import ChunkFormat
import ChunkStore
import Overlays

struct PinRelease: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release",
    abstract: "Release pins, so that their revisions can be deleted.",
    usage: "varve pin release <pin> ... [<options>]",
    discussion: """
      'varve overlay remove' and 'varve overlay commit' release the pin of their overlay. Use this \
      command only for leftover pins: stale ones, and those of a copied repository.

        varve pin release 3f9c
        varve pin release 3f9c71d0 --yes

      Releasing a pin deletes nothing. But afterwards 'varve forget' and 'varve prune' can delete \
      the revision, and the overlay is then useless. So --yes is required unless the overlay is \
      known to be gone. An overlay that still exists pins its revision again when it is next opened.
      """)

  @Argument(
    help: ArgumentHelp(
      "Pins as listed by 'varve pin list', or their first 4 or more digits.",
      valueName: "pin"),
    transform: { text in
      guard PinRelease.isPrefix(text) else {
        throw ValidationError(
          "'\(text)' is not a pin: 4 to 32 hexadecimal digits are expected; 'varve pin list' lists them."
        )
      }
      return text.lowercased()
    })
  var pins: [String]

  @Flag(help: "Also release pins that an overlay may still need.")
  var yes = false

  @OptionGroup var json: JSONOption
  @OptionGroup var location: OverlayLocation
  @OptionGroup var repository: RepositoryOptions

  private static func isPrefix(_ text: String) -> Bool {
    4...32 ~= text.utf8.count
      && text.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
  }

  mutating func run() throws {
    let repository = try repository.open()
    let outcome = try PinReleaseRequest(pins: pins, isConfirmed: yes).run(
      on: repository, overlays: { [location] in try location.store(of: repository) },
      context: .ofProgram())
    if json.isWanted { try StandardOutput().document(outcome.json) }
    for release in outcome.released { Console.shared.message(release.text) }
  }
}

extension PinReleaseOutcome.Release {
  fileprivate var text: String {
    guard let revision else { return "released pin \(name)" }
    let what = "revision \(revision.id.short) of \(revision.job)"
    return revision.isStillPinned
      ? "released pin \(name); another pin still keeps \(what)"
      : "released pin \(name); \(what) can be forgotten and pruned now"
  }
}
