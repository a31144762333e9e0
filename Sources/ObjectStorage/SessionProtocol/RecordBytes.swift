/// Writes the small objects of the protocol. Numbers are little-endian; a text is its length in four bytes and
/// its UTF-8.
struct RecordEncoder {
  private(set) var bytes: [UInt8]

  /// Every record begins with four letters and the version of its format.
  init(magic: StaticString) {
    bytes = magic.withUTF8Buffer { Array($0) }
    bytes.append(1)
  }

  mutating func append(byte: UInt8) {
    bytes.append(byte)
  }

  mutating func append(_ nonce: Nonce) {
    withUnsafeBytes(of: nonce.high.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: nonce.low.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: nonce.attempt.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(count: Int) {
    withUnsafeBytes(of: UInt32(count).littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ text: String) {
    append(count: text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  mutating func append(_ texts: [String]) {
    append(count: texts.count)
    for text in texts { append(text) }
  }

  mutating func append(_ packs: [ObjectKey]) {
    append(count: packs.count)
    for pack in packs {
      append(byte: pack.area == .dataPacks ? 1 : 2)
      append(pack.name)
    }
  }

  /// All that follows.
  mutating func append(rest: [UInt8]) {
    bytes.append(contentsOf: rest)
  }
}

/// Reads what ``RecordEncoder`` wrote.
struct RecordDecoder {
  private let bytes: [UInt8]
  private let object: ObjectKey
  private var place = 0

  init(_ bytes: [UInt8], magic: StaticString, of object: ObjectKey) throws(SessionProtocolError) {
    self.bytes = bytes
    self.object = object
    guard bytes.starts(with: magic.withUTF8Buffer({ Array($0) })) else {
      throw damaged("it does not begin with \(magic)")
    }
    place = magic.utf8CodeUnitCount
    guard try byte() == 1 else { throw damaged("its format is newer than this program") }
  }

  func damaged(_ cause: String) -> SessionProtocolError {
    SessionProtocolError(.damaged, "\(object)", cause)
  }

  private mutating func take(_ count: Int) throws(SessionProtocolError) -> ArraySlice<UInt8> {
    guard bytes.count - place >= count else { throw damaged("it is too short") }
    defer { place += count }
    return bytes[place..<place + count]
  }

  mutating func byte() throws(SessionProtocolError) -> UInt8 {
    try take(1).first ?? 0
  }

  mutating func count() throws(SessionProtocolError) -> Int {
    let field = try take(4)
    return field.withUnsafeBytes { Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))) }
  }

  mutating func nonce() throws(SessionProtocolError) -> Nonce {
    let field = try take(20)
    return field.withUnsafeBytes { raw in
      Nonce(
        high: UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self)),
        low: UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
        attempt: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
    }
  }

  /// The name of an object of `area`. It has the exact form of such names before anybody uses it.
  mutating func name(in area: ObjectArea) throws(SessionProtocolError) -> String {
    let bytes = try take(try count())
    guard let name = String(validating: bytes, as: UTF8.self), area.admits(name) else {
      throw damaged("no object in '\(area)' can have a name that is in it")
    }
    return name
  }

  mutating func names(in area: ObjectArea) throws(SessionProtocolError) -> [String] {
    var names: [String] = []
    for _ in 0..<(try count()) { names.append(try name(in: area)) }
    return names
  }

  mutating func packs() throws(SessionProtocolError) -> [ObjectKey] {
    var packs: [ObjectKey] = []
    for _ in 0..<(try count()) {
      let area: ObjectArea
      switch try byte() {
      case 1: area = .dataPacks
      case 2: area = .mapPacks
      default: throw damaged("the kind of a pack in it is unknown")
      }
      packs.append(ObjectKey(area, try name(in: area)))
    }
    return packs
  }

  mutating func rest() -> [UInt8] {
    defer { place = bytes.count }
    return Array(bytes[place...])
  }

  func end() throws(SessionProtocolError) {
    guard place == bytes.count else { throw damaged("it is too long") }
  }
}
