import ChunkFormat
package import ChunkStore
package import JSONText

/// Keeps revisions from being pruned and forgotten, or ends that.
package struct ProtectionRequest: Sendable {
  package let revisions: [RevisionReference]
  package let protects: Bool

  package init(_ revisions: [RevisionReference], protects: Bool) {
    (self.revisions, self.protects) = (revisions, protects)
  }

  /// Changes all of them, or none where one does not exist.
  ///
  /// - Throws: `ReferenceError`, `StoreError`, or a ``NoticedFailure`` with one of these.
  package func run(on repository: Repository) throws -> ProtectionOutcome {
    try [Notice].collecting { notices in
      let listing = try notices.listing(of: repository)
      let entries = try revisions.map { try listing.revision($0) }
      var changes: [ProtectionOutcome.Change] = []
      do {
        for entry in entries { changes.append(try change(entry, in: repository)) }
      } catch {
        return ProtectionOutcome(changes: changes, failure: error, notices: notices)
      }
      return ProtectionOutcome(changes: changes, failure: nil, notices: notices)
    }
  }

  private func change(
    _ entry: RevisionEntry, in repository: Repository
  ) throws -> ProtectionOutcome.Change {
    var isChange = false
    try repository.updateMarks(of: entry.id) { marks in
      isChange = marks.isProtected != protects
      marks.isProtected = protects
    }
    return ProtectionOutcome.Change(entry: entry, isProtected: protects, isChange: isChange)
  }
}

package struct ProtectionOutcome: Sendable {
  package struct Change: Sendable {
    /// As the revision was before.
    package let entry: RevisionEntry
    package let isProtected: Bool
    /// False where it was so already.
    package let isChange: Bool
  }

  /// What was done, in the order of the request.
  package let changes: [Change]
  /// Why the revisions behind these were not changed; nil where all were.
  package let failure: (any Error)?
  package let notices: [Notice]

  /// The document `protection`.
  package var json: JSON {
    .array(
      changes.map { change in
        .object([
          "id": .string(change.entry.id.description), "job": .string(change.entry.revision.job),
          "isProtected": .bool(change.isProtected), "isChange": .bool(change.isChange),
        ])
      })
  }
}
