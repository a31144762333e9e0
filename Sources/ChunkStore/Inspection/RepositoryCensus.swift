package import ChunkFormat
import FileIO
package import SystemPackage

/// What lies in a repository's directories, by what it is. Nothing of it was opened.
package struct RepositoryCensus: Sendable {
  /// A file that has the name of a pack.
  package struct PackFile: Sendable {
    package let path: FilePath
    /// The name.
    package let id: PackID
    /// The kind that belongs into the directory.
    package let kind: PackKind
    /// Whether the name belongs into the directory.
    package let isInPlace: Bool

    init(path: FilePath, id: PackID, kind: PackKind, isInPlace: Bool) {
      self.path = path
      self.id = id
      self.kind = kind
      self.isInPlace = isInPlace
    }

    /// A file that was put aside. Which kind of pack it is, only its header tells.
    package init(setAside path: FilePath, _ id: PackID) {
      self.init(path: path, id: id, kind: .data, isInPlace: false)
    }
  }

  /// A file that is read whole.
  package struct SmallFile: Sendable {
    package let path: FilePath
    package let kind: RepositoryFileKind
    /// The name, where it is one of 64 digits.
    package let digest: FileDigest?
  }

  package fileprivate(set) var packs: [PackFile] = []
  package fileprivate(set) var smallFiles: [SmallFile] = []
  /// Packs that were put aside because they are damaged.
  package fileprivate(set) var setAside: [PackFile] = []
  /// What interrupted writes left, unless somebody is writing it right now.
  package fileprivate(set) var leftovers: [FilePath] = []
  /// Directories that a repository is made with and that are not there.
  package fileprivate(set) var missingDirectories: [FilePath] = []
  /// Whether the directory of revisions is missing, though something was stored.
  package fileprivate(set) var hasLostRevisions = false
  /// Files and directories that mean nothing to this program.
  package fileprivate(set) var strangers: [FilePath] = []
}

/// Takes a census.
struct CensusTaker {
  let layout: RepositoryLayout
  let fileSystem: any FileSystem
  private var census = RepositoryCensus()

  init(layout: RepositoryLayout, fileSystem: any FileSystem) {
    self.layout = layout
    self.fileSystem = fileSystem
  }

  /// - Throws: ``StoreError`` where a directory that is there cannot be listed.
  mutating func run() throws(StoreError) -> RepositoryCensus {
    try takeRoot()
    for kind in PackKind.allCases { try takePacks(kind) }
    try takeFiles(layout.keys, .keySlot, isName: Self.isDigest)
    try takeFiles(layout.revisions, .revision, isName: Self.isDigest)
    try takeFiles(layout.marks, .marks, isName: Self.isDigest)
    try takeFiles(layout.sessions, .session, isName: RepositoryLayout.isRandomName)
    try takeFiles(layout.forgotten, .revision, isName: Self.isDigest, isOptional: true)
    try takeFiles(
      layout.condemned, .condemnation, isName: RepositoryLayout.isRandomName, isOptional: true)
    try takeFiles(layout.quarantine, .quarantine, isName: Self.isDigest, isOptional: true)
    try takeFiles(layout.pins, .pin, isName: RepositoryLayout.isRandomName, isOptional: true)
    try takeSetAside()
    census.hasLostRevisions =
      census.missingDirectories.contains(layout.revisions) && !census.packs.isEmpty
    return census
  }

  private mutating func takeRoot() throws(StoreError) {
    let known = Set(
      (layout.directories + layout.optionalDirectories + [layout.configuration])
        .compactMap { $0.lastComponent?.string })
    for entry in try list(layout.root) ?? [] {
      if entry.name == layout.policies.lastComponent?.string {
        census.smallFiles.append(
          RepositoryCensus.SmallFile(path: layout.policies, kind: .policies, digest: nil))
        continue
      }
      // A fresh ext4 has a lost+found.
      let isKnown = known.contains(entry.name) || ["index", "lost+found"].contains(entry.name)
      if !isKnown { take(stranger: entry, in: layout.root) }
    }
  }

  private mutating func takePacks(_ kind: PackKind) throws(StoreError) {
    let directory = layout.packDirectory(kind)
    guard let shards = try list(directory) else {
      census.missingDirectories.append(directory)
      return
    }
    for shard in shards {
      let path = directory.appending(entry: shard.name)
      guard shard.kind == .directory, shard.name.utf8.count == 2,
        Hexadecimal.decode(shard.name) != nil
      else {
        take(stranger: shard, in: directory)
        continue
      }
      for file in try list(path) ?? [] {
        guard file.kind == .file, let id = PackID(name: file.name) else {
          take(stranger: file, in: path)
          continue
        }
        census.packs.append(
          RepositoryCensus.PackFile(
            path: path.appending(entry: file.name), id: id, kind: kind,
            isInPlace: file.name.hasPrefix(shard.name)))
      }
    }
  }

  private mutating func takeFiles(
    _ directory: FilePath, _ kind: RepositoryFileKind, isName: (String) -> Bool,
    isOptional: Bool = false
  ) throws(StoreError) {
    guard let entries = try list(directory) else {
      if !isOptional { census.missingDirectories.append(directory) }
      return
    }
    for entry in entries {
      let path = directory.appending(entry: entry.name)
      // Whatever has the name of a revision or a pin keeps garbage from being collected.
      if entry.kind == .file || kind == .revision || kind == .pin, isName(entry.name) {
        census.smallFiles.append(
          RepositoryCensus.SmallFile(
            path: path, kind: kind, digest: FileDigest(name: entry.name)))
      } else if entry.name != "lock", path != layout.setAside {
        take(stranger: entry, in: directory)
      }
    }
  }

  private mutating func takeSetAside() throws(StoreError) {
    for entry in try list(layout.setAside) ?? [] {
      guard entry.kind == .file, let id = PackID(name: entry.name) else {
        take(stranger: entry, in: layout.setAside)
        continue
      }
      census.setAside.append(
        RepositoryCensus.PackFile(setAside: layout.setAside.appending(entry: entry.name), id))
    }
  }

  private mutating func take(stranger entry: DirectoryEntry, in directory: FilePath) {
    let path = directory.appending(entry: entry.name)
    if entry.kind == .file, FilePath.isTemporaryName(entry.name) {
      census.leftovers.append(path)
    } else {
      census.strangers.append(path)
    }
  }

  /// Nil where there is no such directory.
  private func list(_ directory: FilePath) throws(StoreError) -> [DirectoryEntry]? {
    try reportingFileErrors { () throws(FileError) in try fileSystem.listIfThere(directory) }
  }

  private static func isDigest(_ name: String) -> Bool { FileDigest(name: name) != nil }
}
