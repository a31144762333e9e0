/// One of the small procedures that the verbs are made of.
package enum Work {
  case listing(Listing)
  case snapshot(Snapshot)
  case read(SettledRead)
  case put(SettledPut)
  case remove(SettledRemove)
  indirect case complete(CompleteSession)
  indirect case change(ChangeSession)
  indirect case lookUp(LookUpRevision)
  /// Only while a step is taken.
  case none

  package enum Outcome {
    case names([String])
    case objects([Snapshot.Object])
    case content([UInt8]?)
    case put(SettledPut.Outcome)
    case removed
    case completed
    case session(ChangeSession.Outcome)
    case revision(LookUpRevision.Outcome)
  }

  /// The first step, or the one after an answer.
  mutating func step(
    _ answer: StoreAnswer?, at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Outcome> {
    // What `self` still held would be copied by the first change of `part`.
    switch self {
    case .listing(var part):
      self = .none
      defer { self = .listing(part) }
      return try part.step(answer, at: now).map(Outcome.names)
    case .snapshot(var part):
      self = .none
      defer { self = .snapshot(part) }
      return try part.step(answer, at: now).map(Outcome.objects)
    case .read(var part):
      self = .none
      defer { self = .read(part) }
      return try part.step(answer, at: now).map(Outcome.content)
    case .put(var part):
      self = .none
      defer { self = .put(part) }
      return try part.step(answer, at: now).map(Outcome.put)
    case .remove(var part):
      self = .none
      defer { self = .remove(part) }
      return try part.step(answer, at: now).map { .removed }
    case .complete(var part):
      self = .none
      defer { self = .complete(part) }
      return try part.step(answer, at: now).map { .completed }
    case .change(var part):
      self = .none
      defer { self = .change(part) }
      return try part.step(answer, at: now).map(Outcome.session)
    case .lookUp(var part):
      self = .none
      defer { self = .lookUp(part) }
      return try part.step(answer, at: now).map(Outcome.revision)
    case .none: preconditionFailure("this work has failed before")
    }
  }
}

extension Procedure {
  fileprivate mutating func step(
    _ answer: StoreAnswer?, at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Outcome> {
    if let answer { try take(answer, at: now) } else { try start(at: now) }
  }
}

extension ProcedureStep {
  func map<Other>(_ change: (Outcome) -> Other) -> ProcedureStep<Other> {
    switch self {
    case .ask(let request): .ask(request)
    case .done(let outcome): .done(change(outcome))
    }
  }
}

/// A verb that does one piece of work after another.
package protocol ComposedProcedure: Procedure {
  /// The piece that runs.
  var work: Work? { get set }

  mutating func first(at now: Duration) throws(SessionProtocolError) -> NextWork<Outcome>

  mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome>
}

package enum NextWork<Outcome> {
  case work(Work)
  case done(Outcome)
}

extension ComposedProcedure {
  package mutating func start(
    at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Outcome> {
    try run(try first(at: now), at: now)
  }

  package mutating func take(
    _ answer: StoreAnswer, at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Outcome> {
    switch try work?.step(answer, at: now) {
    case .ask(let request): return .ask(request)
    case .done(let outcome): return try run(try next(after: outcome, at: now), at: now)
    case nil: throw .unexpected(answer, "session protocol")
    }
  }

  private mutating func run(
    _ step: NextWork<Outcome>, at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Outcome> {
    var step = step
    while true {
      switch step {
      case .done(let outcome): return .done(outcome)
      case .work(let work):
        self.work = work
        switch try self.work?.step(nil, at: now) {
        case .done(let outcome): step = try next(after: outcome, at: now)
        case .ask(let request): return .ask(request)
        case nil: preconditionFailure("work was set above")
        }
      }
    }
  }
}
