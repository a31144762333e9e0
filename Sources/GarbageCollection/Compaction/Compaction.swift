import ChunkFormat
import ChunkStore
import Workers

/// Copies the needed records out of condemned packs.
struct Compaction {
  /// This many records are sorted at a time, which limits the memory.
  private static let batchRecords = 1 << 17

  let repository: Repository
  let live: LiveRecords
  /// Copies of records that do not count, those in the packs being copied included.
  let absent: AbsentContent
  let writer: RecordWriter
  /// Throws to end everything; returns false if no more is to be copied.
  let mayGoOn: () throws -> Bool
  let progress: (UInt64) -> Void

  private let reader: RecordReader
  private let compressor: Compressor
  /// Bases whose only delta was stored whole. They are released once that is durable.
  private var replaced: [(id: ContentID, type: RecordType)] = []
  private(set) var copiedRecords = 0
  private(set) var replacedBases = 0
  private(set) var damaged: [(pack: PackID, message: String)] = []
  /// Whether copying ended before everything was copied.
  private(set) var endedEarly = false

  init(
    repository: Repository, live: LiveRecords, absent: AbsentContent, writer: RecordWriter,
    mayGoOn: @escaping () throws -> Bool, progress: @escaping (UInt64) -> Void
  ) throws {
    self.repository = repository
    self.live = live
    self.absent = absent
    self.writer = writer
    self.mayGoOn = mayGoOn
    self.progress = progress
    reader = try RecordReader(store: repository.records)
    compressor = try Compressor(method: repository.configuration.compression)
  }

  /// Copies the needed records of `packs`; damaged records stay where they are. All copies are
  /// durable when this returns.
  mutating func run(_ packs: [PackUse]) throws {
    var batch: [RecordLocation] = []
    for pack in packs where try !ended() {
      batch += try neededRecords(of: pack)
      if batch.count >= Self.batchRecords {
        try copy(&batch)
        batch = []
      }
    }
    try copy(&batch)
    try writer.flush()
    for (id, type) in replaced { live.release(base: id, type) }
  }

  private mutating func ended() throws -> Bool {
    endedEarly = try endedEarly || !mayGoOn()
    return endedEarly
  }

  private mutating func neededRecords(
    of pack: PackUse
  ) throws(StoreError) -> [RecordLocation] {
    do throws(StoreError) {
      return try repository.records.contents(ofPack: pack.id, pack.kind).records
        .filter { live.isNeeded($0.entry.id, $0.entry.type) }
    } catch  where error.code == .damaged || error.code == .notFound {
      damaged.append((pack.id, error.message))
      return []
    }
  }

  private mutating func copy(_ records: inout [RecordLocation]) throws {
    try VolumeOrder(repository).sort(&records)
    let bases = Set(
      records.filter { live.isOnlyBase($0.entry.id, $0.entry.type) }.map(\.entry.id))
    var deltas = bases.isEmpty ? [:] : try repository.records.deltas(on: bases, live)
    // A new index may lack other deltas of the same base: then every base stays.
    if !live.isOfIndex { deltas = [:] }
    // By delta: the base that it alone needs. Whichever of the two comes first, this must be tried
    // before the delta is copied as it is.
    var pairs: [ContentID: RecordLocation] = [:]
    for record in records {
      if let only = deltas[record.entry.id], only.count == 1 { pairs[only.first!] = record }
    }
    var freed: Set<ContentID> = []
    for record in records where try !ended() {
      progress(UInt64(record.entry.rangeInPack.count))
      let id = record.entry.id
      let delta = pairs[id] == nil ? deltas[id].flatMap { $0.count == 1 ? $0.first : nil } : id
      if let delta, let base = pairs.removeValue(forKey: delta), try replace(base, by: delta) {
        freed.insert(base.entry.id)
      }
      if !freed.contains(id) { try copy(record) }
    }
  }

  private mutating func copy(_ location: RecordLocation) throws(StoreError) {
    // Another copy counts as the needed one; the base of this one may be deleted.
    if let base = location.entry.base, !live.isNeeded(base, location.entry.type) { return }
    let (id, others) = (location.entry.id, try elsewhere(location.entry.id))
    guard !writer.isPending(id), !others.contains(where: isIntact) else { return }
    do throws(StoreError) {
      let record = try reader.extract(location).record
      if try append(record, isReplacement: !others.isEmpty) { copiedRecords += 1 }
    } catch  where error.code == .damaged || error.code == .notFound {
      // Of several copies in condemned packs, one may need a base that has been deleted.
      let everywhere = try repository.records.copies(of: id, absent: AbsentContent())
      if !everywhere.contains(where: isIntact) {
        damaged.append((location.pack.id, error.message))
      }
    }
  }

  /// Stores the only delta of a base whole, which frees the base, if that takes no more space than
  /// the two together.
  private mutating func replace(_ base: RecordLocation, by delta: ContentID) throws -> Bool {
    let everywhere = try repository.records.copies(of: delta, absent: AbsentContent())
    let copies = try elsewhere(delta) + everywhere
    guard let location = copies.first(where: { $0.entry.base == base.entry.id }),
      !copies.contains(where: { $0.entry.base == nil })
    else { return false }
    do {
      let alone = try reader.extract(location).content.withUnsafeBytes { content in
        try PreparedRecord(
          standalone: content, id: delta, type: location.entry.type, compressor: compressor)
      }
      guard alone.payloadBytes <= Int(base.entry.storedBytes) + Int(location.entry.storedBytes)
      else { return false }
      guard try append(alone, isReplacement: true) else { return false }
      replaced.append((base.entry.id, base.entry.type))
      replacedBases += 1
      return true
    } catch let error as StoreError where [.damaged, .notFound].contains(error.code) {
      // Then the base is copied as it is.
      return false
    }
  }

  private func append(
    _ record: PreparedRecord, isReplacement: Bool
  ) throws(StoreError) -> Bool {
    do {
      return try writer.append(record, isReplacement: isReplacement)
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.fileSystem, "\(error)", cause: error)
    }
  }

  private func elsewhere(_ id: ContentID) throws(StoreError) -> [RecordLocation] {
    try repository.records.copies(of: id, absent: absent)
  }

  private func isIntact(_ copy: RecordLocation) -> Bool {
    (copy.entry.base.map { live.isNeeded($0, copy.entry.type) } ?? true)
      && (try? reader.extract(copy)) != nil
  }
}
