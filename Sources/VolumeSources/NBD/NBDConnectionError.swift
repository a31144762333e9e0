import CNBD
import Glibc
package import SystemPackage

/// Why an NBD server, or the way to it, did not do what was asked.
package struct NBDConnectionError: Error, Sendable, Hashable {
  package enum Operation: Sendable, Hashable {
    case connect
    case read(offsetBytes: UInt64)
    case write(offsetBytes: UInt64)
    case flush
  }

  package let operation: Operation
  /// As libnbd words it.
  package let reason: String
  package let errno: Errno

  init(_ operation: Operation, _ error: NBDError) {
    self.operation = operation
    reason = error.reason
    errno = error.errno
  }
}

/// What libnbd says of the last call of this thread that failed.
struct NBDError {
  let reason: String
  let errno: Errno

  static var last: NBDError {
    NBDError(
      reason: nbd_get_error().map { String(cString: $0) } ?? "unknown error",
      errno: Errno(rawValue: nbd_get_errno()))
  }
}
