package import NIOCore

/// The format of requests and replies, as negotiated in the handshake.
package enum ReplyStyle: Sendable, Equatable {
  case simple
  case structured
  /// Requests and replies with headers of 32 bytes and 64-bit lengths.
  case extended
}

/// The content of a chunk of a structured reply.
enum ChunkType: UInt16 {
  case none = 0
  case offsetData = 1
  case offsetHole = 2
  case blockStatus = 5
  case blockStatusExtended = 6
  case error = 0x8001
  case errorOffset = 0x8002
}

/// A range of an export with one status.
package struct StatusExtent: Sendable, Equatable {
  /// Never 0.
  package var lengthBytes: UInt64
  package var flags: UInt32

  package init(lengthBytes: UInt64, flags: UInt32) {
    self.lengthBytes = lengthBytes
    self.flags = flags
  }
}

/// The fields that all chunks of the reply to one request have in common.
package struct ReplyFrame: Sendable {
  package let style: ReplyStyle
  package let cookie: UInt64
  /// The offset of the request. Extended headers repeat it.
  let offsetBytes: UInt64

  package init(_ style: ReplyStyle, to request: Request) {
    self.style = style
    cookie = request.cookie
    offsetBytes = request.offsetBytes
  }
}

extension ByteBuffer {
  /// Writes a simple reply. After a successful read, the caller writes the data.
  ///
  /// ```
  /// u32 magic | u32 error | u64 cookie
  /// ```
  package mutating func writeSimpleReply(_ frame: ReplyFrame, error: ErrorCode?) {
    writeMultipleIntegers(Magic.simpleReply, error?.rawValue ?? 0, frame.cookie)
  }

  /// Writes the header of a chunk. The caller writes the `lengthBytes` of payload.
  ///
  /// ```
  /// u32 magic | u16 flags (bit 0: done) | u16 type | u64 cookie | u32 payload length
  /// ```
  ///
  /// Extended headers have a different magic number, and end with
  /// `u64 offset | u64 payload length`.
  private mutating func writeChunkHeader(
    _ type: ChunkType, _ frame: ReplyFrame, isLast: Bool, lengthBytes: UInt32
  ) {
    let flags = UInt16(isLast ? 1 : 0)
    if frame.style == .extended {
      writeMultipleIntegers(
        Magic.extendedReply, flags, type.rawValue, frame.cookie, frame.offsetBytes,
        UInt64(lengthBytes))
    } else {
      writeMultipleIntegers(
        Magic.structuredReply, flags, type.rawValue, frame.cookie, lengthBytes)
    }
  }

  /// Writes the header of a data chunk. The caller writes the `lengthBytes` of data, at least one
  /// byte.
  ///
  /// ```
  /// chunk header | u64 offset | data
  /// ```
  package mutating func writeDataChunkHeader(
    _ frame: ReplyFrame, isLast: Bool, offsetBytes: UInt64, lengthBytes: UInt32
  ) {
    writeChunkHeader(.offsetData, frame, isLast: isLast, lengthBytes: lengthBytes + 8)
    writeInteger(offsetBytes)
  }

  /// Writes a hole chunk of at least one byte.
  ///
  /// ```
  /// chunk header | u64 offset | u32 length
  /// ```
  package mutating func writeHoleChunk(
    _ frame: ReplyFrame, isLast: Bool, offsetBytes: UInt64, lengthBytes: UInt32
  ) {
    writeChunkHeader(.offsetHole, frame, isLast: isLast, lengthBytes: 12)
    writeMultipleIntegers(offsetBytes, lengthBytes)
  }

