/// How much a connection may have in flight: asked for, and not yet answered.
package struct RequestWindow: Sendable {
  /// Pieces of work, at least 1.
  package let limitCount: Int
  /// Bytes that the answers hold. One piece of any size is always let in, when it is alone.
  package let limitBytes: Int

  package private(set) var count = 0
  package private(set) var bytes = 0

  package init(limitCount: Int, limitBytes: Int) {
    self.limitCount = limitCount
    self.limitBytes = limitBytes
  }

  var isFull: Bool { count >= limitCount || bytes >= limitBytes }

  func admits(_ costBytes: Int) -> Bool {
    count == 0 || (count < limitCount && bytes + costBytes <= limitBytes)
  }

  mutating func enter(_ costBytes: Int) {
    count += 1
    bytes += costBytes
  }

  mutating func leave(_ costBytes: Int) {
    precondition(count > 0 && bytes >= costBytes, "work finished that never began")
    count -= 1
    bytes -= costBytes
  }
}

/// A request, or a piece of a long read, that is to be carried out.
package struct Work: Sendable, Hashable {
  package let request: Request
  /// The part of the request's range that this piece is about.
  package let offsetBytes: UInt64
  package let lengthBytes: UInt32
  /// Counts against ``RequestWindow/limitBytes``.
  package let costBytes: Int
  /// Which long read this is a piece of; nil when it is a request of its own.
  package let split: UInt32?

  package var range: Range<UInt64> { offsetBytes..<offsetBytes + UInt64(lengthBytes) }
}

/// A long read being handed out in pieces.
struct SplitRead {
  let id: UInt32
  let request: Request
  /// Where the next piece begins.
  var nextBytes: UInt64
  let endBytes: UInt64
}
