import ChunkFormat
@testable import ChunkStore
import FileIO
import GarbageCollection
import LocalObjects
import TestSupport
import VolumeMap

/// Plays a ``Scene``: it has roles, a script, and content that occurs nowhere else.
struct Stage {
  let a: SimulatedContent
  let b: SimulatedContent
  /// Three more contents.
  let others: [SimulatedContent]
  private let world: SimulatedWorld
  private let layout: RepositoryLayout
  private var random: SeededRandom
  private var roles: [SimulatedWorld.Role] = []
  private var script: [Turns.Step] = []

  init(_ world: SimulatedWorld, _ random: inout SeededRandom) {
    self.world = world
    layout = world.layout
    let family = UInt16.random(in: 100..<50_000, using: &random)
    (a, b) = (SimulatedContent(family: family), SimulatedContent(family: family + 1))
    others = (2...4).map { SimulatedContent(family: family + $0) }
    self.random = SeededRandom(seed: random.next())
  }

  // MARK: - Roles and script

  /// Runs one process before the scene begins.
  func alone(
    on machine: Int = 0, _ life: @escaping @Sendable (SimulatedProcess) -> Void
  ) throws {
    guard world.violations.isEmpty else { return }
    try world.live(
      [SimulatedWorld.Role(name: "setting", machine: machine, life: life)],
      style: .chance(oneIn: 1))
  }

  func play() throws { try world.live(roles, style: .script(script)) }

  /// Adds a role. Returns its number.
  private mutating func cast(
    _ name: String, on machine: Int = 0,
    strikes: [(moment: Moment, fault: SimulatedProcess.Fault)] = [],
    _ life: @escaping @Sendable (SimulatedProcess) -> Void
  ) -> Int {
    var fate = SimulatedProcess.Fate()
    fate.strikes = strikes
    roles.append(
      SimulatedWorld.Role(
        name: "\(name) \(roles.count + 1)", machine: machine, fate: fate, life: life))
    return roles.count - 1
  }

  private mutating func castCollection(
    _ strikes: [(moment: Moment, fault: SimulatedProcess.Fault)] = [], leastSmallPacks: Int = 1_000
  ) -> Int {
    cast("\(Activity.collection)", strikes: strikes) { $0.collect(leastSmallPacks) }
  }

  private mutating func castBackup(
    _ contents: [SimulatedContent], on machine: Int = 0,
    strikes: [(moment: Moment, fault: SimulatedProcess.Fault)] = []
  ) -> Int {
    cast("\(Activity.backup)", on: machine, strikes: strikes) { $0.backUp("x", contents) }
  }

  private mutating func go(_ roles: Int..., until moment: Moment? = nil) {
    for role in roles { script.append(.go(role, until: moment)) }
  }

