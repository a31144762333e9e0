import ChunkFormat
package import ChunkStore
package import JSONText
package import Overlays
package import Workers

/// Lists the pins of a repository: which revision each keeps, and for what.
package struct PinListRequest: Sendable {
  package init() {}

  /// - Parameter overlays: those of this machine, among which the owners of pins are looked for.
  /// - Throws: `StoreError`, `OverlayError`.
  package func run(
    on repository: Repository, overlays: OverlayStore, context: WorkContext
  ) throws -> PinListOutcome {
    let listing = try repository.pins()
    let pins = try listing.pins.map {
      try DescribedPin($0, in: repository, overlays: overlays, context: context)
    }
    return PinListOutcome(pins: pins, unreadable: listing.unreadable)
  }
}

package struct PinListOutcome: Sendable {
  /// Oldest first.
  package let pins: [DescribedPin]
  /// Pins that exist and cannot be read: nothing is deleted as long as they are there.
  package let unreadable: [(name: PinName, error: StoreError)]

  /// The document `pins`.
  package var json: JSON {
    .object([
      "pins": .array(pins.map(\.json)),
      "unreadablePins": .strings(unreadable.map(\.name.description)),
    ])
  }
}
