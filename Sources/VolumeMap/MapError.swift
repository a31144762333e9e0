/// Why a map could not be built or read.
package struct MapError: Error, Sendable {
  /// The kinds of failure a caller tells apart.
  package enum Code: Equatable, Sendable {
    /// A node was read and is not what its place in the volume demands.
    case corrupt
    /// A node could not be read; `cause` says why.
    case unreadableNode
    /// A size, a chunk size, a range or an order that no map has: the caller's mistake.
    case invalidArgument
  }

  package let code: Code
  /// What was expected and what was found.
  package let message: String
  /// The part of the volume, in bytes, that cannot be known because of the failure; nil where it
  /// concerns no part.
  package let bytes: Range<UInt64>?
  /// What the reader of nodes threw.
  package let cause: (any Error)?

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
