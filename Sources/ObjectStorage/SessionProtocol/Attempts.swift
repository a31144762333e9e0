/// How often a request, or a round of them, is tried in vain. A store that never gets any further is an error.
struct Attempts {
  private static let limit = 16
  private var tried = 0

  /// Counts one more attempt.
  mutating func count(_ object: some CustomStringConvertible) throws(SessionProtocolError) {
    guard tried < Self.limit else {
      throw SessionProtocolError(
        .unanswered, "\(object)", "the store gave no useful answer, \(Self.limit) times in a row")
    }
    tried += 1
  }

  /// The last one was not in vain.
  mutating func restart() { tried = 0 }
}
