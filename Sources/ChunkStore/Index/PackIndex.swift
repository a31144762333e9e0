internal import CLMDB
import ChunkFormat
import FileIO
import Glibc
import Synchronization
import SystemPackage

/// Which record is where: id → pack, offset, lengths, base. A cache in LMDB, shared by all processes
/// of a machine that use the repository.
///
/// Nothing is decided by an entry's absence but that a chunk is stored again. An entry whose pack is
/// not listed counts as absent, so a pack is taken out in one step.
final class PackIndex: Sendable {
  private struct State {
    var lease: IndexLease
    /// Whether LMDB found `lease`'s file damaged.
    var isDamaged = false
    /// Counts the files that were replaced.
    var generation = 0

    mutating func replace(with fresh: IndexLease) {
      (lease, isDamaged) = (fresh, false)
      generation += 1
    }
  }

  /// A delta's base is no delta by rule; see ``RecordReader``.
  static let maximumDeltas = 8

  private let directory: IndexDirectory
  private let state: Mutex<State>

  /// Opens the index; one that is damaged, or came here as a copy, is replaced by an empty one.
  init(directory: IndexDirectory) throws(StoreError) {
    self.directory = directory
    state = Mutex(State(lease: try Self.lease(of: directory)))
  }

  /// Keeps others from entering many packs at once, who wait meanwhile.
  ///
  /// - Returns: the lock, which goes when it is closed.
  func lockForLoading() throws(StoreError) -> any OpenFile {
    try directory.lockForLoading()
  }

  /// Where the index lies, on storage of this machine.
  var path: FilePath { directory.path }

  /// Changes whenever the index is replaced by an empty one.
  var generation: Int { state.withLock { $0.generation } }

  /// Empties the index by putting a new one in its place.
  func reset() throws(StoreError) {
    try directory.wipe(only: nil)
    let fresh = try Self.lease(of: directory)
    state.withLock { $0.replace(with: fresh) }
  }

  /// Puts another index in the place of one that turned out to be damaged: an empty one, or what
  /// another process has made there since.
  ///
  /// - Returns: whether it was damaged.
  func replaceIfDamaged() throws(StoreError) -> Bool {
    let (lease, isDamaged) = state.withLock { ($0.lease, $0.isDamaged) }
    guard isDamaged else { return false }
    try directory.wipe(only: lease.identity)
    let fresh = try Self.lease(of: directory)
    state.withLock { $0.replace(with: fresh) }
    return true
  }

  // MARK: - Looking up

  /// Every copy of each record, in the order of `ids`; copies that are no deltas come first.
  func copies(
    of ids: some Sequence<ContentID>
  ) throws(StoreError) -> [[(pack: IndexedPack, entry: PackEntry)]] {
    try reading { transaction, tables throws(LMDBError) in
      var packs: [UInt32: IndexedPack] = [:]
      var result: [[(pack: IndexedPack, entry: PackEntry)]] = []
      for id in ids {
        var copies: [(pack: IndexedPack, entry: PackEntry)] = []
        for record in try Self.records(of: id, transaction, tables) {
          let pack: IndexedPack?
          if let known = packs[record.pack] {
            pack = known
          } else {
            pack = try Self.pack(record.pack, transaction, tables)
            packs[record.pack] = pack
          }
          if let pack {
            copies.append((pack, record.entry))
          }
        }
        result.append(
          copies.filter { $0.entry.base == nil } + copies.filter { $0.entry.base != nil })
      }
      return result
    }
  }

  /// Whether a pack that is listed holds the record, and its base where it is a delta; copies in
  /// `absent` do not count.
  func contains(_ id: ContentID, absent: AbsentContent) throws(StoreError) -> Bool {
    try reading { transaction, tables throws(LMDBError) in
      try Self.contains(id, absent: absent, transaction, tables)
    }
  }

  /// Names of all packs.
  func packs() throws(StoreError) -> Set<PackID> {
    try reading { transaction, tables throws(LMDBError) in
      try Self.packs(transaction, tables)
    }
  }

