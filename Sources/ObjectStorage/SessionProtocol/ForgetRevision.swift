/// Forgets a revision: puts its tombstone, `forgotten/R`, then removes `revisions/R`. The first put is the point
/// at which the revision ceases to exist.
///
/// With locks, a revision in both places exists, since only a crash leaves it so. Here a late put may bring
/// `revisions/R` back, so the tombstone prevails. It holds the revision's bytes, for sessions that pin it.
package struct ForgetRevision: ComposedProcedure {
  package enum Outcome: Sendable {
    case forgotten
    /// There is no such revision.
    case notFound
  }

  package var work: Work?
  private let revision: String
  /// When this round began to look. The tombstone's put is as old, so it arrives while another one is there if
  /// another client forgets the revision meanwhile.
  private var basis = Duration.zero

  private var attempts = Attempts()
  private var wasFound = false

  package init(_ revision: String) {
    self.revision = revision
  }

  package mutating func first(at now: Duration) throws(SessionProtocolError) -> NextWork<Outcome> {
    try attempts.count(ObjectKey(.forgotten, revision))
    basis = now
    return .work(.lookUp(LookUpRevision(revision)))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome> {
    switch outcome {
    case .revision(.found(let document)):
      wasFound = true
      return .work(
        .put(SettledPut(ObjectKey(.forgotten, revision), document, if: .absent, basis: basis)))
    case .revision(.forgotten), .put(.stored): return removeRevision()
    // What was there is gone: a tombstone was put since, and all of it is over.
    case .revision(.notFound): return .done(wasFound ? .forgotten : .notFound)
    case .put(.absent): return try first(at: now)
    case .put(.other):
      throw SessionProtocolError(
        .damaged, "forgotten/\(revision)", "it is not the revision's bytes")
    case .removed: return .done(.forgotten)
    default: preconditionFailure("ForgetRevision asked for nothing like \(outcome)")
    }
  }

  private func removeRevision() -> NextWork<Outcome> {
    .work(.remove(SettledRemove(ObjectKey(.revisions, revision))))
  }
}
