import Glibc

/// One page of a tree in LMDB's file, every part of which is checked before it is used.
///
/// ```
/// offset size                                    node, at an even offset
///      0    8  number of the page                offset size
///      8    2                                         0    4  length of the value (leaf)
///     10    2  flags: 1 branch, 2 leaf,               0    6  number of the child (branch)
///              4 overflow, 8 meta, 64 sub-page        4    2  flags (leaf): 1 in overflow pages,
///     12    2  end of the table of nodes                      2 a tree, 4 several values
///     14    2  begin of the nodes                     6    2  length of the key
///     16  2·n  offset of each node                    8       key, then value
/// ```
///
/// (lmdb 0.9, `mdb.c`: `MDB_page`, `MDB_node`)
struct IndexPage {
  static let headerBytes = 16
  private static let nodeHeaderBytes = 8
  private static let maximumKeyBytes = 511

  /// Flags that tell what a page is.
  private static let kindFlags: UInt16 = 0x6f
  static let branch: UInt16 = 1
  static let leaf: UInt16 = 2
  static let overflow: UInt16 = 4
  static let meta: UInt16 = 8
  private static let subPage: UInt16 = 0x42

  struct Node {
    static let inOverflow: UInt16 = 1
    static let isTree: UInt16 = 2
    static let hasSeveral: UInt16 = 4

    let key: UnsafeRawBufferPointer
    /// Of a leaf.
    let flags: UInt16
    /// Of a leaf; eight bytes, the number of the first page, where it is in overflow pages.
    let value: UnsafeRawBufferPointer
    /// Of a leaf.
    let valueBytes: Int
    /// Of a branch.
    let child: UInt64
    fileprivate let range: Range<Int>
  }

  private let bytes: UnsafeRawBufferPointer
  private let isLeaf: Bool
  private let upper: Int
  /// Number of nodes.
  let count: Int

  /// - Parameters:
  ///   - bytes: the page, or the sub-page that the value of a leaf's node is.
  ///   - number: its number; nil for a sub-page.
  /// - Throws: ``LMDBError`` where it is no such page.
  init(
    _ bytes: UnsafeRawBufferPointer, number: UInt64?, isLeaf: Bool
  ) throws(LMDBError) {
    guard bytes.count >= Self.headerBytes else { throw .damage("a page is too short") }
    let expected = number == nil ? Self.subPage : isLeaf ? Self.leaf : Self.branch
    let lower = Int(bytes.number(at: 12, as: UInt16.self))
    upper = Int(bytes.number(at: 14, as: UInt16.self))
    guard Self.kind(bytes) == expected,
      number.map({ $0 == bytes.number(at: 0, as: UInt64.self) }) ?? true,
      lower >= Self.headerBytes, lower % 2 == 0, lower <= upper, upper <= bytes.count
    else { throw .damage("page \(number ?? 0) is not a tree page") }
    self.bytes = bytes
    self.isLeaf = isLeaf
    count = (lower - Self.headerBytes) / 2
    guard count > 0 else { throw .damage("page \(number ?? 0) is empty") }
  }

  static func kind(_ bytes: UnsafeRawBufferPointer) -> UInt16 {
    bytes.number(at: 10, as: UInt16.self) & kindFlags
  }

  func node(_ position: Int) throws(LMDBError) -> Node {
    let start = Int(bytes.number(at: Self.headerBytes + 2 * position, as: UInt16.self))
    guard start >= upper, start + Self.nodeHeaderBytes <= bytes.count else {
      throw .damage("a node is outside of its page")
    }
    let flags = bytes.number(at: start + 4, as: UInt16.self)
    let keyBytes = Int(bytes.number(at: start + 6, as: UInt16.self))
    let low = bytes.number(at: start, as: UInt32.self)
    let isInOverflow = isLeaf && flags & Node.inOverflow != 0
    let valueBytes = isLeaf ? Int(low) : 0
    let keyStart = start + Self.nodeHeaderBytes
    let end = keyStart + keyBytes + (isInOverflow ? 8 : valueBytes)
    guard keyBytes <= Self.maximumKeyBytes, end <= bytes.count else {
      throw .damage("a node is longer than its page")
    }
    return Node(
      key: UnsafeRawBufferPointer(rebasing: bytes[keyStart..<keyStart + keyBytes]),
      flags: isLeaf ? flags : 0,
      value: UnsafeRawBufferPointer(rebasing: bytes[keyStart + keyBytes..<end]),
      valueBytes: valueBytes, child: UInt64(low) | UInt64(flags) << 32, range: start..<end)
  }

  /// The first node whose key is not below `key`; `count` where there is none. The first of a branch
  /// counts as below all keys.
  func position(of key: UnsafeRawBufferPointer, _ order: KeyOrder) throws(LMDBError) -> Int {
    var (low, high) = (isLeaf ? 0 : 1, count)
    while low < high {
      let middle = (low + high) / 2
      if order.isBelow(try node(middle).key, key) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The node of a branch below which `key` would be.
  func positionOfChild(
    for key: UnsafeRawBufferPointer, _ order: KeyOrder
  ) throws(LMDBError) -> Int {
    let position = try position(of: key, order)
    guard position < count, !order.isBelow(key, try node(position).key) else { return position - 1 }
    return position
  }

  /// Checks that the nodes fill the page's end without gap or overlap, as LMDB relies on when it
  /// moves them.
  func checkLayout() throws(LMDBError) {
    var ranges: [Range<Int>] = []
    ranges.reserveCapacity(count)
    for position in 0..<count { ranges.append(try node(position).range) }
    ranges.sort { $0.lowerBound < $1.lowerBound }
    var end = upper
    for range in ranges {
      guard range.lowerBound == end else { throw .damage("nodes overlap") }
      end = (range.upperBound + 1) & ~1
    }
    guard end == bytes.count else { throw .damage("a page has a gap") }
  }
}

/// How the keys of a tree are ordered.
enum KeyOrder {
  /// As bytes.
  case bytes
  /// As numbers of eight bytes: the list of free pages.
  case numbers

  func isBelow(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    switch self {
    case .bytes:
      let count = min(left.count, right.count)
      var order: Int32 = 0
      if let first = left.baseAddress, let second = right.baseAddress {
        order = memcmp(first, second, count)
      }
      return order == 0 ? left.count < right.count : order < 0
    case .numbers:
      guard left.count == 8, right.count == 8 else { return left.count < right.count }
      return left.number(at: 0, as: UInt64.self) < right.number(at: 0, as: UInt64.self)
    }
  }
}

extension UnsafeRawBufferPointer {
  /// A number in the machine's order, as LMDB stores it; the caller has checked that it is within.
  func number<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Number.Type
  ) -> Number {
    loadUnaligned(fromByteOffset: offset, as: type)
  }
}