  /// What is listed of a pack; nil where it is not.
  func pack(_ id: PackID) throws(StoreError) -> IndexedPack? {
    try reading { transaction, tables throws(LMDBError) in
      try LMDBKey.with(id.withUnsafeBytes { Array($0) }) { name throws(LMDBError) in
        guard let number = try LMDB.get(transaction, tables.names, name) else { return nil }
        return try LMDB.get(transaction, tables.packs, number).flatMap { IndexedPack($0) }
      }
    }
  }

  /// Number of copies of records.
  func recordCount() throws(StoreError) -> Int {
    try reading { transaction, tables throws(LMDBError) in
      try LMDB.count(transaction, tables.records)
    }
  }

  /// Runs `body` on a snapshot of the whole index. While it runs, space that others free in the index
  /// is not used again.
  func read<Result>(
    _ body: (Reading) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    try using { environment throws(StoreError) in
      let outcome = try Self.reportingIndexErrors { () throws(LMDBError) in
        try environment.read { transaction throws(LMDBError) in
          Swift.Result { () throws(StoreError) in
            try body(Reading(transaction: transaction, tables: environment.tables))
          }
        }
      }
      return try outcome.get()
    }
  }

  /// The index as it was at one moment; for the thread that began.
  struct Reading {
    fileprivate let transaction: OpaquePointer
    fileprivate let tables: IndexTables

    /// The packs that are listed, under their numbers.
    func packs() throws(StoreError) -> [UInt32: IndexedPack] {
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        var packs: [UInt32: IndexedPack] = [:]
        try LMDB.forEach(transaction, tables.packs) { number, pack in
          if number.count == MemoryLayout<UInt32>.size, let pack = IndexedPack(pack) {
            packs[UInt32(bigEndian: number.loadUnaligned(as: UInt32.self))] = pack
          }
          return true
        }
        return packs
      }
    }

