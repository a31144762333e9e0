import NBDProtocol
import NBDServer
import VolumeMap
import VolumeReader

/// What changed in a volume since another revision of it: answers the context
/// `varve:changed-since:SELECTOR` from the two maps, without reading data.
struct ChangeContext: StatusSource {
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

extension ChangeContext.Flags {
  init(_ change: ChangeExtent.Change) {
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
