import Synchronization

/// Memory for the content of one batch. Used by one thread at a time.
final class BatchBuffer: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  init(lengthBytes: Int) {
    bytes = .allocate(byteCount: lengthBytes, alignment: 4096)
  }

  deinit { bytes.deallocate() }
}

/// Batch buffers of one length that wait to be used again: as many as were ever in use at once, which
/// the window of the pipeline bounds.
final class BatchBuffers: Sendable {
  private let lengthBytes: Int
  private let idle = Mutex<[BatchBuffer]>([])

  init(lengthBytes: Int) { self.lengthBytes = lengthBytes }

  func take() -> BatchBuffer {
    idle.withLock { $0.popLast() } ?? BatchBuffer(lengthBytes: lengthBytes)
  }

  func putBack(_ buffer: BatchBuffer) {
    idle.withLock { $0.append(buffer) }
  }
}
