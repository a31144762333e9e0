/// A metadata context that BLOCK_STATUS can answer (proto.md, "Metadata querying").
///
/// A context of the server's own is a further case here, with the name that its queries match.
package enum MetaContext: Sendable, Hashable, CaseIterable {
  /// Which parts of the export are allocated, and which read as zeros.
  case allocation

  package var name: String {
    switch self {
    case .allocation: "base:allocation"
    }
  }

  /// The number that stands for the context in replies, the same on every connection.
  package var id: UInt32 {
    switch self {
    case .allocation: 1
    }
  }

  private var namespace: String {
    switch self {
    case .allocation: "base:"
    }
  }

  /// The contexts that match the queries of LIST_META_CONTEXT, each once. A bare namespace lists
  /// all of it; no query at all lists everything.
  package static func listed(by queries: [String]) -> [MetaContext] {
    guard !queries.isEmpty else { return allCases }
    return allCases.filter { queries.contains($0.name) || queries.contains($0.namespace) }
  }

  /// The contexts that the queries of SET_META_CONTEXT select, each once. Only a full name
  /// selects; whatever is not known is ignored.
  package static func selected(by queries: [String]) -> [MetaContext] {
    allCases.filter { queries.contains($0.name) }
  }
}
