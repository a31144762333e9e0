import ChunkFormat
import NIOCore

/// What one thread needs to read and decode records: a decoder and room for stored bytes. Used by one
/// thread at a time.
final class DecodeBuffers: @unchecked Sendable {
  private let decoder: RecordDecoder
  private(set) var stored: UnsafeMutableRawBufferPointer

  init() throws(FormatError) {
    decoder = try RecordDecoder()
    stored = .allocate(byteCount: 0, alignment: 64)
  }

  deinit { stored.deallocate() }

  /// Makes ``stored`` at least `count` bytes long; what was in it is lost.
  func reserve(bytes count: Int) {
    guard stored.count < count else { return }
    stored.deallocate()
    stored = .allocate(byteCount: count, alignment: 64)
  }

  /// The plaintext of a record.
  ///
  /// - Parameters:
  ///   - record: the record's bytes, its header included.
  ///   - base: the plaintext of the base of a delta.
  ///   - room: what to write it into, an empty buffer that nobody else holds.
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

  /// The same into `output`, which is as long as the plaintext.
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
