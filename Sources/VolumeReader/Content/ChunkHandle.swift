import NIOCore

/// A requested chunk: cached, or being fetched.
enum ChunkHandle: Sendable {
  case held(ByteBuffer)
  case pending(PendingChunk)

  var isHeld: Bool {
    if case .held = self { true } else { false }
  }

  /// Returns the content, which lies at `bytes` of `volume`. Waits if it is being fetched.
  func content(
    at bytes: Range<UInt64>, of volume: String
  ) throws(VolumeReadError) -> ByteBuffer {
    let content: ByteBuffer
    switch self {
    case .held(let held): content = held
    case .pending(let chunk):
      do throws(RecordFailure) {
        content = try chunk.content()
      } catch {
        throw VolumeReadError(error, volume: volume, range: bytes)
      }
    }
    guard content.readableBytes == bytes.count else {
      throw VolumeReadError(
        .damaged, volume: volume, range: bytes,
        message: "expected a chunk of \(bytes.count) bytes, found one of \(content.readableBytes)")
    }
    return content
  }
}
