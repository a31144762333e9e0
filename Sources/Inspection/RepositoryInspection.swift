import BackupEngine
import ChunkFormat
package import ChunkStore
import GarbageCollection
import ObjectStorage
import Remedies
import VolumeMap
import VolumeReader
package import Workers

/// Checks everything in a repository. On request, makes all repairs that involve no risk.
///
/// ```
/// files ──▶ small files ──▶ packs, side by side ──▶ [mend] ──▶ maps of all revisions ──▶ [put aside]
/// ```
///
/// An inspection may run at the same time as backups, restores and collections. Without repairs it
/// writes only to the index, which is a cache.
package struct RepositoryInspection: Sendable {
  /// How thoroughly packs are checked.
  package enum PackDepth: String, Sendable, CaseIterable {
    /// Reads the header and the footer, and the whole pack if these show a problem.
    case quick
    /// Reads and hashes the whole pack.
    case full
  }

  let repository: Repository
  let depth: PackDepth
  let mends: Bool
  let context: WorkContext

  /// Prepares an inspection of the repository.
  ///
  /// - Parameter mends: whether to repair. Otherwise findings are only reported.
  package init(
    repository: Repository, depth: PackDepth, mends: Bool, context: WorkContext
  ) {
    self.repository = repository
    self.depth = depth
    self.mends = mends
    self.context = context
  }

  /// Runs the inspection. Damage is reported in the result and is not an error.
  ///
  /// - Throws: ``StoreError`` if something cannot be checked.
  package func run() throws -> InspectionReport {
    if mends { try repository.checkThatItCanBeRepaired() }
    var report = InspectionReport()
    let census = try repository.census()
    guard try inspectDirectories(census, &report) else { return report }
    let abandoned = try inspectSessions(&report)
    try inspectLeftovers(census.leftovers.filter { !abandoned.contains($0) }, &report)
    // The order matters: a revision's content is written before the revision.
    let (listing, session) = try repository.pinningAll("check of the repository", context: context)
    defer { session.end() }
    try inspectSmallFiles(census.smallFiles.filter { !abandoned.contains($0.key) }, &report)
    inspectMarks(listing, census, &report)
    try inspectIndex(&report)
    var doubtful = try examinePacks(census, &report)
    if mends {
      doubtful = try Mending(self).mend(doubtful, setAside: census.setAside, &report)
    }
    let search = try findLosses(listing, doubtful, &report)
    if mends {
      try Mending(self).putAside(doubtful, after: search.walk, &report)
      try reviewQuarantine(census, &report)
    }
    report.quarantined = try repository.quarantine().copies.count
    return report
  }

  /// Returns the damaged packs, without repairs.
  package func damagedPacks() throws -> [PackExamination] {
    var report = InspectionReport()
    return try examinePacks(try repository.census(), &report)
  }

  // MARK: - Files

  /// Checks that all directories exist.
  ///
  /// - Returns: whether the rest can be checked.
  private func inspectDirectories(
    _ census: RepositoryCensus, _ report: inout InspectionReport
  ) throws -> Bool {
    for (area, message) in census.obstructedAreas {
      report.add(Finding(.directory, .damage, path: repository.path(of: area), message))
    }
    if mends { try repository.make(census.missingAreas) }
    for area in census.missingAreas {
      report.add(
        Finding(
          .directory, .damage, path: repository.path(of: area),
          "is missing; a copy of the repository may have left it out because it was empty"
            + (area == .marks
              ? "; if it was not, protection, distrust and later tags are lost" : ""),
          mends ? .fixed("created") : .left(nil, .makeDirectory)))
    }
    if census.hasLostRevisions {
      report.add(
        Finding(
          .revision, .damage, path: "",
          "there are packs, but no revisions", .left(nil, .restoreRevisionsFirst)))
    }
    for key in census.unknownFiles {
      report.add(
        Finding(
          .unknownFile, .note, path: repository.path(of: key), "is not a known file")
      )
    }
    let needed = ObjectArea.required + [.quarantine]
    return (mends || census.missingAreas.isEmpty)
      && !census.obstructedAreas.contains { needed.contains($0.area) }
  }

  /// Checks the sessions.
  ///
  /// - Returns: the files of sessions that have ended.
  private func inspectSessions(_ report: inout InspectionReport) throws -> Set<ObjectKey> {
    let abandoned = try repository.abandonedSessions()
    if mends { try repository.removeAbandonedSessions() }
    for key in abandoned {
      report.add(
        Finding(
          .session, .note, path: repository.path(of: key),
          "belongs to a process that has ended", mends ? .fixed("removed") : .reported))
    }
    return Set(abandoned)
  }

  private func inspectLeftovers(
    _ leftovers: [ObjectKey], _ report: inout InspectionReport
  ) throws {
    let removed =
      mends ? try repository.removeLeftovers(leftovers) : []
    for key in leftovers {
      let outcome: Finding.Outcome =
        removed.contains(key)
        ? .fixed("removed")
        : mends ? .left("it may still be being written", .retryWithoutBackups) : .reported
      report.add(
        Finding(
          .leftover, .note, path: repository.path(of: key),
          "is incomplete", outcome))
    }
  }

  private func inspectSmallFiles(
    _ files: [RepositoryCensus.SmallFile], _ report: inout InspectionReport
  ) throws {
    for file in files {
      try context.cancellation.check()
      if let finding = try finding(file) { report.add(finding) }
    }
  }

  /// Checks a small file. Nil if it is intact.
  private func finding(_ file: RepositoryCensus.SmallFile) throws(StoreError) -> Finding? {
    do throws(StoreError) {
      try repository.inspect(file)
      return nil
    } catch {
      // The file was forgotten, ended or released after the names were listed.
      if error.code == .notFound { return nil }
      if error.code == .fileSystem { throw error }
      // The path is shown in front of the message.
      let path = repository.path(of: file.key)
      return Finding(
        file.subject, .damage, path: path, String(error.message.trimmingPrefix("\(path): ")),
        try outcome(of: error, in: file))
    }
  }

  /// Removes a damaged condemnation if repairs are requested. Gives advice about other damaged
  /// small files.
  private func outcome(
    of error: StoreError, in file: RepositoryCensus.SmallFile
  ) throws(StoreError) -> Finding.Outcome {
    guard mends, file.kind == .condemnation, error.code == .damaged else {
      return file.leftAsItIs
    }
    do throws(StoreError) {
      let lock = try repository.beginCollecting()
      defer { lock.release() }
      _ = try repository.removeDamagedCondemnations(lock)
      return .fixed("removed; the next garbage collection checks its packs again")
    } catch  where error.code == .busy {
      return file.leftAsItIs
    }
  }

  private func inspectMarks(
    _ listing: RevisionListing, _ census: RepositoryCensus, _ report: inout InspectionReport
  ) {
    report.revisions = listing.entries.count
    let revisions = Set(
      census.smallFiles.filter { $0.kind == .revision }
        .compactMap { $0.digest.map(RevisionID.init) }
        + listing.entries.map(\.id))
    for file in census.smallFiles where file.kind == .marks {
      guard let id = file.digest.map(RevisionID.init), !revisions.contains(id) else { continue }
      report.add(
        Finding(
          .marks, .damage, path: repository.path(of: file.key),
          "belongs to a missing revision: its marks exist, its file does not",
          .left(nil, .restoreMarkedRevision)))
    }
  }

  private func inspectIndex(_ report: inout InspectionReport) throws {
    let (stale, missing) = try repository.records.indexDifferences()
    // The index is a cache, so it is always updated, even without repairs.
    let changes = try repository.records.synchronize { [context] _ in
      try context.cancellation.check()
    }
    let unusable = Set(changes.damaged.map(\.pack))
    let unlisted = missing.count { !unusable.contains($0) }
    if !stale.isEmpty { noteIndex("listed \(stale.count) packs that do not exist", &report) }
    if unlisted > 0 { noteIndex("did not list \(unlisted) packs", &report) }
  }

  private func noteIndex(_ message: String, _ report: inout InspectionReport) {
    report.add(Finding(.index, .note, path: "index", message, .fixed("updated")))
  }

  // MARK: - Packs

  /// Checks all packs.
  ///
  /// - Returns: the damaged packs.
  private func examinePacks(
    _ census: RepositoryCensus, _ report: inout InspectionReport
  ) throws -> [PackExamination] {
    var doubtful: [PackExamination] = []
    var misplacedRecords = 0
    report.packs = census.packs.count
    let meter = context.begin(.checkingPacks, total: UInt64(census.packs.count))
    let (repository, depth) = (repository, depth)
    try OrderedPipeline.run(
      workers: processorCount(), window: 2 * processorCount(), name: "check",
      cancellation: context.cancellation,
      makeWorker: {
        (
          quick: try PackExaminer(repository: repository, isFull: depth == .full),
          full: try PackExaminer(repository: repository, isFull: true)
        )
      },
      produce: { sink in for file in census.packs { try sink(file) } },
      transform: { worker, file -> (pack: PackExamination?, isIndexed: Bool) in
        guard let pack = try worker.quick.examine(file) else { return (nil, true) }
        guard pack.isSound else { return (try worker.full.examine(file), true) }
        return (pack, try repository.records.indexLists(pack.records))
      },
      consume: { outcome in
        meter.advance(by: 1)
        guard let pack = outcome.pack else { return }
        if pack.digest != nil {
          report.hashedBytes = report.hashedBytes.saturatingAdding(pack.lengthBytes)
        }
        if !pack.isSound { doubtful.append(pack) }
        misplacedRecords += outcome.isIndexed ? 0 : 1
      })
    if misplacedRecords > 0 { try reportIndex(misplacedRecords, &report) }
    if !mends {
      for pack in doubtful { report.add(finding(pack, .left(nil, .savePack))) }
    }
    return doubtful
  }

  /// Reports packs that the index lists without their records. Rebuilds the index if repairs are
  /// requested.
  private func reportIndex(_ packs: Int, _ report: inout InspectionReport) throws {
    if mends { _ = try repository.rebuildIndex { [context] _ in try context.cancellation.check() } }
    report.add(
      Finding(
        .index, .damage, path: "index", "lists \(packs) packs without all their records",
        mends ? .fixed("rebuilt") : .left(nil, .rebuildIndex)))
  }

  func finding(_ pack: PackExamination, _ outcome: Finding.Outcome) -> Finding {
    var message = pack.problems.joined(separator: "; ")
    if !pack.isForeign, !pack.isWholePack {
      message += "; \(pack.intact.count) records are intact"
      if let first = pack.damaged.first {
        message +=
          ", \(pack.damaged.count) are damaged, the first at offset \(first.offsetBytes), "
          + "\(first.lengthBytes) bytes: expected \(first.expected), found \(first.found)"
      }
    }
    return Finding(.pack, .damage, path: repository.path(of: pack.file.key), message, outcome)
  }

  // MARK: - Content

  private func findLosses(
    _ listing: RevisionListing, _ doubtful: [PackExamination], _ report: inout InspectionReport
  ) throws -> LossSearch {
    let availability = try availability(doubtful)
    var search = LossSearch(availability: availability, cancellation: context.cancellation)
    let meter = context.begin(.checkingRevisions, total: UInt64(listing.entries.count))
    for entry in listing.entries {
      let nodes = NodeCache(
        reading: VerifyingNodes(repository: repository, notes: DamageNotes()))
      try search.visit(entry, in: repository, reading: nodes)
      meter.advance(by: 1)
    }
    (report.losses, report.nodes, report.chunks) = (search.walk.losses, search.nodes, search.chunks)
    return search
  }

  func availability(_ doubtful: [PackExamination]) throws -> RecordAvailability {
    RecordAvailability(
      records: repository.records, present: try repository.records.packsPresent(),
      quarantined: try repository.quarantine().records, examined: doubtful)
  }

  /// Removes copies from the quarantine that are intact again, or that are gone while another pack
  /// has the content. Removes unreadable reports if all packs were read in full, because the
  /// damaged copies have then been recorded again.
  private func reviewQuarantine(
    _ census: RepositoryCensus, _ report: inout InspectionReport
  ) throws {
    _ = try repository.reviewQuarantine(context: context)
    guard depth == .full else { return }
    for (name, _) in try repository.quarantine().unreadable {
      try repository.removeQuarantineReport(name)
      report.markFixed("quarantine/\(name)", "removed: all packs were checked again")
    }
  }
}
