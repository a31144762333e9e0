import ObjectStorage

/// A collector: some passes, with some rest between them. What it condemns is arbitrary: nothing that is needed
/// may be lost even then.
final class SimulatedCollector: SimulatedClient {
  private var memory = CollectorMemory()
  private var passes = 0
  /// Condemns, rewrites and pardons as it should, and comes to an end when all is tidy.
  private let isCareful: Bool
  private(set) var isTidy = false

  init(_ name: String, in world: SessionSimulation, offset: Int, isCareful: Bool = false) {
    self.isCareful = isCareful
    super.init(name, in: world, offset: offset)
  }

  override func begin() throws -> Turn {
    .rest(isCareful ? 1 : world.number(0...60)) { try self.pass() }
  }

  private func pass() throws -> Turn {
    passes += 1
    var pass = CollectorPass(
      memory: memory, times: world.times,
      condemning: isCareful ? world.garbage() : world.candidates(),
      nonce: nonce())
    func turn(_ step: CollectorStep) throws -> Turn {
      switch step {
      case .ask(let request):
        return .ask(request) { try turn(pass.take($0, at: self.now)) }
      case .judge(let survey):
        return try turn(pass.judged(pardoned: Set(self.pardoned(survey)), at: self.now))
      case .copy(let survey):
        let chunks = self.world.content.needed(survey, in: survey.packs)
        let packs = chunks.isEmpty ? [] : [self.world.content.seal(chunks, at: self.now)]
        return try turn(pass.sealed(packs, at: self.now))
      case .done(let memory):
        self.memory = memory
        return try self.rest()
      }
    }
    return try turn(pass.start(at: now))
  }

  private func rest() throws -> Turn {
    if isCareful {
      isTidy = world.isTidy
      return isTidy || passes == 12 ? .end : .rest(90) { try self.pass() }
    }
    guard passes < world.passes else { return .end }
    return .rest(world.number(1...40)) { try self.pass() }
  }

  private func pardoned(_ survey: CollectorSurvey) -> [ObjectKey] {
    survey.packs.sorted { $0.name < $1.name }.filter { pack in
      if world.content.needed(survey, in: [pack]).isEmpty { return !isCareful && world.flip(15) }
      return world.flip(50)
    }
  }
}
