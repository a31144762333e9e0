import ChunkFormat
@testable import ChunkStore

extension Repository {
  /// Stores a record twice in one pack. No writer of varve does this, but the format does not
  /// forbid it.
  func storeTwice(_ record: PreparedRecord) throws {
    var assembly = PackAssembly(sealing: .none, targetBytes: PackAssembly.standardTargetBytes)
    for _ in 1...2 { assembly.append(record) }
    let files = PackWriter(storage: storage, repository: configuration.id, keys: nil)
    try self.records.write { [assembly] index throws(StoreError) in
      let summary = try files.write(assembly, kind: .data)
      try index.add(IndexedPack(summary, kind: .data), entries: summary.entries)
    }
  }
}
