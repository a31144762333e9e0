import Glibc

/// The failure of a thread, queue, pool or pipeline.
package struct WorkersError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// The work was cancelled through a ``CancellationFlag``.
    case cancelled
    /// The queue was finished, or another error, reported elsewhere, stopped the pipeline.
    case closed
    /// The system refused a new thread.
    case noThread
  }

  package let code: Code
  package let description: String

  package static let cancelled = WorkersError(code: .cancelled, description: "cancelled")

  static func closed(_ name: String) -> WorkersError {
    WorkersError(code: .closed, description: "\(name) takes no more work: it has been closed")
  }

  static func noThread(_ name: String, errno: CInt) -> WorkersError {
    let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
    return WorkersError(
      code: .noThread, description: "cannot start thread \(name): \(reason)")
  }
}
