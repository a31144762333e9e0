/// Looks up whether a revision exists: its tombstone first, then its place. One that is committed and not in its
/// place yet is completed first.
package struct LookUpRevision: ComposedProcedure {
  package enum Outcome: Sendable {
    /// It exists, and this is what it holds.
    case found([UInt8])
    /// It has a tombstone.
    case forgotten
    case notFound

    var everExisted: Bool { if case .notFound = self { false } else { true } }
  }

  package var work: Work?
  private let revision: String
  private var isLastRound = false
  private var stage = Stage.readingTombstone

  private enum Stage { case readingTombstone, readingRevision, readingStaged, completing }

  package init(_ revision: String) {
    self.revision = revision
  }

  package mutating func first(at now: Duration) -> NextWork<Outcome> {
    stage = .readingTombstone
    return .work(.read(SettledRead(ObjectKey(.forgotten, revision))))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome> {
    switch (stage, outcome) {
    case (.readingTombstone, .content(nil)):
      stage = .readingRevision
      return .work(.read(SettledRead(ObjectKey(.revisions, revision))))
    case (.readingTombstone, .content): return .done(.forgotten)
    case (.readingRevision, .content(let document?)): return .done(.found(document))
    case (.readingRevision, .content(nil)):
      guard !isLastRound else { return .done(.notFound) }
      isLastRound = true
      stage = .readingStaged
      return .work(.read(SettledRead(ObjectKey(.staged, revision))))
    case (.readingStaged, .content(let bytes?)):
      let staged = try StagedRecord(bytes, of: revision)
      stage = .completing
      return .work(.complete(CompleteSession(staged.session)))
    // Also where nothing is staged: it may have been completed since the look at its place.
    case (.readingStaged, .content(nil)), (.completing, .completed): return first(at: now)
    default: preconditionFailure("LookUpRevision asked for nothing like \(outcome)")
    }
  }
}
