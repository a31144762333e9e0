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

/// A store without locks: strongly consistent reads, lists and conditional puts.
package protocol LocklessStore {
  /// Sends a request, and waits for its answer for a limited time. The implementation dates the request with
  /// its basis, and does not send it if it has expired.
  func answer(to request: StoreRequest) throws(SessionProtocolError) -> StoreAnswer

  /// The client's monotonic clock.
  var now: Duration { get }
}

extension LocklessStore {
  /// Runs a procedure to its end.
  package func run<P: Procedure>(_ procedure: P) throws(SessionProtocolError) -> P.Outcome {
    var procedure = procedure
    var step = try procedure.start(at: now)
    while true {
      switch step {
      case .done(let outcome): return outcome
      case .ask(let request): step = try procedure.take(answer(to: request), at: now)
      }
    }
  }
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
