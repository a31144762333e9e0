package import ChunkFormat
package import Remedies
import VolumeMap

/// Why a part of a volume could not be read: which volume, where, and which pack is to blame.
package struct VolumeReadError: RemediedError {
  /// The kinds of failure a caller tells apart.
  package enum Code: Equatable, Sendable {
    /// The range exceeds the volume. This is an error of the caller.
    case invalidRange
    /// No pack has the content, or its pack is gone.
    case missing
    /// A map node or a record is not valid.
    case damaged
    /// The storage returned an error.
    case unreadable
  }

  package let code: Code
  /// The name of the volume that its reader uses.
  package let volume: String
  /// The bytes of the volume that could not be read because of the failure.
  package private(set) var range: Range<UInt64>
  /// The pack concerned, if there is one.
  package let pack: PackID?
  /// The expected and the actual content.
  package let message: String
  package let cause: (any Error)?
  package var remedy: Remedy? { nil }

  package init(
    _ code: Code, volume: String, range: Range<UInt64>, pack: PackID? = nil, message: String,
    cause: (any Error)? = nil
  ) {
    self.code = code
    self.volume = volume
    self.range = range
    self.pack = pack
    self.message = message
    self.cause = cause
  }

  /// Returns the same failure for the part of the volume that was requested.
  func clamped(to asked: Range<UInt64>) -> VolumeReadError {
    var error = self
    error.range = range.clamped(to: asked)
    return error
  }

  init(_ failure: RecordFailure, volume: String, range: Range<UInt64>) {
    self.init(
      failure.code, volume: volume, range: range, pack: failure.pack, message: failure.message,
      cause: failure.cause)
  }

  init(_ error: MapError, volume: String, concerning range: Range<UInt64>) {
    let cause = error.cause.map { RecordFailure($0) }
    let code: Code =
      switch error.code {
      case .corrupt: .damaged
      case .unreadableNode: cause?.code ?? .unreadable
      case .invalidArgument: .invalidRange
      }
    self.init(
      code, volume: volume, range: range,
      pack: cause?.pack, message: error.description, cause: error)
  }
}

extension VolumeReadError: CustomStringConvertible {
  package var description: String {
    let place = "\(volume): \(range.count) bytes at offset \(range.lowerBound)"
    // A message from the store names the pack already.
    guard let pack, !message.contains(pack.description) else { return "\(place): \(message)" }
    return "\(place), pack \(pack): \(message)"
  }
}
