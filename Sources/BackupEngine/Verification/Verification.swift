import ChunkFormat
package import ChunkStore
import VolumeMap
package import Workers

/// Reads revisions back: every map node, and as many chunks as the policy says, each hashed and
/// compared with its id.
///
/// Of successive revisions of a volume only the differences are read: what is the same was read
/// already. A revision that was read in full without damage becomes `verified`, one with damage
/// `distrusted`; a sample changes nothing but the note of when it was taken. Copies that are damaged go
/// to the quarantine, also where another one was right. In a repository that is mounted read-only
/// nothing is noted, and the report says so.
package struct Verification: Sendable {
  private let repository: Repository
  private let entries: [RevisionEntry]
  private let policy: VerificationPolicy
  private let sources: [String: SourceComparison]
  private let finder: String
  private let environment: RepositoryEnvironment
  private let progress: WorkProgress
  private let cancellation: CancellationFlag

  /// - Parameters:
  ///   - entries: oldest first.
  ///   - sources: by name of the volume, what to compare the content with besides; where there is
  ///     one entry only.
  ///   - finder: what the quarantine names for what is found damaged.
  package init(
    repository: Repository, entries: [RevisionEntry], policy: VerificationPolicy,
    sources: [String: SourceComparison] = [:], finder: String = "verification",
    environment: RepositoryEnvironment,
    progress: WorkProgress, cancellation: CancellationFlag
  ) {
    self.repository = repository
    self.entries = entries
    self.policy = policy
    self.sources = sources
    self.finder = finder
    self.environment = environment
    self.progress = progress
    self.cancellation = cancellation
  }

  /// Runs the verification. Damage is in the report, not an error.
  package func run() throws -> VerificationReport {
    var report = VerificationReport()
    report.comparedSources = !sources.isEmpty && policy != .none
    guard policy != .none else { return report }
    let (session, entries) = try begin()
    defer { session.end() }
    report.forgotten = self.entries.count - entries.count
    progress.begin(.verifying, totalUnits: expectedBytes(of: entries))
    var done = VerifiedContent()
    let quarantine = QuarantineRecorder(
      repository: repository, environment: environment, finder: finder)
    for entry in entries {
      let before = (report.damageCount, report.checkedChunks, report.totalChunks)
      for volume in entry.revision.volumes {
        try VolumeVerification(
          repository: repository, entry: entry, volume: volume,
          share: policy.share(dataBytes: volume.statistics.dataBytes),
          source: sources[volume.name], progress: progress, cancellation: cancellation
        ).run(&done, &report, quarantine)
      }
      try verifyAttachments(of: entry, &done, &report, quarantine)
      report.revisions += 1
      // First: what makes backups store content again must not be missing when it is asked for.
      try quarantine.flush()
      do {
        try mark(
          entry, isDamaged: report.damageCount > before.0,
          checked: report.checkedChunks - before.1, total: report.totalChunks - before.2)
      } catch let error as StoreError where error.code == .readOnly {
        report.notNoted = error
      } catch let error as StoreError where error.code == .notFound {
        report.forgotten += 1
      }
    }
    report.quarantined = quarantine.newCopies
    report.notNoted = report.notNoted ?? quarantine.refusal
    return report
  }

  /// Pins the revisions, but for those that were forgotten since somebody listed them.
  ///
  /// - Throws: ``StoreError`` with `.notFound` where that is all of them.
  private func begin() throws -> (session: Session, entries: [RevisionEntry]) {
    var left = entries
    while true {
      do throws(StoreError) {
        let session = try repository.beginReading(
          "verification", pinned: left.map(\.id), environment: environment)
        return (session, left)
      } catch {
        guard error.code == .notFound else { throw error }
        let count = left.count
        left = try left.filter { try repository.exists($0.id) }
        guard 1..<count ~= left.count else { throw error }
      }
    }
  }

  /// A guess for the progress: what successive revisions share is read once.
  private func expectedBytes(of entries: [RevisionEntry]) -> UInt64 {
    var newest: [String: Double] = [:]
    var changed = 0.0
    for entry in entries {
      for volume in entry.revision.volumes {
        let share = policy.share(dataBytes: volume.statistics.dataBytes)
        let name = "\(entry.revision.job)/\(volume.name)"
        if newest[name] != nil, share == 1 {
          changed += Double(volume.statistics.newBytes)
        } else {
          newest[name, default: 0] += Double(volume.statistics.dataBytes) * share
        }
      }
    }
    return UInt64(changed + newest.values.reduce(0, +))
  }

  private func verifyAttachments(
    of entry: RevisionEntry, _ done: inout VerifiedContent, _ report: inout VerificationReport,
    _ quarantine: QuarantineRecorder
  ) throws {
    let notes = DamageNotes()
    let checker = try ContentChecker(repository: repository, notes: notes)
    let chunkSize = repository.configuration.chunkSizeBytes
    for attachment in entry.revision.attachments {
      for (number, id) in attachment.chunks.enumerated() where !done.attachments.contains(id) {
        let place = ContentPlace(
          revision: entry.id, job: entry.revision.job, volume: attachment.name,
          offsetBytes: UInt64(number * chunkSize), lengthBytes: UInt64(chunkSize))
        try verify(id, at: place, checker, &done, &report)
        try quarantine.add(notes.take(at: place))
      }
    }
  }

  /// Reads back one chunk of an attachment.
  private func verify(
    _ id: ContentID, at place: ContentPlace, _ checker: ContentChecker,
    _ done: inout VerifiedContent, _ report: inout VerificationReport
  ) throws(StoreError) {
    report.totalChunks += 1
    do throws(StoreError) {
      report.checkedBytes += UInt64(try checker.check(id, type: .chunk, plainBytes: nil).count)
      report.checkedChunks += 1
      done.attachments.insert(id)
    } catch {
      guard error.isDamage else { throw error }
      report.add(
        VerificationReport.Damage(
          job: place.job, revision: place.revision, name: place.volume,
          offsetBytes: place.offsetBytes, lengthBytes: place.lengthBytes,
          pack: error.pack?.description, message: error.description))
    }
  }

  private func mark(
    _ entry: RevisionEntry, isDamaged: Bool, checked: UInt64, total: UInt64
  ) throws {
    let isComplete = checked == total && policyReadsAll(entry)
    try repository.updateMarks(of: entry.id) { marks in
      if isDamaged {
        // Once is enough: damage that nothing mends must not make every backup read all there is.
        if marks.trust != .distrusted { marks.distrust(at: try distrustTime(of: entry)) }
      } else {
        if isComplete { marks.promote() }
        // That all was read back once says more than a later sample does.
        guard isComplete || marks.trust != .verified else { return }
        marks.verification = VerificationMark(
          time: environment.now(), checkedChunks: checked, totalChunks: total)
      }
    }
  }

  private func distrustTime(of entry: RevisionEntry) throws(StoreError) -> Nanoseconds {
    try repository.revisions().entries.distrustTime(
      of: entry.revision.job, now: environment.now())
  }

  private func policyReadsAll(_ entry: RevisionEntry) -> Bool {
    entry.revision.volumes.allSatisfy { policy.share(dataBytes: $0.statistics.dataBytes) == 1 }
  }
}

/// What was read back earlier in the same run.
struct VerifiedContent {
  /// By job and volume: the map of the newest revision whose chunks were all read.
  var maps: [String: MapRoot] = [:]
  /// Contents found damaged or missing, which later revisions may share.
  var damaged: [ContentID: StoreError] = [:]
  var attachments: Set<ContentID> = []
}
