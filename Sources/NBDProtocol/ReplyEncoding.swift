package import NIOCore

/// How requests are answered, agreed on in the handshake.
package enum ReplyStyle: Sendable, Equatable {
  case simple
  case structured
  /// Requests and replies with headers of 32 bytes and 64-bit lengths.
  case extended
}

/// What a chunk of a structured reply holds.
enum ChunkType: UInt16 {
  case none = 0
  case offsetData = 1
  case offsetHole = 2
  case blockStatus = 5
  case error = 0x8001
  case errorOffset = 0x8002
}

/// A stretch of an export with one status.
package struct StatusExtent: Sendable, Equatable {
  /// Never 0.
  package var lengthBytes: UInt64
  package var flags: UInt32

  package init(lengthBytes: UInt64, flags: UInt32) {
    self.lengthBytes = lengthBytes
    self.flags = flags
  }
}

extension ByteBuffer {
  /// Writes a simple reply, which on success the data of a read follows.
  ///
  /// ```
  /// u32 magic | u32 error | u64 cookie
  /// ```
  package mutating func writeSimpleReply(cookie: UInt64, error: ErrorCode?) {
    writeMultipleIntegers(Magic.simpleReply, error?.rawValue ?? 0, cookie)
  }

  /// Writes the header of a chunk, which `lengthBytes` of payload follow.
  ///
  /// ```
  /// u32 magic | u16 flags (bit 0: done) | u16 type | u64 cookie | u32 payload length
  /// ```
  private mutating func writeChunkHeader(
    _ type: ChunkType, cookie: UInt64, isLast: Bool, lengthBytes: UInt32
  ) {
    writeMultipleIntegers(
      Magic.structuredReply, UInt16(isLast ? 1 : 0), type.rawValue, cookie, lengthBytes)
  }

  /// Writes the header of a data chunk; `lengthBytes` of data, at least one, are to follow.
  ///
  /// ```
  /// chunk header | u64 offset | data
  /// ```
  package mutating func writeDataChunkHeader(
    cookie: UInt64, isLast: Bool, offsetBytes: UInt64, lengthBytes: UInt32
  ) {
    writeChunkHeader(.offsetData, cookie: cookie, isLast: isLast, lengthBytes: lengthBytes + 8)
    writeInteger(offsetBytes)
  }

  /// Writes a hole chunk of at least one byte.
  ///
  /// ```
  /// chunk header | u64 offset | u32 length
  /// ```
  package mutating func writeHoleChunk(
    cookie: UInt64, isLast: Bool, offsetBytes: UInt64, lengthBytes: UInt32
  ) {
    writeChunkHeader(.offsetHole, cookie: cookie, isLast: isLast, lengthBytes: 12)
    writeMultipleIntegers(offsetBytes, lengthBytes)
  }

  /// Writes a chunk with the status of one context; at least one extent.
  ///
  /// ```
  /// chunk header | u32 context | count × (u32 length | u32 flags)
  /// ```
  package mutating func writeBlockStatusChunk(
    cookie: UInt64, isLast: Bool, context: MetaContext, extents: [StatusExtent]
  ) {
    reserveCapacity(minimumWritableBytes: 24 + 8 * extents.count)
    writeChunkHeader(
      .blockStatus, cookie: cookie, isLast: isLast, lengthBytes: UInt32(4 + 8 * extents.count))
    writeInteger(context.id)
    for extent in extents { writeMultipleIntegers(extent.lengthBytes, extent.flags) }
  }

  /// Writes the error of one part of a read, the rest of which can still succeed.
  ///
  /// ```
  /// chunk header | u32 error | u16 message length | message | u64 offset
  /// ```
  package mutating func writeErrorChunk(
    cookie: UInt64, isLast: Bool, offsetBytes: UInt64, refusal: Refusal
  ) {
    let message = BoundedMessage(refusal.message)
    writeChunkHeader(
      .errorOffset, cookie: cookie, isLast: isLast, lengthBytes: message.lengthBytes + 14)
    writeInteger(refusal.error.rawValue)
    writeMessage(message)
    writeInteger(offsetBytes)
  }

  /// Writes the whole reply to a request that succeeded and has nothing to tell.
  package mutating func writeSuccess(_ style: ReplyStyle, cookie: UInt64) {
    switch style {
    case .simple: writeSimpleReply(cookie: cookie, error: nil)
    case .structured: writeChunkHeader(.none, cookie: cookie, isLast: true, lengthBytes: 0)
    }
  }

  /// Writes the whole reply to a request that failed.
  ///
  /// ```
  /// simple reply, or: chunk header | u32 error | u16 message length | message
  /// ```
  package mutating func writeFailure(_ style: ReplyStyle, cookie: UInt64, refusal: Refusal) {
    guard style == .structured else {
      return writeSimpleReply(cookie: cookie, error: refusal.error)
    }
    let message = BoundedMessage(refusal.message)
    writeChunkHeader(.error, cookie: cookie, isLast: true, lengthBytes: message.lengthBytes + 6)
    writeInteger(refusal.error.rawValue)
    writeMessage(message)
  }

  private mutating func writeMessage(_ message: BoundedMessage) {
    writeInteger(UInt16(message.lengthBytes))
    writeBytes(message.bytes)
  }
}

/// A message for a person at the other end, cut to what may travel: valid UTF-8, no NUL.
struct BoundedMessage {
  /// Well within the 4,096 bytes of a protocol string, and enough for a sentence with a path.
  static let limitBytes = 1024

  let bytes: [UInt8]
  var lengthBytes: UInt32 { UInt32(bytes.count) }

  init(_ text: String, limitBytes: Int = Self.limitBytes) {
    bytes = Array(text.utf8Prefix(maximumBytes: limitBytes).utf8.filter { $0 != 0 })
  }
}

extension String {
  /// The longest beginning of whole characters that fits.
  func utf8Prefix(maximumBytes: Int) -> Substring {
    guard utf8.count > maximumBytes else { return self[...] }
    var end = utf8.index(startIndex, offsetBy: maximumBytes)
    while end > startIndex, end.samePosition(in: self) == nil { end = utf8.index(before: end) }
    return self[..<end]
  }
}
