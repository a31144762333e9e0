package import ChunkFormat
package import ChunkStore
package import JSONText
package import Workers

/// Lets another passphrase or key file open a repository.
package struct KeyAdditionRequest {
  package let key: NewKey

  package init(_ key: NewKey) { self.key = key }

  /// Refuses a repository in which there is nothing to open, before anybody is asked for a secret.
  ///
  /// - Throws: ``Refusal/OfKey/notEncrypted(repository:)``.
  package static func check(_ repository: Repository) throws {
    guard repository.configuration.isEncrypted else {
      throw Refusal.key(.notEncrypted(repository: "\(repository.root)"))
    }
  }

  /// - Throws: ``Refusal/OfKey/notEncrypted(repository:)``, `StoreError`.
  package func run(
    on repository: Repository, context: WorkContext
  ) throws -> KeyAdditionOutcome {
    try Self.check(repository)
    return KeyAdditionOutcome(
      id: try repository.addKey(key, context: context), key: key)
  }

  /// Adds the key to a repository that its paper key opened.
  ///
  /// - Throws: `StoreError`.
  package func run(
    on paper: OpenedPaperKey, context: WorkContext
  ) throws -> KeyAdditionOutcome {
    KeyAdditionOutcome(id: try paper.add(key, context: context), key: key)
  }
}

package struct KeyAdditionOutcome: Sendable {
  package let id: KeyID
  private let isKeyFile: Bool
  private let label: String

  fileprivate init(id: KeyID, key: NewKey) {
    self.id = id
    if case .keyFile = key.secret { isKeyFile = true } else { isKeyFile = false }
    label = key.label
  }

  /// The document `added-key`.
  package var json: JSON {
    .object([
      "id": .string(id.description),
      "kind": .string(isKeyFile ? "keyfile" : "passphrase"),
      "label": .string(label),
    ])
  }
}

/// The keys of a repository as text to print.
package struct KeyExportRequest: Sendable {
  package init() {}

  /// - Throws: `StoreError`, also for a repository that is not encrypted.
  package func run(on repository: Repository) throws -> KeyExportOutcome {
    KeyExportOutcome(paperKey: try repository.paperKey())
  }
}

package struct KeyExportOutcome: Sendable {
  package let paperKey: String

  /// The document `paper-key`.
  package var json: JSON { .object(["paperKey": .string(paperKey)]) }
}

/// Removes a passphrase or key file; the last one stays.
package struct KeyRemovalRequest: Sendable {
  /// The id of the key, or enough of its first digits.
  package let id: String

  package init(id: String) { self.id = id }

  /// - Throws: ``Refusal/OfKey/none(_:repository:)``, ``Refusal/OfKey/ambiguous(_:among:)``; `StoreError`, also for the
  ///   only key.
  package func run(on repository: Repository) throws -> KeyRemovalOutcome {
    let found = try repository.keySlots().filter { $0.id.description.hasPrefix(id.lowercased()) }
    guard let slot = found.first else {
      throw Refusal.key(.none(id, repository: "\(repository.root)"))
    }
    guard found.count == 1 else { throw Refusal.key(.ambiguous(id, among: found.map(\.id))) }
    try repository.removeKey(slot.id)
    return KeyRemovalOutcome(removed: slot)
  }
}

package struct KeyRemovalOutcome: Sendable {
  package let removed: KeySlotListing

  /// The document `removed-key`.
  package var json: JSON {
    .object(["id": .string(removed.id.description), "kind": .optional(removed.kind)])
  }
}
