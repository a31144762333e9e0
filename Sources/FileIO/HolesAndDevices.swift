import CLinux
import Glibc
package import SystemPackage

extension Descriptor {
  /// Where the next data begins, at `offsetBytes` or after it; nil when there is only a hole up to
  /// the end. Fails with `EINVAL` where holes are not known. (lseek(2), `SEEK_DATA`)
  package func dataStart(from offsetBytes: UInt64) throws(Errno) -> UInt64? {
    let position = try offsetBytes.position()
    do throws(Errno) {
      return UInt64(try retryingCall { linux_seek_data(rawValue, position) })
    } catch .noSuchAddressOrDevice {
      return nil
    }
  }

  /// Where the next hole begins, at `offsetBytes` or after it; the end of the file counts as one.
  /// (lseek(2), `SEEK_HOLE`)
  package func holeStart(from offsetBytes: UInt64) throws(Errno) -> UInt64 {
    let position = try offsetBytes.position()
    return UInt64(try retryingCall { linux_seek_hole(rawValue, position) })
  }

  /// Frees the blocks of a range, which reads as zeros afterwards; the size stays. On a block device
  /// this succeeds only where the device itself can do it with that result. (fallocate(2),
  /// `FALLOC_FL_PUNCH_HOLE`)
  package func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(Errno) {
    let (position, length) = (try offsetBytes.position(), try lengthBytes.position())
    try retryingCall { linux_punch_hole(rawValue, position, length) }
  }

  /// BLKGETSIZE64.
  package func blockDeviceSizeBytes() throws(Errno) -> UInt64 {
    var size: UInt64 = 0
    try retryingCall { linux_block_device_size(rawValue, &size) }
    return size
  }

  /// BLKROGET.
  package func isReadOnlyBlockDevice() throws(Errno) -> Bool {
    var flag: CInt = 0
    try retryingCall { linux_block_device_is_read_only(rawValue, &flag) }
    return flag != 0
  }

  /// Whether blocks with content are allocated to a range of a file; nil where the file system does not
  /// tell. Blocks that are reserved and read as zeros do not count. (FS_IOC_FIEMAP)
  package func hasWrittenBlocks(at offsetBytes: UInt64, lengthBytes: UInt64) -> Bool? {
    switch linux_has_written_blocks(rawValue, offsetBytes, lengthBytes) {
    case 0: false
    case 1: true
    default: nil
    }
  }

  /// Whether a device of the device mapper is a thin volume and nothing else; false also where that
  /// cannot be found out. Blocks of such a volume that are discarded read as zeros.
  package static func isThinVolume(device: UInt64) -> Bool {
    linux_mapped_device_is(device, "thin") == 1
  }

  /// Whether the file is open anywhere else, in another process or under a loop device; nil where
  /// that cannot be found out (someone else's file, a network file system).
  ///
  /// The kernel grants a write lease only on a file nobody else has open. (fcntl(2), `F_SETLEASE`)
  package func isOpenElsewhere() -> Bool? {
    do throws(Errno) {
      try retryingCall { linux_take_write_lease(rawValue) }
      try retryingCall { linux_release_lease(rawValue) }
      return false
    } catch .resourceTemporarilyUnavailable {
      return true
    } catch {
      return nil
    }
  }
}