  private mutating func chosen(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &random)
  }

  // MARK: - Moments

  /// Everything is stored, and the session is still active.
  private var committing: Moment { Moment(before: .rename, in: layout.revisions) }
  private var madeRevisionDurable: Moment {
    Moment(before: .synchronizeDirectory, in: layout.revisions)
  }
  private var condemning: Moment { Moment(before: .rename, in: layout.condemned) }
  /// The sessions to wait for are known.
  private var awaiting: Moment { Moment(before: .rename, in: layout.condemned, 2) }
  private var deletingPacks: Moment { Moment(before: .remove, in: layout.dataPacks) }

  // MARK: - Scenes

  mutating func forgetBetweenLooks() {
    let backup = castBackup([a, b])
    let collection = castCollection()
    let reader = cast("\(Activity.reading)") { $0.read("x") }
    let forgetting = cast("\(Activity.forgetting)") { $0.forget("x") }
    go(backup, until: committing)
    go(collection, until: awaiting)
    go(backup)
    go(collection, until: Moment(before: .list, in: layout.sessions, chosen(2...4)))
    go(collection, until: Moment(before: .list, in: layout.revisions))
    go(reader, until: Moment(before: .openFile, in: layout.mapPacks))
    go(forgetting, collection, reader)
  }

  mutating func forgetUntilPowerFails() {
    let forgetting = cast(
      "\(Activity.forgetting)",
      strikes: [(Moment(before: .synchronizeDirectory, in: layout.forgotten), .kill)]
    ) { $0.forget("x") }
    let collection = castCollection()
    go(forgetting)
    go(collection, until: Moment(before: .remove, in: layout.forgotten))
    script.append(.powerFails)
  }

  /// Runs `life` while it relies on a revision that a killed backup has not made durable; then the
  /// power fails.
  mutating func vanish(for life: @escaping @Sendable (SimulatedProcess) -> Void) {
    let backup = castBackup([a, b.changed], strikes: [(madeRevisionDurable, .kill)])
    let other = cast("other", life)
    go(backup)
    go(other, until: Moment(before: .synchronizeDirectory, in: layout.revisions, chosen(1...2)))
    script.append(.powerFails)
  }

  mutating func relyOnDelta() {
    let collection = castCollection()
    let backup = castBackup([a.changed])
    go(collection, until: deletingPacks)
    go(backup, until: committing)
    go(collection, backup)
  }

  mutating func storeBesideDelta() {
    let first = castCollection()
    let backup = castBackup([a.changed])
    let forgetting = cast("\(Activity.forgetting)") { $0.forget("x") }
    let relying = castBackup([a.changed])
    let killed = castCollection([(awaiting, .kill)])
    let last = castCollection()
    go(first, backup, forgetting)
    go(relying, until: committing)
    // The good copy is condemned, but the delta is not.
    go(killed, relying, last)
  }

  mutating func storeDeltaElsewhere() {
    let isUnreadable = Bool.random(using: &random)
    let base = castBackup([a], on: 1)
    let collection = castCollection(isUnreadable ? [(awaiting, .unreadablePack)] : [])
    let delta = castBackup([a.changed], on: 1)
    let forgetting = cast("\(Activity.forgetting)") { $0.forgetOldest("x") }
    go(base, until: committing)
    go(collection, until: condemning)
    go(base)
    go(delta, until: committing)
    go(collection, until: awaiting)
    go(delta, forgetting, collection)
  }

  mutating func collectWithoutDeltas() {
    let opening = Moment(before: .list, in: layout.dataPacks)
    go(castCollection([(opening, .unreadablePack)]))
  }

  mutating func relyOnCondemned(_ contents: [SimulatedContent]) {
    let backup = castBackup(contents)
    let collection = castCollection()
    go(backup, until: committing)
    go(collection, until: awaiting)
    go(backup, collection)
  }

  mutating func relyOnCopies() {
    let first = cast("\(Activity.backup)") { [a] in $0.backUp("old", [a]) }
    let second = cast("\(Activity.backup)", on: 1) { [a] in $0.backUp("older", [a]) }
    let forgetting = cast("\(Activity.forgetting)") {
      $0.forget("old")
      $0.forget("older")
    }
    // Neither machine's index knows yet what the other machine stores.
    go(first, until: Moment(before: .createFile, in: layout.dataPacks))
    go(second, first, forgetting)
    relyOnCondemned([a])
  }

  mutating func loseGoodCopy() {
    go(castCollection([(awaiting, .lostPack)]))
  }

  mutating func moveBeforeReader() {
    let reader = cast("\(Activity.reading)", on: 1) { $0.read("x") }
    let collections = (1...5).map { _ in castCollection(leastSmallPacks: 1) }
    for collection in collections {
      let directory = layout.packDirectories[chosen(0...1)]
      go(reader, until: Moment(before: .list, in: directory, chosen(1...5)))
      go(collection)
    }
    go(reader)
  }

  mutating func enterWhenGone() {
    let reader = cast("\(Activity.reading)", on: 1) { $0.read("x") }
    let collection = castCollection()
    let backup = castBackup([a], on: 1)
    go(
      reader,
      until: Moment(before: .read, in: layout.dataPacks, chosen(1...8)))
    go(collection)
    go(backup, until: Moment(before: .openFile, in: layout.dataPacks))
    go(reader, backup)
  }
}

extension SimulatedContent {
  fileprivate init(family: UInt16) { self.init(family: family, version: 0) }

  /// The content after a change. The change is so small that it is stored as a delta.
  var changed: Self { Self(family: family, version: version + 1) }
}

/// The actions of a role. Each is one activity.
extension SimulatedProcess {
  func backUp(_ job: String, _ contents: [SimulatedContent]) {
    attempt("backup") {
      try SimulatedBackup(self, $0, job: job, disk: SimulatedDisk(contents)).run()
    }
  }

  func forget(_ job: String) {
    attempt("forgetting") {
      try forget(in: $0) { $0.filter { $0.revision.job == job } }
    }
  }

  func forgetOldest(_ job: String) {
    attempt("forgetting") {
      try forget(in: $0) { entries in
        Array(entries.filter { $0.revision.job == job }.prefix(1))
      }
    }
  }

  func prune(_ job: String) { attempt("pruning") { try prune($0, newest: 1) } }

  func tag(_ job: String) {
    attempt("tagging") { repository in
      for entry in try repository.revisions().entries where entry.revision.job == job {
        try tag(entry.id, in: repository)
      }
    }
  }

  func read(_ job: String) {
    attempt("reading") { repository in
      let entries = try repository.revisions().entries
      guard let entry = entries.last(where: { $0.revision.job == job }) else { return }
      try read(entry, in: repository)
    }
  }

  func collect(_ leastSmallPacks: Int) {
    attempt("collection") { repository in
      var settings = CollectionSettings()
      settings.allowsLargeShare = true
      settings.leastSmallPacks = leastSmallPacks
      try collect(in: repository, settings)
    }
  }

  func storeAlone(_ content: SimulatedContent) {
    attempt("storing") { repository in
      let writing = try repository.beginWriting("storing", pinned: [], context: context)
      defer { writing.end() }
      try writing.writer.append(try record(of: content), isReplacement: true)
      try writing.writer.flush()
    }
  }

  func storeTwice(_ content: SimulatedContent) {
    attempt("storing") { try $0.storeTwice(try record(of: content)) }
  }

  private func record(of content: SimulatedContent) throws -> PreparedRecord {
    let hasher = try ContentHasher(idKey: nil)
    let compressor = try Compressor(method: .none)
    return try content.bytes.withUnsafeBytes {
      try PreparedRecord(
        standalone: $0, id: try hasher.id(of: $0, type: .chunk), type: .chunk,
        compressor: compressor)
    }
  }
}
