/// Limits how much work a connection may have in flight: requested, but not yet answered.
package struct RequestWindow {
  /// The limit for pieces of work, at least 1.
  package let limitCount: Int
  /// The limit for the bytes of replies and payloads. A single piece of any size is always admitted
  /// when nothing else is in flight.
  package let limitBytes: Int

  /// Shared with other connections. Nil if only this window limits the memory.
  private let memory: (any WindowMemory)?

  package private(set) var count = 0
  package private(set) var bytes = 0

  package init(limitCount: Int, limitBytes: Int, memory: (any WindowMemory)? = nil) {
    self.limitCount = limitCount
    self.limitBytes = limitBytes
    self.memory = memory
  }

  var isFull: Bool { count >= limitCount || bytes >= limitBytes }

  /// Admits a piece of work if there is room for it.
  ///
  /// - Returns: false if there is no room. The caller tries again later.
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
