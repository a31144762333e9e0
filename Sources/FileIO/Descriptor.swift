import CLinux
import Glibc
package import SystemPackage

/// A file descriptor with one owner. It is closed when the owner releases it.
///
/// Calls that a signal interrupted are repeated, and partial reads and writes are continued. Errors
/// are `Errno`s without a file name: the caller knows the name and adds it.
package struct Descriptor: ~Copyable, Sendable {
  package let rawValue: CInt

  /// Takes over an open descriptor.
  package init(owning rawValue: CInt) { self.rawValue = rawValue }

  deinit { _ = Glibc.close(rawValue) }

  /// open(2), always with `O_CLOEXEC`.
  package init(
    opening path: FilePath, flags: CInt, permissions: FilePermissions = []
  ) throws(Errno) {
    rawValue = try retryingCall {
      path.withPlatformString { Glibc.open($0, flags | O_CLOEXEC, permissions.rawValue) }
    }
  }

  /// Refers to a file without opening it; only for ``metadata()`` and ``representedDevice()``. Has
  /// no effect on a device or FIFO. (open(2), `O_PATH`)
  package init(lookingAt path: FilePath) throws(Errno) {
    try self.init(opening: path, flags: linux_open_path_only)
  }

  /// Opens the file at `path` below `directory` without following links; see
  /// ``DirectoryDescriptor``. (openat2(2))
  init(
    beneath directory: CInt, _ path: FilePath, flags: CInt, permissions: FilePermissions = []
  ) throws(Errno) {
    rawValue = try retryingCall {
      path.withPlatformString {
        linux_open_beneath(
          directory, $0, UInt64(flags | O_CLOEXEC), UInt64(permissions.rawValue))
      }
    }
  }

  /// dup(2): a second descriptor of the same open file, as for standard input.
  package init(duplicating other: CInt) throws(Errno) {
    rawValue = try retryingCall { fcntl(other, F_DUPFD_CLOEXEC, 0) }
  }

  /// Fills the buffer with the bytes from `offsetBytes` on; returns fewer only at the end of the
  /// file. (pread(2))
  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(Errno) -> Int {
    var count = 0
    while count < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
      let step = try readPart(into: rest, at: offsetBytes + UInt64(count))
      if step == 0 { break }
      count += step
    }
    return count
  }

  /// One pread(2): at least one byte, or 0 at the end of the file. For callers that report the
  /// exact place of an error, which is the start of the failed call.
  package func readPart(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(Errno) -> Int {
    let position = try offsetBytes.position()
    return try retryingCall { pread(rawValue, buffer.baseAddress, buffer.count, position) }
  }

  /// Writes all of `bytes` at `offsetBytes`. (pwrite(2))
  package func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(Errno) {
    var count = 0
    while count < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
      let position = try (offsetBytes + UInt64(count)).position()
      let step = try retryingCall { pwrite(rawValue, rest.baseAddress, rest.count, position) }
      if step == 0 { throw .ioError }
      count += step
    }
  }

  /// fdatasync(2).
  package func synchronizeData() throws(Errno) {
    try retryingCall { fdatasync(rawValue) }
  }

  /// fsync(2).
  package func synchronize() throws(Errno) {
    try retryingCall { fsync(rawValue) }
  }

  /// ftruncate(2).
  package func truncate(toBytes sizeBytes: UInt64) throws(Errno) {
    let size = try sizeBytes.position()
    try retryingCall { ftruncate(rawValue, size) }
  }

  /// fstat(2). The size of a block device reads as 0; see ``blockDeviceSizeBytes()``.
  package func metadata() throws(Errno) -> FileMetadata {
    try status().metadata
  }

  /// Copies owner and permissions of another file, as far as this process may. (fchown(2),
  /// fchmod(2))
  package func adoptOwner(of other: borrowing Descriptor) throws(Errno) {
    let status = try other.status()
    // If the owner could not be changed, the permissions could admit the wrong users.
    guard fchown(rawValue, status.st_uid, status.st_gid) == 0 else { return }
    try retryingCall { fchmod(rawValue, status.st_mode & 0o7777) }
  }

  /// The device number of a device node (`st_rdev`); 0 for other files.
  package func representedDevice() throws(Errno) -> UInt64 {
    UInt64(try status().st_rdev)
  }

  /// When content and status changed last, as far as the file system records it.
  package func changeTime() throws(Errno) -> FileChangeTime {
    let status = try status()
    return FileChangeTime(
      content: [status.st_mtim.tv_sec, status.st_mtim.tv_nsec],
      status: [status.st_ctim.tv_sec, status.st_ctim.tv_nsec])
  }

  /// Space that the file uses on its file system (`st_blocks`).
  package func allocatedBytes() throws(Errno) -> UInt64 {
    UInt64(clamping: try status().st_blocks).multipliedReportingOverflow(by: 512).partialValue
  }

  /// flock(2); false if `waits` is false and the lock of another open file excludes this one.
  package func lock(_ mode: LockMode, waits: Bool) throws(Errno) -> Bool {
    let operation = (mode == .shared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)
    do {
      try retryingCall { flock(rawValue, operation) }
    } catch .wouldBlock {
      return false
    }
    return true
  }

  package func unlock() throws(Errno) {
    try retryingCall { flock(rawValue, LOCK_UN) }
  }

  /// Whether the file has no name any more; closing it then frees its space.
  package func isUnlinked() throws(Errno) -> Bool { try status().st_nlink == 0 }

  func status() throws(Errno) -> stat {
    var status = stat()
    try retryingCall { fstat(rawValue, &status) }
    return status
  }
}

/// The time of a change; for comparison only.
package struct FileChangeTime: Sendable, Hashable {
  fileprivate let content: [Int]
  fileprivate let status: [Int]
}

/// Makes a system call, and repeats it if a signal interrupts it; throws for -1.
@discardableResult
package func retryingCall<Result: FixedWidthInteger & SignedInteger>(
  _ call: () -> Result
) throws(Errno) -> Result {
  while true {
    let result = call()
    if result != -1 { return result }
    let error = Errno(rawValue: errno)
    if error != .interrupted { throw error }
  }
}

extension UInt64 {
  /// The offset as a file position; throws `EOVERFLOW` if `off_t` cannot hold it.
  func position() throws(Errno) -> off_t {
    guard let position = off_t(exactly: self) else { throw .overflow }
    return position
  }
}
