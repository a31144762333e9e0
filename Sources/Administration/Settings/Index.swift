package import ChunkFormat
package import ChunkStore
package import JSONText
import SystemPackage

/// Shows where the index is and what it lists.
package struct IndexRequest: Sendable {
  package init() {}

  /// - Throws: `StoreError`.
  package func run(on repository: Repository) throws -> IndexOutcome {
    IndexOutcome(index: try repository.indexSummary())
  }
}

package struct IndexOutcome: Sendable {
  package let index: IndexSummary

  /// The document `index`.
  package var json: JSON {
    .object([
      "directory": .string(index.directory.description),
      "packs": .integer(Int64(index.packs)),
      "records": .integer(Int64(index.records)),
    ])
  }
}

/// Makes a new index from the packs.
package struct IndexRebuildRequest: Sendable {
  package init() {}

  /// - Parameter progress: called after each pack; what it throws ends the operation, and the old index
  ///   stays.
  /// - Throws: `StoreError`, and what `progress` throws.
  package func run(
    on repository: Repository, progress: (IndexProgress) throws -> Void
  ) throws -> IndexRebuildOutcome {
    let changes = try repository.rebuildIndex(progress: progress)
    return IndexRebuildOutcome(
      packs: changes.addedPacks, records: changes.records, damaged: changes.damaged)
  }
}

package struct IndexRebuildOutcome: Sendable {
  package let packs: Int
  package let records: Int
  package let damaged: [(pack: PackID, error: StoreError)]

  /// The document `index-rebuild`.
  package var json: JSON {
    .object([
      "packs": .integer(Int64(packs)),
      "records": .integer(Int64(records)),
      "damagedPacks": .strings(damaged.map(\.pack.description)),
    ])
  }
}
