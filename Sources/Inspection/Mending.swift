import ChunkFormat
import ChunkStore
import ObjectStorage
import Workers

/// Repairs packs. After every step, all content that was readable before is still readable.
struct Mending {
  private let inspection: RepositoryInspection
  private let repository: Repository

  init(_ inspection: RepositoryInspection) {
    self.inspection = inspection
    repository = inspection.repository
  }

  /// Gives packs their right names back, records damaged copies in the quarantine, and stores the
  /// intact records of damaged packs again.
  ///
  /// - Returns: the packs that are still faulty.
  func mend(
    _ doubtful: [PackExamination], setAside: [RepositoryCensus.PackFile],
    _ report: inout InspectionReport
  ) throws -> [PackExamination] {
    var candidates = try wholePacks(among: setAside)
    var damaged: [PackExamination] = []
    for pack in doubtful {
      if pack.isWholePack, let digest = pack.digest {
        // Two files may have swapped names: move both out of the way first, then to their places.
        guard let key = try repository.setAside(pack.file, as: digest) else { continue }
        candidates.append((pack, RepositoryCensus.PackFile(setAside: key, digest)))
      } else if pack.isForeign, let digest = pack.digest {
        guard let key = try repository.setAside(pack.file, as: digest) else { continue }
        report.add(
          inspection.finding(pack, .fixed("moved to \(repository.path(of: key))")))
      } else {
        damaged.append(pack)
      }
    }
    damaged = try putInPlace(candidates, damaged, &report)
    try repository.quarantine(
      damaged.flatMap(\.damaged), finder: "check of the repository",
      context: inspection.context)
    _ = try repository.records.synchronize()
    try storeAgain(damaged)
    return damaged
  }

  /// Moves damaged packs aside if nothing in them is needed any more.
  ///
  /// - Parameter walk: knows the lost records, which may be in one of the packs.
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
              "its intact records were stored again; the pack stays, because content that revisions need "
                + "is damaged in it: see what is lost", nil)))
        continue
      }
      gone.insert(pack.file.id)
      guard let key = try repository.setAside(pack.file, as: pack.digest ?? pack.file.id)
      else { continue }
      report.add(
        inspection.finding(
          pack,
          .fixed(
            "no longer needed; moved to \(repository.path(of: key))")))
    }
    guard !gone.isEmpty else { return }
    _ = try repository.records.synchronize()
    try repository.releaseQuarantine(ofPacks: gone)
  }

  /// Whether a lost record may still be recovered from a pack. Either the record was unreadable,
  /// perhaps because its base is missing, or the pack does not list all its records.
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

  /// Finds intact packs among the files that were moved aside.
  private func wholePacks(
    among files: [RepositoryCensus.PackFile]
  ) throws -> [Candidate] {
    let examiner = try PackExaminer(repository: repository, isFull: true)
    return try files.compactMap { file in
      try inspection.context.cancellation.check()
      guard let pack = try examiner.examine(file), pack.isWholePack, pack.digest == file.id
      else { return nil }
      return (pack, file)
    }
  }

  /// Moves intact packs to their places.
  ///
  /// - Returns: `damaged` without the packs that an intact pack has replaced.
  private func putInPlace(
    _ candidates: [Candidate], _ damaged: [PackExamination], _ report: inout InspectionReport
  ) throws -> [PackExamination] {
    var damaged = damaged
    for (pack, file) in candidates {
      guard let kind = pack.kind else { continue }
      // A damaged file is worthless if an intact pack with the same name exists.
      if let number = damaged.firstIndex(where: { $0.file.id == file.id && $0.file.isInPlace }) {
        let wrong = damaged.remove(at: number)
        if let key = try repository.setAside(wrong.file, as: wrong.digest ?? wrong.file.id) {
          report.add(inspection.finding(wrong, .fixed("moved to \(repository.path(of: key))")))
        }
      }
      let destination = try repository.putInPlace(file, as: file.id, kind: kind)
      // A pack that was moved aside long ago and is also in its place is not a finding.
      if destination == nil, pack.file.key == file.key { continue }
      report.add(
        inspection.finding(
          pack,
          .fixed("moved to \(repository.path(of: destination ?? file.key))")))
    }
    return damaged
  }

  // MARK: - Records

  /// Stores the intact records of `damaged` in new packs, unless other packs have intact copies.
  private func storeAgain(_ damaged: [PackExamination]) throws {
    guard damaged.contains(where: { !$0.intact.isEmpty }) else { return }
    let availability = try inspection.availability(damaged)
    let doubtful = Set(damaged.map(\.file.id))
    let writing = try repository.beginWriting(
      "check of the repository", pinned: [], context: inspection.context)
    defer { writing.end() }
    let resealer = try RecordResealer(repository: repository)
    for pack in damaged {
      for record in pack.intact {
        try inspection.context.cancellation.check()
        let copies = try repository.records.copies(of: record.entry.id)
        let isElsewhere = try copies.contains { copy in
          try !doubtful.contains(copy.pack.id) && availability.isUsable(copy)
            && resealer.reads(copy)
        }
        guard !isElsewhere, let prepared = try prepared(record, resealer) else { continue }
        try writing.writer.append(prepared, isReplacement: true)
      }
    }
    try writing.writer.flush()
  }

  /// Nil where the pack has gone meanwhile: garbage collection has found the record elsewhere, or not needed.
  private func prepared(
    _ record: RecordLocation, _ resealer: RecordResealer
  ) throws -> PreparedRecord? {
    do {
      return try resealer.prepare(record)
    } catch let error as StoreError where error.code == .notFound {
      return nil
    }
  }
}

/// Creates new records from copies. Serves one thread.
struct RecordResealer {
  private let reader: RecordReader
  private let compressor: Compressor

  init(repository: Repository) throws {
    reader = try RecordReader(store: repository.records, provingWith: repository.keys?.idKey)
    compressor = try Compressor(method: repository.configuration.compression)
  }

  /// Whether the copy can be read.
  func reads(_ copy: RecordLocation) throws -> Bool {
    do throws(StoreError) {
      _ = try reader.read(copy)
      return true
    } catch  where error.isDamage {
      return false
    }
  }

  /// Returns the record at `copy` unchanged. A delta stays a delta.
  func prepare(_ copy: RecordLocation) throws -> PreparedRecord {
    try reader.extract(copy).record
  }

  /// Returns a record of `content` that is not a delta.
  func prepare(_ content: [UInt8], _ id: ContentID, _ type: RecordType) throws -> PreparedRecord {
    try content.withUnsafeBytes {
      try PreparedRecord(standalone: $0, id: id, type: type, compressor: compressor)
    }
  }
}
