import CLinux
import FileIO
import Glibc
import SystemPackage

/// A loop device: a block device for a part of a file. The kernel removes it when the value is gone and
/// nothing mounts the device any more.
package struct LoopDevice: ~Copyable {
  /// Another process may take the free device first, so there are several attempts.
  private static let attempts = 20

  private static let sectorBytes: UInt64 = 512

  package let path: String
  private let descriptor: Descriptor

  /// Makes a loop device of the bytes `bytes` of a file. The kernel would cut off an incomplete
  /// last sector, so the part is extended to a whole sector; the file must be long enough. The
  /// device is writable, since the kernel does not replay a journal on a read-only device.
  package static func make(of file: String, bytes: Range<UInt64>) throws(LocalDeviceError)
    -> LoopDevice
  {
    var error = Errno.resourceBusy
    for _ in 0..<attempts where error == .resourceBusy {
      do {
        return try LoopDevice(file: file, bytes: bytes)
      } catch let failure {
        error = failure
      }
    }
    throw LocalDeviceError("cannot create a loop device for \(file): \(error.explanation)")
  }

  private init(file: String, bytes: Range<UInt64>) throws(Errno) {
    let control = try Descriptor(opening: "/dev/loop-control", flags: O_RDWR)
    let number = try retryingCall { linux_free_loop_device(control.rawValue) }
    let device = "/dev/loop\(number)"
    let opened = try Descriptor(opening: FilePath(device), flags: O_RDWR)
    let backing = try Descriptor(opening: FilePath(escaped: file), flags: O_RDWR)
    let offset = bytes.lowerBound
    let length = (UInt64(bytes.count) + Self.sectorBytes - 1) / Self.sectorBytes * Self.sectorBytes
    try retryingCall {
      linux_set_up_loop_device(opened.rawValue, backing.rawValue, offset, length)
    }
    path = device
    descriptor = opened
  }
}
