package import CalendarTime
package import ChunkFormat

/// A revision as users see it: what was backed up, and what is said of it since.
package struct RevisionEntry: Sendable {
  package let id: RevisionID
  /// As it was made, but for the job, which may have been renamed since.
  package let revision: Revision
  package let marks: RevisionMarks
  /// Why ``marks`` are not those that were last given: they cannot be read. The revision counts as
  /// distrusted then, for it may have been.
  package let marksDamage: StoreError?

  /// - Parameter marks: nil where nothing was said of the revision since it was made.
  package init(id: RevisionID, revision: Revision, marks: RevisionMarks?) {
    self.id = id
    self.revision = marks?.job.map(revision.renamed) ?? revision
    self.marks =
      marks
      ?? RevisionMarks(revision: id, tags: revision.tags, trust: .trusted, verification: nil)
    marksDamage = nil
  }

  /// A revision whose marks cannot be read.
  init(id: RevisionID, revision: Revision, marksDamage: StoreError) {
    self.id = id
    self.revision = revision
    marks = RevisionMarks(
      revision: id, tags: revision.tags, trust: .distrusted, verification: nil)
    self.marksDamage = marksDamage
  }
}

extension Revision {
  /// The same as a revision of another job.
  fileprivate func renamed(to job: String) -> Revision {
    var renamed = self
    renamed.job = job
    return renamed
  }
}

extension [RevisionEntry] {
  /// Oldest first.
  func sorted() -> [RevisionEntry] {
    sorted {
      ($0.revision.created, $0.revision.finished, $0.id)
        < ($1.revision.created, $1.revision.finished, $1.id)
    }
  }

  /// Since when revisions of `job` are distrusted that are so now: none that there is was made since,
  /// also where the clock of whoever distrusts is behind that of whoever backed up.
  package func distrustTime(of job: String, now: Timestamp) -> Timestamp {
    reduce(now) { $1.revision.job == job ? Swift.max($0, $1.revision.finished) : $0 }
  }
}

/// What a look into the repository found.
package struct RevisionListing: Sendable {
  /// Oldest first.
  package let entries: [RevisionEntry]
  /// Revisions that are there and cannot be read; the others are none the worse for it.
  package let unreadable: [(id: RevisionID, error: StoreError)]
}
