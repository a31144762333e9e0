/// A metadata context that a client selected (proto.md, "Metadata querying").
package struct MetaContext: Sendable, Hashable {
  /// Identifies the context in replies. Valid on this connection only.
  package let id: UInt32
  package let name: String

  /// Reports which parts of the export are allocated, and which read as zeros.
  package static let allocation = MetaContext(id: 1, name: "base:allocation")

  /// The namespace of varve's own contexts. An export may have several of them.
  package static let ownNamespace = "varve:"
  /// How many queries for own contexts one option may contain. The server refuses more with
  /// ERR_TOO_BIG.
  package static let queryLimit = 16
  /// How many own contexts LIST_META_CONTEXT returns.
  package static let listLimit = 64

  /// Numbers the contexts of an answer: `base:allocation` gets the id 1, the others start at 2.
  static func numbered(hasAllocation: Bool, own: some Sequence<String>) -> [MetaContext] {
    (hasAllocation ? [allocation] : [])
      + zip(2..., own).map { MetaContext(id: $0, name: $1) }
  }
}

extension ContextQueries {
  /// Whether LIST_META_CONTEXT includes `base:allocation`. It does if a query has the full name or
  /// the namespace `base:`, or if there is no query.
  var listsAllocation: Bool {
    queries.isEmpty || queries.contains("base:") || selectsAllocation
  }

  /// Whether SET_META_CONTEXT selects `base:allocation`. Only a query with the full name selects
  /// it.
  var selectsAllocation: Bool { queries.contains(MetaContext.allocation.name) }

  /// The queries that the export must answer, without duplicates.
  ///
  /// A selection needs full names: a bare namespace selects nothing, and so does an empty list of
  /// queries. For LIST_META_CONTEXT, an empty list of queries means all contexts.
  func own(isSelection: Bool) -> [String] {
    guard isSelection || !queries.isEmpty else { return [MetaContext.ownNamespace] }
    var seen: Set<String> = []
    return queries.filter { query in
      query.hasPrefix(MetaContext.ownNamespace)
        && !(isSelection && query == MetaContext.ownNamespace) && seen.insert(query).inserted
    }
  }
}
