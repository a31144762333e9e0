/// A metadata context that a client selected (proto.md, "Metadata querying").
package struct MetaContext: Sendable, Hashable {
  /// Stands for the context in replies, on this connection alone.
  package let id: UInt32
  package let name: String

  /// Which parts of the export are allocated, and which read as zeros.
  package static let allocation = MetaContext(id: 1, name: "base:allocation")

  /// The namespace of the contexts that an export may have of its own.
  package static let ownNamespace = "varve:"
  /// How many of them one option may ask for; a longer list of queries is refused with ERR_TOO_BIG.
  package static let queryLimit = 16
  /// How many of them LIST_META_CONTEXT shows.
  package static let listLimit = 64

  /// What the server answers with, numbered: `base:allocation` is 1, the others follow.
  static func numbered(hasAllocation: Bool, own: some Sequence<String>) -> [MetaContext] {
    (hasAllocation ? [allocation] : [])
      + zip(2..., own).map { MetaContext(id: $0, name: $1) }
  }
}

extension ContextQueries {
  /// Whether LIST_META_CONTEXT tells of `base:allocation`: asked for by name, by its namespace, or
  /// by no query at all.
  var listsAllocation: Bool {
    queries.isEmpty || queries.contains("base:") || selectsAllocation
  }

  /// Whether SET_META_CONTEXT selects `base:allocation`; only the full name does.
  var selectsAllocation: Bool { queries.contains(MetaContext.allocation.name) }

  /// What the export has to be asked about, each query once.
  ///
  /// Only a selection needs full names: a bare namespace selects nothing, and no query lists all.
  func own(isSelection: Bool) -> [String] {
    guard isSelection || !queries.isEmpty else { return [MetaContext.ownNamespace] }
    var seen: Set<String> = []
    return queries.filter { query in
      query.hasPrefix(MetaContext.ownNamespace)
        && !(isSelection && query == MetaContext.ownNamespace) && seen.insert(query).inserted
    }
  }
}
