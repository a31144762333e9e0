package import NBDProtocol

/// A metadata context of one export, and what answers it (proto.md, "Metadata querying").
package struct ExportContext: Sendable {
  /// Exactly as the client asked for it, at most 4,096 bytes; in a list, as a client can ask for it.
  package var name: String
  package var source: any StatusSource

  package init(name: String, source: any StatusSource) {
    self.name = name
    self.source = source
  }
}

/// The contexts of the server's own that one export has.
package protocol ExportContexts: Sendable {
  /// Those that `queries` name, in their order, each once; those that are not known are left out. At most
  /// 16 queries come, all within the namespace `varve:`.
  ///
  /// A bare `varve:`, which only LIST_META_CONTEXT asks for, stands for what there is, at most 64
  /// of it. Blocks; called on a thread for that.
  func contexts(matching queries: [String]) throws -> [ExportContext]
}

/// Answers BLOCK_STATUS for one context of one export, as long as that is open.
package protocol StatusSource: Sendable {
  /// Extents that tile `range` from its lower bound, in order, neighbours of one kind merged.
  ///
  /// At most `limit`, which is at least 1; may stop early, but not before the first. Blocks; called
  /// on a thread for that, several calls at once. Errors reach the client as a volume's do.
  func status(of range: Range<UInt64>, limit: Int) throws -> [StatusExtent]
}
