/// The location of a block's content.
enum BlockState: UInt64, Sendable {
  /// The content is in the revision under the overlay.
  case base = 0
  /// The content is in the overlay's data.
  case data = 1
  /// The block reads as zeros.
  case zero = 2
}

/// Blocks of a volume. All have 4 KiB, except the last one, which ends with the volume.
enum Block {
  static let sizeBytes: UInt64 = 4096

  /// Returns the blocks that contain the bytes `range`.
  static func holding(_ range: Range<UInt64>) -> Range<UInt64> {
    let first = range.lowerBound / sizeBytes
    return range.isEmpty ? first..<first : first..<(range.upperBound - 1) / sizeBytes + 1
  }

  /// Returns the blocks that are completely within the bytes `range` of a volume. The last block
  /// counts as complete even if it is short.
  static func within(_ range: Range<UInt64>, ofVolume sizeBytes: UInt64) -> Range<UInt64> {
    let first = range.lowerBound / self.sizeBytes + (range.lowerBound % self.sizeBytes == 0 ? 0 : 1)
    let reachesEnd = range.upperBound == sizeBytes && sizeBytes % self.sizeBytes != 0
    let end = range.upperBound / self.sizeBytes + (reachesEnd ? 1 : 0)
    return first..<max(first, end)
  }

  /// Returns the bytes of `blocks` in a volume.
  static func bytes(of blocks: Range<UInt64>, ofVolume sizeBytes: UInt64) -> Range<UInt64> {
    min(
      blocks.lowerBound * self.sizeBytes, sizeBytes)..<min(
        blocks.upperBound * self.sizeBytes, sizeBytes)
  }
}

/// Adjacent blocks with the same state.
struct StateRun: Equatable, Sendable {
  var blocks: Range<UInt64>
  let state: BlockState
}

/// The states of 16,384 blocks, which are 64 MiB of the volume. Each block has two bits, starting
/// with the lowest bits, in little-endian words.
struct StatePage: Equatable, Sendable {
  static let blockCount: UInt64 = 16_384
  static let lengthBytes = 4096

  /// Returns the number of pages for a volume.
  static func count(forVolumeOf sizeBytes: UInt64) -> UInt64 {
    let blocks = Block.holding(0..<sizeBytes).upperBound
    return blocks / blockCount + (blocks % blockCount == 0 ? 0 : 1)
  }

  private static let blocksPerWord: UInt64 = 32
  private static let wordCount = lengthBytes / MemoryLayout<UInt64>.size
  /// The lower bit of every block.
  private static let lowBits: UInt64 = 0x5555_5555_5555_5555

  /// A page in which all blocks have the state "base". All such pages share its memory.
  static let base = StatePage(words: Array(repeating: 0, count: wordCount))

  private var words: [UInt64]

  private init(words: [UInt64]) { self.words = words }

  /// Decodes a page. Nil if a block has an invalid state.
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

  /// Whether every block has the state "base".
  var isBase: Bool { words.allSatisfy { $0 == 0 } }

  /// Returns the state of block `block` of the page.
  subscript(block: UInt64) -> BlockState {
    let shift = 2 * (block % Self.blocksPerWord)
    // This cannot fail: the initializer has checked all states, and only `set` changes them.
    return BlockState(rawValue: words[Int(block / Self.blocksPerWord)] >> shift & 3)!
  }

  /// Returns the end of the run of equal states that starts with `block`, at most `limit`.
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

  /// Sets the state of blocks, given by their positions in the page.
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

  /// Returns a word in which all blocks have this state.
  private static func word(of state: BlockState) -> UInt64 { lowBits * state.rawValue }
}
