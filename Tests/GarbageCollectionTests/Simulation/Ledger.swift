import ChunkFormat
@testable import ChunkStore
import FileIO
import LocalObjects
import SystemPackage
import TestSupport

/// Knows what the repository must contain because of promises made to processes, and checks it.
struct Ledger {
  /// All maps that were made, with their content, including those of revisions whose commit was
  /// interrupted.
  private var disks: [ContentID: SimulatedDisk] = [:]
  /// Revisions whose commit has returned, and that no process has begun to forget.
  private(set) var committed: Set<RevisionID> = []
  private var forgotten: Set<RevisionID> = []
  /// Jobs of which a policy has forgotten revisions, and no other process since then.
  private var prunedJobs: Set<String> = []
  /// The revisions that processes have open.
  private var opened: [Int: Revision] = [:]
  private var openings = 0
  /// The process that created each session.
  var sessions: [String: String] = [:]
  var removedPacks: [FilePath] = []

  private(set) var table: PackTable
  private var revisions: [RevisionID: Revision] = [:]
  private var ids: [SimulatedContent: ContentID] = [:]
  private let hasher: ContentHasher
  private let layout: RepositoryLayout
  private let repository: RepositoryID

  init(layout: RepositoryLayout, repository: RepositoryID) throws {
    self.layout = layout
    self.repository = repository
    table = try PackTable()
    hasher = try ContentHasher(idKey: nil)
  }

  // MARK: - Promises

  mutating func willCommit(_ root: ContentID, _ disk: SimulatedDisk) { disks[root] = disk }

  /// Notes a commit. Another process may have forgotten the revision before this commit returned.
  mutating func didCommit(_ id: RevisionID) {
    if !forgotten.contains(id) { committed.insert(id) }
  }

  /// Notes that a process is about to forget a revision, not because of a policy.
  mutating func willForget(_ entry: RevisionEntry) {
    forget(entry.id)
    prunedJobs.remove(entry.revision.job)
  }

  /// Notes that a policy is about to forget revisions.
  mutating func willPrune(_ entries: [RevisionEntry], of job: String) {
    for entry in entries { forget(entry.id) }
    if !entries.isEmpty { prunedJobs.insert(job) }
  }

  private mutating func forget(_ id: RevisionID) {
    committed.remove(id)
    forgotten.insert(id)
  }

  mutating func open(_ revision: Revision) -> Int {
    openings += 1
    opened[openings] = revision
    return openings
  }

  mutating func close(_ opening: Int) { opened[opening] = nil }

  mutating func powerFailed() {
    opened = [:]
    table.forgetPacks()
  }

  func disk(of revision: Revision) -> SimulatedDisk? { disks[revision.volumes[0].root] }

  mutating func id(of content: SimulatedContent) throws -> ContentID {
    if let known = ids[content] { return known }
    let id = try content.bytes.withUnsafeBytes { try hasher.id(of: $0, type: .chunk) }
    ids[content] = id
    return id
  }

  // MARK: - Checking

  /// Returns all differences from the expected state.
  mutating func violations(in fileSystem: any FileSystem) throws -> [String] {
    try table.update(
      from: PackObjects(
        storage: LocalObjects(root: layout.root, fileSystem: fileSystem), repository: repository,
        keys: nil))
    let listed = try fileSystem.list(layout.revisions).compactMap { RevisionID(name: $0.name) }
    var violations = committed.subtracting(listed).map { "revision \($0) is missing" }
    var emptied = prunedJobs
    for id in listed {
      let revision = try revision(id, in: fileSystem)
      emptied.remove(revision.job)
      violations += try self.violations(of: revision, "revision \(id)")
    }
    violations += emptied.sorted().map { "a policy left nothing of \($0)" }
    for revision in opened.values {
      violations += try self.violations(of: revision, "a revision that is open")
    }
    return violations
  }

  private mutating func revision(
    _ id: RevisionID, in fileSystem: any FileSystem
  ) throws -> Revision {
    if let known = revisions[id] { return known }
    let bytes = try fileSystem.readAll(
      layout.revision(id), limitBytes: Revision.maximumFileBytes)
    let revision = try Revision(encoded: bytes, repository: repository, keys: nil)
    revisions[id] = revision
    return revision
  }

  /// Checks whether the revision can be read back exactly. An id stands for its content here,
  /// because each content was hashed when its pack was first seen.
  private mutating func violations(of revision: Revision, _ name: String) throws -> [String] {
    let root = revision.volumes[0].root
    guard let disk = disks[root] else { return ["\(name) was never made"] }
    guard let map = try table.map(root) else { return ["\(name) has a map that was never stored"] }
    for (place, content) in disk.chunks where try map.chunks[place] != id(of: content) {
      return ["\(name) holds something else at chunk \(place)"]
    }
    guard map.chunks.count == disk.chunks.count else { return ["\(name) holds too much"] }
    let needed = map.nodes + map.chunks.values + revision.attachments.flatMap(\.chunks)
    return needed.filter { !table.isReadable($0) }.map { "\(name) has lost \($0)" }
  }

  /// Returns every record that the listed revisions need, without the bases of deltas.
  mutating func neededRecords(in fileSystem: any FileSystem) throws -> Set<ContentID> {
    var needed: Set<ContentID> = []
    for id in try fileSystem.list(layout.revisions).compactMap({ RevisionID(name: $0.name) }) {
      let revision = try revision(id, in: fileSystem)
      guard let map = try table.map(revision.volumes[0].root) else { continue }
      needed.formUnion(map.nodes)
      needed.formUnion(map.chunks.values)
      needed.formUnion(revision.attachments.flatMap(\.chunks))
    }
    return needed
  }
}
