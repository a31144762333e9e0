import NBDProtocol
import NIOPosix

/// An export that one connection has open. It is released when neither the connection nor running
/// work refers to it any more.
final class OpenExport: Sendable {
  /// As many contexts as a client can ask for by name, plus a full list.
  private static let contextLimit = MetaContext.queryLimit + MetaContext.listLimit

  /// The name that the client used.
  let name: String
  let shared: SharedExport
  private let exports: SharedExports
  private let librarians: NIOThreadPool

  /// Takes ownership of an export that a catalogue opened. Blocks.
  init(_ opened: OpenedExport, as name: String, of services: Services) {
    self.name = name
    exports = services.exports
    librarians = services.librarians
    shared = services.exports.acquire(opened)
  }

  deinit {
    let (exports, shared) = (exports, shared)
    librarians.submit { _ in exports.release(shared) }
  }

  var properties: ExportProperties { shared.properties }

  /// Returns the export's own contexts that the queries name. Blocks.
  ///
  /// Checks the result, in case the export violates its contract: all names are allowed by the
  /// protocol, no name occurs twice, and the number of contexts is limited.
  func contexts(matching queries: [String]) throws -> [ExportContext] {
    guard !queries.isEmpty, let contexts = shared.contexts else { return [] }
    var seen: Set<String> = []
    return try contexts.contexts(matching: queries).prefix(Self.contextLimit).filter {
      $0.name.hasPrefix(MetaContext.ownNamespace) && seen.insert($0.name).inserted
        && $0.name.utf8.count <= ProtocolLimit.stringBytes
    }
  }
}

/// The contexts that a client selected with SET_META_CONTEXT. The selection keeps its export open.
/// So the contexts belong to the export that is entered later, even if the client asks about other
/// exports in between.
struct ContextSelection: Sendable {
  let export: OpenExport
  /// The export's own contexts that the client may ask about.
  let contexts: [ExportContext]
}
