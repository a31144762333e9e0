internal import CLMDB
import ChunkFormat

/// The handles of the tables.
struct IndexTables {
  /// Pack number (4, big-endian) → ``IndexedPack``.
  let packs: MDB_dbi
  /// Name of a pack (32) → its number.
  let names: MDB_dbi
  /// Id (32) → places, one for each copy, sorted.
  let records: MDB_dbi

  /// Opens the tables, and makes them where there are none. Only that takes the lock that writers
  /// hold: reading starts at once while another process writes a pack.
  static func open(in environment: OpaquePointer) throws(LMDBError) -> IndexTables {
    do throws(LMDBError) {
      return try open(in: environment, transaction: UInt32(MDB_RDONLY), table: 0)
    } catch  where error.code == MDB_NOTFOUND {
      return try open(in: environment, transaction: 0, table: UInt32(MDB_CREATE))
    }
  }

  private static func open(
    in environment: OpaquePointer, transaction: UInt32, table: UInt32
  ) throws(LMDBError) -> IndexTables {
    var begun: OpaquePointer?
    try LMDBError.check(mdb_txn_begin(environment, nil, transaction, &begun), "mdb_txn_begin")
    var handles: [MDB_dbi] = []
    for (name, flags) in [("packs", 0), ("names", 0), ("records", UInt32(MDB_DUPSORT))] {
      var handle: MDB_dbi = 0
      let code = mdb_dbi_open(begun, name, flags | table, &handle)
      guard code == 0 else {
        mdb_txn_abort(begun)
        throw LMDBError(code: code, call: "mdb_dbi_open")
      }
      handles.append(handle)
    }
    try LMDBError.check(mdb_txn_commit(begun), "mdb_txn_commit")
    return IndexTables(packs: handles[0], names: handles[1], records: handles[2])
  }
}
