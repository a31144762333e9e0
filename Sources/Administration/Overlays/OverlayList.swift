import CalendarTime
import ChunkFormat
package import ChunkStore
package import JSONText
package import Overlays

/// Lists the overlays of a repository, with the revision of each.
package struct OverlayListRequest: Sendable {
  package init() {}

  /// - Throws: `OverlayError`, `StoreError`, or a ``NoticedFailure`` with one of these.
  package func run(
    on repository: Repository, overlays: OverlayStore
  ) throws -> OverlayListOutcome {
    let listings = try overlays.list()
    return try [Notice].collecting { notices in
      let revisions = try notices.listing(of: repository)
      let unreadable = Set(revisions.unreadable.map(\.id))
      let pins = Set(try repository.pins().pins.map(\.name))
      let forgotten = Set(try repository.forgottenRevisions())
      let rows = listings.map { listing in
        let overlay = try? listing.description.get()
        return ListedOverlay(
          listing: listing, overlay: overlay,
          entry: revisions.entries.first { $0.id == overlay?.revision },
          isForgotten: overlay.map { forgotten.contains($0.revision) } ?? false,
          isDamaged: overlay.map { unreadable.contains($0.revision) } ?? false,
          pin: overlay?.pin.flatMap { pins.contains($0) ? $0 : nil })
      }
      return OverlayListOutcome(overlays: rows, notices: notices)
    }
  }
}

package struct OverlayListOutcome: Sendable {
  package let overlays: [ListedOverlay]
  package let notices: [Notice]

  /// The document `overlays`.
  package var json: JSON { .array(overlays.map(\.json)) }
}

/// An overlay, with what became of its revision.
package struct ListedOverlay: Sendable {
  package let listing: OverlayStore.Listing
  /// Nil where it cannot be read.
  package let overlay: OverlayDescription?
  /// Nil where the revision is gone, forgotten or unreadable.
  package let entry: RevisionEntry?
  /// Whether the revision's file is there although it was forgotten.
  package let isForgotten: Bool
  /// Whether the revision's file is there and cannot be read.
  package let isDamaged: Bool
  /// Nil where none keeps the revision.
  package let pin: PinName?

  /// What the job is called now.
  package var job: String? { entry?.revision.job ?? overlay?.job }

  /// Whether the revision can be used although it was forgotten.
  package var isKept: Bool { isForgotten && pin != nil }

  fileprivate var json: JSON {
    .object([
      "name": .string(listing.name),
      "job": .optional(job),
      "revision": .optional(overlay?.revision.description),
      "revisionIsGone": overlay == nil ? .null : .bool(entry == nil && !isKept && !isDamaged),
      "pin": .optional(pin?.description),
      "created": .optional(overlay?.created.rfc3339),
      "isInUse": .bool(listing.isInUse),
      "isReadable": .bool(overlay != nil),
      "sizeBytes": overlay.map { .unsigned($0.sizeBytes) } ?? .null,
      "allocatedBytes": .unsigned(listing.allocatedBytes),
      "volumes": .array(
        (overlay?.volumes ?? []).map {
          .object(["name": .string($0.name), "sizeBytes": .unsigned($0.sizeBytes)])
        }),
    ])
  }
}
