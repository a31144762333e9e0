import NBDProtocol
import NBDServer
import VolumeMap
import VolumeReader

/// What changed in a volume of a revision since others. The revisions that it is compared with stay pinned until
/// the export is closed.
struct ChangeContexts: ExportContexts {
  let reader: VolumeReader
  let history: VolumeHistory
  let pins: RevisionPins

  /// A query that stands for no other revision of the volume is left out.
  func contexts(matching queries: [String]) throws -> [ExportContext] {
    var contexts: [ExportContext] = []
    for query in queries {
      switch ChangeQuery(query) {
      case .all:
        // Only to be listed, so that nothing need be kept.
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

/// What changed in a volume since another revision of it: answers the context
/// `varve:changed-since:SELECTOR` from the two maps, without reading data.
private struct ChangeStatus: StatusSource {
  /// What an extent's flags say.
  struct Flags: OptionSet, Sendable {
    let rawValue: UInt32

    /// The content may be another than it was; without it, it is the same.
    static let changed = Flags(rawValue: 1)
    /// It changed, and reads as zeros now.
    static let zeros = Flags(rawValue: 2)
  }

  let reader: VolumeReader
  /// The volume's map in the other revision.
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

/// What a client asks for in the namespace of the server's own contexts.
enum ChangeQuery: Equatable {
  private static let prefix = MetaContext.ownNamespace + "changed-since:"

  /// The contexts that there are.
  case all
  /// What changed since the revision of the same job that `selector` stands for.
  case since(selector: String)

  /// Nil for what is no query of this kind.
  init?(_ text: String) {
    if text == MetaContext.ownNamespace {
      self = .all
    } else if text.hasPrefix(Self.prefix) {
      self = .since(selector: String(text.dropFirst(Self.prefix.count)))
    } else {
      return nil
    }
  }

  /// The name of the context that tells what changed since the revision `selector` stands for.
  static func name(since selector: some StringProtocol) -> String { prefix + selector }
}
