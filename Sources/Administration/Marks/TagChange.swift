import ChunkFormat
package import ChunkStore
package import JSONText

/// Adds tags to a revision, or removes them.
package struct TagChangeRequest: Sendable {
  package enum Change: Sendable {
    /// Tags that the revision has already stay as they are.
    case add
    /// Refused where the revision lacks one of the tags.
    case remove
  }

  package let revision: RevisionReference
  package let change: Change
  package let tags: [String]

  package init(_ change: Change, _ tags: [String], of revision: RevisionReference) {
    (self.change, self.tags, self.revision) = (change, tags, revision)
  }

  /// - Throws: ``Refusal/noTag(_:of:job:present:)``, `ReferenceError`, `StoreError`, or a
  ///   ``NoticedFailure`` with one of these.
  package func run(on repository: Repository) throws -> TagChangeOutcome {
    try [Notice].collecting { notices in
      let entry = try notices.revision(revision, in: notices.listing(of: repository))
      try repository.updateMarks(of: entry.id) { marks in try make(in: &marks.tags, of: entry) }
      return TagChangeOutcome(entry: try repository.revision(entry.id), notices: notices)
    }
  }

  private func make(in known: inout [String], of entry: RevisionEntry) throws {
    switch change {
    case .add:
      for tag in tags where !known.contains(tag) { known.append(tag) }
    case .remove:
      if let missing = tags.first(where: { !known.contains($0) }) {
        throw Refusal.noTag(missing, of: entry.id, job: entry.revision.job, present: known)
      }
      known.removeAll(where: tags.contains)
    }
  }
}

package struct TagChangeOutcome: Sendable {
  /// The revision with the tags that it has now.
  package let entry: RevisionEntry
  package let notices: [Notice]

  /// The document `revision-tags`.
  package var json: JSON {
    .object([
      "id": .string(entry.id.description), "job": .string(entry.revision.job),
      "tags": .strings(entry.marks.tags),
    ])
  }
}
