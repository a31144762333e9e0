import CalendarTime
import ChunkFormat
import ChunkStore
import VolumeMap
import Workers

/// Adds up the results of a verification, and records them in the marks of the revisions. Serves
/// one thread.
///
/// While no damage is found, marks are written during the verification. Once damage is found,
/// another walk must find all revisions that contain it. So the remaining marks are written at the
/// end.
struct OutcomeRecorder {
  private let repository: Repository
  private let context: WorkContext
  private let quarantine: QuarantineRecorder
  /// For each damaged chunk or node, the position of its damage in the report. Nil if the report
  /// does not list it.
  private var damaged: [ContentID: Int?] = [:]
  private var waiting: [WalkedRevision] = []
  private(set) var report: VerificationReport

  init(
    _ report: VerificationReport, repository: Repository, context: WorkContext, finder: String
  ) {
    self.report = report
    self.repository = repository
    self.context = context
    quarantine = QuarantineRecorder(
      repository: repository, context: context, finder: finder)
  }

  mutating func add(_ outcome: VerificationOutcome) throws {
    let work = outcome.work
    report.checkedChunks += outcome.checked
    report.totalChunks += UInt64(work.chunks.count) + work.passedOver
    report.checkedBytes = report.checkedBytes.addingOrMaximum(outcome.bytes)
    report.changedAtSource += outcome.changedAtSource
    for damage in work.mapDamages {
      let bytes = damage.error.bytes ?? 0..<damage.volume.sizeBytes
      note(damage.id, damage.volume.damage(at: bytes, damage.error, nil))
    }
    for (chunk, error) in outcome.failures {
      note(chunk.id, chunk.volume.damage(at: chunk.bytes, error, error.pack))
    }
    try quarantine.add(work.damagedNodes + outcome.damagedCopies)
    report.revisions += work.walked.count
    guard !work.walked.isEmpty else { return }
    // The quarantine comes first: it makes backups store the content again. So it must be complete
    // before the marks say that content is damaged.
    try quarantine.flush()
    waiting += work.walked
    if damaged.isEmpty { try noteWaiting() }
  }

  /// Writes the remaining marks and returns the report. Call this once, at the end.
  mutating func finish() throws -> VerificationReport {
    try quarantine.flush()
    try noteWaiting()
    report.quarantined = quarantine.newCopies
    report.notNoted = report.notNoted ?? quarantine.refusal
    return report
  }

  private mutating func note(_ id: ContentID, _ damage: VerificationReport.Damage) {
    // The same chunk may fail in several places if the volume is compared with its source.
    guard damaged[id] == nil else { return }
    damaged.updateValue(report.add(damage), forKey: id)
  }

  // MARK: - Marks

  private mutating func noteWaiting() throws {
    var shares: [RevisionID: DamageAttribution.Share] = [:]
    if !damaged.isEmpty {
      var attribution = DamageAttribution(
        repository: repository, damaged: damaged, cancellation: context.cancellation)
      for revision in waiting {
        let share = try attribution.share(of: revision.entry)
        shares[revision.entry.id] = share
        for damage in share.damages { report.countRevision(ofDamage: damage) }
      }
    }
    let noted = waiting.filter { isWorthNoting($0, shares[$0.entry.id]) }
    let revisions = Dictionary(noted.map { ($0.entry.id, $0) }, uniquingKeysWith: { one, _ in one })
    waiting = []
    do {
      let failures = try repository.updateMarks(of: noted.map(\.entry.id)) { id, marks in
        if let revision = revisions[id] { try mark(revision, shares[id], &marks) }
      }
      for (id, error) in failures {
        if error.code == .notFound {
          report.forgotten += 1
        } else {
          report.unmarkable.append((id, error))
        }
      }
    } catch let error as StoreError where error.preventsWriting {
      report.notNoted = error
    }
  }

  /// Whether to record the result for a revision. A sample that has no chunk of the revision says
  /// nothing about it.
  private func isWorthNoting(
    _ revision: WalkedRevision, _ share: DamageAttribution.Share?
  ) -> Bool {
    isDamaged(revision, share) || revision.tally.chosen > 0 || revision.tally.chunks == 0
  }

  /// Whether the revision is damaged. Only one revision is compared with sources, so data that a
  /// backup has missed is missing in this revision.
  private func isDamaged(
    _ revision: WalkedRevision, _ share: DamageAttribution.Share?
  ) -> Bool {
    revision.tally.isBroken || share?.isDamaged ?? false || report.missedPieces > 0
  }

  private func mark(
    _ revision: WalkedRevision, _ share: DamageAttribution.Share?, _ marks: inout RevisionMarks
  ) throws {
    let (tally, damagedPlaces) = (revision.tally, share?.places ?? 0)
    let isDamaged = isDamaged(revision, share)
    let isComplete = revision.readsAll && tally.chosen == tally.chunks
    if isDamaged {
      // The first time is kept. Otherwise damage that is never repaired would make every backup
      // read everything.
      let since = marks.trust == .distrusted ? marks.distrustedSince : nil
      marks.distrust(at: try since ?? distrustTime(of: revision.entry), canBeUndone: false)
    } else {
      if isComplete { marks.promote() }
      // A complete verification is worth more than a later sample.
      guard isComplete || marks.trust != .verified else { return }
    }
    marks.verification = VerificationMark(
      time: context.now(), checkedChunks: tally.chosen - min(tally.chosen, damagedPlaces),
      totalChunks: tally.chunks, damagedChunks: isDamaged ? max(1, damagedPlaces) : 0)
  }

  private func distrustTime(of entry: RevisionEntry) throws(StoreError) -> Timestamp {
    try repository.revisions().entries.distrustTime(
      of: entry.revision.job, now: context.now())
  }
}
