/// The id of a content: SHA-256 of the plaintext, or HMAC-SHA-256 under the repository's id key if
/// the repository is encrypted. The id of a map node is the complement of this hash (format,
/// "Ids").
///
/// All zeros stand for a hole; no input is known that hashes to zeros.
package struct ContentID: Hashable, Comparable, BitwiseCopyable, Sendable {
  /// Length of an id in bytes.
  package static let lengthBytes = 32

  /// The id of a hole in a map; never stored as a record.
  package static let hole = ContentID(words: (0, 0, 0, 0))

  // The words hold the bytes in memory order, so that ids are compared for equality word by word.
  private let word0: UInt64
  private let word1: UInt64
  private let word2: UInt64
  private let word3: UInt64

  private init(words: (UInt64, UInt64, UInt64, UInt64)) {
    (word0, word1, word2, word3) = words
  }

  /// Takes the 32 bytes at the start of `bytes`.
  ///
  /// - Precondition: `bytes` holds at least 32 bytes.
  package init(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count >= Self.lengthBytes)
    self.init(
      words: (
        bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
      ))
  }

  /// Whether this id stands for a hole.
  package var isHole: Bool { self == .hole }

  /// The first 64 bits as a number. Ids are ordered by this number first.
  package var leadingBits: UInt64 { word0.bigEndianValue }

  /// The id with all bits inverted.
  var complement: ContentID { ContentID(words: (~word0, ~word1, ~word2, ~word3)) }

  /// Calls `body` with the id's 32 bytes.
  package func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try Swift.withUnsafeBytes(of: self, body)
  }

  /// Compares the bytes in memory order: the order of ids is the order of their hexadecimal names.
  package static func < (left: ContentID, right: ContentID) -> Bool {
    left.word0 != right.word0
      ? left.word0.bigEndianValue < right.word0.bigEndianValue
      : left.word1 != right.word1
        ? left.word1.bigEndianValue < right.word1.bigEndianValue
        : left.word2 != right.word2
          ? left.word2.bigEndianValue < right.word2.bigEndianValue
          : left.word3.bigEndianValue < right.word3.bigEndianValue
  }

  /// Hashes only one word: ids are uniformly distributed, so one word is as good as four.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(word0)
  }
}

extension UInt64 {
  /// The word's bytes in memory, read as a big-endian number.
  fileprivate var bigEndianValue: UInt64 { UInt64(bigEndian: self) }
}

extension ContentID: CustomStringConvertible {
  /// 64 hexadecimal digits.
  package var description: String { withUnsafeBytes { Hexadecimal.encode($0) } }
}
