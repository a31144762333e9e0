import BackupEngine
import CalendarTime
import ChunkFormat
@testable import ChunkStore
import FileIO
import GarbageCollection
import LocalObjects
import Retention
import SystemPackage
import TestSupport
import VolumeMap
import VolumeReader
import Workers

/// The activities of a process in the simulation.
enum Activity: String, CaseIterable {
  case backup, forgetting, pruning, collection, verification, reading, tagging
}

extension SimulatedProcess {
  /// Performs `activities` one after another, as long as the process lives. An unexcused failure is
  /// a violation.
  func live(_ activities: [Activity]) {
    for activity in activities where isAlive && !cancellation.isCancelled {
      attempt(activity.rawValue) { try perform(activity, $0) }
    }
  }

  /// Performs an activity with the repository. An unexcused failure is a violation.
  func attempt(_ activity: String, _ body: (Repository) throws -> Void) {
    do {
      world.say(self, "begins \(activity)")
      try body(try open())
      world.say(self, "ends \(activity)")
    } catch {
      world.say(self, "\(activity) fails: \(error)")
      guard isAlive, !hadFault else { return }
      world.violated("\(name): \(activity) fails: \(error)")
    }
  }

  private func perform(_ activity: Activity, _ repository: Repository) throws {
    switch activity {
    case .backup: try SimulatedBackup(self, repository).run()
    case .forgetting: try forget(in: repository)
    case .pruning: try prune(repository, newest: UInt32.random(in: 1...3, using: &random))
    case .collection: try collect(in: repository)
    case .verification: try verify(repository)
    case .reading: try read(repository)
    case .tagging: try tag(repository)
    }
  }

  func open() throws -> Repository {
    try Repository.open(at: SimulatedWorld.root, environment: environment) {
      throw StoreError(.wrongKey, "there is no key")
    }
  }

  var environment: RepositoryEnvironment {
    var environment = RepositoryEnvironment(
      storage: LocalObjects.opener(on: ProcessFileSystem(self, flaw: world.flaw)))
    environment.indexDirectory = world.indexDirectory(of: machine)
    return environment
  }

  var context: WorkContext {
    WorkContext(
      host: Host(name: "machine\(machine)", machine: "", process: Int32(machine + 1)),
      now: { [world] in world.now() }, cancellation: cancellation)
  }

  // MARK: - Forgetting

  /// Forgets some random revisions.
  private func forget(in repository: Repository) throws {
    try forget(in: repository) { entries in
      guard entries.count > 1 else { return [] }
      let count = Int.random(in: 1...max(1, entries.count / 2), using: &random)
      return Array(entries.shuffled(using: &random).prefix(count))
    }
  }

  /// Forgets the chosen revisions.
  func forget(
    in repository: Repository, _ choose: ([RevisionEntry]) -> [RevisionEntry]
  ) throws {
    try repository.forget { listing in
      let going = choose(listing.entries)
      for entry in going { world.ledger.willForget(entry) }
      return going.map(\.id)
    }
  }

  /// Forgets revisions by a policy. The policy keeps the newest usable revision of every job.
  func prune(_ repository: Repository, newest count: UInt32) throws {
    let policy = RetentionPolicy(rules: [.newest(count: count)])
    let users = try repository.revisionUsers()
    try repository.forget { listing in
      let now = world.now()
      let jobs = Dictionary(grouping: listing.entries, by: \.revision.job)
      let going = jobs.sorted { $0.key < $1.key }.flatMap { job, history in
        let plan = RetentionPlan(
          of: job, history: history, policy: policy, in: .fixed(offsetSeconds: 0), now: now,
          users: users)
        world.ledger.willPrune(plan.going, of: job)
        return plan.going.map(\.id)
      }
      return going
    }
  }

  // MARK: - Collecting

  private func collect(in repository: Repository) throws {
    var settings = CollectionSettings()
    settings.isDryRun = Int.random(in: 0..<12, using: &random) == 0
    settings.allowsLargeShare = true
    settings.leastSmallPacks = Int.random(in: 2...8, using: &random)
    settings.copiedBytesLimit = Int.random(in: 0..<4, using: &random) == 0 ? 2_000 : nil
    do {
      try collect(in: repository, settings)
    } catch let error as StoreError where error.code == .busy {
      world.say(self, "finds somebody else collecting")
    }
  }

