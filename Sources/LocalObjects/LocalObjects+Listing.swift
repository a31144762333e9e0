import FileIO
package import ObjectStorage
import SystemPackage

extension LocalObjects {
  package func list(_ area: ObjectArea) throws(StorageError) -> [ListedObject] {
    try needingDirectory(of: area) { () throws(FileError) in
      if area.holdsPacks { return try listPacks(area) }
      var entries = try fileSystem.list(layout.directory(of: area))
      switch area {
      case .settings:
        let directories = layout.namesOfDirectories
        entries.removeAll { directories.contains($0.name) }
      case .quarantine:
        let setAside = layout.directory(of: .setAside).lastComponent?.string
        entries.removeAll { $0.name == setAside }
      default: break
      }
      return entries.map { entry in
        ListedObject(key: ObjectKey(area, entry.name), kind: kind(of: entry, in: area))
      }
    }
  }

  private func kind(of entry: DirectoryEntry, in area: ObjectArea) -> ListedObject.Kind {
    if area != .settings, area != .setAside, entry.name == RepositoryLayout.lockName {
      return .auxiliary
    }
    guard entry.kind == .file else { return .other }
    if area.admits(entry.name) { return .object }
    return FilePath.isTemporaryName(entry.name) ? .unfinished : .other
  }

  private func listPacks(_ area: ObjectArea) throws(FileError) -> [ListedObject] {
    let directory = layout.directory(of: area)
    var found: [ListedObject] = []
    for shard in try fileSystem.list(directory) {
      guard shard.kind == .directory, Self.isShard(shard.name) else {
        let isUnfinished = shard.kind == .file && FilePath.isTemporaryName(shard.name)
        // The prefix "./" marks the name, so that a file with the name of a pack is not taken for a
        // pack.
        let key = ObjectKey(area, isUnfinished ? shard.name : "./\(shard.name)")
        found.append(ListedObject(key: key, kind: isUnfinished ? .unfinished : .other))
        continue
      }
      // It may have been removed since, empty.
      for file in try fileSystem.listIfThere(directory.appending(shard.name)) ?? [] {
        found.append(Self.listed(file, in: shard.name, area))
      }
    }
    return found
  }

  private static func listed(
    _ file: DirectoryEntry, in shard: String, _ area: ObjectArea
  ) -> ListedObject {
    let isPack = file.kind == .file && area.admits(file.name)
    if isPack, file.name.hasPrefix(shard) {
      return ListedObject(key: ObjectKey(area, file.name), kind: .object)
    }
    let isUnfinished = file.kind == .file && FilePath.isTemporaryName(file.name)
    // A pack in another pack's directory is misplaced: nobody would look for it there.
    return ListedObject(
      key: ObjectKey(area, "\(shard)/\(file.name)"),
      kind: isPack ? .misplaced : isUnfinished ? .unfinished : .other)
  }

  /// Whether the name is two hexadecimal digits.
  private static func isShard(_ name: String) -> Bool {
    name.utf8.count == 2
      && name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  package func unfinished(in area: ObjectArea) throws(StorageError) -> [ObjectKey] {
    try needingDirectory(of: area) { () throws(FileError) in
      try fileSystem.unfinishedFiles(in: layout.directory(of: area))
        .map { ObjectKey(area, $0) }
    }
  }

  package func isThere(_ area: ObjectArea) throws(StorageError) -> Bool {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.exists(layout.directory(of: area))
    }
  }

  package func isEmpty(_ area: ObjectArea) throws(StorageError) -> Bool {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.list(layout.directory(of: area))
        .allSatisfy { FilePath.isTemporaryName($0.name) }
    }
  }
}
