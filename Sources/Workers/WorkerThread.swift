import CLinux
import Glibc
import Synchronization

/// A thread for work that blocks or computes for a long time, outside of event loops and Swift's
/// cooperative pool.
///
/// A thread that is never joined ends by itself after its work.
package final class WorkerThread: Sendable {
  /// Enough for the work on these threads (zstd keeps its state on the heap), and small enough for
  /// hundreds of threads. By default glibc uses the soft limit of `ulimit -s`, usually 8 MiB.
  package static let stackSizeBytes = 1 << 20

  /// The limit of `prctl(PR_SET_NAME)`: 16 bytes with the terminating zero.
  private static let nameLimitBytes = 15

  private let thread: Mutex<pthread_t?>

  /// Starts a thread that runs `work`.
  ///
  /// - Parameter name: shown by `top -H` and debuggers; cut to at most 15 bytes.
  /// - Throws: ``WorkersError`` with code `noThread` if the system refuses.
  package init(name: String, _ work: @escaping @Sendable () -> Void) throws(WorkersError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, Self.stackSizeBytes)

    let start = Unmanaged.passRetained(Start(name: name, work: work))
    var thread = pthread_t()
    let failure = pthread_create(&thread, &attributes, runThread, start.toOpaque())
    guard failure == 0 else {
      start.release()
      throw .noThread(name, errno: failure)
    }
    self.thread = Mutex(thread)
  }

  deinit {
    thread.withLock { thread in
      if let thread { pthread_detach(thread) }
    }
  }

  /// Waits until the work has ended; returns at once if the thread was joined before. The thread
  /// itself must not call this.
  package func join() {
    thread.withLock { thread in
      guard let running = thread else { return }
      pthread_join(running, nil)
      thread = nil
    }
  }

  fileprivate final class Start: Sendable {
    let name: String
    let work: @Sendable () -> Void

    init(name: String, work: @escaping @Sendable () -> Void) {
      self.name = name
      self.work = work
    }

    func run() {
      _ = linux_set_thread_name(name.prefix(bytes: WorkerThread.nameLimitBytes))
      work()
    }
  }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  Unmanaged<WorkerThread.Start>.fromOpaque(argument).takeRetainedValue().run()
  return nil
}

extension String {
  /// The longest prefix, in whole characters, of at most `limit` bytes of UTF-8.
  fileprivate func prefix(bytes limit: Int) -> String {
    var result = self
    while result.utf8.count > limit { result.removeLast() }
    return result
  }
}
