/// How much a connection may have in flight: asked for, and not yet answered.
package struct RequestWindow {
  /// Pieces of work, at least 1.
  package let limitCount: Int
  /// Bytes that the answers and the payloads hold. One piece of any size is always let in, when it
  /// is alone.
  package let limitBytes: Int

  /// Shared with other connections; nil where there is no bound but this one.
  private let memory: (any WindowMemory)?

  package private(set) var count = 0
  package private(set) var bytes = 0

  package init(limitCount: Int, limitBytes: Int, memory: (any WindowMemory)? = nil) {
    self.limitCount = limitCount
    self.limitBytes = limitBytes
    self.memory = memory
  }

  var isFull: Bool { count >= limitCount || bytes >= limitBytes }

  /// - Returns: whether there was room; false: the same is to be tried again.
  mutating func enter(_ costBytes: Int) -> Bool {
    guard count == 0 || (count < limitCount && bytes + costBytes <= limitBytes),
      memory?.take(costBytes) ?? true
    else { return false }
    count += 1
    bytes += costBytes
    return true
  }

  mutating func leave(_ costBytes: Int) {
    precondition(count > 0 && bytes >= costBytes, "work finished that never began")
    count -= 1
    bytes -= costBytes
    memory?.finish(costBytes)
  }
}
