import ChunkFormat
import ChunkStore
import VolumeMap
import VolumeReader

/// Sorts records in the order of the newest revision of each job, volume by volume, so that a
/// restore reads packs from front to back. Records that are in none of these revisions come last,
/// in their current order.
struct VolumeOrder {
  private let repository: Repository

  init(_ repository: Repository) { self.repository = repository }

  func sort(_ records: inout [RecordLocation]) throws {
    var places: [ContentID: Int] = [:]
    places.reserveCapacity(records.count)
    for record in records { places[record.entry.id] = .max }
    var visitor = OrderingVisitor(places: places)
    for revision in try newest() {
      for volume in revision.volumes where visitor.missing > 0 {
        do {
          try repository.map(of: volume).walk(reading: repository.nodeReader, &visitor)
        } catch is OrderingVisitor.Complete {
          break
        }
      }
    }
    places = visitor.places
    // The sort is stable, so records of a pack stay together unless a new order is known for them.
    records.sort { places[$0.entry.id, default: .max] < places[$1.entry.id, default: .max] }
  }

  /// Returns the newest revision of each job that is not distrusted.
  private func newest() throws -> [Revision] {
    var newest: [String: Revision] = [:]
    for entry in try repository.revisions().entries where entry.marks.trust != .distrusted {
      newest[entry.revision.job] = entry.revision
    }
    return newest.sorted { $0.key < $1.key }.map(\.value)
  }
}

private struct OrderingVisitor: MapVisitor {
  /// Thrown when all records have a position.
  struct Complete: Error {}

  var places: [ContentID: Int]
  var missing: Int
  private var next = 0
  /// A node that is used in several places is sorted by the first place.
  private var visited = NodeSums<Bool>()

  init(places: [ContentID: Int]) {
    self.places = places
    missing = places.count
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool {
    guard visited[id, position.level] == nil else { return false }
    visited[id, position.level] = true
    try note(id)
    return true
  }

  mutating func visit(chunk id: ContentID, number: ChunkNumber) throws { try note(id) }

  private mutating func note(_ id: ContentID) throws {
    guard let index = places.index(forKey: id), places.values[index] == .max else { return }
    places.values[index] = next
    next += 1
    missing -= 1
    if missing == 0 { throw Complete() }
  }
}
