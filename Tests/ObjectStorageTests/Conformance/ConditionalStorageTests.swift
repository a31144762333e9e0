import LocalObjects
import ObjectStorage
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What every storage with conditional put has to do. `Kind` makes a new one.
@Suite("Conditional storage")
struct ConditionalStorageTests {
  enum Kind: CaseIterable {
    case simulated, directory, simulatedDirectory
  }

  /// An empty storage, and what it lies in.
  private final class Place {
    let storage: any ConditionalObjectStorage
    private let directory: TemporaryDirectory?

    init(_ kind: Kind) throws {
      switch kind {
      case .simulated:
        directory = nil
        storage = SimulatedObjectStore()
      case .directory:
        let directory = try TemporaryDirectory(inMemory: true)
        self.directory = directory
        let local = LocalObjects(root: directory.path.appending("r"))
        try local.create()
        storage = local
      case .simulatedDirectory:
        directory = nil
        let local = LocalObjects(root: "/r", fileSystem: SimulatedFileSystem())
        try local.create()
        storage = local
      }
    }

    func put(
      _ bytes: [UInt8], _ key: ObjectKey, if condition: PutCondition = .absent
    ) throws -> ObjectVersion? {
      try storage.put(bytes, as: key, if: condition, age: .zero)
    }

    func bytes(_ key: ObjectKey) throws -> [UInt8]? {
      try storage.find(key, limitBytes: 64 << 20)?.bytes
    }

    /// All names, page by page.
    func names(_ area: ObjectArea) throws -> [String] {
      var names: [String] = []
      while true {
        let page = try storage.page(of: area, after: names.last ?? "")
        names += page.names
        guard page.hasMore else { return names }
      }
    }
  }

  /// The areas that the session protocol uses.
  static let areas: [ObjectArea] = [
    .sessions, .staged, .revisions, .forgotten, .condemned, .dataPacks, .mapPacks,
  ]

  private func key(_ label: String, _ area: ObjectArea = .revisions) -> ObjectKey {
    ObjectKey(area, name(label, in: area))
  }

  @Test("What was put is found whole, in every area", arguments: Kind.allCases, areas)
  func put(kind: Kind, area: ObjectArea) throws {
    let place = try Place(kind)
    let key = key("a", area)
    #expect(try place.bytes(key) == nil)
    #expect(try place.names(area) == [])
    let version = try #require(try place.put([1, 2, 3], key))
    #expect(try place.storage.find(key, limitBytes: 3) == VersionedBytes([1, 2, 3], version))
    #expect(try place.names(area) == [key.name])
    #expect(try place.bytes(self.key("b", area)) == nil)
  }

  @Test("Objects of any size", arguments: Kind.allCases, [0, 1, 4095, 4096, 4097, 5_000_000])
  func sizes(kind: Kind, count: Int) throws {
    let place = try Place(kind)
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let version = try place.put(bytes, key("a", .dataPacks))
    #expect(version != nil)
    #expect(try place.bytes(key("a", .dataPacks)) == bytes)
  }

