import FileIO
package import ObjectStorage
import SystemPackage

extension LocalObjects {
  package func create() throws(StorageError) {
    try makeRoot()
    try checkForUnknownFiles()
    try reportingFileErrors { () throws(FileError) in
      for directory in layout.initial {
        do throws(FileError) {
          try fileSystem.createDirectory(
            directory, permissions: RepositoryLayout.directoryPermissions)
        } catch  where error.code == .alreadyExists {}
      }
      try fileSystem.synchronizeDirectory(layout.packs)
      try fileSystem.synchronizeDirectory(layout.root)
    }
  }

  /// Creates the directory of the repository if it is missing.
  private func makeRoot() throws(StorageError) {
    try reportingFileErrors { () throws(FileError) in
      try surroundings.createDirectories(
        layout.root, permissions: RepositoryLayout.directoryPermissions)
      do throws(FileError) {
        // The process that made the directory may have died before making it durable.
        try surroundings.synchronizeDirectory(layout.root.parentDirectory)
      } catch  where error.code == .permissionDenied {}
    }
  }

  /// Refuses a directory that is used for something else. The `lost+found` of a new ext4 file
  /// system may stay.
  private func checkForUnknownFiles() throws(StorageError) {
    let known = Set(layout.initial.map { $0.lastComponent?.string ?? "" })
    let present = try reportingFileErrors { () throws(FileError) in
      try fileSystem.list(layout.root).map(\.name)
    }
    guard !present.contains(ObjectKey.configuration.name) else {
      throw StorageError(
        .alreadyExists, at: place,
        cause: FileError(
          operation: "create", path: layout.path(of: .configuration), errno: .fileExists))
    }
    let unknown = present.first {
      !known.contains($0) && $0 != "lost+found" && !FilePath.isTemporaryName($0)
    }
    guard let unknown else { return }
    throw StorageError(
      .occupied, at: place,
      cause: Hindrance(
        description: "\(layout.root) is not empty: it contains '\(unknown)'; a repository needs a "
          + "directory of its own"))
  }

  /// Checks that an open, locked file can be renamed and keeps its lock.
  package func probe() throws(StorageError) {
    let path = layout.directory(of: .sessions).appending("trial").temporarySibling()
    let renamed = path.temporarySibling()
    var refusal: FileError?
    try reportingFileErrors { () throws(FileError) in
      let file = try fileSystem.createFile(path, permissions: RepositoryLayout.filePermissions)
      defer {
        file.close()
        for path in [path, renamed] { try? fileSystem.removeIfThere(path) }
      }
      try file.lock(.exclusive)
      do throws(FileError) {
        try fileSystem.rename(path, to: renamed)
      } catch {
        refusal = error
        return
      }
      // If the lock has no effect, this call gives a notice. Nothing will be deleted there.
      _ = try fileSystem.lockExcludesOthers(on: renamed)
    }
    guard let refusal else { return }
    throw StorageError(
      .unsuitable, at: place,
      cause: Hindrance(
        description: "\(layout.root) cannot hold a repository: its file system cannot rename an "
          + "open file, which every backup does; choose a directory on another file system "
          + "(\(refusal))"))
  }
}
