package import ChunkFormat

/// What the store has of a content that is about to be stored. One look-up of the index tells all of
/// it; the value then travels with the content.
package enum RecordStanding: Sendable {
  /// The session has appended it, and it is in no pack yet.
  case pending
  /// A pack that is there holds it, and its base where it is a delta.
  case stored
  /// The index lists copies, but none that may be relied on. The content is stored again, and not as
  /// a delta: others may be deltas of it, and a base is no delta.
  case unreliable
  /// The index does not list it.
  case new(base: DeltaBase?)

  /// Whether the store has the content, or will have it shortly.
  package var isStored: Bool {
    switch self {
    case .pending, .stored: true
    case .unreliable, .new: false
    }
  }
}

/// A record that a new content may be stored as a delta of. It is no delta itself.
package struct DeltaBase: Sendable {
  package let id: ContentID
  /// Copies that may be relied on; at least one.
  package let copies: [RecordLocation]
}

/// The copies that the index lists of a content, and of all that is needed to tell its standing. They
/// come from one state of the index.
struct IndexAnswer {
  typealias Copy = (pack: IndexedPack, entry: PackEntry)

  private let id: ContentID
  /// Copies of the content itself; copies that are no deltas come first.
  let copies: [Copy]
  /// Of bases, and of the record at the same place of the parent revision.
  private var others: [ContentID: [Copy]] = [:]

  /// - Parameter previous: looked up only where the content is not listed.
  init(
    _ id: ContentID, after previous: ContentID?,
    lookingUp copies: (ContentID) throws(LMDBError) -> [Copy]
  ) throws(LMDBError) {
    self.id = id
    self.copies = try copies(id)
    if let previous, self.copies.isEmpty {
      let found = try copies(previous)
      others[previous] = found
      try addBases(of: found, lookingUp: copies)
    } else {
      try addBases(of: self.copies, lookingUp: copies)
    }
  }

  func copies(of other: ContentID) -> [Copy] { other == id ? copies : others[other] ?? [] }

  private mutating func addBases(
    of found: [Copy], deltas: Int = 0, lookingUp copies: (ContentID) throws(LMDBError) -> [Copy]
  ) throws(LMDBError) {
    guard deltas < PackIndex.maximumDeltas else { return }
    for case let base? in found.map(\.entry.base) where base != id && others[base] == nil {
      let found = try copies(base)
      others[base] = found
      try addBases(of: found, deltas: deltas + 1, lookingUp: copies)
    }
  }
}
