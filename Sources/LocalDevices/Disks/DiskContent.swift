import FileIO
import Glibc
import SystemPackage

/// An open device. It is closed when the last reader releases it.
private final class HeldDevice {
  private let descriptor: Descriptor

  init(descriptor: consuming Descriptor) { self.descriptor = descriptor }

  func bytes(of range: Range<UInt64>) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    let count = try bytes.withUnsafeMutableBytes {
      try descriptor.read(into: $0, at: range.lowerBound)
    }
    guard count == bytes.count else {
      throw LocalDeviceError("the device is shorter than its reported size")
    }
    return bytes
  }
}

/// The bytes of a disk, on which partitions and file systems are searched.
package struct DiskContent {
  package let sizeBytes: UInt64
  private let read: (Range<UInt64>) throws -> [UInt8]

  /// - Parameter read: returns all bytes of a range, which lies within the disk.
  package init(sizeBytes: UInt64, read: @escaping (Range<UInt64>) throws -> [UInt8]) {
    self.sizeBytes = sizeBytes
    self.read = read
  }

  /// The bytes of a block device.
  package init(ofDevice path: String, _ sizeBytes: UInt64) throws {
    let device: Descriptor
    do throws(Errno) {
      device = try Descriptor(opening: FilePath(path), flags: O_RDONLY)
    } catch {
      throw LocalDeviceError("cannot open \(path): \(error.explanation)")
    }
    let held = HeldDevice(descriptor: device)
    self.init(sizeBytes: sizeBytes) { range in try held.bytes(of: range) }
  }

  /// `count` bytes from `offsetBytes` on; nil if the range does not lie within the disk.
  package func bytes(at offsetBytes: UInt64, count: Int) throws -> [UInt8]? {
    let (end, overflows) = offsetBytes.addingReportingOverflow(UInt64(count))
    guard !overflows, end <= sizeBytes else { return nil }
    return try read(offsetBytes..<end)
  }

  /// A part of the disk as a separate disk.
  package func part(_ bytes: Range<UInt64>) -> DiskContent {
    DiskContent(sizeBytes: UInt64(bytes.count)) { range in
      try read(bytes.lowerBound + range.lowerBound..<bytes.lowerBound + range.upperBound)
    }
  }
}

extension [UInt8] {
  /// The little-endian integer at `offset`. It must lie within the bytes.
  func integer<Integer: FixedWidthInteger & UnsignedInteger>(
    _ type: Integer.Type = Integer.self, at offset: Int
  ) -> Integer {
    self[offset..<offset + MemoryLayout<Integer>.size].reversed().reduce(0) {
      $0 << 8 | Integer($1)
    }
  }

  /// Whether the bytes at `offset` are `text`.
  func contains(_ text: StaticString, at offset: Int) -> Bool {
    text.withUTF8Buffer { text in
      offset + text.count <= count && self[offset..<offset + text.count].elementsEqual(text)
    }
  }
}
