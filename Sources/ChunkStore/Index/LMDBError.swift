internal import CLMDB
import FileIO
import Glibc
import SystemPackage

/// What LMDB said, or what is wrong with its file.
struct LMDBError: Error, Equatable, CustomStringConvertible {
  let code: Int32
  let call: String

  static func check(_ code: Int32, _ call: String) throws(LMDBError) {
    guard code == 0 else { throw LMDBError(code: code, call: call) }
  }

  /// The file is not what was written.
  static func damage(_ what: String) -> LMDBError { LMDBError(code: MDB_CORRUPTED, call: what) }

  /// The file could not be read: a bad sector is damage like any other.
  init(reading error: FileError) {
    self.init(
      code: error.errno == .ioError ? MDB_CORRUPTED : error.errno.rawValue, call: error.description)
  }

  init(code: Int32, call: String) { (self.code, self.call) = (code, call) }

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
