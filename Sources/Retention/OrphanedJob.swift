package import CalendarTime
package import ChunkFormat
package import ChunkStore

/// A job without a recent revision: its machine may no longer exist.
package struct OrphanedJob: Sendable {
  package let job: String
  /// Oldest first.
  package let history: [RevisionEntry]

  /// The jobs whose newest revision is older than `age`.
  ///
  /// - Parameter histories: the revisions of each job, oldest first.
  package static func among(
    _ histories: [String: [RevisionEntry]], after age: CalendarSpan, in zone: TimeZone,
    now: Timestamp
  ) -> [OrphanedJob] {
    let start = age.start(before: now, in: zone)
    return histories.compactMap { job, history in
      guard let newest = history.last, newest.revision.created < start else { return nil }
      return OrphanedJob(job: job, history: history)
    }.sorted { $0.job < $1.job }
  }
}
