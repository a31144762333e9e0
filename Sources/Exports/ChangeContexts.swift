import NBDProtocol
import NBDServer
import VolumeMap
import VolumeReader

/// The contexts that report what changed in a volume since another revision. The other revisions
/// stay pinned until the export is closed.
struct ChangeContexts: ExportContexts {
  let reader: VolumeReader
  let history: VolumeHistory
  let pins: RevisionPins

  /// Leaves out a query that names no other revision of the volume.
  func contexts(matching queries: [String]) throws -> [ExportContext] {
    var contexts: [ExportContext] = []
    for query in queries {
      switch ChangeQuery(query) {
      case .all:
        // A list does not read the other revisions, so they need no pins.
        for (id, map) in try history.newestOthers() {
          contexts.append(context(ChangeQuery.name(since: id), since: map))
        }
      case .since(let selector):
        guard let (id, map) = try history.revision(selector) else { continue }
        try pins.add(id)
        contexts.append(context(query, since: map))
      case nil: continue
      }
    }
    return contexts.reduce(into: []) { unique, context in
      if !unique.contains(where: { $0.name == context.name }) { unique.append(context) }
    }
  }

  private func context(_ name: String, since map: MapRoot) -> ExportContext {
    ExportContext(name: name, source: ChangeStatus(reader: reader, old: map))
  }
}

/// Reports what changed in a volume since another revision of it. Answers the context
/// `varve:changed-since:SELECTOR` from the two maps, without reading data.
private struct ChangeStatus: StatusSource {
  /// The flags of an extent.
  struct Flags: OptionSet, Sendable {
    let rawValue: UInt32

    /// The content may differ. Without this flag, the content is the same.
    static let changed = Flags(rawValue: 1)
    /// The content changed and reads as zeros now.
    static let zeros = Flags(rawValue: 2)
  }

  let reader: VolumeReader
  /// The map of the volume in the other revision.
  let old: MapRoot

  func status(of range: Range<UInt64>, limit: Int) throws -> [StatusExtent] {
    try reader.changes(since: old, in: range, limit: limit).map { extent in
      StatusExtent(lengthBytes: extent.lengthBytes, flags: Flags(extent.change).rawValue)
    }
  }
}

extension ChangeStatus.Flags {
  fileprivate init(_ change: ChangeExtent.Change) {
    switch change {
    case .none: self = []
    case .data: self = .changed
    case .zeros: self = [.changed, .zeros]
    }
  }
}

/// A query in the namespace of varve's own contexts.
enum ChangeQuery: Equatable {
  private static let prefix = MetaContext.ownNamespace + "changed-since:"

  /// All existing contexts.
  case all
  /// The changes since the revision of the same job that `selector` stands for.
  case since(selector: String)

  /// Parses a query. Nil for a query of another kind.
  init?(_ text: String) {
    if text == MetaContext.ownNamespace {
      self = .all
    } else if text.hasPrefix(Self.prefix) {
      self = .since(selector: String(text.dropFirst(Self.prefix.count)))
    } else {
      return nil
    }
  }

  /// The name of the context with the changes since the revision that `selector` stands for.
  static func name(since selector: some StringProtocol) -> String { prefix + selector }
}
