/// One put, and what became of it. It is sent once. An answer that was lost is not guessed: the object is read
/// back, and its bytes say whose put was applied. No two puts of different origin have the same bytes.
package struct SettledPut: Procedure {
  package enum Outcome: Sendable {
    /// The object has these bytes.
    case stored(ObjectVersion)
    /// It has others.
    case other([UInt8], ObjectVersion)
    /// There is no object. The put may still arrive, until the bound on delay.
    case absent
  }

  private let key: ObjectKey
  private let bytes: [UInt8]
  private let condition: PutCondition
  private let basis: Duration?
  private var isReading = false
  private var attempts = Attempts()

  /// Without a basis, the put relies on nothing that was observed before.
  package init(
    _ key: ObjectKey, _ bytes: [UInt8], if condition: PutCondition, basis: Duration? = nil
  ) {
    self.key = key
    self.bytes = bytes
    self.condition = condition
    self.basis = basis
  }

  package mutating func start(
    at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Outcome> {
    // What nobody can read again would stop every collector.
    let limitBytes = StoreRequest.smallObjectBytes
    guard key.area.holdsPacks || bytes.count <= limitBytes else {
      throw SessionProtocolError(
        .tooLarge, "\(key)", "it would have \(bytes.count) bytes, and only \(limitBytes) are read")
    }
    isReading = false
    return .ask(StoreRequest(.put(key, bytes, if: condition), basis: basis ?? now))
  }

  package mutating func take(
    _ answer: StoreAnswer, at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Outcome> {
    switch answer {
    case .stored(let version) where !isReading: return .done(.stored(version))
    case .conditionFailed where !isReading, .unknown, .expired:
      return try readBack(at: now)
    case .found(let found, let version) where isReading:
      return .done(found == bytes ? .stored(version) : .other(found, version))
    case .notFound where isReading: return .done(.absent)
    default: throw .unexpected(answer, key)
    }
  }

  private mutating func readBack(
    at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Outcome> {
    try attempts.count(key)
    isReading = true
    let limitBytes = max(bytes.count, StoreRequest.smallObjectBytes)
    return .ask(StoreRequest(.read(key, limitBytes: limitBytes), basis: now))
  }
}

/// Removes an object, again until the answer is known. Only for names that never come back: a removal that
/// arrives late finds nothing.
package struct SettledRemove: Procedure {
  private let key: ObjectKey
  private var attempts = Attempts()

  package init(_ key: ObjectKey) {
    self.key = key
  }

  package mutating func start(
    at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Void> {
    try attempts.count(key)
    return .ask(StoreRequest(.remove(key), basis: now))
  }

  package mutating func take(
    _ answer: StoreAnswer, at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<Void> {
    switch answer {
    case .removed, .notFound: return .done(())
    case .unknown, .expired: return try start(at: now)
    default: throw .unexpected(answer, key)
    }
  }
}

/// Reads an object, again until there is an answer.
package struct SettledRead: Procedure {
  private let key: ObjectKey
  private var attempts = Attempts()

  package init(_ key: ObjectKey) {
    self.key = key
  }

  package mutating func start(
    at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<[UInt8]?> {
    try attempts.count(key)
    let limitBytes = StoreRequest.smallObjectBytes
    return .ask(StoreRequest(.read(key, limitBytes: limitBytes), basis: now))
  }

  package mutating func take(
    _ answer: StoreAnswer, at now: Duration
  ) throws(SessionProtocolError) -> ProcedureStep<[UInt8]?> {
    switch answer {
    case .found(let bytes, _): return .done(bytes)
    case .notFound: return .done(nil)
    case .unknown, .expired: return try start(at: now)
    default: throw .unexpected(answer, key)
    }
  }
}
