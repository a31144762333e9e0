package import NIOCore

/// A stretch of a volume's content.
package enum VolumePiece: Equatable, Sendable {
  /// Zeros, at least one.
  case hole(lengthBytes: UInt64)
  /// A slice of a cached chunk, at least one byte; not to be written to.
  case data(ByteBuffer)

  var isHole: Bool {
    if case .hole = self { true } else { false }
  }

  /// Length in bytes.
  package var lengthBytes: UInt64 {
    switch self {
    case .hole(let length): length
    case .data(let content): UInt64(content.readableBytes)
    }
  }
}

extension [VolumePiece] {
  /// Adds zeros; joins them to those at the end.
  mutating func appendHole(lengthBytes: UInt64) {
    if case .hole(let before) = last {
      self[count - 1] = .hole(lengthBytes: before + lengthBytes)
    } else {
      append(.hole(lengthBytes: lengthBytes))
    }
  }

  /// Adds the part of `content`, a chunk that lies at `bytes` of its volume, that is in `range`.
  mutating func append(_ content: ByteBuffer, at bytes: Range<UInt64>, within range: Range<UInt64>)
  {
    let part = bytes.clamped(to: range)
    let start = content.readerIndex + Int(part.lowerBound - bytes.lowerBound)
    if let slice = content.getSlice(at: start, length: part.count) { append(.data(slice)) }
  }
}
