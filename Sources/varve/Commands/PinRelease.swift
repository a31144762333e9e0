import ArgumentParser
import ChunkFormat
import ChunkStore
import JSONText
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
      "Pins as 'varve pin list' names them; the first 4 digits or more are enough.",
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
    let listing = try repository.pins()
    let names = try chosen(from: listing)
    if !yes { try check(names, listing, in: repository) }
    var released: [PinName] = []
    for name in names where try repository.releasePin(name) { released.append(name) }
    if json.isWanted {
      try StandardOutput().document(
        .object(["releasedPins": .strings(released.map(\.description))]))
    }
    for name in released { Console.shared.message(outcome(of: name, listing, in: repository)) }
  }

  /// Without two that are the same.
  ///
  /// - Throws: ``Failure`` where a prefix names no pin, or several.
  private func chosen(from listing: PinListing) throws -> [PinName] {
    let all = listing.pins.map(\.name) + listing.unreadable.map(\.name)
    var names: [PinName] = []
    for prefix in pins {
      let found = all.filter { $0.description.hasPrefix(prefix) }
      guard let name = found.first else {
        throw Failure("there is no pin \(prefix); 'varve pin list' lists what there is")
      }
      guard found.count == 1 else {
        throw Failure(
          "\(prefix) is ambiguous; it is the beginning of "
            + found.sorted().map(\.description).joined(separator: ", "))
      }
      if !names.contains(name) { names.append(name) }
    }
    return names
  }

  /// Refuses what may cost somebody an overlay.
  private func check(
    _ names: [PinName], _ listing: PinListing, in repository: Repository
  ) throws {
    let store = try location.store(of: repository)
    for name in names {
      guard let stored = listing.pins.first(where: { $0.name == name }) else {
        throw Failure(
          "pin \(name) cannot be read, so it is not known which revision it keeps, and for what; to "
            + "give it up, add --yes")
      }
      let pin = try DescribedPin(stored, in: repository, overlays: store)
      if let reason = pin.reasonToKeep {
        throw Failure(.unconfirmed, "\(reason); add --yes to release it")
      }
    }
  }

  private func outcome(
    of name: PinName, _ listing: PinListing, in repository: Repository
  ) -> String {
    guard let stored = listing.pins.first(where: { $0.name == name }) else {
      return "released pin \(name)"
    }
    let left = listing.pins.contains {
      $0.pin.revision == stored.pin.revision && !isReleased($0.name)
    }
    let revision = "revision \(stored.pin.revision.short) of \(repository.job(of: stored.pin))"
    return left
      ? "released pin \(name); another pin still keeps \(revision)"
      : "released pin \(name); \(revision) can be forgotten and pruned now"
  }

  private func isReleased(_ name: PinName) -> Bool {
    pins.contains { name.description.hasPrefix($0) }
  }
}