  @discardableResult
  func collect(
    in repository: Repository, _ settings: CollectionSettings
  ) throws -> CollectionReport {
    let report = try GarbageCollection(
      repository: repository, settings: settings, context: context
    ).run()
    world.say(
      self,
      "collected: \(report.deletedPacks) deleted, \(report.rewrittenPacks) rewritten, "
        + "\(report.pardonedPacks) pardoned, \(report.waitingPacks) waiting")
    if !report.damaged.isEmpty, !hadFault {
      world.violated("a collection finds damage: \(report.damaged.map(\.message))")
    }
    return report
  }

  // MARK: - Reading

  /// Reads everything back, and records the result.
  private func verify(_ repository: Repository) throws {
    for entry in try repository.revisions().entries {
      guard let session = try beginReading([entry.id], repository) else { continue }
      defer { session.end() }
      try readBack(entry.revision, repository)
      try orGone {
        try repository.updateMarks(of: entry.id) {
          $0.trust = .verified
          $0.verification = VerificationMark(time: world.now(), checkedChunks: 1, totalChunks: 1)
        }
      }
    }
  }

  /// Opens a revision and reads it for a long time, even if it is forgotten in the meantime.
  private func read(_ repository: Repository) throws {
    let entries = try repository.revisions().entries
    guard !entries.isEmpty else { return }
    try read(entries[Int.random(in: entries.indices, using: &random)], in: repository)
  }

  /// Opens this revision and reads it twice.
  func read(_ entry: RevisionEntry, in repository: Repository) throws {
    guard let session = try beginReading([entry.id], repository) else { return }
    defer { session.end() }
    // If the session could not be recorded, the revision is not protected.
    let isPinned =
      (try? world.fileSystem.metadata(
        of: world.layout.sessions.appending(session.id.description))) != nil
    let opening = isPinned ? world.ledger.open(entry.revision) : 0
    defer { world.ledger.close(opening) }
    for _ in 0..<2 { try readBack(entry.revision, repository) }
  }

  private func beginReading(
    _ ids: [RevisionID], _ repository: Repository
  ) throws -> Session? {
    try orGone {
      try repository.beginReading("reading", pinned: ids, context: context)
    }
  }

  /// Returns the result of `body`. Nil if `body` finds that a revision was forgotten.
  private func orGone<Result>(_ body: () throws -> Result) throws -> Result? {
    do {
      return try body()
    } catch let error as StoreError where error.code == .notFound {
      return nil
    }
  }

  private func readBack(_ revision: Revision, _ repository: Repository) throws {
    guard let disk = world.ledger.disk(of: revision) else { return }
    let reader = try RecordReader(store: repository.records)
    let map = try repository.map(of: revision.volumes[0])
    var cursor = MapCursor(map, reading: repository.nodeReader)
    for place in disk.places.joined() {
      let id = try cursor.span(containing: place)[place]
      let content = id.isHole ? nil : try reader.read(id, type: .chunk)
      guard content == disk.chunks[place]?.bytes else {
        return world.violated("\(name) reads something else at chunk \(place)")
      }
    }
    for chunk in revision.attachments.flatMap(\.chunks) {
      _ = try reader.read(chunk, type: .chunk)
    }
  }

  // MARK: - Marks

  private func tag(_ repository: Repository) throws {
    let entries = try repository.revisions().entries
    guard !entries.isEmpty else { return }
    try tag(entries[Int.random(in: entries.indices, using: &random)].id, in: repository)
  }

  /// Adds a tag or a doubt to this revision.
  func tag(_ id: RevisionID, in repository: Repository) throws {
    let isDoubted = Int.random(in: 0..<3, using: &random) == 0
    let tag = "tag\(Int.random(in: 0..<4, using: &random))"
    try orGone {
      try repository.updateMarks(of: id) {
        $0.tags = [tag]
        if isDoubted { $0.trust = .distrusted }
      }
    }
  }
}
