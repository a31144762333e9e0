package import NIOCore

/// A request, or a piece of a long read or write, that is to be carried out.
package struct Work: Sendable {
  package let request: Request
  /// The part of the request's range that this piece is about.
  package let offsetBytes: UInt64
  package let lengthBytes: UInt64
  /// What is to be written, ``lengthBytes`` of it; nil unless this is a write.
  package let payload: ByteBuffer?
  /// What a status is to tell of; empty unless this is one.
  package let contexts: [MetaContext]
  /// Counts against ``RequestWindow/limitBytes``.
  package let costBytes: Int
  /// Which long request this is a piece of; nil when it is a request of its own.
  package let split: UInt32?

  /// All of a request.
  init(_ request: Request, costBytes: Int, contexts: [MetaContext] = []) {
    self.request = request
    offsetBytes = request.offsetBytes
    lengthBytes = request.lengthBytes
    payload = nil
    self.contexts = contexts
    self.costBytes = costBytes
    split = nil
  }

  /// A part of a read, or with a payload, of a write.
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

/// What has come of a request once a piece of it is finished.
package struct Completion: Sendable, Equatable {
  /// Nothing more is owed, so that the reply may say that it is done.
  package var isLast: Bool
  /// The first failure of a piece that was told of.
  package var failure: Refusal?

  package init(isLast: Bool, failure: Refusal?) {
    self.isLast = isLast
    self.failure = failure
  }
}

/// The range of a read or write on its way to being handed out, in pieces if it is long.
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

  /// Pieces that long requests are cut into: at multiples of ``ServerConnection/pieceBytes`` of the
  /// export, so that pieces written at once share no block.
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

/// What is owed for a request that was handed out in pieces.
struct SplitDebt {
  var pieces: Int
  var failure: Refusal?
}
