import ChunkFormat
import SystemPackage

/// Where things are in a repository (format, "Directory").
struct RepositoryLayout: Sendable {
  static let directoryPermissions: FilePermissions = [.ownerReadWriteExecute]
  static let filePermissions: FilePermissions = [.ownerReadWrite]

  let root: FilePath

  /// The file whose presence makes the directory a repository.
  var configuration: FilePath { root.appending("config") }
  var keys: FilePath { root.appending("keys") }
  var packs: FilePath { root.appending("packs") }
  var revisions: FilePath { root.appending("revisions") }
  var marks: FilePath { root.appending("marks") }
  var sessions: FilePath { root.appending("sessions") }
  /// The disposable cache; not part of the format.
  var index: FilePath { root.appending("index") }
  /// Whoever changes marks holds a lock on this file.
  var marksLock: FilePath { marks.appending("lock") }
  /// Whoever makes the repository or removes a key holds a lock on this file.
  var keysLock: FilePath { keys.appending("lock") }

  /// Every directory that a repository is made with.
  var directories: [FilePath] {
    [keys, packs, packDirectory(.data), packDirectory(.map), revisions, marks, sessions]
  }

  func packDirectory(_ kind: PackKind) -> FilePath { packs.appending(kind.directoryName) }

  /// Packs lie in 256 directories, by the first byte of their names.
  func packShard(_ kind: PackKind, of pack: PackID) -> FilePath {
    packDirectory(kind).appending(String(pack.description.prefix(2)))
  }

  func pack(_ kind: PackKind, _ pack: PackID) -> FilePath {
    packShard(kind, of: pack).appending(pack.description)
  }

  func revision(_ id: RevisionID) -> FilePath { revisions.appending(id.description) }
  func marks(of id: RevisionID) -> FilePath { marks.appending(id.description) }
  func key(_ id: FileDigest) -> FilePath { keys.appending(id.description) }
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
