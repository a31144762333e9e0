package import ChunkFormat
package import ChunkStore
package import JSONText
package import Overlays
package import Workers

/// Releases pins, so that their revisions can be deleted.
package struct PinReleaseRequest: Sendable {
  /// Their names, or enough of the first digits.
  package let pins: [String]
  /// Whether pins go, too, that an overlay may still need.
  package var isConfirmed: Bool

  package init(pins: [String], isConfirmed: Bool = false) {
    (self.pins, self.isConfirmed) = (pins, isConfirmed)
  }

  /// Releases all of them, or none where one is refused.
  ///
  /// - Parameter overlays: those of this machine; asked for only where ``isConfirmed`` is false.
  /// - Throws: ``Refusal/OfPin/none(_:)``, ``Refusal/OfPin/ambiguous(_:among:)``, ``Refusal/OfPin/unreadable(_:)``,
  ///   ``Refusal/OfPin/mayBeNeeded(_:)``; `StoreError`, `OverlayError`.
  package func run(
    on repository: Repository, overlays: () throws -> OverlayStore,
    context: WorkContext
  ) throws -> PinReleaseOutcome {
    let listing = try repository.pins()
    let names = try chosen(from: listing)
    if !isConfirmed {
      let overlays = try overlays()
      for name in names { try check(name, listing, in: repository, overlays, context) }
    }
    var released: [PinName] = []
    for name in names where try repository.releasePin(name) { released.append(name) }
    return PinReleaseOutcome(
      released: released.map { outcome(of: $0, names, listing, in: repository) })
  }

  /// Without two that are the same.
  private func chosen(from listing: PinListing) throws -> [PinName] {
    let all = listing.pins.map(\.name) + listing.unreadable.map(\.name)
    var names: [PinName] = []
    for prefix in pins {
      let found = all.filter { $0.description.hasPrefix(prefix) }
      guard let name = found.first else { throw Refusal.pin(.none(prefix)) }
      guard found.count == 1 else { throw Refusal.pin(.ambiguous(prefix, among: found.sorted())) }
      if !names.contains(name) { names.append(name) }
    }
    return names
  }

  /// Refuses what may cost somebody an overlay.
  private func check(
    _ name: PinName, _ listing: PinListing, in repository: Repository, _ overlays: OverlayStore,
    _ context: WorkContext
  ) throws {
    guard let stored = listing.pins.first(where: { $0.name == name }) else {
      throw Refusal.pin(.unreadable(name))
    }
    let pin = try DescribedPin(
      stored, in: repository, overlays: overlays, context: context)
    if pin.state != .stale { throw Refusal.pin(.mayBeNeeded(pin)) }
  }

  private func outcome(
    of name: PinName, _ names: [PinName], _ listing: PinListing, in repository: Repository
  ) -> PinReleaseOutcome.Release {
    guard let stored = listing.pins.first(where: { $0.name == name }) else {
      return PinReleaseOutcome.Release(name: name, revision: nil)
    }
    let isPinned = listing.pins.contains {
      $0.pin.revision == stored.pin.revision && !names.contains($0.name)
    }
    return PinReleaseOutcome.Release(
      name: name,
      revision: .init(
        id: stored.pin.revision, job: repository.job(of: stored.pin), isStillPinned: isPinned))
  }
}

package struct PinReleaseOutcome: Sendable {
  package struct Release: Sendable {
    package struct Revision: Sendable {
      package let id: RevisionID
      package let job: String
      /// Whether another pin keeps it.
      package let isStillPinned: Bool
    }

    package let name: PinName
    /// Nil where the pin could not be read.
    package let revision: Revision?
  }

  /// Without those that somebody else has released meanwhile.
  package let released: [Release]

  /// The document `released-pins`.
  package var json: JSON {
    .object(["releasedPins": .strings(released.map(\.name.description))])
  }
}
