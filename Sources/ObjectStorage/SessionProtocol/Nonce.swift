/// Sixteen random bytes and a count of attempts: no two puts of a session or condemnation have the same bytes.
/// So each state has a version of its own, even where versions are hashes of content, and a put that was
/// delayed can never meet the version that it waits for a second time.
package struct Nonce: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64
  package let attempt: UInt32

  package init(high: UInt64, low: UInt64, attempt: UInt32 = 0) {
    self.high = high
    self.low = low
    self.attempt = attempt
  }

  /// For the next attempt at the same put.
  var next: Nonce { Nonce(high: high, low: low, attempt: attempt + 1) }
}
