import NIOCore

/// A command of the transmission phase. A client can send any number.
package struct Command: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let read = Command(rawValue: 0)
  package static let write = Command(rawValue: 1)
  package static let disconnect = Command(rawValue: 2)
  package static let flush = Command(rawValue: 3)
  package static let trim = Command(rawValue: 4)
  package static let cache = Command(rawValue: 5)
  package static let writeZeroes = Command(rawValue: 6)
  package static let blockStatus = Command(rawValue: 7)
}

/// One request as it is sent, without the payload that may follow.
///
/// ```
/// u32 magic | u16 flags | u16 command | u64 cookie | u64 offset | u32 length
/// ```
///
/// With extended headers, the magic number differs and the length has 64 bits.
package struct Request: Sendable, Hashable {
  package var offsetBytes: UInt64
  /// Chosen by the client. The reply repeats it.
  package var cookie: UInt64
  /// The length of the requested range. For a write, this is also the length of the payload. At
  /// most 2^32 - 1 without extended headers.
  package var lengthBytes: UInt64
  package var command: Command
  package var flags: CommandFlags

  package init(
    _ command: Command, flags: CommandFlags = [], cookie: UInt64, offsetBytes: UInt64,
    lengthBytes: UInt64
  ) {
    self.command = command
    self.flags = flags
    self.cookie = cookie
    self.offsetBytes = offsetBytes
    self.lengthBytes = lengthBytes
  }

  /// The end of the requested range. Nil if it exceeds 64 bits.
  package var endBytes: UInt64? {
    let (end, overflows) = offsetBytes.addingReportingOverflow(lengthBytes)
    return overflows ? nil : end
  }

  /// The length of the payload that follows the request.
  func payloadBytes(_ style: ReplyStyle) -> UInt64 {
    let hasPayload = style == .extended ? flags.contains(.payloadLength) : command == .write
    return hasPayload ? lengthBytes : 0
  }
}

/// The result of decoding the next bytes of the transmission phase.
enum DecodedRequest {
  case incomplete
  case request(Request)
  case wrongMagic(UInt32)
}

extension ByteBuffer {
  /// Removes one request from the front of the buffer, if it is complete.
  mutating func readRequest(_ style: ReplyStyle) -> DecodedRequest {
    style == .extended ? readExtendedRequest() : readCompactRequest()
  }

  private mutating func readCompactRequest() -> DecodedRequest {
    guard
      let (magic, flags, command, cookie, offset, length) = readMultipleIntegers(
        as: (UInt32, UInt16, UInt16, UInt64, UInt64, UInt32).self)
    else { return .incomplete }
    guard magic == Magic.request else { return .wrongMagic(magic) }
    return .request(
      Request(
        Command(rawValue: command), flags: CommandFlags(rawValue: flags), cookie: cookie,
        offsetBytes: offset, lengthBytes: UInt64(length)))
  }

  private mutating func readExtendedRequest() -> DecodedRequest {
    guard
      let (magic, flags, command, cookie, offset, length) = readMultipleIntegers(
        as: (UInt32, UInt16, UInt16, UInt64, UInt64, UInt64).self)
    else { return .incomplete }
    guard magic == Magic.extendedRequest else { return .wrongMagic(magic) }
    return .request(
      Request(
        Command(rawValue: command), flags: CommandFlags(rawValue: flags), cookie: cookie,
        offsetBytes: offset, lengthBytes: length))
  }
}
