package import NIOCore

/// A part of a volume's content.
package enum VolumePiece: Equatable, Sendable {
  /// Zeros, at least one byte.
  case hole(lengthBytes: UInt64)
  /// A slice of a cached chunk, at least one byte. The slice must not be changed.
  case data(ByteBuffer)

  var isHole: Bool {
    if case .hole = self { true } else { false }
  }

  /// The length in bytes.
  package var lengthBytes: UInt64 {
    switch self {
    case .hole(let length): length
    case .data(let content): UInt64(content.readableBytes)
    }
  }
}

extension [VolumePiece] {
  /// Appends zeros. Merges them with a hole at the end.
  mutating func appendHole(lengthBytes: UInt64) {
    if case .hole(let before) = last {
      self[count - 1] = .hole(lengthBytes: before + lengthBytes)
    } else {
      append(.hole(lengthBytes: lengthBytes))
    }
  }

  /// Appends the part of `content` within `range`. `content` is a chunk at `bytes` of the volume.
  mutating func append(_ content: ByteBuffer, at bytes: Range<UInt64>, within range: Range<UInt64>)
  {
    let part = bytes.clamped(to: range)
    let start = content.readerIndex + Int(part.lowerBound - bytes.lowerBound)
    if let slice = content.getSlice(at: start, length: part.count) { append(.data(slice)) }
  }
}
