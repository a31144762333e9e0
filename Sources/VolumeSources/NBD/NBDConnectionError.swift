import CNBD
import Glibc
package import SystemPackage

/// The failure of an NBD server, or of the connection to it.
package struct NBDConnectionError: Error, Sendable, Hashable {
  package enum Operation: Sendable, Hashable {
    case connect
    case read(offsetBytes: UInt64)
    case write(offsetBytes: UInt64)
    case flush
  }

  package let operation: Operation
  /// The reason, in the words of libnbd.
  package let reason: String
  package let errno: Errno

  init(_ operation: Operation, _ error: NBDError) {
    self.operation = operation
    reason = error.reason
    errno = error.errno
  }
}

/// The error of this thread's last failed call of libnbd.
struct NBDError {
  let reason: String
  let errno: Errno

  static var last: NBDError {
    NBDError(
      reason: nbd_get_error().map { String(cString: $0) } ?? "unknown error",
      errno: Errno(rawValue: nbd_get_errno()))
  }
}
