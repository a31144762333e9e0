package import Remedies

/// Why a map could not be built or read.
package struct MapError: RemediedError {
  /// The kinds of failure that a caller distinguishes.
  package enum Code: Equatable, Sendable {
    /// A node was read, and it does not fit its position in the volume.
    case corrupt
    /// A node could not be read; `cause` is the error.
    case unreadableNode
    /// An impossible size, chunk size, range or order: a mistake of the caller.
    case invalidArgument
  }

  package let code: Code
  /// The expected and the found value, or the operation that failed.
  package let message: String
  /// The part of the volume whose content is unknown because of the failure, as a range of bytes;
  /// nil if the failure concerns no part.
  package let bytes: Range<UInt64>?
  /// The error of the node reader, if it failed.
  package let cause: (any Error)?
  package var remedy: Remedy? { nil }

  package init(
    _ code: Code, _ message: String, bytes: Range<UInt64>? = nil, cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.bytes = bytes
    self.cause = cause
  }
}

extension MapError: CustomStringConvertible {
  package var description: String {
    let place = bytes.map { " at offset \($0.lowerBound)" } ?? ""
    let reason = cause.map { ": \($0)" } ?? ""
    return "map\(place): \(message)\(reason)"
  }
}
