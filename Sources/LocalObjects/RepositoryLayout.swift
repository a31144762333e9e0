import FileIO
package import ObjectStorage
package import SystemPackage

/// The paths of the files and directories of a repository (format, "Directory").
package struct RepositoryLayout: Sendable {
  static let directoryPermissions: FilePermissions = [.ownerReadWriteExecute]
  static let filePermissions: FilePermissions = [.ownerReadWrite]
  static let lockName = "lock"

  package let root: FilePath
  /// Contains the directories of both kinds of packs.
  package let packs: FilePath
  /// A directory whose contents are not part of the format.
  let index: FilePath

  package init(root: FilePath) {
    self.root = root
    packs = root.appending("packs")
    index = root.appending("index")
  }

  /// The directory that an area's objects lie in, packs a directory deeper.
  package func directory(of area: ObjectArea) -> FilePath {
    switch area {
    case .settings: root
    case .keys: root.appending("keys")
    case .dataPacks: packs.appending("data")
    case .mapPacks: packs.appending("maps")
    case .revisions: root.appending("revisions")
    case .staged: root.appending("staged")
    case .marks: root.appending("marks")
    case .sessions: root.appending("sessions")
    case .forgotten: root.appending("forgotten")
    case .condemned: root.appending("condemned")
    case .quarantine: root.appending("quarantine")
    case .setAside: root.appending("quarantine").appending("packs")
    case .pins: root.appending("pins")
    }
  }

  /// Packs lie in 256 directories, by the first byte of their names.
  package func shard(_ area: ObjectArea, of pack: String) -> FilePath {
    directory(of: area).appending(String(pack.prefix(2)))
  }

  /// Makes the directory that a pack lies in.
  func makeShard(of pack: ObjectKey, on fileSystem: any FileSystem) throws(FileError) {
    do {
      try fileSystem.createDirectory(
        shard(pack.area, of: pack.name), permissions: Self.directoryPermissions)
    } catch  where error.code == .alreadyExists {}
    // Also where the directory was there: who made it may have died before making it durable.
    try fileSystem.synchronizeDirectory(directory(of: pack.area))
  }

  /// The file of an object, or of what a listing found.
  package func path(of key: ObjectKey) -> FilePath {
    let directory = directory(of: key.area)
    if key.area.holdsPacks, key.area.admits(key.name) {
      return directory.appending("\(key.name.prefix(2))/\(key.name)")
    }
    if key.area.admits(key.name) { return directory.appending(key.name) }
    // varve did not choose this name: it may contain any bytes.
    return key.name.split(separator: "/").reduce(directory) { path, name in
      name == "." ? path : path.appending(entry: String(name))
    }
  }

  /// The lock file of an area. A process that changes the area in more than one step locks this
  /// file.
  package func lock(of area: ObjectArea) -> FilePath {
    directory(of: area).appending(Self.lockName)
  }

  /// Every directory that a repository is made with.
  var initial: [FilePath] {
    var paths = (ObjectArea.required + ObjectArea.forDeleting).map(directory(of:))
    paths.insert(packs, at: 1)
    return paths
  }

  /// Names in the root that are directories of areas, or that a repository ignores. A new ext4 file
  /// system has a `lost+found`.
  var namesOfDirectories: Set<String> {
    var names: Set<String> = [packs.lastComponent?.string ?? "", "index", "lost+found"]
    for area in ObjectArea.allCases
    where ![.settings, .staged, .dataPacks, .mapPacks, .setAside].contains(area) {
      names.insert(directory(of: area).lastComponent?.string ?? "")
    }
    return names
  }
}
