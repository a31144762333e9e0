/// Runs the verbs of the session protocol on a storage.
package struct SessionClient: Sendable {
  private let storage: any ConditionalObjectStorage
  private let times: ProtocolTimes
  private let clock: @Sendable () -> Duration

  /// - Parameters:
  ///   - storage: holds the objects of the protocol.
  ///   - times: the term and the longest delay of a request; the same for all clients of the storage.
  ///   - clock: is monotonic, and does not stop while the machine is suspended. If it stopped, the client
  ///     would take a request for younger than it is, and the request could arrive too late.
  package init(
    on storage: any ConditionalObjectStorage, times: ProtocolTimes,
    clock: @escaping @Sendable () -> Duration = Self.systemClock
  ) {
    self.storage = storage
    self.times = times
    self.clock = clock
  }

  /// The time since this program first asked, that in which the machine is suspended included. (clock_gettime(2):
  /// `CLOCK_BOOTTIME`)
  package static let systemClock: @Sendable () -> Duration = {
    let start = ContinuousClock.now
    return { start.duration(to: .now) }
  }()

  package var now: Duration { clock() }

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

  /// Sends a request, unless it is older than the bound on delay, and gives the answer.
  package func answer(to request: StoreRequest) throws(SessionProtocolError) -> StoreAnswer {
    let age = now - request.basis
    guard age <= times.delayBound else { return .expired }
    do throws(StorageError) {
      return try Self.carryOut(request.action, on: storage, age: age)
    } catch {
      switch error.code {
      case .unanswered: return .unknown
      case .tooLarge: throw SessionProtocolError(.tooLarge, error.place, error.description)
      default: throw SessionProtocolError(.store, error.place, error.description)
      }
    }
  }

  private static func carryOut(
    _ action: StoreRequest.Action, on storage: any ConditionalObjectStorage, age: Duration
  ) throws(StorageError) -> StoreAnswer {
    switch action {
    case .put(let key, let bytes, let condition):
      let version = try storage.put(bytes, as: key, if: condition, age: age)
      return version.map(StoreAnswer.stored) ?? .conditionFailed
    case .read(let key, let limitBytes):
      let found = try storage.find(key, limitBytes: limitBytes)
      return found.map { .found($0.bytes, $0.version) } ?? .notFound
    case .list(let area, let after): return .page(try storage.page(of: area, after: after))
    case .remove(let key): return try storage.remove(key) ? .removed : .notFound
    }
  }
}
