import Synchronization
package import SystemPackage

/// A file of this machine.
///
/// `close()` may be called while other threads read. The system must not reuse the number of the
/// descriptor while they read, so the last of these threads closes it. `users` counts the threads
/// that use the descriptor; its highest bit means that no other thread may start to use it.
package final class POSIXFile: OpenFile, @unchecked Sendable {
  package let path: FilePath

  private static let closedBit: UInt = 1 << (UInt.bitWidth - 1)
  private let users = Atomic<UInt>(0)
  // Written only by `close`, if no thread uses it, or by the last thread that leaves a closed file.
  private var descriptor: Descriptor?

  package init(path: FilePath, descriptor: consuming Descriptor) {
    self.path = path
    self.descriptor = consume descriptor
  }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(FileError) -> Int {
    try use("read") { file throws(Errno) in try file.read(into: buffer, at: offsetBytes) }
  }

  package func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(FileError) {
    try use("write") { file throws(Errno) in try file.write(bytes, at: offsetBytes) }
  }

  package func synchronizeData() throws(FileError) {
    try use("synchronise") { file throws(Errno) in try file.synchronizeData() }
  }

  package func sizeBytes() throws(FileError) -> UInt64 {
    try use("stat") { file throws(Errno) in try file.metadata().sizeBytes }
  }

  package func setSize(bytes sizeBytes: UInt64) throws(FileError) {
    try use("resize") { file throws(Errno) in try file.truncate(toBytes: sizeBytes) }
  }

  package func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(FileError) {
    try use("punch a hole into") { file throws(Errno) in
      try file.punchHole(at: offsetBytes, lengthBytes: lengthBytes)
    }
  }

  package func dataStart(from offsetBytes: UInt64) throws(FileError) -> UInt64? {
    try use("find data in") { file throws(Errno) in
      do throws(Errno) {
        return try file.dataStart(from: offsetBytes)
      } catch .invalidArgument {
        return try file.metadata().sizeBytes > offsetBytes ? offsetBytes : nil
      }
    }
  }

  package func isUnlinked() -> Bool {
    (try? use("stat") { file throws(Errno) in try file.isUnlinked() }) ?? false
  }

  package func forgetCached() {
    try? use("forget") { file throws(Errno) in file.advise(.notNeeded) }
  }

  package func tryLock(_ mode: LockMode) throws(FileError) -> Bool {
    try use("lock") { file throws(Errno) in try file.lock(mode, waits: false) }
  }

  package func lock(_ mode: LockMode) throws(FileError) {
    var failure: FileError?
    try use("lock") { file throws(Errno) in
      do throws(FileError) {
        try LockWaiting.wait(for: path, file, mode)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  package func unlock() throws(FileError) {
    try use("unlock") { file throws(Errno) in try file.unlock() }
  }

  package func close() {
    let before = users.bitwiseOr(Self.closedBit, ordering: .acquiringAndReleasing).oldValue
    if before == 0 { descriptor = nil }
  }

  /// Runs `body` with the descriptor, which stays open while `body` runs.
  private func use<Result>(
    _ operation: String, _ body: (borrowing Descriptor) throws(Errno) -> Result
  ) throws(FileError) -> Result {
    do throws(Errno) {
      try enter()
      defer { leave() }
      // The descriptor is still there: it is not removed while a thread uses it.
      guard descriptor != nil else { throw Errno.badFileDescriptor }
      return try body(descriptor!)
    } catch {
      throw FileError(operation: operation, path: path, errno: error)
    }
  }

  private func enter() throws(Errno) {
    var seen = users.load(ordering: .relaxed)
    while true {
      guard seen & Self.closedBit == 0 else { throw .badFileDescriptor }
      let (isExchanged, current) = users.weakCompareExchange(
        expected: seen, desired: seen + 1, ordering: .acquiring)
      if isExchanged { return }
      seen = current
    }
  }

  private func leave() {
    let after = users.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
    if after == Self.closedBit { descriptor = nil }
  }
}
