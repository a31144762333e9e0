package import ChunkFormat
import Synchronization

/// Damaged copies that came up while something was read, each once. Any thread may note.
package final class DamageNotes: Sendable {
  /// What comes up beyond that is not kept: it comes up again once this much was mended.
  private static let limit = 10_000

  private let copies = Mutex<[AbsentRecord: DamagedCopy]>([:])

  package init() {}

  /// Notes that `location` failed with `error`.
  package func note(_ location: RecordLocation, _ error: StoreError) {
    let copy = DamagedCopy(location, error)
    copies.withLock { copies in
      guard copies.count < Self.limit else { return }
      copies[AbsentRecord(pack: copy.pack, id: copy.id)] = copy
    }
  }

  /// What was noted since the last time, in the order of packs.
  ///
  /// - Parameter place: where the content was wanted.
  package func take(at place: ContentPlace? = nil) -> [DamagedCopy] {
    let taken = copies.withLock { copies in
      defer { if !copies.isEmpty { copies = [:] } }
      return copies.values.map { $0 }
    }
    guard !taken.isEmpty else { return [] }
    return taken.sorted { ($0.pack, $0.offsetBytes) < ($1.pack, $1.offsetBytes) }.map { copy in
      var copy = copy
      copy.place = place
      return copy
    }
  }
}

extension DamagedCopy {
  /// The copy at `location`, which failed with `error`: where that is, need not be said twice.
  package init(_ location: RecordLocation, _ error: StoreError) {
    let entry = location.entry
    self.init(
      pack: location.pack.id, entry: entry,
      expected: "\(entry.type) \(entry.id) of \(entry.plainBytes) bytes",
      found: String(error.message.trimmingPrefix("\(location.name): ")))
  }
}
