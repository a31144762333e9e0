import ChunkStore
package import JSONText
package import Overlays

/// Removes an overlay with all that was written to it, and releases the pin of its revision.
package struct OverlayRemovalRequest: Sendable {
  package let name: String

  package init(name: String) { self.name = name }

  /// - Throws: `OverlayError`.
  package func run(on overlays: OverlayStore) throws -> OverlayRemovalOutcome {
    OverlayRemovalOutcome(name: name, leftPin: try overlays.remove(name))
  }
}

package struct OverlayRemovalOutcome: Sendable {
  package let name: String
  /// A pin that could not be released, and keeps the revision.
  package let leftPin: LeftPin?

  /// The document `removed-overlay`.
  package var json: JSON {
    .object(["name": .string(name), "pinLeft": .optional(leftPin?.name.description)])
  }
}