  @Test("An object that is longer than its reader takes is an error", arguments: Kind.allCases)
  func limit(kind: Kind) throws {
    let place = try Place(kind)
    _ = try place.put([1, 2, 3], key("a"))
    #expect(try place.storage.find(key("a"), limitBytes: 3) != nil)
    let error = #expect(throws: StorageError.self) {
      try place.storage.find(key("a"), limitBytes: 2)
    }
    #expect(error?.code == .tooLarge)
    #expect(try place.storage.find(key("b"), limitBytes: 0) == nil)
  }

  @Test("A put if absent changes nothing that is there", arguments: Kind.allCases)
  func absent(kind: Kind) throws {
    let place = try Place(kind)
    #expect(try place.put([1], key("a")) != nil)
    #expect(try place.put([2], key("a")) == nil)
    #expect(try place.put([1], key("a")) == nil)
    #expect(try place.bytes(key("a")) == [1])
  }

  @Test("A put-if-version replaces that version, and nothing else", arguments: Kind.allCases)
  func version(kind: Kind) throws {
    let place = try Place(kind)
    let first = try #require(try place.put([1], key("a")))
    #expect(try place.put([9], key("b"), if: .version(first)) == nil)
    #expect(try place.bytes(key("b")) == nil)
    let second = try #require(try place.put([2], key("a"), if: .version(first)))
    #expect(second != first)
    #expect(try place.put([3], key("a"), if: .version(first)) == nil)
    #expect(try place.bytes(key("a")) == [2])
    #expect(try place.storage.remove(key("a")))
    #expect(try place.put([3], key("a"), if: .version(second)) == nil)
    #expect(try place.bytes(key("a")) == nil)
  }

  @Test("Contents that alternate quickly are told apart", arguments: Kind.allCases)
  func quickChanges(kind: Kind) throws {
    let place = try Place(kind)
    var version = try #require(try place.put([0], key("a")))
    var earlier: Set<ObjectVersion> = [version]
    for number: UInt8 in 1...20 {
      version = try #require(try place.put([number], key("a"), if: .version(version)))
      #expect(earlier.insert(version).inserted, "\(number)")
    }
  }

  @Test("A put without a condition replaces whatever is there", arguments: Kind.allCases)
  func always(kind: Kind) throws {
    let place = try Place(kind)
    let first = try #require(try place.put([1], key("a"), if: .always))
    let second = try #require(try place.put([2], key("a"), if: .always))
    #expect(first != second)
    #expect(try place.storage.find(key("a"), limitBytes: 1) == VersionedBytes([2], second))
  }

  @Test("Removing tells whether the object was there", arguments: Kind.allCases, areas)
  func remove(kind: Kind, area: ObjectArea) throws {
    let place = try Place(kind)
    #expect(try !place.storage.remove(key("a", area)))
    _ = try place.put([1], key("a", area))
    #expect(try place.storage.remove(key("a", area)))
    #expect(try !place.storage.remove(key("a", area)))
    #expect(try place.names(area) == [])
    #expect(try place.put([2], key("a", area)) != nil, "the name is free again")
  }

  @Test("A list is in order, complete, and begins after the name given", arguments: Kind.allCases)
  func list(kind: Kind) throws {
    let place = try Place(kind)
    let names = (0..<12).map { name(String($0 * 7 % 12 + 10), in: .dataPacks) }
    for name in names { _ = try place.put([1], ObjectKey(.dataPacks, name)) }
    _ = try place.put([1], key("z", .mapPacks))
    let sorted = names.sorted()
    #expect(try place.names(.dataPacks) == sorted)
    let page = try place.storage.page(of: .dataPacks, after: sorted[6])
    #expect(page.names.first == sorted[7])
    #expect(page.names == Array(sorted[7...].prefix(page.names.count)))
    // A name that is not there has a place in the order, too.
    _ = try place.storage.remove(ObjectKey(.dataPacks, sorted[6]))
    #expect(try place.storage.page(of: .dataPacks, after: sorted[6]) == page)
    #expect(
      try place.storage.page(of: .dataPacks, after: sorted[11]) == ObjectPage([], hasMore: false))
  }

  @Test("A name that no object can have is refused", arguments: Kind.allCases)
  func names(kind: Kind) throws {
    let place = try Place(kind)
    for name in ["", ".", "..", "../a", "a/b", "\u{0}", "lock", "\n", "é", name("j").uppercased()] {
      #expect(throws: StorageError.self, "\(name)") {
        try place.put([1], ObjectKey(.revisions, name))
      }
    }
    #expect(try place.names(.revisions) == [])
  }

  @Test("The session protocol runs on it", arguments: Kind.allCases)
  func sessionProtocol(kind: Kind) throws {
    let place = try Place(kind)
    let clock = SettableClock(.seconds(1))
    let times = ProtocolTimes(term: .seconds(100), delayBound: .seconds(150))
    let client = SessionClient(on: place.storage, times: times) { clock.now }
    let (old, new) = (name("old"), name("new"))

    let pack = SealedPack(key("p", .dataPacks), bytes: [1], sealed: clock.now)
    for (revision, low) in [(old, 0x1_0000 as UInt64), (new, 0x2_0000)] {
      let begin = BeginSession(.writing, nonce: Nonce(high: 1, low: low))
      var session = try client.run(begin).session
      if revision == old { _ = try client.run(pack.put) }
      let renewal = ChangeSession.renewal(of: session, nonce: Nonce(high: 1, low: low + 1))
      guard case .changed(let renewed) = try client.run(renewal) else {
        Issue.record("the session is over")
        return
      }
      session = renewed
      let commit = CommitSession(
        session, revision: revision, document: [9], nonce: Nonce(high: 1, low: low + 2))
      #expect(try client.run(commit) == .committed)
    }
    #expect(try client.run(ListRevisions()) == [old, new].sorted())
    #expect(try client.run(ForgetRevision(old)) == .forgotten)
    #expect(try client.run(ListRevisions()) == [new])

    var memory = CollectorMemory()
    for pass: UInt64 in 1...4 {
      var collector = CollectorPass(
        memory: memory, times: times, condemning: pass == 1 ? [pack.key] : [],
        nonce: Nonce(high: 2, low: pass))
      var step = try collector.start(at: clock.now)
      passing: while true {
        switch step {
        case .ask(let request):
          step = try collector.take(try client.answer(to: request), at: clock.now)
        case .judge: step = try collector.judged(pardoned: [], at: clock.now)
        case .copy: step = try collector.sealed([], at: clock.now)
        case .done(let remembered):
          memory = remembered
          break passing
        }
      }
      clock.now += times.delayBound + .seconds(1)
    }
    #expect(try client.run(ListRevisions()) == [new])
    for area in Self.areas where area != .revisions { #expect(try place.names(area) == []) }
  }

  @Test("Of many puts if absent at once one wins", arguments: Kind.allCases)
  func raceForName(kind: Kind) throws {
    let place = try Place(kind)
    let storage = place.storage
    for round in 0..<4 {
      let key = key("a\(round)")
      let wins = Mutex<[UInt8]>([])
      try concurrently(4) { number in
        let bytes = [UInt8(number)]
        if try storage.put(bytes, as: key, if: .absent, age: .zero) != nil {
          wins.withLock { $0 += bytes }
        }
      }
      #expect(wins.withLock(\.count) == 1)
      #expect(try place.bytes(key) == wins.withLock { $0 })
    }
  }

  @Test("Of many put-if-version at once one wins, again and again", arguments: Kind.allCases)
  func raceForVersion(kind: Kind) throws {
    let place = try Place(kind)
    let key = key("a", .sessions)
    _ = try place.put([0, 0], key)
    let shared = place.storage
    let counted = Mutex(0)
    try concurrently(4) { number in
      for round: UInt8 in 0..<8 {
        guard let found = try shared.find(key, limitBytes: 100) else { continue }
        let bytes = [found.bytes[0] + 1, UInt8(number), round]
        if try shared.put(bytes, as: key, if: .version(found.version), age: .zero) != nil {
          counted.withLock { $0 += 1 }
        }
      }
    }
    let count = counted.withLock { $0 }
    #expect(count > 0)
    #expect(try place.bytes(key)?[0] == UInt8(count), "none was lost")
  }
}
