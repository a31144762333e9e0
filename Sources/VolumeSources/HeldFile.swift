import FileIO
import SystemPackage

/// The open file or device behind a target, shared by the threads that write to it.
final class HeldFile: Sendable {
  let descriptor: Descriptor
  let sizeBytes: UInt64
  private let target: String

  /// - Parameters:
  ///   - target: as the user wrote it, for errors.
  ///   - sizeBytes: of the volume: nothing past it is touched.
  init(_ descriptor: consuming Descriptor, target: String, sizeBytes: UInt64) {
    self.descriptor = consume descriptor
    self.target = target
    self.sizeBytes = sizeBytes
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(RestoreTargetError) {
    try requireInside(offsetBytes, UInt64(bytes.count))
    do {
      try descriptor.write(bytes, at: offsetBytes)
    } catch {
      throw .writeFailed(target, at: offsetBytes, error)
    }
  }

  func writeRealZeros(at offsetBytes: UInt64, lengthBytes: UInt64) throws(RestoreTargetError) {
    try Zeros.forEachPiece(at: offsetBytes, lengthBytes: lengthBytes) {
      bytes, offset throws(RestoreTargetError) in
      try write(bytes, at: offset)
    }
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    try requireInside(offsetBytes, UInt64(buffer.count))
    let count: Int
    do {
      count = try descriptor.read(into: buffer, at: offsetBytes)
    } catch {
      throw .readFailed(target, at: offsetBytes, error.explanation)
    }
    if count < buffer.count {
      throw .readFailed(target, at: offsetBytes + UInt64(count), "it ends there")
    }
  }

  /// Makes everything durable, then lets go of what memory holds of it, so that it is read back from
  /// the storage. Errors of earlier writes come out here.
  func synchronize() throws(RestoreTargetError) {
    do {
      try descriptor.synchronize()
    } catch {
      throw .synchronizeFailed(target, error.explanation)
    }
    descriptor.advise(.notNeeded)
  }

  func requireInside(
    _ offsetBytes: UInt64, _ lengthBytes: UInt64
  ) throws(RestoreTargetError) {
    guard offsetBytes <= sizeBytes, lengthBytes <= sizeBytes - offsetBytes else {
      throw .outOfBounds(target, at: offsetBytes, sizeBytes: sizeBytes)
    }
  }
}
