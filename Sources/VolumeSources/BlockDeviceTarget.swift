import FileIO
import Glibc
import Synchronization
import SystemPackage

/// A block device, written from its beginning to the volume's end; what lies past that is left
/// untouched.
final class BlockDeviceTarget: RestoreTarget {
  let name: String
  let isSeekable = true
  let canBeReadBack = true

  /// 256 MiB: a device may take long over zeroing, and a signal waits for the end of one piece.
  private static let zeroingLimitBytes: UInt64 = 256 << 20
  /// A page: what the kernel asks of ranges to be zeroed is the sector at most.
  private static let zeroingAlignmentBytes: UInt64 = 4096

  private let path: FilePath
  private let held = Mutex<HeldFile?>(nil)
  private let cannotPunchHoles = Atomic(false)
  private let cannotZeroOut = Atomic(false)

  init(name: String, path: FilePath) {
    self.name = name
    self.path = path
  }

  func prepare(sizeBytes: UInt64) throws(RestoreTargetError) {
    try BlockDeviceInspection(name: name, path: path).requireFit(forBytes: sizeBytes)
    let descriptor: Descriptor
    do throws(Errno) {
      // With O_EXCL the kernel refuses a device that a mount, swap, RAID or device mapper has claimed,
      // and refuses them as long as this is open. (open(2))
      descriptor = try Descriptor(opening: path, flags: O_RDWR | O_EXCL)
    } catch .resourceBusy {
      throw .inUse(name, by: "the system: a mount, swap, RAID, LVM or another restore")
    } catch {
      throw .cannotOpen(name, error)
    }
    let file = HeldFile(descriptor, target: name, sizeBytes: sizeBytes)
    held.withLock { $0 = file }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(RestoreTargetError) {
    try file().write(bytes, at: offsetBytes)
  }

  func writeZeros(at offsetBytes: UInt64, lengthBytes: UInt64) throws(RestoreTargetError) {
    let file = try file()
    try file.requireInside(offsetBytes, lengthBytes)
    let range = AlignedRange(
      offsetBytes: offsetBytes, lengthBytes: lengthBytes, alignmentBytes: Self.zeroingAlignmentBytes
    )
    try file.writeRealZeros(at: offsetBytes, lengthBytes: range.headBytes)
    try forEachRange(
      at: range.bodyOffsetBytes, lengthBytes: range.bodyBytes, limitBytes: Self.zeroingLimitBytes
    ) { offset, length throws(RestoreTargetError) in
      try zero(file, at: offset, lengthBytes: length)
    }
    try file.writeRealZeros(at: range.tailOffsetBytes, lengthBytes: range.tailBytes)
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(RestoreTargetError) {
    try file().read(into: buffer, at: offsetBytes)
  }

  func finish() throws(RestoreTargetError) {
    try file().synchronize()
  }

  func abandon() {
    held.withLock { $0 = nil }
  }

  private func file() throws(RestoreTargetError) -> HeldFile {
    guard let file = held.withLock({ $0 }) else { throw .notPrepared(name) }
    return file
  }

  /// Zeroes an aligned range the cheapest way the device knows: freed, which the kernel allows only
  /// where that reads back as zeros; zeroed by the device; written.
  private func zero(
    _ file: HeldFile, at offsetBytes: UInt64, lengthBytes: UInt64
  ) throws(RestoreTargetError) {
    let range = offsetBytes..<offsetBytes + lengthBytes
    if try attempt(.punchHole, unless: cannotPunchHoles, file, range) { return }
    if try attempt(.zeroOut, unless: cannotZeroOut, file, range) { return }
    try file.writeRealZeros(at: offsetBytes, lengthBytes: lengthBytes)
  }

  private enum Zeroing {
    case punchHole
    case zeroOut
  }

  /// Whether the device could; one that cannot is not asked again.
  private func attempt(
    _ zeroing: Zeroing, unless isUnsupported: borrowing Atomic<Bool>, _ file: HeldFile,
    _ range: Range<UInt64>
  ) throws(RestoreTargetError) -> Bool {
    if isUnsupported.load(ordering: .relaxed) { return false }
    do throws(Errno) {
      switch zeroing {
      case .punchHole:
        try file.descriptor.punchHole(
          at: range.lowerBound, lengthBytes: UInt64(range.count))
      case .zeroOut:
        try file.descriptor.zeroOutBlockDevice(
          at: range.lowerBound, lengthBytes: UInt64(range.count))
      }
      return true
    } catch .notSupported, .invalidArgument, .inappropriateIOCTLForDevice {
      isUnsupported.store(true, ordering: .relaxed)
      return false
    } catch {
      throw .writeFailed(name, at: range.lowerBound, error)
    }
  }
}
