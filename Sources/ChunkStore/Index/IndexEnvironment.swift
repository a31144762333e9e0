internal import CLMDB
import ChunkFormat
import FileIO
import Glibc
import Synchronization
import SystemPackage

/// An LMDB environment in a directory of its own, with the three tables of the index.
///
/// LMDB allows a process one open environment a directory; ``IndexRegistry`` sees to that.
final class IndexEnvironment: @unchecked Sendable {
  /// Address space, not memory: the file grows to what it needs, about 95 bytes a record.
  private static let mapBytes = 1 << 40
  private static let readerSlots: UInt32 = 1022

  private let environment: OpaquePointer
  let tables: IndexTables
  /// Read transactions that wait to be used again.
  private let idle = Mutex<[ReadHandle]>([])

  /// Opens or makes the environment; the directory exists.
  ///
  /// - Throws: ``LMDBError``.
  init(directory: FilePath) throws(LMDBError) {
    var created: OpaquePointer?
    try LMDBError.check(mdb_env_create(&created), "mdb_env_create")
    guard let environment = created else { throw LMDBError(code: ENOMEM, call: "mdb_env_create") }
    do throws(LMDBError) {
      try LMDBError.check(mdb_env_set_mapsize(environment, Self.mapBytes), "mdb_env_set_mapsize")
      try LMDBError.check(mdb_env_set_maxdbs(environment, 3), "mdb_env_set_maxdbs")
      try LMDBError.check(
        mdb_env_set_maxreaders(environment, Self.readerSlots), "mdb_env_set_maxreaders")
      // After a power failure the last commits may be missing, which costs a scan of their packs;
      // the tree is whole.
      let flags = UInt32(MDB_NOTLS) | UInt32(MDB_NOMETASYNC) | UInt32(MDB_NORDAHEAD)
      try LMDBError.check(
        mdb_env_open(environment, directory.string, flags, 0o600), "mdb_env_open")
      var dead: Int32 = 0
      try LMDBError.check(mdb_reader_check(environment, &dead), "mdb_reader_check")
      try Self.checkLength(of: environment, in: directory)
      tables = try IndexTables.open(in: environment)
    } catch {
      mdb_env_close(environment)
      throw error
    }
    self.environment = environment
  }

  /// Closes the environment, which nobody uses any more.
  func close() {
    for handle in idle.withLock({ $0 }) {
      mdb_txn_abort(handle.transaction)
    }
    mdb_env_close(environment)
  }

  /// Runs `body` on a snapshot of the tables; may be called by any number of threads.
  func read<Result>(
    _ body: (OpaquePointer) throws(LMDBError) -> Result
  ) throws(LMDBError) -> Result {
    let handle = try beginReading()
    defer {
      mdb_txn_reset(handle.transaction)
      idle.withLock { $0.append(handle) }
    }
    return try body(handle.transaction)
  }

  /// Runs `body` as the only writer among all processes; commits unless it throws.
  ///
  /// The calling thread must be the same throughout, as LMDB demands.
  func write<Result, Failure: Error>(
    wrapping wrap: (LMDBError) -> Failure, _ body: (OpaquePointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var begun: OpaquePointer?
    let code = mdb_txn_begin(environment, nil, 0, &begun)
    guard code == 0, let transaction = begun else {
      throw wrap(LMDBError(code: code, call: "mdb_txn_begin"))
    }
    let result: Result
    do throws(Failure) {
      result = try body(transaction)
    } catch {
      mdb_txn_abort(transaction)
      throw error
    }
    let committed = mdb_txn_commit(transaction)
    guard committed == 0 else { throw wrap(LMDBError(code: committed, call: "mdb_txn_commit")) }
    return result
  }

  private func beginReading() throws(LMDBError) -> ReadHandle {
    if let handle = idle.withLock({ $0.popLast() }) {
      let code = mdb_txn_renew(handle.transaction)
      if code == 0 { return handle }
      mdb_txn_abort(handle.transaction)
    }
    var begun: OpaquePointer?
    try LMDBError.check(
      mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &begun), "mdb_txn_begin")
    guard let transaction = begun else { throw LMDBError(code: ENOMEM, call: "mdb_txn_begin") }
    return ReadHandle(transaction: transaction)
  }

  /// A page that is missing at the end of the file would end the process with SIGBUS when it is read.
  private static func checkLength(
    of environment: OpaquePointer, in directory: FilePath
  ) throws(LMDBError) {
    var information = MDB_envinfo()
    var statistics = MDB_stat()
    try LMDBError.check(mdb_env_info(environment, &information), "mdb_env_info")
    try LMDBError.check(mdb_env_stat(environment, &statistics), "mdb_env_stat")
    let expected = (UInt64(information.me_last_pgno) + 1) * UInt64(statistics.ms_psize)
    let data = try? POSIXFileSystem().metadata(of: directory.appending("data.mdb"))
    // An environment that was never written has no pages in its file.
    guard let found = data?.sizeBytes, found == 0 || found >= expected else {
      throw LMDBError(code: MDB_CORRUPTED, call: "comparing the length of the file")
    }
  }

  /// A read transaction; with MDB_NOTLS it may wander from thread to thread.
  private struct ReadHandle: @unchecked Sendable {
    let transaction: OpaquePointer
  }
}
