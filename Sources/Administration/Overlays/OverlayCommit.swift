package import BackupEngine
import CalendarTime
import ChunkFormat
package import ChunkStore
package import Overlays
package import Workers

/// Creates a revision from the volumes of an overlay as they are now.
package struct OverlayCommitRequest: Sendable {
  package let overlay: String
  /// The job that gets the revision; nil for that of the overlay's revision.
  package var job: String?
  package var tags: [String] = []
  package var verification = VerificationPolicy.automatic
  package var acceptsUnusual = false
  /// Whether the overlay stays, on the same revision as before.
  package var keepsOverlay = false
  /// What makes the revision: `varve 1.0`.
  package let program: String

  package init(overlay: String, program: String) {
    (self.overlay, self.program) = (overlay, program)
  }

  /// Opens the overlay: nobody else can, until ``PreparedCommit/end(after:)``.
  ///
  /// - Throws: `OverlayError`, `StoreError`, or a ``NoticedFailure`` with one of these.
  package func prepare(
    on repository: Repository, overlays: OverlayStore
  ) throws -> PreparedCommit {
    let opened = try overlays.open(overlay)
    return try [Notice].collecting { notices in
      let own = try opened.revision()
      let job = job ?? own.revision.job
      let newer = try notices.listing(of: repository).entries.filter {
        $0.revision.job == job && $0.revision.created > own.revision.created
      }
      return PreparedCommit(
        repository: repository, overlays: overlays, overlay: opened, request: self, job: job,
        newer: newer, notices: notices)
    }
  }
}

/// An overlay that is about to become a revision.
package struct PreparedCommit: Sendable {
  private let repository: Repository
  private let overlays: OverlayStore
  private let overlay: NamedOverlay
  private let request: OverlayCommitRequest
  /// The job that gets the revision.
  package let job: String
  /// Revisions of the job that are newer than the overlay's: what changed in them will be missing.
  package let newer: [RevisionEntry]
  package let notices: [Notice]

  fileprivate init(
    repository: Repository, overlays: OverlayStore, overlay: NamedOverlay,
    request: OverlayCommitRequest, job: String, newer: [RevisionEntry], notices: [Notice]
  ) {
    (self.repository, self.overlays, self.overlay) = (repository, overlays, overlay)
    (self.request, self.job) = (request, job)
    (self.newer, self.notices) = (newer, notices)
  }

  /// Makes the revision; the overlay stays as it is.
  ///
  /// - Throws: `OverlayError`, and what a backup throws.
  package func run(context: WorkContext) throws -> BackupOutcome {
    var backup = try overlay.commitRequest(job: job, program: request.program)
    backup.tags = request.tags
    backup.verification = request.verification
    backup.acceptsUnusual = request.acceptsUnusual
    return try backup.run(on: repository, context: context)
  }

  /// Removes the overlay, or only closes it: where it is to be kept, and where what was stored is damaged,
  /// since it is still wanted then. To be called when whoever asked was told of the outcome.
  ///
  /// - Returns: a pin that could not be released.
  /// - Throws: `OverlayError`.
  package func end(after outcome: BackupOutcome) throws(OverlayError) -> LeftPin? {
    if !request.keepsOverlay, outcome.isClean { return try overlays.remove(overlay) }
    try overlay.close()
    return nil
  }
}
