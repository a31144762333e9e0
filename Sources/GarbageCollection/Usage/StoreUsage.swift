package import ChunkFormat
package import ChunkStore
import VolumeMap
import VolumeReader
package import Workers

/// How the space of a store is used.
package struct StoreUsage: Sendable {
  /// A number of records, and their space.
  package struct Amount: Sendable {
    package internal(set) var records = 0
    /// The size in the packs, including headers.
    package internal(set) var storedBytes: UInt64 = 0

    mutating func add(_ entry: PackEntry) {
      records += 1
      storedBytes += UInt64(entry.rangeInPack.count)
    }
  }

  /// The space of one revision.
  package struct RevisionUsage: Sendable {
    package let entry: RevisionEntry
    /// Records that no other revision needs, even for its deltas. They become garbage when this
    /// revision is deleted.
    package internal(set) var exclusive = Amount()
  }

  /// The space of a job.
  package struct JobUsage: Sendable {
    package let job: String
    /// The revisions, oldest first.
    package internal(set) var revisions: [RevisionUsage] = []
    /// Records that several revisions of this job need, and no other job.
    package internal(set) var shared = Amount()

    /// The space that no other job needs.
    package var exclusiveBytes: UInt64 {
      revisions.map(\.exclusive.storedBytes).saturatingSum().saturatingAdding(shared.storedBytes)
    }
  }

  /// The length of all packs.
  package internal(set) var storeBytes: UInt64 = 0
  package internal(set) var packs = 0
  /// The jobs in the order of their names.
  package internal(set) var jobs: [JobUsage] = []
  /// Records that several jobs need.
  package internal(set) var sharedBetweenJobs = Amount()
  /// Records that no revision needs but that are in use: by forgotten revisions that a session or a
  /// pin keeps, or by a running backup.
  package internal(set) var held = Amount()
  /// Bases that only deltas need. They are included in the amounts above.
  package internal(set) var bases = Amount()
  /// Map nodes. They are included in the amounts above.
  package internal(set) var maps = Amount()
  /// The plain and the stored length of the needed chunks.
  package internal(set) var chunkPlainBytes: UInt64 = 0
  package internal(set) var chunkStoredBytes: UInt64 = 0
  package internal(set) var deltas = 0
  /// What a collection could free. If `unreadable` is not empty: what no readable revision needs.
  package internal(set) var garbageBytes: UInt64 = 0
  /// The revisions that cannot be read, or whose maps cannot, and why. ``garbageBytes`` includes the
  /// content that only these revisions need. A collection deletes nothing as long as there are any.
  package internal(set) var unreadable: [(id: RevisionID, message: String)] = []
  /// What a collection could free additionally if the given revisions were forgotten. Nil if none
  /// were given, or if `unreadable` is not empty.
  package internal(set) var prunableBytes: UInt64?
}

