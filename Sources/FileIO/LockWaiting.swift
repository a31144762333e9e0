import Glibc
import Synchronization
package import SystemPackage

/// A process that holds a lock on a file.
package struct LockHolder: Sendable, Hashable, CustomStringConvertible {
  package let process: Int32
  /// The name of the process, as the kernel shows it; empty if it is unknown.
  package let name: String

  package var description: String {
    name.isEmpty ? "process \(process)" : "\(name) (process \(process))"
  }

  /// The processes that hold an flock(2) lock on the file with this number, from proc_locks(5);
  /// empty if they are on another machine or in another container.
  static func holders(inode: UInt64) -> [LockHolder] {
    guard let lines = try? SystemFile("/proc/locks").lines() else { return [] }
    var holders: [LockHolder] = []
    for line in lines {
      // 1: FLOCK  ADVISORY  WRITE 4711 fd:01:131 0 EOF; after "->" a process that waits.
      let fields = line.split(separator: " ")
      guard fields.count >= 6, fields[1] == "FLOCK", let process = Int32(fields[4]), process > 0
      else { continue }
      // File systems may show another device here than stat(2) does.
      guard fields[5].split(separator: ":").last.flatMap({ UInt64($0) }) == inode else { continue }
      let holder = LockHolder(process: process, name: Self.name(of: process))
      if !holders.contains(holder) { holders.append(holder) }
    }
    return holders
  }

  private static func name(of process: Int32) -> String {
    let lines = (try? SystemFile(FilePath("/proc/\(process)/comm")).lines()) ?? []
    // A process can choose its own name.
    let printable = lines.joined().unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7f }
    return String(printable.map(Character.init))
  }
}

/// The time that this process waits for a lock, and the way it reports the waiting.
package struct LockWaiting: Sendable {
  package static let standardLimit = Duration.seconds(60)
  /// Locks are usually held briefly. After this time, the holders are reported.
  private static let noticeAfter = Duration.seconds(2)
  private static let longestPause = Duration.milliseconds(50)

  private static let state = Mutex(LockWaiting())

  private var limit = standardLimit
  private var onWait: (@Sendable (FilePath, [LockHolder]) -> Void)?
  private var onPause: (@Sendable (FilePath) -> Bool)?

  /// Sets the limit and the report for the whole process.
  ///
  /// - Parameters:
  ///   - limit: waiting fails after this time.
  ///   - onWait: called with the path and the holders of a lock, once per wait, if the wait takes
  ///     longer than two seconds.
  package static func configure(
    limit: Duration, onWait: @escaping @Sendable (FilePath, [LockHolder]) -> Void
  ) {
    state.withLock { ($0.limit, $0.onWait) = (limit, onWait) }
  }

  /// Sets a function that a thread calls between two attempts instead of sleeping. A simulation
  /// that runs one thread at a time uses it to let another thread continue.
  ///
  /// - Parameter onPause: receives the path of the lock; returns false if the thread should sleep.
  package static func configure(onPause: @escaping @Sendable (FilePath) -> Bool) {
    state.withLock { $0.onPause = onPause }
  }

  /// Locks `file`. Waits while others hold the lock.
  ///
  /// - Throws: ``FileError``, with ``FileError/Detail/lockHeld`` if the limit is reached.
  static func wait(
    for path: FilePath, _ file: borrowing Descriptor, _ mode: LockMode
  ) throws(FileError) {
    let waiting = state.withLock { $0 }
    let began = ContinuousClock.now
    var pause = Duration.milliseconds(1)
    var hasTold = false
    do throws(Errno) {
      while try !file.lock(mode, waits: false) {
        let waited = began.duration(to: .now)
        if waited >= waiting.limit {
          throw Errno.timedOut
        }
        if waited >= noticeAfter, !hasTold {
          hasTold = true
          waiting.onWait?(path, try file.lockHolders())
        }
        if let onPause = waiting.onPause, onPause(path) { continue }
        usleep(UInt32(pause / .microseconds(1)))
        pause = min(pause * 2, longestPause)
      }
    } catch .timedOut {
      throw FileError(
        operation: "lock", path: path, errno: .timedOut,
        detail: .lockHeld(
          (try? file.lockHolders()) ?? [], seconds: Int(waiting.limit / .seconds(1))))
    } catch {
      throw FileError(operation: "lock", path: path, errno: error)
    }
  }
}

extension Descriptor {
  fileprivate func lockHolders() throws(Errno) -> [LockHolder] {
    LockHolder.holders(inode: try metadata().inode)
  }
}

extension [LockHolder] {
  /// `flock (process 4711)`, or a text for the case that no holder is known.
  package var names: String {
    isEmpty
      ? "a process that cannot be seen from here, such as one on another machine or in a container"
      : map(\.description).joined(separator: ", ")
  }
}
