/// The parts of a repository. Each holds objects of one kind.
package enum ObjectArea: Sendable, Hashable, CaseIterable {
  /// The configuration and the retention policies.
  case settings
  case keys
  case dataPacks
  case mapPacks
  case revisions
  /// Revisions that a session is about to commit.
  case staged
  /// What is said of revisions after they were made.
  case marks
  case sessions
  /// Revisions that nobody can open any more, kept while somebody still reads one.
  case forgotten
  /// Packs that are about to be deleted.
  case condemned
  /// Reports of damaged copies.
  case quarantine
  /// Packs that were put aside after their intact records had been stored again.
  case setAside
  /// Pins keep revisions for something outside the repository.
  case pins

  /// The areas that every repository has, in this order. The others begin with their first object.
  package static let required: [ObjectArea] = [
    .keys, .dataPacks, .mapPacks, .revisions, .marks, .sessions,
  ]

  /// The areas that deleting needs. A repository is made with them too, but may lack them.
  package static let forDeleting: [ObjectArea] = [.forgotten, .condemned]

  /// Whether the objects are packs.
  package var holdsPacks: Bool { self == .dataPacks || self == .mapPacks }

  /// Whether an object of the area may have this name. Anything else in the area is none of its objects.
  package func admits(_ name: String) -> Bool {
    switch self {
    case .settings: name == ObjectKey.configuration.name || name == ObjectKey.policies.name
    case .sessions, .condemned, .pins: Self.isHexadecimal(name, digits: 32)
    case .keys, .dataPacks, .mapPacks, .revisions, .staged, .marks, .forgotten, .quarantine,
      .setAside:
      Self.isHexadecimal(name, digits: 64)
    }
  }

  private static func isHexadecimal(_ name: String, digits: Int) -> Bool {
    let bytes = name.utf8
    return bytes.count == digits
      && bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}

/// Names one object of a repository.
package struct ObjectKey: Sendable, Hashable, CustomStringConvertible {
  /// The presence of this object makes a place a repository.
  package static let configuration = ObjectKey(.settings, "config")
  /// How long revisions are kept.
  package static let policies = ObjectKey(.settings, "policy")

  package let area: ObjectArea
  /// Unique in the area. What a listing finds besides objects has the name that the storage gave it.
  package let name: String

  package init(_ area: ObjectArea, _ name: String) {
    self.area = area
    self.name = name
  }

  package var description: String { "\(area)/\(name)" }
}
