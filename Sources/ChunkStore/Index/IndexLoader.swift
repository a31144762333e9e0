import ChunkFormat
import FileIO

/// Lists many packs at once: their records are sorted first, so that the tree grows at its end instead of
/// everywhere. Takes room for as much again beside the index, for as long as it runs.
///
/// A pack is listed after its records were entered; what somebody leaves who is killed counts as absent.
struct IndexLoader {
  /// Entered in one transaction: others that write wait meanwhile.
  private static let batchRecords = 1 << 17
  private static let batchPacks = 1024

  let index: PackIndex
  let packObjects: PackObjects
  private var records: SortedRecords
  /// What is to be listed, under which number.
  private var packs: [(pack: IndexedPack, number: UInt32)] = []

  init(index: PackIndex, packObjects: PackObjects) throws(StoreError) {
    (self.index, self.packObjects) = (index, packObjects)
    records = try reportingFileErrors { () throws(FileError) in
      try SortedRecords(in: index.path)
    }
  }

  mutating func add(_ inventory: PackInventory, number: UInt32) throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in
      for entry in inventory.entries { try records.append(entry, pack: number) }
    }
    packs.append((IndexedPack(inventory.pack), number))
  }

  /// Enters all that was added.
  ///
  /// - Parameter progress: told of the share that is done, from 0 to 1.
  /// - Returns: how many packs are listed, of those that are still there.
  mutating func finish(progress: (Double) throws -> Void) throws -> Int {
    try reportingFileErrors { () throws(FileError) in try records.finish() }
    var isDone = false
    var entered = 0
    while !isDone {
      isDone = try enterBatch()
      entered += Self.batchRecords
      try progress(min(1, Double(entered) / Double(max(1, records.count))))
    }
    return try listPacks()
  }

  /// - Returns: whether none is left.
  private mutating func enterBatch() throws(StoreError) -> Bool {
    try index.write { index throws(StoreError) in
      for _ in 0..<Self.batchRecords {
        guard let (id, record) = records.takeFirst() else { return true }
        try index.append(id, record)
      }
      return false
    }
  }

  private func listPacks() throws(StoreError) -> Int {
    var listed = 0
    for first in stride(from: 0, to: packs.count, by: Self.batchPacks) {
      try index.write { index throws(StoreError) in
        for (pack, number) in packs[first..<min(first + Self.batchPacks, packs.count)] {
          // It may have been deleted since it was read, and compared by whoever relies on the index.
          guard try packObjects.isThere(pack.id, pack.kind) else { continue }
          try index.list(pack, under: number)
          listed += 1
        }
      }
    }
    return listed
  }
}
