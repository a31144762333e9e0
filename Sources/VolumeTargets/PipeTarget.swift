import FileIO
import Synchronization
import SystemPackage
import VolumeSources

/// A stream: standard output, a FIFO or a character device. Every byte is written, in order, zeros
/// included.
///
/// The program must ignore SIGPIPE. Otherwise it would be killed if the reader closes the pipe; so
/// it gets an error.
final class PipeTarget: RestoreTarget {
  let name: String
  let isSeekable = false
  let canBeReadBack = false

  private let descriptor: Descriptor
  private let state = Mutex((position: UInt64(0), sizeBytes: UInt64(0)))

  init(name: String, descriptor: consuming Descriptor) {
    self.name = name
    self.descriptor = consume descriptor
    // Allows fewer and larger writes. Fails for files that are not pipes, and above the user's
    // limit.
    try? self.descriptor.setPipeSize(bytes: 1 << 20)
  }

  func prepare(sizeBytes: UInt64) throws(RestoreTargetError) {
    state.withLock { $0 = (position: 0, sizeBytes: sizeBytes) }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(RestoreTargetError) {
    try state.withLock { state throws(RestoreTargetError) in
      guard offsetBytes == state.position else {
        throw .outOfOrder(name, wanted: offsetBytes, position: state.position)
      }
      do throws(Errno) {
        try descriptor.writeNext(bytes)
      } catch {
        throw .writeFailed(name, at: offsetBytes, error)
      }
      state.position += UInt64(bytes.count)
    }
  }

  func writeZeros(at offsetBytes: UInt64, lengthBytes: UInt64) throws(RestoreTargetError) {
    try Zeros.forEachPiece(at: offsetBytes, lengthBytes: lengthBytes) {
      bytes, offset throws(RestoreTargetError) in
      try write(bytes, at: offset)
    }
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    throw .notReadable(name)
  }

  func finish() throws(RestoreTargetError) {
    let (position, sizeBytes) = state.withLock { $0 }
    guard position == sizeBytes else {
      throw .incomplete(name, position: position, sizeBytes: sizeBytes)
    }
    do throws(Errno) {
      // Standard output may be a file. For a pipe, this fails: there is nothing to make durable.
      try descriptor.synchronizeData()
    } catch .invalidArgument, .notSupported, .readOnlyFileSystem {
      return
    } catch {
      throw .synchronizeFailed(name, error)
    }
  }

  func abandon() {}
}
