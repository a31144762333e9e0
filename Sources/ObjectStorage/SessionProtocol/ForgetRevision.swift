/// Forgets a revision: puts its tombstone, `forgotten/R`, then removes `revisions/R`. The first put is the point
/// at which the revision ceases to exist.
///
/// With locks, a revision in both places exists, since only a crash leaves it so. Here a late put may bring
/// `revisions/R` back, so the tombstone prevails. It holds the revision's bytes, for sessions that pin it.
package struct ForgetRevision: ComposedProcedure {
  package enum Outcome: Sendable {
    case forgotten
    /// There is no such revision in `revisions/`; ``ListRevisions`` completes those that are on their way.
    case notFound
  }

  package var work: Work?
  private let revision: String
  /// When this round began to look. The tombstone's put is as old, so it arrives while another one is there if
  /// another client forgets the revision meanwhile.
  private var basis = Duration.zero

  private enum Stage { case readingTombstone, readingRevision, putting }
  private var stage = Stage.readingTombstone

  package init(_ revision: String) {
    self.revision = revision
  }

  package mutating func first(at now: Duration) -> NextWork<Outcome> {
    basis = now
    stage = .readingTombstone
    return .work(.read(SettledRead(StoreKey(.forgotten, revision))))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome> {
    switch (stage, outcome) {
    case (.readingTombstone, .content(nil)):
      stage = .readingRevision
      return .work(.read(SettledRead(StoreKey(.revisions, revision))))
    case (.readingTombstone, .content), (.putting, .put(.stored)): return removeRevision()
    case (.readingRevision, .content(let document?)):
      stage = .putting
      return .work(
        .put(SettledPut(StoreKey(.forgotten, revision), document, if: .absent, basis: basis)))
    case (.readingRevision, .content(nil)): return .done(.notFound)
    case (.putting, .put(.absent)): return first(at: now)
    case (.putting, .put(.other)):
      throw SessionProtocolError(
        .damaged, "forgotten/\(revision)", "it is not the revision's bytes")
    case (_, .removed): return .done(.forgotten)
    default: preconditionFailure("ForgetRevision asked for nothing like \(outcome)")
    }
  }

  private func removeRevision() -> NextWork<Outcome> {
    .work(.remove(SettledRemove(StoreKey(.revisions, revision))))
  }
}
