import CalendarTime

/// Numbered values, so that later versions can add more (format, "Fields").
///
/// ```
/// repeated: 2 tag, 4 length n, n value
/// ```
///
/// A reader skips a value whose tag it does not know. If the highest bit of such a tag is set, it
/// refuses the whole structure: without that value it would misread the rest.
struct FieldListWriter {
  private var writer = ByteWriter()

  var bytes: [UInt8] { writer.bytes }

  mutating func field(_ tag: UInt16, _ value: some Collection<UInt8>) {
    writer.write(tag)
    writer.write(counted: value)
  }

  mutating func field(_ tag: UInt16, _ value: some FixedWidthInteger) {
    field(tag, withUnsafeBytes(of: value.littleEndian) { Array($0) })
  }

  mutating func field(_ tag: UInt16, _ moment: Timestamp) {
    field(tag, moment.nanosecondsSince1970)
  }

  mutating func field(_ tag: UInt16, _ text: String) {
    field(tag, Array(text.utf8))
  }

  mutating func field(_ tag: UInt16, _ id: some FileID) {
    field(tag, id.withUnsafeBytes { Array($0) })
  }

  mutating func field(_ tag: UInt16, _ id: ContentID) {
    field(tag, id.withUnsafeBytes { Array($0) })
  }
}

/// Fields read back; every getter checks presence, length and kind.
package struct FieldList {
  /// A reader that does not know a tag with this bit must refuse the structure.
  static let critical: UInt16 = 0x8000

  private let structure: String
  private var values: [UInt16: [ArraySlice<UInt8>]] = [:]

  /// - Parameter known: the tags that the caller will ask for.
  init(
    _ bytes: ArraySlice<UInt8>, structure: String, known: Set<UInt16>
  ) throws(FormatError) {
    self.structure = structure
    var reader = ByteReader(bytes, structure: structure)
    while reader.remainingBytes > 0 {
      let tag: UInt16 = try reader.read()
      let value = try reader.readCounted()
      guard known.contains(tag) else {
        guard tag & Self.critical == 0 else {
          throw FormatError(
            .unsupported, in: structure,
            "field \(tag) is not supported; use a newer version of varve")
        }
        continue
      }
      values[tag, default: []].append(value)
    }
  }

  /// All values under `tag`, in their order.
  func all(_ tag: UInt16) -> [ArraySlice<UInt8>] { values[tag] ?? [] }

  /// The one value under `tag`.
  func one(_ tag: UInt16) throws(FormatError) -> ArraySlice<UInt8> {
    let found = all(tag)
    guard found.count == 1 else {
      throw .corrupt(structure, expected: "field \(tag) once", found: "\(found.count) times")
    }
    return found[0]
  }

  /// The value under `tag`; nil if there is none. More than one is corrupt.
  func atMostOne(_ tag: UInt16) throws(FormatError) -> ArraySlice<UInt8>? {
    try all(tag).isEmpty ? nil : one(tag)
  }

  func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ tag: UInt16
  ) throws(FormatError) -> Integer {
    var reader = ByteReader(try one(tag), structure: structure)
    let value: Integer = try reader.read()
    try reader.finish()
    return value
  }

  /// The moment under `tag`.
  func time(_ tag: UInt16) throws(FormatError) -> Timestamp {
    var reader = ByteReader(try one(tag), structure: structure)
    let time = try reader.readTimestamp()
    try reader.finish()
    return time
  }

  func text(_ tag: UInt16) throws(FormatError) -> String { try decodeText(try one(tag)) }

  func texts(_ tag: UInt16) throws(FormatError) -> [String] {
    try all(tag).map { value throws(FormatError) in try decodeText(value) }
  }

  func id(_ tag: UInt16) throws(FormatError) -> ContentID { try decodeID(try one(tag)) }

  func ids(_ tag: UInt16) throws(FormatError) -> [ContentID] {
    try all(tag).map { value throws(FormatError) in try decodeID(value) }
  }

  func fileIDs<ID: FileID>(_ tag: UInt16) throws(FormatError) -> [ID] {
    try all(tag).map { value throws(FormatError) in try fileID(value) }
  }

  /// The file name in `value`, one of the list's values.
  func fileID<ID: FileID>(_ value: ArraySlice<UInt8>) throws(FormatError) -> ID {
    try decodeID(value).withUnsafeBytes { ID(stored: $0) }
  }

  private func decodeText(_ value: ArraySlice<UInt8>) throws(FormatError) -> String {
    guard let text = String(validating: value, as: UTF8.self) else {
      throw .corrupt(structure, expected: "text in UTF-8", found: "\(value.count) other bytes")
    }
    return text
  }

  private func decodeID(_ value: ArraySlice<UInt8>) throws(FormatError) -> ContentID {
    var reader = ByteReader(value, structure: structure)
    let id = try reader.readID()
    try reader.finish()
    return id
  }
}
