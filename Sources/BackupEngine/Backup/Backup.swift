import CalendarTime
import ChunkFormat
package import ChunkStore
import Remedies
import VolumeMap
import VolumeReader
import VolumeSources
package import Workers

/// Creates one revision of a job: stores all volumes, one after another, then the documents, and
/// finally commits the revision file.
///
/// The parent is the newest revision that is not distrusted, unless the request names another one.
/// The backup compares its maps and chunks with those of the parent. After a revision of the job
/// was distrusted, a backup rechecks all stored content that it reuses. This ends after one such
/// backup of all volumes of that revision.
///
/// ```
/// volumes ──▶ chunks, map nodes ──▶ packs, durable ──▶ revision, durable ──▶ verification
/// ```
package struct Backup: Sendable {
  private let repository: Repository
  private let request: BackupRequest
  private let context: WorkContext

  package init(
    repository: Repository, request: BackupRequest, context: WorkContext
  ) {
    self.repository = repository
    self.request = request
    self.context = context
  }

  /// Runs the backup. When this returns, the revision survives a power failure. When this throws,
  /// there is no revision, and the next attempt reuses the content that was already stored.
  package func run() throws -> BackupReport {
    try request.check()
    let created = context.now()
    guard created >= .epoch else {
      throw EngineError(
        .invalidRequest,
        "the clock of this machine shows a time before 1970; set it, then back up")
    }
    var warnings: [Warning] = []
    let (writing, history, parent) = try begin(&warnings)
    defer { writing.end() }
    let before = parent ?? history.last
    let check = ChangeCheck(before: before?.revision)
    try refuse(check.changes(in: request.volumes), since: before?.id)
    warnings += writing.indexChanges.damaged.map {
      Warning("pack \($0.pack) is damaged: \($0.error)", cause: $0.error)
    }
    let quarantine = try repository.quarantine()
    warnings += quarantine.unreadable.map {
      Warning(
        "a quarantine report cannot be read, so the damaged content that it lists is not stored again: "
          + "\($0.error)", cause: $0.error,
        remedy: .verifyEverything)
    }
    let content = try store(
      parent: parent, checksKnown: mustProve(after: history, parent),
      // Content that is reused without reading the source could be damaged.
      isDamageKnown: !quarantine.copies.isEmpty, writing.writer, &warnings)
    let unusual = check.changes(in: content.volumes)
    try refuse(unusual, since: before?.id)
    var revision = Revision(
      job: request.job, created: created, finished: context.now(), parent: parent?.id,
      tags: request.tags, volumes: content.volumes, attachments: content.attachments,
      host: context.host.name, program: request.program)
    revision.isUnusual = !unusual.isEmpty
    let id = try repository.commit(revision)
    let stored = writing.writer.totals
    writing.session.end()
    if request.verification != .none {
      // Content in the page cache proves nothing about the disk.
      try repository.records.forgetCached(stored.packs)
    }
    let verification = try verify(try repository.revision(id))
    return BackupReport(
      id: id, revision: revision, storedBytes: stored.storedBytes, verification: verification,
      unusual: unusual, resized: check.resized(revision.volumes), warnings: warnings)
  }

  /// Chooses the parent and pins it. Tries again if the parent is forgotten in between.
  private func begin(
    _ warnings: inout [Warning]
  ) throws -> (writing: WritingSession, history: [RevisionEntry], parent: RevisionEntry?) {
    let compare = context.comparingIndex()
    while true {
      try context.cancellation.check()
      let history = try history(&warnings)
      let parent =
        try request.parent.map { try repository.revision($0) }
        ?? history.last { $0.marks.trust != .distrusted }
      do {
        let writing = try repository.beginWriting(
          SessionRecord.purposeOfBackup(of: request.job), pinned: parent.map { [$0.id] } ?? [],
          context: context, progress: compare)
        return (writing, history, parent)
      } catch let error as StoreError where error.code == .notFound && request.parent == nil {
        warnings = []
      }
    }
  }

  /// Whether a revision was distrusted and no backup of the same volumes has been made since.
  private func mustProve(after history: [RevisionEntry], _ parent: RevisionEntry?) -> Bool {
    if [history.last, parent].contains(where: { $0?.marks.trust == .distrusted }) { return true }
    for (number, entry) in history.enumerated() where entry.marks.trust == .distrusted {
      let since = entry.marks.distrustedSince ?? .epoch
      let volumes: Set<String> = Set(entry.revision.volumes.map(\.name))
      let isProven = history[(number + 1)...].contains { (later: RevisionEntry) -> Bool in
        guard later.marks.trust != .distrusted, later.revision.created > since else { return false }
        return volumes.isSubset(of: later.revision.volumes.map(\.name))
      }
      if !isProven { return true }
    }
    return false
  }

  /// Refuses unusual changes that the request does not accept.
  ///
  /// - Throws: ``EngineError`` with `.unusual`.
  private func refuse(_ changes: [UnusualChange], since before: RevisionID?) throws(EngineError) {
    guard !changes.isEmpty, !request.acceptsUnusual else { return }
    throw EngineError(
      .unusual(UnusualBackup(changes: changes, before: before)),
      "the volumes of \(request.job) are empty or differ too much from the revision before")
  }

  /// Stores the volumes, one after another, and the documents. Everything is durable when this
  /// returns.
  private func store(
    parent: RevisionEntry?, checksKnown: Bool, isDamageKnown: Bool,
    _ writer: RecordWriter, _ warnings: inout [Warning]
  ) throws -> (volumes: [RevisionVolume], attachments: [Attachment]) {
    let notes = DamageNotes()
    let reader: any NodeReading =
      if checksKnown {
        VerifyingNodes(repository: repository, notes: notes)
      } else {
        repository.nodeReader
      }
    let nodes = NodeCache(reading: reader)
    let proof: RecordKeeper.Proof = checksKnown ? .reading(notes) : .index
    var volumes: [RevisionVolume] = []
    for volume in request.volumes {
      let (described, doubts) = try VolumeBackup(
        repository: repository, writer: writer, volume: volume,
        parent: try parentVolume(of: volume, in: parent),
        takesUnchanged: request.parent != nil && !checksKnown && !isDamageKnown, nodes: nodes,
        usesDeltas: request.usesDeltas, proof: proof, context: context
      ).run()
      volumes.append(described)
      warnings += doubts.map { Warning("\(volume.name): \($0)") }
    }
    let attachments = try DocumentRecorder(
      repository: repository, writer: writer, proof: proof
    ).record(request.documents)
    _ = context.begin(.storing)
    try writer.flush()
    try repository.quarantine(
      notes.take(), finder: SessionRecord.purposeOfBackup(of: request.job), context: context
    )
    try context.cancellation.check()
    return (volumes, attachments)
  }

  private func verify(_ entry: RevisionEntry) throws -> VerificationReport {
    var sources: [String: SourceComparison] = [:]
    for volume in request.volumes where volume.source.canBeReadAgain {
      sources[volume.name] = SourceComparison(volume.source)
    }
    return try Verification(
      repository: repository, entries: [entry], policy: request.verification, sources: sources,
      finder: "verification of a backup", context: context
    ).run()
  }

  /// The revisions of the job, oldest first.
  private func history(_ warnings: inout [Warning]) throws -> [RevisionEntry] {
    let listing = try repository.revisions()
    warnings += listing.unreadable.map {
      Warning("revision \($0.id) cannot be read: \($0.error)", cause: $0.error)
    }
    return listing.entries.filter { $0.revision.job == request.job }
  }

  private func parentVolume(
    of volume: BackupRequest.Volume, in parent: RevisionEntry?
  ) throws -> ParentVolume? {
    guard let previous = parent?.revision.volume(named: volume.name) else { return nil }
    return ParentVolume(map: try repository.map(of: previous), statistics: previous.statistics)
  }
}
