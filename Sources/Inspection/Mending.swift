import ChunkFormat
import ChunkStore
import Workers

/// Mends packs. Every step leaves all that could be read before as readable as it was.
struct Mending {
  private let inspection: RepositoryInspection
  private let repository: Repository

  init(_ inspection: RepositoryInspection) {
    self.inspection = inspection
    repository = inspection.repository
  }

  /// Gives packs back their names, notes damaged copies in the quarantine, and stores again what is
  /// intact in packs that are not.
  ///
  /// - Returns: the packs in which something is wrong still.
  func mend(
    _ doubtful: [PackExamination], setAside: [RepositoryCensus.PackFile],
    _ report: inout InspectionReport
  ) throws -> [PackExamination] {
    var candidates = try wholePacks(among: setAside)
    var damaged: [PackExamination] = []
    for pack in doubtful {
      if pack.isWholePack, let digest = pack.digest {
        // Two files may have each other's names: first out of the way, then to where it belongs.
        let path = try repository.setAside(pack.file, as: digest)
        candidates.append((pack, RepositoryCensus.PackFile(setAside: path, digest)))
      } else if pack.isForeign, let digest = pack.digest {
        let path = try repository.setAside(pack.file, as: digest)
        report.add(
          inspection.finding(pack, .fixed("moved to \(repository.relative(path))")))
      } else {
        damaged.append(pack)
      }
    }
    damaged = try putInPlace(candidates, damaged, &report)
    try repository.quarantine(
      damaged.flatMap(\.damaged), finder: "check of the repository",
      environment: inspection.environment)
    _ = try repository.records.synchronize()
    try storeAgain(damaged)
    return damaged
  }

  /// Moves damaged packs out of the way of which nothing is needed any more.
  ///
  /// - Parameter walk: knows what is lost, and so might be in one of them.
  func putAside(
    _ doubtful: [PackExamination], after walk: ContentWalk, _ report: inout InspectionReport
  ) throws {
    var gone: Set<PackID> = []
    for pack in doubtful {
      guard !mayHold(pack, moreOf: walk) else {
        report.add(
          inspection.finding(
            pack,
            .left(
              "its intact records were stored again; it stays, since content that revisions need is "
                + "damaged in it: see what is lost")))
        continue
      }
      let path = try repository.setAside(pack.file, as: pack.digest ?? pack.file.id)
      gone.insert(pack.file.id)
      report.add(
        inspection.finding(
          pack,
          .fixed(
            "all that is needed is in other packs; moved to \(repository.relative(path))")))
    }
    guard !gone.isEmpty else { return }
    _ = try repository.records.synchronize()
    try repository.releaseQuarantine(ofPacks: gone)
  }

  /// Whether something that is lost might still be brought back from a pack: a record that did not read
  /// back, perhaps for want of its base, or one that is not listed.
  private func mayHold(_ pack: PackExamination, moreOf walk: ContentWalk) -> Bool {
    if walk.hasForgotten { return true }
    if !pack.listsAllRecords, !walk.lost.isEmpty { return true }
    let intact = Set(pack.intact.map(\.entry.id))
    return pack.records.contains { record in
      walk.lost.contains(record.entry.id) && !intact.contains(record.entry.id)
    }
  }

  // MARK: - Names

  private typealias Candidate = (pack: PackExamination, file: RepositoryCensus.PackFile)

  /// Of what was put aside, what is a pack that nothing is wrong with.
  private func wholePacks(
    among files: [RepositoryCensus.PackFile]
  ) throws -> [Candidate] {
    let examiner = try PackExaminer(repository: repository, isFull: true)
    return try files.compactMap { file in
      try inspection.cancellation.check()
      guard let pack = try examiner.examine(file), pack.isWholePack, pack.digest == file.id
      else { return nil }
      return (pack, file)
    }
  }

  /// - Returns: what is left of `damaged`.
  private func putInPlace(
    _ candidates: [Candidate], _ damaged: [PackExamination], _ report: inout InspectionReport
  ) throws -> [PackExamination] {
    var damaged = damaged
    for (pack, file) in candidates {
      guard let kind = pack.kind else { continue }
      // A damaged file under this name is worth nothing beside the very pack that it should be.
      if let number = damaged.firstIndex(where: { $0.file.id == file.id && $0.file.isInPlace }) {
        let wrong = damaged.remove(at: number)
        let path = try repository.setAside(wrong.file, as: wrong.digest ?? wrong.file.id)
        report.add(inspection.finding(wrong, .fixed("moved to \(repository.relative(path))")))
      }
      let destination = try repository.putInPlace(file, as: file.id, kind: kind)
      // What was set aside long ago, and is in its place as well, is no finding.
      if destination == nil, pack.file.path == file.path { continue }
      report.add(
        inspection.finding(
          pack,
          .fixed("moved to \(repository.relative(destination ?? file.path))")))
    }
    return damaged
  }

  // MARK: - Records

  /// Stores the intact records of `damaged` in new packs, but for what other packs have.
  private func storeAgain(_ damaged: [PackExamination]) throws {
    guard damaged.contains(where: { !$0.intact.isEmpty }) else { return }
    let availability = try inspection.availability(damaged)
    let doubtful = Set(damaged.map(\.file.id))
    let writing = try repository.beginWriting(
      "check of the repository", pinned: [], environment: inspection.environment)
    defer { writing.end() }
    let resealer = try RecordResealer(repository: repository)
    for pack in damaged {
      for record in pack.intact {
        try inspection.cancellation.check()
        let copies = try repository.records.copies(of: record.entry.id)
        let isElsewhere = try copies.contains { copy in
          try !doubtful.contains(copy.pack.id) && availability.isUsable(copy)
            && resealer.reads(copy)
        }
        if !isElsewhere {
          try writing.writer.append(try resealer.prepare(record), isReplacement: true)
        }
      }
    }
    try writing.writer.flush()
  }
}
