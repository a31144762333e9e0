import ChunkFormat
import NIOCore

/// The decoder and the buffer with which one thread reads and decodes records. Only one thread at a
/// time may use it.
final class DecodeBuffers: @unchecked Sendable {
  private let decoder: RecordDecoder
  private(set) var stored: UnsafeMutableRawBufferPointer

  init() throws(FormatError) {
    decoder = try RecordDecoder()
    stored = .allocate(byteCount: 0, alignment: 64)
  }

  deinit { stored.deallocate() }

  /// Makes ``stored`` at least `count` bytes long. Its content is lost.
  func reserve(bytes count: Int) {
    guard stored.count < count else { return }
    stored.deallocate()
    stored = .allocate(byteCount: count, alignment: 64)
  }

  /// Decodes the plaintext of a record.
  ///
  /// - Parameters:
  ///   - record: the bytes of the record, with its header.
  ///   - base: the plaintext of the base, if the record is a delta.
  ///   - room: the buffer for the result, empty and not in use elsewhere.
  func decode(
    _ record: UnsafeRawBufferPointer, at location: PackedRecord, base: ByteBuffer?,
    into room: consuming ByteBuffer
  ) throws -> ByteBuffer {
    let length = Int(location.entry.plainBytes)
    var content = room
    try content.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { room in
      let output = UnsafeMutableRawBufferPointer(rebasing: room[..<length])
      try decode(record, at: location, base: base, into: output)
      return length
    }
    return content
  }

  /// Decodes into `output`, which is as long as the plaintext.
  func decode(
    _ record: UnsafeRawBufferPointer, at location: PackedRecord, base: ByteBuffer?,
    into output: UnsafeMutableRawBufferPointer
  ) throws {
    let (entry, seal) = (location.entry, location.pack.seal)
    if let base {
      try base.withUnsafeReadableBytes {
        try decoder.decode(record, expecting: entry, seal: seal, base: $0, into: output)
      }
    } else {
      try decoder.decode(record, expecting: entry, seal: seal, base: nil, into: output)
    }
  }
}
