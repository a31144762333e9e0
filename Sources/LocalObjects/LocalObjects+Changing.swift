import FileIO
package import ObjectStorage
import SystemPackage

extension LocalObjects {
  package func make(_ area: ObjectArea) throws(StorageError) {
    try reportingFileErrors { () throws(FileError) in try makeDirectory(of: area) }
  }

  func makeDirectory(of area: ObjectArea) throws(FileError) {
    try fileSystem.createDirectories(
      layout.directory(of: area), permissions: RepositoryLayout.directoryPermissions)
  }

  package func put(_ objects: [NewObject], in area: ObjectArea) throws(StorageError) {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.writeDurably(
        objects.map {
          NewFile(path: layout.path(of: ObjectKey(area, $0.name)), bytes: $0.bytes)
        },
        in: layout.directory(of: area), permissions: RepositoryLayout.filePermissions)
    }
  }

  package func upload(to area: ObjectArea) throws(StorageError) -> any ObjectUpload {
    try reportingFileErrors { () throws(FileError) in
      try LocalUpload(to: area, layout: layout, fileSystem: fileSystem)
    }
  }

  package func move(_ moves: [(from: ObjectKey, to: ObjectKey)]) throws(StorageError) {
    let paths = moves.map { (from: layout.path(of: $0.from), to: layout.path(of: $0.to)) }
    let origins = paths.map(\.from.parentDirectory).unique
    let destinations = paths.map(\.to.parentDirectory).unique
    try reportingFileErrors { () throws(FileError) in
      for directory in destinations {
        try fileSystem.createDirectories(
          directory, permissions: RepositoryLayout.directoryPermissions)
      }
      var failure: FileError?
      for (from, to) in paths where failure == nil {
        do throws(FileError) {
          try fileSystem.rename(from, to: to)
        } catch {
          failure = error
        }
      }
      // Also after a failure, since earlier files stay moved. Synchronise the new names first:
      // after a crash, a file then has two names rather than none.
      for directory in destinations { try fileSystem.synchronizeDirectory(directory) }
      for directory in origins { try fileSystem.synchronizeDirectory(directory) }
      if let failure { throw failure }
    }
  }

  package func remove(_ names: [String], from area: ObjectArea) throws(StorageError) {
    let keys = names.map { ObjectKey(area, $0) }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.removeIfThere(keys.map(layout.path(of:)))
    }
    try settle(keys, in: area)
  }

  package func remove(_ key: ObjectKey) throws(StorageError) -> Bool {
    guard try discard(key) else { return false }
    try settle([key], in: key.area)
    return true
  }

  /// Makes durable which of `keys` are there.
  private func settle(_ keys: [ObjectKey], in area: ObjectArea) throws(StorageError) {
    if area.holdsPacks { try settlePacks(keys) } else { try settle(area) }
  }

  package func discard(_ key: ObjectKey) throws(StorageError) -> Bool {
    try reportingFileErrors { () throws(FileError) in
      do throws(FileError) {
        try fileSystem.remove(layout.path(of: key))
        return true
      } catch  where error.code == .notFound {
        return false
      }
    }
  }

  package func settle(_ area: ObjectArea) throws(StorageError) {
    try needingDirectory(of: area) { () throws(FileError) in
      try fileSystem.synchronizeDirectory(layout.directory(of: area))
    }
  }

  package func settlePacks(_ packs: [ObjectKey]) throws(StorageError) {
    var directories: Set<FilePath> = []
    for pack in packs {
      directories.insert(layout.directory(of: pack.area))
      directories.insert(layout.shard(pack.area, of: pack.name))
    }
    try reportingFileErrors { () throws(FileError) in
      // These errors do not matter. A read-only medium has no pending changes. If a directory is
      // missing, opening its packs will fail. Another user's directory is made durable by that
      // user.
      try fileSystem.synchronizeDirectories(
        directories.sorted { $0.string < $1.string },
        ignoring: [.readOnly, .notFound, .permissionDenied])
    }
  }
}

extension [FilePath] {
  /// The paths without duplicates, in their order.
  fileprivate var unique: [FilePath] {
    var known: Set<FilePath> = []
    return filter { known.insert($0).inserted }
  }
}
