import NBDProtocol
import NIOCore

/// Makes options and requests that are in form out of an input, so that the fuzzer need not find
/// out the form by itself.
///
/// Each begins with a byte that says what it is; one in sixteen is raw bytes.
struct Script {
  static let sizeBytes: UInt64 = 1 << 33
  static let ownContexts = ["varve:changed-since:a", "varve:changed-since:b"]

  /// Enough for a write in several pieces, and soon run through.
  private static let streamLimitBytes = 2 << 20

  private var input: ArraySlice<UInt8>
  private var isExtended: Bool
  private var isInTransmission: Bool
  private var bytes = ByteBuffer()

  init(_ input: [UInt8], _ settings: Settings) {
    self.input = input[...]
    isInTransmission = settings.contains(.isInTransmission)
    isExtended = isInTransmission && settings.contains(.hasExtendedHeaders)
  }

  mutating func stream() -> [UInt8] {
    if !isInTransmission { bytes.writeInteger(UInt32(3)) }
    while bytes.readableBytes < Self.streamLimitBytes, let kind = input.popFirst() {
      if kind >= 0xf0 {
        bytes.writeBytes(take(Int(kind & 0xf)))
      } else if isInTransmission {
        addRequest(kind)
      } else {
        addOption(kind)
      }
    }
    return Array(bytes.readableBytesView)
  }

  private mutating func take(_ count: Int) -> ArraySlice<UInt8> {
    defer { input = input.dropFirst(count) }
    return input.prefix(count)
  }

  private mutating func byte() -> UInt8 { input.popFirst() ?? 0 }

  // MARK: Options

  private mutating func addOption(_ kind: UInt8) {
    let option = OptionCode(rawValue: UInt32(kind % 14))
    var data = ByteBuffer()
    switch option {
    case .exportName: data.writeString("disk")
    case .info, .go: data.writeMultipleIntegers(UInt32(0), UInt16(1), UInt16(byte()))
    case .listMetaContext, .setMetaContext:
      data = Self.selection(of: ["base:allocation", "varve:"] + Self.ownContexts, by: byte())
    default: data.writeBytes(take(Int(byte() % 8)))
    }
    if option == .extendedHeaders { isExtended = true }
    if option == .startTLS { isExtended = false }
    if option == .go || option == .exportName { isInTransmission = true }
    bytes.writeOption(option, data)
  }

  /// The data of an option about contexts of the default export: a bit for each of them.
  static func selection(of names: [String], by bits: UInt8) -> ByteBuffer {
    let chosen = names.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element)
    var data = ByteBuffer(integer: UInt32(0))
    data.writeInteger(UInt32(chosen.count))
    for name in chosen {
      data.writeInteger(UInt32(name.utf8.count))
      data.writeString(name)
    }
    return data
  }

  // MARK: Requests

  private mutating func addRequest(_ kind: UInt8) {
    let command = UInt16(kind % 10)
    let flags = UInt16(byte())
    let offset = number()
    let length = number()
    if isExtended {
      bytes.writeMultipleIntegers(
        Magic.extendedRequest, flags, command, UInt64(kind), offset, length)
    } else {
      bytes.writeMultipleIntegers(
        Magic.request, flags, command, UInt64(kind), offset, UInt32(truncatingIfNeeded: length))
    }
    let hasPayload = isExtended ? flags & 32 != 0 : command == 1
    if hasPayload { addPayload(length) }
  }

  /// All of it, if that is not long, or a part.
  private mutating func addPayload(_ lengthBytes: UInt64) {
    let most = min(lengthBytes, UInt64(Self.streamLimitBytes))
    let kind = byte()
    if kind < 0x40 {
      bytes.writeBytes(take(Int(min(most, 100))))
    } else {
      bytes.writeRepeatingByte(0, count: kind < 0xc0 ? Int(most) : Int(most / 2))
    }
  }

  /// A number at an edge, and how far from it.
  private mutating func number() -> UInt64 {
    let edges: [UInt64] = [
      0, 0, 8, 12, 512, 4096, 1 << 20, 32 << 20, 1 << 32, 1 << 63, Self.sizeBytes,
      Self.sizeBytes - 4096, .max, 3 << 20, 5000, 100,
    ]
    let kind = byte()
    let distance = UInt64(byte() >> 4)
    let edge = edges[Int(kind & 0xf)]
    return kind & 0x10 == 0 ? edge &+ distance : edge &- distance
  }
}

extension ByteBuffer {
  mutating func writeOption(_ option: OptionCode, _ data: ByteBuffer = ByteBuffer()) {
    writeMultipleIntegers(Magic.option, option.rawValue, UInt32(data.readableBytes))
    writeImmutableBuffer(data)
  }
}
