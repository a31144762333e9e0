import ChunkFormat
import SystemPackage

/// Where things are in a repository (format, "Directory").
struct RepositoryLayout: Sendable {
  static let directoryPermissions: FilePermissions = [.ownerReadWriteExecute]
  static let filePermissions: FilePermissions = [.ownerReadWrite]

  let root: FilePath
  /// The file whose presence makes the directory a repository.
  let configuration: FilePath
  let keys: FilePath
  let packs: FilePath
  let revisions: FilePath
  let marks: FilePath
  let sessions: FilePath
  /// Revisions that nobody can open any more, kept while somebody still reads one. Made when needed.
  let forgotten: FilePath
  /// Packs that are about to be deleted. Made when needed.
  let condemned: FilePath
  /// Whoever collects garbage holds a lock on this file.
  let condemnedLock: FilePath
  /// How long revisions are kept. Made when needed.
  let policies: FilePath
  /// Copies of records that were found damaged. Made when needed.
  let quarantine: FilePath
  /// Packs that were put aside after their intact records had been stored again. Made when needed.
  let setAside: FilePath
  /// Whoever changes the quarantine holds a lock on this file.
  let quarantineLock: FilePath
  /// Pins, which keep revisions for something outside the repository. Made when needed.
  let pins: FilePath
  /// Whoever changes marks, policies or pins, or forgets revisions, holds a lock on this file.
  let marksLock: FilePath
  /// Whoever makes the repository, or adds or removes a key, holds a lock on this file.
  let keysLock: FilePath
  private let dataPacks: FilePath
  private let mapPacks: FilePath

  init(root: FilePath) {
    self.root = root
    configuration = root.appending("config")
    keys = root.appending("keys")
    packs = root.appending("packs")
    revisions = root.appending("revisions")
    marks = root.appending("marks")
    sessions = root.appending("sessions")
    forgotten = root.appending("forgotten")
    condemned = root.appending("condemned")
    condemnedLock = condemned.appending("lock")
    policies = root.appending("policy")
    quarantine = root.appending("quarantine")
    setAside = quarantine.appending("packs")
    quarantineLock = quarantine.appending("lock")
    pins = root.appending("pins")
    marksLock = marks.appending("lock")
    keysLock = keys.appending("lock")
    dataPacks = packs.appending(PackKind.data.directoryName)
    mapPacks = packs.appending(PackKind.map.directoryName)
  }

  /// Every directory that a repository is made with.
  var directories: [FilePath] {
    [keys, packs, dataPacks, mapPacks, revisions, marks, sessions]
  }

  /// Those that come with their first file.
  var optionalDirectories: [FilePath] { [forgotten, condemned, quarantine, pins] }

  func packDirectory(_ kind: PackKind) -> FilePath {
    switch kind {
    case .data: dataPacks
    case .map: mapPacks
    }
  }

  /// Packs lie in 256 directories, by the first byte of their names.
  func packShard(_ kind: PackKind, of pack: PackID) -> FilePath {
    packDirectory(kind).appending(String(pack.description.prefix(2)))
  }

  func pack(_ kind: PackKind, _ pack: PackID) -> FilePath {
    let name = pack.description
    return packDirectory(kind).appending("\(name.prefix(2))/\(name)")
  }

  /// Whether it is the name of a session or a condemnation: 32 hexadecimal digits.
  static func isRandomName(_ name: String) -> Bool {
    name.utf8.count == 32 && Hexadecimal.decode(name) != nil
  }

  func revision(_ id: RevisionID) -> FilePath { revisions.appending(id.description) }
  func forgotten(_ id: RevisionID) -> FilePath { forgotten.appending(id.description) }
  func quarantined(_ name: QuarantineReportID) -> FilePath {
    quarantine.appending(name.description)
  }
  func pin(_ name: PinName) -> FilePath { pins.appending(name.description) }
  func marks(of id: RevisionID) -> FilePath { marks.appending(id.description) }
  func key(_ id: KeyID) -> FilePath { keys.appending(id.description) }
}

/// Chunks and map nodes lie in different packs, since maps are read all the time.
package enum PackKind: UInt8, Sendable, CaseIterable {
  case data = 1
  case map = 2

  var fileKind: RepositoryFileKind {
    switch self {
    case .data: .dataPack
    case .map: .mapPack
    }
  }

  var directoryName: String {
    switch self {
    case .data: "data"
    case .map: "maps"
    }
  }

  init(holding type: RecordType) {
    switch type {
    case .chunk: self = .data
    case .mapNode: self = .map
    }
  }
}
