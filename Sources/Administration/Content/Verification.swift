package import BackupEngine
package import ChunkFormat
package import ChunkStore
package import Inspection
package import JSONText
package import Workers

/// Reads revisions back and checks every chunk, or a random share of them.
package struct VerificationRequest: Sendable {
  package let revisions: [RevisionReference]
  /// Also all revisions of these jobs. Where neither is given, all revisions are meant.
  package let jobs: [String]
  /// How many percent of the chunks are read; nil for all.
  package let samplePercent: Double?

  package init(revisions: [RevisionReference], jobs: [String], samplePercent: Double?) {
    (self.revisions, self.jobs, self.samplePercent) = (revisions, jobs, samplePercent)
  }

  /// Looks up what is to be verified.
  ///
  /// - Throws: `ReferenceError`, `StoreError`.
  package func prepare(on repository: Repository) throws -> PreparedVerification {
    let listing = try repository.revisions()
    var chosen = try Set(revisions.map { try listing.revision($0).id })
    for job in jobs { chosen.formUnion(try listing.history(of: job).map(\.id)) }
    // An unreadable revision may be the one that a name means; an id cannot mean it.
    let areNamedByID =
      jobs.isEmpty && !revisions.isEmpty
      && revisions.allSatisfy { $0.isID(among: listing.entries) }
    return PreparedVerification(
      repository: repository, samplePercent: samplePercent,
      checksPacks: chosen.isEmpty && samplePercent == nil,
      entries: listing.entries.filter { chosen.isEmpty || chosen.contains($0.id) },
      unreadable: areNamedByID ? [] : listing.unreadable)
  }
}

/// Revisions that are about to be verified.
package struct PreparedVerification: Sendable {
  private let repository: Repository
  private let samplePercent: Double?
  /// Whether the packs themselves are read, too.
  private let checksPacks: Bool
  package let entries: [RevisionEntry]
  /// Revisions that may be meant, and cannot be read.
  package let unreadable: [(id: RevisionID, error: StoreError)]

  fileprivate init(
    repository: Repository, samplePercent: Double?, checksPacks: Bool, entries: [RevisionEntry],
    unreadable: [(id: RevisionID, error: StoreError)]
  ) {
    (self.repository, self.samplePercent) = (repository, samplePercent)
    (self.checksPacks, self.entries, self.unreadable) = (checksPacks, entries, unreadable)
  }

  /// Damage is a finding, and no error.
  ///
  /// - Throws: `StoreError`, and what ends the verification.
  package func run(context: WorkContext) throws -> VerificationOutcome {
    let verification = Verification(
      repository: repository, entries: entries,
      policy: samplePercent.map { .sample(percent: $0) } ?? .full, context: context)
    let report = try verification.run()
    let packs = checksPacks ? try damagedPacks(context) : []
    // What was found is told also where the quarantine cannot be reviewed.
    let released = Result {
      samplePercent == nil ? try repository.reviewQuarantine(context: context).count : 0
    }
    return VerificationOutcome(
      report: report, unreadable: unreadable, damagedPacks: packs, released: released)
  }

  private func damagedPacks(_ context: WorkContext) throws -> [PackExamination] {
    try RepositoryInspection(
      repository: repository, depth: .full, mends: false, context: context
    ).damagedPacks()
  }
}

package struct VerificationOutcome: Sendable {
  package let report: VerificationReport
  package let unreadable: [(id: RevisionID, error: StoreError)]
  /// Packs that are not what their names say; looked for only where everything is verified.
  package let damagedPacks: [PackExamination]
  /// How many copies left the quarantine: they read back, or are gone and intact elsewhere.
  package let released: Result<Int, any Error>

  package var isClean: Bool { report.isClean && unreadable.isEmpty && damagedPacks.isEmpty }

  /// The document `verification`.
  package var json: JSON {
    .object(
      JSON.Members(
        report.jsonMembers.pairs + [
          ("isClean", .bool(isClean)),
          ("unreadableRevisions", .strings(unreadable.map(\.id.description))),
          ("damagedPacks", .strings(damagedPacks.map(\.file.id.description))),
        ]))
  }
}

extension VerificationReport {
  /// As a part of the documents `backup` and `repair`.
  var json: JSON { .object(jsonMembers) }

  fileprivate var jsonMembers: JSON.Members {
    [
      "revisions": .integer(Int64(revisions)),
      "forgotten": .integer(Int64(forgotten)),
      "checkedChunks": .unsigned(checkedChunks),
      "totalChunks": .unsigned(totalChunks),
      "checkedBytes": .unsigned(checkedBytes),
      "isComplete": .bool(isComplete),
      "comparedSources": .bool(comparedSources),
      "isNoted": .bool(notNoted == nil),
      "quarantined": .integer(Int64(quarantined)),
      "changedAtSource": .unsigned(changedAtSource),
      "comparedHoleBytes": .unsigned(comparedHoleBytes),
      "missedPieces": .unsigned(missedPieces),
      "firstMissedBytes": firstMissedBytes.map(JSON.unsigned) ?? .null,
      "damages": .array(damages.map(\.json)),
      "furtherDamages": .integer(Int64(furtherDamages)),
      "unmarkableRevisions": .strings(unmarkable.map(\.id.description)),
    ]
  }
}

extension VerificationReport.Damage {
  fileprivate var json: JSON {
    .object([
      "job": .string(job), "revision": .string(revision.description), "volume": .string(name),
      "offsetBytes": .unsigned(offsetBytes), "lengthBytes": .unsigned(lengthBytes),
      "count": .integer(Int64(count)), "revisions": .integer(Int64(revisionCount)),
      "pack": .optional(pack), "message": .string(message),
    ])
  }
}