    /// Every copy of every record in the order of ids, those of packs that are not listed included,
    /// until `body` returns false.
    func forEachRecord(
      _ body: (ContentID, IndexedRecord) -> Bool
    ) throws(StoreError) {
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        try LMDB.forEach(transaction, tables.records) { key, value in
          guard key.count == ContentID.lengthBytes else { return true }
          let id = ContentID(key)
          guard let record = IndexedRecord(value, id: id) else { return true }
          return body(id, record)
        }
      }
    }

    /// Every copy of one record.
    func records(of id: ContentID) throws(StoreError) -> [IndexedRecord] {
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        try PackIndex.records(of: id, transaction, tables)
      }
    }
  }

  // MARK: - Changing

  /// Runs `body` while no other process and no other thread can change the index.
  func write<Result>(
    _ body: (Writing) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    try using { environment throws(StoreError) in
      try environment.write(wrapping: Self.storeError) { transaction throws(StoreError) in
        try body(Writing(transaction: transaction, tables: environment.tables))
      }
    }
  }

  /// The index while it is being changed; for the thread that began.
  struct Writing {
    fileprivate let transaction: OpaquePointer
    fileprivate let tables: IndexTables

    /// Names of all packs.
    func packs() throws(StoreError) -> Set<PackID> {
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        try PackIndex.packs(transaction, tables)
      }
    }

    func contains(_ id: ContentID, absent: AbsentContent) throws(StoreError) -> Bool {
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        try PackIndex.contains(id, absent: absent, transaction, tables)
      }
    }

    /// Lists a pack with its records; one that is listed already is left as it is.
    func add(_ pack: IndexedPack, entries: [PackEntry]) throws(StoreError) {
      guard try !isListed(pack.id) else { return }
      let number = try reserveNumbers(1)
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        for entry in entries {
          try put(
            tables.records, entry.id.withUnsafeBytes { Array($0) },
            IndexedRecord.encode(entry, pack: number))
        }
      }
      try list(pack, under: number)
    }

    /// Lists a pack whose records were entered under `number`; one that is listed already is left as it
    /// is.
    func list(_ pack: IndexedPack, under number: UInt32) throws(StoreError) {
      guard try !isListed(pack.id) else { return }
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        try put(tables.packs, number.bigEndianBytes, pack.encoded)
        try put(tables.names, pack.id.withUnsafeBytes { Array($0) }, number.bigEndianBytes)
      }
    }

    /// Enters a record of a pack that is to be listed later; quickest in the order of ids.
    ///
    /// - Parameter record: as ``IndexedRecord`` encodes it.
    func append(
      _ id: UnsafeRawBufferPointer, _ record: UnsafeRawBufferPointer
    ) throws(StoreError) {
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        try LMDB.append(transaction, tables.records, id, record)
      }
    }

    /// Takes numbers for `count` packs, which nobody else gets; returns the first. They only grow, so
    /// that what was left of a pack is never taken for another's.
    func reserveNumbers(_ count: Int) throws(StoreError) -> UInt32 {
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        let counter = Array("counter".utf8)
        let stored = try get(tables.names, counter) ?? UInt32(0).bigEndianBytes
        let last = stored.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        // Nobody has so many packs: the counter is not what was written, and the index is made anew.
        guard let next = UInt32(exactly: UInt64(last) + UInt64(count)), next < UInt32.max else {
          throw LMDBError(code: MDB_CORRUPTED, call: "counting packs")
        }
        try put(tables.names, counter, next.bigEndianBytes)
        return last + 1
      }
    }

    /// Removes all records where no pack is listed: what somebody entered who came to nothing.
    func clearUnlisted() throws(StoreError) {
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        guard try LMDB.count(transaction, tables.packs) == 0 else { return }
        try LMDB.clear(transaction, tables.records)
      }
    }

    private func isListed(_ id: PackID) throws(StoreError) -> Bool {
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        try get(tables.names, id.withUnsafeBytes { Array($0) }) != nil
      }
    }

    /// Takes a pack off the list; its records' entries stay behind and count as absent.
    func remove(_ id: PackID) throws(StoreError) {
      try PackIndex.reportingIndexErrors { () throws(LMDBError) in
        let name = id.withUnsafeBytes { Array($0) }
        guard let number = try get(tables.names, name) else { return }
        try LMDBKey.with(number) { key throws(LMDBError) in
          try LMDB.remove(transaction, tables.packs, key)
        }
        try LMDBKey.with(name) { key throws(LMDBError) in
          try LMDB.remove(transaction, tables.names, key)
        }
      }
    }

    private func get(_ table: MDB_dbi, _ key: [UInt8]) throws(LMDBError) -> [UInt8]? {
      try LMDBKey.with(key) { key throws(LMDBError) in
        try LMDB.get(transaction, table, key).map { Array($0) }
      }
    }

    private func put(
      _ table: MDB_dbi, _ key: [UInt8], _ value: [UInt8]
    ) throws(LMDBError) {
      try LMDBKey.with(key) { key throws(LMDBError) in
        try LMDBKey.with(value) { value throws(LMDBError) in
          try LMDB.put(transaction, table, key, value)
        }
      }
    }
  }

  // MARK: - Within transactions

  private static func packs(
    _ transaction: OpaquePointer, _ tables: IndexTables
  ) throws(LMDBError) -> Set<PackID> {
    var packs: Set<PackID> = []
    try LMDB.forEach(transaction, tables.names) { name, _ in
      if name.count == ContentID.lengthBytes {
        packs.insert(PackID(stored: name))
      }
      return true
    }
    return packs
  }

  private static func contains(
    _ id: ContentID, absent: AbsentContent, _ transaction: OpaquePointer, _ tables: IndexTables,
    deltas: Int = 0
  ) throws(LMDBError) -> Bool {
    for record in try records(of: id, transaction, tables) {
      let pack = try LMDBKey.with(record.pack.bigEndianBytes) { key throws(LMDBError) in
        try LMDB.get(transaction, tables.packs, key).flatMap { IndexedPack.id(encoded: $0) }
      }
      guard let pack, absent.isEmpty || !absent.includes(id, in: pack) else { continue }
      guard let base = record.entry.base else { return true }
      // A delta without its base is lost: it must be stored again while its content is at hand.
      if deltas < maximumDeltas,
        try contains(base, absent: absent, transaction, tables, deltas: deltas + 1)
      {
        return true
      }
    }
    return false
  }

  private static func records(
    of id: ContentID, _ transaction: OpaquePointer, _ tables: IndexTables
  ) throws(LMDBError) -> [IndexedRecord] {
    try LMDBKey.with(id) { key throws(LMDBError) in
      // Most ids that are asked for in a first backup are not there, and most others once.
      guard try LMDB.get(transaction, tables.records, key) != nil else { return [] }
      var records: [IndexedRecord] = []
      try LMDB.getAll(transaction, tables.records, key) { value in
        if let record = IndexedRecord(value, id: id) {
          records.append(record)
        }
      }
      return records
    }
  }

  private static func pack(
    _ number: UInt32, _ transaction: OpaquePointer, _ tables: IndexTables
  ) throws(LMDBError) -> IndexedPack? {
    try LMDBKey.with(number.bigEndianBytes) { key throws(LMDBError) in
      try LMDB.get(transaction, tables.packs, key).flatMap { IndexedPack($0) }
    }
  }

  // MARK: - Errors

  private static func lease(of directory: IndexDirectory) throws(StoreError) -> IndexLease {
    do {
      return try IndexRegistry.lease(of: directory)
    } catch {
      throw storeError(error, in: directory.path)
    }
  }

  private static func storeError(_ error: any Error, in path: FilePath) -> StoreError {
    switch error {
    case let error as FileError: StoreError(error)
    case let error as LMDBError where error.code == ENOSPC:
      StoreError(.noSpace, "no room for the index in \(path)")
    default: StoreError(.index, "cannot open the index in \(path): \(error)")
    }
  }

  private static func storeError(_ error: LMDBError) -> StoreError {
    switch error.code {
    case ENOSPC, EDQUOT:
      StoreError(.noSpace, "there is no room for the index, which can be made anew at any time")
    // What LMDB says of a write that was cut short.
    case EIO:
      StoreError(.index, "the index cannot be read or written: the file system is full or broken")
    case _ where error.isDamage: StoreError(.damagedIndex, "the index is damaged (\(error))")
    default: StoreError(.index, "the index cannot be used (\(error))")
    }
  }

  fileprivate static func reportingIndexErrors<Result>(
    _ body: () throws(LMDBError) -> Result
  ) throws(StoreError) -> Result {
    do throws(LMDBError) {
      return try body()
    } catch {
      throw storeError(error)
    }
  }

  private func reading<Result>(
    _ body: (OpaquePointer, IndexTables) throws(LMDBError) -> Result
  ) throws(StoreError) -> Result {
    try using { environment throws(StoreError) in
      try Self.reportingIndexErrors { () throws(LMDBError) in
        try environment.read { transaction throws(LMDBError) in
          try body(transaction, environment.tables)
        }
      }
    }
  }

  /// Runs `body` with the environment, which stays open meanwhile; takes note where it is damaged.
  private func using<Result>(
    _ body: (IndexEnvironment) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    let lease = state.withLock { $0.lease }
    defer { withExtendedLifetime(lease) {} }
    do throws(StoreError) {
      return try body(lease.environment)
    } catch {
      if error.code == .damagedIndex {
        state.withLock { $0.isDamaged = $0.isDamaged || $0.lease === lease }
      }
      throw error
    }
  }
}

/// Bytes lent to LMDB for the length of a call, with the type of error kept.
private enum LMDBKey {
  static func with<Result>(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(LMDBError) -> Result
  ) throws(LMDBError) -> Result {
    try bytes.withUnsafeBytes { bytes in
      Swift.Result { () throws(LMDBError) in try body(bytes) }
    }.get()
  }

  static func with<Result>(
    _ id: ContentID, _ body: (UnsafeRawBufferPointer) throws(LMDBError) -> Result
  ) throws(LMDBError) -> Result {
    try id.withUnsafeBytes { bytes in
      Swift.Result { () throws(LMDBError) in try body(bytes) }
    }.get()
  }
}

extension UInt32 {
  /// Four bytes whose order as bytes is that of the numbers.
  fileprivate var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
