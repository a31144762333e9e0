/// Lists the revisions that exist: those in `revisions/` without a tombstone. Committed sessions come first, and
/// are completed, so their revisions are in the list. Tombstones come before revisions: a tombstone goes only
/// after its revision, so one that is missing here says that the revision existed at that moment.
package struct ListRevisions: ComposedProcedure {
  package typealias Outcome = [String]

  package var work: Work?
  private var committed: [String] = []
  private var forgotten: Set<String>?

  package init() {}

  package mutating func first(at now: Duration) -> NextWork<[String]> {
    .work(.snapshot(Snapshot(.sessions)))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<[String]> {
    switch outcome {
    case .objects(let sessions):
      for session in sessions {
        if case .committed = try SessionObject(session.bytes, of: session.name).state {
          committed.append(session.name)
        }
      }
      return completeNext()
    case .completed: return completeNext()
    case .names(let names):
      guard let forgotten else {
        forgotten = Set(names)
        return .work(.listing(Listing(.revisions)))
      }
      return .done(names.filter { !forgotten.contains($0) })
    default: preconditionFailure("ListRevisions asked for nothing like \(outcome)")
    }
  }

  private mutating func completeNext() -> NextWork<[String]> {
    guard let session = committed.popLast() else { return .work(.listing(Listing(.forgotten))) }
    return .work(.complete(CompleteSession(session)))
  }
}
