package import ChunkFormat

/// A revision as users see it: what was backed up, and what is said of it since.
package struct RevisionEntry: Sendable {
  package let id: RevisionID
  package let revision: Revision
  package let marks: RevisionMarks

  package init(id: RevisionID, revision: Revision, marks: RevisionMarks) {
    self.id = id
    self.revision = revision
    self.marks = marks
  }
}

/// What a look into the repository found.
package struct RevisionListing: Sendable {
  /// Oldest first.
  package let entries: [RevisionEntry]
  /// Revisions that are there and cannot be read; the others are none the worse for it.
  package let unreadable: [(id: RevisionID, error: StoreError)]
}
