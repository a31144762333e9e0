import ChunkFormat
package import ChunkStore
package import JSONText

/// Lists tags, with the newest revision that has each.
package struct TagListRequest: Sendable {
  /// Only tags of this job's revisions; nil for all.
  package var job: String?

  package init(job: String? = nil) { self.job = job }

  /// - Throws: `StoreError`; `ReferenceError` for a job that does not exist, or a ``NoticedFailure``
  ///   with one of these.
  package func run(on repository: Repository) throws -> TagListOutcome {
    try [Notice].collecting { notices in
      let listing = try notices.listing(of: repository)
      let entries = try job.map { try listing.history(of: $0) } ?? listing.entries
      return TagListOutcome(uses: uses(in: entries), notices: notices)
    }
  }

  private func uses(in entries: [RevisionEntry]) -> [TagListOutcome.Use] {
    var uses: [[String]: TagListOutcome.Use] = [:]
    for entry in entries {
      for tag in entry.marks.tags {
        let key = [entry.revision.job, tag]
        uses[key, default: TagListOutcome.Use(job: key[0], tag: tag, count: 0, newest: entry)]
          .count += 1
        uses[key]?.newest = entry
      }
    }
    return uses.values.sorted { ($0.job, $0.tag) < ($1.job, $1.tag) }
  }
}

package struct TagListOutcome: Sendable {
  /// One tag of one job.
  package struct Use: Sendable {
    package let job: String
    package let tag: String
    /// How many revisions have it.
    package fileprivate(set) var count: Int
    package fileprivate(set) var newest: RevisionEntry
  }

  /// In the order of jobs and tags.
  package let uses: [Use]
  package let notices: [Notice]

  /// The document `tags`.
  package var json: JSON {
    .array(
      uses.map { use in
        .object([
          "job": .string(use.job), "tag": .string(use.tag),
          "revisions": .integer(Int64(use.count)), "newest": .string(use.newest.id.description),
        ])
      })
  }
}
