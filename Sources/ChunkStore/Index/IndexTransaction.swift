internal import CLMDB
import ChunkFormat
import FileIO
import Glibc
import SystemPackage

/// One change of the index, by LMDB, which is opened for that alone; for one thread, which holds the
/// index's write lock.
///
/// LMDB maps no lock file and writes nothing through its mapping, so a full file system is an error and
/// no signal. What it is about to touch is audited first. A mark in the lock file says that LMDB is at
/// work: where its process dies of that, the next one audits the whole index before it goes on.
final class IndexTransaction {
  /// Address space, not memory: the file grows to what it needs, about 100 bytes a record.
  private static let mapBytes = 1 << 40
  private static let highestKey = [UInt8](repeating: .max, count: ContentID.lengthBytes)

  private let file: IndexFile
  private let lock: WriteLock
  /// The state before.
  let state: IndexFile.State
  private var audit: IndexAudit
  private var opened: Opened?

  private struct Opened {
    let environment: OpaquePointer
    let transaction: OpaquePointer
    var tables: [MDB_dbi] = []

    func handle(_ table: IndexTable) -> MDB_dbi { tables[Int(table.rawValue) - 1] }
  }

  /// - Parameter file: the index that is in place.
  init(_ file: IndexFile, _ lock: WriteLock) throws(LMDBError) {
    (self.file, self.lock) = (file, lock)
    state = try file.newest()
    audit = IndexAudit(file, state)
    if try lock.isMarked() {
      try audit.all()
      try lock.mark(false)
    }
  }

  /// Makes the changes visible, and durable but for the very last.
  func commit() throws(LMDBError) {
    guard let opened else { return }
    self.opened = nil
    let code = mdb_txn_commit(opened.transaction)
    mdb_env_close(opened.environment)
    try lock.mark(false)
    try LMDBError.check(code, "mdb_txn_commit")
  }

  /// Drops the changes.
  func abort() {
    guard let opened else { return }
    self.opened = nil
    mdb_txn_abort(opened.transaction)
    mdb_env_close(opened.environment)
    try? lock.mark(false)
  }

  // MARK: - Opening

  /// Of a new index, every page is this process's own.
  private var isOwn: Bool { lock.file == nil }

  private func open() throws(LMDBError) -> Opened {
    if let opened { return opened }
    if !isOwn { try audit.beginTransaction() }
    try lock.mark(true)
    do throws(LMDBError) {
      let opened = try openEnvironment()
      self.opened = opened
      return opened
    } catch {
      try? lock.mark(false)
      throw error
    }
  }

  private func openEnvironment() throws(LMDBError) -> Opened {
    var created: OpaquePointer?
    try LMDBError.check(mdb_env_create(&created), "mdb_env_create")
    guard let environment = created else { throw LMDBError(code: ENOMEM, call: "mdb_env_create") }
    do throws(LMDBError) {
      try LMDBError.check(mdb_env_set_mapsize(environment, Self.mapBytes), "mdb_env_set_mapsize")
      try LMDBError.check(
        mdb_env_set_maxdbs(environment, UInt32(IndexTable.allCases.count)), "mdb_env_set_maxdbs")
      // After a power failure the last commits may be missing, which costs a scan of their packs;
      // the tree is whole. The write lock takes the place of LMDB's, which would be in mapped memory.
      let flags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | MDB_NOMETASYNC | MDB_NORDAHEAD
      try LMDBError.check(
        file.path.withPlatformString { mdb_env_open(environment, $0, UInt32(flags), 0o600) },
        "mdb_env_open")
      return try begin(environment)
    } catch {
      mdb_env_close(environment)
      throw error
    }
  }

  private func begin(_ environment: OpaquePointer) throws(LMDBError) -> Opened {
    var begun: OpaquePointer?
    try LMDBError.check(mdb_txn_begin(environment, nil, 0, &begun), "mdb_txn_begin")
    guard let transaction = begun else { throw LMDBError(code: ENOMEM, call: "mdb_txn_begin") }
    var opened = Opened(environment: environment, transaction: transaction)
    for table in IndexTable.allCases {
      var handle: MDB_dbi = 0
      let flags = UInt32(table.flags) | UInt32(MDB_CREATE)
      let code = mdb_dbi_open(transaction, table.name.cString, flags, &handle)
      guard code == 0 else {
        mdb_txn_abort(transaction)
        throw LMDBError(code: code, call: "mdb_dbi_open")
      }
      opened.tables.append(handle)
    }
    return opened
  }

