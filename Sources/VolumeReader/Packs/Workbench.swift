import ChunkFormat
import NIOCore
import Synchronization

/// What one thread needs to read and decode records: a decoder and room for stored bytes. Used by one
/// thread at a time.
final class Workbench: @unchecked Sendable {
  let decoder: RecordDecoder
  private(set) var scratch: UnsafeMutableRawBufferPointer

  init() throws(FormatError) {
    decoder = try RecordDecoder()
    scratch = .allocate(byteCount: 0, alignment: 64)
  }

  deinit { scratch.deallocate() }

  /// Makes ``scratch`` at least `count` bytes long; what was in it is lost.
  func reserve(bytes count: Int) {
    guard scratch.count < count else { return }
    scratch.deallocate()
    scratch = .allocate(byteCount: count, alignment: 64)
  }

  /// The plaintext of a record.
  ///
  /// - Parameters:
  ///   - record: the record's bytes, its header included.
  ///   - base: the plaintext of the base of a delta.
  func decode(
    _ record: UnsafeRawBufferPointer, at location: RecordLocation, base: ByteBuffer?,
    from source: any RecordSource
  ) throws(RecordFailure) -> ByteBuffer {
    let length = Int(location.entry.plainBytes)
    var content = ByteBufferAllocator().buffer(capacity: length)
    let result = content.writeWithRecord(length) { output throws(RecordFailure) in
      try decode(record, at: location, base: base, from: source, into: output)
    }
    try result.get()
    return content
  }

  /// The same into `output`, which is as long as the plaintext.
  func decode(
    _ record: UnsafeRawBufferPointer, at location: RecordLocation, base: ByteBuffer?,
    from source: any RecordSource, into output: UnsafeMutableRawBufferPointer
  ) throws(RecordFailure) {
    let seal: PackSeal
    do {
      seal = try source.seal(of: location.pack)
    } catch {
      throw .unreadable(location, error)
    }
    do {
      if let base {
        try base.withUnsafeReadableBytes {
          try decoder.decode(record, expecting: location.entry, seal: seal, base: $0, into: output)
        }
      } else {
        try decoder.decode(record, expecting: location.entry, seal: seal, base: nil, into: output)
      }
    } catch {
      throw .damaged(location, error)
    }
  }
}

extension ByteBuffer {
  /// Appends `length` bytes that `body` fills in; nothing where it fails.
  fileprivate mutating func writeWithRecord(
    _ length: Int, _ body: (UnsafeMutableRawBufferPointer) throws(RecordFailure) -> Void
  ) -> Result<Void, RecordFailure> {
    var result = Result<Void, RecordFailure>.success(())
    writeWithUnsafeMutableBytes(minimumWritableBytes: length) { room in
      let output = UnsafeMutableRawBufferPointer(rebasing: room[..<length])
      result = Result { () throws(RecordFailure) in try body(output) }
      return (try? result.get()) == nil ? 0 : length
    }
    return result
  }
}

/// Workbenches that wait to be used again: as many as have ever been in use at once.
final class Workbenches: Sendable {
  private let idle = Mutex<[Workbench]>([])

  /// Runs `body` with a workbench of its own.
  ///
  /// - Throws: ``FormatError`` where the libraries have no memory for a new one.
  func with<Result>(_ body: (Workbench) -> Result) throws(FormatError) -> Result {
    let bench =
      if let waiting = idle.withLock({ $0.popLast() }) { waiting } else { try Workbench() }
    defer { idle.withLock { $0.append(bench) } }
    return body(bench)
  }
}