/// Computes how the space of a store is used.
package final class UsageSurvey {
  private let repository: Repository
  private let context: WorkContext
  private let pruned: Set<RevisionID>
  private var usage = StoreUsage()
  /// The job number of each revision.
  private var jobOf: [Int] = []
  /// The position of each revision in its job.
  private var placeOf: [Int] = []

  /// Prepares a survey of the repository.
  ///
  /// - Parameter pruned: the revisions to forget; the survey computes what that would free.
  package init(
    repository: Repository, pruned: Set<RevisionID>, context: WorkContext
  ) {
    self.pruned = pruned
    self.repository = repository
    self.context = context
  }

  /// Walks every revision. Content that consecutive revisions share is walked at most twice.
  ///
  /// - Throws: `StoreError`; `WorkersError/cancelled`.
  package func run() throws -> StoreUsage {
    _ = context.begin(.indexing)
    let listing = try repository.revisions()
    let entries = listing.entries
    usage.unreadable = listing.unreadable.map { ($0.id, "\($0.error)") }
    let session = try repository.beginReading(
      "survey of the store", pinned: entries.map(\.id), context: context)
    defer { session.end() }
    _ = try repository.records.synchronize { [context] _ in try context.cancellation.check() }
    let live = try repository.records.liveRecords { [context] in try context.cancellation.check() }
    number(entries)
    let owners = try repository.records.recordOwners(live, jobOf: jobOf)
    let meter = context.begin(.marking, total: UInt64(live.knownCount))
    for (number, entry) in entries.enumerated() {
      do {
        try walk(entry.id, entry.revision, live, meter) { owners.note($0, $1, revision: number) }
      } catch let error as CollectionError where error.code == .unreadable {
        usage.unreadable.append((entry.id, error.description))
      }
    }
    try owners.noteBases { [context] in try context.cancellation.check() }
    let held = try held(besides: entries, live)
    for (id, revision) in held { try walk(id, revision, live, meter) }
    try addUp(live, owners)
    if !pruned.isEmpty, usage.unreadable.isEmpty {
      let left = entries.filter { !pruned.contains($0.id) }.map { ($0.id, $0.revision) }
      try addUp(leaving: left + held, meter)
    }
    return usage
  }

  /// Returns the forgotten revisions that a session or a pin keeps.
  private func held(
    besides entries: [RevisionEntry], _ live: LiveRecords
  ) throws -> [(RevisionID, Revision)] {
    let pinned = Set(try repository.revisionUsers().keys).subtracting(entries.map(\.id))
    return try RootMarking(repository, live, changesNothing: true, step: {}).forgotten(pinned).map {
      ($0, $1)
    }
  }

  /// Computes what becomes garbage if only these revisions remain.
  private func addUp(leaving revisions: [(RevisionID, Revision)], _ meter: WorkMeter) throws {
    let live = try repository.records.liveRecords { [context] in try context.cancellation.check() }
    for (id, revision) in revisions { try walk(id, revision, live, meter) }
    let survey = try repository.records.survey(
      live, absent: try repository.absentContent(),
      progress: { [context] in try context.cancellation.check() })
    let garbage = survey.packs.map(\.deadBytes).saturatingSum()
    usage.prunableBytes = garbage - min(garbage, usage.garbageBytes)
  }

  private func number(_ entries: [RevisionEntry]) {
    let jobs = Set(entries.map(\.revision.job)).sorted()
    usage.jobs = jobs.map { StoreUsage.JobUsage(job: $0) }
    let numbers = Dictionary(uniqueKeysWithValues: jobs.enumerated().map { ($1, $0) })
    for entry in entries {
      let job = numbers[entry.revision.job]!
      jobOf.append(job)
      placeOf.append(usage.jobs[job].revisions.count)
      usage.jobs[job].revisions.append(StoreUsage.RevisionUsage(entry: entry))
    }
  }

  /// Walks a revision.
  ///
  /// - Parameter note: receives every node and chunk. Returns whether it is new.
  private func walk(
    _ id: RevisionID, _ revision: Revision, _ live: LiveRecords, _ meter: WorkMeter,
    note: @escaping (ContentID, RecordType) -> Bool = { _, _ in false }
  ) throws {
    for volume in revision.volumes {
      var visitor = OwningVisitor(live: live, note: note) { [context] in
        try context.cancellation.check()
        meter.advance(to: UInt64(live.markedCount))
      }
      do {
        try repository.map(of: volume).walk(reading: repository.nodeReader, &visitor)
      } catch let error as MapError {
        throw CollectionError(
          .unreadable,
          "volume \(volume.name) of revision \(id) of job \(revision.job): \(error)",
          cause: error)
      }
    }
    for chunk in revision.attachments.flatMap(\.chunks) {
      try live.mark(chunk: chunk)
      _ = note(chunk, .chunk)
    }
  }

  private func addUp(_ live: LiveRecords, _ owners: RecordOwners) throws {
    let survey = try repository.records.survey(
      live, absent: try repository.absentContent(),
      counted: { [self] entry in
        count(entry, owners.owner(of: entry.id, entry.type))
        if live.isOnlyBase(entry.id, entry.type) { usage.bases.add(entry) }
      },
      progress: { [context] in try context.cancellation.check() })
    usage.packs = survey.packs.count
    usage.storeBytes = survey.packs.map(\.lengthBytes).saturatingSum()
    usage.garbageBytes = survey.packs.map(\.deadBytes).saturatingSum()
  }

  private func count(_ entry: PackEntry, _ owner: RecordOwner?) {
    switch entry.type {
    case .mapNode: usage.maps.add(entry)
    case .chunk:
      usage.chunkPlainBytes += UInt64(entry.plainBytes)
      usage.chunkStoredBytes += UInt64(entry.rangeInPack.count)
      usage.deltas += entry.base == nil ? 0 : 1
    }
    switch owner {
    case nil: usage.held.add(entry)
    case .several: usage.sharedBetweenJobs.add(entry)
    case .job(let job): usage.jobs[job].shared.add(entry)
    case .revision(let number):
      usage.jobs[jobOf[number]].revisions[placeOf[number]].exclusive.add(entry)
    }
  }
}

/// Notes the owners of nodes and chunks. If a node was already noted for an owner, so was
/// everything under it, which is not walked again.
private struct OwningVisitor: MapVisitor {
  let live: LiveRecords
  let note: (ContentID, RecordType) -> Bool
  let step: () throws -> Void

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool {
    try step()
    let isNew = try live.mark(node: id)
    return note(id, .mapNode) || isNew
  }

  mutating func visit(chunk id: ContentID, number: ChunkNumber) throws {
    try live.mark(chunk: id)
    _ = note(id, .chunk)
  }
}
