import ChunkFormat
package import ChunkStore
import ObjectStorage
import Remedies
package import Workers

/// Frees the space of content that no revision needs any more, while backups, restores and readers
/// continue to run.
///
/// ```
/// mark ──▶ survey ──▶ plan ──▶ condemn ──▶ copy what is needed ──▶ mark again ──▶ sweep
/// ```
///
/// A pack is deleted only under three conditions: every writing session that may rely on it has
/// ended, no record in it is needed after that, and its own footer confirms this (design,
/// "Deleting"). An interrupted collection leaves condemned packs, and the next collection continues
/// with them. An instance runs once, on one thread.
package final class GarbageCollection {
  private let repository: Repository
  private let settings: CollectionSettings
  private let context: WorkContext
  private let began = ContinuousClock.now

  private var report = CollectionReport()
  /// Condemnations that can be carried out, because the sessions that they await have ended.
  private var ready: [StoredCondemnation] = []
  private var waiting: [StoredCondemnation] = []
  private var forgotten: [RevisionID] = []
  /// Revisions whose files are missing.
  private var lost: [RevisionID] = []
  private var unfinished: (files: [ObjectKey], sessions: Set<SessionID>) = ([], [])
  private var ownPacks: Set<PackID> = []
  /// The roots of the last marking, before the sweep looked for new ones.
  private var roots: RootMarking?
  /// How often a collection starts. It starts again if the index is replaced while it runs.
  private static let attempts = 3

  package init(
    repository: Repository, settings: CollectionSettings, context: WorkContext
  ) {
    self.repository = repository
    self.settings = settings
    self.context = context
  }

  /// Runs the collection.
  ///
  /// - Throws: ``CollectionError``; `StoreError`, with `.busy` if another collection is running;
  ///   `WorkersError/cancelled`. Anything deleted before the error was not needed.
  package func run() throws -> CollectionReport {
    report.isDryRun = settings.isDryRun
    if settings.isDryRun {
      try rehearse()
      return report
    }
    let lock = try repository.beginCollecting()
    defer { lock.release() }
    report.damagedCondemnations = try repository.removeDamagedCondemnations(lock)
    for _ in 1..<Self.attempts {
      if try collect() { return report }
    }
    guard try collect() else {
      throw CollectionError(
        .unreadable,
        "nothing more is deleted: the index was rebuilt several times during the garbage collection, so "
          + "it is unknown what is in use",
        remedy: .endIndexRebuilds)
    }
    return report
  }

  /// Collects with one index from start to end, because the index says which deltas need a base.
  ///
  /// - Returns: false if another process replaced the index. Nothing is then deleted.
  private func collect() throws -> Bool {
    (ready, waiting) = ([], [])
    try lookAround()
    try checkRevisions()
    var marking = try markUntilStable()
    guard marking.live.isOfIndex else { return false }
    try checkRecords(marking)
    let plan = try plan(marked: marking.survey)
    try plan.check(settings)
    try condemn(plan.condemned)
    if !plan.rewritten.isEmpty { try compact(plan.rewritten, marking.live) }
    return try finish(&marking)
  }

  /// Performs a dry run. Another process may collect at the same time. If a root disappears before
  /// it is marked, the dry run starts again.
  private func rehearse() throws {
    for _ in 1..<Self.attempts {
      do {
        try rehearseOnce()
        guard report.refusal != nil, try isAnyRootGone() else { return }
      } catch {
        guard try isAnyRootGone() else { throw error }
      }
    }
    try rehearseOnce()
  }

  private func isAnyRootGone() throws(StoreError) -> Bool { try roots?.isAnyGone() ?? false }

  private func rehearseOnce() throws {
    report.refusal = nil
    lost = try repository.lostRevisions(changesNothing: true)
    let marking = try markUntilStable()
    let plan = try plan(marked: marking.survey)
    do {
      try checkRevisions()
      try checkRecords(marking)
      try plan.check(settings)
    } catch {
      report.refusal = error
    }
  }

  // MARK: - Before

  /// Reads the traces of other processes: condemnations, forgotten and missing revisions,
  /// unfinished files. This comes first, before all marking.
  private func lookAround() throws {
    try repository.removeAbandonedSessions()
    unfinished.files = try repository.unfinishedFiles()
    forgotten = try repository.forgottenRevisions()
    lost = try repository.lostRevisions(changesNothing: false)
    let writing = try writingSessions()
    unfinished.sessions = Set(writing.map(\.id))
    for var stored in try repository.condemnations() {
      try repository.noteAwaited(&stored)
      sort(stored, writing)
    }
  }

  private func checkRevisions() throws(CollectionError) {
    guard let id = lost.first, !settings.acceptsLosses else { return }
    throw CollectionError(
      .lost,
      "nothing is deleted: revision \(id)\(lost.count > 1 ? " and \(lost.count - 1) more" : "") is "
        + "missing: its marks or a pin exist, its file does not",
      remedy: .restoreLostRevisions)
  }

  private func sort(_ stored: StoredCondemnation, _ writing: [LiveSession]) {
    let awaited = Set(stored.condemnation.awaited ?? [])
    if writing.contains(where: { awaited.contains($0.id) }) {
      waiting.append(stored)
    } else {
      ready.append(stored)
    }
  }

  private func writingSessions() throws -> [LiveSession] {
    try repository.liveSessions().filter { $0.record.kind == .writing }
  }

  // MARK: - Marking

  private struct Marking {
    let live: LiveRecords
    let survey: Survey
    var roots: RootMarking

    var lostRecords: Int { survey.lostRecords + live.lostCount }
  }

  /// Marks. If records are missing, rebuilds the index and marks once more: the old index may lack
  /// records of a pack that was damaged or absent when it was listed.
  private func markUntilStable() throws -> Marking {
    let marking = try mark()
    guard marking.lostRecords > 0 else { return marking }
    _ = try repository.rebuildIndex { [context] _ in try context.cancellation.check() }
    return try mark()
  }

  private func mark() throws -> Marking {
    _ = try repository.records.synchronize(progress: context.comparingIndex())
    let check: () throws -> Void = { [context] in try context.cancellation.check() }
    let live = try timing(\.surveySeconds) {
      try repository.records.liveRecords(progress: check)
    }
    let meter = context.begin(.marking, total: UInt64(live.knownCount))
    var roots = RootMarking(repository, live, changesNothing: settings.isDryRun) {
      [context] in
      try context.cancellation.check()
      meter.advance(to: UInt64(live.markedCount))
    }
    defer { self.roots = roots }
    try timing(\.markSeconds) { try roots.markNew() }
    let survey = try timing(\.surveySeconds) {
      try repository.records.survey(
        live, absent: try repository.absentContent(), progress: check)
    }
    let marking = Marking(live: live, survey: survey, roots: roots)
    report.records = live.knownCount
    report.liveRecords = live.markedCount
    report.lostRecords = marking.lostRecords
    report.revisions = roots.revisions
    return marking
  }

  /// Stops the collection if records are missing. They may come back, and may then need a base that
  /// nothing else needs.
  private func checkRecords(_ marking: Marking) throws(CollectionError) {
    guard marking.lostRecords > 0 else { return }
    if let (pack, error) = marking.roots.unlisted.first {
      throw CollectionError(
        .unreadable,
        "nothing is deleted: pack \(pack) cannot be read (\(error)), so it is unknown which delta bases "
          + "it needs",
        cause: error, remedy: .checkRepository)
    }
    guard !settings.acceptsLosses else { return }
    throw CollectionError(
      .lost,
      "nothing is deleted: records that revisions need are missing (\(marking.lostRecords)), so it is "
        + "unknown which delta bases those need",
      remedy: .restoreLostRecords)
  }

  @discardableResult
  private func timing<Result>(
    _ seconds: WritableKeyPath<CollectionReport, Double>, _ body: () throws -> Result
  ) rethrows -> Result {
    let start = ContinuousClock.now
    defer { report[keyPath: seconds] += start.duration(to: .now) / .seconds(1) }
    return try body()
  }

  private func plan(marked survey: Survey) throws -> CollectionPlan {
    let plan = CollectionPlan(survey, settings)
    report.storeBytes = plan.storeBytes
    report.deadPacks = plan.dead.count
    report.deadBytes = plan.dead.map(\.lengthBytes).saturatingSum()
    report.rewrittenPacks = plan.rewritten.count - plan.merged
    report.mergedPacks = plan.merged
    report.rewrittenDeadBytes = plan.rewritten.map(\.deadBytes).saturatingSum()
    report.postponedPacks = plan.postponed
    return plan
  }

  // MARK: - Condemning and copying

  private func condemn(_ packs: [(id: PackID, kind: PackKind)]) throws {
    for packs in packs.chunks(of: Condemnation.maximumPacks) {
      let stored = try repository.condemn(packs, at: context.now())
      sort(stored, try writingSessions())
    }
  }

  private func compact(_ packs: [PackUse], _ live: LiveRecords) throws {
    do {
      try copy(packs, live)
    } catch let error as StoreError where error.code == .noSpace {
      // Garbage can still be deleted, which makes room.
      report.endedEarly = .noSpace(error)
    }
  }

  private func copy(_ packs: [PackUse], _ live: LiveRecords) throws {
    let meter = context.begin(.compacting, total: packs.map(\.neededBytes).saturatingSum())
    // A session that begins from now on treats the records of condemned packs as absent, so it
    // stores them again.
    let writing = try repository.beginWriting(
      "garbage collection", pinned: [], context: context)
    defer { writing.end() }
    var compaction = try Compaction(
      repository: repository, live: live, absent: try repository.absentContent(),
      writer: writing.writer, mayGoOn: mayGoOn,
      progress: { meter.advance(by: $0) })
    // This is also done after a failure, because complete packs have valid copies.
    defer { note(compaction, writing.writer.totals) }
    try compaction.run(packs)
  }

  private func note(_ compaction: Compaction, _ stored: StoreTotals) {
    report.copiedRecords += compaction.copiedRecords
    report.replacedBases += compaction.replacedBases
    report.damaged += compaction.damaged
    report.newBytes += stored.storedBytes
    ownPacks.formUnion(stored.packIDs)
    if compaction.endedEarly { report.endedEarly = .timeLimit }
  }

  private func mayGoOn() throws -> Bool {
    try context.cancellation.check()
    return settings.timeLimit.map { began.duration(to: .now) < $0 } ?? true
  }

  // MARK: - Sweeping

  /// Deletes condemned packs and removes leftovers.
  ///
  /// - Returns: false if nothing was deleted because the index was replaced.
  private func finish(_ marking: inout Marking) throws -> Bool {
    // The following marking sees the revisions of all sessions that have ended by now.
    let writing = try writingSessions()
    let condemnations = ready + waiting
    (ready, waiting) = ([], [])
    for stored in condemnations { sort(stored, writing) }
    if try marking.roots.markNew() { try checkRecords(marking) }
    report.revisions = marking.roots.revisions
    guard marking.live.isOfIndex else { return false }
    try sweep(marking.live)
    noteWaiting(writing)
    let unpinned = forgotten.filter { !marking.roots.pinned.contains($0) }
    try repository.removeForgotten(unpinned)
    try repository.giveUp(lost)
    report.removedRevisions = unpinned.count
    try removeUnfinished(writing)
    return true
  }

  private func sweep(_ live: LiveRecords) throws {
    let count = ready.map(\.condemnation.packs.count).reduce(0, +)
    let meter = context.begin(.deleting, total: UInt64(count))
    var sweep = try Sweep(
      repository: repository, live: live, absent: try repository.absentContent(), own: ownPacks)
    defer { note(sweep) }
    try sweep.carryOut(ready) { [context] in
      try context.cancellation.check()
      meter.advance(by: 1)
    }
  }

  private func note(_ sweep: Sweep) {
    report.deletedPacks = sweep.deletedPacks
    report.deletedBytes = sweep.deletedBytes
    report.pardonedPacks = sweep.pardonedPacks
    report.damaged += sweep.damaged
  }

  private func noteWaiting(_ writing: [LiveSession]) {
    report.waitingPacks = waiting.map(\.condemnation.packs.count).reduce(0, +)
    let awaited = Set(waiting.flatMap { $0.condemnation.awaited ?? [] })
    report.awaited = writing.filter { awaited.contains($0.id) }.map {
      AwaitedSession(
        purpose: $0.record.purpose, host: $0.record.host, process: $0.record.process)
    }
  }

  /// Removes unfinished files. Such a file that existed at the start belongs to a session that was
  /// live then, or to a dead one. So the files are removed once all those sessions have ended.
  private func removeUnfinished(_ writing: [LiveSession]) throws {
    guard !writing.contains(where: { unfinished.sessions.contains($0.id) }) else { return }
    report.unfinishedFiles = unfinished.files.count
    report.unfinishedBytes = try repository.removeUnfinished(unfinished.files)
  }
}

extension Array {
  /// Returns the elements in groups of at most `size`.
  fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
  }
}
