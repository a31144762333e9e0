import CLinux
import Glibc
package import SystemPackage

extension Descriptor {
  /// Where the next data begins, from `offsetBytes` on; nil if only a hole follows. Fails with
  /// `EINVAL` if holes are not supported. (lseek(2), `SEEK_DATA`)
  package func dataStart(from offsetBytes: UInt64) throws(Errno) -> UInt64? {
    let position = try offsetBytes.position()
    do throws(Errno) {
      return UInt64(try retryingCall { linux_seek_data(rawValue, position) })
    } catch .noSuchAddressOrDevice {
      return nil
    }
  }

  /// Where the next hole begins, from `offsetBytes` on; the end of the file counts as one.
  /// (lseek(2), `SEEK_HOLE`)
  package func holeStart(from offsetBytes: UInt64) throws(Errno) -> UInt64 {
    let position = try offsetBytes.position()
    return UInt64(try retryingCall { linux_seek_hole(rawValue, position) })
  }

  /// Frees the blocks of a range, which then reads as zeros; the size stays the same. On a block
  /// device this succeeds only if the device itself can do it so that the range reads as zeros.
  /// (fallocate(2), `FALLOC_FL_PUNCH_HOLE`)
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

  /// Whether blocks with content are allocated to a range of a file; nil if the file system does
  /// not say. Reserved blocks that read as zeros do not count. (FS_IOC_FIEMAP)
  package func hasWrittenBlocks(at offsetBytes: UInt64, lengthBytes: UInt64) -> Bool? {
    switch linux_has_written_blocks(rawValue, offsetBytes, lengthBytes) {
    case 0: false
    case 1: true
    default: nil
    }
  }

  /// Whether a device of the device mapper is a thin volume and nothing else; false also if that is
  /// unknown. Discarded blocks of such a volume read as zeros.
  package static func isThinVolume(device: UInt64) -> Bool {
    linux_mapped_device_is(device, "thin") == 1
  }

  /// Whether the file is open elsewhere, in another process or under a loop device; nil if that is
  /// unknown (a file of another user, a network file system).
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
