package import ChunkFormat
package import ChunkStore
package import ObjectStorage

/// What is in a repository's areas, by what it is. Nothing of it was opened.
package struct RepositoryCensus: Sendable {
  /// A file that has the name of a pack.
  package struct PackFile: Sendable {
    package let key: ObjectKey
    /// The name.
    package let id: PackID
    /// The kind that belongs into the area.
    package let kind: PackKind
    /// Whether the pack is looked for under this key.
    package let isInPlace: Bool

    init(key: ObjectKey, id: PackID, kind: PackKind, isInPlace: Bool) {
      self.key = key
      self.id = id
      self.kind = kind
      self.isInPlace = isInPlace
    }

    /// A file that was put aside. Which kind of pack it is, only its header tells.
    package init(setAside key: ObjectKey, _ id: PackID) {
      self.init(key: key, id: id, kind: .data, isInPlace: false)
    }
  }

  /// A file that is read whole.
  package struct SmallFile: Sendable {
    package let key: ObjectKey
    package let kind: RepositoryFileKind
    /// The name, where it is one of 64 digits.
    package let digest: FileDigest?
  }

  package fileprivate(set) var packs: [PackFile] = []
  package fileprivate(set) var smallFiles: [SmallFile] = []
  /// Packs that were put aside because they are damaged.
  package fileprivate(set) var setAside: [PackFile] = []
  /// What interrupted writes left, unless somebody is writing it right now.
  package fileprivate(set) var leftovers: [ObjectKey] = []
  /// Areas that a repository is made with and that are not there.
  package fileprivate(set) var missingAreas: [ObjectArea] = []
  /// Areas in whose place lies something else, and what.
  package fileprivate(set) var obstructedAreas: [(area: ObjectArea, message: String)] = []
  /// Whether the area of revisions is missing, though something was stored.
  package fileprivate(set) var hasLostRevisions = false
  /// What means nothing to this program.
  package fileprivate(set) var unknownFiles: [ObjectKey] = []
}

/// Takes a census.
struct CensusTaker {
  private let storage: any ObjectStorage
  private var census = RepositoryCensus()
  /// Names of all that may be revisions.
  private var revisions: Set<String> = []

  init(_ storage: any ObjectStorage) { self.storage = storage }

  /// - Throws: ``StoreError`` where an area that is there cannot be listed.
  mutating func run() throws(StoreError) -> RepositoryCensus {
    try takeSettings()
    for kind in PackKind.allCases { try takePacks(kind) }
    try takeObjects(of: .keys, .keySlot)
    try takeObjects(of: .revisions, .revision)
    revisions = Set(census.smallFiles.map(\.key.name))
    try takeObjects(of: .marks, .marks)
    try takeObjects(of: .sessions, .session)
    try takeObjects(of: .forgotten, .revision)
    try takeObjects(of: .condemned, .condemnation)
    try takeObjects(of: .quarantine, .quarantine)
    try takeObjects(of: .pins, .pin)
    try takeSetAside()
    census.hasLostRevisions =
      census.missingAreas.contains(.revisions) && !census.packs.isEmpty
    return census
  }

  private mutating func takeSettings() throws(StoreError) {
    for entry in try list(.settings) {
      if entry.key == .policies {
        census.smallFiles.append(
          RepositoryCensus.SmallFile(key: entry.key, kind: .policies, digest: nil))
      } else if entry.key != .configuration {
        takeOther(entry)
      }
    }
  }

  private mutating func takePacks(_ kind: PackKind) throws(StoreError) {
    for entry in try list(kind.area) {
      let name = entry.key.name.split(separator: "/").last ?? ""
      guard entry.kind == .object || entry.kind == .misplaced, let id = PackID(name: name)
      else {
        takeOther(entry)
        continue
      }
      census.packs.append(
        RepositoryCensus.PackFile(
          key: entry.key, id: id, kind: kind, isInPlace: entry.kind == .object))
    }
  }

  private mutating func takeObjects(
    of area: ObjectArea, _ kind: RepositoryFileKind
  ) throws(StoreError) {
    for entry in try list(area) {
      // Whatever has the name of a revision or a pin keeps garbage from being collected, and whatever has
      // that of a revision's marks keeps them from being read.
      let isTaken =
        entry.kind == .object || kind == .revision || kind == .pin
        || kind == .marks && revisions.contains(entry.key.name)
      if isTaken, area.admits(entry.key.name) {
        census.smallFiles.append(
          RepositoryCensus.SmallFile(
            key: entry.key, kind: kind, digest: FileDigest(name: entry.key.name)))
      } else if entry.kind != .auxiliary {
        takeOther(entry)
      }
    }
  }

  private mutating func takeSetAside() throws(StoreError) {
    for entry in try list(.setAside) {
      guard entry.kind == .object, let id = PackID(name: entry.key.name) else {
        takeOther(entry)
        continue
      }
      census.setAside.append(RepositoryCensus.PackFile(setAside: entry.key, id))
    }
  }

  private mutating func takeOther(_ entry: ListedObject) {
    if entry.kind == .unfinished {
      census.leftovers.append(entry.key)
    } else {
      census.unknownFiles.append(entry.key)
    }
  }

  /// Takes note where there is no such area and there should be one, or something else in its place.
  private mutating func list(_ area: ObjectArea) throws(StoreError) -> [ListedObject] {
    let listed: [ListedObject]?
    do throws(StorageError) {
      listed = try storage.listIfThere(area)
    } catch  where error.code == .notADirectory || error.code == .wrongKind {
      census.obstructedAreas.append((area, "\(error)"))
      return []
    } catch {
      throw StoreError(error)
    }
    if listed == nil, ObjectArea.required.contains(area) { census.missingAreas.append(area) }
    return listed ?? []
  }
}
