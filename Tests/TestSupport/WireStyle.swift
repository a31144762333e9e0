/// How a client asks and is answered.
package enum WireStyle: CaseIterable, Sendable {
  case simple, structured, extended

  /// The option that agrees on it.
  package var option: UInt32? {
    switch self {
    case .simple: nil
    case .structured: 8
    case .extended: 11
    }
  }

  /// A request, with what a write's header has to say of its payload.
  package func request(
    _ command: UInt16, flags: UInt16 = 0, cookie: UInt64, offset: UInt64 = 0, length: UInt64 = 0
  ) -> [UInt8] {
    guard self == .extended else {
      return Transmission.request(
        command, flags: flags, cookie: cookie, offset: offset, length: UInt32(length))
    }
    return Transmission.extendedRequest(
      command, flags: command == 1 ? flags | 32 : flags, cookie: cookie, offset: offset,
      length: length)
  }

  /// The reply to a request that succeeded without content.
  package func success(cookie: UInt64, offset: UInt64 = 0) -> [UInt8] {
    switch self {
    case .simple: Transmission.simpleReply(cookie: cookie)
    case .structured: Transmission.chunk(0, cookie: cookie, done: true)
    case .extended: Transmission.extendedChunk(0, cookie: cookie, offset: offset, done: true)
    }
  }

  /// Takes the reply to a request that failed off the front, which has to say why where it can.
  ///
  /// - Returns: the error's number; nil when that is no such reply.
  package func takeFailure(
    cookie: UInt64, offset: UInt64 = 0, from bytes: inout [UInt8]
  ) -> UInt32? {
    var reader = WireReader(bytes)
    guard let reply = reader.reply(self, readBytes: [:]), reply.cookie == cookie,
      reply.isDone, reply.offset == nil || reply.offset == offset, let error = reply.error,
      self == .simple || reply.type == 0x8001 && reply.payload.count > 6
    else { return nil }
    bytes = Array(reader.rest)
    return error
  }
}

/// A simple reply, or a chunk of another.
package struct WireReply: Sendable {
  package var isDone: Bool
  /// 0 for a simple reply.
  package var type: UInt16
  package var cookie: UInt64
  /// Only with extended headers.
  package var offset: UInt64?
  /// The data of a simple reply, the payload of a chunk.
  package var payload: [UInt8]
  /// Nil when it tells of success.
  package var error: UInt32?
}

/// Reads replies off the front of what a server said.
package struct WireReader {
  package private(set) var rest: ArraySlice<UInt8>

  package init(_ bytes: [UInt8]) { rest = bytes[...] }

  package mutating func bytes(_ count: Int) -> [UInt8]? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  package mutating func integer(_ count: Int) -> UInt64? {
    bytes(count)?.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The next reply; nil when that is none, or not all of one.
  ///
  /// - Parameter readBytes: the lengths of reads by their cookies, which simple replies leave out.
  package mutating func reply(_ style: WireStyle, readBytes: [UInt64: Int]) -> WireReply? {
    style == .simple ? simpleReply(readBytes) : chunk(isExtended: style == .extended)
  }

  private mutating func simpleReply(_ readBytes: [UInt64: Int]) -> WireReply? {
    guard integer(4) == 0x6744_6698, let error = integer(4), let cookie = integer(8),
      let data = bytes(error == 0 ? readBytes[cookie] ?? 0 : 0)
    else { return nil }
    return WireReply(
      isDone: true, type: 0, cookie: cookie, offset: nil, payload: data,
      error: error == 0 ? nil : UInt32(error))
  }

  private mutating func chunk(isExtended: Bool) -> WireReply? {
    guard integer(4) == (isExtended ? 0x6e8a_278c : 0x668e_33ef), let flags = integer(2),
      let type = integer(2), let cookie = integer(8)
    else { return nil }
    let offset = isExtended ? integer(8) : nil
    guard let length = integer(isExtended ? 8 : 4), let payload = bytes(Int(length)) else {
      return nil
    }
    var content = WireReader(payload)
    let error = type & 0x8000 == 0 ? nil : content.integer(4)
    return WireReply(
      isDone: flags & 1 == 1, type: UInt16(type), cookie: cookie, offset: offset, payload: payload,
      error: error.map { UInt32($0) })
  }
}
