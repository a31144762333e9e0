/// One pass of a collector over the repository: it fences sessions that are not renewed, completes committed
/// ones, condemns packs, pardons those that are needed, deletes the others, and removes tombstones and staged
/// revisions that nobody waits for. What has to wait is left for the next pass.
///
/// The order of the lists is the protocol (session protocol, "A collector's pass").
package struct CollectorPass {
  enum Stage {
    case tombstones, staged, condemnations, condemning
    case sessions, settlingSession, removingSession
    case revisions, forgotten
    case absent, dataPacks, mapPacks, settling, copying, deleting, removingCondemnation
    case tidying
  }

  enum SessionTask {
    case complete(String)
    case fence(String, SessionRole, ObjectVersion)
    case remove(String)
  }

  struct Condemnation {
    var record: CondemnationRecord
    var version: ObjectVersion
  }

  let times: ProtocolTimes
  private let id: String
  private let candidates: [ObjectKey]
  private var nonce: Nonce
  var memory: CollectorMemory
  var work: Work?
  var stage = Stage.tombstones

  /// Revisions that were forgotten before the sessions were listed.
  var forgottenBefore: Set<String> = []
  /// The session of each staged revision.
  var staged: [String: String] = [:]
  var condemnations: [String: Condemnation] = [:]
  var sessionTasks: [SessionTask] = []
  /// Sessions that were listed.
  var listed: Set<String> = []
  /// Those that may still commit or read.
  var active: [String: SessionObject] = [:]
  /// Revisions that a session may still put into `revisions/`.
  var committed: Set<String> = []
  var roots: [String: [UInt8]] = [:]
  var revisionsListed = Duration.zero
  var revisions: Set<String> = []
  var packsListed = Duration.zero
  /// All condemnations that were there after the sessions were listed.
  var condemned: Set<String> = []
  var absentPacks: Set<ObjectKey> = []
  var packs: Set<ObjectKey> = []
  var isJudged = false
  var copyRounds = 0
  var settlements: [(name: String, record: CondemnationRecord)] = []
  var copies: [SealedPack] = []
  var removals: [ObjectKey] = []

  /// `candidates` are packs that seem to be garbage, or worth rewriting; a survey at any earlier time says so.
  package init(
    memory: CollectorMemory, times: ProtocolTimes, condemning candidates: [ObjectKey],
    nonce: Nonce
  ) {
    self.memory = memory
    self.times = times
    self.candidates = candidates
    id = nonce.name
    self.nonce = nonce
  }

  mutating func freshNonce() -> Nonce {
    nonce = nonce.next
    return nonce
  }

  package mutating func start(at now: Duration) throws(SessionProtocolError) -> CollectorStep {
    try begin(.tombstones, .listing(Listing(.forgotten)), at: now)
  }

  package mutating func take(
    _ answer: StoreAnswer, at now: Duration
  ) throws(SessionProtocolError) -> CollectorStep {
    guard let step = try work?.step(answer, at: now) else {
      throw .unexpected(answer, "collector")
    }
    return try go(step, at: now)
  }

  mutating func begin(
    _ stage: Stage, _ work: Work, at now: Duration
  ) throws(SessionProtocolError) -> CollectorStep {
    self.stage = stage
    self.work = work
    guard let step = try self.work?.step(nil, at: now) else {
      preconditionFailure("work was set above")
    }
    return try go(step, at: now)
  }

  private mutating func go(
    _ step: ProcedureStep<Work.Outcome>, at now: Duration
  ) throws(SessionProtocolError) -> CollectorStep {
    switch step {
    case .ask(let request): .ask(request)
    case .done(let outcome): try next(after: outcome, at: now)
    }
  }

  private mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> CollectorStep {
    switch (stage, outcome) {
    case (.tombstones, .names(let names)):
      forgottenBefore = Set(names)
      return try begin(.staged, .snapshot(Snapshot(.staged)), at: now)
    case (.staged, .objects(let objects)):
      for object in objects {
        staged[object.name] = try StagedRecord(object.bytes, of: object.name).session
      }
      return try begin(.condemnations, .snapshot(Snapshot(.condemned)), at: now)
    case (.condemnations, .objects(let objects)):
      try note(objects, at: now)
      return try condemn(at: now)
    case (.condemning, .put(let outcome)):
      // One that is there late, or that somebody else has settled, is the next pass's.
      if case .stored(let version) = outcome { noteOwn(version) }
      return try begin(.sessions, .snapshot(Snapshot(.sessions)), at: now)
    case (.sessions, .objects(let objects)):
      try watch(objects, at: now)
      return try settleNextSession(at: now)
    case (.settlingSession, _): return try settled(outcome, at: now)
    case (.removingSession, _): return try settleNextSession(at: now)
    case (.revisions, .objects(let objects)):
      revisions = Set(objects.map(\.name))
      addRoots(objects)
      return try begin(.forgotten, .snapshot(Snapshot(.forgotten)), at: now)
    case (.forgotten, .objects(let objects)):
      addRoots(objects)
      return try listPacks(at: now)
    default: return try nextOfCondemnations(after: outcome, at: now)
    }
  }

  private mutating func condemn(at now: Duration) throws(SessionProtocolError) -> CollectorStep {
    guard !candidates.isEmpty else {
      return try begin(.sessions, .snapshot(Snapshot(.sessions)), at: now)
    }
    let record = CondemnationRecord(.condemned, nonce, packs: candidates)
    return try begin(
      .condemning, .put(SettledPut(ObjectKey(.condemned, id), record.bytes, if: .absent)), at: now)
  }

  private mutating func noteOwn(_ version: ObjectVersion) {
    let record = CondemnationRecord(.condemned, nonce, packs: candidates)
    condemnations[id] = Condemnation(record: record, version: version)
  }

  /// Forgotten revisions count, too, unless they were forgotten before the sessions were listed: then no session
  /// that was listed later can have found one, and pinned it.
  private mutating func addRoots(_ objects: [Snapshot.Object]) {
    let pinned = pins
    for object in objects
    where !forgottenBefore.contains(object.name) || pinned.contains(object.name) {
      roots[object.name] = object.bytes
    }
  }

  var pins: Set<String> {
    var pins: Set<String> = []
    for record in active.values {
      if case .active(let pinned) = record.state { pins.formUnion(pinned) }
    }
    return pins
  }
}
