package import CalendarTime
import ChunkFormat
package import ChunkStore
package import JSONText
package import Workers

/// Marks revisions as distrusted, so that the next backup checks again what it reuses; or takes that back.
package struct DistrustRequest: Sendable {
  package enum Choice: Sendable {
    case revisions([RevisionReference])
    /// Those of a job, or of all jobs, that were made within these times. Changes nothing without a
    /// confirmation, since there may be more than intended.
    case times(job: String?, from: TimeExpression?, until: TimeExpression?)
  }

  package let choice: Choice
  /// Restores the trust that the revisions had before.
  package var undoes = false
  package var isDryRun = false
  package var isConfirmed = false

  package init(_ choice: Choice) { self.choice = choice }

  /// - Parameter report: called with what was chosen before anything is changed; what it throws ends the
  ///   operation.
  /// - Throws: ``Refusal``, `ReferenceError`, `StoreError`, what `report` throws, or a
  ///   ``NoticedFailure`` with one of these.
  package func run(
    on repository: Repository, context: WorkContext,
    reporting report: (DistrustOutcome) throws -> Void = { _ in }
  ) throws -> DistrustOutcome {
    try [Notice].collecting { notices in
      let now = context.now()
      let listing = try notices.listing(of: repository)
      let chosen = try chosen(among: listing)
      var outcome = DistrustOutcome(
        entries: chosen, request: self, isAllowed: isAllowed(chosen), notices: notices)
      if outcome.isAllowed, !chosen.isEmpty { try repository.checkThatMarksCanChange() }
      notices.removeAll()
      try report(outcome)
      guard outcome.isAllowed else { return outcome }
      do {
        for entry in chosen {
          try context.cancellation.check()
          if undoes {
            try undoDistrust(of: entry, in: repository, &outcome)
          } else {
            let since = listing.entries.distrustTime(of: entry.revision.job, now: now)
            try repository.updateMarks(of: entry.id) { $0.distrust(at: since, canBeUndone: true) }
          }
        }
      } catch {
        outcome.failure = error
      }
      return outcome
    }
  }

  private func isAllowed(_ chosen: [RevisionEntry]) -> Bool {
    if isDryRun { return false }
    if case .revisions = choice { return true }
    return isConfirmed || chosen.isEmpty
  }

  private func undoDistrust(
    of entry: RevisionEntry, in repository: Repository, _ outcome: inout DistrustOutcome
  ) throws {
    var (isUndone, isDistrusted) = (false, false)
    try repository.updateMarks(of: entry.id) { marks in
      isDistrusted = marks.trust == .distrusted
      isUndone = marks.undoDistrust()
    }
    if isUndone { outcome.undoneCount += 1 }
    if isDistrusted, !isUndone { outcome.stillDistrusted.append(entry) }
  }

  /// Oldest first.
  private func chosen(among listing: RevisionListing) throws -> [RevisionEntry] {
    switch choice {
    case .revisions(let references):
      let ids = try Set(references.map { try listing.revision($0).id })
      return listing.entries.filter { ids.contains($0.id) }
    case .times(let job, let from, let until):
      let entries = try job.map { try listing.history(of: $0) } ?? listing.entries
      let times = try Self.times(from: from, until: until)
      return entries.filter { times.contains($0.revision.created) }
    }
  }

  private static func times(
    from: TimeExpression?, until: TimeExpression?
  ) throws -> ClosedRange<Timestamp> {
    let zone = TimeZone.system
    if [from, until].contains(where: { $0?.isLocal ?? false }), let fault = zone.fault {
      throw Refusal.systemTimeZone(fault: fault)
    }
    let first = try from.map { try moment($0.firstMoment(in: zone)) } ?? .earliest
    let last = try until.map { try moment($0.lastMoment(in: zone)) } ?? .latest
    guard first <= last else { throw Refusal.emptyTimeRange }
    return first...last
  }

  private static func moment(_ moment: Timestamp?) throws -> Timestamp {
    guard let moment else { throw Refusal.timeOffCalendar }
    return moment
  }
}

package struct DistrustOutcome: Sendable {
  /// Those that were chosen, oldest first, as they were before.
  package let entries: [RevisionEntry]
  package let undoes: Bool
  package let isDryRun: Bool
  /// Whether the request may change anything: it is no dry run, and is confirmed where it must be.
  package let isAllowed: Bool
  /// Of how many revisions the distrust was taken back.
  package fileprivate(set) var undoneCount = 0
  /// Revisions whose distrust could not be taken back: a verification may have found them damaged.
  package fileprivate(set) var stillDistrusted: [RevisionEntry] = []
  /// Why not all revisions were changed; nil where all were.
  package fileprivate(set) var failure: (any Error)?
  package let notices: [Notice]

  fileprivate init(
    entries: [RevisionEntry], request: DistrustRequest, isAllowed: Bool, notices: [Notice]
  ) {
    (self.entries, self.isAllowed, self.notices) = (entries, isAllowed, notices)
    (undoes, isDryRun) = (request.undoes, request.isDryRun)
  }

  /// The document `distrust`.
  package var json: JSON {
    .object(["isChange": .bool(isAllowed), "revisions": .array(entries.map(\.json))])
  }
}
