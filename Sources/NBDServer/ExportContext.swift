package import NBDProtocol

/// A metadata context of one export, with the source of its status (proto.md, "Metadata querying").
package struct ExportContext: Sendable {
  /// The exact name that the client asked for, at most 4,096 bytes. In a list, the name that a
  /// client can ask for.
  package var name: String
  package var source: any StatusSource

  package init(name: String, source: any StatusSource) {
    self.name = name
    self.source = source
  }
}

/// The own contexts of one export.
package protocol ExportContexts: Sendable {
  /// Returns the contexts that `queries` name, in the order of the queries, without duplicates and
  /// without unknown names. There are at most 16 queries, all within the namespace `varve:`.
  ///
  /// A bare `varve:`, which only LIST_META_CONTEXT uses, means all contexts; at most 64 are used.
  /// Blocks; called on a thread of a pool.
  func contexts(matching queries: [String]) throws -> [ExportContext]
}

/// Answers BLOCK_STATUS for one context of one export, as long as the export is open.
package protocol StatusSource: Sendable {
  /// Returns extents that cover `range` from its lower bound without gaps, in order. Neighbours
  /// with the same status are merged.
  ///
  /// Returns at most `limit` extents, which is at least 1. The result may end early, but has at
  /// least one extent. Blocks; called on threads of a pool, several calls at once. The client gets
  /// errors in the same way as errors of a volume.
  func status(of range: Range<UInt64>, limit: Int) throws -> [StatusExtent]
}
