import ChunkFormat
import FileIO
import SystemPackage

/// What a ``RankTable`` keeps of an id.
protocol RankKey: BitwiseCopyable, Comparable {
  /// - Parameter skippedBits: leading bits that the place in the table tells already.
  init(_ id: ContentID, skippedBits: UInt64)
}

/// 32 bits of an id behind those that the place tells: of two ids in 2^50 and more the same, which
/// makes them one. Good enough where that keeps a chunk that could go.
struct ApproximateKey: RankKey {
  private let bits: UInt32

  init(_ id: ContentID, skippedBits: UInt64) {
    bits = UInt32(truncatingIfNeeded: (id.leadingBits << skippedBits) >> 32)
  }

  static func < (left: Self, right: Self) -> Bool { left.bits < right.bits }
}

/// All of an id.
struct ExactKey: RankKey {
  private let id: ContentID

  init(_ id: ContentID, skippedBits: UInt64) { self.id = id }

  static func < (left: Self, right: Self) -> Bool { left.id < right.id }
}

/// Numbers a set of ids from 0 in their order, in a few bytes of mapped memory for each.
///
/// Ids are uniform: their first bits lead to a bucket of some 16 keys, where the rest is searched.
struct RankTable<Key: RankKey> {
  private static var idsPerBucket: Int { 16 }
  private static var maximumBits: Int { 28 }

  private let keys: ScratchMapping
  private let starts: ScratchMapping
  private let bits: UInt64
  /// Buckets whose start is written.
  private var begun = 0
  private(set) var count = 0

  /// An empty table for about so many ids.
  init(expecting expectedCount: Int, in directory: FilePath) throws(FileError) {
    let buckets = max(1, expectedCount / Self.idsPerBucket)
    bits = UInt64(min(Self.maximumBits, Int.bitWidth - 1 - buckets.leadingZeroBitCount))
    keys = try ScratchMapping(in: directory)
    starts = try ScratchMapping(in: directory)
    try starts.grow(toBytes: ((1 << Int(bits)) + 1) * MemoryLayout<UInt32>.stride)
  }

  /// Adds an id that is above all before it.
  mutating func append(_ id: ContentID) throws(FileError) {
    begin(through: bucket(of: id))
    let end = (count + 1) * MemoryLayout<Key>.stride
    if end > keys.bytes.count { try keys.grow(toBytes: end) }
    keys.bytes.storeBytes(
      of: Key(id, skippedBits: bits), toByteOffset: count * MemoryLayout<Key>.stride, as: Key.self)
    count += 1
  }

  /// To be called once after the last id.
  mutating func finish() { begin(through: 1 << Int(bits)) }

  /// The number of `id`; nil where it is not in the set.
  func rank(of id: ContentID) -> Int? {
    let (bucket, key) = (bucket(of: id), Key(id, skippedBits: bits))
    var (low, high) = (start(of: bucket), start(of: bucket + 1))
    while low < high {
      let middle = (low + high) / 2
      if self.key(middle) < key { low = middle + 1 } else { high = middle }
    }
    guard low < start(of: bucket + 1), !(key < self.key(low)) else { return nil }
    return low
  }

  private func bucket(of id: ContentID) -> Int {
    bits == 0 ? 0 : Int(id.leadingBits >> (64 - bits))
  }

  private mutating func begin(through bucket: Int) {
    while begun <= bucket {
      starts.bytes.storeBytes(
        of: UInt32(count), toByteOffset: begun * MemoryLayout<UInt32>.stride, as: UInt32.self)
      begun += 1
    }
  }

  private func start(of bucket: Int) -> Int {
    Int(
      starts.bytes.load(
        fromByteOffset: bucket * MemoryLayout<UInt32>.stride, as: UInt32.self))
  }

  private func key(_ rank: Int) -> Key {
    keys.bytes.loadUnaligned(fromByteOffset: rank * MemoryLayout<Key>.stride, as: Key.self)
  }
}
