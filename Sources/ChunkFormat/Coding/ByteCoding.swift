import CalendarTime

/// Appends the format's primitive values to a growing run of bytes.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write<Integer: FixedWidthInteger>(_ value: Integer) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// 8 bytes: nanoseconds since 1970.
  mutating func write(_ moment: Timestamp) { write(moment.nanosecondsSince1970) }

  mutating func write(_ id: ContentID) {
    id.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  mutating func write(raw run: some Sequence<UInt8>) {
    bytes.append(contentsOf: run)
  }

  /// Writes a 32-bit length, then the bytes.
  mutating func write(counted run: some Collection<UInt8>) {
    write(UInt32(run.count))
    bytes.append(contentsOf: run)
  }

  /// Writes a string as UTF-8, after its length.
  mutating func write(_ text: String) {
    write(counted: Array(text.utf8))
  }
}

/// Takes the format's primitive values off a run of bytes, never past its end.
///
/// Checks each count against the bytes that are left before it allocates anything, so hostile input
/// costs no more memory than its own length.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int
  /// The name of the structure in errors.
  private let structure: String

  init(_ bytes: ArraySlice<UInt8>, structure: String) {
    self.bytes = bytes
    self.position = bytes.startIndex
    self.structure = structure
  }

  init(_ bytes: [UInt8], structure: String) {
    self.init(bytes[...], structure: structure)
  }

  var remainingBytes: Int { bytes.endIndex - position }

  mutating func read<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type = Integer.self
  ) throws(FormatError) -> Integer {
    let run = try read(count: MemoryLayout<Integer>.size)
    return run.withUnsafeBytes { $0.loadInteger(at: 0) }
  }

  /// A moment since 1970.
  mutating func readTimestamp() throws(FormatError) -> Timestamp {
    let moment = Timestamp(nanosecondsSince1970: try read())
    guard moment >= .epoch else {
      throw .corrupt(
        structure, expected: "a moment since 1970", found: "\(moment.nanosecondsSince1970) ns")
    }
    return moment
  }

  mutating func read(count: Int) throws(FormatError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remainingBytes else {
      throw .corrupt(structure, expected: "\(count) more bytes", found: "\(remainingBytes)")
    }
    defer { position += count }
    return bytes[position..<position + count]
  }

  mutating func readID() throws(FormatError) -> ContentID {
    let run = try read(count: ContentID.lengthBytes)
    return run.withUnsafeBytes { ContentID($0) }
  }

  /// A run of bytes after its length.
  mutating func readCounted() throws(FormatError) -> ArraySlice<UInt8> {
    let count: UInt32 = try read()
    return try read(count: Int(count))
  }

  /// A string after its length; bytes that are not UTF-8 are corrupt.
  mutating func readString() throws(FormatError) -> String {
    let run = try readCounted()
    guard let text = String(validating: run, as: UTF8.self) else {
      throw .corrupt(structure, expected: "text in UTF-8", found: "\(run.count) other bytes")
    }
    return text
  }

  /// Checks that no bytes are left over; they would be corrupt. Call this last.
  func finish() throws(FormatError) {
    guard remainingBytes == 0 else {
      throw .corrupt(structure, expected: "its end", found: "\(remainingBytes) more bytes")
    }
  }
}

// The standard library's `withUnsafeBytes` of arrays rethrows `any Error`; these keep the type of
// the error.

extension Array where Element == UInt8 {
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeBytes { bytes in
      Swift.Result { () throws(Failure) in try body(bytes) }
    }.get()
  }

  mutating func withMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeMutableBytes { bytes in
      Swift.Result { () throws(Failure) in try body(bytes) }
    }.get()
  }
}
