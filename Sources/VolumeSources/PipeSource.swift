import FileIO
import Synchronization
import SystemPackage

/// A stream of unknown length that is read once: standard input or a FIFO.
///
/// A pipe shows only the end of the stream. So a writer that dies looks like a writer that has
/// finished. The user must check the writer's exit status (`set -o pipefail`).
final class PipeSource: VolumeSource {
  let name: String
  let kind = VolumeSourceKind.pipe
  let sizeBytes: UInt64? = nil
  let canBeReadAgain = false

  private let descriptor: Descriptor
  private let state: Mutex<State>

  /// The bytes that are ready are `buffer[start..<end]`. They begin at `position` in the stream.
  private struct State: ~Copyable {
    let buffer = OwnedBuffer(byteCount: pipeExtentBytes)
    var start = 0
    var end = 0
    var position: UInt64 = 0
    /// Set at the first end. After it, a FIFO can get another writer, whose bytes do not belong to
    /// this volume.
    var hasEnded = false

    var readyCount: Int { end - start }
  }

  init(name: String, descriptor: consuming Descriptor) {
    self.name = name
    self.descriptor = consume descriptor
    self.state = Mutex(State())
    // Allows fewer and larger reads. Fails for files that are not pipes, and above the user's
    // limit.
    try? self.descriptor.setPipeSize(bytes: 1 << 20)
  }

  func nextExtent(at offsetBytes: UInt64) throws(VolumeSourceError) -> SourceExtent? {
    try state.withLock { state throws(VolumeSourceError) in
      try require(state.position, is: offsetBytes)
      if state.readyCount == 0 { try refill(&state) }
      guard state.readyCount > 0 else { return nil }
      return SourceExtent(
        offsetBytes: offsetBytes, lengthBytes: UInt64(state.readyCount), isHole: false)
    }
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(VolumeSourceError) -> Int {
    try state.withLock { state throws(VolumeSourceError) in
      try require(state.position, is: offsetBytes)
      let ready = min(state.readyCount, buffer.count)
      buffer.copyMemory(from: state.buffer[state.start..<state.start + ready])
      state.start += ready
      state.position += UInt64(ready)
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[ready...])
      let more = try fill(rest, &state)
      state.position += UInt64(more)
      return ready + more
    }
  }

  func finish() throws(VolumeSourceError) {}

  /// Reads up to the next multiple of ``pipeExtentBytes``, or to the end of the stream.
  private func refill(_ state: inout State) throws(VolumeSourceError) {
    let count = pipeExtentBytes - Int(state.position % UInt64(pipeExtentBytes))
    let buffer = UnsafeMutableRawBufferPointer(rebasing: state.buffer.bytes[..<count])
    state.start = 0
    state.end = 0
    state.end = try fill(buffer, &state)
  }

  /// Reads the bytes from `position` on, until the buffer is full or the stream ends.
  private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, _ state: inout State
  ) throws(VolumeSourceError) -> Int {
    var done = 0
    while done < buffer.count, !state.hasEnded {
      let step: Int
      do {
        step = try descriptor.readNext(
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
      } catch {
        throw .readFailed(name, at: state.position + UInt64(done), error)
      }
      state.hasEnded = step == 0
      done += step
    }
    return done
  }

  private func require(_ position: UInt64, is wanted: UInt64) throws(VolumeSourceError) {
    if position != wanted { throw .outOfOrder(name, wanted: wanted, position: position) }
  }
}
