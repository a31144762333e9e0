package import SystemPackage

/// A file that is to be written.
package struct NewFile: Sendable {
  package let path: FilePath
  package let bytes: [UInt8]

  package init(path: FilePath, bytes: [UInt8]) { (self.path, self.bytes) = (path, bytes) }
}

extension FileSystem {
  /// Does for each of `files`, which all go to `directory`, what ``writeDurably(_:to:permissions:)`` does
  /// for one, in the same order of steps; the directory is made durable once. Each file is written whole
  /// or not at all; after a failure some may have been.
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
        try file.bytes.span.bytes.withUnsafeBytes { bytes throws(FileError) in
          try created.write(bytes, at: 0)
        }
      }
      for (file, _, _) in open { try file.synchronizeData() }
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
      // What has its name by now must not lose it: others may have seen it.
      try? synchronizeDirectory(directory)
      throw error
    }
    try synchronizeDirectory(directory)
  }
}