  // MARK: - Entries

  /// The value under `key` with the changes so far, valid until the next; nil where there is none.
  func get(
    _ table: IndexTable, _ key: UnsafeRawBufferPointer
  ) throws(LMDBError) -> UnsafeRawBufferPointer? {
    let opened = try open()
    if !isOwn { try audit.path(to: key, in: table) }
    var name = MDB_val(key)
    var value = MDB_val()
    let code = mdb_get(opened.transaction, opened.handle(table), &name, &value)
    if code == MDB_NOTFOUND { return nil }
    try LMDBError.check(code, "mdb_get")
    return try ValueCheck.content(
      of: UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size), key: key, in: table)
  }

  /// Adds a value; the very same pair twice is no error.
  ///
  /// - Parameter isLast: whether the key is most likely above all others: pages are filled one after
  ///   the other then.
  func put(
    _ table: IndexTable, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer,
    isLast: Bool = false
  ) throws(LMDBError) {
    let opened = try open()
    if !isOwn {
      try audit.path(to: key, in: table)
      // To find out that it is not the last key, LMDB goes there.
      if isLast {
        try LMDBKey.with(Self.highestKey) { key throws(LMDBError) in
          try audit.path(to: key, in: table)
        }
      }
    }
    let check = ValueCheck.checksum(table, key: key, value: value)
    let code = withUnsafeTemporaryAllocation(
      byteCount: value.count + ValueCheck.lengthBytes, alignment: 8
    ) { bytes in
      bytes.copyBytes(from: value)
      bytes.storeBytes(of: check, toByteOffset: value.count, as: UInt32.self)
      var (name, content) = (MDB_val(key), MDB_val(UnsafeRawBufferPointer(bytes)))
      let handle = opened.handle(table)
      guard isLast else { return mdb_put(opened.transaction, handle, &name, &content, 0) }
      let code = mdb_put(opened.transaction, handle, &name, &content, UInt32(MDB_APPEND))
      guard code == MDB_KEYEXIST else { return code }
      return mdb_put(opened.transaction, handle, &name, &content, 0)
    }
    try LMDBError.check(code, "mdb_put")
  }

  /// Removes a key with all its values; a key that is not there is no error.
  func remove(_ table: IndexTable, _ key: UnsafeRawBufferPointer) throws(LMDBError) {
    let opened = try open()
    if !isOwn { try audit.whole(table) }
    var name = MDB_val(key)
    let code = mdb_del(opened.transaction, opened.handle(table), &name, nil)
    guard code == 0 || code == MDB_NOTFOUND else { throw LMDBError(code: code, call: "mdb_del") }
  }
}

extension StaticString {
  fileprivate var cString: UnsafePointer<CChar> {
    UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
  }
}

extension MDB_val {
  fileprivate init(_ bytes: UnsafeRawBufferPointer) {
    self.init(
      mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }
}

/// The right to write to an index, and the mark that says that LMDB is at work.
///
/// flock(2) on a file beside the index, which is never mapped. Its first byte is the mark.
struct WriteLock {
  /// Nil for an index that only this process can reach.
  let file: (any OpenFile)?

  func isMarked() throws(LMDBError) -> Bool {
    guard let file else { return false }
    do throws(FileError) {
      return try file.readBytes(count: 1, at: 0) == [1]
    } catch {
      throw LMDBError(reading: error)
    }
  }

  func mark(_ isAtWork: Bool) throws(LMDBError) {
    guard let file else { return }
    do throws(FileError) {
      try file.write([isAtWork ? 1 : 0], at: 0)
    } catch {
      throw LMDBError(code: error.errno.rawValue, call: error.description)
    }
  }

  func release() {
    // Not only closed: a child that is just being started holds a copy of the descriptor till its exec.
    try? file?.unlock()
    file?.close()
  }
}
