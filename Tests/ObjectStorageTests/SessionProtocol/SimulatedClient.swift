import ObjectStorage

/// What a client does next.
enum Turn {
  case ask(StoreRequest, then: (StoreAnswer) throws -> Turn)
  case rest(Int, then: () throws -> Turn)
  case end
}

/// A client in a simulation: runs procedures one after another, and does its own part between them.
class SimulatedClient {
  let name: String
  unowned let world: SessionSimulation
  /// Its clock shows this more than the store's: no two clocks agree.
  let offset: Int
  private var nonces: UInt64 = 0

  init(_ name: String, in world: SessionSimulation, offset: Int) {
    self.name = name
    self.world = world
    self.offset = offset
  }

  var now: Duration { .seconds(world.time + offset) }

  func nonce() -> Nonce {
    nonces += 1
    // Between two of them are names for further attempts.
    return Nonce(high: name.utf8.reduce(0) { $0 << 8 | UInt64($1) }, low: nonces << 16)
  }

  func begin() throws -> Turn { .end }

  func run<P: Procedure>(
    _ procedure: P, then: @escaping (P.Outcome) throws -> Turn
  ) throws -> Turn {
    var procedure = procedure
    func turn(_ step: ProcedureStep<P.Outcome>) throws -> Turn {
      switch step {
      case .done(let outcome): return try then(outcome)
      case .ask(let request):
        return .ask(request) { try turn(procedure.take($0, at: self.now)) }
      }
    }
    return try turn(procedure.start(at: now))
  }
}
