package import ChunkFormat
import ObjectStorage
import Remedies

/// What renaming a job did.
package struct RenamedJob: Sendable {
  /// Those that got the new name.
  package let revisions: Int
  package let hasPolicy: Bool
  /// Whether an earlier attempt had been interrupted, and is finished now.
  package let isContinued: Bool
}

extension Repository {
  /// Gives a job another name: its revisions with all that is said of them, and its policy.
  ///
  /// A revision's file never changes, so the name is said in its marks. After a crash at any moment each
  /// revision is of one of both jobs, and the same call finishes it.
  ///
  /// - Throws: ``StoreError``: `.notFound` where there is no job `old`, `.alreadyExists` where there is a
  ///   `new` one, `.busy` while a backup of either runs, `.damaged` where it cannot be told which
  ///   revisions are of the job, `.invalidRequest` for one name twice, for a name that breaks the rule of
  ///   ``Name``, and while the renaming of another job is unfinished.
  @discardableResult
  package func renameJob(_ old: String, to new: String) throws -> RenamedJob {
    guard old != new else {
      throw StoreError(.invalidRequest, "the job is already named '\(old)'")
    }
    let lock = try revisionObjects.lockMarks()
    defer { lock.release() }
    let renaming = JobRenaming(from: old, to: new)
    var policies = try retentionPolicies()
    let isContinued = try isContinued(renaming, policies)
    let ids = try revisionsToRename(renaming, policies, isContinued: isContinued)
    if !isContinued {
      policies.renaming = renaming
      policies[new] = policies[old]
      try write(policies)
    }
    // The newest first: from then on a backup under the new name finds its parent.
    let failures = try revisionObjects.changeMarks(of: ids.reversed()) { _, marks in
      marks.rename(job: old, to: new)
    }
    if let failure = failures.first { throw failure.error }
    policies.renaming = nil
    policies[new] = policies[new] ?? policies[old]
    policies[old] = nil
    try write(policies)
    return RenamedJob(
      revisions: ids.count, hasPolicy: policies[new] != nil, isContinued: isContinued)
  }

  private func isContinued(
    _ renaming: JobRenaming, _ policies: RetentionPolicies
  ) throws(StoreError) -> Bool {
    guard let begun = policies.renaming else { return false }
    guard begun == renaming else {
      throw StoreError(
        .invalidRequest,
        "renaming the job '\(begun.old)' to '\(begun.new)' was interrupted",
        remedy: .finishRenaming(from: begun.old, to: begun.new))
    }
    return true
  }

  /// The revisions of the old job, oldest first, where nothing speaks against it.
  private func revisionsToRename(
    _ renaming: JobRenaming, _ policies: RetentionPolicies, isContinued: Bool
  ) throws(StoreError) -> [RevisionID] {
    try checkBackups(of: renaming)
    let listing = try revisions()
    if let (id, error) = listing.unreadable.first {
      throw StoreError(
        .damaged,
        "nothing was renamed: revision \(id) cannot be read, so its job is unknown: \(error)",
        cause: error, remedy: .restoreRevision)
    }
    // Of damaged marks the job is not known either.
    if let damage = listing.entries.compactMap(\.marksDamage).first { throw damage }
    let jobs = Set(listing.entries.map(\.revision.job))
    if !isContinued {
      guard jobs.contains(renaming.old) else {
        throw StoreError(
          .notFound, ReferenceError.unknown(job: renaming.old, in: listing.entries).description)
      }
      if jobs.contains(renaming.new) || policies[renaming.new] != nil {
        throw StoreError(
          .alreadyExists,
          "nothing was renamed: \(jobs.contains(renaming.new) ? "job" : "a policy for job") "
            + "'\(renaming.new)' already exists")
      }
    }
    return listing.entries.filter { $0.revision.job == renaming.old }.map(\.id)
  }

  /// A backup that has begun commits a revision under the name that it was given.
  private func checkBackups(of renaming: JobRenaming) throws(StoreError) {
    let purposes = [renaming.old, renaming.new].map(SessionRecord.purposeOfBackup)
    let backup = try liveSessions().map(\.record).first {
      $0.kind == .writing && purposes.contains($0.purpose)
    }
    guard let backup else { return }
    throw StoreError(
      .busy,
      "nothing was renamed: a \(backup.purpose) is running (process \(backup.process) on "
        + "\(backup.host)); try again when it has ended")
  }
}

extension SessionRecord {
  /// What the session of a backup is for; it is looked for by these words.
  package static func purposeOfBackup(of job: String) -> String { "backup of \(job)" }
}
