import FileIO
import Glibc
import Synchronization
import SystemPackage
import VolumeSources

/// A block device. It is written from its beginning to the end of the volume; the rest of the
/// device is not changed.
///
/// Zeros use no space if the device supports this:
///
/// 1. If the device can zero a range itself, it does, and may free the range. Thin volumes of the
///    device mapper and ZFS volumes cannot do this.
/// 2. Otherwise the range is discarded, if the device is known to read as zeros then. Once
///    everything is written, the range is read, and zeros are written to the parts that are not zero.
///
/// The kernel is never asked to write zeros (BLKZEROOUT): this would fill a thin pool.
final class BlockDeviceTarget: RestoreTarget {
  let name: String
  let isSeekable = true
  let canBeReadBack = true

  /// 256 MiB: a device may take long to zero a piece, and a signal has to wait until the piece is
  /// done. Pieces end at multiples of this, so that they cut no block of a thin pool.
  private static let zeroingLimitBytes: UInt64 = 256 << 20
  /// A page. The kernel requires at most the alignment of a sector.
  private static let zeroingAlignmentBytes: UInt64 = 4096

  private let path: FilePath
  private let state = Mutex(State())

  private struct State {
    var file: HeldFile?
    var unchecked = UncheckedZeros()
    var canPunchHoles = true
    var canDiscard = false
  }

  init(name: String, path: FilePath) {
    self.name = name
    self.path = path
  }

  func prepare(sizeBytes: UInt64) throws(RestoreTargetError) {
    let inspection = try BlockDeviceInspection(name: name, path: path)
    try inspection.requireFit(forBytes: sizeBytes)
    let descriptor: Descriptor
    do throws(Errno) {
      // With O_EXCL the kernel refuses a device that is claimed by a mount, swap, RAID or device
      // mapper. As long as this is open, it refuses their claims. (open(2))
      descriptor = try Descriptor(opening: path, flags: O_RDWR | O_EXCL)
    } catch .resourceBusy {
      throw .inUse(name, by: "the system: a mount, swap, RAID, LVM or another restore")
    } catch {
      throw .cannotOpen(name, error)
    }
    let file = try HeldFile(
      descriptor, target: name, sizeBytes: sizeBytes, isThinVolume: inspection.isThinVolume)
    let canDiscard = inspection.readsDiscardedAsZeros
    state.withLock { $0 = State(file: file, canDiscard: canDiscard) }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(RestoreTargetError) {
    let file = try file()
    try file.requireInside(offsetBytes, UInt64(bytes.count))
    state.withLock { $0.unchecked.remove(offsetBytes..<offsetBytes + UInt64(bytes.count)) }
    try file.write(bytes, at: offsetBytes)
  }

  func writeZeros(at offsetBytes: UInt64, lengthBytes: UInt64) throws(RestoreTargetError) {
    let file = try file()
    try file.requireInside(offsetBytes, lengthBytes)
    let range = AlignedRange(
      offsetBytes: offsetBytes, lengthBytes: lengthBytes, alignmentBytes: Self.zeroingAlignmentBytes
    )
    // Check parts of blocks later: writing zeros to them now could allocate the blocks.
    checkLater(offsetBytes..<range.bodyOffsetBytes)
    checkLater(range.tailOffsetBytes..<offsetBytes + lengthBytes)
    var piece = range.bodyOffsetBytes
    while piece < range.tailOffsetBytes {
      let limit = Self.zeroingLimitBytes - piece % Self.zeroingLimitBytes
      let end = piece + min(limit, range.tailOffsetBytes - piece)
      try zero(file, piece..<end)
      piece = end
    }
    if state.withLock({ $0.unchecked.isFull }) { _ = try settle(limitBytes: .max, keepsLast: true) }
  }

  var unsettledZeroBytes: UInt64 { state.withLock { $0.unchecked.lengthBytes } }

  func settleZeros(limitBytes: UInt64) throws(RestoreTargetError) -> UInt64 {
    try settle(limitBytes: limitBytes, keepsLast: false)
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    try file().read(into: buffer, at: offsetBytes)
  }

  func finish() throws(RestoreTargetError) {
    _ = try settleZeros(limitBytes: .max)
    try file().synchronize()
    try file().endWriting()
  }

  func abandon() {
    state.withLock { $0.file = nil }
  }

  private func file() throws(RestoreTargetError) -> HeldFile {
    guard let file = state.withLock({ $0.file }) else { throw .notPrepared(name) }
    return file
  }

  private func checkLater(_ range: Range<UInt64>) {
    state.withLock { $0.unchecked.add(range) }
  }

  /// Zeroes an aligned range, if the device can do this itself. Otherwise discards the range, if
  /// this frees space, and records that it must be checked at the end.
  private func zero(_ file: HeldFile, _ range: Range<UInt64>) throws(RestoreTargetError) {
    let (canPunchHoles, canDiscard) = state.withLock { ($0.canPunchHoles, $0.canDiscard) }
    if canPunchHoles {
      do throws(Errno) {
        try file.perform(.punchHole, range)
        return state.withLock { $0.unchecked.remove(range) }
      } catch .notSupported, .invalidArgument, .inappropriateIOCTLForDevice, .noFunction {
        state.withLock { $0.canPunchHoles = false }
      } catch {
        throw .writeFailed(name, at: range.lowerBound, error)
      }
    }
    if canDiscard {
      do throws(Errno) {
        try file.perform(.discard, range)
      } catch .timedOut {
        throw .writeFailed(name, at: range.lowerBound, .timedOut)
      } catch {
        // Ignore the error: discarding only saves space.
        state.withLock { $0.canDiscard = false }
      }
    }
    checkLater(range)
  }

  /// Checks ranges that must be zero, and writes zeros to the parts that are not. Returns the
  /// number of bytes that were checked.
  private func settle(
    limitBytes: UInt64, keepsLast: Bool
  ) throws(RestoreTargetError) -> UInt64 {
    let file = try file()
    // The next reads must return the content of the storage after all writes.
    if state.withLock({ $0.unchecked.beginChecking(keepsLast: keepsLast) }) {
      try file.synchronize()
    }
    var done: UInt64 = 0
    while done < limitBytes,
      let range = state.withLock({ $0.unchecked.takeNext(limitBytes: limitBytes - done) })
    {
      try file.writeMissingZeros(range)
      done += UInt64(range.count)
    }
    return done
  }
}
