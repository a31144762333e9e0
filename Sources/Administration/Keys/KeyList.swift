import CalendarTime
import ChunkFormat
package import ChunkStore
package import JSONText

/// Lists the passphrases and key files that open a repository.
package struct KeyListRequest: Sendable {
  package init() {}

  /// - Throws: `StoreError`.
  package func run(on repository: Repository) throws -> KeyListOutcome {
    KeyListOutcome(slots: try repository.keySlots())
  }
}

package struct KeyListOutcome: Sendable {
  /// Oldest first; none where the repository is not encrypted.
  package let slots: [KeySlotListing]

  /// The document `keys`.
  package var json: JSON {
    .array(
      slots.map { slot in
        .object([
          "id": .string(slot.id.description),
          "kind": .optional(slot.kind),
          "added": .optional(slot.created?.rfc3339),
          "problem": .optional(slot.problem),
          "usedNow": .bool(slot.isCurrent),
          "label": .optional(slot.label),
        ])
      })
  }
}

extension KeySlotListing {
  /// As programs read it; nil for one that is unusable.
  var kind: String? { method.map { $0 == .keyFile ? "keyfile" : "passphrase" } }
}
