import FileIO
import Synchronization
import SystemPackage
import VolumeSources

/// The open file or device of a target. Several threads may write to it.
final class HeldFile: Sendable {
  let descriptor: Descriptor
  let sizeBytes: UInt64
  private let target: String
  private let isThinVolume: Bool
  private let storage: StorageProcess
  private let writeBehind = Mutex(WriteBehind())
  private let footprint = Mutex(CacheFootprint())

  /// - Parameters:
  ///   - target: the target as the user wrote it, for errors.
  ///   - sizeBytes: the size of the volume. Nothing past it is changed.
  ///   - isThinVolume: whether the device is a thin volume: its errors usually mean that its pool
  ///     is full.
  init(
    _ descriptor: consuming Descriptor, target: String, sizeBytes: UInt64,
    isThinVolume: Bool = false
  ) throws(RestoreTargetError) {
    do {
      storage = try StorageProcess(of: descriptor)
    } catch {
      throw .cannotOpen(target, error)
    }
    self.descriptor = consume descriptor
    self.target = target
    self.isThinVolume = isThinVolume
    self.sizeBytes = sizeBytes
  }

  deinit {
    footprint.withLock { $0.leave(descriptor) }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(RestoreTargetError) {
    try requireInside(offsetBytes, UInt64(bytes.count))
    do throws(Errno) {
      try descriptor.write(bytes, at: offsetBytes)
      let range = offsetBytes..<offsetBytes + UInt64(bytes.count)
      if let step = writeBehind.withLock({ $0.didWrite(range) }) { try perform(step) }
    } catch {
      throw .writeFailed(target, at: offsetBytes, error, isThinVolume: isThinVolume)
    }
  }

  private func perform(_ step: WriteBehind.Step) throws(Errno) {
    for range in step.toStart {
      try perform(.startWriteback, range)
    }
    for range in step.toComplete {
      try perform(.completeWriteback, range)
      descriptor.advise(.notNeeded, at: range.lowerBound, lengthBytes: UInt64(range.count))
    }
  }

  /// Makes a call that waits for the storage.
  func perform(_ call: StorageProcess.Call, _ range: Range<UInt64>) throws(Errno) {
    try storage.perform(call, at: range.lowerBound, lengthBytes: UInt64(range.count))
  }

  /// Writes zeros only to the parts of a range that are not zero. So no new space is allocated.
  func writeMissingZeros(_ range: Range<UInt64>) throws(RestoreTargetError) {
    try Zeros.forEachNonzeroRun(
      in: range,
      read: { buffer, offset throws(RestoreTargetError) in try read(into: buffer, at: offset) },
      body: { run throws(RestoreTargetError) in
        try Zeros.forEachPiece(at: run.lowerBound, lengthBytes: UInt64(run.count)) {
          bytes, offset throws(RestoreTargetError) in
          try write(bytes, at: offset)
        }
      })
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    try requireInside(offsetBytes, UInt64(buffer.count))
    footprint.withLock {
      $0.willRead(descriptor, at: offsetBytes, count: buffer.count, sizeBytes: sizeBytes)
    }
    let count: Int
    do {
      count = try descriptor.read(into: buffer, at: offsetBytes)
    } catch {
      throw .readFailed(target, at: offsetBytes, error.explanation)
    }
    if count < buffer.count {
      throw .readFailed(target, at: offsetBytes + UInt64(count), "the file ends there")
    }
  }

  /// Makes everything durable, then drops it from the page cache, so that it is read back from the
  /// storage. Also throws errors of earlier writes.
  func synchronize() throws(RestoreTargetError) {
    do {
      try storage.perform(.synchronize)
    } catch {
      throw .synchronizeFailed(target, error, isThinVolume: isThinVolume)
    }
    descriptor.advise(.notNeeded)
  }

  /// Call this after the last write. Ends the storage process, so that only this object has the
  /// file open.
  func endWriting() { storage.end() }

  func requireInside(
    _ offsetBytes: UInt64, _ lengthBytes: UInt64
  ) throws(RestoreTargetError) {
    guard offsetBytes <= sizeBytes, lengthBytes <= sizeBytes - offsetBytes else {
      throw .outOfBounds(target, at: offsetBytes, sizeBytes: sizeBytes)
    }
  }
}
