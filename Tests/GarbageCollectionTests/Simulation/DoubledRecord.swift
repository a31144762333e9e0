import ChunkFormat
@testable import ChunkStore
import Workers

extension Repository {
  /// Stores a record twice in one pack. No writer of ours does, but the format does not forbid it.
  ///
  /// The thread that calls can be interrupted at any operation, so another has the index meanwhile.
  func storeTwice(_ record: PreparedRecord) throws {
    let outcome = Monitor<Result<Void, any Error>>(.success(()))
    let thread = try WorkerThread(name: "doubled-record") { [self] in
      let result = Result { try writePack(holding: [record, record]) }
      outcome.withLock { $0 = result }
    }
    thread.join()
    try outcome.withLock { $0 }.get()
  }

  private func writePack(holding records: [PreparedRecord]) throws {
    var assembly = PackAssembly(sealing: .none, targetBytes: PackAssembly.standardTargetBytes)
    for record in records { assembly.append(record) }
    let files = PackFileWriter(
      layout: layout, fileSystem: fileSystem, repository: configuration.id, keys: nil)
    try self.records.write { [assembly] index throws(StoreError) in
      let summary = try files.write(assembly, kind: .data)
      try index.add(IndexedPack(summary, kind: .data), entries: summary.entries)
    }
  }
}
