package import NIOCore

/// A request to carry out, or one piece of a long read or write.
package struct Work: Sendable {
  package let request: Request
  /// The offset of this piece; with ``lengthBytes``, a part of the range of the request.
  package let offsetBytes: UInt64
  package let lengthBytes: UInt64
  /// The ``lengthBytes`` of data to write. Nil unless this is a write.
  package let payload: ByteBuffer?
  /// The contexts whose status is requested. Empty unless this is a status request.
  package let contexts: [MetaContext]
  /// Counts against ``RequestWindow/limitBytes``.
  package let costBytes: Int
  /// The long request that this piece belongs to. Nil when this is a whole request.
  package let split: UInt32?

  /// Creates the work for a whole request.
  init(_ request: Request, costBytes: Int, contexts: [MetaContext] = []) {
    self.request = request
    offsetBytes = request.offsetBytes
    lengthBytes = request.lengthBytes
    payload = nil
    self.contexts = contexts
    self.costBytes = costBytes
    split = nil
  }

  /// Creates the work for a part of a read, or with a payload, of a write.
  init(_ request: Request, range: Range<UInt64>, payload: ByteBuffer? = nil, split: UInt32?) {
    self.request = request
    offsetBytes = range.lowerBound
    lengthBytes = range.upperBound - range.lowerBound
    self.payload = payload
    contexts = []
    costBytes = Int(lengthBytes)
    self.split = split
  }

  package var range: Range<UInt64> { offsetBytes..<offsetBytes + lengthBytes }
}

/// The state of a request after one of its pieces is finished.
package struct Completion: Sendable, Equatable {
  /// Whether no piece is left, so that the reply may be marked as done.
  package var isLast: Bool
  /// The first failure reported for a piece.
  package var failure: Refusal?

  package init(isLast: Bool, failure: Refusal?) {
    self.isLast = isLast
    self.failure = failure
  }
}

/// Returns the range of a read or write in pieces, if it is long.
struct PieceCutter {
  let request: Request
  /// Nil when the request is one piece.
  let split: UInt32?
  /// Where the next piece begins.
  private(set) var nextBytes: UInt64
  private let endBytes: UInt64

  init(_ request: Request, endBytes: UInt64, split: UInt32?) {
    self.request = request
    self.split = split
    nextBytes = request.offsetBytes
    self.endBytes = endBytes
  }

  /// Returns the number of pieces of a long request. Cuts are at multiples of
  /// ``ServerConnection/pieceBytes`` of the export, so that concurrent writes of two pieces share
  /// no block.
  static func count(of range: Range<UInt64>) -> Int {
    let size = ServerConnection.pieceBytes
    return Int((range.upperBound - 1) / size - range.lowerBound / size + 1)
  }

  var isAtEnd: Bool { nextBytes == endBytes }

  var next: Range<UInt64> {
    guard split != nil else { return nextBytes..<endBytes }
    let size = ServerConnection.pieceBytes
    return nextBytes..<min((nextBytes / size + 1) * size, endBytes)
  }

  mutating func advance() { nextBytes = next.upperBound }
}

/// The pieces of a split request that are still unfinished, and its first failure.
struct SplitDebt {
  var pieces: Int
  var failure: Refusal?
}
