internal import CLMDB

/// What LMDB said.
struct LMDBError: Error, Equatable, CustomStringConvertible {
  let code: Int32
  let call: String

  static func check(_ code: Int32, _ call: String) throws(LMDBError) {
    guard code == 0 else { throw LMDBError(code: code, call: call) }
  }

  var description: String { "\(call): \(String(cString: mdb_strerror(code)))" }

  /// Whether the file itself is bad, so that making it anew helps. (Transactions here are never used
  /// once they are over: one that LMDB calls bad has come upon a bad page before.)
  var isDamage: Bool {
    [
      MDB_BAD_TXN,
      MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_PANIC, MDB_INVALID, MDB_VERSION_MISMATCH,
      MDB_INCOMPATIBLE, MDB_BAD_DBI, MDB_BAD_VALSIZE,
    ].contains(code)
  }
}

/// Calls of LMDB with Swift's buffers.
enum LMDB {
  /// The value under `key`, valid until the transaction ends or writes; nil where there is none.
  static func get(
    _ transaction: OpaquePointer, _ table: MDB_dbi, _ key: UnsafeRawBufferPointer
  ) throws(LMDBError) -> UnsafeRawBufferPointer? {
    var name = MDB_val(key)
    var value = MDB_val()
    let code = mdb_get(transaction, table, &name, &value)
    if code == MDB_NOTFOUND { return nil }
    try LMDBError.check(code, "mdb_get")
    return UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
  }

  /// Every value under `key` of a table with several a key.
  static func getAll(
    _ transaction: OpaquePointer, _ table: MDB_dbi, _ key: UnsafeRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(LMDBError) {
    var cursor: OpaquePointer?
    try LMDBError.check(mdb_cursor_open(transaction, table, &cursor), "mdb_cursor_open")
    defer { mdb_cursor_close(cursor) }
    var name = MDB_val(key)
    var value = MDB_val()
    var code = mdb_cursor_get(cursor, &name, &value, MDB_SET)
    while code == 0 {
      body(UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size))
      code = mdb_cursor_get(cursor, &name, &value, MDB_NEXT_DUP)
    }
    guard code == MDB_NOTFOUND else { throw LMDBError(code: code, call: "mdb_cursor_get") }
  }

  /// Every key and value of a table, in the order of keys, until `body` returns false.
  static func forEach(
    _ transaction: OpaquePointer, _ table: MDB_dbi,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
  ) throws(LMDBError) {
    var cursor: OpaquePointer?
    try LMDBError.check(mdb_cursor_open(transaction, table, &cursor), "mdb_cursor_open")
    defer { mdb_cursor_close(cursor) }
    var name = MDB_val()
    var value = MDB_val()
    var code = mdb_cursor_get(cursor, &name, &value, MDB_FIRST)
    while code == 0 {
      let goesOn = body(
        UnsafeRawBufferPointer(start: name.mv_data, count: name.mv_size),
        UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size))
      guard goesOn else { return }
      code = mdb_cursor_get(cursor, &name, &value, MDB_NEXT)
    }
    guard code == MDB_NOTFOUND else { throw LMDBError(code: code, call: "mdb_cursor_get") }
  }

  /// Adds a value; the very same pair twice is no error.
  static func put(
    _ transaction: OpaquePointer, _ table: MDB_dbi, _ key: UnsafeRawBufferPointer,
    _ value: UnsafeRawBufferPointer
  ) throws(LMDBError) {
    try LMDBError.check(put(transaction, table, key, value, flags: 0), "mdb_put")
  }

  /// Adds a value whose key is most likely above all others: pages are filled one after the other then.
  static func append(
    _ transaction: OpaquePointer, _ table: MDB_dbi, _ key: UnsafeRawBufferPointer,
    _ value: UnsafeRawBufferPointer
  ) throws(LMDBError) {
    let code = put(transaction, table, key, value, flags: UInt32(MDB_APPEND))
    if code == MDB_KEYEXIST { return try put(transaction, table, key, value) }
    try LMDBError.check(code, "mdb_put")
  }

  private static func put(
    _ transaction: OpaquePointer, _ table: MDB_dbi, _ key: UnsafeRawBufferPointer,
    _ value: UnsafeRawBufferPointer, flags: UInt32
  ) -> Int32 {
    var name = MDB_val(key)
    var content = MDB_val(value)
    return mdb_put(transaction, table, &name, &content, flags)
  }

  /// Removes all keys.
  static func clear(_ transaction: OpaquePointer, _ table: MDB_dbi) throws(LMDBError) {
    try LMDBError.check(mdb_drop(transaction, table, 0), "mdb_drop")
  }

  /// Removes a key with all its values; a key that is not there is no error.
  static func remove(
    _ transaction: OpaquePointer, _ table: MDB_dbi, _ key: UnsafeRawBufferPointer
  ) throws(LMDBError) {
    var name = MDB_val(key)
    let code = mdb_del(transaction, table, &name, nil)
    guard code == 0 || code == MDB_NOTFOUND else { throw LMDBError(code: code, call: "mdb_del") }
  }

  /// Number of values in a table.
  static func count(
    _ transaction: OpaquePointer, _ table: MDB_dbi
  ) throws(LMDBError) -> Int {
    var statistics = MDB_stat()
    try LMDBError.check(mdb_stat(transaction, table, &statistics), "mdb_stat")
    return statistics.ms_entries
  }
}

extension MDB_val {
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(
      mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }
}
