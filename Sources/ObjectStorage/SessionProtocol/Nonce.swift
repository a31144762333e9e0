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

  /// Makes a new name for an object of the sessions or condemnations: the random bytes in hexadecimal digits.
  var name: String {
    [high, low].map { number in
      let digits = String(number, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// For another object than the one that has this nonce's name.
  var nextName: Nonce { Nonce(high: high, low: low &+ 1) }

  /// For the next attempt at the same put.
  var next: Nonce { Nonce(high: high, low: low, attempt: attempt + 1) }
}
