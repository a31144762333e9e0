package import CalendarTime

/// The name of a session. It is random, so no two sessions ever have the same name.
package struct SessionID: Hashable, Sendable, CustomStringConvertible {
  /// 32 hexadecimal digits, the name of the session's file.
  package let description: String

  /// The session with a file of this name. Does not check the form of the name: a name of another
  /// form matches no session.
  package init(name: String) { description = name }

  /// A new name.
  package static func random() throws(FormatError) -> SessionID {
    SessionID(name: try Randomness.name())
  }
}

/// A process that works with the repository: a locked file in `sessions/`, an envelope around
/// fields (format, "Sessions").
package struct SessionRecord: Equatable, EnvelopedFile {
  package static let fileKind = RepositoryFileKind.session
  package static let maximumFileBytes = 16 << 20
  package static var knownTags: Set<UInt16> { Tag.all }

  /// The operations that the session may perform.
  package enum Kind: UInt8, Sendable {
    case reading = 1
    case writing = 2
  }

  package var kind: Kind
  package var started: Timestamp
  package var host: String
  package var process: Int32
  /// The purpose in words: "backup of web01".
  package var purpose: String
  /// Revisions that must stay readable while the session is open.
  package var pinned: [RevisionID]

  package init(
    kind: Kind, started: Timestamp, host: String, process: Int32, purpose: String,
    pinned: [RevisionID]
  ) {
    self.kind = kind
    self.started = started
    self.host = host
    self.process = process
    self.purpose = purpose
    self.pinned = pinned
  }

  package func encodedFields() -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.kind, kind.rawValue)
    fields.field(Tag.started, started)
    fields.field(Tag.host, host)
    fields.field(Tag.process, process)
    fields.field(Tag.purpose, purpose)
    for revision in pinned {
      fields.field(Tag.pinned, revision)
    }
    return fields.bytes
  }

  package init(fields: FieldList) throws(FormatError) {
    let kind: UInt8 = try fields.integer(Tag.kind)
    guard let kind = Kind(rawValue: kind) else {
      throw FormatError(
        .unsupported, in: Self.structure,
        "kind \(kind) is not supported; use a newer version of varve")
    }
    self.kind = kind
    started = try fields.time(Tag.started)
    host = try fields.text(Tag.host)
    process = try fields.integer(Tag.process)
    purpose = try fields.text(Tag.purpose)
    pinned = try fields.fileIDs(Tag.pinned)
  }

  private enum Tag {
    static let kind: UInt16 = 1 | FieldList.critical
    static let started: UInt16 = 2
    static let host: UInt16 = 3
    static let process: UInt16 = 4
    static let purpose: UInt16 = 5
    static let pinned: UInt16 = 6 | FieldList.critical
    static let all: Set<UInt16> = [kind, started, host, process, purpose, pinned]
  }
}
