import ObjectStorage
import Testing

/// Holds chunk 1.
let p1 = ObjectKey(.dataPacks, name("p1"))

/// A store and a clock for tests that say who does what when.
final class Transcript {
  let times = ProtocolTimes(term: .seconds(100), delayBound: .seconds(150))
  let store = SimulatedObjectStore()
  var content = SimulatedContent()
  private let clock = SettableClock(.seconds(1))
  private let sessions: SessionClient
  /// Nothing arrives.
  var isSilent = false
  /// No put arrives.
  var isIdle = false
  private var unanswered = 0
  private var nonces: UInt64 = 0

  func nonce() -> Nonce {
    nonces += 1
    // Between two of them are names for further attempts.
    return Nonce(high: 7, low: nonces << 16)
  }

  /// A store with one pack and no revision.
  init() throws {
    sessions = SessionClient(on: store, times: times) { [clock] in clock.now }
    let pack = content.seal([1], at: clock.now)
    store.put(pack.bytes, as: pack.key)
  }

  var now: Duration {
    get { clock.now }
    set { clock.now = newValue }
  }

  func run<P: Procedure>(_ procedure: P) throws -> P.Outcome {
    try client(procedure).finish()
  }

  func answer(to request: StoreRequest) throws -> StoreAnswer {
    if isSilent { return try keepSilent(about: request) }
    if isIdle, case .put = request.action { return try keepSilent(about: request) }
    return try sessions.answer(to: request)
  }

  /// A client that never ends fails.
  private func keepSilent(about request: StoreRequest) throws -> StoreAnswer {
    unanswered += 1
    guard unanswered < 10_000 else {
      throw SessionProtocolError(.store, "store", "it was asked again and again: \(request.action)")
    }
    return .unknown
  }

  func client<P: Procedure>(_ procedure: P) throws -> Client<P> {
    try Client(procedure, on: self)
  }

  func begin(
    _ role: SessionRole = .writing, pinning pinned: [String] = []
  ) throws -> BeginSession.Outcome {
    try run(BeginSession(role, pinning: pinned, nonce: nonce()))
  }

  /// Stores a revision with a session of its own.
  func backup(_ revision: String, _ chunks: [Chunk]) throws {
    let session = try begin().session
    let outcome = try run(
      CommitSession(session, revision: name(revision), document: chunks, nonce: nonce()))
    guard case .committed = outcome else {
      Issue.record("\(revision) is not committed")
      return
    }
    try run(CompleteSession(session.id))
  }

  func exists(_ area: ObjectArea, _ label: String) -> Bool {
    exists(ObjectKey(area, name(label, in: area)))
  }

  func exists(_ key: ObjectKey) -> Bool { store[key] != nil }

  /// A client that can be stopped before a request.
  final class Client<P: Procedure> {
    private var procedure: P
    private var step: ProcedureStep<P.Outcome>
    private unowned let transcript: Transcript

    init(_ procedure: P, on transcript: Transcript) throws {
      self.procedure = procedure
      self.transcript = transcript
      step = try self.procedure.start(at: transcript.now)
    }

    /// Goes on until it is about to change an object of an area, and gives that request.
    @discardableResult
    func pause(beforeChanging area: ObjectArea) throws -> StoreRequest {
      try pause(before: area) { $0.changes(area) }
    }

    func pause(beforeReading area: ObjectArea) throws {
      try pause(before: area) { $0.reads(area) }
    }

    @discardableResult
    private func pause(
      before area: ObjectArea, _ isIt: (StoreRequest.Action) -> Bool
    ) throws -> StoreRequest {
      while case .ask(let request) = step {
        if isIt(request.action) { return request }
        try go(request)
      }
      throw SessionProtocolError(.unexpectedAnswer, "\(area)", "the client never changed it")
    }

    /// The next request gets no answer. It is not applied, unless the test does so.
    func loseRequest() throws {
      step = try procedure.take(.unknown, at: transcript.now)
    }

    func advance(requests: Int) throws {
      for _ in 0..<requests {
        guard case .ask(let request) = step else { return }
        try go(request)
      }
    }

    func finish() throws -> P.Outcome {
      while true {
        switch step {
        case .done(let outcome): return outcome
        case .ask(let request): try go(request)
        }
      }
    }

    private func go(_ request: StoreRequest) throws {
      step = try procedure.take(transcript.answer(to: request), at: transcript.now)
    }
  }
}

extension StoreRequest.Action {
  func changes(_ area: ObjectArea) -> Bool {
    switch self {
    case .put(let key, _, _), .remove(let key): key.area == area
    case .read, .list: false
    }
  }

  func reads(_ area: ObjectArea) -> Bool {
    if case .read(let key, _) = self { key.area == area } else { false }
  }
}

/// A collector of a transcript. It pardons what is needed, unless told to rewrite.
final class TranscriptCollector {
  private let name: String
  private unowned let transcript: Transcript
  private var memory = CollectorMemory()
  private var pass: CollectorPass?
  private var step: CollectorStep
  var rewrites = false
  /// What it pardons although nothing needs it.
  var pardons: Set<ObjectKey> = []

  init(_ name: String, on transcript: Transcript) {
    self.name = name
    self.transcript = transcript
    step = .done(memory)
  }

  func startPass(condemning packs: [ObjectKey] = []) throws {
    var pass = CollectorPass(
      memory: memory, times: transcript.times, condemning: packs, nonce: transcript.nonce())
    step = try pass.start(at: transcript.now)
    self.pass = pass
  }

  func finishPass() throws {
    while try advance(stoppingBefore: nil) {}
  }

  func runPass(condemning packs: [ObjectKey] = []) throws {
    try startPass(condemning: packs)
    try finishPass()
  }

  /// Goes on until it is about to change an object of an area for the `count`th time.
  func pause(beforeChanging area: ObjectArea, count: Int = 1) throws {
    while try advance(stoppingBefore: area) {}
    for _ in 1..<count {
      _ = try advance(stoppingBefore: nil)
      while try advance(stoppingBefore: area) {}
    }
    guard case .ask = step else {
      throw SessionProtocolError(.unexpectedAnswer, "\(area)", "\(name) never changed it")
    }
  }

  /// Sends this many requests; says whether the pass goes on.
  func advance(requests: Int) throws -> Bool {
    for _ in 0..<requests {
      guard try advance(stoppingBefore: nil) else { return false }
    }
    return true
  }

  /// Whether it went on.
  private func advance(stoppingBefore area: ObjectArea?) throws -> Bool {
    let now = transcript.now
    switch step {
    case .done(let memory):
      self.memory = memory
      return false
    case .ask(let request):
      if let area, request.action.changes(area) { return false }
      let answer = try transcript.answer(to: request)
      try go { try $0.take(answer, at: now) }
    case .judge(let survey):
      let needed = survey.packs.filter {
        !rewrites && !transcript.content.needed(survey, in: [$0]).isEmpty
      }
      try go { try $0.judged(pardoned: needed.union(pardons), at: now) }
    case .copy(let survey):
      let chunks = transcript.content.needed(survey, in: survey.packs)
      let packs = chunks.isEmpty ? [] : [transcript.content.seal(chunks, at: now)]
      try go { try $0.sealed(packs, at: now) }
    }
    return true
  }

  private func go(_ change: (inout CollectorPass) throws -> CollectorStep) throws {
    guard var pass else { return }
    step = try change(&pass)
    self.pass = pass
  }
}
