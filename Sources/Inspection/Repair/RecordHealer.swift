import ChunkFormat
import ChunkStore
import VolumeMap
import Workers

/// Copies records from another repository if this repository has no intact copy. Serves one thread.
final class RecordHealer: NodeReading, @unchecked Sendable {
  private let repository: Repository
  private let availability: RecordAvailability
  private let ownReader: RecordReader
  private let otherReader: RecordReader
  private let resealer: RecordResealer
  /// Nil in a dry run.
  private let writer: RecordWriter?
  /// Records that were copied or would be copied, and deltas whose base was.
  private var healed: Set<ContentID> = []
  /// Records that the other repository does not have either.
  private var hopeless: Set<ContentID> = []

  /// The number of records that were copied or would be copied.
  private(set) var healedRecords = 0
  /// The size of their content in bytes.
  private(set) var healedBytes: UInt64 = 0
  /// The number of quarantined copies whose record is intact in another pack.
  let healedElsewhere: Int

  init(repository: Repository, other: Repository, writer: RecordWriter?) throws {
    self.repository = repository
    self.writer = writer
    let quarantined = try repository.quarantine()
    let availability = RecordAvailability(
      records: repository.records, present: try repository.records.packsPresent(),
      quarantined: quarantined.records)
    self.availability = availability
    healedElsewhere = try quarantined.copies.count { entry in
      try availability.isAvailable(entry.copy.id, type: entry.copy.type)
    }
    ownReader = try RecordReader(
      store: repository.records, provingWith: repository.keys?.idKey)
    otherReader = try RecordReader(store: other.records, provingWith: other.keys?.idKey)
    resealer = try RecordResealer(repository: repository)
  }

  /// The result for a record that a revision needs.
  enum Outcome {
    case intact
    case healed
    case lost
  }

  func heal(_ id: ContentID, type: RecordType) throws -> Outcome {
    if healed.contains(id) { return .healed }
    if hopeless.contains(id) { return .lost }
    if try availability.isAvailable(id, type: type) { return .intact }
    // A node must be readable during the walk. So the node itself is copied, not only its base.
    if type == .chunk, try bringBase(of: id) { return .healed }
    return try bring(id, type: type) ? .healed : .lost
  }

  /// Returns the node `id`. Copies it from the other repository if necessary.
  func readNode(_ id: ContentID) throws -> MapNode {
    switch try heal(id, type: .mapNode) {
    case .intact: try MapNode(encoded: ownReader.read(id, type: .mapNode))
    case .healed: try MapNode(encoded: otherReader.read(id, type: .mapNode))
    case .lost:
      throw StoreError(.notFound, "no intact copy of node \(id) is in either repository")
    }
  }

  /// Copies only the missing base of an intact delta. Other deltas may need the base as well.
  private func bringBase(of id: ContentID) throws -> Bool {
    for copy in try repository.records.copies(of: id) where try availability.isUsable(copy) {
      guard let base = copy.entry.base, copy.entry.type == .chunk else { continue }
      if !healed.contains(base), try !bring(base, type: .chunk) { continue }
      healed.insert(id)
      return true
    }
    return false
  }

  /// Copies a record from the other repository.
  ///
  /// - Returns: false if the other repository does not have the record, or only a damaged copy.
  private func bring(_ id: ContentID, type: RecordType) throws -> Bool {
    do throws(StoreError) {
      let content = try otherReader.read(id, type: type)
      try store(content, id, type)
      healedRecords += 1
      healedBytes += UInt64(content.count)
      healed.insert(id)
      return true
    } catch  where error.isDamage {
      hopeless.insert(id)
      return false
    }
  }

  private func store(
    _ content: [UInt8], _ id: ContentID, _ type: RecordType
  ) throws(StoreError) {
    guard let writer else { return }
    do {
      try writer.append(try resealer.prepare(content, id, type), isReplacement: true)
    } catch let error as StoreError {
      // Never counted as damage of the other repository.
      throw error.isDamage
        ? StoreError(.fileSystem, error.message, pack: error.pack, cause: error) : error
    } catch {
      throw StoreError(.fileSystem, "\(error)", cause: error)
    }
  }
}

/// Copies each record that it visits from the other repository if this one has no intact copy.
struct HealingWalk: ContentVisitor {
  private let healer: RecordHealer
  private let cancellation: CancellationFlag

  var walk = ContentWalk()

  init(healer: RecordHealer, cancellation: CancellationFlag) {
    self.healer = healer
    self.cancellation = cancellation
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool {
    try cancellation.check()
    guard walk.enter(id, at: position) else { return false }
    // A lost node is noticed when it is read.
    if try healer.heal(id, type: .mapNode) == .healed { walk.noteMended() }
    return true
  }

  mutating func visit(chunk id: ContentID, at bytes: Range<UInt64>) throws {
    switch try healer.heal(id, type: .chunk) {
    case .intact: return
    case .healed: walk.noteMended()
    case .lost:
      walk.noteLoss(of: id, at: bytes, "no intact copy of chunk \(id) is in either repository")
    }
  }
}
