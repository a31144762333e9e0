import Glibc

/// The root of a tree in LMDB's file.
///
/// ```
/// offset size
///      0    4  length of a page, in the list of free pages
///      4    2  flags: 4 several values a key, 8 numbers as keys
///      6    2  levels
///      8 3×8   pages: branches, leaves, overflow
///     32    8  number of values
///     40    8  number of the root; all ones where the tree is empty
/// ```
///
/// (lmdb 0.9, `mdb.c`: `MDB_db`)
struct TreeRoot: Equatable {
  static let lengthBytes = 48
  static let severalValues: UInt16 = 4
  static let numbersAsKeys: UInt16 = 8
  /// LMDB's own limit.
  private static let maximumDepth = 32

  static let empty = TreeRoot()

  let flags: UInt16
  let depth: Int
  let branchPages: UInt64
  let leafPages: UInt64
  let overflowPages: UInt64
  let entries: UInt64
  let page: UInt64

  private init() {
    (flags, depth, branchPages, leafPages, overflowPages, entries, page) = (0, 0, 0, 0, 0, 0, .max)
  }

  init(_ bytes: UnsafeRawBufferPointer) throws(LMDBError) {
    guard bytes.count == Self.lengthBytes else { throw .damage("a root has the wrong length") }
    flags = bytes.number(at: 4, as: UInt16.self)
    depth = Int(bytes.number(at: 6, as: UInt16.self))
    branchPages = bytes.number(at: 8, as: UInt64.self)
    leafPages = bytes.number(at: 16, as: UInt64.self)
    overflowPages = bytes.number(at: 24, as: UInt64.self)
    entries = bytes.number(at: 32, as: UInt64.self)
    page = bytes.number(at: 40, as: UInt64.self)
    guard depth <= Self.maximumDepth, (depth == 0) == (page == .max), entries <= Int.max,
      (depth == 0) == (entries == 0)
    else { throw .damage("a root is malformed") }
  }
}

/// The state of the index after one transaction, as one of the file's first two pages describes it.
///
/// ```
/// offset size
///      0   16  header of the page
///     16    4  0xbeefc0de
///     20    4  version: 1
///     24   16
///     40   48  root of the list of free pages
///     88   48  root of the tree of tables
///    136    8  number of the last page
///    144    8  number of the transaction
/// ```
///
/// (lmdb 0.9, `mdb.c`: `MDB_meta`)
struct IndexSnapshot: Equatable {
  static let metaBytes = 152
  private static let magic: UInt32 = 0xbeef_c0de
  private static let version: UInt32 = 1
  /// LMDB keeps flags of the file beside those of the list: this one lies in no directory of its own.
  private static let freeFlags = TreeRoot.numbersAsKeys | 0x4000
  /// As LMDB chooses it for a new file.
  static let pageBytes = min(Int(getpagesize()), 0x8000)

  /// Of a file that nothing was written to.
  static let none = IndexSnapshot()

  let transaction: UInt64
  let lastPage: UInt64
  let free: TreeRoot
  let main: TreeRoot

  private init() { (transaction, lastPage, free, main) = (0, 1, .empty, .empty) }

  /// What `bytes` describe, the first bytes of page `number`, which is 0 or 1.
  init(meta bytes: UnsafeRawBufferPointer, page number: Int) throws(LMDBError) {
    func part(_ start: Int) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(rebasing: bytes[start..<start + TreeRoot.lengthBytes])
    }
    guard bytes.count == Self.metaBytes,
      IndexPage.kind(bytes) == IndexPage.meta,
      bytes.number(at: 0, as: UInt64.self) == UInt64(number),
      bytes.number(at: 16, as: UInt32.self) == Self.magic,
      bytes.number(at: 20, as: UInt32.self) == Self.version,
      bytes.number(at: 40, as: UInt32.self) == UInt32(Self.pageBytes)
    else { throw .damage("the file is not an LMDB file") }
    free = try TreeRoot(part(40))
    main = try TreeRoot(part(88))
    lastPage = bytes.number(at: 136, as: UInt64.self)
    transaction = bytes.number(at: 144, as: UInt64.self)
    guard free.flags == Self.freeFlags, main.flags == 0,
      lastPage >= 1, lastPage < UInt64(Int.max / Self.pageBytes),
      transaction == 0 || transaction % 2 == UInt64(number)
    else { throw .damage("page \(number) does not describe a state") }
  }

  /// The newer of two, which follow one another.
  static func newest(of first: Self, _ second: Self) throws(LMDBError) -> Self {
    let (old, new) = first.transaction < second.transaction ? (first, second) : (second, first)
    guard new.transaction - old.transaction <= 1 else {
      throw .damage("two states are not consecutive")
    }
    return new
  }
}

/// The tables of the index. Their names tell one layout of the values from another.
enum IndexTable: UInt8, CaseIterable {
  /// Pack number (4, big-endian) → ``IndexedPack``.
  case packs = 1
  /// Name of a pack (32) → its number; `counter` → the last number that was given.
  case names = 2
  /// Id (32) → places, one for each copy, sorted.
  case records = 3

  var name: StaticString {
    switch self {
    case .packs: "packs.2"
    case .names: "names.2"
    case .records: "records.2"
    }
  }

  var flags: UInt16 { self == .records ? TreeRoot.severalValues : 0 }
}
