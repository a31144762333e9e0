/// Where the content of a block is.
enum BlockState: UInt64, Sendable {
  /// In the revision underneath.
  case base = 0
  /// In the overlay's data.
  case data = 1
  /// Nowhere: it reads as zeros.
  case zero = 2
}

/// Blocks of a volume, all of 4 KiB but the last, which ends with the volume.
enum Block {
  static let sizeBytes: UInt64 = 4096

  /// The blocks that hold the bytes `range`.
  static func holding(_ range: Range<UInt64>) -> Range<UInt64> {
    let first = range.lowerBound / sizeBytes
    return range.isEmpty ? first..<first : first..<(range.upperBound - 1) / sizeBytes + 1
  }

  /// The blocks that lie within the bytes `range` of a volume, the last one's missing end counted as
  /// being there.
  static func within(_ range: Range<UInt64>, ofVolume sizeBytes: UInt64) -> Range<UInt64> {
    let first = range.lowerBound / self.sizeBytes + (range.lowerBound % self.sizeBytes == 0 ? 0 : 1)
    let reachesEnd = range.upperBound == sizeBytes && sizeBytes % self.sizeBytes != 0
    let end = range.upperBound / self.sizeBytes + (reachesEnd ? 1 : 0)
    return first..<max(first, end)
  }

  /// The bytes of `blocks` in a volume.
  static func bytes(of blocks: Range<UInt64>, ofVolume sizeBytes: UInt64) -> Range<UInt64> {
    min(
      blocks.lowerBound * self.sizeBytes, sizeBytes)..<min(
        blocks.upperBound * self.sizeBytes, sizeBytes)
  }
}

/// Adjoining blocks of one state.
struct StateRun: Equatable, Sendable {
  var blocks: Range<UInt64>
  let state: BlockState
}

/// The states of 16,384 blocks, which are 64 MiB of the volume: two bits a block, the first block's
/// lowest, in little-endian words.
struct StatePage: Equatable, Sendable {
  static let blockCount: UInt64 = 16_384
  static let lengthBytes = 4096

  /// How many pages a volume has.
  static func count(forVolumeOf sizeBytes: UInt64) -> UInt64 {
    let blocks = Block.holding(0..<sizeBytes).upperBound
    return blocks / blockCount + (blocks % blockCount == 0 ? 0 : 1)
  }

  private static let blocksPerWord: UInt64 = 32
  private static let wordCount = lengthBytes / MemoryLayout<UInt64>.size
  /// The lower bit of every block.
  private static let lowBits: UInt64 = 0x5555_5555_5555_5555

  /// Blocks that are all the base's. Its memory is shared by all such pages.
  static let base = StatePage(words: Array(repeating: 0, count: wordCount))

  private var words: [UInt64]

  private init(words: [UInt64]) { self.words = words }

  /// Reads a page; nil where a block has a state that there is not.
  init?(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count == Self.lengthBytes)
    let words = (0..<Self.wordCount).map {
      UInt64(
        littleEndian: bytes.loadUnaligned(
          fromByteOffset: $0 * MemoryLayout<UInt64>.size, as: UInt64.self))
    }
    guard words.allSatisfy({ $0 & ($0 >> 1) & Self.lowBits == 0 }) else { return nil }
    self = words.allSatisfy { $0 == 0 } ? .base : StatePage(words: words)
  }

  func withEncodedBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let encoded = words.map(\.littleEndian)
    let outcome = encoded.withUnsafeBytes { bytes in
      Swift.Result { () throws(Failure) in try body(bytes) }
    }
    return try outcome.get()
  }

  /// Whether every block is the base's.
  var isBase: Bool { words.allSatisfy { $0 == 0 } }

  /// The state of block `block` of the page.
  subscript(block: UInt64) -> BlockState {
    let shift = 2 * (block % Self.blocksPerWord)
    // Checked when it was read, and set by `set` alone.
    return BlockState(rawValue: words[Int(block / Self.blocksPerWord)] >> shift & 3)!
  }

  /// Where the run of one state ends that begins with `block`, at `limit` at the latest.
  func endOfRun(from block: UInt64, limit: UInt64) -> UInt64 {
    let state = self[block]
    let uniform = Self.word(of: state)
    var next = block
    while next < limit {
      let (word, position) = (Int(next / Self.blocksPerWord), next % Self.blocksPerWord)
      let difference = (words[word] ^ uniform) >> (2 * position)
      let equal = UInt64(difference.trailingZeroBitCount) / 2
      if equal < Self.blocksPerWord - position { return min(next + equal, limit) }
      next += Self.blocksPerWord - position
    }
    return limit
  }

  /// Gives blocks of the page, by their places in it, a state.
  mutating func set(_ blocks: Range<UInt64>, to state: BlockState) {
    let uniform = Self.word(of: state)
    var next = blocks.lowerBound
    while next < blocks.upperBound {
      let (word, position) = (Int(next / Self.blocksPerWord), next % Self.blocksPerWord)
      let count = min(Self.blocksPerWord - position, blocks.upperBound - next)
      let ones: UInt64 = count == Self.blocksPerWord ? .max : (1 << (2 * count)) - 1
      let mask = ones << (2 * position)
      words[word] = words[word] & ~mask | uniform & mask
      next += count
    }
  }

  /// A word of blocks that are all of one state.
  private static func word(of state: BlockState) -> UInt64 { lowBits * state.rawValue }
}
