import Glibc
package import SystemPackage

/// A file descriptor with one owner, closed when the owner lets it go.
///
/// Calls that a signal interrupted are made again; reads and writes that did a part go on with the
/// rest. Errors are bare `Errno`s: who knows the name of the file makes them readable.
package struct Descriptor: ~Copyable, Sendable {
  package let rawValue: CInt

  /// Takes over an open descriptor.
  package init(owning rawValue: CInt) { self.rawValue = rawValue }

  deinit { _ = Glibc.close(rawValue) }

  /// open(2), with `O_CLOEXEC` always.
  package init(
    opening path: FilePath, flags: CInt, permissions: FilePermissions = []
  ) throws(Errno) {
    rawValue = try retryingCall {
      path.withPlatformString { Glibc.open($0, flags | O_CLOEXEC, permissions.rawValue) }
    }
  }

  /// dup(2): a second descriptor of the same open file, as for standard input.
  package init(duplicating other: CInt) throws(Errno) {
    rawValue = try retryingCall { fcntl(other, F_DUPFD_CLOEXEC, 0) }
  }

  /// Fills the buffer from `offsetBytes` on; less only at the end of the file. (pread(2))
  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(Errno) -> Int {
    var count = 0
    while count < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
      let position = try offsetBytes.position(after: count)
      let step = try retryingCall { pread(rawValue, rest.baseAddress, rest.count, position) }
      if step == 0 { break }
      count += step
    }
    return count
  }

  /// Writes all of `bytes` at `offsetBytes`. (pwrite(2))
  package func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(Errno) {
    var count = 0
    while count < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
      let position = try offsetBytes.position(after: count)
      let step = try retryingCall { pwrite(rawValue, rest.baseAddress, rest.count, position) }
      if step == 0 { throw .ioError }
      count += step
    }
  }

  /// What comes next out of a pipe, at least one byte; 0 at its end. (read(2))
  package func readNext(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    try retryingCall { Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
  }

  /// Writes all of `bytes` into a pipe or where the file position stands. (write(2))
  package func writeNext(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
    var count = 0
    while count < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
      let step = try retryingCall { Glibc.write(rawValue, rest.baseAddress, rest.count) }
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
    let size = try sizeBytes.position(after: 0)
    try retryingCall { ftruncate(rawValue, size) }
  }

  /// fstat(2). The size of a block device reads as 0; see ``blockDeviceSizeBytes()``.
  package func metadata() throws(Errno) -> FileMetadata {
    try status().metadata
  }

  /// The device number a device node stands for (`st_rdev`); 0 for what is no device.
  package func representedDevice() throws(Errno) -> UInt64 {
    UInt64(try status().st_rdev)
  }

  /// flock(2); false when another open file's lock excludes this one and `waits` is false.
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

  private func status() throws(Errno) -> stat {
    var status = stat()
    try retryingCall { fstat(rawValue, &status) }
    return status
  }
}

/// Makes a system call, again when a signal interrupted it; -1 becomes the thrown error.
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
  /// The file position `count` bytes on; an offset past what `off_t` can say is `EOVERFLOW`.
  func position(after count: Int) throws(Errno) -> off_t {
    let (sum, hasOverflown) = addingReportingOverflow(UInt64(count))
    guard !hasOverflown, let position = off_t(exactly: sum) else { throw .overflow }
    return position
  }
}
