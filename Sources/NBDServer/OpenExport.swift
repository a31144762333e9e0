import NBDProtocol
import NIOPosix

/// An export that one connection has open, given back once nobody holds this any more: neither the
/// connection nor work of its that is under way.
final class OpenExport: Sendable {
  /// As many as a client can ask for by name and list besides.
  private static let contextLimit = MetaContext.queryLimit + MetaContext.listLimit

  /// As the client named it.
  let name: String
  let shared: SharedExport
  private let exports: SharedExports
  private let librarians: NIOThreadPool

  /// Takes over what a catalogue opened. Blocks.
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

  /// The contexts of the export's own that the queries name. Blocks.
  ///
  /// An export that breaks its promises never makes for a name that the protocol does not allow, two
  /// contexts of one name, or a list without end.
  func contexts(matching queries: [String]) throws -> [ExportContext] {
    guard !queries.isEmpty, let contexts = shared.contexts else { return [] }
    var seen: Set<String> = []
    return try contexts.contexts(matching: queries).prefix(Self.contextLimit).filter {
      $0.name.hasPrefix(MetaContext.ownNamespace) && seen.insert($0.name).inserted
        && $0.name.utf8.count <= ProtocolLimit.stringBytes
    }
  }
}

/// What a client selected with SET_META_CONTEXT. It keeps its export open, so that the contexts are
/// those of the export that is entered, whatever is asked about others meanwhile.
struct ContextSelection: Sendable {
  let export: OpenExport
  /// The export's own contexts that the client may ask about.
  let contexts: [ExportContext]
}
