package import SystemPackage
import Workers

/// A file to write.
package struct NewFile: Sendable {
  package let path: FilePath
  package let bytes: [UInt8]

  package init(path: FilePath, bytes: [UInt8]) { (self.path, self.bytes) = (path, bytes) }
}

extension FileSystem {
  /// Calls ``synchronizeDirectory(_:)`` for each of `directories`, in any order. If the file system
  /// benefits, several calls run at the same time: one commit of the journal serves all of them.
  ///
  /// - Parameter ignored: errors that are ignored. The other directories are still synchronised.
  package func synchronizeDirectories(
    _ directories: [FilePath], ignoring ignored: [FileError.Code] = []
  ) throws(FileError) {
    try atOnce(directories) { directory throws(FileError) in
      do throws(FileError) {
        try synchronizeDirectory(directory)
      } catch  where ignored.contains(error.code) {
        return
      }
    }
  }

  /// Removes files. Missing files are not an error. If the file system benefits, files of
  /// different directories are removed at the same time.
  package func removeIfThere(_ files: [FilePath]) throws(FileError) {
    let directories = Dictionary(grouping: files, by: \.parentDirectory).values.map { $0 }
    try atOnce(directories.sorted { $0[0].string < $1[0].string }) { files throws(FileError) in
      for file in files { try removeIfThere(file) }
    }
  }

  private func atOnce<Element: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) throws(FileError) -> Void
  ) throws(FileError) {
    try forEachConcurrently(
      below: elements.count, width: concurrentChanges, name: "storage"
    ) { number throws(FileError) in try body(elements[number]) }
  }

  /// Writes `files` into `directory`, with the same steps for each file as
  /// ``writeDurably(_:to:permissions:)``, but synchronises the directory only once. Each file is
  /// written completely or not at all; after a failure some files may have been written.
  package func writeDurably(
    _ files: [NewFile], in directory: FilePath, permissions: FilePermissions
  ) throws(FileError) {
    guard !files.isEmpty else { return }
    var open: [(file: any OpenFile, temporary: FilePath, path: FilePath)] = []
    do {
      for file in files {
        let temporary = file.path.temporarySibling()
        let created = try createFile(temporary, permissions: permissions)
        open.append((created, temporary, file.path))
        try created.write(file.bytes, at: 0)
      }
      try atOnce(open.map(\.file)) { file throws(FileError) in try file.synchronizeData() }
      while let (file, temporary, path) = open.last {
        file.close()
        try rename(temporary, to: path)
        open.removeLast()
      }
    } catch {
      for (file, temporary, _) in open {
        file.close()
        try? remove(temporary)
      }
      // Files that are already renamed keep their names: other processes may have seen them.
      try? synchronizeDirectory(directory)
      throw error
    }
    try synchronizeDirectory(directory)
  }
}
