/// How much a connection may have in flight: asked for, and not yet answered.
package struct RequestWindow: Sendable {
  /// Pieces of work, at least 1.
  package let limitCount: Int
  /// Bytes that the answers and the payloads hold. One piece of any size is always let in, when it
  /// is alone.
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
