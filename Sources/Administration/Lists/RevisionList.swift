package import ChunkFormat
package import ChunkStore
package import JSONText

/// Lists revisions, oldest first.
package struct RevisionListRequest: Sendable {
  /// Only this job's; nil for all.
  package var job: String?
  /// Only those with this tag; nil for all.
  package var tag: String?

  package init(job: String? = nil, tag: String? = nil) {
    self.job = job
    self.tag = tag
  }

  /// - Throws: `StoreError`; `ReferenceError` for a job that does not exist.
  package func run(on repository: Repository) throws -> RevisionListOutcome {
    let listing = try repository.revisions()
    if let job { _ = try listing.history(of: job) }
    let rows = numbered(listing.entries).filter { row in
      (job == nil || row.entry.revision.job == job)
        && (tag.map(row.entry.marks.tags.contains) ?? true)
    }
    return RevisionListOutcome(rows: rows, unreadable: listing.unreadable)
  }

  private func numbered(_ entries: [RevisionEntry]) -> [RevisionListOutcome.Row] {
    var counts: [String: Int] = [:]
    return entries.reversed().map { entry in
      let number = counts[entry.revision.job, default: 0]
      counts[entry.revision.job] = number + 1
      return RevisionListOutcome.Row(number: number, entry: entry)
    }.reversed()
  }
}

package struct RevisionListOutcome: Sendable {
  package struct Row: Sendable {
    /// Counted back in the job from its newest revision, which is 0.
    package let number: Int
    package let entry: RevisionEntry
  }

  /// Oldest first.
  package let rows: [Row]
  /// Revisions that exist and cannot be read: the list is not complete then.
  package let unreadable: [(id: RevisionID, error: StoreError)]

  /// The document `revisions`.
  package var json: JSON { .array(rows.map(\.entry.json)) }
}
