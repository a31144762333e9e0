@testable import BackupEngine
import ChunkFormat
import ChunkStore
import TestSupport
import VolumeMap
import VolumeReader
import Workers

/// A backup with the parts of the engine, in one thread. The engine's own pipeline uses several
/// threads, whose order does not depend on the seed.
struct SimulatedBackup {
  private let process: SimulatedProcess
  private let repository: Repository
  private let job: String
  private let disk: SimulatedDisk?
  private let hasDocuments: Bool

  /// Prepares a backup by a process.
  ///
  /// - Parameters:
  ///   - job: nil for one of three random jobs, sometimes with documents.
  ///   - disk: the disk to back up; nil for a later state of the last backup's disk.
  init(
    _ process: SimulatedProcess, _ repository: Repository,
    job: String? = nil, disk: SimulatedDisk? = nil
  ) {
    self.process = process
    self.repository = repository
    self.disk = disk
    hasDocuments = job == nil && Int.random(in: 0..<4, using: &process.random) == 0
    self.job = job ?? "job\(Int.random(in: 0..<3, using: &process.random))"
  }

  private var context: WorkContext { process.context }

  func run() throws {
    let created = context.now()
    let (writing, history, parent) = try begin()
    defer { writing.end() }
    let doubts = [history.last, parent].contains { $0?.marks.trust == .distrusted }
    let disk = disk ?? nextDisk(after: parent)
    let proof: RecordKeeper.Proof = doubts ? .reading(DamageNotes()) : .index
    let root = try store(disk, after: parent, proof, writing.writer)
    let attachments = try DocumentRecorder(
      repository: repository, writer: writing.writer, proof: proof
    ).record(documents())
    try writing.writer.flush()
    try process.cancellation.check()
    process.world.ledger.willCommit(root.id, disk)
    let id = try repository.commit(
      Revision(
        job: job, created: created, finished: context.now(), parent: parent?.id, tags: [],
        volumes: [
          RevisionVolume(
            name: RevisionVolume.unnamed, sizeBytes: disk.sizeBytes, root: root.id,
            source: "simulation", statistics: VolumeStatistics())
        ], attachments: attachments, host: context.host.name, program: "simulation"))
    if process.isAlive { process.world.ledger.didCommit(id) }
  }

  /// Begins the backup in the same way as the engine.
  private func begin() throws -> (
    writing: WritingSession, history: [RevisionEntry], parent: RevisionEntry?
  ) {
    while true {
      let history = try repository.revisions().entries.filter { $0.revision.job == job }
      let parent = history.last { $0.marks.trust != .distrusted }
      do {
        let writing = try repository.beginWriting(
          "backup of \(job)", pinned: parent.map { [$0.id] } ?? [], context: context)
        return (writing, history, parent)
      } catch let error as StoreError where error.code == .notFound {
        continue
      }
    }
  }

  private func nextDisk(after parent: RevisionEntry?) -> SimulatedDisk {
    guard var disk = parent.flatMap({ process.world.ledger.disk(of: $0.revision) }),
      Int.random(in: 0..<8, using: &process.random) > 0
    else { return SimulatedDisk(using: &process.random) }
    disk.change(using: &process.random)
    return disk
  }

  private func documents() -> [BackupRequest.Document] {
    guard hasDocuments else { return [] }
    let number = UInt8.random(in: 0..<3, using: &process.random)
    return [BackupRequest.Document(name: "domain", bytes: Array(repeating: number, count: 90))]
  }

  private func store(
    _ disk: SimulatedDisk, after parent: RevisionEntry?, _ proof: RecordKeeper.Proof,
    _ writer: RecordWriter
  ) throws -> MapRoot {
    let previous = try parent.map { try repository.map(of: $0.revision.volumes[0]) }
    let old = parent.flatMap { process.world.ledger.disk(of: $0.revision) }
    let nodes = NodeCache(reading: repository.nodeReader)
    let recorder = NodeRecorder(
      writer: writer, keeper: try keeper(writer, proof), sealing: .none)
    let keeper = try keeper(writer, proof)
    var builder = try MapBuilder(
      chunkSizeBytes: SimulatedDisk.chunkSizeBytes, writer: recorder, parent: previous,
      reading: nodes)
    let takesUnchanged =
      old?.chunkCount == disk.chunkCount && proof.isIndex
      && Bool.random(using: &process.random)
    for places in disk.places {
      let isUnchanged = places.allSatisfy { disk.chunks[$0] == old?.chunks[$0] }
      if takesUnchanged, isUnchanged {
        let end = min(ChunkNumber(disk.chunkCount), places[0] + UInt64(MapNode.fanout))
        try builder.appendUnchanged(places[0]..<end)
      } else {
        try append(places, of: disk, old, keeper, writer, &builder)
      }
      if Int.random(in: 0..<3, using: &process.random) == 0 { try writer.flush() }
    }
    return try builder.finish(sizeBytes: disk.sizeBytes)
  }

  private func keeper(
    _ writer: RecordWriter, _ proof: RecordKeeper.Proof
  ) throws -> RecordKeeper {
    try RecordKeeper(
      repository: repository, writer: writer, usesDeltas: true, proof: proof)
  }

  private func append(
    _ places: [ChunkNumber], of disk: SimulatedDisk, _ old: SimulatedDisk?, _ keeper: RecordKeeper,
    _ writer: RecordWriter, _ builder: inout MapBuilder
  ) throws {
    for place in places {
      guard let content = disk.chunks[place] else { continue }
      let previous = try old?.chunks[place].map { try process.world.ledger.id(of: $0) }
      let kept = try content.bytes.withUnsafeBytes {
        try keeper.keep($0, type: .chunk, previous: previous)
      }
      if case .new(let record, let isReplacement) = kept {
        if storesTwice(record, isReplacement) {
          try repository.storeTwice(record)
        } else {
          try writer.append(record, isReplacement: isReplacement)
          // Another thread of the engine does this if it has looked the record up before this one
          // appended it.
          if Bool.random(using: &process.random) {
            try writer.append(record, isReplacement: isReplacement)
          }
        }
      }
      try builder.append(kept.id, at: place)
    }
  }

  /// Whether to store the record twice. Rare, and never in tests that check for duplicates.
  private func storesTwice(_ record: PreparedRecord, _ isReplacement: Bool) -> Bool {
    disk == nil && record.base == nil && !isReplacement
      && Int.random(in: 0..<24, using: &process.random) == 0
  }
}

extension RecordKeeper.Proof {
  /// Whether the index is trusted without a check.
  fileprivate var isIndex: Bool { if case .index = self { true } else { false } }
}
