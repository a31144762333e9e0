package import ChunkFormat
import FileIO
import SystemPackage

/// Chunks that a walk has met, each with one bit that the walk gives it. Some hundred thousand are held in
/// memory; beyond that each record of the index has two bits, under its number.
///
/// For one thread at a time.
package final class MetChunks {
  package static let standardLimit = 1 << 19

  private let store: RecordStore
  private let limit: Int
  /// Chunks by id: all of them at first, later those that the index did not have.
  private var loose: [ContentID: Bool] = [:]
  private var numbered: Numbered?
  private var mayNumber = true

  /// - Parameter limit: chunks that are held in memory.
  package init(of store: RecordStore, limit: Int = standardLimit) {
    (self.store, self.limit) = (store, limit)
  }

  /// The bit of a chunk; nil for one that was not met.
  package subscript(id: ContentID) -> Bool? {
    if let place = numbered?.table.rank(of: id) { return numbered?[place] }
    return loose[id]
  }

  /// Notes that a chunk was met, or gives it another bit. Where there is no room to remember it, the walk
  /// may meet it again.
  package func note(_ id: ContentID, _ bit: Bool) throws {
    if let place = numbered?.table.rank(of: id) {
      numbered?[place] = bit
      return
    }
    if loose.count >= limit, loose[id] == nil {
      guard mayNumber else { return }
      mayNumber = false
      try number()
      return try note(id, bit)
    }
    loose[id] = bit
  }

  private func number() throws {
    guard let made = try store.numberedChunks() else { return }
    var numbered = Numbered(table: made)
    loose = loose.filter { id, bit in
      guard let place = made.rank(of: id) else { return true }
      numbered[place] = bit
      return false
    }
    self.numbered = numbered
  }

  /// Two bits for each record of the index: whether it was met, and what the walk gave it.
  private struct Numbered {
    let table: RankTable<ExactKey>
    private var met: Bitmap
    private var bits: Bitmap

    init(table: RankTable<ExactKey>) {
      self.table = table
      met = Bitmap(count: table.count)
      bits = Bitmap(count: table.count)
    }

    subscript(place: Int) -> Bool? {
      get { met[place] ? bits[place] : nil }
      set {
        guard let newValue else { return }
        _ = met.insert(place)
        if newValue { _ = bits.insert(place) } else { bits.remove(place) }
      }
    }
  }
}

extension PackIndex {
  /// The numbers of all chunks, in the order of their ids.
  func numberedChunks(scratch directory: FilePath) throws -> RankTable<ExactKey> {
    let count = try recordCount()
    var table = try reportingFileErrors { () throws(FileError) in
      try RankTable<ExactKey>(expecting: count, in: directory)
    }
    var (failure, last): (FileError?, ContentID?) = (nil, nil)
    try read { index throws(StoreError) in
      try index.forEachRecord { id, record in
        guard id != last, record.entry.type == .chunk else { return true }
        last = id
        do throws(FileError) {
          try table.append(id)
          return true
        } catch {
          failure = error
          return false
        }
      }
    }
    if let failure { throw StoreError(failure) }
    table.finish()
    return table
  }
}
