import ChunkFormat
import ChunkStore
import Workers

/// Copies needed records out of condemned packs.
struct Compaction {
  /// How many records are sorted at a time. This limits the memory.
  private static let batchRecords = 1 << 17

  let repository: Repository
  let live: LiveRecords
  /// Copies of records that do not count, including those in the packs being copied.
  let absent: AbsentContent
  let writer: RecordWriter
  /// Throws to abort the collection. Returns false to end the copying.
  let mayGoOn: () throws -> Bool
  let progress: (UInt64) -> Void

  private let reader: RecordReader
  private let compressor: Compressor
  /// Bases whose only delta is now stored whole. They are released once the delta is durable.
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

  /// Copies the needed records of `packs`. Damaged records stay where they are. All copies are
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
    // A new index may not know other deltas of the same base. In that case every base stays.
    if !live.isOfIndex { deltas = [:] }
    // For each delta, the base that only this delta needs. The replacement must be tried when the
    // first of the two is reached, before the delta is copied unchanged.
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
    // If the base is not needed, another copy of this delta counts as the needed one. The base may
    // be deleted.
    if let base = location.entry.base, !live.isNeeded(base, location.entry.type) { return }
    let (id, others) = (location.entry.id, try elsewhere(location.entry.id))
    guard !writer.isPending(id), !others.contains(where: isIntact) else { return }
    do throws(StoreError) {
      let record = try reader.extract(location).record
      if try append(record, isReplacement: !others.isEmpty) { copiedRecords += 1 }
    } catch  where error.code == .damaged || error.code == .notFound {
      // There may be several copies in condemned packs. The base of this one may have been deleted.
      let everywhere = try repository.records.copies(of: id, absent: AbsentContent())
      if !everywhere.contains(where: isIntact) {
        damaged.append((location.pack.id, error.message))
      }
    }
  }

  /// Stores the only delta of a base whole, so that the base is no longer needed. Does so only if
  /// this takes no more space than both records together.
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
      // The caller then copies the base unchanged.
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
