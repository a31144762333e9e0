import CLinux
import Glibc
package import SystemPackage

extension Descriptor {
  /// The start of the next data, at or after `offsetBytes`; nil if only a hole follows. Fails with
  /// `EINVAL` if holes are not supported. (lseek(2), `SEEK_DATA`)
  package func dataStart(from offsetBytes: UInt64) throws(Errno) -> UInt64? {
    let position = try offsetBytes.position()
    do throws(Errno) {
      return UInt64(try retryingCall { linux_seek_data(rawValue, position) })
    } catch .noSuchAddressOrDevice {
      return nil
    }
  }

  /// The start of the next hole, at or after `offsetBytes`. The end of the file counts as a hole.
  /// (lseek(2), `SEEK_HOLE`)
  package func holeStart(from offsetBytes: UInt64) throws(Errno) -> UInt64 {
    let position = try offsetBytes.position()
    return UInt64(try retryingCall { linux_seek_hole(rawValue, position) })
  }

  /// Frees the blocks of a range, which then reads as zeros; the size stays the same. A block
  /// device fails if it cannot free the blocks itself and read them as zeros afterwards.
  /// (fallocate(2), `FALLOC_FL_PUNCH_HOLE`)
  package func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(Errno) {
    let (position, length) = (try offsetBytes.position(), try lengthBytes.position())
    try retryingCall { linux_punch_hole(rawValue, position, length) }
  }

  /// The size of a block device. (BLKGETSIZE64)
  package func blockDeviceSizeBytes() throws(Errno) -> UInt64 {
    var size: UInt64 = 0
    try retryingCall { linux_block_device_size(rawValue, &size) }
    return size
  }

  /// Whether a block device is read-only. (BLKROGET)
  package func isReadOnlyBlockDevice() throws(Errno) -> Bool {
    var flag: CInt = 0
    try retryingCall { linux_block_device_is_read_only(rawValue, &flag) }
    return flag != 0
  }

  /// Whether a range of a file has allocated blocks with content; nil if the file system does not
  /// report it. Reserved blocks that read as zeros do not count. (FS_IOC_FIEMAP)
  package func hasWrittenBlocks(at offsetBytes: UInt64, lengthBytes: UInt64) -> Bool? {
    switch linux_has_written_blocks(rawValue, offsetBytes, lengthBytes) {
    case 0: false
    case 1: true
    default: nil
    }
  }

  /// Whether a device of the device mapper consists only of a thin volume; false also if this is
  /// unknown. Discarded blocks of a thin volume read as zeros.
  package static func isThinVolume(device: UInt64) -> Bool {
    linux_mapped_device_is(device, "thin") == 1
  }

  /// Whether the file is open elsewhere, in another process or under a loop device; nil if this is
  /// unknown, as for a file of another user or on a network file system.
  ///
  /// The kernel grants a write lease only if nobody else has the file open. (fcntl(2),
  /// `F_SETLEASE`)
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
