import NIOCore

/// The data of an option is malformed.
struct MalformedOption: Error {
  var reason: String
}

/// The data of INFO and GO.
///
/// ```
/// u32 name length | name | u16 count | count × u16 information
/// ```
struct ExportChoice: Equatable {
  var name: String
  /// The requested information that the server knows. Unknown kinds are ignored, duplicates count
  /// once.
  var information: Set<Information>

  init(decoding data: consuming ByteBuffer) throws(MalformedOption) {
    name = try data.readPrefixedString("export name")
    guard let count = data.readInteger(as: UInt16.self) else {
      throw MalformedOption(reason: "the count of information requests is missing")
    }
    guard data.readableBytes == Int(count) * 2 else {
      throw MalformedOption(
        reason: "\(count) information requests take \(Int(count) * 2) bytes, "
          + "\(data.readableBytes) follow")
    }
    information = []
    while let raw = data.readInteger(as: UInt16.self) {
      if let known = Information(rawValue: raw) { information.insert(known) }
    }
  }
}

/// The data of LIST_META_CONTEXT and SET_META_CONTEXT.
///
/// ```
/// u32 name length | name | u32 count | count × (u32 length | query)
/// ```
struct ContextQueries: Equatable {
  var exportName: String
  var queries: [String]

  init(decoding data: consuming ByteBuffer) throws(MalformedOption) {
    exportName = try data.readPrefixedString("export name")
    guard let count = data.readInteger(as: UInt32.self) else {
      throw MalformedOption(reason: "the count of queries is missing")
    }
    guard UInt64(count) * 4 <= UInt64(data.readableBytes) else {
      throw MalformedOption(
        reason: "\(count) queries cannot fit in \(data.readableBytes) bytes")
    }
    queries = []
    for _ in 0..<count { queries.append(try data.readPrefixedString("query")) }
    guard data.readableBytes == 0 else {
      throw MalformedOption(reason: "\(data.readableBytes) bytes follow the last query")
    }
  }
}

extension ByteBuffer {
  /// Reads a string with a length prefix: `u32 length | UTF-8`.
  fileprivate mutating func readPrefixedString(
    _ what: StaticString
  ) throws(MalformedOption) -> String {
    guard let length = readInteger(as: UInt32.self) else {
      throw MalformedOption(reason: "the length of the \(what) is missing")
    }
    guard length <= UInt32(readableBytes) else {
      throw MalformedOption(
        reason: "the \(what) claims \(length) bytes, \(readableBytes) follow")
    }
    return try readProtocolString(lengthBytes: Int(length), what)
  }

  /// Reads a string that obeys proto.md, "Conventions": UTF-8, no NUL, at most 4,096 bytes.
  ///
  /// - Precondition: At least `lengthBytes` are readable.
  mutating func readProtocolString(
    lengthBytes: Int, _ what: StaticString
  ) throws(MalformedOption) -> String {
    guard lengthBytes <= ProtocolLimit.stringBytes else {
      throw MalformedOption(
        reason: "the \(what) has \(lengthBytes) bytes, more than \(ProtocolLimit.stringBytes)")
    }
    guard let bytes = readBytes(length: lengthBytes),
      let string = String(validating: bytes, as: UTF8.self)
    else {
      throw MalformedOption(reason: "the \(what) is not valid UTF-8")
    }
    guard !bytes.contains(0) else {
      throw MalformedOption(reason: "the \(what) contains a NUL")
    }
    return string
  }
}