  /// Writes a chunk with the status of one context, which has at least one extent.
  ///
  /// ```
  /// chunk header | u32 context | count × (u32 length | u32 flags)
  /// ```
  ///
  /// With extended headers: `u32 context | u32 count | count × (u64 length | u64 flags)`. Without
  /// them, an extent of 4 GiB or more is cut and ends the list.
  package mutating func writeBlockStatusChunk(
    _ frame: ReplyFrame, isLast: Bool, context: MetaContext, extents: [StatusExtent]
  ) {
    guard frame.style != .extended else {
      return writeExtendedStatusChunk(frame, isLast: isLast, context: context, extents: extents)
    }
    let oversized = extents.firstIndex { $0.lengthBytes > UInt64(UInt32.max) }
    let extents = extents[...(oversized ?? extents.count - 1)]
    let payloadBytes = 4 + 8 * extents.count
    reserveCapacity(minimumWritableBytes: 20 + payloadBytes)
    writeChunkHeader(.blockStatus, frame, isLast: isLast, lengthBytes: UInt32(payloadBytes))
    writeInteger(context.id)
    for extent in extents {
      writeMultipleIntegers(UInt32(clamping: extent.lengthBytes), extent.flags)
    }
  }

  private mutating func writeExtendedStatusChunk(
    _ frame: ReplyFrame, isLast: Bool, context: MetaContext, extents: [StatusExtent]
  ) {
    let payloadBytes = 8 + 16 * extents.count
    reserveCapacity(minimumWritableBytes: 32 + payloadBytes)
    writeChunkHeader(
      .blockStatusExtended, frame, isLast: isLast, lengthBytes: UInt32(payloadBytes))
    writeMultipleIntegers(context.id, UInt32(extents.count))
    for extent in extents { writeMultipleIntegers(extent.lengthBytes, UInt64(extent.flags)) }
  }

  /// Writes an error for one part of a read. The other parts can still succeed.
  ///
  /// ```
  /// chunk header | u32 error | u16 message length | message | u64 offset
  /// ```
  package mutating func writeErrorChunk(
    _ frame: ReplyFrame, isLast: Bool, offsetBytes: UInt64, refusal: Refusal
  ) {
    let message = BoundedMessage(refusal.message)
    writeChunkHeader(.errorOffset, frame, isLast: isLast, lengthBytes: message.lengthBytes + 14)
    writeInteger(refusal.error.rawValue)
    writeMessage(message)
    writeInteger(offsetBytes)
  }

  /// Writes the whole reply to a request that succeeded and returns no data.
  package mutating func writeSuccess(_ frame: ReplyFrame) {
    if frame.style == .simple {
      writeSimpleReply(frame, error: nil)
    } else {
      writeChunkHeader(.none, frame, isLast: true, lengthBytes: 0)
    }
  }

  /// Writes the whole reply to a request that failed.
  ///
  /// ```
  /// simple reply, or: chunk header | u32 error | u16 message length | message
  /// ```
  package mutating func writeFailure(_ frame: ReplyFrame, refusal: Refusal) {
    guard frame.style != .simple else { return writeSimpleReply(frame, error: refusal.error) }
    let message = BoundedMessage(refusal.message)
    writeChunkHeader(.error, frame, isLast: true, lengthBytes: message.lengthBytes + 6)
    writeInteger(refusal.error.rawValue)
    writeMessage(message)
  }

  private mutating func writeMessage(_ message: BoundedMessage) {
    writeInteger(UInt16(message.lengthBytes))
    writeBytes(message.bytes)
  }
}

/// A message for a person at the client, reduced to valid UTF-8 without NUL and within a length
/// limit.
struct BoundedMessage {
  /// Well below the 4,096 bytes of a protocol string, and enough for a sentence with a path.
  static let limitBytes = 1024

  let bytes: [UInt8]
  var lengthBytes: UInt32 { UInt32(bytes.count) }

  init(_ text: String, limitBytes: Int = Self.limitBytes) {
    bytes = Array(text.utf8Prefix(maximumBytes: limitBytes).utf8.filter { $0 != 0 })
  }
}

extension String {
  /// Returns the longest prefix of whole characters that fits into `maximumBytes`.
  func utf8Prefix(maximumBytes: Int) -> Substring {
    guard utf8.count > maximumBytes else { return self[...] }
    var end = utf8.index(startIndex, offsetBy: maximumBytes)
    while end > startIndex, end.samePosition(in: self) == nil { end = utf8.index(before: end) }
    return self[..<end]
  }
}
