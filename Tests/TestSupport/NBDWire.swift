// NBD messages written out by hand, number by number, so that the tests do not share a mistake
// with the encoder that they test.

/// A part of a message.
package enum WirePart: Sendable {
  case u8(UInt8)
  case u16(UInt16)
  case u32(UInt32)
  case u64(UInt64)
  case text(String)
  case zeros(Int)
  case bytes([UInt8])
}

/// The parts one after the other, integers big-endian.
package func wire(_ parts: WirePart...) -> [UInt8] { wire(parts) }

package func wire(_ parts: [WirePart]) -> [UInt8] {
  parts.flatMap { part -> [UInt8] in
    switch part {
    case .u8(let value): [value]
    case .u16(let value): withUnsafeBytes(of: value.bigEndian, Array.init)
    case .u32(let value): withUnsafeBytes(of: value.bigEndian, Array.init)
    case .u64(let value): withUnsafeBytes(of: value.bigEndian, Array.init)
    case .text(let text): Array(text.utf8)
    case .zeros(let count): [UInt8](repeating: 0, count: count)
    case .bytes(let bytes): bytes
    }
  }
}

/// Messages of the handshake.
package enum Handshake {
  package static let greeting = wire(.text("NBDMAGIC"), .text("IHAVEOPT"), .u16(3))
  package static let fixedNewstyleNoZeroes = wire(.u32(3))

  package static func option(_ code: UInt32, _ data: WirePart...) -> [UInt8] {
    let data = wire(data)
    return wire(.text("IHAVEOPT"), .u32(code), .u32(UInt32(data.count)), .bytes(data))
  }

  package static func reply(_ code: UInt32, _ type: UInt32, _ data: WirePart...) -> [UInt8] {
    let data = wire(data)
    return wire(
      .u64(0x3_e889_0455_65a9), .u32(code), .u32(type), .u32(UInt32(data.count)), .bytes(data))
  }

  package static func acknowledgement(_ code: UInt32) -> [UInt8] { reply(code, 1) }

  /// An option about an export by name: INFO (6) or GO (7).
  package static func choose(
    _ code: UInt32, _ name: String, information: [UInt16] = []
  ) -> [UInt8] {
    option(
      code, .u32(UInt32(name.utf8.count)), .text(name), .u16(UInt16(information.count)),
      .bytes(wire(information.map { .u16($0) })))
  }

  /// LIST_META_CONTEXT (9) or SET_META_CONTEXT (10).
  package static func contexts(_ code: UInt32, _ name: String, _ queries: [String]) -> [UInt8] {
    let parts = queries.flatMap { [WirePart.u32(UInt32($0.utf8.count)), .text($0)] }
    return option(
      code, .u32(UInt32(name.utf8.count)), .text(name), .u32(UInt32(queries.count)),
      .bytes(wire(parts)))
  }
}

/// Messages of the transmission phase.
package enum Transmission {
  package static func request(
    _ command: UInt16, flags: UInt16 = 0, cookie: UInt64, offset: UInt64 = 0, length: UInt32 = 0
  ) -> [UInt8] {
    wire(
      .u32(0x2560_9513), .u16(flags), .u16(command), .u64(cookie), .u64(offset), .u32(length))
  }

  /// A request with extended headers.
  package static func extendedRequest(
    _ command: UInt16, flags: UInt16 = 0, cookie: UInt64, offset: UInt64 = 0, length: UInt64 = 0
  ) -> [UInt8] {
    wire(
      .u32(0x21e4_1c71), .u16(flags), .u16(command), .u64(cookie), .u64(offset), .u64(length))
  }

  package static func simpleReply(cookie: UInt64, error: UInt32 = 0) -> [UInt8] {
    wire(.u32(0x6744_6698), .u32(error), .u64(cookie))
  }

  package static func chunk(
    _ type: UInt16, cookie: UInt64, done: Bool, _ payload: WirePart...
  ) -> [UInt8] {
    let payload = wire(payload)
    return wire(
      .u32(0x668e_33ef), .u16(done ? 1 : 0), .u16(type), .u64(cookie),
      .u32(UInt32(payload.count)), .bytes(payload))
  }

  /// A chunk with extended headers; `offset` is that of the request.
  package static func extendedChunk(
    _ type: UInt16, cookie: UInt64, offset: UInt64 = 0, done: Bool, _ payload: WirePart...
  ) -> [UInt8] {
    let payload = wire(payload)
    return wire(
      .u32(0x6e8a_278c), .u16(done ? 1 : 0), .u16(type), .u64(cookie), .u64(offset),
      .u64(UInt64(payload.count)), .bytes(payload))
  }
}
