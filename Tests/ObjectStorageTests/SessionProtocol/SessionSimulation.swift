import ObjectStorage
import TestSupport

/// One life of a repository on a store without locks: some clients at once, requests that are delayed or lost,
/// answers that are lost, clients that sleep or die. Everything follows from the seed.
final class SessionSimulation {
  private struct Event {
    let time: Int
    let action: () throws -> Void
  }

  static let delay = 160
  static let term = 80

  let times: ProtocolTimes
  let passes: Int
  private(set) var time = 0
  let store = SimulatedObjectStore()
  var content = SimulatedContent()
  private(set) var ledger = SessionLedger()
  private(set) var trace: [String] = []
  private(set) var requests = 0
  private let isTraced: Bool
  private var isCalm = false
  private var random: SeededRandom
  /// The next one last.
  private var events: [Event] = []

  init(seed: UInt64, isTraced: Bool = false) {
    random = SeededRandom(seed: seed)
    self.isTraced = isTraced
    times = ProtocolTimes(term: .seconds(Self.term), delayBound: .seconds(Self.delay))
    passes = 4 + Int(seed % 3)
    populate()
  }

  var violations: [String] { ledger.violations }

  func flip(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

  func number(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(random.next() % UInt64(range.count))
  }

  func ticks(of duration: Duration) -> Int { Int(duration.components.seconds) }

  func chunk() -> Chunk { Chunk(number(1...8)) }

  /// Two packs, one revision.
  private func populate() {
    content.hasMapPacks = true
    for chunks: Set<Chunk> in [[1, 2], [3, 4]] {
      let pack = content.seal(chunks, at: .zero)
      store.put(pack.bytes, as: pack.key)
    }
    let first = name("first")
    staged(first, [1, 3])
    store.put([1, 3], as: ObjectKey(.revisions, first))
    promise(first)
  }

  func run() {
    let writers = number(1...3)
    for index in 1...writers {
      start(SimulatedWriter("w\(index)", in: self, offset: number(0...9000)))
    }
    if flip(80) { start(SimulatedForgetter("f", in: self, offset: number(0...9000))) }
    if flip(50) { start(SimulatedReader("d", in: self, offset: number(0...9000))) }
    for index in 1...number(1...2) {
      start(SimulatedCollector("g\(index)", in: self, offset: number(0...9000)))
    }
    play()
    check()
    guard violations.isEmpty, flip(20) else { return }
    drain()
  }

  /// After all have ended and every request has arrived, a collector removes all that is not needed.
  private func drain() {
    isCalm = true
    time += Self.delay
    let collector = SimulatedCollector("last", in: self, offset: 0, isCareful: true)
    start(collector)
    play()
    check()
    if violations.isEmpty, !collector.isTidy {
      let left = ObjectArea.allCases.map { "\($0): \(store.names($0))" }
      ledger.violations.append("something is never collected: \(left.joined(separator: ", "))")
    }
  }

  private func play() {
    while violations.isEmpty, let event = events.popLast() {
      time = max(time, event.time)
      do { try event.action() } catch { ledger.violations.append("a client failed: \(error)") }
    }
  }

  private func at(_ time: Int, _ action: @escaping () throws -> Void) {
    var place = events.count
    while place > 0, events[place - 1].time <= time { place -= 1 }
    events.insert(Event(time: time, action: action), at: place)
  }

  // MARK: clients

  private func start(_ client: SimulatedClient) {
    var mishaps = isCalm ? Mishaps() : Mishaps(in: self)
    func carryOut(_ turn: Turn) throws {
      switch turn {
      case .end: note(client, "ends")
      case .rest(let ticks, let then): at(time + ticks) { try carryOut(then()) }
      case .ask(let request, let then):
        mishaps.count(request)
        guard !mishaps.isDeath else { return note(client, "dies") }
        let (before, after, isLate) = (mishaps.restBefore, mishaps.restAfter, mishaps.isLate)
        send(request, from: client, after: before, isLate: isLate) { answer, delay in
          self.at(self.time + delay + after) { try carryOut(then(answer)) }
        }
      }
    }
    at(time) { try carryOut(client.begin()) }
  }

  private func note(_ client: SimulatedClient, _ text: @autoclosure () -> String) {
    if isTraced { trace.append("\(time) \(client.name) \(text())") }
  }

  /// The fate of a request. `answer` is called once, with the answer and how long it takes.
  private func send(
    _ request: StoreRequest, from client: SimulatedClient, after rest: Int, isLate: Bool,
    answer: @escaping (StoreAnswer, Int) -> Void
  ) {
    requests += 1
    let fate = isCalm ? 0 : isLate ? 90 : number(0...99)
    let travel = number(1...2)
    let isLate = fate >= 88 && fate < 95
    if fate < 95 {
      at(time + rest + (isLate ? number(5...Self.delay + 2) : travel)) {
        let reply = self.arrive(request, client)
        if fate < 82 { answer(reply, travel) }
      }
    }
    if fate >= 82 { at(time + rest + 5) { answer(.unknown, 0) } }
  }

  private func arrive(_ request: StoreRequest, _ client: SimulatedClient) -> StoreAnswer {
    let now = client.now
    let answer: StoreAnswer
    do {
      answer = try SessionClient(on: store, times: times) { now }.answer(to: request)
    } catch {
      ledger.violations.append("the store failed: \(error)")
      return .unknown
    }
    note(client, "\(request.action) -> \(answer)")
    switch (request.action, answer) {
    case (.put(let key, let bytes, _), .stored):
      ledger.notePut(key, bytes, at: time, isCollector: client is SimulatedCollector)
      if key.area == .revisions || key.area == .sessions { check() }
    case (.remove(let key), .removed): if key.area != .staged { check() }
    default: break
    }
    return answer
  }

  // MARK: the ledger

  private func check() {
    ledger.check(store, chunks: content.chunks(in: store.packs))
  }

  func staged(_ revision: String, _ document: [Chunk]) { ledger.documents[revision] = document }
  func promise(_ revision: String) {
    ledger.promised.insert(revision)
    check()
  }
  func forgets(_ revision: String) { ledger.forgetting.insert(revision) }
  func exclude(_ revision: String, _ reason: String) {
    ledger.excluded[revision] = reason
    check()
  }
  func reads(_ session: String, _ document: [Chunk]) { ledger.reading[session] = document }
  func stopsReading(_ session: String) { ledger.reading[session] = nil }

  // MARK: what clients choose from

  func anyRevision() -> String? {
    let names = store.names(.revisions) + ledger.committed.values.sorted()
    return names.isEmpty ? nil : names[number(0...names.count - 1)]
  }

  func candidates() -> [ObjectKey] {
    packs.filter { _ in flip(40) }.prefix(3).map { $0 }
  }

  /// In an order that follows from the seed.
  private var packs: [ObjectKey] { store.packs.sorted { $0.name < $1.name } }

  /// Packs that hold nothing that is needed, or only what others hold, too.
  func garbage() -> [ObjectKey] {
    var kept = store.packs
    let needed = ledger.needed(store)
    for pack in packs {
      let others = content.chunks(in: kept.subtracting([pack]))
      if content.chunks(in: [pack]).intersection(needed).isSubset(of: others) { kept.remove(pack) }
    }
    return packs.filter { !kept.contains($0) }
  }

  var isTidy: Bool {
    let rest: [ObjectArea] = [.sessions, .staged, .condemned, .forgotten]
    return rest.allSatisfy { store.names($0).isEmpty } && garbage().isEmpty
  }
}
