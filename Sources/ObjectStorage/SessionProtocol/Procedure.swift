/// One verb of the session protocol as a value: it says which request comes next, and takes the answer. It
/// knows no store, no clock and no source of random numbers.
package protocol Procedure {
  associatedtype Outcome

  /// The first step. `now` is a moment on the client's own monotonic clock.
  mutating func start(at now: Duration) throws(SessionProtocolError) -> ProcedureStep<Outcome>

  /// The step after the answer to the last request.
  mutating func take(
    _ answer: StoreAnswer, at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Outcome>
}

package enum ProcedureStep<Outcome> {
  case ask(StoreRequest)
  case done(Outcome)
}

/// Why a procedure ended early. Nothing was deleted because of it.
package struct SessionProtocolError: Error, Sendable, CustomStringConvertible {
  package enum Code: Sendable {
    /// An object is not what it should be.
    case damaged
    /// A store answered something that does not fit the request.
    case unexpectedAnswer
    /// The store did not answer, or never did what it was asked to. What was asked for last may still happen.
    case unanswered
    /// The object is, or would be, longer than its readers take.
    case tooLarge
    /// The store could not be reached, or refused.
    case store
  }

  package let code: Code
  /// The object concerned.
  package let object: String
  package let cause: String

  package init(_ code: Code, _ object: String, _ cause: String) {
    self.code = code
    self.object = object
    self.cause = cause
  }

  package var description: String { "\(object): \(cause)" }

  static func unexpected(_ answer: StoreAnswer, _ object: some CustomStringConvertible) -> Self {
    Self(.unexpectedAnswer, "\(object)", "the store gave an answer of the wrong kind: \(answer)")
  }
}
