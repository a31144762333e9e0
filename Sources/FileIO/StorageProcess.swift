import CLinux
import Glibc
import Synchronization
package import SystemPackage

/// A separate process for the calls that wait for a file's storage.
///
/// A thread that waits for a device cannot be ended, not even by SIGKILL: a full thin pool queues
/// writes for a minute or for ever. A process with such a thread stays until the device answers. So
/// a separate process waits, and the program can end at any moment. The separate process also has
/// the file open. So the program's own `close` is not the last one, and does not have to write out
/// the rest.
///
///     program ──▶ request ──▶ storage process ──▶ sync_file_range(2), fsync(2), …
///             ◀── errno   ◀──                 ◀──
package final class StorageProcess: Sendable {
  /// The longest time that one call may take: five minutes. By default, a full thin pool gives up
  /// after one minute (`no_space_timeout`).
  package static let patienceSeconds = 300
  /// The longest wait for the end of a process that is no longer needed. If the storage blocks the
  /// process, it ends later by itself.
  private static let endingLimitMilliseconds = 2000

  package enum Call: Sendable {
    /// Starts writing the dirty pages of the range to the storage. (sync_file_range(2))
    case startWriteback
    /// Writes the dirty pages of the range to the storage, and waits until they are written. This
    /// makes nothing durable; only ``synchronize`` does. ``synchronize`` does not report again the
    /// errors that this call has reported. (sync_file_range(2))
    case completeWriteback
    /// Makes the whole file durable; ignores the range. (fsync(2))
    case synchronize
    /// Frees the blocks of the range, which then reads as zeros. A block device fails if it cannot
    /// free the blocks itself and read them as zeros afterwards. (fallocate(2),
    /// `FALLOC_FL_PUNCH_HOLE`)
    case punchHole
    /// Tells a block device that the content of the range is not needed. The device determines the
    /// content that the range then has. (BLKDISCARD)
    case discard
  }

  private let state: Mutex<State>
  private let patienceSeconds: Int

  private struct State: ~Copyable {
    /// nil after ``StorageProcess/end()``.
    var process: pid_t?
    /// nil after a call without an answer, and after ``StorageProcess/end()``.
    var socket: Descriptor?
    /// The error of calls while there is no socket.
    var failure = Errno.noChildProcess
  }

  /// - Parameters:
  ///   - file: the file of the calls. The process has the file open until the process ends.
  ///   - patienceSeconds: the longest time that one call may take.
  package init(
    of file: borrowing Descriptor, patienceSeconds: Int = StorageProcess.patienceSeconds
  ) throws(Errno) {
    var ends: (CInt, CInt) = (-1, -1)
    try retryingCall {
      withUnsafeMutableBytes(of: &ends) {
        socketpair(
          AF_UNIX, CInt(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0,
          $0.assumingMemoryBound(to: CInt.self).baseAddress)
      }
    }
    let own = Descriptor(owning: ends.0)
    let other = Descriptor(owning: ends.1)
    let process = try retryingCall { linux_fork_storage_process(file.rawValue, other.rawValue) }
    state = Mutex(State(process: process, socket: own))
    self.patienceSeconds = patienceSeconds
  }

  deinit { end() }

  /// Makes one call. Calls of other threads wait until it has ended.
  ///
  /// - Throws: errors of the call; `ETIMEDOUT` if the storage did not answer in time; `ECHILD` if
  ///   the process has ended. After `ETIMEDOUT` or `ECHILD`, every later call fails with the same
  ///   error.
  package func perform(
    _ call: Call, at offsetBytes: UInt64 = 0, lengthBytes: UInt64 = 0
  ) throws(Errno) {
    _ = (try offsetBytes.position(), try lengthBytes.position())
    let request = linux_storage_request(
      operation: call.operation.rawValue, unused: 0, offset: offsetBytes, length: lengthBytes)
    try state.withLock { state throws(Errno) in
      guard let socket = state.socket.take() else { throw state.failure }
      let outcome: CInt
      do throws(Errno) {
        outcome = try answer(to: request, socket)
      } catch {
        state.failure = error
        throw error
      }
      state.socket = consume socket
      if outcome != 0 { throw Errno(rawValue: outcome) }
    }
  }

  private func answer(
    to request: linux_storage_request, _ socket: borrowing Descriptor
  ) throws(Errno) -> CInt {
    let number = socket.rawValue
    var outcome: CInt = 0
    do throws(Errno) {
      try retryingCall {
        withUnsafeBytes(of: request) {
          send(number, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
      }
      guard try socket.isReadable(withinMilliseconds: patienceSeconds * 1000) else {
        throw .timedOut
      }
      let count = try retryingCall { recv(number, &outcome, MemoryLayout<CInt>.size, 0) }
      guard count == MemoryLayout<CInt>.size else { throw .noChildProcess }
    } catch  where [.brokenPipe, .connectionReset].contains(error) {
      // The process ended before the request was sent, or before it read the request.
      throw .noChildProcess
    }
    return outcome
  }

  /// Ends the process. Waits until it has closed the file, but at most two seconds.
  package func end() {
    state.withLock { state in
      state.socket = nil
      guard let process = state.process.take() else { return }
      let step = 5
      for _ in 0..<Self.endingLimitMilliseconds / step {
        if waitpid(process, nil, WNOHANG) != 0 { return }
        usleep(useconds_t(step * 1000))
      }
    }
  }
}

extension StorageProcess.Call {
  fileprivate var operation: linux_storage_operation {
    switch self {
    case .startWriteback: LINUX_STORAGE_START_WRITEBACK
    case .completeWriteback: LINUX_STORAGE_COMPLETE_WRITEBACK
    case .synchronize: LINUX_STORAGE_SYNCHRONIZE
    case .punchHole: LINUX_STORAGE_PUNCH_HOLE
    case .discard: LINUX_STORAGE_DISCARD
    }
  }
}

extension Descriptor {
  /// Waits until there are bytes to read or the other end is closed. Returns false if neither happens
  /// within the limit.
  fileprivate func isReadable(withinMilliseconds limit: Int) throws(Errno) -> Bool {
    let end = ContinuousClock.now + .milliseconds(limit)
    var poll = pollfd(fd: rawValue, events: Int16(POLLIN), revents: 0)
    while true {
      let left = max(.zero, end - ContinuousClock.now) / .milliseconds(1)
      let count = Glibc.poll(&poll, 1, CInt(left.rounded(.up)))
      if count >= 0 { return count > 0 }
      if Errno(rawValue: errno) != .interrupted { throw Errno(rawValue: errno) }
    }
  }
}
